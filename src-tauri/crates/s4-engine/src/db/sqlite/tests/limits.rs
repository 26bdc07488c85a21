//! Full disks, and transactions that fail.

use s4_core::plan::{ProblemReason, RowChange};
use s4_core::remote::ETag;

use super::*;

/// A directory row with a name of its own and much to store.
fn row(n: usize) -> RowChange {
    let path = RelPath::parse(&format!("dir/{n:05}/{}", "x".repeat(200))).unwrap();
    let row = s4_core::baseline::DirRow { disk: DiskPath::from(&path), marker: None, kept: true };
    RowChange::Dir(path, row)
}

#[test]
fn t61_a_full_disk_is_told_and_nothing_of_the_batch_is_kept() {
    let directory = Directory::new();
    let db = directory.opened();
    db.set_identity(&identity()).unwrap();
    let pages: i64 = db.lock().connection.query_row("PRAGMA page_count", (), |row| row.get(0)).unwrap();
    let limit = |pages: i64| {
        // SQLite answers as it does when the system has no space left.
        let inner = db.lock();
        inner.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), (), |_| Ok(())).unwrap();
    };
    limit(pages + 4);
    let commit = Commit { rows: (0..500).map(row).collect(), ..Commit::default() };
    assert!(matches!(db.commit(&commit), Err(DbError::Full { .. })));
    assert!(db.load(NOW).unwrap().baseline.is_empty());
    assert_eq!(db.identity().unwrap(), Some(identity()));
    limit(1_000_000);
    db.commit(&commit).unwrap();
    assert_eq!(db.load(NOW).unwrap().baseline.dirs.len(), 500);
}

#[test]
fn what_must_last_is_written_through_whatever_came_before() {
    let directory = Directory::new();
    let db = directory.opened();
    let level =
        || -> i64 { db.lock().connection.query_row("PRAGMA synchronous", (), |row| row.get(0)).unwrap() };
    let fact =
        Learned::Content(s4_core::key::ObjectKey::new("k"), ETag::new("e"), s4_core::digest::Digest::of(b""));
    db.learn(std::slice::from_ref(&fact)).unwrap();
    assert_eq!(level(), 1, "facts are not waited for");
    db.commit(&Commit::default()).unwrap();
    assert_eq!(level(), 2, "rows are");
    db.learn(&[fact]).unwrap();
    db.set_identity(&identity()).unwrap();
    assert_eq!(level(), 2);
    let mode: String = db.lock().connection.query_row("PRAGMA journal_mode", (), |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn a_standing_list_that_is_the_same_is_not_written_again() {
    let directory = Directory::new();
    let db = directory.opened();
    let problem = Problem { subject: "pipe".to_owned(), reason: ProblemReason::Special };
    let changes =
        || -> i64 { db.lock().connection.query_row("SELECT total_changes()", (), |row| row.get(0)).unwrap() };
    db.set_standing(&[], std::slice::from_ref(&problem)).unwrap();
    let before = changes();
    db.set_standing(&[], std::slice::from_ref(&problem)).unwrap();
    assert_eq!(changes(), before);
    db.set_standing(&[], &[]).unwrap();
    assert!(db.standing().unwrap().problems.is_empty());
}
