//! What a plan is about: of a large folder, the few files that are not settled, and what stands near them.
//!
//! It decides nothing about what to do. It leaves out what cannot matter, so that a plan for a million files needs no
//! memory for a million files: [`crate::reconcile::reconcile`] makes the same plan of what is kept as of everything.
//!
//! - A file is settled if both sides are as its row says, all under the usual names, with stamps that can be trusted.
//!   Only such files are left out.
//! - Of them these are kept: those in the directory of anything that is not settled (names are chosen there), those at
//!   a path above it (a file may become a directory), one for each content that may be deleted elsewhere (it tells that
//!   the content stays), and one for each directory (it tells that the directory is not empty).
//! - Every directory is kept. What is left out is counted, for the guards.
//! - In doubt something is kept: to keep too much costs memory, nothing else.

mod local;
mod near;
mod pack;
mod remote;

pub use self::local::{LocalCursor, LocalEntries};
pub use self::remote::{RemoteEntries, RemoteEntry};

use std::cmp::Ordering;

use crate::baseline::{Baseline, DirRow, FileRow, RowContent, RowLastModified};
use crate::local::{LocalEntry, LocalTree};
use crate::names;
use crate::path::{DiskPath, RelPath, compare_by_component, link_stays_inside};
use crate::remote::{RemoteObject, RemoteTree, UnixMillis};
use crate::traits::DiskTraits;
use crate::tree::SortedMap;

use near::Near;

/// What both sides showed, and what tells settled files from others.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// What the scan saw.
    pub local: &'a LocalEntries,
    /// What the listing saw.
    pub remote: &'a RemoteEntries,
    /// What the disk can do.
    pub disk: &'a DiskTraits,
}

/// The three trees without what cannot matter.
#[derive(Clone, Debug, Default)]
pub struct Focused {
    /// The baseline, which tells how many of its files are left out.
    pub baseline: Baseline,
    /// What is on the disk.
    pub local: LocalTree,
    /// What is in the bucket.
    pub remote: RemoteTree,
    /// Objects of our own that a listing shows for the first time, and when the store changed them. From now on a
    /// later change of their metadata alone is seen, also one in the same second.
    pub noted: Vec<(RelPath, UnixMillis)>,
}

impl Focused {
    /// Returns everything: for a baseline without rows of files, which leaves nothing out.
    pub fn whole(seen: Seen<'_>, dirs: SortedMap<RelPath, DirRow>) -> Self {
        let baseline = Baseline { dirs, ..Baseline::default() };
        Self { baseline, local: seen.local.to_tree(), remote: seen.remote.to_tree(), noted: Vec::new() }
    }
}

/// Takes one row after the other.
pub type Visit<'a> = dyn FnMut(RelPath, FileRow) + 'a;

/// Leaves out what cannot matter. `rows` is called once or twice, and gives all rows of files in the order of paths,
/// each time the same ones.
pub fn focus<E>(
    seen: Seen<'_>,
    dirs: SortedMap<RelPath, DirRow>,
    mut rows: impl FnMut(&mut Visit<'_>) -> Result<(), E>,
) -> Result<Focused, E> {
    let mut first = Pass::new(seen, Near::default(), Purpose::Find);
    rows(&mut |path, row| first.row(path, row))?;
    first.end();
    first.look_at_directories(&dirs);
    let Pass { near, kept, settled, noted, .. } = first;

    let mut second = Pass::new(seen, near, Purpose::Widen);
    second.kept = kept;
    if !second.near.is_empty() {
        rows(&mut |path, row| second.row(path, row))?;
    }
    let Kept { files, entries, mut objects, settled: kept_settled } = second.kept;
    objects.extend(seen.remote.odd().iter().cloned());
    Ok(Focused {
        baseline: Baseline { files: files.into_iter().collect(), dirs, elided: settled - kept_settled },
        local: LocalTree {
            entries: entries.into_iter().collect(),
            unnameable: seen.local.unnameable.clone(),
        },
        remote: RemoteTree::build(seen.remote.prefix(), objects),
        noted,
    })
}

/// What is kept of the three trees.
#[derive(Default)]
struct Kept {
    files: Vec<(RelPath, FileRow)>,
    entries: Vec<(DiskPath, LocalEntry)>,
    objects: Vec<RemoteObject>,
    /// How many of the files are settled.
    settled: u64,
}

/// What a pass over the rows is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To keep what is not settled and one file for each directory, and to find out what is near.
    Find,
    /// To keep what is near.
    Widen,
}

