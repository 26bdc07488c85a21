//! Files that take each other's names: what is asked of the store, and what a fault or a crash at any step leaves.

use std::collections::BTreeMap;
use std::sync::Arc;

use s4_core::capabilities::{Capabilities, CopyCondition, Versioning};
use s4_store::error::StoreErrorKind;
use s4_store::faulty::{Fault, FaultyStore, Operation, Rule};
use s4_store::memory::MemoryStore;

use super::world::{Replica, WorldClock, bucket, memory_store};

/// A chain into another directory, a swap, and a cycle of four.
const MOVES: [(&str, &str); 8] = [
    ("chain", "d/chain"),
    ("before", "chain"),
    ("swap", "pws"),
    ("pws", "swap"),
    ("c/1", "c/2"),
    ("c/2", "c/e/3"),
    ("c/e/3", "4"),
    ("4", "c/1"),
];

struct Two {
    clock: WorldClock,
    bucket: MemoryStore,
    store: FaultyStore<MemoryStore>,
    a: Replica,
    b: Replica,
}

impl Two {
    /// Makes two computers that have the files, and renames them on the first.
    async fn renamed(capabilities: Capabilities) -> Self {
        let clock = WorldClock::new();
        let bucket = memory_store(capabilities.versioning, &clock);
        let store = FaultyStore::obedient(bucket.clone());
        let a = Replica::new("laptop", Arc::new(store.clone()), capabilities.clone(), &clock);
        let b = Replica::new("desktop", Arc::new(store.clone()), capabilities, &clock);
        let two = Self { clock, bucket, store, a, b };
        for (path, _) in MOVES {
            two.a.disk.write(path, content_of(path).as_bytes());
        }
        two.settle().await;
        for (from, _) in MOVES {
            two.a.disk.move_over(from, &format!("{from} under way"));
        }
        for (from, to) in MOVES {
            two.a.disk.move_over(&format!("{from} under way"), to);
        }
        two.a.disk.settle();
        two.tell_time();
        two
    }

    fn tell_time(&self) {
        self.clock.advance(60_000);
        self.a.tell_time();
        self.b.tell_time();
    }

    /// Refuses to store or give any content from now on.
    fn refuse_content(&self) {
        for operation in [Operation::Put, Operation::Get, Operation::UploadPart] {
            self.store.add_rule(Rule::new(operation, Fault::Refused(StoreErrorKind::Denied)));
        }
    }

    async fn settle(&self) {
        for _ in 0..6 {
            self.tell_time();
            let a = self.a.sync().await.unwrap();
            let b = self.b.sync().await.unwrap();
            assert!(a.failed.is_empty() && b.failed.is_empty(), "{:?} {:?}", a.failed, b.failed);
            if a.done.is_empty() && b.done.is_empty() {
                return;
            }
        }
        panic!("they do not settle");
    }

    /// Checks that all is as it was renamed; `extra` copies of what was there may have been kept.
    #[track_caller]
    fn assert_renamed(&self, extra: usize, when: &str) {
        assert_eq!(self.a.tree(), self.b.tree(), "{when}");
        let files = self.a.files();
        for (from, to) in MOVES {
            assert_eq!(files.get(to), Some(&content_of(from)), "{to}, {when}: {files:#?}");
        }
        assert!(files.len() <= MOVES.len() + extra, "{when}: {files:#?}");
        let objects: BTreeMap<String, String> = bucket(&self.bucket)
            .into_iter()
            .filter(|(key, _)| !key.ends_with('/') && key != ".index")
            .map(|(key, bytes)| (key, String::from_utf8(bytes).unwrap()))
            .collect();
        assert_eq!(files, objects, "{when}");
    }

    /// Checks that nothing of S4's own is left in the bucket.
    #[track_caller]
    fn assert_clean(&self) {
        let own = self.bucket.objects().into_keys().find(|key| key.as_str().starts_with("p/.s4/"));
        assert_eq!(own, None);
    }
}

/// Returns a content of its own for each path; those of the swap are of one length.
fn content_of(path: &str) -> String {
    format!("what was at {path} {}", "and so on ".repeat(30 + path.len()))
}

fn unversioned() -> Capabilities {
    Capabilities { versioning: Versioning::Off, ..Capabilities::FULL }
}

#[tokio::test]
async fn no_content_moves_where_versions_are_kept_and_where_none_are() {
    let by_parts = Capabilities { copy_if_match: CopyCondition::None, ..unversioned() };
    // Where some writes have no condition, what replaces our own writes must descend from them.
    let by_lineage = Capabilities { put_if_match: false, ..unversioned() };
    for capabilities in [Capabilities::FULL, unversioned(), by_parts, by_lineage] {
        let two = Two::renamed(capabilities).await;
        two.refuse_content();
        two.settle().await;
        two.assert_renamed(0, "in the end");
        two.assert_clean();
        // And back, by the other one.
        for (_, to) in MOVES {
            two.b.disk.move_over(to, &format!("{to} under way"));
        }
        for (from, to) in MOVES {
            two.b.disk.move_over(&format!("{to} under way"), from);
        }
        two.b.disk.delete("d");
        two.tell_time();
        two.b.sync().await.unwrap();
        two.settle().await;
        assert_eq!(two.a.tree(), two.b.tree());
        for (from, _) in MOVES {
            assert_eq!(two.a.files().get(from), Some(&content_of(from)), "{from}");
        }
        two.assert_clean();
    }
}

