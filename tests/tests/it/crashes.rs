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

/// Failpoints that no first sync of [`everything_to_do`] reaches on this kind of disk and store.
///
/// They need a disk without exchange, a race at the very step, or a crash before; the disk's own contract passes them
/// all, and [`t39_killed_while_mending_an_earlier_crash`] those of mending. Large downloads are killed in `large.rs`,
/// and what moves only what changed in `delta.rs`.
const ELSEWHERE: [&str; 15] = [
    "contract:",
    "delta:",
    "download:",
    "exchange:before-park",
    "exchange:parked",
    "exchange:shifted",
    "keep-both:before-park",
    "keep-both:parked",
    "replace:before-park",
    "replace:exchanged-back",
    "replace:parked",
    "replace:trashed",
    "rename:parked",
    "rescue:",
    "resolve:",
];

/// Returns every name that a failpoint has in the sources and that a sync reaches.
fn failpoints() -> Vec<String> {
    let mut names = BTreeSet::new();
    collect(&places::crates(), &mut names);
    names.retain(|name| name.contains(':') && !ELSEWHERE.iter().any(|elsewhere| name.starts_with(elsewhere)));
    assert!(!names.is_empty(), "no failpoint in the sources");
    names.into_iter().collect()
}

fn collect(directory: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for call in ["failpoint::hit(\"", ".step(\""] {
                let hits = text.split(call).skip(1);
                names.extend(hits.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
            }
        }
    }
}

/// Whether a file is part of it that is uploaded in parts. Few failpoints need one, and it takes its time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Size {
    Small,
    WithLarge,
}

impl Size {
    fn for_failpoint(name: &str) -> Self {
        if name.starts_with("upload:") { Self::WithLarge } else { Self::Small }
    }
}

/// Makes a laptop on which one sync has every kind of step to do, and the desktop that made half of them necessary.
fn everything_to_do(world: &World, prefix: &str, size: Size) -> (Machine, Machine, History) {
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
        "swap there a",
        "swap there b",
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
    desktop.rename("swap there a", "swap there c");
    desktop.rename("swap there b", "swap there a");
    desktop.rename("swap there c", "swap there b");
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
    if size == Size::WithLarge {
        save(&laptop, "large here", &"a large file; ".repeat(3 << 20), None);
    }
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

/// Kills the laptop's syncs at failpoints, one after the other, and shows that the next ones end where an undisturbed
/// one does. Returns whether the first was killed.
fn kill_at(world: &World, prefix: &str, failpoints: &[&str], expected: &[String]) -> bool {
    let size = Size::for_failpoint(failpoints[0]);
    let (laptop, desktop, history) = everything_to_do(world, prefix, size);
    let mut killed = Vec::new();
    for failpoint in failpoints {
        let mut command = laptop.command(&KEEP_BOTH);
        let run = process::run(command.env("S4_FAILPOINT", failpoint));
        killed.push(run.was_killed());
        if !run.was_killed() {
            run.exits(0);
        }
        let when = format!("killed at `{failpoint}`");
        nothing_is_half_written(world, prefix, &laptop, &history, &when);
    }
    laptop.try_sync(&KEEP_BOTH[2..]).exits(0);
    settle(&[&laptop, &desktop]);
    let tree = same_tree(&[&laptop, &desktop]);
    let lost = history.lost(tree.contents());
    assert!(lost.is_empty(), "lost, killed at {failpoints:?}: {lost:?}");
    let mut contents = sorted_contents(&tree);
    contents.retain(|content| !content.starts_with("a large file"));
    assert_eq!(contents, expected, "killed at {failpoints:?}");
    world.bucket.at(prefix).holds(&tree);
    killed[0]
}

/// Returns what an undisturbed sync ends with.
fn undisturbed(world: &World) -> Vec<String> {
    let (laptop, desktop, _) = everything_to_do(world, "undisturbed", Size::Small);
    laptop.try_sync(&KEEP_BOTH[2..]).exits(0);
    settle(&[&laptop, &desktop]);
    sorted_contents(&same_tree(&[&laptop, &desktop]))
}

/// Kills at every n-th failpoint, each three times: where it is passed first, where it is passed first in what is left
/// to do then, and later in what is left after that. So each of few steps that share a name is killed at.
fn kill_at_every(n: usize, of: usize) {
    let world = World::new();
    let expected = undisturbed(&world);
    let mut never_reached = Vec::new();
    for (at, name) in failpoints().iter().enumerate().filter(|(at, _)| at % of == n) {
        let points = [format!("{name}:1"), format!("{name}:1"), format!("{name}:2")];
        if !kill_at(&world, &format!("p{at}"), &points.each_ref().map(String::as_str), &expected) {
            never_reached.push(name.clone());
        }
    }
    assert!(never_reached.is_empty(), "no kill at {never_reached:?}: give the laptop something to do there");
}

fn sorted_contents(tree: &s4_tests::tree::Tree) -> Vec<String> {
    let mut contents: Vec<String> =
        tree.contents().into_iter().map(|content| String::from_utf8_lossy(content).into_owned()).collect();
    contents.sort();
    contents
}

#[test]
fn t39_killed_at_every_failpoint_nothing_is_lost_first_third() {
    kill_at_every(0, 3);
}

#[test]
fn t39_killed_at_every_failpoint_nothing_is_lost_second_third() {
    kill_at_every(1, 3);
}

#[test]
fn t39_killed_at_every_failpoint_nothing_is_lost_last_third() {
    kill_at_every(2, 3);
}

#[test]
fn t39_killed_while_mending_an_earlier_crash() {
    let world = World::new();
    let expected = undisturbed(&world);
    for (n, mending) in ["resolve:before", "resolve:done"].into_iter().enumerate() {
        assert!(kill_at(&world, &format!("p{n}"), &["intent:recorded:1", mending, mending], &expected));
    }
}

#[test]
fn t60_upload_broken_off_leaves_no_parts_behind() {
    let world = World::new();
    let laptop = world.connected("laptop");
    let large = "a large file; ".repeat(3 << 20);
    laptop.write("large", &large);
    let mut command = laptop.command(&KEEP_BOTH);
    let run = process::run(command.env("S4_FAILPOINT", "upload:before-complete"));
    assert!(run.was_killed(), "{run}");
    assert!(world.bucket.objects().is_empty());
    laptop.sync();
    assert!(world.bucket.objects()["large"].body == large.as_bytes(), "the large file differs");
    assert_eq!(world.bucket.uploads_under_way(), 0);
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
