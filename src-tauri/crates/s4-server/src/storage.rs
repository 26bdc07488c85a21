//! Where buckets, objects and uploads are kept: an index in SQLite, large contents in blob files.
//! Knows nothing of HTTP, XML or signatures.
//!
//! - What was acknowledged survives a kill and a power cut: a blob is flushed before its index entry is
//!   written, and an entry is flushed before the request is answered.
//! - A condition is checked in the transaction that acts on it; there is one writer, so exactly one of
//!   several racing requests wins.
//! - A file name is never made from a key.
//! - A content being read stays readable until the reader ends, whatever happens to its object.

pub(crate) mod blobs;
mod buckets;
mod complete;
mod content;
mod copy;
mod failure;
mod ingest;
mod listing;
mod lookup;
mod objects;
mod part_copy;
mod readers;
mod schema;
mod uploads;
mod values;
mod versions;
mod writer;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::data_folder::DataFolder;
use crate::error::ServerError;

pub(crate) use self::blobs::Blobs;
pub(crate) use self::complete::{Completion, ListedPart};
pub(crate) use self::content::{ContentStream, Slice};
pub(crate) use self::copy::{Copied, Copy, CopySource, NewHeaders};
pub(crate) use self::failure::StorageError;
pub(crate) use self::ingest::{IngestError, Placement, receive};
pub(crate) use self::listing::{Listed, ListedEntry, Page, PageRequest, Position};
pub(crate) use self::objects::{Deleted, Deletion, NewObject, Put};
pub(crate) use self::part_copy::PartSource;
pub(crate) use self::uploads::{NewUpload, StoredPart, UploadPosition, UploadRow};
pub(crate) use self::values::{
    Bucket, BucketId, ChecksumKind, Checksums, ObjectHeaders, VersionId, VersionRow, Versioning,
};
pub(crate) use self::versions::VersionPosition;

use self::readers::Readers;
use self::writer::Writer;

/// Everything a server keeps. Dropping it ends the writer after the changes already queued.
pub(crate) struct Storage {
    // Declared first, so that it ends first: no change may outlive the readers' view or the lock.
    writer: Writer,
    readers: Readers,
    blobs: Arc<Blobs>,
    _folder: Arc<DataFolder>,
}

impl Storage {
    /// Opens what the folder holds, making it when empty, and removes blobs that nothing refers to.
    pub(crate) fn open(folder: Arc<DataFolder>) -> Result<Self, ServerError> {
        let connection = schema::open(&folder)?;
        let refuse = |source: StorageError| ServerError::Index {
            path: folder.path().to_owned(),
            source: Box::new(source),
        };
        let blobs = Arc::new(Blobs::open(&folder.file("blobs")).map_err(|error| refuse(error.into()))?);
        blobs.collect_orphans(&connection).map_err(refuse)?;
        let readers = Readers::new(&folder, Arc::clone(&blobs));
        let writer = Writer::start(connection, Arc::clone(&blobs)).map_err(refuse)?;
        Ok(Self { writer, readers, blobs, _folder: folder })
    }

    /// Returns where new contents are received into.
    pub(crate) fn blobs(&self) -> &Arc<Blobs> {
        &self.blobs
    }
}
