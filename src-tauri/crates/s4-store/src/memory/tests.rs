//! What only a store in memory shows; what every store does is in `contract`.

use std::sync::atomic::{AtomicI64, Ordering};

use futures::TryStreamExt;
use s4_core::remote::UnixMillis;

use super::*;
use crate::contract::{self, Terms};

fn store(versioning: Versioning) -> MemoryStore {
    MemoryStore::new(versioning, StoreClock::fixed(UnixMillis(1_700_000_000_500))).with_minimum_part(4)
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::new(text)
}

async fn put(store: &MemoryStore, at: &str, body: &'static str, condition: &Condition) -> Result<Written> {
    let crc = Digest::of(body.as_bytes()).crc64nvme;
    store.put(&key(at), Bytes::from(body), crc, &ObjectAttributes::default(), condition).await
}

async fn read(store: &MemoryStore, at: &str, options: GetOptions) -> Result<Vec<u8>> {
    let body = store.get(&key(at), options).await?.body;
    Ok(body.try_collect::<Vec<Bytes>>().await?.concat())
}

#[tokio::test]
async fn conditions_decide_and_a_refused_write_changes_nothing() {
    let store = store(Versioning::Off);
    let first = put(&store, "a", "one", &Condition::Absent).await.unwrap();
    let again = put(&store, "a", "two", &Condition::Absent).await.unwrap_err();
    assert_eq!(again.kind, StoreErrorKind::PreconditionFailed);
    let second = put(&store, "a", "two", &Condition::Match(first.etag.clone())).await.unwrap();
    let stale = put(&store, "a", "three", &Condition::Match(first.etag.clone())).await.unwrap_err();
    assert_eq!(stale.kind, StoreErrorKind::PreconditionFailed);
    let nowhere = put(&store, "b", "x", &Condition::Match(first.etag.clone())).await.unwrap_err();
    assert_eq!(nowhere.kind, StoreErrorKind::Missing);
    let kept = store.delete(&key("a"), &Condition::Match(first.etag)).await.unwrap_err();
    assert_eq!(kept.kind, StoreErrorKind::PreconditionFailed);
    assert_eq!(store.objects(), [(key("a"), Bytes::from("two"))].into());
    store.delete(&key("a"), &Condition::Match(second.etag)).await.unwrap();
    assert!(store.objects().is_empty());
    assert_eq!(store.history(&key("a")), ["one", "two"]);
}

#[tokio::test]
async fn stamps_have_whole_seconds_and_never_pass_the_bound_of_the_reply() {
    let millis = Arc::new(AtomicI64::new(1_999));
    let store = MemoryStore::new(Versioning::Off, StoreClock::shared(Arc::clone(&millis)));
    let written = put(&store, "a", "x", &Condition::Absent).await.unwrap();
    assert_eq!(store.head(&key("a"), None).await.unwrap().last_modified, UnixMillis(1_000));
    assert_eq!(written.not_after, UnixMillis(2_000));
    millis.store(5_000, Ordering::SeqCst);
    let written = put(&store, "a", "y", &Condition::Match(written.etag)).await.unwrap();
    assert_eq!(store.head(&key("a"), None).await.unwrap().last_modified, UnixMillis(5_000));
    assert_eq!(written.not_after, UnixMillis(6_000));
}

#[tokio::test]
async fn versions_are_kept_and_the_suspended_version_is_replaced() {
    let store = store(Versioning::Enabled);
    let one = put(&store, "a", "one", &Condition::None).await.unwrap();
    store.delete(&key("a"), &Condition::None).await.unwrap();
    assert_eq!(store.head(&key("a"), None).await.unwrap_err().kind, StoreErrorKind::Missing);
    put(&store, "a", "two", &Condition::Absent).await.unwrap();
    store.set_versioning(Versioning::Suspended);
    put(&store, "a", "three", &Condition::None).await.unwrap();
    put(&store, "a", "four", &Condition::None).await.unwrap();
    let versions = store.versions(&key("a")).await.unwrap();
    let sizes: Vec<Option<u64>> = versions.iter().map(|version| version.size).collect();
    assert_eq!(sizes, [Some(4), Some(3), None, Some(3)]);
    let old = GetOptions { version: one.version_id, ..GetOptions::default() };
    assert_eq!(read(&store, "a", old).await.unwrap(), b"one");
    for version in versions {
        store.delete_version(&key("a"), &version.id).await.unwrap();
    }
    assert!(store.versions(&key("a")).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_upload_is_invisible_until_its_parts_and_checksum_agree() {
    let store = store(Versioning::Off);
    let source = put(&store, "source", "0123456789", &Condition::Absent).await.unwrap();
    let upload = store.create_upload(&key("big"), &ObjectAttributes::default()).await.unwrap();
    let first = store
        .upload_part(&key("big"), &upload, 1, Bytes::from("abcd"), Digest::of(b"abcd").crc64nvme)
        .await
        .unwrap();
    let second =
        store.upload_part_copy(&key("big"), &upload, 2, &key("source"), &source.etag, 2..6).await.unwrap();
    assert_eq!(store.pending_uploads("b").await.unwrap().len(), 1);
    assert_eq!(store.parts(&key("big"), &upload).await.unwrap(), [first.clone(), second.clone()]);
    let parts = [first, second];
    let wrong =
        store.complete_upload(&key("big"), &upload, &parts, Some(1), &Condition::Absent).await.unwrap_err();
    assert_eq!(wrong.kind, StoreErrorKind::Corrupt);
    let crc = Digest::of(b"abcd2345").crc64nvme;
    let written =
        store.complete_upload(&key("big"), &upload, &parts, Some(crc), &Condition::Absent).await.unwrap();
    assert!(written.etag.as_str().ends_with("-2"));
    assert_eq!(read(&store, "big", GetOptions::default()).await.unwrap(), b"abcd2345");
    assert!(!store.head(&key("big"), None).await.unwrap().etag_is_md5);
    assert!(store.pending_uploads("").await.unwrap().is_empty());
}

#[tokio::test]
async fn what_others_write_carries_no_checksum() {
    let store = store(Versioning::Off);
    store.write_outside(&key("a"), "0123456789", OutsideWrite::Parts(4));
    let head = store.head(&key("a"), None).await.unwrap();
    assert_eq!((head.crc64nvme, head.etag_is_md5), (None, false));
    assert!(head.etag.as_str().ends_with("-3"));
}

#[tokio::test]
async fn the_contract_is_kept() {
    for versioning in [Versioning::Off, Versioning::Enabled, Versioning::Suspended] {
        let store = store(versioning);
        let capabilities = Capabilities { versioning, ..Capabilities::FULL };
        let terms = Terms { minimum_part: 4, ..Terms::new(capabilities, "contract/") };
        contract::all(&store, &terms).await;
    }
    let store = store(Versioning::Off);
    store.remove_bucket();
    contract::a_missing_bucket_is_named(&store).await;
}
