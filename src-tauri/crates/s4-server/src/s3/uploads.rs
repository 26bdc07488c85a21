//! Answers requests that start, list and give up uploads.

use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use crate::digest::Algorithm;
use crate::s3::Endpoint;
use crate::s3::buckets::owner;
use crate::s3::checksums::checksum_type;
use crate::s3::translate::{Names, for_document, object_headers, page_limit, shown_limit, timestamp};
use crate::storage::{ChecksumKind, NewUpload, UploadPosition};

/// Reads which checksum an upload is to have, and what it covers.
fn algorithm(
    name: Option<&ChecksumAlgorithm>,
    kind: Option<&ChecksumType>,
) -> S3Result<Option<(Algorithm, ChecksumKind)>> {
    let Some(name) = name else {
        return match kind {
            None => Ok(None),
            Some(_) => Err(s3_error!(InvalidRequest, "A checksum type needs a checksum algorithm.")),
        };
    };
    let algorithm = Algorithm::from_name(name.as_str())
        .ok_or_else(|| s3_error!(InvalidRequest, "Checksum algorithm provided is unsupported."))?;
    let kind = match kind.map(ChecksumType::as_str) {
        Some(ChecksumType::FULL_OBJECT) => ChecksumKind::FullObject,
        Some(ChecksumType::COMPOSITE) => ChecksumKind::Composite,
        Some(_) => return Err(s3_error!(InvalidRequest, "Unknown checksum type.")),
        None if algorithm == Algorithm::Crc64Nvme => ChecksumKind::FullObject,
        None => ChecksumKind::Composite,
    };
    match (kind, algorithm.combines(), algorithm == Algorithm::Crc64Nvme) {
        (ChecksumKind::FullObject, true, _) | (ChecksumKind::Composite, _, false) => {
            Ok(Some((algorithm, kind)))
        }
        (ChecksumKind::FullObject, false, _) | (ChecksumKind::Composite, _, true) => Err(s3_error!(
            InvalidRequest,
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            checksum_type(kind).as_str(),
            algorithm.name()
        )),
    }
}

impl Endpoint {
    pub(super) async fn answer_create_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<CreateMultipartUploadOutput> {
        let mut input = request.input;
        let algorithm = algorithm(input.checksum_algorithm.as_ref(), input.checksum_type.as_ref())?;
        let headers = object_headers!(input)?;
        let upload = NewUpload { bucket: input.bucket.clone(), key: input.key.clone(), headers, algorithm };
        let name = self.storage.create_upload(upload).await?;
        Ok(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: for_document(input.key),
            checksum_algorithm: algorithm.map(|(algorithm, _)| named(algorithm)),
            checksum_type: algorithm.map(|(_, kind)| checksum_type(kind)),
            upload_id: Some(name),
            ..Default::default()
        })
    }

    pub(super) async fn answer_abort_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<AbortMultipartUploadOutput> {
        let input = request.input;
        if input.if_match_initiated_time.is_some() {
            return Err(s3_error!(NotImplemented, "The age of an upload can't be a condition here"));
        }
        self.storage.abort_upload(input.bucket, input.key, input.upload_id).await?;
        Ok(AbortMultipartUploadOutput::default())
    }

    pub(super) async fn answer_list_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<ListMultipartUploadsOutput> {
        let input = request.input;
        if input.delimiter.as_ref().is_some_and(|delimiter| !delimiter.is_empty()) {
            return Err(s3_error!(NotImplemented, "Uploads are listed without a delimiter here"));
        }
        let names = Names::new(input.encoding_type.as_ref())?;
        let limit = page_limit(input.max_uploads)?;
        let prefix = input.prefix.unwrap_or_default();
        let after = UploadPosition {
            key: input.key_marker.clone().filter(|marker| !marker.is_empty()),
            upload: input.upload_id_marker.clone().filter(|marker| !marker.is_empty()),
        };
        let mut uploads =
            self.storage.list_uploads(input.bucket.clone(), prefix.clone(), after, limit).await?;
        let is_truncated = uploads.len() > limit;
        uploads.truncate(limit);
        let last = uploads.last().filter(|_| is_truncated);
        Ok(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            prefix: Some(names.write(&prefix)),
            key_marker: Some(names.write(&input.key_marker.unwrap_or_default())),
            upload_id_marker: input.upload_id_marker,
            encoding_type: input.encoding_type,
            max_uploads: shown_limit(limit),
            is_truncated: Some(is_truncated),
            next_key_marker: last.map(|upload| names.write(&upload.key)),
            next_upload_id_marker: last.map(|upload| upload.name.clone()),
            uploads: Some(
                uploads
                    .into_iter()
                    .map(|upload| MultipartUpload {
                        checksum_algorithm: upload.algorithm.map(|(algorithm, _)| named(algorithm)),
                        checksum_type: upload.algorithm.map(|(_, kind)| checksum_type(kind)),
                        initiated: Some(timestamp(upload.initiated)),
                        initiator: None,
                        key: Some(names.write(&upload.key)),
                        owner: Some(owner()),
                        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
                        upload_id: Some(upload.name),
                    })
                    .collect(),
            ),
            ..Default::default()
        })
    }
}

/// Returns the protocol's value for an algorithm.
pub(super) fn named(algorithm: Algorithm) -> ChecksumAlgorithm {
    ChecksumAlgorithm::from_static(algorithm.name())
}
