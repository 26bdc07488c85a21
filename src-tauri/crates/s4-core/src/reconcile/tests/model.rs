//! What a step may rely on and what it does to the model: conditions, and the changes themselves.

use crate::local::{Fingerprint, LocalEntry};
use crate::path::DiskPath;
use crate::plan::{LocalTurn, RemoteExpectation, RemoteTurn, RowChange};
use crate::remote::RemoteObject;

use super::world::{Node, Object, World};

impl World {
    /// Returns the entry that the disk takes `place` for, in its own spelling.
    pub(super) fn find(&self, place: &DiskPath) -> Option<DiskPath> {
        let fold = |place: &DiskPath| self.context.disk.fold(place.as_str()).into_owned();
        let wanted = fold(place);
        self.disk.keys().find(|other| fold(other) == wanted).cloned()
    }

    pub(super) fn print(&self, place: &DiskPath) -> Option<Fingerprint> {
        match self.disk.get(place)? {
            Node::File { print, .. } | Node::Symlink { print, .. } => Some(*print),
            Node::Dir | Node::Special | Node::Unreadable | Node::Mount => None,
        }
    }

    pub(super) fn expect_local(&self, place: &DiskPath, planned: &LocalEntry) -> Result<(), String> {
        let found = self.scan().entries.get(place).cloned();
        (found.as_ref() == Some(planned)).then_some(()).ok_or_else(|| format!("{place} is {found:?}"))
    }

    pub(super) fn expect_free(&self, place: &DiskPath) -> Result<(), String> {
        if let Some(found) = self.find(place) {
            return Err(format!("{found} is in the way of {place}"));
        }
        match place.parent() {
            Some(parent) if self.disk.get(&parent) != Some(&Node::Dir) => {
                Err(format!("there is no directory for {place}"))
            }
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn expect_remote(&self, key: &str, planned: &RemoteExpectation) -> Result<(), String> {
        let holds = match (self.bucket.get(key), planned) {
            (None, RemoteExpectation::Absent) => true,
            (Some(object), RemoteExpectation::Version(etag)) => object.etag == *etag,
            (Some(_), RemoteExpectation::Absent) | (None, RemoteExpectation::Version(_)) => false,
        };
        holds.then_some(()).ok_or_else(|| format!("{key} is not {planned:?}"))
    }

    pub(super) fn expect_version(&self, object: &RemoteObject) -> Result<(), String> {
        self.expect_remote(object.key.as_str(), &RemoteExpectation::Version(object.etag.clone()))
    }

    pub(super) fn upload(&mut self, disk: &DiskPath, key: &str) {
        let object = match self.disk[disk].clone() {
            Node::File { content, executable, .. } => self.object(&content, false, executable),
            Node::Symlink { target, .. } => self.object(&target, true, false),
            other => panic!("{other:?} has no content"),
        };
        self.bucket.insert(key.to_owned(), object);
    }

    pub(super) fn bring(&mut self, object: &RemoteObject, disk: &DiskPath) {
        let Object { content, symlink, executable, .. } = self.bucket[object.key.as_str()].clone();
        let print = self.fresh_print(content.len());
        let executable = executable && self.context.disk.has_executable_bit;
        let node = if symlink {
            Node::Symlink { target: content, print }
        } else {
            Node::File { content, executable, print }
        };
        self.disk.insert(disk.clone(), node);
    }

    pub(super) fn remove(&mut self, disk: &DiskPath) {
        match self.disk.remove(disk) {
            Some(Node::File { content, .. }) => self.trash.push(content),
            Some(Node::Symlink { target, .. }) => self.trash.push(target),
            Some(Node::Dir | Node::Special | Node::Unreadable | Node::Mount) | None => {}
        }
    }

    pub(super) fn rename(&mut self, from: &DiskPath, to: &DiskPath) {
        let now = self.tick();
        let mut node = self.disk.remove(from).unwrap();
        if let Node::File { print, .. } | Node::Symlink { print, .. } = &mut node {
            print.ctime_ns = Some(now);
        }
        self.disk.insert(to.clone(), node);
    }

    pub(super) fn trash_object(&mut self, object: &RemoteObject) {
        if let Some(object) = self.bucket.remove(object.key.as_str()) {
            self.trash.push(object.content);
        }
    }

    pub(super) fn rotate_remote(&mut self, turns: &[RemoteTurn]) -> Result<Vec<RowChange>, String> {
        for turn in turns {
            self.expect_local(&turn.disk, &turn.local)?;
            self.expect_version(&turn.object)?;
        }
        let mut next = turns.iter().cycle().skip(1);
        let held = self.bucket.clone();
        let mut rows = Vec::new();
        for turn in turns {
            let (key, source) = (turn.object.key.as_str(), next.next().unwrap());
            self.upload(&turn.disk, key);
            if self.bucket[key].content != held[source.object.key.as_str()].content {
                return Err("the copy has another content than the file".to_owned());
            }
            rows.push(self.file_row(&turn.path, key, &turn.disk, true));
        }
        Ok(rows)
    }

    pub(super) fn rotate_local(&mut self, turns: &[LocalTurn]) -> Result<Vec<RowChange>, String> {
        for turn in turns {
            self.expect_local(&turn.disk, &turn.local)?;
            self.expect_version(&turn.object)?;
        }
        let held = self.disk.clone();
        let now = self.tick();
        let mut next = turns.iter().cycle().skip(1);
        for turn in turns {
            let mut node = held[&turn.disk].clone();
            if let Node::File { print, .. } = &mut node {
                print.ctime_ns = Some(now);
            }
            self.disk.insert(next.next().unwrap().disk.clone(), node);
        }
        let mut rows = Vec::new();
        for turn in turns {
            let key = turn.object.key.as_str();
            let Node::File { content, .. } = &self.disk[&turn.disk] else { panic!("only files turn") };
            if *content != self.bucket[key].content {
                return Err("the object has another content than the file".to_owned());
            }
            rows.push(self.file_row(&turn.path, key, &turn.disk, false));
        }
        Ok(rows)
    }
}
