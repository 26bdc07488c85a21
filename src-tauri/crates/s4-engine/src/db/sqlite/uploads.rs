//! Uploads by parts that are under way.

use rusqlite::{Row, Transaction};
use s4_core::key::ObjectKey;
use s4_core::path::DiskPath;
use s4_core::remote::{ETag, UnixMillis};
use s4_store::store::UploadId;

use super::codec;
use super::fault::{Fault, Found};
use crate::db::{OpenUpload, UploadSource};

/// Records an upload.
pub(super) fn begin(transaction: &Transaction<'_>, upload: &OpenUpload) -> Found<()> {
    let OpenUpload { key, id, source, begun } = upload;
    let source = source.as_ref();
    transaction
        .prepare_cached(
            "REPLACE INTO uploads (key, id, begun, disk, fingerprint, replaces, part_bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            key.as_str(),
            &id.0,
            begun.0,
            source.map(|source| source.disk.as_str()),
            source.map(|source| codec::fingerprint_bytes(&source.fingerprint)),
            source.and_then(|source| source.replaces.as_ref()).map(ETag::as_str),
            source.map(|source| source.part_bytes.cast_signed()),
        ))?;
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
    let mut statement = transaction.prepare_cached(
        "SELECT key, id, begun, disk, fingerprint, replaces, part_bytes FROM uploads ORDER BY key, id",
    )?;
    let mut rows = statement.query(())?;
    let mut uploads = Vec::new();
    while let Some(row) = rows.next()? {
        uploads.push(decode(row)?);
    }
    Ok(uploads)
}

/// Drops all: they belong to another bucket.
pub(super) fn void(transaction: &Transaction<'_>) -> Found<()> {
    transaction.execute("DELETE FROM uploads", ())?;
    Ok(())
}

fn decode(row: &Row<'_>) -> Found<OpenUpload> {
    let disk = row.get_ref(3)?.as_str_or_null()?.map(DiskPath::new);
    let replaces = row.get_ref(5)?.as_str_or_null()?.map(ETag::new);
    let part_bytes = row.get_ref(6)?.as_i64_or_null()?.map(i64::cast_unsigned);
    let source = match (disk, codec::optional_fingerprint(row, 4)?, replaces, part_bytes) {
        (Some(disk), Some(fingerprint), replaces, Some(part_bytes)) => {
            Some(UploadSource { disk, fingerprint, replaces, part_bytes })
        }
        (None, None, None, None) => None,
        _ => return Err(Fault::damaged("an upload under way")),
    };
    Ok(OpenUpload {
        key: ObjectKey::new(row.get_ref(0)?.as_str()?),
        id: UploadId(row.get_ref(1)?.as_str()?.to_owned()),
        source,
        begun: UnixMillis(row.get_ref(2)?.as_i64()?),
    })
}
