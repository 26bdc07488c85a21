//! Renames, of any number and in any order: no content moves, in neither direction, and nothing is lost.

use std::collections::BTreeMap;

use s4_tests::{
    machine::{Machine, same_tree, settle},
    process,
    proxy::{Fault, Proxy},
    tree::Tree,
    world::World,
};

const KEEP_BOTH: [&str; 4] = ["sync", "documents", "--conflicts", "keep-both"];

/// Two computers, each behind a proxy of its own that counts.
struct Counted {
    world: World,
    laptop: Machine,
    desktop: Machine,
    proxies: [Proxy; 2],
}

impl Counted {
    fn new(world: World) -> Self {
        let machines = ["laptop", "desktop"].map(|name| {
            let place = world.join(&format!("{name}-proxy"));
            std::fs::create_dir(&place).unwrap();
            let proxy = Proxy::start(&world.server.access, &place);
            let mut machine = world.machine(name);
            machine.use_access(&proxy.access);
            machine.add(&world.bucket);
            (machine, proxy)
        });
        let [(laptop, first), (desktop, second)] = machines;
        Self { world, laptop, desktop, proxies: [first, second] }
    }

    fn settle(&self) {
        settle(&[&self.laptop, &self.desktop]);
        self.proxies.iter().for_each(Proxy::forget);
    }

    /// Syncs the laptop's renames to the desktop, and checks that no content moved. Returns what the laptop asked,
    /// and what the desktop did.
    #[track_caller]
    fn moves_no_content(&self) -> [BTreeMap<String, usize>; 2] {
        self.laptop.sync();
        self.desktop.sync();
        let counts = [self.proxies[0].counts(), self.proxies[1].counts()];
        for (counts, name) in counts.iter().zip(["laptop", "desktop"]) {
            for kind in ["PUT", "GET"] {
                assert_eq!(counts.get(kind), None, "the {name} moved content: {counts:?}");
            }
        }
        let tree = same_tree(&[&self.laptop, &self.desktop]);
        self.world.bucket.holds(&tree);
        // There is nothing left to do, and nothing of ours is left behind.
        self.proxies.iter().for_each(Proxy::forget);
        settle(&[&self.laptop, &self.desktop]);
        for proxy in &self.proxies {
            let counts = proxy.counts();
            assert!(!counts.contains_key("COPY") && !counts.contains_key("DELETE"), "{counts:?}");
        }
        let ours = self.world.bucket.all_objects().into_keys().find(|path| path.starts_with(".s4/"));
        assert_eq!(ours, None, "left in the bucket");
        counts
    }
}

/// Renames files all at once: each from its first name to its second one.
fn rename_all(machine: &Machine, moves: &[(&str, &str)]) {
    for (from, _) in moves {
        machine.rename(from, &format!("{from} under way"));
    }
    for (from, to) in moves {
        machine.rename(&format!("{from} under way"), to);
    }
}

/// A chain, a swap, a cycle of three, moves across directories, and a change of case.
const MOVES: [(&str, &str); 10] = [
    ("chain/a", "chain/b"),
    ("chain/b", "chain/c"),
    ("chain/c", "elsewhere/d"),
    ("swap/a", "swap/b"),
    ("swap/b", "swap/a"),
    ("cycle/1", "cycle/down/2"),
    ("cycle/down/2", "cycle 3"),
    ("cycle 3", "cycle/1"),
    ("plain", "elsewhere/plain"),
    ("readme", "README"),
];

/// Returns a content of its own for each path; two of the swap are of one length.
fn content_of(path: &str) -> String {
    let length = if path.starts_with("swap") { 3 } else { path.len() };
    format!("the content of {path:20} {}", "and more ".repeat(length * 40))
}

fn write_all(machine: &Machine, moves: &[(&str, &str)]) {
    for (path, _) in moves {
        machine.write(path, content_of(path));
    }
}

#[track_caller]
fn holds_moved(tree: &Tree, moves: &[(&str, &str)]) {
    for (from, to) in moves {
        assert_eq!(tree.text(to), content_of(from), "`{to}`, which was `{from}`");
    }
    assert_eq!(tree.file_paths().len(), moves.len(), "{:?}", tree.file_paths());
}

#[track_caller]
fn chains_swaps_and_cycles_move_no_content(world: World) {
    let counted = Counted::new(world);
    write_all(&counted.laptop, &MOVES);
    counted.settle();
    rename_all(&counted.laptop, &MOVES);
    counted.moves_no_content();
    holds_moved(&counted.desktop.tree(), &MOVES);
    // And back again, from the other computer.
    let back: Vec<(&str, &str)> = MOVES.iter().map(|(from, to)| (*to, *from)).collect();
    rename_all(&counted.desktop, &back);
    counted.desktop.remove("elsewhere");
    counted.proxies.iter().for_each(Proxy::forget);
    counted.desktop.sync();
    counted.moves_no_content();
    let unmoved: Vec<(&str, &str)> = MOVES.iter().map(|(from, _)| (*from, *from)).collect();
    holds_moved(&counted.laptop.tree(), &unmoved);
}

