//! An object to a staged file: whole, checked, and not yet visible.
//!
//! - Nothing takes a name before its length and every checksum that the reply names were compared.
//! - A body that breaks off is an error, never a short file.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use s4_core::digest::{Digest, Hasher};
use s4_core::path::{DiskPath, RelPath};
use s4_core::remote::{ObjectHead, RemoteObject};
use s4_local::staging::{Partial, Staged, SyncMode};
use s4_store::store::GetOptions;

use super::body;
use crate::session::{Session, StepResult, Stop};

/// A symlink's target is never longer than this, in bytes (PATH_MAX).
const MAX_LINK_BYTES: u64 = 4096;
/// Pieces are gathered to this length before they are written, in bytes.
const WRITE_BYTES: usize = 1 << 20;

/// Content that waits for its name.
pub(crate) struct Fetched {
    pub(crate) staged: Staged,
    pub(crate) content: FetchedContent,
    pub(crate) head: ObjectHead,
}

/// What it is.
pub(crate) enum FetchedContent {
    File(Digest),
    Symlink(Box<str>),
}

/// Brings exactly this version to a partial beside `disk`.
///
/// `accept` sees the head of the GET's own reply before a byte is kept.
pub(crate) async fn fetch(
    session: &Arc<Session>,
    path: &RelPath,
    object: &RemoteObject,
    disk: &DiskPath,
    accept: impl Fn(&ObjectHead) -> StepResult<()>,
) -> StepResult<Fetched> {
    let options = GetOptions { if_match: Some(object.etag.clone()), ..GetOptions::default() };
    let reply = session.store.get(&object.key, options).await?;
    let head = reply.head.clone();
    // A store that ignores the condition may answer with another version.
    if head.etag != object.etag {
        return Err(Stop::Again("the object was replaced".to_owned()));
    }
    accept(&head)?;
    let name = session.partial_name();
    if head.metadata.symlink && !session.folder().traits().has_symlinks {
        // The planner knows what to say of a link on a disk that has none.
        return Err(Stop::Learned(Box::new(head)));
    }
    if head.metadata.symlink {
        let target = body::collect(reply, MAX_LINK_BYTES).await?;
        let (staged, target) = stage_link(session, disk, name, target).await?;
        return Ok(Fetched { staged, content: FetchedContent::Symlink(target), head });
    }
    let at = disk.clone();
    let partial = session.blocking(move |session| session.folder().stage(&at, &name)).await?;
    let (partial, digest) = write_body(session, path, reply.body, partial).await?;
    body::check(&digest, &head)?;
    let mtime_ns = head.metadata.mtime_ns.unwrap_or(head.last_modified.0.saturating_mul(1_000_000));
    let executable = head.metadata.executable;
    let staged = session.blocking(move |_| partial.finish(mtime_ns, executable, SyncMode::Each)).await?;
    Ok(Fetched { staged, content: FetchedContent::File(digest), head })
}

/// Stages a link whose target means the same here as where it was made.
async fn stage_link(
    session: &Arc<Session>,
    disk: &DiskPath,
    name: String,
    target: Vec<u8>,
) -> StepResult<(Staged, Box<str>)> {
    let refuse = |why: &str| Stop::Path(s4_core::plan::Side::Remote, why.to_owned());
    let target: Box<str> =
        String::from_utf8(target).map_err(|_| refuse("the link's target is not UTF-8"))?.into();
    // A link that leads out of the folder would let the next write through it leave the folder.
    if !s4_core::path::link_stays_inside(disk, &target) {
        return Err(refuse("the link's target is absolute or leaves the folder"));
    }
    let (at, to) = (disk.clone(), target.clone());
    let staged = session.blocking(move |session| session.folder().stage_symlink(&at, &name, &to)).await?;
    Ok((staged, target))
}

async fn write_body(
    session: &Arc<Session>,
    path: &RelPath,
    mut body: futures::stream::BoxStream<'static, s4_store::error::Result<Bytes>>,
    mut partial: Partial,
) -> StepResult<(Partial, Digest)> {
    let mut hasher = Hasher::new();
    let mut offset = 0_u64;
    let mut ended = false;
    while !ended {
        let mut gathered: Vec<Bytes> = Vec::new();
        let mut length = 0;
        while length < WRITE_BYTES {
            match body.next().await {
                Some(piece) => {
                    let piece = piece?;
                    length += piece.len();
                    gathered.push(piece);
                }
                None => {
                    ended = true;
                    break;
                }
            }
        }
        let at = offset;
        (partial, hasher) = session
            .blocking(move |_| -> StepResult<_> {
                let mut position = at;
                for piece in &gathered {
                    hasher.update(piece);
                    partial.write_at(piece, position)?;
                    position += piece.len() as u64;
                }
                Ok((partial, hasher))
            })
            .await?;
        offset += length as u64;
        session.moved(path, length as u64);
    }
    Ok((partial, hasher.finish()))
}
