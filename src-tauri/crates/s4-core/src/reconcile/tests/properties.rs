//! Properties of random worlds: from an agreed state with edits on both sides, and from three unrelated trees.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::baseline::RowContent;
use crate::context::ConflictPolicy;
use crate::digest::Digest;
use crate::facts::Facts;
use crate::path::DiskPath;
use crate::plan::ProblemReason;

use super::execute::Mishaps;
use super::world::{Node, Tags, World, disk, parts, rel};

const PATHS: [&str; 10] = ["a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/a", "f/a", "f/b"];
/// Few of them, of few lengths, so that equal contents and equal sizes are common.
const CONTENTS: [&str; 8] = ["", "1", "2", "33", "44", "+33", "->a", "->b"];

/// One change of one side.
#[derive(Clone, Debug)]
enum Edit {
    Write(usize, usize),
    /// A content that nothing else has.
    WriteNew(usize),
    Delete(usize),
    MakeDir(usize),
    Rename(usize, usize),
    Touch(usize),
    Chmod(usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let path = || 0..PATHS.len();
    prop_oneof![
        3 => (path(), 0..CONTENTS.len()).prop_map(|(path, content)| Edit::Write(path, content)),
        4 => path().prop_map(Edit::WriteNew),
        5 => path().prop_map(Edit::Delete),
        2 => path().prop_map(Edit::MakeDir),
        5 => (path(), path()).prop_map(|(from, to)| Edit::Rename(from, to)),
        1 => path().prop_map(Edit::Touch),
        1 => path().prop_map(Edit::Chmod),
    ]
}

fn edits(most: usize) -> impl Strategy<Value = Vec<Edit>> {
    proptest::collection::vec(edit(), 0..most)
}

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
    fn edit_disk(&mut self, edit: &Edit) {
        match edit {
            Edit::Write(path, content) => self.save(PATHS[*path], CONTENTS[*content]),
            Edit::WriteNew(path) => {
                let content = format!("local {}", self.tick());
                self.save(PATHS[*path], &content);
            }
            Edit::Delete(path) => {
                let place = disk(PATHS[*path]);
                self.disk.retain(|other, _| *other != place && !other.is_below(&place));
            }
            Edit::MakeDir(path) => self.save(&format!("{}/", PATHS[*path]), ""),
            Edit::Rename(from, to) => self.rename_on_disk(PATHS[*from], PATHS[*to]),
            Edit::Touch(path) => {
                let now = self.tick();
                if let Some(Node::File { print, .. }) = self.disk.get_mut(&disk(PATHS[*path])) {
                    (print.mtime_ns, print.ctime_ns) = (now, Some(now));
                }
            }
            Edit::Chmod(path) => {
                let now = self.tick();
                if let Some(Node::File { print, executable, .. }) = self.disk.get_mut(&disk(PATHS[*path])) {
                    *executable = !*executable;
                    print.ctime_ns = Some(now);
                }
            }
        }
    }

    /// Saves a file, or makes a directory, as a program would: whatever stands in the way is gone.
    fn save(&mut self, path: &str, content: &str) {
        let place = disk(path.trim_end_matches('/'));
        let is_dir = path.ends_with('/');
        if is_dir && self.disk.get(&place) == Some(&Node::Dir) {
            return;
        }
        let mut above = place.parent();
        while let Some(directory) = above {
            if self.disk.get(&directory).is_some_and(|node| *node != Node::Dir) {
                self.disk.remove(&directory);
            }
            above = directory.parent();
        }
        self.disk.retain(|other, _| *other != place && !other.is_below(&place));
        self.write(path, content);
        let print = self.fresh_print(parts(content).0.len());
        if let Some(Node::File { print: now, .. } | Node::Symlink { print: now, .. }) =
            self.disk.get_mut(&place)
        {
            *now = print;
        }
    }

    fn rename_on_disk(&mut self, from: &str, to: &str) {
        let (source, target) = (disk(from), disk(to));
        let is_into_itself = source == target || target.is_below(&source) || source.is_below(&target);
        if is_into_itself || !self.disk.contains_key(&source) {
            return;
        }
        let is_dir = self.disk[&source] == Node::Dir;
        let moved: Vec<(DiskPath, Node)> = self
            .disk
            .iter()
            .filter(|(place, _)| **place == source || place.is_below(&source))
            .map(|(place, node)| (place.clone(), node.clone()))
            .collect();
        self.disk.retain(|place, _| *place != source && !place.is_below(&source));
        self.save(&format!("{to}/"), "");
        self.disk.remove(&target);
        let now = self.tick();
        for (place, mut node) in moved {
            let place = disk(&format!("{to}{}", &place.as_str()[from.len()..]));
            // A rename of the file itself changes its ctime; one of a directory above does not.
            if let (false, Node::File { print, .. } | Node::Symlink { print, .. }) = (is_dir, &mut node) {
                print.ctime_ns = Some(now);
            }
            self.disk.retain(|other, _| !other.is_below(&place) || is_dir);
            self.disk.insert(place, node);
        }
    }

