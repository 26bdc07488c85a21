//! What other programs do to a disk in memory. They know nothing of crashes, faults or steps of ours.

use s4_core::path::DiskPath;

use super::MemoryDisk;
use super::handle::reserve;
use super::world::{InodeKey, Node};
use crate::disk::directory_of;
use crate::error::DiskErrorKind;

/// A file that a program holds open: it writes to the inode, whatever its name is by now.
pub struct HeldFile {
    disk: MemoryDisk,
    inode: InodeKey,
}

impl HeldFile {
    /// Writes at the end and returns the new length, or `None` if a power cut took the file.
    pub fn append(&self, bytes: &[u8]) -> Option<usize> {
        let mut world = self.disk.world();
        world.clock_ns += world.tick_ns;
        let now = world.stamp();
        let inode = world.inodes.get_mut(&self.inode)?;
        inode.mtime_ns = now;
        inode.ctime_ns = now;
        let Node::File { content, .. } = &mut inode.node else { return None };
        content.extend_from_slice(bytes);
        Some(content.len())
    }
}

impl MemoryDisk {
    /// Returns the content of a file, of a link its target; `None` if neither stands at exactly this path.
    pub fn read(&self, path: &str) -> Option<Vec<u8>> {
        let world = self.world();
        let path = DiskPath::new(path);
        let slot = world.slot(&path).ok().filter(|slot| slot.is_exact)?;
        match &world.inode(slot.found?).node {
            Node::File { content, .. } => Some(content.clone()),
            Node::Symlink { target } => Some(target.as_bytes().to_vec()),
            Node::Dir { .. } | Node::Special => None,
        }
    }

    /// Writes a file in place, keeping its inode; creates it and its directories where they are missing.
    pub fn write(&self, path: &str, content: &[u8]) {
        let path = DiskPath::new(path);
        let mut world = self.world();
        world.clock_ns += world.tick_ns;
        drop(world);
        let inode = self.inode_or_new(&path);
        let mut world = self.world();
        let now = world.stamp();
        let inode = world.inode_mut(inode);
        inode.mtime_ns = now;
        inode.ctime_ns = now;
        if let Node::File { content: old, .. } = &mut inode.node {
            old.clear();
            old.extend_from_slice(content);
        }
    }

    /// Saves a file as editors do: a new inode is renamed over the old one.
    pub fn save(&self, path: &str, content: &[u8]) {
        let path = DiskPath::new(path);
        self.make_dirs(&directory_of(&path));
        let mut world = self.world();
        world.clock_ns += world.tick_ns;
        let Ok(slot) = world.slot(&path) else { return };
        let mount = world.inode(slot.directory).mount;
        let node = Node::File { content: content.to_vec(), durable: Vec::new() };
        let inode = world.allocate(node, mount);
        if slot.found.is_some() {
            world.remove(slot.directory, slot.name);
        }
        world.insert(slot.directory, slot.name, inode);
    }

    /// Overwrites the beginning of a file and leaves mtime and ctime as they were: stamps that lie.
    pub fn write_silently(&self, path: &str, bytes: &[u8]) {
        let mut world = self.world();
        if let Ok(inode) = world.find(&DiskPath::new(path))
            && let Ok(content) = reserve(&mut world, inode, bytes.len())
        {
            content[..bytes.len()].copy_from_slice(bytes);
        }
    }

    /// Sets the mtime of what stands at `path`; ctime follows the clock.
    pub fn touch(&self, path: &str, mtime_ns: i64) {
        let mut world = self.world();
        world.clock_ns += world.tick_ns;
        let (now, mtime_ns) = (world.stamp(), world.rounded(mtime_ns));
        if let Ok(found) = world.find(&DiskPath::new(path)) {
            let inode = world.inode_mut(found);
            inode.mtime_ns = mtime_ns;
            inode.ctime_ns = now;
        }
    }

