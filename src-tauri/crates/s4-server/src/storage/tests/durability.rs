//! What was acknowledged is there after the storage was dropped at any moment; what was not leaves nothing.

use std::fs;

use futures::stream;

use super::*;

#[tokio::test]
async fn everything_comes_back() {
    let fixture = Fixture::new(Versioning::Enabled).await;
    let storage = &fixture.storage;
    store(storage, "small", b"1").await;
    let old = store(storage, "large", &vec![1; 200_000]).await;
    store(storage, "large", &vec![2; 300_000]).await;
    store(storage, "gone", b"3").await;
    let marker = remove(storage, "gone").await.version.unwrap();
    copy(storage, "large", "copied", WriteCondition::default()).await.unwrap();
    let mut upload = Upload::start(storage, "parts").await;
    upload.send(storage, &vec![4; 6 << 20]).await;

    let fixture = fixture.reopen();
    let storage = &fixture.storage;
    assert_eq!(read(storage, "small").await.unwrap(), b"1");
    assert_eq!(read(storage, "large").await.unwrap(), vec![2; 300_000]);
    assert_eq!(read_version(storage, "large", old.version).await.unwrap(), vec![1; 200_000]);
    assert_eq!(read(storage, "copied").await.unwrap(), vec![2; 300_000]);
    let refusal = read(storage, "gone").await.unwrap_err();
    assert!(matches!(refusal, StorageError::Deleted { marker: found } if found == marker));

    upload.send(storage, b"the rest").await;
    upload.complete(storage, only_new()).await.unwrap();
    let fixture = fixture.reopen();
    let whole = [vec![4; 6 << 20], b"the rest".to_vec()].concat();
    assert_eq!(read(&fixture.storage, "parts").await.unwrap(), whole);
}

#[tokio::test]
async fn orphans_are_collected_and_strangers_left_alone() {
    let fixture = Fixture::new(Versioning::Off).await;
    store(&fixture.storage, "large", &vec![1; 200_000]).await;
    let blobs = fixture.folder.path().join("blobs");
    fs::write(blobs.join("0123456789abcdef0123456789abcdef"), "what a kill left behind").unwrap();
    fs::write(blobs.join("notes.txt"), "not ours").unwrap();
    let fixture = fixture.reopen();
    assert_eq!(fixture.blob_count(), 2);
    assert_eq!(read(&fixture.storage, "large").await.unwrap(), vec![1; 200_000]);
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing() {
    let fixture = Fixture::new(Versioning::Off).await;
    let chunk = || Ok(Bytes::from(vec![0; 1 << 20]));
    let broken = stream::iter([chunk(), chunk(), chunk(), Err("the client went away".into())]);
    let outcome = receive(fixture.storage.blobs(), broken, Digester::with_md5([]), Placement::BySize).await;
    assert!(outcome.is_err());
    assert_eq!(fixture.blob_count(), 0);
}

#[tokio::test]
async fn a_change_whose_client_went_away_still_happens_as_a_whole() {
    let fixture = Fixture::new(Versioning::Off).await;
    let storage = Arc::clone(&fixture.storage);
    let request = tokio::spawn(async move { put(&storage, "k", &vec![7; 200_000], only_new()).await });
    tokio::task::yield_now().await;
    request.abort();
    let _ = request.await;
    let fixture = fixture.reopen();
    match read(&fixture.storage, "k").await {
        Ok(bytes) => assert_eq!(bytes, vec![7; 200_000]),
        Err(StorageError::NoSuchKey) => assert_eq!(fixture.blob_count(), 0),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn one_storage_per_folder() {
    let fixture = Fixture::new(Versioning::Off).await;
    let second = DataFolder::open(fixture.folder.path());
    assert!(matches!(second, Err(crate::ServerError::InUse { .. })));
}

#[tokio::test]
async fn an_index_of_a_newer_version_is_refused_untouched() {
    let fixture = Fixture::new(Versioning::Off).await;
    store(&fixture.storage, "k", b"1").await;
    let Fixture { storage, folder } = fixture;
    drop(storage);
    let index = folder.path().join("index.db");
    rusqlite::Connection::open(&index).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&index).unwrap();
    let refusal = Storage::open(Arc::new(DataFolder::open(folder.path()).unwrap())).err().unwrap();
    assert!(matches!(refusal, crate::ServerError::NewerFormat { found: 99, .. }), "{refusal}");
    assert_eq!(fs::read(&index).unwrap(), before);
}
