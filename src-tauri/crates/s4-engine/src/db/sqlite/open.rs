//! Opening the file: new, ours, newer, or damaged.
//!
//! - SQLite's own recovery makes a killed run good, so an integrity check after each kill would prove little. But a
//!   log that is left over also tells of a power cut or a pulled drive, on which some disks lose what they
//!   said was written: only then every page is checked. A run that ended in order leaves no log and pays nothing.
//! - Until a file is known to be ours nothing is written to it, and closing it does not move its log into it.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use s4_core::remote::UnixMillis;

use super::fault::{Fault, Found};
use super::schema::{self, Content};
use super::{Access, Inner, SqliteDb, migrate};
use crate::db::{DbError, DbResult};

/// How long a reader may keep us waiting.
const BUSY: Duration = Duration::from_secs(5);
/// Enough for every statement.
const STATEMENTS: usize = 64;

/// A database, and what became of the one before.
pub struct Opened {
    /// The database.
    pub db: SqliteDb,
    /// Where the damaged one lies now, if there was one. Then this one is new: the next run deletes nothing.
    pub set_aside: Option<PathBuf>,
}

/// Opens the database at `path`, whose directory exists; makes a new one where there is none, or a damaged one.
///
/// `now` names what is set aside. The caller holds the folder's lock.
pub fn open(path: &Path, now: UnixMillis) -> DbResult<Opened> {
    match connect(path) {
        Ok(db) => Ok(Opened { db, set_aside: None }),
        Err(DbError::Corrupt { message, .. }) => {
            let aside = set_aside(path, now)?;
            tracing::warn!(path = %path.display(), aside = %aside.display(), message, "the database is damaged");
            Ok(Opened { db: connect(path)?, set_aside: Some(aside) })
        }
        Err(error) => Err(error),
    }
}

/// Opens the database at `path` for reading while another process may write to it; `None` if there is none.
pub fn open_read_only(path: &Path) -> DbResult<Option<SqliteDb>> {
    if length(path) == 0 {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = || {
        let connection = connection(path, flags)?;
        schema::content(&connection).map(|content| (connection, content))
    };
    match opened().map_err(|fault| fault.at(path))? {
        (_, Content::Nothing) => Ok(None),
        (_, Content::Newer(found)) => Err(newer(path, found)),
        (connection, Content::Ours) => handle(path, connection, Access::ReadOnly).map(Some),
        (connection, Content::First) => {
            migrate::read_as_new(&connection).map_err(|fault| fault.at(path))?;
            handle(path, connection, Access::ReadOnly).map(Some)
        }
    }
}

/// Renames a damaged database, with its log, and returns where it is now. Nothing may have it open.
///
/// For a database that turns out to be damaged after it was opened: drop it, set it aside, open again.
pub fn set_aside(path: &Path, now: UnixMillis) -> DbResult<PathBuf> {
    let failed =
        |error: std::io::Error| DbError::Failed { path: path.to_owned(), message: error.to_string() };
    let mut number = now.0;
    let mut aside = beside(path, &format!(".damaged-{number}"));
    while fs::symlink_metadata(&aside).is_ok() {
        number += 1;
        aside = beside(path, &format!(".damaged-{number}"));
    }
    for suffix in ["", "-wal", "-shm"] {
        match fs::rename(beside(path, suffix), beside(&aside, suffix)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
    }
    sync_directory_of(path).map_err(failed)?;
    Ok(aside)
}

fn connect(path: &Path) -> DbResult<SqliteDb> {
    let fails = |fault: Fault| fault.at(path);
    let failed =
        |error: std::io::Error| DbError::Failed { path: path.to_owned(), message: error.to_string() };
    let log_is_left = length(&beside(path, "-wal")) > 0;
    if log_is_left && length(path) == 0 {
        // SQLite would remove a log without its database: the rest of one that was being set aside.
        return Err(Fault::Damaged("its log is there without it".to_owned()).at(path));
    }
    create_private(path).map_err(failed)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = connection(path, flags).map_err(fails)?;
    let content = schema::content(&connection).map_err(fails)?;
    if log_is_left && matches!(content, Content::Ours | Content::First) {
        check(&connection).map_err(fails)?;
    }
    match content {
        Content::Newer(found) => return Err(newer(path, found)),
        Content::Ours => {}
        Content::First => migrate::from_first(&mut connection).map_err(fails)?,
        Content::Nothing => {
            create(&mut connection).map_err(fails)?;
            sync_directory_of(path).map_err(failed)?;
        }
    }
    make_private(path);
    configure(&connection).map_err(fails)?;
    handle(path, connection, Access::ReadWrite)
}

fn handle(path: &Path, connection: Connection, access: Access) -> DbResult<SqliteDb> {
    let prefix = schema::binding(&connection).map_err(|fault| fault.at(path))?.map(|binding| binding.prefix);
    let inner = Inner { connection, access, durability: None, prefix, clock: UnixMillis(0), commits: 0 };
    Ok(SqliteDb { path: path.to_owned(), inner: Mutex::new(inner) })
}

fn connection(path: &Path, flags: OpenFlags) -> Found<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

fn check(connection: &Connection) -> Found<()> {
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(Fault::Damaged(verdict)) }
}

fn create(connection: &mut Connection) -> Found<()> {
    write_ahead(connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let transaction = connection.transaction()?;
    schema::create(&transaction)?;
    transaction.commit()?;
    Ok(())
}

fn configure(connection: &Connection) -> Found<()> {
    write_ahead(connection)?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // macOS: fsync alone does not reach the medium. https://www.sqlite.org/pragma.html#pragma_fullfsync
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

/// Asks for a write-ahead log. Some network file systems refuse, and keep a rollback journal, which is as safe.
fn write_ahead(connection: &Connection) -> Found<()> {
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0))?;
    if mode != "wal" {
        tracing::warn!(mode, "no write-ahead log on this file system");
    }
    Ok(())
}

fn newer(path: &Path, found: i64) -> DbError {
    DbError::Newer { path: path.to_owned(), found, known: schema::SCHEMA }
}

/// Returns the length of a file, 0 if there is none.
fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Returns the path that differs from `path` by a suffix, as SQLite names its log.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Creates the file where there is none; SQLite gives its log and index the same permissions.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Takes from others what a copy of the file may have given them. Some file systems have no permissions.
#[cfg(unix)]
fn make_private(path: &Path) {
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    if let Err(error) = fs::set_permissions(path, permissions) {
        tracing::warn!(path = %path.display(), %error, "the permissions of the database stay as they are");
    }
}

/// Windows: the file has the rights of its directory.
#[cfg(not(unix))]
fn make_private(_path: &Path) {}

#[cfg(unix)]
fn sync_directory_of(path: &Path) -> std::io::Result<()> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    fs::File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

/// Windows has no such call: its renames are written through the file system's own journal.
#[cfg(not(unix))]
fn sync_directory_of(_path: &Path) -> std::io::Result<()> {
    Ok(())
}
