//! Local content to an object.
//!
//! - The file is opened under the fingerprint it was planned with; what was read counts only if its stamps are the
//!   same after the last byte. So never a mix of two versions is published.
//! - A large object comes to be by parts that nobody sees before they are complete; the checksum of the whole, as
//!   read, is sent with the last request.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use s4_core::digest::{self, Digest, Hasher};
use s4_core::key::ObjectKey;
use s4_core::local::Fingerprint;
use s4_core::path::{DiskPath, RelPath};
use s4_local::reading::OpenFile;
use s4_store::store::{Condition, ObjectAttributes, Part, UploadId, Written};

use super::{lost_reply, uploads};
use crate::session::{Session, StepResult, Stop};

/// Files up to this length are sent in one request, in bytes.
pub(crate) const WHOLE_UP_TO: u64 = 16 << 20;
/// The smallest part that is sent, in bytes. S3 asks for at least 5 MiB but for the last one.
const PART_BYTES: u64 = 8 << 20;
/// The most parts that an object may have.
const MAX_PARTS: u64 = 10_000;
/// How many parts of one file are under way at a time.
const PARTS_IN_FLIGHT: usize = 4;

/// What was sent.
pub(crate) struct Sent {
    pub(crate) written: Written,
    pub(crate) digest: Digest,
    pub(crate) read_time_ns: i64,
}

/// Where content goes.
pub(crate) struct Destination {
    pub(crate) path: RelPath,
    pub(crate) key: ObjectKey,
    pub(crate) attributes: ObjectAttributes,
    pub(crate) condition: Condition,
}

/// Reads a small file whole; returns it with its hashes and the read time.
pub(crate) async fn read_small(
    session: &Arc<Session>,
    disk: &DiskPath,
    fingerprint: &Fingerprint,
) -> StepResult<(Bytes, Digest, i64)> {
    let (disk, fingerprint) = (disk.clone(), *fingerprint);
    session
        .blocking(move |session| -> StepResult<_> {
            let file = session.folder().open_file(&disk, &fingerprint)?;
            let content = read_piece(&file, 0, fingerprint.size)?;
            file.unchanged()?;
            let digest = Digest::of(&content);
            Ok((content, digest, file.read_time_ns()))
        })
        .await
}

/// Sends a large file by parts. Gives the upload up if it fails.
pub(crate) async fn send_parts(
    session: &Arc<Session>,
    disk: &DiskPath,
    fingerprint: &Fingerprint,
    to: &Destination,
) -> StepResult<Sent> {
    let (at, expected) = (disk.clone(), *fingerprint);
    let file = session.blocking(move |session| session.folder().open_file(&at, &expected)).await?;
    let file = Arc::new(file);
    let upload = uploads::begin(session, &to.key, &to.attributes).await?;
    match send_all(session, &file, to, &upload.id).await {
        Ok(sent) => {
            uploads::end(session, &upload).await?;
            Ok(sent)
        }
        Err(stop) => {
            uploads::give_up(session, &upload).await;
            Err(stop)
        }
    }
}

async fn send_all(
    session: &Arc<Session>,
    file: &Arc<OpenFile>,
    to: &Destination,
    upload: &UploadId,
) -> StepResult<Sent> {
    let size = file.fingerprint().size;
    let part_size = part_size(size);
    let mut hasher = Hasher::new();
    let mut parts: Vec<Part> = Vec::new();
    let mut running = FuturesUnordered::new();
    let (mut offset, mut number) = (0, 0);
    while offset < size || !running.is_empty() {
        if offset < size && running.len() < PARTS_IN_FLIGHT {
            let length = part_size.min(size - offset);
            let (piece, returned) = read_and_hash(session, file, offset, length, hasher).await?;
            hasher = returned;
            offset += length;
            number += 1;
            let crc = digest::crc64nvme(&piece);
            running.push(session.store.upload_part(&to.key, upload, number, piece, crc));
        } else if let Some(part) = running.next().await {
            let part = part?;
            session.moved(&to.path, part.size);
            parts.push(part);
        }
    }
    drop(running);
    let end = file.clone();
    session.blocking(move |_| end.unchanged()).await?;
    parts.sort_by_key(|part| part.number);
    let digest = hasher.finish();
    s4_local::failpoint::hit("upload:before-complete");
    let crc = session.capabilities.crc64nvme.then_some(digest.crc64nvme);
    let completed = session.store.complete_upload(&to.key, upload, &parts, crc, &to.condition).await;
    let written = match completed {
        Ok(written) => written,
        Err(error) => lost_reply::ours_after_all(session, error, &digest, to).await?,
    };
    s4_local::failpoint::hit("upload:completed");
    Ok(Sent { written, digest, read_time_ns: file.read_time_ns() })
}

async fn read_and_hash(
    session: &Arc<Session>,
    file: &Arc<OpenFile>,
    offset: u64,
    length: u64,
    mut hasher: Hasher,
) -> StepResult<(Bytes, Hasher)> {
    let file = file.clone();
    session
        .blocking(move |_| -> StepResult<_> {
            let piece = read_piece(&file, offset, length)?;
            hasher.update(&piece);
            Ok((piece, hasher))
        })
        .await
}

/// Reads exactly `length` bytes; a file that ends before has changed.
fn read_piece(file: &OpenFile, offset: u64, length: u64) -> StepResult<Bytes> {
    let length = usize::try_from(length).map_err(|_| Stop::Again("the file is too large".to_owned()))?;
    let mut piece = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match file.read_at(&mut piece[filled..], offset + filled as u64)? {
            0 => return Err(Stop::Again("the file became shorter while it was read".to_owned())),
            count => filled += count,
        }
    }
    Ok(piece.into())
}

/// Returns the part size with which a file of `size` bytes has no more parts than are allowed.
fn part_size(size: u64) -> u64 {
    const MIB: u64 = 1 << 20;
    let least = size.div_ceil(MAX_PARTS).div_ceil(MIB) * MIB;
    least.max(PART_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t59_parts_grow_so_that_ten_thousand_suffice() {
        const TIB: u64 = 1 << 40;
        for size in [1, PART_BYTES * MAX_PARTS, PART_BYTES * MAX_PARTS + 1, 5 * TIB, 48 * TIB] {
            let part = part_size(size);
            assert!(size.div_ceil(part) <= MAX_PARTS && (5 << 20..=5 << 30).contains(&part), "{size}");
        }
    }
}
