use super::*;
use crate::db::contract::{self, Place};

impl Place for MemoryDb {
    fn open(&self) -> Arc<dyn StateDb> {
        Arc::new(self.clone())
    }
}

#[test]
fn it_keeps_the_contract() {
    contract::all(&|| Box::new(MemoryDb::new()));
}

#[test]
fn a_refused_write_changes_nothing() {
    let db = MemoryDb::new();
    db.refuse_writes(1, 1);
    db.set_identity(&Identity { generation: 0, ..identity() }).unwrap();
    assert!(matches!(db.set_identity(&identity()), Err(DbError::Full { .. })));
    assert_eq!(db.identity().unwrap().unwrap().generation, 0);
    db.set_identity(&identity()).unwrap();
    assert_eq!(db.identity().unwrap(), Some(identity()));
}

#[test]
fn a_power_cut_takes_facts_that_no_durable_write_followed() {
    let db = MemoryDb::new();
    let fact = |key: &str| Learned::Content(ObjectKey::new(key), ETag::new("e"), Digest::of(b""));
    let knows = |key: &str| {
        let facts = db.load(UnixMillis(0)).unwrap().facts;
        facts.content(&ObjectKey::new(key), &ETag::new("e")).is_some()
    };
    db.learn(&[fact("a")]).unwrap();
    db.set_identity(&identity()).unwrap();
    db.learn(&[fact("b")]).unwrap();
    assert!(knows("a") && knows("b"));
    db.cut_power();
    assert!(knows("a") && !knows("b"));
    assert_eq!(db.identity().unwrap(), Some(identity()));
}

#[test]
fn a_power_cut_brings_back_a_transfer_that_ended_but_none_that_did_not_begin() {
    let db = MemoryDb::new();
    let download = |partial: &str| OpenDownload {
        partial: partial.to_owned(),
        disk: DiskPath::new("a"),
        key: ObjectKey::new("a"),
        etag: ETag::new("e"),
        durable: 0,
    };
    db.record_download(&download("1")).unwrap();
    db.learn_chunks(&[([1; 32], Chunks::default())]).unwrap();
    db.record_download(&download("2")).unwrap();
    db.end_download("1").unwrap();
    db.learn_chunks(&[([2; 32], Chunks::default())]).unwrap();
    assert_eq!(db.open_downloads().unwrap(), [download("2")]);
    db.cut_power();
    assert_eq!(db.open_downloads().unwrap(), [download("1"), download("2")]);
    assert_eq!(db.chunks(&[1; 32]).unwrap(), Some(Chunks::default()), "a durable write carried it along");
    assert_eq!(db.chunks(&[2; 32]).unwrap(), None);
}

fn identity() -> Identity {
    Identity { replica_id: "me".to_owned(), generation: 1 }
}
