//! Brings the three trees to one set of paths.
//!
//! Decides which path each entry of the disk stands for, and which paths are out of bounds this time because
//! one side could not tell what is there. It decides nothing about what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;

use crate::baseline::FileRow;
use crate::local::{LocalEntry, LocalTree, Unreadable};
use crate::names;
use crate::path::{DiskPath, RelPath, link_stays_inside};
use crate::plan::{Problem, ProblemReason};
use crate::remote::RemoteObject;
use crate::tree::SortedMap;

use super::{Input, problem};

/// A file or symlink on disk.
#[derive(Clone, Debug)]
pub(super) struct LocalNode<'a> {
    pub(super) disk: DiskPath,
    pub(super) entry: &'a LocalEntry,
}

/// A directory on disk.
#[derive(Clone, Debug)]
pub(super) struct LocalDir {
    pub(super) disk: DiskPath,
    pub(super) holds_ignored: bool,
}

/// The local side by path, and what is out of bounds.
#[derive(Debug, Default)]
pub(super) struct Sides<'a> {
    pub(super) files: SortedMap<RelPath, LocalNode<'a>>,
    pub(super) dirs: SortedMap<RelPath, LocalDir>,
    pub(super) problems: Vec<Problem>,
    /// Nothing is known of what is at these paths, nor below them.
    unknown: BTreeSet<RelPath>,
    /// The keys of these paths are blocked; what lies below is not concerned.
    blocked: BTreeSet<RelPath>,
    /// Directories of the bucket that this disk takes for another one, and for which.
    other_spellings: BTreeMap<RelPath, RelPath>,
}

/// What the guards need to know of the disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalSummary {
    /// How many files and symlinks stand there.
    pub(crate) files: usize,
    /// Whether some of it could not be read.
    pub(crate) has_unknown: bool,
}

