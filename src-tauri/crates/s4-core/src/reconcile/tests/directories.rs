//! Directories: made, published, removed, kept.

use super::check::{check, check_plan};
use super::world::{Node, World, disk, rel};

fn emptied(world: World, path: &str) -> World {
    world.edit(|world| {
        world.disk.remove(&disk(path)).unwrap();
    })
}

fn gone(world: World, key: &str) -> World {
    world.edit(|world| {
        world.bucket.remove(&format!("p/{key}")).unwrap();
    })
}

#[test]
fn t27_empty_directories_go_both_ways() {
    check(World::new().local("d/", ""), &["put marker d/"]);
    check(World::new().remote("d/", ""), &["mkdir d/"]);
    check(World::new().local("d/e/", ""), &["put marker d/e/", "record d/"]);
    check(World::new().remote("d/e/", ""), &["mkdir d/", "mkdir d/e/"]);
    // A row of the one between says nothing of the one above.
    let world = World::new().base("d/e/", "").edit(|world| drop(world.baseline.dirs.remove(&rel("d"))));
    check(world.remote("d/e/a/", ""), &["mkdir d/", "mkdir d/e/", "mkdir d/e/a/"]);
    check(World::new().local("d/", "").remote("d/", ""), &["row d/"]);
    check(World::new().agreed("d/", ""), &[]);
    check(emptied(World::new().agreed("d/", ""), "d"), &["delete marker d/"]);
    check(gone(World::new().agreed("d/", ""), "d/"), &["rmdir d/"]);
    check(gone(emptied(World::new().agreed("d/", ""), "d"), "d/"), &["forget d/"]);
}

#[test]
fn a_directory_that_stays_is_published_before_its_last_file_goes() {
    check(emptied(World::new().agreed("d/x", "1"), "d/x"), &["put marker d/", "delete remote d/x"]);
    // Not while another is there, nor where it has a marker.
    let two = || World::new().agreed("d/x", "1").agreed("d/y", "2");
    check(emptied(two(), "d/x"), &["delete remote d/x"]);
    check(emptied(World::new().agreed("d/", "").agreed("d/x", "1"), "d/x"), &["delete remote d/x"]);
    // Both files gone, one by each side: nobody says that it stays.
    check(gone(emptied(two(), "d/x"), "d/y"), &["put marker d/", "delete remote d/x", "delete local d/y"]);
}

#[test]
fn a_directory_that_is_gone_there_is_removed_here_upwards() {
    check(
        gone(World::new().agreed("d/e/x", "1"), "d/e/x"),
        &["delete local d/e/x", "rmdir d/", "rmdir d/e/"],
    );
    let deleted_by_both = gone(emptied(World::new().agreed("d/x", "1"), "d/x"), "d/x");
    check(deleted_by_both, &["forget d/x", "rmdir d/"]);
}

#[test]
fn t43_a_directory_delete_loses_against_a_new_file_inside() {
    let there = gone(World::new().agreed("d/x", "1"), "d/x").local("d/new", "2");
    check(there, &["delete local d/x", "upload d/new"]);
    let here = World::new().agreed("d/x", "1").edit(|world| world.disk.clear()).remote("d/new", "2");
    check(here, &["delete remote d/x", "mkdir d/", "download d/new"]);
}

#[test]
fn a_directory_with_ignored_content_is_kept_and_not_published() {
    let holds = |world: World| world.local("d/x.tmp", "1");
    check(holds(World::new()), &["keep d/"]);
    check(holds(gone(World::new().agreed("d/x", "1"), "d/x")), &["delete local d/x", "keep d/"]);
    check(holds(gone(World::new().agreed("d/", ""), "d/")), &["keep d/"]);
    // Published as soon as something else is in it; removed when it was kept and is empty.
    let mut kept = holds(World::new());
    kept.sync();
    check(kept.clone(), &[]);
    check(kept.clone().local("d/y", "2"), &["upload d/y", "record d/"]);
    check(kept.edit(|world| drop(world.disk.remove(&disk("d/x.tmp")))), &["rmdir d/"]);
}

#[test]
fn t34_a_directory_that_became_a_file_there_keeps_unsynced_edits() {
    let world = gone(World::new().agreed("d/x", "1"), "d/x").local("d/x", "22").remote("d", "3");
    check(
        world,
        &[
            "upload d/x",
            "download d at d (clash 64ee46e0)",
            "problem d: it is on this disk as `d (clash 64ee46e0)`, because its own name is taken or refused here",
        ],
    );
}

#[test]
fn t34_a_file_that_became_a_directory_keeps_unsynced_edits() {
    // Edited here, a directory there: the edit beats the delete, and the directory keeps the name.
    let there = gone(World::new().agreed("d", "1"), "d").local("d", "22").remote("d/x", "3");
    let mut world = there;
    world.sync();
    assert_eq!(world.bucket["p/d"].content, "22");
    assert!(world.disk.contains_key(&disk("d/x")));
    // A directory here, edited there.
    let here = emptied(World::new().agreed("d", "1"), "d").local("d/x", "3").remote("d", "22");
    let mut world = here;
    world.sync();
    assert!(
        matches!(world.disk.get(&disk("d (clash 64ee46e0)")), Some(Node::File { content, .. }) if content == "22")
    );
    assert!(world.bucket.contains_key("p/d/x"));
}

#[test]
fn t61_what_could_not_be_read_is_not_deleted() {
    for node in [Node::Unreadable, Node::Mount, Node::Special] {
        let world = World::new().agreed("d/e/x", "1").agreed("d/y", "2").edit(|world| {
            world.disk.remove(&disk("d/e/x"));
            world.disk.insert(disk("d/e"), node.clone());
        });
        let mut world = world;
        let plan = world.plan();
        assert!(plan.is_empty() && plan.problems.len() == 1, "{node:?} {plan:#?}");
        // Nor is its directory removed when all else goes.
        let mut world = gone(gone(world, "d/e/x"), "d/y");
        let plan = world.plan();
        assert_eq!(super::check::lines(&plan)[..1], ["delete local d/y".to_owned()], "{plan:#?}");
        assert_eq!(plan.steps.len(), 1, "{plan:#?}");
    }
    let file =
        World::new().agreed("a", "1").edit(|world| drop(world.disk.insert(disk("a"), Node::Unreadable)));
    check_plan(file, &["problem a: it cannot be read: refused"]);
}
