//! The Baseline: what disk and bucket both were when they last agreed.
//!
//! - A row holds what was transferred or compared, never what was found afterwards.
//! - Rows are keyed by canonical path; a file and a directory may have one path (their names clash on disk).

use crate::digest::Digest;
use crate::key::ObjectKey;
use crate::local::Fingerprint;
use crate::path::{DiskPath, RelPath};
use crate::remote::{ETag, UnixMillis, VersionId};
use crate::tree::SortedMap;

/// Every row of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// Files and symlinks.
    pub files: SortedMap<RelPath, FileRow>,
    /// Directories.
    pub dirs: SortedMap<RelPath, DirRow>,
    /// How many rows of files are left out, because both sides are as they say and nothing else depends on them
    /// ([`crate::focus`]).
    pub elided: u64,
}

impl Baseline {
    /// Returns whether nothing was ever agreed on.
    pub fn is_empty(&self) -> bool {
        self.tracked() == 0 && self.dirs.is_empty()
    }

    /// Returns the number of files that are tracked.
    pub fn tracked(&self) -> u64 {
        self.files.len() as u64 + self.elided
    }
}

/// The agreed state of one file or symlink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// The exact remote key.
    pub key: ObjectKey,
    /// The exact name on disk; it differs from the path where names clash or Unicode forms differ.
    pub disk: DiskPath,
    /// What it is.
    pub content: RowContent,
    /// The local stamps of the agreed content.
    pub fingerprint: Fingerprint,
    /// When it was read, by the clock of that file system, in nanoseconds since the epoch.
    pub read_time_ns: i64,
    /// The agreed version of the object.
    pub etag: ETag,
    /// When the store changed it.
    pub last_modified: RowLastModified,
    /// The agreed version in a versioned bucket, where it is known.
    pub version_id: Option<VersionId>,
    /// Whether this replica wrote that version itself.
    pub own_write: bool,
}

/// What a row agrees on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowContent {
    /// A regular file.
    File {
        /// The hashes of its content.
        digest: Digest,
        /// Whether it is executable.
        executable: bool,
    },
    /// A symbolic link.
    Symlink {
        /// Where it points.
        target: Box<str>,
    },
}

impl FileRow {
    /// Returns the length of the object's body in bytes.
    pub fn size(&self) -> u64 {
        match &self.content {
            RowContent::File { digest, .. } => digest.size,
            RowContent::Symlink { target } => target.len() as u64,
        }
    }
}

/// What a row knows of an object's time of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowLastModified {
    /// A listing or HEAD said so.
    Known(UnixMillis),
    /// It is our own write, and the reply bore this date: a listed time not later than this is that write.
    NotAfter(UnixMillis),
}

/// The agreed state of one directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirRow {
    /// The exact name on disk.
    pub disk: DiskPath,
    /// The agreed version of its marker, if it had one.
    pub marker: Option<MarkerRow>,
    /// Whether it stays on this disk only because it holds ignored content; it is not published.
    pub kept: bool,
}

/// The agreed state of a directory marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkerRow {
    /// The exact remote key.
    pub key: ObjectKey,
    /// The agreed version.
    pub etag: ETag,
}
