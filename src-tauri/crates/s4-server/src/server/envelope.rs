//! What happens around every request: counting, a number for it, and claims about small bodies.
//! Decides nothing about operations.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, SERVER};
use hyper::{Method, Request, Response, StatusCode};
use s3s::service::S3Service;
use s3s::{Body, HttpError, HttpResponse, S3Error, StdError, s3_error};

use crate::counters::Counters;
use crate::server::small_body::SmallBody;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");

/// Answers requests through the protocol layer.
#[derive(Clone)]
pub(super) struct Envelope {
    service: S3Service,
    counters: Arc<Counters>,
}

impl Envelope {
    pub(super) fn new(service: S3Service, counters: Arc<Counters>) -> Self {
        Self { service, counters }
    }

    pub(super) async fn answer(&self, request: Request<Incoming>) -> Result<Response<BodyOut>, HttpError> {
        let number = self.counters.request();
        if *request.method() == Method::POST && is_form(request.headers()) {
            // The protocol layer would take all of it into memory before it asks who sends it.
            let refusal = s3_error!(NotImplemented, "This server takes no uploads from forms");
            return Ok(self.finish(number, refusal.to_http_response().map_err(http_error)?));
        }
        let small = SmallBody::new(request.method(), request.uri(), request.headers());
        let (small, verdict) = small.unzip();
        let request = request.map(|body| {
            if body.is_end_stream() && small.is_none() {
                Body::empty()
            } else {
                Body::http_body(BodyIn { inner: body, counters: Arc::clone(&self.counters), small })
            }
        });
        let mut response = self.service.call(request).await?;
        if let Some(falsehood) = verdict.and_then(|verdict| verdict.get().copied()) {
            // The protocol layer only saw a body that broke off, and called that its own fault.
            response = falsehood.refusal().to_http_response().map_err(http_error)?;
        }
        if response.status() == StatusCode::NOT_MODIFIED {
            // By its nature this answer has no body, not even an error document.
            *response.body_mut() = Body::empty();
            response.headers_mut().remove(CONTENT_TYPE);
        }
        Ok(self.finish(number, response))
    }

    fn finish(&self, number: u64, mut response: HttpResponse) -> Response<BodyOut> {
        let headers = response.headers_mut();
        headers.insert(SERVER, HeaderValue::from_static("S4"));
        if let Ok(number) = HeaderValue::from_str(&format!("{number:016X}")) {
            headers.insert(REQUEST_ID, number);
        }
        response.map(|inner| BodyOut { inner, counters: Arc::clone(&self.counters) })
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.get(.."multipart/form-data".len()))
        .is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/form-data"))
}

fn http_error(error: S3Error) -> HttpError {
    HttpError::new(Box::new(error))
}

/// The body of a request, counted and checked as it passes.
struct BodyIn {
    inner: Incoming,
    counters: Arc<Counters>,
    small: Option<SmallBody>,
}

/// A claim about the body was false; the verdict says which.
#[derive(Debug, thiserror::Error)]
#[error("the body is not the one that was announced")]
struct FalseBody;

impl HttpBody for BodyIn {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(bytes) = frame.data_ref()
        {
            self.counters.body_in(bytes.len());
            if let Some(small) = &mut self.small {
                small.update(bytes);
            }
        }
        // Checked with the last bytes, not after them: the protocol layer may not ask again.
        let is_end = frame.is_none() || self.inner.is_end_stream();
        if is_end && let Some(Err(_)) = self.small.take().map(SmallBody::finish) {
            return Poll::Ready(Some(Err(Box::new(FalseBody))));
        }
        Poll::Ready(frame.map(|frame| frame.map_err(StdError::from)))
    }

    fn is_end_stream(&self) -> bool {
        // While a check is pending, the end has to be asked for: that is when the check happens.
        self.small.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// The body of an answer, counted as it passes.
pub(super) struct BodyOut {
    inner: Body,
    counters: Arc<Counters>,
}

impl HttpBody for BodyOut {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(bytes) = frame.data_ref()
        {
            self.counters.body_out(bytes.len());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
