//! Rare moments: what a crash, a clock or a late program must not make unrecoverable.

use std::sync::Arc;

use s4_core::capabilities::{Capabilities, Versioning};
use s4_store::faulty::{Fault, FaultyStore, Operation, Rule};
use s4_store::memory::MemoryStore;

use super::world::{Replica, WorldClock, bucket, memory_store};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

struct Two {
    clock: WorldClock,
    store: MemoryStore,
    a: Replica,
    b: Replica,
}

impl Two {
    fn new(versioning: Versioning) -> Self {
        let clock = WorldClock::new();
        let store = memory_store(versioning, &clock);
        let capabilities = Capabilities { versioning, ..Capabilities::FULL };
        let a = Replica::new("laptop", Arc::new(store.clone()), capabilities.clone(), &clock);
        let b = Replica::new("desktop", Arc::new(store.clone()), capabilities, &clock);
        Self { clock, store, a, b }
    }

    fn pass(&self, milliseconds: i64) {
        self.clock.advance(milliseconds);
        self.a.tell_time();
        self.b.tell_time();
    }

    async fn settle(&self) {
        for _ in 0..6 {
            self.pass(MINUTE);
            let a = self.a.sync().await.unwrap();
            let b = self.b.sync().await.unwrap();
            if a.done.is_empty() && b.done.is_empty() {
                return;
            }
        }
        panic!("they do not settle");
    }
}

fn holds(replica: &Replica, content: &str) -> bool {
    replica.files().values().any(|there| there == content)
}

#[tokio::test]
async fn what_a_long_run_replaced_is_looked_at_once_more_before_it_expires() {
    let two = Two::new(Versioning::Enabled);
    two.a.disk.write("x", b"one");
    two.settle().await;
    let program = two.b.disk.hold_open("x");
    two.a.disk.save("x", b"two");
    two.pass(MINUTE);
    two.a.sync().await.unwrap();
    // The transfer takes ten minutes.
    let clock = two.clock.clone();
    two.b.disk.on_step(move |step| {
        if step == "replace:done" {
            clock.advance(10 * MINUTE);
        }
    });
    two.b.sync().await.unwrap();
    two.b.disk.no_hook();
    two.pass(2 * 60 * MINUTE);
    program.append(b" and late").unwrap();
    // Its directory in trash is older than the time that trash is kept, its record is not.
    let since = 10 * MINUTE + 2 * 60 * MINUTE;
    two.pass(30 * DAY - since + 5 * MINUTE);
    two.b.sync().await.unwrap();
    two.pass(DAY);
    two.b.sync().await.unwrap();
    two.b.sync().await.unwrap();
    assert!(holds(&two.b, "one and late"), "{:?}", two.b.files());
}

#[tokio::test]
async fn what_a_late_writer_wrote_comes_back_where_its_directory_became_a_file() {
    let two = Two::new(Versioning::Enabled);
    two.a.disk.write("d/x", b"one");
    two.settle().await;
    let program = two.b.disk.hold_open("d/x");
    two.a.disk.save("d/x", b"two");
    two.settle().await;
    two.a.disk.delete("d");
    two.a.disk.write("d", b"a file now");
    two.settle().await;
    assert_eq!(two.b.disk.read("d").unwrap(), b"a file now");
    program.append(b" and late").unwrap();
    two.settle().await;
    assert!(holds(&two.b, "one and late"), "{:?}", two.b.files());
}

