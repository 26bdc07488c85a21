//! Random edits of either side, as programs and other tools make them.

use proptest::prelude::*;

use crate::path::DiskPath;

use super::world::{Node, World, disk, parts};

const PATHS: [&str; 13] = ["a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/a", "f/a", "f/b", "A", "D", "D/a"];
/// Few of them, of few lengths, so that equal contents and equal sizes are common.
const CONTENTS: [&str; 8] = ["", "1", "2", "33", "44", "+33", "->a", "->b"];

/// One change of one side.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    Write(usize, usize),
    /// A content that nothing else has.
    WriteNew(usize),
    Delete(usize),
    MakeDir(usize),
    Rename(usize, usize),
    /// Files that change places, as far as all of them are there.
    Turn(Vec<usize>),
    Touch(usize),
    Chmod(usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let path = || 0..PATHS.len();
    prop_oneof![
        3 => (path(), 0..CONTENTS.len()).prop_map(|(path, content)| Edit::Write(path, content)),
        4 => path().prop_map(Edit::WriteNew),
        5 => path().prop_map(Edit::Delete),
        2 => path().prop_map(Edit::MakeDir),
        5 => (path(), path()).prop_map(|(from, to)| Edit::Rename(from, to)),
        3 => proptest::collection::btree_set(path(), 2..4).prop_map(|paths| Edit::Turn(paths.into_iter().collect())),
        1 => path().prop_map(Edit::Touch),
        1 => path().prop_map(Edit::Chmod),
    ]
}

pub(super) fn edits(most: usize) -> impl Strategy<Value = Vec<Edit>> {
    proptest::collection::vec(edit(), 0..most)
}

impl World {
    pub(super) fn edit_disk(&mut self, edit: &Edit) {
        let spelled = |path: usize| self.spelled(PATHS[path]);
        match edit {
            Edit::Write(path, content) => self.save(&spelled(*path), CONTENTS[*content]),
            Edit::WriteNew(path) => {
                let path = spelled(*path);
                let content = format!("local {}", self.tick());
                self.save(&path, &content);
            }
            Edit::Delete(path) => {
                let place = disk(&spelled(*path));
                self.disk.retain(|other, _| *other != place && !other.is_below(&place));
            }
            Edit::MakeDir(path) => self.save(&format!("{}/", spelled(*path)), ""),
            Edit::Rename(from, to) => {
                let from = spelled(*from);
                // The last part is spelled as it is asked for: that is how case is changed.
                let to = match PATHS[*to].rsplit_once('/') {
                    Some((parent, name)) => format!("{}/{name}", self.spelled(parent)),
                    None => PATHS[*to].to_owned(),
                };
                self.rename_on_disk(&from, &to);
            }
            Edit::Turn(paths) => {
                let places: Vec<DiskPath> = paths.iter().map(|path| disk(&spelled(*path))).collect();
                self.turn_on_disk(&places);
            }
            Edit::Touch(path) => {
                let place = disk(&spelled(*path));
                let now = self.tick();
                if let Some(Node::File { print, .. }) = self.disk.get_mut(&place) {
                    (print.mtime_ns, print.ctime_ns) = (now, Some(now));
                }
            }
            Edit::Chmod(path) => {
                let place = disk(&spelled(*path));
                let now = self.tick();
                if let Some(Node::File { print, executable, .. }) = self.disk.get_mut(&place) {
                    *executable = !*executable;
                    print.ctime_ns = Some(now);
                }
            }
        }
    }

    /// Returns `path` in the spelling of what is there already, as a disk would find it.
    fn spelled(&self, path: &str) -> String {
        path.split('/').fold(String::new(), |above, name| {
            let place = if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") };
            self.find(&disk(&place)).map_or(place, |found| found.to_string())
        })
    }

    /// Saves a file, or makes a directory, as a program would: whatever stands in the way is gone.
    fn save(&mut self, path: &str, content: &str) {
        let place = disk(path.trim_end_matches('/'));
        let is_dir = path.ends_with('/');
        if is_dir && self.disk.get(&place) == Some(&Node::Dir) {
            return;
        }
        let mut above = place.parent();
        while let Some(directory) = above {
            if self.disk.get(&directory).is_some_and(|node| *node != Node::Dir) {
                self.disk.remove(&directory);
            }
            above = directory.parent();
        }
        self.disk.retain(|other, _| *other != place && !other.is_below(&place));
        self.write(path, content);
        let print = self.fresh_print(parts(content).0.len());
        if let Some(Node::File { print: now, .. } | Node::Symlink { print: now, .. }) =
            self.disk.get_mut(&place)
        {
            *now = print;
        }
    }

