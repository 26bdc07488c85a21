//! Properties of random worlds: from an agreed state with edits on both sides, and from three unrelated trees.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::baseline::RowContent;
use crate::capabilities::Capabilities;
use crate::context::ConflictPolicy;
use crate::digest::Digest;
use crate::plan::{Action, ProblemReason};

use super::check::lines;
use super::edits::{Edit, edits};
use super::execute::Mishaps;
use super::moves::{renamed_all, renamed_all_there};
use super::world::{Tags, World, parts, rel};

fn tags() -> impl Strategy<Value = Tags> {
    prop_oneof![Just(Tags::Md5), Just(Tags::Checksummed), Just(Tags::Opaque)]
}

fn policy() -> impl Strategy<Value = ConflictPolicy> {
    prop_oneof![
        4 => Just(ConflictPolicy::KeepBoth),
        1 => Just(ConflictPolicy::Ask),
        1 => Just(ConflictPolicy::Local),
        1 => Just(ConflictPolicy::Remote),
        1 => Just(ConflictPolicy::Newest),
    ]
}

fn mishaps() -> impl Strategy<Value = Mishaps> {
    (any::<u64>(), any::<u64>(), any::<u64>(), proptest::option::of(1..8_usize))
        .prop_map(|(order, one, other, crash_after)| Mishaps { order, failing: one & other, crash_after })
}

impl World {
    /// Returns the contents that stand at paths where the baseline knows another, or none.
    fn unsynced(&self) -> BTreeSet<String> {
        let is_known = |path: &str, content: &str| {
            let row = self.baseline.files.get(&rel(path));
            row.is_some_and(|row| match (&row.content, parts(content)) {
                (RowContent::Symlink { target }, (body, true, _)) => **target == *body,
                (RowContent::File { digest, .. }, (_, false, _)) => *digest == Digest::of(content.as_bytes()),
                (RowContent::Symlink { .. } | RowContent::File { .. }, _) => false,
            })
        };
        let views = self.local_view().into_iter().chain(self.remote_view());
        views
            .filter(|(path, content)| !path.ends_with('/') && !is_known(path, content))
            .map(|(_, content)| content)
            .collect()
    }
}

/// How a random world came about.
#[derive(Clone, Debug)]
struct Story {
    first: Vec<Edit>,
    local: Vec<Edit>,
    remote: Vec<Edit>,
    tags: Tags,
    policy: ConflictPolicy,
    /// Whether the disk takes names that differ only in case for one.
    folds: bool,
    /// Whether files have an executable bit.
    has_modes: bool,
    /// Whether the store knows conditions.
    has_conditions: bool,
    /// Whether both sides were emptied before they were edited, so that the three trees are unrelated.
    is_unrelated: bool,
}

fn story() -> impl Strategy<Value = Story> {
    let related = (edits(12), edits(6), edits(6), Just(false));
    let unrelated = (edits(12), edits(12), edits(12), Just(true));
    let often = || prop_oneof![3 => Just(true), 1 => Just(false)];
    let edits = prop_oneof![2 => related.boxed(), 1 => unrelated.boxed()];
    (edits, tags(), policy(), often(), often(), often()).prop_map(
        |((first, local, remote, is_unrelated), tags, policy, is_exact, has_modes, has_conditions)| Story {
            first,
            local,
            remote,
            tags,
            policy,
            folds: !is_exact,
            has_modes,
            has_conditions,
            is_unrelated,
        },
    )
}

impl Story {
    fn tell(&self) -> World {
        let mut world = World::new().with(|context| {
            context.policy = self.policy;
            context.disk.case_sensitive = !self.folds;
            context.disk.has_executable_bit = self.has_modes;
            if !self.has_conditions {
                context.store = Capabilities::NONE;
            }
        });
        world.tags = self.tags;
        self.first.iter().for_each(|edit| world.edit_disk(edit));
        world.sync();
        if self.is_unrelated {
            world.disk.clear();
            world.bucket.clear();
        }
        self.local.iter().for_each(|edit| world.edit_disk(edit));
        self.remote.iter().for_each(|edit| world.edit_bucket(edit));
        world
    }
}