    /// Removes a file, link or directory with all below it.
    pub fn delete(&self, path: &str) {
        let path = DiskPath::new(path);
        let mut world = self.world();
        world.clock_ns += world.tick_ns;
        if let Ok(slot) = world.slot(&path)
            && slot.found.is_some()
        {
            world.remove(slot.directory, slot.name);
        }
    }

    /// Renames as `mv` does: what stands at `to` is replaced.
    pub fn move_over(&self, from: &str, to: &str) {
        let (from, to) = (DiskPath::new(from), DiskPath::new(to));
        self.make_dirs(&directory_of(&to));
        let mut world = self.world();
        world.clock_ns += world.tick_ns;
        let (Ok(source), Ok(target)) = (world.slot(&from), world.slot(&to)) else { return };
        let Some(inode) = source.found else { return };
        if target.found == Some(inode) && source.directory == target.directory {
            world.inode_mut(inode).links += 1;
            world.remove(source.directory, source.name);
            world.insert(target.directory, target.name, inode);
            world.inode_mut(inode).links -= 1;
            return;
        }
        if target.found.is_some() {
            world.remove(target.directory, target.name);
        }
        world.insert(target.directory, target.name, inode);
        world.remove(source.directory, source.name);
    }

    /// Creates a directory and those above it.
    pub fn make_dirs(&self, path: &DiskPath) {
        if path.as_str().is_empty() {
            return;
        }
        self.make_dirs(&directory_of(path));
        self.add_entry(path, Node::empty_dir());
    }

    /// Creates a symbolic link in place of whatever stands at `path`.
    pub fn make_link(&self, path: &str, target: &str) {
        self.delete(path);
        self.add_entry(&DiskPath::new(path), Node::Symlink { target: target.into() });
    }

    /// Creates a pipe.
    pub fn make_special(&self, path: &str) {
        self.add_entry(&DiskPath::new(path), Node::Special);
    }

    /// Opens a file as a program that keeps it open.
    pub fn hold_open(&self, path: &str) -> HeldFile {
        let inode = self.inode_or_new(&DiskPath::new(path));
        HeldFile { disk: self.clone(), inode }
    }

    /// Sets or clears the executable bit.
    pub fn set_mode(&self, path: &str, permissions: u32) {
        let mut world = self.world();
        world.clock_ns += world.tick_ns;
        let now = world.stamp();
        if let Ok(found) = world.find(&DiskPath::new(path)) {
            let inode = world.inode_mut(found);
            inode.permissions = permissions & 0o777;
            inode.ctime_ns = now;
        }
    }

    /// Returns the path of every entry in order, our own `.s4` included.
    pub fn paths(&self) -> Vec<String> {
        let world = self.world();
        let mut found = Vec::new();
        let mut waiting = vec![(String::new(), super::world::ROOT)];
        while let Some((path, key)) = waiting.pop() {
            for entry in world.entries(key).into_iter().flat_map(|entries| entries.values()) {
                let below =
                    if path.is_empty() { entry.name.to_string() } else { format!("{path}/{}", entry.name) };
                found.push(below.clone());
                waiting.push((below, entry.inode));
            }
        }
        found.sort();
        found
    }

    fn inode_or_new(&self, path: &DiskPath) -> InodeKey {
        self.make_dirs(&directory_of(path));
        self.add_entry(path, Node::empty_file());
        self.world().find(path).unwrap_or(super::world::ROOT)
    }

    /// Adds an entry if the name is free; a name that the disk refuses is left out.
    fn add_entry(&self, path: &DiskPath, node: Node) {
        let mut world = self.world();
        match world.free_slot(path) {
            Ok(slot) => {
                let mount = world.inode(slot.directory).mount;
                let inode = world.allocate(node, mount);
                world.insert(slot.directory, slot.name, inode);
            }
            Err(DiskErrorKind::Occupied) => {}
            Err(kind) => tracing::debug!(%path, ?kind, "a program could not create it"),
        }
    }
}
