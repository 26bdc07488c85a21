//! When two contents are the same, and what must be found out to tell.

use crate::baseline::{FileRow, RowLastModified};
use crate::digest::Digest;
use crate::plan::{Examine, RowChange};
use crate::remote::{ETag, UnixMillis};

use super::check::{check, check_plan, check_questions};
use super::world::{Node, Tags, World, disk, rel};

fn agreed(tags: Tags) -> World {
    World::new().edit(|world| world.tags = tags).agreed("a", "11")
}

/// Other stamps on the same content.
fn touched(world: World) -> World {
    world.edit(|world| {
        let now = world.tick();
        world.change_print("a", |print| (print.mtime_ns, print.ctime_ns) = (now, Some(now)));
    })
}

fn change_row(world: &mut World, change: impl FnOnce(&mut FileRow)) {
    let mut row = world.baseline.files.get(&rel("a")).cloned().unwrap();
    change(&mut row);
    world.baseline.files.insert(rel("a"), row);
}

#[test]
fn t23_a_touch_changes_the_row_alone() {
    check_questions(&touched(agreed(Tags::Md5)), &["hash a"]);
    check(touched(agreed(Tags::Md5)), &["row a"]);
}

#[test]
fn t24_t25_a_change_is_found_whatever_its_times_say() {
    // The same size and mtime: ctime tells.
    let hidden = agreed(Tags::Md5).local("a", "22").edit(|world| {
        let mtime_ns = world.baseline.files.get(&rel("a")).unwrap().fingerprint.mtime_ns;
        world.change_print("a", |print| print.mtime_ns = mtime_ns);
    });
    check_questions(&hidden, &["hash a"]);
    check(hidden, &["upload a over"]);
    let older = agreed(Tags::Md5).local("a", "22").edit(|world| {
        world.change_print("a", |print| print.mtime_ns = 1);
    });
    check(older, &["upload a over"]);
    // Another size needs no hash.
    check_questions(&agreed(Tags::Md5).local("a", "333"), &[]);
}

#[test]
fn fresh_stamps_are_not_trusted() {
    let racy = |behind_ns: i64| {
        agreed(Tags::Md5).edit(move |world| {
            change_row(world, |row| row.read_time_ns = row.fingerprint.mtime_ns + behind_ns);
        })
    };
    check_questions(&racy(0), &["hash a"]);
    check_questions(&racy(20_000_000), &["hash a"]);
    check_questions(&racy(20_000_001), &[]);
    check(racy(0), &["row a"]);
    // An old mtime that some program set is safe only with an old ctime.
    let set = racy(0).edit(|world| {
        change_row(world, |row| row.fingerprint.mtime_ns = 1);
        world.change_print("a", |print| print.mtime_ns = 1);
    });
    check_questions(&set, &[]);
    let edited = racy(0).edit(|world| {
        if let Some(Node::File { content, .. }) = world.disk.get_mut(&disk("a")) {
            *content = "22".to_owned();
        }
    });
    check(edited, &["upload a over"]);
    let coarse = racy(1_000_000_000).with(|context| context.disk.granularity_ns = 2_000_000_000);
    check_questions(&coarse, &["hash a"]);
}

#[test]
fn a_mode_is_a_change_of_its_own() {
    let agreed = || World::new().agreed("a", "11");
    check(agreed().local("a", "+11"), &["publish +xa"]);
    check(agreed().remote("a", "+11"), &["chmod +xa"]);
    check(agreed().local("a", "+11").remote("a", "+11"), &["row a"]);
    check(agreed().local("a", "+22"), &["upload a over"]);
    check(agreed().remote("a", "+22"), &["download a over"]);
    let no_bit = |world: World| world.with(|context| context.disk.has_executable_bit = false);
    check(no_bit(World::new().agreed("a", "+11")), &[]);
    check(no_bit(agreed().remote("a", "+11")), &["row a"]);
}

#[test]
fn two_modes_of_one_content_come_together() {
    for tags in [Tags::Md5, Tags::Checksummed] {
        let world = World::new().edit(|world| world.tags = tags).local("a", "+11").remote("a", "11");
        let mut world = world;
        world.sync();
        assert!(world.bucket["p/a"].executable, "{tags:?}");
    }
}

#[test]
fn our_own_write_needs_no_head_when_it_is_listed_first() {
    let own = |bound: i64, listed: i64| {
        agreed(Tags::Md5).edit(move |world| {
            change_row(world, |row| row.last_modified = RowLastModified::NotAfter(UnixMillis(bound)));
            world.bucket.get_mut("p/a").unwrap().last_modified = UnixMillis(listed);
        })
    };
    check_questions(&own(5000, 5000), &[]);
    check(own(5000, 4000), &[]);
    check_questions(&own(5000, 5001), &["head p/a"]);
    check(own(5000, 5001), &["row a"]);
    // The same tag at another time: only its metadata may have changed.
    let known = agreed(Tags::Md5).remote("a", "+11");
    check_questions(&known, &["head p/a"]);
}

