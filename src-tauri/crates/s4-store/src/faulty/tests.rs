//! Each fault does what it says, and a seed repeats itself.

use std::time::Duration;

use futures::TryStreamExt as _;
use s4_core::digest::Digest;
use s4_core::key::Prefix;
use s4_core::remote::UnixMillis;

use super::*;
use crate::contract::{self, Terms};
use crate::memory::{MemoryStore, StoreClock};
use crate::probe::probe;

fn memory() -> MemoryStore {
    MemoryStore::new(Versioning::Off, StoreClock::fixed(UnixMillis(0))).with_minimum_part(4)
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::new(text)
}

async fn put(store: &impl Store, at: &str, body: &'static str, condition: &Condition) -> Result<Written> {
    let crc = Digest::of(body.as_bytes()).crc64nvme;
    store.put(&key(at), Bytes::from(body), crc, &ObjectAttributes::default(), condition).await
}

async fn read(store: &impl Store, at: &str) -> Result<Vec<u8>> {
    let pieces: Vec<Bytes> = store.get(&key(at), GetOptions::default()).await?.body.try_collect().await?;
    Ok(pieces.concat())
}

async fn listed(store: &impl Store) -> Vec<String> {
    let page = store.list("", ListFrom::Start, None).await.unwrap();
    page.objects.iter().map(|object| format!("{} {}", object.key, object.size)).collect()
}

#[tokio::test]
async fn an_obedient_store_keeps_the_contract() {
    let store = FaultyStore::obedient(memory());
    let capabilities = Capabilities { versioning: Versioning::Off, ..Capabilities::FULL };
    contract::all(&store, &Terms { minimum_part: 4, ..Terms::new(capabilities, "") }).await;
    assert!(store.trace().is_empty());
}

#[tokio::test]
async fn late_requests_in_any_order_keep_the_contract() {
    let capabilities = Capabilities { versioning: Versioning::Off, ..Capabilities::FULL };
    for seed in 0..20 {
        let store = FaultyStore::new(memory(), seed, Chances { yields: 600, ..Chances::NONE });
        let terms = Terms { minimum_part: 4, ..Terms::new(capabilities.clone(), "") };
        contract::all(&store, &terms).await;
        assert!(store.trace().len() > 50, "seed {seed}");
    }
}

#[tokio::test]
async fn what_is_said_and_what_is_done_differ_as_the_fault_says() {
    let rows = [
        (Fault::Offline, StoreErrorKind::Offline, false),
        (Fault::LostReply, StoreErrorKind::Offline, true),
        (Fault::AnsweredTwice, StoreErrorKind::PreconditionFailed, true),
        (Fault::Refused(StoreErrorKind::Conflict), StoreErrorKind::Conflict, false),
        (Fault::Refused(StoreErrorKind::SlowDown), StoreErrorKind::SlowDown, false),
    ];
    for (fault, said, done) in rows {
        let store = FaultyStore::obedient(memory());
        store.add_rule(Rule::new(Operation::Put, fault.clone()).of("a").times(1));
        put(&store, "b", "b", &Condition::Absent).await.unwrap();
        let error = put(&store, "a", "a", &Condition::Absent).await.unwrap_err();
        assert_eq!(error.kind, said, "{fault:?}");
        assert_eq!(store.inner().objects().contains_key(&key("a")), done, "{fault:?}");
        let again = put(&store, "a", "a", &Condition::Absent).await;
        assert_eq!(again.is_err(), done, "{fault:?}: the rule holds once");
        let expected = Injected { request: 1, operation: Operation::Put, subject: "a".into(), fault };
        assert_eq!(store.trace(), [expected]);
    }
}

#[tokio::test(start_paused = true)]
async fn late_requests_are_carried_out() {
    let store = FaultyStore::obedient(memory());
    store.add_rule(Rule::new(Operation::Put, Fault::Yields(3)).times(1));
    store.add_rule(Rule::new(Operation::Put, Fault::Sleep(Duration::from_secs(3600))).times(1));
    let before = tokio::time::Instant::now();
    put(&store, "a", "a", &Condition::Absent).await.unwrap();
    put(&store, "b", "b", &Condition::Absent).await.unwrap();
    assert_eq!(before.elapsed(), Duration::from_secs(3600));
}

#[tokio::test]
async fn bodies_break_off_loudly_and_rot_silently() {
    let store = FaultyStore::obedient(memory());
    put(&store, "a", "0123456789", &Condition::Absent).await.unwrap();
    store.add_rule(Rule::new(Operation::Get, Fault::CutBody).times(1));
    store.add_rule(Rule::new(Operation::Get, Fault::CorruptBody).times(1));
    assert_eq!(read(&store, "a").await.unwrap_err().kind, StoreErrorKind::Offline);
    let rotten = read(&store, "a").await.unwrap();
    let differing = rotten.iter().zip(b"0123456789").filter(|(left, right)| left != right).count();
    assert_eq!((rotten.len(), differing), (10, 1));
    assert_eq!(read(&store, "a").await.unwrap(), b"0123456789");
}

