//! The index's tables, and how a connection to it is set up.
//!
//! - Commits are flushed (`synchronous=FULL` on a write-ahead log), so they survive a power cut.
//! - Keys are kept as bytes: they may hold any character, and S3 orders them by their bytes.

use std::fs::OpenOptions;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::data_folder::{DataFolder, private};
use crate::error::ServerError;
use crate::storage::StorageError;

/// The format written here, kept as SQLite's `user_version`.
const FORMAT: i64 = 1;

const FILE: &str = "index.db";

/// Statements are prepared once per connection; there are fewer than this.
const STATEMENTS: usize = 96;

const TABLES: &str = "
CREATE TABLE bucket (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    versioning INTEGER NOT NULL
) STRICT;

-- Every version of every object, delete markers too. The largest id of a key is the current one.
CREATE TABLE version (
    id INTEGER PRIMARY KEY,
    bucket INTEGER NOT NULL,
    key BLOB NOT NULL,
    version TEXT NOT NULL,
    is_current INTEGER NOT NULL,
    is_marker INTEGER NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified INTEGER NOT NULL,
    checksums TEXT,
    headers TEXT NOT NULL,
    part_sizes TEXT
) STRICT;
CREATE UNIQUE INDEX version_by_key ON version (bucket, key, id DESC);
-- All that a listing tells, so that it never reads the table itself.
CREATE INDEX version_listed ON version (bucket, key, size, etag, modified)
    WHERE is_current = 1 AND is_marker = 0;

-- A content is either one row here, or rows in `segment`, or nothing if it is empty.
-- The owner is a version or a part; both take their ids from one sequence.
CREATE TABLE inline (
    owner INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;
CREATE TABLE segment (
    owner INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    blob BLOB NOT NULL,
    start INTEGER NOT NULL,
    length INTEGER NOT NULL,
    PRIMARY KEY (owner, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX segment_by_blob ON segment (blob);

CREATE TABLE upload (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    bucket INTEGER NOT NULL,
    key BLOB NOT NULL,
    initiated INTEGER NOT NULL,
    headers TEXT NOT NULL,
    algorithm TEXT,
    composite INTEGER NOT NULL
) STRICT;
CREATE INDEX upload_by_key ON upload (bucket, key, id);
CREATE TABLE part (
    upload INTEGER NOT NULL,
    number INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified INTEGER NOT NULL,
    checksums TEXT NOT NULL,
    PRIMARY KEY (upload, number)
) STRICT, WITHOUT ROWID;
";

/// Opens the index for the writer, making or refusing it by its format.
pub(crate) fn open(folder: &DataFolder) -> Result<Connection, ServerError> {
    let refuse = |source: rusqlite::Error| ServerError::Index {
        path: folder.path().to_owned(),
        source: Box::new(source),
    };
    let path = folder.file(FILE);
    // The files that SQLite puts beside it take their mode from this one.
    private(OpenOptions::new().create(true).truncate(false).write(true))
        .open(&path)
        .map_err(|source| ServerError::Data { path: path.clone(), source })?;
    let connection = Connection::open(&path).map_err(refuse)?;
    let format: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(refuse)?;
    if format > FORMAT {
        return Err(ServerError::NewerFormat {
            path: folder.path().to_owned(),
            found: format,
            known: FORMAT,
        });
    }
    prepare(&connection).map_err(refuse)?;
    if format == 0 {
        let create = format!("BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {FORMAT}; COMMIT;");
        connection.execute_batch(&create).map_err(refuse)?;
    }
    Ok(connection)
}

fn prepare(connection: &Connection) -> Result<(), rusqlite::Error> {
    // On macOS a flush only reaches the disk with `fullfsync`; elsewhere that changes nothing.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA checkpoint_fullfsync = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -16000;
         PRAGMA wal_autocheckpoint = 4000;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    keep_statements(connection)
}

/// Has every statement prepared once and not again.
fn keep_statements(connection: &Connection) -> Result<(), rusqlite::Error> {
    // Else each new value bound to a parameter that a partial index might depend on throws the statement's
    // plan away: preparing statements anew was a third of what a small GET cost.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

/// Opens one more connection, for reading only.
pub(crate) fn open_reader(folder: &Path) -> Result<Connection, StorageError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(folder.join(FILE), flags)?;
    connection.execute_batch("PRAGMA cache_size = -4000; PRAGMA temp_store = MEMORY;")?;
    keep_statements(&connection)?;
    Ok(connection)
}
