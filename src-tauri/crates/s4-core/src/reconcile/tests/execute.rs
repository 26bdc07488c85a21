//! Carries plans out on the model as an engine would.
//!
//! - A step begins when those it comes after are done, in an order that a seed chooses among all that are allowed.
//! - Every condition of a step is checked; in a world that nobody else changes each must hold, so one that does
//!   not is a fault of the plan.
//! - A step that is told to fail does nothing, and those that come after it are dropped.

use std::collections::BTreeSet;

use crate::baseline::{DirRow, MarkerRow, RowContent};
use crate::path::{DiskPath, RelPath};
use crate::plan::{Action, DeleteReason, Plan, RemoteExpectation, RowChange, Step, StepId};

use super::check::lines;
use super::world::{Node, World};

/// What goes wrong while a plan is carried out.
#[derive(Clone, Debug, Default)]
pub(super) struct Mishaps {
    /// The seed of the order.
    pub(super) order: u64,
    /// Steps that fail, by their number modulo 64.
    pub(super) failing: u64,
    /// After how many steps everything stops, before the rows of the last one are committed.
    pub(super) crash_after: Option<usize>,
}

impl World {
    /// Plans and carries out until nothing is left to do, in at most six rounds.
    #[track_caller]
    pub(super) fn sync(&mut self) {
        for round in 0..7 {
            let plan = self.plan();
            assert_eq!(plan.halt, None);
            if plan.is_empty() {
                return;
            }
            assert!(round < 6, "it never comes to an end: {:#?}\n{self:?}", lines(&plan));
            self.apply(&plan, &Mishaps { order: round, ..Mishaps::default() });
            self.forget_facts();
        }
    }

    /// Carries a plan out.
    #[track_caller]
    pub(super) fn apply(&mut self, plan: &Plan, mishaps: &Mishaps) {
        assert!(plan.halt.is_none() && plan.examine.is_empty());
        for (index, step) in plan.steps.iter().enumerate() {
            assert!(
                step.after.iter().all(|before| before.0 < index),
                "each step stands after those it depends on: {:#?}",
                plan.steps
            );
        }
        self.commit(plan.rows.clone());
        let mut order = mishaps.order;
        let mut waiting: BTreeSet<usize> = (0..plan.steps.len()).collect();
        let mut done: BTreeSet<StepId> = BTreeSet::new();
        let mut count = 0;
        loop {
            let ready: Vec<usize> = waiting
                .iter()
                .copied()
                .filter(|index| plan.steps[*index].after.iter().all(|before| done.contains(before)))
                .collect();
            if ready.is_empty() {
                return;
            }
            order = order.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let index = ready[usize::try_from(order >> 33).unwrap() % ready.len()];
            waiting.remove(&index);
            if mishaps.failing & (1 << (index % 64)) != 0 {
                continue;
            }
            let pending = || waiting.iter().map(|index| &plan.steps[*index]);
            self.check_room(&plan.steps[index], pending());
            let rows = self
                .execute(&plan.steps[index])
                .unwrap_or_else(|why| panic!("{why}: step {index} of {:#?}\n{self:?}", lines(plan)));
            count += 1;
            if mishaps.crash_after == Some(count) {
                return;
            }
            self.commit(rows);
            done.insert(StepId(index));
        }
    }

    pub(super) fn commit(&mut self, rows: Vec<RowChange>) {
        for row in rows {
            match row {
                RowChange::File(path, row) => self.baseline.files.insert(path, *row),
                RowChange::Dir(path, row) => self.baseline.dirs.insert(path, row),
                RowChange::ForgetFile(path) => drop(self.baseline.files.remove(&path)),
                RowChange::ForgetDir(path) => drop(self.baseline.dirs.remove(&path)),
            }
        }
    }