    fn rename_on_disk(&mut self, from: &str, to: &str) {
        let (source, target) = (disk(from), disk(to));
        if let Some(found) = self.find(&target).filter(|found| *found != source && *found != target) {
            // What has the name in another spelling is replaced.
            self.disk.retain(|place, _| *place != found && !place.is_below(&found));
        }
        let is_into_itself = source == target || target.is_below(&source) || source.is_below(&target);
        if is_into_itself || !self.disk.contains_key(&source) {
            return;
        }
        let is_dir = self.disk[&source] == Node::Dir;
        let moved: Vec<(DiskPath, Node)> = self
            .disk
            .iter()
            .filter(|(place, _)| **place == source || place.is_below(&source))
            .map(|(place, node)| (place.clone(), node.clone()))
            .collect();
        self.disk.retain(|place, _| *place != source && !place.is_below(&source));
        self.save(&format!("{to}/"), "");
        self.disk.remove(&target);
        let now = self.tick();
        for (place, mut node) in moved {
            let place = disk(&format!("{to}{}", &place.as_str()[from.len()..]));
            // A rename of the file itself changes its ctime; one of a directory above does not.
            if let (false, Node::File { print, .. } | Node::Symlink { print, .. }) = (is_dir, &mut node) {
                print.ctime_ns = Some(now);
            }
            self.disk.retain(|other, _| !other.is_below(&place) || is_dir);
            self.disk.insert(place, node);
        }
    }

    /// Gives each file the name of the next one.
    fn turn_on_disk(&mut self, places: &[DiskPath]) {
        let are_names = places.iter().enumerate().all(|(index, place)| !places[..index].contains(place));
        let file = |place: &DiskPath| match self.disk.get(place) {
            Some(node @ (Node::File { .. } | Node::Symlink { .. })) => Some(node.clone()),
            Some(Node::Dir | Node::Special | Node::Unreadable | Node::Mount) | None => None,
        };
        let Some(nodes) = places.iter().map(file).collect::<Option<Vec<Node>>>() else { return };
        if !are_names {
            return;
        }
        let now = self.tick();
        for (mut node, place) in nodes.into_iter().zip(places.iter().cycle().skip(1)) {
            if let Node::File { print, .. } | Node::Symlink { print, .. } = &mut node {
                print.ctime_ns = Some(now);
            }
            self.disk.insert(place.clone(), node);
        }
    }

    pub(super) fn edit_bucket(&mut self, edit: &Edit) {
        let key = |path: usize| format!("p/{}", PATHS[path]);
        match edit {
            Edit::Write(path, content) => self.store(&key(*path), CONTENTS[*content]),
            Edit::WriteNew(path) => {
                let content = format!("remote {}", self.tick());
                self.store(&key(*path), &content);
            }
            Edit::Delete(path) => {
                let below = format!("{}/", key(*path));
                self.bucket.retain(|other, _| *other != key(*path) && !other.starts_with(&below));
            }
            Edit::MakeDir(path) => self.store(&format!("{}/", key(*path)), ""),
            Edit::Rename(from, to) => {
                let (from, to) = (key(*from), key(*to));
                let below = format!("{from}/");
                let names: Vec<String> = self
                    .bucket
                    .keys()
                    .filter(|name| **name == from || name.starts_with(&below))
                    .cloned()
                    .collect();
                for name in names {
                    let Some(object) = self.bucket.remove(&name) else { continue };
                    let copy = self.object(&object.content, object.symlink, object.executable);
                    self.bucket.insert(format!("{to}{}", &name[from.len()..]), copy);
                }
            }
            Edit::Turn(paths) => {
                let keys: Vec<String> = paths.iter().map(|path| key(*path)).collect();
                let objects: Option<Vec<_>> = keys.iter().map(|key| self.bucket.get(key).cloned()).collect();
                for (object, key) in objects.unwrap_or_default().iter().zip(keys.iter().cycle().skip(1)) {
                    let copy = self.object(&object.content, object.symlink, object.executable);
                    self.bucket.insert(key.clone(), copy);
                }
            }
            Edit::Touch(path) | Edit::Chmod(path) => {
                if let Some(object) = self.bucket.get(&key(*path)).cloned() {
                    let flips = matches!(edit, Edit::Chmod(_)) && !object.symlink;
                    let copy = self.object(&object.content, object.symlink, object.executable ^ flips);
                    self.bucket.insert(key(*path), copy);
                }
            }
        }
    }

    fn store(&mut self, key: &str, content: &str) {
        let (body, symlink, executable) = parts(content);
        let object = self.object(body, symlink, executable);
        self.bucket.insert(key.to_owned(), object);
    }
}
