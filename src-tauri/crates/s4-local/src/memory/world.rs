//! The state of a disk in memory, and how names lead to inodes.

use std::collections::BTreeMap;

use s4_core::local::{FileId, Fingerprint};
use s4_core::path::DiskPath;
use s4_core::traits::DiskTraits;

use crate::disk::{DiskResult, Kind, MountId, Stat};
use crate::error::{DiskError, DiskErrorKind};

/// Names an inode for as long as the disk exists; never reused, unlike the id that is shown.
pub(super) type InodeKey = u64;

/// The inode of the root.
pub(super) const ROOT: InodeKey = 0;

/// Everything on the disk.
pub(super) struct World {
    pub(super) traits: DiskTraits,
    pub(super) inodes: BTreeMap<InodeKey, Inode>,
    pub(super) clock_ns: i64,
    pub(super) tick_ns: i64,
    pub(super) resolution_ns: i64,
    pub(super) reuses_ids: bool,
    pub(super) free_space: u64,
    pub(super) is_root_missing: bool,
    pub(super) is_crashed: bool,
    pub(super) crash_at: Option<u64>,
    pub(super) settle_at: Option<u64>,
    pub(super) changes: u64,
    next_key: InodeKey,
    freed_ids: Vec<FileId>,
    mounts: u64,
}

/// One inode.
pub(super) struct Inode {
    pub(super) node: Node,
    pub(super) file_id: FileId,
    pub(super) mtime_ns: i64,
    pub(super) ctime_ns: i64,
    pub(super) birth_ns: i64,
    pub(super) permissions: u32,
    pub(super) links: u64,
    pub(super) mount: MountId,
}

/// What an inode holds, as programs see it and as a power cut would leave it.
pub(super) enum Node {
    File { content: Vec<u8>, durable: Vec<u8> },
    Dir { entries: Entries, durable: Entries },
    Symlink { target: Box<str> },
    Special,
}

/// The entries of a directory, by the form under which the disk takes two names for one.
pub(super) type Entries = BTreeMap<Box<str>, Entry>;

/// One name.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) name: Box<str>,
    pub(super) inode: InodeKey,
}

/// Where a name stands or could stand.
pub(super) struct Slot<'a> {
    pub(super) directory: InodeKey,
    pub(super) name: &'a str,
    pub(super) found: Option<InodeKey>,
    /// Whether every part is spelled as it is listed.
    pub(super) is_exact: bool,
}

impl World {
    pub(super) fn new(traits: DiskTraits) -> Self {
        let mut world = Self {
            traits,
            inodes: BTreeMap::new(),
            clock_ns: 1_700_000_000_000_000_000,
            tick_ns: 1_000_000,
            resolution_ns: 1,
            reuses_ids: false,
            free_space: u64::MAX,
            is_root_missing: false,
            is_crashed: false,
            crash_at: None,
            settle_at: None,
            changes: 0,
            next_key: ROOT,
            freed_ids: Vec::new(),
            mounts: 0,
        };
        let root = world.allocate(Node::empty_dir(), MountId { device: 0, mount: 0 });
        world.inode_mut(root).links = 1;
        world
    }

    /// Returns the inode; a key is only ever held while its inode exists.
    pub(super) fn inode(&self, key: InodeKey) -> &Inode {
        &self.inodes[&key]
    }

    pub(super) fn inode_mut(&mut self, key: InodeKey) -> &mut Inode {
        self.inodes.get_mut(&key).expect("a key is only held while its inode exists")
    }

    /// Adds an inode without a name.
    pub(super) fn allocate(&mut self, node: Node, mount: MountId) -> InodeKey {
        let key = self.next_key;
        self.next_key += 1;
        let reused = if self.reuses_ids { self.freed_ids.pop() } else { None };
        let now = self.stamp();
        let permissions = match node {
            Node::Dir { .. } => 0o755,
            Node::Symlink { .. } => 0o777,
            Node::File { .. } | Node::Special => 0o644,
        };
        let inode = Inode {
            node,
            file_id: reused.unwrap_or(FileId(key + 2)),
            mtime_ns: now,
            ctime_ns: now,
            birth_ns: now,
            permissions: if self.traits.has_executable_bit { permissions } else { 0 },
            links: 0,
            mount,
        };
        self.inodes.insert(key, inode);
        key
    }

    /// Returns the time as a stamp shows it.
    pub(super) fn stamp(&self) -> i64 {
        self.rounded(self.clock_ns)
    }

    pub(super) fn rounded(&self, time_ns: i64) -> i64 {
        time_ns - time_ns.rem_euclid(self.resolution_ns)
    }

    /// Returns the entries of a directory.
    pub(super) fn entries(&self, directory: InodeKey) -> Result<&Entries, DiskErrorKind> {
        match &self.inode(directory).node {
            Node::Dir { entries, .. } => Ok(entries),
            Node::Symlink { .. } => Err(DiskErrorKind::ThroughLink),
            Node::File { .. } | Node::Special => Err(DiskErrorKind::NotADirectory),
        }
    }

