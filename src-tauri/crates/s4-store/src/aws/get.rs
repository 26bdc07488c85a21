//! GET and HEAD.
//!
//! - A body comes at its pace, and is counted: it ends well only after exactly the bytes asked for.
//! - Whole objects are checked by the SDK against whatever checksum the store tells; ranges have none.

use std::ops::Range;
use std::sync::Arc;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{ChecksumMode, ChecksumType, ServerSideEncryption};
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use s4_core::key::ObjectKey;
use s4_core::remote::{ETag, ObjectHead, VersionId};

use super::encoding::crc64nvme_from_header;
use super::error::{Asked, innermost};
use super::reply::unix_millis;
use super::{AwsStore, condition, metadata};
use crate::error::{Result, StoreError, StoreErrorKind};
use crate::pace::{Direction, Pace};
use crate::store::{GetOptions, GetReply};

pub(super) async fn head(
    store: &AwsStore,
    key: &ObjectKey,
    version: Option<&VersionId>,
) -> Result<ObjectHead> {
    let asked = store.asked("HeadObject", key.as_str());
    let request = store.client.head_object().bucket(&*store.bucket).key(key.as_str());
    let request = request
        .set_version_id(version.map(|VersionId(version)| version.to_string()))
        .checksum_mode(ChecksumMode::Enabled);
    let reply = request.send().await.map_err(|error| asked.failed(&error))?;
    Fields::of_head(&reply).read(&asked)
}

pub(super) async fn get(store: &AwsStore, key: &ObjectKey, options: GetOptions) -> Result<GetReply> {
    let asked = store.asked("GetObject", key.as_str());
    let form = store.capabilities.etag_form;
    let mut request = store
        .client
        .get_object()
        .bucket(&*store.bucket)
        .key(key.as_str())
        .set_if_match(options.if_match.as_ref().map(|etag| condition::tag(etag, form)))
        .set_version_id(options.version.map(|VersionId(version)| version.into()));
    match &options.range {
        Some(range) if range.is_empty() => {
            return Err(asked.error(StoreErrorKind::Other, "an empty range cannot be asked for"));
        }
        Some(range) => request = request.range(range_header(range)),
        None => request = request.checksum_mode(ChecksumMode::Enabled),
    }
    let reply = request.send().await.map_err(|error| asked.failed(&error))?;
    let mut head = Fields::of_get(&reply).read(&asked)?;
    let length = head.size;
    if let Some(range) = &options.range {
        head.size = whole_size(&asked, range, reply.content_range())?;
        // What comes with a part may be the checksum of that part.
        head.crc64nvme = None;
        if length != range.end - range.start {
            return Err(asked.error(StoreErrorKind::Other, "the range reaches past the end"));
        }
    }
    // The SDK's own errors have no lifetime of ours to borrow from.
    let subject = key.clone();
    let failed = move |kind, message: String| StoreError::new(kind, "GetObject", &subject, message);
    Ok(GetReply { head, body: counted(reply.body, length, Arc::clone(&store.connection.pace), failed) })
}

/// Returns the header that asks for `range`, which is not empty.
pub(super) fn range_header(range: &Range<u64>) -> String {
    format!("bytes={}-{}", range.start, range.end.saturating_sub(1))
}

/// Returns the size of the whole object from `Content-Range: bytes 0-4/10`, which must be about `range`.
fn whole_size(asked: &Asked<'_>, range: &Range<u64>, header: Option<&str>) -> Result<u64> {
    let Some(header) = header else {
        return Err(asked.error(StoreErrorKind::Unsupported, "the store ignores ranges"));
    };
    let parse = || {
        let (sent, whole) = header.strip_prefix("bytes ")?.split_once('/')?;
        let (first, _) = sent.split_once('-')?;
        Some((first.parse::<u64>().ok()?, whole.parse::<u64>().ok()?))
    };
    match parse() {
        Some((first, whole)) if first == range.start => Ok(whole),
        Some(_) | None => {
            Err(asked.error(StoreErrorKind::Corrupt, format!("another range was sent: `{header}`")))
        }
    }
}

