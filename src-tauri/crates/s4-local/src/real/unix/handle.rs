//! An open file.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;

use rustix::fs::{Mode, Timespec, Timestamps, UTIME_OMIT};
use s4_core::path::DiskPath;

use super::super::system;
use super::path::failure;
use crate::disk::{DiskResult, Handle, Stat};
use crate::error::DiskError;

const NANOS: i64 = 1_000_000_000;

/// A file of this computer.
pub(super) struct RealHandle {
    pub(super) file: File,
    pub(super) path: DiskPath,
    pub(super) has_permissions: bool,
}

impl RealHandle {
    fn name_path<T>(&self, result: std::io::Result<T>, operation: &'static str) -> DiskResult<T> {
        result.map_err(|error| DiskError::from_io(&error, operation, &self.path))
    }
}

impl Handle for RealHandle {
    fn stat(&self) -> DiskResult<Stat> {
        system::stat_of(self.file.as_fd()).map_err(|errno| failure(errno, "look at", &self.path))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> DiskResult<usize> {
        loop {
            match self.file.read_at(buffer, offset) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                outcome => return self.name_path(outcome, "read"),
            }
        }
    }

    fn write_at(&self, piece: &[u8], offset: u64) -> DiskResult<()> {
        self.name_path(self.file.write_all_at(piece, offset), "write")
    }

    #[cfg(target_os = "linux")]
    fn copy_range_from(&self, source: &dyn Handle, from: u64, to: u64, size: u64) -> DiskResult<()> {
        let done = source.descriptor().map_or(0, |source| copied_within(source, &self.file, from, to, size));
        // What the system did not copy, for whatever reason, is copied by hand: that tells the reason.
        crate::disk::copy_by_hand(self, source, from + done, to + done, size - done)
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.file.as_fd())
    }

    fn set_size(&self, size: u64) -> DiskResult<()> {
        self.name_path(self.file.set_len(size), "set the size of")
    }

    fn set_mtime(&self, mtime_ns: i64) -> DiskResult<()> {
        let last_modification =
            Timespec { tv_sec: mtime_ns.div_euclid(NANOS), tv_nsec: mtime_ns.rem_euclid(NANOS) };
        let last_access = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
        rustix::fs::futimens(&self.file, &Timestamps { last_access, last_modification })
            .map_err(|errno| failure(errno, "set the time of", &self.path))
    }

    fn set_permissions(&self, permissions: u32) -> DiskResult<()> {
        let permissions = permissions & 0o777;
        if !self.has_permissions || self.stat()?.permissions == permissions {
            return Ok(());
        }
        let mode = Mode::from_bits_truncate(permissions as rustix::fs::RawMode);
        rustix::fs::fchmod(&self.file, mode)
            .map_err(|errno| failure(errno, "set the permissions of", &self.path))
    }

    fn sync(&self) -> DiskResult<()> {
        self.name_path(super::sync(&self.file), "sync")
    }
}

/// Lets the system copy, by sharing storage where the file system does that; returns how many bytes it copied.
#[cfg(target_os = "linux")]
fn copied_within(source: BorrowedFd<'_>, target: &File, from: u64, to: u64, size: u64) -> u64 {
    let (mut at, mut to, end) = (from, to, from.saturating_add(size));
    while at < end {
        let most = usize::try_from(end - at).unwrap_or(usize::MAX).min(1 << 30);
        match rustix::fs::copy_file_range(source, Some(&mut at), target, Some(&mut to), most) {
            Err(rustix::io::Errno::INTR) => {}
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    at - from
}
