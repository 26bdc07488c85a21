//! The keys that a probe writes, and how they vanish again.

use bytes::Bytes;
use s4_core::capabilities::Versioning;
use s4_core::digest::Digest;
use s4_core::key::{ObjectKey, Prefix};
use s4_core::remote::ETag;

use crate::error::{Result, StoreErrorKind};
use crate::store::{Condition, ListFrom, ObjectAttributes, Store, Written};

/// The content of scratch objects.
pub(super) const BODY: &[u8] = b"S4 tries out what this store can do; this object can be deleted.\n";

/// A part of the bucket that nothing else uses.
pub(super) struct Scratch {
    prefix: Prefix,
    name: String,
}

impl Scratch {
    pub(super) fn new(prefix: &Prefix, random: &str) -> Self {
        Self { prefix: prefix.clone(), name: format!("probe-{random}/") }
    }

    /// Returns the key of one scratch object.
    pub(super) fn key(&self, name: &str) -> ObjectKey {
        self.prefix.own_key(&format!("{}{name}", self.name))
    }

    /// Removes everything below the scratch prefix: objects, their versions, and uploads.
    pub(super) async fn sweep(&self, store: &impl Store) -> Result<()> {
        let prefix = self.key("");
        for upload in optional(store.pending_uploads(prefix.as_str()).await)?.unwrap_or_default() {
            optional(store.abort_upload(&upload.key, &upload.id).await)?;
        }
        // What is hidden behind a delete marker is in no listing, so every key that a probe uses is looked at.
        let keeps_versions = optional(store.versioning().await)?.is_some_and(|kept| kept != Versioning::Off);
        for name in NAMES {
            let key = self.key(name);
            let versions = if keeps_versions { optional(store.versions(&key).await)? } else { None };
            for version in versions.unwrap_or_default() {
                optional(store.delete_version(&key, &version.id).await)?;
            }
        }
        let left = store.list(prefix.as_str(), ListFrom::Start, None).await?;
        for object in left.objects {
            store.delete(&object.key, &Condition::None).await?;
        }
        Ok(())
    }
}

/// Every name that a probe gives to a scratch object.
const NAMES: [&str; 6] = ["object", "source", "upload", "fresh", "part", "checksum"];

/// Returns a result, or `None` where the store cannot or may not do this.
fn optional<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) => match error.kind {
            StoreErrorKind::Denied
            | StoreErrorKind::Unsupported
            | StoreErrorKind::Missing
            | StoreErrorKind::Other => Ok(None),
            StoreErrorKind::NoBucket
            | StoreErrorKind::PreconditionFailed
            | StoreErrorKind::Conflict
            | StoreErrorKind::Credentials
            | StoreErrorKind::SlowDown
            | StoreErrorKind::Offline
            | StoreErrorKind::ClockSkew
            | StoreErrorKind::WrongRegion { .. }
            | StoreErrorKind::Corrupt
            | StoreErrorKind::Archived => Err(error),
        },
    }
}

/// Writes the scratch content.
pub(super) async fn put(store: &impl Store, key: &ObjectKey, condition: &Condition) -> Result<Written> {
    let crc = Digest::of(BODY).crc64nvme;
    store.put(key, Bytes::from_static(BODY), crc, &ObjectAttributes::default(), condition).await
}

/// Returns a condition that no object fulfils.
pub(super) fn wrong_tag() -> Condition {
    Condition::Match(unused_tag())
}

/// Returns a tag that no object has.
pub(super) fn unused_tag() -> ETag {
    ETag::new("00000000000000000000000000000000")
}
