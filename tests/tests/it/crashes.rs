//! `kill -9` at every named step, and at random ones: afterwards everything is old or new, never in between.
//!
//! The names are read from the sources, so that a new failpoint is tested without being listed here. It needs `s4`
//! built with the feature `failpoints`; `cargo xtask test` sees to that.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use s4_tests::{
    author::Author,
    judge::History,
    machine::{Machine, same_tree, settle},
    places, process, random,
    world::World,
};

const KEEP_BOTH: [&str; 4] = ["sync", "documents", "--conflicts", "keep-both"];

/// Failpoints that no sync reaches on this kind of disk and store.
///
/// Each needs a disk without exchange, or a store without a condition, and is shown by the tests of its own crate.
const ELSEWHERE: [&str; 0] = [];

/// Returns every name that a failpoint has in the sources.
fn failpoints() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    collect(&places::crates(), &mut names);
    assert!(!names.is_empty(), "no failpoint in the sources");
    names
}

fn collect(directory: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let hits = text.split("failpoint::hit(\"").skip(1);
            names.extend(hits.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        }
    }
}

/// Makes a laptop on which one sync has every kind of step to do, and the desktop that made half of them necessary.
fn everything_to_do(world: &World, prefix: &str) -> (Machine, Machine, History) {
    let bucket = world.bucket.at(prefix);
    let machines = [format!("{prefix}-laptop"), format!("{prefix}-desktop")].map(|name| {
        let machine = world.machine(&name);
        machine.add(&bucket);
        machine
    });
    let [laptop, desktop] = machines;
    let mut history = History::default();
    let mut save = |machine: &Machine, path: &str, content: &str, over: Option<&str>| {
        machine.write(path, content);
        history.save(content.as_bytes(), over.map(str::as_bytes));
    };
    let base = [
        "edited here",
        "edited there",
        "deleted here",
        "deleted there",
        "renamed here",
        "renamed there",
        "conflict",
        "mode",
        "d here/only",
        "d there/only",
        "file to directory",
        "directory to file/inside",
        "swap a",
        "swap b",
        "link to file",
    ];
    for path in base {
        save(&laptop, path, &format!("{path}, base"), None);
    }
    settle(&[&laptop, &desktop]);

    save(&desktop, "edited there", "edited there, new", Some("edited there, base"));
    save(&desktop, "created there", "created there", None);
    save(&desktop, "conflict", "conflict, desktop", Some("conflict, base"));
    desktop.rename("renamed there", "moved/renamed there");
    desktop.remove("directory to file");
    save(&desktop, "directory to file", "now a file", None);
    desktop.link("link there", "edited there");
    desktop.make_directory("empty there");
    desktop.remove("deleted there");
    desktop.remove("d there");
    desktop.set_mode("mode", 0o755);
    desktop.sync();

    save(&laptop, "edited here", "edited here, new", Some("edited here, base"));
    save(&laptop, "created here", "created here", None);
    save(&laptop, "conflict", "conflict, laptop", Some("conflict, base"));
    laptop.rename("renamed here", "moved/renamed here");
    laptop.rename("swap a", "swap c");
    laptop.rename("swap b", "swap a");
    laptop.rename("swap c", "swap b");
    laptop.remove("file to directory");
    save(&laptop, "file to directory/inside", "now a directory", None);
    laptop.remove("link to file");
    laptop.link("link to file", "edited here");
    laptop.make_directory("empty here");
    laptop.remove("deleted here");
    laptop.remove("d here/only");
    for path in [
        "deleted there",
        "d there/only",
        "directory to file/inside",
        "deleted here",
        "d here/only",
        "file to directory",
        "link to file",
    ] {
        history.delete(format!("{path}, base").as_bytes());
    }
    (laptop, desktop, history)
}

/// Checks that nothing on the laptop or in the bucket is a part of something.
#[track_caller]
fn nothing_is_half_written(world: &World, prefix: &str, laptop: &Machine, history: &History, when: &str) {
    let tree = laptop.tree();
    for content in tree.contents() {
        assert!(
            history.knows(content),
            "half written on disk, {when}: {:?}",
            String::from_utf8_lossy(content)
        );
    }
    for (path, object) in world.bucket.at(prefix).objects() {
        let is_other_kind = path.ends_with('/') || object.metadata.contains_key("s4-symlink");
        assert!(is_other_kind || history.knows(&object.body), "half written in the bucket, {when}: `{path}`");
    }
}