/// Carries plans out with mishaps, then without, and checks what must hold in the end.
fn settle(mut world: World, mishaps: &[(Mishaps, Vec<Edit>, Vec<Edit>)]) {
    let mut before = world.unsynced();
    for (mishap, local, remote) in mishaps {
        let plan = world.plan();
        world.apply(&plan, mishap);
        world.forget_facts();
        if !local.is_empty() || !remote.is_empty() {
            local.iter().for_each(|edit| world.edit_disk(edit));
            remote.iter().for_each(|edit| world.edit_bucket(edit));
            before = world.unsynced();
        }
    }
    world.sync();

    let first = world.plan_once();
    let plan = world.plan();
    let undecided: BTreeSet<String> = plan
        .conflicts
        .iter()
        .flat_map(|conflict| [conflict.path.to_string(), conflict.disk.to_string()])
        .chain(
            plan.problems
                .iter()
                .filter(|problem| !matches!(problem.reason, ProblemReason::Clash(_)))
                .map(|problem| problem.subject.clone()),
        )
        .collect();
    assert!(first.is_empty() || !undecided.is_empty(), "a second run has nothing to ask: {first:#?}");

    let is_undecided = |path: &String| {
        undecided.contains(path)
            || undecided
                .iter()
                .any(|other| path.strip_prefix(&**other).is_some_and(|rest| rest.starts_with('/')))
            || (path.ends_with('/') && undecided.iter().any(|other| other.starts_with(path)))
    };
    let settled = |view: BTreeMap<String, String>| {
        view.into_iter().filter(|(path, _)| !is_undecided(path)).collect::<Vec<_>>()
    };
    let (local, remote) = (world.local_view(), world.remote_view());
    assert_eq!(
        settled(local.clone()),
        settled(remote.clone()),
        "both sides are the same in the end: {world:?}"
    );

    for content in before {
        let is_live = |view: &BTreeMap<String, String>| view.values().any(|other| *other == content);
        let is_kept = match world.context.policy {
            ConflictPolicy::KeepBoth if undecided.is_empty() => is_live(&local) && is_live(&remote),
            ConflictPolicy::KeepBoth | ConflictPolicy::Ask => is_live(&local) || is_live(&remote),
            ConflictPolicy::Local | ConflictPolicy::Remote | ConflictPolicy::Newest => {
                let body = parts(&content).0;
                is_live(&local) || is_live(&remote) || world.trash.iter().any(|other| *other == *body)
            }
        };
        assert!(is_kept, "{content:?} is lost: {world:?}");
    }
}

/// Names that files take from each other. None is a directory of another.
const TAKEN: [&str; 7] = ["a", "b", "c", "d/a", "d/b", "e/f/a", "B"];

const MIRRORED: [&str; 5] = ["a", "b", "c", "d/a", "d/b"];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_sides_come_together(story in story(), order in any::<u64>()) {
        settle(story.tell(), &[(Mishaps { order, ..Mishaps::default() }, Vec::new(), Vec::new())]);
    }

    #[test]
    fn what_fails_or_stops_halfway_comes_together_later(
        story in story(),
        mishaps in proptest::collection::vec((mishaps(), Just(Vec::new()), Just(Vec::new())), 1..4),
    ) {
        settle(story.tell(), &mishaps);
    }

    #[test]
    fn edits_between_what_fails_come_together_too(
        story in story(),
        mishaps in proptest::collection::vec((mishaps(), edits(3), edits(3)), 1..4),
    ) {
        settle(story.tell(), &mishaps);
    }

    #[test]
    fn whatever_names_files_take_from_each_other_no_content_travels(
        sizes in proptest::collection::vec(0..3_usize, TAKEN.len()),
        names in Just(TAKEN.to_vec()).prop_shuffle(),
        tags in prop_oneof![Just(Tags::Md5), Just(Tags::Checksummed)],
        is_here in any::<bool>(),
    ) {
        let mut world = World::new();
        world.tags = tags;
        let moves: Vec<(&str, &str)> = TAKEN.into_iter().zip(names).zip(&sizes)
            .filter(|(_, size)| **size > 0)
            .map(|(names, _)| names)
            .collect();
        for ((path, _), size) in moves.iter().zip(sizes.iter().filter(|size| **size > 0)) {
            world = world.agreed(path, &format!("{path:9}").repeat(*size));
        }
        world = if is_here { renamed_all(world, &moves) } else { renamed_all_there(world, &moves) };
        let plan = world.plan();
        for step in &plan.steps {
            let moves_content = matches!(step.action,
                Action::Upload { .. } | Action::Download { .. } | Action::KeepBoth { .. });
            assert!(!moves_content, "{:#?}", lines(&plan));
        }
        settle(world, &[]);
    }

    #[test]
    fn swapped_sides_call_for_the_mirrored_plan(
        sides in proptest::collection::vec((0..5_usize, 0..5_usize, 0..5_usize), MIRRORED.len()),
    ) {
        let plan = |swap: bool| {
            let of = |index: usize| ["", "1", "22", "333", "4444"][index];
            let mut world = World::new();
            // The paths have contents of their own, so that nothing is a move.
            let body = |path: &str, content: &str| format!("{}{content}", path.repeat(5));
            for (path, (base, _, _)) in MIRRORED.into_iter().zip(&sides) {
                if *base > 0 {
                    world = world.base(path, &body(path, of(*base)));
                }
            }
            for (path, (_, one, other)) in MIRRORED.into_iter().zip(&sides) {
                let (local, remote) = if swap { (other, one) } else { (one, other) };
                if *local > 0 {
                    world.write(path, &body(path, of(*local)));
                }
                if *remote > 0 {
                    world.put(path, &body(path, of(*remote)));
                }
            }
            lines(&world.plan())
        };
        let is_alike = |line: &&String| !line.ends_with('/');
        let mirrored = |line: &String| match line.split_once(' ') {
            Some(("upload", rest)) => format!("download {rest}"),
            Some(("download", rest)) => format!("upload {rest}"),
            Some(("delete", rest)) => match rest.split_once(' ') {
                Some(("local", rest)) => format!("delete remote {rest}"),
                Some(("remote", rest)) => format!("delete local {rest}"),
                Some(_) | None => line.clone(),
            },
            Some(_) | None => line.clone(),
        };
        let one: BTreeSet<String> = plan(false).iter().filter(is_alike).map(mirrored).collect();
        let other: BTreeSet<String> = plan(true).iter().filter(is_alike).cloned().collect();
        assert_eq!(one, other);
    }
}
