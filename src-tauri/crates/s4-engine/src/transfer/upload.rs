//! Local content to an object.
//!
//! - The file is opened under the fingerprint it was planned with; what was read counts only if its stamps are the
//!   same after the last byte. So never a mix of two versions is published.
//! - A large object comes to be by parts that nobody sees before they are complete; the checksum of the whole, as
//!   read, is sent with the last request.
//! - A large file is read once, in order, by one reader; its parts are sent from the lanes meanwhile. What is held in
//!   memory does not depend on its length.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use s4_core::chunk::Chunks;
use s4_core::digest::{self, Digest};
use s4_core::key::ObjectKey;
use s4_core::local::Fingerprint;
use s4_core::path::{DiskPath, RelPath};
use s4_local::reading::OpenFile;
use s4_store::error::StoreErrorKind;
use s4_store::store::{Condition, ObjectAttributes, Part, UploadId, Written};

use super::aside::aside;
use super::budget::{self, Held};
use super::hashing::{CACHED_BYTES, Content, ContentHasher, Md5};
use super::layout::{Layout, Piece, PieceSource};
use super::{lost_reply, uploads};
use crate::db::UploadSource;
use crate::session::{Session, StepResult, Stop};

/// Files up to this length are sent in one request, in bytes.
pub(crate) const WHOLE_UP_TO: u64 = 16 << 20;

/// What was sent.
pub(crate) struct Sent {
    pub(crate) written: Written,
    pub(crate) digest: Digest,
    /// The chunks of a large file, with the BLAKE3 of the whole.
    pub(crate) chunks: Vec<([u8; 32], Chunks)>,
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
            let content = read_piece(&file, &(0..fingerprint.size), |_| {})?;
            file.unchanged()?;
            let digest = super::small::digest_to_send(session, &content);
            Ok((content, digest, file.read_time_ns()))
        })
        .await
}

/// Sends a large file by parts, all of it.
pub(crate) async fn send_parts(
    session: &Arc<Session>,
    disk: &DiskPath,
    fingerprint: &Fingerprint,
    to: &Destination,
) -> StepResult<Sent> {
    let file = open(session, disk, fingerprint).await?;
    send_layout(session, &file, disk, to, &Layout::of_whole(fingerprint.size), None).await
}

/// Opens a file to be sent, if it is what `fingerprint` says.
pub(crate) async fn open(
    session: &Arc<Session>,
    disk: &DiskPath,
    fingerprint: &Fingerprint,
) -> StepResult<Arc<OpenFile>> {
    let (at, expected) = (disk.clone(), *fingerprint);
    let file = session.blocking(move |session| session.folder().open_file(&at, &expected)).await?;
    Ok(Arc::new(file))
}

/// Makes an object of the parts that `layout` names.
///
/// `known` is what was learned of the file when it was read through `file` before; `None` only where the layout sends
/// everything. If the store refuses what came together, or the file changed, nothing is changed and the upload is
/// given up; if nothing can go on at all, it stays for the next run.
pub(crate) async fn send_layout(
    session: &Arc<Session>,
    file: &Arc<OpenFile>,
    disk: &DiskPath,
    to: &Destination,
    layout: &Layout,
    known: Option<Content>,
) -> StepResult<Sent> {
    debug_assert!(known.is_some() || layout.sends_everything(), "what is not read must be known");
    let source = UploadSource {
        disk: disk.clone(),
        fingerprint: *file.fingerprint(),
        replaces: to.attributes.metadata.base.first().cloned(),
        part_bytes: layout.part_bytes,
    };
    let (upload, there) = uploads::begin_file(session, to, source).await?;
    let sending = Sending { session, file, to, upload: &upload.id, there };
    match sending.send(layout, known).await {
        Ok(sent) => {
            uploads::end(session, &upload).await?;
            Ok(sent)
        }
        Err(stop) => {
            uploads::stopped(session, &upload, &stop).await;
            Err(stop)
        }
    }
}

/// One upload under way.
struct Sending<'a> {
    session: &'a Arc<Session>,
    file: &'a Arc<OpenFile>,
    to: &'a Destination,
    upload: &'a UploadId,
    /// What an earlier run sent, by number.
    there: BTreeMap<u32, Part>,
}

/// Parts on their way.
type Running = FuturesUnordered<BoxFuture<'static, StepResult<Part>>>;

