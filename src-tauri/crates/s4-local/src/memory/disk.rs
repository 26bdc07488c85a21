//! The steps of a disk in memory.

use s4_core::path::{DiskPath, RESERVED_COMPONENT};
use s4_core::traits::DiskTraits;

use super::MemoryDisk;
use super::handle::MemoryHandle;
use super::world::{InodeKey, Node, ROOT, World};
use crate::disk::{DirItem, Disk, DiskResult, EntryName, Handle, Kind, RootState, Stat};
use crate::error::{DiskError, DiskErrorKind};

impl MemoryDisk {
    /// Makes one change, unless the world stands still.
    fn change<T>(
        &self,
        operation: &'static str,
        path: &DiskPath,
        change: impl FnOnce(&mut World) -> Result<T, DiskErrorKind>,
    ) -> DiskResult<T> {
        self.before_call();
        let mut world = self.world();
        world.pass_change(operation, path)?;
        change(&mut world).map_err(|kind| failure(kind, operation, path))
    }

    /// Looks at the state, unless the world stands still.
    fn view<T>(
        &self,
        operation: &'static str,
        path: &DiskPath,
        view: impl FnOnce(&World) -> Result<T, DiskErrorKind>,
    ) -> DiskResult<T> {
        self.before_call();
        let world = self.world();
        world.pass(operation, path)?;
        view(&world).map_err(|kind| failure(kind, operation, path))
    }

    fn open_inode(&self, operation: &'static str, path: &DiskPath) -> DiskResult<Box<dyn Handle>> {
        let inode = self.view(operation, path, |world| {
            let found = world.find(path)?;
            match &world.inode(found).node {
                Node::File { .. } => Ok(found),
                Node::Dir { .. } | Node::Symlink { .. } | Node::Special => Err(DiskErrorKind::WrongKind),
            }
        })?;
        Ok(Box::new(MemoryHandle { disk: self.clone(), inode, path: path.clone() }))
    }

    /// Creates an entry under a free name.
    fn add(&self, operation: &'static str, path: &DiskPath, node: Node) -> DiskResult<InodeKey> {
        self.change(operation, path, |world| {
            let slot = world.free_slot(path)?;
            let mount = world.inode(slot.directory).mount;
            let inode = world.allocate(node, mount);
            world.insert(slot.directory, slot.name, inode);
            Ok(inode)
        })
    }
}

fn failure(kind: DiskErrorKind, operation: &'static str, path: &DiskPath) -> DiskError {
    let words = match kind {
        DiskErrorKind::Missing => "no such file or directory",
        DiskErrorKind::Occupied => "file exists",
        DiskErrorKind::NotADirectory => "not a directory",
        DiskErrorKind::WrongKind => "not a regular file",
        DiskErrorKind::ThroughLink => "too many levels of symbolic links",
        DiskErrorKind::NotEmpty => "directory not empty",
        DiskErrorKind::NoSpace => "no space left on device",
        DiskErrorKind::BadName => "invalid name",
        DiskErrorKind::CrossDevice => "invalid cross-device link",
        DiskErrorKind::Unsupported => "operation not supported",
        DiskErrorKind::Changed
        | DiskErrorKind::Denied
        | DiskErrorKind::ReadOnly
        | DiskErrorKind::Busy
        | DiskErrorKind::Crashed
        | DiskErrorKind::Other => "it failed",
    };
    DiskError::new(kind, operation, path, words)
}

/// Returns whether `directory` is `inode` or lies below it.
fn is_within(world: &World, inode: InodeKey, directory: InodeKey) -> bool {
    let mut waiting = vec![inode];
    while let Some(key) = waiting.pop() {
        if key == directory {
            return true;
        }
        if let Ok(entries) = world.entries(key) {
            waiting.extend(entries.values().map(|entry| entry.inode));
        }
    }
    false
}

impl Disk for MemoryDisk {
    fn probe(&self, scratch: &DiskPath) -> DiskResult<DiskTraits> {
        self.view("probe", scratch, |world| Ok(world.traits.clone()))
    }

    fn root_state(&self) -> DiskResult<RootState> {
        self.view("look at the folder", &crate::disk::root(), |world| {
            if world.is_root_missing {
                return Ok(RootState::Missing);
            }
            let mut names = world.entries(ROOT)?.values().map(|entry| &entry.name);
            Ok(RootState::Present { empty: names.all(|name| name.eq_ignore_ascii_case(RESERVED_COMPONENT)) })
        })
    }

    fn lstat(&self, path: &DiskPath) -> DiskResult<Option<Stat>> {
        self.view("look at", path, |world| {
            if path.as_str().is_empty() {
                return Ok(Some(world.stat(ROOT)));
            }
            match world.slot(path) {
                Ok(slot) => Ok(slot.found.filter(|_| slot.is_exact).map(|found| world.stat(found))),
                Err(DiskErrorKind::Missing | DiskErrorKind::NotADirectory | DiskErrorKind::ThroughLink) => {
                    Ok(None)
                }
                Err(kind) => Err(kind),
            }
        })
    }

    fn read_dir(&self, path: &DiskPath, visit: &mut dyn FnMut(DirItem)) -> DiskResult<()> {
        let items: Vec<DirItem> = self.view("list", path, |world| {
            let directory = world.find(path)?;
            let items = world.entries(directory)?.values().map(|entry| DirItem {
                name: EntryName::Text(entry.name.clone()),
                stat: Ok(world.stat(entry.inode)),
            });
            Ok(items.collect())
        })?;
        items.into_iter().for_each(visit);
        Ok(())
    }

