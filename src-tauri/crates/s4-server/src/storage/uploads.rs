//! Uploads under way: starting, receiving parts, listing, giving up.
//!
//! - A part that is sent again replaces the earlier one.
//! - An upload stays until it is completed or given up, across restarts.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use crate::digest::{Algorithm, hex};
use crate::moment::Moment;
use crate::storage::ingest::Received;
use crate::storage::listing::{Window, text};
use crate::storage::writer::Change;
use crate::storage::{
    Bucket, ChecksumKind, Checksums, ObjectHeaders, Position, Storage, StorageError, buckets, content,
};

/// An upload to be started.
#[derive(Debug, Clone)]
pub(crate) struct NewUpload {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) headers: ObjectHeaders,
    pub(crate) algorithm: Option<(Algorithm, ChecksumKind)>,
}

/// An upload under way.
#[derive(Debug, Clone)]
pub(crate) struct UploadRow {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) initiated: Moment,
    pub(crate) headers: ObjectHeaders,
    /// The algorithm chosen at its start, and what its value will cover.
    pub(crate) algorithm: Option<(Algorithm, ChecksumKind)>,
}

/// A part that was received.
#[derive(Debug, Clone)]
pub(crate) struct PartRow {
    pub(crate) number: u32,
    pub(crate) owner: i64,
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) modified: Moment,
    pub(crate) checksums: Checksums,
}

/// What is said back about a part.
#[derive(Debug, Clone)]
pub(crate) struct StoredPart {
    pub(crate) etag: String,
    pub(crate) modified: Moment,
}

/// Where a page of uploads starts.
#[derive(Debug, Clone, Default)]
pub(crate) struct UploadPosition {
    pub(crate) key: Option<String>,
    /// Start with the uploads of this key that began after this one.
    pub(crate) upload: Option<String>,
}

const COLUMNS: &str = "id, name, key, initiated, headers, algorithm, composite";

fn read(row: &Row<'_>) -> Result<UploadRow, StorageError> {
    let kind = if row.get(6)? { ChecksumKind::Composite } else { ChecksumKind::FullObject };
    let algorithm: Option<String> = row.get(5)?;
    let headers: String = row.get(4)?;
    Ok(UploadRow {
        id: row.get(0)?,
        name: row.get(1)?,
        key: text(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?,
        initiated: Moment::from_millis(row.get(3)?),
        headers: serde_json::from_str(&headers)?,
        algorithm: algorithm.and_then(|name| Algorithm::from_name(&name)).map(|algorithm| (algorithm, kind)),
    })
}

/// Returns an upload of a key.
pub(super) fn find(
    connection: &Connection,
    bucket: &Bucket,
    key: &str,
    name: &str,
) -> Result<UploadRow, StorageError> {
    let mut statement = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM upload WHERE name = ? AND bucket = ? AND key = ?"))?;
    statement
        .query_row(params![name, bucket.id.0, key.as_bytes()], |row| Ok(read(row)))
        .optional()?
        .ok_or(StorageError::NoSuchUpload)?
}

/// Returns the parts of an upload with a number above `after`, in order.
pub(super) fn parts(
    connection: &Connection,
    upload: i64,
    after: u32,
    limit: usize,
) -> Result<Vec<PartRow>, StorageError> {
    let mut statement = connection.prepare_cached(
        "SELECT number, owner, size, etag, modified, checksums FROM part
         WHERE upload = ? AND number > ? ORDER BY number LIMIT ?",
    )?;
    let mut rows = statement.query(params![upload, after, limit])?;
    let mut parts = Vec::new();
    while let Some(row) = rows.next()? {
        parts.push(PartRow {
            number: row.get(0)?,
            owner: row.get(1)?,
            size: row.get(2)?,
            etag: row.get(3)?,
            modified: Moment::from_millis(row.get(4)?),
            checksums: serde_json::from_str(row.get_ref(5)?.as_str().map_err(rusqlite::Error::from)?)?,
        });
    }
    Ok(parts)
}

/// Notes a part whose content is in the index already under `part.owner`, in place of an earlier one.
pub(super) fn replace_part(change: &mut Change<'_>, upload: i64, part: &PartRow) -> Result<(), StorageError> {
    let earlier: Option<i64> = change
        .connection
        .prepare_cached("SELECT owner FROM part WHERE upload = ? AND number = ?")?
        .query_row(params![upload, part.number], |row| row.get(0))
        .optional()?;
    if let Some(earlier) = earlier {
        content::remove(change, earlier)?;
    }
    change
        .connection
        .prepare_cached(
            "INSERT OR REPLACE INTO part (upload, number, owner, size, etag, modified, checksums)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            upload,
            part.number,
            part.owner,
            part.size,
            part.etag,
            part.modified.millis(),
            serde_json::to_string(&part.checksums)?,
        ])?;
    Ok(())
}

