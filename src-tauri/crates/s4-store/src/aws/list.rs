//! Listings.
//!
//! - Keys are asked for in URL encoding: XML cannot hold every character that a key can.
//! - A page that lacks a part, or a key outside the prefix, is an error: a listing is never shorter than the
//!   bucket without saying so.

use aws_sdk_s3::types::{EncodingType, Object};
use s4_core::key::ObjectKey;
use s4_core::remote::{ETag, RemoteObject};

use super::AwsStore;
use super::encoding::decode_listed;
use super::error::Asked;
use super::reply::unix_millis;
use crate::error::{Result, StoreErrorKind};
use crate::store::{ContinuationToken, ListFrom, ListPage};

/// The most objects that S3 puts on one page.
const MAX_PAGE: u16 = 1000;

pub(super) async fn list(
    store: &AwsStore,
    prefix: &str,
    from: ListFrom,
    max_keys: Option<u16>,
) -> Result<ListPage> {
    let asked = store.asked("ListObjectsV2", prefix);
    let request = store.client.list_objects_v2().bucket(&*store.bucket).prefix(prefix);
    let request = request
        .encoding_type(EncodingType::Url)
        .max_keys(i32::from(max_keys.unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE)));
    let request = match &from {
        ListFrom::Start => request,
        ListFrom::After(key) => request.start_after(key.as_str()),
        ListFrom::Token(ContinuationToken(token)) => request.continuation_token(token),
    };
    let page = request.send().await.map_err(|error| asked.failed(&error))?;
    let decodes = page.encoding_type() == Some(&EncodingType::Url);
    let next = match (page.is_truncated, page.next_continuation_token) {
        (Some(false), _) => None,
        (Some(true), Some(token)) => Some(ContinuationToken(token)),
        (Some(true), None) => return Err(asked.no_reply("NextContinuationToken")),
        (None, _) => return Err(asked.no_reply("IsTruncated")),
    };
    let listed = page.contents.unwrap_or_default();
    let objects = listed.iter().map(|object| entry(&asked, prefix, object, decodes));
    let page = ListPage { objects: objects.collect::<Result<_>>()?, next };
    if goes_on(&page, &from) {
        Ok(page)
    } else {
        Err(asked.error(StoreErrorKind::Corrupt, "the listing does not go on from where it was to"))
    }
}

/// Returns whether `page` begins after `from`; else a caller that follows it would never come to an end.
fn goes_on(page: &ListPage, from: &ListFrom) -> bool {
    match from {
        ListFrom::Start => true,
        ListFrom::After(after) => page.objects.iter().all(|object| object.key > *after),
        ListFrom::Token(token) => page.next.as_ref() != Some(token),
    }
}

/// Returns one listed object.
fn entry(asked: &Asked<'_>, prefix: &str, object: &Object, decodes: bool) -> Result<RemoteObject> {
    let key = listed_key(asked, object.key(), decodes)?;
    if !key.as_str().starts_with(prefix) {
        return Err(asked.error(StoreErrorKind::Corrupt, format!("the listing names `{key}`")));
    }
    let size = object.size().and_then(|size| u64::try_from(size).ok());
    Ok(RemoteObject {
        key,
        size: size.ok_or_else(|| asked.no_reply("Size"))?,
        etag: ETag::new(object.e_tag().ok_or_else(|| asked.no_reply("ETag"))?),
        last_modified: unix_millis(object.last_modified().ok_or_else(|| asked.no_reply("LastModified"))?),
    })
}

/// Returns a key from a listing.
///
/// A store that ignores `encoding-type` does not say that it encoded; its keys are taken as they are.
pub(super) fn listed_key(asked: &Asked<'_>, key: Option<&str>, decodes: bool) -> Result<ObjectKey> {
    let key = key.ok_or_else(|| asked.no_reply("Key"))?;
    if !decodes {
        return Ok(ObjectKey::new(key));
    }
    let not_text = || asked.error(StoreErrorKind::Corrupt, format!("the listed key `{key}` is no UTF-8"));
    decode_listed(key).map(ObjectKey::new).ok_or_else(not_text)
}
