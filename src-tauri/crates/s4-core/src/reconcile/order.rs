//! The order of steps.
//!
//! - A copy is confirmed before its source is deleted or overwritten.
//! - A marker is confirmed before the objects that implied its directory are deleted.
//! - Where a file becomes a directory, or a directory a file, the deletes are confirmed before the first write on
//!   the other side.
//! - A directory is made before what goes into it, and removed after what was in it.
//! - There is no cycle: steps in the bucket never wait for steps on the disk but to record a directory, and moves wait
//!   for each other in chains only: those that pass contents round are one step ([`super::moves`]).

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::path::{DiskPath, RelPath};
use crate::plan::{Action, Step, StepId};
use crate::traits::DiskTraits;

use super::Input;

/// Says of each step what it comes after, and puts it behind those.
pub(super) fn arrange(input: Input<'_>, mut steps: Vec<Step>) -> Vec<Step> {
    let before = Index::of(input, &steps);
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

/// The steps by what others wait for.
struct Index<'a> {
    /// Where names that differ only in case are one, what must make room is known by the folded name.
    disk: &'a DiskTraits,
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
    /// The same, and steps that delete a file, by the names that they free.
    frees: BTreeMap<DiskPath, StepId>,
}

impl<'a> Index<'a> {
    fn of(input: Input<'a>, steps: &[Step]) -> Self {
        let mut index = Self {
            disk: &input.context.disk,
            creates_dir: BTreeMap::new(),
            removes_dir: BTreeMap::new(),
            vacates: BTreeMap::new(),
            deletes_object: BTreeMap::new(),
            deletes_marker: BTreeMap::new(),
            puts_marker: BTreeMap::new(),
            copies_from: BTreeMap::new(),
            fills: BTreeMap::new(),
            works_on: BTreeMap::new(),
            renames: BTreeMap::new(),
            frees: BTreeMap::new(),
        };
        for (number, step) in steps.iter().enumerate() {
            index.note(StepId(number), step);
        }
        index
    }

    fn note(&mut self, id: StepId, step: &Step) {
        let path = step.path.clone();
        match &step.action {
            Action::CreateDir { .. } => {
                self.creates_dir.insert(self.place(&path), id);
            }
            Action::RemoveDir { .. } => {
                self.removes_dir.insert(self.place(&path), id);
            }
            Action::DeleteLocal { disk, .. } => {
                self.frees.insert(disk.clone(), id);
                self.vacates.insert(self.place(&path), id);
            }
            Action::MoveLocal { from, .. } => {
                self.vacates.insert(self.place(from), id);
            }
            Action::RenameOnDisk { from, .. } => {
                self.frees.insert(from.clone(), id);
                self.renames.insert(self.place(&path), id);
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
            Action::RotateRemote { turns } => {
                for turn in turns {
                    self.fill(&turn.path, id);
                    self.works_on.insert(turn.path.clone(), id);
                }
            }
            Action::RotateLocal { turns } => {
                self.works_on.extend(turns.iter().map(|turn| (turn.path.clone(), id)));
            }
            Action::Download { .. } | Action::SetRemoteMode { .. } | Action::SetLocalMode { .. } => {
                self.works_on.insert(path, id);
            }
            Action::RecordDir { .. } => {}
        }
    }

    /// Returns the form of `path` under which this disk knows it.
    fn place(&self, path: &RelPath) -> RelPath {
        match self.disk.fold(path.as_str()) {
            Cow::Borrowed(_) => path.clone(),
            Cow::Owned(folded) => RelPath::parse(&folded).unwrap_or_else(|_| path.clone()),
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
            Action::RotateRemote { turns } => {
                // What else has the content of one of them now is copied before.
                let copies = turns.iter().filter_map(|turn| self.copies_from.get(&turn.path));
                after.extend(copies.flatten());
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
            Action::DeleteRemote { disk, .. } => {
                // Another file may stand aside under this very name: it leaves first.
                after.extend(self.frees.get(disk));
                after.extend(self.copies_from.get(path).into_iter().flatten());
                after.extend(path.ancestors().filter_map(|above| self.puts_marker.get(&above)));
            }
            Action::DeleteMarker { .. } => {
                after.extend(path.ancestors().filter_map(|above| self.puts_marker.get(&above)));
                after.extend(below(&self.deletes_object, path));
                after.extend(below(&self.deletes_marker, path));
            }
            Action::DeleteLocal { .. } | Action::RotateLocal { .. } => {}
            Action::RemoveDir { .. } => {
                let place = &self.place(path);
                after.extend(below(&self.vacates, place));
                after.extend(below(&self.removes_dir, place));
                after.extend(below(&self.renames, place));
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
        let path = &self.place(&step.path);
        if let Action::Download { disk, replaces: None, .. } | Action::MoveLocal { disk, .. } = &step.action {
            after.extend(self.frees.get(disk));
        }
        after.extend(path.ancestors().find_map(|above| self.creates_dir.get(&above)));
        after.extend(path.ancestors().filter_map(|above| self.vacates.get(&above)));
        after.extend(path.ancestors().filter_map(|above| self.renames.get(&above)));
        after.extend(self.vacates.get(path));
        after.extend(self.renames.get(path));
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
