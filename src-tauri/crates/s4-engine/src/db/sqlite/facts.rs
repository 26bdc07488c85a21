//! Facts and decisions.
//!
//! - A fact goes when a row says the same, when a newer one takes its place, or after thirty days. A fact that goes
//!   too early costs reading it again, nothing else.
//! - A decision goes when a row of its path changes: what it was about is settled.

use rusqlite::{Row, Transaction};
use s4_core::facts::{Decision, Facts, Keep, LocalFact};
use s4_core::key::ObjectKey;
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::RowChange;
use s4_core::remote::{ETag, Metadata, ObjectHead, UnixMillis, VersionId};

use super::codec;
use super::fault::{Fault, Found};
use crate::db::Learned;

const IS_MD5: i64 = 1;
const EXECUTABLE: i64 = 2;
const SYMLINK: i64 = 4;

/// Returns all facts learned not before `oldest`, and whether there were older ones.
pub(super) fn load(transaction: &Transaction<'_>, oldest: UnixMillis) -> Found<(Facts, bool)> {
    let mut facts = Facts::default();
    let mut outdated = false;
    let mut is_current = |row: &Row<'_>, index: usize| -> Found<bool> {
        let current = row.get_ref(index)?.as_i64()? >= oldest.0;
        outdated |= !current;
        Ok(current)
    };
    let mut statement = transaction.prepare_cached(
        "SELECT disk, fingerprint, digest, read_time, learned FROM local_facts ORDER BY disk",
    )?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        if is_current(row, 4)? {
            let fact = LocalFact {
                fingerprint: codec::fingerprint(row, 1)?,
                digest: codec::digest(row, 2)?,
                read_time_ns: row.get_ref(3)?.as_i64()?,
            };
            facts.learn_local(DiskPath::new(row.get_ref(0)?.as_str()?), fact);
        }
    }
    let mut statement = transaction.prepare_cached(
        "SELECT key, listed, etag, last_modified, size, version_id, crc64nvme, flags, mtime, base, learned
         FROM heads ORDER BY key",
    )?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        if is_current(row, 10)? {
            let key = ObjectKey::new(row.get_ref(0)?.as_str()?);
            facts.learn_head(key, UnixMillis(row.get_ref(1)?.as_i64()?), decode_head(row)?);
        }
    }
    let mut statement =
        transaction.prepare_cached("SELECT key, etag, digest, learned FROM contents ORDER BY key")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        if is_current(row, 3)? {
            let key = ObjectKey::new(row.get_ref(0)?.as_str()?);
            facts.learn_content(key, ETag::new(row.get_ref(1)?.as_str()?), codec::digest(row, 2)?);
        }
    }
    load_decisions(transaction, &mut facts)?;
    Ok((facts, outdated))
}

fn load_decisions(transaction: &Transaction<'_>, facts: &mut Facts) -> Found<()> {
    let mut statement = transaction.prepare_cached("SELECT path, fingerprint, etag, keep FROM decisions")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let keep = match row.get_ref(3)?.as_i64()? {
            0 => Keep::Local,
            1 => Keep::Remote,
            2 => Keep::Both,
            _ => return Err(Fault::damaged("a decision")),
        };
        let etag = ETag::new(row.get_ref(2)?.as_str()?);
        let local = codec::fingerprint(row, 1)?;
        facts.decide(codec::text_path(row, 0)?, Decision { local, etag, keep });
    }
    Ok(())
}

/// Keeps facts, learned about the time `clock`.
pub(super) fn learn(transaction: &Transaction<'_>, learned: &[Learned], clock: UnixMillis) -> Found<()> {
    for fact in learned {
        match fact {
            Learned::Local(disk, fact) => {
                transaction
                    .prepare_cached(
                        "REPLACE INTO local_facts (disk, fingerprint, digest, read_time, learned)
                         VALUES (?1, ?2, ?3, ?4, ?5)",
                    )?
                    .execute((
                        disk.as_str(),
                        codec::fingerprint_bytes(&fact.fingerprint),
                        codec::digest_bytes(&fact.digest),
                        fact.read_time_ns,
                        clock.0,
                    ))?;
            }
            Learned::Head(key, listed, head) => learn_head(transaction, key, *listed, head, clock)?,
            Learned::Content(key, etag, digest) => {
                transaction
                    .prepare_cached(
                        "REPLACE INTO contents (key, etag, digest, learned) VALUES (?1, ?2, ?3, ?4)",
                    )?
                    .execute((key.as_str(), etag.as_str(), codec::digest_bytes(digest), clock.0))?;
            }
        }
    }
    Ok(())
}

