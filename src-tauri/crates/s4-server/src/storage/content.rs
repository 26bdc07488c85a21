//! Contents as the index names them, and the streams that read them.
//!
//! - A stream has exactly the length asked for, or ends in an error.
//! - Reading happens off the async threads, one chunk ahead of the reader.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::pin::Pin as StdPin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::Stream;
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::storage::StorageError;
use crate::storage::blobs::{BlobId, Blobs, Pin};
use crate::storage::ingest::Inlined;
use crate::storage::writer::Change;

use std::sync::Arc;

/// Bytes read at once.
const CHUNK: u64 = 512 * 1024;

/// A part of a content, ready to be read. Its blobs stay until it, and what was made of it, is dropped.
pub(crate) enum Slice {
    Inline(Bytes),
    Blobs { segments: VecDeque<Segment>, pin: Pin, length: u64 },
}

/// A range of a blob.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    pub(super) blob: BlobId,
    pub(super) start: u64,
    pub(super) length: u64,
}

impl Slice {
    /// Looks a range of an owner's content up. Call it while blobs are held.
    pub(super) fn look_up(
        connection: &Connection,
        blobs: &Arc<Blobs>,
        owner: i64,
        range: Range<u64>,
    ) -> Result<Self, StorageError> {
        if let Some(bytes) = inline(connection, owner)? {
            let range = to_usize(range.start)?..to_usize(range.end)?;
            let bytes = Bytes::from(bytes);
            return match bytes.get(range.clone()) {
                Some(_) => Ok(Self::Inline(bytes.slice(range))),
                None => Err(StorageError::Corrupt(format!("content {owner} is too short"))),
            };
        }
        let segments = cut(&segments(connection, owner)?, range.clone());
        let length = segments.iter().map(|segment| segment.length).sum();
        if length != range.end - range.start {
            return Err(StorageError::Corrupt(format!("content {owner} is too short")));
        }
        let pin = blobs.pin(segments.iter().map(|segment| segment.blob).collect());
        Ok(Self::Blobs { segments: segments.into(), pin, length })
    }

    /// Returns the ranges of blobs it is made of, or the bytes themselves.
    pub(super) fn segments(&self) -> Result<Vec<Segment>, Bytes> {
        match self {
            Self::Inline(bytes) => Err(bytes.clone()),
            Self::Blobs { segments, .. } => Ok(segments.iter().copied().collect()),
        }
    }

