//! What only macOS does: `fstatat`, `F_GETPATH`, names that fold.
//!
//! - A path is resolved with one `openat` for each part: none follows a link.
//! - APFS and HFS+ find entries under other spellings; the true one comes from `F_GETPATH`.

use std::ffi::OsStr;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use s4_core::local::{FileId, Fingerprint};
use s4_core::path::DiskPath;

use super::unix::spelling;
use crate::disk::{Kind, MountId, Stat};

/// `O_EVTONLY`: a descriptor that asks for no right to read, and holds no volume.
const EVENTS_ONLY: OFlags = OFlags::from_bits_retain(0x8000);

/// Returns what stands under `name` in a directory, or what the directory is if `name` is empty.
pub(super) fn stat_at(directory: BorrowedFd<'_>, name: &OsStr) -> Result<Stat, Errno> {
    if name.is_empty() {
        return stat_of(directory);
    }
    rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| to_stat(&stat))
}

/// Returns what an open file is.
pub(super) fn stat_of(fd: BorrowedFd<'_>) -> Result<Stat, Errno> {
    rustix::fs::fstat(fd).map(|stat| to_stat(&stat))
}

fn to_stat(stat: &rustix::fs::Stat) -> Stat {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Dir,
        FileType::Symlink => Kind::Symlink,
        _ => Kind::Special,
    };
    Stat {
        kind,
        fingerprint: Fingerprint {
            size: u64::try_from(stat.st_size).unwrap_or(0),
            mtime_ns: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
            ctime_ns: Some(nanoseconds(stat.st_ctime, stat.st_ctime_nsec)),
            birth_ns: Some(nanoseconds(stat.st_birthtime, stat.st_birthtime_nsec)),
            file_id: FileId(stat.st_ino),
        },
        permissions: u32::from(stat.st_mode) & 0o777,
        links: stat.st_nlink.into(),
        mount: MountId { device: u64::from(stat.st_dev.cast_unsigned()), mount: 0 },
    }
}

fn nanoseconds(seconds: i64, rest: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

/// Opens the directory at `path` below `root`, with one call for each part, none of which follows a link.
pub(super) fn open_path(root: BorrowedFd<'_>, path: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut reached: Option<OwnedFd> = None;
    for part in path.split('/') {
        let start = reached.as_ref().map_or(root, AsFd::as_fd);
        reached = Some(rustix::fs::openat(start, part, flags, Mode::empty())?);
    }
    reached.ok_or(Errno::NOENT)
}

/// Calls `visit` with the name of every entry of an open directory, `.` and `..` left out.
pub(super) fn list(
    directory: &OwnedFd,
    visit: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
) -> Result<(), Errno> {
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." && visit(name).is_break() {
            break;
        }
    }
    Ok(())
}

/// Returns whether every part of `path` is spelled as its directory lists it.
pub(super) fn has_exact_spelling(root: BorrowedFd<'_>, path: &DiskPath) -> Result<bool, Errno> {
    if is_true_path(root, path).unwrap_or(false) {
        return Ok(true);
    }
    // `F_GETPATH` may name another hard link, and knows no path longer than 1,023 bytes.
    spelling::is_listed(root, path)
}

/// Returns whether the system itself gives this path for the entry.
fn is_true_path(root: BorrowedFd<'_>, path: &DiskPath) -> Result<bool, Errno> {
    let flags = EVENTS_ONLY | OFlags::SYMLINK | OFlags::CLOEXEC;
    let (start, name) = match path.as_str().rsplit_once('/') {
        Some((parent, name)) => (Some(open_path(root, parent)?), name),
        None => (None, path.as_str()),
    };
    let entry = rustix::fs::openat(start.as_ref().map_or(root, AsFd::as_fd), name, flags, Mode::empty())?;
    let (top, found) = (rustix::fs::getpath(root)?, rustix::fs::getpath(&entry)?);
    let below = found.to_bytes().strip_prefix(top.to_bytes()).and_then(|rest| rest.strip_prefix(b"/"));
    Ok(below == Some(path.as_str().as_bytes()))
}

/// There is no sync of one whole volume.
pub(super) fn sync_fs(_fd: BorrowedFd<'_>) -> Result<(), Errno> {
    Err(Errno::NOTSUP)
}

/// Returns how far apart two stamps must be to be surely different: APFS keeps nanoseconds, HFS+ seconds.
pub(super) fn granularity_ns(fd: BorrowedFd<'_>) -> i64 {
    let is_apfs = rustix::fs::fstatfs(fd).is_ok_and(|stat| {
        let name: Vec<u8> = stat.f_fstypename.iter().map(|letter| letter.cast_unsigned()).collect();
        name.starts_with(b"apfs\0")
    });
    if is_apfs { 20_000_000 } else { 2_000_000_000 }
}
