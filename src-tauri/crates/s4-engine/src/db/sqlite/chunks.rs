//! The chunks of large contents, by the BLAKE3 of the whole.

use rusqlite::{OptionalExtension as _, Transaction};
use s4_core::chunk::Chunks;

use super::codec;
use super::fault::Found;

/// Returns the chunks of a content.
pub(super) fn of(transaction: &Transaction<'_>, blake3: &[u8; 32]) -> Found<Option<Chunks>> {
    let mut statement = transaction.prepare_cached("SELECT list FROM chunks WHERE blake3 = ?1")?;
    let list: Option<Vec<u8>> = statement.query_row((&blake3[..],), |row| row.get(0)).optional()?;
    list.map(|list| codec::chunks(&list)).transpose()
}

/// Keeps the chunks of contents.
pub(super) fn keep(transaction: &Transaction<'_>, chunks: &[([u8; 32], Chunks)]) -> Found<()> {
    if chunks.is_empty() {
        return Ok(());
    }
    let mut statement = transaction.prepare_cached("REPLACE INTO chunks (blake3, list) VALUES (?1, ?2)")?;
    for (blake3, chunks) in chunks {
        statement.execute((&blake3[..], codec::chunk_bytes(chunks)))?;
    }
    Ok(())
}

/// Forgets what no row and no fact has any longer. Where there are none, no row is looked at.
pub(super) fn forget_unused(transaction: &Transaction<'_>) -> Found<()> {
    let (start, length) = codec::BLAKE3_IN_DIGEST;
    transaction.execute(
        &format!(
            "DELETE FROM chunks WHERE blake3 NOT IN (
                 SELECT substr(digest, {start}, {length}) FROM files WHERE digest NOT NULL
                 UNION ALL SELECT substr(digest, {start}, {length}) FROM local_facts
                 UNION ALL SELECT substr(digest, {start}, {length}) FROM contents)"
        ),
        (),
    )?;
    Ok(())
}

/// Drops all.
pub(super) fn void(transaction: &Transaction<'_>) -> Found<()> {
    transaction.execute("DELETE FROM chunks", ())?;
    Ok(())
}
