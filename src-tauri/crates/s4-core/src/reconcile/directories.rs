//! Directories: which stay, which are made, removed, published.
//!
//! In the bucket a directory exists while a key lies below it, or while it has a marker. Hence:
//!
//! - Before the last object of a directory that stays is removed, its marker is written.
//! - A tracked directory that is gone from the bucket, and holds nothing on disk, was removed by someone: it is
//!   removed here too, with `rmdir` only.
//! - A directory that holds only ignored content is kept on this disk and not published.

use std::collections::{BTreeMap, BTreeSet};

use crate::baseline::{DirRow, MarkerRow};
use crate::path::{DiskPath, RelPath};
use crate::plan::{Problem, ProblemReason, RowChange};
use crate::remote::{RemoteObject, RemoteTree};

use super::judge::Verdict;
use super::sides::{LocalDir, Sides};
use super::{Input, problem};

/// Which directories hold something, before the plan and after it.
#[derive(Debug, Default)]
pub(super) struct Presence {
    remote_before: Filled,
    remote_after: Filled,
    local_after: Filled,
}

/// Directories that hold something.
#[derive(Debug, Default)]
struct Filled {
    all: BTreeSet<RelPath>,
    /// The one that was entered last: paths come in order, so the next is most often in the same.
    last: Option<RelPath>,
}

impl Filled {
    /// Enters every directory above `path`.
    fn fill(&mut self, path: &RelPath) {
        let Some((directory, _)) = path.as_str().rsplit_once('/') else { return };
        if self.last.as_ref().is_none_or(|last| last.as_str() != directory) {
            fill(&mut self.all, path);
            self.last = path.parent();
        }
    }

    fn contains(&self, path: &RelPath) -> bool {
        self.all.contains(path)
    }
}

/// What is to be done about one directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Make it on disk.
    Create { marker: Option<RemoteObject> },
    /// Remove it from disk, if it is empty then.
    Remove,
    /// Write its marker.
    Publish,
    /// Delete its marker.
    Unpublish { marker: RemoteObject },
    /// Record it once something below it is in the bucket.
    Record,
}

/// What is to be done about all directories.
#[derive(Debug, Default)]
pub(super) struct Directories {
    /// Those that need a step, with where they are on disk.
    pub(super) fates: BTreeMap<RelPath, (DiskPath, Fate)>,
    /// Rows that need none.
    pub(super) rows: Vec<RowChange>,
    /// Those that cannot be made here.
    pub(super) problems: Vec<Problem>,
    /// Those that are on disk in the end.
    pub(super) on_disk: BTreeSet<RelPath>,
}

impl Presence {
    /// Notes where one file path is, and will be.
    pub(super) fn note(&mut self, path: &RelPath, local: bool, remote: bool, verdict: &Verdict) {
        let (local_after, remote_after, remote_seen) = match verdict {
            // What is settled without being on disk is ignored, or nowhere: an object like that holds nothing.
            Verdict::Settled => (local, local && remote, local && remote),
            Verdict::Examine(_)
            | Verdict::Problem(_)
            | Verdict::Row(_)
            | Verdict::Conflict
            | Verdict::SetRemoteMode { .. }
            | Verdict::SetLocalMode { .. } => (local, remote, remote),
            // Neither side has it, or it is ignored: then the object, if there is one, does not count.
            Verdict::Forget | Verdict::Prune => (false, false, false),
            Verdict::Upload { .. }
            | Verdict::Download { .. }
            | Verdict::Refill { .. }
            | Verdict::KeepBoth { .. }
            | Verdict::CopyRemote { .. }
            | Verdict::TurnRemote { .. }
            | Verdict::MoveLocal { .. }
            | Verdict::TurnLocal { .. } => (true, true, remote),
            Verdict::DeleteRemote | Verdict::DeleteMoved => (false, false, remote),
            Verdict::DeleteLocal | Verdict::MovedAway => (false, false, remote),
        };
        if remote_seen {
            self.remote_before.fill(path);
        }
        if remote_after {
            self.remote_after.fill(path);
        }
        if local_after {
            self.local_after.fill(path);
        }
    }

    /// Notes a path that no step touches.
    pub(super) fn note_untouched(&mut self, path: &RelPath, local: bool, remote: bool) {
        self.note(path, local, remote, &Verdict::Conflict);
    }

    /// Notes what is left alone: it holds its directories where they are.
    pub(super) fn note_blocked(&mut self, remote: &RemoteTree, unknown: impl Iterator<Item = RelPath>) {
        for path in remote.blocked.iter().filter_map(|blocked| blocked.path.as_ref()) {
            self.note_untouched(path, false, true);
        }
        for path in unknown {
            self.note_untouched(&path, true, false);
        }
    }
}

/// Enters every directory above `path`; where one is known, those above it are too.
fn fill(directories: &mut BTreeSet<RelPath>, path: &RelPath) {
    for above in path.ancestors() {
        if !directories.insert(above) {
            return;
        }
    }
}

