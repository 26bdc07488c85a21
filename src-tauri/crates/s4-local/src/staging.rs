//! Staging: a new version is whole and safe in `.s4/partial` before it takes a name.
//!
//! - A partial is created exclusively, on the file system of its destination, so that placing it is a rename.
//! - [`Partial`] is being written; [`Staged`] is finished. Both remove their file when dropped, unless it was
//!   placed or [`Partial::keep`] was called; nothing else is ever removed by them: before it unlinks, a drop
//!   checks that the name still holds its own inode.
//! - The fingerprint of a staged file is taken through the open descriptor.

mod whole;

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use s4_core::local::{FileId, Fingerprint};
use s4_core::path::DiskPath;

use crate::disk::{Disk, DiskResult, Handle, Kind, Stat, directory_of};
use crate::error::{DiskError, DiskErrorKind};
use crate::folder::Folder;
use crate::reading::OpenFile;

/// So many files are synced each for itself: a sync of the file system waits for other programs' writes too.
const FEW: usize = 8;
/// On so many threads files are synced where there is no sync of the whole file system.
const SYNC_THREADS: usize = 8;

/// Whether finishing a file makes it durable at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMode {
    /// Sync this file now.
    Each,
    /// [`Folder::sync_staged`] will, for many at once. A file that is placed before is synced then.
    Batch,
}

/// A file being written. Removed when dropped unfinished, unless kept.
pub struct Partial {
    handle: Box<dyn Handle>,
    name: PartialName,
}

/// A finished file or link that waits for its name. Removed when dropped unplaced.
pub struct Staged {
    handle: Option<Box<dyn Handle>>,
    name: PartialName,
    fingerprint: Fingerprint,
    kind: Kind,
    is_durable: bool,
}

/// A name in `.s4/partial`; dropping it removes what we put there.
struct PartialName {
    disk: Arc<dyn Disk>,
    path: DiskPath,
    file_id: FileId,
    remove_on_drop: AtomicBool,
}

impl Folder {
    /// Creates the partial `name` on the file system of `destination`, to be written.
    ///
    /// `name` must be one part of a path. Fails with [`DiskErrorKind::Occupied`] if there is one of that name.
    pub fn stage(&self, destination: &DiskPath, name: &str) -> DiskResult<Partial> {
        let path = self.partial_path(destination, name)?;
        let handle = self.disk().create(&path)?;
        self.partial(handle, path)
    }

    /// Opens a partial that an earlier run kept, `None` if there is none; its bytes are whatever survived.
    ///
    /// One that has a second name is none of ours any more: it was being placed, and the other name is a person's.
    pub fn resume(&self, destination: &DiskPath, name: &str) -> DiskResult<Option<Partial>> {
        let path = self.partial_path(destination, name)?;
        match self.disk().open_for_writing(&path) {
            Ok(handle) if handle.stat()?.links > 1 => Ok(None),
            Ok(handle) => self.partial(handle, path).map(Some),
            Err(error) if error.kind == DiskErrorKind::Missing => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates a symbolic link under the partial `name`, ready to be placed.
    pub fn stage_symlink(&self, destination: &DiskPath, name: &str, target: &str) -> DiskResult<Staged> {
        let path = self.partial_path(destination, name)?;
        self.disk().symlink(target, &path)?;
        let fingerprint = crate::folder::stat_present(self.disk().as_ref(), &path)?.fingerprint;
        let name = self.partial_name(path, fingerprint.file_id);
        Ok(Staged { handle: None, name, fingerprint, kind: Kind::Symlink, is_durable: true })
    }

    /// Makes all of `staged` durable: with one sync of each file system, or, where they are few, each for itself.
    pub fn sync_staged(&self, staged: &mut [&mut Staged]) -> DiskResult<()> {
        if staged.iter().filter(|one| !one.is_durable).count() <= FEW {
            return staged.iter_mut().try_for_each(|one| one.make_durable());
        }
        let mut synced: Vec<DiskPath> = Vec::new();
        for one in staged.iter_mut().filter(|one| !one.is_durable) {
            let directory = directory_of(&one.name.path);
            if !synced.contains(&directory) {
                match self.disk().sync_fs(&directory) {
                    Ok(()) => synced.push(directory),
                    // macOS and Windows: there each file is synced for itself.
                    Err(error) if error.kind == DiskErrorKind::Unsupported => return sync_each(staged),
                    Err(error) => return Err(error),
                }
            }
            one.is_durable = true;
        }
        Ok(())
    }

    fn partial(&self, handle: Box<dyn Handle>, path: DiskPath) -> DiskResult<Partial> {
        let file_id = handle.stat()?.fingerprint.file_id;
        Ok(Partial { handle, name: self.partial_name(path, file_id) })
    }

    fn partial_name(&self, path: DiskPath, file_id: FileId) -> PartialName {
        PartialName { disk: self.disk().clone(), path, file_id, remove_on_drop: AtomicBool::new(true) }
    }

    fn partial_path(&self, destination: &DiskPath, name: &str) -> DiskResult<DiskPath> {
        let directory = self.own_for(destination, crate::folder::PARTIAL)?;
        if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\\', '\0']) {
            let words = "a partial needs a plain name";
            return Err(DiskError::new(DiskErrorKind::BadName, "stage", &directory.join(name), words));
        }
        Ok(directory.join(name))
    }
}

impl Partial {
    /// Writes all of `piece` at `offset`; several threads may write different ranges.
    pub fn write_at(&self, piece: &[u8], offset: u64) -> DiskResult<()> {
        self.handle.write_at(piece, offset)
    }

