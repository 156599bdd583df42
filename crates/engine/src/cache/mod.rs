//! The HTTP cache: the way of a request, downward and back once.
//!
//! Key → store → variant → reuse; fresh: answer; stale or missing: a trip to the origin, which
//! others may join ([`flight`]), whose answer is validated, judged and kept ([`trip`]) while it
//! streams to all who wait ([`fill`]). What is decided on the way stands in `revisit_rules::http`;
//! here it is done, and told in `Cache-Status`.

mod alike;
mod answer;
mod asked;
mod content;
#[cfg(feature = "disk")]
mod disk;
#[cfg(not(feature = "disk"))]
#[path = "no_disk.rs"]
mod disk;
mod entry;
mod fill;
mod flight;
mod groups;
mod purge;
mod store;
mod tiers;
mod trip;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, HeaderName};
use http::{HeaderValue, Method, StatusCode};
use http_body::Body as _;
use revisit_rules::http::invalidate::{Invalidation, invalidations};
use revisit_rules::http::outcome::{self, Detail, Forward, Outcome};
use revisit_rules::http::reuse::{self, Allows, OnTrouble, Reuse, Trouble};
use revisit_rules::http::vary::{self, Selected};
use revisit_rules::http::{ResponseHead, Stored};
use revisit_rules::site::pattern::Pattern;

use crate::{Body, Clock, Fetch, FetchError, Request, Response};
use alike::Alike;
use answer::{Source, answer};
use asked::Asked;
use disk::Disk;
use entry::{Entry, Variants, is_in_group};
use fill::Budget;
use flight::{Flights, Landed, Part};
use groups::Invalidated;
use store::Memory;

pub use purge::PurgeError;
pub use revisit_rules::http::Policy;

/// How much a cache keeps, and what it passes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheOptions {
    /// What is kept and reused.
    pub policy: Policy,
    /// Bytes in memory for all that is kept, heads and bookkeeping among them. Default 256 MiB.
    pub memory_bytes_max: u64,
    /// Largest body that is kept; larger ones pass through. Default 64 MiB.
    pub body_bytes_max: u64,
    /// Most responses that are kept for one URL, which differ in the fields that `Vary` names.
    /// Default 32.
    pub variants_max: usize,
    /// What is done otherwise below some paths; the first that fits counts.
    pub rules: Vec<PathRule>,
}

impl CacheOptions {
    /// The defaults for this policy.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            memory_bytes_max: 256 << 20,
            body_bytes_max: 64 << 20,
            variants_max: 32,
            rules: Vec::new(),
        }
    }

    /// The first rule for a path, if there is one.
    fn rule(&self, path: &str) -> Option<&PathRule> {
        let path = path.strip_prefix('/').unwrap_or(path);
        self.rules.iter().find(|rule| rule.path.matches(path))
    }
}

/// What is done otherwise below some path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRule {
    /// For which paths.
    pub path: Pattern,
    /// Nothing is kept, and what is kept does not answer.
    pub bypass: bool,
    /// The same for requests with a cookie of one of these names.
    pub bypass_cookies: Vec<String>,
    /// Lifetime of a 200 that says nothing of its own, and sets no cookie: it is sent on with this
    /// `max-age`.
    pub lifetime: Option<Duration>,
}

impl PathRule {
    /// Does it keep this request away from the cache?
    fn bypasses(&self, asked: &Asked) -> bool {
        self.bypass
            || asked.cookies().any(|name| {
                self.bypass_cookies
                    .iter()
                    .any(|known| name == known.as_bytes())
            })
    }
}

/// A cache before any [`Fetch`]; a clone is the same cache.
///
/// Trips to the origin run as tasks of the tokio runtime that asks, so that they come to their end
/// though who asked leaves.
///
/// ```
/// use std::sync::Arc;
/// use revisit_engine::cache::{Cache, CacheOptions};
/// use revisit_engine::{Body, Fetch, FetchError, Request, Response, SystemClock};
/// use revisit_rules::http::Policy;
///
/// struct Greeter;
///
/// impl Fetch for Greeter {
///     async fn fetch(&self, _: Request) -> Result<Response, FetchError> {
///         let response = Response::new("hello".into());
///         let (mut parts, body) = response.into_parts();
///         parts.headers.insert("cache-control", "max-age=60".parse().unwrap());
///         Ok(Response::from_parts(parts, body))
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let options = CacheOptions::new(Policy::private());
/// let cache = Cache::before(Greeter, options, Arc::new(SystemClock::start()));
/// for said in ["revisit;fwd=uri-miss;stored", "revisit;hit;ttl="] {
///     let response = cache.fetch(Request::new(Body::empty())).await.unwrap();
///     let status = response.headers()["cache-status"].to_str().unwrap();
///     assert!(status.starts_with(said), "{status}");
/// #    while cache.size().1 == 0 { tokio::task::yield_now().await; }
/// }
/// # });
/// ```
pub struct Cache<F>(Arc<Inner<F>>);

