//! Files that land together: one sync, one transaction of intents, and each old or new, whole, whatever happens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use s4_core::baseline::RowContent;
use s4_core::capabilities::{Capabilities, Versioning};
use s4_core::digest::Digest;
use s4_core::remote::UnixMillis;
use s4_engine::db::StateDb;

use super::world::{Replica, WorldClock, memory_store};

/// More than are synced each for itself.
const FILES: usize = 10;

/// Every named step that a landing and its commit pass.
const STEPS: [&str; 12] = [
    "land:before-sync",
    "land:synced",
    "intent:before-record",
    "intent:recorded",
    "create:before",
    "create:placed",
    "replace:before-exchange",
    "replace:exchanged",
    "replace:trashed",
    "replace:done",
    "batch:before-sync",
    "batch:synced",
];

/// Two computers of which the second has files to replace and files to create.
struct Two {
    clock: WorldClock,
    a: Replica,
    b: Replica,
}

impl Two {
    async fn with_much_to_fetch() -> Self {
        let clock = WorldClock::new();
        let store = Arc::new(memory_store(Versioning::Enabled, &clock));
        let a = Replica::new("laptop", store.clone(), Capabilities::FULL, &clock);
        let b = Replica::new("desktop", store, Capabilities::FULL, &clock);
        let two = Self { clock, a, b };
        for n in 0..FILES {
            two.a.disk.write(&format!("d/edited {n}"), old(n).as_bytes());
        }
        two.a.disk.settle();
        two.round().await;
        for n in 0..FILES {
            two.a.disk.save(&format!("d/edited {n}"), new(n).as_bytes());
            two.a.disk.write(&format!("e/created {n}"), new(n).as_bytes());
        }
        two.pass();
        two.a.sync().await.unwrap();
        two.pass();
        two.b.disk.settle();
        two
    }

    fn pass(&self) {
        self.clock.advance(60_000);
        self.a.tell_time();
        self.b.tell_time();
    }

    async fn round(&self) {
        for replica in [&self.a, &self.b] {
            self.pass();
            replica.sync().await.unwrap();
        }
    }

    /// Asserts that nothing is half, and that no row tells of what is not there.
    fn judge(&self, when: &str) {
        let found = self.b.files();
        for n in 0..FILES {
            let edited =
                found.get(&format!("d/edited {n}")).unwrap_or_else(|| panic!("{when}: {n} is absent"));
            assert!(*edited == old(n) || *edited == new(n), "{when}: {edited:?}");
            if let Some(created) = found.get(&format!("e/created {n}")) {
                assert_eq!(*created, new(n), "{when}");
            }
        }
        let loaded = self.b.db.load(UnixMillis(0)).unwrap();
        for (path, row) in loaded.baseline.files.iter() {
            let RowContent::File { digest, .. } = &row.content else { continue };
            let content =
                found.get(path.as_str()).unwrap_or_else(|| panic!("{when}: {path} has a row alone"));
            let number = path.as_str().rsplit(' ').next().unwrap().parse().unwrap();
            let is_old = *digest == Digest::of(old(number).as_bytes());
            assert!(is_old || *content == new(number), "{when}: the row of {path} is newer than its file");
        }
    }

    async fn judge_next_run(&self, when: &str) {
        self.round().await;
        self.round().await;
        let mut expected = BTreeMap::new();
        for n in 0..FILES {
            expected.insert(format!("d/edited {n}"), new(n));
            expected.insert(format!("e/created {n}"), new(n));
        }
        assert_eq!(self.b.files(), expected, "{when}");
        assert_eq!(self.a.files(), expected, "{when}");
    }
}

fn old(n: usize) -> String {
    format!("old content of {n}")
}

fn new(n: usize) -> String {
    format!("the new content of {n}, which is longer")
}

/// How the world ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Kill,
    PowerCut,
}

fn begin_again(replica: &Replica, end: End) {
    replica.disk.no_hook();
    match end {
        End::Kill => replica.disk.reboot(),
        End::PowerCut => replica.disk.power_cut(),
    }
    replica.db.cut_power();
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn t39_at_every_step_of_a_landing_each_file_is_old_or_new_and_no_row_is_newer() {
    for step in STEPS {
        for (hit, end) in [(0, End::PowerCut), (0, End::Kill), (3, End::PowerCut), (3, End::Kill)] {
            let two = Two::with_much_to_fetch().await;
            let (disk, passed) = (two.b.disk.clone(), AtomicUsize::new(0));
            two.b.disk.on_step(move |name| {
                if name == step && passed.fetch_add(1, Ordering::SeqCst) == hit {
                    disk.crash();
                }
            });
            let result = two.b.sync().await;
            let has_crashed = two.b.disk.is_crashed();
            assert!(has_crashed || hit > 0, "{step} is passed");
            assert_eq!(result.is_err(), has_crashed, "{step}, {hit}");
            begin_again(&two.b, end);
            let when = format!("{end:?} at {step}, {hit}");
            two.judge(&when);
            two.judge_next_run(&when).await;
        }
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn t39_before_every_change_of_a_landing_each_file_is_old_or_new_and_no_row_is_newer() {
    let mut changes = 0;
    loop {
        let two = Two::with_much_to_fetch().await;
        two.b.disk.crash_after(changes);
        let has_crashed = two.b.sync().await.is_err();
        let end = if changes % 2 == 0 { End::PowerCut } else { End::Kill };
        begin_again(&two.b, end);
        let when = format!("{end:?} after {changes} changes");
        two.judge(&when);
        two.judge_next_run(&when).await;
        if !has_crashed {
            break;
        }
        changes += 3;
    }
    assert!(changes > 100, "only {changes} changes");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn files_that_land_together_share_a_sync_and_a_transaction() {
    let two = Two::with_much_to_fetch().await;
    let counts: Arc<[AtomicUsize; STEPS.len()]> = Arc::default();
    let counting = counts.clone();
    two.b.disk.on_step(move |name| {
        if let Some(at) = STEPS.iter().position(|step| *step == name) {
            counting[at].fetch_add(1, Ordering::SeqCst);
        }
    });
    let report = two.b.sync().await.unwrap();
    two.b.disk.no_hook();
    assert!(report.done.len() >= 2 * FILES, "{:?}", report.done);
    let count =
        |step: &str| counts[STEPS.iter().position(|name| *name == step).unwrap()].load(Ordering::SeqCst);
    assert_eq!((count("create:placed"), count("replace:done")), (FILES, FILES));
    assert!(count("land:synced") <= 2, "{} landings", count("land:synced"));
    assert!(count("intent:recorded") <= 2, "{} transactions", count("intent:recorded"));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn one_that_was_saved_meanwhile_is_left_alone_and_the_others_land() {
    let two = Two::with_much_to_fetch().await;
    let disk = two.b.disk.clone();
    let passed = AtomicUsize::new(0);
    two.b.disk.on_step(move |step| {
        if step == "land:synced" && passed.fetch_add(1, Ordering::SeqCst) == 0 {
            disk.write("d/edited 3", b"saved meanwhile");
            disk.write("e/created 3", b"made meanwhile");
        }
    });
    two.b.sync().await.unwrap();
    two.b.disk.no_hook();
    two.round().await;
    let found = two.b.files();
    for n in (0..FILES).filter(|n| *n != 3) {
        assert_eq!((&found[&format!("d/edited {n}")], &found[&format!("e/created {n}")]), (&new(n), &new(n)));
    }
    for kept in ["saved meanwhile", "made meanwhile", &new(3)] {
        assert!(found.values().any(|content| content == kept), "{kept}: {found:?}");
    }
}
