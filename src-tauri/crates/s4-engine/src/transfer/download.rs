//! An object to a staged file: whole, checked, and not yet visible.
//!
//! - Nothing takes a name before its length and every checksum that the reply names were compared.
//! - A body that breaks off is an error, never a short file.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use s4_core::chunk::Chunks;
use s4_core::digest::Digest;
use s4_core::path::{DiskPath, RelPath};
use s4_core::remote::{ObjectHead, RemoteObject};
use s4_local::staging::{Partial, Staged, SyncMode};
use s4_store::error::StoreErrorKind;
use s4_store::store::{GetOptions, GetReply};

use super::aside::aside;
use super::body;
use super::hashing::{Content, ContentHasher, Md5};
use super::ranges::{self, Broken};
use super::resumed::{self, Resume};
use super::small;
use super::upload::WHOLE_UP_TO;
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
    /// The chunks of a large file, with the BLAKE3 of the whole.
    pub(crate) chunks: Vec<([u8; 32], Chunks)>,
}

/// What it is.
pub(crate) enum FetchedContent {
    File(Digest),
    Symlink(Box<str>),
}

/// Brings exactly this version to a partial beside `disk`.
///
/// `accept` sees the head of the object's own reply before a byte is kept.
pub(crate) async fn fetch(
    session: &Arc<Session>,
    path: &RelPath,
    object: &RemoteObject,
    disk: &DiskPath,
    accept: impl Fn(&ObjectHead) -> StepResult<()>,
) -> StepResult<Fetched> {
    if object.size > WHOLE_UP_TO {
        // A range does not tell the checksum of the whole, so it is asked for first. The ranges are pinned to what
        // this says, metadata and all.
        let head = session.store.head(&object.key, None).await?;
        if head.etag != object.etag || head.size != object.size {
            return Err(Stop::Again("the object was replaced".to_owned()));
        }
        accept(&head)?;
        let is_file = !head.metadata.symlink;
        if is_file && let Some(fetched) = fetch_ranges(session, path, object, disk, head).await? {
            return Ok(fetched);
        }
    }
    let options = GetOptions { if_match: Some(object.etag.clone()), ..GetOptions::default() };
    let reply = session.store.get(&object.key, options).await?;
    // A store that ignores the condition may answer with another version.
    if reply.head.etag != object.etag {
        return Err(Stop::Again("the object was replaced".to_owned()));
    }
    accept(&reply.head)?;
    fetch_whole(session, path, disk, reply).await
}

/// Brings what one GET answers.
async fn fetch_whole(
    session: &Arc<Session>,
    path: &RelPath,
    disk: &DiskPath,
    reply: GetReply,
) -> StepResult<Fetched> {
    let head = reply.head.clone();
    let name = session.partial_name();
    if head.metadata.symlink && !session.folder().traits().has_symlinks {
        // The planner knows what to say of a link on a disk that has none.
        return Err(Stop::Learned(Box::new(head)));
    }
    if head.metadata.symlink {
        let target = body::collect(reply, MAX_LINK_BYTES).await?;
        let (staged, target) = stage_link(session, disk, name, target).await?;
        return Ok(Fetched { staged, content: FetchedContent::Symlink(target), head, chunks: Vec::new() });
    }
    if head.size <= small::SMALL {
        return small::stage(session, path, disk, name, reply).await;
    }
    let at = disk.clone();
    let partial = session.blocking(move |session| session.folder().stage(&at, &name)).await?;
    let (partial, content) = write_body(session, path, &head, reply.body, partial).await?;
    body::check(&content.digest, &head)?;
    staged(session, partial, head, content).await
}

/// Brings a large file by ranges, going on where an earlier run was broken off; `None` if the store sends none.
async fn fetch_ranges(
    session: &Arc<Session>,
    path: &RelPath,
    object: &RemoteObject,
    disk: &DiskPath,
    head: ObjectHead,
) -> StepResult<Option<Fetched>> {
    // Without a checksum nobody could tell whether what an earlier run left is what it was.
    let is_checked = head.crc64nvme.is_some() || head.etag_is_md5;
    let tries = if is_checked { &[Resume::IfThere, Resume::Never][..] } else { &[Resume::Never] };
    let mut damage = None;
    for resume in tries {
        let download = resumed::open(session, object, disk, *resume).await?;
        let fetched = ranges::fetch(session, path, object, &head, &download).await;
        let checked = match fetched {
            Ok(content) => body::check(&content.digest, &head).map(|()| content),
            // It stays as far as it is on record: the next run goes on with it.
            Err(Broken::Stop(Stop::Whole(error))) => return Err(Stop::Whole(error)),
            Err(Broken::Stop(stop)) => {
                download.give_up(session).await?;
                return Err(stop);
            }
            Err(Broken::NoRanges) => {
                download.give_up(session).await?;
                return Ok(None);
            }
        };
        // From here on it is no partial of a download: either it takes its name, or it goes.
        download.forget(session).await?;
        download.partial.discard();
        match checked {
            Ok(content) => {
                let only = Arc::into_inner(download.partial);
                let partial = only.ok_or_else(|| Stop::Again("a partial is still written to".to_owned()))?;
                return staged(session, partial, head, content).await.map(Some);
            }
            Err(error) if error.kind == StoreErrorKind::Corrupt => damage = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    Err(damage.map_or_else(|| Stop::Again("nothing was fetched".to_owned()), Stop::from))
}

/// Finishes a partial that holds what it should.
async fn staged(
    session: &Arc<Session>,
    partial: Partial,
    head: ObjectHead,
    content: Content,
) -> StepResult<Fetched> {
    let mtime_ns = head.metadata.mtime_ns.unwrap_or(head.last_modified.0.saturating_mul(1_000_000));
    let executable = head.metadata.executable;
    let staged = aside(session, move |_| partial.finish(mtime_ns, executable, SyncMode::Each)).await?;
    let digest = content.digest;
    Ok(Fetched { staged, content: FetchedContent::File(digest), head, chunks: content.into_chunks() })
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
    head: &ObjectHead,
    mut body: BoxStream<'static, s4_store::error::Result<Bytes>>,
    mut partial: Partial,
) -> StepResult<(Partial, Content)> {
    let is_large = head.size > WHOLE_UP_TO;
    let md5 =
        if is_large && (head.crc64nvme.is_some() || !head.etag_is_md5) { Md5::Spared } else { Md5::Needed };
    let mut hasher = ContentHasher::new(head.size, md5);
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
