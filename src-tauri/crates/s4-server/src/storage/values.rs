//! The values the index is made of, and how they are written in it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::condition::Current;
use crate::digest::{Algorithm, Digests, Value};
use crate::moment::Moment;
use crate::storage::StorageError;

/// The number of a bucket in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BucketId(pub(crate) i64);

/// A bucket.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    pub(crate) id: BucketId,
    pub(crate) name: String,
    pub(crate) created: Moment,
    pub(crate) versioning: Versioning,
}

/// Whether a bucket keeps what is replaced or deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versioning {
    /// Never switched on.
    Off,
    Enabled,
    /// Switched on once: old versions stay, new ones replace each other.
    Suspended,
}

impl Versioning {
    pub(crate) fn to_index(self) -> i64 {
        match self {
            Self::Off => 0,
            Self::Enabled => 1,
            Self::Suspended => 2,
        }
    }

    pub(crate) fn from_index(number: i64) -> Result<Self, StorageError> {
        match number {
            0 => Ok(Self::Off),
            1 => Ok(Self::Enabled),
            2 => Ok(Self::Suspended),
            other => Err(StorageError::Corrupt(format!("versioning {other}"))),
        }
    }

    /// Returns the version id that a reply names, which is none in a bucket that has no versions.
    pub(crate) fn shown(self, version: &VersionId) -> Option<VersionId> {
        match self {
            Self::Off => None,
            Self::Enabled | Self::Suspended => Some(version.clone()),
        }
    }
}

/// The name of one version of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VersionId(String);

impl VersionId {
    /// Returns the id of versions written while versioning was not enabled.
    pub(crate) fn null() -> Self {
        Self("null".to_owned())
    }

    /// Returns a new id. It starts with the version's place in the index, so that a listing can go on
    /// after a version that is gone by then.
    pub(crate) fn fresh(place: i64) -> Self {
        let random = Uuid::new_v4().simple().to_string();
        Self(format!("{place:016x}{}", &random[..16]))
    }

    pub(crate) fn parse(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the place in the index that a fresh id tells.
    pub(crate) fn place(&self) -> Option<i64> {
        i64::from_str_radix(self.0.get(..16)?, 16).ok()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What is said about an object besides its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectHeaders {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_encoding: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_disposition: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cache_control: Option<String>,
    /// Milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<i64>,
    /// The writer's own metadata; names in lower case.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) metadata: BTreeMap<String, String>,
}

/// Whether a checksum is that of all bytes or that of the parts' checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ChecksumKind {
    FullObject,
    Composite,
}

/// The checksums kept of a content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksums {
    /// Full-object CRC64NVME, in base64.
    pub(crate) crc64nvme: String,
    /// The algorithm that the writer chose, its value in base64, and what it covers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) chosen: Option<(Algorithm, String, ChecksumKind)>,
}

impl Checksums {
    pub(crate) fn new(crc64nvme: &Value) -> Self {
        Self { crc64nvme: crc64nvme.to_base64(), chosen: None }
    }

    /// Returns what is kept of a content sent whole: its CRC64NVME, and the algorithm its writer chose.
    pub(crate) fn of(digests: &Digests, chosen: Option<Algorithm>) -> Result<Self, StorageError> {
        let value = digests
            .value(Algorithm::Crc64Nvme)
            .ok_or_else(|| StorageError::Corrupt("no CRC64NVME was computed".to_owned()))?;
        let chosen = chosen
            .filter(|algorithm| *algorithm != Algorithm::Crc64Nvme)
            .and_then(|algorithm| digests.value(algorithm))
            .map(|value| (value.algorithm, value.to_base64(), ChecksumKind::FullObject));
        Ok(Self { chosen, ..Self::new(value) })
    }

    /// Returns the full-object value of the algorithm, if it was kept.
    pub(crate) fn full(&self, algorithm: Algorithm) -> Option<Value> {
        match (&self.chosen, algorithm) {
            (_, Algorithm::Crc64Nvme) => Value::parse(algorithm, &self.crc64nvme),
            (Some((chosen, value, ChecksumKind::FullObject)), wanted) if *chosen == wanted => {
                Value::parse(algorithm, value)
            }
            (Some(_) | None, _) => None,
        }
    }
}

/// One version of an object, or a delete marker, as the index has it.
#[derive(Debug, Clone)]
pub(crate) struct VersionRow {
    /// Its place in the index; a newer version of the same key has a larger one.
    pub(crate) id: i64,
    pub(crate) version: VersionId,
    pub(crate) is_marker: bool,
    pub(crate) size: u64,
    /// Without quotes; empty for a delete marker.
    pub(crate) etag: String,
    pub(crate) modified: Moment,
    pub(crate) checksums: Option<Checksums>,
    pub(crate) headers: ObjectHeaders,
    /// The sizes of the parts it was uploaded in, each with how often it repeats; empty for a single PUT.
    pub(crate) part_sizes: Vec<(u64, u32)>,
}

impl VersionRow {
    pub(crate) fn as_current(row: Option<&Self>) -> Current<'_> {
        match row {
            None => Current::Nothing,
            Some(version) if version.is_marker => Current::Marker,
            Some(version) => Current::Object(&version.etag),
        }
    }

    /// Returns in how many parts it was uploaded, or `None` for a single PUT.
    pub(crate) fn part_count(&self) -> Option<u32> {
        let count = self.part_sizes.iter().map(|(_, times)| times).sum();
        (count > 0).then_some(count)
    }

    /// Returns the byte range of a part, counted from 1. A single PUT is its own only part.
    pub(crate) fn part_range(&self, number: u32) -> Option<std::ops::Range<u64>> {
        if self.part_sizes.is_empty() {
            return (number == 1).then_some(0..self.size);
        }
        let sizes = self.part_sizes.iter().flat_map(|(size, times)| (0..*times).map(|_| *size));
        let mut start = 0;
        for (index, size) in (1..).zip(sizes) {
            if index == number {
                return Some(start..start + size);
            }
            start += size;
        }
        None
    }
}
