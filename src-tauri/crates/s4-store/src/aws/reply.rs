//! What replies say besides their modelled fields, and which are no replies of a store at all.
//!
//! - The `Date` of a write bounds when the new version was written, by the store's clock.
//! - A page in HTML without any header of S3 comes from a portal or proxy; it counts as a lost reply, whatever
//!   its status. (A 404 of such a page must never look like a deleted object.)
//! - A document that breaks off is no reply either: the SDK reads it to where it ends, so that half a listing
//!   would look like a whole one.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextRef,
};
use aws_sdk_s3::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::http::Headers;
use s4_core::remote::UnixMillis;

/// The bound of a write whose reply has no date: no listing is that early, so a HEAD will tell.
const UNKNOWN: UnixMillis = UnixMillis(i64::MIN);

/// Notes the `Date` of the last reply to one request. Clones share the note.
#[derive(Clone, Debug, Default)]
pub(super) struct ReplyDate(Arc<Mutex<Option<UnixMillis>>>);

impl ReplyDate {
    /// Returns a time that is surely not before the request was carried out, by the store's clock.
    pub(super) fn not_after(&self) -> UnixMillis {
        let date = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // `Date` has whole seconds, rounded down.
        date.map_or(UNKNOWN, |UnixMillis(date)| UnixMillis(date + 1000))
    }
}

#[dyn_dispatch_hint]
impl Intercept for ReplyDate {
    fn name(&self) -> &'static str {
        "ReplyDate"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|text| DateTime::from_str(text, DateTimeFormat::HttpDate).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date.map(|date| unix_millis(&date));
        Ok(())
    }
}

/// Turns a page that no S3 store sends into a lost reply.
#[derive(Debug)]
pub(super) struct RefusePages;

#[dyn_dispatch_hint]
impl Intercept for RefusePages {
    fn name(&self) -> &'static str {
        "RefusePages"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if is_page(context.response().headers()) {
            return Err("what answered is no S3 store but a web page: does this network want a login?".into());
        }
        Ok(())
    }
}

fn is_page(headers: &Headers) -> bool {
    let html = headers.get("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    html && headers.get("etag").is_none() && !headers.iter().any(|(name, _)| name.starts_with("x-amz"))
}

/// Turns a document without its end into a lost reply.
#[derive(Debug)]
pub(super) struct RefuseFragments;

#[dyn_dispatch_hint]
impl Intercept for RefuseFragments {
    fn name(&self) -> &'static str {
        "RefuseFragments"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // The body of a GET is not held here; it is counted where it is read.
        let body = context.response().body().bytes().unwrap_or_default();
        if context.output_or_error().is_ok() && is_fragment(body) {
            return Err("the reply breaks off in the middle".into());
        }
        Ok(())
    }
}

/// Returns whether `body` begins as an XML document but does not end with its root.
fn is_fragment(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    if !body.starts_with(b"<") {
        return false;
    }
    let Ok(text) = std::str::from_utf8(body) else {
        return true;
    };
    let mut tags = text.split('<').skip(1).filter(|tag| !tag.starts_with(['?', '!']));
    let Some(root) = tags.next() else {
        return true;
    };
    let name = root.split(|end: char| matches!(end, '>' | '/') || end.is_whitespace()).next();
    let is_closed = name.is_some_and(|name| text.ends_with(&format!("</{name}>")));
    // A root without content closes itself.
    let is_empty = tags.next().is_none() && root.ends_with("/>");
    !is_closed && !is_empty
}

/// Sends again what was refused with 429, which the SDK knows only by its codes.
#[derive(Debug)]
pub(super) struct RetryTooManyRequests;

impl ClassifyRetry for RetryTooManyRequests {
    fn name(&self) -> &'static str {
        "RetryTooManyRequests"
    }

    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.response().map(|reply| reply.status().as_u16()) {
            Some(429) => RetryAction::throttling_error(),
            Some(_) | None => RetryAction::NoActionIndicated,
        }
    }
}

/// Returns `date` in milliseconds, rounded down.
pub(super) fn unix_millis(date: &DateTime) -> UnixMillis {
    let millis = i64::from(date.subsec_nanos() / 1_000_000);
    UnixMillis(date.secs().saturating_mul(1000).saturating_add(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(rows: &[(&'static str, &'static str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in rows {
            headers.insert(*name, *value);
        }
        headers
    }

    #[test]
    fn only_a_page_without_a_sign_of_s3_is_refused() {
        assert!(is_page(&headers(&[("content-type", "text/html; charset=utf-8")])));
        assert!(!is_page(&headers(&[("content-type", "text/html"), ("etag", "\"a\"")])));
        assert!(!is_page(&headers(&[("content-type", "text/html"), ("x-amz-request-id", "1")])));
        assert!(!is_page(&headers(&[("content-type", "application/xml")])));
        assert!(!is_page(&headers(&[])));
    }

    #[test]
    fn a_document_must_end_with_its_root() {
        let whole = ["", "plain text", "<a/>", "<?xml version=\"1.0\"?>\n<a x=\"y\"><b/></a>\n", "<a></a>"];
        for body in whole {
            assert!(!is_fragment(body.as_bytes()), "{body}");
        }
        for body in ["<", "<?xml version=\"1.0\"?>", "<a>", "<a><b></b>", "<a><b/>", "<a", "<a><b></b></"] {
            assert!(is_fragment(body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn the_bound_lies_after_the_date() {
        let date = ReplyDate::default();
        assert_eq!(date.not_after(), UNKNOWN);
        *date.0.lock().unwrap() = Some(UnixMillis(5000));
        assert_eq!(date.not_after(), UnixMillis(6000));
    }
}
