//! One trip to the origin for any number of waiters.
//!
//! A trip runs in a task of its own: the one who began it may leave. Whoever asks for the same
//! meanwhile waits for its head, and then decides for itself whether it answers its request.
//! What turned out to be nobody else's is remembered for a while, so that the next ones do not wait.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use quick_cache::sync::Cache;
use revisit_rules::http::Stored;
use tokio::sync::watch;

use super::entry::Entry;
use super::fill::Fill;
use crate::FetchError;

/// A response whose body is still on its way.
pub(super) struct Arriving {
    /// The URL that it was asked for by, as [`Entry::url`] has it.
    pub(super) url: Box<str>,
    pub(super) stored: Stored,
    pub(super) fill: Arc<Fill>,
}

/// What a trip brought, as far as others may have it.
#[derive(Clone)]
pub(super) enum Landed {
    /// A response that may be kept.
    Arriving(Arc<Arriving>),
    /// What was kept is still good.
    Validated(Arc<Entry>),
    /// An error of the origin's.
    Trouble(StatusCode),
    /// No answer.
    Nothing(Arc<FetchError>),
    /// A response for the one who asked.
    Private,
}

/// The trips under way that others may join.
pub(super) struct Flights {
    underway: Mutex<HashMap<Bytes, Arc<Flight>>>,
    /// Hashes of ids whose last response was private, and since when. Two ids of one hash cost the
    /// second one a trip of its own at times, and nothing else.
    private: Cache<u64, Duration>,
    hasher: RandomState,
}

struct Flight {
    landed: watch::Sender<Option<Landed>>,
}

/// One's part in a trip.
pub(super) enum Part {
    /// It is to be begun; whoever drops this ends it for all.
    Begin(Boarded),
    /// It is under way.
    Wait(Waiting),
}

impl Flights {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            underway: Mutex::default(),
            private: Cache::new(PRIVATE_IDS_MAX),
            hasher: RandomState::new(),
        })
    }

    fn underway(&self) -> MutexGuard<'_, HashMap<Bytes, Arc<Flight>>> {
        self.underway.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins the trip for `id`, or begins it.
    pub(super) fn join(self: &Arc<Self>, id: &Bytes) -> Part {
        let mut underway = self.underway();
        if let Some(flight) = underway.get(id) {
            return Part::Wait(Waiting(flight.landed.subscribe()));
        }
        let (landed, _) = watch::channel(None);
        let flight = Arc::new(Flight { landed });
        underway.insert(id.clone(), flight.clone());
        Part::Begin(Boarded {
            id: id.clone(),
            flight,
            flights: Some(self.clone()),
        })
    }

    /// A trip that nobody may join.
    pub(super) fn alone(id: &Bytes) -> Boarded {
        let (landed, _) = watch::channel(None);
        Boarded {
            id: id.clone(),
            flight: Arc::new(Flight { landed }),
            flights: None,
        }
    }

    /// Lets nobody join the trip for `id` any more: what it brings is of yesterday.
    pub(super) fn forget(&self, id: &Bytes) {
        self.underway().remove(id);
    }

    /// The same for all trips.
    pub(super) fn forget_all(&self) {
        self.underway().clear();
    }

    /// The same for those whose response is arriving, where it is `unwanted`.
    pub(super) fn forget_arriving(&self, unwanted: impl Fn(&Arriving) -> bool) {
        self.underway()
            .retain(|_, flight| match &*flight.landed.borrow() {
                Some(Landed::Arriving(arriving)) => !unwanted(arriving),
                _ => true,
            });
    }

    /// Was the last response for `id` private, a while ago at most?
    pub(super) fn is_private(&self, id: &Bytes, now: Duration) -> bool {
        let since = self.private.get(&self.hasher.hash_one(id));
        since.is_some_and(|since| now.saturating_sub(since) < PRIVATE_TIME_MAX)
    }

    /// Notes of what kind the last response for `id` was.
    pub(super) fn note(&self, id: &Bytes, private: bool, now: Duration) {
        let hash = self.hasher.hash_one(id);
        match private {
            true => self.private.insert(hash, now),
            false => drop(self.private.remove(&hash)),
        }
    }
}

/// A trip in the hands of the one who makes it.
pub(super) struct Boarded {
    id: Bytes,
    flight: Arc<Flight>,
    flights: Option<Arc<Flights>>,
}

impl Boarded {
    /// Tells those who wait.
    pub(super) fn land(&self, landed: Landed) {
        self.flight.landed.send_replace(Some(landed));
    }
}

impl Drop for Boarded {
    fn drop(&mut self) {
        let Some(flights) = &self.flights else { return };
        let mut underway = flights.underway();
        let ours = |flight: &Arc<Flight>| Arc::ptr_eq(flight, &self.flight);
        if underway.get(&self.id).is_some_and(ours) {
            underway.remove(&self.id);
        }
    }
}

/// Someone who waits for a trip.
pub(super) struct Waiting(watch::Receiver<Option<Landed>>);

impl Waiting {
    /// What it brought; `None`: it ended without a word.
    pub(super) async fn landed(mut self) -> Option<Landed> {
        let landed = self.0.wait_for(Option::is_some).await.ok()?;
        landed.clone()
    }
}

const PRIVATE_IDS_MAX: usize = 16_384;
const PRIVATE_TIME_MAX: Duration = Duration::from_secs(120);
