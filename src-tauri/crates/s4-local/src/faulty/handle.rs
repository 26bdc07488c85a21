//! An open file that fails where a test wants it to.

use std::sync::Arc;

use s4_core::path::DiskPath;

use super::{Faults, Operation};
use crate::disk::{DiskResult, Handle, Stat};

/// A handle of another disk, with faults.
pub(super) struct FaultyHandle {
    pub(super) inner: Box<dyn Handle>,
    pub(super) path: DiskPath,
    pub(super) faults: Arc<Faults>,
}

impl FaultyHandle {
    fn around<T>(&self, operation: Operation, step: impl FnOnce() -> DiskResult<T>) -> DiskResult<T> {
        self.faults.around(operation, &[&self.path], step)
    }
}

impl Handle for FaultyHandle {
    fn stat(&self) -> DiskResult<Stat> {
        self.around(Operation::Lstat, || self.inner.stat())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> DiskResult<usize> {
        self.around(Operation::Read, || self.inner.read_at(buffer, offset))
    }

    fn write_at(&self, piece: &[u8], offset: u64) -> DiskResult<()> {
        self.around(Operation::Write, || self.inner.write_at(piece, offset))
    }

    fn copy_range_from(&self, source: &dyn Handle, from: u64, to: u64, size: u64) -> DiskResult<()> {
        self.around(Operation::Write, || self.inner.copy_range_from(source, from, to, size))
    }

    #[cfg(unix)]
    fn descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        self.inner.descriptor()
    }

    fn set_size(&self, size: u64) -> DiskResult<()> {
        self.around(Operation::Write, || self.inner.set_size(size))
    }

    fn set_mtime(&self, mtime_ns: i64) -> DiskResult<()> {
        self.around(Operation::SetStamps, || self.inner.set_mtime(mtime_ns))
    }

    fn set_permissions(&self, permissions: u32) -> DiskResult<()> {
        self.around(Operation::SetStamps, || self.inner.set_permissions(permissions))
    }

    fn sync(&self) -> DiskResult<()> {
        self.around(Operation::Sync, || self.inner.sync())
    }
}
