//! Buckets: making, listing and removing them, and whether they keep versions.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::moment::Moment;
use crate::storage::{Bucket, BucketId, Storage, StorageError, Versioning};

const COLUMNS: &str = "id, name, created, versioning";

fn read(row: &Row<'_>) -> rusqlite::Result<(Bucket, i64)> {
    let versioning = row.get(3)?;
    let bucket = Bucket {
        id: BucketId(row.get(0)?),
        name: row.get(1)?,
        created: Moment::from_millis(row.get(2)?),
        versioning: Versioning::Off,
    };
    Ok((bucket, versioning))
}

fn with_versioning((bucket, versioning): (Bucket, i64)) -> Result<Bucket, StorageError> {
    Ok(Bucket { versioning: Versioning::from_index(versioning)?, ..bucket })
}

/// Returns the bucket of a name.
pub(super) fn find(connection: &Connection, name: &str) -> Result<Bucket, StorageError> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM bucket WHERE name = ?"))?;
    let found = statement.query_row([name], read).optional()?.ok_or(StorageError::NoSuchBucket)?;
    with_versioning(found)
}

impl Storage {
    /// Makes a bucket; refuses a name that is taken.
    pub(crate) async fn create_bucket(
        &self,
        name: String,
        versioning: Versioning,
    ) -> Result<(), StorageError> {
        self.change(Vec::new(), move |change| {
            let made = change
                .connection
                .prepare_cached(
                    "INSERT INTO bucket (name, created, versioning) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                )?
                .execute(params![name, change.now.millis(), versioning.to_index()])?;
            if made == 1 { Ok(()) } else { Err(StorageError::BucketExists) }
        })
        .await
    }

    pub(crate) fn bucket(&self, name: &str) -> Result<Bucket, StorageError> {
        self.look(|connection| find(connection, name))
    }

    /// Returns all buckets in the order of their names.
    pub(crate) async fn buckets(&self) -> Result<Vec<Bucket>, StorageError> {
        self.look_through(|connection| {
            let mut statement =
                connection.prepare_cached(&format!("SELECT {COLUMNS} FROM bucket ORDER BY name"))?;
            let rows: Vec<_> = statement.query_map([], read)?.collect::<Result<_, _>>()?;
            rows.into_iter().map(with_versioning).collect()
        })
        .await
    }

    /// Removes a bucket that holds no object, version, marker or upload.
    pub(crate) async fn delete_bucket(&self, name: String) -> Result<(), StorageError> {
        self.change(Vec::new(), move |change| {
            let bucket = find(change.connection, &name)?;
            let is_used: bool = change
                .connection
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM version WHERE bucket = ?1)
                         OR EXISTS (SELECT 1 FROM upload WHERE bucket = ?1)",
                )?
                .query_row([bucket.id.0], |row| row.get(0))?;
            if is_used {
                return Err(StorageError::BucketNotEmpty);
            }
            change.connection.prepare_cached("DELETE FROM bucket WHERE id = ?")?.execute([bucket.id.0])?;
            Ok(())
        })
        .await
    }

    pub(crate) async fn set_versioning(
        &self,
        name: String,
        versioning: Versioning,
    ) -> Result<(), StorageError> {
        self.change(Vec::new(), move |change| {
            let bucket = find(change.connection, &name)?;
            change
                .connection
                .prepare_cached("UPDATE bucket SET versioning = ? WHERE id = ?")?
                .execute(params![versioning.to_index(), bucket.id.0])?;
            Ok(())
        })
        .await
    }
}
