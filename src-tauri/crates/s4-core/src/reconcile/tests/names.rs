//! Names: blocked keys, forms of Unicode, reserved and refused names, names that cannot stand together.

use crate::traits::NameRules;

use super::check::{check, check_order, check_plan};
use super::world::{Node, World, disk, rel};

fn clash(subject: &str, aside: &str) -> String {
    format!(
        "problem {subject}: it is on this disk as `{aside}`, because its own name is taken or refused here"
    )
}

fn folding(world: World) -> World {
    world.with(|context| context.disk.case_sensitive = false)
}

#[test]
fn t01_one_name_in_two_unicode_forms_is_one_file() {
    let world = World::new().edit(|world| {
        world.write("cafe\u{301}", "1");
        world.put("caf\u{e9}", "1");
    });
    let mut world = world;
    world.sync();
    assert_eq!((world.disk.len(), world.bucket.len()), (1, 1));
    let row = world.baseline.files.get(&rel("caf\u{e9}")).unwrap();
    assert_eq!((row.disk.as_str(), row.key.as_str()), ("cafe\u{301}", "p/caf\u{e9}"));
    check(world.local("cafe\u{301}", "22"), &["upload caf\u{e9} over"]);
}

#[test]
fn t01_a_row_follows_its_object_to_a_key_of_another_form() {
    let renamed = |is_stamped_anew: bool| {
        let mut world = World::new().agreed("caf\u{e9}", "1").agreed("b", "2");
        let mut object = world.object("1", false, false);
        let old = world.bucket.remove("p/caf\u{e9}").unwrap();
        if !is_stamped_anew {
            object.last_modified = old.last_modified;
        }
        world.bucket.insert("p/cafe\u{301}".to_owned(), object);
        world
    };
    for is_stamped_anew in [true, false] {
        let mut world = renamed(is_stamped_anew);
        check_plan(world.clone(), &["row caf\u{e9}"]);
        world.sync();
        assert_eq!(world.baseline.files.get(&rel("caf\u{e9}")).unwrap().key.as_str(), "p/cafe\u{301}");
        check(world, &[]);
    }
}

#[test]
fn t01_what_is_below_a_directory_keeps_its_spelling_on_disk() {
    let world = World::new().local("cafe\u{301}/x", "1").remote("caf\u{e9}/y", "2");
    let mut world = world;
    world.sync();
    assert!(world.disk.contains_key(&disk("cafe\u{301}/y")));
    assert!(world.bucket.contains_key("p/caf\u{e9}/x"));
}

#[test]
fn t02_two_forms_side_by_side_are_left_alone() {
    let twin = "another file differs from it only in the Unicode form of its name; rename one of them";
    let world = World::new().local("cafe\u{301}", "1").local("caf\u{e9}", "2").local("b", "3");
    let lines =
        ["upload b".to_owned(), format!("problem cafe\u{301}: {twin}"), format!("problem caf\u{e9}: {twin}")];
    check_plan(world, &[&lines[0], &lines[1], &lines[2]]);
    let directories = World::new().local("cafe\u{301}/x", "1").local("caf\u{e9}/y", "2");
    check_plan(directories, &[&lines[1], &lines[2]]);
    let there = World::new().remote("cafe\u{301}", "1").remote("caf\u{e9}", "2").local("caf\u{e9}", "3");
    let twin = "another key differs from it only in its Unicode form";
    check_plan(there, &[&format!("problem p/cafe\u{301}: {twin}"), &format!("problem p/caf\u{e9}: {twin}")]);
}

#[test]
fn t08_keys_that_are_no_paths_are_reported_and_left_alone() {
    let world = World::new().edit(|world| {
        for key in ["p/a//b", "p//a", "p/../x", "p/./x"] {
            let object = world.object("1", false, false);
            world.bucket.insert(key.to_owned(), object);
        }
    });
    let mut world = world;
    let plan = world.plan();
    assert!(plan.is_empty() && plan.problems.len() == 4, "{plan:#?}");
}

#[test]
fn t09_a_marker_with_content_is_reported_and_what_is_below_it_is_synced() {
    let problem = "problem p/d/: its key ends with `/` but it has content";
    check(World::new().remote("d/", "1").remote("d/x", "2"), &["mkdir d/", "download d/x", problem]);
    check(World::new().remote("d/", "1"), &[problem]);
    check(World::new().agreed("d/x", "2").remote("d/", "1"), &[problem]);
}

#[test]
fn reserved_names_are_never_synced() {
    let world = World::new().edit(|world| {
        for path in [".s4/state.db", "d/.S4/x", ".index", ".s4lock"] {
            world.write(path, "1");
            world.put(path, "2");
        }
        world.put("d/", "");
    });
    check_plan(world, &["row d/"]);
}

#[test]
fn t07_a_key_that_is_too_long_is_a_problem_before_any_request() {
    let long = format!("{}/{}", "d".repeat(200), vec!["e".repeat(200); 5].join("/"));
    let mut world = World::new().local(&long, "1").local("b", "2");
    let plan = world.plan();
    assert_eq!(plan.problems.len(), 1, "{plan:#?}");
    assert!(plan.steps.iter().all(|step| step.path.as_str() != long));
}

