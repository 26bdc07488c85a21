//! Resolving a path below the root, part by part, following nothing.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use s4_core::path::DiskPath;

use super::super::system;
use crate::error::{DiskError, DiskErrorKind};

/// A resolved directory, and the name of an entry in it.
pub(super) struct Place<'a> {
    pub(super) directory: Directory<'a>,
    /// The name; empty for the directory itself.
    pub(super) name: &'a str,
}

/// The root, or a directory below it.
pub(super) enum Directory<'a> {
    Root(BorrowedFd<'a>),
    Below(OwnedFd),
}

impl AsFd for Directory<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Root(fd) => fd.as_fd(),
            Self::Below(fd) => fd.as_fd(),
        }
    }
}

impl<'a> Place<'a> {
    /// Resolves all of `path` but its last part.
    pub(super) fn of(root: BorrowedFd<'a>, path: &'a DiskPath) -> Result<Self, Errno> {
        let text = path.as_str();
        if text.is_empty() {
            return Ok(Self { directory: Directory::Root(root), name: "" });
        }
        // What is no plain part would leave the root or name another entry: refused, whatever made it.
        if text.contains('\0') || text.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(Errno::ILSEQ);
        }
        match text.rsplit_once('/') {
            None => Ok(Self { directory: Directory::Root(root), name: text }),
            Some((parent, name)) => {
                let directory = Directory::Below(system::open_path(root, parent)?);
                Ok(Self { directory, name })
            }
        }
    }

    /// Returns the name for calls that know no empty name.
    pub(super) fn name_or_dot(&self) -> &str {
        if self.name.is_empty() { "." } else { self.name }
    }
}

/// Returns the error for what the system said.
pub(super) fn failure(errno: Errno, operation: &'static str, path: &DiskPath) -> DiskError {
    let error = std::io::Error::from(errno);
    let kind = match errno {
        Errno::LOOP => DiskErrorKind::ThroughLink,
        Errno::ILSEQ => DiskErrorKind::BadName,
        Errno::INVAL if operation.starts_with("create") => DiskErrorKind::BadName,
        _ if is_unsupported(errno) => DiskErrorKind::Unsupported,
        Errno::TXTBSY => DiskErrorKind::Busy,
        _ => return DiskError::from_io(&error, operation, path),
    };
    DiskError::new(kind, operation, path, error.to_string())
}

/// Returns whether the file system said that it cannot do this; some systems have two codes for it.
pub(super) fn is_unsupported(errno: Errno) -> bool {
    errno == Errno::OPNOTSUPP || errno == Errno::NOTSUP || errno == Errno::NOSYS
}
