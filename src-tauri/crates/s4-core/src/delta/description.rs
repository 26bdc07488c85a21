//! The description of a delta, as other replicas read it, and how several make one.
//!
//! It never trusts a document: one that is not exactly as this version writes it is no delta.

use serde::{Deserialize, Serialize};

use super::{Source, Span, joined};
use crate::remote::ETag;

/// The version of the document that is written, and the only one that is read.
const VERSION: u32 = 1;

/// The most ranges that a document may have.
pub const MAX_RANGES: usize = 20_000;

/// How many deltas are followed, one to the base of the other.
pub const MAX_LINKS: usize = 8;

/// How a content comes from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// The version that it comes from.
    pub base: ETag,
    /// How long that one is, in bytes.
    pub base_size: u64,
    /// CRC-64/NVME of the new content.
    pub crc64nvme: u64,
    /// Its ranges, in order; no two neighbours could be one.
    spans: Vec<Span>,
}

/// Why a document is no delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeltaError {
    /// It was written by another version of S4.
    #[error("it is written in another form")]
    OtherVersion,
    /// A checksum or a tag is none.
    #[error("it names no checksum or no base")]
    Unreadable,
    /// Its ranges are not the whole of the new content, or reach out of the old one.
    #[error("its ranges do not fit")]
    Ranges,
}

/// A delta as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeltaDocument {
    pub(super) version: u32,
    pub(super) base: String,
    pub(super) base_size: u64,
    pub(super) size: u64,
    pub(super) crc64nvme: String,
    ranges: Vec<DocumentRange>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentRange {
    size: u64,
    /// Where it lies in the base; without it, it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<u64>,
}

impl Delta {
    /// Returns the delta that `spans` describe; fails where they do not fit the base.
    pub fn new(base: ETag, base_size: u64, crc64nvme: u64, spans: Vec<Span>) -> Result<Self, DeltaError> {
        let spans = joined(spans, |_, _| true);
        let mut size: u64 = 0;
        for span in &spans {
            size = size.checked_add(span.size).ok_or(DeltaError::Ranges)?;
            if let Source::Base(from) = span.source {
                let end = from.checked_add(span.size).ok_or(DeltaError::Ranges)?;
                if end > base_size {
                    return Err(DeltaError::Ranges);
                }
            }
        }
        if spans.len() > MAX_RANGES || spans.iter().any(|span| span.size == 0) {
            return Err(DeltaError::Ranges);
        }
        Ok(Self { base, base_size, crc64nvme, spans })
    }

    /// Returns how long the new content is, in bytes.
    pub fn size(&self) -> u64 {
        self.spans.iter().map(|span| span.size).sum()
    }

    /// Returns the ranges of the new content, in order.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Returns how the content comes from the base of `older`, which describes this one's base.
    ///
    /// What is new in `older` is new in the whole: it lies in the latest content only.
    pub fn onto(&self, older: &Delta) -> Result<Delta, DeltaError> {
        if older.size() != self.base_size {
            return Err(DeltaError::Ranges);
        }
        let mut ends = Vec::with_capacity(older.spans.len());
        let mut end = 0;
        for span in &older.spans {
            end += span.size;
            ends.push(end);
        }
        let mut spans = Vec::new();
        for span in &self.spans {
            let Source::Base(from) = span.source else {
                spans.push(*span);
                continue;
            };
            let (mut at, until) = (from, from + span.size);
            while at < until {
                let index = ends.partition_point(|end| *end <= at);
                let (Some(under), Some(under_end)) = (older.spans.get(index), ends.get(index)) else {
                    return Err(DeltaError::Ranges);
                };
                let size = until.min(*under_end) - at;
                let source = match under.source {
                    Source::New => Source::New,
                    Source::Base(start) => Source::Base(start + at - (under_end - under.size)),
                };
                spans.push(Span { size, source });
                at += size;
                if spans.len() > MAX_RANGES {
                    return Err(DeltaError::Ranges);
                }
            }
        }
        Delta::new(older.base.clone(), older.base_size, self.crc64nvme, spans)
    }
}

impl From<&Delta> for DeltaDocument {
    fn from(delta: &Delta) -> Self {
        let range = |span: &Span| DocumentRange {
            size: span.size,
            from: match span.source {
                Source::New => None,
                Source::Base(from) => Some(from),
            },
        };
        Self {
            version: VERSION,
            base: delta.base.as_str().to_owned(),
            base_size: delta.base_size,
            size: delta.size(),
            crc64nvme: format!("{:016x}", delta.crc64nvme),
            ranges: delta.spans.iter().map(range).collect(),
        }
    }
}

impl TryFrom<DeltaDocument> for Delta {
    type Error = DeltaError;

    fn try_from(document: DeltaDocument) -> Result<Self, DeltaError> {
        if document.version != VERSION {
            return Err(DeltaError::OtherVersion);
        }
        let is_plain = document.crc64nvme.bytes().all(|byte| byte.is_ascii_hexdigit());
        if document.base.is_empty() || document.crc64nvme.len() != 16 || !is_plain {
            return Err(DeltaError::Unreadable);
        }
        let crc64nvme = u64::from_str_radix(&document.crc64nvme, 16).map_err(|_| DeltaError::Unreadable)?;
        if document.ranges.len() > MAX_RANGES {
            return Err(DeltaError::Ranges);
        }
        let span = |range: &DocumentRange| Span {
            size: range.size,
            source: range.from.map_or(Source::New, Source::Base),
        };
        let spans = document.ranges.iter().map(span).collect();
        let delta = Delta::new(ETag::new(&document.base), document.base_size, crc64nvme, spans)?;
        if delta.size() != document.size {
            return Err(DeltaError::Ranges);
        }
        Ok(delta)
    }
}