type FileCase<'s, 'a> =
    (&'s RelPath, Option<&'a FileRow>, Option<&'s LocalNode<'a>>, Option<&'a RemoteObject>);

impl<'a> Sides<'a> {
    pub(super) fn of(input: Input<'a>) -> Self {
        let mut sides = Self::default();
        for blocked in &input.remote.blocked {
            if let Some(path) = &blocked.path {
                sides.blocked.insert(path.clone());
            }
            let reason = ProblemReason::Blocked(blocked.why.clone());
            sides.problems.push(Problem { subject: blocked.key.to_string(), reason });
        }
        for name in &input.local.unnameable {
            sides.problems.push(Problem { subject: name.clone(), reason: ProblemReason::Unnameable });
        }
        let clash_names = ClashNames::of(input);
        let mut files = Vec::new();
        let mut dirs = Vec::new();
        let mut aside = BTreeSet::new();
        for (disk, entry) in input.local.entries.iter() {
            let Ok(canonical) = RelPath::parse(disk.as_str()) else { continue };
            if canonical.is_reserved() {
                continue;
            }
            if let Some(reason) = why_unknown(entry, disk) {
                sides.problems.push(problem(&canonical, reason));
                sides.unknown.insert(canonical);
                continue;
            }
            if let LocalEntry::Dir { holds_ignored } = entry {
                dirs.push((canonical, LocalDir { disk: disk.clone(), holds_ignored: *holds_ignored }));
            } else {
                let own = names::looks_like_clash(disk.name()).then(|| canonical.clone());
                let mut path = clash_names.path_of(input, disk, canonical);
                // One path stands aside once: a second file that could be it is a file like any other.
                if let Some(own) = own.filter(|own| *own != path && !aside.insert(path.clone())) {
                    path = own;
                }
                files.push((path, LocalNode { disk: disk.clone(), entry }));
            }
        }
        sides.exclude_twins(&mut files, |node| node.disk.clone());
        sides.exclude_twins(&mut dirs, |dir| dir.disk.clone());
        sides.files = files.into_iter().filter(|(path, _)| !sides.is_unknown(path)).collect();
        sides.dirs = dirs.into_iter().filter(|(path, _)| !sides.is_unknown(path)).collect();
        if input.context.disk.folds() {
            sides.find_other_spellings(input);
        }
        sides
    }

    /// Of two directories that this disk takes for one, the one that is there has the name, else the first. Nothing
    /// of the other is brought here (T3).
    fn find_other_spellings(&mut self, input: Input<'_>) {
        let fold = |path: &RelPath| input.context.disk.fold(path.as_str()).into_owned();
        let mut owners: BTreeMap<String, RelPath> =
            self.dirs.keys().map(|path| (fold(path), path.clone())).collect();
        let mut there: BTreeSet<RelPath> = input.remote.markers.keys().cloned().collect();
        for path in input.remote.objects.keys().chain(input.remote.markers.keys()) {
            there.extend(path.ancestors());
        }
        for path in there {
            let owner = owners.entry(fold(&path)).or_insert_with(|| path.clone());
            if *owner != path {
                self.other_spellings.insert(path, owner.clone());
            }
        }
    }

    /// Returns the topmost directory of `path`, itself included, that this disk takes for another one.
    pub(super) fn other_spelling<'b>(&'b self, path: &RelPath) -> Option<(&'b RelPath, ProblemReason)> {
        if self.other_spellings.is_empty() {
            return None;
        }
        let above = path.ancestors().filter_map(|above| self.other_spellings.get_key_value(&above)).last();
        let (directory, owner) = above.or_else(|| self.other_spellings.get_key_value(path))?;
        Some((directory, ProblemReason::OtherSpelling(owner.to_string())))
    }

    /// Two entries of the disk that are one path: neither is touched, nor anything below them (T2).
    fn exclude_twins<T>(&mut self, entries: &mut [(RelPath, T)], disk: impl Fn(&T) -> DiskPath) {
        entries.sort_by(|(left, _), (right, _)| left.cmp(right));
        for pair in entries.windows(2) {
            let [(path, first), (next, second)] = pair else { continue };
            if path == next {
                for twin in [first, second] {
                    let subject = disk(twin).to_string();
                    let known = self.problems.iter().any(|problem| problem.subject == subject);
                    if !known {
                        self.problems.push(Problem { subject, reason: ProblemReason::SameCanonicalPath });
                    }
                }
                self.unknown.insert(path.clone());
            }
        }
    }

    /// Returns whether the disk could not tell what is at `path`.
    pub(super) fn is_unknown(&self, path: &RelPath) -> bool {
        !self.unknown.is_empty()
            && (self.unknown.contains(path) || path.ancestors().any(|above| self.unknown.contains(&above)))
    }

    /// Returns whether the key of `path` is left alone.
    pub(super) fn is_blocked(&self, path: &RelPath) -> bool {
        self.blocked.contains(path)
    }

    /// Returns whether `path` may be in no step at all.
    pub(super) fn is_out_of_bounds(&self, path: &RelPath) -> bool {
        self.blocked.contains(path) || self.is_unknown(path)
    }

    /// Returns the paths of which the disk could not tell.
    pub(super) fn unknown(&self) -> impl Iterator<Item = RelPath> + '_ {
        self.unknown.iter().cloned()
    }

    /// Returns where `path` is on disk if it has its own name: in the exact spelling of the directories above.
    pub(super) fn disk_path(&self, path: &RelPath) -> DiskPath {
        if let Some(dir) = self.dirs.get(path) {
            return dir.disk.clone();
        }
        match path.parent() {
            Some(parent) => self.disk_path(&parent).join(path.name()),
            None => DiskPath::from(path),
        }
    }

    /// Returns what the guards need to know.
    pub(super) fn local_summary(&self) -> LocalSummary {
        LocalSummary { files: self.files.len(), has_unknown: !self.unknown.is_empty() }
    }

    /// Returns every file path that any of the trees knows, in order.
    pub(super) fn files<'s>(&'s self, input: Input<'a>) -> impl Iterator<Item = FileCase<'s, 'a>>
    where
        'a: 's,
    {
        let mut rows = input.baseline.files.iter().peekable();
        let mut local = self.files.iter().peekable();
        let mut remote = input.remote.objects.iter().peekable();
        std::iter::from_fn(move || {
            let heads = [
                rows.peek().map(|(path, _)| *path),
                local.peek().map(|(path, _)| *path),
                remote.peek().map(|(path, _)| *path),
            ];
            let path: &'s RelPath = heads.into_iter().flatten().min()?;
            let row = take(&mut rows, path);
            let node = take(&mut local, path);
            let object = take(&mut remote, path);
            Some((path, row, node, object))
        })
    }
}

