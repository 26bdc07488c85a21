//! The storage on a real folder: races, restarts, what stays on the disk, large listings.

mod blobs;
mod durability;
mod listings;
mod races;
mod versions;

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;

use crate::condition::{DeleteCondition, Expected, ReadCondition, WriteCondition};
use crate::data_folder::DataFolder;
use crate::digest::{Algorithm, Digester};
use crate::storage::{
    Checksums, Completion, Copied, Copy, CopySource, Deleted, Deletion, ListedPart, NewHeaders, NewObject,
    NewUpload, ObjectHeaders, PartSource, Placement, Put, Storage, StorageError, VersionId, VersionRow,
    Versioning, receive,
};

const BUCKET: &str = "bucket";

/// A storage in a temporary folder, with one bucket.
struct Fixture {
    storage: Arc<Storage>,
    folder: tempfile::TempDir,
}

impl Fixture {
    async fn new(versioning: Versioning) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = open(folder.path());
        storage.create_bucket(BUCKET.to_owned(), versioning).await.unwrap();
        Self { storage, folder }
    }

    /// Drops everything without a word, and opens the same folder again.
    fn reopen(self) -> Self {
        let Self { storage, folder } = self;
        drop(Arc::into_inner(storage).expect("no request is under way"));
        Self { storage: open(folder.path()), folder }
    }

    fn blob_count(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("blobs")).unwrap().count()
    }
}

fn open(path: &std::path::Path) -> Arc<Storage> {
    Arc::new(Storage::open(Arc::new(DataFolder::open(path).unwrap())).unwrap())
}

fn only_if(etag: &str) -> WriteCondition {
    WriteCondition { if_match: Some(Expected::ETag(etag.to_owned())), if_none_match: None }
}

fn only_new() -> WriteCondition {
    WriteCondition { if_match: None, if_none_match: Some(Expected::Any) }
}

fn body(
    bytes: &[u8],
) -> impl futures::Stream<Item = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>> + Unpin + use<> {
    let chunks: Vec<_> = bytes.chunks(50_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    futures::stream::iter(chunks)
}

async fn put(
    storage: &Storage,
    key: &str,
    bytes: &[u8],
    condition: WriteCondition,
) -> Result<Put, StorageError> {
    let received =
        receive(storage.blobs(), body(bytes), Digester::with_md5([]), Placement::BySize).await.unwrap();
    let object = NewObject {
        bucket: BUCKET.to_owned(),
        key: key.to_owned(),
        headers: ObjectHeaders::default(),
        checksums: Checksums::of(&received.digests, None).unwrap(),
        condition,
    };
    storage.put(object, received).await
}

async fn store(storage: &Storage, key: &str, bytes: &[u8]) -> Put {
    put(storage, key, bytes, WriteCondition::default()).await.unwrap()
}

async fn read(storage: &Storage, key: &str) -> Result<Vec<u8>, StorageError> {
    read_version(storage, key, None).await
}

async fn read_version(
    storage: &Storage,
    key: &str,
    version: Option<VersionId>,
) -> Result<Vec<u8>, StorageError> {
    let whole = |row: &VersionRow| Ok(0..row.size);
    let (_, row, slice) =
        storage.open_object(BUCKET, key, version.as_ref(), &ReadCondition::default(), whole)?;
    let mut stream = slice.into_stream();
    let mut found = Vec::new();
    while let Some(chunk) = stream.next().await {
        found.extend_from_slice(&chunk?);
    }
    let mut digester = Digester::new([Algorithm::Crc64Nvme]);
    digester.update(&found);
    let checksums = Checksums::of(&digester.finish(), None).unwrap();
    assert_eq!(row.checksums.unwrap().crc64nvme, checksums.crc64nvme);
    Ok(found)
}

async fn delete(
    storage: &Storage,
    key: &str,
    version: Option<VersionId>,
    condition: DeleteCondition,
) -> Result<Deleted, StorageError> {
    storage.delete(BUCKET.to_owned(), Deletion { key: key.to_owned(), version, condition }).await
}

async fn remove(storage: &Storage, key: &str) -> Deleted {
    delete(storage, key, None, DeleteCondition::default()).await.unwrap()
}

/// Changes are answered before freed files are removed; the next change comes after that.
async fn settle(storage: &Storage) {
    remove(storage, "nothing").await;
}

fn from(key: &str) -> CopySource {
    CopySource {
        bucket: BUCKET.to_owned(),
        key: key.to_owned(),
        version: None,
        condition: ReadCondition::default(),
    }
}

async fn copy(
    storage: &Storage,
    source: &str,
    key: &str,
    condition: WriteCondition,
) -> Result<Copied, StorageError> {
    let copy = Copy {
        source: from(source),
        bucket: BUCKET.to_owned(),
        key: key.to_owned(),
        headers: NewHeaders::AsSource,
        condition,
        checksums: None,
    };
    Ok(storage.copy(copy).await?.expect("no checksum was given that could be out of date"))
}

/// An upload under way.
struct Upload {
    key: String,
    name: String,
    parts: Vec<ListedPart>,
}

impl Upload {
    async fn start(storage: &Storage, key: &str) -> Self {
        let upload = NewUpload {
            bucket: BUCKET.to_owned(),
            key: key.to_owned(),
            headers: ObjectHeaders::default(),
            algorithm: None,
        };
        let name = storage.create_upload(upload).await.unwrap();
        Self { key: key.to_owned(), name, parts: Vec::new() }
    }

    fn target(&self) -> (String, String, String) {
        (BUCKET.to_owned(), self.key.clone(), self.name.clone())
    }

    fn next_number(&self) -> u32 {
        u32::try_from(self.parts.len()).unwrap() + 1
    }

    async fn send(&mut self, storage: &Storage, bytes: &[u8]) {
        let received =
            receive(storage.blobs(), body(bytes), Digester::with_md5([]), Placement::Blob).await.unwrap();
        let checksums = Checksums::of(&received.digests, None).unwrap();
        let number = self.next_number();
        let part = storage.put_part(self.target(), number, checksums, received).await.unwrap();
        self.parts.push(ListedPart { number, etag: part.etag, checksums: Vec::new() });
    }

    async fn take(&mut self, storage: &Storage, source: &str, range: std::ops::Range<u64>) {
        let from = PartSource { source: from(source), range: Some(range), algorithm: None };
        let number = self.next_number();
        let (part, _, _) = storage.copy_part(self.target(), number, &from).await.unwrap();
        self.parts.push(ListedPart { number, etag: part.etag, checksums: Vec::new() });
    }

    async fn complete(&self, storage: &Storage, condition: WriteCondition) -> Result<Put, StorageError> {
        let completion = Completion {
            bucket: BUCKET.to_owned(),
            key: self.key.clone(),
            upload: self.name.clone(),
            parts: self.parts.clone(),
            checksums: Vec::new(),
            size: None,
            condition,
        };
        storage.complete_upload(completion).await.map(|completed| completed.put)
    }
}
