//! Multipart uploads.
//!
//! - Where the store knows CRC64NVME, the whole object's checksum is sent with the completion: parts that do not
//!   give it are refused, whoever mixed them up.
//! - A completion whose reply has no ETag (older Ceph) is believed only after a HEAD shows an object that is
//!   surely ours: by its checksum, or by the tag that exactly these parts give.

use std::ops::Range;

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart, EncodingType,
};
use bytes::Bytes;
use md5::{Digest as _, Md5};
use s4_core::key::ObjectKey;
use s4_core::remote::{ETag, ObjectHead, VersionId};

use super::condition::{Honoured, Preconditions};
use super::encoding::{copy_source, crc64nvme_from_header, crc64nvme_to_header};
use super::error::Asked;
use super::get::range_header;
use super::list::listed_key;
use super::reply::{ReplyDate, unix_millis};
use super::{AwsStore, client, condition, get, metadata};
use crate::error::{Result, StoreErrorKind};
use crate::store::{Condition, ObjectAttributes, Part, PendingUpload, UploadId, Written};

pub(super) async fn create(
    store: &AwsStore,
    key: &ObjectKey,
    attributes: &ObjectAttributes,
) -> Result<UploadId> {
    let asked = store.asked("CreateMultipartUpload", key.as_str());
    let mut request = store
        .client
        .create_multipart_upload()
        .bucket(&*store.bucket)
        .key(key.as_str())
        .set_metadata(Some(metadata::to_headers(&attributes.metadata)))
        .set_content_type(attributes.content_type.clone());
    if store.capabilities.crc64nvme {
        request =
            request.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme).checksum_type(ChecksumType::FullObject);
    }
    let reply = request.send().await.map_err(|error| asked.failed(&error))?;
    Ok(UploadId(reply.upload_id.ok_or_else(|| asked.no_reply("UploadId"))?))
}

pub(super) async fn upload_part(
    store: &AwsStore,
    key: &ObjectKey,
    upload: &UploadId,
    number: u32,
    body: Bytes,
    crc64nvme: u64,
) -> Result<Part> {
    let asked = store.asked("UploadPart", key.as_str());
    let sends_checksum = store.capabilities.crc64nvme;
    let size = body.len();
    let request = store
        .client
        .upload_part()
        .bucket(&*store.bucket)
        .key(key.as_str())
        .upload_id(&upload.0)
        .part_number(part_number(&asked, number)?)
        .set_checksum_crc64_nvme(sends_checksum.then(|| crc64nvme_to_header(crc64nvme)))
        .body(ByteStream::new(SdkBody::from(body)));
    let mut request = request.customize();
    if store.leaves_payload_unsigned() {
        request = request.disable_payload_signing();
    }
    let reply = request.send().await.map_err(|error| asked.failed(&error))?;
    Ok(Part {
        number,
        etag: ETag::new(reply.e_tag().filter(|tag| !tag.is_empty()).ok_or_else(|| asked.no_reply("ETag"))?),
        size: size as u64,
        crc64nvme: sends_checksum.then_some(crc64nvme),
    })
}

pub(super) async fn upload_part_copy(
    store: &AwsStore,
    key: &ObjectKey,
    upload: &UploadId,
    number: u32,
    source: &ObjectKey,
    source_if_match: &ETag,
    range: Range<u64>,
) -> Result<Part> {
    let asked = store.asked("UploadPartCopy", source.as_str());
    if range.is_empty() {
        return Err(asked.error(StoreErrorKind::Other, "an empty range cannot be copied"));
    }
    let request = store
        .client
        .upload_part_copy()
        .bucket(&*store.bucket)
        .key(key.as_str())
        .upload_id(&upload.0)
        .part_number(part_number(&asked, number)?)
        .copy_source(copy_source(&store.bucket, source, None))
        .copy_source_if_match(condition::tag(source_if_match, store.capabilities.etag_form))
        .copy_source_range(range_header(&range));
    let request = request.customize().config_override(client::patient(&store.connection.timeouts));
    let reply = request.send().await.map_err(|error| asked.failed(&error))?;
    let result = reply.copy_part_result().ok_or_else(|| asked.no_reply("CopyPartResult"))?;
    Ok(Part {
        number,
        etag: ETag::new(result.e_tag().filter(|tag| !tag.is_empty()).ok_or_else(|| asked.no_reply("ETag"))?),
        size: range.end - range.start,
        crc64nvme: result.checksum_crc64_nvme().and_then(crc64nvme_from_header),
    })
}

