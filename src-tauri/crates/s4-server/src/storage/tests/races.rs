//! Of many requests with one condition, exactly one wins.

use std::future::Future;
use std::sync::Arc;

use futures::future::join_all;

use super::*;

const RACERS: u8 = 20;

/// Runs all attempts at once; returns the numbers of those that won.
async fn race<F>(attempt: impl Fn(u8) -> F) -> Vec<u8>
where
    F: Future<Output = Result<(), StorageError>> + Send + 'static,
{
    let tasks: Vec<_> = (0..RACERS).map(|number| tokio::spawn(attempt(number))).collect();
    let outcomes = join_all(tasks).await.into_iter().map(Result::unwrap);
    (0..)
        .zip(outcomes)
        .filter_map(|(number, outcome)| match outcome {
            Ok(()) => Some(number),
            Err(StorageError::PreconditionFailed | StorageError::NoSuchKey) => None,
            Err(error) => panic!("{error}"),
        })
        .collect()
}

fn content(number: u8, size: usize) -> Vec<u8> {
    vec![number; size]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn puts() {
    for versioning in [Versioning::Off, Versioning::Enabled, Versioning::Suspended] {
        for size in [10, 100_000] {
            let fixture = Fixture::new(versioning).await;
            let winners = race(|number| {
                let storage = Arc::clone(&fixture.storage);
                async move { put(&storage, "k", &content(number, size), only_new()).await.map(drop) }
            })
            .await;
            assert_eq!(winners.len(), 1, "{versioning:?} {size}");
            assert_eq!(read(&fixture.storage, "k").await.unwrap(), content(winners[0], size));

            let etag = store(&fixture.storage, "k", b"base").await.etag;
            let winners = race(|number| {
                let storage = Arc::clone(&fixture.storage);
                let condition = only_if(&etag);
                async move { put(&storage, "k", &content(number, size), condition).await.map(drop) }
            })
            .await;
            assert_eq!(winners.len(), 1, "{versioning:?} {size}");
            assert_eq!(read(&fixture.storage, "k").await.unwrap(), content(winners[0], size));
            if versioning == Versioning::Off {
                settle(&fixture.storage).await;
                assert!(fixture.blob_count() <= 1, "losers leave nothing behind");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn completions() {
    let fixture = Fixture::new(Versioning::Enabled).await;
    let mut uploads = Vec::new();
    for number in 0..RACERS {
        let mut upload = Upload::start(&fixture.storage, "k").await;
        upload.send(&fixture.storage, &content(number, 10)).await;
        uploads.push(Arc::new(upload));
    }
    let winners = race(|number| {
        let (storage, upload) = (Arc::clone(&fixture.storage), Arc::clone(&uploads[usize::from(number)]));
        async move { upload.complete(&storage, only_new()).await.map(drop) }
    })
    .await;
    assert_eq!(winners.len(), 1);
    assert_eq!(read(&fixture.storage, "k").await.unwrap(), content(winners[0], 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deletes() {
    for versioning in [Versioning::Off, Versioning::Enabled] {
        let fixture = Fixture::new(versioning).await;
        let etag = store(&fixture.storage, "k", b"base").await.etag;
        let winners = race(|_| {
            let storage = Arc::clone(&fixture.storage);
            let condition = DeleteCondition { if_match: Some(Expected::ETag(etag.clone())) };
            async move { delete(&storage, "k", None, condition).await.map(drop) }
        })
        .await;
        assert_eq!(winners.len(), 1, "{versioning:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn copies() {
    let fixture = Fixture::new(Versioning::Off).await;
    for number in 0..RACERS {
        store(&fixture.storage, &format!("from/{number}"), &content(number, 100_000)).await;
    }
    let winners = race(|number| {
        let storage = Arc::clone(&fixture.storage);
        async move { copy(&storage, &format!("from/{number}"), "k", only_new()).await.map(drop) }
    })
    .await;
    assert_eq!(winners.len(), 1);
    assert_eq!(read(&fixture.storage, "k").await.unwrap(), content(winners[0], 100_000));
}

/// Every replacement names what it replaced, so the winners must form one chain.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn chains_of_replacements_never_fork() {
    let fixture = Fixture::new(Versioning::Enabled).await;
    store(&fixture.storage, "k", b"0").await;
    let tasks: Vec<_> = (0..8_u8)
        .map(|writer| {
            let storage = Arc::clone(&fixture.storage);
            tokio::spawn(async move {
                let mut won = 0_u32;
                for turn in 0..50_u8 {
                    let (_, now) = storage.head(BUCKET, "k", None, &ReadCondition::default()).unwrap();
                    let bytes = [&[writer, turn], now.etag.as_bytes()].concat();
                    won += u32::from(put(&storage, "k", &bytes, only_if(&now.etag)).await.is_ok());
                }
                won
            })
        })
        .collect();
    let won: u32 = join_all(tasks).await.into_iter().map(Result::unwrap).sum();
    let after = crate::storage::VersionPosition { key: crate::storage::Position::Start, version: None };
    let page = fixture.storage.list_versions(BUCKET.into(), String::new(), None, after, 1000).await.unwrap();
    assert_eq!(page.versions.len(), usize::try_from(won).unwrap() + 1);
    for pair in page.versions.windows(2) {
        let bytes = read_version(&fixture.storage, "k", Some(pair[0].version.clone())).await.unwrap();
        assert_eq!(&bytes[2..], pair[1].etag.as_bytes(), "each names the one before it");
    }
}
