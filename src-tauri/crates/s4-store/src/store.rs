//! The contract of a store: what sync needs of one bucket.
//!
//! - Each change carries a [`Condition`]. A store honours those its capabilities name; the caller knows which.
//! - A request that fails with [`StoreErrorKind::Offline`](crate::error::StoreErrorKind::Offline) may have been
//!   carried out: the caller looks before it believes either.
//! - Retries of lost connections and 503 happen inside; a retried conditional write whose first reply was lost
//!   comes back as 412, and the caller looks at what stands there.
//! - Dropping a future abandons the request; it may still be carried out.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use s4_core::capabilities::Versioning;
use s4_core::key::ObjectKey;
use s4_core::remote::{ETag, Metadata, ObjectHead, RemoteObject, UnixMillis, VersionId};

use crate::error::Result;

/// What must hold for a change to be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing stands at the key (`If-None-Match: *`).
    Absent,
    /// Exactly this version stands at the key (`If-Match`).
    Match(ETag),
    /// No condition: only where the store has no effective one and the caller looked before.
    None,
}

/// One page of a listing.
#[derive(Clone, Debug, Default)]
pub struct ListPage {
    /// The objects, in UTF-8 byte order of their keys.
    pub objects: Vec<RemoteObject>,
    /// Continues the listing; `None` means that this page is the last.
    pub next: Option<ContinuationToken>,
}

/// Where a listing goes on, in the store's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContinuationToken(pub String);

/// Where a listing begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListFrom {
    /// With the first key of the prefix.
    Start,
    /// With the first key after this one.
    After(ObjectKey),
    /// Where the page before ended.
    Token(ContinuationToken),
}

/// Which bytes of which version to read.
#[derive(Clone, Debug, Default)]
pub struct GetOptions {
    /// Only this version; else 412.
    pub if_match: Option<ETag>,
    /// An old version of a versioned bucket.
    pub version: Option<VersionId>,
    /// Only these bytes.
    pub range: Option<Range<u64>>,
}

/// The reply to a GET.
pub struct GetReply {
    /// What the reply says of the object; `size` is that of the whole object, also for a range.
    pub head: ObjectHead,
    /// The bytes, in order. A connection that breaks is an error item, never a short end: the stream ends
    /// without an error only after exactly the bytes asked for.
    pub body: BoxStream<'static, Result<Bytes>>,
}

/// What is to be written with the bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectAttributes {
    /// S4's own metadata.
    pub metadata: Metadata,
    /// The media type, where one is known.
    pub content_type: Option<String>,
}

/// The reply to a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The new version's tag.
    pub etag: ETag,
    /// The new version, in a versioned bucket.
    pub version_id: Option<VersionId>,
    /// The `Date` of the reply, rounded up to the next full second: the version is not later than this, by the
    /// store's clock.
    pub not_after: UnixMillis,
}

/// A server-side copy.
#[derive(Clone, Debug)]
pub struct CopyRequest {
    /// The object to read.
    pub source: ObjectKey,
    /// An old version of it, in a versioned bucket.
    pub source_version: Option<VersionId>,
    /// The version that the source must have.
    pub source_if_match: Option<ETag>,
    /// The key to write.
    pub destination: ObjectKey,
    /// What must hold at the destination.
    pub condition: Condition,
    /// New attributes; `None` keeps those of the source.
    pub attributes: Option<ObjectAttributes>,
}

/// A multipart upload under way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UploadId(pub String);

/// One uploaded part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// From 1 to 10,000; parts join in this order.
    pub number: u32,
    /// The part's tag.
    pub etag: ETag,
    /// Length in bytes.
    pub size: u64,
    /// CRC64NVME of the part, if it was sent.
    pub crc64nvme: Option<u64>,
}

/// A multipart upload that was begun and neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingUpload {
    /// The key it will write.
    pub key: ObjectKey,
    /// The upload.
    pub id: UploadId,
    /// When it was begun, by the store's clock.
    pub initiated: UnixMillis,
}