impl Sending<'_> {
    async fn send(mut self, layout: &Layout, known: Option<Content>) -> StepResult<Sent> {
        let mut hasher =
            known.is_none().then(|| ContentHasher::new(self.file.fingerprint().size, Md5::Spared));
        let mut running = Running::new();
        let mut parts: Vec<Part> = Vec::with_capacity(layout.pieces.len());
        for piece in &layout.pieces {
            let length = piece.range.end - piece.range.start;
            match &piece.source {
                PieceSource::CopyOf { key, etag, range } => {
                    self.wait_for_room(&mut running, &mut parts, budget::pieces_of(0)).await?;
                    let (source, etag, range) = (key.clone(), etag.clone(), range.clone());
                    let (number, key, id) = (piece.number, self.to.key.clone(), self.upload.clone());
                    let copied = self.session.spread(move |lane| async move {
                        Ok(lane.store.upload_part_copy(&key, &id, number, &source, &etag, range).await?)
                    });
                    running.push(copied.boxed());
                }
                PieceSource::File => {
                    self.wait_for_room(&mut running, &mut parts, budget::pieces_of(length)).await?;
                    let held = self.hold(length, &mut running, &mut parts).await?;
                    let (bytes, crc, returned) = self.read(piece.range.clone(), hasher).await?;
                    hasher = returned;
                    match self.there.remove(&piece.number).filter(|part| is_of(part, &bytes, crc)) {
                        Some(part) => parts.push(Part { crc64nvme: Some(crc), ..part }),
                        None => running.push(self.send_piece(piece, bytes, crc, held)),
                    }
                }
            }
        }
        while let Some(part) = running.next().await {
            self.arrived(part?, &mut parts);
        }
        let Some(content) = hasher.map(ContentHasher::finish).or(known) else {
            return Err(Stop::Again("a part of the file was not read".to_owned()));
        };
        self.complete(parts, content).await
    }

    /// Waits until fewer than `most` parts are on their way.
    async fn wait_for_room(
        &self,
        running: &mut Running,
        parts: &mut Vec<Part>,
        most: usize,
    ) -> StepResult<()> {
        while running.len() >= most
            && let Some(part) = running.next().await
        {
            self.arrived(part?, parts);
        }
        Ok(())
    }

    /// Waits until one more part may be held in memory, on what this file holds itself first.
    async fn hold(&self, bytes: u64, running: &mut Running, parts: &mut Vec<Part>) -> StepResult<Held> {
        loop {
            if let Some(held) = budget::try_hold(bytes) {
                return Ok(held);
            }
            match running.next().await {
                Some(part) => self.arrived(part?, parts),
                None => return Ok(budget::hold(bytes).await),
            }
        }
    }

    fn arrived(&self, part: Part, parts: &mut Vec<Part>) {
        self.session.moved(&self.to.path, part.size);
        parts.push(part);
        s4_local::failpoint::hit("upload:part-sent");
    }

    /// Reads one piece; returns it with its CRC-64/NVME and what hashes the whole.
    async fn read(
        &self,
        range: Range<u64>,
        mut hasher: Option<ContentHasher>,
    ) -> StepResult<(Bytes, u64, Option<ContentHasher>)> {
        let file = self.file.clone();
        aside(self.session, move |_| -> StepResult<_> {
            let Some(content) = &mut hasher else {
                let bytes = read_piece(&file, &range, |_| {})?;
                let crc = digest::crc64nvme(&bytes);
                return Ok((bytes, crc, hasher));
            };
            let bytes = read_piece(&file, &range, |cached| content.update(cached))?;
            let crc = content.take_part_crc();
            Ok((bytes, crc, hasher))
        })
        .await
    }

    fn send_piece(
        &self,
        piece: &Piece,
        bytes: Bytes,
        crc: u64,
        held: Held,
    ) -> BoxFuture<'static, StepResult<Part>> {
        let (number, key, id) = (piece.number, self.to.key.clone(), self.upload.clone());
        let sent = self.session.spread(move |lane| async move {
            let part = lane.store.upload_part(&key, &id, number, bytes, crc).await;
            drop(held);
            Ok(part?)
        });
        sent.boxed()
    }

    async fn complete(&self, mut parts: Vec<Part>, content: Content) -> StepResult<Sent> {
        let (session, to) = (self.session, self.to);
        // Only now is it known that what was read is one version.
        let end = self.file.clone();
        session.blocking(move |_| end.unchanged()).await?;
        if to.condition == Condition::None {
            // The store enforces nothing, and the parts took their time.
            self.must_stand_as_planned().await?;
        }
        parts.sort_by_key(|part| part.number);
        s4_local::failpoint::hit("upload:before-complete");
        let digest = content.digest;
        let crc = session.capabilities.crc64nvme.then_some(digest.crc64nvme);
        let completed = session.store.complete_upload(&to.key, self.upload, &parts, crc, &to.condition).await;
        let written = match completed {
            Ok(written) => written,
            Err(error) => lost_reply::ours_after_all(session, error, &digest, to).await?,
        };
        s4_local::failpoint::hit("upload:completed");
        let read_time_ns = self.file.read_time_ns();
        Ok(Sent { written, digest, chunks: content.into_chunks(), read_time_ns })
    }

    /// Succeeds only if the key still holds what is to be replaced, or still nothing.
    async fn must_stand_as_planned(&self) -> StepResult<()> {
        // The latest ancestor is what this content replaces.
        let replaces = self.to.attributes.metadata.base.first();
        let now = match self.session.store.head(&self.to.key, None).await {
            Ok(head) => Some(head.etag),
            Err(error) if error.kind == StoreErrorKind::Missing => None,
            Err(error) => return Err(error.into()),
        };
        if now.as_ref() == replaces {
            return Ok(());
        }
        Err(Stop::Again("another version was written while the parts were sent".to_owned()))
    }
}

/// Returns whether a part that an earlier run sent is what was read now.
fn is_of(part: &Part, bytes: &Bytes, crc: u64) -> bool {
    let same_content = match part.crc64nvme {
        Some(theirs) => theirs == crc,
        // A tag that is no MD5 proves nothing: the part is sent again.
        None => part.etag.possible_md5().is_some_and(|theirs| Digest::of(bytes).md5 == Some(theirs)),
    };
    part.size == bytes.len() as u64 && same_content
}

/// Reads exactly this range, telling of each stretch while it is cached; a file that ends before has changed.
fn read_piece(file: &OpenFile, range: &Range<u64>, mut seen: impl FnMut(&[u8])) -> StepResult<Bytes> {
    let length = usize::try_from(range.end - range.start)
        .map_err(|_| Stop::Again("the file is too large".to_owned()))?;
    let mut piece = vec![0; length];
    let mut filled = 0;
    while filled < length {
        let end = length.min(filled + CACHED_BYTES);
        match file.read_at(&mut piece[filled..end], range.start + filled as u64)? {
            0 => return Err(Stop::Again("the file became shorter while it was read".to_owned())),
            count => {
                seen(&piece[filled..filled + count]);
                filled += count;
            }
        }
    }
    Ok(piece.into())
}
