//! Stories of two computers, each a few lines.

use std::sync::Arc;

use s4_core::baseline::RowContent;
use s4_core::capabilities::{Capabilities, Versioning};
use s4_core::context::{ConflictPolicy, DeleteLimits};
use s4_engine::db::StateDb;
use s4_engine::settings::SyncOptions;
use s4_store::memory::MemoryStore;

use super::world::{Replica, WorldClock, bucket, memory_store};

struct Two {
    clock: WorldClock,
    store: MemoryStore,
    a: Replica,
    b: Replica,
}

impl Two {
    fn new() -> Self {
        let clock = WorldClock::new();
        let store = memory_store(Versioning::Enabled, &clock);
        let a = Replica::new("laptop", Arc::new(store.clone()), Capabilities::FULL, &clock);
        let b = Replica::new("desktop", Arc::new(store.clone()), Capabilities::FULL, &clock);
        Self { clock, store, a, b }
    }

    /// Lets time pass, and syncs both until neither has anything to do.
    async fn settle(&self) {
        for _ in 0..5 {
            self.clock.advance(60_000);
            self.a.tell_time();
            self.b.tell_time();
            let a = self.a.sync().await.unwrap();
            let b = self.b.sync().await.unwrap();
            assert!(a.halt.is_none() && b.halt.is_none(), "{:?} {:?}", a.halt, b.halt);
            if a.done.is_empty() && b.done.is_empty() {
                return;
            }
        }
        panic!("they do not settle");
    }

    fn assert_equal(&self) {
        assert_eq!(self.a.tree(), self.b.tree());
        let files: Vec<String> = self.a.files().into_keys().collect();
        let objects: Vec<String> =
            bucket(&self.store).into_keys().filter(|key| !key.ends_with('/')).collect();
        assert_eq!(files, objects);
    }
}

#[tokio::test]
async fn files_directories_and_links_arrive_and_a_second_run_does_nothing() {
    let two = Two::new();
    two.a.disk.write("a.txt", b"one");
    two.a.disk.write("d/e/f.txt", b"two");
    two.a.disk.write("empty.txt", b"");
    two.a.disk.make_dirs(&s4_core::path::DiskPath::new("hollow/inside"));
    two.a.disk.make_link("link", "d/e");
    two.a.disk.write("run.sh", b"#!/bin/sh");
    two.a.disk.set_mode("run.sh", 0o755);
    two.settle().await;
    two.assert_equal();
    assert_eq!(two.b.disk.read("d/e/f.txt").unwrap(), b"two");
    assert_eq!(two.b.disk.read("link").unwrap(), b"d/e");
    assert!(two.b.tree().contains_key("hollow/inside/"));
}

#[tokio::test]
async fn edits_deletes_and_renames_travel() {
    let two = Two::new();
    for n in 0..10 {
        two.a.disk.write(&format!("d/{n}.txt"), format!("content {n}").as_bytes());
    }
    two.settle().await;
    two.a.disk.save("d/1.txt", b"edited");
    two.b.disk.delete("d/2.txt");
    two.b.disk.move_over("d/3.txt", "moved/3.txt");
    two.a.disk.move_over("d/4.txt", "4.txt");
    two.settle().await;
    two.assert_equal();
    assert_eq!(two.b.disk.read("d/1.txt").unwrap(), b"edited");
    assert_eq!(two.a.disk.read("d/2.txt"), None);
    assert_eq!(two.a.disk.read("moved/3.txt").unwrap(), b"content 3");
    assert_eq!(two.b.disk.read("4.txt").unwrap(), b"content 4");
    assert_eq!(two.store.history(&s4_core::key::ObjectKey::new("p/moved/3.txt")).len(), 1);
}

