//! Server-side copies: a renamed file's object, without its content passing through here.

use std::sync::Arc;

use s4_core::baseline::{FileRow, RowContent, RowLastModified};
use s4_core::capabilities::CopyCondition;
use s4_core::key::ObjectKey;
use s4_core::local::{Fingerprint, LocalEntry};
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::{RemoteExpectation, RowChange};
use s4_core::remote::RemoteObject;
use s4_local::failpoint;
use s4_store::store::{Condition, CopyRequest, ObjectAttributes, UploadId, Written};

use super::send;
use crate::db::ActivityKind;
use crate::session::{Done, Session, StepResult, Stop};
use crate::transfer::uploads;

/// CopyObject takes objects up to this length, in bytes; so does one part of a copy by parts.
pub(super) const MAX_COPY_BYTES: u64 = 5 << 30;

/// Copies an object to the key of the path that its file was renamed to.
#[expect(clippy::too_many_arguments, reason = "the fields of one action, each named in the plan")]
pub(super) async fn copy_remote(
    session: &Arc<Session>,
    path: &RelPath,
    from: &RelPath,
    source: &RemoteObject,
    key: &ObjectKey,
    replaces: &RemoteExpectation,
    disk: &DiskPath,
    local: &LocalEntry,
) -> StepResult {
    let Some(FileRow { content: RowContent::File { digest, .. }, fingerprint: before, read_time_ns, .. }) =
        session.row(from)
    else {
        return Err(Stop::Again("the source is no longer known".to_owned()));
    };
    let LocalEntry::File(file) = local else {
        return Err(Stop::Again("it is no file any longer".to_owned()));
    };
    let at = disk.clone();
    let now = session.blocking(move |session| session.folder().look(&at)).await?;
    if now.as_ref() != Some(local) {
        return Err(Stop::Again("the renamed file changed".to_owned()));
    }
    let attributes = send::attributes(session, path, local, replaces, &[]);
    let executable = attributes.metadata.executable;
    failpoint::hit("copy:before");
    let written = copy(session, source, key, replaces, attributes).await?;
    failpoint::hit("copy:done");
    let row = FileRow {
        key: key.clone(),
        disk: disk.clone(),
        content: RowContent::File { digest, executable },
        fingerprint: file.fingerprint,
        read_time_ns: if is_verified(&before, &file.fingerprint) { read_time_ns } else { i64::MIN },
        etag: written.etag,
        last_modified: RowLastModified::NotAfter(written.not_after),
        version_id: written.version_id,
        own_write: true,
    };
    Ok(Done {
        rows: vec![RowChange::File(path.clone(), Box::new(row))],
        activity: Some((ActivityKind::MovedRemote, 0)),
        ..Done::default()
    })
}

/// Returns whether the stamps tell that a renamed file holds the content of its row, which was read before.
///
/// A file that was renamed itself has another ctime, which may hide an edit under old stamps: the next scan reads it.
fn is_verified(before: &Fingerprint, now: &Fingerprint) -> bool {
    // Another inode, or other stamps: then it was its content that told.
    !before.same_but_renamed(now) || before.ctime_ns == now.ctime_ns
}

/// Copies with conditions on both ends: in one request, or by parts where only completing takes the condition.
pub(super) async fn copy(
    session: &Arc<Session>,
    source: &RemoteObject,
    key: &ObjectKey,
    replaces: &RemoteExpectation,
    attributes: ObjectAttributes,
) -> StepResult<Written> {
    let condition = match replaces {
        RemoteExpectation::Absent => Condition::Absent,
        RemoteExpectation::Version(etag) => Condition::Match(etag.clone()),
    };
    let store = &session.capabilities;
    let takes_condition = match replaces {
        RemoteExpectation::Absent => store.copy_if_none_match != CopyCondition::None,
        RemoteExpectation::Version(_) => store.copy_if_match != CopyCondition::None,
    };
    if takes_condition && store.copy_source_if_match && source.size <= MAX_COPY_BYTES {
        let request = CopyRequest {
            source: source.key.clone(),
            source_version: None,
            source_if_match: Some(source.etag.clone()),
            destination: key.clone(),
            condition,
            attributes: Some(attributes),
        };
        return Ok(session.store.copy(&request).await?);
    }
    copy_by_parts(session, source, key, &condition, &attributes).await
}

/// Copies by parts, of which there may be any number.
pub(super) async fn copy_by_parts(
    session: &Arc<Session>,
    source: &RemoteObject,
    key: &ObjectKey,
    condition: &Condition,
    attributes: &ObjectAttributes,
) -> StepResult<Written> {
    let upload = uploads::begin(session, key, attributes).await?;
    let copied = copy_parts(session, source, key, condition, &upload.id).await;
    match copied {
        Ok(_) => uploads::end(session, &upload).await?,
        Err(_) => uploads::give_up(session, &upload).await,
    }
    copied
}

async fn copy_parts(
    session: &Arc<Session>,
    source: &RemoteObject,
    key: &ObjectKey,
    condition: &Condition,
    upload: &UploadId,
) -> StepResult<Written> {
    let mut parts = Vec::new();
    let (mut offset, mut number) = (0, 1);
    while offset < source.size {
        let end = source.size.min(offset + MAX_COPY_BYTES);
        let range = offset..end;
        let part =
            session.store.upload_part_copy(key, upload, number, &source.key, &source.etag, range).await?;
        parts.push(part);
        offset = end;
        number += 1;
    }
    Ok(session.store.complete_upload(key, upload, &parts, None, condition).await?)
}
