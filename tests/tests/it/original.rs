//! The original S4, in Python, beside ours: its configuration works, and both may use one prefix or one folder.

use std::{fs, process::Command, time::UNIX_EPOCH};

use s4_tests::{
    machine::Machine,
    places,
    process::{self, Run},
    world::World,
};

/// Writes a `sync.conf` as the original does, keys and all.
fn write_original_conf(machine: &Machine, world: &World) {
    let access = &world.server.access;
    let document = serde_json::json!({"targets": {"documents": {
        "local_folder": machine.folder(),
        "endpoint_url": access.endpoint,
        "s3_uri": world.bucket.uri(),
        "region_name": access.region,
        "aws_access_key_id": access.key_id,
        "aws_secret_access_key": access.secret,
    }}});
    let conf = machine.sync_conf();
    fs::create_dir_all(conf.parent().unwrap()).unwrap();
    fs::write(conf, document.to_string()).unwrap();
}

/// Runs the original on a computer, and waits until the clock shows another second.
///
/// It compares times in whole seconds: what changes on either side within the second of its sync it takes for the old.
#[track_caller]
fn original_sync(machine: &Machine) -> Run {
    let mut command = Command::new(places::original("s4"));
    command.args(["sync", "documents"]).env("HOME", machine.home()).current_dir(machine.home());
    let run = process::run(&mut command).exits(0).never_says("Traceback").never_says("Conflict");
    // Stamps come from a clock of their own, a little behind the one that programs read.
    let second = || {
        let probe = machine.home().join("clock");
        fs::write(&probe, "").unwrap();
        let modified = probe.metadata().unwrap().modified().unwrap();
        modified.duration_since(UNIX_EPOCH).unwrap().as_secs()
    };
    let ended = second();
    process::until("the clock of the disk goes on", || second() > ended);
    run
}

/// Runs ours with nothing in the environment but the file.
#[track_caller]
fn our_sync(machine: &Machine) -> Run {
    let mut command = machine.command(&["sync", "documents"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    process::run(&mut command).exits(0)
}

#[test]
fn configuration_of_the_original_works_unchanged() {
    let world = World::new();
    let laptop = world.machine("laptop");
    write_original_conf(&laptop, &world);
    let conf = fs::read(laptop.sync_conf()).unwrap();
    laptop.write("a", "a");
    our_sync(&laptop).never_says(&world.server.access.secret);
    assert_eq!(world.bucket.paths(), ["a"]);
    assert_eq!(fs::read(laptop.sync_conf()).unwrap(), conf);
}

#[test]
fn both_alternate_on_one_prefix() {
    let world = World::new();
    let (theirs, ours) = (world.machine("theirs"), world.machine("ours"));
    write_original_conf(&theirs, &world);
    write_original_conf(&ours, &world);

    theirs.write("a", "by the original");
    theirs.write("d/b", "by the original");
    original_sync(&theirs);
    our_sync(&ours);
    ours.tree().is(&[("a", "by the original"), ("d/b", "by the original")]);

    ours.write("c", "by ours");
    ours.write("a", "changed by ours");
    ours.remove("d/b");
    our_sync(&ours);
    original_sync(&theirs);
    let tree = theirs.tree();
    assert_eq!((tree.text("c"), tree.text("a")), ("by ours", "changed by ours"));
    assert!(!tree.has("d/b"), "{tree:?}");
    let ours_of_s4 = tree.file_paths().into_iter().filter(|path| path.starts_with(".s4")).count();
    assert_eq!(ours_of_s4, 0, "the original took files of ours: {tree:?}");

    theirs.write("c", "changed by the original");
    original_sync(&theirs);
    our_sync(&ours);
    assert_eq!(ours.tree().text("c"), "changed by the original");
    assert!(!ours.tree().has(".index"), "the original's index is not for us");
}

#[test]
fn adding_a_place_of_the_original_offers_to_keep_it_off_ours() {
    let world = World::new();
    let laptop = world.machine("laptop");
    write_original_conf(&laptop, &world);
    laptop.write("a", "a");
    original_sync(&laptop);
    fs::remove_file(laptop.sync_conf()).unwrap();
    let (folder, uri, access) = (laptop.folder().to_string_lossy(), world.bucket.uri(), &world.server.access);
    let mut words = vec!["add", "documents", "--local", &folder, "--remote", &uri];
    words.extend(["--endpoint", &access.endpoint, "--region", &access.region, "--credentials", "env"]);
    laptop.s4_on_terminal(&words, &[(".syncignore?", "y\n")]).exits(0);
    assert_eq!(laptop.tree().text(".syncignore"), ".s4\n.s4/\n");
    laptop.sync();
    original_sync(&laptop);
    let taken: Vec<String> =
        world.bucket.all_objects().into_keys().filter(|path| path.starts_with(".s4/")).collect();
    assert!(taken.is_empty(), "the original uploaded files of ours: {taken:?}");
    assert_eq!(laptop.tree().file_paths(), [".index", ".syncignore", "a"]);
}

#[test]
fn both_alternate_on_one_folder() {
    let world = World::new();
    let laptop = world.machine("laptop");
    write_original_conf(&laptop, &world);
    laptop.write(".syncignore", ".s4\n.s4/\n");
    laptop.write("a", "a");
    original_sync(&laptop);
    let index = fs::read(laptop.path(".index")).unwrap();
    our_sync(&laptop);
    assert_eq!(fs::read(laptop.path(".index")).unwrap(), index, "the original's index is not ours to write");
    assert!(world.bucket.all_objects().contains_key(".index"));

    laptop.write("b", "by the original");
    original_sync(&laptop);
    our_sync(&laptop);
    laptop.write("c", "by ours");
    our_sync(&laptop);
    let taken: Vec<String> =
        world.bucket.all_objects().into_keys().filter(|path| path.starts_with(".s4")).collect();
    assert!(taken.is_empty(), "the original uploaded files of ours: {taken:?}");
    let tree = laptop.tree();
    assert_eq!((tree.text("a"), tree.text("b"), tree.text("c")), ("a", "by the original", "by ours"));
}