#[tokio::test]
async fn a_directory_that_is_emptied_stays_and_one_that_is_removed_goes() {
    let two = Two::new();
    two.a.disk.write("stays/x", b"1");
    two.a.disk.write("goes/y/z", b"2");
    two.settle().await;
    two.a.disk.delete("stays/x");
    two.b.disk.delete("goes");
    two.settle().await;
    two.assert_equal();
    assert!(two.b.tree().contains_key("stays/"));
    assert!(!two.a.tree().contains_key("goes/"));
}

#[tokio::test]
async fn t41_concurrent_edits_are_both_kept_and_equal_ones_are_adopted() {
    let two = Two::new();
    two.a.disk.write("x.txt", b"base");
    two.settle().await;
    two.a.disk.write("x.txt", b"from the laptop");
    two.b.disk.write("x.txt", b"from the desktop");
    two.a.disk.write("same.txt", b"same");
    two.b.disk.write("same.txt", b"same");
    two.settle().await;
    two.assert_equal();
    let files = two.a.files();
    let mut contents: Vec<&str> = files.values().map(String::as_str).collect();
    contents.sort_unstable();
    assert_eq!(contents, ["from the desktop", "from the laptop", "same"]);
}

#[tokio::test]
async fn asking_leaves_both_and_a_decision_holds_for_the_pair_shown() {
    let mut two = Two::new();
    two.a.policy = ConflictPolicy::Ask;
    two.a.disk.write("x", b"mine");
    two.store.write_outside(
        &s4_core::key::ObjectKey::new("p/x"),
        "theirs",
        s4_store::memory::OutsideWrite::Whole,
    );
    let report = two.a.sync().await.unwrap();
    assert_eq!(report.conflicts.len(), 1);
    assert_eq!(two.a.disk.read("x").unwrap(), b"mine");
    let conflict = &report.conflicts[0];
    let decision = s4_core::facts::Decision {
        local: *conflict.local.fingerprint().unwrap(),
        etag: conflict.object.etag.clone(),
        keep: s4_core::facts::Keep::Remote,
    };
    two.a.db.decide(&conflict.path, &decision).unwrap();
    two.a.disk.write("x", b"mine again");
    let report = two.a.sync().await.unwrap();
    assert_eq!(report.conflicts.len(), 1, "another pair: the decision is void");
    let conflict = &report.conflicts[0];
    let decision = s4_core::facts::Decision { local: *conflict.local.fingerprint().unwrap(), ..decision };
    two.a.db.decide(&conflict.path, &decision).unwrap();
    let report = two.a.sync().await.unwrap();
    assert!(report.conflicts.is_empty());
    assert_eq!(two.a.disk.read("x").unwrap(), b"theirs");
}

#[tokio::test]
async fn t51_an_emptied_folder_halts_and_deletes_nothing_until_a_person_says_so() {
    let two = Two::new();
    for n in 0..5 {
        two.a.disk.write(&format!("{n}"), b"x");
    }
    two.settle().await;
    for n in 0..5 {
        two.a.disk.delete(&format!("{n}"));
    }
    let report = two.a.sync().await.unwrap();
    assert!(report.halt.is_some());
    assert_eq!(bucket(&two.store).len(), 5);
    let force = SyncOptions { limits: Some(DeleteLimits::Unlimited), ..SyncOptions::default() };
    let report = two.a.sync_with(&force).await.unwrap();
    assert!(report.halt.is_none());
    assert!(bucket(&two.store).is_empty());
}

#[tokio::test]
async fn t34_a_file_becomes_a_directory_and_back() {
    let two = Two::new();
    two.a.disk.write("x", b"file");
    two.a.disk.write("other", b"keeps the folder from being empty");
    two.settle().await;
    two.a.disk.delete("x");
    two.a.disk.write("x/inside", b"below");
    two.settle().await;
    two.assert_equal();
    assert_eq!(two.b.disk.read("x/inside").unwrap(), b"below");
    two.b.disk.delete("x");
    two.b.disk.write("x", b"file again");
    two.settle().await;
    two.assert_equal();
    assert_eq!(two.a.disk.read("x").unwrap(), b"file again");
}

