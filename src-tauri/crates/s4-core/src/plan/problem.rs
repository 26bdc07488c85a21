//! What a plan leaves alone: versions that a person must choose between, and paths that cannot be synced.

use crate::local::LocalEntry;
use crate::path::{DiskPath, RelPath};
use crate::remote::RemoteObject;

/// Two versions between which a person must choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The path.
    pub path: RelPath,
    /// Where the local version lies.
    pub disk: DiskPath,
    /// The local version.
    pub local: LocalEntry,
    /// The remote version.
    pub object: RemoteObject,
}

/// A path that cannot be synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The path or key, as the side that has it spells it.
    pub subject: String,
    /// Why.
    pub reason: ProblemReason,
}

/// Why a path cannot be synced. Both sides stay as they are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProblemReason {
    /// The key is left alone.
    #[error("{0}")]
    Blocked(crate::remote::BlockedReason),
    /// The name is no UTF-8.
    #[error("its name is not valid UTF-8, so no object can have it; rename it")]
    Unnameable,
    /// Two entries of the disk are one path.
    #[error("another file differs from it only in the Unicode form of its name; rename one of them")]
    SameCanonicalPath,
    /// A directory that the disk takes for another one.
    #[error(
        "this disk takes it for `{0}`, whose name differs only in case or Unicode form; rename one of them"
    )]
    OtherSpelling(String),
    /// The disk refuses the name, and it is a directory.
    #[error("this disk cannot hold it: {0}")]
    RefusedName(String),
    /// The key would be longer than S3 allows.
    #[error("its key would be longer than the 1,024 bytes that S3 allows")]
    KeyTooLong,
    /// The entry could not be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// Another file system is mounted here.
    #[error("another file system is mounted here; say `cross_mounts` to sync it")]
    Mount,
    /// It is a pipe, socket or device.
    #[error("it is a pipe, socket or device")]
    Special,
    /// A symbolic link that would mean something else on another computer.
    #[error("its target is absolute or leaves the folder, so it would mean something else elsewhere")]
    LinkLeavesRoot,
    /// The disk has no symbolic links.
    #[error("this disk has no symbolic links")]
    NoSymlinks,
    /// It stands on disk under another name, because its own is taken.
    #[error("it is on this disk as `{0}`, because its own name is taken or refused here")]
    Clash(String),
    /// The object could not be examined.
    #[error("the object cannot be examined: {0}")]
    Unexaminable(String),
}
