//! Why a whole target could not be synced. It mends itself or says what to do; it never asks for a resync.

use std::path::PathBuf;

use s4_core::rules::RuleError;
use s4_local::error::{DiskError, DiskErrorKind};
use s4_store::error::StoreError;

use crate::db::DbError;
use crate::identity::{IdentityError, RecordError};
use crate::lock::LockError;

/// Why a target could not be synced. Nothing was lost; what was done before stands.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// There is no folder.
    #[error("the folder `{}` does not exist", folder.display())]
    FolderMissing {
        /// The folder.
        folder: PathBuf,
    },
    /// Something else is where the folder should be.
    #[error("`{}` is not a folder", folder.display())]
    NotAFolder {
        /// The path.
        folder: PathBuf,
    },
    /// The folder cannot be looked at.
    #[error("can't read the folder `{}`: {source}", folder.display())]
    FolderUnreadable {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The directory of the database cannot be made.
    #[error("can't create `{}`: {source}", path.display())]
    StateDirectory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It cannot be told whose folder this is; or it is not the one that was synced before.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The records outside the folder cannot be used.
    #[error(transparent)]
    Records(#[from] RecordError),
    /// Another run holds the folder, or it cannot be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A file of rules cannot be read, or is wrong: without it files might be uploaded that must not be.
    #[error("can't read the rules in `{file}`: {why}")]
    RulesUnreadable {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
    /// A line is no rule.
    #[error(transparent)]
    Rules(#[from] RuleError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk cannot be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] DbError),
    /// A part of the program stopped unexpectedly; nothing is lost, the next run goes on.
    #[error("an internal task stopped unexpectedly: {0}")]
    Internal(String),
}

/// Returns whether a failure of the disk concerns the whole target.
pub(crate) fn concerns_whole_disk(error: &DiskError) -> bool {
    match error.kind {
        DiskErrorKind::NoSpace | DiskErrorKind::ReadOnly | DiskErrorKind::Crashed => true,
        DiskErrorKind::Missing
        | DiskErrorKind::Occupied
        | DiskErrorKind::Changed
        | DiskErrorKind::NotADirectory
        | DiskErrorKind::WrongKind
        | DiskErrorKind::ThroughLink
        | DiskErrorKind::NotEmpty
        | DiskErrorKind::Denied
        | DiskErrorKind::Busy
        | DiskErrorKind::BadName
        | DiskErrorKind::CrossDevice
        | DiskErrorKind::Unsupported
        | DiskErrorKind::Other => false,
    }
}
