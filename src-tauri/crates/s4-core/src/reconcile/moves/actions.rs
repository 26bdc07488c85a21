//! What moves call for: the steps of single renames, and one step for each cycle.

use std::collections::{BTreeMap, BTreeSet};

use crate::key::ObjectKey;
use crate::path::{DiskPath, RelPath};
use crate::plan::{Action, LocalTurn, RemoteTurn};

use super::super::Case;
use super::super::clashes::Clashes;
use super::super::judge::Verdict;

/// Returns the action of a move to the path of `case`, which has `key` and lies at `place`.
pub(in super::super) fn action(
    case: &Case<'_>,
    sources: &BTreeMap<&RelPath, &Case<'_>>,
    key: impl FnOnce() -> ObjectKey,
    place: impl FnOnce() -> DiskPath,
) -> Option<Action> {
    match &case.verdict {
        Verdict::CopyRemote { from, replaces } => {
            let local = case.local.as_ref()?;
            Some(Action::CopyRemote {
                from: from.clone(),
                source: sources.get(from)?.remote?.clone(),
                key: key(),
                replaces: replaces.clone(),
                disk: local.disk.clone(),
                local: local.entry.clone(),
            })
        }
        Verdict::MoveLocal { from } => {
            let source = sources.get(from)?.local.as_ref()?;
            Some(Action::MoveLocal {
                from: from.clone(),
                from_disk: source.disk.clone(),
                local: source.entry.clone(),
                disk: place(),
                object: case.remote?.clone(),
            })
        }
        Verdict::TurnRemote { .. } => rotate_remote(&cycle(case, sources)),
        Verdict::TurnLocal { .. } => rotate_local(&cycle(case, sources)),
        _ => None,
    }
}

/// Returns the paths whose files stay where they are: what changes a file that gets another name waits for the next
/// plan, which sees it under that name, and so does every file that it changes places with.
pub(in super::super) fn waiting<'a>(
    cases: &'a [Case<'_>],
    clashes: &'a Clashes<'_>,
) -> BTreeSet<&'a RelPath> {
    let mut waiting: BTreeSet<&RelPath> = clashes.renames.keys().collect();
    while !waiting.is_empty() {
        let before = waiting.len();
        for case in cases {
            if let Verdict::MoveLocal { from } | Verdict::TurnLocal { from } = &case.verdict
                && (waiting.contains(&case.path) || waiting.contains(from))
            {
                waiting.extend([&case.path, from]);
            }
        }
        if waiting.len() == before {
            break;
        }
    }
    waiting
}

/// Returns the cycle that `case` is in: each member is followed by the one whose content it takes.
fn cycle<'a, 'b>(case: &'b Case<'a>, sources: &BTreeMap<&RelPath, &'b Case<'a>>) -> Vec<&'b Case<'a>> {
    let source = |case: &&'b Case<'a>| match &case.verdict {
        Verdict::TurnRemote { from } | Verdict::TurnLocal { from } => sources.get(from).copied(),
        _ => None,
    };
    let rest = std::iter::successors(source(&case), source).take_while(|member| member.path != case.path);
    std::iter::once(case).chain(rest).collect()
}

/// Returns the step of a cycle of files that changed places here, as the one of its smallest object.
fn rotate_remote(cycle: &[&Case<'_>]) -> Option<Action> {
    let size = |case: &Case<'_>| case.remote.map(|object| object.size);
    let first = cycle.iter().min_by_key(|case| (size(case), &case.path))?;
    if first.path != cycle.first()?.path {
        return None;
    }
    let turn = |case: &&Case<'_>| {
        let local = case.local.as_ref()?;
        let (path, object) = (case.path.clone(), case.remote?.clone());
        Some(RemoteTurn { path, object, disk: local.disk.clone(), local: local.entry.clone() })
    };
    Some(Action::RotateRemote { turns: cycle.iter().map(turn).collect::<Option<_>>()? })
}

/// Returns the step of a cycle of objects that changed places there, as the one of its first path.
fn rotate_local(cycle: &[&Case<'_>]) -> Option<Action> {
    let own = &cycle.first()?.path;
    if cycle.iter().any(|case| case.path < *own) {
        return None;
    }
    let turn = |case: &&Case<'_>| {
        let local = case.local.as_ref()?;
        let (path, object) = (case.path.clone(), case.remote?.clone());
        Some(LocalTurn { path, disk: local.disk.clone(), local: local.entry.clone(), object })
    };
    // Here each file goes to the next one.
    Some(Action::RotateLocal { turns: cycle.iter().rev().map(turn).collect::<Option<_>>()? })
}
