//! What a baseline belongs to: when folder, bucket or drive are not the ones it describes, the next run is a union.

use std::fs;

use s4_tests::{
    machine::{Machine, copy_exactly, same_tree, settle},
    world::World,
};

/// Returns a computer in sync with two files.
fn in_sync(world: &World) -> Machine {
    let laptop = world.connected("laptop");
    laptop.write("a", "a");
    laptop.write("d/b", "b");
    laptop.sync();
    laptop
}

#[test]
fn edit_of_the_prefix_makes_a_union() {
    let world = World::new();
    let laptop = in_sync(&world);
    let other = world.bucket.at("elsewhere");
    other.put(&[("c", b"c")]);
    laptop.s4(&["edit", "documents", "--remote", &other.uri()]).exits(0);
    laptop.sync();
    laptop.tree().is(&[("a", "a"), ("c", "c"), ("d/b", "b")]);
    other.holds(&laptop.tree());
    assert_eq!(world.bucket.paths(), ["a", "d/b"], "the old prefix keeps what it had");
}

#[test]
fn edit_of_the_bucket_makes_a_union() {
    let world = World::new();
    let laptop = in_sync(&world);
    let other = s4_tests::bucket::Bucket::create_unversioned(&world.server.access, "another", "shared");
    laptop.s4(&["edit", "documents", "--remote", &other.uri()]).exits(0);
    laptop.sync();
    laptop.tree().is(&[("a", "a"), ("d/b", "b")]);
    other.holds(&laptop.tree());
}

#[test]
fn edit_of_the_endpoint_makes_a_union() {
    let world = World::new();
    let laptop = in_sync(&world);
    let elsewhere = World::new();
    elsewhere.bucket.put(&[("c", b"c")]);
    let mut laptop = laptop;
    laptop.use_access(&elsewhere.server.access);
    laptop.s4(&["edit", "documents", "--endpoint", &elsewhere.server.access.endpoint]).exits(0);
    laptop.sync();
    laptop.tree().is(&[("a", "a"), ("c", "c"), ("d/b", "b")]);
    elsewhere.bucket.holds(&laptop.tree());
}

#[test]
fn edit_to_another_folder_makes_a_union() {
    let world = World::new();
    let mut laptop = in_sync(&world);
    let other = world.join("other folder");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("c"), "c").unwrap();
    laptop.s4(&["edit", "documents", "--local", &other.to_string_lossy()]).exits(0);
    laptop.move_to(&other);
    laptop.sync();
    laptop.tree().is(&[("a", "a"), ("c", "c"), ("d/b", "b")]);
}

#[test]
fn t54_edit_to_the_moved_folder_keeps_the_baseline() {
    let world = World::new();
    let mut laptop = in_sync(&world);
    let moved = world.join("moved");
    fs::rename(laptop.folder(), &moved).unwrap();
    laptop.s4(&["edit", "documents", "--local", &moved.to_string_lossy()]).exits(0);
    laptop.move_to(&moved);
    // Only with the baseline is a file that is gone a deletion.
    laptop.remove("a");
    laptop.sync();
    laptop.tree().is(&[("d/b", "b")]);
    assert_eq!(world.bucket.paths(), ["d/b"]);
}

#[test]
fn t67_yesterdays_backup_over_today_deletes_nothing() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("old", "old");
    laptop.write("edited", "yesterday");
    settle(&[&laptop, &desktop]);
    let backup = world.join("backup");
    copy_exactly(laptop.folder(), &backup);

    laptop.write("new", "written today");
    laptop.write("edited", "today");
    settle(&[&laptop, &desktop]);
    fs::remove_dir_all(laptop.folder()).unwrap();
    copy_exactly(&backup, laptop.folder());

    laptop.try_sync(&["--conflicts", "keep-both"]).exits(0);
    settle(&[&laptop, &desktop]);
    let tree = same_tree(&[&laptop, &desktop]);
    assert_eq!(tree.text("new"), "written today", "what the backup lacks is not deleted");
    let contents = tree.contents();
    assert!(contents.contains(&b"today".as_slice()), "{tree:?}");
    assert!(contents.contains(&b"yesterday".as_slice()), "what the person restored is kept too: {tree:?}");
}

