//! Why the storage refuses or fails. How that is told to a client is decided elsewhere.

use std::io;

use crate::condition::Refusal;
use crate::digest::Algorithm;
use crate::moment::Moment;
use crate::storage::VersionId;

/// Why the storage did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StorageError {
    #[error("there is no such bucket")]
    NoSuchBucket,
    #[error("the bucket exists already")]
    BucketExists,
    #[error("the bucket is not empty")]
    BucketNotEmpty,
    #[error("there is no object of this key")]
    NoSuchKey,
    #[error("the object was deleted")]
    Deleted { marker: VersionId },
    #[error("there is no such version of the object")]
    NoSuchVersion,
    #[error("the version is a delete marker")]
    IsMarker { marker: VersionId, modified: Moment },
    #[error("a condition of the request is not met")]
    PreconditionFailed,
    #[error("the object is the one the reader has")]
    NotModified { etag: String, modified: Moment },
    #[error("there is no such upload")]
    NoSuchUpload,
    #[error("part {0} is not there or is another one")]
    InvalidPart(u32),
    #[error("the parts are not in ascending order")]
    InvalidPartOrder,
    #[error("part {number} has only {size} bytes")]
    PartTooSmall { number: u32, size: u64 },
    #[error("an upload needs at least one part")]
    NoParts,
    #[error("the {} of the whole is not the one given", .0.name())]
    WrongChecksum(Algorithm),
    #[error("the {} of the whole can't be told from the parts", .0.name())]
    UnknownChecksum(Algorithm),
    #[error("the whole has {found} bytes, not {expected}")]
    WrongSize { found: u64, expected: u64 },
    #[error("the range is not within the object")]
    RangeNotSatisfiable { size: u64 },
    #[error("the index can't be used")]
    Index(#[from] rusqlite::Error),
    #[error("the index holds something unreadable: {0}")]
    Corrupt(String),
    #[error("a content can't be read or written")]
    Content(#[from] io::Error),
    #[error("the change could not be made durable: {0}")]
    NotCommitted(String),
    #[error("the server is shutting down")]
    Stopped,
}

impl From<serde_json::Error> for StorageError {
    fn from(error: serde_json::Error) -> Self {
        Self::Corrupt(error.to_string())
    }
}

impl From<Refusal> for StorageError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            // Only a reader's own check can say "not modified", and it builds its answer itself.
            Refusal::PreconditionFailed | Refusal::NotModified => Self::PreconditionFailed,
            Refusal::NoSuchKey => Self::NoSuchKey,
        }
    }
}