    fn edit_bucket(&mut self, edit: &Edit) {
        let key = |path: usize| format!("p/{}", PATHS[path]);
        match edit {
            Edit::Write(path, content) => self.store(&key(*path), CONTENTS[*content]),
            Edit::WriteNew(path) => {
                let content = format!("remote {}", self.tick());
                self.store(&key(*path), &content);
            }
            Edit::Delete(path) => {
                let below = format!("{}/", key(*path));
                self.bucket.retain(|other, _| *other != key(*path) && !other.starts_with(&below));
            }
            Edit::MakeDir(path) => self.store(&format!("{}/", key(*path)), ""),
            Edit::Rename(from, to) => {
                let (from, to) = (key(*from), key(*to));
                let below = format!("{from}/");
                let names: Vec<String> = self
                    .bucket
                    .keys()
                    .filter(|name| **name == from || name.starts_with(&below))
                    .cloned()
                    .collect();
                for name in names {
                    let Some(object) = self.bucket.remove(&name) else { continue };
                    let copy = self.object(&object.content, object.symlink, object.executable);
                    self.bucket.insert(format!("{to}{}", &name[from.len()..]), copy);
                }
            }
            Edit::Touch(path) | Edit::Chmod(path) => {
                if let Some(object) = self.bucket.get(&key(*path)).cloned() {
                    let flips = matches!(edit, Edit::Chmod(_)) && !object.symlink;
                    let copy = self.object(&object.content, object.symlink, object.executable ^ flips);
                    self.bucket.insert(key(*path), copy);
                }
            }
        }
    }

    fn store(&mut self, key: &str, content: &str) {
        let (body, symlink, executable) = parts(content);
        let object = self.object(body, symlink, executable);
        self.bucket.insert(key.to_owned(), object);
    }

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
    /// Whether both sides were emptied before they were edited, so that the three trees are unrelated.
    is_unrelated: bool,
}

fn story() -> impl Strategy<Value = Story> {
    let related = (edits(12), edits(6), edits(6), Just(false));
    let unrelated = (edits(12), edits(12), edits(12), Just(true));
    (prop_oneof![2 => related.boxed(), 1 => unrelated.boxed()], tags(), policy()).prop_map(
        |((first, local, remote, is_unrelated), tags, policy)| Story {
            first,
            local,
            remote,
            tags,
            policy,
            is_unrelated,
        },
    )
}

impl Story {
    fn tell(&self) -> World {
        let mut world = agreed(&self.first, self.tags, self.policy);
        if self.is_unrelated {
            world.disk.clear();
            world.bucket.clear();
        }
        self.local.iter().for_each(|edit| world.edit_disk(edit));
        self.remote.iter().for_each(|edit| world.edit_bucket(edit));
        world
    }
}

fn agreed(edits: &[Edit], tags: Tags, policy: ConflictPolicy) -> World {
    let mut world = World::new().with(|context| context.policy = policy);
    world.tags = tags;
    edits.iter().for_each(|edit| world.edit_disk(edit));
    world.sync();
    world
}

/// Carries plans out with mishaps, then without, and checks what must hold in the end.
fn settle(mut world: World, mishaps: &[Mishaps]) {
    let before = world.unsynced();
    for mishap in mishaps {
        let plan = world.plan();
        world.apply(&plan, mishap);
        world.facts = Facts::default();
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
            ConflictPolicy::KeepBoth => is_live(&local) && is_live(&remote),
            ConflictPolicy::Ask => is_live(&local) || is_live(&remote),
            ConflictPolicy::Local | ConflictPolicy::Remote | ConflictPolicy::Newest => {
                let body = parts(&content).0;
                is_live(&local) || is_live(&remote) || world.trash.iter().any(|other| *other == *body)
            }
        };
        assert!(is_kept, "{content:?} is lost: {world:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_sides_come_together(story in story(), order in any::<u64>()) {
        settle(story.tell(), &[Mishaps { order, ..Mishaps::default() }]);
    }

    #[test]
    fn what_fails_or_stops_halfway_comes_together_later(
        story in story(),
        mishaps in proptest::collection::vec(mishaps(), 1..4),
    ) {
        settle(story.tell(), &mishaps);
    }
}
