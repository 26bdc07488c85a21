//! What survives a power cut.

use std::collections::BTreeSet;

use super::world::{InodeKey, Node, ROOT, World};

impl World {
    /// Makes the content of one file, or the entries of one directory, durable.
    pub(super) fn sync(&mut self, key: InodeKey) {
        match &mut self.inode_mut(key).node {
            Node::File { content, durable } => durable.clone_from(content),
            Node::Dir { entries, durable } => durable.clone_from(entries),
            Node::Symlink { .. } | Node::Special => {}
        }
    }

    /// Makes everything durable.
    pub(super) fn settle(&mut self) {
        let keys: Vec<InodeKey> = self.inodes.keys().copied().collect();
        for key in keys {
            self.sync(key);
        }
    }

    /// Goes back to what is durable, and forgets inodes that no durable name leads to.
    pub(super) fn power_cut(&mut self) {
        for inode in self.inodes.values_mut() {
            inode.links = 0;
            match &mut inode.node {
                Node::File { content, durable } => content.clone_from(durable),
                Node::Dir { entries, durable } => entries.clone_from(durable),
                Node::Symlink { .. } | Node::Special => {}
            }
        }
        let mut reached = BTreeSet::from([ROOT]);
        let mut waiting = vec![ROOT];
        while let Some(key) = waiting.pop() {
            let below: Vec<InodeKey> = match &self.inode(key).node {
                Node::Dir { entries, .. } => entries.values().map(|entry| entry.inode).collect(),
                Node::File { .. } | Node::Symlink { .. } | Node::Special => Vec::new(),
            };
            for child in below {
                self.inode_mut(child).links += 1;
                if reached.insert(child) {
                    waiting.push(child);
                }
            }
        }
        self.inodes.retain(|key, _| reached.contains(key));
        self.inode_mut(ROOT).links = 1;
    }
}
