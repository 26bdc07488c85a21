//! The order of steps: what must be confirmed before what.

use super::check::{check, check_order};
use super::world::World;

#[test]
fn t34_a_file_that_becomes_a_directory_goes_before_what_is_below_it() {
    let here = || World::new().agreed("a", "1").edit(|world| world.disk.clear());
    check_order(here().local("a/x", "2"), &[("delete remote a", "upload a/x")]);
    check_order(here().local("a/", ""), &[("delete remote a", "put marker a/")]);
    check_order(here().local("a/b/", ""), &[("delete remote a", "put marker a/b/")]);
    let there = || World::new().agreed("a", "1").edit(|world| world.bucket.clear());
    check_order(there().remote("a/x", "2"), &[("delete local a", "mkdir a/"), ("mkdir a/", "download a/x")]);
    check_order(there().remote("a/b/", ""), &[("delete local a", "mkdir a/"), ("mkdir a/", "mkdir a/b/")]);
}

#[test]
fn t34_a_directory_that_becomes_a_file_goes_first() {
    let here = || World::new().agreed("a/x", "1").edit(|world| world.disk.clear());
    check_order(here().local("a", "2"), &[("delete remote a/x", "upload a")]);
    let marked = World::new().agreed("a/", "").edit(|world| world.disk.clear()).local("a", "2");
    check_order(marked, &[("delete marker a/", "upload a")]);
    let there = || World::new().agreed("a/x", "1").edit(|world| world.bucket.clear());
    check_order(there().remote("a", "2"), &[("delete local a/x", "rmdir a/"), ("rmdir a/", "download a")]);
}

#[test]
fn a_file_moved_into_a_directory_of_its_own_name_waits_for_no_cycle() {
    // No copy: it would wait for the delete of its own source.
    let world = World::new().agreed("a", "1").edit(|world| {
        world.disk.clear();
        world.write("a/x", "1");
    });
    check_order(world, &[("delete remote a", "upload a/x")]);
    let world = World::new().agreed("a/x", "1").edit(|world| {
        world.disk.clear();
        world.write("a", "1");
    });
    check_order(world, &[("delete remote a/x", "upload a")]);
    let world = World::new().agreed("a", "1").edit(|world| {
        world.bucket.clear();
        world.put("a/x", "1");
    });
    check_order(world, &[("delete local a", "download a/x")]);
    let world = World::new().agreed("a/x", "1").edit(|world| {
        world.bucket.clear();
        world.put("a", "1");
    });
    check_order(world, &[("delete local a/x", "download a")]);
    // Two files change places with directories of each other's name.
    let world = World::new().agreed("a", "1").agreed("b", "22").edit(|world| {
        world.bucket.clear();
        world.put("a/y", "22");
        world.put("b/x", "1");
    });
    check_order(world, &[("delete local a", "mkdir a/"), ("delete local b", "mkdir b/")]);
}

#[test]
fn a_directory_is_made_before_and_removed_after_what_is_in_it() {
    check_order(
        World::new().remote("a/b/x", "1"),
        &[("mkdir a/", "mkdir a/b/"), ("mkdir a/b/", "download a/b/x")],
    );
    let world = World::new().agreed("a/b/x", "1").edit(|world| world.bucket.clear());
    check_order(world, &[("delete local a/b/x", "rmdir a/b/"), ("rmdir a/b/", "rmdir a/")]);
}

#[test]
fn a_marker_is_there_before_the_last_object_goes() {
    let world =
        World::new().agreed("a/x", "1").edit(|world| drop(world.disk.remove(&super::world::disk("a/x"))));
    check_order(world, &[("put marker a/", "delete remote a/x")]);
    let world = World::new().agreed("a/b/x", "1").edit(|world| {
        world.disk.clear();
        world.write("a/", "");
    });
    check_order(world, &[("put marker a/", "delete remote a/b/x")]);
    // Moved out of it: the copy, and the marker, and then the delete.
    let world = World::new().agreed("a/x", "1").edit(|world| world.move_on_disk("a/x", "y"));
    check_order(world, &[("copy a/x to y", "delete moved a/x"), ("put marker a/", "delete moved a/x")]);
}

#[test]
fn what_changes_a_file_waits_until_it_has_its_other_name() {
    let world = World::new().local("a", "1").remote("a", "22").remote("a/x", "3");
    let lines = [
        "download a/x",
        "mkdir a/",
        "problem a: it is on this disk as `a (clash cd12241c)`, because its own name is taken or refused here",
        "rename a to a (clash cd12241c)",
    ];
    check(world, &lines);
}