#[tokio::test]
async fn a_copy_bears_the_time_the_checksum_and_the_lineage_of_what_it_is_now() {
    let by_parts = Capabilities {
        copy_if_match: CopyCondition::None,
        copy_if_none_match: CopyCondition::None,
        ..unversioned()
    };
    for capabilities in [Capabilities::FULL, by_parts] {
        let two = Two::renamed(capabilities).await;
        let head = async |path: &str| {
            let key = s4_core::key::ObjectKey::new(format!("p/{path}"));
            s4_store::store::Store::head(&two.bucket, &key, None).await.ok()
        };
        let mut before = BTreeMap::new();
        for (from, _) in MOVES {
            before.insert(from, head(from).await.unwrap());
        }
        two.a.sync().await.unwrap();
        for (from, to) in MOVES {
            let (was, now) = (&before[from], head(to).await.unwrap());
            let crc = s4_core::digest::Digest::of(content_of(from).as_bytes()).crc64nvme;
            assert_eq!(now.crc64nvme, Some(crc), "{to}");
            assert_eq!(now.metadata.mtime_ns, was.metadata.mtime_ns, "{to}");
            let replaced = before.get(to).map(|replaced| replaced.etag.clone());
            assert_eq!(now.metadata.base.first(), replaced.as_ref(), "{to} descends from what it replaces");
        }
    }
}

#[tokio::test]
async fn where_nothing_can_be_held_only_the_smallest_of_a_cycle_is_sent() {
    let two = Two::renamed(unversioned()).await;
    // The original S4 keeps its index here: nothing of ours is written below the prefix.
    let index = s4_core::key::ObjectKey::new("p/.index");
    let crc = s4_core::digest::Digest::of(b"{}").crc64nvme;
    let store: &dyn s4_store::store::Store = &two.bucket;
    let none = s4_store::store::Condition::None;
    store.put(&index, "{}".into(), crc, &Default::default(), &none).await.unwrap();
    // The smallest of the cycle is that of `4`, which goes to `c/1`; of the swap, the first by name, to `swap`.
    for key in ["p/c/2", "p/c/e/3", "p/4", "p/pws", "p/chain", "p/d/chain"] {
        two.store.add_rule(Rule::new(Operation::Put, Fault::Refused(StoreErrorKind::Denied)).of(key));
    }
    two.store.add_rule(Rule::new(Operation::Get, Fault::Refused(StoreErrorKind::Denied)).of("p/c/1"));
    let report = two.a.sync().await.unwrap();
    assert!(report.failed.is_empty(), "{:?}", report.failed);
    two.store.calm();
    two.settle().await;
    two.assert_renamed(0, "in the end");
    let own = two.bucket.objects().into_keys().find(|key| key.as_str().starts_with("p/.s4/"));
    assert_eq!(own, None, "the original S4 would take it for a file");
}

#[tokio::test]
async fn a_fault_at_any_copy_loses_nothing() {
    for capabilities in [Capabilities::FULL, unversioned()] {
        for fault in [Fault::Offline, Fault::LostReply, Fault::AnsweredTwice] {
            for count in 0..10 {
                let two = Two::renamed(capabilities.clone()).await;
                two.store.add_rule(Rule::new(Operation::Copy, fault.clone()).after(count).times(1));
                // An error of the whole run is part of it.
                let outcome = two.a.sync().await.map(|report| report.done.len());
                let when = format!("{fault:?} after {count} copies, {outcome:?}");
                two.settle().await;
                two.assert_renamed(0, &when);
            }
        }
    }
}

#[tokio::test]
async fn a_crash_at_any_change_of_the_disk_loses_nothing() {
    for is_power_cut in [false, true] {
        for changes in 0.. {
            let two = Two::renamed(Capabilities::FULL).await;
            two.a.sync().await.unwrap();
            two.b.disk.crash_after(changes);
            let outcome = two.b.sync().await;
            if !two.b.disk.is_crashed() {
                assert!(changes > 10 && outcome.is_ok(), "{changes} changes");
                break;
            }
            if is_power_cut {
                two.b.disk.power_cut();
            }
            two.b.db.cut_power();
            two.b.disk.reboot();
            two.settle().await;
            // A cycle of four has two moments in which a file is under a name that is not its own.
            two.assert_renamed(1, &format!("crashed after {changes} changes, power cut: {is_power_cut}"));
        }
    }
}

#[tokio::test]
async fn an_edit_before_any_step_on_disk_survives() {
    for (path, _) in MOVES {
        for calls in (0..120).step_by(9) {
            let two = Two::renamed(Capabilities::FULL).await;
            two.a.sync().await.unwrap();
            let disk = two.b.disk.clone();
            two.b.disk.race_after(calls, move || disk.write(path, b"edited in a race"));
            two.b.sync().await.unwrap();
            let was_edited = !two.b.disk.call_off_race();
            two.settle().await;
            let files = two.b.files();
            assert_eq!(two.a.files(), files);
            let is_there = |wanted: &str| files.values().any(|content| content == wanted);
            let when = format!("{path} edited after {calls} calls: {:?}", files.keys());
            assert!(is_there("edited in a race") || !was_edited, "the edit is lost, {when}");
            for (from, _) in MOVES {
                // It may have replaced the content that its writer saw there: that of the path, before or after.
                let is_replaced = from == path || MOVES.contains(&(from, path));
                assert!(is_there(&content_of(from)) || is_replaced, "{from} is lost, {when}");
            }
        }
    }
}

/// Objects in an archive, or with tags that we may not copy: the files are here, and are sent instead.
#[tokio::test]
async fn where_no_copy_is_allowed_the_files_are_sent() {
    for capabilities in [Capabilities::FULL, unversioned()] {
        let two = Two::renamed(capabilities).await;
        for operation in [Operation::Copy, Operation::UploadPartCopy] {
            two.store.add_rule(Rule::new(operation, Fault::Refused(StoreErrorKind::Denied)));
        }
        two.settle().await;
        two.assert_renamed(0, "no copy is allowed");
    }
}