    /// Copies `size` bytes of an open file, which lie there at `from`, to the offset `to`; the system may share storage.
    pub fn copy_from(&self, source: &OpenFile, from: u64, to: u64, size: u64) -> DiskResult<()> {
        self.handle.copy_range_from(source.handle(), from, to, size)
    }

    /// Reads what was written, for instance to hash resumed bytes again.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> DiskResult<usize> {
        self.handle.read_at(buffer, offset)
    }

    /// Returns how long it is by now, in bytes.
    pub fn size(&self) -> DiskResult<u64> {
        Ok(self.handle.stat()?.fingerprint.size)
    }

    /// Cuts or extends it to `size` bytes.
    pub fn set_size(&self, size: u64) -> DiskResult<()> {
        self.handle.set_size(size)
    }

    /// Returns once everything written so far survives a power cut, and the partial's name with it.
    pub fn sync(&self) -> DiskResult<()> {
        self.handle.sync()?;
        self.name.disk.sync_dir(&directory_of(&self.name.path))
    }

    /// From here on dropping leaves the partial on disk, to be resumed by a later run.
    pub fn keep(&self) {
        self.name.set_removed_on_drop(false);
    }

    /// From here on dropping removes the partial again: a later run has no use for it.
    pub fn discard(&self) {
        self.name.set_removed_on_drop(true);
    }

    /// Sets stamps and permissions and returns the finished file.
    ///
    /// `mtime_ns` is in nanoseconds since the epoch; `executable` does nothing where the disk has no such bit.
    pub fn finish(self, mtime_ns: i64, executable: bool, sync: SyncMode) -> DiskResult<Staged> {
        let Partial { handle, name } = self;
        name.set_removed_on_drop(true);
        name.disk.step("stage:before-finish")?;
        let permissions = handle.stat()?.permissions;
        handle.set_permissions(with_executable(permissions, executable))?;
        handle.set_mtime(mtime_ns)?;
        match sync {
            SyncMode::Each => handle.sync()?,
            SyncMode::Batch => {}
        }
        let fingerprint = handle.stat()?.fingerprint;
        name.disk.step("stage:finished")?;
        let is_durable = sync == SyncMode::Each;
        Ok(Staged { handle: Some(handle), name, fingerprint, kind: Kind::File, is_durable })
    }
}

impl Staged {
    /// Returns what it is known by: through the open descriptor for a file.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Returns its path below `.s4/partial`.
    pub fn path(&self) -> &DiskPath {
        &self.name.path
    }

    /// Makes the content durable if it is not.
    pub(crate) fn make_durable(&mut self) -> DiskResult<()> {
        if let (false, Some(handle)) = (self.is_durable, &self.handle) {
            handle.sync()?;
        }
        self.is_durable = true;
        Ok(())
    }

