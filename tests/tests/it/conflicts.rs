//! Both sides changed: what each policy keeps, and that nothing is lost on the way.

use s4_tests::{
    machine::{Machine, same_tree, settle},
    process::Run,
    world::World,
};

/// Makes `notes.txt` differ: "remote" in the bucket, from the laptop, an hour old, and "local" on the desktop.
fn conflict(world: &World) -> (Machine, Machine) {
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("notes.txt", "base");
    settle(&[&laptop, &desktop]);
    laptop.write("notes.txt", "remote");
    let hour = std::time::Duration::from_secs(3600);
    set_age(&laptop, hour);
    laptop.sync();
    desktop.write("notes.txt", "local");
    (laptop, desktop)
}

/// Syncs the desktop by a policy and returns what `notes.txt` is everywhere afterwards.
#[track_caller]
fn check(policy: &str, expected: &str) {
    let world = World::new();
    let (laptop, desktop) = conflict(&world);
    desktop.try_sync(&["--conflicts", policy]).exits(0);
    laptop.sync();
    same_tree(&[&laptop, &desktop]).is(&[("notes.txt", expected)]);
}

/// Sets how long ago `notes.txt` was written.
fn set_age(machine: &Machine, age: std::time::Duration) {
    let file = std::fs::File::options().write(true).open(machine.path("notes.txt")).unwrap();
    file.set_modified(std::time::SystemTime::now() - age).unwrap();
}

#[track_caller]
fn both_are_there(machine: &Machine) {
    let tree = machine.tree();
    let mut contents = tree.contents();
    contents.sort_unstable();
    assert_eq!(contents, [b"local".as_slice(), b"remote"], "{tree:?}");
}

#[test]
fn policies_keep_what_they_say() {
    check("local", "local");
    check("remote", "remote");
    // The desktop wrote last.
    check("newest", "local");
}

#[test]
fn newest_asks_when_times_are_too_close_to_tell() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("notes.txt", "remote");
    laptop.sync();
    desktop.write("notes.txt", "local");
    let modified = laptop.path("notes.txt").metadata().unwrap().modified().unwrap();
    let file = std::fs::File::options().write(true).open(desktop.path("notes.txt")).unwrap();
    file.set_modified(modified + std::time::Duration::from_millis(1500)).unwrap();
    desktop.try_sync(&["--conflicts", "newest"]).exits(3).says("notes.txt");
    assert_eq!(desktop.tree().text("notes.txt"), "local");
}

#[test]
fn original_policy_names_work() {
    check("1", "local");
    check("2", "remote");
}

#[test]
fn t41_keep_both_gives_the_local_one_a_name_of_its_own() {
    let world = World::new();
    let (laptop, desktop) = conflict(&world);
    desktop.try_sync(&["--conflicts", "keep-both"]).exits(0);
    laptop.sync();
    let tree = same_tree(&[&laptop, &desktop]);
    assert_eq!(tree.text("notes.txt"), "remote");
    let other = tree.file_paths()[0];
    assert!(other.starts_with("notes (conflict ") && other.ends_with(").txt"), "{other}");
    assert_eq!(tree.text(other), "local");
    world.bucket.holds(&tree);
}

#[test]
fn t41_equal_content_is_no_conflict() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("same.txt", "equal");
    desktop.write("same.txt", "equal");
    settle(&[&laptop, &desktop]);
    same_tree(&[&laptop, &desktop]).is(&[("same.txt", "equal")]);
}

#[test]
fn t41_new_on_both_sides_with_different_content_conflicts() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("notes.txt", "remote");
    laptop.sync();
    desktop.write("notes.txt", "local");
    desktop.try_sync(&["--conflicts", "keep-both"]).exits(0);
    both_are_there(&desktop);
}

#[test]
fn asking_without_a_terminal_changes_nothing_and_says_so() {
    let world = World::new();
    let (laptop, desktop) = conflict(&world);
    desktop.write("other.txt", "goes on");
    desktop.try_sync(&[]).exits(3).says("notes.txt");
    assert_eq!(desktop.tree().text("notes.txt"), "local");
    laptop.sync();
    assert_eq!(laptop.tree().text("notes.txt"), "remote");
    assert_eq!(laptop.tree().text("other.txt"), "goes on");
    desktop.try_sync(&["--conflicts", "ignore"]).exits(3);
    assert_eq!(desktop.tree().text("notes.txt"), "local");
}

