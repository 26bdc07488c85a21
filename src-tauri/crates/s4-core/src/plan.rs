//! A plan: what is to be done, as values. It is carried out elsewhere, or shown and thrown away.
//!
//! - Each step names exactly what it was planned against; who carries it out checks that at the last moment.
//! - Steps form a graph without cycles: a step begins when those it comes [`after`](Step::after) are done, and
//!   is dropped (and planned anew next time) when one of them failed.

use std::collections::BTreeSet;

use crate::baseline::{DirRow, FileRow};
use crate::key::ObjectKey;
use crate::local::{Fingerprint, LocalEntry};
use crate::path::{DiskPath, RelPath};
use crate::remote::{ETag, RemoteObject};

/// CopyObject takes objects up to this length, in bytes; so does one part of a copy by parts.
pub const MAX_COPY_BYTES: u64 = 5 << 30;

/// What is to be done for a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The target stops and asks: nothing else of this plan is carried out.
    pub halt: Option<Halt>,
    /// What must be found out before anything is carried out; with those facts, plan again.
    pub examine: Vec<Examine>,
    /// Rows that change without any work on either side.
    pub rows: Vec<RowChange>,
    /// The work, each step after those it depends on.
    pub steps: Vec<Step>,
    /// Deletions among the steps that do not count for the guards: their content stands at another path.
    pub uncounted: BTreeSet<RelPath>,
    /// Paths whose two versions a person must choose between; both stay as they are.
    pub conflicts: Vec<Conflict>,
    /// Paths that cannot be synced, and why; both sides stay as they are.
    pub problems: Vec<Problem>,
}

impl Plan {
    /// Returns whether both sides agree already and nothing waits for a person.
    pub fn is_empty(&self) -> bool {
        self.halt.is_none() && self.examine.is_empty() && self.rows.is_empty() && self.steps.is_empty()
    }
}

/// Why a target stops and asks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// The folder held files and is empty now.
    #[error("the folder held {tracked} files and is empty now")]
    LocalEmptied {
        /// How many files it held when both sides last agreed.
        tracked: u64,
    },
    /// The bucket held objects and is empty now.
    #[error("the bucket held {tracked} files here and is empty now")]
    RemoteEmptied {
        /// How many objects it held when both sides last agreed.
        tracked: u64,
    },
    /// More would be deleted than anyone asked for.
    #[error("{count} of {of} files would be deleted {side}")]
    MassDeletion {
        /// Where they would be deleted.
        side: Side,
        /// How many, those of the last minutes included.
        count: u64,
        /// Of how many.
        of: u64,
    },
}

/// One of the two sides that are kept the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The folder.
    Local,
    /// The bucket.
    Remote,
}

impl std::fmt::Display for Side {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Side::Local => "from the folder",
            Side::Remote => "from the bucket",
        })
    }
}

/// A fact that is missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Examine {
    /// The hashes of a local file.
    LocalHash {
        /// Where it lies.
        disk: DiskPath,
    },
    /// What a HEAD says of an object.
    Head {
        /// Its key.
        key: ObjectKey,
    },
    /// The hashes of an object's whole body.
    Content {
        /// Its key.
        key: ObjectKey,
    },
}

/// A change of the baseline that needs no work on either side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowChange {
    /// Both sides agree on this.
    File(RelPath, Box<FileRow>),
    /// Both sides agree on this directory.
    Dir(RelPath, DirRow),
    /// Neither side has the file any longer, or it is ignored now.
    ForgetFile(RelPath),
    /// Neither side has the directory any longer, or it is ignored now.
    ForgetDir(RelPath),
}

impl RowChange {
    /// Returns where on disk that lies which the row tells of; `None` if it tells of nothing.
    pub fn disk(&self) -> Option<&DiskPath> {
        match self {
            RowChange::File(_, row) => Some(&row.disk),
            RowChange::Dir(_, row) => Some(&row.disk),
            RowChange::ForgetFile(_) | RowChange::ForgetDir(_) => None,
        }
    }
}

/// The index of a step within its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub usize);

/// One piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The path it is about.
    pub path: RelPath,
    /// What to do.
    pub action: Action,
    /// Steps that must be done, and confirmed, before.
    pub after: Vec<StepId>,
}

