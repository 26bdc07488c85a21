//! A large object to a partial, by ranges that are fetched side by side.
//!
//! - Every range is pinned to one version, and its reply is compared with what the object was first seen to be: a
//!   store that ignores conditions cannot mix two versions.
//! - Each range is written where it belongs as it comes, and read back to be hashed when everything before it is there.
//!   So hardly anything is held in memory, and what was hashed is what the file holds. Keeping the bytes until their
//!   turn costs more than reading them again: fresh memory for each.
//! - A connection that breaks costs what was under way on it, not the range.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use futures::{FutureExt, StreamExt};
use s4_core::path::RelPath;
use s4_core::remote::{ObjectHead, RemoteObject};
use s4_local::staging::Partial;
use s4_store::error::{StoreError, StoreErrorKind};
use s4_store::store::GetOptions;

use super::aside::aside;
use super::hashing::{Content, ContentHasher, Md5};
use super::resumed::Download;
use crate::session::{Session, StepResult, Stop};

/// The length of a range, in bytes.
const RANGE_BYTES: u64 = 8 << 20;
/// How many ranges of one object are under way at most.
const RANGES: usize = 8;
/// Pieces of a body are gathered to this length before they are written, in bytes.
const WRITE_BYTES: usize = 256 << 10;
/// How much more must have arrived before it is made safe and recorded, in bytes.
const RECORD_BYTES: u64 = 64 << 20;
/// How often a range is asked for again without a byte of it arriving.
const TRIES: u32 = 3;

/// Why it ended early.
pub(super) enum Broken {
    /// As any step.
    Stop(Stop),
    /// The store sends no ranges.
    NoRanges,
}

impl<E> From<E> for Broken
where
    Stop: From<E>,
{
    fn from(error: E) -> Self {
        Self::Stop(error.into())
    }
}

/// What is fetched.
struct Wanted {
    path: RelPath,
    object: RemoteObject,
    head: ObjectHead,
    partial: Arc<Partial>,
}

/// Ranges on their way, in order; each tells where it ends. What a store says is told apart from why a step stops.
type Ahead = FuturesOrdered<BoxFuture<'static, StepResult<Result<u64, StoreError>>>>;

/// Fetches what `download` lacks of the version that `head` tells of; returns what was learned of the whole.
pub(super) async fn fetch(
    session: &Arc<Session>,
    path: &RelPath,
    object: &RemoteObject,
    head: &ObjectHead,
    download: &Download,
) -> Result<Content, Broken> {
    let md5 = if head.crc64nvme.is_none() && head.etag_is_md5 { Md5::Needed } else { Md5::Spared };
    let mut hasher = ContentHasher::new(object.size, md5);
    hasher = download.hash(session, hasher, 0..download.record.durable).await?;
    let (path, object, head) = (path.clone(), object.clone(), head.clone());
    let wanted = Arc::new(Wanted { path, object, head, partial: download.partial.clone() });
    let mut recording = Recording { session, download, from: download.record.durable, under_way: None };
    let fetched = fetch_rest(&wanted, hasher, &mut recording).await;
    // Nobody works on the partial any more when this returns: neither when it has all, nor to give it up.
    let recorded = recording.settled().await;
    let content = fetched?;
    recorded?;
    Ok(content)
}

async fn fetch_rest(
    wanted: &Arc<Wanted>,
    mut hasher: ContentHasher,
    recording: &mut Recording<'_>,
) -> Result<Content, Broken> {
    let (session, download) = (recording.session, recording.download);
    let size = wanted.object.size;
    let (mut hashed, mut next) = (recording.from, recording.from);
    let mut ahead = Ahead::new();
    loop {
        while next < size && ahead.len() < RANGES {
            let range = next..size.min(next + RANGE_BYTES);
            next = range.end;
            let wanted = wanted.clone();
            let fetched = session.spread(move |lane| async move { wanted.range(&lane, range).await });
            ahead.push_back(fetched.boxed());
        }
        let Some(arrived) = ahead.next().await else { break };
        let upto = match arrived? {
            Ok(upto) => upto,
            Err(error) if error.kind == StoreErrorKind::Unsupported => return Err(Broken::NoRanges),
            Err(error) => return Err(error.into()),
        };
        hasher = download.hash(session, hasher, hashed..upto).await?;
        hashed = upto;
        s4_local::failpoint::hit("download:range-written");
        recording.reached(upto, size).await?;
    }
    Ok(hasher.finish())
}

