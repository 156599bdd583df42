//! One connection: requests in, answers out, and an end to those who only hold a place.
//!
//! hyper speaks HTTP/1.1. What it leaves open is decided here: how long each phase may last, that
//! a request names its host once (RFC 9112 §3.2), and that a fault in one answer, even a panic,
//! is a 500 on that request and nothing else.

mod answer;
mod interim;
mod peer;
mod phase;
mod upload;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use revisit_engine::Fetch;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::Limits;
pub(crate) use answer::{Answerer, plain};
pub use peer::Peer;
use phase::{Phase, Progress, Watched};

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
    Moved(Progress),
    TooSlow,
    Stop,
    /// An interim response is to be written, which the next poll does.
    Interim,
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
            let phase = phase.clone();
            move |request| answerer.clone().answer(request, Peer(peer), phase.clone())
        });
        let http = codec(&limits).serve_connection(io, service);
        let mut http = pin!(http.with_upgrades());
        let outbox = phase.outbox().clone();

        let mut progress = phase.progress();
        let mut deadline = pin!(tokio::time::sleep(time_max(&limits, progress)));
        let mut stopping = false;
        loop {
            let step = std::future::poll_fn(|cx| match http.as_mut().poll(cx) {
                Poll::Ready(result) => Poll::Ready(Event::Over(result)),
                Poll::Pending => match phase.progress() {
                    now if now == progress => Poll::Pending,
                    now => Poll::Ready(Event::Moved(now)),
                },
            });
            let event = tokio::select! {
                biased;
                event = step => event,
                _ = stopped.wait_for(|stop| *stop), if !stopping => Event::Stop,
                () = &mut deadline => Event::TooSlow,
                () = outbox.came() => Event::Interim,
            };
            match event {
                Event::Moved(now) => {
                    progress = now;
                    deadline.set(tokio::time::sleep(time_max(&limits, now)));
                }
                Event::Stop => {
                    stopping = true;
                    http.as_mut().graceful_shutdown();
                }
                // Requests that came and were answered in one go left no trace in `progress`.
                Event::TooSlow
                    if progress == Progress::Idle
                        && let Some(left) = limits
                            .idle_time_max
                            .checked_sub(phase.quiet(clock.elapsed()))
                            .filter(|left| !left.is_zero()) =>
                {
                    deadline.set(tokio::time::sleep(left));
                }
                Event::TooSlow => {
                    tracing::debug!(%peer, phase = ?progress, "connection closed: too slow");
                    return;
                }
                Event::Over(Err(error)) => {
                    tracing::debug!(%peer, error = %chain(&error), "connection ended");
                    return;
                }
                Event::Interim => {}
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

/// How long a connection may stay as it is.
fn time_max(limits: &Limits, progress: Progress) -> Duration {
    match progress {
        Progress::Idle => limits.idle_time_max,
        Progress::Head => limits.header_time_max,
        Progress::Stalled { .. } => limits.write_stall_max,
        // How long an answer takes to make is the business of the one who makes it.
        Progress::Answering => Duration::from_secs(u32::MAX as u64),
    }
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