/// One pass over the rows and both sides.
struct Pass<'a> {
    seen: Seen<'a>,
    purpose: Purpose,
    near: Near,
    kept: Kept,
    settled: u64,
    local: LocalCursor,
    entry: Option<LocalEntry>,
    remote: usize,
    /// The directory of the file that was kept for its directory last.
    represented: Option<String>,
    noted: Vec<(RelPath, UnixMillis)>,
}

impl<'a> Pass<'a> {
    fn new(seen: Seen<'a>, near: Near, purpose: Purpose) -> Self {
        let mut local = LocalCursor::default();
        let entry = local.next(seen.local);
        let kept = Kept::default();
        Self {
            seen,
            purpose,
            near,
            kept,
            settled: 0,
            local,
            entry,
            remote: 0,
            represented: None,
            noted: Vec::new(),
        }
    }

    /// Takes the next row.
    fn row(&mut self, path: RelPath, row: FileRow) {
        self.skip_to(Some(&path));
        let entry = match self.local_order(Some(&path)) {
            Some(Ordering::Equal) => self.next_local().map(|(_, entry)| entry),
            Some(Ordering::Less | Ordering::Greater) | None => None,
        };
        let object = self.next_remote_at(&path);
        let mut twins = Vec::new();
        while let Some(twin) = self.next_remote_at(&path) {
            twins.push(twin);
        }
        if let (Purpose::Find, Some(object), true) = (self.purpose, &object, twins.is_empty()) {
            self.note_time(&path, &row, object);
        }
        match (&entry, &object) {
            (Some(entry), Some(object))
                if twins.is_empty() && self.is_settled(&path, &row, entry, object) =>
            {
                self.settled += 1;
                self.take_settled(path, row, entry, object);
            }
            _ if self.purpose == Purpose::Find => {
                self.near.note_row(self.seen.disk, &path, &row);
                self.kept.entries.extend(entry.map(|entry| (DiskPath::from(&path), entry)));
                let objects = object.iter().chain(&twins).map(|object| self.seen.remote.object(object));
                self.kept.objects.extend(objects);
                self.kept.files.push((path, row));
            }
            _ => {}
        }
    }

    /// Notes when the store changed an object of our own, seen in a listing for the first time.
    fn note_time(&mut self, path: &RelPath, row: &FileRow, object: &RemoteEntry<'_>) {
        match row.last_modified {
            RowLastModified::NotAfter(bound)
                if object.has_etag(&row.etag) && object.last_modified <= bound =>
            {
                self.noted.push((path.clone(), object.last_modified));
            }
            RowLastModified::NotAfter(_) | RowLastModified::Known(_) => {}
        }
    }

    /// Takes what is left of both sides when there are no more rows.
    fn end(&mut self) {
        self.skip_to(None);
    }

    /// Keeps a settled file if it is near something, or the first of its directory.
    fn take_settled(&mut self, path: RelPath, row: FileRow, entry: &LocalEntry, object: &RemoteEntry<'_>) {
        let parent = path.as_str().rsplit_once('/').map_or("", |(parent, _)| parent);
        let represents = self.represented.as_deref() != Some(parent);
        if represents {
            self.represented = Some(parent.to_owned());
        }
        let is_near = self.purpose == Purpose::Widen && self.near.takes(self.seen.disk, &path, &row);
        // What represents a directory was kept by the first pass.
        let is_wanted = match self.purpose {
            Purpose::Find => represents,
            Purpose::Widen => is_near && !represents,
        };
        if is_wanted {
            self.kept.settled += 1;
            self.kept.entries.push((DiskPath::from(&path), entry.clone()));
            self.kept.objects.push(self.seen.remote.object(object));
            self.kept.files.push((path, row));
        }
    }