/// Records what a person chose.
pub(super) fn decide(transaction: &Transaction<'_>, path: &RelPath, decision: &Decision) -> Found<()> {
    let keep = match decision.keep {
        Keep::Local => 0,
        Keep::Remote => 1,
        Keep::Both => 2,
    };
    transaction.execute(
        "REPLACE INTO decisions (path, fingerprint, etag, keep) VALUES (?1, ?2, ?3, ?4)",
        (path.as_str(), codec::fingerprint_bytes(&decision.local), decision.etag.as_str(), keep),
    )?;
    Ok(())
}

/// Drops what the change of a row settles.
pub(super) fn forget_for(
    transaction: &Transaction<'_>,
    prefix: Option<&str>,
    change: &RowChange,
) -> Found<()> {
    let path = match change {
        RowChange::File(path, row) => {
            forget_facts(transaction, row.disk.as_str(), row.key.as_str())?;
            path
        }
        RowChange::ForgetFile(path) => {
            let key = [prefix.unwrap_or_default(), path.as_str()].concat();
            forget_facts(transaction, path.as_str(), &key)?;
            path
        }
        RowChange::Dir(path, _) | RowChange::ForgetDir(path) => path,
    };
    transaction.prepare_cached("DELETE FROM decisions WHERE path = ?1")?.execute((path.as_str(),))?;
    Ok(())
}

/// Drops facts learned before `oldest`.
pub(super) fn forget_before(transaction: &Transaction<'_>, oldest: UnixMillis) -> Found<()> {
    transaction.execute("DELETE FROM local_facts WHERE learned < ?1", (oldest.0,))?;
    transaction.execute("DELETE FROM heads WHERE learned < ?1", (oldest.0,))?;
    transaction.execute("DELETE FROM contents WHERE learned < ?1", (oldest.0,))?;
    Ok(())
}

/// Drops all facts and decisions.
pub(super) fn void(transaction: &Transaction<'_>) -> Found<()> {
    transaction.execute_batch(
        "DELETE FROM local_facts; DELETE FROM heads; DELETE FROM contents; DELETE FROM decisions;",
    )?;
    Ok(())
}

fn forget_facts(transaction: &Transaction<'_>, disk: &str, key: &str) -> Found<()> {
    transaction.prepare_cached("DELETE FROM local_facts WHERE disk = ?1")?.execute((disk,))?;
    transaction.prepare_cached("DELETE FROM heads WHERE key = ?1")?.execute((key,))?;
    transaction.prepare_cached("DELETE FROM contents WHERE key = ?1")?.execute((key,))?;
    Ok(())
}

fn learn_head(
    transaction: &Transaction<'_>,
    key: &ObjectKey,
    listed: UnixMillis,
    head: &ObjectHead,
    clock: UnixMillis,
) -> Found<()> {
    let ObjectHead { etag, last_modified, size, version_id, crc64nvme, etag_is_md5, metadata } = head;
    let Metadata { mtime_ns, executable, symlink, base } = metadata;
    let flag = |is_set: bool, flag: i64| if is_set { flag } else { 0 };
    // An ETag travels in a header, which holds no line break.
    let base: Vec<&str> = base.iter().map(ETag::as_str).collect();
    transaction
        .prepare_cached(
            "REPLACE INTO heads (key, listed, etag, last_modified, size, version_id, crc64nvme, flags, mtime, base,
             learned) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute((
            key.as_str(),
            listed.0,
            etag.as_str(),
            last_modified.0,
            size.cast_signed(),
            version_id.as_ref().map(|version| &*version.0),
            crc64nvme.map(u64::cast_signed),
            flag(*etag_is_md5, IS_MD5) | flag(*executable, EXECUTABLE) | flag(*symlink, SYMLINK),
            *mtime_ns,
            base.join("\n"),
            clock.0,
        ))?;
    Ok(())
}

fn decode_head(row: &Row<'_>) -> Found<ObjectHead> {
    let flags = codec::bits(row, 7, IS_MD5 | EXECUTABLE | SYMLINK)?;
    let base = row.get_ref(9)?.as_str()?;
    Ok(ObjectHead {
        etag: ETag::new(row.get_ref(2)?.as_str()?),
        last_modified: UnixMillis(row.get_ref(3)?.as_i64()?),
        size: row.get_ref(4)?.as_i64()?.cast_unsigned(),
        version_id: row.get_ref(5)?.as_str_or_null()?.map(|version| VersionId(version.into())),
        crc64nvme: row.get_ref(6)?.as_i64_or_null()?.map(i64::cast_unsigned),
        etag_is_md5: flags & IS_MD5 != 0,
        metadata: Metadata {
            mtime_ns: row.get_ref(8)?.as_i64_or_null()?,
            executable: flags & EXECUTABLE != 0,
            symlink: flags & SYMLINK != 0,
            base: base.lines().map(ETag::new).collect(),
        },
    })
}
