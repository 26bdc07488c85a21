//! A changed large file to the bucket, by the ranges that its base there has not.
//!
//! - The file is read whole once, when it is examined, or else here; then only what is sent is read again. The
//!   checksum of that first read is compared by the store with what came together: a second read that saw something
//!   else, or a base that is not what its chunks say, changes nothing.
//! - Where anything but the whole run stands in the way, the whole file is sent, unless the bucket moved on.

use std::sync::Arc;

use s4_core::baseline::{FileRow, RowContent};
use s4_core::chunk::{CHUNKED_FROM, Chunks};
use s4_core::delta::{self, Delta, DeltaPart, Source};
use s4_core::digest::Digest;
use s4_core::key::ObjectKey;
use s4_core::local::Fingerprint;
use s4_core::path::DiskPath;
use s4_core::plan::RemoteExpectation;
use s4_core::remote::ETag;
use s4_local::failpoint;
use s4_store::error::StoreErrorKind;

use super::super::aside::aside;
use super::super::hashing::{Content, Md5};
use super::super::layout::{Layout, Piece, PieceSource};
use super::super::upload::{self, Destination, Sent};
use super::document;
use super::reading::{self, Examined};
use crate::db::DbError;
use crate::session::{Session, StepResult, Stop};

/// What is in the bucket and need not be sent again.
struct Base {
    etag: ETag,
    chunks: Chunks,
}

/// Sends what changed in a file; `None` if the whole is to be sent.
pub(crate) async fn send(
    session: &Arc<Session>,
    disk: &DiskPath,
    fingerprint: &Fingerprint,
    replaces: &RemoteExpectation,
    to: &Destination,
) -> StepResult<Option<Sent>> {
    let Some(base) = base(session, fingerprint, replaces, to).await? else { return Ok(None) };
    let file = upload::open(session, disk, fingerprint).await?;
    let Examined { digest, chunks, read_time_ns } = content(session, disk, fingerprint).await?;
    let Some(parts) = delta::parts(&base.chunks, &chunks) else { return Ok(None) };
    let layout = layout(&parts, &to.key, &base.etag);
    let spans = delta::spans(&base.chunks, &chunks);
    let known = Content { digest, chunks: Some(chunks) };
    match upload::send_layout(session, &file, disk, to, &layout, Some(known)).await {
        Ok(sent) => {
            failpoint::hit("delta:sent");
            if session.tells_deltas
                && let Ok(delta) = Delta::new(base.etag, base.chunks.size(), digest.crc64nvme, spans)
            {
                document::publish(session, &sent.written.etag, &delta).await;
            }
            // The row tells of the read whose hashes it has, not of the later one.
            Ok(Some(Sent { read_time_ns: read_time_ns.min(sent.read_time_ns), ..sent }))
        }
        Err(Stop::Whole(error)) => Err(Stop::Whole(error)),
        Err(stop) => {
            tracing::debug!(key = %to.key, ?stop, "what changed could not be sent alone");
            is_still_base(session, &to.key, &base.etag).await?;
            Ok(None)
        }
    }
}

/// Returns what can be copied from, if the store can copy, checks what comes together, and holds what the row says.
async fn base(
    session: &Arc<Session>,
    fingerprint: &Fingerprint,
    replaces: &RemoteExpectation,
    to: &Destination,
) -> StepResult<Option<Base>> {
    let store = &session.capabilities;
    let RemoteExpectation::Version(replaced) = replaces else { return Ok(None) };
    if !store.upload_part_copy || !store.crc64nvme || fingerprint.size < CHUNKED_FROM {
        return Ok(None);
    }
    let Some(FileRow { key, etag, content: RowContent::File { digest, .. }, .. }) = session.row(&to.path)
    else {
        return Ok(None);
    };
    // Chunks are those of the row's content. Of another version in the bucket nothing is known.
    if key != to.key || etag != *replaced || digest.size < CHUNKED_FROM {
        return Ok(None);
    }
    let chunks = known_chunks(session, &digest).await?;
    Ok(chunks.map(|chunks| Base { etag, chunks }))
}

/// Returns the chunks of a content, if they are remembered.
pub(super) async fn known_chunks(session: &Arc<Session>, digest: &Digest) -> StepResult<Option<Chunks>> {
    let (blake3, size) = (digest.blake3, digest.size);
    let known = session.blocking(move |session| session.db.chunks(&blake3).map_err(whole)).await?;
    Ok(known.filter(|chunks| chunks.size() == size))
}

/// Returns what the file holds: as it was examined in this round, or by reading it.
async fn content(session: &Arc<Session>, disk: &DiskPath, fingerprint: &Fingerprint) -> StepResult<Examined> {
    if let Some(fact) = session.facts.local(disk, fingerprint)
        && let Some(chunks) = known_chunks(session, &fact.digest).await?
    {
        return Ok(Examined { digest: fact.digest, chunks, read_time_ns: fact.read_time_ns });
    }
    let (at, expected) = (disk.clone(), *fingerprint);
    aside(session, move |session| -> StepResult<_> {
        let examined = reading::examine(session.folder(), &at, &expected, Md5::Spared)?;
        let chunks = [(examined.digest.blake3, examined.chunks.clone())];
        session.db.learn_chunks(&chunks).map_err(whole)?;
        Ok(examined)
    })
    .await
}

fn layout(parts: &[DeltaPart], key: &ObjectKey, etag: &ETag) -> Layout {
    let piece = |(part, number): (&DeltaPart, u32)| Piece {
        number,
        range: part.range.clone(),
        source: match part.source {
            Source::New => PieceSource::File,
            Source::Base(from) => PieceSource::CopyOf {
                key: key.clone(),
                etag: etag.clone(),
                range: from..from + (part.range.end - part.range.start),
            },
        },
    };
    Layout { pieces: parts.iter().zip(1..).map(piece).collect(), part_bytes: 0 }
}

/// Fails if the base is not there any more: then the whole file would be sent for nothing.
async fn is_still_base(session: &Arc<Session>, key: &ObjectKey, base: &ETag) -> StepResult<()> {
    match session.store.head(key, None).await {
        Ok(head) if head.etag == *base => Ok(()),
        Err(error) if error.kind != StoreErrorKind::Missing => Err(error.into()),
        Ok(_) | Err(_) => Err(Stop::Again("another version stands in the bucket".to_owned())),
    }
}

fn whole(error: DbError) -> Stop {
    Stop::Whole(error.into())
}
