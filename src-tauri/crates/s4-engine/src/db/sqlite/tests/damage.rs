//! Files that are not what they should be.

use std::fs;

use super::*;

/// Opens a damaged database and checks that it lies aside, as it was, and that a new one took its place.
#[track_caller]
fn assert_set_aside(directory: &Directory) -> PathBuf {
    let before = fs::read(directory.path()).unwrap();
    let opened = open(&directory.path(), NOW).unwrap();
    let aside = opened.set_aside.unwrap();
    assert_eq!(fs::read(&aside).unwrap(), before, "nothing was written to it");
    assert_eq!(opened.db.identity().unwrap(), None);
    opened.db.set_identity(&identity()).unwrap();
    drop(opened.db);
    assert_eq!(directory.opened().identity().unwrap(), Some(identity()), "the new one is good");
    aside
}

/// Changes the database with SQLite itself.
fn alter(directory: &Directory, statements: &str) {
    Connection::open(directory.path()).unwrap().execute_batch(statements).unwrap();
}

#[test]
fn t67_what_is_no_database_is_set_aside_under_a_free_name() {
    let directory = Directory::new();
    for n in 0..3 {
        fs::write(directory.path(), "not a database, but long enough to be taken for one".repeat(99))
            .unwrap();
        let aside = assert_set_aside(&directory);
        let expected = format!("state.db.damaged-{}", NOW.0 + n);
        assert_eq!(aside.file_name().unwrap().to_str(), Some(expected.as_str()));
    }
}

#[test]
fn t67_a_database_of_another_program_is_set_aside() {
    let directory = Directory::new();
    alter(&directory, "CREATE TABLE other (x); PRAGMA user_version = 1;");
    assert_set_aside(&directory);

    let directory = Directory::used();
    alter(&directory, "PRAGMA user_version = -1;");
    assert_set_aside(&directory);
}

#[test]
fn t67_a_damaged_header_is_noticed_at_once() {
    let directory = Directory::used();
    let mut bytes = fs::read(directory.path()).unwrap();
    bytes[100..4096].fill(0xff);
    fs::write(directory.path(), bytes).unwrap();
    assert_set_aside(&directory);
}

#[test]
fn t67_a_page_that_a_power_cut_took_is_noticed_when_a_log_was_left() {
    let directory = Directory::used();
    let db = directory.opened();
    db.set_identity(&identity()).unwrap();
    let left = killed(&directory);
    let mut bytes = fs::read(left.path()).unwrap();
    // Every page but those in the log is gone.
    bytes[4096..].fill(0);
    fs::write(left.path(), &bytes).unwrap();
    let log = fs::read(left.0.path().join("state.db-wal")).unwrap();
    let aside = assert_set_aside(&left);
    let mut log_aside = aside.into_os_string();
    log_aside.push("-wal");
    assert_eq!(fs::read(log_aside).unwrap(), log, "the log lies beside it");
}

#[test]
fn t67_a_log_without_its_database_is_kept() {
    let directory = Directory::used();
    let db = directory.opened();
    db.set_identity(&identity()).unwrap();
    let left = killed(&directory);
    fs::remove_file(left.path()).unwrap();
    let opened = open(&left.path(), NOW).unwrap();
    let aside = opened.set_aside.unwrap();
    assert!(fs::metadata(left.0.path().join("state.db.damaged-1700000000000-wal")).unwrap().len() > 0);
    assert!(aside.ends_with("state.db.damaged-1700000000000"));
}

#[test]
fn t67_a_row_that_does_not_decode_is_damage_and_the_database_can_be_set_aside() {
    let rows = [
        "INSERT INTO files VALUES (x'61', NULL, 'k', 0, zeroblob(64), NULL, zeroblob(40), 0, 'e', 0, NULL)",
        "INSERT INTO files VALUES (x'61', NULL, 'k', 0, zeroblob(63), NULL, zeroblob(41), 0, 'e', 0, NULL)",
        "INSERT INTO files VALUES (x'61', NULL, 'k', 3, zeroblob(64), NULL, zeroblob(41), 0, 'e', 0, NULL)",
        "INSERT INTO files VALUES (x'61', NULL, 'k', 1, NULL, NULL, zeroblob(41), 0, 'e', 0, NULL)",
        "INSERT INTO files VALUES (x'61', NULL, NULL, 0, zeroblob(64), NULL, zeroblob(41), 0, 'e', 0, NULL)",
        "INSERT INTO files VALUES (x'ff', NULL, 'k', 0, zeroblob(64), NULL, zeroblob(41), 0, 'e', 0, NULL)",
        "INSERT INTO files VALUES (x'2e2e0061', NULL, 'k', 0, zeroblob(64), NULL, zeroblob(41), 0, 'e', 0, NULL)",
        "INSERT INTO files VALUES (x'65cc81', NULL, 'k', 0, zeroblob(64), NULL, zeroblob(41), 0, 'e', 0, NULL)",
        "INSERT INTO files VALUES (x'61', NULL, 'k', 16, zeroblob(64), NULL, zeroblob(41), 0, 'e', 0, NULL)",
        "INSERT INTO dirs VALUES (x'61', NULL, 0, 'k', NULL)",
        "INSERT INTO dirs VALUES (x'61', NULL, 2, NULL, NULL)",
        "INSERT INTO decisions VALUES ('a', zeroblob(41), 'e', 9)",
    ];
    for row in rows {
        let directory = Directory::used();
        alter(&directory, row);
        let db = directory.opened();
        assert!(matches!(db.load(NOW), Err(DbError::Corrupt { .. })), "{row}");
        drop(db);
        set_aside(&directory.path(), NOW).unwrap();
        assert_eq!(directory.opened().identity().unwrap(), None);
    }
}

#[test]
fn a_newer_database_is_refused_and_not_written_to() {
    let directory = Directory::used();
    alter(&directory, "CREATE TABLE later (x); PRAGMA user_version = 3;");
    let before = fs::read(directory.path()).unwrap();
    let is_newer = |result: DbResult<()>| matches!(result, Err(DbError::Newer { found: 3, known: 2, .. }));
    assert!(is_newer(open(&directory.path(), NOW).map(drop)));
    assert!(is_newer(open_read_only(&directory.path()).map(drop)));
    assert_eq!(fs::read(directory.path()).unwrap(), before);
    assert!(!directory.names().iter().any(|name| name.contains("damaged")));
}

#[test]
fn a_damaged_database_is_not_set_aside_by_a_reader() {
    let directory = Directory::new();
    fs::write(directory.path(), "x".repeat(5000)).unwrap();
    assert!(matches!(open_read_only(&directory.path()), Err(DbError::Corrupt { .. })));
    assert_eq!(directory.names(), ["state.db"]);
}
