//! Ignored files are left alone on both sides; ignoring deletes nothing.

use s4_tests::{
    machine::{same_tree, settle},
    world::World,
};

#[test]
fn t56_ignoring_a_synced_file_deletes_nothing() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("keep.txt", "k");
    laptop.write("build/out.o", "o");
    settle(&[&laptop, &desktop]);
    laptop.write(".syncignore", "build/\n");
    settle(&[&laptop, &desktop]);
    for tree in [laptop.tree(), desktop.tree()] {
        assert!(tree.has("build/out.o"), "{tree:?}");
    }
    assert!(world.bucket.objects().contains_key("build/out.o"));
    laptop.write("build/out.o", "not synced any more");
    settle(&[&laptop, &desktop]);
    assert_eq!(desktop.tree().text("build/out.o"), "o");
    // Un-ignored, the path meets again as for the first time.
    desktop.write(".syncignore", "");
    desktop.sync();
    laptop.try_sync(&["--conflicts", "keep-both"]).exits(0);
    laptop.try_sync(&["--conflicts", "keep-both"]).exits(0);
    let contents = laptop.tree();
    assert!(contents.contents().contains(&b"not synced any more".as_slice()), "{contents:?}");
}

#[test]
fn t56_only_prune_ignored_deletes_from_the_bucket() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("a.log", "log");
    laptop.write("b.txt", "text");
    laptop.sync();
    laptop.write(".syncignore", "*.log\n");
    laptop.sync();
    assert!(world.bucket.objects().contains_key("a.log"));
    laptop.try_sync(&["--prune-ignored"]).exits(0);
    assert!(!world.bucket.objects().contains_key("a.log"));
    assert!(laptop.tree().has("a.log"), "the file on disk stays");
}

#[test]
fn rules_know_anchors_negation_and_comments() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write(".syncignore", "# comment\n/out\n*.log\n!important.log\n");
    for path in ["out/a", "deep/out/b", "x.log", "important.log"] {
        laptop.write(path, path);
    }
    laptop.sync();
    assert_eq!(world.bucket.paths(), [".syncignore", "deep/out/b", "important.log"]);
}

#[test]
fn t32_temporary_files_stay_here() {
    let world = World::new();
    let laptop = world.connected("laptop");
    for path in
        ["~$report.docx", ".report.txt.swp", "film.part", "film.crdownload", ".DS_Store", "report.docx"]
    {
        laptop.write(path, path);
    }
    laptop.sync();
    assert_eq!(world.bucket.paths(), ["report.docx"]);
}

#[test]
fn exclude_holds_on_this_machine_only() {
    let world = World::new();
    let laptop = world.machine("laptop");
    laptop.add(&world.bucket);
    laptop.s4(&["edit", "documents", "--exclude", "*.iso"]).exits(0);
    laptop.write("big.iso", "iso");
    laptop.sync();
    assert!(world.bucket.paths().is_empty());
    let desktop = world.connected("desktop");
    desktop.write("other.iso", "iso");
    desktop.write("a", "a");
    desktop.sync();
    laptop.sync();
    assert!(!laptop.tree().has("other.iso"));
    assert!(desktop.tree().has("other.iso") && !desktop.tree().has("big.iso"));
}

#[test]
fn own_directory_and_the_originals_files_are_never_synced() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    laptop.write("sub/.s4/x", "x");
    laptop.write(".index", "i");
    laptop.write(".s4lock", "");
    laptop.write("a", "a");
    settle(&[&laptop, &desktop]);
    assert_eq!(world.bucket.paths(), ["a"]);
    same_tree(&[&desktop]).is(&[("a", "a")]);
}

#[test]
fn unreadable_rules_halt() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("a", "a");
    laptop.make_directory(".syncignore");
    laptop.try_sync(&[]).exits(4).says(".syncignore");
    assert!(world.bucket.paths().is_empty());
}
