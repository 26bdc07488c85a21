//! What need not move: which ranges of a new content lie in an old one, as a layout to upload by and as a description
//! for others to download by.
//!
//! - [`spans`] compares lists of chunks; [`parts`] makes of it what S3 takes as parts of an upload.
//! - A [`Delta`] describes the same for other replicas. It lies in the bucket, where anybody may write: it is taken
//!   only if its ranges tile the new content exactly and stay within the old one, and what is built by it counts only
//!   if the checksum of the whole says so.
//! - Chunks are compared by BLAKE3, but nothing here is proof of content. Whoever builds by it compares the whole.

mod description;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::chunk::{Chunk, Chunks};

pub use description::{Delta, DeltaDocument, DeltaError, MAX_LINKS, MAX_RANGES};

/// The most that one part sends and copies, in bytes; the next ones where there would be too many parts.
///
/// What is sent is held in memory as a whole. S3 copies up to 5 GiB at once, but one request after the other, and says
/// nothing meanwhile: a few that go side by side are done sooner.
const MOST: [(u64, u64); 3] = [(16 << 20, 256 << 20), (32 << 20, 1 << 30), (32 << 20, 5 << 30)];
/// The most parts that an object may have.
const MAX_PARTS: usize = 10_000;
/// At least one byte in so many must stay where it is: else the whole is sent, which asks for less.
const WORTH: u64 = 4;

/// Where the bytes of a span come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// They are new.
    New,
    /// They lie in the base, from this offset on.
    Base(u64),
}

/// One range of a new content; it begins where the span before it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// How long it is, in bytes.
    pub size: u64,
    /// Where its bytes come from.
    pub source: Source,
}

impl Span {
    /// Returns whether `next` goes on where this one ends, from the same source.
    fn goes_on_in(&self, next: &Span) -> bool {
        match (self.source, next.source) {
            (Source::New, Source::New) => true,
            (Source::Base(from), Source::Base(then)) => from.checked_add(self.size) == Some(then),
            (Source::New, Source::Base(_)) | (Source::Base(_), Source::New) => false,
        }
    }
}

/// One part of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeltaPart {
    /// Its bytes in the new content.
    pub range: Range<u64>,
    /// Where they come from.
    pub source: Source,
}

/// Returns which chunks of `new` lie in `base` as well, one span for each chunk.
fn chunk_spans(base: &Chunks, new: &Chunks) -> Vec<Span> {
    let mut places: BTreeMap<&Chunk, Vec<u64>> = BTreeMap::new();
    let mut offset = 0;
    for chunk in &base.0 {
        places.entry(chunk).or_default().push(offset);
        offset += u64::from(chunk.size);
    }
    let mut next_in_base = None;
    new.0
        .iter()
        .map(|chunk| {
            let size = u64::from(chunk.size);
            let Some(places) = places.get(chunk) else {
                next_in_base = None;
                return Span { size, source: Source::New };
            };
            // Of equal chunks the one that goes on where the last ended: neighbours are copied as one.
            let from = next_in_base.filter(|next| places.binary_search(next).is_ok()).unwrap_or(places[0]);
            next_in_base = Some(from + size);
            Span { size, source: Source::Base(from) }
        })
        .collect()
}

/// Returns which ranges of `new` lie in `base` as well; neighbours are one.
pub fn spans(base: &Chunks, new: &Chunks) -> Vec<Span> {
    joined(chunk_spans(base, new), |_, _| true)
}

/// Returns the parts by which `new` is uploaded with the least sent; `None` if sending the whole is better.
///
/// Each part but the last has at least 5 MiB, because each chunk has.
pub fn parts(base: &Chunks, new: &Chunks) -> Option<Vec<DeltaPart>> {
    let spans = chunk_spans(base, new);
    if !is_worth(&spans) {
        return None;
    }
    MOST.iter().find_map(|(most_sent, most_copied)| {
        let joined = joined(spans.clone(), |joined, next| {
            let most = if joined.source == Source::New { most_sent } else { most_copied };
            joined.size + next.size <= *most
        });
        (joined.len() <= MAX_PARTS).then(|| placed(&joined))
    })
}

/// Returns whether enough of the content stays where it is.
pub fn is_worth(spans: &[Span]) -> bool {
    let size: u64 = spans.iter().map(|span| span.size).sum();
    let kept: u64 = spans.iter().filter(|span| span.source != Source::New).map(|span| span.size).sum();
    kept > 0 && kept >= size / WORTH
}

/// Joins neighbours that go on in each other, as far as `may_join` allows.
fn joined(spans: Vec<Span>, may_join: impl Fn(&Span, &Span) -> bool) -> Vec<Span> {
    let mut joined: Vec<Span> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if last.goes_on_in(&span) && may_join(last, &span) => last.size += span.size,
            Some(_) | None => joined.push(span),
        }
    }
    joined
}

fn placed(spans: &[Span]) -> Vec<DeltaPart> {
    let mut offset = 0;
    let place = |span: &Span| {
        let range = offset..offset + span.size;
        offset = range.end;
        DeltaPart { range, source: span.source }
    };
    spans.iter().map(place).collect()
}

/// Returns the chunks of a content that was built from `base` by `spans`, given the chunks of its new spans, in order.
///
/// `None` if what is copied does not begin and end where chunks do: then only reading it again tells.
pub fn chunks_after(base: &Chunks, spans: &[Span], new: &[Chunks]) -> Option<Chunks> {
    let mut starts = BTreeMap::new();
    let mut offset = 0;
    for (index, chunk) in base.0.iter().enumerate() {
        starts.insert(offset, index);
        offset += u64::from(chunk.size);
    }
    starts.insert(offset, base.0.len());
    let mut new = new.iter();
    let mut chunks = Vec::new();
    for span in spans {
        match span.source {
            Source::New => chunks.extend(&new.next()?.0),
            Source::Base(from) => {
                let first = *starts.get(&from)?;
                let last = *starts.get(&from.checked_add(span.size)?)?;
                chunks.extend(base.0.get(first..last)?);
            }
        }
    }
    Some(Chunks(chunks))
}
