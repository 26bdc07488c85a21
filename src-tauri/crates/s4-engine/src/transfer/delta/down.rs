//! A changed large object to the disk, by the ranges that the file there has not.
//!
//! - Which ranges those are somebody said in the bucket. It is believed only as far as this: the whole, as it lies in
//!   the partial, is hashed, and has the object's size and checksum, or the whole object is fetched.
//! - The file on disk is the base only while it is what its row says, and it is only read.

use std::ops::Range;
use std::sync::{Arc, mpsc};
use std::thread;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use s4_core::baseline::{FileRow, RowContent};
use s4_core::chunk::{CHUNKED_FROM, Chunker, Chunks};
use s4_core::delta::{self, Delta, Source};
use s4_core::digest::{Digest, Hasher};
use s4_core::local::{Fingerprint, LocalEntry};
use s4_core::path::{DiskPath, RelPath};
use s4_core::remote::{ObjectHead, RemoteObject};
use s4_local::reading::OpenFile;
use s4_local::staging::{Partial, SyncMode};
use s4_store::error::StoreErrorKind;
use s4_store::store::GetOptions;

use super::super::aside::aside;
use super::super::download::{Fetched, FetchedContent};
use super::super::hashing::CACHED_BYTES;
use super::{document, up};
use crate::session::{Session, StepResult, Stop};

/// The length of a range that is fetched at once, in bytes.
const RANGE_BYTES: u64 = 4 << 20;
/// How many ranges of one file are under way at a time.
const RANGES: usize = 4;
/// How often a range is asked for whose connection breaks.
const TRIES: usize = 3;
/// How much is copied before it is hashed, beside the copying of what follows, in bytes.
const COPIED_BYTES: u64 = 4 << 20;

/// What the file on disk is known to be.
struct Base {
    disk: DiskPath,
    fingerprint: Fingerprint,
    chunks: Option<Chunks>,
}

/// Brings what changed in an object to a partial beside `disk`; `None` if the whole is to be fetched.
///
/// `accept` sees what the object says of itself before a byte is fetched.
pub(crate) async fn fetch(
    session: &Arc<Session>,
    path: &RelPath,
    object: &RemoteObject,
    disk: &DiskPath,
    replaces: Option<&LocalEntry>,
    accept: impl Fn(&ObjectHead) -> StepResult<()>,
) -> StepResult<Option<Fetched>> {
    let Some((base, delta)) = base(session, path, object, disk, replaces).await? else { return Ok(None) };
    let head = session.store.head(&object.key, None).await?;
    if head.etag != object.etag || head.size != object.size {
        return Err(Stop::Again("the object was replaced".to_owned()));
    }
    accept(&head)?;
    // Without a checksum of the whole nobody could tell whether what is built is what was written.
    if head.crc64nvme != Some(delta.crc64nvme) || head.metadata.symlink {
        return Ok(None);
    }
    match build(session, path, object, &head, &base, &delta).await {
        Ok(fetched) => Ok(fetched),
        Err(Stop::Whole(error)) => Err(Stop::Whole(error)),
        Err(stop) => {
            tracing::debug!(key = %object.key, ?stop, "what changed could not be fetched alone");
            Ok(None)
        }
    }
}

/// Returns what is on disk and how the object comes from it, if both are known and it saves enough.
async fn base(
    session: &Arc<Session>,
    path: &RelPath,
    object: &RemoteObject,
    disk: &DiskPath,
    replaces: Option<&LocalEntry>,
) -> StepResult<Option<(Base, Delta)>> {
    let Some(LocalEntry::File(file)) = replaces else { return Ok(None) };
    let Some(row) = session.row(path) else { return Ok(None) };
    let FileRow { content: RowContent::File { digest, .. }, fingerprint, etag, .. } = row else {
        return Ok(None);
    };
    if file.fingerprint != fingerprint || row.disk != *disk || row.key != object.key {
        return Ok(None);
    }
    if object.size < CHUNKED_FROM || digest.size < CHUNKED_FROM || digest.size != fingerprint.size {
        return Ok(None);
    }
    // What an earlier run fetched of the whole is gone on with.
    let at = disk.clone();
    let is_begun = session.blocking(move |session| -> StepResult<bool> {
        let open = session.db.open_downloads().map_err(|error| Stop::Whole(error.into()))?;
        Ok(open.iter().any(|download| download.disk == at))
    });
    if is_begun.await? {
        return Ok(None);
    }
    let Some(delta) = document::chain(session, object, &etag).await else { return Ok(None) };
    if delta.base_size != digest.size || delta.size() != object.size || !delta::is_worth(delta.spans()) {
        return Ok(None);
    }
    let chunks = up::known_chunks(session, &digest).await?;
    Ok(Some((Base { disk: disk.clone(), fingerprint, chunks }, delta)))
}

