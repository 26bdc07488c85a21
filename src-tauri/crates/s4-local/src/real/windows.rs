//! The disk of Windows.
//!
//! - Before a step every directory above its entry is opened without the right of others to rename or delete it, and
//!   must be no reparse point that leads elsewhere ([`guard`]): while the step runs, its path means what was checked.
//! - Paths are verbatim (`\\?\`): as long as NTFS allows, and nothing in them is reinterpreted.
//! - There is no exchange; renames go through `MoveFileExW` without the flag that replaces.

mod guard;
mod handle;
mod system;

use std::fs::{File, OpenOptions};
use std::os::windows::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use s4_core::path::{DiskPath, RESERVED_COMPONENT};
use s4_core::traits::{DiskTraits, NameRules};
use windows_sys::Win32::Storage::FileSystem as win;

use super::clock::Clock;
use super::probe;
use crate::disk::{DirItem, Disk, DiskResult, EntryName, Handle, Kind, RootState, Stat, child, root};
use crate::error::{DiskError, DiskErrorKind};
use guard::{Guarded, SHARE_ALL};
use handle::RealHandle;
use system::failure;

/// The file in which the file system's clock is read.
const CLOCK: &str = "clock";
/// NTFS and ReFS keep 100 ns; FAT keeps 2 s and says nothing.
const FINE_NS: i64 = 20_000_000;
const COARSE_NS: i64 = 2_000_000_000;

/// A folder of this computer.
pub struct RealDisk {
    /// As the person gave it, to notice that another folder has its name.
    path: PathBuf,
    /// The true path, verbatim.
    verbatim: PathBuf,
    root: File,
    traits: OnceLock<DiskTraits>,
    clock: Clock,
}

impl RealDisk {
    /// Opens the folder at `path`, which may itself be reached through links.
    ///
    /// Fails with [`DiskErrorKind::Missing`] or [`DiskErrorKind::NotADirectory`] if there is none.
    pub fn open(path: &Path) -> DiskResult<Self> {
        let fail = |error: std::io::Error| failure(&error, "open the folder", &root());
        let opened = OpenOptions::new()
            .access_mode(win::FILE_LIST_DIRECTORY)
            .share_mode(SHARE_ALL)
            .custom_flags(win::FILE_FLAG_BACKUP_SEMANTICS)
            .open(path)
            .map_err(fail)?;
        if !opened.metadata().map_err(fail)?.is_dir() {
            let words = "not a folder";
            return Err(DiskError::new(DiskErrorKind::NotADirectory, "open the folder", &root(), words));
        }
        let verbatim = std::fs::canonicalize(path).map_err(fail)?;
        Ok(Self {
            path: path.to_owned(),
            verbatim,
            root: opened,
            traits: OnceLock::new(),
            clock: Clock::default(),
        })
    }

    /// Returns the guarded path of an entry.
    fn guard(&self, operation: &'static str, path: &DiskPath) -> DiskResult<Guarded> {
        Guarded::of(&self.verbatim, operation, path)
    }

    /// As [`RealDisk::guard`], for a name that is to be made: Windows must take it as it is.
    fn guard_new(&self, operation: &'static str, path: &DiskPath) -> DiskResult<Guarded> {
        let windows = DiskTraits { names: NameRules::Windows, ..DiskTraits::LINUX };
        match windows.refusal(path.name()) {
            Some(why) => Err(DiskError::new(DiskErrorKind::BadName, operation, path, why)),
            None => self.guard(operation, path),
        }
    }

    fn open_file(
        &self,
        operation: &'static str,
        path: &DiskPath,
        access: u32,
    ) -> DiskResult<Box<dyn Handle>> {
        let guarded = self.guard(operation, path)?;
        let fail = |error: std::io::Error| failure(&error, operation, path);
        let wrong_kind = || DiskError::new(DiskErrorKind::WrongKind, operation, path, "not a regular file");
        if system::stat_at(&guarded.path).map_err(fail)?.kind != Kind::File {
            return Err(wrong_kind());
        }
        let file = OpenOptions::new()
            .access_mode(access)
            .share_mode(SHARE_ALL)
            .custom_flags(win::FILE_FLAG_OPEN_REPARSE_POINT)
            .open(&guarded.path)
            .map_err(fail)?;
        let handle = RealHandle { file, path: path.clone() };
        if handle.stat()?.kind == Kind::File { Ok(Box::new(handle)) } else { Err(wrong_kind()) }
    }

