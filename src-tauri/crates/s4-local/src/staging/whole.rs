//! Staging a content that is in memory: as few calls of the system as there can be.

use s4_core::path::DiskPath;

use super::{Staged, SyncMode, with_executable};
use crate::disk::{DiskResult, Kind};
use crate::folder::Folder;

impl Folder {
    /// Creates the partial `name` with this content, finished: as [`Folder::stage`], written to and
    /// [`finish`](super::Partial::finish)ed.
    pub fn stage_whole(
        &self,
        destination: &DiskPath,
        name: &str,
        content: &[u8],
        mtime_ns: i64,
        executable: bool,
        sync: SyncMode,
    ) -> DiskResult<Staged> {
        let path = self.partial_path(destination, name)?;
        let handle = self.disk().create(&path)?;
        let created = handle.stat()?;
        let name = self.partial_name(path, created.fingerprint.file_id);
        if !content.is_empty() {
            handle.write_at(content, 0)?;
        }
        name.disk.step("stage:before-finish")?;
        let permissions = with_executable(created.permissions, executable);
        if permissions != created.permissions {
            handle.set_permissions(permissions)?;
        }
        handle.set_mtime(mtime_ns)?;
        if sync == SyncMode::Each {
            handle.sync()?;
        }
        let fingerprint = handle.stat()?.fingerprint;
        name.disk.step("stage:finished")?;
        let is_durable = sync == SyncMode::Each;
        Ok(Staged { handle: Some(handle), name, fingerprint, kind: Kind::File, is_durable })
    }
}
