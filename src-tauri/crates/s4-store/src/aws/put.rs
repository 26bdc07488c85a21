//! PUT and DELETE.
//!
//! - Our CRC64NVME goes with the bytes wherever the store knows it, as a plain header: no trailer, no chunks.
//! - Over TLS, with that checksum, the payload is not signed as well: it is protected, and signing costs more.

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use s4_core::capabilities::ETagForm;
use s4_core::key::ObjectKey;
use s4_core::remote::{ETag, VersionId};

use super::condition::{Honoured, Preconditions};
use super::encoding::crc64nvme_to_header;
use super::reply::ReplyDate;
use super::retry::Unguarded;
use super::{AwsStore, metadata};
use crate::error::{Result, StoreErrorKind};
use crate::store::{Condition, ObjectAttributes, Written};

pub(super) async fn put(
    store: &AwsStore,
    key: &ObjectKey,
    body: Bytes,
    crc64nvme: u64,
    attributes: &ObjectAttributes,
    condition: &Condition,
) -> Result<Written> {
    let asked = store.asked("PutObject", key.as_str());
    let capabilities = &store.capabilities;
    let honoured = Honoured { absent: capabilities.put_if_none_match, matching: capabilities.put_if_match };
    let preconditions = Preconditions::of(condition, honoured, capabilities.etag_form);
    let request = store
        .client
        .put_object()
        .bucket(&*store.bucket)
        .key(key.as_str())
        .set_if_match(preconditions.if_match)
        .set_if_none_match(preconditions.if_none_match)
        .set_metadata(Some(metadata::to_headers(&attributes.metadata)))
        .set_content_type(attributes.content_type.clone())
        .set_checksum_crc64_nvme(capabilities.crc64nvme.then(|| crc64nvme_to_header(crc64nvme)))
        .body(ByteStream::new(SdkBody::from(body)));
    let date = ReplyDate::default();
    let mut request = request.customize().interceptor(date.clone());
    if store.leaves_payload_unsigned() {
        request = request.disable_payload_signing();
    }
    let reply = request.send().await.map_err(|error| asked.failed(&error))?;
    Ok(Written {
        etag: ETag::new(reply.e_tag().filter(|tag| !tag.is_empty()).ok_or_else(|| asked.no_reply("ETag"))?),
        version_id: reply.version_id.map(|version| VersionId(version.into())),
        not_after: date.not_after(),
    })
}

pub(super) async fn delete(store: &AwsStore, key: &ObjectKey, condition: &Condition) -> Result<()> {
    let asked = store.asked("DeleteObject", key.as_str());
    let form: ETagForm = store.capabilities.etag_form;
    let preconditions = match condition {
        Condition::Absent => {
            let why = "a delete cannot require that nothing is there";
            return Err(asked.error(StoreErrorKind::Unsupported, why));
        }
        Condition::Match(_) | Condition::None => {
            let honoured = Honoured { absent: false, matching: store.capabilities.delete_if_match };
            Preconditions::of(condition, honoured, form)
        }
    };
    let request = store.client.delete_object().bucket(&*store.bucket).key(key.as_str());
    let is_guarded = preconditions.if_match.is_some();
    let mut request = request.set_if_match(preconditions.if_match).customize();
    if !is_guarded {
        request = request.interceptor(Unguarded);
    }
    request.send().await.map_err(|error| asked.failed(&error))?;
    Ok(())
}

pub(super) async fn delete_version(store: &AwsStore, key: &ObjectKey, version: &VersionId) -> Result<()> {
    let asked = store.asked("DeleteObject", key.as_str());
    let request = store.client.delete_object().bucket(&*store.bucket).key(key.as_str());
    request.version_id(&*version.0).send().await.map_err(|error| asked.failed(&error))?;
    Ok(())
}
