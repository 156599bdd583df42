//! Connections to the origin: how many there may be, and those that wait for their next request.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::OriginLimits;
use super::body::Sent;
use crate::{BodyError, Clock};

/// One of [`OriginLimits::connections_max`]; free again when it is dropped.
pub(super) type Place = Option<OwnedSemaphorePermit>;

/// A connection that is used by one request.
pub(super) struct Checkout {
    pub(super) sender: SendRequest<Sent>,
    place: Place,
}

impl Checkout {
    /// Lets go of the connection, and keeps its place.
    pub(super) fn give_back_place(self) -> Place {
        self.place
    }
}

/// The connections of one origin, shared by all threads.
pub(super) struct Pool {
    idle: Mutex<Vec<Idle>>,
    places: Arc<Semaphore>,
    /// Places of those among them whose end is the client's to say.
    held_places: Arc<Semaphore>,
    idle_max: usize,
    idle_time_max: Duration,
    codec: Builder,
    clock: Arc<dyn Clock>,
}

struct Idle {
    sender: SendRequest<Sent>,
    since: Duration,
}

impl Pool {
    pub(super) fn new(limits: &OriginLimits, clock: Arc<dyn Clock>) -> Self {
        let mut codec = Builder::new();
        let header_bytes_max = limits.header_bytes_max.max(8192);
        codec
            .max_buf_size(header_bytes_max)
            .max_header_size(header_bytes_max)
            .max_headers(limits.header_count_max);
        Self {
            idle: Mutex::new(Vec::new()),
            places: Arc::new(Semaphore::new(limits.connections_max.max(1))),
            held_places: Arc::new(Semaphore::new(limits.held_connections_max.max(1))),
            idle_max: limits.idle_connections_max,
            idle_time_max: limits.idle_time_max,
            codec,
            clock,
        }
    }

    /// Waits for a place. Unused connections hold none: they are closed for want of one only when
    /// their time is over, so that at most `connections_max + idle_connections_max` are open.
    pub(super) async fn place(&self) -> Place {
        // `None` only if the semaphore were closed, which nobody does.
        self.places.clone().acquire_owned().await.ok()
    }

    /// Waits for a place among those that clients may hold.
    pub(super) async fn held_place(&self) -> Place {
        self.held_places.clone().acquire_owned().await.ok()
    }

    /// The connection that was used last and is still open, if there is one; it takes `place`.
    pub(super) fn kept(&self, place: &mut Option<Place>) -> Option<Checkout> {
        let now = self.clock.elapsed();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(Idle { sender, since }) = idle.pop() {
            if now.saturating_sub(since) > self.idle_time_max {
                // Those below have waited longer still.
                idle.clear();
                break;
            }
            if sender.is_ready() {
                let place = place.take()?;
                return Some(Checkout { sender, place });
            }
        }
        None
    }

    /// Takes a connection that was just made for one request.
    pub(super) async fn speak<C>(&self, connection: C, place: Place) -> Result<Checkout, BodyError>
    where
        C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = self.codec.handshake(TokioIo::new(connection)).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "a connection to the origin ended");
            }
        });
        Ok(Checkout { sender, place })
    }

    /// Takes a connection back whose answer was read to its end.
    pub(super) fn keep(self: Arc<Self>, checkout: Checkout) {
        let Checkout { mut sender, place } = checkout;
        drop(place);
        if sender.is_closed() {
            return;
        }
        if sender.is_ready() {
            return self.push(sender);
        }
        // It may have a word left to say of the last exchange, or still be sending.
        tokio::spawn(async move {
            let ready = tokio::time::timeout(SETTLE_TIME_MAX, sender.ready()).await;
            if matches!(ready, Ok(Ok(()))) {
                self.push(sender);
            }
        });
    }

    fn push(&self, sender: SendRequest<Sent>) {
        let since = self.clock.elapsed();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= self.idle_max {
            idle.retain(|kept| kept.sender.is_ready());
        }
        if idle.len() < self.idle_max {
            idle.push(Idle { sender, since });
        }
    }
}

/// How long a connection may take to be done with an exchange whose answer is there.
const SETTLE_TIME_MAX: Duration = Duration::from_secs(1);
