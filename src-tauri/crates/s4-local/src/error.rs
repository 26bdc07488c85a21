//! What can go wrong on a disk, typed.
//!
//! - Callers decide by [`DiskErrorKind`]; the system's words are for people and are never parsed.
//! - Every error names the operation and the path, relative to the root.

use s4_core::path::DiskPath;

/// One operation on one path failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("can't {operation} `{path}`: {words}")]
pub struct DiskError {
    /// What went wrong.
    pub kind: DiskErrorKind,
    /// What was tried, as a verb phrase: "read", "rename".
    pub operation: &'static str,
    /// Where, relative to the root; empty for the root itself.
    pub path: DiskPath,
    /// The system's words, or ours where the system said nothing.
    pub words: Box<str>,
}

/// What went wrong, as far as anyone decides by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DiskErrorKind {
    /// Nothing stands there.
    Missing,
    /// Something stands where nothing may.
    Occupied,
    /// What stands there is not what was expected; it was left alone.
    Changed,
    /// A part of the path is no directory, or the entry is none.
    NotADirectory,
    /// The entry is a directory, or of another kind that the operation does not work on.
    WrongKind,
    /// A part of the path is a symbolic link; links are never followed.
    ThroughLink,
    /// The directory holds entries.
    NotEmpty,
    /// Permission was refused.
    Denied,
    /// The disk or the quota is full.
    NoSpace,
    /// The file system is mounted read-only.
    ReadOnly,
    /// Another program holds it; later it may work.
    Busy,
    /// The disk cannot hold such a name: too long, or an illegal character.
    BadName,
    /// The two paths lie on different file systems.
    CrossDevice,
    /// The disk cannot do this at all (exchange, hard links, symbolic links).
    Unsupported,
    /// A test stopped the world at this point; nothing works until it starts again.
    Crashed,
    /// Anything else, for instance an I/O error.
    Other,
}

impl DiskError {
    /// Returns the error of `operation` on `path`.
    pub fn new(
        kind: DiskErrorKind,
        operation: &'static str,
        path: &DiskPath,
        words: impl Into<Box<str>>,
    ) -> Self {
        Self { kind, operation, path: path.clone(), words: words.into() }
    }

    /// Returns the error of `operation` on `path` for what the system said.
    pub(crate) fn from_io(error: &std::io::Error, operation: &'static str, path: &DiskPath) -> Self {
        Self::new(kind_of(error.kind()), operation, path, error.to_string())
    }
}

/// Returns the kind for what the standard library made of the system's code.
fn kind_of(kind: std::io::ErrorKind) -> DiskErrorKind {
    use std::io::ErrorKind;
    match kind {
        ErrorKind::NotFound => DiskErrorKind::Missing,
        ErrorKind::AlreadyExists => DiskErrorKind::Occupied,
        ErrorKind::NotADirectory => DiskErrorKind::NotADirectory,
        ErrorKind::IsADirectory => DiskErrorKind::WrongKind,
        ErrorKind::DirectoryNotEmpty => DiskErrorKind::NotEmpty,
        ErrorKind::PermissionDenied => DiskErrorKind::Denied,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => DiskErrorKind::NoSpace,
        ErrorKind::ReadOnlyFilesystem => DiskErrorKind::ReadOnly,
        ErrorKind::ResourceBusy | ErrorKind::ExecutableFileBusy => DiskErrorKind::Busy,
        ErrorKind::InvalidFilename => DiskErrorKind::BadName,
        ErrorKind::CrossesDevices => DiskErrorKind::CrossDevice,
        ErrorKind::Unsupported => DiskErrorKind::Unsupported,
        // The standard library's list is open; what is not named above decides nothing.
        _ => DiskErrorKind::Other,
    }
}