#[test]
fn t35_chains_swaps_and_cycles_move_no_content() {
    chains_swaps_and_cycles_move_no_content(World::new());
}

#[test]
fn t35_chains_swaps_and_cycles_move_no_content_where_no_versions_are_kept() {
    chains_swaps_and_cycles_move_no_content(World::unversioned());
}

#[test]
fn t35_a_renamed_directory_moves_no_content() {
    let counted = Counted::new(World::new());
    for n in 0..300 {
        counted
            .laptop
            .write(&format!("photos/{}/{n}", n % 7), format!("picture {n} {}", "x".repeat(300 + n)));
    }
    counted.settle();
    counted.laptop.rename("photos", "archive/2026/pictures");
    let [laptop, desktop] = counted.moves_no_content();
    assert_eq!(laptop.get("COPY"), Some(&300), "{laptop:?}");
    assert_eq!(laptop.get("DELETE"), Some(&300), "{laptop:?}");
    assert_eq!(desktop.get("HEAD"), Some(&300), "each new object is asked about, once: {desktop:?}");
    assert!(!counted.desktop.path("photos").exists(), "the old directory is still there");
}

#[test]
fn t36_a_renamed_directory_with_an_edit_inside_sends_the_edit_alone() {
    let counted = Counted::new(World::new());
    for n in 0..30 {
        counted.laptop.write(&format!("old/{n}"), format!("file {n} {}", "x".repeat(300 + n)));
    }
    counted.settle();
    counted.laptop.rename("old", "new");
    counted.laptop.write("new/7", "edited after the rename");
    counted.laptop.sync();
    counted.desktop.sync();
    let [laptop, desktop] = counted.proxies.each_ref().map(Proxy::counts);
    assert_eq!((laptop.get("PUT"), laptop.get("GET")), (Some(&1), None), "{laptop:?}");
    assert_eq!((desktop.get("PUT"), desktop.get("GET")), (None, Some(&1)), "{desktop:?}");
    let tree = same_tree(&[&counted.laptop, &counted.desktop]);
    assert_eq!(tree.text("new/7"), "edited after the rename");
    counted.world.bucket.holds(&tree);
}

#[test]
fn t35_logs_that_are_rotated_send_the_new_one_alone() {
    let counted = Counted::new(World::new());
    for (path, line) in [("log", "third"), ("log.1", "second line"), ("log.2", "the first of all lines")] {
        counted.laptop.write(path, line);
    }
    counted.settle();
    for (from, to) in [("log.2", "log.3"), ("log.1", "log.2"), ("log", "log.1")] {
        counted.laptop.rename(from, to);
    }
    counted.laptop.write("log", "a new day");
    counted.laptop.sync();
    counted.desktop.sync();
    let [laptop, desktop] = counted.proxies.each_ref().map(Proxy::counts);
    assert_eq!((laptop.get("PUT"), laptop.get("COPY")), (Some(&1), Some(&3)), "{laptop:?}");
    assert_eq!((desktop.get("GET"), desktop.get("PUT")), (Some(&1), None), "{desktop:?}");
    let tree = same_tree(&[&counted.laptop, &counted.desktop]);
    let expected = [
        ("log", "a new day"),
        ("log.1", "third"),
        ("log.2", "second line"),
        ("log.3", "the first of all lines"),
    ];
    tree.is(&expected);
    counted.world.bucket.holds(&tree);
}

/// Kills a sync of renames at a step, and returns whether it was. Then all settles, and no content is lost.
#[track_caller]
fn killed_at(world: &World, prefix: &str, failpoint: &str, is_sender: bool) -> bool {
    let bucket = world.bucket.at(prefix);
    let [laptop, desktop] = ["laptop", "desktop"].map(|name| {
        let machine = world.machine(&format!("{prefix}-{name}"));
        machine.add(&bucket);
        machine
    });
    write_all(&laptop, &MOVES);
    settle(&[&laptop, &desktop]);
    rename_all(&laptop, &MOVES);
    if !is_sender {
        laptop.sync();
    }
    let mut command = if is_sender { laptop.command(&KEEP_BOTH) } else { desktop.command(&KEEP_BOTH) };
    let run = process::run(command.env("S4_FAILPOINT", failpoint));
    for machine in [&laptop, &desktop, &laptop, &desktop] {
        machine.try_sync(&KEEP_BOTH[2..]).exits(0);
    }
    let tree = same_tree(&[&laptop, &desktop]);
    for (from, to) in MOVES {
        assert_eq!(tree.text(to), content_of(from), "`{to}`, killed at {failpoint}");
    }
    // Only a cycle that was left between two exchanges may leave a copy of what was in the middle.
    let extra = tree.file_paths().len() - MOVES.len();
    let is_between = !is_sender && failpoint.starts_with("exchange:");
    assert!(extra == 0 || (extra == 1 && is_between), "killed at {failpoint}: {:?}", tree.file_paths());
    bucket.holds(&tree);
    run.was_killed()
}

