//! What went wrong in SQLite, sorted by what a caller does about it.

use std::path::Path;

use rusqlite::{ErrorCode, ffi};

use crate::db::DbError;

/// The result of a step within one transaction.
pub(super) type Found<T> = Result<T, Fault>;

/// Why a step failed, before the file is named.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite said so.
    Sqlite(rusqlite::Error),
    /// Something in the file is not what was written there.
    Damaged(String),
}

impl Fault {
    /// Returns damage in `what`.
    pub(super) fn damaged(what: &str) -> Self {
        Self::Damaged(format!("{what} cannot be read"))
    }

    /// Returns the error for the file at `path`.
    pub(super) fn at(self, path: &Path) -> DbError {
        let path = path.to_owned();
        match self {
            Self::Damaged(message) => DbError::Corrupt { path, message },
            Self::Sqlite(error) if is_damage(&error) => DbError::Corrupt { path, message: error.to_string() },
            Self::Sqlite(error) if is_full(&error) => DbError::Full { path },
            Self::Sqlite(error) => DbError::Failed { path, message: error.to_string() },
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// A value of another type than the column was written with: the tables are strict, so only damage does that.
impl From<rusqlite::types::FromSqlError> for Fault {
    fn from(error: rusqlite::types::FromSqlError) -> Self {
        Self::Damaged(error.to_string())
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
    ) || matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// A full disk shows as two codes: the second when the index of the log, which is mapped memory, cannot grow.
fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
        || error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_SHMSIZE)
}