async fn build(
    session: &Arc<Session>,
    path: &RelPath,
    object: &RemoteObject,
    head: &ObjectHead,
    base: &Base,
    delta: &Delta,
) -> StepResult<Option<Fetched>> {
    let (disk, fingerprint, name) = (base.disk.clone(), base.fingerprint, session.partial_name());
    let (file, partial) = session
        .blocking(move |session| -> StepResult<_> {
            let file = session.folder().open_file(&disk, &fingerprint)?;
            Ok((file, Arc::new(session.folder().stage(&disk, &name)?)))
        })
        .await?;
    fetch_new(session, path, object, &partial, delta).await?;
    let Some(partial) = Arc::into_inner(partial) else {
        return Err(Stop::Again("a partial is still written to".to_owned()));
    };
    let (delta, chunks) = (delta.clone(), base.chunks.clone());
    let (partial, digest, chunks) = aside(session, move |_| -> StepResult<_> {
        let (digest, chunks) = put_together(&file, &partial, &delta, chunks.as_ref())?;
        // Only now is it known that what was copied is one version.
        file.unchanged()?;
        Ok((partial, digest, chunks))
    })
    .await?;
    if digest.size != head.size || head.crc64nvme != Some(digest.crc64nvme) {
        return Err(Stop::Again("what was put together is not the object".to_owned()));
    }
    s4_local::failpoint::hit("delta:built");
    let mtime_ns = head.metadata.mtime_ns.unwrap_or(head.last_modified.0.saturating_mul(1_000_000));
    let executable = head.metadata.executable;
    let staged = aside(session, move |_| partial.finish(mtime_ns, executable, SyncMode::Each)).await?;
    let content = FetchedContent::File(digest);
    Ok(Some(Fetched { staged, content, head: head.clone(), chunks: vec![(digest.blake3, chunks)] }))
}

/// Fetches every range that is new, and writes it where it belongs.
async fn fetch_new(
    session: &Arc<Session>,
    path: &RelPath,
    object: &RemoteObject,
    partial: &Arc<Partial>,
    delta: &Delta,
) -> StepResult<()> {
    let mut ranges = Vec::new();
    let mut offset = 0;
    for span in delta.spans() {
        let end = offset + span.size;
        if span.source == Source::New {
            let starts = (0..span.size.div_ceil(RANGE_BYTES)).map(|n| offset + n * RANGE_BYTES);
            ranges.extend(starts.map(|start| start..end.min(start + RANGE_BYTES)));
        } else {
            session.moved(path, span.size);
        }
        offset = end;
    }
    let mut waiting = ranges.into_iter();
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < RANGES
            && let Some(range) = waiting.next()
        {
            let (object, partial) = (object.clone(), partial.clone());
            let length = range.end - range.start;
            let fetched =
                session.spread(move |lane| async move { fetch_range(&lane, &object, &partial, range).await });
            running.push(fetched.map(move |result| result.map(|()| length)));
        }
        match running.next().await {
            Some(length) => session.moved(path, length?),
            None => return Ok(()),
        }
    }
}

async fn fetch_range(
    lane: &Arc<Session>,
    object: &RemoteObject,
    partial: &Arc<Partial>,
    range: Range<u64>,
) -> StepResult<()> {
    let mut tries = 1;
    let content = loop {
        match range_of(lane, object, range.clone()).await {
            Err(error) if error.kind == StoreErrorKind::Offline && tries < TRIES => tries += 1,
            read => break read?,
        }
    };
    let Some(content) = content else { return Err(Stop::Again("the object was replaced".to_owned())) };
    if content.len() as u64 != range.end - range.start {
        return Err(Stop::Again("another range came than was asked for".to_owned()));
    }
    let partial = partial.clone();
    lane.blocking(move |_| partial.write_at(&content, range.start)).await
}

