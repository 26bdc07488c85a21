//! Ignored paths, and links.

use crate::rules::Rules;

use super::check::{check, check_plan};
use super::world::{World, disk};

fn ignoring(world: World, rules: &str) -> World {
    let rules = Rules::new([(".syncignore", rules)]).unwrap();
    world.with(|context| context.rules = rules)
}

#[test]
fn t56_what_is_ignored_is_no_longer_tracked_and_never_deleted() {
    let agreed = || World::new().agreed("a.iso", "1").agreed("b", "2");
    check(ignoring(agreed(), "*.iso"), &["forget a.iso"]);
    let gone = |world: World| world.edit(|world| drop(world.disk.remove(&disk("a.iso"))));
    check(ignoring(gone(agreed()), "*.iso"), &["forget a.iso"]);
    check(ignoring(World::new().remote("a.iso", "1"), "*.iso"), &[]);
    check(ignoring(World::new().local("a.iso", "1"), "*.iso"), &[]);
    check(ignoring(World::new().agreed("d/x", "1").agreed("d/", ""), "d/"), &["forget d/", "forget d/x"]);
    // Un-ignored, it is a first sync of that path.
    check(World::new().local("a.iso", "1").remote("a.iso", "1"), &["row a.iso"]);
}

#[test]
fn t56_ignored_objects_are_deleted_only_on_request() {
    let world = |rules: &str| {
        ignoring(World::new().agreed("a.iso", "1").remote("b.tmp", "2"), rules)
            .with(|context| context.prune_ignored = true)
    };
    check_plan(world("*.iso"), &["forget a.iso", "delete ignored a.iso"]);
    check_plan(world(""), &[]);
}

#[test]
fn ignored_objects_keep_no_directory() {
    // The last file that is synced goes, an ignored object stays: the directory is published or removed as if it
    // were alone, before and after the rule is new.
    let world = || ignoring(World::new().agreed("d/x", "1").remote("d/a.iso", "2"), "*.iso");
    let gone = world().edit(|world| drop(world.bucket.remove("p/d/x")));
    check(gone, &["delete local d/x", "rmdir d/"]);
    let emptied = world().edit(|world| drop(world.disk.remove(&disk("d/x"))));
    check(emptied, &["put marker d/", "delete remote d/x"]);
}

#[test]
fn t18_links_are_synced_where_they_mean_the_same() {
    check(World::new().local("l", "->a"), &["upload l"]);
    check(World::new().remote("l", "->a"), &["download l"]);
    check(World::new().agreed("l", "->a"), &[]);
    check(World::new().agreed("l", "->a").local("l", "->b"), &["upload l over"]);
    check(World::new().agreed("l", "->a").local("l", "a"), &["upload l over"]);
    check(World::new().agreed("l", "a").local("l", "->a"), &["upload l over"]);
    check(World::new().agreed("l", "->a").remote("l", "->b"), &["download l over"]);
    check(World::new().local("l", "->a").remote("l", "->a"), &["row l"]);
    check(World::new().local("d/l", "->../a"), &["upload d/l", "record d/"]);
    let why = "its target is absolute or leaves the folder, so it would mean something else elsewhere";
    for target in ["->/etc/x", "->../x", "->a/../../x", "->C:x", "->a\\b"] {
        check_plan(World::new().local("l", target), &[&format!("problem l: {why}")]);
        // What was there before is left alone.
        check_plan(World::new().agreed("l", "1").local("l", target), &[&format!("problem l: {why}")]);
    }
}

#[test]
fn t18_a_disk_without_links_deletes_none() {
    let world = World::new().agreed("l", "->a").edit(|world| world.disk.clear());
    let world = world.with(|context| context.disk.has_symlinks = false);
    check(world, &["problem l: this disk has no symbolic links"]);
}
