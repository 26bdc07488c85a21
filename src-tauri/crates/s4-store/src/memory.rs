//! A bucket in memory, for tests and simulation.
//!
//! - It honours every condition, atomically, and answers as AWS does.
//! - It is deterministic: its clock is given, its ids are counted, its tags are MD5s.
//! - It never waits: each request is carried out when it is first polled.
//! - Clones share the bucket.
//! - Stamps have whole seconds, as AWS tells them.

mod bucket;
mod clock;
mod inspect;
mod upload;

use std::ops::{Bound, Range};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream;
use s4_core::capabilities::{Capabilities, Versioning};
use s4_core::digest::Digest;
use s4_core::key::ObjectKey;
use s4_core::remote::{ETag, ObjectHead, RemoteObject, VersionId};

use crate::error::{Result, StoreError, StoreErrorKind};
use crate::memory::bucket::{Bucket, Content, Moment};
use crate::probe::Dialects;
use crate::store::{
    Condition, ContinuationToken, CopyRequest, GetOptions, GetReply, ListFrom, ListPage, ObjectAttributes,
    ObjectVersion, Part, PendingUpload, Store, UploadId, Written,
};

pub use crate::memory::clock::StoreClock;
pub use crate::memory::inspect::OutsideWrite;

/// The most objects that one page of a listing holds.
const MAX_PAGE: u16 = 1000;

/// A body comes in pieces of this many bytes, so that faults can fall between them.
const PIECE: usize = 64 << 10;

/// A bucket in memory.
#[derive(Clone)]
pub struct MemoryStore {
    bucket: Arc<Mutex<Bucket>>,
    clock: StoreClock,
}

impl MemoryStore {
    /// Returns an empty bucket that tells the time of `clock`.
    pub fn new(versioning: Versioning, clock: StoreClock) -> Self {
        Self { bucket: Arc::new(Mutex::new(Bucket::new(versioning))), clock }
    }

    /// Takes the bucket away, with all that is in it.
    pub fn remove_bucket(&self) {
        let mut bucket = self.bucket();
        let versioning = bucket.versioning;
        *bucket = Bucket::new(versioning);
        bucket.exists = false;
    }

    /// Switches versioning, as the owner of the bucket can at any time.
    pub fn set_versioning(&self, versioning: Versioning) {
        self.bucket().versioning = versioning;
    }

