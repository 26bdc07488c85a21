//! Uploads by parts that are under way.

use rusqlite::Transaction;
use s4_core::key::ObjectKey;
use s4_core::remote::UnixMillis;
use s4_store::store::UploadId;

use super::fault::Found;
use crate::db::OpenUpload;

/// Records an upload.
pub(super) fn begin(transaction: &Transaction<'_>, upload: &OpenUpload) -> Found<()> {
    transaction
        .prepare_cached("REPLACE INTO uploads (key, id) VALUES (?1, ?2)")?
        .execute((upload.key.as_str(), &upload.id.0))?;
    Ok(())
}

/// Forgets an upload.
pub(super) fn end(transaction: &Transaction<'_>, upload: &OpenUpload) -> Found<()> {
    transaction
        .prepare_cached("DELETE FROM uploads WHERE key = ?1 AND id = ?2")?
        .execute((upload.key.as_str(), &upload.id.0))?;
    Ok(())
}

/// Returns every upload.
pub(super) fn all(transaction: &Transaction<'_>) -> Found<Vec<OpenUpload>> {
    let mut statement = transaction.prepare_cached("SELECT key, id FROM uploads ORDER BY key, id")?;
    let mut rows = statement.query(())?;
    let mut uploads = Vec::new();
    while let Some(row) = rows.next()? {
        let key = ObjectKey::new(row.get_ref(0)?.as_str()?);
        let id = UploadId(row.get_ref(1)?.as_str()?.to_owned());
        uploads.push(OpenUpload { key, id, source: None, begun: UnixMillis(0) });
    }
    Ok(uploads)
}

/// Drops all: they belong to another bucket.
pub(super) fn void(transaction: &Transaction<'_>) -> Found<()> {
    transaction.execute("DELETE FROM uploads", ())?;
    Ok(())
}
