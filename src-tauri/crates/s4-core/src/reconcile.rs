//! The planner: three trees in, one plan out.
//!
//! It decides everything and does nothing. It is total and deterministic: no error, no I/O, no clock.
//!
//! - Each path is judged alone (in `judge`); then moves, directories, clashes of names and the order of the
//!   steps are decided over all of them, each in a module of its own.
//! - No step destroys what the trees did not show: each names the version or fingerprint it was planned against.
//! - A path that is unreadable, blocked or unknown is in no step at all, on neither side.
//! - While a fact about a path is missing, the path waits; others go on in the same plan. The engine carries a
//!   plan out only when nothing is missing.

mod clashes;
mod conflicts;
mod directories;
mod judge;
mod moves;
mod order;
mod sameness;
mod sides;
mod steps;
#[cfg(test)]
mod tests;

use crate::baseline::{Baseline, FileRow};
use crate::context::Context;
use crate::facts::Facts;
use crate::guard;
use crate::local::LocalTree;
use crate::path::RelPath;
use crate::plan::{Action, Conflict, DeleteReason, Plan, Problem, ProblemReason, RowChange};
use crate::remote::{RemoteObject, RemoteTree};

use judge::Verdict;
pub(crate) use sides::LocalSummary;
use sides::{LocalNode, Sides};

/// What a plan is made of.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// What both sides were when they last agreed.
    pub baseline: &'a Baseline,
    /// What is on the disk.
    pub local: &'a LocalTree,
    /// What is in the bucket.
    pub remote: &'a RemoteTree,
    /// What else was found out.
    pub facts: &'a Facts,
    /// What else it depends on.
    pub context: &'a Context,
}

/// One file path that is not settled, with everything known of it.
#[derive(Debug)]
struct Case<'a> {
    path: RelPath,
    row: Option<&'a FileRow>,
    local: Option<LocalNode<'a>>,
    remote: Option<&'a RemoteObject>,
    verdict: Verdict,
}

/// Returns what is to be done so that disk and bucket become the same.
pub fn reconcile(input: Input<'_>) -> Plan {
    let sides = Sides::of(input);
    let mut plan = Plan { problems: sides.problems.clone(), ..Plan::default() };

    let mut presence = directories::Presence::default();
    let mut cases = Vec::new();
    for (path, row, local, remote) in sides.files(input) {
        if sides.is_out_of_bounds(path) {
            presence.note_untouched(path, local.is_some(), remote.is_some());
            continue;
        }
        let verdict = judge::judge(input, path, row, local, remote);
        if let (Verdict::Download { .. }, None, Some((directory, reason))) =
            (&verdict, local, sides.other_spelling(path))
        {
            presence.note_untouched(path, false, true);
            note_once(&mut plan.problems, problem(directory, reason));
            continue;
        }
        presence.note(path, local.is_some(), remote.is_some(), &verdict);
        if verdict != Verdict::Settled {
            cases.push(Case { path: path.clone(), row, local: local.cloned(), remote, verdict });
        }
    }
    presence.note_blocked(input.remote, sides.unknown());

    moves::find(input, &sides, &mut cases);
    conflicts::name_copies(input, &sides, &mut cases);
    let directories = directories::decide(input, &sides, presence);
    let clashes = clashes::find(input, &sides, &cases, &directories);

    directories.problems.iter().for_each(|problem| note_once(&mut plan.problems, problem.clone()));
    plan.problems.extend(clashes.problems.iter().cloned());
    record(&cases, &mut plan);
    plan.rows.extend(directories.rows.iter().cloned());
    plan.steps = steps::of(input, &sides, &cases, &directories, &clashes);
    let checked = guard::check(input, &sides.local_summary(), &plan.steps);
    plan.halt = checked.halt;
    plan.uncounted = checked.uncounted;
    plan.examine.extend(checked.examine);
    plan.examine.sort();
    plan.examine.dedup();
    plan
}

/// Enters what needs no step: facts to learn, rows, conflicts and problems.
fn record(cases: &[Case<'_>], plan: &mut Plan) {
    for case in cases {
        match &case.verdict {
            Verdict::Examine(needs) => plan.examine.extend(needs.iter().cloned()),
            Verdict::Row(row) => plan.rows.push(RowChange::File(case.path.clone(), row.clone())),
            Verdict::Forget => plan.rows.push(RowChange::ForgetFile(case.path.clone())),
            Verdict::Problem(reason) => {
                plan.problems.push(Problem { subject: case.path.to_string(), reason: reason.clone() });
            }
            Verdict::Conflict => {
                if let (Some(local), Some(remote)) = (&case.local, case.remote) {
                    plan.conflicts.push(Conflict {
                        path: case.path.clone(),
                        disk: local.disk.clone(),
                        local: local.entry.clone(),
                        object: remote.clone(),
                    });
                }
            }
            Verdict::Prune => {
                if case.row.is_some() {
                    plan.rows.push(RowChange::ForgetFile(case.path.clone()));
                }
            }
            Verdict::Settled
            | Verdict::Upload { .. }
            | Verdict::Download { .. }
            | Verdict::DeleteRemote
            | Verdict::DeleteLocal
            | Verdict::KeepBoth { .. }
            | Verdict::SetRemoteMode { .. }
            | Verdict::SetLocalMode { .. }
            | Verdict::Refill { .. }
            | Verdict::CopyRemote { .. }
            | Verdict::TurnRemote { .. }
            | Verdict::DeleteMoved
            | Verdict::MoveLocal { .. }
            | Verdict::TurnLocal { .. }
            | Verdict::MovedAway => {}
        }
    }
}

/// Adds a problem of a directory, which each path below it would tell anew.
fn note_once(problems: &mut Vec<Problem>, problem: Problem) {
    if !problems.contains(&problem) {
        problems.push(problem);
    }
}

/// Returns a problem of `path`.
fn problem(path: &RelPath, reason: ProblemReason) -> Problem {
    Problem { subject: path.to_string(), reason }
}

/// Returns whether an action removes an object on request, rather than as half of a move.
pub(crate) fn is_remote_deletion(action: &Action) -> bool {
    matches!(
        action,
        Action::DeleteRemote { reason: DeleteReason::DeletedLocally | DeleteReason::Ignored, .. }
    )
}
