//! Multipart uploads in memory.
//!
//! - Parts are kept apart from objects: nothing is seen of an upload before it is completed.
//! - Completing checks the parts, the checksum and the condition in this order, and changes nothing if one fails.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use md5::{Digest as _, Md5};
use s4_core::digest::Digest;
use s4_core::key::ObjectKey;
use s4_core::remote::{ETag, UnixMillis};

use crate::error::{Result, StoreError, StoreErrorKind};
use crate::memory::bucket::{Bucket, Content, Moment, hex};
use crate::store::{Condition, ObjectAttributes, Part, UploadId, Written};

/// The most parts that an upload may have.
const MAX_PARTS: u32 = 10_000;

/// One multipart upload under way.
pub(super) struct Upload {
    pub(super) key: ObjectKey,
    pub(super) initiated: UnixMillis,
    attributes: ObjectAttributes,
    parts: BTreeMap<u32, (Bytes, Digest)>,
}

impl Upload {
    /// Returns the parts that were uploaded, by number.
    pub(super) fn parts(&self) -> Vec<Part> {
        self.parts.iter().map(|(number, (_, digest))| part(*number, digest)).collect()
    }
}

impl Bucket {
    /// Begins an upload.
    pub(super) fn begin(
        &mut self,
        key: &ObjectKey,
        attributes: ObjectAttributes,
        moment: Moment,
    ) -> UploadId {
        let number = self.next_upload;
        self.next_upload += 1;
        let upload = Upload { key: key.clone(), initiated: moment.stamp, attributes, parts: BTreeMap::new() };
        self.uploads.insert(number, upload);
        UploadId(upload_name(number))
    }

    /// Adds or replaces one part.
    pub(super) fn add_part(
        &mut self,
        operation: &'static str,
        key: &ObjectKey,
        id: &UploadId,
        number: u32,
        body: Bytes,
    ) -> Result<Part> {
        let (upload, _) = self.upload(operation, key, id)?;
        if number == 0 || number > MAX_PARTS {
            return Err(StoreError::new(StoreErrorKind::Other, operation, key, "InvalidArgument"));
        }
        let digest = Digest::of(&body);
        if let Some(upload) = self.uploads.get_mut(&upload) {
            upload.parts.insert(number, (body, digest));
        }
        Ok(part(number, &digest))
    }

    /// Joins the parts into the current content of `key`.
    pub(super) fn complete(
        &mut self,
        key: &ObjectKey,
        id: &UploadId,
        parts: &[Part],
        crc64nvme: Option<u64>,
        condition: &Condition,
        moment: Moment,
    ) -> Result<Written> {
        let operation = "CompleteMultipartUpload";
        let (number, upload) = self.upload(operation, key, id)?;
        let content = join(key, upload, parts, self.minimum_part)?;
        if crc64nvme.is_some() && crc64nvme != content.crc64nvme {
            return Err(StoreError::new(StoreErrorKind::Corrupt, operation, key, "BadDigest"));
        }
        self.check(operation, key, condition)?;
        self.uploads.remove(&number);
        Ok(self.write(key, content, moment))
    }
}

/// Returns the name of an upload, as replies tell it.
pub(super) fn upload_name(number: u64) -> String {
    format!("upload-{number}")
}

/// Returns the content that the chosen parts give.
fn join(key: &ObjectKey, upload: &Upload, chosen: &[Part], minimum: u64) -> Result<Content> {
    let refused = |code: &str| StoreError::new(StoreErrorKind::Other, "CompleteMultipartUpload", key, code);
    let Some(last) = chosen.last() else {
        return Err(refused("MalformedXML"));
    };
    if !chosen.is_sorted_by(|left, right| left.number < right.number) {
        return Err(refused("InvalidPartOrder"));
    }
    let mut bytes = BytesMut::new();
    let mut tags = Md5::new();
    for wanted in chosen {
        let (body, digest) = upload.parts.get(&wanted.number).ok_or_else(|| refused("InvalidPart"))?;
        if part(wanted.number, digest).etag != wanted.etag {
            return Err(refused("InvalidPart"));
        }
        if wanted.number != last.number && digest.size < minimum {
            return Err(refused("EntityTooSmall"));
        }
        bytes.extend_from_slice(body);
        tags.update(digest.md5.unwrap_or_default());
    }
    let mut content = Content::whole(bytes.freeze(), upload.attributes.clone());
    content.etag = ETag::new(&format!("{}-{}", hex(&tags.finalize()), chosen.len()));
    content.etag_is_md5 = false;
    Ok(content)
}

fn part(number: u32, digest: &Digest) -> Part {
    Part {
        number,
        etag: ETag::new(&hex(&digest.md5.unwrap_or_default())),
        size: digest.size,
        crc64nvme: Some(digest.crc64nvme),
    }
}
