//! What only Linux does: `statx`, `openat2`, `getdents64`, `syncfs`.

use std::ffi::OsStr;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, ResolveFlags, Statx, StatxFlags, StatxTimestamp};
use rustix::io::Errno;
use s4_core::local::{FileId, Fingerprint};
use s4_core::path::DiskPath;

use super::unix::spelling;
use crate::disk::{Kind, MountId, Stat};

/// Longer paths than this are resolved in several calls; the kernel takes 4,095 bytes.
const LONGEST_PATH: usize = 4000;
/// Bytes of directory entries read at a time.
const DIR_BUFFER: usize = 64 * 1024;
/// How often a resolution is tried again that raced with a rename somewhere above.
const TRIES: usize = 64;

/// Returns what stands under `name` in a directory, or what the directory is if `name` is empty.
pub(super) fn stat_at(directory: BorrowedFd<'_>, name: &OsStr) -> Result<Stat, Errno> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT | AtFlags::EMPTY_PATH;
    let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME | StatxFlags::MNT_ID;
    rustix::fs::statx(directory, name, flags, wanted).map(|stat| to_stat(&stat))
}

/// Returns what an open file is.
pub(super) fn stat_of(fd: BorrowedFd<'_>) -> Result<Stat, Errno> {
    stat_at(fd, OsStr::new(""))
}

fn to_stat(stat: &Statx) -> Stat {
    let has = |flag: StatxFlags| stat.stx_mask & flag.bits() != 0;
    let kind = match FileType::from_raw_mode(stat.stx_mode.into()) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Dir,
        FileType::Symlink => Kind::Symlink,
        _ => Kind::Special,
    };
    Stat {
        kind,
        fingerprint: Fingerprint {
            size: stat.stx_size,
            mtime_ns: nanoseconds(&stat.stx_mtime),
            ctime_ns: has(StatxFlags::CTIME).then(|| nanoseconds(&stat.stx_ctime)),
            birth_ns: has(StatxFlags::BTIME).then(|| nanoseconds(&stat.stx_btime)),
            file_id: FileId(stat.stx_ino),
        },
        permissions: u32::from(stat.stx_mode) & 0o777,
        links: stat.stx_nlink.into(),
        mount: MountId {
            device: (u64::from(stat.stx_dev_major) << 32) | u64::from(stat.stx_dev_minor),
            mount: if has(StatxFlags::MNT_ID) { stat.stx_mnt_id } else { 0 },
        },
    }
}

fn nanoseconds(stamp: &StatxTimestamp) -> i64 {
    stamp.tv_sec.saturating_mul(1_000_000_000).saturating_add(stamp.tv_nsec.into())
}

/// Opens the directory at `path` below `root`, for use as a starting point only.
pub(super) fn open_path(root: BorrowedFd<'_>, path: &str) -> Result<OwnedFd, Errno> {
    let mut rest = path;
    let mut reached: Option<OwnedFd> = None;
    loop {
        let start = reached.as_ref().map_or(root, AsFd::as_fd);
        let (piece, after) = split_at_slash(rest);
        let next = open_piece(start, piece)?;
        match after {
            None => return Ok(next),
            Some(after) => (reached, rest) = (Some(next), after),
        }
    }
}

/// Cuts off as many parts as one call takes.
fn split_at_slash(path: &str) -> (&str, Option<&str>) {
    if path.len() <= LONGEST_PATH {
        return (path, None);
    }
    let cut = path.as_bytes()[..LONGEST_PATH].iter().rposition(|byte| *byte == b'/');
    match cut.or_else(|| path.find('/')) {
        Some(slash) => (&path[..slash], Some(&path[slash + 1..])),
        None => (path, None),
    }
}

/// Opens a directory some parts below `start`, through no link.
fn open_piece(start: BorrowedFd<'_>, piece: &str) -> Result<OwnedFd, Errno> {
    /// Kernels before 5.6 and some sandboxes have no `openat2`.
    static IS_MISSING: AtomicBool = AtomicBool::new(false);

    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    if !IS_MISSING.load(Ordering::Relaxed) {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..TRIES {
            match rustix::fs::openat2(start, piece, flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(Errno::NOSYS | Errno::PERM) => {
                    IS_MISSING.store(true, Ordering::Relaxed);
                    break;
                }
                outcome => return outcome,
            }
        }
    }
    open_part_by_part(start, piece)
}

/// Opens a directory with one call for each part, none of which follows a link.
fn open_part_by_part(start: BorrowedFd<'_>, piece: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut reached: Option<OwnedFd> = None;
    for part in piece.split('/') {
        let start = reached.as_ref().map_or(start, AsFd::as_fd);
        reached = Some(rustix::fs::openat(start, part, flags, Mode::empty())?);
    }
    reached.ok_or(Errno::NOENT)
}

/// Calls `visit` with the name of every entry of an open directory, `.` and `..` left out.
pub(super) fn list(
    directory: &OwnedFd,
    visit: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
) -> Result<(), Errno> {
    let mut buffer = Vec::with_capacity(DIR_BUFFER);
    let mut entries = RawDir::new(directory, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Err(Errno::INTR) => continue,
            entry => entry?,
        };
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." && visit(name).is_break() {
            break;
        }
    }
    Ok(())
}

/// Returns whether every part of `path` is spelled as its directory lists it.
///
/// Linux has no call for the true name of an entry; this is asked only of disks that fold names.
pub(super) fn has_exact_spelling(root: BorrowedFd<'_>, path: &DiskPath) -> Result<bool, Errno> {
    spelling::is_listed(root, path)
}

/// Returns once everything written so far to this file system is on disk.
pub(super) fn sync_fs(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    rustix::fs::syncfs(fd)
}

/// Returns how far apart two stamps must be to be surely different.
pub(super) fn granularity_ns(fd: BorrowedFd<'_>) -> i64 {
    /// ext2–4, xfs, btrfs, tmpfs, overlayfs, f2fs, zfs, bcachefs: <https://man7.org/linux/man-pages/man2/statfs.2.html>
    const FINE: [u32; 8] =
        [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0xf2f5_2010, 0x2fc1_2fc1, 0xca45_1a4e];
    let is_fine = rustix::fs::fstatfs(fd).is_ok_and(|stat| FINE.contains(&(stat.f_type as u32)));
    if is_fine { 20_000_000 } else { 2_000_000_000 }
}
