//! Two computers and a bucket: what happens on one happens on the other.

use s4_tests::{
    machine::{same_tree, settle},
    world::World,
};

#[test]
fn new_files_travel_both_ways() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("a.txt", "from the laptop");
    laptop.write("deep/down/b.txt", "further down");
    desktop.write("c.txt", "from the desktop");
    settle(&[&laptop, &desktop]);
    let tree = same_tree(&[&laptop, &desktop]);
    tree.is(&[
        ("a.txt", "from the laptop"),
        ("c.txt", "from the desktop"),
        ("deep/down/b.txt", "further down"),
    ]);
    world.bucket.holds(&tree);
}

#[test]
fn edits_and_deletes_travel() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("edited.txt", "one");
    laptop.write("deleted.txt", "gone soon");
    laptop.write("kept.txt", "stays");
    settle(&[&laptop, &desktop]);
    desktop.write("edited.txt", "two");
    desktop.remove("deleted.txt");
    settle(&[&desktop, &laptop]);
    let tree = same_tree(&[&laptop, &desktop]);
    tree.is(&[("edited.txt", "two"), ("kept.txt", "stays")]);
    world.bucket.holds(&tree);
}

#[test]
fn nothing_to_do_is_nothing_done() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("a.txt", "a");
    laptop.make_directory("empty");
    settle(&[&laptop, &desktop]);
    let before = world.bucket.objects();
    laptop.sync().never_says("Updating").never_says("Creating").never_says("Deleting");
    desktop.sync();
    assert_eq!(world.bucket.objects(), before);
}

#[test]
fn t23_touch_moves_nothing() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("a.txt", "same bytes");
    laptop.sync();
    let before = world.bucket.objects();
    laptop.write("a.txt", "same bytes");
    laptop.sync();
    assert_eq!(world.bucket.objects(), before);
}

#[test]
fn t25_older_file_put_back_is_a_change() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("a.txt", "new");
    settle(&[&laptop, &desktop]);
    laptop.write("a.txt", "old");
    let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    let file = std::fs::File::options().write(true).open(laptop.path("a.txt")).unwrap();
    file.set_modified(long_ago).unwrap();
    settle(&[&laptop, &desktop]);
    assert_eq!(desktop.tree().text("a.txt"), "old");
    assert_eq!(desktop.path("a.txt").metadata().unwrap().modified().unwrap(), long_ago);
}

#[test]
fn t24_change_that_keeps_size_and_mtime_is_found() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("a.txt", "aaaa");
    settle(&[&laptop, &desktop]);
    let modified = laptop.path("a.txt").metadata().unwrap().modified().unwrap();
    laptop.write("a.txt", "bbbb");
    let file = std::fs::File::options().write(true).open(laptop.path("a.txt")).unwrap();
    file.set_modified(modified).unwrap();
    settle(&[&laptop, &desktop]);
    assert_eq!(desktop.tree().text("a.txt"), "bbbb");
}

#[test]
fn t28_empty_and_large_files_arrive_whole() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    let large = s4_tests::random::Random::new(28).bytes(40 << 20);
    laptop.write("empty", "");
    laptop.write("large", &large);
    settle(&[&laptop, &desktop]);
    let tree = same_tree(&[&laptop, &desktop]);
    assert!(tree.0["large"].content() == Some(&large), "40 MiB differ");
    assert_eq!(tree.text("empty"), "");
}

#[test]
fn t35_renames_move_no_content() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    for (path, content) in
        [("a", "1"), ("b", "2"), ("c", "3"), ("x", "4"), ("y", "5"), ("d/e", "6"), ("d/f", "7")]
    {
        laptop.write(path, content);
    }
    settle(&[&laptop, &desktop]);
    // A chain, a swap, and a directory with an edit inside, all at once.
    laptop.rename("c", "c2");
    laptop.rename("b", "c");
    laptop.rename("a", "b");
    laptop.rename("x", "z");
    laptop.rename("y", "x");
    laptop.rename("z", "y");
    laptop.rename("d", "new/place");
    laptop.write("new/place/f", "8");
    settle(&[&laptop, &desktop]);
    let tree = same_tree(&[&laptop, &desktop]);
    let expected = [
        ("b", "1"),
        ("c", "2"),
        ("c2", "3"),
        ("new/place/e", "6"),
        ("new/place/f", "8"),
        ("x", "5"),
        ("y", "4"),
    ];
    tree.is(&expected);
    assert!(!tree.has("d"), "the old directory is still there: {tree:?}");
    world.bucket.holds(&tree);
}

#[test]
fn t04_case_only_rename_is_a_rename() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("readme", "text");
    laptop.write("dir/a", "a");
    settle(&[&laptop, &desktop]);
    laptop.rename("readme", "README");
    laptop.rename("dir", "Dir");
    settle(&[&laptop, &desktop]);
    same_tree(&[&laptop, &desktop]).is(&[("Dir/a", "a"), ("README", "text")]);
}

#[test]
fn t36_moved_and_edited_arrives_so() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("before", "text");
    settle(&[&laptop, &desktop]);
    laptop.rename("before", "after");
    laptop.write("after", "more text");
    settle(&[&laptop, &desktop]);
    same_tree(&[&laptop, &desktop]).is(&[("after", "more text")]);
}

#[test]
fn dry_run_says_what_would_happen_and_does_nothing() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("a.txt", "a");
    laptop.try_sync(&["--dry-run"]).exits(0).says("a.txt");
    assert!(world.bucket.objects().is_empty());
}

#[test]
fn server_killed_and_restarted_loses_nothing() {
    let mut world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("a.txt", "acknowledged");
    laptop.sync();
    world.server.kill_and_restart();
    desktop.sync();
    assert_eq!(desktop.tree().text("a.txt"), "acknowledged");
}