#[tokio::test]
async fn what_stood_under_the_name_since_a_crash_is_not_removed_under_its_reader() {
    let two = Two::new(Versioning::Enabled);
    two.a.disk.write("x", b"base");
    two.settle().await;
    two.a.disk.write("x", b"theirs");
    two.b.disk.write("x", b"mine, longer");
    two.pass(MINUTE);
    two.a.sync().await.unwrap();
    let disk = two.b.disk.clone();
    two.b.disk.on_step(move |step| {
        if step == "replace:exchanged" {
            disk.crash();
        }
    });
    assert!(two.b.sync().await.is_err());
    two.b.disk.no_hook();
    two.b.disk.reboot();
    assert_eq!(two.b.disk.read("x").unwrap(), b"theirs");
    // Before S4 starts again somebody opens what stands there, and writes to it when S4 is through.
    let program = two.b.disk.hold_open("x");
    two.pass(MINUTE);
    two.b.sync().await.unwrap();
    program.append(b" and more").unwrap();
    two.settle().await;
    assert!(holds(&two.b, "theirs and more"), "{:?}", two.b.files());
    assert!(holds(&two.b, "mine, longer"), "{:?}", two.b.files());
}

#[tokio::test]
async fn a_clock_that_is_ahead_does_not_expire_what_others_deleted() {
    let mut two = Two::new(Versioning::Off);
    for name in ["one", "two", "three", "four"] {
        two.a.disk.write(name, name.as_bytes());
    }
    two.settle().await;
    two.a.disk.delete("one");
    two.settle().await;
    let trash = |two: &Two| two.store.objects().keys().filter(|key| key.as_str().contains("trash")).count();
    assert_eq!(trash(&two), 1);
    let ahead = WorldClock::new();
    ahead.advance(365 * DAY);
    two.b.clock = ahead;
    two.b.tell_time();
    two.b.disk.delete("two");
    two.b.sync().await.unwrap();
    assert_eq!(bucket(&two.store).len(), 2);
    assert_eq!(trash(&two), 2);
}

#[tokio::test]
async fn t24_content_changed_under_old_stamps_and_renamed_is_uploaded() {
    let two = Two::new(Versioning::Enabled);
    two.a.disk.write("x", b"first");
    two.settle().await;
    let mtime = s4_local::disk::Disk::lstat(&two.a.disk, &s4_core::path::DiskPath::new("x"))
        .unwrap()
        .unwrap()
        .fingerprint
        .mtime_ns;
    two.pass(MINUTE);
    two.a.disk.write("x", b"other");
    two.a.disk.touch("x", mtime);
    two.a.disk.move_over("x", "y");
    two.settle().await;
    assert_eq!(two.b.disk.read("y").unwrap(), b"other");
}

#[tokio::test]
async fn an_edit_in_the_tick_of_a_hash_is_found_after_a_rename() {
    let two = Two::new(Versioning::Enabled);
    two.a.disk.write("x", b"first");
    two.settle().await;
    two.a.disk.move_over("x", "y");
    two.pass(MINUTE);
    two.a.sync().await.unwrap();
    // A program writes the same once more, S4 reads it, and in the same tick it writes something else.
    two.b.disk.write("x", b"first");
    two.b.disk.set_tick(0);
    let (disk, now) = (two.b.disk.clone(), two.clock.0.load(std::sync::atomic::Ordering::SeqCst));
    two.b.disk.on_step(move |step| {
        if step == "rename:before" {
            disk.write_silently("x", b"other");
            disk.set_clock((now + 500) * 1_000_000);
        }
    });
    two.b.sync().await.unwrap();
    two.b.disk.no_hook();
    two.b.disk.set_tick(1_000_000);
    assert_eq!(two.b.disk.read("y").unwrap(), b"other");
    two.settle().await;
    assert_eq!(two.a.disk.read("y").unwrap(), b"other");
}

/// Rules that came to be while a folder was scanned count for what came to be after them.
#[tokio::test]
async fn t56_rules_written_during_a_scan_are_followed() {
    for (calls, is_first) in (0..40).flat_map(|calls| [(calls, false), (calls, true)]) {
        let two = Two::new(Versioning::Enabled);
        if !is_first {
            two.a.disk.write("x", b"agreed");
            two.settle().await;
        }
        two.a.disk.write("d/y", b"new");
        two.a.disk.write(".syncignore", b"");
        let disk = two.a.disk.clone();
        two.a.disk.race_after(calls, move || {
            disk.write(".syncignore", b"secret");
            disk.write("d/secret", b"for nobody");
        });
        // Rules that change while they are read end the run: the next one follows them.
        let result = two.a.sync().await;
        if two.a.disk.call_off_race() {
            continue;
        }
        if result.is_err() {
            two.a.sync().await.unwrap();
        }
        let published = bucket(&two.store);
        assert!(!published.contains_key("d/secret"), "after {calls} calls: {:?}", published.keys());
    }
}

