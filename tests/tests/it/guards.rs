//! Many deletions at once stop and ask.

use s4_tests::{machine::Machine, world::World};

fn with_files(world: &World, count: usize) -> Machine {
    let laptop = world.connected("laptop");
    for n in 0..count {
        laptop.write(&format!("d{}/f{n}", n % 4), format!("file {n}"));
    }
    laptop.sync();
    laptop
}

#[test]
fn t53_mass_deletion_on_disk_halts_until_forced() {
    let world = World::new();
    let laptop = with_files(&world, 60);
    for n in 0..30 {
        laptop.remove(&format!("d{}/f{n}", n % 4));
    }
    laptop.try_sync(&[]).exits(4).says("30");
    assert_eq!(world.bucket.paths().len(), 60);
    laptop.try_sync(&["--force"]).exits(0);
    assert_eq!(world.bucket.paths().len(), 30);
}

#[test]
fn t53_mass_deletion_in_the_bucket_halts_unless_allowed() {
    let world = World::new();
    let laptop = with_files(&world, 60);
    let gone: Vec<String> = (0..30).map(|n| format!("d{}/f{n}", n % 4)).collect();
    world.bucket.delete(&gone.iter().map(String::as_str).collect::<Vec<_>>());
    laptop.try_sync(&[]).exits(4);
    assert_eq!(laptop.tree().file_paths().len(), 60);
    laptop.try_sync(&["--max-delete", "60%"]).exits(0);
    assert_eq!(laptop.tree().file_paths().len(), 30);
}

#[test]
fn t53_deletions_in_small_steps_are_counted_together() {
    let world = World::new();
    let laptop = with_files(&world, 60);
    for n in 0..20 {
        laptop.remove(&format!("d{}/f{n}", n % 4));
    }
    laptop.sync();
    for n in 20..40 {
        laptop.remove(&format!("d{}/f{n}", n % 4));
    }
    laptop.try_sync(&[]).exits(4);
    assert_eq!(world.bucket.paths().len(), 40);
}

#[test]
fn t53_renames_are_no_deletions() {
    let world = World::new();
    let laptop = with_files(&world, 60);
    for d in 0..4 {
        laptop.rename(&format!("d{d}"), &format!("renamed/d{d}"));
    }
    laptop.sync();
    world.bucket.holds(&laptop.tree());
}

#[test]
fn deleted_files_wait_in_the_trash() {
    let world = World::new();
    let laptop = with_files(&world, 4);
    world.bucket.delete(&["d0/f0"]);
    laptop.sync();
    assert!(!laptop.tree().has("d0/f0"));
    laptop.s4(&["trash", "list", "documents"]).exits(0).says("d0/f0");
    laptop.s4(&["trash", "restore", "documents", "d0/f0"]).exits(0);
    assert_eq!(laptop.tree().text("d0/f0"), "file 0");
}
