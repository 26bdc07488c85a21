//! Puts objects in place and deletes them, with versions and markers as S3 has them.
//!
//! - Every change checks its condition against the current version in its own transaction.
//! - In a bucket without versioning there is at most one version of a key, called `null`; while versioning
//!   is suspended, a new `null` version replaces only the old `null` one.

use rusqlite::params;

use crate::condition::{DeleteCondition, WriteCondition};
use crate::digest::hex;
use crate::moment::Moment;
use crate::storage::ingest::Received;
use crate::storage::writer::Change;
use crate::storage::{
    Bucket, Checksums, ObjectHeaders, Storage, StorageError, VersionId, VersionRow, Versioning, buckets,
    content, lookup,
};

/// An object to be put in place.
pub(crate) struct NewObject {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) headers: ObjectHeaders,
    pub(crate) checksums: Checksums,
    pub(crate) condition: WriteCondition,
}

/// What was put in place.
#[derive(Debug, Clone)]
pub(crate) struct Put {
    /// `None` in a bucket that has no versions.
    pub(crate) version: Option<VersionId>,
    pub(crate) etag: String,
}

/// One delete.
#[derive(Debug, Clone)]
pub(crate) struct Deletion {
    pub(crate) key: String,
    pub(crate) version: Option<VersionId>,
    pub(crate) condition: DeleteCondition,
}

/// What a delete did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Deleted {
    /// The marker that was made, or the version that was removed.
    pub(crate) version: Option<VersionId>,
    /// Whether that is a delete marker.
    pub(crate) is_marker: bool,
}

/// What the index is told of a version, besides its content.
pub(super) struct Entry<'a> {
    pub(super) key: &'a str,
    pub(super) size: u64,
    pub(super) etag: &'a str,
    pub(super) checksums: Option<&'a Checksums>,
    pub(super) headers: &'a ObjectHeaders,
    pub(super) part_sizes: &'a [(u64, u32)],
}

impl Storage {
    /// Puts a received content in place under its key, if the condition allows.
    pub(crate) async fn put(&self, object: NewObject, received: Received) -> Result<Put, StorageError> {
        let size = received.digests.length;
        let etag = hex(&received.digests.md5.unwrap_or_default());
        let (content, blobs) = received.content.split();
        self.change(blobs, move |change| {
            let bucket = buckets::find(change.connection, &object.bucket)?;
            let current = lookup::current(change.connection, bucket.id, &object.key)?;
            object.condition.check(VersionRow::as_current(current.as_ref()))?;
            let id = change.next_id();
            content::insert(change, id, &content, size)?;
            let entry = Entry {
                key: &object.key,
                size,
                etag: &etag,
                checksums: Some(&object.checksums),
                headers: &object.headers,
                part_sizes: &[],
            };
            let version = put_in_place(change, &bucket, current.as_ref(), id, &entry)?;
            Ok(Put { version: bucket.versioning.shown(&version), etag })
        })
        .await
    }

    /// Deletes an object, or one version of it. What is not there counts as deleted.
    pub(crate) async fn delete(&self, bucket: String, deletion: Deletion) -> Result<Deleted, StorageError> {
        self.change(Vec::new(), move |change| {
            let bucket = buckets::find(change.connection, &bucket)?;
            delete(change, &bucket, &deletion)
        })
        .await
    }
}

/// Makes a version whose content is in the index already the current one of its key.
/// `current` is what is the newest version of the key until now.
pub(super) fn put_in_place(
    change: &mut Change<'_>,
    bucket: &Bucket,
    current: Option<&VersionRow>,
    id: i64,
    entry: &Entry<'_>,
) -> Result<VersionId, StorageError> {
    let version = make_room(change, bucket, current, id, entry.key)?;
    let part_sizes =
        (!entry.part_sizes.is_empty()).then(|| serde_json::to_string(entry.part_sizes)).transpose()?;
    change
        .connection
        .prepare_cached(
            "INSERT INTO version (id, bucket, key, version, is_current, is_marker, size, etag, modified,
                                  checksums, headers, part_sizes)
             VALUES (?, ?, ?, ?, 1, 0, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            id,
            bucket.id.0,
            entry.key.as_bytes(),
            version.as_str(),
            entry.size,
            entry.etag,
            change.now.millis(),
            entry.checksums.map(serde_json::to_string).transpose()?,
            serde_json::to_string(entry.headers)?,
            part_sizes,
        ])?;
    Ok(version)
}

