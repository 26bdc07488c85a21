//! The disk of Linux and macOS: one `*at` system call each, from a directory that was resolved without links.

mod handle;
mod path;
pub(super) mod spelling;

use std::ffi::OsStr;
use std::fs::File;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use rustix::io::Errno;
use s4_core::path::{DiskPath, RESERVED_COMPONENT};
use s4_core::traits::DiskTraits;

use super::clock::Clock;
use super::{probe, system};
use crate::disk::{DirItem, Disk, DiskResult, EntryName, Handle, Kind, RootState, Stat, root};
use crate::error::{DiskError, DiskErrorKind};
use handle::RealHandle;
use path::{Place, failure, is_unsupported};

/// The file in which the file system's clock is read.
const CLOCK: &str = "clock";

/// A folder of this computer.
pub struct RealDisk {
    path: PathBuf,
    root: OwnedFd,
    traits: OnceLock<DiskTraits>,
    clock: Clock,
}

impl RealDisk {
    /// Opens the folder at `path`, which may itself be reached through links.
    ///
    /// Fails with [`DiskErrorKind::Missing`] or [`DiskErrorKind::NotADirectory`] if there is none.
    pub fn open(path: &Path) -> DiskResult<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(path, flags, Mode::empty());
        let root = opened.map_err(|errno| failure(errno, "open the folder", &root()))?;
        Ok(Self { path: path.to_owned(), root, traits: OnceLock::new(), clock: Clock::default() })
    }

    /// Returns the directory and the name of `path`, resolved without links.
    fn place<'a>(&'a self, operation: &'static str, path: &'a DiskPath) -> DiskResult<Place<'a>> {
        Place::of(self.root.as_fd(), path).map_err(|errno| failure(errno, operation, path))
    }

    /// Returns whether this disk may find an entry under a name that is not its own.
    fn folds_names(&self) -> bool {
        self.traits.get().is_some_and(|traits| !traits.case_sensitive || traits.normalizes_unicode)
    }

    /// Makes one step on the resolved place of `path`.
    fn at<T>(
        &self,
        operation: &'static str,
        path: &DiskPath,
        step: impl FnOnce(&Place<'_>) -> Result<T, Errno>,
    ) -> DiskResult<T> {
        let place = self.place(operation, path)?;
        step(&place).map_err(|errno| failure(errno, operation, path))
    }

    /// Makes one step on the resolved places of two paths.
    fn at_both<T>(
        &self,
        operation: &'static str,
        from: &DiskPath,
        to: &DiskPath,
        step: impl FnOnce(&Place<'_>, &Place<'_>) -> Result<T, Errno>,
    ) -> DiskResult<T> {
        let (source, target) = (self.place(operation, from)?, self.place(operation, to)?);
        step(&source, &target).map_err(|errno| match errno {
            Errno::EXIST | Errno::NOTEMPTY => failure(Errno::EXIST, operation, to),
            other => failure(other, operation, from),
        })
    }

    fn open_dir(&self, operation: &'static str, path: &DiskPath) -> DiskResult<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        self.at(operation, path, |place| {
            rustix::fs::openat(&place.directory, place.name_or_dot(), flags, Mode::empty())
        })
    }

    /// Opens a regular file; refuses anything else before and after opening it.
    fn open_file(
        &self,
        operation: &'static str,
        path: &DiskPath,
        access: OFlags,
    ) -> DiskResult<Box<dyn Handle>> {
        let wrong_kind = || DiskError::new(DiskErrorKind::WrongKind, operation, path, "not a regular file");
        // A pipe must not block and a device must not be touched: NONBLOCK for the race, the first look for the rest.
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = self.at(operation, path, |place| {
            if system::stat_at(place.directory.as_fd(), OsStr::new(place.name))?.kind != Kind::File {
                return Ok(None);
            }
            match rustix::fs::openat(&place.directory, place.name, flags, Mode::empty()) {
                Err(Errno::LOOP) => Ok(None),
                opened => opened.map(Some),
            }
        })?;
        let handle = self.handle(opened.ok_or_else(wrong_kind)?, path);
        if handle.stat()?.kind == Kind::File { Ok(Box::new(handle)) } else { Err(wrong_kind()) }
    }

    fn handle(&self, fd: OwnedFd, path: &DiskPath) -> RealHandle {
        let has_permissions = self.traits.get().is_none_or(|traits| traits.has_executable_bit);
        RealHandle { file: File::from(fd), path: path.clone(), has_permissions }
    }

    /// Writes a stamp and returns it.
    fn read_clock(&self, scratch: &DiskPath) -> DiskResult<i64> {
        let clock = crate::disk::child(scratch, CLOCK);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let stat = self.at("read the clock with", &clock, |place| {
            let fd = rustix::fs::openat(&place.directory, place.name, flags, Mode::from_raw_mode(0o600))?;
            let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
            let omit = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
            rustix::fs::futimens(&fd, &Timestamps { last_access: omit, last_modification: now })?;
            system::stat_of(fd.as_fd())
        })?;
        Ok(stat.fingerprint.mtime_ns)
    }

    fn make_dir_with(&self, path: &DiskPath, mode: Mode) -> DiskResult<()> {
        self.at("create the folder", path, |place| rustix::fs::mkdirat(&place.directory, place.name, mode))
    }

    /// Returns whether the root holds nothing but our own `.s4`.
    fn is_empty(&self) -> Result<bool, Errno> {
        let mut is_empty = true;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.root, ".", flags, Mode::empty())?;
        system::list(&fd, &mut |name| {
            is_empty = name.eq_ignore_ascii_case(RESERVED_COMPONENT.as_bytes());
            if is_empty { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(is_empty)
    }
}

impl Disk for RealDisk {
    fn probe(&self, scratch: &DiskPath) -> DiskResult<DiskTraits> {
        let traits = probe::probe(self, scratch, system::granularity_ns(self.root.as_fd()))?;
        Ok(self.traits.get_or_init(|| traits).clone())
    }

    fn root_state(&self) -> DiskResult<RootState> {
        let fail = |errno| failure(errno, "look at the folder", &root());
        let now = match rustix::fs::stat(&self.path) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(RootState::Missing),
            Err(Errno::NOTDIR) => return Ok(RootState::NotADirectory),
            Err(errno) => return Err(fail(errno)),
        };
        let opened = rustix::fs::fstat(&self.root).map_err(fail)?;
        if !rustix::fs::FileType::from_raw_mode(now.st_mode).is_dir() {
            Ok(RootState::NotADirectory)
        } else if (now.st_dev, now.st_ino) != (opened.st_dev, opened.st_ino) {
            Ok(RootState::Missing)
        } else {
            Ok(RootState::Present { empty: self.is_empty().map_err(fail)? })
        }
    }

    fn lstat(&self, path: &DiskPath) -> DiskResult<Option<Stat>> {
        let look = || {
            let place = Place::of(self.root.as_fd(), path)?;
            let stat = system::stat_at(place.directory.as_fd(), OsStr::new(place.name))?;
            let is_exact = !self.folds_names() || system::has_exact_spelling(self.root.as_fd(), path)?;
            Ok(is_exact.then_some(stat))
        };
        match look() {
            // A part of the path is missing, a file or a link: nothing stands at this path.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            found => found.map_err(|errno| failure(errno, "look at", path)),
        }
    }

    fn read_dir(&self, path: &DiskPath, visit: &mut dyn FnMut(DirItem)) -> DiskResult<()> {
        let fd = self.open_dir("list", path)?;
        let listed = system::list(&fd, &mut |name| {
            let stat = system::stat_at(fd.as_fd(), OsStr::from_bytes(name));
            let (name, place) = match std::str::from_utf8(name) {
                Ok(text) => (EntryName::Text(text.into()), text),
                Err(_) => (EntryName::Unprintable(name.escape_ascii().to_string().into()), ""),
            };
            let stat = stat.map_err(|errno| failure(errno, "look at", &crate::disk::child(path, place)));
            visit(DirItem { name, stat });
            ControlFlow::Continue(())
        });
        listed.map_err(|errno| failure(errno, "list", path))
    }

    fn read_link(&self, path: &DiskPath) -> DiskResult<Box<str>> {
        let target = self.at("read the link", path, |place| {
            rustix::fs::readlinkat(&place.directory, place.name, Vec::new())
        })?;
        let refused =
            |_| DiskError::new(DiskErrorKind::BadName, "read the link", path, "its target is no UTF-8");
        target.into_string().map(String::into_boxed_str).map_err(refused)
    }

    fn open(&self, path: &DiskPath) -> DiskResult<Box<dyn Handle>> {
        self.open_file("read", path, OFlags::RDONLY)
    }

    fn open_for_writing(&self, path: &DiskPath) -> DiskResult<Box<dyn Handle>> {
        self.open_file("open", path, OFlags::RDWR)
    }

    fn create(&self, path: &DiskPath) -> DiskResult<Box<dyn Handle>> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = self.at("create", path, |place| {
            rustix::fs::openat(&place.directory, place.name, flags, Mode::from_raw_mode(0o666))
        })?;
        Ok(Box::new(self.handle(fd, path)))
    }

    fn rename(&self, from: &DiskPath, to: &DiskPath) -> DiskResult<()> {
        self.at_both("rename", from, to, |from, to| {
            let flags = RenameFlags::NOREPLACE;
            match rustix::fs::renameat_with(&from.directory, from.name, &to.directory, to.name, flags) {
                Err(errno) if errno == Errno::INVAL || is_unsupported(errno) => rename_without_flag(from, to),
                outcome => outcome,
            }
        })
    }

    fn exchange(&self, left: &DiskPath, right: &DiskPath) -> DiskResult<()> {
        self.at_both("exchange", left, right, |left, right| {
            let flags = RenameFlags::EXCHANGE;
            match rustix::fs::renameat_with(&left.directory, left.name, &right.directory, right.name, flags) {
                Err(Errno::INVAL) => Err(Errno::OPNOTSUPP),
                outcome => outcome,
            }
        })
    }

    fn link(&self, from: &DiskPath, to: &DiskPath) -> DiskResult<()> {
        self.at_both("link", from, to, |from, to| {
            rustix::fs::linkat(&from.directory, from.name, &to.directory, to.name, AtFlags::empty())
        })
    }

    fn unlink(&self, path: &DiskPath) -> DiskResult<()> {
        self.at("remove", path, |place| rustix::fs::unlinkat(&place.directory, place.name, AtFlags::empty()))
    }

    fn make_dir(&self, path: &DiskPath) -> DiskResult<()> {
        self.make_dir_with(path, Mode::from_raw_mode(0o777))
    }

    fn make_private_dir(&self, path: &DiskPath) -> DiskResult<()> {
        self.make_dir_with(path, Mode::from_raw_mode(0o700))
    }

    fn remove_dir(&self, path: &DiskPath) -> DiskResult<()> {
        let operation = "remove the folder";
        self.at(operation, path, |place| {
            match rustix::fs::unlinkat(&place.directory, place.name, AtFlags::REMOVEDIR) {
                // POSIX lets a system say either.
                Err(Errno::EXIST) => Err(Errno::NOTEMPTY),
                outcome => outcome,
            }
        })
    }

    fn symlink(&self, target: &str, path: &DiskPath) -> DiskResult<()> {
        self.at("create the link", path, |place| rustix::fs::symlinkat(target, &place.directory, place.name))
    }

    fn sync_dir(&self, path: &DiskPath) -> DiskResult<()> {
        let directory = File::from(self.open_dir("sync the folder", path)?);
        sync(&directory).map_err(|error| DiskError::from_io(&error, "sync the folder", path))
    }

    fn sync_fs(&self, path: &DiskPath) -> DiskResult<()> {
        let directory = self.open_dir("sync the disk", path)?;
        system::sync_fs(directory.as_fd()).map_err(|errno| failure(errno, "sync the disk", path))
    }

    fn now(&self, scratch: &DiskPath) -> DiskResult<i64> {
        self.clock.now(scratch, || self.read_clock(scratch))
    }

    fn free_space(&self) -> DiskResult<u64> {
        let stat = rustix::fs::fstatvfs(&self.root)
            .map_err(|errno| failure(errno, "ask for the free space of", &root()))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn step(&self, name: &'static str) -> DiskResult<()> {
        crate::failpoint::hit(name);
        Ok(())
    }
}