#[tokio::test]
async fn what_was_parked_where_somebody_took_the_name_is_watched_for_late_writers() {
    let mut two = Two::new(Versioning::Enabled);
    let traits = s4_core::traits::DiskTraits { has_exchange: false, ..s4_core::traits::DiskTraits::LINUX };
    two.b.disk = s4_local::memory::MemoryDisk::new(traits);
    two.b.disk.set_tick(1_000_000);
    two.b.faulty = Arc::new(s4_local::faulty::FaultyDisk::new(Arc::new(two.b.disk.clone())));
    two.b.tell_time();
    two.a.disk.write("x", b"one");
    two.settle().await;
    let program = two.b.disk.hold_open("x");
    two.a.disk.save("x", b"two");
    two.pass(MINUTE);
    two.a.sync().await.unwrap();
    let disk = two.b.disk.clone();
    two.b.disk.on_step(move |step| {
        if step == "replace:parked" {
            disk.write("x", b"three");
        }
    });
    two.b.sync().await.unwrap();
    two.b.disk.no_hook();
    program.append(b" and late").unwrap();
    two.settle().await;
    assert!(holds(&two.b, "one and late"), "{:?}", two.b.files());
    assert!(holds(&two.b, "two") && holds(&two.b, "three"), "{:?}", two.b.files());
}

#[tokio::test]
async fn a_bucket_that_stopped_keeping_versions_gets_a_trash() {
    let two = Two::new(Versioning::Enabled);
    two.a.disk.write("x", b"one");
    two.a.disk.write("y", b"why");
    two.settle().await;
    // The target still says what was found out when it was added.
    two.store.set_versioning(Versioning::Suspended);
    two.a.disk.write("x", b"two");
    two.settle().await;
    two.b.disk.delete("x");
    two.settle().await;
    assert_eq!(two.a.files().into_keys().collect::<Vec<_>>(), ["y"]);
    let kept = two.store.objects().into_iter().find(|(key, _)| key.as_str().ends_with("/x"));
    let (key, content) = kept.expect("a copy in the bucket's trash");
    assert!(key.as_str().starts_with("p/.s4/trash/"), "{key}");
    assert_eq!(&*content, b"two");
}

#[tokio::test]
async fn t52_an_empty_directory_that_a_listing_lacks_stays() {
    let mut two = Two::new(Versioning::Enabled);
    let store = Arc::new(FaultyStore::obedient(two.store.clone()));
    two.b.store = store.clone();
    two.a.disk.write("a", b"1");
    two.a.disk.make_dirs(&s4_core::path::DiskPath::new("hollow"));
    two.settle().await;
    assert!(two.b.tree().contains_key("hollow/"));
    store.add_rule(Rule::new(Operation::List, Fault::ShortListing).times(2));
    let disk = two.b.disk.clone();
    two.b.disk.on_step(move |step| {
        if step == "remove-dir:done" {
            disk.crash();
        }
    });
    let _ = two.b.sync().await;
    two.b.disk.no_hook();
    two.b.disk.reboot();
    assert!(two.b.tree().contains_key("hollow/"));
    two.settle().await;
    assert!(bucket(&two.store).contains_key("hollow/"));
    // Where it is gone indeed, it goes.
    two.a.disk.delete("hollow");
    two.settle().await;
    assert!(!two.b.tree().contains_key("hollow/"));
}