#[test]
fn t67_copied_folder_is_a_replica_of_its_own() {
    let world = World::new();
    let laptop = in_sync(&world);
    // The whole home is copied to a second computer, configuration, state and all.
    let mut desktop = world.machine("desktop");
    fs::remove_dir_all(desktop.home()).unwrap();
    copy_exactly(laptop.home(), desktop.home());
    let folder = desktop.folder().to_path_buf();
    desktop.s4(&["edit", "documents", "--local", &folder.to_string_lossy()]).exits(0);
    desktop.move_to(&folder);

    laptop.write("from laptop", "l");
    desktop.write("from desktop", "d");
    laptop.remove("a");
    settle(&[&laptop, &desktop]);
    settle(&[&laptop, &desktop]);
    let tree = same_tree(&[&laptop, &desktop]);
    assert_eq!(tree.text("from laptop"), "l");
    assert_eq!(tree.text("from desktop"), "d");
    assert_eq!(tree.text("d/b"), "b");
}

#[test]
fn t67_folder_copied_with_a_new_configuration_loses_nothing() {
    let world = World::new();
    let laptop = in_sync(&world);
    let desktop = world.machine("desktop");
    fs::remove_dir_all(desktop.folder()).unwrap();
    copy_exactly(laptop.folder(), desktop.folder());
    desktop.add(&world.bucket);
    laptop.write("a", "laptop's");
    desktop.write("d/b", "desktop's");
    settle(&[&laptop, &desktop]);
    same_tree(&[&laptop, &desktop]).is(&[("a", "laptop's"), ("d/b", "desktop's")]);
}

#[test]
fn t55_one_drive_used_by_two_computers_in_turn_goes_on() {
    let world = World::new();
    let laptop = in_sync(&world);
    let desktop = laptop.with_same_folder("desktop");
    desktop.add(&world.bucket);
    for round in 0..3 {
        for machine in [&laptop, &desktop] {
            machine.write(&format!("round {round}"), format!("{}", machine.home().display()));
            machine.sync();
        }
    }
    laptop.remove("a");
    laptop.sync();
    desktop.remove("d/b");
    desktop.sync();
    let tree = laptop.tree();
    assert_eq!(tree.file_paths(), ["round 0", "round 1", "round 2"], "deletions are deletions on both");
    world.bucket.holds(&tree);
}

#[test]
fn t67_corrupt_state_is_set_aside_and_deletes_nothing() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("a", "a");
    laptop.write("b", "b");
    settle(&[&laptop, &desktop]);
    desktop.remove("a");
    desktop.sync();
    for name in ["state.db-wal", "state.db-shm"] {
        drop(fs::remove_file(laptop.path(".s4").join(name)));
    }
    fs::write(laptop.path(".s4/state.db"), b"this is no database, not even a broken one").unwrap();
    laptop.try_sync(&[]).exits(0).says("state.db");
    laptop.tree().is(&[("a", "a"), ("b", "b")]);
    world.bucket.holds(&laptop.tree());
}

#[test]
fn t68_state_of_a_newer_version_is_refused() {
    let world = World::new();
    let laptop = in_sync(&world);
    let set_version = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA user_version = 9999'); \
                       c.commit(); c.close()";
    let mut python = std::process::Command::new(s4_tests::places::client("python"));
    s4_tests::process::run(python.args(["-c", set_version]).arg(laptop.path(".s4/state.db"))).exits(0);
    let before = fs::read(laptop.path(".s4/state.db")).unwrap();
    laptop.try_sync(&[]).exits_with_one_of(&[1, 4]).says("newer");
    assert_eq!(fs::read(laptop.path(".s4/state.db")).unwrap(), before);
}
