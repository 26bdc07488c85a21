//! Large files of which little changed, with the real programs: what moves, what others read, and `kill -9`.

use std::path::Path;

use s4_tests::{machine::Machine, process, proxy::Proxy, python, world::World};

const MIB: usize = 1 << 20;

/// Returns content without repetition.
fn content(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let numbers = std::iter::repeat_with(|| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).to_le_bytes()
    });
    numbers.take(length.div_ceil(8)).flatten().take(length).collect()
}

/// A laptop and a desktop that reach the store through one proxy, and have the same large file.
fn sharing(world: &World, content: &[u8]) -> (Proxy, Machine, Machine) {
    let proxy = Proxy::start(&world.server.access, world.path());
    let [laptop, desktop] = ["laptop", "desktop"].map(|name| {
        let mut machine = world.machine(name);
        machine.use_access(&proxy.access);
        machine.add(&world.bucket);
        machine
    });
    laptop.write("large", content);
    laptop.sync();
    desktop.sync();
    assert!(holds(&desktop.path("large"), content));
    (proxy, laptop, desktop)
}

fn holds(path: &Path, content: &[u8]) -> bool {
    std::fs::read(path).unwrap() == content
}

/// Changes the file on the laptop, and shows that little moves until the desktop and everybody else has it.
#[track_caller]
fn little_moves(old: &[u8], new: &[u8]) {
    let world = World::new();
    let (proxy, laptop, desktop) = sharing(&world, old);
    laptop.write("large", new);
    proxy.forget();
    laptop.sync();
    let (up, down) = proxy.bytes();
    assert!(up < 32 << 20 && down < 1 << 20, "{up} up, {down} down");
    proxy.forget();
    desktop.sync();
    let (up, down) = proxy.bytes();
    assert!(up < 1 << 20 && down < 32 << 20, "{up} up, {down} down");
    assert!(holds(&desktop.path("large"), new));
    // Others find one plain file.
    let copy = world.join("copy");
    let mut aws = std::process::Command::new(s4_tests::places::client("aws"));
    python::with_keys(&mut aws, &world.server.access);
    aws.args(["s3", "cp", &format!("{}/large", world.bucket.uri())]).arg(&copy);
    process::run(&mut aws).exits(0);
    assert!(holds(&copy, new));
    let tower = world.connected("tower");
    tower.sync();
    assert!(holds(&tower.path("large"), new), "a computer without the base gets the whole");
    assert_eq!(world.bucket.uploads_under_way(), 0);
    proxy.forget();
    for machine in [&laptop, &desktop] {
        machine.sync().never_says("Updating");
    }
    assert_eq!(proxy.counts().get("PUT"), None);
}

#[test]
fn eight_bytes_in_the_middle_move_little() {
    let old = content(1, 64 * MIB);
    let mut new = old.clone();
    new[32 * MIB..][..8].copy_from_slice(b"changed!");
    little_moves(&old, &new);
}

#[test]
fn an_insertion_at_the_front_moves_little() {
    let old = content(2, 64 * MIB);
    let new = [b"twenty-one bytes here".as_slice(), &old].concat();
    little_moves(&old, &new);
}

/// Kills the machine's sync at a failpoint.
#[track_caller]
fn kill_at(machine: &Machine, failpoint: &str) {
    let mut command = machine.command(&["sync", "documents"]);
    let run = process::run(command.env("S4_FAILPOINT", failpoint));
    assert!(run.was_killed(), "{run}");
}

#[test]
fn t39_killed_while_what_changed_moves() {
    let world = World::new();
    let old = content(3, 40 * MIB);
    let (proxy, laptop, desktop) = sharing(&world, &old);
    let mut new = old.clone();
    for (number, failpoint) in ["upload:part-sent", "upload:before-complete", "delta:sent"].iter().enumerate()
    {
        new[20 * MIB + number] ^= 1;
        laptop.write("large", &new);
        kill_at(&laptop, failpoint);
        laptop.sync();
        assert_eq!(world.bucket.uploads_under_way(), 0, "after {failpoint}");
        proxy.forget();
        if number == 0 {
            kill_at(&desktop, "delta:built");
            assert!(holds(&desktop.path("large"), &old), "nothing has its name yet");
        }
        desktop.sync();
        assert!(holds(&desktop.path("large"), &new), "after {failpoint}");
        let partials = desktop.path(".s4/partial");
        assert_eq!(std::fs::read_dir(partials).unwrap().count(), 0);
    }
}