/// Renames to a free name where the file system does not know the flag that says so.
fn rename_without_flag(from: &Place<'_>, to: &Place<'_>) -> Result<(), Errno> {
    if system::stat_at(from.directory.as_fd(), OsStr::new(from.name))?.kind == Kind::Dir {
        // A directory can only ever take the place of an empty directory, so that even a lost race loses nothing.
        return match system::stat_at(to.directory.as_fd(), OsStr::new(to.name)) {
            Ok(_) => Err(Errno::EXIST),
            Err(Errno::NOENT) => rustix::fs::renameat(&from.directory, from.name, &to.directory, to.name),
            Err(errno) => Err(errno),
        };
    }
    // A link takes a free name or fails. Only then the old name goes: the entry has always at least one.
    match rustix::fs::linkat(&from.directory, from.name, &to.directory, to.name, AtFlags::empty()) {
        Err(Errno::PERM) => return Err(Errno::OPNOTSUPP),
        outcome => outcome?,
    }
    rustix::fs::unlinkat(&from.directory, from.name, AtFlags::empty())
}

/// Syncs a file or directory (macOS: with `F_FULLFSYNC`, which is what the standard library asks for).
///
/// Some network file systems know only the plain call, and for directories none: there it is the server's to keep.
fn sync(file: &File) -> std::io::Result<()> {
    use std::io::ErrorKind;

    let is_unknown = |kind: ErrorKind| matches!(kind, ErrorKind::Unsupported | ErrorKind::InvalidInput);
    match file.sync_all() {
        Err(error) if is_unknown(error.kind()) => match rustix::fs::fsync(file).map_err(std::io::Error::from)
        {
            Err(error) if is_unknown(error.kind()) && file.metadata()?.is_dir() => Ok(()),
            outcome => outcome,
        },
        outcome => outcome,
    }
}