#[test]
fn t10_a_file_beside_a_directory_of_its_name_stands_aside() {
    let aside = "d (clash 64ee46e0)";
    let world = World::new().remote("d", "1").remote("d/x", "2");
    let lines = [format!("download d at {aside}"), clash("d", aside)];
    check(world.clone(), &["mkdir d/", "download d/x", &lines[0], &lines[1]]);
    // It is found again with its row and without, and edits on either side reach the other.
    let mut settled = world;
    settled.sync();
    check(settled.clone(), &[&lines[1]]);
    let without_row = settled.clone().edit(|world| drop(world.baseline.files.remove(&rel("d"))));
    check(without_row, &["row d", &lines[1]]);
    let edited = settled.clone().edit(|world| world.write(aside, "333"));
    check(edited, &[&format!("upload d at {aside} over"), &lines[1]]);
    check(settled.clone().remote("d", "333"), &[&format!("download d at {aside} over"), &lines[1]]);
    let deleted = settled.clone().edit(|world| drop(world.disk.remove(&disk(aside))));
    check(deleted, &["delete remote d"]);
    // The clash ends: it gets its name back.
    let mut ended = settled.edit(|world| drop(world.bucket.remove("p/d/x")));
    ended.sync();
    assert!(matches!(ended.disk.get(&disk("d")), Some(Node::File { content, .. }) if content == "1"));
}

#[test]
fn t03_names_that_differ_in_case_stand_together_on_no_folding_disk() {
    let mut world = folding(World::new().remote("A.txt", "1").remote("a.txt", "2"));
    world.sync();
    assert_eq!(world.disk.len(), 2);
    assert!(matches!(world.disk.get(&disk("A.txt")), Some(Node::File { content, .. }) if content == "1"));
    let other = world.disk.keys().find(|place| place.as_str().contains("clash")).cloned().unwrap();
    // An edit of one does not touch the other.
    world.write(other.as_str(), "333");
    world.sync();
    assert_eq!(world.bucket["p/A.txt"].content, "1");
    assert_eq!(world.bucket["p/a.txt"].content, "333");
    // The first goes: the other gets its name.
    world.disk.remove(&disk("A.txt"));
    world.sync();
    assert_eq!(world.bucket.len(), 1);
    assert!(world.disk.contains_key(&disk("a.txt")));
}

#[test]
fn t03_what_is_on_disk_keeps_its_name() {
    let mut world = folding(World::new().agreed("b", "1").remote("B", "2"));
    world.sync();
    assert!(matches!(world.disk.get(&disk("b")), Some(Node::File { content, .. }) if content == "1"));
    assert_eq!(world.disk.len(), 2);
    // A directory takes it from a file.
    let mut world = folding(World::new().agreed("B", "1").remote("b/x", "2"));
    world.sync();
    assert!(world.disk.contains_key(&disk("b/x")));
    assert_eq!(world.disk.len(), 3);
}

#[test]
fn t03_two_spellings_of_one_directory_are_not_mixed() {
    let mut world = folding(World::new().remote("Dir/a", "1").remote("dir/b", "2").remote("dir/e/c", "3"));
    world.sync();
    assert!(world.disk.contains_key(&disk("Dir/a")));
    assert_eq!((world.disk.len(), world.bucket.len()), (2, 3));
    let plan = world.plan();
    assert_eq!(plan.problems.len(), 1, "{plan:#?}");
    // What is on disk decides, not the order.
    let mut world = folding(World::new().agreed("dir/b", "2").remote("Dir/a", "1").remote("Dir/", ""));
    world.sync();
    assert_eq!((world.disk.len(), world.bucket.len()), (2, 3));
    // When the other is gone, it is made.
    world.bucket.remove("p/dir/b");
    world.sync();
    assert!(world.disk.contains_key(&disk("Dir/a")));
}

#[test]
fn t04_a_change_of_case_is_a_rename() {
    let here = || World::new().agreed("a", "11").edit(|world| world.move_on_disk("a", "A"));
    check(here(), &["copy a to A", "delete moved a"]);
    check(folding(here()), &["copy a to A", "delete moved a"]);
    let there = || {
        World::new().agreed("a", "11").edit(|world| {
            world.bucket.clear();
            world.put("A", "11");
        })
    };
    check(there(), &["move a to A"]);
    check(folding(there()), &["move a to A"]);
    // With another content as well, the old one makes room first.
    let edited = || there().remote("A", "333");
    check_order(folding(edited()), &[("delete local a", "download A")]);
    let directory = || {
        World::new().agreed("d/a", "11").edit(|world| {
            world.move_on_disk("d/a", "D/a");
            world.disk.remove(&disk("d"));
        })
    };
    check(folding(directory()), &["copy d/a to D/a", "delete moved d/a", "forget d/", "record D/"]);
}

#[test]
fn t04_a_directory_that_changes_its_case_there_comes_to_it() {
    let mut world = folding(World::new().agreed("d/a", "11").edit(|world| {
        world.bucket.clear();
        world.put("D/a", "11");
    }));
    world.sync();
    assert!(world.disk.contains_key(&disk("D/a")), "{world:?}");
    assert_eq!((world.disk.len(), world.bucket.len()), (2, 1));
}

#[test]
fn t05_names_that_windows_refuses_stand_aside_and_their_keys_stay() {
    let windows = |world: World| world.with(|context| context.disk.names = NameRules::Windows);
    let mut world = windows(World::new().remote("a:b.txt", "1").remote("nul", "2").remote("ok", "3"));
    world.sync();
    assert_eq!((world.disk.len(), world.bucket.len()), (3, 3));
    assert!(!world.disk.contains_key(&disk("nul")));
    let plan = world.plan();
    assert_eq!(plan.problems.len(), 2);
    // A directory that cannot be there is a problem, with all that is below it.
    let refused = "this disk cannot hold it: Windows keeps this name for a device";
    let world = windows(World::new().remote("aux/x", "1").remote("aux/e/", "").remote("con/", ""));
    check(
        world,
        &[
            &format!("problem aux/x: {refused}"),
            &format!("problem aux/e: {refused}"),
            &format!("problem con: {refused}"),
        ],
    );
}