pub(super) async fn complete(
    store: &AwsStore,
    key: &ObjectKey,
    upload: &UploadId,
    parts: &[Part],
    crc64nvme: Option<u64>,
    condition: &Condition,
) -> Result<Written> {
    let asked = store.asked("CompleteMultipartUpload", key.as_str());
    let capabilities = &store.capabilities;
    let honoured =
        Honoured { absent: capabilities.complete_if_none_match, matching: capabilities.complete_if_match };
    let preconditions = Preconditions::of(condition, honoured, capabilities.etag_form);
    let checksum = crc64nvme.filter(|_| capabilities.crc64nvme);
    let completed = parts.iter().map(|part| completed_part(&asked, part, checksum.is_some()));
    let completed: Vec<CompletedPart> = completed.collect::<Result<_>>()?;
    let request = store
        .client
        .complete_multipart_upload()
        .bucket(&*store.bucket)
        .key(key.as_str())
        .upload_id(&upload.0)
        .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(completed)).build())
        .set_if_match(preconditions.if_match)
        .set_if_none_match(preconditions.if_none_match)
        .set_checksum_crc64_nvme(checksum.map(crc64nvme_to_header))
        .set_checksum_type(checksum.map(|_| ChecksumType::FullObject));
    let date = ReplyDate::default();
    let request = request
        .customize()
        .interceptor(date.clone())
        .config_override(client::patient(&store.connection.timeouts));
    let reply = request.send().await.map_err(|error| asked.failed(&error))?;
    let version_id = reply.version_id.as_deref().map(|version| VersionId(version.into()));
    if let Some(etag) = reply.e_tag().filter(|tag| !tag.trim_matches('"').is_empty()) {
        return Ok(Written { etag: ETag::new(etag), version_id, not_after: date.not_after() });
    }
    // A success always names the key it wrote; anything else did not come from the store.
    if reply.key().is_none() && reply.location().is_none() {
        return Err(asked.no_reply("ETag"));
    }
    let head = get::head(store, key, version_id.as_ref()).await?;
    if !is_ours(&head, parts, crc64nvme) {
        return Err(asked.no_reply("ETag, and another object stands at the key"));
    }
    Ok(Written { etag: head.etag, version_id: head.version_id, not_after: date.not_after() })
}

/// Returns whether what stands at the key was surely made of `parts`.
fn is_ours(head: &ObjectHead, parts: &[Part], crc64nvme: Option<u64>) -> bool {
    let size: u64 = parts.iter().map(|part| part.size).sum();
    let by_checksum = crc64nvme.is_some() && head.crc64nvme == crc64nvme;
    let by_tag = joined_etag(parts).is_some_and(|etag| etag == head.etag);
    head.size == size && (by_checksum || by_tag)
}

/// Returns the tag that S3 gives an object made of `parts`: the MD5 of their MD5s, and their number.
fn joined_etag(parts: &[Part]) -> Option<ETag> {
    let mut joined = Md5::new();
    for part in parts {
        joined.update(part.etag.possible_md5()?);
    }
    let digits: String = joined.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Some(ETag::new(&format!("{digits}-{}", parts.len())))
}

fn completed_part(asked: &Asked<'_>, part: &Part, with_checksum: bool) -> Result<CompletedPart> {
    let checksum = part.crc64nvme.filter(|_| with_checksum).map(crc64nvme_to_header);
    Ok(CompletedPart::builder()
        .part_number(part_number(asked, part.number)?)
        .e_tag(format!("\"{}\"", part.etag))
        .set_checksum_crc64_nvme(checksum)
        .build())
}

fn part_number(asked: &Asked<'_>, number: u32) -> Result<i32> {
    i32::try_from(number).map_err(|_| asked.error(StoreErrorKind::Other, format!("no part number: {number}")))
}

pub(super) async fn abort(store: &AwsStore, key: &ObjectKey, upload: &UploadId) -> Result<()> {
    let asked = store.asked("AbortMultipartUpload", key.as_str());
    let request = store.client.abort_multipart_upload().bucket(&*store.bucket).key(key.as_str());
    request.upload_id(&upload.0).send().await.map_err(|error| asked.failed(&error))?;
    Ok(())
}

