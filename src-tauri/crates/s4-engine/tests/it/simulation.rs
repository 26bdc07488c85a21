//! A seeded simulation: several computers, random edits, syncs that interleave, faults, crashes and power cuts.
//!
//! The judge knows every content that a person ever saved and what it replaced. After two quiet rounds all trees are
//! equal, and each content is live, or has a live descendant, or was deleted by someone who had it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use s4_core::capabilities::{Capabilities, Versioning};
use s4_core::context::DeleteLimits;
use s4_store::faulty::{Chances, FaultyStore, Operation};
use s4_store::memory::MemoryStore;

use super::world::{Replica, WorldClock, bucket, memory_store};

/// A small generator of its own, so that a seed means the same for ever (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }
}

/// What people saved and deleted.
#[derive(Default)]
struct Log {
    /// Each content, with the contents that were saved over it.
    replaced_by: BTreeMap<String, BTreeSet<String>>,
    deleted: BTreeSet<String>,
    /// Which contents stood at each path, anywhere.
    stood: BTreeMap<String, BTreeSet<String>>,
    written: usize,
}

impl Log {
    fn save(&mut self, over: Option<String>) -> String {
        self.written += 1;
        let content = format!("content {}", self.written);
        self.replaced_by.entry(content.clone()).or_default();
        if let Some(over) = over {
            self.replaced_by.entry(over).or_default().insert(content.clone());
        }
        content
    }

    /// Returns whether a content may be moved to a path. One that stood there before looks like no change at all where a
    /// crash left its row behind: then what is in the bucket replaces it, and it is in the trash.
    fn is_new_at(&self, path: &str, content: Option<&String>) -> bool {
        content.is_some_and(|content| !self.stood.get(path).is_some_and(|stood| stood.contains(content)))
    }

    fn lost(&self, live: &BTreeSet<String>) -> Vec<String> {
        self.replaced_by.keys().filter(|content| !self.is_safe(content, live)).cloned().collect()
    }

    fn is_safe(&self, content: &str, live: &BTreeSet<String>) -> bool {
        live.contains(content)
            || self.deleted.contains(content)
            || self
                .replaced_by
                .get(content)
                .is_some_and(|over| over.iter().any(|next| self.is_safe(next, live)))
    }
}

const NAMES: [&str; 9] = ["a", "b.txt", "c", "d/a", "d/b.txt", "d/e/a", "d/e/c", "f/a", "A"];

/// One random act of a person at one computer.
fn act(replica: &Replica, random: &mut Random, log: &mut Log) {
    let is_traced = std::env::var_os("S4_TRACE").is_some();
    let read = |path: &str| replica.disk.read(path).map(|bytes| String::from_utf8(bytes).unwrap());
    let files: Vec<String> = replica.files().into_keys().collect();
    for (path, content) in replica.files() {
        log.stood.entry(path).or_default().insert(content);
    }
    let path = match files.len() {
        0 => NAMES[random.below(NAMES.len())].to_owned(),
        count if random.below(3) == 0 => files[random.below(count)].clone(),
        _ => NAMES[random.below(NAMES.len())].to_owned(),
    };
    let is_dir = replica.tree().contains_key(&format!("{path}/"));
    if is_traced {
        println!(
            "{}: a person acts on {path}, which holds {:?}; {} contents so far",
            replica.name,
            read(&path),
            log.written
        );
    }
    let below_file = path.match_indices('/').any(|(end, _)| read(&path[..end]).is_some());
    match random.below(13) {
        0..=3 if !is_dir && !below_file => {
            let content = log.save(read(&path));
            replica.disk.write(&path, content.as_bytes());
        }
        4 if !is_dir && !below_file => {
            let content = log.save(read(&path));
            replica.disk.save(&path, content.as_bytes());
        }
        5 | 6 => {
            let below = format!("{path}/");
            for (file, content) in replica.files() {
                if file == path || file.starts_with(&below) {
                    log.deleted.insert(content);
                }
            }
            replica.disk.delete(&path);
        }
        7 | 8 => {
            let to = NAMES[random.below(NAMES.len())];
            let to_is_free = !replica.tree().contains_key(&format!("{to}/"))
                && read(to).is_none()
                && !to.match_indices('/').any(|(end, _)| read(&to[..end]).is_some())
                && !to.starts_with(&format!("{path}/"));
            if to_is_free && (is_dir || read(&path).is_some()) {
                if is_traced {
                    println!("{}: {path} moves to {to}", replica.name);
                }
                replica.disk.move_over(&path, to);
            }
        }
        10 | 11 if files.len() > 1 => change_places(replica, &files, random, log),
        12 if read(&path).is_some() => begin_anew(replica, &path, log),
        _ if !below_file && read(&path).is_none() => {
            replica.disk.make_dirs(&s4_core::path::DiskPath::new(path));
        }
        _ => {}
    }
    // What a person saved is durable by the time the power goes; only S4's own work is at stake here.
    replica.disk.settle();
}

