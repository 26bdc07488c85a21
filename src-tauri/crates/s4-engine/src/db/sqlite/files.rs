//! The rows of the baseline.

use rusqlite::{Row, Transaction};
use s4_core::baseline::{Baseline, DirRow, FileRow, MarkerRow, RowContent, RowLastModified};
use s4_core::focus::Visit;
use s4_core::key::ObjectKey;
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::RowChange;
use s4_core::remote::{ETag, UnixMillis, VersionId};
use s4_core::tree::SortedMap;

use super::codec;
use super::fault::{Fault, Found};

const SYMLINK: i64 = 1;
const EXECUTABLE: i64 = 2;
const OWN_WRITE: i64 = 4;
const NOT_AFTER: i64 = 8;
/// How long a usual row is, with what the file holds beside it.
const ROW_BYTES: u64 = 300;

/// Returns every row.
pub(super) fn load(transaction: &Transaction<'_>, prefix: Option<&str>) -> Found<Baseline> {
    let mut files = Vec::new();
    each(transaction, prefix, &mut |path, row| files.push((path, row)))?;
    Ok(Baseline { files: SortedMap::from_iter(files), dirs: dirs(transaction)?, elided: 0 })
}

/// Gives every row of a file to `visit`, in one pass in the order of paths.
pub(super) fn each(transaction: &Transaction<'_>, prefix: Option<&str>, visit: &mut Visit<'_>) -> Found<()> {
    let mut statement = transaction.prepare_cached(
        "SELECT path, disk, key, flags, digest, target, fingerprint, read_time, etag, last_modified, version_id
         FROM files ORDER BY path",
    )?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let (path, row) = decode_file(row, prefix)?;
        visit(path, row);
    }
    Ok(())
}

/// Returns the rows of directories.
pub(super) fn dirs(transaction: &Transaction<'_>) -> Found<SortedMap<RelPath, DirRow>> {
    let mut statement = transaction
        .prepare_cached("SELECT path, disk, kept, marker_key, marker_etag FROM dirs ORDER BY path")?;
    let mut rows = statement.query(())?;
    let mut dirs = Vec::new();
    while let Some(row) = rows.next()? {
        dirs.push(decode_dir(row)?);
    }
    Ok(SortedMap::from_iter(dirs))
}

/// Returns about how many rows of files there are, and 0 only if there is none. To count them is to read them.
pub(super) fn about(transaction: &Transaction<'_>) -> Found<u64> {
    let exist: bool = transaction.query_row("SELECT EXISTS (SELECT 1 FROM files)", (), |row| row.get(0))?;
    let pragma = |name: &str| -> Found<i64> {
        Ok(transaction.query_row(&format!("PRAGMA {name}"), (), |row| row.get(0))?)
    };
    let bytes = pragma("page_count")?.saturating_mul(pragma("page_size")?).cast_unsigned();
    Ok(if exist { (bytes / ROW_BYTES).max(1) } else { 0 })
}

/// Makes one change.
pub(super) fn apply(transaction: &Transaction<'_>, prefix: Option<&str>, change: &RowChange) -> Found<()> {
    match change {
        RowChange::File(path, row) => insert_file(transaction, prefix, path, row),
        RowChange::Dir(path, row) => insert_dir(transaction, path, row),
        RowChange::ForgetFile(path) => forget(transaction, "DELETE FROM files WHERE path = ?1", path),
        RowChange::ForgetDir(path) => forget(transaction, "DELETE FROM dirs WHERE path = ?1", path),
    }
}

/// Puts the time of change into rows that only have a bound.
pub(super) fn note_times(transaction: &Transaction<'_>, noted: &[(RelPath, UnixMillis)]) -> Found<()> {
    let mut statement = transaction.prepare_cached(
        "UPDATE files SET last_modified = ?2, flags = flags & ~?3 WHERE path = ?1 AND flags & ?3 <> 0",
    )?;
    for (path, time) in noted {
        statement.execute((codec::path_bytes(path), time.0, NOT_AFTER))?;
    }
    Ok(())
}

/// Returns the number of file rows.
pub(super) fn count(transaction: &Transaction<'_>) -> Found<u64> {
    let count: i64 = transaction.query_row("SELECT count(*) FROM files", (), |row| row.get(0))?;
    Ok(count.cast_unsigned())
}

/// Drops every row.
pub(super) fn void(transaction: &Transaction<'_>) -> Found<()> {
    transaction.execute("DELETE FROM files", ())?;
    transaction.execute("DELETE FROM dirs", ())?;
    Ok(())
}

fn forget(transaction: &Transaction<'_>, statement: &str, path: &RelPath) -> Found<()> {
    transaction.prepare_cached(statement)?.execute((codec::path_bytes(path),))?;
    Ok(())
}

