//! Server-side copies: a renamed file's object, without its content passing through here.

use std::ops::Range;
use std::sync::Arc;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use s4_core::baseline::{FileRow, RowContent, RowLastModified};
use s4_core::capabilities::CopyCondition;
use s4_core::key::ObjectKey;
use s4_core::local::{Fingerprint, LocalEntry};
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::{RemoteExpectation, RowChange, Side};
use s4_core::remote::{RemoteObject, VersionId};
use s4_local::failpoint;
use s4_store::store::{Condition, CopyRequest, ObjectAttributes, Part, UploadId, Written};

use super::{precondition, send};
use crate::db::ActivityKind;
use crate::session::{Done, Session, StepResult, Stop};
use crate::transfer::uploads;

pub(super) use s4_core::plan::MAX_COPY_BYTES;

/// How long the parts of a copy are at least, in bytes, but for the last: short enough that several of them are faster
/// than one.
const MIN_PART_BYTES: u64 = 1 << 30;
/// How many parts an upload may have.
const MAX_PARTS: u64 = 10_000;
/// How many of them are copied at a time.
const PARTS_AT_A_TIME: usize = 4;

/// What is copied.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) object: &'a RemoteObject,
    /// An old version, in a versioned bucket; only an object that one request can copy may have one.
    pub(super) version: Option<&'a VersionId>,
    /// What its content is known to give, where it is known.
    pub(super) crc64nvme: Option<u64>,
}

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
    let attributes = attributes(session, path, local, key, replaces).await?;
    let executable = attributes.metadata.executable;
    failpoint::hit("copy:before");
    let source = Source { object: source, version: None, crc64nvme: Some(digest.crc64nvme) };
    // Nothing is lost: what is replaced is the version that was planned, and its content was copied on before, or has
    // no file any longer.
    let written = match copy(session, source, key, replaces, attributes).await {
        Err(Stop::Path(Side::Remote, why)) => {
            // It may be archived, or bear tags that we may not copy. The file is here, and goes under the same terms.
            tracing::debug!(%path, why, "a file is sent, because its object cannot be copied");
            return send::upload(session, path, disk, local, key, replaces, false).await;
        }
        copied => copied?,
    };
    failpoint::hit("copy:done");
    let read_time_ns = if is_verified(&before, &file.fingerprint) { read_time_ns } else { i64::MIN };
    let content = RowContent::File { digest, executable };
    let row = copied_row(key, disk, content, file.fingerprint, read_time_ns, written);
    Ok(Done {
        rows: vec![RowChange::File(path.clone(), Box::new(row))],
        activity: Some((ActivityKind::MovedRemote, 0)),
        ..Done::default()
    })
}

/// Returns the row of a renamed file whose object is `written`.
pub(super) fn copied_row(
    key: &ObjectKey,
    disk: &DiskPath,
    content: RowContent,
    fingerprint: Fingerprint,
    read_time_ns: i64,
    written: Written,
) -> FileRow {
    FileRow {
        key: key.clone(),
        disk: disk.clone(),
        content,
        fingerprint,
        read_time_ns,
        etag: written.etag,
        last_modified: RowLastModified::NotAfter(written.not_after),
        version_id: written.version_id,
        own_write: true,
    }
}

/// Returns what is written beside the content of a copy. It descends from what it replaces, as an upload does.
pub(super) async fn attributes(
    session: &Arc<Session>,
    path: &RelPath,
    local: &LocalEntry,
    key: &ObjectKey,
    replaces: &RemoteExpectation,
) -> StepResult<ObjectAttributes> {
    let mut ancestors = Vec::new();
    // Where some writes have no effective condition, all name their whole ancestry: lineage depends on it.
    if let RemoteExpectation::Version(etag) = replaces
        && !session.capabilities.writes_are_conditional()
    {
        match precondition::look(session, key).await? {
            Some(head) if head.etag == *etag => ancestors = head.metadata.base,
            Some(_) | None => return Err(Stop::Again("another version stands in the bucket".to_owned())),
        }
    }
    Ok(send::attributes(session, path, local, replaces, &ancestors))
}

