//! The tables, and the single rows that say whose they are.
//!
//! - `u64` values are kept as the `i64` with the same bits; times before 1970 are negative.
//! - Paths of rows are blobs in which a NUL stands for the slash: their bytes then order as paths do, so a load is
//!   one pass from the first row to the last with nothing to sort.
//! - A column that would repeat the path (`disk`, `key`) is NULL instead.

use rusqlite::{Connection, OptionalExtension as _, Transaction};

use super::fault::{Fault, Found};
use crate::db::{Binding, Identity};

/// The newest schema that this program knows.
pub(super) const SCHEMA: i64 = 2;
/// Marks the file as ours: "S4db".
pub(super) const APPLICATION_ID: i32 = 0x5334_6462;

/// The tables that are as the first version made them.
const TABLES: &str = "
CREATE TABLE binding (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    endpoint TEXT NOT NULL, bucket TEXT NOT NULL, prefix TEXT NOT NULL, root_id TEXT NOT NULL
) STRICT;
CREATE TABLE identity (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    replica_id TEXT NOT NULL, generation INTEGER NOT NULL
) STRICT;
CREATE TABLE files (
    path BLOB PRIMARY KEY, disk TEXT, key TEXT, flags INTEGER NOT NULL, digest BLOB, target TEXT,
    fingerprint BLOB NOT NULL, read_time INTEGER NOT NULL, etag TEXT NOT NULL, last_modified INTEGER NOT NULL,
    version_id TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE dirs (
    path BLOB PRIMARY KEY, disk TEXT, kept INTEGER NOT NULL, marker_key TEXT, marker_etag TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE local_facts (
    disk TEXT PRIMARY KEY, fingerprint BLOB NOT NULL, digest BLOB NOT NULL, read_time INTEGER NOT NULL,
    learned INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE heads (
    key TEXT PRIMARY KEY, listed INTEGER NOT NULL, etag TEXT NOT NULL, last_modified INTEGER NOT NULL,
    size INTEGER NOT NULL, version_id TEXT, crc64nvme INTEGER, flags INTEGER NOT NULL, mtime INTEGER,
    base TEXT NOT NULL, learned INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE contents (
    key TEXT PRIMARY KEY, etag TEXT NOT NULL, digest BLOB NOT NULL, learned INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE decisions (
    path TEXT PRIMARY KEY, fingerprint BLOB NOT NULL, etag TEXT NOT NULL, keep INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE intents (
    id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL, parked_at TEXT NOT NULL,
    expected_entry BLOB, expected_dir INTEGER, kind INTEGER NOT NULL,
    staged_at TEXT, staged_fingerprint BLOB, other TEXT
) STRICT;
CREATE TABLE trashed (
    place TEXT PRIMARY KEY, original TEXT NOT NULL, fingerprint BLOB, at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE deletions (
    side INTEGER PRIMARY KEY, last INTEGER NOT NULL, count INTEGER NOT NULL, tree_then INTEGER NOT NULL
) STRICT;
CREATE TABLE activity (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, path TEXT NOT NULL, kind INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;
CREATE TABLE conflicts (
    position INTEGER PRIMARY KEY, path TEXT NOT NULL, disk TEXT NOT NULL,
    kind INTEGER NOT NULL, fingerprint BLOB, flag INTEGER NOT NULL, words TEXT,
    key TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, last_modified INTEGER NOT NULL
) STRICT;
CREATE TABLE problems (
    position INTEGER PRIMARY KEY, subject TEXT NOT NULL, reason TEXT NOT NULL
) STRICT;
";

/// The tables that came, or became what they are, with schema 2.
const LATER_TABLES: &str = "
CREATE TABLE uploads (
    key TEXT NOT NULL, id TEXT NOT NULL, begun INTEGER NOT NULL, disk TEXT, fingerprint BLOB, replaces TEXT,
    part_bytes INTEGER, PRIMARY KEY (key, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE downloads (
    partial TEXT PRIMARY KEY, disk TEXT NOT NULL, key TEXT NOT NULL, etag TEXT NOT NULL, durable INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE chunks (
    blake3 BLOB PRIMARY KEY, list BLOB NOT NULL
) STRICT;
";

/// What a file holds.
pub(super) enum Content {
    /// Nothing yet.
    Nothing,
    /// Our tables.
    Ours,
    /// Our tables as the first version made them.
    First,
    /// Our tables as a newer version made them.
    Newer(i64),
}

/// Returns what the file holds; something of another program is damage.
pub(super) fn content(connection: &Connection) -> Found<Content> {
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    let application: i32 = connection.query_row("PRAGMA application_id", (), |row| row.get(0))?;
    let version: i64 = connection.query_row("PRAGMA user_version", (), |row| row.get(0))?;
    match (application, version) {
        (0, 0) if tables == 0 => Ok(Content::Nothing),
        (APPLICATION_ID, SCHEMA) => Ok(Content::Ours),
        (APPLICATION_ID, 1) => Ok(Content::First),
        (APPLICATION_ID, newer) if newer > SCHEMA => Ok(Content::Newer(newer)),
        _ => Err(Fault::Damaged("it is a database, but none of S4's".to_owned())),
    }
}

/// Creates all tables.
pub(super) fn create(transaction: &Transaction<'_>) -> Found<()> {
    transaction.execute_batch(TABLES)?;
    create_later_tables(transaction)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA)?;
    Ok(())
}

/// Creates the tables that the first version did not have in this form.
pub(super) fn create_later_tables(transaction: &Transaction<'_>) -> Found<()> {
    Ok(transaction.execute_batch(LATER_TABLES)?)
}

/// Returns what the rows belong to.
pub(super) fn binding(connection: &Connection) -> Found<Option<Binding>> {
    let found = connection.query_row("SELECT endpoint, bucket, prefix, root_id FROM binding", (), |row| {
        Ok(Binding { endpoint: row.get(0)?, bucket: row.get(1)?, prefix: row.get(2)?, root_id: row.get(3)? })
    });
    Ok(found.optional()?)
}

/// Records what the rows belong to.
pub(super) fn set_binding(transaction: &Transaction<'_>, binding: &Binding) -> Found<()> {
    let Binding { endpoint, bucket, prefix, root_id } = binding;
    transaction.execute(
        "REPLACE INTO binding (only, endpoint, bucket, prefix, root_id) VALUES (1, ?1, ?2, ?3, ?4)",
        (endpoint, bucket, prefix, root_id),
    )?;
    Ok(())
}

/// Returns which replica this is.
pub(super) fn identity(connection: &Connection) -> Found<Option<Identity>> {
    let found = connection.query_row("SELECT replica_id, generation FROM identity", (), |row| {
        Ok(Identity { replica_id: row.get(0)?, generation: row.get::<_, i64>(1)?.cast_unsigned() })
    });
    Ok(found.optional()?)
}

/// Records which replica this is.
pub(super) fn set_identity(transaction: &Transaction<'_>, identity: &Identity) -> Found<()> {
    transaction.execute(
        "REPLACE INTO identity (only, replica_id, generation) VALUES (1, ?1, ?2)",
        (&identity.replica_id, identity.generation.cast_signed()),
    )?;
    Ok(())
}
