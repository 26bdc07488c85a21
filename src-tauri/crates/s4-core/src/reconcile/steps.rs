//! From verdicts to steps.

use std::collections::BTreeMap;

use crate::path::{DiskPath, RelPath};
use crate::plan::{Action, DeleteReason, Step};

use super::clashes::Clashes;
use super::directories::{Directories, Fate};
use super::judge::Verdict;
use super::sides::Sides;
use super::{Case, Input, moves, order};

/// Returns the steps of all verdicts, each behind those it must come after.
pub(super) fn of(
    input: Input<'_>,
    sides: &Sides<'_>,
    cases: &[Case<'_>],
    directories: &Directories,
    clashes: &Clashes<'_>,
) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let sources: BTreeMap<&RelPath, &Case<'_>> = cases.iter().map(|case| (&case.path, case)).collect();
    let waiting = moves::waiting(cases, clashes);
    for case in cases {
        if waiting.contains(&case.path) && replaces_local(&case.verdict) {
            continue;
        }
        if let Some(action) = file_action(input, sides, case, &sources, clashes) {
            steps.push(Step { path: case.path.clone(), action, after: Vec::new() });
        }
    }
    for (path, (disk, fate)) in &directories.fates {
        let action = directory_action(input, path, disk, fate);
        steps.push(Step { path: path.clone(), action, after: Vec::new() });
    }
    for (path, (node, to)) in &clashes.renames {
        let action =
            Action::RenameOnDisk { from: node.disk.clone(), local: node.entry.clone(), to: to.clone() };
        steps.push(Step { path: path.clone(), action, after: Vec::new() });
    }
    order::arrange(input, steps)
}

/// Returns what a verdict calls for.
fn file_action(
    input: Input<'_>,
    sides: &Sides<'_>,
    case: &Case<'_>,
    sources: &BTreeMap<&RelPath, &Case<'_>>,
    clashes: &Clashes<'_>,
) -> Option<Action> {
    let key = || match (case.remote, case.row) {
        (Some(object), _) => object.key.clone(),
        (None, Some(row)) => row.key.clone(),
        (None, None) => input.context.prefix.file_key(&case.path),
    };
    let local = case.local.as_ref();
    let target = || local.map_or_else(|| clashes.target(sides, &case.path), |node| node.disk.clone());
    // Where the file was: deleting its object is right only if nothing of that spelling and kind is there.
    let former = || case.row.map_or_else(|| sides.disk_path(&case.path), |row| row.disk.clone());
    let delete = |reason| Some(Action::DeleteRemote { object: case.remote?.clone(), disk: former(), reason });
    match &case.verdict {
        Verdict::Settled
        | Verdict::Examine(_)
        | Verdict::Problem(_)
        | Verdict::Row(_)
        | Verdict::Forget
        | Verdict::Conflict
        | Verdict::MovedAway => None,
        Verdict::Upload { replaces, trash_replaced } => Some(Action::Upload {
            disk: local?.disk.clone(),
            local: local?.entry.clone(),
            key: key(),
            replaces: replaces.clone(),
            trash_replaced: *trash_replaced,
        }),
        Verdict::Download { must_descend_from } => Some(Action::Download {
            object: case.remote?.clone(),
            disk: target(),
            replaces: local.map(|node| node.entry.clone()),
            must_descend_from: must_descend_from.clone(),
        }),
        Verdict::Refill { must_descend_from } => Some(Action::Download {
            object: case.remote?.clone(),
            disk: target(),
            replaces: None,
            must_descend_from: must_descend_from.clone(),
        }),
        Verdict::KeepBoth { copy } => Some(Action::KeepBoth {
            object: case.remote?.clone(),
            disk: local?.disk.clone(),
            local: local?.entry.clone(),
            conflict: copy.clone()?,
        }),
        Verdict::DeleteRemote => delete(DeleteReason::DeletedLocally),
        Verdict::DeleteMoved => delete(DeleteReason::Moved),
        Verdict::Prune => delete(DeleteReason::Ignored),
        Verdict::DeleteLocal => Some(Action::DeleteLocal {
            disk: local?.disk.clone(),
            local: local?.entry.clone(),
            key: case.row?.key.clone(),
        }),
        Verdict::SetRemoteMode { executable } => Some(Action::SetRemoteMode {
            object: case.remote?.clone(),
            disk: local?.disk.clone(),
            local: local?.entry.clone(),
            executable: *executable,
        }),
        Verdict::SetLocalMode { executable } => Some(Action::SetLocalMode {
            disk: local?.disk.clone(),
            fingerprint: *local?.entry.fingerprint()?,
            object: case.remote?.clone(),
            executable: *executable,
        }),
        Verdict::CopyRemote { .. }
        | Verdict::TurnRemote { .. }
        | Verdict::MoveLocal { .. }
        | Verdict::TurnLocal { .. } => moves::action(case, sources, key, target),
    }
}

/// Returns whether a verdict changes a file that is on disk, so that it is no longer what the trees showed.
fn replaces_local(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Download { .. }
        | Verdict::Refill { .. }
        | Verdict::KeepBoth { .. }
        | Verdict::SetLocalMode { .. }
        | Verdict::MoveLocal { .. }
        | Verdict::TurnLocal { .. } => true,
        Verdict::Settled
        | Verdict::Examine(_)
        | Verdict::Problem(_)
        | Verdict::Row(_)
        | Verdict::Forget
        | Verdict::Upload { .. }
        | Verdict::DeleteRemote
        | Verdict::DeleteLocal
        | Verdict::Prune
        | Verdict::Conflict
        | Verdict::SetRemoteMode { .. }
        | Verdict::CopyRemote { .. }
        | Verdict::TurnRemote { .. }
        | Verdict::DeleteMoved
        | Verdict::MovedAway => false,
    }
}

fn directory_action(input: Input<'_>, path: &RelPath, disk: &DiskPath, fate: &Fate) -> Action {
    let disk = disk.clone();
    match fate {
        Fate::Create { marker } => Action::CreateDir { disk, marker: marker.clone() },
        Fate::Remove => Action::RemoveDir { disk },
        Fate::Publish => Action::PutMarker { key: input.context.prefix.marker_key(path), disk },
        Fate::Unpublish { marker } => Action::DeleteMarker { marker: marker.clone(), disk },
        Fate::Record => Action::RecordDir { disk },
    }
}