/// Decides about every directory that anything knows of.
pub(super) fn decide(input: Input<'_>, sides: &Sides<'_>, mut presence: Presence) -> Directories {
    for marker in input.remote.markers.keys() {
        presence.remote_before.fill(marker);
    }
    let mut known: BTreeSet<RelPath> = input.baseline.dirs.keys().cloned().collect();
    known.extend(sides.dirs.keys().cloned());
    for marker in input.remote.markers.keys() {
        // A marker implies the directories above it, which may have none.
        known.extend(marker.ancestors());
        known.insert(marker.clone());
    }
    known.extend(presence.local_after.all.iter().cloned());

    let mut decided = Directories::default();
    // The deepest first: what stays below keeps what is above.
    for path in known.into_iter().rev() {
        if sides.is_unknown(&path) {
            continue;
        }
        let local = sides.dirs.get(&path);
        if sides.is_blocked(&path) {
            // Its marker is left alone. What lies below is not concerned, and needs a place.
            let is_needed = local.is_none() && presence.local_after.contains(&path);
            if is_needed {
                let fate = Fate::Create { marker: None };
                decided.fates.insert(path.clone(), (sides.disk_path(&path), fate));
            }
            if is_needed || local.is_some() {
                presence.local_after.fill(&path);
                decided.on_disk.insert(path);
            }
            continue;
        }
        let row = input.baseline.dirs.get(&path);
        if local.is_none() && input.context.rules.is_ignored(path.as_str(), true) {
            if row.is_some() {
                decided.rows.push(RowChange::ForgetDir(path));
            }
            continue;
        }
        let marker = input.remote.markers.get(&path);
        if let (None, Some(_), Some(problem)) = (local, marker, why_not_here(input, sides, &path)) {
            // It is in the bucket, and cannot be made here.
            decided.problems.push(problem);
            if row.is_some() {
                decided.rows.push(RowChange::ForgetDir(path));
            }
            continue;
        }
        match local {
            Some(dir) => on_disk(&path, dir, row, marker, &mut presence, &mut decided),
            None => {
                let disk = sides.disk_path(&path);
                not_on_disk(&path, disk, row, marker, &mut presence, &mut decided);
            }
        }
    }
    decided.rows.reverse();
    decided
}

/// Returns why a directory cannot be on this disk: a name above it is refused, or taken in another spelling.
fn why_not_here(input: Input<'_>, sides: &Sides<'_>, path: &RelPath) -> Option<Problem> {
    let refused = path.as_str().split('/').find_map(|name| input.context.disk.refusal(name));
    if let Some(why) = refused {
        return Some(problem(path, ProblemReason::RefusedName(why.to_owned())));
    }
    sides.other_spelling(path).map(|(directory, reason)| problem(directory, reason))
}

/// Decides about a directory that the disk has.
fn on_disk(
    path: &RelPath,
    dir: &LocalDir,
    row: Option<&DirRow>,
    marker: Option<&RemoteObject>,
    presence: &mut Presence,
    decided: &mut Directories,
) {
    let holds_files = presence.local_after.contains(path);
    let remote_after = presence.remote_after.contains(path);
    let remote_before = marker.is_some() || presence.remote_before.contains(path);
    let is_bare = !holds_files && !remote_after;
    if is_bare && !remote_before {
        if dir.holds_ignored {
            let kept = DirRow { disk: dir.disk.clone(), marker: None, kept: true };
            if row != Some(&kept) {
                decided.rows.push(RowChange::Dir(path.clone(), kept));
            }
        } else if row.is_some() {
            // It was tracked and someone removed it. `rmdir` fails if something is in it after all.
            decided.fates.insert(path.clone(), (dir.disk.clone(), Fate::Remove));
            return;
        } else {
            decided.fates.insert(path.clone(), (dir.disk.clone(), Fate::Publish));
            presence.remote_after.fill(path);
        }
    } else if remote_before && !remote_after && marker.is_none() {
        // Its last object goes with this plan.
        decided.fates.insert(path.clone(), (dir.disk.clone(), Fate::Publish));
        presence.remote_after.fill(path);
    } else if remote_before {
        let agreed = DirRow { disk: dir.disk.clone(), marker: marker.map(marker_row), kept: false };
        if row != Some(&agreed) {
            decided.rows.push(RowChange::Dir(path.clone(), agreed));
        }
        presence.remote_after.fill(path);
    } else if remote_after && row.is_none_or(|row| row.kept) {
        decided.fates.insert(path.clone(), (dir.disk.clone(), Fate::Record));
    }
    decided.on_disk.insert(path.clone());
    presence.local_after.fill(path);
}

/// Decides about a directory that the disk does not have.
fn not_on_disk(
    path: &RelPath,
    disk: DiskPath,
    row: Option<&DirRow>,
    marker: Option<&RemoteObject>,
    presence: &mut Presence,
    decided: &mut Directories,
) {
    let was_agreed = |row: &DirRow, marker: &RemoteObject| {
        row.marker.as_ref().is_some_and(|agreed| agreed.etag == marker.etag)
    };
    let is_needed = presence.local_after.contains(path);
    match (row, marker) {
        (Some(row), Some(marker)) if !is_needed && was_agreed(row, marker) => {
            decided.fates.insert(path.clone(), (disk, Fate::Unpublish { marker: marker.clone() }));
        }
        (_, Some(_)) | (_, None) if is_needed || marker.is_some() => {
            decided.fates.insert(path.clone(), (disk, Fate::Create { marker: marker.cloned() }));
            decided.on_disk.insert(path.clone());
            presence.local_after.fill(path);
            if marker.is_some() {
                presence.remote_after.fill(path);
            }
        }
        (Some(_), _) => decided.rows.push(RowChange::ForgetDir(path.clone())),
        (None, _) => {}
    }
}

fn marker_row(marker: &RemoteObject) -> MarkerRow {
    MarkerRow { key: marker.key.clone(), etag: marker.etag.clone() }
}
