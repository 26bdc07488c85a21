//! An open file in memory: it leads to the inode, whatever its name is by now.

use s4_core::path::DiskPath;

use super::MemoryDisk;
use super::world::{InodeKey, Node, World};
use crate::disk::{DiskResult, Handle, Stat};
use crate::error::{DiskError, DiskErrorKind};

/// A file of a disk in memory.
pub(super) struct MemoryHandle {
    pub(super) disk: MemoryDisk,
    pub(super) inode: InodeKey,
    pub(super) path: DiskPath,
}

impl MemoryHandle {
    fn gone(&self, operation: &'static str) -> DiskError {
        DiskError::new(DiskErrorKind::Missing, operation, &self.path, "a power cut took it")
    }

    /// Makes one change of the inode; `content` says whether mtime moves too.
    fn change(
        &self,
        operation: &'static str,
        moves_mtime: bool,
        change: impl FnOnce(&mut World, InodeKey) -> Result<(), DiskErrorKind>,
    ) -> DiskResult<()> {
        let mut world = self.disk.world();
        world.pass_change(operation, &self.path)?;
        if !world.inodes.contains_key(&self.inode) {
            return Err(self.gone(operation));
        }
        let now = world.stamp();
        let inode = world.inode_mut(self.inode);
        inode.ctime_ns = now;
        if moves_mtime {
            inode.mtime_ns = now;
        }
        change(&mut world, self.inode)
            .map_err(|kind| DiskError::new(kind, operation, &self.path, "no space is left"))
    }
}

/// Resizes a content so that `end` fits, if the disk has room for it.
pub(super) fn reserve(world: &mut World, key: InodeKey, end: usize) -> Result<&mut Vec<u8>, DiskErrorKind> {
    let free = world.free_space;
    let Node::File { content, .. } = &mut world.inodes.get_mut(&key).ok_or(DiskErrorKind::Missing)?.node
    else {
        return Err(DiskErrorKind::WrongKind);
    };
    let more = end.saturating_sub(content.len()) as u64;
    if more > free {
        return Err(DiskErrorKind::NoSpace);
    }
    if free != u64::MAX {
        world.free_space -= more;
    }
    if content.len() < end {
        content.resize(end, 0);
    }
    Ok(content)
}

impl Handle for MemoryHandle {
    fn stat(&self) -> DiskResult<Stat> {
        let world = self.disk.world();
        world.pass("look at", &self.path)?;
        if world.inodes.contains_key(&self.inode) {
            Ok(world.stat(self.inode))
        } else {
            Err(self.gone("look at"))
        }
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> DiskResult<usize> {
        self.disk.before_call();
        let world = self.disk.world();
        world.pass("read", &self.path)?;
        let Some(Node::File { content, .. }) = world.inodes.get(&self.inode).map(|inode| &inode.node) else {
            return Err(self.gone("read"));
        };
        let rest = usize::try_from(offset).ok().and_then(|offset| content.get(offset..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, piece: &[u8], offset: u64) -> DiskResult<()> {
        self.change("write", true, |world, key| {
            let start = usize::try_from(offset).map_err(|_| DiskErrorKind::NoSpace)?;
            let content = reserve(world, key, start + piece.len())?;
            content[start..start + piece.len()].copy_from_slice(piece);
            Ok(())
        })
    }

    fn set_size(&self, size: u64) -> DiskResult<()> {
        self.change("set the size of", true, |world, key| {
            let size = usize::try_from(size).map_err(|_| DiskErrorKind::NoSpace)?;
            reserve(world, key, size)?.truncate(size);
            Ok(())
        })
    }

    fn set_mtime(&self, mtime_ns: i64) -> DiskResult<()> {
        self.change("set the time of", false, |world, key| {
            let rounded = world.rounded(mtime_ns);
            world.inode_mut(key).mtime_ns = rounded;
            Ok(())
        })
    }

    fn set_permissions(&self, permissions: u32) -> DiskResult<()> {
        let permissions = permissions & 0o777;
        if !self.disk.world().traits.has_executable_bit || self.stat()?.permissions == permissions {
            return Ok(());
        }
        self.change("set the permissions of", false, |world, key| {
            world.inode_mut(key).permissions = permissions;
            Ok(())
        })
    }

    fn sync(&self) -> DiskResult<()> {
        let mut world = self.disk.world();
        world.pass_change("sync", &self.path)?;
        if world.inodes.contains_key(&self.inode) {
            world.sync(self.inode);
        }
        Ok(())
    }
}
