//! Resolving a path below the root, and holding it still while a step runs.

use std::fs::{File, OpenOptions};
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use s4_core::path::DiskPath;
use windows_sys::Win32::Storage::FileSystem as win;

use super::system::{failure, stat_of};
use crate::disk::{DiskResult, Kind};
use crate::error::{DiskError, DiskErrorKind};

/// Others may do anything with what we have open.
pub(super) const SHARE_ALL: u32 = win::FILE_SHARE_READ | win::FILE_SHARE_WRITE | win::FILE_SHARE_DELETE;

/// A path whose directories cannot be renamed, deleted or replaced by links until this is dropped.
pub(super) struct Guarded {
    pub(super) path: PathBuf,
    _held: Vec<File>,
}

impl Guarded {
    /// Opens every directory above `path` and checks that it is one.
    pub(super) fn of(root: &Path, operation: &'static str, path: &DiskPath) -> DiskResult<Self> {
        let mut reached = root.to_owned();
        let mut held = Vec::new();
        if path.as_str().is_empty() {
            return Ok(Self { path: reached, _held: held });
        }
        let mut parts = path.as_str().split('/').peekable();
        while let Some(part) = parts.next() {
            // `\` would be a second part, `:` a stream of another entry; verbatim paths know no `.` and `..`.
            if matches!(part, "" | "." | "..") || part.contains(['\\', ':', '\0']) {
                let words = "not a plain path";
                return Err(DiskError::new(DiskErrorKind::BadName, operation, path, words));
            }
            reached.push(part);
            if parts.peek().is_some() {
                held.push(hold(&reached, operation, path)?);
            }
        }
        Ok(Self { path: reached, _held: held })
    }
}

/// Opens a directory, not what it may link to, so that nobody can rename or delete it meanwhile.
fn hold(directory: &Path, operation: &'static str, path: &DiskPath) -> DiskResult<File> {
    let fail = |error: std::io::Error| failure(&error, operation, path);
    let opened = OpenOptions::new()
        // The right to list is what makes the system honour the sharing mode.
        .access_mode(win::FILE_LIST_DIRECTORY)
        .share_mode(win::FILE_SHARE_READ | win::FILE_SHARE_WRITE)
        .custom_flags(win::FILE_FLAG_BACKUP_SEMANTICS | win::FILE_FLAG_OPEN_REPARSE_POINT)
        .open(directory)
        .map_err(fail)?;
    let refused = |kind, words: &str| Err(DiskError::new(kind, operation, path, words));
    match stat_of(&opened).map_err(fail)?.kind {
        Kind::Dir => Ok(opened),
        Kind::Symlink => refused(DiskErrorKind::ThroughLink, "a part of the path is a link"),
        Kind::File | Kind::Special => refused(DiskErrorKind::NotADirectory, "a part is no directory"),
    }
}
