//! Conflicts: who decides, and how copies are named.

use crate::capabilities::Capabilities;
use crate::context::ConflictPolicy;
use crate::facts::{Decision, Keep};
use crate::remote::UnixMillis;

use super::check::{check, check_plan, check_questions};
use super::world::{World, rel};

fn conflict() -> World {
    World::new().agreed("a", "1").local("a", "22").remote("a", "333")
}

fn under(policy: ConflictPolicy) -> World {
    conflict().with(|context| context.policy = policy)
}

#[test]
fn every_policy_decides_its_own_way() {
    check(under(ConflictPolicy::Ask), &["conflict a"]);
    check(under(ConflictPolicy::KeepBoth), &["keep both a and a (conflict 2026-11-20 here)"]);
    check(under(ConflictPolicy::Local), &["upload a over"]);
    check(under(ConflictPolicy::Remote), &["download a over"]);
    // Where old versions are not kept, what is replaced goes to the trash first, if it may.
    let bare = Capabilities { versioning: crate::capabilities::Versioning::Off, ..Capabilities::FULL };
    let unversioned = |trash| {
        under(ConflictPolicy::Local)
            .with(|context| (context.store, context.bucket_trash) = (bare.clone(), trash))
    };
    check(unversioned(true), &["upload a over trashed"]);
    check(unversioned(false), &["upload a over"]);
}

#[test]
fn newest_looks_at_the_objects_own_time_first() {
    let world = |local_s: i64, remote_s: Option<i64>| {
        under(ConflictPolicy::Newest).edit(|world| {
            world.change_print("a", |print| print.mtime_ns = local_s * 1_000_000_000);
            let object = world.bucket.get_mut("p/a").unwrap();
            object.mtime_ns = remote_s.map(|time| time * 1_000_000_000);
            object.last_modified = UnixMillis(500_000);
        })
    };
    check_questions(&world(600, None), &["head p/a"]);
    check_plan(world(600, None), &["upload a over"]);
    check_plan(world(400, None), &["download a over"]);
    check_plan(world(600, Some(700)), &["download a over"]);
    check_plan(world(600, Some(601)), &["conflict a"]);
    check_plan(world(2_000_000, Some(601)), &["conflict a"]);
}

#[test]
fn a_decision_holds_for_the_pair_that_was_shown() {
    let decided = |keep| {
        under(ConflictPolicy::Ask).edit(move |world| {
            let local = world.fingerprint("a");
            let etag = world.bucket["p/a"].etag.clone();
            world.facts.decide(rel("a"), Decision { local, etag, keep });
        })
    };
    check(decided(Keep::Local), &["upload a over"]);
    check(decided(Keep::Remote), &["download a over"]);
    check(decided(Keep::Both), &["keep both a and a (conflict 2026-11-20 here)"]);
    check(decided(Keep::Remote).local("a", "4444"), &["conflict a"]);
    check(decided(Keep::Local).remote("a", "4444"), &["conflict a"]);
}

#[test]
fn t45_copies_have_names_that_are_free_everywhere() {
    let first = "a (conflict 2026-11-20 here)";
    let second = "keep both a and a (conflict 2026-11-20 here 2)";
    check(conflict().agreed(first, "x"), &[second]);
    check(conflict().local(first, "x"), &[second, &format!("upload {first}")]);
    check(conflict().remote(first, "x"), &[second, &format!("download {first}")]);
    check(conflict().base(first, "x"), &[second, &format!("forget {first}")]);
    check(conflict().agreed("A (CONFLICT 2026-11-20 here)", "x"), &[second]);
    check(conflict().agreed(&format!("{first}/x"), "x"), &[second]);
    // A conflict of a copy gets no longer chain, nor do two in one plan get one name.
    let copy = World::new().agreed("a (conflict 2020-01-01 there)", "1");
    let copy =
        copy.local("a (conflict 2020-01-01 there)", "22").remote("a (conflict 2020-01-01 there)", "333");
    check(copy.clone(), &["keep both a (conflict 2020-01-01 there) and a (conflict 2026-11-20 here)"]);
    let both = copy.agreed("a", "1").local("a", "22").remote("a", "333");
    check(
        both,
        &[
            "keep both a and a (conflict 2026-11-20 here)",
            "keep both a (conflict 2020-01-01 there) and a (conflict 2026-11-20 here 2)",
        ],
    );
    let below = World::new().agreed("d/a", "1").local("d/a", "22").remote("d/a", "333");
    check(below, &["keep both d/a and d/a (conflict 2026-11-20 here)"]);
}

#[test]
fn a_copy_whose_key_would_be_too_long_is_left_to_a_person() {
    let path = format!("{}/a", vec!["e".repeat(250); 4].join("/"));
    let world = World::new().agreed(&path, "1").local(&path, "22").remote(&path, "333");
    check_plan(world, &[&format!("conflict {path}")]);
}

#[test]
fn a_conflict_holds_up_nothing_else() {
    check(
        under(ConflictPolicy::Ask).local("b", "1").remote("c", "2"),
        &["conflict a", "upload b", "download c"],
    );
}
