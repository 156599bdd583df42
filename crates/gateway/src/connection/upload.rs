//! The body of a request as it comes: no larger and no slower than it may be.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use revisit_engine::{BodyError, Clock};
use tokio::time::Sleep;

use crate::Limits;

/// What ended a body before its end; whoever reads it sees an error, and whoever asks here the reason.
#[derive(Debug, Clone, Default)]
pub(super) struct Ended(Arc<AtomicU8>);

const TOO_LARGE: u8 = 1;
const TOO_SLOW: u8 = 2;

impl Ended {
    /// What the client is told instead of an answer, if its body was ended.
    pub(super) fn status(&self) -> Option<StatusCode> {
        match self.0.load(Relaxed) {
            TOO_LARGE => Some(StatusCode::PAYLOAD_TOO_LARGE),
            TOO_SLOW => Some(StatusCode::REQUEST_TIMEOUT),
            _ => None,
        }
    }
}

/// A body that is ended when it becomes too large, or is waited for too long.
pub(super) struct Upload<B> {
    body: B,
    limits: Arc<Limits>,
    clock: Arc<dyn Clock>,
    ended: Ended,
    bytes: u64,
    /// How long it was waited for so far.
    waited: Duration,
    /// Since when it is waited for, and when that is too long.
    waiting: Option<(Duration, Pin<Box<Sleep>>)>,
}

impl<B> Upload<B> {
    pub(super) fn new(body: B, limits: Arc<Limits>, clock: Arc<dyn Clock>, ended: Ended) -> Self {
        Self {
            body,
            limits,
            clock,
            ended,
            bytes: 0,
            waited: Duration::ZERO,
            waiting: None,
        }
    }

    fn end(&self, reason: u8, error: &'static str) -> BodyError {
        self.ended.0.store(reason, Relaxed);
        error.into()
    }

    /// How long it may be waited for in all, with what has come.
    fn time_max(&self) -> Duration {
        let seconds = self.bytes / self.limits.body_bytes_per_second_min.max(1);
        let earned = Duration::from_secs(seconds);
        self.limits.body_time_max.saturating_add(earned)
    }
}

impl<B> Body for Upload<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            if let Some((since, _)) = this.waiting.take() {
                this.waited += this.clock.elapsed().saturating_sub(since);
            }
            let Some(frame) = frame else {
                return Poll::Ready(None);
            };
            let frame = frame.map_err(Into::into)?;
            this.bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
            return Poll::Ready(Some(match this.bytes > this.limits.body_bytes_max {
                true => Err(this.end(TOO_LARGE, "the body of the request is too large")),
                false => Ok(frame),
            }));
        }
        let left = this.time_max().saturating_sub(this.waited);
        let clock = &this.clock;
        let (_, too_long) = this
            .waiting
            .get_or_insert_with(|| (clock.elapsed(), Box::pin(tokio::time::sleep(left))));
        std::task::ready!(too_long.as_mut().poll(cx));
        Poll::Ready(Some(Err(
            this.end(TOO_SLOW, "the body of the request comes too slowly")
        )))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