    /// Writes a stamp and returns it.
    fn read_clock(&self, scratch: &DiskPath) -> DiskResult<i64> {
        let clock = child(scratch, CLOCK);
        let guarded = self.guard("read the clock with", &clock)?;
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .share_mode(SHARE_ALL)
            .open(&guarded.path)
            .and_then(|mut file| {
                std::io::Write::write_all(&mut file, b".")?;
                system::stat_of(&file)
            });
        let stat = written.map_err(|error| failure(&error, "read the clock with", &clock))?;
        Ok(stat.fingerprint.mtime_ns)
    }

    /// Returns whether every part of `path` is spelled as its directory lists it.
    fn has_exact_spelling(&self, guarded: &Guarded, path: &DiskPath) -> std::io::Result<bool> {
        let wanted = path.as_str().replace('/', "\\");
        let found = system::true_path(&guarded.path)?;
        let top = system::true_path_of(&self.root)?;
        let below = found.strip_prefix(top.as_str()).and_then(|rest| rest.strip_prefix('\\'));
        if below == Some(wanted.as_str()) {
            return Ok(true);
        }
        // The system may have named another hard link.
        let mut directory = self.verbatim.clone();
        for part in path.as_str().split('/') {
            let mut entries = std::fs::read_dir(&directory)?;
            if !entries.any(|entry| entry.is_ok_and(|entry| entry.file_name() == part)) {
                return Ok(false);
            }
            directory.push(part);
        }
        Ok(true)
    }
}

impl Disk for RealDisk {
    fn probe(&self, scratch: &DiskPath) -> DiskResult<DiskTraits> {
        let granularity = match system::file_system_name(&self.root) {
            Ok(name) if name == "NTFS" || name == "ReFS" => FINE_NS,
            Ok(_) | Err(_) => COARSE_NS,
        };
        let traits = probe::probe(self, scratch, granularity)?;
        Ok(self.traits.get_or_init(|| traits).clone())
    }

    fn root_state(&self) -> DiskResult<RootState> {
        let fail = |error: std::io::Error| failure(&error, "look at the folder", &root());
        let now = match OpenOptions::new()
            .access_mode(win::FILE_READ_ATTRIBUTES)
            .share_mode(SHARE_ALL)
            .custom_flags(win::FILE_FLAG_BACKUP_SEMANTICS)
            .open(&self.path)
        {
            Ok(now) => system::stat_of(&now).map_err(fail)?,
            Err(error) => match failure(&error, "look at the folder", &root()) {
                DiskError { kind: DiskErrorKind::Missing, .. } => return Ok(RootState::Missing),
                DiskError { kind: DiskErrorKind::NotADirectory, .. } => return Ok(RootState::NotADirectory),
                error => return Err(error),
            },
        };
        let opened = system::stat_of(&self.root).map_err(fail)?;
        let identity = |stat: &Stat| (stat.mount, stat.fingerprint.file_id);
        if now.kind != Kind::Dir {
            return Ok(RootState::NotADirectory);
        } else if identity(&now) != identity(&opened) {
            return Ok(RootState::Missing);
        }
        let mut entries = std::fs::read_dir(&self.verbatim).map_err(fail)?;
        let is_own = |name: &std::ffi::OsStr| name.eq_ignore_ascii_case(RESERVED_COMPONENT);
        let empty = entries.all(|entry| entry.is_ok_and(|entry| is_own(&entry.file_name())));
        Ok(RootState::Present { empty })
    }

