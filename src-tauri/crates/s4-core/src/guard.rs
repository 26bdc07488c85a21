//! Guards: when a plan would delete more than anyone asked for, the target stops and asks.
//!
//! - They count both what is planned and what was deleted since the last ten quiet minutes, so that a slow
//!   deletion halts as a fast one does.
//! - A deletion counts only if its content stands at no other live path: a rename deletes nothing.

use std::collections::BTreeSet;

use crate::baseline::{FileRow, RowContent};
use crate::context::{DeleteLimits, Deletions};
use crate::local::LocalEntry;
use crate::path::{DiskPath, RelPath};
use crate::plan::{Action, Examine, Halt, Side, Step};
use crate::reconcile::{Input, LocalSummary, is_remote_deletion};

/// Deletions up to this number never halt.
const ALWAYS_ALLOWED: u64 = 25;
/// Above [`ALWAYS_ALLOWED`], deletions halt from one file in this many.
const HALT_AT_ONE_IN: u64 = 4;
/// Deletions above this number always halt.
const NEVER_ALLOWED: u64 = 1000;
/// A folder that held at least this many files and holds none now was emptied by something.
const EMPTIED_FROM: u64 = 2;

/// What the guards say of a plan.
#[derive(Debug, Default)]
pub(crate) struct Check {
    /// Why the target must stop, if it must.
    pub(crate) halt: Option<Halt>,
    /// What may tell that it need not; until that is known it must.
    pub(crate) examine: Vec<Examine>,
    /// Deletions that do not count: their content stands at another live path.
    pub(crate) uncounted: BTreeSet<RelPath>,
}

/// Checks a plan.
pub(crate) fn check(input: Input<'_>, local: &LocalSummary, steps: &[Step]) -> Check {
    let mut check = Check::default();
    if input.context.limits == DeleteLimits::Unlimited {
        return check;
    }
    let from_remote: Vec<&RelPath> =
        steps.iter().filter(|step| is_remote_deletion(&step.action)).map(|step| &step.path).collect();
    let from_local: Vec<&RelPath> = steps
        .iter()
        .filter(|step| matches!(step.action, Action::DeleteLocal { .. }))
        .map(|step| &step.path)
        .collect();
    if from_remote.is_empty() && from_local.is_empty() {
        return check;
    }
    let tracked = input.baseline.tracked();
    if tracked >= EMPTIED_FROM {
        if local.files == 0 && !local.has_unknown && !from_remote.is_empty() {
            check.halt = Some(Halt::LocalEmptied { tracked });
            return check;
        }
        if input.remote.objects.is_empty() && !from_local.is_empty() {
            check.halt = Some(Halt::RemoteEmptied { tracked });
            return check;
        }
    }
    for (side, paths, before) in [
        (Side::Remote, from_remote, input.context.guard.remote),
        (Side::Local, from_local, input.context.guard.local),
    ] {
        let lost = lost_contents(input, &paths);
        check.uncounted.extend(paths.into_iter().filter(|path| !lost.contains(path)).cloned());
        if check.halt.is_none() {
            check.halt = mass_deletion(input, side, lost.len() as u64, before);
            if check.halt.is_some() {
                check.examine = unknown_contents(input, steps, &lost);
            }
        }
    }
    check
}

/// Returns the hashes that may tell of a lost content that it stands where it is about to be uploaded from: a rename
/// that the store cannot copy.
fn unknown_contents(input: Input<'_>, steps: &[Step], lost: &BTreeSet<&RelPath>) -> Vec<Examine> {
    let sizes: BTreeSet<u64> =
        lost.iter().filter_map(|path| input.baseline.files.get(path)).map(FileRow::size).collect();
    let unknown = |step: &Step| match &step.action {
        Action::Upload { disk, local: LocalEntry::File(file), .. } => {
            let print = &file.fingerprint;
            let is_asked = sizes.contains(&print.size)
                && input.facts.local(disk, print).is_none()
                && input.facts.local_failure(disk, print).is_none();
            is_asked.then(|| Examine::LocalHash { disk: disk.clone() })
        }
        _ => None,
    };
    steps.iter().filter_map(unknown).collect()
}

fn mass_deletion(input: Input<'_>, side: Side, lost: u64, before: Deletions) -> Option<Halt> {
    if lost == 0 {
        return None;
    }
    let of = before.tree_then.max(input.baseline.tracked());
    let exceeds = |count: u64| match input.context.limits {
        DeleteLimits::Default => {
            (count > ALWAYS_ALLOWED && count.saturating_mul(HALT_AT_ONE_IN) > of) || count > NEVER_ALLOWED
        }
        DeleteLimits::Count(limit) => count > limit,
        DeleteLimits::Percent(limit) => u128::from(count) * 100 > u128::from(of) * u128::from(limit),
        DeleteLimits::Unlimited => false,
    };
    let count = before.count.saturating_add(lost);
    exceeds(count).then_some(Halt::MassDeletion { side, count, of })
}

/// Returns the deleted paths that hold content that no path keeps.
fn lost_contents<'a>(input: Input<'_>, deleted: &[&'a RelPath]) -> BTreeSet<&'a RelPath> {
    let leaving: BTreeSet<&RelPath> = deleted.iter().copied().collect();
    let blake3 = |content: &RowContent| match content {
        RowContent::File { digest, .. } => digest.blake3,
        RowContent::Symlink { target } => *blake3::hash(target.as_bytes()).as_bytes(),
    };
    let content_of = |path: &RelPath| input.baseline.files.get(path).map(|row| blake3(&row.content));
    // Few contents are asked for, and many paths looked at.
    let mut wanted: BTreeSet<[u8; 32]> = deleted.iter().filter_map(|path| content_of(path)).collect();
    let mut live: BTreeSet<[u8; 32]> = BTreeSet::new();
    let stays = |row: &FileRow| {
        let entry = input.local.entries.get(&row.disk).and_then(LocalEntry::fingerprint);
        entry.is_some_and(|print| *print == row.fingerprint)
    };
    for (path, row) in input.baseline.files.iter() {
        let content = blake3(&row.content);
        if wanted.contains(&content) && !leaving.contains(path) && stays(row) {
            wanted.remove(&content);
            live.insert(content);
        }
    }
    if !wanted.is_empty() {
        // What was created here and is known by its hash is live as well, but not what is about to be deleted.
        let places: BTreeSet<&DiskPath> =
            deleted.iter().filter_map(|path| input.baseline.files.get(path)).map(|row| &row.disk).collect();
        let hash_of = |disk: &DiskPath, entry: &LocalEntry| {
            Some(input.facts.local(disk, entry.fingerprint()?)?.digest.blake3)
        };
        let entries = input.local.entries.iter().filter(|(disk, _)| !places.contains(disk));
        live.extend(entries.filter_map(|(disk, entry)| hash_of(disk, entry)));
    }
    let is_lost = |path: &&&RelPath| content_of(path).is_none_or(|content| !live.contains(&content));
    deleted.iter().filter(is_lost).copied().collect()
}
