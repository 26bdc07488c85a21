//! What a failed request means, by its status and code.
//!
//! - No message is parsed, but for the elements of S3's own error document.
//! - A reply that S3 does not give (a page of a portal, a success without its substance) is no reply at all.
//! - Words about credentials are ours: the store's could name keys.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::error::{StoreError, StoreErrorKind};

/// Says in which region a bucket lies.
const REGION_HEADER: &str = "x-amz-bucket-region";

/// Which request failed, and what was known when it was sent.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The request, as S3 names it.
    pub(super) operation: &'static str,
    /// The key, prefix or bucket it was about.
    pub(super) subject: &'a str,
    /// The region it was signed for.
    pub(super) region: &'a str,
}

impl Asked<'_> {
    /// Returns the error of this request.
    pub(super) fn error(&self, kind: StoreErrorKind, message: impl Into<String>) -> StoreError {
        StoreError::new(kind, self.operation, self.subject, message)
    }

    /// Returns the error of a reply without its substance.
    pub(super) fn no_reply(&self, lacking: &str) -> StoreError {
        self.error(
            StoreErrorKind::Offline,
            format!("what answered is no S3 store: the reply has no {lacking}"),
        )
    }

    /// Returns where a listing that is not complete goes on.
    pub(super) fn continues<T>(&self, next: Option<T>, name: &str) -> Result<T, StoreError> {
        next.ok_or_else(|| self.no_reply(name))
    }

    /// Returns what `error` means.
    pub(super) fn failed<E>(&self, error: &SdkError<E, HttpResponse>) -> StoreError
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        if let Some(why) = credentials_error(error) {
            return self.error(credentials_kind(why), format!("no usable credentials: {}", innermost(error)));
        }
        match error {
            SdkError::ServiceError(refusal) => self.refused(refusal.raw(), refusal.err()),
            SdkError::ConstructionFailure(_) => self.error(StoreErrorKind::Other, innermost(error)),
            SdkError::TimeoutError(_) => self.error(StoreErrorKind::Offline, "no reply in time"),
            _ => self.error(StoreErrorKind::Offline, innermost(error)),
        }
    }

    /// Returns the region that the header of a refusal names, right or wrong.
    pub(super) fn region_told<'e, E>(&self, error: &'e SdkError<E, HttpResponse>) -> Option<&'e str> {
        error.raw_response().and_then(|reply| reply.headers().get(REGION_HEADER))
    }

    fn refused(&self, reply: &HttpResponse, error: &impl ProvideErrorMetadata) -> StoreError {
        // Some operations answer 200 at once and put their failure into the body; the SDK does not look there.
        let code = error.code().map(str::to_owned).or_else(|| element(reply, "Code"));
        let message = error.message().map(str::to_owned).or_else(|| element(reply, "Message"));
        let region =
            reply.headers().get(REGION_HEADER).map(str::to_owned).or_else(|| element(reply, "Region"));
        let refusal = Refusal {
            status: reply.status().as_u16(),
            code: code.as_deref().unwrap_or_default(),
            other_region: region.filter(|region| region != self.region),
            hit_delete_marker: reply.headers().get("x-amz-delete-marker") == Some("true"),
        };
        let kind = refusal.kind();
        let words = match (&kind, refusal.code) {
            (StoreErrorKind::Credentials, code) => credentials_words(code).to_owned(),
            (_, "") => format!("status {}", refusal.status),
            (_, code) => match message {
                Some(message) => format!("{code}: {message}"),
                None => code.to_owned(),
            },
        };
        self.error(kind, words)
    }
}

/// What a reply says about why.
struct Refusal<'a> {
    status: u16,
    code: &'a str,
    other_region: Option<String>,
    hit_delete_marker: bool,
}

