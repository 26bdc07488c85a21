//! Answers requests about the parts of uploads.

use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use crate::digest::Algorithm;
use crate::s3::Endpoint;
use crate::s3::checksums::{Shown, checksum_type, show_checksums};
use crate::s3::claims::Claims;
use crate::s3::copy::source;
use crate::s3::translate::{etag, for_document, page_limit, read_condition, shown_limit, signed, timestamp};
use crate::s3::uploads::named;
use crate::storage::{Checksums, PartSource, Placement, UploadRow, receive};

fn part_number(number: i32) -> S3Result<u32> {
    match u32::try_from(number) {
        Ok(number @ 1..=10_000) => Ok(number),
        Ok(_) | Err(_) => {
            Err(s3_error!(InvalidArgument, "Part number must be an integer between 1 and 10000, inclusive"))
        }
    }
}

/// Returns the algorithm that a part's value is kept for, if it may be the one the client chose.
fn kept_algorithm(upload: &UploadRow, claims: &Claims) -> S3Result<Option<Algorithm>> {
    match (upload.algorithm.map(|(algorithm, _)| algorithm), claims.algorithm()) {
        (Some(expected), Some(given)) if expected != given => Err(s3_error!(
            InvalidRequest,
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            expected.name(),
            given.name()
        )),
        (expected, given) => Ok(expected.or(given)),
    }
}

/// Reads a range of a source. It has both ends, unlike that of a GET.
fn source_range(text: &str) -> S3Result<std::ops::Range<u64>> {
    let parsed = text.strip_prefix("bytes=").and_then(|range| {
        let (first, last) = range.split_once('-')?;
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        (first <= last && last < u64::MAX).then_some(first..last + 1)
    });
    parsed.ok_or_else(|| {
        s3_error!(
            InvalidArgument,
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy"
        )
    })
}

impl Endpoint {
    pub(super) async fn answer_upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<UploadPartOutput> {
        let claims = Claims::read(&request.headers, request.trailing_headers.as_ref())?;
        let input = request.input;
        let number = part_number(input.part_number)?;
        let body = input.body.ok_or_else(|| s3_error!(IncompleteBody, "There is no body."))?;
        let upload = self.storage.upload(&input.bucket, &input.key, &input.upload_id)?;
        let kept = kept_algorithm(&upload, &claims)?;
        let received = receive(self.storage.blobs(), body, claims.digester(kept), Placement::Blob).await?;
        claims.verify(&received.digests)?;
        let checksums = Checksums::of(&received.digests, kept)?;
        let shown = Shown::new(&checksums, self.shown_checksums);
        let target = (input.bucket, input.key, input.upload_id);
        let part = self.storage.put_part(target, number, checksums, received).await?;
        let mut output = UploadPartOutput { e_tag: Some(etag(&part.etag)), ..Default::default() };
        // What a part's checksum covers goes without saying.
        let _ = show_checksums!(output, shown);
        Ok(output)
    }

    pub(super) async fn answer_copy_part(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<UploadPartCopyOutput> {
        let mut input = request.input;
        let number = part_number(input.part_number)?;
        let range = input.copy_source_range.as_deref().map(source_range).transpose()?;
        let condition = read_condition(
            input.copy_source_if_match.take(),
            input.copy_source_if_none_match.take(),
            input.copy_source_if_modified_since.as_ref(),
            input.copy_source_if_unmodified_since.as_ref(),
        );
        let source = source(&request.extensions, condition)?;
        let bucket = self.storage.bucket(&source.bucket)?;
        let upload = self.storage.upload(&input.bucket, &input.key, &input.upload_id)?;
        let from = PartSource { source, range, algorithm: upload.algorithm.map(|(algorithm, _)| algorithm) };
        let target = (input.bucket, input.key, input.upload_id);
        let (part, checksums, row) = self.storage.copy_part(target, number, &from).await?;
        let mut result = CopyPartResult {
            e_tag: Some(etag(&part.etag)),
            last_modified: Some(timestamp(part.modified)),
            ..Default::default()
        };
        let _ = show_checksums!(result, Shown::new(&checksums, self.shown_checksums));
        Ok(UploadPartCopyOutput {
            copy_part_result: Some(result),
            copy_source_version_id: bucket.versioning.shown(&row.version).map(|version| version.to_string()),
            ..Default::default()
        })
    }

    pub(super) async fn answer_list_parts(
        &self,
        request: S3Request<ListPartsInput>,
    ) -> S3Result<ListPartsOutput> {
        let input = request.input;
        let limit = page_limit(input.max_parts)?;
        let after = u32::try_from(input.part_number_marker.unwrap_or(0)).unwrap_or(0);
        let target = (input.bucket.clone(), input.key.clone(), input.upload_id.clone());
        let (upload, mut parts) = self.storage.list_parts(target, after, limit).await?;
        let is_truncated = parts.len() > limit;
        parts.truncate(limit);
        let last = parts.last().map(|part| part.number).and_then(|number| i32::try_from(number).ok());
        let shown = parts.into_iter().map(|row| {
            let mut part = Part {
                e_tag: Some(etag(&row.etag)),
                last_modified: Some(timestamp(row.modified)),
                part_number: i32::try_from(row.number).ok(),
                size: signed(row.size),
                ..Default::default()
            };
            let _ = show_checksums!(part, Shown::new(&row.checksums, self.shown_checksums));
            part
        });
        Ok(ListPartsOutput {
            bucket: Some(input.bucket),
            key: for_document(input.key),
            upload_id: Some(input.upload_id),
            checksum_algorithm: upload.algorithm.map(|(algorithm, _)| named(algorithm)),
            checksum_type: upload.algorithm.map(|(_, kind)| checksum_type(kind)),
            is_truncated: Some(is_truncated),
            max_parts: shown_limit(limit),
            next_part_number_marker: last.filter(|_| is_truncated),
            part_number_marker: input.part_number_marker,
            parts: Some(shown.collect()),
            storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
            ..Default::default()
        })
    }
}