    /// Takes what both sides have before `path`, which no row stands for.
    fn skip_to(&mut self, path: Option<&RelPath>) {
        while self.local_order(path) == Some(Ordering::Less) {
            let Some((disk, entry)) = self.next_local() else { break };
            if self.purpose == Purpose::Find {
                if !matches!(entry, LocalEntry::Dir { .. }) {
                    self.near.note_disk(self.seen.disk, &disk);
                }
                self.kept.entries.push((disk, entry));
            }
        }
        while let Some(object) = self.seen.remote.get(self.remote) {
            if path.is_some_and(|path| compare_by_component(object.path, path.as_str()) != Ordering::Less) {
                break;
            }
            self.remote += 1;
            if self.purpose == Purpose::Find {
                self.near.note(self.seen.disk, object.path);
                self.kept.objects.push(self.seen.remote.object(&object));
            }
        }
    }

    /// Returns where the next entry of the disk stands to `path`; before it if there is none.
    fn local_order(&self, path: Option<&RelPath>) -> Option<Ordering> {
        self.entry.as_ref()?;
        Some(path.map_or(Ordering::Less, |path| compare_by_component(self.local.path(), path.as_str())))
    }

    fn next_local(&mut self) -> Option<(DiskPath, LocalEntry)> {
        let entry = self.entry.take()?;
        let disk = DiskPath::new(self.local.path());
        self.entry = self.local.next(self.seen.local);
        Some((disk, entry))
    }

    fn next_remote_at(&mut self, path: &RelPath) -> Option<RemoteEntry<'a>> {
        let object = self.seen.remote.get(self.remote).filter(|object| object.path == path.as_str())?;
        self.remote += 1;
        Some(object)
    }

    /// Notes directories that are not on all sides alike, and keys that are no files.
    fn look_at_directories(&mut self, rows: &SortedMap<RelPath, DirRow>) {
        let mut on_disk = Vec::new();
        for (disk, entry) in &self.kept.entries {
            let (LocalEntry::Dir { .. }, Ok(path)) = (entry, RelPath::parse(disk.as_str())) else { continue };
            if path.as_str() == disk.as_str() && rows.contains(&path) {
                on_disk.push((path, ()));
            } else {
                self.near.note(self.seen.disk, path.as_str());
            }
        }
        let on_disk: SortedMap<RelPath, ()> = on_disk.into_iter().collect();
        for path in rows.keys().filter(|path| !on_disk.contains(path)) {
            self.near.note(self.seen.disk, path.as_str());
        }
        for object in self.seen.remote.odd() {
            match self.seen.remote.prefix().place(&object.key) {
                Some(crate::key::Place::Directory(path)) if object.size == 0 && on_disk.contains(&path) => {}
                Some(crate::key::Place::Directory(path) | crate::key::Place::File(path)) => {
                    self.near.note(self.seen.disk, path.as_str());
                }
                Some(
                    crate::key::Place::Invalid(_) | crate::key::Place::Root | crate::key::Place::Reserved,
                )
                | None => {}
            }
        }
    }

    /// Returns whether both sides are as a row says, beyond doubt and under the usual names.
    fn is_settled(
        &self,
        path: &RelPath,
        row: &FileRow,
        entry: &LocalEntry,
        object: &RemoteEntry<'_>,
    ) -> bool {
        let Seen { disk, remote, .. } = self.seen;
        let is_named = row.disk.as_str() == path.as_str()
            && remote::is_usual(remote.prefix(), path, &row.key)
            && !names::looks_like_clash(path.name());
        let is_here = match (&row.content, entry) {
            (RowContent::File { executable, .. }, LocalEntry::File(file)) => {
                file.fingerprint == row.fingerprint
                    && !row.fingerprint.is_racy(row.read_time_ns, disk.granularity_ns)
                    && (!disk.has_executable_bit || file.executable == *executable)
            }
            (RowContent::Symlink { target }, LocalEntry::Symlink(link)) => {
                link.fingerprint == row.fingerprint
                    && link.target == *target
                    && link_stays_inside(&row.disk, target)
            }
            _ => false,
        };
        let is_there = object.has_etag(&row.etag)
            && match row.last_modified {
                RowLastModified::Known(time) => object.last_modified == time,
                RowLastModified::NotAfter(bound) => object.last_modified <= bound,
            };
        is_named && is_here && is_there
    }
}
