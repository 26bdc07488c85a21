//! Three replicas of one prefix that sync at the same time, in processes of their own, while people edit at random.
//!
//! The judge: every content ever saved is live everywhere after quiet rounds, or was replaced by one that is, or was
//! deleted by someone who had it. Trash does not count. `S4_TEST_SEED` repeats a run's edits, `S4_TEST_ROUNDS` sets
//! how long it goes on.

use std::{collections::BTreeSet, path::Path, thread};

use s4_tests::{
    author::Author,
    judge::History,
    machine::{Machine, same_tree},
    process::Run,
    proxy::{Fault, Proxy},
    random,
    tree::Tree,
    world::World,
};

const SYNC: [&str; 4] = ["--conflicts", "keep-both", "--max-delete", "1000"];

/// What a race ended with.
struct Outcome {
    history: History,
    tree: Tree,
    seed: u64,
}

/// Lets three authors edit and sync at once, then syncs until all is quiet.
fn race(machines: &[Machine; 3]) -> Outcome {
    let seed = random::seed(std::process::id().into());
    let rounds = std::env::var("S4_TEST_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    println!("S4_TEST_SEED={seed}, {rounds} rounds");
    let mut history = History::default();
    thread::scope(|scope| {
        let authors =
            ["ada", "ben", "cleo"].into_iter().zip(machines).enumerate().map(|(n, (name, machine))| {
                scope.spawn(move || {
                    let mut author = Author::new(name, machine, seed + n as u64);
                    for _ in 0..rounds {
                        author.act();
                        sync(machine);
                    }
                    author.history
                })
            });
        for author in authors.collect::<Vec<_>>() {
            history.merge(author.join().expect("an author never panics but for a failure of s4"));
        }
    });
    // What the last round made anywhere has to reach everyone; then two quiet rounds change nothing more.
    for machine in machines.iter().chain(machines) {
        sync(machine);
    }
    let machines: Vec<&Machine> = machines.iter().collect();
    let before = same_tree(&machines);
    for machine in machines.iter().chain(&machines) {
        machine.sync();
    }
    let tree = same_tree(&machines);
    assert_eq!(tree, before, "quiet rounds change nothing; seed {seed}");
    Outcome { history, tree, seed }
}

/// Syncs while others do. Losing a race is no failure: it is planned anew, in this run or the next.
#[track_caller]
fn sync(machine: &Machine) -> Run {
    machine.try_sync(&SYNC).exits_with_one_of(&[0, 3, 5])
}

fn three(connect: impl Fn(&str) -> Machine) -> [Machine; 3] {
    ["ada", "ben", "cleo"].map(connect)
}

#[track_caller]
fn nothing_is_lost(outcome: &Outcome) {
    let lost = outcome.history.lost(outcome.tree.contents());
    let (saves, seed) = (outcome.history.saves(), outcome.seed);
    assert!(lost.is_empty(), "{} of {saves} saves are lost; seed {seed}: {:?}", lost.len(), shortened(&lost));
    for content in outcome.tree.contents() {
        assert!(
            outcome.history.knows(content),
            "nobody ever wrote this: {}",
            String::from_utf8_lossy(content)
        );
    }
}

fn shortened(contents: &[String]) -> Vec<String> {
    contents.iter().map(|content| content.split(" x").next().unwrap_or(content).to_owned()).collect()
}

#[test]
fn three_replicas_lose_nothing() {
    let world = World::new();
    let machines = three(|name| world.connected(name));
    let outcome = race(&machines);
    nothing_is_lost(&outcome);
    world.bucket.holds(&outcome.tree);
}

#[test]
fn three_replicas_lose_nothing_without_versioning() {
    let world = World::unversioned();
    let machines = three(|name| world.connected(name));
    let outcome = race(&machines);
    nothing_is_lost(&outcome);
    world.bucket.holds(&outcome.tree);
}

#[test]
fn three_replicas_over_a_store_that_ignores_conditions() {
    let world = World::unversioned();
    let proxy = Proxy::start(&world.server.access, world.path());
    proxy.set(Fault::IgnoredConditions);
    let machines = three(|name| {
        let mut machine = world.machine(name);
        machine.use_access(&proxy.access);
        machine.add(&world.bucket);
        machine
    });
    let outcome = race(&machines);
    // Here an edit that raced a delete may stand in a trash, and nowhere else.
    let mut kept: BTreeSet<Vec<u8>> = outcome.tree.contents().into_iter().map(<[u8]>::to_vec).collect();
    let live = kept.clone();
    for machine in &machines {
        kept.extend(below(&machine.path(".s4/trash")));
    }
    kept.extend(world.bucket.all_objects().into_values().map(|object| object.body));
    let in_trash = outcome.history.lost(live.iter().map(Vec::as_slice));
    println!("saves that stand only in a trash: {} of {}", in_trash.len(), outcome.history.saves());
    let lost = outcome.history.lost(kept.iter().map(Vec::as_slice));
    assert!(lost.is_empty(), "seed {}: {:?}", outcome.seed, shortened(&lost));
}

/// Returns the content of every file below a directory, if there is one.
fn below(directory: &Path) -> Vec<Vec<u8>> {
    if !directory.exists() {
        return Vec::new();
    }
    Tree::read(directory).contents().into_iter().map(<[u8]>::to_vec).collect()
}
