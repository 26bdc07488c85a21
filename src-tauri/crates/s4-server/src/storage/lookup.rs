//! Finds versions of objects, and opens their contents for reading.

use std::ops::Range;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::condition::{ReadCondition, Refusal};
use crate::moment::Moment;
use crate::storage::{Bucket, BucketId, Slice, Storage, StorageError, VersionId, VersionRow, buckets};

const COLUMNS: &str = "id, version, is_marker, size, etag, modified, checksums, headers, part_sizes";

/// A row whose texts are not parsed yet: that can fail in ways SQLite has no error for.
struct Raw {
    row: VersionRow,
    checksums: Option<String>,
    headers: String,
    part_sizes: Option<String>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok(Raw {
        row: VersionRow {
            id: row.get(0)?,
            version: VersionId::parse(row.get_ref(1)?.as_str()?),
            is_marker: row.get(2)?,
            size: row.get(3)?,
            etag: row.get(4)?,
            modified: Moment::from_millis(row.get(5)?),
            checksums: None,
            headers: super::ObjectHeaders::default(),
            part_sizes: Vec::new(),
        },
        checksums: row.get(6)?,
        headers: row.get(7)?,
        part_sizes: row.get(8)?,
    })
}

fn parse(raw: Raw) -> Result<VersionRow, StorageError> {
    Ok(VersionRow {
        checksums: raw.checksums.map(|text| serde_json::from_str(&text)).transpose()?,
        headers: serde_json::from_str(&raw.headers)?,
        part_sizes: raw.part_sizes.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default(),
        ..raw.row
    })
}

/// Returns the newest version of a key, which may be a delete marker.
pub(super) fn current(
    connection: &Connection,
    bucket: BucketId,
    key: &str,
) -> Result<Option<VersionRow>, StorageError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM version WHERE bucket = ? AND key = ? ORDER BY id DESC LIMIT 1"
    ))?;
    statement.query_row(params![bucket.0, key.as_bytes()], read).optional()?.map(parse).transpose()
}

/// Returns one version of a key, which may be a delete marker.
pub(super) fn version(
    connection: &Connection,
    bucket: BucketId,
    key: &str,
    version: &VersionId,
) -> Result<Option<VersionRow>, StorageError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM version WHERE bucket = ? AND key = ? AND version = ?"
    ))?;
    statement
        .query_row(params![bucket.0, key.as_bytes(), version.as_str()], read)
        .optional()?
        .map(parse)
        .transpose()
}

/// Returns the version that a reader asks for: the one named, or the current one. Never a delete marker.
pub(super) fn readable(
    connection: &Connection,
    bucket: BucketId,
    key: &str,
    wanted: Option<&VersionId>,
) -> Result<VersionRow, StorageError> {
    match wanted {
        Some(wanted) => match version(connection, bucket, key, wanted)? {
            None => Err(StorageError::NoSuchVersion),
            Some(row) if row.is_marker => {
                Err(StorageError::IsMarker { marker: row.version, modified: row.modified })
            }
            Some(row) => Ok(row),
        },
        None => match current(connection, bucket, key)? {
            None => Err(StorageError::NoSuchKey),
            Some(row) if row.is_marker => Err(StorageError::Deleted { marker: row.version }),
            Some(row) => Ok(row),
        },
    }
}

fn checked(row: VersionRow, condition: &ReadCondition) -> Result<VersionRow, StorageError> {
    match condition.check(&row.etag, row.modified) {
        Ok(()) => Ok(row),
        Err(Refusal::NotModified) => {
            Err(StorageError::NotModified { etag: row.etag, modified: row.modified })
        }
        Err(refusal @ (Refusal::PreconditionFailed | Refusal::NoSuchKey)) => Err(refusal.into()),
    }
}

impl Storage {
    /// Returns what is known of an object, if the condition allows.
    pub(crate) fn head(
        &self,
        bucket: &str,
        key: &str,
        wanted: Option<&VersionId>,
        condition: &ReadCondition,
    ) -> Result<(Bucket, VersionRow), StorageError> {
        self.look(|connection| {
            let bucket = buckets::find(connection, bucket)?;
            let row = readable(connection, bucket.id, key, wanted)?;
            Ok((bucket, checked(row, condition)?))
        })
    }

    /// Returns an object with the part of its content that `choose` picks by what is known of it.
    pub(crate) fn open_object(
        &self,
        bucket: &str,
        key: &str,
        wanted: Option<&VersionId>,
        condition: &ReadCondition,
        choose: impl FnOnce(&VersionRow) -> Result<Range<u64>, StorageError>,
    ) -> Result<(Bucket, VersionRow, Slice), StorageError> {
        self.look_and_pin(|connection, blobs| {
            let bucket = buckets::find(connection, bucket)?;
            let row = readable(connection, bucket.id, key, wanted)?;
            let row = checked(row, condition)?;
            let range = choose(&row)?;
            let slice = if row.size == 0 {
                Slice::Inline(bytes::Bytes::new())
            } else {
                Slice::look_up(connection, blobs, row.id, range)?
            };
            Ok((bucket, row, slice))
        })
    }
}
