//! Which directories a batch must sync, and in which order.
//!
//! - Trash first, partials last; in the tree what gained an entry before what lost one: between two syncs an entry
//!   has two names rather than none, even where a file system does not keep a rename together.
//! - Where entries crossed both ways there is no such order: the whole file system is synced at once.
//! - A directory that was renamed is known by its new path, one that was removed is forgotten.

use std::collections::BTreeMap;

use s4_core::path::{DiskPath, RESERVED_COMPONENT};

use crate::disk::directory_of;

/// The directories whose entries changed since the last sync.
#[derive(Default)]
pub(crate) struct Touched {
    directories: BTreeMap<DiskPath, Crossed>,
}

/// Which way entries of the tree went between this directory and others of the tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Crossed {
    gained: bool,
    lost: bool,
}

impl Touched {
    /// Notes that the entry `path` came, went or changed in its directory.
    pub(crate) fn touch(&mut self, path: &DiskPath) {
        self.directories.entry(directory_of(path)).or_default();
    }

    /// Notes that an entry, maybe a directory, was renamed.
    pub(crate) fn moved(&mut self, from: &DiskPath, to: &DiskPath) {
        self.renamed(from, to);
        self.touch(from);
        self.touch(to);
        self.crossed(from, to);
    }

    /// Notes that two entries, maybe directories, were exchanged.
    pub(crate) fn exchanged(&mut self, left: &DiskPath, right: &DiskPath) {
        self.renamed(left, right);
        self.touch(left);
        self.touch(right);
        self.crossed(left, right);
        self.crossed(right, left);
    }

    /// Notes that an empty directory was removed.
    pub(crate) fn removed_dir(&mut self, path: &DiskPath) {
        self.directories.remove(path);
        self.touch(path);
    }

    /// Adds what another list holds.
    pub(crate) fn extend(&mut self, other: Touched) {
        for (path, crossed) in other.directories {
            self.add(path, crossed);
        }
    }

    /// Returns whether no order of syncs keeps every entry a name.
    pub(crate) fn crossed_both_ways(&self) -> bool {
        self.directories.values().any(|crossed| crossed.gained && crossed.lost)
    }

    /// Returns the directories in the order in which to sync them.
    pub(crate) fn in_order(&self, rank: impl Fn(&DiskPath) -> u8) -> Vec<&DiskPath> {
        let mut ordered: Vec<(&DiskPath, &Crossed)> = self.directories.iter().collect();
        ordered.sort_by_key(|(path, crossed)| (rank(path), !crossed.gained, crossed.lost));
        ordered.into_iter().map(|(path, _)| path).collect()
    }

    /// Notes on both sides that an entry of the tree went from one directory of the tree to another.
    fn crossed(&mut self, from: &DiskPath, to: &DiskPath) {
        let (left, entered) = (directory_of(from), directory_of(to));
        if left == entered || is_own(from) || is_own(to) {
            return;
        }
        self.directories.entry(left).or_default().lost = true;
        self.directories.entry(entered).or_default().gained = true;
    }

    /// Takes over the paths below two entries that exchanged their names, or below one that was renamed.
    fn renamed(&mut self, left: &DiskPath, right: &DiskPath) {
        if !self.holds_any_within(left) && !self.holds_any_within(right) {
            return;
        }
        for (path, crossed) in std::mem::take(&mut self.directories) {
            let path = moved(&path, left, right).or_else(|| moved(&path, right, left)).unwrap_or(path);
            self.add(path, crossed);
        }
    }

    /// Returns whether `path` or anything below it is here; in their order the latter follows the former.
    fn holds_any_within(&self, path: &DiskPath) -> bool {
        let next = self.directories.range(path..).next();
        next.is_some_and(|(found, _)| found == path || found.is_below(path))
    }

    fn add(&mut self, path: DiskPath, crossed: Crossed) {
        let known = self.directories.entry(path).or_default();
        known.gained |= crossed.gained;
        known.lost |= crossed.lost;
    }
}

/// Returns whether `path` lies in a `.s4` of ours.
fn is_own(path: &DiskPath) -> bool {
    path.as_str().split('/').any(|part| part == RESERVED_COMPONENT)
}

/// Returns where `path` is after `from` became `to`, if it is `from` or lies below it.
fn moved(path: &DiskPath, from: &DiskPath, to: &DiskPath) -> Option<DiskPath> {
    let rest = path.as_str().strip_prefix(from.as_str())?;
    (rest.is_empty() || rest.starts_with('/')).then(|| DiskPath::new(format!("{to}{rest}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> DiskPath {
        DiskPath::new(text)
    }

    #[test]
    fn an_entry_has_two_names_rather_than_none() {
        let mut touched = Touched::default();
        touched.moved(&path("a/x"), &path("b/x"));
        touched.moved(&path("a/y"), &path(".s4/trash/1-0/y"));
        touched.moved(&path(".s4/partial/p"), &path("a/p"));
        touched.moved(&path("b"), &path("c"));
        touched.touch(&path("gone/z"));
        touched.removed_dir(&path("gone"));
        let rank = |path: &DiskPath| match path.as_str() {
            ".s4/trash/1-0" => 0,
            ".s4/partial" => 2,
            _ => 1,
        };
        let order: Vec<&str> = touched.in_order(rank).into_iter().map(DiskPath::as_str).collect();
        assert_eq!(order, [".s4/trash/1-0", "c", "", "a", ".s4/partial"]);
        assert!(!touched.crossed_both_ways());
        touched.moved(&path("c/q"), &path("a/q"));
        assert!(touched.crossed_both_ways());
    }
}
