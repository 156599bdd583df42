//! One connection: requests in, answers out, and an end to those who only hold a place.
//!
//! hyper speaks HTTP/1.1. What it leaves open is decided here: how long each phase may last, that
//! a request names its host once (RFC 9112 §3.2), and that a fault in one answer, even a panic,
//! is a 500 on that request and nothing else.

mod answer;
mod interim;
mod patience;
mod peer;
mod phase;
mod send;
mod upload;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use revisit_engine::Fetch;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::Limits;
pub(crate) use answer::{Answerer, plain};
use patience::Patience;
pub use peer::Peer;
use phase::{Phase, Watched};

/// A connection that was taken and not yet served.
pub(crate) struct Connection<F> {
    stream: TcpStream,
    /// Its place among [`Limits::connections_max`], which a tunnel keeps when we are done.
    place: Option<OwnedSemaphorePermit>,
    answerer: Answerer<F>,
    limits: Arc<Limits>,
}

/// What happened next on a connection.
enum Event {
    Over(Result<(), hyper::Error>),
    TooSlow,
    Stop,
}

impl<F: Fetch> Connection<F> {
    pub(crate) fn new(
        stream: TcpStream,
        place: Option<OwnedSemaphorePermit>,
        answerer: Answerer<F>,
        limits: Arc<Limits>,
    ) -> Self {
        Self {
            stream,
            place,
            answerer,
            limits,
        }
    }

    /// Serves until the client goes, a limit ends it, or `stopped` asks for an end after the
    /// request under way.
    pub(crate) async fn run(self, peer: SocketAddr, mut stopped: watch::Receiver<bool>) {
        let Self {
            stream,
            place,
            answerer,
            limits,
        } = self;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "cannot send small packets at once");
        }
        let phase = Arc::new(Phase::default());
        let clock = answerer.clock().clone();
        let io = TokioIo::new(Watched::new(stream, place, phase.clone()));
        let service = service_fn({
            let (phase, peer) = (phase.clone(), Peer::new(peer));
            move |request| {
                answerer
                    .clone()
                    .answer(request, peer.clone(), phase.clone())
            }
        });
        let http = codec(&limits).serve_connection(io, service);
        let mut http = pin!(http.with_upgrades());
        let mut patience = Patience::begin(clock, &limits, phase.progress());
        let mut stop = pin!(stopped.wait_for(|stop| *stop));
        let mut stopping = false;
        loop {
            // As one future, so that what is woken for one request is looked at once.
            let event = std::future::poll_fn(|cx| {
                // It writes what is in the outbox, too.
                phase.outbox().wake(cx.waker());
                if let Poll::Ready(result) = http.as_mut().poll(cx) {
                    return Poll::Ready(Event::Over(result));
                }
                if !stopping && stop.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Event::Stop);
                }
                let over = patience.poll_over(cx, &limits, phase.progress());
                over.map(|()| Event::TooSlow)
            });
            match event.await {
                Event::Stop => {
                    stopping = true;
                    http.as_mut().graceful_shutdown();
                }
                Event::TooSlow => {
                    let phase = phase.progress();
                    tracing::debug!(%peer, ?phase, "connection closed: too slow");
                    return;
                }
                Event::Over(Err(error)) => {
                    tracing::debug!(%peer, error = %chain(&error), "connection ended");
                    return;
                }
                Event::Over(Ok(())) => return,
            }
        }
    }
}

fn codec(limits: &Limits) -> http1::Builder {
    let mut codec = http1::Builder::new();
    let header_bytes_max = limits.header_bytes_max.max(HEADER_BYTES_MAX_LEAST);
    codec
        .max_buf_size(header_bytes_max)
        .max_header_size(header_bytes_max)
        // `phase` bounds this time, and the idle time apart from it.
        .header_read_timeout(None);
    if limits.header_count_max != HEADER_COUNT_FREE {
        codec.max_headers(limits.header_count_max);
    }
    codec
}

/// An error with its causes, on one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// hyper takes no smaller buffer.
const HEADER_BYTES_MAX_LEAST: usize = 8192;
/// The number for which hyper keeps its table on the stack.
const HEADER_COUNT_FREE: usize = 100;
