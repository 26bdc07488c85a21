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
