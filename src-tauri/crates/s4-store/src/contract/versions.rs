//! Old versions.

use s4_core::capabilities::Versioning;
use s4_core::remote::VersionId;

use super::{Terms, content, failure, put, read};
use crate::error::StoreErrorKind;
use crate::store::{Condition, CopyRequest, GetOptions, Store};

/// What is replaced or deleted stays readable by its version, and can be brought back.
pub async fn versions_are_kept(store: &dyn Store, terms: &Terms) {
    match terms.capabilities.versioning {
        Versioning::Enabled => {}
        // Nothing is promised.
        Versioning::Off | Versioning::Suspended => return,
    }
    let key = terms.key("versions/key");
    let one = put(store, &key, b"one", &Condition::Absent).await.unwrap();
    let two = put(store, &key, b"two two", &Condition::Match(one.etag.clone())).await.unwrap();
    put(store, &terms.key("versions/key longer"), b"another", &Condition::None).await.unwrap();
    store.delete(&key, &Condition::None).await.unwrap();
    assert_eq!(failure(store.head(&key, None).await), StoreErrorKind::Missing);
    let three = put(store, &key, b"three", &Condition::Absent).await.unwrap();

    let mut versions = store.versions(&key).await.unwrap();
    if !terms.orders_delete_markers {
        let marker = versions.pop().unwrap();
        versions.insert(1, marker);
    }
    let sizes: Vec<Option<u64>> = versions.iter().map(|version| version.size).collect();
    assert_eq!(sizes, [Some(5), None, Some(7), Some(3)], "the newest first, the delete marker in its place");
    let latest: Vec<bool> = versions.iter().map(|version| version.is_latest).collect();
    assert_eq!(latest, [true, false, false, false]);
    assert_eq!(versions[0].etag.as_ref(), Some(&three.etag));
    assert_eq!(Some(&versions[2].id), two.version_id.as_ref());

    let old = GetOptions { version: one.version_id.clone(), ..GetOptions::default() };
    assert_eq!(read(store, &key, old).await.unwrap(), b"one");
    let head = store.head(&key, two.version_id.as_ref()).await.unwrap();
    assert_eq!((head.etag, head.version_id), (two.etag, two.version_id.clone()));
    let marker: &VersionId = &versions[1].id;
    assert_eq!(failure(store.head(&key, Some(marker)).await), StoreErrorKind::Missing);

    let back = CopyRequest {
        source: key.clone(),
        source_version: one.version_id.clone(),
        source_if_match: None,
        destination: key.clone(),
        condition: Condition::None,
        attributes: None,
    };
    store.copy(&back).await.unwrap();
    assert_eq!(content(store, &key).await, b"one");

    for version in store.versions(&key).await.unwrap() {
        store.delete_version(&key, &version.id).await.unwrap();
    }
    assert!(store.versions(&key).await.unwrap().is_empty());
    let gone = GetOptions { version: one.version_id, ..GetOptions::default() };
    assert_eq!(failure(read(store, &key, gone).await), StoreErrorKind::Missing);
}