/// Kills the laptop's sync at a failpoint and shows that the next ones end where an undisturbed one does.
fn kill_at(world: &World, prefix: &str, failpoint: &str, expected: &[String]) -> bool {
    let (laptop, desktop, history) = everything_to_do(world, prefix);
    let mut command = laptop.command(&KEEP_BOTH);
    let run = process::run(command.env("S4_FAILPOINT", failpoint));
    let was_killed = run.was_killed();
    if !was_killed {
        run.exits(0);
    }
    let when = format!("killed at `{failpoint}`");
    nothing_is_half_written(world, prefix, &laptop, &history, &when);
    laptop.try_sync(&KEEP_BOTH[2..]).exits(0);
    settle(&[&laptop, &desktop]);
    let tree = same_tree(&[&laptop, &desktop]);
    assert!(history.lost(tree.contents()).is_empty(), "lost, {when}: {:?}", history.lost(tree.contents()));
    assert_eq!(sorted_contents(&tree), expected, "{when}");
    world.bucket.at(prefix).holds(&tree);
    was_killed
}

fn sorted_contents(tree: &s4_tests::tree::Tree) -> Vec<String> {
    let mut contents: Vec<String> =
        tree.contents().into_iter().map(|content| String::from_utf8_lossy(content).into_owned()).collect();
    contents.sort();
    contents
}

#[test]
fn t39_killed_at_every_failpoint_nothing_is_lost_or_half_written() {
    let world = World::new();
    let (laptop, desktop, _) = everything_to_do(&world, "undisturbed");
    laptop.try_sync(&KEEP_BOTH[2..]).exits(0);
    settle(&[&laptop, &desktop]);
    let expected = sorted_contents(&same_tree(&[&laptop, &desktop]));

    let names: Vec<String> =
        failpoints().into_iter().filter(|name| !ELSEWHERE.contains(&name.as_str())).collect();
    let mut never_reached = Vec::new();
    for (n, name) in names.iter().enumerate() {
        // The first time a point is passed and a later one find different things done already.
        let first = kill_at(&world, &format!("p{n}"), &format!("{name}:1"), &expected);
        if first {
            kill_at(&world, &format!("q{n}"), &format!("{name}:3"), &expected);
        } else {
            never_reached.push(name);
        }
    }
    assert!(never_reached.is_empty(), "no kill at {never_reached:?}: give the laptop something to do there");
}

#[test]
fn t39_fifty_random_kills_lose_nothing() {
    let world = World::new();
    let (laptop, desktop) = world.laptop_and_desktop();
    let seed = random::seed(std::process::id().into());
    println!("S4_TEST_SEED={seed}");
    let mut random = random::Random::new(seed);
    let mut history = History::default();
    let (mut here, mut there) =
        (Author::new("here", &laptop, seed), Author::new("there", &desktop, seed + 1));
    // Kills are spread over the time that a whole run takes here.
    let mut whole = 400;
    let mut kills = 0;
    while kills < 50 {
        here.act();
        there.act();
        desktop.try_sync(&KEEP_BOTH[2..]).exits_with_one_of(&[0, 5]);
        let (start, after) = (Instant::now(), Duration::from_millis(random.below(whole)));
        let run = process::start(&mut laptop.command(&KEEP_BOTH)).kill_after(after);
        kills += usize::from(run.was_killed());
        if !run.was_killed() {
            run.exits_with_one_of(&[0, 5]);
            whole = start.elapsed().as_millis() as u64 + 10;
        }
        for content in laptop.tree().contents() {
            let is_whole = here.history.knows(content) || there.history.knows(content);
            assert!(is_whole, "half written, seed {seed}: {:?}", String::from_utf8_lossy(content));
        }
    }
    history.merge(here.history);
    history.merge(there.history);
    for machine in [&laptop, &desktop, &laptop, &desktop] {
        machine.try_sync(&KEEP_BOTH[2..]).exits(0);
    }
    let tree = same_tree(&[&laptop, &desktop]);
    let lost = history.lost(tree.contents());
    assert!(lost.is_empty(), "lost, seed {seed}: {lost:?}");
    world.bucket.holds(&tree);
}
