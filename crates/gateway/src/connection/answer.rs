//! One request on a connection: handed to the [`Fetch`], guarded, counted.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri, Version};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use revisit_engine::{Body, BodyError, Clock, Fetch, FetchError, Request, Response};

use super::Peer;
use super::phase::{Answering, Phase};

/// Answers the requests of all connections.
pub(crate) struct Answerer<F> {
    fetch: Arc<F>,
    clock: Arc<dyn Clock>,
}

impl<F> Clone for Answerer<F> {
    fn clone(&self) -> Self {
        Self {
            fetch: self.fetch.clone(),
            clock: self.clock.clone(),
        }
    }
}

/// What is wrong with a request before anyone is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    NoHost,
    ManyHosts,
}

impl<F: Fetch> Answerer<F> {
    pub(crate) fn new(fetch: Arc<F>, clock: Arc<dyn Clock>) -> Self {
        Self { fetch, clock }
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
            clock: self.clock,
        };
        let answering = phase.answering();
        request.extensions_mut().insert(peer);
        // "A server MUST NOT send a 1xx response to an HTTP/1.0 client." (RFC 9110 §15.2)
        if request.version() >= Version::HTTP_11 {
            request.extensions_mut().insert(phase.outbox().open());
        }
        let response = match origin_form(request) {
            Ok(request) => guarded(&*self.fetch, request, &event).await,
            Err(refusal) => plain(StatusCode::BAD_REQUEST, refusal.text()),
        };
        phase.outbox().close();
        event.status = response.status();
        event.cache_status = response.headers().get(CACHE_STATUS).cloned();
        Ok(response.map(|body| Told {
            body,
            event,
            _answering: answering,
        }))
    }
}

/// Makes a request what a [`Fetch`] expects: the target in origin form, one host.
fn origin_form(request: http::Request<Incoming>) -> Result<Request, Refusal> {
    let (mut parts, incoming) = request.into_parts();
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
    let body = if incoming.is_end_stream() {
        Body::empty()
    } else {
        Body::stream(incoming)
    };
    Ok(Request::from_parts(parts, body))
}

/// Asks `fetch`; no answer is what a gateway says of it, a panic a 500, with the cause in the log only.
async fn guarded<F: Fetch>(fetch: &F, request: Request, event: &Event) -> Response {
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

impl Refusal {
    fn text(self) -> &'static str {
        match self {
            Self::NoHost => "a request must name its host\n",
            Self::ManyHosts => "a request must name its host once\n",
        }
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
