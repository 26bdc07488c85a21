//! Downloads: content comes to the disk on a lane, and takes its name when a batch lands.

use std::sync::Arc;

use s4_core::baseline::{FileRow, RowContent, RowLastModified};
use s4_core::local::{Fingerprint, LocalEntry};
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::RowChange;
use s4_core::remote::{ETag, ObjectHead, RemoteObject};
use s4_local::batch::Replacement;

use crate::db::ActivityKind;
use crate::session::{Done, Round, Session, StepResult, Stop};
use crate::transfer::delta;
use crate::transfer::download::{self, Fetched, FetchedContent};

/// Brings an object's content to the disk, where it waits for its name.
pub(super) async fn fetch(
    session: &Arc<Session>,
    path: &RelPath,
    object: &RemoteObject,
    disk: &DiskPath,
    replaces: Option<&LocalEntry>,
    must_descend_from: Option<&ETag>,
) -> StepResult<Fetched> {
    let accept = |head: &ObjectHead| match must_descend_from {
        Some(ours) if !head.metadata.base.contains(ours) => Err(Stop::Learned(Box::new(head.clone()))),
        Some(_) | None => Ok(()),
    };
    match delta::down::fetch(session, path, object, disk, replaces, &accept).await? {
        Some(fetched) => Ok(fetched),
        None => download::fetch(session, path, object, disk, accept).await,
    }
}

/// Gives content that was brought its name. Blocks.
pub(super) fn place(
    round: &Round,
    path: &RelPath,
    object: &RemoteObject,
    disk: &DiskPath,
    replaces: Option<&LocalEntry>,
    replacement: Option<Replacement>,
    fetched: Fetched,
) -> StepResult {
    let Fetched { mut staged, content, head, chunks } = fetched;
    // Nothing is lost: a new file takes a free name only; an old one is checked against what was planned, comes out
    // whole, is checked again, and goes to the trash.
    let (fingerprint, trashed) = match (replaces, replacement) {
        (None, _) => (round.batch.create(&mut staged, disk)?, None),
        (Some(expected), Some(replacement)) => {
            let replaced = round.batch.replace_prepared(&mut staged, replacement, expected)?;
            (replaced.fingerprint, Some(replaced.trashed))
        }
        (Some(expected), None) => {
            let replaced = round.batch.replace(&mut staged, disk, expected)?;
            (replaced.fingerprint, Some(replaced.trashed))
        }
    };
    let row = row(round, path, object, &head, disk, content, fingerprint);
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
    round: &Round,
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
    let was = round.row(path);
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