impl Wanted {
    /// Fetches one range and writes it; returns where it ends.
    async fn range(&self, lane: &Arc<Session>, range: Range<u64>) -> StepResult<Result<u64, StoreError>> {
        let (mut at, mut tries) = (range.start, 0);
        while at < range.end {
            let before = at;
            match self.stretch(lane, before..range.end, &mut at).await? {
                Ok(()) => {}
                Err(error) => {
                    tries = if at > before { 0 } else { tries + 1 };
                    if error.kind != StoreErrorKind::Offline || tries == TRIES {
                        return Ok(Err(error));
                    }
                }
            }
        }
        Ok(Ok(range.end))
    }

    /// Asks for a stretch and writes as much of it as comes; `at` moves on with what was written.
    async fn stretch(
        &self,
        lane: &Arc<Session>,
        stretch: Range<u64>,
        at: &mut u64,
    ) -> StepResult<Result<(), StoreError>> {
        let if_match = Some(self.object.etag.clone());
        let options = GetOptions { if_match, range: Some(stretch), ..GetOptions::default() };
        let reply = match lane.store.get(&self.object.key, options).await {
            Ok(reply) => reply,
            Err(error) => return Ok(Err(error)),
        };
        if !is_same_version(&self.head, &reply.head) {
            return Err(Stop::Again("the object was replaced".to_owned()));
        }
        let mut body = reply.body;
        loop {
            let mut gathered: Vec<Bytes> = Vec::new();
            let mut length = 0;
            let ended = loop {
                match body.next().await {
                    Some(Ok(piece)) => {
                        length += piece.len();
                        gathered.push(piece);
                        if length >= WRITE_BYTES {
                            break None;
                        }
                    }
                    Some(Err(error)) => break Some(Err(error)),
                    None => break Some(Ok(())),
                }
            };
            if length > 0 {
                self.write(lane, *at, gathered).await?;
                *at += length as u64;
                lane.moved(&self.path, length as u64);
            }
            if let Some(ended) = ended {
                return Ok(ended);
            }
        }
    }

    async fn write(&self, lane: &Arc<Session>, mut at: u64, gathered: Vec<Bytes>) -> StepResult<()> {
        let partial = self.partial.clone();
        let written = lane.blocking(move |_| -> StepResult<_> {
            for piece in &gathered {
                partial.write_at(piece, at)?;
                at += piece.len() as u64;
            }
            Ok(())
        });
        written.await
    }
}

/// Returns whether the reply to a range is about the version that was seen first. It never tells the whole's checksum.
fn is_same_version(first: &ObjectHead, reply: &ObjectHead) -> bool {
    let same_version = match (&first.version_id, &reply.version_id) {
        (Some(first), Some(reply)) => first == reply,
        (None, _) | (_, None) => true,
    };
    same_version
        && first.etag == reply.etag
        && first.size == reply.size
        && first.last_modified == reply.last_modified
        && first.metadata == reply.metadata
}

/// Makes what arrived safe, beside what is arriving.
struct Recording<'a> {
    session: &'a Arc<Session>,
    download: &'a Download,
    /// How much is on record, or soon will be.
    from: u64,
    under_way: Option<BoxFuture<'static, StepResult<()>>>,
}

impl Recording<'_> {
    /// Tells that all bytes before `upto` were written.
    async fn reached(&mut self, upto: u64, size: u64) -> StepResult<()> {
        // The end is made safe with the file's stamps.
        if upto - self.from < RECORD_BYTES || upto == size {
            return Ok(());
        }
        self.settled().await?;
        self.from = upto;
        let download = self.download.clone();
        let made_durable = self.session.spread(move |lane| async move {
            aside(&lane, move |session| download.make_durable(session, upto)).await
        });
        self.under_way = Some(made_durable.boxed());
        Ok(())
    }

    /// Waits for what is under way.
    async fn settled(&mut self) -> StepResult<()> {
        match self.under_way.take() {
            Some(under_way) => under_way.await,
            None => Ok(()),
        }
    }
}
