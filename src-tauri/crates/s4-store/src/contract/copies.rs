//! Server-side copies.

use s4_core::capabilities::CopyCondition;
use s4_core::digest::Digest;
use s4_core::key::ObjectKey;
use s4_core::remote::{ETag, Metadata};

use super::{Terms, assert_changed_or_missing, content, failure, put};
use crate::error::StoreErrorKind;
use crate::store::{Condition, CopyRequest, ObjectAttributes, Store};

fn request(source: &ObjectKey, destination: &ObjectKey) -> CopyRequest {
    CopyRequest {
        source: source.clone(),
        source_version: None,
        source_if_match: None,
        destination: destination.clone(),
        condition: Condition::None,
        attributes: None,
    }
}

/// Content goes along; attributes go along unless new ones are given, which replace them all.
pub async fn copies_carry_content_and_attributes(store: &dyn Store, terms: &Terms) {
    let source = terms.key("copies/from here");
    let destination = terms.key("copies/to+here");
    let old = Metadata { mtime_ns: Some(1), executable: true, ..Metadata::default() };
    let attributes = ObjectAttributes { metadata: old.clone(), content_type: Some("text/plain".into()) };
    let body = b"content";
    let crc = Digest::of(body).crc64nvme;
    store.put(&source, body[..].into(), crc, &attributes, &Condition::None).await.unwrap();

    let written = store.copy(&request(&source, &destination)).await.unwrap();
    let head = store.head(&destination, None).await.unwrap();
    assert_eq!((&head.etag, head.size), (&written.etag, 7));
    assert_eq!(head.metadata, old);
    assert!(head.last_modified <= written.not_after);
    assert_eq!(content(store, &destination).await, body);

    let new = Metadata { mtime_ns: Some(2), base: vec![ETag::new("b")], ..Metadata::default() };
    let attributes = ObjectAttributes { metadata: new.clone(), content_type: None };
    let onto_itself = CopyRequest { attributes: Some(attributes), ..request(&source, &source) };
    store.copy(&onto_itself).await.unwrap();
    assert_eq!(store.head(&source, None).await.unwrap().metadata, new);
    assert_eq!(content(store, &source).await, body);

    let nothing = request(&terms.key("copies/absent"), &destination);
    assert_eq!(failure(store.copy(&nothing).await), StoreErrorKind::Missing);
}

/// Conditions on the source and on the destination are honoured.
pub async fn copies_honour_conditions(store: &dyn Store, terms: &Terms) {
    let source = terms.key("copy-conditions/source");
    let destination = terms.key("copy-conditions/destination");
    let from = put(store, &source, b"source", &Condition::None).await.unwrap();
    let at = put(store, &destination, b"destination", &Condition::None).await.unwrap();
    let wrong = ETag::new("00000000000000000000000000000000");
    if terms.capabilities.copy_source_if_match {
        let stale = CopyRequest { source_if_match: Some(wrong.clone()), ..request(&source, &destination) };
        assert_eq!(failure(store.copy(&stale).await), StoreErrorKind::PreconditionFailed);
        assert_eq!(content(store, &destination).await, b"destination");
    }
    if terms.capabilities.copy_if_none_match != CopyCondition::None {
        let taken = CopyRequest { condition: Condition::Absent, ..request(&source, &destination) };
        assert_eq!(failure(store.copy(&taken).await), StoreErrorKind::PreconditionFailed);
        assert_eq!(content(store, &destination).await, b"destination");
        let fresh = terms.key("copy-conditions/fresh");
        store.copy(&CopyRequest { destination: fresh.clone(), ..taken }).await.unwrap();
        assert_eq!(content(store, &fresh).await, b"source");
    }
    if terms.capabilities.copy_if_match != CopyCondition::None {
        let condition = Condition::Match(wrong);
        let stale = CopyRequest { condition, ..request(&source, &destination) };
        assert_eq!(failure(store.copy(&stale).await), StoreErrorKind::PreconditionFailed);
        assert_eq!(content(store, &destination).await, b"destination");
        let nowhere = CopyRequest { destination: terms.key("copy-conditions/absent"), ..stale };
        assert_changed_or_missing(store.copy(&nowhere).await);
    }
    let right = CopyRequest {
        source_if_match: Some(from.etag),
        condition: Condition::Match(at.etag),
        ..request(&source, &destination)
    };
    store.copy(&right).await.unwrap();
    assert_eq!(content(store, &destination).await, b"source");
}