    /// Reads it to the end, chunk by chunk. Blocks.
    pub(super) fn read_all(self, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        match self {
            Self::Inline(bytes) => each(&bytes),
            Self::Blobs { segments, pin, .. } => {
                let mut reader = Reader { segments, pin, open: None };
                while let Some(chunk) = reader.next()? {
                    each(&chunk);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn into_stream(self) -> ContentStream {
        match self {
            Self::Inline(bytes) => {
                let remaining = bytes.len() as u64;
                ContentStream { remaining, state: State::Inline(bytes) }
            }
            Self::Blobs { segments, pin, length } => {
                let reader = Reader { segments, pin, open: None };
                ContentStream { remaining: length, state: State::start(reader) }
            }
        }
    }
}

fn to_usize(number: u64) -> Result<usize, StorageError> {
    usize::try_from(number).map_err(|_| StorageError::Corrupt("a size is out of bounds".to_owned()))
}

/// Returns the parts of the segments that a range covers.
fn cut(segments: &[Segment], range: Range<u64>) -> Vec<Segment> {
    let mut found = Vec::new();
    let mut position = 0;
    for segment in segments {
        let end = position + segment.length;
        let (from, to) = (range.start.max(position), range.end.min(end));
        if from < to {
            found.push(Segment {
                blob: segment.blob,
                start: segment.start + (from - position),
                length: to - from,
            });
        }
        position = end;
    }
    found
}

fn inline(connection: &Connection, owner: i64) -> Result<Option<Vec<u8>>, StorageError> {
    let mut statement = connection.prepare_cached("SELECT bytes FROM inline WHERE owner = ?")?;
    Ok(statement.query_row([owner], |row| row.get(0)).optional()?)
}

fn segments(connection: &Connection, owner: i64) -> Result<Vec<Segment>, StorageError> {
    let mut statement = connection
        .prepare_cached("SELECT blob, start, length FROM segment WHERE owner = ? ORDER BY ordinal")?;
    let rows = statement.query_map([owner], |row| {
        Ok(Segment { blob: row.get(0)?, start: row.get(1)?, length: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Writes a received content into the index.
pub(super) fn insert(
    change: &Change<'_>,
    owner: i64,
    content: &Inlined,
    length: u64,
) -> Result<(), StorageError> {
    match content {
        Inlined::Bytes(bytes) if bytes.is_empty() => {}
        Inlined::Bytes(bytes) => {
            change
                .connection
                .prepare_cached("INSERT INTO inline (owner, bytes) VALUES (?, ?)")?
                .execute(params![owner, bytes])?;
        }
        Inlined::Blob(_) if length == 0 => {}
        Inlined::Blob(blob) => {
            insert_segments(change, owner, &[Segment { blob: *blob, start: 0, length }])?;
        }
    }
    Ok(())
}

/// Makes ranges of existing blobs the content of an owner.
pub(super) fn insert_segments(
    change: &Change<'_>,
    owner: i64,
    segments: &[Segment],
) -> Result<(), StorageError> {
    let mut statement = change
        .connection
        .prepare_cached("INSERT INTO segment (owner, ordinal, blob, start, length) VALUES (?, ?, ?, ?, ?)")?;
    for (ordinal, segment) in segments.iter().enumerate() {
        statement.execute(params![owner, ordinal, segment.blob, segment.start, segment.length])?;
    }
    Ok(())
}

/// Gives a second owner the same content, without copying a blob.
pub(super) fn share(change: &Change<'_>, from: i64, to: i64) -> Result<(), StorageError> {
    change
        .connection
        .prepare_cached("INSERT INTO inline (owner, bytes) SELECT ?2, bytes FROM inline WHERE owner = ?1")?
        .execute([from, to])?;
    change
        .connection
        .prepare_cached(
            "INSERT INTO segment (owner, ordinal, blob, start, length)
             SELECT ?2, ordinal, blob, start, length FROM segment WHERE owner = ?1",
        )?
        .execute([from, to])?;
    Ok(())
}

/// Appends a part's segments to those of the object that the parts become; returns how many there are now.
pub(super) fn move_segments(
    change: &Change<'_>,
    from: i64,
    to: i64,
    count: i64,
) -> Result<i64, StorageError> {
    let moved = change
        .connection
        .prepare_cached("UPDATE segment SET owner = ?2, ordinal = ordinal + ?3 WHERE owner = ?1")?
        .execute([from, to, count])?;
    Ok(count + i64::try_from(moved).unwrap_or(0))
}

/// Takes an owner's content out of the index.
pub(super) fn remove(change: &mut Change<'_>, owner: i64) -> Result<(), StorageError> {
    let removed = change.connection.prepare_cached("DELETE FROM inline WHERE owner = ?")?.execute([owner])?;
    if removed == 0 {
        let blobs = segments(change.connection, owner)?;
        change.connection.prepare_cached("DELETE FROM segment WHERE owner = ?")?.execute([owner])?;
        change.free(blobs.into_iter().map(|segment| segment.blob));
    }
    Ok(())
}

struct Reader {
    segments: VecDeque<Segment>,
    pin: Pin,
    open: Option<(File, u64)>,
}

impl Reader {
    fn next(&mut self) -> io::Result<Option<Bytes>> {
        let (mut file, left) = match self.open.take() {
            Some(open) => open,
            None => {
                let Some(segment) = self.segments.pop_front() else { return Ok(None) };
                let mut file = self.pin.open_blob(segment.blob)?;
                file.seek(SeekFrom::Start(segment.start))?;
                (file, segment.length)
            }
        };
        let wanted = left.min(CHUNK);
        let mut bytes = Vec::with_capacity(usize::try_from(wanted).unwrap_or(0));
        (&mut file).take(wanted).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < wanted {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "a blob is shorter than the index says",
            ));
        }
        if left > wanted {
            self.open = Some((file, left - wanted));
        }
        Ok(Some(bytes.into()))
    }
}

/// Reads a slice piece by piece.
pub(crate) struct ContentStream {
    remaining: u64,
    state: State,
}

enum State {
    Inline(Bytes),
    Reading(JoinHandle<(Reader, io::Result<Option<Bytes>>)>),
    Ended,
}

impl State {
    fn start(mut reader: Reader) -> Self {
        Self::Reading(spawn_blocking(move || {
            let chunk = reader.next();
            (reader, chunk)
        }))
    }
}

impl ContentStream {
    /// Returns how many bytes are still to come.
    pub(crate) fn remaining(&self) -> u64 {
        self.remaining
    }
}

impl Stream for ContentStream {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: StdPin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = match &mut self.state {
            State::Ended => return Poll::Ready(None),
            State::Inline(bytes) => {
                let bytes = std::mem::take(bytes);
                self.state = State::Ended;
                (!bytes.is_empty()).then_some(Ok(bytes))
            }
            State::Reading(task) => match ready!(StdPin::new(task).poll(context)) {
                Ok((reader, Ok(Some(chunk)))) => {
                    self.state = State::start(reader);
                    Some(Ok(chunk))
                }
                Ok((_, Ok(None))) => {
                    self.state = State::Ended;
                    None
                }
                Ok((_, Err(error))) => {
                    self.state = State::Ended;
                    Some(Err(error))
                }
                Err(_) => {
                    self.state = State::Ended;
                    Some(Err(io::Error::other("the server is shutting down")))
                }
            },
        };
        if let Some(Ok(bytes)) = &chunk {
            self.remaining -= bytes.len() as u64;
        }
        Poll::Ready(chunk)
    }
}
