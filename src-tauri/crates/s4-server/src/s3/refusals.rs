//! Words the storage's refusals as S3 errors. Exhaustive, so that a new refusal must get its wording.

use hyper::header::{CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED};
use s3s::dto::{Timestamp, TimestampFormat};
use s3s::{S3Error, S3ErrorCode, s3_error};

use crate::moment::Moment;
use crate::storage::{IngestError, StorageError, VersionId};

impl From<StorageError> for S3Error {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NoSuchBucket => s3_error!(NoSuchBucket, "The specified bucket does not exist"),
            StorageError::BucketExists => s3_error!(BucketAlreadyOwnedByYou, "You own this bucket already"),
            StorageError::BucketNotEmpty => {
                s3_error!(BucketNotEmpty, "The bucket you tried to delete is not empty")
            }
            StorageError::NoSuchKey => s3_error!(NoSuchKey, "The specified key does not exist."),
            StorageError::Deleted { marker } => with_headers(
                s3_error!(NoSuchKey, "The specified key does not exist."),
                marker_headers(&marker),
            ),
            StorageError::NoSuchVersion => s3_error!(NoSuchVersion, "The specified version does not exist."),
            StorageError::IsMarker { marker, modified } => {
                let mut headers = marker_headers(&marker);
                headers.extend([(LAST_MODIFIED, http_date(modified))]);
                with_headers(s3_error!(MethodNotAllowed, "The version is a delete marker"), headers)
            }
            StorageError::PreconditionFailed => {
                s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
            }
            StorageError::NotModified { etag, modified } => with_headers(
                S3ErrorCode::NotModified.into(),
                vec![(ETAG, header(&format!("\"{etag}\""))), (LAST_MODIFIED, http_date(modified))],
            ),
            StorageError::NoSuchUpload => s3_error!(NoSuchUpload, "The specified upload does not exist."),
            StorageError::InvalidPart(number) => {
                s3_error!(InvalidPart, "Part {number} could not be found, or is not the one you named.")
            }
            StorageError::InvalidPartOrder => {
                s3_error!(InvalidPartOrder, "The list of parts was not in ascending order.")
            }
            StorageError::PartTooSmall { number, size } => {
                s3_error!(EntityTooSmall, "Part {number} has only {size} bytes; all but the last need 5 MiB.")
            }
            StorageError::NoParts => s3_error!(MalformedXML, "You must specify at least one part"),
            StorageError::WrongChecksum(algorithm) => s3_error!(
                BadDigest,
                "The {} you specified did not match the calculated checksum.",
                algorithm.name()
            ),
            StorageError::UnknownChecksum(algorithm) => s3_error!(
                InvalidRequest,
                "The {} of the object is not known: start the upload with this algorithm.",
                algorithm.name()
            ),
            StorageError::WrongSize { found, expected } => {
                s3_error!(InvalidRequest, "The parts have {found} bytes, not the {expected} you specified.")
            }
            StorageError::RangeNotSatisfiable { size } => with_headers(
                s3_error!(InvalidRange, "The requested range is not satisfiable"),
                vec![(CONTENT_RANGE, header(&format!("bytes */{size}")))],
            ),
            error @ (StorageError::Index(_)
            | StorageError::Corrupt(_)
            | StorageError::Content(_)
            | StorageError::NotCommitted(_)) => internal(error),
            StorageError::Stopped => s3_error!(ServiceUnavailable, "The server is shutting down."),
        }
    }
}

/// Says no more than that it is our fault: the details are in the log.
fn internal(error: impl std::error::Error + Send + Sync + 'static) -> S3Error {
    tracing::error!(error = &error as &dyn std::error::Error, "a request failed");
    S3Error::with_source(S3ErrorCode::InternalError, Box::new(error))
}

impl From<IngestError> for S3Error {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Disk(error) => internal(error),
            IngestError::Body(error) => {
                // The protocol layer keeps its error types to itself, so their wording is all there is.
                let text = error.to_string();
                let mut refusal = if text.contains("Sha256Mismatch") {
                    payload_mismatch()
                } else if text.contains("SignatureMismatch") {
                    s3_error!(SignatureDoesNotMatch, "The signature of a chunk does not match.")
                } else {
                    s3_error!(IncompleteBody, "The body ended early or has not the form it was announced in.")
                };
                refusal.set_source(error);
                refusal
            }
        }
    }
}

/// Returns the refusal of a body that has another hash than the signed one.
pub(crate) fn payload_mismatch() -> S3Error {
    let code = S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into());
    let mut error = S3Error::with_message(
        code,
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
    );
    error.set_status_code(hyper::StatusCode::BAD_REQUEST);
    error
}

fn marker_headers(marker: &VersionId) -> Vec<(HeaderName, HeaderValue)> {
    vec![
        (HeaderName::from_static("x-amz-delete-marker"), HeaderValue::from_static("true")),
        (HeaderName::from_static("x-amz-version-id"), header(marker.as_str())),
    ]
}

fn with_headers(mut error: S3Error, headers: Vec<(HeaderName, HeaderValue)>) -> S3Error {
    let mut map: HeaderMap = headers.into_iter().collect();
    // The map replaces the headers of the error document too.
    map.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    error.set_headers(map);
    error
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

fn http_date(moment: Moment) -> HeaderValue {
    let mut text = Vec::new();
    // Writing into memory can't fail, and every moment has a date.
    let _ = Timestamp::from(moment.to_system()).format(TimestampFormat::HttpDate, &mut text);
    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static(""))
}