#[tokio::test]
async fn an_edit_that_waits_for_a_person_stays_an_edit_when_its_file_stands_aside() {
    let mut two = Two::new();
    two.b.policy = ConflictPolicy::Ask;
    two.a.disk.write("x", b"base");
    two.a.disk.write("other", b"other");
    two.settle().await;
    // Both edit: on the desktop the conflict waits.
    two.a.disk.write("x", b"from the laptop");
    two.a.sync().await.unwrap();
    two.b.disk.write("x", b"from the desktop");
    two.b.sync().await.unwrap();
    // A directory of the same name arrives: the desktop's file stands aside.
    two.store.write_outside(
        &s4_core::key::ObjectKey::new("p/x/inside"),
        "below",
        s4_store::memory::OutsideWrite::Whole,
    );
    for _ in 0..3 {
        two.b.sync().await.unwrap();
    }
    assert_eq!(two.b.disk.read("x/inside").unwrap(), b"below");
    let contents: Vec<String> = two.b.files().into_values().collect();
    assert!(contents.contains(&"from the desktop".to_owned()), "{contents:?}");
    let report = two.b.sync().await.unwrap();
    assert_eq!(report.conflicts.len(), 1, "it still waits");
}

#[tokio::test]
async fn an_uploaded_file_survives_the_power_cut_that_its_program_did_not_wait_for() {
    let two = Two::new();
    two.a.disk.write("old", b"keeps the folder from being empty");
    two.settle().await;
    two.a.disk.settle();
    two.a.disk.write("new", b"saved and never synced");
    two.a.sync().await.unwrap();
    two.a.disk.power_cut();
    two.settle().await;
    assert_eq!(two.a.disk.read("new").unwrap(), b"saved and never synced");
    two.assert_equal();
}

#[tokio::test]
async fn an_adopted_file_survives_the_power_cut_after_the_kill_that_left_it() {
    let two = Two::new();
    two.a.disk.write("old", b"keeps the folder from being empty");
    two.settle().await;
    two.a.disk.write("new", b"content");
    two.a.sync().await.unwrap();
    two.b.disk.settle();
    // Killed when the file has its name, and before that is durable.
    let disk = two.b.disk.clone();
    two.b.disk.on_step(move |step| {
        if step == "batch:before-sync" {
            disk.crash();
        }
    });
    two.b.sync().await.unwrap_err();
    two.b.disk.no_hook();
    two.b.disk.reboot();
    assert_eq!(two.b.disk.read("new").unwrap(), b"content", "it has its name");
    two.b.sync().await.unwrap();
    two.b.disk.power_cut();
    two.settle().await;
    two.assert_equal();
    assert_eq!(bucket(&two.store).get("new").unwrap(), b"content", "it was not taken for deleted");
}

#[tokio::test]
async fn a_mode_that_changes_a_second_after_the_write_arrives() {
    let two = Two::new();
    two.a.disk.write("run.sh", b"#!/bin/sh");
    // Its stamps are old enough to be believed, so that nothing else makes a new row of it.
    two.clock.advance(60_100);
    two.a.tell_time();
    two.a.sync().await.unwrap();
    // The listing shows when the store changed it; from then on a later change is another, however soon.
    two.a.sync().await.unwrap();
    two.b.sync().await.unwrap();
    two.b.disk.set_mode("run.sh", 0o755);
    two.clock.advance(900);
    let set = two.b.sync().await.unwrap();
    assert_eq!(set.done.len(), 1, "{:?}", set.done);
    two.settle().await;
    two.assert_equal();
    let rows = two.a.db.load(s4_core::remote::UnixMillis(0)).unwrap().baseline.files;
    let is_executable =
        rows.iter().any(|(_, row)| matches!(row.content, RowContent::File { executable: true, .. }));
    assert!(is_executable, "the mode did not arrive");
}