    /// Where a file becomes a directory, or a directory a file, no key is written while one that goes stands in
    /// its way.
    fn check_room<'a>(&self, step: &Step, mut pending: impl Iterator<Item = &'a Step>) {
        let key = match &step.action {
            Action::Upload { key, .. } | Action::CopyRemote { key, .. } | Action::PutMarker { key, .. } => {
                key
            }
            _ => return,
        };
        let key = key.as_str().trim_end_matches('/');
        let is_marker = matches!(step.action, Action::PutMarker { .. });
        let stands_in_the_way = |other: &str| {
            let is_above =
                !other.ends_with('/') && key.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'));
            let is_below = other.strip_prefix(key).is_some_and(|rest| rest.starts_with('/'));
            let is_file_of_marker = is_marker && other == key;
            is_above || is_file_of_marker || (is_below && !is_marker)
        };
        let clash = pending.find(|other| match &other.action {
            Action::DeleteRemote { object, .. } => stands_in_the_way(object.key.as_str()),
            Action::DeleteMarker { marker, .. } => stands_in_the_way(marker.key.as_str()),
            _ => false,
        });
        assert!(clash.is_none(), "{step:?} is done while {clash:?} waits");
    }

    fn execute(&mut self, step: &Step) -> Result<Vec<RowChange>, String> {
        match &step.action {
            Action::Upload { .. }
            | Action::DeleteRemote { .. }
            | Action::CopyRemote { .. }
            | Action::RotateRemote { .. }
            | Action::SetRemoteMode { .. } => self.execute_in_bucket(step),
            Action::Download { .. }
            | Action::KeepBoth { .. }
            | Action::DeleteLocal { .. }
            | Action::MoveLocal { .. }
            | Action::RotateLocal { .. }
            | Action::RenameOnDisk { .. }
            | Action::SetLocalMode { .. } => self.execute_on_disk(step),
            Action::PutMarker { .. }
            | Action::DeleteMarker { .. }
            | Action::RecordDir { .. }
            | Action::CreateDir { .. }
            | Action::RemoveDir { .. } => self.execute_on_directory(step),
        }
    }

    /// Writes, copies and deletes objects.
    fn execute_in_bucket(&mut self, step: &Step) -> Result<Vec<RowChange>, String> {
        let path = &step.path;
        match &step.action {
            Action::Upload { disk, local, key, replaces, trash_replaced } => {
                self.expect_local(disk, local)?;
                self.expect_remote(key.as_str(), replaces)?;
                let is_kept = *trash_replaced || !self.context.store.needs_trash();
                if is_kept && self.bucket.contains_key(key.as_str()) {
                    self.trash.push(self.bucket[key.as_str()].content.clone());
                }
                self.upload(disk, key.as_str());
                Ok(vec![self.file_row(path, key.as_str(), disk, true)])
            }
            Action::DeleteRemote { object, disk, reason } => {
                self.expect_version(object)?;
                let is_there = matches!(self.disk.get(disk), Some(Node::File { .. } | Node::Symlink { .. }));
                if is_there && *reason != DeleteReason::Ignored {
                    return Err(format!("{disk} is there"));
                }
                self.trash_object(object);
                Ok(vec![RowChange::ForgetFile(path.clone())])
            }
            Action::CopyRemote { source, key, replaces, disk, local, .. } => {
                self.expect_local(disk, local)?;
                self.expect_version(source)?;
                self.expect_remote(key.as_str(), replaces)?;
                let copied = self.bucket[source.key.as_str()].content.clone();
                self.upload(disk, key.as_str());
                match self.bucket[key.as_str()].content == copied {
                    true => Ok(vec![self.file_row(path, key.as_str(), disk, true)]),
                    false => Err("the copy has another content than the file".to_owned()),
                }
            }
            Action::RotateRemote { turns } => self.rotate_remote(turns),
            Action::SetRemoteMode { object, disk, local, executable } => {
                self.expect_local(disk, local)?;
                self.expect_version(object)?;
                let body = self.bucket[object.key.as_str()].content.clone();
                let copy = self.object(&body, false, *executable);
                self.bucket.insert(object.key.to_string(), copy);
                Ok(vec![self.file_row(path, object.key.as_str(), disk, true)])
            }
            other => Err(format!("{other:?} is carried out elsewhere")),
        }
    }

    /// Writes, renames and deletes files; what is replaced goes to the trash.
    fn execute_on_disk(&mut self, step: &Step) -> Result<Vec<RowChange>, String> {
        let path = &step.path;
        match &step.action {
            Action::Download { object, disk, replaces, must_descend_from } => {
                self.expect_version(object)?;
                let base = &self.bucket[object.key.as_str()].base;
                if must_descend_from.as_ref().is_some_and(|version| !base.contains(version)) {
                    self.strangers.push(object.key.clone());
                    return Ok(Vec::new());
                }
                match replaces {
                    Some(local) => self.expect_local(disk, local)?,
                    None => self.expect_free(disk)?,
                }
                self.remove(disk);
                self.bring(object, disk);
                Ok(vec![self.file_row(path, object.key.as_str(), disk, false)])
            }
            Action::KeepBoth { object, disk, local, conflict } => {
                self.expect_version(object)?;
                self.expect_local(disk, local)?;
                let copy = disk.with_name(conflict.name());
                let key = self.context.prefix.file_key(conflict);
                self.expect_free(&copy)?;
                self.expect_remote(key.as_str(), &RemoteExpectation::Absent)?;
                self.rename(disk, &copy);
                self.bring(object, disk);
                self.upload(&copy, key.as_str());
                let first = self.file_row(path, object.key.as_str(), disk, false);
                Ok(vec![first, self.file_row(conflict, key.as_str(), &copy, true)])
            }
            Action::DeleteLocal { disk, local, key } => {
                self.expect_local(disk, local)?;
                self.expect_remote(key.as_str(), &RemoteExpectation::Absent)?;
                self.remove(disk);
                Ok(vec![RowChange::ForgetFile(path.clone())])
            }
            Action::MoveLocal { from, from_disk, local, disk, object } => {
                self.expect_local(from_disk, local)?;
                self.expect_version(object)?;
                let is_other_spelling = self.find(disk).as_ref() == Some(from_disk);
                if !is_other_spelling {
                    self.expect_free(disk)?;
                }
                self.rename(from_disk, disk);
                let moved = self.file_row(path, object.key.as_str(), disk, false);
                let same = match &self.disk[disk] {
                    Node::File { content, .. } => *content == self.bucket[object.key.as_str()].content,
                    _ => false,
                };
                let rows = vec![RowChange::ForgetFile(from.clone()), moved];
                same.then_some(rows).ok_or_else(|| "the object has another content than the file".to_owned())
            }
            Action::RotateLocal { turns } => self.rotate_local(turns),
            Action::RenameOnDisk { from, local, to } => {
                self.expect_local(from, local)?;
                self.expect_free(to)?;
                self.rename(from, to);
                let Some(mut row) = self.baseline.files.get(path).cloned() else { return Ok(Vec::new()) };
                row.disk = to.clone();
                // Only what the row agrees on: an edit that waits must not look like the agreed content.
                let was_agreed = local.fingerprint() == Some(&row.fingerprint);
                if let Some(print) = self.print(to).filter(|_| was_agreed) {
                    row.fingerprint = print;
                }
                Ok(vec![RowChange::File(path.clone(), Box::new(row))])
            }
            Action::SetLocalMode { disk, fingerprint, object, executable: bit } => {
                self.expect_version(object)?;
                let now = self.tick();
                match self.disk.get_mut(disk) {
                    Some(Node::File { executable, print, .. }) if print == fingerprint => {
                        (*executable, print.ctime_ns) = (*bit, Some(now));
                    }
                    other => return Err(format!("{disk} is {other:?}")),
                }
                Ok(vec![self.file_row(path, object.key.as_str(), disk, false)])
            }
            other => Err(format!("{other:?} is carried out elsewhere")),
        }
    }

    fn execute_on_directory(&mut self, step: &Step) -> Result<Vec<RowChange>, String> {
        let path = &step.path;
        let agreed = |disk: &DiskPath, marker: Option<MarkerRow>| {
            vec![RowChange::Dir(path.clone(), DirRow { disk: disk.clone(), marker, kept: false })]
        };
        let is_dir = |world: &World, disk: &DiskPath| world.disk.get(disk) == Some(&Node::Dir);
        match &step.action {
            Action::PutMarker { disk, key } => {
                self.expect_remote(key.as_str(), &RemoteExpectation::Absent)?;
                let marker = self.object("", false, false);
                let etag = marker.etag.clone();
                self.bucket.insert(key.to_string(), marker);
                is_dir(self, disk)
                    .then(|| agreed(disk, Some(MarkerRow { key: key.clone(), etag })))
                    .ok_or_else(|| format!("{disk} is no directory"))
            }
            Action::DeleteMarker { marker, disk } => {
                self.expect_version(marker)?;
                self.bucket.remove(marker.key.as_str());
                let rows = vec![RowChange::ForgetDir(path.clone())];
                (!is_dir(self, disk)).then_some(rows).ok_or_else(|| format!("{disk} is there"))
            }
            Action::RecordDir { disk } => is_dir(self, disk)
                .then(|| agreed(disk, None))
                .ok_or_else(|| format!("{disk} is no directory")),
            Action::CreateDir { disk, marker } => {
                self.expect_free(disk)?;
                self.disk.insert(disk.clone(), Node::Dir);
                let marker = marker
                    .as_ref()
                    .map(|marker| MarkerRow { key: marker.key.clone(), etag: marker.etag.clone() });
                Ok(agreed(disk, marker))
            }
            Action::RemoveDir { disk } => {
                if !is_dir(self, disk) || self.disk.keys().any(|other| other.is_below(disk)) {
                    return Err(format!("{disk} is not empty"));
                }
                self.disk.remove(disk);
                Ok(vec![RowChange::ForgetDir(path.clone())])
            }
            other => Err(format!("{other:?} is not about a directory")),
        }
    }

    pub(super) fn file_row(
        &mut self,
        path: &RelPath,
        key: &str,
        disk: &DiskPath,
        own_write: bool,
    ) -> RowChange {
        let mut row = self.row(key, disk, own_write);
        // Where the disk has no executable bit, the object's value stands.
        if let RowContent::File { executable, .. } = &mut row.content
            && !self.context.disk.has_executable_bit
        {
            *executable = self.bucket[key].executable;
        }
        RowChange::File(path.clone(), Box::new(row))
    }
}