#[test]
fn t39_killed_while_objects_change_places_nothing_is_lost() {
    let world = World::new();
    let points = ["rotate:held:1", "rotate:held:2", "rotate:copied:1", "rotate:copied:2", "rotate:copied:3"];
    let others = ["copy:before:2", "copy:done:2", "copy:done:4", "delete-remote:done:2", "commit:before:1"];
    for (n, failpoint) in points.into_iter().chain(others).enumerate() {
        assert!(killed_at(&world, &format!("p{n}"), failpoint, true), "no kill at {failpoint}");
    }
}

#[test]
fn t39_killed_while_files_change_places_nothing_is_lost() {
    let world = World::new();
    let points =
        ["exchange:before:2", "exchange:exchanged:1", "exchange:exchanged:2", "exchange:exchanged:3"];
    let others =
        ["exchange:done:1", "rename:before:2", "rename:renamed:2", "rename:renamed:4", "commit:before:1"];
    for (n, failpoint) in points.into_iter().chain(others).enumerate() {
        assert!(killed_at(&world, &format!("p{n}"), failpoint, false), "no kill at {failpoint}");
    }
}

#[test]
fn t44_an_edit_by_others_in_a_renamed_directory_survives() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    for n in 0..12 {
        laptop.write(&format!("old/{n}"), format!("file {n}"));
    }
    settle(&[&laptop, &desktop]);
    // One edits in the bucket, one at the other computer, before they know of the rename.
    laptop.rename("old", "new");
    world.bucket.put(&[("old/3", b"edited in the bucket")]);
    desktop.write("old/5", "edited on the desktop");
    settle(&[&laptop, &desktop]);
    let tree = same_tree(&[&laptop, &desktop]);
    assert_eq!(tree.text("old/3"), "edited in the bucket");
    assert_eq!(tree.text("old/5"), "edited on the desktop");
    for n in 0..12 {
        assert_eq!(tree.text(&format!("new/{n}")), format!("file {n}"));
    }
    assert_eq!(tree.file_paths().len(), 14, "{:?}", tree.file_paths());
    world.bucket.holds(&tree);
}

/// Holds the laptop's first copy at the door while somebody writes to one of the objects.
#[track_caller]
fn written_under_way(path: &str) -> Tree {
    let world = World::new();
    let proxy = Proxy::start(&world.server.access, world.path());
    let desktop = world.connected("desktop");
    let mut laptop = world.machine("laptop");
    laptop.use_access(&proxy.access);
    laptop.add(&world.bucket);
    write_all(&laptop, &MOVES);
    settle(&[&laptop, &desktop]);
    rename_all(&laptop, &MOVES);
    proxy.set(Fault::Held("COPY"));
    let run = process::start(&mut laptop.command(&KEEP_BOTH));
    proxy.wait_until_held();
    world.bucket.put(&[(path, b"written under way")]);
    proxy.set(Fault::None);
    run.finish().exits_with_one_of(&[0, 5]);
    for machine in [&desktop, &laptop, &desktop] {
        machine.try_sync(&KEEP_BOTH[2..]).exits(0);
    }
    let tree = same_tree(&[&laptop, &desktop]);
    world.bucket.holds(&tree);
    tree
}

#[test]
fn what_others_write_while_files_change_places_survives() {
    for path in ["swap/a", "cycle/down/2", "chain/b", "plain"] {
        let tree = written_under_way(path);
        let contents: Vec<String> = tree
            .contents()
            .into_iter()
            .map(|content| String::from_utf8_lossy(content).into_owned())
            .collect();
        assert!(contents.iter().any(|content| content == "written under way"), "lost in {path}: {tree:?}");
        for (from, _) in MOVES {
            let is_there = contents.contains(&content_of(from));
            // What somebody wrote over the object that was the file's content replaced just that.
            assert!(is_there, "the content of {from} is lost, {path} was written: {:?}", tree.file_paths());
        }
    }
}

#[test]
fn renames_on_a_store_without_conditions_lose_nothing() {
    let world = World::unversioned();
    let proxy = Proxy::start(&world.server.access, world.path());
    proxy.set(Fault::IgnoredConditions);
    let [laptop, desktop] = ["laptop", "desktop"].map(|name| {
        let mut machine = world.machine(name);
        machine.use_access(&proxy.access);
        machine.add(&world.bucket);
        machine
    });
    write_all(&laptop, &MOVES);
    settle(&[&laptop, &desktop]);
    rename_all(&laptop, &MOVES);
    for machine in [&laptop, &desktop, &laptop, &desktop] {
        machine.try_sync(&KEEP_BOTH[2..]).exits(0);
    }
    let tree = same_tree(&[&laptop, &desktop]);
    holds_moved(&tree, &MOVES);
    world.bucket.holds(&tree);
}
