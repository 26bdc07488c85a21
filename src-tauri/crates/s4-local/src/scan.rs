//! The scan: the whole Local tree in one parallel walk.
//!
//! - Absence is never invented: a directory that cannot be listed to its end, an entry that cannot be stat'ed and
//!   another mount are `Unreadable`. Only what vanished between listing and stat is absent.
//! - Nothing is followed, nothing is opened but directories, ignored directories are not entered.
//! - Directories wait in a list, not on the stack: depth costs no stack, and each directory is a job for
//!   whichever thread is free.

use std::num::NonZero;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use s4_core::focus::{LocalCursor, LocalEntries};
use s4_core::local::{LocalEntry, LocalTree, Unreadable};
use s4_core::path::{DiskPath, RESERVED_COMPONENT, RelPath};

use crate::disk::{DirItem, DiskResult, EntryName, Kind, MountId, child, root};
use crate::error::{DiskError, DiskErrorKind};
use crate::folder::{Folder, Mounts};

/// More threads than this do not list a disk faster.
const MAX_THREADS: usize = 8;

/// What a scan leaves out.
pub trait ScanRules: Sync {
    /// Returns whether the entry is ignored; of an ignored directory nothing below is asked for.
    fn is_ignored(&self, path: &DiskPath, is_dir: bool) -> bool;
}

/// Rules that ignore nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct IgnoreNothing;

impl ScanRules for IgnoreNothing {
    fn is_ignored(&self, _path: &DiskPath, _is_dir: bool) -> bool {
        false
    }
}

impl Folder {
    /// Returns everything that stands below the root as a tree, our own things and the ignored left out.
    ///
    /// Fails only if the root itself cannot be listed to its end.
    pub fn scan(&self, rules: &dyn ScanRules) -> DiskResult<LocalTree> {
        Ok(self.scan_entries(rules)?.to_tree())
    }

    /// Returns what [`scan`](Self::scan) does, in a fifth of the memory.
    pub fn scan_entries(&self, rules: &dyn ScanRules) -> DiskResult<LocalEntries> {
        let walk = Walk {
            folder: self,
            rules,
            known_mounts: self.known_mounts(),
            jobs: Mutex::new(Jobs {
                waiting: vec![Job { slot: 0, path: root(), mount: self.root_mount() }],
                running: 0,
                slots: 1,
            }),
            changed: Condvar::new(),
        };
        let threads = std::thread::available_parallelism().map_or(2, NonZero::get).clamp(2, MAX_THREADS);
        let mut listed: Vec<(usize, DiskResult<Listing>)> = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| walk.work())).collect();
            let mut listed = walk.work();
            for other in others {
                match other.join() {
                    Ok(more) => listed.extend(more),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            listed
        });
        listed.sort_unstable_by_key(|(slot, _)| *slot);
        let entries = assemble(listed.into_iter().map(|(_, listing)| Some(listing)).collect())?;
        if walk.known_mounts.is_empty() {
            return Ok(entries);
        }
        let mut tree = entries.to_tree();
        for top in walk.known_mounts {
            let mut above = std::iter::successors(Some(top.clone()), DiskPath::parent);
            let is_told = tree.entries.contains(&top) || above.any(|path| rules.is_ignored(&path, true));
            if let (false, Err(error)) = (is_told, self.must_not_be_lost(&top)) {
                // Not even the place where it was mounted is left.
                tree.entries.insert(top, LocalEntry::Unreadable(Unreadable::Failed(error.words)));
            }
        }
        Ok(LocalEntries::from(&tree))
    }
}

/// One walk under way.
struct Walk<'a> {
    folder: &'a Folder,
    rules: &'a dyn ScanRules,
    /// Mounts of earlier scans.
    known_mounts: Vec<DiskPath>,
    jobs: Mutex<Jobs>,
    changed: Condvar,
}

/// The directories still to list. The walk is over when none waits and none is being listed.
struct Jobs {
    waiting: Vec<Job>,
    running: usize,
    slots: usize,
}

