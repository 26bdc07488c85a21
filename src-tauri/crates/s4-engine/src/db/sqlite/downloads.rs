//! Downloads that another run may go on with.

use rusqlite::Transaction;
use s4_core::key::ObjectKey;
use s4_core::path::DiskPath;
use s4_core::remote::ETag;

use super::fault::Found;
use crate::db::OpenDownload;

/// Records a download.
pub(super) fn record(transaction: &Transaction<'_>, download: &OpenDownload) -> Found<()> {
    let OpenDownload { partial, disk, key, etag, durable } = download;
    transaction
        .prepare_cached(
            "REPLACE INTO downloads (partial, disk, key, etag, durable) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((partial, disk.as_str(), key.as_str(), etag.as_str(), durable.cast_signed()))?;
    Ok(())
}

/// Forgets a download.
pub(super) fn end(transaction: &Transaction<'_>, partial: &str) -> Found<()> {
    transaction.prepare_cached("DELETE FROM downloads WHERE partial = ?1")?.execute((partial,))?;
    Ok(())
}

/// Returns every download.
pub(super) fn all(transaction: &Transaction<'_>) -> Found<Vec<OpenDownload>> {
    let mut statement = transaction
        .prepare_cached("SELECT partial, disk, key, etag, durable FROM downloads ORDER BY partial")?;
    let mut rows = statement.query(())?;
    let mut downloads = Vec::new();
    while let Some(row) = rows.next()? {
        downloads.push(OpenDownload {
            partial: row.get(0)?,
            disk: DiskPath::new(row.get_ref(1)?.as_str()?),
            key: ObjectKey::new(row.get_ref(2)?.as_str()?),
            etag: ETag::new(row.get_ref(3)?.as_str()?),
            durable: row.get_ref(4)?.as_i64()?.cast_unsigned(),
        });
    }
    Ok(downloads)
}

/// Drops all: they come from another bucket.
pub(super) fn void(transaction: &Transaction<'_>) -> Found<()> {
    transaction.execute("DELETE FROM downloads", ())?;
    Ok(())
}
