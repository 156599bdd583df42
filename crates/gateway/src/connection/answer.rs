//! One request on a connection: handed to the [`Fetch`], guarded, counted.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, RANGE,
};
use http::request::Parts;
use http::{Method, StatusCode, Uri, Version};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use revisit_engine::{Body, BodyError, Clock, Fetch, FetchError, Request, Response};

use super::Peer;
use super::phase::{Answering, Phase};
use super::upload::{Ended, Upload};
use crate::Limits;

/// Answers the requests of all connections.
pub(crate) struct Answerer<F> {
    fetch: Arc<F>,
    clock: Arc<dyn Clock>,
    limits: Arc<Limits>,
}

impl<F> Clone for Answerer<F> {
    fn clone(&self) -> Self {
        Self {
            fetch: self.fetch.clone(),
            clock: self.clock.clone(),
            limits: self.limits.clone(),
        }
    }
}

/// What is wrong with a request before anyone is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    NoHost,
    ManyHosts,
    LongTarget,
    LargeBody,
}

impl<F: Fetch> Answerer<F> {
    pub(crate) fn new(fetch: Arc<F>, clock: Arc<dyn Clock>, limits: Arc<Limits>) -> Self {
        Self {
            fetch,
            clock,
            limits,
        }
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Answers one request; whatever goes wrong is an answer too.
    pub(super) async fn answer(
        self,
        mut request: http::Request<Incoming>,
        peer: Peer,
        phase: Arc<Phase>,
    ) -> Result<http::Response<Told>, Infallible> {
        let mut event = Event {
            method: request.method().clone(),
            uri: request.uri().clone(),
            status: StatusCode::INTERNAL_SERVER_ERROR,
            cache_status: None,
            body_bytes: 0,
            whole: false,
            began: self.clock.elapsed(),
            clock: self.clock.clone(),
        };
        let answering = phase.answering();
        request.extensions_mut().insert(peer);
        // "A server MUST NOT send a 1xx response to an HTTP/1.0 client." (RFC 9110 §15.2)
        if request.version() >= Version::HTTP_11 {
            request.extensions_mut().insert(phase.outbox().open());
        }
        let response = match self.origin_form(request) {
            Ok((request, ended)) => guarded(&*self.fetch, request, &event, ended.as_ref()).await,
            Err(refusal) => refusal.answer(),
        };
        phase.outbox().close();
        event.status = response.status();
        // Ours is the last line (RFC 9211 §2).
        let told = response.headers().get_all(CACHE_STATUS);
        event.cache_status = told.into_iter().next_back().cloned();
        Ok(response.map(|body| Told {
            body,
            event,
            _answering: answering,
        }))
    }
}

impl<F> Answerer<F> {
    /// Makes a request what a [`Fetch`] expects: the target in origin form, one host, a body within
    /// its limits, of which one hears by the second value.
    fn origin_form(
        &self,
        request: http::Request<Incoming>,
    ) -> Result<(Request, Option<Ended>), Refusal> {
        let (parts, incoming) = request.into_parts();
        if length(&parts.uri) > self.limits.url_bytes_max {
            return Err(Refusal::LongTarget);
        }
        let mut parts = one_host(parts)?;
        if ranges(&parts.headers) > self.limits.ranges_max {
            parts.headers.remove(RANGE);
        }
        if incoming.is_end_stream() {
            return Ok((Request::from_parts(parts, Body::empty()), None));
        }
        if incoming.size_hint().lower() > self.limits.body_bytes_max {
            return Err(Refusal::LargeBody);
        }
        let (limits, clock, ended) = (self.limits.clone(), self.clock.clone(), Ended::default());
        let upload = Upload::new(incoming, limits, clock, ended.clone());
        let request = Request::from_parts(parts, Body::stream(upload));
        Ok((request, Some(ended)))
    }
}

/// How long a target was, as it came.
fn length(uri: &Uri) -> usize {
    let authority = uri
        .authority()
        .map_or(0, |authority| authority.as_str().len());
    let target = uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    authority + target
}

/// How many ranges are asked for.
fn ranges(headers: &HeaderMap) -> usize {
    let lines = headers.get_all(RANGE).into_iter();
    lines
        .map(|line| 1 + line.as_bytes().iter().filter(|byte| **byte == b',').count())
        .sum()
}

fn one_host(mut parts: Parts) -> Result<Parts, Refusal> {
    // "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message
    // that lacks a Host header field and to any request message that contains more than one Host
    // header field line" (RFC 9112 §3.2)
    match parts.headers.get_all(HOST).iter().count() {
        0 if parts.version >= Version::HTTP_11 => return Err(Refusal::NoHost),
        0 | 1 => {}
        _ => return Err(Refusal::ManyHosts),
    }
    // "When an origin server receives a request with an absolute-form of request-target, the
    // origin server MUST ignore the received Host header field (if any) and instead use the host
    // information of the request-target." (§3.2.2)
    if let (Some(authority), Some(target)) = (parts.uri.authority(), parts.uri.path_and_query()) {
        if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
            parts.headers.insert(HOST, host);
        }
        parts.uri = Uri::from(target.clone());
    }
    Ok(parts)
}