#[test]
fn conflict_is_listed_and_resolved_by_command() {
    for (keep, expected) in
        [("local", vec!["local"]), ("remote", vec!["remote"]), ("both", vec!["local", "remote"])]
    {
        let world = World::new();
        let (laptop, desktop) = conflict(&world);
        desktop.try_sync(&[]).exits(3);
        desktop.s4(&["conflicts", "documents"]).says("notes.txt");
        desktop.s4(&["resolve", "documents", "notes.txt", "--keep", keep]).exits(0);
        settle(&[&desktop, &laptop]);
        let tree = same_tree(&[&laptop, &desktop]);
        let mut contents = tree.contents();
        contents.sort_unstable();
        assert_eq!(
            contents,
            expected.iter().map(|text| text.as_bytes()).collect::<Vec<_>>(),
            "--keep {keep}"
        );
        desktop.s4(&["conflicts", "documents"]).exits(0).never_says("notes.txt");
    }
}

#[test]
fn decision_is_void_when_a_side_changed_since() {
    let world = World::new();
    let (_laptop, desktop) = conflict(&world);
    desktop.try_sync(&[]).exits(3);
    desktop.s4(&["resolve", "documents", "notes.txt", "--keep", "remote"]).exits(0);
    // Resolving may act at once or at the next sync; either way, what is written now was never decided about.
    desktop.write("notes.txt", "written after the decision");
    desktop.try_sync(&[]).exits_with_one_of(&[0, 3]);
    assert_eq!(desktop.tree().text("notes.txt"), "written after the decision");
}

#[test]
fn t42_an_edit_beats_a_delete_on_either_side() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("a", "1");
    laptop.write("b", "1");
    settle(&[&laptop, &desktop]);
    laptop.remove("a");
    laptop.write("b", "2");
    desktop.write("a", "2");
    desktop.remove("b");
    settle(&[&laptop, &desktop]);
    settle(&[&laptop, &desktop]);
    same_tree(&[&laptop, &desktop]).is(&[("a", "2"), ("b", "2")]);
}

#[test]
fn t43_deleted_on_both_sides_is_gone() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("a", "1");
    laptop.write("b", "1");
    settle(&[&laptop, &desktop]);
    laptop.remove("a");
    desktop.remove("a");
    settle(&[&laptop, &desktop]);
    same_tree(&[&laptop, &desktop]).is(&[("b", "1")]);
}

#[test]
fn t44_rename_against_edit_loses_neither() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("before", "1");
    settle(&[&laptop, &desktop]);
    laptop.rename("before", "after");
    desktop.write("before", "2");
    settle(&[&laptop, &desktop]);
    settle(&[&laptop, &desktop]);
    let tree = same_tree(&[&laptop, &desktop]);
    assert!(tree.contents().contains(&b"2".as_slice()), "{tree:?}");
}

#[test]
fn t44_two_names_for_one_file_are_both_kept() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("before", "1");
    settle(&[&laptop, &desktop]);
    laptop.rename("before", "left");
    desktop.rename("before", "right");
    settle(&[&laptop, &desktop]);
    settle(&[&laptop, &desktop]);
    let tree = same_tree(&[&laptop, &desktop]);
    assert!(tree.contents().contains(&b"1".as_slice()) && !tree.has("before"), "{tree:?}");
}

#[test]
fn t45_conflict_of_a_conflict_copy_makes_no_chain() {
    let world = World::new();
    let (laptop, desktop) = conflict(&world);
    desktop.try_sync(&["--conflicts", "keep-both"]).exits(0);
    laptop.sync();
    let copy = desktop.tree().file_paths()[0].to_owned();
    laptop.write(&copy, "copy, laptop");
    laptop.sync();
    desktop.write(&copy, "copy, desktop");
    desktop.try_sync(&["--conflicts", "keep-both"]).exits(0);
    laptop.sync();
    let tree = same_tree(&[&laptop, &desktop]);
    assert_eq!(tree.file_paths().len(), 3, "{tree:?}");
    for path in tree.file_paths() {
        assert!(path.matches("(conflict").count() <= 1, "{path}");
    }
}

#[test]
fn replaced_versions_stay_recoverable() {
    let world = World::unversioned();
    let (_laptop, desktop) = conflict(&world);
    desktop.try_sync(&["--conflicts", "remote"]).exits(0);
    let trash = desktop.s4(&["trash", "list", "documents"]).exits(0);
    trash.says("notes.txt");
    let listed: Run = desktop.s4(&["trash", "restore", "documents", "notes.txt"]);
    listed.exits(0);
    assert!(desktop.tree().contents().contains(&b"local".as_slice()), "{:?}", desktop.tree());
}

#[test]
fn merge_is_refused_as_not_there_yet() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.try_sync(&["--conflicts", "merge"]).exits(2).says("merge");
}