/// One directory to list; its listing gets the number `slot`.
struct Job {
    slot: usize,
    path: DiskPath,
    mount: MountId,
}

/// One directory, listed.
#[derive(Default)]
struct Listing {
    /// What is in it, by name.
    children: LocalEntries,
    /// Which of them are directories that are entered, in order: their number among the children, and the slot of
    /// their own listing.
    entered: Vec<(usize, usize)>,
    holds_ignored: bool,
    unnameable: Vec<String>,
}

/// One entry of a directory that is being listed.
struct Child {
    path: DiskPath,
    entry: LocalEntry,
}

/// A directory to enter: its number among the children, and where it is.
struct Below {
    index: usize,
    path: DiskPath,
    mount: MountId,
}

impl Walk<'_> {
    /// Lists directories until none is left, and returns the listings.
    fn work(&self) -> Vec<(usize, DiskResult<Listing>)> {
        let mut listed = Vec::new();
        let mut jobs = self.lock();
        loop {
            if let Some(job) = jobs.waiting.pop() {
                jobs.running += 1;
                drop(jobs);
                let (listing, below) = self.list(&job);
                jobs = self.enqueue(listing, below, job.slot, &mut listed);
            } else if jobs.running == 0 {
                self.changed.notify_all();
                return listed;
            } else {
                jobs = self.changed.wait(jobs).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Gives every directory of a listing a slot and queues it.
    fn enqueue(
        &self,
        mut listing: DiskResult<Listing>,
        below: Vec<Below>,
        slot: usize,
        listed: &mut Vec<(usize, DiskResult<Listing>)>,
    ) -> MutexGuard<'_, Jobs> {
        let mut jobs = self.lock();
        if let Ok(listing) = &mut listing {
            for Below { index, path, mount } in below {
                listing.entered.push((index, jobs.slots));
                let job = Job { slot: jobs.slots, path, mount };
                jobs.slots += 1;
                jobs.waiting.push(job);
            }
        }
        jobs.running -= 1;
        self.changed.notify_all();
        listed.push((slot, listing));
        jobs
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists one directory; also returns which of its children are to be entered.
    fn list(&self, job: &Job) -> (DiskResult<Listing>, Vec<Below>) {
        let mut children: Vec<(Child, Option<MountId>)> = Vec::new();
        let mut listing = Listing::default();
        let result = self.folder.disk().read_dir(&job.path, &mut |item| {
            if let Some(found) = self.take(job, item, &mut listing) {
                children.push(found);
            }
        });
        if let Err(error) = result {
            return (Err(error), Vec::new());
        }
        // Names hold no slash, so their byte order is the order of paths.
        children.sort_unstable_by(|(left, _), (right, _)| {
            left.path.as_str().as_bytes().cmp(right.path.as_str().as_bytes())
        });
        let mut below = Vec::new();
        for (index, (child, mount)) in children.into_iter().enumerate() {
            listing.children.push(child.path.name(), &child.entry);
            below.extend(mount.map(|mount| Below { index, path: child.path, mount }));
        }
        listing.children.shrink();
        (Ok(listing), below)
    }

    /// Returns the child for one entry of a directory, with its mount if it is to be entered.
    fn take(&self, job: &Job, item: DirItem, listing: &mut Listing) -> Option<(Child, Option<MountId>)> {
        let name = match item.name {
            EntryName::Text(name) => name,
            EntryName::Unprintable(name) => {
                listing.holds_ignored = true;
                listing.unnameable.push(child(&job.path, &name).as_str().to_owned());
                return None;
            }
        };
        let path = child(&job.path, &name);
        if is_reserved(&path, &name) {
            listing.holds_ignored = true;
            return None;
        }
        let stat = match item.stat {
            Ok(stat) => stat,
            Err(error) if error.kind == DiskErrorKind::Missing => return None,
            Err(error) => return Some((unreadable(path, error), None)),
        };
        if self.rules.is_ignored(&path, stat.kind == Kind::Dir) {
            listing.holds_ignored = true;
            return None;
        }
        if self.known_mounts.contains(&path)
            && let Err(error) = self.folder.must_not_be_lost(&path)
        {
            return Some((unreadable(path, error), None));
        }
        if stat.is_mounted_apart_from(&job.mount) {
            let enter = match self.folder.mounts() {
                Mounts::Stay => {
                    let entry = LocalEntry::Unreadable(Unreadable::Mount);
                    return Some((Child { path, entry }, None));
                }
                Mounts::Cross if stat.kind == Kind::Dir => self.folder.add_home(&path),
                Mounts::Cross => Ok(()),
            };
            if let Err(error) = enter {
                return Some((unreadable(path, error), None));
            }
        }
        match self.folder.entry_of(&path, &stat) {
            Ok(entry) => {
                let mount = (stat.kind == Kind::Dir).then_some(stat.mount);
                Some((Child { path, entry }, mount))
            }
            Err(error) if error.kind == DiskErrorKind::Missing => None,
            Err(error) => Some((unreadable(path, error), None)),
        }
    }
}

/// Returns whether S4 or the Python S4 keeps its own things under this name.
fn is_reserved(path: &DiskPath, name: &str) -> bool {
    name.eq_ignore_ascii_case(RESERVED_COMPONENT)
        || (path.as_str().len() == name.len() && RelPath::parse(name).is_ok_and(|path| path.is_reserved()))
}

fn unreadable(path: DiskPath, error: DiskError) -> Child {
    Child { path, entry: LocalEntry::Unreadable(Unreadable::Failed(error.words)) }
}

/// A directory whose listing is being joined to the others.
struct Open {
    listing: Listing,
    cursor: LocalCursor,
    /// The number of the next child.
    index: usize,
    /// How many of the directories that are entered were.
    entered: usize,
    /// The length of its path.
    path: usize,
}

impl Open {
    fn new(listing: Listing, path: usize) -> Self {
        Self { listing, cursor: LocalCursor::default(), index: 0, entered: 0, path }
    }

    /// Returns the next child, with the slot of its listing if it was entered.
    fn next(&mut self) -> Option<(LocalEntry, Option<usize>)> {
        let entry = self.cursor.next(&self.listing.children)?;
        let entered = self.listing.entered.get(self.entered).filter(|(index, _)| *index == self.index);
        let slot = entered.map(|(_, slot)| *slot);
        self.entered += usize::from(slot.is_some());
        self.index += 1;
        Some((entry, slot))
    }
}

/// Joins the listings, numbered by slot, in the order of paths.
fn assemble(mut slots: Vec<Option<DiskResult<Listing>>>) -> DiskResult<LocalEntries> {
    let mut take = |slot: usize| slots.get_mut(slot).and_then(Option::take);
    let mut all = LocalEntries::default();
    let Some(mut top) = take(0).transpose()? else { return Ok(all) };
    all.unnameable.append(&mut top.unnameable);
    let mut path = String::new();
    let mut open = vec![Open::new(top, 0)];
    while let Some(directory) = open.last_mut() {
        let Some((entry, slot)) = directory.next() else {
            open.pop();
            continue;
        };
        path.truncate(directory.path);
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(directory.cursor.path());
        match slot.and_then(&mut take) {
            None => all.push(&path, &entry),
            Some(Ok(mut listing)) => {
                all.push(&path, &LocalEntry::Dir { holds_ignored: listing.holds_ignored });
                all.unnameable.append(&mut listing.unnameable);
                open.push(Open::new(listing, path.len()));
            }
            // It vanished after its parent was listed.
            Some(Err(error)) if error.kind == DiskErrorKind::Missing => {}
            Some(Err(error)) => {
                all.push(&path, &LocalEntry::Unreadable(Unreadable::Failed(error.words)));
            }
        }
    }
    all.unnameable.sort_unstable();
    all.shrink();
    Ok(all)
}