/// One bucket of an S3 service.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Lists at most 1,000 current objects whose keys begin with `prefix`.
    async fn list(&self, prefix: &str, from: ListFrom, max_keys: Option<u16>) -> Result<ListPage>;

    /// Returns what is known of the current object, or of one version.
    ///
    /// A 403 is [`Denied`](crate::error::StoreErrorKind::Denied), never `Missing`.
    async fn head(&self, key: &ObjectKey, version: Option<&VersionId>) -> Result<ObjectHead>;

    /// Reads an object.
    async fn get(&self, key: &ObjectKey, options: GetOptions) -> Result<GetReply>;

    /// Writes an object of at most 5 GiB in one request; `crc64nvme` protects the wire where the store knows it.
    async fn put(
        &self,
        key: &ObjectKey,
        body: Bytes,
        crc64nvme: u64,
        attributes: &ObjectAttributes,
        condition: &Condition,
    ) -> Result<Written>;

    /// Copies an object of at most 5 GiB without moving its content through here.
    async fn copy(&self, request: &CopyRequest) -> Result<Written>;

    /// Deletes the current object (in a versioned bucket: hides it behind a delete marker).
    ///
    /// With [`Condition::Match`] a missing object is `Missing` or `PreconditionFailed`.
    async fn delete(&self, key: &ObjectKey, condition: &Condition) -> Result<()>;

    /// Deletes one version for good. Only S4's own objects below `.s4/` are ever given.
    async fn delete_version(&self, key: &ObjectKey, version: &VersionId) -> Result<()>;

    /// Lists all versions of one exact key, the newest first; delete markers have `size` `None`.
    async fn versions(&self, key: &ObjectKey) -> Result<Vec<ObjectVersion>>;

    /// Begins a multipart upload.
    async fn create_upload(&self, key: &ObjectKey, attributes: &ObjectAttributes) -> Result<UploadId>;

    /// Uploads one part: 5 MiB to 5 GiB, the last one any size.
    async fn upload_part(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        number: u32,
        body: Bytes,
        crc64nvme: u64,
    ) -> Result<Part>;

    /// Makes one part of a range of an existing object, which must have the version `source_if_match`.
    async fn upload_part_copy(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        number: u32,
        source: &ObjectKey,
        source_if_match: &ETag,
        range: Range<u64>,
    ) -> Result<Part>;

    /// Joins the parts. `crc64nvme` is that of the full object: if the parts do not give it, the store refuses
    /// with `Corrupt` and nothing is changed (where the store can check it).
    async fn complete_upload(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        parts: &[Part],
        crc64nvme: Option<u64>,
        condition: &Condition,
    ) -> Result<Written>;

    /// Gives up an upload; its parts are freed.
    async fn abort_upload(&self, key: &ObjectKey, upload: &UploadId) -> Result<()>;

    /// Lists the parts of an upload, by number.
    async fn parts(&self, key: &ObjectKey, upload: &UploadId) -> Result<Vec<Part>>;

    /// Lists the uploads under way whose keys begin with `prefix`.
    async fn pending_uploads(&self, prefix: &str) -> Result<Vec<PendingUpload>>;

    /// Returns whether the bucket keeps old versions.
    async fn versioning(&self) -> Result<Versioning>;

    /// Succeeds if the bucket exists and these credentials may list it.
    async fn check_bucket(&self) -> Result<()>;

    /// Creates the bucket.
    async fn create_bucket(&self) -> Result<()>;
}

/// One version of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectVersion {
    /// The version.
    pub id: VersionId,
    /// Its tag; `None` for a delete marker.
    pub etag: Option<ETag>,
    /// Its length; `None` for a delete marker.
    pub size: Option<u64>,
    /// When it was written.
    pub last_modified: UnixMillis,
    /// Whether it is the current one.
    pub is_latest: bool,
}
