//! Tries out multipart uploads, each of one small part.

use bytes::Bytes;
use s4_core::digest::Digest;
use s4_core::key::ObjectKey;

use crate::error::Result;
use crate::probe::Honours;
use crate::probe::answer::{Answer, answer, honoured};
use crate::probe::scratch::{BODY, Scratch, put, unused_tag, wrong_tag};
use crate::store::{Condition, ObjectAttributes, Store, Written};

/// Returns which conditions CompleteMultipartUpload honours.
pub(super) async fn conditions(store: &impl Store, scratch: &Scratch) -> Result<Honours> {
    let key = scratch.key("upload");
    let written = put(store, &key, &Condition::None).await?;
    let taken = answer(upload(store, &key, &Condition::Absent).await)?;
    let fresh = answer(upload(store, &scratch.key("fresh"), &Condition::Absent).await)?;
    // Where `If-None-Match` is ignored the object has been replaced.
    let written = if taken == Answer::Done { put(store, &key, &Condition::None).await? } else { written };
    let stale = answer(upload(store, &key, &wrong_tag()).await)?;
    let current = answer(upload(store, &key, &Condition::Match(written.etag)).await)?;
    Ok(Honours { absent: honoured(taken, fresh), matching: honoured(stale, current) })
}

/// Returns whether a completion is refused when its parts do not give the checksum of the whole.
pub(super) async fn check_the_whole(store: &impl Store, scratch: &Scratch) -> Result<bool> {
    let key = scratch.key("upload");
    let right = Digest::of(BODY).crc64nvme;
    let wrong = answer(upload_as(store, &key, &Condition::None, right ^ 1).await)?;
    let right_one = answer(upload_as(store, &key, &Condition::None, right).await)?;
    let is_told = store.head(&key, None).await?.crc64nvme == Some(right);
    Ok(wrong == Answer::Refused && right_one == Answer::Done && is_told)
}

/// Returns whether UploadPartCopy works and honours the tag of its source.
pub(super) async fn copies_parts(store: &impl Store, scratch: &Scratch) -> Result<bool> {
    let (key, source) = (scratch.key("part"), scratch.key("source"));
    let written = put(store, &source, &Condition::None).await?;
    let upload = store.create_upload(&key, &ObjectAttributes::default()).await?;
    let range = 0..BODY.len() as u64;
    let stale = store.upload_part_copy(&key, &upload, 1, &source, &unused_tag(), range.clone()).await;
    let current = store.upload_part_copy(&key, &upload, 1, &source, &written.etag, range).await;
    store.abort_upload(&key, &upload).await?;
    Ok(honoured(answer(stale)?, answer(current)?))
}

async fn upload(store: &impl Store, key: &ObjectKey, condition: &Condition) -> Result<Written> {
    upload_as(store, key, condition, Digest::of(BODY).crc64nvme).await
}

/// Uploads the scratch content in one part, calling `crc64nvme` the checksum of the whole.
async fn upload_as(
    store: &impl Store,
    key: &ObjectKey,
    condition: &Condition,
    crc64nvme: u64,
) -> Result<Written> {
    let upload = store.create_upload(key, &ObjectAttributes::default()).await?;
    let crc_of_part = Digest::of(BODY).crc64nvme;
    let part = store.upload_part(key, &upload, 1, Bytes::from_static(BODY), crc_of_part).await?;
    let completed = store.complete_upload(key, &upload, &[part], Some(crc64nvme), condition).await;
    if completed.is_err() {
        // Some stores end an upload whose completion they refuse; then there is nothing to give up.
        let _ = store.abort_upload(key, &upload).await;
    }
    completed
}