    /// Accepts parts from `bytes` up instead of 5 MiB, so that tests need little memory.
    pub fn with_minimum_part(self, bytes: u64) -> Self {
        self.bucket().minimum_part = bytes;
        self
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        // A panic of another test thread leaves the bucket whole: every change is made in one step.
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moment(&self) -> Moment {
        Moment { stamp: self.clock.stamp(), not_after: self.clock.not_after() }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn list(&self, prefix: &str, from: ListFrom, max_keys: Option<u16>) -> Result<ListPage> {
        let bucket = self.bucket();
        bucket.check_exists("ListObjectsV2", prefix)?;
        let limit = usize::from(max_keys.unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE));
        let after = match from {
            ListFrom::Start => None,
            ListFrom::After(key) => Some(key),
            ListFrom::Token(token) => Some(ObjectKey::new(token.0)),
        };
        let first = ObjectKey::new(prefix);
        let start = match after {
            Some(after) if after >= first => Bound::Excluded(after),
            Some(_) | None => Bound::Included(first),
        };
        let mut objects = bucket
            .keys
            .range((start, Bound::Unbounded))
            .take_while(|(key, _)| key.as_str().starts_with(prefix))
            .filter_map(|(key, _)| {
                let (version, content) = bucket.current(key)?;
                Some(RemoteObject {
                    key: key.clone(),
                    size: content.bytes.len() as u64,
                    etag: content.etag.clone(),
                    last_modified: version.last_modified,
                })
            });
        let page: Vec<RemoteObject> = objects.by_ref().take(limit).collect();
        let next = match (objects.next(), page.last()) {
            (Some(_), Some(last)) => Some(ContinuationToken(last.key.as_str().to_owned())),
            (None, _) | (_, None) => None,
        };
        Ok(ListPage { objects: page, next })
    }

    async fn head(&self, key: &ObjectKey, version: Option<&VersionId>) -> Result<ObjectHead> {
        let bucket = self.bucket();
        let (version, content) = bucket.find("HeadObject", key, version)?;
        Ok(bucket.head(version, content))
    }

    async fn get(&self, key: &ObjectKey, options: GetOptions) -> Result<GetReply> {
        let bucket = self.bucket();
        let (version, content) = bucket.find("GetObject", key, options.version.as_ref())?;
        if options.if_match.is_some_and(|etag| etag != content.etag) {
            let kind = StoreErrorKind::PreconditionFailed;
            return Err(StoreError::new(kind, "GetObject", key, "PreconditionFailed"));
        }
        let bytes = match options.range {
            None => content.bytes.clone(),
            Some(range) => slice("GetObject", key, &content.bytes, &range)?,
        };
        let head = bucket.head(version, content);
        let pieces: Vec<Result<Bytes>> = (0..bytes.len())
            .step_by(PIECE)
            .map(|at| Ok(bytes.slice(at..bytes.len().min(at + PIECE))))
            .collect();
        Ok(GetReply { head, body: Box::pin(stream::iter(pieces)) })
    }

    async fn put(
        &self,
        key: &ObjectKey,
        body: Bytes,
        crc64nvme: u64,
        attributes: &ObjectAttributes,
        condition: &Condition,
    ) -> Result<Written> {
        let moment = self.moment();
        let mut bucket = self.bucket();
        bucket.check_key("PutObject", key)?;
        let content = Content::whole(body, attributes.clone());
        if content.crc64nvme != Some(crc64nvme) {
            return Err(StoreError::new(StoreErrorKind::Corrupt, "PutObject", key, "BadDigest"));
        }
        bucket.check("PutObject", key, condition)?;
        Ok(bucket.write(key, content, moment))
    }

    async fn copy(&self, request: &CopyRequest) -> Result<Written> {
        let moment = self.moment();
        let mut bucket = self.bucket();
        bucket.check_key("CopyObject", &request.destination)?;
        let (_, source) = bucket.find("CopyObject", &request.source, request.source_version.as_ref())?;
        if request.source_if_match.as_ref().is_some_and(|etag| *etag != source.etag) {
            let kind = StoreErrorKind::PreconditionFailed;
            return Err(StoreError::new(kind, "CopyObject", &request.source, "PreconditionFailed"));
        }
        let onto_itself = request.source == request.destination && request.source_version.is_none();
        if onto_itself && request.attributes.is_none() {
            // AWS refuses a copy that changes nothing.
            return Err(StoreError::new(
                StoreErrorKind::Other,
                "CopyObject",
                &request.source,
                "InvalidRequest",
            ));
        }
        let attributes = request.attributes.clone().unwrap_or_else(|| source.attributes.clone());
        let content = Content::whole(source.bytes.clone(), attributes);
        bucket.check("CopyObject", &request.destination, &request.condition)?;
        Ok(bucket.write(&request.destination, content, moment))
    }

    async fn delete(&self, key: &ObjectKey, condition: &Condition) -> Result<()> {
        let moment = self.moment();
        let mut bucket = self.bucket();
        bucket.check_key("DeleteObject", key)?;
        match condition {
            Condition::Absent => {
                let why = "a delete cannot require that nothing is there";
                Err(StoreError::new(StoreErrorKind::Unsupported, "DeleteObject", key, why))
            }
            Condition::Match(_) | Condition::None => {
                bucket.check("DeleteObject", key, condition)?;
                bucket.remove(key, moment);
                Ok(())
            }
        }
    }

    async fn delete_version(&self, key: &ObjectKey, version: &VersionId) -> Result<()> {
        let mut bucket = self.bucket();
        bucket.check_key("DeleteObject", key)?;
        bucket.remove_version(key, version);
        Ok(())
    }

    async fn versions(&self, key: &ObjectKey) -> Result<Vec<ObjectVersion>> {
        let bucket = self.bucket();
        bucket.check_exists("ListObjectVersions", key)?;
        let versions = bucket.keys.get(key).map(Vec::as_slice).unwrap_or_default();
        let newest_first = versions.iter().rev().enumerate().map(|(age, version)| ObjectVersion {
            id: version.id.clone(),
            etag: version.content.as_ref().map(|content| content.etag.clone()),
            size: version.content.as_ref().map(|content| content.bytes.len() as u64),
            last_modified: version.last_modified,
            is_latest: age == 0,
        });
        Ok(newest_first.collect())
    }

    async fn create_upload(&self, key: &ObjectKey, attributes: &ObjectAttributes) -> Result<UploadId> {
        let moment = self.moment();
        let mut bucket = self.bucket();
        bucket.check_key("CreateMultipartUpload", key)?;
        Ok(bucket.begin(key, attributes.clone(), moment))
    }

    async fn upload_part(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        number: u32,
        body: Bytes,
        crc64nvme: u64,
    ) -> Result<Part> {
        if Digest::of(&body).crc64nvme != crc64nvme {
            return Err(StoreError::new(StoreErrorKind::Corrupt, "UploadPart", key, "BadDigest"));
        }
        self.bucket().add_part("UploadPart", key, upload, number, body)
    }

    async fn upload_part_copy(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        number: u32,
        source: &ObjectKey,
        source_if_match: &ETag,
        range: Range<u64>,
    ) -> Result<Part> {
        let mut bucket = self.bucket();
        let (_, content) = bucket.find("UploadPartCopy", source, None)?;
        if content.etag != *source_if_match {
            let kind = StoreErrorKind::PreconditionFailed;
            return Err(StoreError::new(kind, "UploadPartCopy", source, "PreconditionFailed"));
        }
        let bytes = slice("UploadPartCopy", source, &content.bytes, &range)?;
        bucket.add_part("UploadPartCopy", key, upload, number, bytes)
    }

    async fn complete_upload(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        parts: &[Part],
        crc64nvme: Option<u64>,
        condition: &Condition,
    ) -> Result<Written> {
        let moment = self.moment();
        self.bucket().complete(key, upload, parts, crc64nvme, condition, moment)
    }

    async fn abort_upload(&self, key: &ObjectKey, upload: &UploadId) -> Result<()> {
        let mut bucket = self.bucket();
        let (number, _) = bucket.upload("AbortMultipartUpload", key, upload)?;
        bucket.uploads.remove(&number);
        Ok(())
    }

    async fn parts(&self, key: &ObjectKey, upload: &UploadId) -> Result<Vec<Part>> {
        let bucket = self.bucket();
        let (_, upload) = bucket.upload("ListParts", key, upload)?;
        Ok(upload.parts())
    }

    async fn pending_uploads(&self, prefix: &str) -> Result<Vec<PendingUpload>> {
        let bucket = self.bucket();
        bucket.check_exists("ListMultipartUploads", prefix)?;
        let below = bucket.uploads.iter().filter(|(_, upload)| upload.key.as_str().starts_with(prefix));
        let pending = below.map(|(number, upload)| PendingUpload {
            key: upload.key.clone(),
            id: UploadId(upload::upload_name(*number)),
            initiated: upload.initiated,
        });
        Ok(pending.collect())
    }

    async fn versioning(&self) -> Result<Versioning> {
        let bucket = self.bucket();
        bucket.check_exists("GetBucketVersioning", "")?;
        Ok(bucket.versioning)
    }

    async fn check_bucket(&self) -> Result<()> {
        self.bucket().check_exists("HeadBucket", "")
    }

    async fn create_bucket(&self) -> Result<()> {
        self.bucket().exists = true;
        Ok(())
    }
}

impl Dialects for MemoryStore {
    fn speaking(&self, _forms: Capabilities) -> Self {
        // It is asked in one form only, and honours everything.
        self.clone()
    }
}

/// Returns the bytes of a range, which must lie within the object and not be empty.
fn slice(operation: &'static str, key: &ObjectKey, bytes: &Bytes, range: &Range<u64>) -> Result<Bytes> {
    let refused = || StoreError::new(StoreErrorKind::Other, operation, key, "InvalidRange");
    let start = usize::try_from(range.start).map_err(|_| refused())?;
    let end = usize::try_from(range.end).map_err(|_| refused())?;
    if start >= end || end > bytes.len() {
        return Err(refused());
    }
    Ok(bytes.slice(start..end))
}

#[cfg(test)]
mod tests;
