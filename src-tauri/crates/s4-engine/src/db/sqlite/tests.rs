mod damage;
mod limits;
mod migration;

use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::db::DbError;
use crate::db::contract::{self, Place};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

/// A directory with a database in it.
struct Directory(TempDir);

impl Directory {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A directory with a database that holds an identity.
    fn used() -> Self {
        let directory = Self::new();
        directory.opened().set_identity(&identity()).unwrap();
        directory
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("state.db")
    }

    #[track_caller]
    fn opened(&self) -> SqliteDb {
        let opened = open(&self.path(), NOW).unwrap();
        assert_eq!(opened.set_aside, None);
        opened.db
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Place for Directory {
    fn open(&self) -> Arc<dyn StateDb> {
        Arc::new(self.opened())
    }
}

fn identity() -> Identity {
    Identity { replica_id: "me".to_owned(), generation: 5 }
}

/// Copies the database and its log as they are on the disk now: what a killed process leaves.
fn killed(directory: &Directory) -> Directory {
    let left = Directory::new();
    for name in directory.names() {
        if !name.ends_with("-shm") {
            std::fs::copy(directory.0.path().join(&name), left.0.path().join(&name)).unwrap();
        }
    }
    left
}

#[test]
fn it_keeps_the_contract() {
    contract::all(&|| Box::new(Directory::new()));
}

#[test]
fn a_run_that_ends_leaves_one_file_and_a_killed_one_loses_nothing() {
    let directory = Directory::new();
    let db = directory.opened();
    db.set_identity(&identity()).unwrap();
    let left = killed(&directory);
    drop(db);
    assert_eq!(directory.names(), ["state.db"]);

    assert_eq!(left.names(), ["state.db", "state.db-wal"]);
    assert_eq!(left.opened().identity().unwrap(), Some(identity()));
}

#[test]
fn others_may_read_while_one_writes() {
    let directory = Directory::new();
    assert!(open_read_only(&directory.path()).unwrap().is_none());
    assert_eq!(directory.names(), Vec::<String>::new(), "asking makes nothing");
    std::fs::write(directory.path(), "").unwrap();
    assert!(open_read_only(&directory.path()).unwrap().is_none());

    let writer = directory.opened();
    let reader = open_read_only(&directory.path()).unwrap().unwrap();
    assert_eq!(reader.identity().unwrap(), None);
    writer.set_identity(&identity()).unwrap();
    assert_eq!(reader.identity().unwrap(), Some(identity()));
    reader.load(NOW).unwrap();
    assert!(matches!(reader.set_identity(&identity()), Err(DbError::Failed { .. })));
    drop((writer, reader));
    assert_eq!(open_read_only(&directory.path()).unwrap().unwrap().identity().unwrap(), Some(identity()));
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let directory = Directory::new();
    let db = directory.opened();
    db.set_identity(&identity()).unwrap();
    for name in directory.names() {
        assert_eq!(mode(&directory.0.path().join(&name)), 0o600, "{name}");
    }
    drop(db);
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    drop(directory.opened());
    assert_eq!(mode(&directory.path()), 0o600);
}

#[test]
fn intents_of_the_disk_layer_are_kept_here() {
    use s4_local::intent::{Expected, IntentKind, Intents as _};
    let intent = Intent {
        path: DiskPath::new("a"),
        parked_at: DiskPath::new("b"),
        expected: Expected::Dir(s4_core::local::FileId(1)),
        kind: IntentKind::Remove,
    };
    let directory = Directory::new();
    let db = directory.open();
    let id = crate::db::intents::DbIntents::new(db.clone()).record(&intent).unwrap();
    assert_eq!(db.intents().unwrap(), [(id, intent)]);
}