fn insert_file(
    transaction: &Transaction<'_>,
    prefix: Option<&str>,
    path: &RelPath,
    row: &FileRow,
) -> Found<()> {
    let (kind, digest, target) = match &row.content {
        RowContent::File { digest, executable } => {
            (if *executable { EXECUTABLE } else { 0 }, Some(codec::digest_bytes(digest)), None)
        }
        RowContent::Symlink { target } => (SYMLINK, None, Some(&**target)),
    };
    let (bound, last_modified) = match row.last_modified {
        RowLastModified::Known(time) => (0, time.0),
        RowLastModified::NotAfter(time) => (NOT_AFTER, time.0),
    };
    let own = if row.own_write { OWN_WRITE } else { 0 };
    let is_usual = prefix.is_some_and(|prefix| is_usual_key(&row.key, prefix, path));
    transaction
        .prepare_cached(
            "REPLACE INTO files (path, disk, key, flags, digest, target, fingerprint, read_time, etag,
             last_modified, version_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute((
            codec::path_bytes(path),
            unusual_disk(path, &row.disk),
            (!is_usual).then_some(row.key.as_str()),
            kind | bound | own,
            digest,
            target,
            codec::fingerprint_bytes(&row.fingerprint),
            row.read_time_ns,
            row.etag.as_str(),
            last_modified,
            row.version_id.as_ref().map(|version| &*version.0),
        ))?;
    Ok(())
}

fn insert_dir(transaction: &Transaction<'_>, path: &RelPath, row: &DirRow) -> Found<()> {
    let (key, etag) = match &row.marker {
        Some(marker) => (Some(marker.key.as_str()), Some(marker.etag.as_str())),
        None => (None, None),
    };
    transaction
        .prepare_cached(
            "REPLACE INTO dirs (path, disk, kept, marker_key, marker_etag) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((codec::path_bytes(path), unusual_disk(path, &row.disk), row.kept, key, etag))?;
    Ok(())
}

/// Returns whether `key` is the one that `path` has unless somebody chose another spelling.
fn is_usual_key(key: &ObjectKey, prefix: &str, path: &RelPath) -> bool {
    key.as_str().strip_prefix(prefix) == Some(path.as_str())
}

/// Returns the name on disk where it is not simply the path.
fn unusual_disk<'a>(path: &RelPath, disk: &'a DiskPath) -> Option<&'a str> {
    (disk.as_str() != path.as_str()).then_some(disk.as_str())
}

fn decode_file(row: &Row<'_>, prefix: Option<&str>) -> Found<(RelPath, FileRow)> {
    let path = codec::path(row, 0)?;
    let disk = decode_disk(row, 1, &path)?;
    let key = match (row.get_ref(2)?.as_str_or_null()?, prefix) {
        (Some(key), _) => ObjectKey::new(key),
        (None, Some(prefix)) => ObjectKey::new([prefix, path.as_str()].concat()),
        (None, None) => return Err(Fault::damaged("the key of a row")),
    };
    let flags = codec::bits(row, 3, SYMLINK | EXECUTABLE | OWN_WRITE | NOT_AFTER)?;
    let content = match flags & (SYMLINK | EXECUTABLE) {
        SYMLINK => RowContent::Symlink { target: row.get_ref(5)?.as_str()?.into() },
        0 => RowContent::File { digest: codec::digest(row, 4)?, executable: false },
        EXECUTABLE => RowContent::File { digest: codec::digest(row, 4)?, executable: true },
        _ => return Err(Fault::damaged("the kind of a row")),
    };
    let time = UnixMillis(row.get_ref(9)?.as_i64()?);
    let last_modified = match flags & NOT_AFTER {
        0 => RowLastModified::Known(time),
        _ => RowLastModified::NotAfter(time),
    };
    let row = FileRow {
        key,
        disk,
        content,
        fingerprint: codec::fingerprint(row, 6)?,
        read_time_ns: row.get_ref(7)?.as_i64()?,
        etag: ETag::new(row.get_ref(8)?.as_str()?),
        last_modified,
        version_id: row.get_ref(10)?.as_str_or_null()?.map(|version| VersionId(version.into())),
        own_write: flags & OWN_WRITE != 0,
    };
    Ok((path, row))
}

fn decode_dir(row: &Row<'_>) -> Found<(RelPath, DirRow)> {
    let path = codec::path(row, 0)?;
    let disk = decode_disk(row, 1, &path)?;
    let marker = match (row.get_ref(3)?.as_str_or_null()?, row.get_ref(4)?.as_str_or_null()?) {
        (Some(key), Some(etag)) => Some(MarkerRow { key: ObjectKey::new(key), etag: ETag::new(etag) }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(Fault::damaged("the marker of a directory")),
    };
    Ok((path, DirRow { disk, marker, kept: codec::flag(row, 2)? }))
}

fn decode_disk(row: &Row<'_>, index: usize, path: &RelPath) -> Found<DiskPath> {
    let disk = row.get_ref(index)?.as_str_or_null()?;
    Ok(disk.map_or_else(|| DiskPath::from(path), DiskPath::new))
}
