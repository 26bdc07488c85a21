//! The descriptions of deltas in the bucket: `<prefix>/.s4/delta/<etag>`, gzip of JSON.
//!
//! - They are hints: whatever goes wrong with one, the whole is moved instead.
//! - Anybody may have written what is read: it is read in bounds, and the core takes it only if it fits.
//! - Only what lies directly below `.s4/delta/` is ever deleted, and only after its time.

use std::io::{Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use s4_core::capabilities::{Capabilities, Versioning};
use s4_core::delta::{Delta, DeltaDocument, MAX_LINKS};
use s4_core::digest;
use s4_core::key::{ObjectKey, Prefix};
use s4_core::remote::{ETag, RemoteObject, UnixMillis};
use s4_store::error::StoreErrorKind;
use s4_store::store::{Condition, GetOptions, ListFrom, ObjectAttributes, Store};

use super::super::body;
use crate::error::SyncError;
use crate::session::Session;

/// The longest document that is read, in bytes: packed, and unpacked.
const MAX_PACKED: u64 = 1 << 20;
const MAX_UNPACKED: u64 = 4 << 20;
/// How long a document stays, in milliseconds: 30 days.
const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// The longest tag that is part of a key.
const MAX_TAG: usize = 128;

/// Returns where the description of the version `etag` lies; `None` for a tag that would make a strange key.
fn place(prefix: &Prefix, etag: &ETag) -> Option<ObjectKey> {
    let tag = etag.as_str();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let fits = (1..=MAX_TAG).contains(&tag.len()) && tag.bytes().all(is_plain);
    let key = fits.then(|| prefix.own_key(&format!("delta/{tag}")))?;
    (!key.is_too_long()).then_some(key)
}

/// Tells other replicas how the version `etag` comes from its base. That it fails is no failure of the upload.
pub(super) async fn publish(session: &Arc<Session>, etag: &ETag, delta: &Delta) {
    let Some(key) = place(&session.prefix, etag) else { return };
    let written = match encode(delta) {
        Ok(packed) => put(session, &key, packed).await,
        Err(why) => Err(why),
    };
    if let Err(why) = written {
        tracing::debug!(%key, why, "no description of a delta was written");
    }
}

async fn put(session: &Arc<Session>, key: &ObjectKey, packed: Vec<u8>) -> Result<(), String> {
    // The same parts make the same tag, so a document may be there already. It is no worse than this one.
    let condition = if session.capabilities.put_if_none_match {
        Condition::Absent
    } else {
        match session.store.head(key, None).await {
            Err(error) if error.kind == StoreErrorKind::Missing => Condition::None,
            Ok(_) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        }
    };
    let crc = digest::crc64nvme(&packed);
    let attributes =
        ObjectAttributes { content_type: Some("application/gzip".to_owned()), ..ObjectAttributes::default() };
    match session.store.put(key, Bytes::from(packed), crc, &attributes, &condition).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind == StoreErrorKind::PreconditionFailed => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Returns how `object` comes from the version `base`, over as many links as it takes; `None` if that is not known.
pub(super) async fn chain(session: &Arc<Session>, object: &RemoteObject, base: &ETag) -> Option<Delta> {
    let mut whole: Option<Delta> = None;
    for _ in 0..MAX_LINKS {
        let wanted = whole.as_ref().map_or(&object.etag, |delta| &delta.base).clone();
        let link = fetch(session, &wanted).await?;
        let joined = match &whole {
            None => link,
            // A link counts only if it describes exactly the base of the one before.
            Some(newer) => newer.onto(&link).ok()?,
        };
        if joined.base == *base {
            return Some(joined);
        }
        whole = Some(joined);
    }
    None
}

async fn fetch(session: &Arc<Session>, etag: &ETag) -> Option<Delta> {
    let key = place(&session.prefix, etag)?;
    let packed = match session.store.get(&key, GetOptions::default()).await {
        Ok(reply) => body::collect(reply, MAX_PACKED).await,
        Err(error) => Err(error),
    };
    let decoded = match packed {
        Ok(packed) => decode(&packed),
        Err(error) if error.kind == StoreErrorKind::Missing => return None,
        Err(error) => Err(error.to_string()),
    };
    decoded.inspect_err(|why| tracing::debug!(%key, why, "the description of a delta is of no use")).ok()
}

fn encode(delta: &Delta) -> Result<Vec<u8>, String> {
    let text = serde_json::to_vec(&DeltaDocument::from(delta)).map_err(|error| error.to_string())?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&text).and_then(|()| encoder.finish()).map_err(|error| error.to_string())
}

fn decode(packed: &[u8]) -> Result<Delta, String> {
    let mut text = Vec::new();
    let mut decoder = GzDecoder::new(packed).take(MAX_UNPACKED + 1);
    decoder.read_to_end(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > MAX_UNPACKED {
        return Err("it is too long".to_owned());
    }
    let document: DeltaDocument = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    Delta::try_from(document).map_err(|error| error.to_string())
}

/// Deletes descriptions that nobody needs any longer.
///
/// Called after one was written: then the latest tells the store's time. A clock of this computer that is ahead must
/// not take what others wrote.
pub(crate) async fn expire(
    store: &dyn Store,
    capabilities: &Capabilities,
    prefix: &Prefix,
    now: UnixMillis,
) -> Result<(), SyncError> {
    let top = prefix.own_key("delta/");
    let mut found: Vec<RemoteObject> = Vec::new();
    let mut from = ListFrom::Start;
    loop {
        let page = store.list(top.as_str(), from, None).await?;
        found.extend(page.objects);
        match page.next {
            None => break,
            Some(token) => from = ListFrom::Token(token),
        }
    }
    let latest = found.iter().map(|object| object.last_modified.0).max().unwrap_or(i64::MIN);
    let before = latest.min(now.0).saturating_sub(KEPT_MS);
    for object in found {
        let name = object.key.as_str().strip_prefix(top.as_str()).unwrap_or_default();
        if object.last_modified.0 >= before || place(prefix, &ETag::new(name)).as_ref() != Some(&object.key) {
            continue;
        }
        remove(store, capabilities, &object, UnixMillis(before)).await?;
    }
    Ok(())
}

/// Deletes one description for good.
async fn remove(
    store: &dyn Store,
    capabilities: &Capabilities,
    object: &RemoteObject,
    before: UnixMillis,
) -> Result<(), SyncError> {
    // Nothing is lost: it is a hint of ours, its time is over, and without it the whole is moved.
    if capabilities.versioning != Versioning::Off {
        for version in store.versions(&object.key).await?.iter().filter(|one| one.last_modified < before) {
            store.delete_version(&object.key, &version.id).await?;
        }
        return Ok(());
    }
    let condition = match capabilities.delete_if_match {
        true => Condition::Match(object.etag.clone()),
        false => Condition::None,
    };
    match store.delete(&object.key, &condition).await {
        // Another replica was faster, with the delete or with a new one.
        Err(error) if matches!(error.kind, StoreErrorKind::Missing | StoreErrorKind::PreconditionFailed) => {
            Ok(())
        }
        deleted => Ok(deleted?),
    }
}

#[cfg(test)]
mod tests {
    use s4_core::delta::{Source, Span};

    use super::*;

    fn delta() -> Delta {
        let spans = vec![Span { size: 10, source: Source::New }, Span { size: 90, source: Source::Base(0) }];
        Delta::new(ETag::new("0123-2"), 90, u64::MAX, spans).unwrap()
    }

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_is_written_can_be_read_and_by_others_too() {
        let written = encode(&delta()).unwrap();
        assert_eq!(decode(&written), Ok(delta()));
        let text = br#"{"version":1,"base":"0123-2","base_size":90,"size":100,"crc64nvme":"ffffffffffffffff",
            "ranges":[{"size":10},{"size":90,"from":0}]}"#;
        assert_eq!(decode(&packed(text)), Ok(delta()));
    }

    #[test]
    fn what_is_no_description_is_refused() {
        let written = encode(&delta()).unwrap();
        assert!(decode(&written[..written.len() - 1]).is_err());
        assert!(decode(b"").is_err());
        assert!(decode(b"{}").is_err());
        assert!(decode(&packed(b"{}")).is_err());
        let more = br#"{"version":1,"base":"e","base_size":1,"size":0,"crc64nvme":"ffffffffffffffff","ranges":[],"x":1}"#;
        assert!(decode(&packed(more)).is_err());
        let bomb = packed(&vec![b' '; usize::try_from(MAX_UNPACKED).unwrap() + 1]);
        assert!((bomb.len() as u64) < MAX_PACKED);
        assert_eq!(decode(&bomb), Err("it is too long".to_owned()));
    }

    #[test]
    fn only_plain_tags_name_a_place() {
        let prefix = Prefix::new("p");
        let place = |tag: &str| place(&prefix, &ETag::new(tag)).map(|key| key.as_str().to_owned());
        assert_eq!(place("\"ab-12\""), Some("p/.s4/delta/ab-12".to_owned()));
        for tag in ["", "a/b", "..", "a b", "é", &"x".repeat(129)] {
            assert_eq!(place(tag), None, "{tag}");
        }
    }
}