/// Returns the value of `path` if it is the next one.
fn take<'b, V: 'b, I: Iterator<Item = (&'b RelPath, &'b V)>>(
    entries: &mut Peekable<I>,
    path: &RelPath,
) -> Option<&'b V> {
    entries.next_if(|(next, _)| *next == path).map(|(_, value)| value)
}

/// Returns why nothing is known of what is at an entry, or why it is none that is synced.
fn why_unknown(entry: &LocalEntry, disk: &DiskPath) -> Option<ProblemReason> {
    match entry {
        LocalEntry::File(_) | LocalEntry::Dir { .. } => None,
        LocalEntry::Symlink(link) => {
            (!link_stays_inside(disk, &link.target)).then_some(ProblemReason::LinkLeavesRoot)
        }
        LocalEntry::Special => Some(ProblemReason::Special),
        LocalEntry::Unreadable(Unreadable::Mount) => Some(ProblemReason::Mount),
        LocalEntry::Unreadable(Unreadable::Failed(why)) => Some(ProblemReason::Unreadable(why.to_string())),
    }
}

/// Finds the paths of files that stand on disk under a clash name.
struct ClashNames<'a> {
    by_row: BTreeMap<&'a DiskPath, &'a RelPath>,
}

impl<'a> ClashNames<'a> {
    fn of(input: Input<'a>) -> Self {
        let is_mapped = |(path, row): &(&'a RelPath, &'a FileRow)| {
            names::looks_like_clash(row.disk.name()) && row.disk.name() != path.name()
        };
        let by_row =
            input.baseline.files.iter().filter(is_mapped).map(|(path, row)| (&row.disk, path)).collect();
        Self { by_row }
    }

    /// Returns the path of the file `disk`: by its row, else by the objects of its directory, else its own.
    fn path_of(&self, input: Input<'a>, disk: &DiskPath, canonical: RelPath) -> RelPath {
        if !names::looks_like_clash(disk.name()) {
            return canonical;
        }
        if let Some(path) = self.by_row.get(disk) {
            // A person may have put a file of its own under the name meanwhile: then that one is the path's, and
            // this one is a file like any other.
            return if own_name_is_free(input.local, path) { (*path).clone() } else { canonical };
        }
        // A file that is tracked, or in the bucket, under this very name is one of its own.
        if input.baseline.files.contains(&canonical) || input.remote.objects.contains(&canonical) {
            return canonical;
        }
        object_of_clash_name(input, disk, &canonical).unwrap_or(canonical)
    }
}

/// Returns whether no file stands on disk under the path's own name.
fn own_name_is_free(local: &LocalTree, path: &RelPath) -> bool {
    !is_file(local, &DiskPath::from(path))
}

fn is_file(local: &LocalTree, disk: &DiskPath) -> bool {
    matches!(local.entries.get(disk), Some(LocalEntry::File(_) | LocalEntry::Symlink(_)))
}

/// Returns the path whose clash name `disk` is, without a row: an object of that directory whose own name is not
/// taken by a file on this disk, and whose row names no other one that is there.
fn object_of_clash_name(input: Input<'_>, disk: &DiskPath, canonical: &RelPath) -> Option<RelPath> {
    let Input { local, remote, baseline, .. } = input;
    let stands_elsewhere =
        |path: &RelPath| baseline.files.get(path).is_some_and(|row| is_file(local, &row.disk));
    let in_directory = |path: &RelPath| path.parent() == canonical.parent();
    let from = canonical.parent();
    let candidates = match &from {
        Some(parent) => remote.objects.range_from(parent).collect::<Vec<_>>(),
        None => remote.objects.iter().collect(),
    };
    candidates
        .into_iter()
        .take_while(|(path, _)| from.as_ref().is_none_or(|parent| path == &parent || path.is_below(parent)))
        .filter(|(path, _)| in_directory(path))
        .find(|(path, object)| {
            own_name_is_free(local, path)
                && !stands_elsewhere(path)
                && names::clash_names(path.name(), &object.key).iter().any(|name| name == disk.name())
        })
        .map(|(path, _)| path.clone())
}