#[test]
fn a_new_tag_is_examined_before_anything_is_brought() {
    let retagged = |tags| {
        agreed(tags).edit(|world| world.put("a", "11")).edit(|world| {
            world.bucket.get_mut("p/a").unwrap().etag = ETag::new("other-2");
        })
    };
    check_questions(&retagged(Tags::Checksummed), &["head p/a"]);
    check(retagged(Tags::Checksummed), &["row a"]);
    // Of another size it is another content.
    check_questions(&agreed(Tags::Checksummed).remote("a", "333"), &[]);
    // No checksum: it is brought, or compared where both changed.
    check(retagged(Tags::Opaque), &["download a over"]);
}

#[test]
fn t41_equal_contents_are_adopted_and_never_on_a_guess() {
    let both = |tags, local: &str, remote: &str| {
        World::new().edit(|world| world.tags = tags).local("a", local).remote("a", remote)
    };
    check_questions(&both(Tags::Md5, "11", "11"), &["hash a"]);
    check(both(Tags::Md5, "11", "11"), &["row a"]);
    check(both(Tags::Checksummed, "11", "11"), &["row a"]);
    check(both(Tags::Opaque, "11", "11"), &["row a"]);
    check_questions(&both(Tags::Md5, "11", "222"), &[]);
    let copy = "a (conflict 2026-11-20 here)";
    for tags in [Tags::Md5, Tags::Checksummed, Tags::Opaque] {
        check(both(tags, "11", "22"), &[&format!("keep both a and {copy}")]);
    }
    // Hash, then HEAD, then the whole body.
    let mut world = both(Tags::Opaque, "11", "11");
    for question in ["hash a", "head p/a", "read p/a"] {
        check_questions(&world, &[question]);
        world.plan_once().examine.iter().for_each(|need: &Examine| world.answer(need));
    }
    check_plan(world, &["row a"]);
}

#[test]
fn an_adopted_row_holds_what_was_read() {
    let mut world = World::new().local("a", "11").remote("a", "11");
    let plan = world.plan();
    let [RowChange::File(_, row)] = plan.rows.as_slice() else { panic!("{plan:?}") };
    assert_eq!(row.fingerprint, world.fingerprint("a"));
    assert_eq!(row.last_modified, RowLastModified::Known(world.bucket["p/a"].last_modified));
    assert!(!row.own_write);
}

#[test]
fn a_fact_about_another_state_says_nothing() {
    let mut world = World::new().local("a", "11").remote("a", "11");
    world.answer(&Examine::LocalHash { disk: disk("a") });
    check_questions(&world, &[]);
    check_questions(&world.clone().local("a", "22"), &["hash a"]);
    let content = Digest::of(b"11");
    world.facts.learn_content(crate::key::ObjectKey::new("p/a"), ETag::new("other"), content);
    world.tags = Tags::Opaque;
    world.put("a", "11");
    check_questions(&world, &["head p/a"]);
    world.answer(&Examine::Head { key: crate::key::ObjectKey::new("p/a") });
    check_questions(&world, &["read p/a"]);
}

#[test]
fn what_cannot_be_examined_is_a_problem_of_that_path_alone() {
    let mut world = World::new().local("a", "11").remote("a", "11").local("b", "1");
    let print = world.fingerprint("a");
    world.facts.fail_local(disk("a"), print, "busy".to_owned());
    check_plan(world, &["upload b", "problem a: it cannot be read: busy"]);
    let mut world = World::new().remote("a", "11").remote("b", "1");
    let (key, etag) = (crate::key::ObjectKey::new("p/a"), world.bucket["p/a"].etag.clone());
    world.facts.fail_remote(key, etag, "archived".to_owned());
    check_plan(world, &["download b", "problem a: the object cannot be examined: archived"]);
}

#[test]
fn without_conditions_only_descendants_replace_our_own_write() {
    let world = |base: &[&str]| {
        let base: Vec<ETag> = base.iter().map(|tag| ETag::new(tag)).collect();
        agreed(Tags::Md5).with(|context| context.store = crate::capabilities::Capabilities::NONE).edit(
            |world| {
                change_row(world, |row| row.own_write = true);
                world.put("a", "222");
                world.bucket.get_mut("p/a").unwrap().base = base;
            },
        )
    };
    check_plan(world(&[]), &["download a over descendant"]);
    let mut stranger = world(&["x"]);
    stranger.answer(&Examine::Head { key: crate::key::ObjectKey::new("p/a") });
    check_plan(stranger, &["keep both a and a (conflict 2026-11-20 here)"]);
    let mut child = world(&["x", "6512bd43d9caa6e02c990b0a82652dca"]);
    child.answer(&Examine::Head { key: crate::key::ObjectKey::new("p/a") });
    check_plan(child, &["download a over descendant"]);
    // With conditions nobody can have replaced it unseen.
    let safe = world(&[]).with(|context| context.store = crate::capabilities::Capabilities::FULL);
    check_plan(safe, &["download a over"]);
}
