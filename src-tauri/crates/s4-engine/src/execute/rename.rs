//! Renames on this disk.

use s4_core::baseline::{FileRow, RowContent, RowLastModified};
use s4_core::local::{Fingerprint, LocalEntry, LocalFile};
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::RowChange;
use s4_core::remote::RemoteObject;
use s4_local::batch::Renaming;

use crate::db::ActivityKind;
use crate::session::{Done, Round, StepResult, Stop};

/// Renames a file because its object was renamed. Blocks.
///
/// Without a `renaming` it stands under that very name already, aside from its own: only what it is called changes.
pub(super) fn move_local(
    round: &Round,
    path: &RelPath,
    from: &RelPath,
    local: &LocalEntry,
    disk: &DiskPath,
    object: &RemoteObject,
    renaming: Option<Renaming>,
) -> StepResult {
    let Some(row) = round.row(from) else {
        return Err(Stop::Again("the source is no longer known".to_owned()));
    };
    // Nothing is lost: the new name must be free, and what is renamed is what was planned. It stays in the folder, so
    // nothing hangs on the object of its old path being gone: one that is there after all is brought again.
    let fingerprint = match renaming {
        Some(renaming) => round.batch.rename_prepared(renaming, local)?,
        None => {
            let now = round.folder().look(disk)?.filter(|now| now == local);
            now.and_then(|now| now.fingerprint().copied())
        }
    };
    let fingerprint = fingerprint.ok_or_else(|| Stop::Again("it is not what was planned".to_owned()))?;
    let row = moved_row(row, disk, fingerprint, object);
    Ok(Done {
        rows: vec![RowChange::ForgetFile(from.clone()), RowChange::File(path.clone(), Box::new(row))],
        activity: Some((ActivityKind::MovedLocal, 0)),
        ..Done::default()
    })
}

/// Returns the row of a file that was renamed, from the one that it had.
pub(super) fn moved_row(
    row: FileRow,
    disk: &DiskPath,
    fingerprint: Fingerprint,
    object: &RemoteObject,
) -> FileRow {
    FileRow {
        key: object.key.clone(),
        disk: disk.clone(),
        fingerprint,
        // The content is known from the row: it was read then. A later read for this plan may have been racy.
        etag: object.etag.clone(),
        last_modified: RowLastModified::Known(object.last_modified),
        version_id: None,
        own_write: false,
        ..row
    }
}

/// Gives a file another name on this disk only. Blocks.
pub(super) fn rename_on_disk(
    round: &Round,
    path: &RelPath,
    from: &DiskPath,
    local: &LocalEntry,
    to: &DiskPath,
    renaming: Renaming,
) -> StepResult {
    let row = round.row(path);
    let expected = restamped(round, path, from, local);
    let expected_print = expected.fingerprint().copied();
    // Nothing is lost: the new name must be free, and what is renamed is what was planned.
    let fingerprint = round.batch.rename_prepared(renaming, &expected)?;
    let rows = match (row, fingerprint) {
        (Some(row), Some(fingerprint)) => {
            // An edit that waits (for a person, or for a step that was put off) keeps its row's old stamps: with new
            // ones it would look agreed on, and the next version from the bucket would replace it unseen.
            let is_agreed = expected_print == Some(row.fingerprint);
            let fingerprint = if is_agreed { fingerprint } else { row.fingerprint };
            let row = FileRow { disk: to.clone(), fingerprint, ..row };
            vec![RowChange::File(path.clone(), Box::new(row))]
        }
        (Some(_), None) | (None, _) => Vec::new(),
    };
    Ok(Done { rows, activity: Some((ActivityKind::Adjusted, 0)), again: true, ..Done::default() })
}

/// Returns what stands at `from` now: a step of this round before this one may have given it new stamps, or another
/// version.
pub(super) fn restamped(round: &Round, path: &RelPath, from: &DiskPath, local: &LocalEntry) -> LocalEntry {
    match (local, round.fresh_row(path)) {
        (
            LocalEntry::File(file),
            Some(FileRow { content: RowContent::File { executable, .. }, fingerprint, disk, .. }),
        ) if disk == *from => {
            let executable =
                if round.folder().traits().has_executable_bit { executable } else { file.executable };
            LocalEntry::File(LocalFile { fingerprint, executable })
        }
        (local, _) => local.clone(),
    }
}
