//! Bodies to and from the origin: told apart from those that stand still.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Sleep;

use super::pool::{Checkout, Place, Pool};
use crate::{Body, BodyError};

/// How much was passed on of a request's body, or in a tunnel: a new number is progress.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress(Arc<AtomicU64>);

impl Progress {
    pub(super) fn seen(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub(super) fn note(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A request's body on its way to the origin.
pub(super) struct Sent {
    body: Body,
    progress: Progress,
    /// Its place among those that clients hold; free again when the body is through.
    held: Place,
}

impl Sent {
    pub(super) fn new(body: Body, progress: Progress, held: Place) -> Self {
        Self {
            body,
            progress,
            held,
        }
    }
}

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let poll = Pin::new(&mut self.body).poll_frame(cx);
        if poll.is_ready() {
            self.progress.note();
        }
        if matches!(poll, Poll::Ready(None)) || self.body.is_end_stream() {
            self.held = None;
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

/// An answer's body on its way from the origin; at its end the connection is kept for the next
/// request, and before it the connection ends with the body.
pub(super) struct Received {
    incoming: Incoming,
    lent: Option<(Checkout, Arc<Pool>)>,
    stall_max: Duration,
    /// Runs while a piece is waited for.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Received {
    pub(super) fn new(
        incoming: Incoming,
        checkout: Checkout,
        pool: Arc<Pool>,
        stall_max: Duration,
    ) -> Self {
        Self {
            incoming,
            lent: Some((checkout, pool)),
            stall_max,
            stalled: None,
        }
    }

    /// Is there nothing to read?
    pub(super) fn is_over(&self) -> bool {
        self.incoming.is_end_stream()
    }

    /// Gives the connection back.
    pub(super) fn over(mut self) {
        self.give_back();
    }

    fn give_back(&mut self) {
        if let Some((checkout, pool)) = self.lent.take() {
            pool.keep(checkout);
        }
    }
}

impl http_body::Body for Received {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(None) => {
                self.give_back();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Ok(frame))) => {
                self.stalled = None;
                if self.incoming.is_end_stream() {
                    self.give_back();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.lent = None;
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Pending => {
                let stall_max = self.stall_max;
                let stalled = self
                    .stalled
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep(stall_max)));
                std::task::ready!(stalled.as_mut().poll(cx));
                self.lent = None;
                Poll::Ready(Some(Err(Stalled(stall_max).into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// The origin began a body and did not go on.
#[derive(Debug, thiserror::Error)]
#[error("no piece of the body came for {0:?}")]
struct Stalled(Duration);
