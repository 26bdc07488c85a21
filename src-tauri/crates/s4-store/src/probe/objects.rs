//! Tries out PUT and DELETE.

use bytes::Bytes;
use s4_core::capabilities::Capabilities;
use s4_core::digest::Digest;

use crate::error::{Result, StoreErrorKind};
use crate::probe::answer::{Answer, answer, honoured};
use crate::probe::scratch::{BODY, Scratch, put, wrong_tag};
use crate::probe::{Dialects, Honours};
use crate::store::{Condition, ObjectAttributes, Store};

/// Returns whether a CRC64NVME is taken with a PUT, told again, and refused where it is wrong.
pub(super) async fn takes_checksums<S: Dialects>(
    store: &S,
    scratch: &Scratch,
    assumed: &Capabilities,
) -> Result<bool> {
    let key = scratch.key("checksum");
    let with = store.speaking(Capabilities { crc64nvme: true, ..assumed.clone() });
    if answer(put(&with, &key, &Condition::None).await)? != Answer::Done {
        // If even a plain write fails it is not for the checksum.
        let without = store.speaking(Capabilities { crc64nvme: false, ..assumed.clone() });
        put(&without, &key, &Condition::None).await?;
        return Ok(false);
    }
    let right = Digest::of(BODY).crc64nvme;
    let is_told = with.head(&key, None).await?.crc64nvme == Some(right);
    let attributes = ObjectAttributes::default();
    let wrong = with.put(&key, Bytes::from_static(BODY), right ^ 1, &attributes, &Condition::None).await;
    Ok(is_told && answer(wrong)? == Answer::Refused)
}

/// Returns which conditions PUT honours.
pub(super) async fn conditions(store: &impl Store, scratch: &Scratch) -> Result<Honours> {
    let key = scratch.key("object");
    store.delete(&key, &Condition::None).await?;
    let fresh = answer(put(store, &key, &Condition::Absent).await)?;
    let written = put(store, &key, &Condition::None).await?;
    let taken = answer(put(store, &key, &Condition::Absent).await)?;
    let stale = answer(put(store, &key, &wrong_tag()).await)?;
    let current = answer(put(store, &key, &Condition::Match(written.etag)).await)?;
    Ok(Honours { absent: honoured(taken, fresh), matching: honoured(stale, current) })
}

/// Returns whether DELETE honours `If-Match`.
pub(super) async fn deletes_honour_tags(store: &impl Store, scratch: &Scratch) -> Result<bool> {
    let key = scratch.key("object");
    let written = put(store, &key, &Condition::None).await?;
    let stale = answer(store.delete(&key, &wrong_tag()).await)?;
    let current = answer(store.delete(&key, &Condition::Match(written.etag)).await)?;
    let is_gone = match store.head(&key, None).await {
        Ok(_) => false,
        Err(error) if error.kind == StoreErrorKind::Missing => true,
        Err(error) => return Err(error),
    };
    Ok(honoured(stale, current) && is_gone)
}
