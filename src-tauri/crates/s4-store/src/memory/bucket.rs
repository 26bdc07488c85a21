//! The state of one bucket in memory and the rules by which it changes.
//!
//! - Every function is one atomic step: it checks its condition and carries the change out, or changes nothing.
//! - With versioning off a key has one version at most, called `null`, and replies name none.
//! - Suspended versioning writes the version `null` in place of the last one of that name.

use std::collections::BTreeMap;

use bytes::Bytes;
use s4_core::capabilities::Versioning;
use s4_core::digest::Digest;
use s4_core::key::ObjectKey;
use s4_core::remote::{ETag, ObjectHead, UnixMillis, VersionId};

use crate::error::{Result, StoreError, StoreErrorKind};
use crate::memory::upload::Upload;
use crate::store::{Condition, ObjectAttributes, UploadId, Written};

/// The name of the version of an object that was written without versioning.
const NULL_VERSION: &str = "null";

/// What time a change happens, by the store's clock.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    /// What `Last-Modified` will say.
    pub(super) stamp: UnixMillis,
    /// What [`Written::not_after`] will say.
    pub(super) not_after: UnixMillis,
}

/// One object's content with what belongs to it.
#[derive(Clone, Debug)]
pub(super) struct Content {
    pub(super) bytes: Bytes,
    pub(super) etag: ETag,
    pub(super) etag_is_md5: bool,
    pub(super) crc64nvme: Option<u64>,
    pub(super) attributes: ObjectAttributes,
}

impl Content {
    /// Returns content that was PUT whole, with its checksum.
    pub(super) fn whole(bytes: Bytes, attributes: ObjectAttributes) -> Self {
        let digest = Digest::of(&bytes);
        let etag = ETag::new(&hex(&digest.md5.unwrap_or_default()));
        Self { bytes, etag, etag_is_md5: true, crc64nvme: Some(digest.crc64nvme), attributes }
    }
}

/// One version; without content it is a delete marker.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) id: VersionId,
    pub(super) content: Option<Content>,
    pub(super) last_modified: UnixMillis,
}

/// One bucket.
pub(super) struct Bucket {
    pub(super) exists: bool,
    pub(super) versioning: Versioning,
    pub(super) minimum_part: u64,
    /// The versions of each key, the oldest first; no list is empty.
    pub(super) keys: BTreeMap<ObjectKey, Vec<Version>>,
    pub(super) uploads: BTreeMap<u64, Upload>,
    /// Every content ever written to a key, the oldest first; nothing leaves it.
    pub(super) history: BTreeMap<ObjectKey, Vec<Bytes>>,
    next_version: u64,
    pub(super) next_upload: u64,
}

impl Bucket {
    pub(super) fn new(versioning: Versioning) -> Self {
        Self {
            exists: true,
            versioning,
            minimum_part: 5 << 20,
            keys: BTreeMap::new(),
            uploads: BTreeMap::new(),
            history: BTreeMap::new(),
            next_version: 1,
            next_upload: 1,
        }
    }

    /// Fails if there is no bucket.
    pub(super) fn check_exists(
        &self,
        operation: &'static str,
        subject: &(impl ToString + ?Sized),
    ) -> Result<()> {
        if self.exists {
            Ok(())
        } else {
            Err(StoreError::new(StoreErrorKind::NoBucket, operation, subject, "NoSuchBucket"))
        }
    }

    /// Returns the current content of `key` and when it was written.
    pub(super) fn current(&self, key: &ObjectKey) -> Option<(&Version, &Content)> {
        let version = self.keys.get(key)?.last()?;
        Some((version, version.content.as_ref()?))
    }

    /// Returns the current content, or that of `version`.
    pub(super) fn find(
        &self,
        operation: &'static str,
        key: &ObjectKey,
        version: Option<&VersionId>,
    ) -> Result<(&Version, &Content)> {
        self.check_exists(operation, key)?;
        let found = match version {
            None => self.current(key),
            Some(id) => self.keys.get(key).and_then(|versions| {
                let version = versions.iter().find(|version| version.id == *id)?;
                Some((version, version.content.as_ref()?))
            }),
        };
        let code = if version.is_some() { "NoSuchVersion" } else { "NoSuchKey" };
        found.ok_or_else(|| StoreError::new(StoreErrorKind::Missing, operation, key, code))
    }