    fn lstat(&self, path: &DiskPath) -> DiskResult<Option<Stat>> {
        if path.as_str().is_empty() {
            let found = system::stat_of(&self.root);
            return found.map(Some).map_err(|error| failure(&error, "look at", path));
        }
        let look = || {
            let guarded = self.guard("look at", path)?;
            let fail = |error: std::io::Error| failure(&error, "look at", path);
            let stat = system::stat_at(&guarded.path).map_err(fail)?;
            let is_exact = self.has_exact_spelling(&guarded, path).map_err(fail)?;
            Ok(is_exact.then_some(stat))
        };
        match look() {
            // A part of the path is missing, a file or a link: nothing stands at this path.
            Err(DiskError {
                kind: DiskErrorKind::Missing | DiskErrorKind::NotADirectory | DiskErrorKind::ThroughLink,
                ..
            }) => Ok(None),
            found => found,
        }
    }

    fn read_dir(&self, path: &DiskPath, visit: &mut dyn FnMut(DirItem)) -> DiskResult<()> {
        let guarded = self.guard("list", path)?;
        let fail = |error: std::io::Error| failure(&error, "list", path);
        if system::stat_at(&guarded.path).map_err(fail)?.kind != Kind::Dir {
            let words = "not a directory";
            return Err(DiskError::new(DiskErrorKind::NotADirectory, "list", path, words));
        }
        for entry in std::fs::read_dir(&guarded.path).map_err(fail)? {
            let name = entry.map_err(fail)?.file_name();
            // What a directory lists of an entry may be older than the entry, so that each is asked for itself.
            let stat = system::stat_at(&guarded.path.join(&name));
            let (name, place) = match name.to_str() {
                Some(text) => (EntryName::Text(text.into()), text),
                None => (EntryName::Unprintable(name.to_string_lossy().into()), ""),
            };
            let stat = stat.map_err(|error| failure(&error, "look at", &child(path, place)));
            visit(DirItem { name, stat });
        }
        Ok(())
    }

    fn read_link(&self, path: &DiskPath) -> DiskResult<Box<str>> {
        let guarded = self.guard("read the link", path)?;
        let target = std::fs::read_link(&guarded.path);
        let target = target.map_err(|error| failure(&error, "read the link", path))?;
        match target.to_str() {
            Some(text) => Ok(text.replace('\\', "/").into()),
            None => {
                let words = "its target is no text";
                Err(DiskError::new(DiskErrorKind::BadName, "read the link", path, words))
            }
        }
    }

    fn open(&self, path: &DiskPath) -> DiskResult<Box<dyn Handle>> {
        self.open_file("read", path, win::FILE_GENERIC_READ)
    }

    fn open_for_writing(&self, path: &DiskPath) -> DiskResult<Box<dyn Handle>> {
        self.open_file("open", path, win::FILE_GENERIC_READ | win::FILE_GENERIC_WRITE)
    }

    fn create(&self, path: &DiskPath) -> DiskResult<Box<dyn Handle>> {
        let guarded = self.guard_new("create", path)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .share_mode(SHARE_ALL)
            .custom_flags(win::FILE_FLAG_OPEN_REPARSE_POINT)
            .open(&guarded.path)
            .map_err(|error| failure(&error, "create", path))?;
        Ok(Box::new(RealHandle { file, path: path.clone() }))
    }

    fn rename(&self, from: &DiskPath, to: &DiskPath) -> DiskResult<()> {
        let (source, target) = (self.guard("rename", from)?, self.guard_new("rename", to)?);
        system::move_to_free(&source.path, &target.path).map_err(|error| failure(&error, "rename", from))
    }

    fn exchange(&self, left: &DiskPath, _right: &DiskPath) -> DiskResult<()> {
        let words = "Windows cannot exchange two entries";
        Err(DiskError::new(DiskErrorKind::Unsupported, "exchange", left, words))
    }

