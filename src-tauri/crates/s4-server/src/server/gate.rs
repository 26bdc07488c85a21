//! Who may ask, under which names, and for what: keys, bucket names, virtual hosts, unsupported headers.
//!
//! - Nothing is answered without a valid signature.
//! - A header that asks for something not done here is refused with 501, so that no client believes it
//!   was heeded.

use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::HeaderValue;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::host::{S3Host, VirtualHost};
use s3s::validation::NameValidation;
use s3s::{S3Result, s3_error};

use crate::counters::Counters;
use crate::credentials::Credentials;

/// Headers that ask for what is not done here, by how they begin.
const UNSUPPORTED: [&str; 14] = [
    "x-amz-server-side-encryption",
    "x-amz-copy-source-server-side-encryption",
    "x-amz-object-lock",
    "x-amz-grant-",
    "x-amz-tagging",
    "x-amz-website-redirect-location",
    "x-amz-write-offset-bytes",
    "x-amz-if-match-",
    "x-amz-expected-bucket-owner",
    "x-amz-source-expected-bucket-owner",
    "x-amz-mfa",
    "x-amz-acl",
    "x-amz-storage-class",
    "x-amz-object-ownership",
];

/// Values of such headers that ask for what is done anyway.
const GRANTED: [(&str, &str); 5] = [
    ("x-amz-acl", "private"),
    ("x-amz-acl", "bucket-owner-full-control"),
    ("x-amz-storage-class", "STANDARD"),
    ("x-amz-tagging-directive", "COPY"),
    ("x-amz-object-ownership", "BucketOwnerEnforced"),
];

/// Refuses headers that ask for what is not done here.
pub(super) fn check_headers(headers: &HeaderMap) -> S3Result<()> {
    let is_granted = |name: &str, value: &HeaderValue| {
        GRANTED.iter().any(|(granted, wanted)| *granted == name && value.as_bytes() == wanted.as_bytes())
    };
    let refused = headers.iter().find(|(name, value)| {
        let name = name.as_str();
        UNSUPPORTED.iter().any(|beginning| name.starts_with(beginning)) && !is_granted(name, value)
    });
    match refused {
        None => Ok(()),
        Some((name, _)) => Err(s3_error!(NotImplemented, "This server does not implement {name}")),
    }
}

/// Lets signed requests in, and counts them by operation.
pub(super) struct Gate {
    counters: Arc<Counters>,
}

impl Gate {
    pub(super) fn new(counters: Arc<Counters>) -> Self {
        Self { counters }
    }
}

#[async_trait::async_trait]
impl S3Access for Gate {
    async fn check(&self, request: &mut S3AccessContext<'_>) -> S3Result<()> {
        if request.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "Signature is required"));
        }
        self.counters.operation(operation_name(request.s3_op().name()));
        check_headers(request.headers())
    }
}

/// The operations answered here; others are counted together.
const OPERATIONS: [&str; 24] = [
    "CreateBucket",
    "HeadBucket",
    "ListBuckets",
    "DeleteBucket",
    "GetBucketLocation",
    "GetBucketVersioning",
    "PutBucketVersioning",
    "PutObject",
    "GetObject",
    "HeadObject",
    "GetObjectTagging",
    "DeleteObject",
    "DeleteObjects",
    "CopyObject",
    "ListObjects",
    "ListObjectsV2",
    "ListObjectVersions",
    "CreateMultipartUpload",
    "UploadPart",
    "UploadPartCopy",
    "ListParts",
    "ListMultipartUploads",
    "CompleteMultipartUpload",
    "AbortMultipartUpload",
];

fn operation_name(name: &str) -> &'static str {
    OPERATIONS.into_iter().find(|known| *known == name).unwrap_or("NotImplemented")
}

/// Knows the one pair of keys.
pub(super) struct OneKey {
    access_key_id: String,
    secret: SecretKey,
}

impl OneKey {
    pub(super) fn new(credentials: &Credentials) -> Self {
        Self {
            access_key_id: credentials.access_key_id().to_owned(),
            secret: credentials.secret_access_key().to_owned().into(),
        }
    }
}

#[async_trait::async_trait]
impl S3Auth for OneKey {
    async fn get_secret_key(&self, access_key_id: &str) -> S3Result<SecretKey> {
        if access_key_id == self.access_key_id {
            Ok(self.secret.clone())
        } else {
            Err(s3_error!(
                InvalidAccessKeyId,
                "The AWS Access Key Id you provided does not exist in our records."
            ))
        }
    }
}

/// Tells whether S3, or this server, allows the name for a bucket.
///
/// S3's rules, but two letters suffice: the default bucket is called `s4`.
pub(super) fn is_bucket_name(name: &str) -> bool {
    match name.len() {
        2 => s3s::path::check_bucket_name(&format!("{name}0")) && !name.ends_with(['.', '-']),
        _ => s3s::path::check_bucket_name(name),
    }
}

/// Lets the names through that [`is_bucket_name`] allows.
pub(super) struct BucketNames;

impl NameValidation for BucketNames {
    fn validate_bucket_name(&self, name: &str) -> bool {
        is_bucket_name(name)
    }
}

/// Takes `bucket.localhost` for the bucket, and any other host for the server itself: its names on the
/// network are not known here.
pub(super) struct BucketHosts;

impl S3Host for BucketHosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        match name.strip_suffix(".localhost") {
            Some(bucket) => Ok(VirtualHost::new("localhost").with_bucket(bucket)),
            None => Ok(VirtualHost::new(host)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names() {
        for name in ["s4", "a-bucket", "0.0", "abc"] {
            assert!(is_bucket_name(name), "{name}");
        }
        for name in ["a", "", "S4", "a-", "-a", ".a", "a.", "a_b", "1.2.3.4", "ab..c", &"a".repeat(64)] {
            assert!(!is_bucket_name(name), "{name}");
        }
    }

    #[test]
    fn hosts() {
        let bucket = |host| BucketHosts.parse_host_header(host).unwrap().bucket().map(str::to_owned);
        assert_eq!(bucket("s4.localhost:9000").as_deref(), Some("s4"));
        assert_eq!(bucket("my.bucket.localhost").as_deref(), Some("my.bucket"));
        assert_eq!(bucket("localhost:9000"), None);
        assert_eq!(bucket("nas.home:9000"), None);
    }

    #[test]
    fn headers_that_ask_for_more() {
        let check = |name: &'static str, value: &'static str| {
            check_headers(&HeaderMap::from_iter([(
                hyper::header::HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )]))
        };
        assert!(check("x-amz-acl", "private").is_ok());
        assert!(check("x-amz-meta-acl", "public").is_ok());
        assert!(check("x-amz-acl", "public-read").is_err());
        assert!(check("x-amz-server-side-encryption-customer-key", "k").is_err());
        assert!(check("x-amz-tagging", "a=b").is_err());
    }
}