/// Returns the bytes of a range, `None` if another version stands there.
async fn range_of(
    lane: &Arc<Session>,
    object: &RemoteObject,
    range: Range<u64>,
) -> s4_store::error::Result<Option<Vec<u8>>> {
    let options = GetOptions {
        if_match: Some(object.etag.clone()),
        range: Some(range.clone()),
        ..GetOptions::default()
    };
    let reply = lane.store.get(&object.key, options).await?;
    // A store that ignores the condition may answer with another version.
    if reply.head.etag != object.etag {
        return Ok(None);
    }
    let wanted = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    let mut content = Vec::with_capacity(wanted);
    let mut body = reply.body;
    while let Some(piece) = body.next().await {
        content.extend_from_slice(&piece?);
        if content.len() > wanted {
            // A store that ignores the range sends everything.
            break;
        }
    }
    Ok(Some(content))
}

/// Copies what is not new from `file` to `partial`, and learns of the whole what lies there. Blocks.
///
/// Copying runs a little ahead of hashing. What is hashed is read from the partial: it is what will have the name.
fn put_together(
    file: &OpenFile,
    partial: &Partial,
    delta: &Delta,
    base_chunks: Option<&Chunks>,
) -> StepResult<(Digest, Chunks)> {
    let (there, arrived) = mpsc::sync_channel::<u64>(2);
    thread::scope(|scope| {
        let copying = scope.spawn(move || -> StepResult<()> {
            let mut offset = 0;
            for span in delta.spans() {
                let end = offset + span.size;
                while offset < end {
                    let size = (end - offset).min(COPIED_BYTES);
                    if let Source::Base(from) = span.source {
                        let from = from + span.size - (end - offset);
                        partial.copy_from(file, from, offset, size)?;
                    }
                    offset += size;
                    if there.send(offset).is_err() {
                        // Hashing failed, and says why.
                        return Ok(());
                    }
                }
            }
            Ok(())
        });
        let learned = learn(partial, delta, base_chunks, arrived);
        copying.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        learned
    })
}

/// Hashes what lies in the partial, as far as it is there; chunks are cut only where they are not known.
fn learn(
    partial: &Partial,
    delta: &Delta,
    base_chunks: Option<&Chunks>,
    arrived: mpsc::Receiver<u64>,
) -> StepResult<(Digest, Chunks)> {
    let spans = delta.spans();
    let is_new: Vec<bool> = spans.iter().map(|span| span.source == Source::New).collect();
    let unknown = vec![Chunks::default(); is_new.iter().filter(|is_new| **is_new).count()];
    let base_chunks = base_chunks.filter(|base| delta::chunks_after(base, spans, &unknown).is_some());
    let mut hasher = Hasher::without_md5();
    let mut all = base_chunks.is_none().then(Chunker::new);
    let mut of_span = Chunker::new();
    let mut of_new: Vec<Chunks> = Vec::new();
    let mut buffer = vec![0; CACHED_BYTES];
    let (mut index, mut offset, mut span_end) = (0, 0, spans.first().map_or(0, |span| span.size));
    for upto in arrived {
        while offset < upto {
            let wanted = usize::try_from(upto - offset).unwrap_or(CACHED_BYTES).min(CACHED_BYTES);
            let count = partial.read_at(&mut buffer[..wanted], offset)?;
            if count == 0 {
                return Err(Stop::Again("a partial became shorter".to_owned()));
            }
            let piece = &buffer[..count];
            hasher.update(piece);
            match &mut all {
                Some(chunker) => chunker.update(piece),
                None if is_new[index] => of_span.update(piece),
                None => {}
            }
            offset += count as u64;
        }
        // What is there ends where a span does, or within one: never beyond.
        if offset == span_end {
            if is_new[index] {
                of_new.push(std::mem::take(&mut of_span).finish());
            }
            index += 1;
            span_end += spans.get(index).map_or(0, |span| span.size);
        }
    }
    let known = base_chunks.and_then(|base| delta::chunks_after(base, spans, &of_new));
    let Some(chunks) = all.map(Chunker::finish).or(known) else {
        return Err(Stop::Again("not all was put together".to_owned()));
    };
    Ok((hasher.finish(), chunks))
}
