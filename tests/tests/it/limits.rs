//! Limits: of bandwidth, as a person sets them, and of what a store takes, as it shows them.

use std::{
    fs,
    time::{Duration, Instant},
};

use s4_tests::{
    machine::{Machine, same_tree},
    proxy::{Fault, Proxy},
    world::World,
};
use serde_json::{Value, json};

const MEBIBYTE: usize = 1 << 20;

/// Returns bytes that differ everywhere.
fn content(size: usize) -> Vec<u8> {
    (0..size).map(|n| (n * 31 + n / 251) as u8).collect()
}

/// Sets a limit for all targets in `sync.conf`.
fn configure(machine: &Machine, key: &str, value: &str) {
    let mut document: Value = serde_json::from_slice(&fs::read(machine.sync_conf()).unwrap()).unwrap();
    document[key] = json!(value);
    fs::write(machine.sync_conf(), document.to_string()).unwrap();
}

#[test]
fn an_upload_keeps_to_its_limit() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("film", content(3 * MEBIBYTE));
    let start = Instant::now();
    laptop.try_sync(&["--limit-up", "1M"]).exits(0);
    assert!(start.elapsed() >= Duration::from_secs(2), "{:?}", start.elapsed());
    world.bucket.holds(&laptop.tree());
}

#[test]
fn a_download_keeps_to_the_limit_of_the_configuration() {
    let world = World::new();
    let (laptop, desktop) = (world.connected("laptop"), world.connected("desktop"));
    laptop.write("film", content(3 * MEBIBYTE));
    laptop.sync();
    configure(&desktop, "limit_down", "1M");
    let start = Instant::now();
    desktop.sync();
    assert!(start.elapsed() >= Duration::from_secs(2), "{:?}", start.elapsed());
    same_tree(&[&laptop, &desktop]);
}

#[test]
fn parts_of_one_upload_share_a_limit() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("film", content(40 * MEBIBYTE));
    let start = Instant::now();
    laptop.try_sync(&["--limit-up", "20M"]).exits(0);
    assert!(start.elapsed() >= Duration::from_millis(1700), "{:?}", start.elapsed());
    world.bucket.holds(&laptop.tree());
}

#[test]
fn a_limit_that_means_nothing_is_named_before_anything_happens() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("a", "a");
    laptop.try_sync(&["--limit-up", "2Mbit"]).exits(2).says("bytes per second");
    configure(&laptop, "limit_up", "2 MB");
    laptop.try_sync(&[]).exits(1).says("`limit_up` in sync.conf must be");
    assert!(world.bucket.paths().is_empty(), "{:?}", world.bucket.paths());
    configure(&laptop, "limit_up", "off");
    laptop.sync();
}

#[test]
fn t64_storm_of_refusals_passes_and_every_file_is_there() {
    let world = World::new();
    let proxy = Proxy::start(&world.server.access, world.path());
    let mut laptop = world.machine("laptop");
    laptop.use_access(&proxy.access);
    laptop.add(&world.bucket);
    for n in 0..60 {
        laptop.write(&format!("new/{n}"), format!("new {n}"));
    }
    proxy.set(Fault::Storm(50));
    laptop.sync();
    let tree = laptop.tree();
    assert_eq!(tree.file_paths().len(), 60, "{tree:?}");
    world.bucket.holds(&tree);
}

#[test]
fn t64_completion_whose_reply_is_lost_is_found_at_its_key() {
    let world = World::new();
    let proxy = Proxy::start(&world.server.access, world.path());
    let mut laptop = world.machine("laptop");
    laptop.use_access(&proxy.access);
    laptop.add(&world.bucket);
    let desktop = world.connected("desktop");
    let film = content(20 * MEBIBYTE);
    laptop.write("film", &film);
    proxy.set(Fault::LostCompletions);
    // Lost or not: no run says that the file is there before it is, and none makes a second one of it.
    laptop.try_sync(&[]).exits_with_one_of(&[0, 5]);
    proxy.set(Fault::None);
    laptop.sync();
    desktop.sync();
    let tree = same_tree(&[&laptop, &desktop]);
    assert_eq!(tree.file_paths().len(), 1, "{tree:?}");
    assert!(fs::read(desktop.folder().join("film")).unwrap() == film, "another content");
    world.bucket.holds(&tree);
}
