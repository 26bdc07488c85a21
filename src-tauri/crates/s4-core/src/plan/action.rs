//! What a step does, and what it was planned against: whoever carries it out compares that at the last moment.

use crate::key::ObjectKey;
use crate::local::{Fingerprint, LocalEntry};
use crate::path::{DiskPath, RelPath};
use crate::remote::{ETag, RemoteObject};

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
