//! The first sync of an empty folder: files come while the bucket is still being listed.

use std::sync::Arc;

use s4_core::capabilities::{Capabilities, Versioning};
use s4_core::digest::Digest;
use s4_core::key::ObjectKey;
use s4_store::error::StoreErrorKind;
use s4_store::faulty::{Fault, FaultyStore, Operation, Rule};
use s4_store::memory::MemoryStore;
use s4_store::store::{Condition, ObjectAttributes, Store as _};

use super::world::{Replica, WorldClock, bucket, memory_store};

/// More than two pages of a listing.
const FILES: usize = 2_300;

async fn put(store: &MemoryStore, key: &str, content: &str) {
    let (key, crc) = (ObjectKey::new(key), Digest::of(content.as_bytes()).crc64nvme);
    let content = content.to_owned().into();
    store.put(&key, content, crc, &ObjectAttributes::default(), &Condition::None).await.unwrap();
}

/// A bucket that fills three pages, and a computer with an empty folder.
async fn world() -> (MemoryStore, FaultyStore<MemoryStore>, Replica) {
    let clock = WorldClock::new();
    let inner = memory_store(Versioning::Enabled, &clock);
    for number in 0..FILES {
        put(&inner, &format!("p/d{:02}/f{number:04}", number / 100), &format!("content {number}")).await;
    }
    let store = FaultyStore::obedient(inner.clone());
    clock.advance(60_000);
    let replica = Replica::new("new", Arc::new(store.clone()), Capabilities::FULL, &clock);
    replica.tell_time();
    (inner, store, replica)
}

#[tokio::test]
async fn what_the_first_pages_name_is_here_before_the_last_page_came() {
    let (inner, store, replica) = world().await;
    let refused = Fault::Refused(StoreErrorKind::Denied);
    // The first page, and one look for each file of rules.
    store.add_rule(Rule::new(Operation::List, refused).after(3));
    assert!(replica.sync().await.is_err(), "half a listing is none");
    let early = replica.files().len();
    assert!((1_000..FILES).contains(&early), "{early} files are here");
    assert_eq!(inner.objects().len(), FILES, "nothing was taken away");

    store.calm();
    replica.tell_time();
    let report = replica.sync().await.unwrap();
    assert!(report.failed.is_empty() && report.halt.is_none() && report.conflicts.is_empty());
    assert_eq!(replica.files().len(), FILES);
    assert_eq!(replica.sync().await.unwrap().done.len(), 0);
}

#[tokio::test]
async fn one_listing_is_enough_and_ends_with_everything_here() {
    let (inner, store, replica) = world().await;
    // Three pages and two looks for files of rules: one more is refused.
    store.add_rule(Rule::new(Operation::List, Fault::Refused(StoreErrorKind::Denied)).after(5));
    let report = replica.sync().await;
    store.calm();
    // A round that finds work lists anew; what came early left none for the first.
    report.unwrap();
    let files: Vec<Vec<u8>> = replica.files().into_values().map(String::into_bytes).collect();
    let objects: Vec<Vec<u8>> =
        bucket(&inner).into_iter().filter(|(key, _)| !key.ends_with('/')).map(|(_, bytes)| bytes).collect();
    assert_eq!(files, objects);
}

#[tokio::test]
async fn what_the_rules_of_the_bucket_ignore_is_not_brought() {
    let (inner, _, replica) = world().await;
    put(&inner, "p/.syncignore", "d05/\n").await;
    let report = replica.sync().await.unwrap();
    assert!(report.failed.is_empty());
    let files = replica.files();
    assert_eq!(files.len(), FILES - 100 + 1);
    assert!(!files.keys().any(|path| path.starts_with("d05/")));
    assert_eq!(inner.objects().len(), FILES + 1);
}
