//! Versions and markers, as S3 has them.

use super::*;
use crate::storage::{Position, VersionPosition};

/// Returns each version of a key, newest first: its content (`None` for a marker), and whether it is current.
async fn history(storage: &Storage, key: &str) -> Vec<(Option<String>, bool)> {
    let after = VersionPosition { key: Position::Start, version: None };
    let page = storage.list_versions(BUCKET.into(), key.into(), None, after, 1000).await.unwrap();
    let mut found = Vec::new();
    for version in page.versions {
        let content = if version.is_marker {
            None
        } else {
            let bytes = read_version(storage, key, Some(version.version)).await.unwrap();
            Some(String::from_utf8(bytes).unwrap())
        };
        found.push((content, version.is_current));
    }
    found
}

fn entry(content: &str, is_current: bool) -> (Option<String>, bool) {
    (Some(content.to_owned()), is_current)
}

#[tokio::test]
async fn without_versioning_one_is_kept() {
    let fixture = Fixture::new(Versioning::Off).await;
    let storage = &fixture.storage;
    assert_eq!(store(storage, "k", b"1").await.version, None);
    store(storage, "k", b"2").await;
    assert_eq!(history(storage, "k").await, [entry("2", true)]);
    assert_eq!(remove(storage, "k").await, Deleted::default());
    assert_eq!(history(storage, "k").await, []);
}

#[tokio::test]
async fn with_versioning_all_are_kept() {
    let fixture = Fixture::new(Versioning::Enabled).await;
    let storage = &fixture.storage;
    store(storage, "k", b"1").await;
    let second = store(storage, "k", b"2").await.version.unwrap();
    let marker = remove(storage, "k").await;
    assert!(marker.is_marker);
    assert_eq!(history(storage, "k").await, [(None, true), entry("2", false), entry("1", false)]);

    // Removing what hides it brings the one before it back.
    let undone = delete(storage, "k", marker.version.clone(), DeleteCondition::default()).await.unwrap();
    assert_eq!(undone, marker);
    assert_eq!(history(storage, "k").await, [entry("2", true), entry("1", false)]);
    delete(storage, "k", Some(second), DeleteCondition::default()).await.unwrap();
    assert_eq!(history(storage, "k").await, [entry("1", true)]);
    assert_eq!(read(storage, "k").await.unwrap(), b"1");
}

#[tokio::test]
async fn suspended_versioning_replaces_only_what_came_without() {
    let fixture = Fixture::new(Versioning::Off).await;
    let storage = &fixture.storage;
    store(storage, "k", b"before").await;
    storage.set_versioning(BUCKET.into(), Versioning::Enabled).await.unwrap();
    store(storage, "k", b"kept").await;
    storage.set_versioning(BUCKET.into(), Versioning::Suspended).await.unwrap();
    assert_eq!(store(storage, "k", b"after").await.version, Some(VersionId::null()));
    assert_eq!(history(storage, "k").await, [entry("after", true), entry("kept", false)]);
    assert_eq!(remove(storage, "k").await.version, Some(VersionId::null()));
    assert_eq!(history(storage, "k").await, [(None, true), entry("kept", false)]);
    store(storage, "k", b"again").await;
    assert_eq!(history(storage, "k").await, [entry("again", true), entry("kept", false)]);
}

#[tokio::test]
async fn an_object_copied_onto_itself_keeps_its_bytes() {
    for versioning in [Versioning::Off, Versioning::Enabled] {
        for size in [10, 200_000] {
            let fixture = Fixture::new(versioning).await;
            let storage = &fixture.storage;
            store(storage, "k", &vec![1; size]).await;
            copy(storage, "k", "k", WriteCondition::default()).await.unwrap();
            remove(storage, "nothing").await;
            assert_eq!(read(storage, "k").await.unwrap(), vec![1; size]);
        }
    }
}
