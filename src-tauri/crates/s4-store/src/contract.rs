//! What every store does, as tests: each function writes below its own part of a prefix, and panics with what
//! it saw where a store breaks its promise.
//!
//! - It is for tests only, of this crate and of others; nothing else calls it.
//! - A promise that a store's capabilities do not make is not asked for.
//! - It never touches a key outside [`Terms::prefix`], and never waits for time to pass.

// Panics are the verdict of a test.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

mod copies;
mod listings;
mod multipart;
mod objects;
mod races;
mod versions;

use bytes::Bytes;
use futures::TryStreamExt as _;
use s4_core::capabilities::Capabilities;
use s4_core::digest::Digest;
use s4_core::key::ObjectKey;

pub use self::copies::{copies_carry_content_and_attributes, copies_honour_conditions};
pub use self::listings::{listings_are_whole_and_in_order, odd_keys_are_keys};
pub use self::multipart::{
    parts_join_into_one_object, uploads_are_listed_and_given_up, uploads_check_their_checksum,
    uploads_honour_conditions,
};
pub use self::objects::{
    checksums_are_checked, deletes_honour_conditions, missing_objects_are_missing, puts_honour_conditions,
    ranges_are_exact, what_was_written_is_read,
};
pub use self::races::one_of_many_writers_wins;
pub use self::versions::versions_are_kept;
use crate::error::{Result, StoreErrorKind};
use crate::store::{Condition, GetOptions, ListFrom, ObjectAttributes, Store, Written};

/// What is promised, and where it may be tested.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What the store can do.
    pub capabilities: Capabilities,
    /// Keys are written below this; nothing may be there.
    pub prefix: String,
    /// The smallest part of a multipart upload that is not the last, in bytes.
    pub minimum_part: usize,
    /// Whether a range that is empty or reaches past the end is refused; some servers answer with what there is.
    pub strict_ranges: bool,
    /// Whether keys may hold control characters; some servers cannot route them.
    pub control_characters: bool,
    /// Whether the parts of an upload can be listed; moto answers with a document of its own making.
    pub lists_parts: bool,
    /// Whether requests for an upload that has ended are answered with 404; moto breaks down over them.
    pub knows_ended_uploads: bool,
    /// Whether delete markers are listed in their place among the versions; moto lists them last.
    pub orders_delete_markers: bool,
}

impl Terms {
    /// Returns the terms of a store that acts as AWS does.
    pub fn new(capabilities: Capabilities, prefix: impl Into<String>) -> Self {
        Self {
            capabilities,
            prefix: prefix.into(),
            minimum_part: 5 << 20,
            strict_ranges: true,
            control_characters: true,
            lists_parts: true,
            knows_ended_uploads: true,
            orders_delete_markers: true,
        }
    }

    fn key(&self, name: &str) -> ObjectKey {
        ObjectKey::new(format!("{}{name}", self.prefix))
    }
}

/// Tests everything, one after another.
pub async fn all(store: &dyn Store, terms: &Terms) {
    store.check_bucket().await.unwrap();
    assert_eq!(store.versioning().await.unwrap(), terms.capabilities.versioning, "versioning");
    what_was_written_is_read(store, terms).await;
    missing_objects_are_missing(store, terms).await;
    ranges_are_exact(store, terms).await;
    checksums_are_checked(store, terms).await;
    puts_honour_conditions(store, terms).await;
    deletes_honour_conditions(store, terms).await;
    copies_carry_content_and_attributes(store, terms).await;
    copies_honour_conditions(store, terms).await;
    listings_are_whole_and_in_order(store, terms).await;
    odd_keys_are_keys(store, terms).await;
    parts_join_into_one_object(store, terms).await;
    uploads_honour_conditions(store, terms).await;
    uploads_check_their_checksum(store, terms).await;
    uploads_are_listed_and_given_up(store, terms).await;
    versions_are_kept(store, terms).await;
    one_of_many_writers_wins(store, terms).await;
}

/// Tests that a store says so when its bucket does not exist.
pub async fn a_missing_bucket_is_named(store: &dyn Store) {
    let key = ObjectKey::new("a");
    assert_eq!(failure(store.check_bucket().await), StoreErrorKind::NoBucket);
    assert_eq!(failure(store.list("", ListFrom::Start, None).await), StoreErrorKind::NoBucket);
    assert_eq!(failure(put(store, &key, b"a", &Condition::None).await), StoreErrorKind::NoBucket);
    assert_eq!(failure(read(store, &key, GetOptions::default()).await), StoreErrorKind::NoBucket);
}

/// Writes `body` without attributes.
async fn put(store: &dyn Store, key: &ObjectKey, body: &[u8], condition: &Condition) -> Result<Written> {
    let crc = Digest::of(body).crc64nvme;
    let body = Bytes::copy_from_slice(body);
    store.put(key, body, crc, &ObjectAttributes::default(), condition).await
}

/// Reads a whole body.
async fn read(store: &dyn Store, key: &ObjectKey, options: GetOptions) -> Result<Vec<u8>> {
    let pieces: Vec<Bytes> = store.get(key, options).await?.body.try_collect().await?;
    Ok(pieces.concat())
}

/// Reads the current content of an object that is there.
async fn content(store: &dyn Store, key: &ObjectKey) -> Vec<u8> {
    read(store, key, GetOptions::default()).await.unwrap()
}

/// Returns why a request failed, which it must have.
#[track_caller]
fn failure<T>(result: Result<T>) -> StoreErrorKind {
    match result {
        Ok(_) => panic!("a request succeeded that had to fail"),
        Err(error) => error.kind,
    }
}

/// Asserts that a request failed because the tag did not match; some stores call an absent object missing.
#[track_caller]
fn assert_changed_or_missing<T>(result: Result<T>) {
    let kind = failure(result);
    assert!(matches!(kind, StoreErrorKind::PreconditionFailed | StoreErrorKind::Missing), "{kind}");
}
