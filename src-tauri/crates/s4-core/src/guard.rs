//! Guards: when a plan would delete more than anyone asked for, the target stops and asks.
//!
//! - They count both what is planned and what was deleted since the last ten quiet minutes, so that a slow
//!   deletion halts as a fast one does.
//! - A deletion counts only if its content stands at no other live path: a rename deletes nothing.

use std::collections::BTreeSet;

use crate::baseline::RowContent;
use crate::context::{DeleteLimits, Deletions};
use crate::path::{DiskPath, RelPath};
use crate::plan::{Action, Halt, Side, Step};
use crate::reconcile::{Input, LocalSummary, is_remote_deletion};

/// Deletions up to this number never halt.
const ALWAYS_ALLOWED: u64 = 25;
/// Above [`ALWAYS_ALLOWED`], deletions halt from one file in this many.
const HALT_AT_ONE_IN: u64 = 4;
/// Deletions above this number always halt.
const NEVER_ALLOWED: u64 = 1000;
/// A folder that held at least this many files and holds none now was emptied by something.
const EMPTIED_FROM: usize = 2;

/// Returns why the target must stop, if it must.
pub(crate) fn check(input: Input<'_>, local: &LocalSummary, steps: &[Step]) -> Option<Halt> {
    if input.context.limits == DeleteLimits::Unlimited {
        return None;
    }
    let from_remote: Vec<&RelPath> =
        steps.iter().filter(|step| is_remote_deletion(&step.action)).map(|step| &step.path).collect();
    let from_local: Vec<&RelPath> = steps
        .iter()
        .filter(|step| matches!(step.action, Action::DeleteLocal { .. }))
        .map(|step| &step.path)
        .collect();
    if from_remote.is_empty() && from_local.is_empty() {
        return None;
    }
    let tracked = input.baseline.files.len();
    if tracked >= EMPTIED_FROM {
        if local.files == 0 && !local.has_unknown && !from_remote.is_empty() {
            return Some(Halt::LocalEmptied { tracked: tracked as u64 });
        }
        if input.remote.objects.is_empty() && !from_local.is_empty() {
            return Some(Halt::RemoteEmptied { tracked: tracked as u64 });
        }
    }
    mass_deletion(input, Side::Remote, &from_remote, input.context.guard.remote)
        .or_else(|| mass_deletion(input, Side::Local, &from_local, input.context.guard.local))
}

fn mass_deletion(input: Input<'_>, side: Side, paths: &[&RelPath], before: Deletions) -> Option<Halt> {
    if paths.is_empty() {
        return None;
    }
    let of = before.tree_then.max(input.baseline.files.len() as u64);
    let exceeds = |count: u64| match input.context.limits {
        DeleteLimits::Default => {
            (count > ALWAYS_ALLOWED && count.saturating_mul(HALT_AT_ONE_IN) > of) || count > NEVER_ALLOWED
        }
        DeleteLimits::Count(limit) => count > limit,
        DeleteLimits::Percent(limit) => u128::from(count) * 100 > u128::from(of) * u128::from(limit),
        DeleteLimits::Unlimited => false,
    };
    // Most plans are far below: only one that is not looks at contents.
    if !exceeds(before.count.saturating_add(paths.len() as u64)) {
        return None;
    }
    let count = before.count.saturating_add(lost_contents(input, paths));
    exceeds(count).then_some(Halt::MassDeletion { side, count, of })
}

/// Returns how many of the deleted paths hold content that no path keeps.
fn lost_contents(input: Input<'_>, deleted: &[&RelPath]) -> u64 {
    let deleted: BTreeSet<&RelPath> = deleted.iter().copied().collect();
    let blake3 = |content: &RowContent| match content {
        RowContent::File { digest, .. } => digest.blake3,
        RowContent::Symlink { target } => *blake3::hash(target.as_bytes()).as_bytes(),
    };
    let mut live: BTreeSet<[u8; 32]> = input
        .baseline
        .files
        .iter()
        .filter(|(path, row)| !deleted.contains(path) && input.local.entries.contains(&row.disk))
        .map(|(_, row)| blake3(&row.content))
        .collect();
    // What was created here and is known by its hash is live as well, but not what is about to be deleted.
    let leaving: BTreeSet<&DiskPath> =
        deleted.iter().filter_map(|path| input.baseline.files.get(path)).map(|row| &row.disk).collect();
    live.extend(
        input
            .local
            .entries
            .iter()
            .filter(|(disk, _)| !leaving.contains(disk))
            .filter_map(|(disk, entry)| Some(input.facts.local(disk, entry.fingerprint()?)?.digest.blake3)),
    );
    let is_lost = |path: &&&RelPath| {
        input.baseline.files.get(path).is_none_or(|row| !live.contains(&blake3(&row.content)))
    };
    deleted.iter().filter(is_lost).count() as u64
}