struct Inner<F> {
    origin: F,
    options: CacheOptions,
    store: Memory<Variants>,
    disk: Option<Disk>,
    flights: Arc<Flights>,
    groups: Invalidated,
    alike: Alike,
    budget: Arc<Budget>,
    clock: Arc<dyn Clock>,
}

impl<F> Clone for Cache<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F: Fetch> Cache<F> {
    /// An empty cache before `origin`.
    pub fn before(origin: F, options: CacheOptions, clock: Arc<dyn Clock>) -> Self {
        Self::with(origin, options, clock, None)
    }

    /// A cache before `origin` with `store` behind its memory: what was used twice is there when it is
    /// opened again. One store serves one cache.
    #[cfg(feature = "disk")]
    pub async fn on_disk(
        origin: F,
        options: CacheOptions,
        clock: Arc<dyn Clock>,
        store: revisit_store::Store,
    ) -> Result<Self, revisit_store::StoreError> {
        let disk = Disk::open(store, &options.policy).await?;
        Ok(Self::with(origin, options, clock, Some(disk)))
    }

    fn with(origin: F, options: CacheOptions, clock: Arc<dyn Clock>, disk: Option<Disk>) -> Self {
        let entry_bytes_max = options.body_bytes_max.min(options.memory_bytes_max) + HEAD_ASSUMED;
        Self(Arc::new(Inner {
            store: Memory::new(options.memory_bytes_max, entry_bytes_max),
            disk,
            flights: Flights::new(),
            groups: Invalidated::default(),
            alike: Alike::new(),
            // What is on its way takes memory beside what is kept.
            budget: Budget::new((options.memory_bytes_max / 2).max(options.body_bytes_max)),
            origin,
            options,
            clock,
        }))
    }

    /// Bytes on the disk, and responses; `None`: there is no disk behind the memory.
    pub fn disk_size(&self) -> Option<(u64, u64)> {
        self.0.disk.as_ref().map(Disk::size)
    }

    /// Bytes that are kept in memory, and URLs.
    pub fn size(&self) -> (u64, usize) {
        self.0.store.size()
    }
}

impl<F: Fetch> Fetch for Cache<F> {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let (asked, body) = Asked::of(request);
        match *asked.method() {
            Method::GET | Method::HEAD if body.is_end_stream() => match self.0.bypasses(&asked) {
                true => self.0.pass(asked, body).await,
                false => self.0.read(asked).await,
            },
            _ => self.0.write(asked, body).await,
        }
    }
}

impl<F: Fetch> Inner<F> {
    /// GET and HEAD: from what is kept, if that may answer.
    async fn read(self: &Arc<Self>, asked: Asked) -> Result<Response, FetchError> {
        let policy = &self.options.policy;
        let id = asked.id();
        let mut found = self.find(&id, &asked);
        if found.variants.is_none()
            && let Some(variants) = self.recall(&id).await
        {
            found = Found::among(Some(variants), &asked);
        }
        let now = self.clock.now();
        let Found {
            variants,
            chosen,
            miss,
        } = found;
        let Some(entry) = chosen else {
            if let Some(response) = self.alike(&asked, now) {
                return Ok(response);
            }
            if !reuse::may_ask(policy, asked.headers()) {
                return Ok(refused());
            }
            return self.ask(id, asked, None, variants, miss).await;
        };
        match reuse::reuse(policy, asked.headers(), &entry.stored, now) {
            Reuse::Fresh { age } => {
                let outcome = hit(&entry.stored, now);
                if let Some(response) = self.kept(&asked, &entry, age, now, outcome) {
                    self.used(&id, &entry);
                    return Ok(response);
                }
                // It is a part, and another is asked for.
                self.ask(id, asked, None, None, Forward::Partial).await
            }
            Reuse::Stale { age, by } => {
                let outcome = stale(&entry.stored, by, now);
                let Some(response) = self.kept(&asked, &entry, age, now, outcome) else {
                    return self.ask(id, asked, None, None, Forward::Partial).await;
                };
                if by == Allows::WhileRevalidate {
                    self.refresh_later(id, asked, entry);
                }
                Ok(response)
            }
            Reuse::Refuse(_) => Ok(refused()),
            Reuse::Validate(why) => self.ask(id, asked, Some(entry), None, why.into()).await,
        }
    }

