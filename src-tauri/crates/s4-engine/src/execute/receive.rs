//! Downloads.

use std::sync::Arc;

use s4_core::baseline::{FileRow, RowContent, RowLastModified};
use s4_core::local::{Fingerprint, LocalEntry};
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::RowChange;
use s4_core::remote::{ETag, ObjectHead, RemoteObject};

use crate::db::ActivityKind;
use crate::session::{Done, Session, StepResult, Stop};
use crate::transfer::download::{self, Fetched, FetchedContent};

/// Brings an object's content to the disk.
pub(super) async fn download(
    session: &Arc<Session>,
    path: &RelPath,
    object: &RemoteObject,
    disk: &DiskPath,
    replaces: Option<&LocalEntry>,
    must_descend_from: Option<&ETag>,
) -> StepResult {
    let accept = |head: &ObjectHead| match must_descend_from {
        Some(ours) if !head.metadata.base.contains(ours) => Err(Stop::Learned(Box::new(head.clone()))),
        Some(_) | None => Ok(()),
    };
    let fetched = download::fetch(session, path, object, disk, accept).await?;
    let Fetched { mut staged, content, head, chunks } = fetched;
    let (at, expected) = (disk.clone(), replaces.cloned());
    // Nothing is lost: a new file takes a free name only; an old one is checked against what was planned, comes out
    // whole, is checked again, and goes to the trash.
    let (fingerprint, trashed) = session
        .blocking(move |session| match expected {
            None => session.batch.create(&mut staged, &at).map(|fingerprint| (fingerprint, None)),
            Some(expected) => {
                let replaced = session.batch.replace(&mut staged, &at, &expected)?;
                Ok::<_, s4_local::batch::SwapError>((replaced.fingerprint, Some(replaced.trashed)))
            }
        })
        .await?;
    let row = row(session, path, object, &head, disk, content, fingerprint);
    Ok(Done {
        rows: vec![RowChange::File(path.clone(), Box::new(row))],
        trashed,
        activity: Some((ActivityKind::Downloaded, object.size)),
        chunks,
        ..Done::default()
    })
}

/// Returns the row of content that was just put in place.
pub(super) fn row(
    session: &Session,
    path: &RelPath,
    object: &RemoteObject,
    head: &ObjectHead,
    disk: &DiskPath,
    content: FetchedContent,
    fingerprint: Fingerprint,
) -> FileRow {
    let content = match content {
        FetchedContent::Symlink(target) => RowContent::Symlink { target },
        FetchedContent::File(digest) => RowContent::File { digest, executable: head.metadata.executable },
    };
    let was = session.row(path);
    FileRow {
        key: object.key.clone(),
        disk: disk.clone(),
        content,
        fingerprint,
        read_time_ns: placed_at(&fingerprint),
        etag: object.etag.clone(),
        last_modified: RowLastModified::Known(object.last_modified),
        version_id: head.version_id.clone(),
        own_write: was.is_some_and(|was| was.own_write && was.etag == object.etag),
    }
}

/// Returns when an entry was put in place, by its file system's own clock: that was its last change of the inode.
pub(super) fn placed_at(fingerprint: &Fingerprint) -> i64 {
    fingerprint.ctime_ns.unwrap_or(i64::MIN)
}
