//! One synced folder: its layout, and what stands in it.
//!
//! - `<root>/.s4/{partial,trash}` lie on the folder's own file system. With [`Mounts::Cross`] every mount below
//!   the root gets a `.s4` of its own at its top, so that every swap is a rename.
//! - Nothing outside `.s4` is created or changed here.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use s4_core::local::{LocalEntry, LocalFile, LocalSymlink, Unreadable};
use s4_core::path::{DiskPath, RESERVED_COMPONENT};
use s4_core::traits::DiskTraits;

use crate::disk::{Disk, DiskResult, Kind, MountId, RootState, Stat, child, directory_of, root};
use crate::error::{DiskError, DiskErrorKind};
use crate::mounts::{KnownMounts, LOST};

/// The directory of partials in `.s4`.
pub(crate) const PARTIAL: &str = "partial";
/// The directory of trash in `.s4`.
pub(crate) const TRASH: &str = "trash";

/// What to do with other file systems mounted below the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mounts {
    /// They are unreadable: neither present nor absent.
    Stay,
    /// They belong to the folder (`cross_mounts` of a target).
    Cross,
}

/// One synced folder. Cloning shares it.
#[derive(Clone)]
pub struct Folder {
    inner: Arc<Inner>,
}

struct Inner {
    disk: Arc<dyn Disk>,
    traits: DiskTraits,
    mounts: Mounts,
    root_mount: MountId,
    /// Tops of the mounts that have a `.s4`, the root first.
    homes: Mutex<Vec<DiskPath>>,
    known: KnownMounts,
    sequence: AtomicU64,
}

