//! Files that an older version wrote.

use s4_core::digest::Digest;
use s4_core::facts::LocalFact;
use s4_core::key::ObjectKey;
use s4_core::local::{FileId, Fingerprint};
use s4_core::remote::ETag;
use s4_store::store::UploadId;

use super::*;

/// Bytes that text could not hold, the end of strings among them.
const CONTENT: &[u8] = b"\0content\xff";

/// The digest as schema 1 kept it: size, CRC64NVME, MD5, BLAKE3.
fn old_bytes(digest: &Digest) -> Vec<u8> {
    let mut bytes = digest.size.to_le_bytes().to_vec();
    bytes.extend(digest.crc64nvme.to_le_bytes());
    bytes.extend(digest.md5.unwrap());
    bytes.extend(digest.blake3);
    bytes
}

/// A directory with a database of schema 1.
fn first() -> Directory {
    let directory = Directory::new();
    let connection = Connection::open(directory.path()).unwrap();
    connection.execute_batch(include_str!("schema_1.sql")).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA application_id = 0x53346462; PRAGMA user_version = 1;
             INSERT INTO binding VALUES (1, 'https://s3.example', 'bucket', 'p/', 'r');
             INSERT INTO identity VALUES (1, 'me', 5);
             INSERT INTO uploads VALUES ('p/large', 'u');
             INSERT INTO files VALUES
                 (x'6c696e6b', NULL, NULL, 1, NULL, 'target', zeroblob(41), 0, 'e', 0, NULL);
             INSERT INTO decisions VALUES ('a', zeroblob(41), 'e', 2);
             INSERT INTO dirs VALUES (x'64', NULL, 1, NULL, NULL);",
        )
        .unwrap();
    for n in 0..40_u8 {
        let digest = old_bytes(&Digest::of(&[CONTENT, &[n]].concat()));
        connection
            .execute(
                "INSERT INTO files VALUES (?1, NULL, NULL, 0, ?2, NULL, zeroblob(41), 0, 'e', 0, NULL)",
                (format!("f{n}").into_bytes(), &digest),
            )
            .unwrap();
        let new = (format!("n{n}"), digest);
        connection
            .execute("INSERT INTO local_facts VALUES (?1, zeroblob(41), ?2, 7, 1)", new.clone())
            .unwrap();
        connection.execute("INSERT INTO contents VALUES (?1, 'e', ?2, 1)", new).unwrap();
    }
    directory
}

fn fingerprint() -> Fingerprint {
    Fingerprint { size: 0, mtime_ns: 0, ctime_ns: None, birth_ns: None, file_id: FileId(0) }
}

/// Asserts that everything of [`first`] is there.
#[track_caller]
fn check(db: &SqliteDb) {
    use s4_core::baseline::RowContent;
    assert_eq!(db.identity().unwrap(), Some(identity()));
    let Loaded { baseline, facts, .. } = db.load(UnixMillis(1)).unwrap();
    assert_eq!((baseline.files.len(), baseline.dirs.len()), (41, 1));
    for n in 0..40_u8 {
        let digest = Digest::of(&[CONTENT, &[n]].concat());
        let row = baseline.files.get(&RelPath::parse(&format!("f{n}")).unwrap()).unwrap();
        let RowContent::File { digest: found, executable: false } = row.content else { panic!("{row:?}") };
        assert_eq!((found, found.md5), (digest, digest.md5));
        let new = format!("n{n}");
        let fact = LocalFact { fingerprint: fingerprint(), digest, read_time_ns: 7 };
        assert_eq!(facts.local(&DiskPath::new(&*new), &fingerprint()), Some(&fact));
        assert_eq!(facts.content(&ObjectKey::new(&*new), &ETag::new("e")), Some(&digest));
    }
    let link = baseline.files.get(&RelPath::parse("link").unwrap()).unwrap();
    assert_eq!(link.content, RowContent::Symlink { target: "target".into() });
}

/// Returns the tables and indexes, by name.
fn shape(directory: &Directory) -> Vec<(String, Option<String>)> {
    let connection = Connection::open(directory.path()).unwrap();
    let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
    statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_database_of_the_first_schema_becomes_one_of_the_newest() {
    let directory = first();
    let db = directory.opened();
    check(&db);
    let upload = OpenUpload {
        key: ObjectKey::new("p/large"),
        id: UploadId("u".to_owned()),
        source: None,
        begun: UnixMillis(0),
    };
    assert_eq!(db.open_uploads().unwrap(), [upload]);
    assert_eq!((db.open_downloads().unwrap(), db.chunks(&[0; 32]).unwrap()), (vec![], None));
    drop(db);
    assert_eq!(shape(&directory), shape(&Directory::used()));
    check(&directory.opened());
}

#[test]
fn a_reader_sees_a_database_of_the_first_schema_and_leaves_it_as_it_is() {
    let directory = first();
    let before = std::fs::read(directory.path()).unwrap();
    let reader = open_read_only(&directory.path()).unwrap().unwrap();
    check(&reader);
    assert!(reader.standing().unwrap().conflicts.is_empty());
    drop(reader);
    assert_eq!(std::fs::read(directory.path()).unwrap(), before);
    check(&directory.opened());
}

#[test]
fn t67_a_migration_that_is_killed_leaves_the_old_database_whole() {
    let directory = first();
    let mut connection = Connection::open(directory.path()).unwrap();
    // The new tables need more pages than there may be.
    let pages: i64 = connection.query_row("PRAGMA page_count", (), |row| row.get(0)).unwrap();
    connection.query_row(&format!("PRAGMA max_page_count = {pages}"), (), |_| Ok(())).unwrap();
    assert!(migrate::from_first(&mut connection).is_err());
    drop(connection);
    check(&open_read_only(&directory.path()).unwrap().unwrap());
    check(&directory.opened());
}

#[test]
fn t67_what_the_first_schema_never_wrote_is_damage_there_too() {
    let directory = first();
    let connection = Connection::open(directory.path()).unwrap();
    connection.execute("UPDATE files SET digest = zeroblob(48) WHERE path = x'6630'", ()).unwrap();
    drop(connection);
    assert!(matches!(open_read_only(&directory.path()), Err(DbError::Corrupt { .. })));
    let opened = open(&directory.path(), NOW).unwrap();
    assert!(opened.set_aside.is_some());
    assert!(opened.db.load(NOW).unwrap().baseline.is_empty());
}
