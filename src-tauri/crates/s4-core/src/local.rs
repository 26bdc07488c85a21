//! The Local tree: what is on one disk, as a scan saw it.
//!
//! - "Could not read" is a value ([`LocalEntry::Unreadable`]), so it never looks like "deleted".
//! - Entries are known by their exact spelling on the disk; which path each stands for is decided in
//!   [`crate::reconcile`].

use crate::path::DiskPath;
use crate::tree::SortedMap;

/// Identifies an inode within one file system. It is recycled, so it proves nothing alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u64);

/// What `lstat` says of an entry, by which a change is noticed without reading.
///
/// Times are nanoseconds since the Unix epoch, saturated to `i64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Length in bytes.
    pub size: u64,
    /// Time of the last change of content; any program may set it.
    pub mtime_ns: i64,
    /// Time of the last change of the inode, where the file system has one.
    pub ctime_ns: Option<i64>,
    /// Time of creation, where the file system has one.
    pub birth_ns: Option<i64>,
    /// The inode.
    pub file_id: FileId,
}

impl Fingerprint {
    /// Returns whether both name the same inode with the same content stamps.
    ///
    /// This is the comparison after a rename, link or exchange of our own, which change ctime.
    pub fn same_but_renamed(&self, other: &Fingerprint) -> bool {
        self.size == other.size && self.mtime_ns == other.mtime_ns && self.file_id == other.file_id
    }

    /// Returns whether the stamps are too fresh to be trusted.
    ///
    /// They are if a later write in the same tick could have left them as they are: mtime and ctime (mtime
    /// alone where there is no ctime) both not before `read_time_ns` less the granularity of the disk.
    pub fn is_racy(&self, read_time_ns: i64, granularity_ns: i64) -> bool {
        let fresh = |stamp: i64| stamp >= read_time_ns.saturating_sub(granularity_ns);
        fresh(self.mtime_ns) && self.ctime_ns.is_none_or(fresh)
    }
}

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocalEntry {
    /// A regular file.
    File(LocalFile),
    /// A symbolic link; it is never followed.
    Symlink(LocalSymlink),
    /// A directory.
    Dir {
        /// Whether it holds entries that the rules ignore or that S4 cannot name; such a directory is not empty
        /// although the tree shows nothing below it.
        holds_ignored: bool,
    },
    /// A pipe, socket or device: reported, never synced.
    Special,
    /// Something that could not be read. Whatever lies below it is unknown, not absent.
    Unreadable(Unreadable),
}

/// A regular file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalFile {
    /// What `lstat` said.
    pub fingerprint: Fingerprint,
    /// Whether its owner may execute it; `false` where the disk has no such bit.
    pub executable: bool,
}

/// A symbolic link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalSymlink {
    /// What `lstat` said of the link itself.
    pub fingerprint: Fingerprint,
    /// Where it points, as it stands on the disk.
    pub target: Box<str>,
}

/// Why an entry could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Another file system is mounted here, and the target does not say `cross_mounts`.
    Mount,
    /// The system refused or failed; its words.
    Failed(Box<str>),
}

impl LocalEntry {
    /// Returns the fingerprint of a file or symlink.
    pub fn fingerprint(&self) -> Option<&Fingerprint> {
        match self {
            LocalEntry::File(file) => Some(&file.fingerprint),
            LocalEntry::Symlink(link) => Some(&link.fingerprint),
            LocalEntry::Dir { .. } | LocalEntry::Special | LocalEntry::Unreadable(_) => None,
        }
    }
}

/// What one scan of a folder saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalTree {
    /// Every entry below the root that the rules do not ignore, by its exact spelling.
    pub entries: SortedMap<DiskPath, LocalEntry>,
    /// Entries whose names are no UTF-8, made printable: no key can stand for them.
    pub unnameable: Vec<String>,
}
