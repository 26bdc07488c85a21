//! Which files stay: exactly those that an object, a version, a part or a reader needs.

use super::*;

const LARGE: usize = 6 << 20;

#[tokio::test]
async fn replaced_and_deleted_contents_go() {
    let fixture = Fixture::new(Versioning::Off).await;
    let storage = &fixture.storage;
    store(storage, "a", &vec![1; LARGE]).await;
    store(storage, "a", &vec![2; LARGE]).await;
    settle(storage).await;
    assert_eq!(fixture.blob_count(), 1);
    copy(storage, "a", "b", WriteCondition::default()).await.unwrap();
    remove(storage, "a").await;
    settle(storage).await;
    assert_eq!(fixture.blob_count(), 1, "the copy needs it");
    assert_eq!(read(storage, "b").await.unwrap(), vec![2; LARGE]);
    remove(storage, "b").await;
    settle(storage).await;
    assert_eq!(fixture.blob_count(), 0);
}

#[tokio::test]
async fn small_contents_have_no_files() {
    let fixture = Fixture::new(Versioning::Enabled).await;
    for size in [0, 1, crate::storage::ingest::INLINE_LIMIT] {
        store(&fixture.storage, "a", &vec![1; size]).await;
        assert_eq!(read(&fixture.storage, "a").await.unwrap(), vec![1; size]);
    }
    assert_eq!(fixture.blob_count(), 0);
    store(&fixture.storage, "a", &vec![1; crate::storage::ingest::INLINE_LIMIT + 1]).await;
    assert_eq!(fixture.blob_count(), 1);
}

#[tokio::test]
async fn parts_given_up_or_unused_go() {
    let fixture = Fixture::new(Versioning::Off).await;
    let storage = &fixture.storage;
    let mut upload = Upload::start(storage, "a").await;
    upload.send(storage, &vec![1; LARGE]).await;
    upload.send(storage, &vec![2; LARGE]).await;
    let (bucket, key, name) = upload.target();
    storage.abort_upload(bucket, key, name).await.unwrap();
    settle(storage).await;
    assert_eq!(fixture.blob_count(), 0);

    let mut upload = Upload::start(storage, "a").await;
    upload.send(storage, &vec![1; LARGE]).await;
    upload.send(storage, &vec![2; LARGE]).await;
    upload.parts.pop();
    upload.complete(storage, only_new()).await.unwrap();
    settle(storage).await;
    assert_eq!(fixture.blob_count(), 1);
}

#[tokio::test]
async fn parts_taken_from_an_object_share_its_file() {
    let fixture = Fixture::new(Versioning::Off).await;
    let storage = &fixture.storage;
    let base: Vec<u8> = (0..3 * LARGE).map(|at| u8::try_from(at % 251).unwrap()).collect();
    store(storage, "base", &base).await;
    store(storage, "small", b"small").await;
    let (first, second) = (LARGE as u64 + 7, 2 * LARGE as u64 + 1);
    let mut upload = Upload::start(storage, "a").await;
    upload.take(storage, "base", 0..first).await;
    upload.take(storage, "base", second..3 * LARGE as u64 - 1).await;
    upload.take(storage, "small", 1..4).await;
    assert_eq!(fixture.blob_count(), 2, "the base, and the small part");
    upload.complete(storage, only_new()).await.unwrap();
    remove(storage, "base").await;
    settle(storage).await;
    let (first, second) = (usize::try_from(first).unwrap(), usize::try_from(second).unwrap());
    let expected = [&base[..first], &base[second..3 * LARGE - 1], b"mal"].concat();
    assert_eq!(read(storage, "a").await.unwrap(), expected);
    remove(storage, "a").await;
    settle(storage).await;
    assert_eq!(fixture.blob_count(), 0);
}

