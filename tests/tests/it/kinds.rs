//! What is no plain file: directories, links, programs, and one kind becoming another.

use s4_tests::{
    machine::{same_tree, settle},
    tree::Node,
    world::World,
};

#[test]
fn t27_empty_directories_travel_and_vanish() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.make_directory("empty/inside");
    settle(&[&laptop, &desktop]);
    assert_eq!(desktop.tree().0.get("empty/inside"), Some(&Node::Directory));
    desktop.remove("empty");
    settle(&[&desktop, &laptop]);
    assert!(same_tree(&[&laptop, &desktop]).0.is_empty());
    assert!(world.bucket.objects().is_empty(), "{:?}", world.bucket.objects().keys());
}

#[test]
fn directory_outlives_its_last_file_if_it_stays() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("d/only.txt", "x");
    settle(&[&laptop, &desktop]);
    laptop.remove("d/only.txt");
    settle(&[&laptop, &desktop]);
    let tree = same_tree(&[&laptop, &desktop]);
    assert_eq!(tree.0.get("d"), Some(&Node::Directory), "{tree:?}");
}

#[test]
fn directory_emptied_in_the_bucket_by_others_vanishes() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("d/e/only.txt", "x");
    laptop.write("stays.txt", "y");
    laptop.sync();
    world.bucket.delete(&["d/e/only.txt"]);
    laptop.sync();
    laptop.tree().is(&[("stays.txt", "y")]);
    assert!(!laptop.tree().has("d"), "{:?}", laptop.tree());
}

#[test]
fn t18_relative_links_travel_as_links() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("d/target.txt", "x");
    laptop.link("to file", "d/target.txt");
    laptop.link("to directory", "d");
    laptop.link("broken", "nowhere");
    laptop.link("d/up", "../to file");
    settle(&[&laptop, &desktop]);
    let tree = same_tree(&[&laptop, &desktop]);
    tree.is(&[
        ("broken", "-> nowhere"),
        ("d/target.txt", "x"),
        ("d/up", "-> ../to file"),
        ("to directory", "-> d"),
        ("to file", "-> d/target.txt"),
    ]);
    world.bucket.holds(&tree);
}

#[test]
fn t18_links_that_lead_outside_stay_where_they_are() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("a.txt", "a");
    laptop.link("absolute", "/etc/passwd");
    laptop.link("upwards", "../../outside");
    laptop.link("loop", "loop");
    laptop.try_sync(&[]).exits_with_one_of(&[0, 5]);
    desktop.try_sync(&[]).exits_with_one_of(&[0, 5]);
    let tree = desktop.tree();
    assert!(tree.has("a.txt") && !tree.has("absolute") && !tree.has("upwards"), "{tree:?}");
    assert!(laptop.tree().has("absolute"), "what is not synced stays");
}

#[test]
fn t21_special_files_are_left_out() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("a.txt", "a");
    let pipe = laptop.path("pipe");
    s4_tests::process::run(std::process::Command::new("mkfifo").arg(&pipe)).exits(0);
    laptop.try_sync(&[]).exits_with_one_of(&[0, 5]);
    assert_eq!(world.bucket.paths(), ["a.txt"]);
    assert!(pipe.exists());
}

#[test]
fn t22_executable_bit_travels_alone() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("run", "#!/bin/sh\n");
    settle(&[&laptop, &desktop]);
    for (mode, is_program) in [(0o755, true), (0o644, false)] {
        laptop.set_mode("run", mode);
        settle(&[&laptop, &desktop]);
        let tree = same_tree(&[&laptop, &desktop]);
        assert_eq!(matches!(tree.0["run"], Node::Program(_)), is_program, "mode {mode:o}");
    }
}

#[test]
fn t17_downloads_are_never_setuid() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("run", "x");
    laptop.set_mode("run", 0o6755);
    settle(&[&laptop, &desktop]);
    let mode = desktop.path("run").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7000, 0, "mode {mode:o}");
}

#[test]
fn t34_file_becomes_directory_and_back() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("thing", "a file");
    settle(&[&laptop, &desktop]);
    laptop.remove("thing");
    laptop.write("thing/inside", "now a directory");
    settle(&[&laptop, &desktop]);
    same_tree(&[&laptop, &desktop]).is(&[("thing/inside", "now a directory")]);
    desktop.remove("thing");
    desktop.write("thing", "a file again");
    settle(&[&desktop, &laptop]);
    let tree = same_tree(&[&laptop, &desktop]);
    tree.is(&[("thing", "a file again")]);
    world.bucket.holds(&tree);
}

#[test]
fn t34_edit_inside_survives_the_other_side_making_it_a_file() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("thing/inside", "one");
    settle(&[&laptop, &desktop]);
    laptop.remove("thing");
    laptop.write("thing", "a file");
    desktop.write("thing/inside", "edited");
    for machine in [&laptop, &desktop, &laptop, &desktop, &laptop, &desktop] {
        machine.try_sync(&["--conflicts", "keep-both"]).exits_with_one_of(&[0, 5]);
    }
    let everything: Vec<u8> = laptop.tree().contents().concat();
    let everything = String::from_utf8(everything).unwrap();
    assert!(everything.contains("edited") && everything.contains("a file"), "{:?}", laptop.tree());
}

#[test]
fn t43_new_file_inside_keeps_its_directory() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("d/old", "old");
    settle(&[&laptop, &desktop]);
    laptop.remove("d");
    desktop.write("d/new", "new");
    settle(&[&laptop, &desktop]);
    settle(&[&laptop, &desktop]);
    same_tree(&[&laptop, &desktop]).is(&[("d/new", "new")]);
}

#[test]
fn t14_link_to_a_directory_is_removed_without_what_it_points_to() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("d/a", "a");
    laptop.link("link", "d");
    settle(&[&laptop, &desktop]);
    laptop.remove("link");
    settle(&[&laptop, &desktop]);
    same_tree(&[&laptop, &desktop]).is(&[("d/a", "a")]);
}
