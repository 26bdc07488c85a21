//! One file system below one root, as primitives.
//!
//! Decides nothing: each method is one step of the system. What is safe in which order is decided above, in
//! [`crate::folder`] and [`crate::batch`].
//!
//! - Paths are relative to the root; [`root`] is the root itself.
//! - No method follows a symbolic link in any part of a path, not even one that was put there a moment ago.
//! - No method replaces an entry: create, rename, link, mkdir and symlink fail with
//!   [`DiskErrorKind::Occupied`].
//! - An entry found under another true name (other case or Unicode form) counts as absent in
//!   [`Disk::lstat`]. Names are given and returned in the disk's own spelling.
//! - Every method blocks. `Send + Sync`: any thread may call any method at any time.
//!
//! [`DiskErrorKind::Occupied`]: crate::error::DiskErrorKind::Occupied

use s4_core::local::Fingerprint;
use s4_core::path::DiskPath;
use s4_core::traits::DiskTraits;

use crate::error::{DiskError, DiskErrorKind};

/// The result of a step on a disk.
pub type DiskResult<T> = Result<T, DiskError>;

/// Returns the path of the root itself.
pub fn root() -> DiskPath {
    DiskPath::new("")
}

/// Returns the path of `name` in `directory`, which may be the root.
pub fn child(directory: &DiskPath, name: &str) -> DiskPath {
    if directory.as_str().is_empty() { DiskPath::new(name) } else { directory.join(name) }
}

/// Returns the directory that holds `path`: the root for a path of one part, and for the root.
pub fn directory_of(path: &DiskPath) -> DiskPath {
    path.parent().unwrap_or_else(root)
}

/// What kind of entry it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link (on Windows: any reparse point that stands for another place).
    Symlink,
    /// A pipe, socket, device or anything else that has no content to sync.
    Special,
}

/// Names the mount an entry lies on. Comparable within one run only: it is no identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MountId {
    /// The device that holds the entry.
    pub device: u64,
    /// The mount through which it is seen; 0 where the system does not say.
    pub mount: u64,
}

/// What `lstat` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: Kind,
    /// The stamps by which a change is noticed.
    pub fingerprint: Fingerprint,
    /// The nine permission bits; 0 where the disk has none.
    pub permissions: u32,
    /// Number of names of this inode.
    pub links: u64,
    /// Where it is mounted.
    pub mount: MountId,
}

impl Stat {
    /// Returns whether its owner may execute it.
    pub fn executable(&self) -> bool {
        self.permissions & 0o100 != 0
    }

    /// Returns whether `directory` (the one that holds this entry) lies on another mount.
    ///
    /// Of files only the mount is compared: overlay file systems give files the device of a lower layer.
    pub fn is_mounted_apart_from(&self, directory: &MountId) -> bool {
        let crosses_device = self.kind == Kind::Dir && self.mount.device != directory.device;
        self.mount.mount != directory.mount || crosses_device
    }
}

/// The name of an entry as a directory lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryName {
    /// A name that can be part of a path.
    Text(Box<str>),
    /// A name that is no UTF-8 (on Windows: no UTF-16), made printable; nothing can be opened by it.
    Unprintable(Box<str>),
}

/// One entry of a directory, with what `lstat` said of it.
#[derive(Clone, Debug)]
pub struct DirItem {
    /// Its name.
    pub name: EntryName,
    /// What it is. [`DiskErrorKind::Missing`]: it vanished in between.
    pub stat: DiskResult<Stat>,
}

/// What stands at the root's own path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootState {
    /// Nothing, or not the directory that was opened: moved, unmounted, replaced.
    Missing,
    /// Something that is no directory.
    NotADirectory,
    /// The directory.
    Present {
        /// Whether it holds nothing but our own `.s4`.
        empty: bool,
    },
}

/// An open file. Closed when dropped; nothing is synced by that.
pub trait Handle: Send + Sync {
    /// Returns what `fstat` says of the open file, whatever its name is by now.
    fn stat(&self) -> DiskResult<Stat>;

    /// Reads from `offset` and returns how many bytes were read; 0 only at the end or for an empty buffer.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> DiskResult<usize>;

    /// Writes all of `piece` at `offset`; a gap before it reads as zeroes.
    fn write_at(&self, piece: &[u8], offset: u64) -> DiskResult<()>;

    /// Copies `size` bytes of another open file, which lie there at `from`, to the offset `to` of this one.
    ///
    /// The system may share storage instead, until either is written to. Fails with
    /// [`DiskErrorKind::Changed`] if the source ends before; some bytes may
    /// have been copied by then.
    fn copy_range_from(&self, source: &dyn Handle, from: u64, to: u64, size: u64) -> DiskResult<()> {
        copy_by_hand(self, source, from, to, size)
    }

