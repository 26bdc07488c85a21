//! Guards: how many deletions need a person's word.

use crate::context::{DeleteLimits, Deletions};
use crate::plan::{Halt, Side};

use super::world::{Node, World, disk};

/// Both sides agree on `count` files of different contents.
fn agreed(count: usize) -> World {
    let world = World::new().with(|context| context.limits = DeleteLimits::Default);
    (0..count).fold(world, |world, n| world.agreed(&format!("f{n:04}"), &format!("content {n}")))
}

fn without_local(mut world: World, count: usize) -> World {
    (0..count).for_each(|n| drop(world.disk.remove(&disk(&format!("f{n:04}")))));
    world
}

fn without_remote(mut world: World, count: usize) -> World {
    (0..count).for_each(|n| drop(world.bucket.remove(&format!("p/f{n:04}"))));
    world
}

#[track_caller]
fn check(world: World, expected: impl Into<Option<Halt>>) {
    let mut world = world;
    assert_eq!(world.plan().halt, expected.into());
}

fn mass(side: Side, count: u64, of: u64) -> Option<Halt> {
    Some(Halt::MassDeletion { side, count, of })
}

#[test]
fn t53_more_than_a_quarter_and_25_files_halts() {
    check(without_local(agreed(40), 25), None);
    check(without_local(agreed(40), 26), mass(Side::Remote, 26, 40));
    check(without_local(agreed(104), 26), None);
    check(without_local(agreed(103), 26), mass(Side::Remote, 26, 103));
    check(without_remote(agreed(40), 25), None);
    check(without_remote(agreed(40), 26), mass(Side::Local, 26, 40));
}

#[test]
fn t53_more_than_a_thousand_files_halt_of_however_many() {
    check(without_local(agreed(4100), 1000), None);
    check(without_local(agreed(4100), 1001), mass(Side::Remote, 1001, 4100));
}

#[test]
fn t53_what_went_in_the_last_minutes_counts() {
    let before = |count, tree_then| {
        without_local(agreed(40), 6).with(|context| context.guard.remote = Deletions { count, tree_then })
    };
    check(before(19, 60), None);
    check(before(20, 60), mass(Side::Remote, 26, 60));
    check(before(20, 104), None);
    // In its own direction only, and not where nothing more is to be deleted.
    check(
        before(20, 60).with(|context| context.guard.local = std::mem::take(&mut context.guard.remote)),
        None,
    );
    check(agreed(40).with(|context| context.guard.remote = Deletions { count: 999, tree_then: 40 }), None);
}

#[test]
fn t53_a_rename_deletes_nothing() {
    let renamed = |same_birth: bool| {
        let mut world = agreed(40);
        for n in 0..39 {
            world.move_on_disk(&format!("f{n:04}"), &format!("g{n:04}"));
            if !same_birth {
                world.change_print(&format!("g{n:04}"), |print| print.birth_ns = None);
            }
        }
        world
    };
    check(renamed(true), None);
    check(renamed(false), None);
    // Where it cannot be a copy it is an upload and a delete, and still loses nothing.
    let bare = renamed(false).with(|context| context.store = crate::capabilities::Capabilities::NONE);
    let mut hashed = bare;
    for n in 0..39 {
        hashed.answer(&crate::plan::Examine::LocalHash { disk: disk(&format!("g{n:04}")) });
    }
    check(hashed, None);
    let mut there = agreed(40);
    for n in 0..39 {
        let object = there.bucket.remove(&format!("p/f{n:04}")).unwrap();
        there.bucket.insert(format!("p/g{n:04}"), object);
    }
    check(there, None);
}

#[test]
fn t53_copies_that_stay_are_not_lost() {
    let world =
        (0..40).fold(agreed(0), |world, n| world.agreed(&format!("f{n:04}"), "one")).agreed("x", "one");
    check(without_local(world, 40), None);
}

#[test]
fn t53_limits_are_what_a_person_says() {
    let limited = |limits| without_local(agreed(10), 5).with(|context| context.limits = limits);
    check(limited(DeleteLimits::Count(5)), None);
    check(limited(DeleteLimits::Count(4)), mass(Side::Remote, 5, 10));
    check(limited(DeleteLimits::Count(0)), mass(Side::Remote, 5, 10));
    check(limited(DeleteLimits::Percent(50)), None);
    check(limited(DeleteLimits::Percent(49)), mass(Side::Remote, 5, 10));
    check(without_local(agreed(40), 40).with(|context| context.limits = DeleteLimits::Unlimited), None);
}

#[test]
fn t51_t52_an_emptied_side_halts_from_two_files_up() {
    check(without_local(agreed(2), 2), Some(Halt::LocalEmptied { tracked: 2 }));
    check(without_local(agreed(1), 1), None);
    check(without_remote(agreed(2), 2), Some(Halt::RemoteEmptied { tracked: 2 }));
    check(without_remote(agreed(1), 1), None);
    // Both: there is nothing to delete.
    check(without_remote(without_local(agreed(2), 2), 2), None);
    check(without_local(agreed(2), 2).with(|context| context.limits = DeleteLimits::Count(9)), {
        Some(Halt::LocalEmptied { tracked: 2 })
    });
}

#[test]
fn t61_an_unreadable_folder_deletes_nothing() {
    let mut world = World::new().agreed("d/a", "1").agreed("d/b", "2");
    world.disk.clear();
    world.disk.insert(disk("d"), Node::Unreadable);
    let plan = world.plan();
    assert!(plan.is_empty(), "{plan:#?}");
}