    /// What is kept for `id`, and which of it is for this request.
    fn find(&self, id: &Bytes, asked: &Asked) -> Found {
        Found::among(self.store.get(id), asked)
    }

    /// The answer from what is kept for another query, where that says that it is one for this too.
    fn alike(&self, asked: &Asked, now: SystemTime) -> Option<Response> {
        if !self.options.policy.no_vary_search {
            return None;
        }
        let id = self.alike.find(asked.target())?;
        let entry = self.find(&id, asked).chosen?;
        if !entry.is_alike(&asked.url()) {
            return None;
        }
        match reuse::reuse(&self.options.policy, asked.headers(), &entry.stored, now) {
            Reuse::Fresh { age } => self.kept(asked, &entry, age, now, hit(&entry.stored, now)),
            // What is stale is asked for by the URL that is asked for.
            _ => None,
        }
    }

    /// Asks the origin, together with all who ask the same at this time, where that may be.
    async fn ask(
        self: &Arc<Self>,
        id: Bytes,
        asked: Asked,
        entry: Option<Arc<Entry>>,
        others: Option<Arc<Variants>>,
        why: Forward,
    ) -> Result<Response, FetchError> {
        let together = asked.may_be_shared() && !self.flights.is_private(&id, self.clock.elapsed());
        if together {
            match self.flights.join(&id) {
                Part::Begin(boarded) => {
                    return self.begin(boarded, id, asked, entry, others, why).await;
                }
                Part::Wait(waiting) => {
                    let landed = waiting.landed().await;
                    if let Some(done) = self.share(landed, &asked, entry.as_ref(), why) {
                        return done;
                    }
                }
            }
        }
        self.begin(Flights::alone(&id), id, asked, entry, others, why)
            .await
    }

    /// Whether what another's trip brought answers this request too; `None`: it does not, and this
    /// request has to make its own.
    fn share(
        &self,
        landed: Option<Landed>,
        asked: &Asked,
        entry: Option<&Arc<Entry>>,
        why: Forward,
    ) -> Option<Result<Response, FetchError>> {
        let now = self.clock.now();
        let policy = &self.options.policy;
        let allowed = |stored: &Stored| {
            let age = match reuse::reuse(policy, asked.headers(), stored, now) {
                Reuse::Fresh { age } | Reuse::Stale { age, .. } => age,
                Reuse::Validate(_) | Reuse::Refuse(_) => return None,
            };
            let collapsed = Outcome {
                collapsed: true,
                ttl: Some(outcome::ttl(&stored.freshness(now))),
                ..Outcome::forward(why)
            };
            stored
                .vary
                .matches(asked.headers())
                .then_some((age, collapsed))
        };
        match landed? {
            Landed::Arriving(arriving) => {
                let (age, collapsed) = allowed(&arriving.stored)?;
                let source = Source::Coming(arriving.fill.read()?);
                let response = answer(asked, &arriving.stored, source, age, now)?;
                Some(Ok(told(response, &collapsed)))
            }
            Landed::Validated(validated) => {
                let (age, collapsed) = allowed(&validated.stored)?;
                self.kept(asked, &validated, age, now, collapsed).map(Ok)
            }
            Landed::Trouble(status) => self.despite(Trouble::Status(status), asked, entry).map(Ok),
            Landed::Nothing(error) => Some(
                self.despite(Trouble::Unreachable, asked, entry)
                    .ok_or_else(|| error.again()),
            ),
            Landed::Private => None,
        }
    }

    /// The answer from a kept response.
    fn kept(
        &self,
        asked: &Asked,
        entry: &Entry,
        age: Duration,
        now: SystemTime,
        outcome: Outcome,
    ) -> Option<Response> {
        let source = Source::Kept(&entry.content);
        let response = answer(asked, &entry.stored, source, age, now)?;
        Some(told(response, &outcome))
    }

    /// The answer from a kept response though, or because, the origin is in trouble.
    fn despite(
        &self,
        trouble: Trouble,
        asked: &Asked,
        entry: Option<&Arc<Entry>>,
    ) -> Option<Response> {
        let entry = entry?;
        let now = self.clock.now();
        let policy = &self.options.policy;
        match reuse::on_trouble(policy, asked.headers(), &entry.stored, trouble, now) {
            OnTrouble::Serve { age, by } => {
                let mut outcome = Outcome {
                    ttl: Some(outcome::ttl(&entry.stored.freshness(now))),
                    detail: Some(Detail::Stale(by)),
                    ..Outcome::forward(Forward::Stale)
                };
                if let Trouble::Status(status) = trouble {
                    outcome.forward_status = Some(status);
                }
                self.kept(asked, entry, age, now, outcome)
            }
            OnTrouble::Show(_) => None,
        }
    }