    /// Returns the system's own handle, where there is one: for what two files of the system can do together.
    #[cfg(unix)]
    fn descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        None
    }

    /// Cuts or extends the file to `size` bytes.
    fn set_size(&self, size: u64) -> DiskResult<()>;

    /// Sets the time of the last change of content, in nanoseconds since the epoch.
    ///
    /// The disk may round it; [`Handle::stat`] says to what.
    fn set_mtime(&self, mtime_ns: i64) -> DiskResult<()>;

    /// Sets the nine permission bits; does nothing where the disk has none. Never sets setuid, setgid or sticky.
    fn set_permissions(&self, permissions: u32) -> DiskResult<()>;

    /// Returns once content and stamps survive a power cut (macOS: `F_FULLFSYNC`).
    fn sync(&self) -> DiskResult<()>;
}

/// Bytes that are copied at a time where the system has no way of its own.
const COPIED: usize = 256 * 1024;

/// Copies by reading and writing.
pub(crate) fn copy_by_hand<H: Handle + ?Sized>(
    target: &H,
    source: &dyn Handle,
    from: u64,
    to: u64,
    size: u64,
) -> DiskResult<()> {
    let mut buffer = vec![0; usize::try_from(size).unwrap_or(COPIED).min(COPIED)];
    let mut done = 0;
    while done < size {
        let wanted = usize::try_from(size - done).unwrap_or(COPIED).min(COPIED);
        match source.read_at(&mut buffer[..wanted], from + done)? {
            0 => {
                let words = "it became shorter while it was copied";
                return Err(DiskError::new(DiskErrorKind::Changed, "copy", &root(), words));
            }
            count => {
                target.write_at(&buffer[..count], to + done)?;
                done += count as u64;
            }
        }
    }
    Ok(())
}

/// One file system below one root.
pub trait Disk: Send + Sync {
    /// Finds out what the disk can do, by trying it in the directory `scratch`, and returns it.
    ///
    /// From then on the disk compares spellings as its traits demand. Whatever was tried is removed again.
    fn probe(&self, scratch: &DiskPath) -> DiskResult<DiskTraits>;

    /// Returns what stands at the root's own path now.
    fn root_state(&self) -> DiskResult<RootState>;

    /// Returns what stands at exactly this path, `None` if nothing does (or a part of it is no directory).
    fn lstat(&self, path: &DiskPath) -> DiskResult<Option<Stat>>;

    /// Calls `visit` for every entry of a directory, in the disk's own order, without `.` and `..`.
    ///
    /// An error may come after some entries were visited: then the listing is not complete.
    fn read_dir(&self, path: &DiskPath, visit: &mut dyn FnMut(DirItem)) -> DiskResult<()>;

    /// Returns where a symbolic link points.
    ///
    /// A target that is no UTF-8 is an error of kind [`BadName`](crate::error::DiskErrorKind::BadName).
    fn read_link(&self, path: &DiskPath) -> DiskResult<Box<str>>;

    /// Opens a regular file for reading; anything else is refused without waiting for it.
    fn open(&self, path: &DiskPath) -> DiskResult<Box<dyn Handle>>;

    /// Opens a regular file for reading and writing; only ever used on our own partials.
    fn open_for_writing(&self, path: &DiskPath) -> DiskResult<Box<dyn Handle>>;

    /// Creates a file that did not exist, with the permissions of any new file, open for reading and writing.
    fn create(&self, path: &DiskPath) -> DiskResult<Box<dyn Handle>>;

    /// Renames a file, link or directory to a free name.
    fn rename(&self, from: &DiskPath, to: &DiskPath) -> DiskResult<()>;

    /// Exchanges two entries in one step.
    fn exchange(&self, left: &DiskPath, right: &DiskPath) -> DiskResult<()>;

    /// Gives a file a second, free name.
    fn link(&self, from: &DiskPath, to: &DiskPath) -> DiskResult<()>;

    /// Removes a name of a file or link for good: only ever used on our own partials and on expired trash.
    fn unlink(&self, path: &DiskPath) -> DiskResult<()>;

    /// Creates a directory.
    fn make_dir(&self, path: &DiskPath) -> DiskResult<()>;

    /// Creates a directory that only its owner may enter.
    fn make_private_dir(&self, path: &DiskPath) -> DiskResult<()>;

    /// Removes an empty directory.
    fn remove_dir(&self, path: &DiskPath) -> DiskResult<()>;

    /// Creates a symbolic link; the target need not exist.
    fn symlink(&self, target: &str, path: &DiskPath) -> DiskResult<()>;

    /// Returns once the entries of a directory survive a power cut.
    fn sync_dir(&self, path: &DiskPath) -> DiskResult<()>;

    /// Returns once everything written so far to the file system that holds `path` survives a power cut.
    fn sync_fs(&self, path: &DiskPath) -> DiskResult<()>;

    /// Returns the time by the file system's own clock: that of a stamp just written in the directory
    /// `scratch`, in nanoseconds since the epoch.
    fn now(&self, scratch: &DiskPath) -> DiskResult<i64>;

    /// Returns the bytes that may still be written.
    fn free_space(&self) -> DiskResult<u64>;

    /// Marks a visible step by name. Tests stop, fail or race here; otherwise it does nothing.
    fn step(&self, name: &'static str) -> DiskResult<()>;
}