impl Folder {
    /// Opens the folder below the root of `disk`: creates the layout where it is missing, and learns the traits.
    ///
    /// Fails with [`DiskErrorKind::Missing`] or [`DiskErrorKind::NotADirectory`] if the root is not there.
    pub fn open(disk: Arc<dyn Disk>, mounts: Mounts) -> DiskResult<Self> {
        match disk.root_state()? {
            RootState::Present { .. } => {}
            RootState::Missing => {
                return Err(DiskError::new(DiskErrorKind::Missing, "open", &root(), "no such folder"));
            }
            RootState::NotADirectory => {
                return Err(DiskError::new(DiskErrorKind::NotADirectory, "open", &root(), "not a folder"));
            }
        }
        lay_out(disk.as_ref(), &root())?;
        let traits = disk.probe(&own(&root(), PARTIAL))?;
        let root_mount = stat_present(disk.as_ref(), &root())?.mount;
        let homes = Mutex::new(vec![root()]);
        let known = KnownMounts::read(disk.as_ref())?;
        let inner = Inner { disk, traits, mounts, root_mount, homes, known, sequence: AtomicU64::new(0) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Returns the disk.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.inner.disk
    }

    /// Returns what the disk can do.
    pub fn traits(&self) -> &DiskTraits {
        &self.inner.traits
    }

    /// Returns what stands at the root's own path now.
    pub fn root_state(&self) -> DiskResult<RootState> {
        self.inner.disk.root_state()
    }

    /// Returns the time by the folder's own file system, in nanoseconds since the epoch: the read time of a row.
    pub fn now(&self) -> DiskResult<i64> {
        self.inner.disk.now(&child(&root(), RESERVED_COMPONENT))
    }

    /// Returns once what stands at `paths` survives a power cut, whoever put it there.
    ///
    /// Whoever records what was found in the folder, rather than what a [`Batch`](crate::batch::Batch) put there,
    /// calls this first. What is gone by now needs no keeping.
    pub fn make_durable(&self, paths: &[DiskPath]) -> DiskResult<()> {
        let synced = self.homes().iter().try_for_each(|home| self.inner.disk.sync_fs(home));
        match synced {
            // A file system that cannot be synced as a whole: each file, then each directory.
            Err(error) if error.kind == DiskErrorKind::Unsupported => {
                paths.iter().try_for_each(|path| self.make_one_durable(path))
            }
            synced => synced,
        }
    }

    fn make_one_durable(&self, path: &DiskPath) -> DiskResult<()> {
        let content = match self.inner.disk.lstat(path)?.map(|stat| stat.kind) {
            Some(Kind::File) => self.inner.disk.open(path).and_then(|handle| handle.sync()),
            Some(Kind::Dir) => self.inner.disk.sync_dir(path),
            Some(Kind::Symlink | Kind::Special) | None => Ok(()),
        };
        match content.and_then(|()| self.inner.disk.sync_dir(&directory_of(path))) {
            Err(error) if error.kind == DiskErrorKind::Missing => Ok(()),
            synced => synced,
        }
    }

    /// Returns the bytes that may still be written.
    pub fn free_space(&self) -> DiskResult<u64> {
        self.inner.disk.free_space()
    }

    /// Returns what stands at exactly this path, `None` only if surely nothing does.
    ///
    /// What lies below another mount is [`Unreadable::Mount`], present or not. What the system refuses to show
    /// is an error. A directory's `holds_ignored` is not known here and is `false`.
    pub fn look(&self, path: &DiskPath) -> DiskResult<Option<LocalEntry>> {
        if self.is_lost(path)? {
            return Ok(Some(LocalEntry::Unreadable(Unreadable::Failed(LOST.into()))));
        }
        let Some(stat) = self.inner.disk.lstat(path)? else {
            return Ok(self.hidden_by_mount(path)?.then_some(LocalEntry::Unreadable(Unreadable::Mount)));
        };
        if self.inner.mounts == Mounts::Stay && stat.is_mounted_apart_from(&self.inner.root_mount) {
            return Ok(Some(LocalEntry::Unreadable(Unreadable::Mount)));
        }
        match self.entry_of(path, &stat) {
            Ok(entry) => Ok(Some(entry)),
            Err(error) if error.kind == DiskErrorKind::Missing => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns whether nothing is seen at `path` only because something is mounted above it.
    fn hidden_by_mount(&self, path: &DiskPath) -> DiskResult<bool> {
        if self.inner.mounts == Mounts::Cross {
            return Ok(false);
        }
        let mut above = path.parent();
        while let Some(directory) = above {
            if let Some(stat) = self.inner.disk.lstat(&directory)? {
                return Ok(stat.is_mounted_apart_from(&self.inner.root_mount));
            }
            above = directory.parent();
        }
        Ok(false)
    }

    /// Returns the entry for what `lstat` said of `path`.
    pub(crate) fn entry_of(&self, path: &DiskPath, stat: &Stat) -> DiskResult<LocalEntry> {
        Ok(match stat.kind {
            Kind::File => {
                let executable = self.inner.traits.has_executable_bit && stat.executable();
                LocalEntry::File(LocalFile { fingerprint: stat.fingerprint, executable })
            }
            Kind::Dir => LocalEntry::Dir { holds_ignored: false },
            Kind::Symlink => match self.inner.disk.read_link(path) {
                Ok(target) => LocalEntry::Symlink(LocalSymlink { fingerprint: stat.fingerprint, target }),
                Err(error) if error.kind == DiskErrorKind::Missing => return Err(error),
                Err(error) => LocalEntry::Unreadable(Unreadable::Failed(error.words)),
            },
            Kind::Special => LocalEntry::Special,
        })
    }

    /// Returns the mounts that were synced with the folder.
    pub(crate) fn mounts_known(&self) -> &KnownMounts {
        &self.inner.known
    }

    /// Returns what the target says of other mounts.
    pub(crate) fn mounts(&self) -> Mounts {
        self.inner.mounts
    }

    /// Returns the mount of the root.
    pub(crate) fn root_mount(&self) -> MountId {
        self.inner.root_mount
    }

    /// Returns a number that this folder has not returned before.
    pub(crate) fn next_number(&self) -> u64 {
        self.inner.sequence.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the directory `name` of the `.s4` that lies on the file system of `destination`.
    ///
    /// Creates that `.s4` where it is missing.
    pub(crate) fn own_for(&self, destination: &DiskPath, name: &str) -> DiskResult<DiskPath> {
        self.must_not_be_lost(destination)?;
        match self.inner.mounts {
            Mounts::Stay => Ok(own(&root(), name)),
            Mounts::Cross => {
                let top = self.top_of_mount(&directory_of(destination))?;
                self.add_home(&top)?;
                Ok(own(&top, name))
            }
        }
    }

    /// Returns the topmost directory on the mount that holds `directory`.
    fn top_of_mount(&self, directory: &DiskPath) -> DiskResult<DiskPath> {
        let mount = stat_present(self.inner.disk.as_ref(), directory)?.mount;
        let mut top = directory.clone();
        while !top.as_str().is_empty() {
            let above = directory_of(&top);
            if stat_present(self.inner.disk.as_ref(), &above)?.mount != mount {
                break;
            }
            top = above;
        }
        Ok(top)
    }

    /// Remembers that `top` is the top of a mount with a `.s4` of its own, which is created if need be.
    pub(crate) fn add_home(&self, top: &DiskPath) -> DiskResult<()> {
        if self.homes().contains(top) {
            return Ok(());
        }
        lay_out(self.inner.disk.as_ref(), top)?;
        if !top.as_str().is_empty() {
            self.remember_mount(top)?;
        }
        let mut homes = lock(&self.inner.homes);
        if !homes.contains(top) {
            homes.push(top.clone());
        }
        Ok(())
    }

    /// Returns the tops of the mounts that are known to have a `.s4`, the root first.
    pub(crate) fn homes(&self) -> Vec<DiskPath> {
        lock(&self.inner.homes).clone()
    }
}

/// Locks a list whose holder never leaves it half changed.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Returns the directory `name` in the `.s4` of `home`.
pub(crate) fn own(home: &DiskPath, name: &str) -> DiskPath {
    child(home, RESERVED_COMPONENT).join(name)
}

/// Returns what stands at `path`, which must be there.
pub(crate) fn stat_present(disk: &dyn Disk, path: &DiskPath) -> DiskResult<Stat> {
    let missing = || DiskError::new(DiskErrorKind::Missing, "look at", path, "nothing is there any more");
    disk.lstat(path)?.ok_or_else(missing)
}

/// Creates the directories of `.s4` in `home` where they are missing, durably.
fn lay_out(disk: &dyn Disk, home: &DiskPath) -> DiskResult<()> {
    let reserved = child(home, RESERVED_COMPONENT);
    let mut created = make_own_dir(disk, &reserved)?;
    for name in [PARTIAL, TRASH] {
        created |= make_own_dir(disk, &reserved.join(name))?;
    }
    if created {
        disk.sync_dir(&reserved)?;
        disk.sync_dir(home)?;
    }
    Ok(())
}

/// Creates a directory of our own; returns whether it was missing.
pub(crate) fn make_own_dir(disk: &dyn Disk, path: &DiskPath) -> DiskResult<bool> {
    match disk.make_private_dir(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind == DiskErrorKind::Occupied => match disk.lstat(path)? {
            Some(stat) if stat.kind == Kind::Dir => Ok(false),
            Some(_) | None => Err(error),
        },
        Err(error) => Err(error),
    }
}
