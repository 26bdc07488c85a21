//! From verdicts to steps, and their order.
//!
//! - A copy is confirmed before its source is deleted or overwritten.
//! - A marker is confirmed before the objects that implied its directory are deleted.
//! - Where a file becomes a directory, or a directory a file, the deletes are confirmed before the first write on
//!   the other side.
//! - A directory is made before what goes into it, and removed after what was in it.

use std::collections::BTreeMap;

use crate::path::{DiskPath, RelPath};
use crate::plan::{Action, DeleteReason, RemoteExpectation, Step, StepId};

use super::clashes::Clashes;
use super::directories::{Directories, Fate};
use super::judge::Verdict;
use super::sides::Sides;
use super::{Case, Input};

/// Returns the steps of all verdicts, each with those it must come after.
pub(super) fn order(
    input: Input<'_>,
    sides: &Sides<'_>,
    cases: &[Case<'_>],
    directories: &Directories,
    clashes: &Clashes<'_>,
) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let sources: BTreeMap<&RelPath, &Case<'_>> = cases.iter().map(|case| (&case.path, case)).collect();
    for case in cases {
        // What changes a file that gets another name waits for the next plan, which sees it under that name.
        if clashes.renames.contains_key(&case.path) && replaces_local(&case.verdict) {
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
    let before = Index::of(&steps);
    let after: Vec<Vec<StepId>> =
        steps.iter().enumerate().map(|(index, step)| before.of_step(StepId(index), step)).collect();
    for (step, after) in steps.iter_mut().zip(after) {
        step.after = after;
    }
    sorted(steps)
}

/// Puts each step behind those it comes after, and otherwise leaves them in order.
fn sorted(steps: Vec<Step>) -> Vec<Step> {
    if steps.iter().enumerate().all(|(index, step)| step.after.iter().all(|before| before.0 < index)) {
        return steps;
    }
    let mut order: Vec<usize> = Vec::with_capacity(steps.len());
    let mut new_id: Vec<Option<StepId>> = vec![None; steps.len()];
    let mut is_open = vec![false; steps.len()];
    for first in 0..steps.len() {
        let mut open = vec![first];
        while let Some(index) = open.last().copied() {
            let waits_for = |before: &&StepId| new_id[before.0].is_none() && !is_open[before.0];
            let next = steps[index].after.iter().find(waits_for).copied();
            is_open[index] = true;
            match next {
                Some(before) => open.push(before.0),
                None => {
                    if new_id[index].is_none() {
                        new_id[index] = Some(StepId(order.len()));
                        order.push(index);
                    }
                    open.pop();
                }
            }
        }
    }
    let mut steps: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
    let renumbered = |mut step: Step| {
        step.after = step.after.iter().filter_map(|before| new_id[before.0]).collect();
        step.after.sort();
        step
    };
    order.into_iter().filter_map(|index| steps[index].take()).map(renumbered).collect()
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
        Verdict::CopyRemote { from } => Some(Action::CopyRemote {
            from: from.clone(),
            source: sources.get(from)?.remote?.clone(),
            key: key(),
            replaces: RemoteExpectation::Absent,
            disk: local?.disk.clone(),
            local: local?.entry.clone(),
        }),
        Verdict::MoveLocal { from } => {
            let source = sources.get(from)?;
            Some(Action::MoveLocal {
                from: from.clone(),
                from_disk: source.local.as_ref()?.disk.clone(),
                local: source.local.as_ref()?.entry.clone(),
                disk: target(),
                from_key: source.row?.key.clone(),
                object: case.remote?.clone(),
            })
        }
    }
}

/// Returns whether a verdict changes a file that is on disk, so that it is no longer what the trees showed.
fn replaces_local(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Download { .. } | Verdict::KeepBoth { .. } | Verdict::SetLocalMode { .. } => true,
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
        | Verdict::DeleteMoved
        | Verdict::MoveLocal { .. }
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

/// The steps by what others wait for.
#[derive(Default)]
struct Index {
    /// Steps that make a directory, by its path.
    creates_dir: BTreeMap<RelPath, StepId>,
    /// Steps that remove a directory.
    removes_dir: BTreeMap<RelPath, StepId>,
    /// Steps that take a file off its place on disk.
    vacates: BTreeMap<RelPath, StepId>,
    /// Steps that delete an object.
    deletes_object: BTreeMap<RelPath, StepId>,
    /// Steps that delete a marker.
    deletes_marker: BTreeMap<RelPath, StepId>,
    /// Steps that write a marker.
    puts_marker: BTreeMap<RelPath, StepId>,
    /// Steps that copy from a path.
    copies_from: BTreeMap<RelPath, Vec<StepId>>,
    /// Steps that put an object below a directory: the first of each directory is enough.
    fills: BTreeMap<RelPath, StepId>,
    /// Steps that change a file that another one then gives another name.
    works_on: BTreeMap<RelPath, StepId>,
    /// Steps that give a file another name on this disk.
    renames: BTreeMap<RelPath, StepId>,
}

impl Index {
    fn of(steps: &[Step]) -> Self {
        let mut index = Self::default();
        for (number, step) in steps.iter().enumerate() {
            index.note(StepId(number), step);
        }
        index
    }

    fn note(&mut self, id: StepId, step: &Step) {
        let path = step.path.clone();
        match &step.action {
            Action::CreateDir { .. } => {
                self.creates_dir.insert(path, id);
            }
            Action::RemoveDir { .. } => {
                self.removes_dir.insert(path, id);
            }
            Action::DeleteLocal { .. } => {
                self.vacates.insert(path, id);
            }
            Action::MoveLocal { from, .. } => {
                self.vacates.insert(from.clone(), id);
            }
            Action::RenameOnDisk { .. } => {
                self.renames.insert(path, id);
            }
            Action::DeleteRemote { .. } => {
                self.deletes_object.insert(path, id);
            }
            Action::DeleteMarker { .. } => {
                self.deletes_marker.insert(path, id);
            }
            Action::PutMarker { .. } => {
                self.fill(&path, id);
                self.puts_marker.insert(path, id);
            }
            Action::CopyRemote { from, .. } => {
                self.copies_from.entry(from.clone()).or_default().push(id);
                self.fill(&path, id);
                self.works_on.insert(path, id);
            }
            Action::Upload { .. } | Action::KeepBoth { .. } => {
                self.fill(&path, id);
                self.works_on.insert(path, id);
            }
            Action::Download { .. } | Action::SetRemoteMode { .. } | Action::SetLocalMode { .. } => {
                self.works_on.insert(path, id);
            }
            Action::RecordDir { .. } => {}
        }
    }

    fn fill(&mut self, path: &RelPath, id: StepId) {
        for above in path.ancestors() {
            if self.fills.contains_key(&above) {
                return;
            }
            self.fills.insert(above, id);
        }
    }

    /// Returns what a step must come after.
    fn of_step(&self, id: StepId, step: &Step) -> Vec<StepId> {
        let path = &step.path;
        let mut after = Vec::new();
        match &step.action {
            Action::Upload { .. } | Action::CopyRemote { .. } => {
                // A key is written only when the deletes of what cannot stand beside it are confirmed.
                after.extend(path.ancestors().filter_map(|above| self.deletes_object.get(&above)));
                after.extend(below(&self.deletes_object, path));
                after.extend(below(&self.deletes_marker, path));
                after.extend(self.deletes_marker.get(path));
                after.extend(self.copies_from.get(path).into_iter().flatten());
            }
            Action::PutMarker { .. } => {
                // A marker waits for nothing below it: those deletes wait for the marker.
                after.extend(path.ancestors().filter_map(|above| self.deletes_object.get(&above)));
                after.extend(self.deletes_object.get(path));
            }
            Action::Download { .. } | Action::MoveLocal { .. } | Action::CreateDir { .. } => {
                self.after_local_room(step, &mut after);
            }
            Action::KeepBoth { .. } | Action::SetRemoteMode { .. } | Action::SetLocalMode { .. } => {}
            Action::DeleteRemote { .. } => {
                after.extend(self.copies_from.get(path).into_iter().flatten());
                after.extend(path.ancestors().filter_map(|above| self.puts_marker.get(&above)));
            }
            Action::DeleteMarker { .. } => {
                after.extend(path.ancestors().filter_map(|above| self.puts_marker.get(&above)));
                after.extend(below(&self.deletes_object, path));
                after.extend(below(&self.deletes_marker, path));
            }
            Action::DeleteLocal { .. } => {}
            Action::RemoveDir { .. } => {
                after.extend(below(&self.vacates, path));
                after.extend(below(&self.removes_dir, path));
                after.extend(below(&self.renames, path));
            }
            Action::RenameOnDisk { .. } => after.extend(self.works_on.get(path)),
            Action::RecordDir { .. } => after.extend(self.fills.get(path)),
        }
        after.sort();
        after.dedup();
        after.retain(|other| *other != id);
        after
    }

    /// Something is put on disk only when the directory is there and what stood there is gone.
    fn after_local_room(&self, step: &Step, after: &mut Vec<StepId>) {
        let path = &step.path;
        let own_row = matches!(step.action, Action::CreateDir { .. });
        after.extend(path.ancestors().find_map(|above| self.creates_dir.get(&above)));
        after.extend(path.ancestors().filter_map(|above| self.vacates.get(&above)));
        after.extend(path.ancestors().filter_map(|above| self.renames.get(&above)));
        if own_row {
            after.extend(self.vacates.get(path));
            after.extend(self.renames.get(path));
        }
        after.extend(self.removes_dir.get(path));
        after.extend(below(&self.vacates, path).filter(|_| self.removes_dir.contains_key(path)));
    }
}

/// Returns the steps of the paths below `directory`.
fn below<'a>(
    steps: &'a BTreeMap<RelPath, StepId>,
    directory: &'a RelPath,
) -> impl Iterator<Item = &'a StepId> {
    steps
        .range(directory..)
        .skip_while(move |(path, _)| *path == directory)
        .take_while(move |(path, _)| path.is_below(directory))
        .map(|(_, id)| id)
}
