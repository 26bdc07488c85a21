//! Directories and their markers.

use std::sync::Arc;

use bytes::Bytes;
use s4_core::baseline::{DirRow, MarkerRow};
use s4_core::digest::Digest;
use s4_core::key::ObjectKey;
use s4_core::local::LocalEntry;
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::{RemoteExpectation, RowChange};
use s4_core::remote::RemoteObject;
use s4_local::batch::SwapError;
use s4_local::error::DiskErrorKind;
use s4_local::failpoint;
use s4_store::store::ObjectAttributes;

use super::precondition::{self, Writing};
use super::send;
use crate::db::ActivityKind;
use crate::session::{Done, Session, StepResult, Stop};
use crate::transfer::upload::Destination;

/// Writes the marker of a directory that would otherwise vanish from the bucket.
pub(super) async fn put_marker(
    session: &Arc<Session>,
    path: &RelPath,
    disk: &DiskPath,
    key: &ObjectKey,
) -> StepResult {
    let at = disk.clone();
    if !matches!(
        session.blocking(move |session| session.folder().look(&at)).await?,
        Some(LocalEntry::Dir { .. })
    ) {
        return Err(Stop::Again("the directory is gone".to_owned()));
    }
    let (condition, _) =
        precondition::for_write(session, key, &RemoteExpectation::Absent, Writing::Put).await?;
    let attributes = ObjectAttributes::default();
    let to = Destination { path: path.clone(), key: key.clone(), attributes, condition };
    failpoint::hit("marker:before");
    let written = send::put(session, Bytes::new(), &Digest::of(b""), &to).await?;
    failpoint::hit("marker:done");
    Ok(recorded(path, disk, Some(MarkerRow { key: key.clone(), etag: written.etag })))
}

/// Deletes the marker of a directory that is gone from the disk.
pub(super) async fn delete_marker(
    session: &Arc<Session>,
    path: &RelPath,
    marker: &RemoteObject,
    disk: &DiskPath,
) -> StepResult {
    let at = disk.clone();
    match session.blocking(move |session| session.folder().look(&at)).await? {
        None | Some(LocalEntry::File(_) | LocalEntry::Symlink(_)) => {}
        Some(LocalEntry::Dir { .. } | LocalEntry::Special | LocalEntry::Unreadable(_)) => {
            return Err(Stop::Again("the directory is there after all".to_owned()));
        }
    }
    // Nothing is lost: a marker has no content.
    precondition::delete(session, &marker.key, &marker.etag).await?;
    Ok(forgotten(path))
}

/// Records a directory that both sides have.
pub(super) fn record(path: &RelPath, disk: &DiskPath) -> Done {
    recorded(path, disk, None)
}

/// Makes a directory.
pub(super) async fn create(
    session: &Arc<Session>,
    path: &RelPath,
    disk: &DiskPath,
    marker: Option<&RemoteObject>,
) -> StepResult {
    let at = disk.clone();
    let made = session
        .blocking(move |session| -> StepResult<()> {
            match session.batch.create_dir(&at) {
                Ok(()) => Ok(()),
                // Someone made it meanwhile, which is as good; anything else in its place is not.
                Err(SwapError::Occupied { .. })
                    if matches!(session.folder().look(&at)?, Some(LocalEntry::Dir { .. })) =>
                {
                    Ok(())
                }
                Err(error) => Err(error.into()),
            }
        })
        .await;
    made?;
    let marker = marker.map(|marker| MarkerRow { key: marker.key.clone(), etag: marker.etag.clone() });
    Ok(recorded(path, disk, marker))
}

/// Removes a directory that holds nothing; one that holds something stays, tracked as before.
pub(super) async fn remove(session: &Arc<Session>, path: &RelPath, disk: &DiskPath) -> StepResult {
    if let Some(DirRow { marker: Some(marker), .. }) = session.baseline.dirs.get(path) {
        // Absence in a listing proves nothing, here as for a file.
        precondition::must_be_absent(session, &marker.key).await?;
    }
    let at = disk.clone();
    // Nothing is lost: a directory that holds anything is not removed.
    match session.blocking(move |session| Ok::<_, Stop>(session.batch.remove_dir(&at))).await? {
        Ok(()) => Ok(forgotten(path)),
        Err(SwapError::Disk(error)) if error.kind == DiskErrorKind::NotEmpty => Ok(Done::default()),
        Err(SwapError::Disk(error)) if error.kind == DiskErrorKind::Missing => Ok(forgotten(path)),
        Err(error) => Err(error.into()),
    }
}

fn recorded(path: &RelPath, disk: &DiskPath, marker: Option<MarkerRow>) -> Done {
    let row = DirRow { disk: disk.clone(), marker, kept: false };
    Done {
        rows: vec![RowChange::Dir(path.clone(), row)],
        activity: Some((ActivityKind::Adjusted, 0)),
        ..Done::default()
    }
}

fn forgotten(path: &RelPath) -> Done {
    Done {
        rows: vec![RowChange::ForgetDir(path.clone())],
        activity: Some((ActivityKind::Adjusted, 0)),
        ..Done::default()
    }
}
