//! The executable bit, both ways.

use std::sync::Arc;

use s4_core::baseline::{FileRow, RowContent, RowLastModified};
use s4_core::capabilities::CopyCondition;
use s4_core::local::{Fingerprint, LocalEntry};
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::{RemoteExpectation, RowChange};
use s4_core::remote::RemoteObject;

use super::{copy, precondition, send};
use crate::db::ActivityKind;
use crate::session::{Done, Session, StepResult, Stop};

/// Publishes the bit: a copy of the object onto itself, or, where the store has no conditions for that, an upload.
pub(super) async fn set_remote(
    session: &Arc<Session>,
    path: &RelPath,
    object: &RemoteObject,
    disk: &DiskPath,
    local: &LocalEntry,
    executable: bool,
) -> StepResult {
    let replaces = RemoteExpectation::Version(object.etag.clone());
    let can_copy = session.capabilities.copy_if_match != CopyCondition::None
        && session.capabilities.copy_source_if_match;
    if !can_copy {
        return send::upload(session, path, disk, local, &object.key, &replaces, false).await;
    }
    let (Some(row), LocalEntry::File(file)) = (session.row(path), local) else {
        return Err(Stop::Again("it is no tracked file any longer".to_owned()));
    };
    let RowContent::File { digest, .. } = row.content else {
        return Err(Stop::Again("it is no tracked file any longer".to_owned()));
    };
    let Some(head) = precondition::look(session, &object.key).await? else {
        return Err(Stop::Again("the object is gone".to_owned()));
    };
    let mut attributes = send::attributes(session, path, local, &replaces, &head.metadata.base);
    attributes.metadata.mtime_ns = head.metadata.mtime_ns.or(attributes.metadata.mtime_ns);
    attributes.metadata.executable = executable;
    let source = copy::Source { object, version: None, crc64nvme: Some(digest.crc64nvme) };
    let written = copy::copy(session, source, &object.key, &replaces, attributes).await?;
    let row = FileRow {
        content: RowContent::File { digest, executable },
        fingerprint: file.fingerprint,
        read_time_ns: row.read_time_ns,
        etag: written.etag,
        last_modified: RowLastModified::NotAfter(written.not_after),
        version_id: written.version_id,
        own_write: true,
        ..row
    };
    Ok(adjusted(path, row))
}

/// Takes the bit over.
pub(super) async fn set_local(
    session: &Arc<Session>,
    path: &RelPath,
    disk: &DiskPath,
    fingerprint: &Fingerprint,
    object: &RemoteObject,
    executable: bool,
) -> StepResult {
    let Some(row) = session.row(path) else {
        return Err(Stop::Again("it is no longer known".to_owned()));
    };
    let RowContent::File { digest, .. } = row.content else {
        return Err(Stop::Again("it is no tracked file any longer".to_owned()));
    };
    let (at, expected) = (disk.clone(), *fingerprint);
    let fingerprint =
        session.blocking(move |session| session.batch.set_executable(&at, &expected, executable)).await?;
    let row = FileRow {
        content: RowContent::File { digest, executable },
        fingerprint,
        etag: object.etag.clone(),
        last_modified: RowLastModified::Known(object.last_modified),
        version_id: None,
        own_write: false,
        ..row
    };
    Ok(adjusted(path, row))
}

fn adjusted(path: &RelPath, row: FileRow) -> Done {
    Done {
        rows: vec![RowChange::File(path.clone(), Box::new(row))],
        activity: Some((ActivityKind::Adjusted, 0)),
        ..Done::default()
    }
}
