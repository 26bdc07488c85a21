//! Single objects: PUT, GET, HEAD, DELETE.

use bytes::Bytes;
use s4_core::digest::Digest;
use s4_core::remote::{ETag, Metadata};

use super::{Terms, assert_changed_or_missing, content, failure, put, read};
use crate::error::StoreErrorKind;
use crate::store::{Condition, GetOptions, ObjectAttributes, Store};

/// Content, metadata and tag of a write come back.
pub async fn what_was_written_is_read(store: &dyn Store, terms: &Terms) {
    let bodies: [(&str, Vec<u8>); 3] =
        [("empty", Vec::new()), ("small", b"hello\0world\r\n".to_vec()), ("large", vec![7; 300_000])];
    for (name, body) in bodies {
        let key = terms.key(&format!("objects/{name}"));
        let digest = Digest::of(&body);
        let attributes = ObjectAttributes {
            metadata: Metadata {
                mtime_ns: Some(1_600_000_000_123_456_789),
                executable: true,
                symlink: false,
                base: vec![ETag::new("0123"), ETag::new("4567-2")],
            },
            content_type: Some("text/plain".into()),
        };
        let bytes = Bytes::from(body.clone());
        let written = store.put(&key, bytes, digest.crc64nvme, &attributes, &Condition::None).await.unwrap();
        let head = store.head(&key, None).await.unwrap();
        assert_eq!(head.etag, written.etag, "{name}");
        assert_eq!(head.size, digest.size, "{name}");
        assert_eq!(head.metadata, attributes.metadata, "{name}");
        assert!(head.last_modified <= written.not_after, "{name}: {:?} {:?}", head.last_modified, written);
        assert_eq!(head.version_id, written.version_id, "{name}");
        if head.etag_is_md5 {
            assert_eq!(head.etag.possible_md5(), digest.md5, "{name}");
        }
        let reply = store.get(&key, GetOptions::default()).await.unwrap();
        assert_eq!(reply.head, head, "{name}: GET and HEAD agree");
        assert_eq!(content(store, &key).await, body, "{name}");
        let plain = ObjectAttributes::default();
        let bytes = Bytes::from(body);
        store.put(&key, bytes, digest.crc64nvme, &plain, &Condition::None).await.unwrap();
        let replaced = store.head(&key, None).await.unwrap();
        assert_eq!(replaced.metadata, Metadata::default(), "{name}: nothing of the old metadata stays");
    }
}

/// What is not there is `Missing`, and deleting it succeeds.
pub async fn missing_objects_are_missing(store: &dyn Store, terms: &Terms) {
    let key = terms.key("missing/key");
    assert_eq!(failure(store.head(&key, None).await), StoreErrorKind::Missing);
    assert_eq!(failure(read(store, &key, GetOptions::default()).await), StoreErrorKind::Missing);
    store.delete(&key, &Condition::None).await.unwrap();
    put(store, &key, b"x", &Condition::None).await.unwrap();
    store.delete(&key, &Condition::None).await.unwrap();
    assert_eq!(failure(store.head(&key, None).await), StoreErrorKind::Missing);
    let nothing_there = store.delete(&key, &Condition::Absent).await;
    assert_eq!(failure(nothing_there), StoreErrorKind::Unsupported, "a delete of nothing makes no sense");
}

/// Ranges give exactly their bytes and the size of the whole; a wrong tag gives nothing.
pub async fn ranges_are_exact(store: &dyn Store, terms: &Terms) {
    let key = terms.key("ranges/digits");
    let body = b"0123456789";
    let written = put(store, &key, body, &Condition::None).await.unwrap();
    for range in [0..1, 0..10, 3..7, 9..10] {
        let options =
            GetOptions { range: Some(range.clone()), if_match: Some(written.etag.clone()), version: None };
        let reply = store.get(&key, options.clone()).await.unwrap();
        assert_eq!(reply.head.size, 10, "{range:?}");
        let bytes = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        assert_eq!(read(store, &key, options).await.unwrap(), &body[bytes], "{range:?}");
    }
    if terms.strict_ranges {
        for range in [5..5, 8..11, 20..30] {
            let options = GetOptions { range: Some(range.clone()), ..GetOptions::default() };
            assert_eq!(failure(store.get(&key, options).await), StoreErrorKind::Other, "{range:?}");
        }
    }
    let stale = GetOptions { if_match: Some(ETag::new("00")), ..GetOptions::default() };
    assert_eq!(failure(store.get(&key, stale).await), StoreErrorKind::PreconditionFailed);
}

/// A checksum that is not that of the bytes is refused, and the right one is told again.
pub async fn checksums_are_checked(store: &dyn Store, terms: &Terms) {
    if !terms.capabilities.crc64nvme {
        return;
    }
    let key = terms.key("checksums/key");
    put(store, &key, b"right", &Condition::None).await.unwrap();
    let crc = Digest::of(b"right").crc64nvme;
    assert_eq!(store.head(&key, None).await.unwrap().crc64nvme, Some(crc));
    let wrong =
        store.put(&key, Bytes::from("wrong"), crc, &ObjectAttributes::default(), &Condition::None).await;
    assert_eq!(failure(wrong), StoreErrorKind::Corrupt);
    assert_eq!(content(store, &key).await, b"right", "a refused write changes nothing");
}

/// PUT honours its conditions, and changes nothing where they fail.
pub async fn puts_honour_conditions(store: &dyn Store, terms: &Terms) {
    let key = terms.key("puts/key");
    let first = put(store, &key, b"one", &Condition::Absent).await.unwrap();
    if terms.capabilities.put_if_none_match {
        let again = put(store, &key, b"two", &Condition::Absent).await;
        assert_eq!(failure(again), StoreErrorKind::PreconditionFailed);
        assert_eq!(content(store, &key).await, b"one");
    }
    let matching = Condition::Match(first.etag);
    let second = put(store, &key, b"two", &matching).await.unwrap();
    assert_eq!(content(store, &key).await, b"two");
    if terms.capabilities.put_if_match {
        assert_eq!(failure(put(store, &key, b"three", &matching).await), StoreErrorKind::PreconditionFailed);
        assert_eq!(content(store, &key).await, b"two");
        let nowhere = put(store, &terms.key("puts/absent"), b"x", &Condition::Match(second.etag)).await;
        assert_changed_or_missing(nowhere);
    }
    if terms.capabilities.put_if_none_match {
        store.delete(&key, &Condition::None).await.unwrap();
        put(store, &key, b"anew", &Condition::Absent).await.unwrap();
    }
}

/// DELETE honours its condition.
pub async fn deletes_honour_conditions(store: &dyn Store, terms: &Terms) {
    if !terms.capabilities.delete_if_match {
        return;
    }
    let key = terms.key("deletes/key");
    let first = put(store, &key, b"one", &Condition::None).await.unwrap();
    let second = put(store, &key, b"two", &Condition::None).await.unwrap();
    let stale = store.delete(&key, &Condition::Match(first.etag)).await;
    assert_eq!(failure(stale), StoreErrorKind::PreconditionFailed);
    assert_eq!(content(store, &key).await, b"two");
    let current = Condition::Match(second.etag);
    store.delete(&key, &current).await.unwrap();
    assert_eq!(failure(store.head(&key, None).await), StoreErrorKind::Missing);
    assert_changed_or_missing(store.delete(&key, &current).await);
}