pub(super) async fn parts(store: &AwsStore, key: &ObjectKey, upload: &UploadId) -> Result<Vec<Part>> {
    let asked = store.asked("ListParts", key.as_str());
    let mut parts = Vec::new();
    let mut marker = None;
    loop {
        let request = store.client.list_parts().bucket(&*store.bucket).key(key.as_str());
        let request = request.upload_id(&upload.0).set_part_number_marker(marker);
        let page = request.send().await.map_err(|error| asked.failed(&error))?;
        for part in page.parts() {
            let number = part.part_number().and_then(|number| u32::try_from(number).ok());
            let size = part.size().and_then(|size| u64::try_from(size).ok());
            parts.push(Part {
                number: number.ok_or_else(|| asked.no_reply("PartNumber"))?,
                etag: ETag::new(part.e_tag().ok_or_else(|| asked.no_reply("ETag"))?),
                size: size.ok_or_else(|| asked.no_reply("Size"))?,
                crc64nvme: part.checksum_crc64_nvme().and_then(crc64nvme_from_header),
            });
        }
        match page.is_truncated() {
            Some(true) => {
                marker = Some(asked.continues(page.next_part_number_marker, "NextPartNumberMarker")?);
            }
            Some(false) => return Ok(parts),
            None => return Err(asked.no_reply("IsTruncated")),
        }
    }
}

pub(super) async fn pending(store: &AwsStore, prefix: &str) -> Result<Vec<PendingUpload>> {
    let asked = store.asked("ListMultipartUploads", prefix);
    let mut pending = Vec::new();
    let mut marker = (None, None);
    loop {
        let request = store
            .client
            .list_multipart_uploads()
            .bucket(&*store.bucket)
            .prefix(prefix)
            .encoding_type(EncodingType::Url)
            .set_key_marker(marker.0)
            .set_upload_id_marker(marker.1);
        let page = request.send().await.map_err(|error| asked.failed(&error))?;
        let decodes = page.encoding_type() == Some(&EncodingType::Url);
        for upload in page.uploads() {
            let id = upload.upload_id().ok_or_else(|| asked.no_reply("UploadId"))?;
            pending.push(PendingUpload {
                key: listed_key(&asked, upload.key(), decodes)?,
                id: UploadId(id.to_owned()),
                initiated: unix_millis(upload.initiated().ok_or_else(|| asked.no_reply("Initiated"))?),
            });
        }
        match page.is_truncated() {
            Some(true) => {
                let key = listed_key(&asked, page.next_key_marker(), decodes)?;
                marker = (Some(key.to_string()), page.next_upload_id_marker);
            }
            Some(false) => return Ok(pending),
            None => return Err(asked.no_reply("IsTruncated")),
        }
    }
}

#[cfg(test)]
mod tests {
    use s4_core::remote::{Metadata, UnixMillis};

    use super::*;

    fn part(number: u32, body: &[u8]) -> Part {
        let digits: String = Md5::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
        Part { number, etag: ETag::new(&digits), size: body.len() as u64, crc64nvme: None }
    }

    fn head(etag: &str, size: u64, crc64nvme: Option<u64>) -> ObjectHead {
        ObjectHead {
            etag: ETag::new(etag),
            last_modified: UnixMillis(0),
            size,
            version_id: None,
            crc64nvme,
            etag_is_md5: false,
            metadata: Metadata::default(),
        }
    }

    #[test]
    fn only_what_was_surely_made_of_the_parts_stands_for_a_lost_tag() {
        let parts = [part(1, b"abc"), part(2, b"d")];
        let tag = joined_etag(&parts).unwrap();
        // `printf abc`, `printf d`: MD5 of the two binary MD5s.
        assert!(tag.as_str().ends_with("-2") && tag.as_str().len() == 34);
        assert!(is_ours(&head(tag.as_str(), 4, None), &parts, None));
        assert!(is_ours(&head("other", 4, Some(7)), &parts, Some(7)));
        assert!(!is_ours(&head("other", 4, Some(8)), &parts, Some(7)));
        assert!(!is_ours(&head("other", 4, None), &parts, None));
        assert!(!is_ours(&head(tag.as_str(), 5, None), &parts, None));
    }
}