/// Two or three files take each other's names.
fn change_places(replica: &Replica, files: &[String], random: &mut Random, log: &Log) {
    let count = files.len().min(2 + random.below(2));
    let first = random.below(files.len());
    let turning: Vec<&String> = files.iter().cycle().skip(first).take(count).collect();
    let contents = replica.files();
    let next = |at: usize| contents.get(turning[(at + 1) % count]);
    if !(0..count).all(|at| log.is_new_at(turning[at], next(at))) {
        return;
    }
    if std::env::var_os("S4_TRACE").is_some() {
        println!("{}: {turning:?} change places", replica.name);
    }
    replica.disk.move_over(turning[0], "under way");
    for pair in turning.windows(2) {
        replica.disk.move_over(pair[1], pair[0]);
    }
    replica.disk.move_over("under way", turning[count - 1]);
}

/// A file gets another name, and a new one begins under the old, as logs are rotated.
fn begin_anew(replica: &Replica, path: &str, log: &mut Log) {
    let aside = format!("{path}.1");
    if !replica.tree().contains_key(&format!("{aside}/")) {
        log.deleted.extend(replica.files().remove(&aside));
        replica.disk.move_over(path, &aside);
        replica.disk.write(path, log.save(None).as_bytes());
    }
}

struct World {
    clock: WorldClock,
    bucket: MemoryStore,
    store: Arc<FaultyStore<MemoryStore>>,
    replicas: Vec<Replica>,
}

impl World {
    fn new(seed: u64, weather: &Weather) -> Self {
        let clock = WorldClock::new();
        let bucket = memory_store(weather.versioning, &clock);
        let store = Arc::new(FaultyStore::new(bucket.clone(), seed, weather.chances));
        for operation in weather.ignores {
            store.ignore_conditions(*operation);
        }
        let capabilities = &weather.capabilities;
        let replicas = ["one", "two", "three"]
            .iter()
            .map(|name| {
                let mut replica = Replica::new(name, store.clone(), capabilities.clone(), &clock);
                replica.limits = DeleteLimits::Unlimited;
                if weather.disk_fails_once_in > 0 {
                    replica.faulty.by_chance(seed, weather.disk_fails_once_in);
                }
                replica
            })
            .collect();
        Self { clock, bucket, store, replicas }
    }

    /// Syncs several computers at the same time; errors are part of the day.
    async fn sync_some(&self, random: &mut Random) {
        for replica in &self.replicas {
            if random.below(6) == 0 {
                replica.disk.crash_after(random.next() % 60);
            }
        }
        let chosen: Vec<&Replica> = self.replicas.iter().filter(|_| random.below(2) == 0).collect();
        futures::future::join_all(chosen.iter().map(|replica| replica.sync())).await;
        for replica in &self.replicas {
            if replica.disk.is_crashed() {
                if std::env::var_os("S4_TRACE").is_some() {
                    println!("{}: crashed", replica.name);
                }
                if random.below(2) == 0 {
                    replica.disk.power_cut()
                } else {
                    replica.disk.reboot()
                }
                replica.db.cut_power();
            }
            replica.disk.reboot();
        }
    }

    /// Lets everything come to rest, and returns how many rounds that took.
    async fn quiet(&self, seed: u64) {
        self.store.calm();
        for replica in &self.replicas {
            replica.faulty.heal();
        }
        for round in 0..12 {
            self.clock.advance(60_000);
            let mut changed = false;
            for replica in &self.replicas {
                replica.tell_time();
                let report = replica.sync().await.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
                assert!(report.failed.is_empty(), "seed {seed}: {:?}", report.failed);
                let stuck = report.done.is_empty() && report.unsettled > 0;
                assert!(
                    !stuck,
                    "seed {seed}: {} is stuck: {:#?}",
                    replica.name,
                    replica.heard.lock().unwrap()
                );
                assert!(report.halt.is_none(), "seed {seed}: {:?}", report.halt);
                changed |= !report.done.is_empty();
            }
            if !changed {
                return;
            }
            assert!(round < 11, "seed {seed}: they do not settle");
        }
    }

    /// Returns every content in a trash, the bucket's and those of the folders.
    fn trash(&self) -> Vec<String> {
        let in_bucket = self.bucket.objects().into_values().map(|bytes| bytes.to_vec());
        let in_folders = self.replicas.iter().flat_map(|replica| {
            let paths = replica.disk.paths().into_iter().filter(|path| path.starts_with(".s4/trash/"));
            paths.filter_map(|path| replica.disk.read(&path)).collect::<Vec<_>>()
        });
        in_bucket.chain(in_folders).map(|bytes| String::from_utf8(bytes).unwrap()).collect()
    }

