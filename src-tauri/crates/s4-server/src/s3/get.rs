//! Answers GetObject and HeadObject, with ranges, parts and conditions.
//!
//! - An answer that holds part of an object shows no checksum: clients would check the part against it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use s3s::dto::*;
use s3s::stream::{ByteStream, RemainingLength};
use s3s::{S3Request, S3Result, StdError, s3_error};

use crate::condition::ReadCondition;
use crate::s3::Endpoint;
use crate::s3::checksums::{Shown, show_checksums};
use crate::s3::translate::{etag, read_condition, signed, timestamp, version};
use crate::storage::{ContentStream, StorageError, VersionRow};

/// What of an object is asked for.
#[derive(Debug, Clone, Copy)]
enum Extent {
    Whole,
    Range(Range),
    Part(u32),
}

impl Extent {
    fn new(range: Option<Range>, part: Option<i32>) -> S3Result<Self> {
        match (range, part) {
            (None, None) => Ok(Self::Whole),
            (Some(range), None) => Ok(Self::Range(range)),
            (None, Some(part)) => match u32::try_from(part) {
                Ok(part @ 1..=10_000) => Ok(Self::Part(part)),
                Ok(_) | Err(_) => Err(s3_error!(InvalidArgument, "A part number is from 1 to 10000")),
            },
            (Some(_), Some(_)) => Err(s3_error!(
                InvalidRequest,
                "Cannot specify both Range header and partNumber query parameter"
            )),
        }
    }

    fn of(self, row: &VersionRow) -> Result<std::ops::Range<u64>, StorageError> {
        let refuse = StorageError::RangeNotSatisfiable { size: row.size };
        match self {
            Self::Whole => Ok(0..row.size),
            // Nothing can be taken from the end of nothing, though the arithmetic would allow it.
            Self::Range(_) if row.size == 0 => Err(refuse),
            Self::Range(range) => range.check(row.size).map_err(|_| refuse),
            Self::Part(number) => row.part_range(number).ok_or(refuse),
        }
    }

    fn content_range(self, range: &std::ops::Range<u64>, size: u64) -> Option<String> {
        match self {
            Self::Whole => None,
            // The form of a range has no way to say "nothing", as the only part of an empty object is.
            Self::Part(_) if range.is_empty() => None,
            Self::Range(_) | Self::Part(_) => {
                Some(format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1)))
            }
        }
    }
}

/// Fills the fields that both answers have.
macro_rules! describe {
    ($output:expr, $row:expr, $bucket:expr, $extent:expr, $range:expr) => {{
        let row: &VersionRow = $row;
        $output.accept_ranges = Some("bytes".to_owned());
        $output.content_length = signed($range.end - $range.start);
        $output.content_range = $extent.content_range(&$range, row.size);
        $output.e_tag = Some(etag(&row.etag));
        $output.last_modified = Some(timestamp(row.modified));
        $output.version_id = $bucket.versioning.shown(&row.version).map(|version| version.to_string());
        $output.content_type =
            Some(row.headers.content_type.clone().unwrap_or_else(|| "binary/octet-stream".to_owned()));
        $output.content_encoding = row.headers.content_encoding.clone();
        $output.content_language = row.headers.content_language.clone();
        $output.content_disposition = row.headers.content_disposition.clone();
        $output.cache_control = row.headers.cache_control.clone();
        $output.expires =
            row.headers.expires.map(|millis| timestamp(crate::moment::Moment::from_millis(millis)));
        $output.metadata = (!row.headers.metadata.is_empty()).then(|| {
            row.headers.metadata.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
        });
        if let Extent::Part(_) = $extent {
            $output.parts_count = row.part_count().and_then(|count| i32::try_from(count).ok());
        }
    }};
}

impl Endpoint {
    pub(super) async fn answer_get(&self, request: S3Request<GetObjectInput>) -> S3Result<GetObjectOutput> {
        let input = request.input;
        let extent = Extent::new(input.range, input.part_number)?;
        let condition = read_condition(
            input.if_match,
            input.if_none_match,
            input.if_modified_since.as_ref(),
            input.if_unmodified_since.as_ref(),
        );
        let wanted = version(input.version_id);
        let (bucket, row, slice) =
            self.storage
                .open_object(&input.bucket, &input.key, wanted.as_ref(), &condition, |row| extent.of(row))?;
        let range = extent.of(&row)?;
        let mut output = GetObjectOutput::default();
        describe!(output, &row, bucket, extent, range);
        if let Some(shown) = self.checksums_of(&row, input.checksum_mode.as_ref(), extent) {
            output.checksum_type = show_checksums!(output, shown);
        }
        output.body = Some(StreamingBlob::new(Announced(slice.into_stream())));
        Ok(output)
    }

    pub(super) async fn answer_head(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<HeadObjectOutput> {
        let input = request.input;
        let extent = Extent::new(input.range, input.part_number)?;
        let condition = read_condition(
            input.if_match,
            input.if_none_match,
            input.if_modified_since.as_ref(),
            input.if_unmodified_since.as_ref(),
        );
        let wanted = version(input.version_id);
        let (bucket, row) = self.storage.head(&input.bucket, &input.key, wanted.as_ref(), &condition)?;
        let range = extent.of(&row)?;
        let mut output = HeadObjectOutput::default();
        describe!(output, &row, bucket, extent, range);
        if let Some(shown) = self.checksums_of(&row, input.checksum_mode.as_ref(), extent) {
            output.checksum_type = show_checksums!(output, shown);
        }
        Ok(output)
    }

    /// Answers with no tags for any object that exists: some clients ask before they copy.
    pub(super) async fn answer_tags(
        &self,
        request: S3Request<GetObjectTaggingInput>,
    ) -> S3Result<GetObjectTaggingOutput> {
        let input = request.input;
        let wanted = version(input.version_id);
        let (bucket, row) =
            self.storage.head(&input.bucket, &input.key, wanted.as_ref(), &ReadCondition::default())?;
        let shown = bucket.versioning.shown(&row.version);
        Ok(GetObjectTaggingOutput {
            tag_set: Vec::new(),
            version_id: shown.map(|version| version.to_string()),
        })
    }

    fn checksums_of(&self, row: &VersionRow, mode: Option<&ChecksumMode>, extent: Extent) -> Option<Shown> {
        let is_wanted = mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED);
        match extent {
            Extent::Whole if is_wanted => {
                row.checksums.as_ref().map(|checksums| Shown::new(checksums, self.shown_checksums))
            }
            Extent::Whole | Extent::Range(_) | Extent::Part(_) => None,
        }
    }
}

/// A stream of known length, so that the answer can announce it.
struct Announced(ContentStream);

impl Stream for Announced {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(context).map_err(|error| {
            // The status is out already: all that can be done is to break the answer off.
            tracing::error!(%error, "a content can't be read");
            Box::new(error) as StdError
        })
    }
}

impl ByteStream for Announced {
    fn remaining_length(&self) -> RemainingLength {
        RemainingLength::new_exact(usize::try_from(self.0.remaining()).unwrap_or(usize::MAX))
    }
}
