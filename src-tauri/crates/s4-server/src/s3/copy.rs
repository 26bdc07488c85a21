//! Answers CopyObject.

use hyper::HeaderMap;
use hyper::http::Extensions;
use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use crate::condition::ReadCondition;
use crate::digest::Algorithm;
use crate::s3::Endpoint;
use crate::s3::checksums::{Shown, show_checksums};
use crate::s3::translate::{etag, object_headers, read_condition, timestamp, write_condition};
use crate::storage::{self, Copy, NewHeaders, StorageError, VersionId};

/// The source that the request names, read apart from the protocol layer: that one refuses buckets with
/// names of two letters.
#[derive(Debug, Clone)]
pub(crate) struct NamedSource {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) version: Option<VersionId>,
}

/// Returns the source of a copy, with its conditions.
pub(super) fn source(extensions: &Extensions, condition: ReadCondition) -> S3Result<storage::CopySource> {
    let named: &NamedSource = extensions
        .get()
        .ok_or_else(|| s3_error!(InvalidArgument, "x-amz-copy-source must name a bucket and a key"))?;
    Ok(storage::CopySource {
        bucket: named.bucket.clone(),
        key: named.key.clone(),
        version: named.version.clone(),
        condition,
    })
}

/// Reads a condition on the destination: the protocol layer has no fields for those of a copy.
fn destination(headers: &HeaderMap, name: &str) -> S3Result<Option<ETagCondition>> {
    headers
        .get(name)
        .map(|value| ETagCondition::parse_http_header(value.as_bytes()))
        .transpose()
        .map_err(|error| s3_error!(error, InvalidArgument, "The value of {name} can't be read"))
}

impl Endpoint {
    pub(super) async fn answer_copy(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<CopyObjectOutput> {
        let if_match = destination(&request.headers, "if-match")?;
        let if_none_match = destination(&request.headers, "if-none-match")?;
        let mut input = request.input;
        let source = source(
            &request.extensions,
            read_condition(
                input.copy_source_if_match.take(),
                input.copy_source_if_none_match.take(),
                input.copy_source_if_modified_since.as_ref(),
                input.copy_source_if_unmodified_since.as_ref(),
            ),
        )?;
        let directive = input.metadata_directive.as_ref().map(MetadataDirective::as_str);
        let headers = match directive {
            Some(MetadataDirective::REPLACE) => NewHeaders::Replaced(object_headers!(input)?),
            Some(MetadataDirective::COPY) | None => NewHeaders::AsSource,
            Some(_) => return Err(s3_error!(InvalidArgument, "Unknown metadata directive.")),
        };
        let is_itself = source.bucket == input.bucket && source.key == input.key && source.version.is_none();
        if is_itself && matches!(headers, NewHeaders::AsSource) {
            return Err(s3_error!(
                InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes."
            ));
        }
        let algorithm =
            match &input.checksum_algorithm {
                None => None,
                Some(name) => Some(Algorithm::from_name(name.as_str()).ok_or_else(|| {
                    s3_error!(InvalidRequest, "Checksum algorithm provided is unsupported.")
                })?),
            };
        let condition = write_condition(if_match, if_none_match);
        let copy = Copy { source, bucket: input.bucket, key: input.key, headers, condition, checksums: None };
        let copied = self.copy(copy, algorithm).await?;
        let mut result = CopyObjectResult {
            e_tag: Some(etag(&copied.put.etag)),
            last_modified: Some(timestamp(copied.modified)),
            ..Default::default()
        };
        if let Some(checksums) = &copied.checksums {
            result.checksum_type = show_checksums!(result, Shown::new(checksums, self.shown_checksums));
        }
        Ok(CopyObjectOutput {
            copy_object_result: Some(result),
            copy_source_version_id: copied.source_version.map(|version| version.to_string()),
            version_id: copied.put.version.map(|version| version.to_string()),
            ..Default::default()
        })
    }

    async fn copy(&self, copy: Copy, algorithm: Option<Algorithm>) -> Result<storage::Copied, StorageError> {
        loop {
            let mut attempt = copy.clone();
            if let Some(algorithm) = algorithm {
                attempt.checksums = Some(self.storage.digest_source(&copy.source, algorithm).await?);
            }
            if let Some(copied) = self.storage.copy(attempt).await? {
                return Ok(copied);
            }
        }
    }
}