/// Syncs as [`Replica::sync`] does, other mounts too.
async fn sync_across_mounts(replica: &Replica) -> s4_engine::report::Report {
    let settings = s4_engine::settings::Settings {
        name: replica.name.clone(),
        folder: "/memory".into(),
        endpoint: "memory".to_owned(),
        bucket: "bucket".to_owned(),
        prefix: s4_core::key::Prefix::new("p"),
        policy: replica.policy,
        exclude: Vec::new(),
        limits: replica.limits,
        cross_mounts: true,
        trash_days: 30,
        bucket_trash: true,
        own_objects: false,
        database_dir: None,
        state_dir: "/memory-state".into(),
        host: replica.name.clone(),
    };
    let parts = s4_engine::target::Parts {
        store: replica.store.clone(),
        capabilities: replica.capabilities.clone(),
        disk: replica.faulty.clone(),
        db: Arc::new(replica.db.clone()),
        clock: Arc::new(replica.clock.clone()),
        blocking: s4_engine::Blocking::Inline,
        replica_id: replica.name.clone(),
    };
    let mut target = s4_engine::target::Target::assemble(settings, parts).unwrap();
    let observer: s4_engine::report::Observer = Arc::new(|_| {});
    target.sync(&s4_engine::settings::SyncOptions::default(), &observer).await.unwrap()
}

#[tokio::test]
async fn t51_a_submount_that_is_gone_deletes_nothing() {
    let two = Two::new(Versioning::Enabled);
    let drive = s4_core::path::DiskPath::new("drive");
    two.a.disk.write("x", b"at home");
    two.a.disk.make_dirs(&drive);
    two.a.disk.mount(&drive);
    two.a.disk.write("drive/y", b"on the drive");
    sync_across_mounts(&two.a).await;
    assert_eq!(bucket(&two.store).len(), 2);
    // Unmounted: the empty directory below comes to light.
    two.a.disk.delete("drive");
    two.a.disk.make_dirs(&drive);
    two.pass(MINUTE);
    sync_across_mounts(&two.a).await;
    assert!(bucket(&two.store).contains_key("drive/y"));
    // Nothing is written where the drive belongs.
    two.b.disk.write("drive/z", b"from elsewhere");
    two.b.sync().await.unwrap();
    sync_across_mounts(&two.a).await;
    assert_eq!(two.a.disk.read("drive/z"), None);
    // Mounted again, with what it held.
    two.a.disk.mount(&drive);
    two.a.disk.make_dirs(&s4_core::path::DiskPath::new("drive/.s4"));
    two.a.disk.write("drive/y", b"on the drive");
    two.pass(MINUTE);
    sync_across_mounts(&two.a).await;
    assert_eq!(two.a.disk.read("drive/z").unwrap(), b"from elsewhere");
    assert_eq!(two.a.disk.read("drive/y").unwrap(), b"on the drive");
}

#[tokio::test]
async fn t53_a_rename_that_had_to_be_a_delete_does_not_count_afterwards() {
    let mut two = Two::new(Versioning::Enabled);
    two.a.capabilities.copy_if_none_match = s4_core::capabilities::CopyCondition::None;
    two.a.capabilities.complete_if_none_match = false;
    for n in 0..40 {
        two.a.disk.write(&format!("d/{n}"), format!("content {n}").as_bytes());
    }
    two.settle().await;
    two.a.disk.move_over("d", "e");
    two.pass(MINUTE);
    assert_eq!(two.a.sync().await.unwrap().halt, None);
    assert!(bucket(&two.store).contains_key("e/1") && !bucket(&two.store).contains_key("d/1"));
    two.a.disk.delete("e/1");
    two.pass(MINUTE);
    assert_eq!(two.a.sync().await.unwrap().halt, None);
    // What is lost indeed counts: 25 more make it 26.
    for n in 2..27 {
        two.a.disk.delete(&format!("e/{n}"));
    }
    two.pass(MINUTE);
    assert!(two.a.sync().await.unwrap().halt.is_some());
}