/// Removes or steps back what a new version replaces; returns the new version's name.
fn make_room(
    change: &mut Change<'_>,
    bucket: &Bucket,
    current: Option<&VersionRow>,
    id: i64,
    key: &str,
) -> Result<VersionId, StorageError> {
    let version = match bucket.versioning {
        Versioning::Enabled => VersionId::fresh(id),
        Versioning::Off | Versioning::Suspended => VersionId::null(),
    };
    // Most keys are new, and then there is nothing to look for.
    let Some(current) = current else { return Ok(version) };
    if bucket.versioning != Versioning::Enabled
        && let Some(old) = lookup::version(change.connection, bucket.id, key, &version)?
    {
        // The one place where a PUT destroys: nobody asked this bucket to keep the old bytes.
        remove(change, old.id)?;
    }
    change
        .connection
        .prepare_cached("UPDATE version SET is_current = 0 WHERE id = ?")?
        .execute([current.id])?;
    Ok(version)
}

fn remove(change: &mut Change<'_>, id: i64) -> Result<(), StorageError> {
    content::remove(change, id)?;
    change.connection.prepare_cached("DELETE FROM version WHERE id = ?")?.execute([id])?;
    Ok(())
}

pub(super) fn delete(
    change: &mut Change<'_>,
    bucket: &Bucket,
    deletion: &Deletion,
) -> Result<Deleted, StorageError> {
    let current = lookup::current(change.connection, bucket.id, &deletion.key)?;
    deletion.condition.check(VersionRow::as_current(current.as_ref()))?;
    match (&deletion.version, bucket.versioning) {
        (Some(version), _) => delete_version(change, bucket, &deletion.key, version),
        (None, Versioning::Off) => {
            if let Some(current) = current {
                remove(change, current.id)?;
            }
            Ok(Deleted::default())
        }
        (None, Versioning::Enabled | Versioning::Suspended) => {
            let id = change.next_id();
            let version = make_room(change, bucket, current.as_ref(), id, &deletion.key)?;
            insert_marker(change, bucket, id, &deletion.key, &version)?;
            Ok(Deleted { version: Some(version), is_marker: true })
        }
    }
}

fn delete_version(
    change: &mut Change<'_>,
    bucket: &Bucket,
    key: &str,
    version: &VersionId,
) -> Result<Deleted, StorageError> {
    let found = lookup::version(change.connection, bucket.id, key, version)?;
    let is_marker = found.as_ref().is_some_and(|row| row.is_marker);
    if let Some(row) = found {
        remove(change, row.id)?;
        // What was hidden by the removed version, if that was the newest, is current again.
        change
            .connection
            .prepare_cached(
                "UPDATE version SET is_current = 1 WHERE id =
                     (SELECT id FROM version WHERE bucket = ? AND key = ? ORDER BY id DESC LIMIT 1)
                     AND is_current = 0",
            )?
            .execute(params![bucket.id.0, key.as_bytes()])?;
    }
    Ok(Deleted { version: Some(version.clone()), is_marker })
}

fn insert_marker(
    change: &Change<'_>,
    bucket: &Bucket,
    id: i64,
    key: &str,
    version: &VersionId,
) -> Result<(), StorageError> {
    let now: Moment = change.now;
    change
        .connection
        .prepare_cached(
            "INSERT INTO version (id, bucket, key, version, is_current, is_marker, size, etag, modified, headers)
             VALUES (?, ?, ?, ?, 1, 1, 0, '', ?, '{}')",
        )?
        .execute(params![id, bucket.id.0, key.as_bytes(), version.as_str(), now.millis()])?;
    Ok(())
}
