//! Large files with the real programs: killed in the middle, changed while they are sent, cut on the way.

use std::path::Path;

use s4_tests::{
    machine::Machine,
    process,
    proxy::{Fault, Proxy},
    world::World,
};

const MIB: usize = 1 << 20;
/// The length of the parts of a file of this kind, and of the ranges of an object.
const PART: usize = 8 * MIB;

/// Returns content of which no two stretches of 64 KiB are the same.
fn content(seed: u8, length: usize) -> Vec<u8> {
    let mut content: Vec<u8> = (0..length).map(|n| (n % 65_537 % 251) as u8 ^ seed).collect();
    for (number, stretch) in content.chunks_mut(1 << 16).enumerate() {
        stretch[..8].copy_from_slice(&(number as u64).to_le_bytes());
    }
    content
}

/// Returns the SHA-256 of a file, by a program that shares nothing with S4.
fn sha256(path: &Path) -> String {
    let run = process::run(std::process::Command::new("sha256sum").arg(path)).exits(0);
    run.out.split(' ').next().unwrap().to_owned()
}

/// A computer that reaches the store through a proxy.
fn behind_proxy(world: &World, name: &str) -> (Proxy, Machine) {
    let proxy = Proxy::start(&world.server.access, world.path());
    let mut machine = world.machine(name);
    machine.use_access(&proxy.access);
    machine.add(&world.bucket);
    (proxy, machine)
}

/// Kills the machine's sync at a failpoint.
#[track_caller]
fn kill_at(machine: &Machine, failpoint: &str) {
    let mut command = machine.command(&["sync", "documents"]);
    let run = process::run(command.env("S4_FAILPOINT", failpoint));
    assert!(run.was_killed(), "{run}");
}

fn count(proxy: &Proxy, kind: &str) -> usize {
    proxy.counts().get(kind).copied().unwrap_or_default()
}

#[test]
fn t60_killed_in_the_middle_of_an_upload_only_the_rest_is_sent() {
    let world = World::new();
    let (proxy, laptop) = behind_proxy(&world, "laptop");
    laptop.write("large", content(1, 9 * PART - 5));
    kill_at(&laptop, "upload:part-sent:5");
    assert!(world.bucket.paths().is_empty(), "half an upload shows");
    assert_eq!(world.bucket.uploads_under_way(), 1);
    proxy.forget();
    laptop.sync();
    let parts = count(&proxy, "PUT");
    assert!(parts <= 4, "{parts} of 9 parts were sent again, 5 were there");
    assert_eq!(world.bucket.sha256("large"), sha256(&laptop.path("large")));
    assert_eq!(world.bucket.uploads_under_way(), 0);
    let run = laptop.sync();
    assert!(proxy.counts().len() <= 5 && count(&proxy, "PUT") == parts, "{run}");
}

#[test]
fn t60_a_target_that_is_removed_leaves_no_parts_in_the_bucket() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("large", content(6, 3 * PART));
    kill_at(&laptop, "upload:part-sent");
    assert_eq!(world.bucket.uploads_under_way(), 1);
    laptop.s4(&["rm", "documents"]).exits(0);
    assert_eq!(world.bucket.uploads_under_way(), 0);
}

#[test]
fn t60_killed_in_the_middle_of_a_download_only_the_rest_is_fetched() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("large", content(2, 11 * PART - 5));
    laptop.sync();
    let (proxy, desktop) = behind_proxy(&world, "desktop");
    kill_at(&desktop, "download:range-written:3");
    kill_at(&desktop, "download:recorded");
    assert!(!desktop.tree().has("large"), "half a download shows");
    proxy.forget();
    desktop.sync();
    let ranges = count(&proxy, "GET");
    assert!(ranges <= 3, "{ranges} of 11 ranges were fetched again, 8 were there");
    assert_eq!(sha256(&desktop.path("large")), sha256(&laptop.path("large")));
    let partials = desktop.path(".s4/partial");
    assert_eq!(std::fs::read_dir(partials).unwrap().count(), 0);
}

#[test]
fn bodies_that_are_cut_are_fetched_piece_by_piece() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("large", content(3, 3 * PART));
    laptop.sync();
    let (proxy, desktop) = behind_proxy(&world, "desktop");
    proxy.set(Fault::CutBodies);
    desktop.sync();
    assert_eq!(sha256(&desktop.path("large")), sha256(&laptop.path("large")));
}

/// Changes the file while its parts are on their way, and shows that what arrives is one version.
#[track_caller]
fn changed_while_it_is_sent(change: impl FnOnce(&Machine)) {
    let world = World::new();
    let (proxy, laptop) = behind_proxy(&world, "laptop");
    let before = content(4, 6 * PART);
    laptop.write("large", &before);
    let old = sha256(&laptop.path("large"));
    proxy.set(Fault::Held("PUT"));
    let sync = process::start(&mut laptop.command(&["sync", "documents"]));
    proxy.wait_until_held();
    change(&laptop);
    proxy.set(Fault::None);
    sync.finish().exits_with_one_of(&[0, 5]);
    let new = laptop.tree().has("large").then(|| sha256(&laptop.path("large")));
    let published = world.bucket.paths().contains(&"large".to_owned()).then(|| world.bucket.sha256("large"));
    assert!(published.is_none() || published == new || published == Some(old), "a mix was published");
    laptop.try_sync(&["--force"]).exits(0);
    let published = world.bucket.paths().contains(&"large".to_owned()).then(|| world.bucket.sha256("large"));
    assert_eq!(published, new);
    assert_eq!(world.bucket.uploads_under_way(), 0);
}

#[test]
fn t29_overwritten_in_place_while_it_is_sent_no_mix_is_published() {
    changed_while_it_is_sent(|laptop| laptop.write("large", content(5, 6 * PART)));
}

#[test]
fn t30_cut_while_it_is_sent_no_mix_is_published() {
    changed_while_it_is_sent(|laptop| {
        let file = std::fs::File::options().write(true).open(laptop.path("large")).unwrap();
        file.set_len(5 * PART as u64).unwrap();
    });
}

#[test]
fn t30_removed_while_it_is_sent_no_parts_stay() {
    changed_while_it_is_sent(|laptop| {
        laptop.write("other", "keeps the folder from being empty");
        laptop.remove("large");
    });
}
