use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::db::contract::{self, Place};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

struct Directory(TempDir);

impl Place for Directory {
    fn open(&self) -> Arc<dyn StateDb> {
        let opened = open(&self.0.path().join("state.db"), NOW).unwrap();
        assert_eq!(opened.set_aside, None);
        Arc::new(opened.db)
    }
}

#[test]
fn it_keeps_the_contract() {
    contract::all(&|| Box::new(Directory(tempfile::tempdir().unwrap())));
}