/// Takes an upload and its remaining parts out of the index.
pub(super) fn forget(change: &mut Change<'_>, upload: i64) -> Result<(), StorageError> {
    change.connection.prepare_cached("DELETE FROM part WHERE upload = ?")?.execute([upload])?;
    change.connection.prepare_cached("DELETE FROM upload WHERE id = ?")?.execute([upload])?;
    Ok(())
}

impl Storage {
    /// Starts an upload; returns its name.
    pub(crate) async fn create_upload(&self, upload: NewUpload) -> Result<String, StorageError> {
        self.change(Vec::new(), move |change| {
            let bucket = buckets::find(change.connection, &upload.bucket)?;
            let name = Uuid::new_v4().simple().to_string();
            let (algorithm, kind) = upload.algorithm.unzip();
            change
                .connection
                .prepare_cached(
                    "INSERT INTO upload (name, bucket, key, initiated, headers, algorithm, composite)
                     VALUES (?, ?, ?, ?, ?, ?, ?)",
                )?
                .execute(params![
                    name,
                    bucket.id.0,
                    upload.key.as_bytes(),
                    change.now.millis(),
                    serde_json::to_string(&upload.headers)?,
                    algorithm.map(Algorithm::name),
                    kind == Some(ChecksumKind::Composite),
                ])?;
            Ok(name)
        })
        .await
    }

    pub(crate) fn upload(&self, bucket: &str, key: &str, name: &str) -> Result<UploadRow, StorageError> {
        self.look(|connection| {
            let bucket = buckets::find(connection, bucket)?;
            find(connection, &bucket, key, name)
        })
    }

    /// Puts a received part in place.
    pub(crate) async fn put_part(
        &self,
        (bucket, key, name): (String, String, String),
        number: u32,
        checksums: Checksums,
        received: Received,
    ) -> Result<StoredPart, StorageError> {
        let size = received.digests.length;
        let etag = hex(&received.digests.md5.unwrap_or_default());
        let (content, blobs) = received.content.split();
        self.change(blobs, move |change| {
            let bucket = buckets::find(change.connection, &bucket)?;
            let upload = find(change.connection, &bucket, &key, &name)?;
            let owner = change.next_id();
            content::insert(change, owner, &content, size)?;
            let part = PartRow { number, owner, size, etag, modified: change.now, checksums };
            replace_part(change, upload.id, &part)?;
            Ok(StoredPart { etag: part.etag, modified: part.modified })
        })
        .await
    }

    /// Gives an upload up. Its parts are gone.
    pub(crate) async fn abort_upload(
        &self,
        bucket: String,
        key: String,
        name: String,
    ) -> Result<(), StorageError> {
        self.change(Vec::new(), move |change| {
            let bucket = buckets::find(change.connection, &bucket)?;
            let upload = find(change.connection, &bucket, &key, &name)?;
            for part in parts(change.connection, upload.id, 0, usize::from(u16::MAX))? {
                content::remove(change, part.owner)?;
            }
            forget(change, upload.id)
        })
        .await
    }

    /// Returns an upload with a page of its parts; one part more than `limit` means there are more.
    pub(crate) async fn list_parts(
        &self,
        (bucket, key, name): (String, String, String),
        after: u32,
        limit: usize,
    ) -> Result<(UploadRow, Vec<PartRow>), StorageError> {
        self.look_through(move |connection| {
            let bucket = buckets::find(connection, &bucket)?;
            let upload = find(connection, &bucket, &key, &name)?;
            let parts = parts(connection, upload.id, after, limit + 1)?;
            Ok((upload, parts))
        })
        .await
    }

    /// Returns a page of the uploads under way, by key and then by age; one more than `limit` means
    /// there are more.
    pub(crate) async fn list_uploads(
        &self,
        bucket: String,
        prefix: String,
        after: UploadPosition,
        limit: usize,
    ) -> Result<Vec<UploadRow>, StorageError> {
        self.look_through(move |connection| {
            let bucket = buckets::find(connection, &bucket)?;
            let start = after.key.clone().map_or(Position::Start, Position::AfterKey);
            let window = Window::new(&prefix, &start);
            let same_key = after.key.filter(|key| key.starts_with(&prefix)).unwrap_or_default();
            let age: Option<i64> = connection
                .prepare_cached("SELECT id FROM upload WHERE name = ?")?
                .query_row([after.upload.unwrap_or_default()], |row| row.get(0))
                .optional()?;
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM upload WHERE bucket = ?1
                     AND (key >= ?2 AND key < ?3 OR key = ?4 AND id > ?5) ORDER BY key, id LIMIT ?6"
            ))?;
            let mut rows = statement.query(params![
                bucket.id.0,
                window.from,
                window.to,
                same_key.as_bytes(),
                age.unwrap_or(i64::MAX),
                limit + 1,
            ])?;
            let mut uploads = Vec::new();
            while let Some(row) = rows.next()? {
                uploads.push(read(row)?);
            }
            Ok(uploads)
        })
        .await
    }
}
