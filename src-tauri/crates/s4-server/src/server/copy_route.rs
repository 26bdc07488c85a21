//! Takes requests that copy on a way of their own, because the protocol layer reads their source too
//! strictly: it refuses buckets with names of two letters, such as `s4`.
//!
//! - The signature was checked before, by the service this is a route of; unsigned requests are refused.
//! - The source is read here and handed on beside the request; the header is replaced by one that passes.

use std::sync::Arc;

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use hyper::http::Extensions;
use hyper::{Method, Uri};
use s3s::route::S3Route;
use s3s::service::S3Service;
use s3s::{Body, HttpRequest, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, StdError, s3_error};

use crate::counters::Counters;
use crate::s3::NamedSource;
use crate::server::gate::{check_headers, is_bucket_name};
use crate::storage::VersionId;

const SOURCE: &str = "x-amz-copy-source";

/// What the inner service is shown as source; what counts is the source handed on beside it.
const STAND_IN: HeaderValue = HeaderValue::from_static("source/object");

/// Longer keys are refused, as everywhere.
const KEY_LIMIT: usize = 1024;

/// Answers CopyObject and UploadPartCopy.
pub(super) struct CopyRoute {
    inner: S3Service,
    counters: Arc<Counters>,
}

impl CopyRoute {
    /// Hands requests on to `inner`, which must check no signatures.
    pub(super) fn new(inner: S3Service, counters: Arc<Counters>) -> Self {
        Self { inner, counters }
    }
}

#[async_trait::async_trait]
impl S3Route for CopyRoute {
    fn is_match(&self, method: &Method, _: &Uri, headers: &HeaderMap, _: &mut Extensions) -> bool {
        *method == Method::PUT && headers.contains_key(SOURCE)
    }

    async fn call(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let is_part = request.uri.query().is_some_and(|query| has_parameter(query, "partNumber"));
        self.counters.operation(if is_part { "UploadPartCopy" } else { "CopyObject" });
        check_headers(&request.headers)?;
        let source = named_source(request.headers.get(SOURCE))?;
        let mut inner = HttpRequest::new(request.input);
        *inner.method_mut() = request.method;
        *inner.uri_mut() = without_signature(&request.uri)?;
        *inner.headers_mut() = request.headers;
        inner.headers_mut().remove(AUTHORIZATION);
        inner.headers_mut().insert(SOURCE, STAND_IN);
        inner.extensions_mut().insert(source);
        let response = self
            .inner
            .call(inner)
            .await
            .map_err(|error| S3Error::with_source(S3ErrorCode::InternalError, StdError::from(error)))?;
        let (parts, body) = response.into_parts();
        let mut answer = S3Response::with_headers(body, parts.headers);
        answer.status = Some(parts.status);
        Ok(answer)
    }
}

fn has_parameter(query: &str, name: &str) -> bool {
    query.split('&').any(|pair| pair.split('=').next() == Some(name))
}

/// Takes the parameters of a presigned URL off: the inner service would look for keys.
fn without_signature(uri: &Uri) -> S3Result<Uri> {
    let Some(query) = uri.query() else { return Ok(uri.clone()) };
    let is_signature = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        let is_v4 = name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("x-amz-"));
        is_v4 || matches!(name, "Signature" | "AWSAccessKeyId" | "Expires")
    };
    let kept: Vec<_> = query.split('&').filter(|pair| !is_signature(pair)).collect();
    let target =
        if kept.is_empty() { uri.path().to_owned() } else { format!("{}?{}", uri.path(), kept.join("&")) };
    target.parse().map_err(|error| s3_error!(error, InvalidURI))
}

fn named_source(header: Option<&HeaderValue>) -> S3Result<NamedSource> {
    let refuse = |why: &str| s3_error!(InvalidArgument, "Invalid copy source: {why}");
    let text = header.and_then(|header| header.to_str().ok()).ok_or_else(|| refuse("it is no text"))?;
    let (path, version) = match text.split_once("?versionId=") {
        Some((path, version)) => (path, Some(decode(version).ok_or_else(|| refuse("bad version id"))?)),
        None => (text, None),
    };
    let path = decode(path).ok_or_else(|| refuse("it is no UTF-8"))?;
    let path = path.strip_prefix('/').unwrap_or(&path);
    if path.starts_with("arn:") {
        return Err(s3_error!(NotImplemented, "This server has no access points"));
    }
    match path.split_once('/') {
        Some((bucket, key)) if is_bucket_name(bucket) && !key.is_empty() && key.len() <= KEY_LIMIT => {
            Ok(NamedSource {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
                version: version.map(|version| VersionId::parse(&version)),
            })
        }
        Some(_) | None => Err(refuse("it must be a bucket and a key")),
    }
}

/// Decodes percent signs. A plus stays one, as in the path of a request.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &'static str) -> Option<(String, String, Option<String>)> {
        let named = named_source(Some(&HeaderValue::from_static(text))).ok()?;
        Some((named.bucket, named.key, named.version.map(|version| version.to_string())))
    }

    #[test]
    fn sources() {
        let of = |bucket: &str, key: &str, version: Option<&str>| {
            Some((bucket.to_owned(), key.to_owned(), version.map(str::to_owned)))
        };
        let rows = [
            ("s4/a", of("s4", "a", None)),
            ("/s4/a//b", of("s4", "a//b", None)),
            ("s4/%C3%A4%20+%3FversionId=", of("s4", "ä +?versionId=", None)),
            ("s4/../x?versionId=null", of("s4", "../x", Some("null"))),
            ("s4", None),
            ("s4/", None),
            ("S4/a", None),
            ("s4/%ff", None),
            ("s4/%4", None),
            ("arn:aws:s3:::s4/a", None),
        ];
        for (text, expected) in rows {
            assert_eq!(source(text), expected, "{text}");
        }
    }

    #[test]
    fn signatures_are_taken_off() {
        let stripped = |uri: &str| without_signature(&uri.parse().unwrap()).unwrap().to_string();
        assert_eq!(
            stripped("/b/k?X-Amz-Signature=1&partNumber=2&uploadId=3"),
            "/b/k?partNumber=2&uploadId=3"
        );
        assert_eq!(stripped("/b/k?X-Amz-Signature=1"), "/b/k");
        assert_eq!(stripped("/b/k"), "/b/k");
    }
}