/// A copy and a taken part refer to the bytes of `base`; each way to lose `base` leaves them whole.
#[tokio::test]
async fn what_a_copy_or_part_refers_to_outlives_its_source() {
    let fixture = Fixture::new(Versioning::Enabled).await;
    let storage = &fixture.storage;
    let base = vec![3; 2 * LARGE];
    let old = store(storage, "base", &base).await;
    copy(storage, "base", "copy", WriteCondition::default()).await.unwrap();
    let mut kept = Upload::start(storage, "kept").await;
    kept.take(storage, "base", 1..LARGE as u64 + 1).await;
    let mut given_up = Upload::start(storage, "given up").await;
    given_up.take(storage, "base", 0..LARGE as u64).await;
    assert_eq!(fixture.blob_count(), 1, "nothing was copied");

    store(storage, "base", b"another").await;
    remove(storage, "base").await;
    delete(storage, "base", old.version, DeleteCondition::default()).await.unwrap();
    let (bucket, key, name) = given_up.target();
    storage.abort_upload(bucket, key, name).await.unwrap();
    settle(storage).await;
    let fixture = fixture.reopen();
    let storage = &fixture.storage;
    assert_eq!(read(storage, "copy").await.unwrap(), base);
    let copied = remove(storage, "copy").await;
    kept.complete(storage, only_new()).await.unwrap();
    assert_eq!(read(storage, "kept").await.unwrap(), base[..LARGE]);

    let after = crate::storage::VersionPosition { key: crate::storage::Position::Start, version: None };
    let page = storage.list_versions(BUCKET.into(), "copy".into(), None, after, 10).await.unwrap();
    assert_eq!(page.versions.len(), 2);
    for entry in page.versions {
        delete(storage, "copy", Some(entry.version), DeleteCondition::default()).await.unwrap();
    }
    assert!(copied.is_marker);
    settle(storage).await;
    assert_eq!(read(storage, "kept").await.unwrap(), base[..LARGE]);
    assert_eq!(fixture.blob_count(), 1);
}

/// Whoever copies while the source is deleted gets all of it or nothing, and no file stays for nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_copy_races_with_the_delete_of_its_source() {
    let fixture = Fixture::new(Versioning::Off).await;
    let storage = &fixture.storage;
    for turn in 0..20_u8 {
        let content = vec![turn; 100_000];
        store(storage, "base", &content).await;
        let upload = Upload::start(storage, "taken").await;
        let (target, shared) = (upload.target(), Arc::clone(storage));
        let taking = tokio::spawn(async move {
            let source = PartSource { source: from("base"), range: Some(7..90_000), algorithm: None };
            shared.copy_part(target, 1, &source).await.map(|(part, _, _)| part.etag)
        });
        let shared = Arc::clone(storage);
        let copying = tokio::spawn(async move { copy(&shared, "base", "copy", only_new()).await.map(drop) });
        remove(storage, "base").await;
        match copying.await.unwrap() {
            Ok(()) => assert_eq!(read(storage, "copy").await.unwrap(), content),
            Err(error) => assert!(matches!(error, StorageError::NoSuchKey), "{error}"),
        }
        match taking.await.unwrap() {
            Ok(etag) => {
                let parts = vec![ListedPart { number: 1, etag, checksums: Vec::new() }];
                Upload { parts, ..upload }.complete(storage, only_new()).await.unwrap();
                assert_eq!(read(storage, "taken").await.unwrap(), content[7..90_000]);
            }
            Err(error) => assert!(matches!(error, StorageError::NoSuchKey), "{error}"),
        }
        for key in ["copy", "taken"] {
            remove(storage, key).await;
        }
        settle(storage).await;
        assert_eq!(fixture.blob_count(), 0);
    }
}

#[tokio::test]
async fn what_is_being_read_stays_until_the_end() {
    let fixture = Fixture::new(Versioning::Off).await;
    let storage = &fixture.storage;
    let mut upload = Upload::start(storage, "a").await;
    upload.send(storage, &vec![1; LARGE]).await;
    upload.send(storage, &vec![2; LARGE]).await;
    upload.complete(storage, only_new()).await.unwrap();
    let open = |row: &VersionRow| Ok(0..row.size);
    let (_, _, slice) = storage.open_object(BUCKET, "a", None, &ReadCondition::default(), open).unwrap();
    let mut stream = slice.into_stream();
    let mut found = stream.next().await.unwrap().unwrap().to_vec();
    remove(storage, "a").await;
    settle(storage).await;
    while let Some(chunk) = stream.next().await {
        found.extend_from_slice(&chunk.unwrap());
    }
    assert_eq!(found, [vec![1; LARGE], vec![2; LARGE]].concat());
    drop(stream);
    assert_eq!(fixture.blob_count(), 0);
}