    /// Fails unless `condition` holds for what stands at `key`.
    pub(super) fn check(
        &self,
        operation: &'static str,
        key: &ObjectKey,
        condition: &Condition,
    ) -> Result<()> {
        let failed =
            || StoreError::new(StoreErrorKind::PreconditionFailed, operation, key, "PreconditionFailed");
        match (condition, self.current(key)) {
            (Condition::None, _) | (Condition::Absent, None) => Ok(()),
            (Condition::Absent, Some(_)) => Err(failed()),
            (Condition::Match(_), None) => {
                Err(StoreError::new(StoreErrorKind::Missing, operation, key, "NoSuchKey"))
            }
            (Condition::Match(etag), Some((_, content))) if content.etag == *etag => Ok(()),
            (Condition::Match(_), Some(_)) => Err(failed()),
        }
    }

    /// Fails unless S3 accepts such a key.
    pub(super) fn check_key(&self, operation: &'static str, key: &ObjectKey) -> Result<()> {
        self.check_exists(operation, key)?;
        if key.as_str().is_empty() || key.is_too_long() {
            return Err(StoreError::new(StoreErrorKind::Other, operation, key, "KeyTooLongError"));
        }
        Ok(())
    }

    /// Makes `content` the current one of `key`; the caller has checked the condition.
    pub(super) fn write(&mut self, key: &ObjectKey, content: Content, moment: Moment) -> Written {
        let etag = content.etag.clone();
        self.history.entry(key.clone()).or_default().push(content.bytes.clone());
        let id = self.push_version(key, Some(content), moment.stamp);
        let version_id = match self.versioning {
            Versioning::Off => None,
            Versioning::Enabled | Versioning::Suspended => Some(id),
        };
        Written { etag, version_id, not_after: moment.not_after }
    }

    /// Deletes the current content of `key`, or hides it; the caller has checked the condition.
    pub(super) fn remove(&mut self, key: &ObjectKey, moment: Moment) {
        match self.versioning {
            Versioning::Off => {
                self.keys.remove(key);
            }
            Versioning::Enabled | Versioning::Suspended => {
                self.push_version(key, None, moment.stamp);
            }
        }
    }

    /// Deletes one version for good; one that is not there is as good as deleted.
    pub(super) fn remove_version(&mut self, key: &ObjectKey, id: &VersionId) {
        if let Some(versions) = self.keys.get_mut(key) {
            versions.retain(|version| version.id != *id);
            if versions.is_empty() {
                self.keys.remove(key);
            }
        }
    }

    fn push_version(&mut self, key: &ObjectKey, content: Option<Content>, stamp: UnixMillis) -> VersionId {
        let id = match self.versioning {
            Versioning::Off | Versioning::Suspended => VersionId(NULL_VERSION.into()),
            Versioning::Enabled => {
                let id = VersionId(format!("v{:08}", self.next_version).into());
                self.next_version += 1;
                id
            }
        };
        let versions = self.keys.entry(key.clone()).or_default();
        versions.retain(|version| version.id != id);
        versions.push(Version { id: id.clone(), content, last_modified: stamp });
        id
    }

    /// Returns the reply to a HEAD.
    pub(super) fn head(&self, version: &Version, content: &Content) -> ObjectHead {
        ObjectHead {
            etag: content.etag.clone(),
            last_modified: version.last_modified,
            size: content.bytes.len() as u64,
            version_id: match self.versioning {
                Versioning::Off => None,
                Versioning::Enabled | Versioning::Suspended => Some(version.id.clone()),
            },
            crc64nvme: content.crc64nvme,
            etag_is_md5: content.etag_is_md5,
            metadata: content.attributes.metadata.clone(),
        }
    }

    /// Returns the upload `id` of `key`.
    pub(super) fn upload(
        &self,
        operation: &'static str,
        key: &ObjectKey,
        id: &UploadId,
    ) -> Result<(u64, &Upload)> {
        self.check_exists(operation, key)?;
        let found = id.0.strip_prefix("upload-").and_then(|number| number.parse().ok());
        found
            .and_then(|number: u64| Some((number, self.uploads.get(&number)?)))
            .filter(|(_, upload)| upload.key == *key)
            .ok_or_else(|| StoreError::new(StoreErrorKind::Missing, operation, key, "NoSuchUpload"))
    }
}

/// Returns `bytes` in lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
