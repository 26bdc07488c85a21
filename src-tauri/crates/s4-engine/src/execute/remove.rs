//! Deletes, on both sides.

use std::sync::Arc;

use s4_core::key::ObjectKey;
use s4_core::local::LocalEntry;
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::{DeleteReason, RowChange, Side};
use s4_core::remote::{ETag, RemoteObject};
use s4_local::batch::Removal;
use s4_local::failpoint;
use s4_store::content_type::content_type;
use s4_store::store::{Condition, CopyRequest, ObjectAttributes};

use super::{copy, precondition};
use crate::db::ActivityKind;
use crate::session::{Done, Round, Session, StepResult, Stop};

/// Deletes an object whose file was deleted or renamed here, or which is ignored and shall go.
pub(super) async fn delete_remote(
    session: &Arc<Session>,
    path: &RelPath,
    object: &RemoteObject,
    disk: &DiskPath,
    reason: DeleteReason,
) -> StepResult {
    if reason != DeleteReason::Ignored {
        must_be_gone_from_disk(session, disk).await?;
    }
    // A renamed file's content stands under its new key, confirmed: it needs no copy.
    if reason != DeleteReason::Moved && session.bucket_trash.is_some() {
        copy_to_trash(session, path, &object.key, &object.etag, Some(object.size)).await?;
    }
    failpoint::hit("delete-remote:before");
    // Nothing is lost: exactly the version that was planned goes, and it stays as an old version or in the trash.
    precondition::delete(session, &object.key, &object.etag).await?;
    failpoint::hit("delete-remote:done");
    let is_deletion = reason != DeleteReason::Moved;
    Ok(Done {
        rows: vec![RowChange::ForgetFile(path.clone())],
        deletion: is_deletion.then_some(Side::Remote),
        activity: is_deletion.then_some((ActivityKind::DeletedRemote, 0)),
        ..Done::default()
    })
}

/// Succeeds only if right now no file of that exact spelling stands on disk. Could not look is not absent.
async fn must_be_gone_from_disk(session: &Arc<Session>, disk: &DiskPath) -> StepResult<()> {
    let at = disk.clone();
    match session.blocking(move |session| session.folder().look(&at)).await? {
        None | Some(LocalEntry::Dir { .. }) => Ok(()),
        Some(
            LocalEntry::File(_) | LocalEntry::Symlink(_) | LocalEntry::Special | LocalEntry::Unreadable(_),
        ) => Err(Stop::Again("the file is there after all".to_owned())),
    }
}

/// Copies exactly this version to the bucket's trash, where the bucket keeps no versions.
pub(super) async fn copy_to_trash(
    session: &Arc<Session>,
    path: &RelPath,
    key: &ObjectKey,
    etag: &ETag,
    size: Option<u64>,
) -> StepResult<()> {
    let Some(trash) = &session.bucket_trash else { return Ok(()) };
    let destination = session.prefix.own_key(&format!("trash/{trash}/{path}"));
    if size.is_none_or(|size| size > copy::MAX_COPY_BYTES)
        && let Some(head) = precondition::look(session, key).await?
        && head.size > copy::MAX_COPY_BYTES
    {
        let source = RemoteObject {
            key: key.clone(),
            size: head.size,
            etag: etag.clone(),
            last_modified: head.last_modified,
        };
        let attributes = ObjectAttributes {
            metadata: head.metadata,
            content_type: content_type(path.name()).map(str::to_owned),
        };
        let source = copy::Source { object: &source, version: None, crc64nvme: head.crc64nvme };
        copy::copy_by_parts(session, source, &destination, &Condition::None, &attributes).await?;
        return Ok(());
    }
    let request = CopyRequest {
        source: key.clone(),
        source_version: None,
        source_if_match: Some(etag.clone()),
        destination,
        // The place bears the time and this replica's name: nothing else writes there.
        condition: Condition::None,
        attributes: None,
    };
    session.store.copy(&request).await?;
    Ok(())
}

/// Moves a file to the local trash because its object was deleted: right before, it answered so. Blocks.
pub(super) fn delete_local(
    round: &Round,
    path: &RelPath,
    local: &LocalEntry,
    removal: Removal,
) -> StepResult {
    // Nothing is lost: the file is checked against what was planned, and goes to the trash as a whole.
    let trashed = round.batch.remove_prepared(removal, local)?;
    Ok(Done {
        rows: vec![RowChange::ForgetFile(path.clone())],
        trashed: Some(trashed),
        deletion: Some(Side::Local),
        activity: Some((ActivityKind::DeletedLocal, 0)),
        ..Done::default()
    })
}
