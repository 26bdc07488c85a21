//! What waits for a person.

use rusqlite::{Row, Transaction};
use s4_core::key::ObjectKey;
use s4_core::local::{LocalEntry, LocalFile, LocalSymlink, Unreadable};
use s4_core::path::DiskPath;
use s4_core::plan::Conflict;
use s4_core::remote::{ETag, RemoteObject, UnixMillis};

use super::codec;
use super::fault::{Fault, Found};
use crate::db::Standing;

/// Replaces both lists.
pub(super) fn replace(
    transaction: &Transaction<'_>,
    conflicts: &[Conflict],
    problems: &[(String, String)],
) -> Found<()> {
    void(transaction)?;
    for conflict in conflicts {
        insert_conflict(transaction, conflict)?;
    }
    let mut statement =
        transaction.prepare_cached("INSERT INTO problems (subject, reason) VALUES (?1, ?2)")?;
    for problem in problems {
        statement.execute((&problem.0, &problem.1))?;
    }
    Ok(())
}

/// Returns both lists in the order in which they were given.
pub(super) fn load(transaction: &Transaction<'_>) -> Found<Standing> {
    let mut standing = Standing::default();
    let mut statement = transaction.prepare_cached(
        "SELECT path, disk, kind, fingerprint, flag, words, key, size, etag, last_modified
         FROM conflicts ORDER BY position",
    )?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        standing.conflicts.push(decode_conflict(row)?);
    }
    let mut statement =
        transaction.prepare_cached("SELECT subject, reason FROM problems ORDER BY position")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        standing.problems.push((row.get(0)?, row.get(1)?));
    }
    Ok(standing)
}

/// Empties both lists.
pub(super) fn void(transaction: &Transaction<'_>) -> Found<()> {
    transaction.execute("DELETE FROM conflicts", ())?;
    transaction.execute("DELETE FROM problems", ())?;
    Ok(())
}

fn insert_conflict(transaction: &Transaction<'_>, conflict: &Conflict) -> Found<()> {
    let Conflict { path, disk, local, object } = conflict;
    let (kind, flag, words) = match local {
        LocalEntry::File(file) => (0, file.executable, None),
        LocalEntry::Symlink(link) => (1, false, Some(&*link.target)),
        LocalEntry::Dir { holds_ignored } => (2, *holds_ignored, None),
        LocalEntry::Special => (3, false, None),
        LocalEntry::Unreadable(Unreadable::Mount) => (4, false, None),
        LocalEntry::Unreadable(Unreadable::Failed(words)) => (5, false, Some(&**words)),
    };
    transaction
        .prepare_cached(
            "INSERT INTO conflicts (path, disk, kind, fingerprint, flag, words, key, size, etag, last_modified)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute((
            path.as_str(),
            disk.as_str(),
            kind,
            local.fingerprint().map(codec::fingerprint_bytes),
            flag,
            words,
            object.key.as_str(),
            object.size.cast_signed(),
            object.etag.as_str(),
            object.last_modified.0,
        ))?;
    Ok(())
}

fn decode_conflict(row: &Row<'_>) -> Found<Conflict> {
    let flag = codec::flag(row, 4)?;
    let words = row.get_ref(5)?.as_str_or_null()?;
    let local = match (row.get_ref(2)?.as_i64()?, codec::optional_fingerprint(row, 3)?, words) {
        (0, Some(fingerprint), None) => LocalEntry::File(LocalFile { fingerprint, executable: flag }),
        (1, Some(fingerprint), Some(target)) => {
            LocalEntry::Symlink(LocalSymlink { fingerprint, target: target.into() })
        }
        (2, None, None) => LocalEntry::Dir { holds_ignored: flag },
        (3, None, None) => LocalEntry::Special,
        (4, None, None) => LocalEntry::Unreadable(Unreadable::Mount),
        (5, None, Some(words)) => LocalEntry::Unreadable(Unreadable::Failed(words.into())),
        _ => return Err(Fault::damaged("a conflict")),
    };
    Ok(Conflict {
        path: codec::text_path(row, 0)?,
        disk: DiskPath::new(row.get_ref(1)?.as_str()?),
        local,
        object: RemoteObject {
            key: ObjectKey::new(row.get_ref(6)?.as_str()?),
            size: row.get_ref(7)?.as_i64()?.cast_unsigned(),
            etag: ETag::new(row.get_ref(8)?.as_str()?),
            last_modified: UnixMillis(row.get_ref(9)?.as_i64()?),
        },
    })
}