/// Returns whether the stamps tell that a renamed file holds the content of its row, which was read before.
///
/// A file that was renamed itself has another ctime, which may hide an edit under old stamps: the next scan reads it.
pub(super) fn is_verified(before: &Fingerprint, now: &Fingerprint) -> bool {
    // Another inode, or other stamps: then it was its content that told.
    !before.same_but_renamed(now) || before.ctime_ns == now.ctime_ns
}

/// Copies with conditions on both ends: in one request, or by parts where only completing takes the condition.
pub(super) async fn copy(
    session: &Arc<Session>,
    source: Source<'_>,
    key: &ObjectKey,
    replaces: &RemoteExpectation,
    attributes: ObjectAttributes,
) -> StepResult<Written> {
    let condition = match replaces {
        RemoteExpectation::Absent => Condition::Absent,
        RemoteExpectation::Version(etag) => Condition::Match(etag.clone()),
    };
    if !is_one_request(session, source.object.size, replaces) {
        return copy_by_parts(session, source, key, &condition, &attributes).await;
    }
    let request = CopyRequest {
        source: source.object.key.clone(),
        source_version: source.version.cloned(),
        source_if_match: Some(source.object.etag.clone()),
        destination: key.clone(),
        condition,
        attributes: Some(attributes),
    };
    Ok(session.store.copy(&request).await?)
}

/// Returns whether an object can be copied by one request with conditions on both ends.
pub(super) fn is_one_request(session: &Session, size: u64, replaces: &RemoteExpectation) -> bool {
    let store = &session.capabilities;
    let takes_condition = match replaces {
        RemoteExpectation::Absent => store.copy_if_none_match != CopyCondition::None,
        RemoteExpectation::Version(_) => store.copy_if_match != CopyCondition::None,
    };
    takes_condition && store.copy_source_if_match && size <= MAX_COPY_BYTES
}

/// Copies by parts, of which there may be any number.
pub(super) async fn copy_by_parts(
    session: &Arc<Session>,
    source: Source<'_>,
    key: &ObjectKey,
    condition: &Condition,
    attributes: &ObjectAttributes,
) -> StepResult<Written> {
    if source.version.is_some() {
        return Err(Stop::Again("an old version cannot be copied by parts".to_owned()));
    }
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
    source: Source<'_>,
    key: &ObjectKey,
    condition: &Condition,
    upload: &UploadId,
) -> StepResult<Written> {
    let RemoteObject { key: from, etag, size, .. } = source.object;
    let copies = (1..)
        .zip(parts_of(*size))
        .map(|(number, range)| session.store.upload_part_copy(key, upload, number, from, etag, range));
    let parts: Vec<Part> = stream::iter(copies).buffered(PARTS_AT_A_TIME).try_collect().await?;
    Ok(session.store.complete_upload(key, upload, &parts, source.crc64nvme, condition).await?)
}

/// Returns the parts by which an object is copied: all of one length but for the last, as some stores want them.
fn parts_of(size: u64) -> impl Iterator<Item = Range<u64>> {
    let length = size.div_ceil(MAX_PARTS).clamp(MIN_PART_BYTES, MAX_COPY_BYTES);
    (0..size.div_ceil(length)).map(move |part| part * length..size.min((part + 1) * length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_an_object_and_are_never_more_than_a_store_takes() {
        for size in
            [1, MIN_PART_BYTES, MIN_PART_BYTES + 1, MAX_COPY_BYTES + 1, 48 << 40, (5 << 30) * MAX_PARTS]
        {
            let parts: Vec<Range<u64>> = parts_of(size).collect();
            assert!(parts.len() as u64 <= MAX_PARTS, "{} parts of {size}", parts.len());
            assert!(parts.iter().all(|part| part.end - part.start <= MAX_COPY_BYTES));
            assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert_eq!((parts[0].start, parts[parts.len() - 1].end), (0, size));
        }
        assert_eq!(parts_of(0).count(), 0);
    }
}