/// What stands at a key before it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteExpectation {
    /// Nothing: `If-None-Match: *`.
    Absent,
    /// Exactly this version: `If-Match`.
    Version(ETag),
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Writes the local content to the bucket.
    Upload {
        /// Where the content lies.
        disk: DiskPath,
        /// What was planned: a file or a symlink.
        local: LocalEntry,
        /// The key to write.
        key: ObjectKey,
        /// What stands there.
        replaces: RemoteExpectation,
        /// Whether what stands there is a version that this content does not descend from, so that it goes to
        /// the trash first where old versions are not kept.
        trash_replaced: bool,
    },
    /// Brings an object's content to the disk.
    Download {
        /// The version to read.
        object: RemoteObject,
        /// Where to put it.
        disk: DiskPath,
        /// What lies there now.
        replaces: Option<LocalEntry>,
        /// If set, the object must descend from this version (`s4-base`); else it is a conflict.
        must_descend_from: Option<ETag>,
    },
    /// The remote version takes the name; the local one stays under another name and is uploaded there.
    KeepBoth {
        /// The version to read.
        object: RemoteObject,
        /// Where the local version lies.
        disk: DiskPath,
        /// The local version.
        local: LocalEntry,
        /// The path of the local version from now on.
        conflict: RelPath,
    },
    /// Deletes an object.
    DeleteRemote {
        /// The version to delete.
        object: RemoteObject,
        /// Where its file was; deleting is right only if nothing of that spelling and kind is there.
        disk: DiskPath,
        /// Why it is deleted.
        reason: DeleteReason,
    },
    /// Moves a file to the local trash.
    DeleteLocal {
        /// Where it lies.
        disk: DiskPath,
        /// What was planned.
        local: LocalEntry,
        /// The key that must answer 404 right before.
        key: ObjectKey,
    },
    /// Copies an object within the bucket because its local file was renamed. Its source is deleted by a step of
    /// its own.
    CopyRemote {
        /// The path of the source.
        from: RelPath,
        /// The version to copy.
        source: RemoteObject,
        /// The key to write.
        key: ObjectKey,
        /// What stands there.
        replaces: RemoteExpectation,
        /// Where the renamed file lies.
        disk: DiskPath,
        /// The renamed file.
        local: LocalEntry,
    },
    /// Passes the contents of objects round in the bucket because their local files changed places.
    RotateRemote {
        /// At least two. Each takes the content that the next one has, and the last one that of the first, which
        /// must be held somewhere meanwhile: so the first is the smallest.
        turns: Vec<RemoteTurn>,
    },
    /// Renames a local file because its object was renamed; nothing is replaced.
    MoveLocal {
        /// The path of the source.
        from: RelPath,
        /// Where it lies.
        from_disk: DiskPath,
        /// What was planned.
        local: LocalEntry,
        /// Where it goes.
        disk: DiskPath,
        /// The object it corresponds to from now on.
        object: RemoteObject,
    },
    /// Passes local files round because their objects changed places.
    RotateLocal {
        /// At least two. The file of each goes to the next one, and that of the last one to the first.
        turns: Vec<LocalTurn>,
    },
    /// Gives a file another name on this disk only, because names clash or no longer do.
    ///
    /// Its row, if it has one, takes that name. The row takes the new stamps only if its own were those planned:
    /// otherwise the file was edited, and must not look like the agreed content.
    RenameOnDisk {
        /// Where it lies.
        from: DiskPath,
        /// What was planned.
        local: LocalEntry,
        /// Where it goes.
        to: DiskPath,
    },
    /// Publishes a change of the executable bit: a copy of the object onto itself.
    SetRemoteMode {
        /// The version.
        object: RemoteObject,
        /// Where the file lies.
        disk: DiskPath,
        /// The file.
        local: LocalEntry,
        /// The new bit.
        executable: bool,
    },
    /// Takes over a change of the executable bit.
    SetLocalMode {
        /// Where the file lies.
        disk: DiskPath,
        /// What was planned.
        fingerprint: Fingerprint,
        /// The version that has the new bit.
        object: RemoteObject,
        /// The new bit.
        executable: bool,
    },
    /// Writes the marker of a directory that would otherwise vanish from the bucket.
    PutMarker {
        /// The directory on disk.
        disk: DiskPath,
        /// The key to write.
        key: ObjectKey,
    },
    /// Deletes the marker of a directory that is gone.
    DeleteMarker {
        /// The version to delete.
        marker: RemoteObject,
        /// Where the directory was.
        disk: DiskPath,
    },
    /// Records a directory that both sides have, once a file below it is confirmed in the bucket.
    RecordDir {
        /// Where it is.
        disk: DiskPath,
    },
    /// Makes a directory.
    CreateDir {
        /// Where.
        disk: DiskPath,
        /// Its marker, if it has one.
        marker: Option<RemoteObject>,
    },
    /// Removes a directory that holds nothing; one that holds something stays.
    RemoveDir {
        /// Where.
        disk: DiskPath,
    },
}

/// One path of [`Action::RotateRemote`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteTurn {
    /// The path.
    pub path: RelPath,
    /// The version that stands there, which is replaced here and copied elsewhere.
    pub object: RemoteObject,
    /// Where its file lies, which has the content that the path takes.
    pub disk: DiskPath,
    /// That file.
    pub local: LocalEntry,
}

/// One path of [`Action::RotateLocal`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalTurn {
    /// The path.
    pub path: RelPath,
    /// Where its file lies.
    pub disk: DiskPath,
    /// What was planned to lie there, and goes to the next one.
    pub local: LocalEntry,
    /// The object whose content the path has from now on.
    pub object: RemoteObject,
}

/// Why an object is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteReason {
    /// Its file was deleted.
    DeletedLocally,
    /// Its file was renamed, and the copy is confirmed.
    Moved,
    /// It is ignored and a person asked for it to go (`--prune-ignored`).
    Ignored,
}

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