    fn read_link(&self, path: &DiskPath) -> DiskResult<Box<str>> {
        self.view("read the link", path, |world| match &world.inode(world.find(path)?).node {
            Node::Symlink { target } => Ok(target.clone()),
            Node::File { .. } | Node::Dir { .. } | Node::Special => Err(DiskErrorKind::WrongKind),
        })
    }

    fn open(&self, path: &DiskPath) -> DiskResult<Box<dyn Handle>> {
        self.open_inode("read", path)
    }

    fn open_for_writing(&self, path: &DiskPath) -> DiskResult<Box<dyn Handle>> {
        self.open_inode("open", path)
    }

    fn create(&self, path: &DiskPath) -> DiskResult<Box<dyn Handle>> {
        let inode = self.add("create", path, Node::empty_file())?;
        Ok(Box::new(MemoryHandle { disk: self.clone(), inode, path: path.clone() }))
    }

    fn rename(&self, from: &DiskPath, to: &DiskPath) -> DiskResult<()> {
        self.change("rename", from, |world| {
            let source = world.slot(from)?;
            let inode = source.found.ok_or(DiskErrorKind::Missing)?;
            let target = world.free_slot(to)?;
            if world.inode(target.directory).mount != world.inode(inode).mount {
                return Err(DiskErrorKind::CrossDevice);
            }
            if is_within(world, inode, target.directory) {
                return Err(DiskErrorKind::Other);
            }
            // First the new name: an id is only freed with the last one.
            world.insert(target.directory, target.name, inode);
            world.remove(source.directory, source.name);
            Ok(())
        })
    }

    fn exchange(&self, left: &DiskPath, right: &DiskPath) -> DiskResult<()> {
        self.change("exchange", left, |world| {
            if !world.traits.has_exchange {
                return Err(DiskErrorKind::Unsupported);
            }
            let (one, other) = (world.slot(left)?, world.slot(right)?);
            let left_inode = one.found.ok_or(DiskErrorKind::Missing)?;
            let right_inode = other.found.ok_or(DiskErrorKind::Missing)?;
            if world.inode(left_inode).mount != world.inode(right_inode).mount {
                return Err(DiskErrorKind::CrossDevice);
            }
            if is_within(world, left_inode, other.directory) || is_within(world, right_inode, one.directory) {
                return Err(DiskErrorKind::Other);
            }
            world.inode_mut(left_inode).links += 1;
            world.inode_mut(right_inode).links += 1;
            world.remove(one.directory, one.name);
            world.remove(other.directory, other.name);
            world.insert(one.directory, one.name, right_inode);
            world.insert(other.directory, other.name, left_inode);
            world.inode_mut(left_inode).links -= 1;
            world.inode_mut(right_inode).links -= 1;
            Ok(())
        })
    }

    fn link(&self, from: &DiskPath, to: &DiskPath) -> DiskResult<()> {
        self.change("link", from, |world| {
            let inode = world.find(from)?;
            if matches!(world.inode(inode).node, Node::Dir { .. }) {
                return Err(DiskErrorKind::Denied);
            }
            let target = world.free_slot(to)?;
            if world.inode(target.directory).mount != world.inode(inode).mount {
                return Err(DiskErrorKind::CrossDevice);
            }
            world.insert(target.directory, target.name, inode);
            Ok(())
        })
    }

    fn unlink(&self, path: &DiskPath) -> DiskResult<()> {
        self.change("remove", path, |world| {
            let slot = world.slot(path)?;
            let inode = slot.found.ok_or(DiskErrorKind::Missing)?;
            if world.stat(inode).kind == Kind::Dir {
                return Err(DiskErrorKind::WrongKind);
            }
            world.remove(slot.directory, slot.name);
            Ok(())
        })
    }

    fn make_dir(&self, path: &DiskPath) -> DiskResult<()> {
        self.add("create the folder", path, Node::empty_dir()).map(|_| ())
    }

    fn make_private_dir(&self, path: &DiskPath) -> DiskResult<()> {
        self.make_dir(path)
    }

    fn remove_dir(&self, path: &DiskPath) -> DiskResult<()> {
        self.change("remove the folder", path, |world| {
            let slot = world.slot(path)?;
            let inode = slot.found.ok_or(DiskErrorKind::Missing)?;
            if world.stat(inode).kind != Kind::Dir {
                return Err(DiskErrorKind::NotADirectory);
            }
            if !world.entries(inode)?.is_empty() {
                return Err(DiskErrorKind::NotEmpty);
            }
            world.remove(slot.directory, slot.name);
            Ok(())
        })
    }

    fn symlink(&self, target: &str, path: &DiskPath) -> DiskResult<()> {
        if !self.world().traits.has_symlinks {
            return Err(failure(DiskErrorKind::Unsupported, "create the link", path));
        }
        self.add("create the link", path, Node::Symlink { target: target.into() }).map(|_| ())
    }

    fn sync_dir(&self, path: &DiskPath) -> DiskResult<()> {
        self.change("sync the folder", path, |world| {
            let directory = world.find(path)?;
            world.entries(directory)?;
            world.sync(directory);
            Ok(())
        })
    }

    fn sync_fs(&self, path: &DiskPath) -> DiskResult<()> {
        self.change("sync the disk", path, |world| {
            world.settle();
            Ok(())
        })
    }

    fn now(&self, scratch: &DiskPath) -> DiskResult<i64> {
        self.view("read the clock with", scratch, |world| Ok(world.stamp()))
    }

    fn free_space(&self) -> DiskResult<u64> {
        self.view("ask for the free space of", &crate::disk::root(), |world| Ok(world.free_space))
    }

    fn step(&self, name: &'static str) -> DiskResult<()> {
        // Without a lock: the hook may change the disk.
        if let Some(hook) = self.hook() {
            hook(name);
        }
        self.world().pass("go on from", &DiskPath::new(name))
    }
}
