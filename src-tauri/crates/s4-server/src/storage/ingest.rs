//! Receives a content: computes its checksums on the way and puts it where it will stay.
//! Decides where by size; never touches the index.
//!
//! - Memory is bounded: at most two batches of a content are held, however large it is.
//! - When it returns, the bytes of a blob are flushed (its name is flushed by the commit).

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::digest::{Digester, Digests};
use crate::storage::Blobs;
use crate::storage::blobs::NewBlob;

/// Contents up to this many bytes may live in the index: one flush for many of them, no file each.
pub(crate) const INLINE_LIMIT: usize = 64 * 1024;

/// Bytes collected before they are hashed and written at once.
const BATCH: usize = 1024 * 1024;

/// Where a received content may be put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    /// In the index if it is small, else in a blob.
    BySize,
    /// In a blob, because it will be one segment of several.
    Blob,
}

/// A content that was received whole.
pub(crate) struct Received {
    pub(crate) content: Content,
    pub(crate) digests: Digests,
}

/// Where a content is.
pub(crate) enum Content {
    Inline(Vec<u8>),
    Blob(NewBlob),
}

impl Content {
    /// Parts it into what the index writes and the blobs whose fate the commit decides.
    pub(super) fn split(self) -> (Inlined, Vec<NewBlob>) {
        match self {
            Self::Inline(bytes) => (Inlined::Bytes(bytes), Vec::new()),
            Self::Blob(blob) => (Inlined::Blob(blob.id()), vec![blob]),
        }
    }
}

/// What the index writes of a content.
pub(super) enum Inlined {
    Bytes(Vec<u8>),
    Blob(super::blobs::BlobId),
}

/// Why a content was not received.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IngestError {
    /// The sender failed or broke its promise.
    #[error("the content could not be received: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
    /// The disk failed.
    #[error("the content could not be stored: {0}")]
    Disk(#[from] io::Error),
}

/// Receives the body whole. On an error, or if the future is dropped, nothing of it stays.
pub(crate) async fn receive<S>(
    blobs: &Arc<Blobs>,
    mut body: S,
    mut digester: Digester,
    placement: Placement,
) -> Result<Received, IngestError>
where
    S: Stream<Item = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>> + Unpin,
{
    let mut batch = next_batch(&mut body).await?;
    if batch.is_last && batch.length <= INLINE_LIMIT && placement == Placement::BySize {
        let mut bytes = Vec::with_capacity(batch.length);
        for chunk in &batch.chunks {
            digester.update(chunk);
            bytes.extend_from_slice(chunk);
        }
        return Ok(Received { content: Content::Inline(bytes), digests: digester.finish() });
    }
    let blobs = Arc::clone(blobs);
    let mut spool = wait(spawn_blocking(move || Spool::create(&blobs, digester))).await?;
    // While one batch is hashed and written, the next one is received.
    loop {
        let is_last = batch.is_last;
        let writing = spawn_blocking(move || spool.write(batch));
        if is_last {
            let spool = wait(writing).await?;
            return wait(spawn_blocking(move || spool.finish())).await;
        }
        let next = next_batch(&mut body).await;
        spool = wait(writing).await?;
        batch = next?;
    }
}

async fn wait<T>(task: JoinHandle<Result<T, io::Error>>) -> Result<T, IngestError> {
    match task.await {
        Ok(done) => Ok(done?),
        Err(_) => Err(IngestError::Disk(io::Error::other("the server is shutting down"))),
    }
}

struct Batch {
    chunks: Vec<Bytes>,
    length: usize,
    is_last: bool,
}

async fn next_batch<S>(body: &mut S) -> Result<Batch, IngestError>
where
    S: Stream<Item = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>> + Unpin,
{
    let mut batch = Batch { chunks: Vec::new(), length: 0, is_last: false };
    while batch.length < BATCH {
        match body.next().await {
            Some(chunk) => {
                let chunk = chunk.map_err(IngestError::Body)?;
                batch.length += chunk.len();
                batch.chunks.push(chunk);
            }
            None => {
                batch.is_last = true;
                break;
            }
        }
    }
    Ok(batch)
}

struct Spool {
    blob: NewBlob,
    file: File,
    digester: Digester,
}

impl Spool {
    fn create(blobs: &Arc<Blobs>, digester: Digester) -> io::Result<Self> {
        let (blob, file) = blobs.create()?;
        Ok(Self { blob, file, digester })
    }

    fn write(mut self, batch: Batch) -> io::Result<Self> {
        for chunk in batch.chunks {
            self.digester.update(&chunk);
            self.file.write_all(&chunk)?;
        }
        Ok(self)
    }

    fn finish(self) -> io::Result<Received> {
        self.file.sync_data()?;
        Ok(Received { content: Content::Blob(self.blob), digests: self.digester.finish() })
    }
}
