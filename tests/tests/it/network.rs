//! A network and a store that misbehave while everything else goes on.

use s4_tests::{
    machine::same_tree,
    proxy::{Fault, Proxy},
    world::World,
};

/// Syncs many changes through a fault that passes by itself, and compares.
#[track_caller]
fn gets_through(fault: Fault) {
    let world = World::new();
    let proxy = Proxy::start(&world.server.access, world.path());
    let mut laptop = world.machine("laptop");
    laptop.use_access(&proxy.access);
    laptop.add(&world.bucket);
    let desktop = world.connected("desktop");
    for n in 0..12 {
        laptop.write(&format!("old/{n}"), format!("old {n}"));
    }
    laptop.sync();
    desktop.sync();
    proxy.set(fault);
    for n in 0..12 {
        laptop.write(&format!("new/{n}"), format!("new {n}"));
        desktop.write(&format!("theirs/{n}"), format!("theirs {n}"));
    }
    for n in 0..4 {
        laptop.write(&format!("old/{n}"), format!("edited {n}"));
        laptop.remove(&format!("old/{}", n + 4));
    }
    laptop.rename("old/11", "renamed");
    desktop.sync();
    // What a run could not finish the next one does; nothing is asked, and nothing is doubled.
    for _ in 0..3 {
        laptop.try_sync(&[]).exits_with_one_of(&[0, 1, 5]);
    }
    proxy.set(Fault::None);
    laptop.sync();
    desktop.sync();
    let tree = same_tree(&[&laptop, &desktop]);
    assert_eq!(tree.file_paths().len(), 12 + 12 + 12 - 4, "{tree:?}");
    assert!(tree.has("renamed") && tree.text("old/0") == "edited 0", "{tree:?}");
    world.bucket.holds(&tree);
}

#[test]
fn t64_busy_store_is_asked_again() {
    gets_through(Fault::Busy);
}

#[test]
fn t64_lost_replies_double_nothing() {
    gets_through(Fault::LostReplies);
}

#[track_caller]
fn is_named(fault: Fault, word: &str) {
    let world = World::new();
    let proxy = Proxy::start(&world.server.access, world.path());
    let mut laptop = world.machine("laptop");
    laptop.use_access(&proxy.access);
    laptop.add(&world.bucket);
    laptop.write("a", "a");
    laptop.sync();
    proxy.set(fault);
    laptop.write("b", "b");
    laptop.try_sync(&[]).exits(1).says(word);
    laptop.tree().is(&[("a", "a"), ("b", "b")]);
}

#[test]
fn wrong_region_names_the_right_one() {
    is_named(Fault::OtherRegion, "eu-west-9");
}

#[test]
fn t48_wrong_clock_is_named() {
    is_named(Fault::WrongClock, "clock");
}