    /// Validates a kept response while it is still being used.
    fn refresh_later(self: &Arc<Self>, id: Bytes, asked: Asked, entry: Arc<Entry>) {
        if let Part::Begin(boarded) = self.flights.join(&id) {
            // a HEAD would ask about it too, but bring nothing in its place
            let asked = asked.unconditional().into_get();
            let (cache, entry, why) = (self.clone(), Some(entry), Forward::Stale);
            tokio::spawn(cache.trip(boarded, id, asked, entry, None, why, None));
        }
    }

    /// Is it none of the cache's business?
    fn bypasses(&self, asked: &Asked) -> bool {
        let rule = self.options.rule(asked.path());
        asked.changes_protocol() || rule.is_some_and(|rule| rule.bypasses(asked))
    }

    /// Straight to the origin.
    async fn pass(&self, asked: Asked, body: Body) -> Result<Response, FetchError> {
        let request = asked.request(asked.headers().clone(), body);
        let response = self.origin.fetch(request).await?;
        Ok(told(response, &Outcome::forward(Forward::Bypass)))
    }

    /// Any other method: through to the origin, and what it made invalid goes.
    async fn write(self: &Arc<Self>, asked: Asked, body: Body) -> Result<Response, FetchError> {
        let sent = self.clock.now();
        let request = asked.request(asked.headers().clone(), body);
        let response = self.origin.fetch(request).await?;
        let head = ResponseHead {
            status: response.status(),
            headers: response.headers(),
        };
        for invalidation in invalidations(&self.options.policy, &asked.head(), &head) {
            self.invalidate(&invalidation, &asked).await;
        }
        Ok(self.keep_of_write(&asked, response, sent))
    }

    async fn invalidate(&self, invalidation: &Invalidation, asked: &Asked) {
        match invalidation {
            Invalidation::Uri(uri, _) => {
                self.let_go(uri.target()).await;
            }
            Invalidation::Group(group) => {
                let origin = asked.origin();
                let _purging = self.disk.as_ref().map(Disk::purging);
                // First what is on its way, then what is there.
                self.groups.add(&origin, group);
                self.flights.forget_arriving(|arriving| {
                    is_in_group(&arriving.url, &arriving.stored, &origin, group)
                });
                let holds = |variants: &Arc<Variants>| {
                    let mut entries = variants.0.iter();
                    entries.any(|entry| entry.is_in(&origin, group))
                };
                for id in self.store.ids(holds) {
                    self.flights.forget(&id);
                    self.store.remove(&id);
                }
                self.let_group_go(&origin, group).await;
            }
        }
    }
}

/// What is kept for a request.
struct Found {
    variants: Option<Arc<Variants>>,
    chosen: Option<Arc<Entry>>,
    /// Why there is none.
    miss: Forward,
}

impl Found {
    /// Which of `variants` is for this request.
    fn among(variants: Option<Arc<Variants>>, asked: &Asked) -> Self {
        let all = variants.as_ref().map_or(&[][..], |variants| &variants.0);
        let stored = all.iter().map(|entry| &entry.stored);
        let (chosen, miss) = match vary::select(stored, asked.headers()) {
            Selected::One(place) => (all.get(place).cloned(), Forward::Stale),
            Selected::Empty => (None, Forward::UriMiss),
            Selected::NoMatch => (None, Forward::VaryMiss),
        };
        Self {
            variants,
            chosen,
            miss,
        }
    }
}

fn hit(stored: &Stored, now: SystemTime) -> Outcome {
    Outcome {
        ttl: Some(outcome::ttl(&stored.freshness(now))),
        ..Outcome::hit()
    }
}

fn stale(stored: &Stored, by: Allows, now: SystemTime) -> Outcome {
    Outcome {
        detail: Some(Detail::Stale(by)),
        ..hit(stored, now)
    }
}

/// 504: nothing that is kept answers, and the client wants nothing else.
fn refused() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::GATEWAY_TIMEOUT;
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let outcome = Outcome {
        detail: Some(Detail::OnlyIfCached),
        ..Outcome::hit()
    };
    told(response, &outcome)
}

/// The response with our word in `Cache-Status`, behind those of caches nearer to the origin (RFC
/// 9211 §2).
fn told(mut response: Response, outcome: &Outcome) -> Response {
    if let Ok(value) = HeaderValue::try_from(outcome.cache_status(NAME)) {
        response.headers_mut().append(CACHE_STATUS, value);
    }
    response
}

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
/// Our name there.
const NAME: &sfv::TokenRef = sfv::token_ref("revisit");

/// Room for the head of the largest entry.
const HEAD_ASSUMED: u64 = 128 * 1024;