    fn judge(&self, seed: u64, log: &Log, strict_trash: bool) {
        let first = without_hashes(self.replicas[0].tree());
        for replica in &self.replicas[1..] {
            assert_eq!(first, without_hashes(replica.tree()), "seed {seed}: {} differs", replica.name);
        }
        let in_bucket: BTreeSet<String> =
            bucket(&self.bucket).into_values().map(|bytes| String::from_utf8(bytes).unwrap()).collect();
        let mut live: BTreeSet<String> = self.replicas[0].files().into_values().collect();
        let in_files = live.clone();
        let empty: BTreeSet<String> = in_bucket.into_iter().filter(|content| !content.is_empty()).collect();
        assert_eq!(in_files, empty, "seed {seed}: folder and bucket");
        if !strict_trash {
            // Where no condition has an effect, an edit that raced a delete may stand in a trash.
            let before = log.lost(&live).len();
            live.extend(self.trash());
            println!("seed {seed}: {} contents stand in trash", before - log.lost(&live).len());
        }
        let lost = log.lost(&live);
        assert!(lost.is_empty(), "seed {seed}: lost {lost:?}; live {live:?}");
    }
}

/// Which of its clash names a file has depends on what else is on that disk.
fn without_hashes(tree: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let plain = |path: String| match path.find(" (clash ") {
        Some(at) => format!("{} (clash){}", &path[..at], &path[at + " (clash 12345678)".len()..]),
        None => path,
    };
    tree.into_iter().map(|(path, content)| (plain(path), content)).collect()
}

/// What a world is like.
struct Weather {
    versioning: Versioning,
    capabilities: Capabilities,
    chances: Chances,
    /// Operations whose conditions have no effect.
    ignores: &'static [Operation],
    /// How often the disks fail; 0 is never.
    disk_fails_once_in: u64,
}

/// An honest store with versions, on a bad day.
const ROUGH: Weather = Weather {
    versioning: Versioning::Enabled,
    capabilities: Capabilities::FULL,
    chances: Chances::ROUGH,
    ignores: &[],
    disk_fails_once_in: 0,
};

async fn run(seed: u64, weather: &Weather) {
    let world = World::new(seed, weather);
    let mut random = Random(seed);
    let mut log = Log::default();
    for _ in 0..25 {
        world.clock.advance(i64::try_from(random.next() % 30_000).unwrap());
        for replica in &world.replicas {
            replica.tell_time();
            for _ in 0..random.below(4) {
                act(replica, &mut random, &mut log);
            }
        }
        world.sync_some(&mut random).await;
    }
    world.quiet(seed).await;
    world.judge(seed, &log, weather.ignores.is_empty());
}

/// How many seeds each world runs by default; `S4_SEEDS` asks for more, `S4_SEED` for one.
fn seeds() -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match (number("S4_SEED"), number("S4_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, count) => 0..count.unwrap_or(30),
    }
}

async fn run_all(weather: Weather) {
    for seed in seeds() {
        run(seed, &weather).await;
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn three_computers_on_a_versioned_bucket_lose_nothing() {
    run_all(ROUGH).await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn three_computers_on_an_unversioned_bucket_lose_nothing() {
    let capabilities = Capabilities { versioning: Versioning::Off, ..Capabilities::FULL };
    run_all(Weather { versioning: Versioning::Off, capabilities, ..ROUGH }).await;
}

/// Every condition is answered with success and has no effect.
#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn three_computers_on_a_store_that_ignores_conditions_lose_nothing_but_to_trash() {
    let ignores = &[Operation::Put, Operation::Copy, Operation::Delete, Operation::CompleteUpload];
    run_all(Weather { versioning: Versioning::Off, capabilities: Capabilities::NONE, ignores, ..ROUGH })
        .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn three_computers_whose_listings_lie_lose_nothing() {
    let chances = Chances { short_listing: 150, stale_listing: 150, ..Chances::ROUGH };
    run_all(Weather { chances, ..ROUGH }).await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn three_computers_whose_disks_fail_lose_nothing() {
    run_all(Weather { disk_fails_once_in: 60, ..ROUGH }).await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn one_seed_tells_one_story() {
    let mut stories = Vec::new();
    for _ in 0..2 {
        let world = World::new(7, &ROUGH);
        let mut random = Random(7);
        let mut log = Log::default();
        for _ in 0..10 {
            for replica in &world.replicas {
                replica.tell_time();
                act(replica, &mut random, &mut log);
            }
            world.sync_some(&mut random).await;
        }
        let heard = world.replicas.iter().map(|replica| replica.heard.lock().unwrap().clone());
        stories.push((heard.collect::<Vec<_>>(), format!("{:?}", world.store.trace())));
    }
    assert_eq!(stories[0], stories[1]);
}
