//! Uploads.

use std::sync::Arc;

use bytes::Bytes;
use s4_core::baseline::{FileRow, RowContent, RowLastModified};
use s4_core::digest::Digest;
use s4_core::key::ObjectKey;
use s4_core::local::{Fingerprint, LocalEntry, LocalFile};
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::{RemoteExpectation, RowChange};
use s4_core::remote::{ETag, Metadata};
use s4_local::failpoint;
use s4_store::content_type::content_type;
use s4_store::error::StoreErrorKind;
use s4_store::store::{ObjectAttributes, Written};

use super::precondition::{self, Writing};
use super::remove;
use crate::db::ActivityKind;
use crate::session::{Done, Session, StepResult, Stop};
use crate::transfer::upload::{self, Destination, Sent, WHOLE_UP_TO};
use crate::transfer::{delta, lost_reply};

/// Writes local content to the bucket.
pub(super) async fn upload(
    session: &Arc<Session>,
    path: &RelPath,
    disk: &DiskPath,
    local: &LocalEntry,
    key: &ObjectKey,
    replaces: &RemoteExpectation,
    trash_replaced: bool,
) -> StepResult {
    let (size, writing) = match local {
        LocalEntry::File(file) if file.fingerprint.size > WHOLE_UP_TO => {
            (file.fingerprint.size, Writing::Parts)
        }
        LocalEntry::File(file) => (file.fingerprint.size, Writing::Put),
        LocalEntry::Symlink(link) => (link.target.len() as u64, Writing::Put),
        LocalEntry::Dir { .. } | LocalEntry::Special | LocalEntry::Unreadable(_) => {
            return Err(Stop::Again("it is no file any longer".to_owned()));
        }
    };
    if let (true, RemoteExpectation::Version(etag)) = (trash_replaced, replaces) {
        // What is replaced descends from nothing we have: a copy stays recoverable.
        remove::copy_to_trash(session, path, key, etag, None).await?;
    }
    let (condition, ancestors) = precondition::for_write(session, key, replaces, writing).await?;
    let attributes = attributes(session, path, local, replaces, &ancestors);
    let to = Destination { path: path.clone(), key: key.clone(), attributes, condition };
    failpoint::hit("upload:before");
    let (content, sent, fingerprint) = match local {
        LocalEntry::Symlink(link) => {
            let sent = send_link(session, disk, local, &link.target, &to).await?;
            (RowContent::Symlink { target: link.target.clone() }, sent, link.fingerprint)
        }
        LocalEntry::File(file) => {
            let sent = match writing {
                Writing::Put => send_file(session, disk, &file.fingerprint, &to).await?,
                Writing::Parts => send_large(session, disk, &file.fingerprint, replaces, &to).await?,
            };
            (file_content(session, path, file, sent.digest), sent, file.fingerprint)
        }
        LocalEntry::Dir { .. } | LocalEntry::Special | LocalEntry::Unreadable(_) => {
            return Err(Stop::Again("it is no file any longer".to_owned()));
        }
    };
    failpoint::hit("upload:sent");
    let row = FileRow {
        key: key.clone(),
        disk: disk.clone(),
        content,
        fingerprint,
        read_time_ns: sent.read_time_ns,
        etag: sent.written.etag,
        last_modified: RowLastModified::NotAfter(sent.written.not_after),
        version_id: sent.written.version_id,
        own_write: true,
    };
    Ok(Done {
        rows: vec![RowChange::File(path.clone(), Box::new(row))],
        activity: Some((ActivityKind::Uploaded, size)),
        chunks: sent.chunks,
        ..Done::default()
    })
}

/// Returns what a row says of an uploaded file; where the disk has no executable bit, the row's value stands.
fn file_content(session: &Session, path: &RelPath, file: &LocalFile, digest: Digest) -> RowContent {
    RowContent::File { digest, executable: executable(session, path, file) }
}

fn executable(session: &Session, path: &RelPath, file: &LocalFile) -> bool {
    if session.folder().traits().has_executable_bit {
        return file.executable;
    }
    matches!(session.row(path).map(|row| row.content), Some(RowContent::File { executable: true, .. }))
}

/// Returns what is written beside the content.
pub(super) fn attributes(
    session: &Session,
    path: &RelPath,
    local: &LocalEntry,
    replaces: &RemoteExpectation,
    ancestors: &[ETag],
) -> ObjectAttributes {
    let base = match replaces {
        RemoteExpectation::Absent => Vec::new(),
        RemoteExpectation::Version(etag) => Metadata::base_after(etag, ancestors),
    };
    let metadata = match local {
        LocalEntry::Symlink(link) => {
            Metadata { mtime_ns: Some(link.fingerprint.mtime_ns), executable: false, symlink: true, base }
        }
        LocalEntry::File(file) => Metadata {
            mtime_ns: Some(file.fingerprint.mtime_ns),
            executable: executable(session, path, file),
            symlink: false,
            base,
        },
        LocalEntry::Dir { .. } | LocalEntry::Special | LocalEntry::Unreadable(_) => {
            Metadata { base, ..Metadata::default() }
        }
    };
    let content_type = (!metadata.symlink).then(|| content_type(path.name())).flatten().map(str::to_owned);
    ObjectAttributes { metadata, content_type }
}

async fn send_file(
    session: &Arc<Session>,
    disk: &DiskPath,
    fingerprint: &Fingerprint,
    to: &Destination,
) -> StepResult<Sent> {
    let (content, digest, read_time_ns) = upload::read_small(session, disk, fingerprint).await?;
    let length = content.len() as u64;
    let written = put(session, content, &digest, to).await?;
    session.moved(&to.path, length);
    Ok(Sent { written, digest, chunks: Vec::new(), read_time_ns })
}

async fn send_link(
    session: &Arc<Session>,
    disk: &DiskPath,
    local: &LocalEntry,
    target: &str,
    to: &Destination,
) -> StepResult<Sent> {
    let at = disk.clone();
    let now = session.blocking(move |session| session.folder().look(&at)).await?;
    if now.as_ref() != Some(local) {
        return Err(Stop::Again("the link changed".to_owned()));
    }
    let digest = Digest::of(target.as_bytes());
    let written = put(session, Bytes::copy_from_slice(target.as_bytes()), &digest, to).await?;
    let read_time_ns = local.fingerprint().map_or(0, |fingerprint| fingerprint.mtime_ns);
    Ok(Sent { written, digest, chunks: Vec::new(), read_time_ns })
}

/// How often a 409 is answered by trying again.
const TRIES: usize = 4;

/// Writes an object in one request.
pub(super) async fn put(
    session: &Arc<Session>,
    content: Bytes,
    digest: &Digest,
    to: &Destination,
) -> StepResult<Written> {
    let mut tries = 0;
    loop {
        tries += 1;
        let sent = session
            .store
            .put(&to.key, content.clone(), digest.crc64nvme, &to.attributes, &to.condition)
            .await;
        match sent {
            Ok(written) => return Ok(written),
            Err(error) if error.kind == StoreErrorKind::Conflict && tries < TRIES => {}
            Err(error) => return lost_reply::ours_after_all(session, error, digest, to).await,
        }
    }
}

async fn send_large(
    session: &Arc<Session>,
    disk: &DiskPath,
    fingerprint: &Fingerprint,
    replaces: &RemoteExpectation,
    to: &Destination,
) -> StepResult<Sent> {
    if let Some(sent) = delta::up::send(session, disk, fingerprint, replaces, to).await? {
        return Ok(sent);
    }
    upload::send_parts(session, disk, fingerprint, to).await
}