#[tokio::test]
async fn listings_lie_as_told() {
    let store = FaultyStore::obedient(memory());
    for name in ["a", "b", "c"] {
        put(&store, name, "old", &Condition::Absent).await.unwrap();
    }
    put(&store, "b", "newer", &Condition::None).await.unwrap();
    store.delete(&key("c"), &Condition::None).await.unwrap();
    put(&store, "d", "new", &Condition::Absent).await.unwrap();
    for (fault, expected) in [
        (Fault::ShortListing, vec!["a 3"]),
        (Fault::StaleListing(1), vec!["a 3", "b 5"]),
        (Fault::StaleListing(2), vec!["a 3", "b 5", "c 3"]),
        (Fault::StaleListing(3), vec!["a 3", "b 3", "c 3"]),
        (Fault::StaleListing(99), vec![]),
    ] {
        store.add_rule(Rule::new(Operation::List, fault.clone()).times(1));
        assert_eq!(listed(&store).await, expected, "{fault:?}");
    }
    assert_eq!(listed(&store).await, ["a 3", "b 5", "d 3"]);
}

#[tokio::test]
async fn denied_keys_are_denied_until_the_store_is_calm() {
    let store = FaultyStore::obedient(memory());
    put(&store, "secret/a", "a", &Condition::Absent).await.unwrap();
    store.deny("secret/");
    let head = store.head(&key("secret/a"), None).await.unwrap_err();
    assert_eq!(head.kind, StoreErrorKind::Denied);
    assert_eq!(store.head(&key("open"), None).await.unwrap_err().kind, StoreErrorKind::Missing);
    store.calm();
    assert_eq!(read(&store, "secret/a").await.unwrap(), b"a");
}

#[tokio::test]
async fn the_probe_finds_out_who_ignores_conditions() {
    let full = Capabilities { versioning: Versioning::Off, ..Capabilities::FULL };
    let rows = [
        (Operation::Put, Capabilities { put_if_none_match: false, put_if_match: false, ..full.clone() }),
        (Operation::Delete, Capabilities { delete_if_match: false, ..full.clone() }),
        (
            Operation::CompleteUpload,
            Capabilities { complete_if_none_match: false, complete_if_match: false, ..full.clone() },
        ),
        (
            Operation::Copy,
            Capabilities {
                copy_source_if_match: false,
                copy_if_none_match: s4_core::capabilities::CopyCondition::None,
                copy_if_match: s4_core::capabilities::CopyCondition::None,
                ..full.clone()
            },
        ),
    ];
    for (operation, expected) in rows {
        let store = FaultyStore::obedient(memory());
        store.ignore_conditions(operation);
        assert_eq!(probe(&store, &Prefix::new("p"), "1").await.unwrap(), expected, "{operation:?}");
        assert!(store.inner().objects().is_empty());
    }
}

#[tokio::test]
async fn a_store_that_fails_during_the_probe_is_no_store_without_abilities() {
    for skip in 0..30 {
        let store = FaultyStore::obedient(memory());
        store.add_rule(Rule::new(Operation::Put, Fault::Offline).after(skip).times(1));
        match probe(&store, &Prefix::new("p"), "1").await {
            Err(error) => assert_eq!(error.kind, StoreErrorKind::Offline),
            Ok(found) => {
                assert!(store.trace().is_empty(), "put {skip} failed, and the probe did not say so");
                assert!(found.put_if_match);
            }
        }
        assert!(store.inner().objects().is_empty(), "what was written is gone, put {skip}");
    }
}

#[tokio::test]
async fn a_seed_repeats_itself_whatever_the_order_of_keys() {
    let run = |seed: u64, reversed: bool| async move {
        let chances = Chances { stale_listing: 300, ..Chances::ROUGH };
        let store = FaultyStore::new(memory(), seed, chances);
        let mut names: Vec<String> = (0..200).map(|number| format!("key-{number}")).collect();
        if reversed {
            names.reverse();
        }
        for name in &names {
            let crc = Digest::of(b"x").crc64nvme;
            let body = Bytes::from_static(b"x");
            // What comes of it does not matter here.
            let _ = store.put(&key(name), body, crc, &ObjectAttributes::default(), &Condition::Absent).await;
        }
        let mut trace: Vec<(String, Fault)> =
            store.trace().into_iter().map(|injected| (injected.subject, injected.fault)).collect();
        trace.sort_by(|left, right| left.0.cmp(&right.0));
        trace
    };
    let first = run(7, false).await;
    assert!(first.len() > 20, "{} of 200 requests met a fault", first.len());
    assert_eq!(run(7, false).await, first);
    assert_eq!(run(7, true).await, first);
    assert_ne!(run(8, false).await, first);
}
