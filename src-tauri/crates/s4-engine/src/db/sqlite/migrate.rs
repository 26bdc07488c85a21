//! What older versions wrote, brought into the newest form. It changes the layout, never what was said.
//!
//! - One transaction: a run that is killed in it finds the old file, whole.
//! - A value that the old version never wrote is damage, as it was before.
//! - A reader changes nothing, and so reads the old tables through views: the version that wrote them may be running.

use rusqlite::{Connection, TransactionBehavior};

use super::fault::{Fault, Found};
use super::schema::{self, SCHEMA};

/// The digest of schema 1 (size, CRC64NVME, MD5, BLAKE3) with the MD5 moved to the end.
const DIGEST: &str =
    "CAST(substr(digest, 1, 16) || substr(digest, 33, 32) || substr(digest, 17, 16) AS BLOB)";
/// The length of every digest of schema 1.
const DIGEST_BYTES: usize = 64;
/// The tables with digests.
const WITH_DIGESTS: [&str; 3] = ["files", "local_facts", "contents"];

/// Changes a file of schema 1 into one of the newest.
pub(super) fn from_first(connection: &mut Connection) -> Found<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for table in WITH_DIGESTS {
        expect_first_digests(&transaction, table)?;
        transaction.execute(&format!("UPDATE {table} SET digest = {DIGEST} WHERE digest NOT NULL"), ())?;
    }
    transaction.execute_batch("ALTER TABLE uploads RENAME TO uploads_1")?;
    schema::create_later_tables(&transaction)?;
    transaction.execute_batch(
        "INSERT INTO uploads (key, id, begun) SELECT key, id, 0 FROM uploads_1; DROP TABLE uploads_1;",
    )?;
    transaction.pragma_update(None, "user_version", SCHEMA)?;
    transaction.commit()?;
    Ok(())
}

/// Lets a connection that may only read see a file of schema 1 as one of the newest.
pub(super) fn read_as_new(connection: &Connection) -> Found<()> {
    for table in WITH_DIGESTS {
        expect_first_digests(connection, table)?;
    }
    // Names of the temporary schema come before those of the file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.execute_batch(&format!(
        "CREATE TEMP VIEW files AS SELECT path, disk, key, flags,
             CASE WHEN digest NOT NULL THEN {DIGEST} END AS digest,
             target, fingerprint, read_time, etag, last_modified, version_id FROM main.files;
         CREATE TEMP VIEW local_facts AS
             SELECT disk, fingerprint, {DIGEST} AS digest, read_time, learned FROM main.local_facts;
         CREATE TEMP VIEW contents AS SELECT key, etag, {DIGEST} AS digest, learned FROM main.contents;"
    ))?;
    Ok(())
}

fn expect_first_digests(connection: &Connection, table: &str) -> Found<()> {
    let odd = format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE length(digest) <> {DIGEST_BYTES})");
    let is_odd: bool = connection.query_row(&odd, (), |row| row.get(0))?;
    if is_odd { Err(Fault::damaged("a digest")) } else { Ok(()) }
}
