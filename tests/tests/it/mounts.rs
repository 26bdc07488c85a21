//! Drives that come, go and fill up. Mounts are made where no other process sees them.

use s4_tests::world::World;

#[test]
fn t51_drive_that_is_not_mounted_deletes_nothing() {
    let world = World::new();
    let laptop = world.connected("laptop");
    let run = laptop.shell_with_mounts(
        r#"
        mount -t tmpfs drive "$FOLDER"
        echo a >"$FOLDER/a"; mkdir "$FOLDER/d"; echo b >"$FOLDER/d/b"
        "$S4" sync
        umount "$FOLDER"
        "$S4" sync && exit 90 || echo "status $?"
        "#,
    );
    run.exits(0).says("status 4");
    assert_eq!(world.bucket.paths(), ["a", "d/b"]);
    assert!(laptop.tree().0.is_empty(), "nothing is written into the mount point: {:?}", laptop.tree());
}

#[test]
fn t51_submount_is_left_out_and_its_absence_deletes_nothing() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("a", "a");
    laptop.write("d/b", "b");
    laptop.write("d/c", "c");
    laptop.sync();
    // An empty drive over a synced directory hides it; that is no deletion.
    let run = laptop.shell_with_mounts(
        r#"
        mount -t tmpfs drive "$FOLDER/d"
        "$S4" sync || echo "status $?"
        "#,
    );
    run.exits(0);
    assert_eq!(world.bucket.paths(), ["a", "d/b", "d/c"]);
    laptop.sync();
    laptop.tree().is(&[("a", "a"), ("d/b", "b"), ("d/c", "c")]);
}

#[test]
fn cross_mounts_syncs_what_is_mounted_below() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.s4(&["edit", "documents", "--cross-mounts", "on"]).exits(0);
    laptop.make_directory("d");
    let run = laptop.shell_with_mounts(
        r#"
        mount -t tmpfs drive "$FOLDER/d"
        echo b >"$FOLDER/d/b"
        "$S4" sync
        "#,
    );
    run.exits(0);
    assert_eq!(world.bucket.paths(), ["d/b"]);
    // The drive went with that shell: its files are neither here nor deleted.
    laptop.s4(&["sync"]).exits(5).says("what was mounted here is gone");
    assert_eq!(world.bucket.paths(), ["d/b"]);
}

#[test]
fn t61_full_disk_breaks_no_file() {
    let world = World::new();
    let laptop = world.connected("laptop");
    let large = s4_tests::random::Random::new(61).bytes(8 << 20);
    world.bucket.put(&[("large", &large), ("small", b"small")]);
    let run = laptop.shell_with_mounts(
        r#"
        mount -t tmpfs -o size=4m drive "$FOLDER"
        "$S4" sync && exit 90 || echo "status $?"
        test ! -e "$FOLDER/large"
        mount -o remount,size=64m "$FOLDER"
        "$S4" sync
        cat "$FOLDER/small"
        wc -c <"$FOLDER/large"
        "#,
    );
    run.exits(0).says("small").says(&large.len().to_string());
}

#[test]
fn t61_read_only_folder_still_uploads_nothing_wrong() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("a", "a");
    laptop.sync();
    world.bucket.put(&[("b", b"b")]);
    let run = laptop.shell_with_mounts(
        r#"
        mount --bind "$FOLDER" "$FOLDER"
        mount -o remount,ro,bind "$FOLDER"
        "$S4" sync && exit 90 || echo "status $?"
        "#,
    );
    run.exits(0).says("status 1");
    assert_eq!(world.bucket.paths(), ["a", "b"]);
    laptop.sync();
    laptop.tree().is(&[("a", "a"), ("b", "b")]);
}