impl Refusal<'_> {
    fn kind(&self) -> StoreErrorKind {
        if let Some(kind) = self.by_code() {
            return kind;
        }
        match (self.status, &self.other_region) {
            // HEAD has no body: the header alone tells of another region. (Some stores name theirs in every error.)
            (301 | 307 | 400, Some(_)) if self.code.is_empty() => self.wrong_region(),
            (401, _) => StoreErrorKind::Credentials,
            (403, _) => StoreErrorKind::Denied,
            (404, _) => StoreErrorKind::Missing,
            (405, _) if self.hit_delete_marker => StoreErrorKind::Missing,
            (405 | 501, _) => StoreErrorKind::Unsupported,
            (409, _) => StoreErrorKind::Conflict,
            (412, _) => StoreErrorKind::PreconditionFailed,
            (429 | 500 | 503, _) => StoreErrorKind::SlowDown,
            // A success that could not be read, a redirect to nowhere, a proxy that cannot reach the store, and
            // 511, by which a network asks for a login: none of them is the store's own word.
            (200..=399 | 407 | 408 | 502 | 504 | 511, _) => StoreErrorKind::Offline,
            _ => StoreErrorKind::Other,
        }
    }

    fn by_code(&self) -> Option<StoreErrorKind> {
        Some(match self.code {
            "NoSuchKey" | "NoSuchVersion" | "NoSuchUpload" => StoreErrorKind::Missing,
            "NoSuchBucket" => StoreErrorKind::NoBucket,
            "PreconditionFailed" => StoreErrorKind::PreconditionFailed,
            "ConditionalRequestConflict" | "OperationAborted" => StoreErrorKind::Conflict,
            "AccessDenied" | "AllAccessDisabled" | "AccountProblem" => StoreErrorKind::Denied,
            "AuthorizationHeaderMalformed" if self.other_region.is_some() => self.wrong_region(),
            "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidToken"
            | "InvalidSecurity"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "TokenRefreshRequired"
            | "NotSignedUp"
            | "MissingSecurityHeader"
            | "MissingAuthenticationToken"
            | "AuthorizationHeaderMalformed" => StoreErrorKind::Credentials,
            "RequestTimeTooSkewed" => StoreErrorKind::ClockSkew,
            "PermanentRedirect"
            | "TemporaryRedirect"
            | "IllegalLocationConstraintException"
            | "IllegalLocationConstraint" => self.wrong_region(),
            "SlowDown"
            | "ServiceUnavailable"
            | "InternalError"
            | "Throttling"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "BandwidthLimitExceeded"
            | "TooManyRequests"
            | "TooManyRequestsException" => StoreErrorKind::SlowDown,
            "RequestTimeout" => StoreErrorKind::Offline,
            "BadDigest"
            | "InvalidDigest"
            | "IncompleteBody"
            | "XAmzContentSHA256Mismatch"
            | "XAmzContentChecksumMismatch" => StoreErrorKind::Corrupt,
            "NotImplemented" => StoreErrorKind::Unsupported,
            "InvalidObjectState" => StoreErrorKind::Archived,
            _ => return None,
        })
    }

    fn wrong_region(&self) -> StoreErrorKind {
        StoreErrorKind::WrongRegion { region: self.other_region.clone() }
    }
}

/// Returns our words for a code about credentials.
fn credentials_words(code: &str) -> &'static str {
    match code {
        "InvalidAccessKeyId" | "InvalidClientTokenId" | "UnrecognizedClientException" => {
            "the access key id is unknown"
        }
        "SignatureDoesNotMatch" => "the secret access key does not belong to the access key id",
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => "the session token has expired",
        "InvalidToken" => "the session token is not valid",
        "NotSignedUp" => "this account has no access to S3",
        _ => "the store wants other credentials",
    }
}

/// Returns the failure of the source of the keys, if that is what failed.
fn credentials_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a CredentialsError> {
    causes(error).find_map(|error| error.downcast_ref())
}

/// Returns `error` and what caused it, the outermost first.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn credentials_kind(error: &CredentialsError) -> StoreErrorKind {
    match error {
        // Nothing is known of the keys: the service that gives them did not answer.
        CredentialsError::ProviderTimedOut(_) => StoreErrorKind::Offline,
        _ => StoreErrorKind::Credentials,
    }
}

/// Returns the words of the cause of all causes: the outer ones only say that something failed.
pub(super) fn innermost(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

/// Returns the text of the first `<name>` in the XML document of a reply.
fn element(reply: &HttpResponse, name: &str) -> Option<String> {
    let body = std::str::from_utf8(reply.body().bytes()?).ok()?;
    if !body.contains("<Error") {
        return None;
    }
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.to_owned())
}

#[cfg(test)]
mod tests;
