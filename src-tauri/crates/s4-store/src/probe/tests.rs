//! The probe on stores that are known.

use s4_core::remote::UnixMillis;

use super::*;
use crate::memory::{MemoryStore, StoreClock};

fn memory(versioning: Versioning) -> MemoryStore {
    MemoryStore::new(versioning, StoreClock::fixed(UnixMillis(0)))
}

#[tokio::test]
async fn a_full_store_is_found_full_and_left_empty() {
    for versioning in [Versioning::Off, Versioning::Enabled, Versioning::Suspended] {
        let store = memory(versioning);
        let found = probe(&store, &Prefix::new("docs"), "1").await.unwrap();
        assert_eq!(found, Capabilities { versioning, ..Capabilities::FULL });
        for key in store.keys_ever() {
            assert!(key.as_str().starts_with("docs/.s4/probe-1/"), "{key}");
            assert!(store.versions(&key).await.unwrap().is_empty(), "{key} is left behind");
        }
        assert!(store.pending_uploads("").await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_missing_bucket_is_no_inability() {
    let store = memory(Versioning::Off);
    store.remove_bucket();
    let error = probe(&store, &Prefix::new(""), "1").await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::NoBucket);
}
