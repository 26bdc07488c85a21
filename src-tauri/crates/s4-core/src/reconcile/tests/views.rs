//! How a model world looks: to a scan, to a listing, and to a person who compares both sides.

use std::collections::BTreeMap;

use crate::key::{ObjectKey, Place};
use crate::local::{LocalEntry, LocalFile, LocalSymlink, LocalTree, Unreadable};
use crate::names::clash_names;
use crate::path::{DiskPath, RelPath};
use crate::remote::{RemoteObject, RemoteTree};

use super::world::{Node, World, rel};

impl World {
    /// Returns what a scan sees.
    pub(super) fn scan(&self) -> LocalTree {
        let ignored =
            |path: &DiskPath, node: &Node| self.context.rules.is_ignored(path.as_str(), *node == Node::Dir);
        let entry = |path: &DiskPath, node: &Node| match node {
            Node::File { executable, print, .. } => LocalEntry::File(LocalFile {
                fingerprint: *print,
                executable: *executable && self.context.disk.has_executable_bit,
            }),
            Node::Symlink { target, print } => {
                LocalEntry::Symlink(LocalSymlink { fingerprint: *print, target: target.as_str().into() })
            }
            Node::Dir => LocalEntry::Dir {
                holds_ignored: self
                    .disk
                    .iter()
                    .any(|(below, node)| below.parent().as_ref() == Some(path) && ignored(below, node)),
            },
            Node::Special => LocalEntry::Special,
            Node::Unreadable => LocalEntry::Unreadable(Unreadable::Failed("refused".into())),
            Node::Mount => LocalEntry::Unreadable(Unreadable::Mount),
        };
        LocalTree {
            entries: self
                .disk
                .iter()
                .filter(|(path, node)| !ignored(path, node))
                .map(|(path, node)| (path.clone(), entry(path, node)))
                .collect(),
            unnameable: Vec::new(),
        }
    }

    /// Returns what a listing sees.
    pub(super) fn list(&self) -> RemoteTree {
        RemoteTree::build(&self.context.prefix, self.bucket.keys().map(|key| self.listed(key)))
    }

    pub(super) fn listed(&self, key: &str) -> RemoteObject {
        let object = &self.bucket[key];
        RemoteObject {
            key: ObjectKey::new(key),
            size: object.content.len() as u64,
            etag: object.etag.clone(),
            last_modified: object.last_modified,
        }
    }

    /// Returns what the disk holds, by path.
    pub(super) fn local_view(&self) -> BTreeMap<String, String> {
        let mut view = BTreeMap::new();
        for (place, node) in &self.disk {
            if self.context.rules.is_ignored(place.as_str(), *node == Node::Dir) {
                continue;
            }
            let path = self.path_of(place);
            match node {
                Node::File { content, .. } => view.insert(path.to_string(), content.clone()),
                Node::Symlink { target, .. } => view.insert(path.to_string(), format!("->{target}")),
                Node::Dir if self.baseline.dirs.get(&path).is_some_and(|row| row.kept) => None,
                Node::Dir => view.insert(format!("{}/", rel(place.as_str())), String::new()),
                Node::Special | Node::Unreadable | Node::Mount => None,
            };
        }
        view
    }

    /// Returns the path that a place stands for: by its row, else by the key whose clash name it has.
    fn path_of(&self, place: &DiskPath) -> RelPath {
        let own = rel(place.as_str());
        if self.baseline.files.get(&own).is_some_and(|row| row.disk == *place) {
            return own;
        }
        let by_row =
            self.baseline.files.iter().find(|(_, row)| row.disk == *place).map(|(path, _)| path.clone());
        let rows = self.baseline.files.keys().cloned();
        let keys =
            self.bucket.keys().filter_map(|key| match self.context.prefix.place(&ObjectKey::new(&**key)) {
                Some(Place::File(path)) => Some(path),
                Some(Place::Directory(_) | Place::Root | Place::Reserved | Place::Invalid(_)) | None => None,
            });
        let has_this_clash_name = |path: &RelPath| {
            let key = self.context.prefix.file_key(path);
            path.parent() == own.parent()
                && clash_names(path.name(), &key).iter().any(|name| *name == own.name())
        };
        by_row.or_else(|| rows.chain(keys).find(has_this_clash_name)).unwrap_or(own)
    }

    /// Returns what the bucket holds, by path; directories that only keys imply are there.
    pub(super) fn remote_view(&self) -> BTreeMap<String, String> {
        let mut view = BTreeMap::new();
        for (key, object) in &self.bucket {
            let path = match self.context.prefix.place(&ObjectKey::new(key.as_str())) {
                Some(Place::File(path)) if self.context.rules.is_ignored(path.as_str(), false) => continue,
                Some(Place::File(path)) => {
                    let content =
                        if object.symlink { format!("->{}", object.content) } else { object.content.clone() };
                    view.insert(path.to_string(), content);
                    path
                }
                Some(Place::Directory(path)) => {
                    view.insert(format!("{path}/"), String::new());
                    path
                }
                Some(Place::Root | Place::Reserved | Place::Invalid(_)) | None => continue,
            };
            for above in path.ancestors() {
                view.insert(format!("{above}/"), String::new());
            }
        }
        view
    }
}