    fn link(&self, from: &DiskPath, to: &DiskPath) -> DiskResult<()> {
        let (source, target) = (self.guard("link", from)?, self.guard_new("link", to)?);
        std::fs::hard_link(&source.path, &target.path).map_err(|error| failure(&error, "link", from))
    }

    fn unlink(&self, path: &DiskPath) -> DiskResult<()> {
        let guarded = self.guard("remove", path)?;
        let remove = || {
            let kind = std::fs::symlink_metadata(&guarded.path)?.file_type();
            if kind.is_symlink_dir() {
                std::fs::remove_dir(&guarded.path)
            } else {
                std::fs::remove_file(&guarded.path)
            }
        };
        remove().map_err(|error| failure(&error, "remove", path))
    }

    fn make_dir(&self, path: &DiskPath) -> DiskResult<()> {
        let guarded = self.guard_new("create the folder", path)?;
        std::fs::create_dir(&guarded.path).map_err(|error| failure(&error, "create the folder", path))
    }

    fn make_private_dir(&self, path: &DiskPath) -> DiskResult<()> {
        // A folder inherits who may enter it from the one that the person chose.
        self.make_dir(path)
    }

    fn remove_dir(&self, path: &DiskPath) -> DiskResult<()> {
        let operation = "remove the folder";
        let guarded = self.guard(operation, path)?;
        let fail = |error: std::io::Error| failure(&error, operation, path);
        // For Windows a link to a directory is a directory that can be removed.
        if system::stat_at(&guarded.path).map_err(fail)?.kind != Kind::Dir {
            return Err(DiskError::new(DiskErrorKind::NotADirectory, operation, path, "not a directory"));
        }
        std::fs::remove_dir(&guarded.path).map_err(fail)
    }

    fn symlink(&self, target: &str, path: &DiskPath) -> DiskResult<()> {
        let guarded = self.guard_new("create the link", path)?;
        let target = target.replace('/', "\\");
        let is_dir = guarded.path.parent().is_some_and(|parent| parent.join(&target).is_dir());
        let made = if is_dir {
            std::os::windows::fs::symlink_dir(&target, &guarded.path)
        } else {
            std::os::windows::fs::symlink_file(&target, &guarded.path)
        };
        made.map_err(|error| failure(&error, "create the link", path))
    }

    fn sync_dir(&self, path: &DiskPath) -> DiskResult<()> {
        let operation = "sync the folder";
        let guarded = self.guard(operation, path)?;
        let fail = |error: std::io::Error| failure(&error, operation, path);
        if system::stat_at(&guarded.path).map_err(fail)?.kind != Kind::Dir {
            return Err(DiskError::new(DiskErrorKind::NotADirectory, operation, path, "not a directory"));
        }
        let opened = OpenOptions::new()
            .access_mode(win::FILE_LIST_DIRECTORY | win::FILE_ADD_FILE)
            .share_mode(SHARE_ALL)
            .custom_flags(win::FILE_FLAG_BACKUP_SEMANTICS | win::FILE_FLAG_OPEN_REPARSE_POINT)
            .open(&guarded.path)
            .map_err(fail)?;
        match opened.sync_all().map_err(fail) {
            // Some file systems flush no directories; NTFS keeps a journal of them.
            Err(error) if matches!(error.kind, DiskErrorKind::Denied | DiskErrorKind::Unsupported) => Ok(()),
            outcome => outcome,
        }
    }

    fn sync_fs(&self, path: &DiskPath) -> DiskResult<()> {
        let words = "only an administrator may sync a volume";
        Err(DiskError::new(DiskErrorKind::Unsupported, "sync the disk", path, words))
    }

    fn now(&self, scratch: &DiskPath) -> DiskResult<i64> {
        self.clock.now(scratch, || self.read_clock(scratch))
    }

    fn free_space(&self) -> DiskResult<u64> {
        let space = system::free_space(&self.verbatim);
        space.map_err(|error| failure(&error, "ask for the free space of", &root()))
    }

    fn step(&self, name: &'static str) -> DiskResult<()> {
        crate::failpoint::hit(name);
        Ok(())
    }
}
