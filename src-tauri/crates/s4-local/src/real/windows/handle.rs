//! An open file.

use std::fs::{File, FileTimes};
use std::os::windows::fs::FileExt;
use std::time::{Duration, SystemTime};

use s4_core::path::DiskPath;

use super::system::{failure, stat_of};
use crate::disk::{DiskResult, Handle, Stat};

/// A file of this computer.
pub(super) struct RealHandle {
    pub(super) file: File,
    pub(super) path: DiskPath,
}

impl RealHandle {
    fn name_path<T>(&self, result: std::io::Result<T>, operation: &'static str) -> DiskResult<T> {
        result.map_err(|error| failure(&error, operation, &self.path))
    }
}

impl Handle for RealHandle {
    fn stat(&self) -> DiskResult<Stat> {
        self.name_path(stat_of(&self.file), "look at")
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> DiskResult<usize> {
        self.name_path(self.file.seek_read(buffer, offset), "read")
    }

    fn write_at(&self, piece: &[u8], offset: u64) -> DiskResult<()> {
        let mut done = 0;
        while done < piece.len() {
            let written = self.file.seek_write(&piece[done..], offset + done as u64);
            match self.name_path(written, "write")? {
                0 => return self.name_path(Err(std::io::ErrorKind::WriteZero.into()), "write"),
                count => done += count,
            }
        }
        Ok(())
    }

    fn set_size(&self, size: u64) -> DiskResult<()> {
        self.name_path(self.file.set_len(size), "set the size of")
    }

    fn set_mtime(&self, mtime_ns: i64) -> DiskResult<()> {
        let distance = Duration::from_nanos(mtime_ns.unsigned_abs());
        let time = if mtime_ns >= 0 {
            SystemTime::UNIX_EPOCH.checked_add(distance)
        } else {
            SystemTime::UNIX_EPOCH.checked_sub(distance)
        };
        let times = FileTimes::new().set_modified(time.unwrap_or(SystemTime::UNIX_EPOCH));
        self.name_path(self.file.set_times(times), "set the time of")
    }

    fn set_permissions(&self, _permissions: u32) -> DiskResult<()> {
        // Who may do what is inherited from the folder; there are no nine bits.
        Ok(())
    }

    fn sync(&self) -> DiskResult<()> {
        self.name_path(self.file.sync_all(), "sync")
    }
}