/// Asks `fetch`; no answer is what a gateway says of it, a panic a 500, with the cause in the log only.
/// `ended` tells of a body that was not let come to its end.
async fn guarded<F: Fetch>(
    fetch: &F,
    request: Request,
    event: &Event,
    ended: Option<&Ended>,
) -> Response {
    let mut asking = pin!(async move { fetch.fetch(request).await });
    let answer = std::future::poll_fn(|cx| {
        match catch_unwind(AssertUnwindSafe(|| asking.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await;
    match answer {
        Ok(Ok(response)) => return response,
        Ok(Err(_)) if let Some(status) = ended.and_then(Ended::status) => return cut_short(status),
        Ok(Err(error @ FetchError::Internal { .. })) => {
            tracing::error!(path = event.uri.path(), error = %super::chain(&error), "no answer");
        }
        Ok(Err(error)) => {
            tracing::warn!(path = event.uri.path(), error = %super::chain(&error), "no answer");
            return plain(
                error.status(),
                "the server behind this one gives no answer\n",
            );
        }
        Err(panic) => {
            let error = panic_text(&*panic);
            tracing::error!(path = event.uri.path(), error, "panic in an answer");
        }
    }
    plain(
        StatusCode::INTERNAL_SERVER_ERROR,
        "this server is at fault; its log says more\n",
    )
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "a panic without words",
    }
}

/// A response of our own.
pub(crate) fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The response to a request of which not all is read: the connection ends with it.
fn cut_short(status: StatusCode) -> Response {
    let mut response = plain(
        status,
        "the body of this request is too large, or came too slowly\n",
    );
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

impl Refusal {
    fn answer(self) -> Response {
        let text = match self {
            Self::NoHost => "a request must name its host\n",
            Self::ManyHosts => "a request must name its host once\n",
            Self::LongTarget => return plain(StatusCode::URI_TOO_LONG, "this URL is too long\n"),
            Self::LargeBody => return cut_short(StatusCode::PAYLOAD_TOO_LARGE),
        };
        let mut response = plain(StatusCode::BAD_REQUEST, text);
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        response
    }
}

/// A body on its way out; when it is dropped, the request is over and is told of.
pub(super) struct Told {
    body: Body,
    event: Event,
    _answering: Answering,
}

impl http_body::Body for Told {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let body = Pin::new(&mut self.body);
        let poll = match catch_unwind(AssertUnwindSafe(|| body.poll_frame(cx))) {
            Ok(poll) => poll,
            Err(panic) => Poll::Ready(Some(Err(panic_text(&*panic).into()))),
        };
        match &poll {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                self.event.body_bytes += bytes as u64;
            }
            Poll::Ready(Some(Err(error))) => {
                tracing::warn!(path = self.event.uri.path(), %error, "an answer was cut");
            }
            Poll::Ready(None) => self.event.whole = true,
            Poll::Pending => {}
        }
        poll
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.event.whole |= self.event.method == Method::HEAD || self.body.is_end_stream();
        self.event.tell();
    }
}

/// What an access log says of a request.
struct Event {
    method: Method,
    uri: Uri,
    status: StatusCode,
    cache_status: Option<HeaderValue>,
    body_bytes: u64,
    whole: bool,
    began: Duration,
    clock: Arc<dyn Clock>,
}

impl Event {
    /// The query is left out: it may hold what is nobody's business.
    fn tell(&self) {
        tracing::info!(
            target: "revisit::access",
            method = %self.method,
            path = self.uri.path(),
            status = self.status.as_u16(),
            cache = self.cache_status.as_ref().and_then(|value| value.to_str().ok()),
            bytes = self.body_bytes,
            whole = self.whole,
            micros = self.clock.elapsed().saturating_sub(self.began).as_micros() as u64,
        );
    }
}

/// What a cache says of how it came to its answer (RFC 9211).
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
