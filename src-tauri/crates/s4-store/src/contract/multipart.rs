//! Multipart uploads.

use bytes::Bytes;
use s4_core::digest::Digest;
use s4_core::key::ObjectKey;
use s4_core::remote::{ETag, Metadata};

use super::{Terms, assert_changed_or_missing, content, failure, put};
use crate::error::StoreErrorKind;
use crate::store::{Condition, ObjectAttributes, Part, Store, UploadId};

async fn begin(store: &dyn Store, key: &ObjectKey) -> UploadId {
    store.create_upload(key, &ObjectAttributes::default()).await.unwrap()
}

async fn add(store: &dyn Store, key: &ObjectKey, upload: &UploadId, number: u32, body: &[u8]) -> Part {
    let crc = Digest::of(body).crc64nvme;
    store.upload_part(key, upload, number, Bytes::copy_from_slice(body), crc).await.unwrap()
}

/// Parts, uploaded and copied, in any order, become one object with the attributes of the upload.
pub async fn parts_join_into_one_object(store: &dyn Store, terms: &Terms) {
    let size = terms.minimum_part;
    let key = terms.key("parts/whole");
    let source = terms.key("parts/source");
    let first = vec![1; size];
    let last = b"the end".to_vec();
    let mut original = vec![2; size + 20];
    original[10] = 3;
    let written = put(store, &source, &original, &Condition::None).await.unwrap();

    let metadata = Metadata { mtime_ns: Some(5), executable: true, ..Metadata::default() };
    let attributes = ObjectAttributes { metadata: metadata.clone(), content_type: None };
    let upload = store.create_upload(&key, &attributes).await.unwrap();
    assert_eq!(failure(store.head(&key, None).await), StoreErrorKind::Missing, "an upload is no object");
    let mut parts = vec![add(store, &key, &upload, 3, &last).await];
    let mut body = first.clone();
    parts.insert(0, add(store, &key, &upload, 1, &first).await);
    let middle = if terms.capabilities.upload_part_copy {
        let stale = ETag::new("00000000000000000000000000000000");
        let range = 10..10 + size as u64;
        let refused = store.upload_part_copy(&key, &upload, 2, &source, &stale, range.clone()).await;
        assert_eq!(failure(refused), StoreErrorKind::PreconditionFailed);
        body.extend_from_slice(&original[10..10 + size]);
        store.upload_part_copy(&key, &upload, 2, &source, &written.etag, range).await.unwrap()
    } else {
        body.extend_from_slice(&original[..size]);
        add(store, &key, &upload, 2, &original[..size]).await
    };
    parts.insert(1, middle);
    body.extend_from_slice(&last);

    if terms.lists_parts {
        let listed = store.parts(&key, &upload).await.unwrap();
        let tags = |parts: &[Part]| -> Vec<(u32, ETag, u64)> {
            parts.iter().map(|part| (part.number, part.etag.clone(), part.size)).collect()
        };
        assert_eq!(tags(&listed), tags(&parts));
    }
    let digest = Digest::of(&body);
    let whole = Some(digest.crc64nvme);
    let written = store.complete_upload(&key, &upload, &parts, whole, &Condition::None).await.unwrap();
    let head = store.head(&key, None).await.unwrap();
    assert_eq!((&head.etag, head.size), (&written.etag, digest.size));
    assert_eq!(head.metadata, metadata);
    assert!(!head.etag_is_md5);
    assert!(head.last_modified <= written.not_after);
    if terms.capabilities.crc64nvme {
        assert_eq!(head.crc64nvme, Some(digest.crc64nvme));
    }
    assert!(content(store, &key).await == body, "the content is that of the parts");
}