/// Returns the pieces of `body` at their pace; its end is an error unless `length` bytes came.
///
/// A piece that waits for its turn keeps the next from being read, and so the store from sending.
fn counted(
    body: ByteStream,
    length: u64,
    pace: Arc<Pace>,
    failed: impl Fn(StoreErrorKind, String) -> StoreError + Send + Sync + 'static,
) -> BoxStream<'static, Result<Bytes>> {
    let state = Some((body, length));
    Box::pin(stream::unfold((state, pace, failed), |(state, pace, failed)| async move {
        let (mut body, missing) = state?;
        let end = |kind, message: String| Err(failed(kind, message));
        let (item, state) = match body.next().await {
            Some(Ok(piece)) => match missing.checked_sub(piece.len() as u64) {
                Some(missing) => (Ok(piece), Some((body, missing))),
                None => (end(StoreErrorKind::Corrupt, "more bytes came than promised".into()), None),
            },
            // All bytes are there, so it is not the connection: they are not what the checksum says.
            Some(Err(error)) if missing == 0 => (end(StoreErrorKind::Corrupt, innermost(&error)), None),
            Some(Err(error)) => (end(StoreErrorKind::Offline, innermost(&error)), None),
            None if missing == 0 => return None,
            None => (end(StoreErrorKind::Offline, format!("{missing} bytes are missing")), None),
        };
        if let Ok(piece) = &item {
            pace.take(Direction::Down, piece.len() as u64).await;
        }
        Some((item, (state, pace, failed)))
    }))
}

/// What replies to GET and HEAD have in common.
struct Fields<'a> {
    etag: Option<&'a str>,
    last_modified: Option<&'a DateTime>,
    length: Option<i64>,
    version_id: Option<&'a str>,
    crc64nvme: Option<&'a str>,
    checksum_type: Option<&'a ChecksumType>,
    parts: Option<i32>,
    encryption: Option<&'a ServerSideEncryption>,
    customer_key: Option<&'a str>,
    metadata: Option<&'a std::collections::HashMap<String, String>>,
}

impl<'a> Fields<'a> {
    fn of_head(reply: &'a HeadObjectOutput) -> Self {
        Self {
            etag: reply.e_tag(),
            last_modified: reply.last_modified(),
            length: reply.content_length(),
            version_id: reply.version_id(),
            crc64nvme: reply.checksum_crc64_nvme(),
            checksum_type: reply.checksum_type(),
            parts: reply.parts_count(),
            encryption: reply.server_side_encryption(),
            customer_key: reply.sse_customer_algorithm(),
            metadata: reply.metadata(),
        }
    }

    fn of_get(reply: &'a GetObjectOutput) -> Self {
        Self {
            etag: reply.e_tag(),
            last_modified: reply.last_modified(),
            length: reply.content_length(),
            version_id: reply.version_id(),
            crc64nvme: reply.checksum_crc64_nvme(),
            checksum_type: reply.checksum_type(),
            parts: reply.parts_count(),
            encryption: reply.server_side_encryption(),
            customer_key: reply.sse_customer_algorithm(),
            metadata: reply.metadata(),
        }
    }

    fn read(&self, asked: &Asked<'_>) -> Result<ObjectHead> {
        let etag = ETag::new(self.etag.ok_or_else(|| asked.no_reply("ETag"))?);
        let length = self.length.and_then(|length| u64::try_from(length).ok());
        let is_composite = self.checksum_type == Some(&ChecksumType::Composite);
        Ok(ObjectHead {
            etag_is_md5: self.has_md5_tag(&etag),
            etag,
            last_modified: unix_millis(self.last_modified.ok_or_else(|| asked.no_reply("Last-Modified"))?),
            size: length.ok_or_else(|| asked.no_reply("Content-Length"))?,
            version_id: self.version_id.map(|version| VersionId(version.into())),
            crc64nvme: self.crc64nvme.filter(|_| !is_composite).and_then(crc64nvme_from_header),
            metadata: metadata::from_headers(self.metadata),
        })
    }

    fn has_md5_tag(&self, etag: &ETag) -> bool {
        let keeps_md5 = match self.encryption {
            None | Some(ServerSideEncryption::Aes256) => true,
            Some(_) => false,
        };
        etag.possible_md5().is_some() && keeps_md5 && self.customer_key.is_none() && self.parts.is_none()
    }
}
