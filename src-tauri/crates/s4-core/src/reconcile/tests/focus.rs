//! What [`crate::focus`] leaves out changes no plan.
//!
//! - Every plan of every test is made twice, of everything and of what is kept: see [`World::plan_once`].
//! - Here are worlds that are large beside what changes in them, in which much is left out.

use proptest::prelude::*;

use crate::context::{ConflictPolicy, DeleteLimits};
use crate::focus::{Focused, LocalEntries, RemoteEntries, Seen, focus};
use crate::plan::Plan;
use crate::reconcile::{Input, reconcile};

use super::edits::edits;
use super::execute::Mishaps;
use super::world::World;

impl World {
    /// Leaves out what cannot matter.
    pub(super) fn focused(&self) -> Focused {
        let local = LocalEntries::from(&self.scan());
        let mut remote = RemoteEntries::new(self.context.prefix.clone());
        // In two pages, the later first.
        let objects: Vec<_> = self.bucket.keys().map(|key| self.listed(key)).collect();
        let (one, other) = objects.split_at(objects.len() / 2);
        remote.add(other.to_vec());
        remote.add(one.to_vec());
        remote.sort();
        let seen = Seen { local: &local, remote: &remote, disk: &self.context.disk };
        let focused = focus(seen, self.baseline.dirs.clone(), |visit| {
            self.baseline.files.iter().for_each(|(path, row)| visit(path.clone(), row.clone()));
            Ok::<(), ()>(())
        });
        focused.unwrap()
    }

    /// Asserts that what is left out changes nothing.
    #[track_caller]
    pub(super) fn assert_focus(&self, plan: &Plan) {
        let focused = self.focused();
        let input = Input {
            baseline: &focused.baseline,
            local: &focused.local,
            remote: &focused.remote,
            facts: &self.facts,
            context: &self.context,
        };
        assert_eq!(*plan, reconcile(input), "what is left out changes the plan: {self:?}");
    }
}

/// Adds files that nothing happens to: in directories of their own, and beside those that edits concern.
fn fill(world: &mut World) {
    for directory in ["", "d/", "d/e/", "still/", "still/deep/"] {
        for name in ["x1", "x2", "X4", "(x)"] {
            let content = format!("{}{name}", if name == "x2" { "+" } else { directory });
            world.write(&format!("{directory}{name}"), &content);
        }
    }
}

#[test]
fn of_a_settled_folder_one_file_in_each_directory_is_kept() {
    let mut world = World::new();
    fill(&mut world);
    world.sync();
    world.forget_facts();
    let focused = world.focused();
    let files = world.baseline.files.len() as u64;
    let kept = focused.baseline.files.len() as u64;
    assert!((5..=10).contains(&kept), "{kept} of {files}");
    assert_eq!(focused.baseline.elided, files - kept);
    assert!(world.plan_once().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_few_edits_in_a_large_folder_make_the_same_plan(
        first in edits(8),
        rounds in proptest::collection::vec((edits(4), edits(4)), 1..4),
        (folds, has_modes, is_limited, asks) in any::<(bool, bool, bool, bool)>(),
    ) {
        let mut world = World::new().with(|context| {
            context.disk.case_sensitive = !folds;
            context.disk.has_executable_bit = has_modes;
            context.policy = if asks { ConflictPolicy::Ask } else { ConflictPolicy::KeepBoth };
        });
        fill(&mut world);
        first.iter().for_each(|edit| world.edit_disk(edit));
        world.sync();
        if is_limited {
            world.context.limits = DeleteLimits::Count(3);
        }
        for (local, remote) in rounds {
            world.forget_facts();
            local.iter().for_each(|edit| world.edit_disk(edit));
            remote.iter().for_each(|edit| world.edit_bucket(edit));
            // Each plan on the way to this one is compared.
            let plan = world.plan();
            if plan.halt.is_none() {
                world.apply(&plan, &Mishaps::default());
            }
        }
    }
}