/// Completing honours its conditions, and a refused completion can be repeated.
pub async fn uploads_honour_conditions(store: &dyn Store, terms: &Terms) {
    let key = terms.key("upload-conditions/key");
    let there = put(store, &key, b"there", &Condition::None).await.unwrap();
    let whole = Some(Digest::of(b"parts").crc64nvme);
    if terms.capabilities.complete_if_none_match {
        let upload = begin(store, &key).await;
        let parts = [add(store, &key, &upload, 1, b"parts").await];
        let taken = store.complete_upload(&key, &upload, &parts, whole, &Condition::Absent).await;
        assert_eq!(failure(taken), StoreErrorKind::PreconditionFailed);
        assert_eq!(content(store, &key).await, b"there");
        store.abort_upload(&key, &upload).await.unwrap();
        let fresh = terms.key("upload-conditions/fresh");
        let upload = begin(store, &fresh).await;
        let parts = [add(store, &fresh, &upload, 1, b"parts").await];
        store.complete_upload(&fresh, &upload, &parts, whole, &Condition::Absent).await.unwrap();
        assert_eq!(content(store, &fresh).await, b"parts");
    }
    if terms.capabilities.complete_if_match {
        let upload = begin(store, &key).await;
        let parts = [add(store, &key, &upload, 1, b"parts").await];
        let stale = Condition::Match(ETag::new("00000000000000000000000000000000"));
        let refused = store.complete_upload(&key, &upload, &parts, whole, &stale).await;
        assert_eq!(failure(refused), StoreErrorKind::PreconditionFailed);
        assert_eq!(content(store, &key).await, b"there");
        let current = Condition::Match(there.etag);
        store.complete_upload(&key, &upload, &parts, whole, &current).await.unwrap();
        assert_eq!(content(store, &key).await, b"parts");
        let absent = terms.key("upload-conditions/absent");
        let upload = begin(store, &absent).await;
        let parts = [add(store, &absent, &upload, 1, b"parts").await];
        assert_changed_or_missing(store.complete_upload(&absent, &upload, &parts, whole, &current).await);
        store.abort_upload(&absent, &upload).await.unwrap();
    }
}

/// Parts that do not give the whole's checksum are refused.
pub async fn uploads_check_their_checksum(store: &dyn Store, terms: &Terms) {
    if !terms.capabilities.crc64nvme {
        return;
    }
    let key = terms.key("upload-checksums/key");
    let upload = begin(store, &key).await;
    let wrong = store.upload_part(&key, &upload, 1, Bytes::from("parts"), 1).await;
    assert_eq!(failure(wrong), StoreErrorKind::Corrupt);
    let parts = [add(store, &key, &upload, 1, b"parts").await];
    let other = Some(Digest::of(b"other").crc64nvme);
    let refused = store.complete_upload(&key, &upload, &parts, other, &Condition::None).await;
    assert_eq!(failure(refused), StoreErrorKind::Corrupt);
    assert_eq!(failure(store.head(&key, None).await), StoreErrorKind::Missing);
    let right = Some(Digest::of(b"parts").crc64nvme);
    store.complete_upload(&key, &upload, &parts, right, &Condition::None).await.unwrap();
    assert_eq!(content(store, &key).await, b"parts");
}

/// Uploads under way are listed until they are completed or given up; then they are `Missing`.
pub async fn uploads_are_listed_and_given_up(store: &dyn Store, terms: &Terms) {
    let prefix = format!("{}pending/", terms.prefix);
    let key = ObjectKey::new(format!("{prefix}odd key+%"));
    let upload = begin(store, &key).await;
    let second = begin(store, &key).await;
    let pending = store.pending_uploads(&prefix).await.unwrap();
    assert_eq!(pending.len(), 2);
    for wanted in [&upload, &second] {
        assert!(pending.iter().any(|found| found.id == *wanted && found.key == key), "{pending:?}");
    }
    let parts = [add(store, &key, &second, 1, b"x").await];
    store.abort_upload(&key, &upload).await.unwrap();
    let whole = Some(Digest::of(b"x").crc64nvme);
    store.complete_upload(&key, &second, &parts, whole, &Condition::None).await.unwrap();
    assert!(store.pending_uploads(&prefix).await.unwrap().is_empty());
    if terms.knows_ended_uploads {
        let late = store.upload_part(&key, &upload, 1, Bytes::from("x"), Digest::of(b"x").crc64nvme).await;
        assert_eq!(failure(late), StoreErrorKind::Missing);
        let again = store.complete_upload(&key, &upload, &parts, whole, &Condition::None).await;
        assert_eq!(failure(again), StoreErrorKind::Missing);
    }
    if terms.lists_parts {
        assert_eq!(failure(store.parts(&key, &upload).await), StoreErrorKind::Missing);
    }
}
