//! Listings of many keys: complete, in order, whatever the pages.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::future::join_all;

use super::*;
use crate::storage::{ListedEntry, Page, PageRequest, Position, VersionPosition};

async fn fill(storage: &Arc<Storage>, keys: &[String]) {
    for group in keys.chunks(2000) {
        let puts = group.iter().map(|key| async { store(storage, key, key.as_bytes()).await });
        join_all(puts).await;
    }
}

fn request(prefix: &str, delimiter: Option<&str>, after: Position, limit: usize) -> PageRequest {
    PageRequest {
        bucket: BUCKET.to_owned(),
        prefix: prefix.to_owned(),
        delimiter: delimiter.map(str::to_owned),
        after,
        limit,
    }
}

fn name(entry: ListedEntry) -> String {
    match entry {
        ListedEntry::Object(object) => object.key,
        ListedEntry::Prefix(prefix) => prefix,
    }
}

async fn all(storage: &Storage, prefix: &str, delimiter: Option<&str>, limit: usize) -> Vec<String> {
    let mut found = Vec::new();
    let mut after = Position::Start;
    loop {
        let Page { entries, next } = storage.list(request(prefix, delimiter, after, limit)).await.unwrap();
        assert!(entries.len() <= limit);
        found.extend(entries.into_iter().map(name));
        match next {
            Some(next) => after = next,
            None => return found,
        }
    }
}

/// What a listing must show, computed the plain way.
fn expected(keys: &[String], prefix: &str, delimiter: Option<&str>) -> Vec<String> {
    let mut shown = BTreeMap::new();
    for key in keys.iter().filter(|key| key.starts_with(prefix)) {
        let end = delimiter.and_then(|delimiter| {
            Some(prefix.len() + key[prefix.len()..].find(delimiter)? + delimiter.len())
        });
        let shown_as = end.map_or(key.as_str(), |end| &key[..end]);
        shown.insert(shown_as.as_bytes().to_vec(), shown_as.to_owned());
    }
    shown.into_values().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_keys_in_under_a_second() {
    let fixture = Fixture::new(Versioning::Enabled).await;
    let keys: Vec<_> = (0..100_000_u32)
        .map(|number| format!("dir{:02}/sub{}/file-{number}.txt", number % 37, number % 5))
        .collect();
    fill(&fixture.storage, &keys).await;
    for key in keys.iter().step_by(50) {
        remove(&fixture.storage, key).await;
    }
    let mut left: Vec<_> =
        (0..).zip(keys).filter(|(number, _)| number % 50 != 0).map(|(_, key)| key).collect();
    left.sort();

    let (found, took) = best_of_five(&fixture.storage, None).await;
    assert!(found == left, "{} found, {} expected", found.len(), left.len());
    assert!(took < Duration::from_secs(1), "it took {took:?}");

    let (folders, took) = best_of_five(&fixture.storage, Some("/")).await;
    assert_eq!(folders, expected(&left, "", Some("/")));
    assert!(took < Duration::from_millis(100), "what is grouped is skipped, not read: it took {took:?}");
}

/// Lists everything; returns the shortest time it took, for what runs beside this test takes time too.
async fn best_of_five(storage: &Storage, delimiter: Option<&str>) -> (Vec<String>, Duration) {
    let mut shortest = Duration::MAX;
    let mut found = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        found = all(storage, "", delimiter, 1000).await;
        shortest = shortest.min(start.elapsed());
    }
    (found, shortest)
}

#[tokio::test]
async fn every_prefix_delimiter_and_page_size() {
    let fixture = Fixture::new(Versioning::Off).await;
    let keys: Vec<_> = [
        "a",
        "a/",
        "a//b",
        "a/b",
        "a/b/c",
        "a/b/d",
        "a0",
        "a-",
        "b/",
        "b//",
        "/",
        "//",
        "/x",
        "../x",
        "\u{1}",
        "ä/ö",
        "ä/",
        "\u{10FFFF}",
        "a\u{0}b",
        "a/\u{10FFFF}/z",
        "z--y--x",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect();
    fill(&fixture.storage, &keys).await;
    for prefix in ["", "a", "a/", "a//", "/", "b", "ä", "none", "z--"] {
        for delimiter in [None, Some("/"), Some("--"), Some("b")] {
            for limit in [1, 2, 3, 1000] {
                let found = all(&fixture.storage, prefix, delimiter, limit).await;
                assert_eq!(found, expected(&keys, prefix, delimiter), "{prefix:?} {delimiter:?} {limit}");
            }
        }
    }
    for start in ["", "a", "a/", "a/b", "a/b/c", "b", "ä/", "zz"] {
        for delimiter in [None, Some("/")] {
            let after = Position::AfterKey(start.to_owned());
            let page = fixture.storage.list(request("", delimiter, after, 1000)).await.unwrap();
            let found: Vec<_> = page.entries.into_iter().map(name).collect();
            let mut wanted = expected(&keys, "", delimiter);
            wanted.retain(|name| name.as_str() > start);
            assert_eq!(found, wanted, "after {start:?} {delimiter:?}");
        }
    }
}

#[tokio::test]
async fn pages_of_versions_show_each_once() {
    let fixture = Fixture::new(Versioning::Enabled).await;
    let storage = &fixture.storage;
    for turn in 0..3_u8 {
        for key in ["a", "a/b", "a/c", "b", "c/d"] {
            store(storage, key, &[turn]).await;
        }
    }
    remove(storage, "b").await;
    for (delimiter, expected) in [(None, 16), (Some("/"), 9)] {
        for limit in [1, 2, 5, 1000] {
            let mut found = Vec::new();
            let mut after = VersionPosition { key: Position::Start, version: None };
            loop {
                let page = storage
                    .list_versions(BUCKET.into(), String::new(), delimiter.map(str::to_owned), after, limit)
                    .await
                    .unwrap();
                assert!(page.versions.len() + page.prefixes.len() <= limit);
                found.extend(page.versions.into_iter().map(|row| (row.key, Some(row.version.to_string()))));
                found.extend(page.prefixes.into_iter().map(|prefix| (prefix, None)));
                match page.next {
                    Some((key, version)) => after = VersionPosition { key: Position::AfterKey(key), version },
                    None => break,
                }
            }
            let count = found.len();
            found.sort();
            found.dedup();
            assert_eq!((count, found.len()), (expected, expected), "{delimiter:?} {limit}");
        }
    }
}