    /// Gives it the permissions of the file that it replaces; whether it is executable stays its own.
    pub(crate) fn take_permissions_of(&mut self, old: &Stat) -> DiskResult<()> {
        let Some(handle) = &self.handle else { return Ok(()) };
        if old.kind == Kind::File {
            let executable = handle.stat()?.executable();
            handle.set_permissions(with_executable(old.permissions, executable))?;
            self.fingerprint = handle.stat()?.fingerprint;
        }
        Ok(())
    }

    /// Returns whether `stat` is this entry, apart from what our own rename changes.
    pub(crate) fn is(&self, stat: &Stat) -> bool {
        stat.kind == self.kind && self.fingerprint.same_but_renamed(&stat.fingerprint)
    }

    /// Returns whether `stat` is this inode, written to or not.
    pub(crate) fn has_the_inode_of(&self, stat: &Stat) -> bool {
        stat.kind == self.kind && stat.fingerprint.file_id == self.fingerprint.file_id
    }

    /// From here on its partial name may hold somebody else's file: dropping removes nothing.
    pub(crate) fn leave_name(&mut self) {
        self.name.set_removed_on_drop(false);
    }

    /// The entry is back under its partial name.
    pub(crate) fn take_name_back(&mut self) {
        self.name.set_removed_on_drop(true);
    }

    /// Returns the fingerprint for the row after the entry was placed at `path`.
    ///
    /// If somebody wrote to it already, that of before is returned, so that the next scan sees the change.
    pub(crate) fn placed_fingerprint(&self, path: &DiskPath) -> DiskResult<Fingerprint> {
        let stat = match &self.handle {
            Some(handle) => Some(handle.stat()?),
            None => self.name.disk.lstat(path)?,
        };
        let placed = stat.filter(|stat| self.is(stat));
        Ok(placed.map_or(self.fingerprint, |stat| stat.fingerprint))
    }
}

impl PartialName {
    fn set_removed_on_drop(&self, is_removed: bool) {
        self.remove_on_drop.store(is_removed, Ordering::Relaxed);
    }
}

impl Drop for PartialName {
    fn drop(&mut self) {
        if !*self.remove_on_drop.get_mut() {
            return;
        }
        // Only what we staged ourselves is unlinked, and it can be had from the bucket again: the name must still
        // hold our own inode.
        let is_ours = |stat: &Stat| stat.fingerprint.file_id == self.file_id;
        if let Ok(Some(stat)) = self.disk.lstat(&self.path)
            && is_ours(&stat)
            && let Err(error) = self.disk.unlink(&self.path)
        {
            tracing::debug!(path = %self.path, %error, "a partial stays until the next cleaning");
        }
    }
}

/// Makes each file durable for itself, some at a time: most of it is waiting for the disk.
fn sync_each(staged: &mut [&mut Staged]) -> DiskResult<()> {
    let share = staged.len().div_ceil(SYNC_THREADS).max(1);
    thread::scope(|scope| {
        let begin = |share: &'_ mut [&mut Staged]| share.iter_mut().try_for_each(|one| one.make_durable());
        let threads: Vec<_> =
            staged.chunks_mut(share).map(|share| scope.spawn(move || begin(share))).collect();
        let end = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        };
        // All are waited for, whatever the first says.
        let ended: Vec<DiskResult<()>> = threads.into_iter().map(end).collect();
        ended.into_iter().collect()
    })
}

/// Returns `permissions` with execution allowed to whoever may read, or to nobody.
pub(crate) fn with_executable(permissions: u32, executable: bool) -> u32 {
    let plain = permissions & 0o666;
    if executable { plain | ((plain & 0o444) >> 2) | 0o100 } else { plain }
}

#[cfg(test)]
mod tests {
    use super::with_executable;

    #[test]
    fn t17_execution_follows_reading_and_special_bits_never_pass() {
        assert_eq!(with_executable(0o644, true), 0o755);
        assert_eq!(with_executable(0o600, true), 0o700);
        assert_eq!(with_executable(0o4755, false), 0o644);
        assert_eq!(with_executable(0o6640, true), 0o750);
    }
}