    /// Resolves all of `path` but its last part, which may be free.
    pub(super) fn slot<'a>(&self, path: &'a DiskPath) -> Result<Slot<'a>, DiskErrorKind> {
        let text = path.as_str();
        if text.contains('\0') || text.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(DiskErrorKind::BadName);
        }
        let (parents, name) = text.rsplit_once('/').map_or((None, text), |(above, name)| (Some(above), name));
        let mut directory = ROOT;
        let mut is_exact = true;
        for part in parents.into_iter().flat_map(|parents| parents.split('/')) {
            let entry = self.entry(directory, part)?.ok_or(DiskErrorKind::Missing)?;
            is_exact &= *entry.name == *part;
            directory = entry.inode;
        }
        let entry = self.entry(directory, name)?;
        is_exact &= entry.is_none_or(|entry| *entry.name == *name);
        Ok(Slot { directory, name, found: entry.map(|entry| entry.inode), is_exact })
    }

    fn entry(&self, directory: InodeKey, name: &str) -> Result<Option<&Entry>, DiskErrorKind> {
        Ok(self.entries(directory)?.get(&*self.traits.fold(name)))
    }

    /// Returns what stands at `path`, under whatever spelling the disk takes for it.
    pub(super) fn find(&self, path: &DiskPath) -> Result<InodeKey, DiskErrorKind> {
        if path.as_str().is_empty() {
            return Ok(ROOT);
        }
        self.slot(path)?.found.ok_or(DiskErrorKind::Missing)
    }

    /// Returns the free slot at `path`; the disk must accept the name.
    pub(super) fn free_slot<'a>(&self, path: &'a DiskPath) -> Result<Slot<'a>, DiskErrorKind> {
        if path.as_str().is_empty() {
            return Err(DiskErrorKind::Occupied);
        }
        let slot = self.slot(path)?;
        match slot.found {
            Some(_) => Err(DiskErrorKind::Occupied),
            None if self.traits.refusal(slot.name).is_some() => Err(DiskErrorKind::BadName),
            None => Ok(slot),
        }
    }

    /// Gives an inode a name in a directory.
    pub(super) fn insert(&mut self, directory: InodeKey, name: &str, inode: InodeKey) {
        let folded = self.traits.fold(name).into();
        let now = self.stamp();
        self.inode_mut(inode).links += 1;
        self.inode_mut(inode).ctime_ns = now;
        self.change_entries(directory, |entries| {
            entries.insert(folded, Entry { name: name.into(), inode });
        });
    }

    /// Takes the name away; the inode stays for whoever has it open, and for a power cut.
    pub(super) fn remove(&mut self, directory: InodeKey, name: &str) {
        let folded = self.traits.fold(name).into_owned();
        let mut removed = None;
        self.change_entries(directory, |entries| removed = entries.remove(folded.as_str()));
        if let Some(entry) = removed {
            let now = self.stamp();
            let inode = self.inode_mut(entry.inode);
            inode.links = inode.links.saturating_sub(1);
            inode.ctime_ns = now;
            if inode.links == 0 {
                let freed = inode.file_id;
                self.freed_ids.push(freed);
            }
        }
    }

    fn change_entries(&mut self, directory: InodeKey, change: impl FnOnce(&mut Entries)) {
        let now = self.stamp();
        let inode = self.inode_mut(directory);
        inode.mtime_ns = now;
        inode.ctime_ns = now;
        if let Node::Dir { entries, .. } = &mut inode.node {
            change(entries);
        }
    }

    /// Returns what `lstat` says of an inode.
    pub(super) fn stat(&self, key: InodeKey) -> Stat {
        let inode = self.inode(key);
        let (kind, size) = match &inode.node {
            Node::File { content, .. } => (Kind::File, content.len() as u64),
            Node::Dir { .. } => (Kind::Dir, 4096),
            Node::Symlink { target } => (Kind::Symlink, target.len() as u64),
            Node::Special => (Kind::Special, 0),
        };
        Stat {
            kind,
            fingerprint: Fingerprint {
                size,
                mtime_ns: inode.mtime_ns,
                ctime_ns: Some(inode.ctime_ns),
                birth_ns: Some(inode.birth_ns),
                file_id: inode.file_id,
            },
            permissions: inode.permissions,
            links: inode.links,
            mount: inode.mount,
        }
    }

    /// Puts a directory and all below it on a mount of its own.
    pub(super) fn mount(&mut self, top: InodeKey) {
        self.mounts += 1;
        let mount = MountId { device: self.mounts, mount: self.mounts };
        let mut waiting = vec![top];
        while let Some(key) = waiting.pop() {
            if let Ok(entries) = self.entries(key) {
                waiting.extend(entries.values().map(|entry| entry.inode));
            }
            self.inode_mut(key).mount = mount;
        }
    }

    /// Passes a change: fails if the world stands still, or stops it here if a test wants that.
    pub(super) fn pass_change(&mut self, operation: &'static str, path: &DiskPath) -> DiskResult<()> {
        if self.crash_at == Some(self.changes) {
            self.is_crashed = true;
        }
        self.pass(operation, path)?;
        if self.settle_at == Some(self.changes) {
            self.settle();
        }
        self.changes += 1;
        self.clock_ns += self.tick_ns;
        Ok(())
    }

    /// Fails if the world stands still.
    pub(super) fn pass(&self, operation: &'static str, path: &DiskPath) -> DiskResult<()> {
        if self.is_crashed {
            let words = "the world stands still";
            return Err(DiskError::new(DiskErrorKind::Crashed, operation, path, words));
        }
        Ok(())
    }
}

impl Node {
    pub(super) fn empty_dir() -> Self {
        Self::Dir { entries: Entries::new(), durable: Entries::new() }
    }

    pub(super) fn empty_file() -> Self {
        Self::File { content: Vec::new(), durable: Vec::new() }
    }
}
