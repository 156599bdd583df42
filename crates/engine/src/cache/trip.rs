//! One trip to the origin: what is asked, what came, and what of it is kept.
//!
//! It runs in a task of its own, so that it comes to its end though who began it leaves. What was
//! thrown out while it was under way is not brought back (the store's epoch).

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, ETAG, HeaderValue, IF_RANGE, RANGE};
use http::{HeaderMap, Method, StatusCode};
use http_body::Body as _;
use revisit_rules::http::amend;
use revisit_rules::http::outcome::{Forward, Outcome, ttl};
use revisit_rules::http::part;
use revisit_rules::http::reuse::Trouble;
use revisit_rules::http::storable::{Because, Storable, storable};
use revisit_rules::http::validate::{self, Answered, Freshening};
use revisit_rules::http::vary::VaryKey;
use revisit_rules::http::{RequestHead, ResponseHead, Stored, Times};
use tokio::sync::oneshot;

use super::asked::Asked;
use super::entry::{Entry, Variants};
use super::fill::{Again, Fill, Filled};
use super::flight::{Arriving, Boarded, Landed};
use super::groups::Moment;
use super::store::Epoch;
use super::{Inner, told};
use crate::{Body, Fetch, FetchError, Response};

/// To the one who began a trip.
type Tell = oneshot::Sender<Result<Response, FetchError>>;

/// When a trip began: what was thrown out since is not brought back.
pub(super) struct Began {
    epoch: Epoch,
    groups: Moment,
}

impl<F: Fetch> Inner<F> {
    fn began(&self, id: &Bytes) -> Began {
        Began {
            epoch: self.store.epoch(id),
            groups: self.groups.now(),
        }
    }

    /// Begins a trip and waits for its head. `entry` is what is to be validated; `others` are
    /// responses to other requests for the same URL, of which one may be current for this one too.
    pub(super) async fn begin(
        self: &Arc<Self>,
        boarded: Boarded,
        id: Bytes,
        asked: Asked,
        entry: Option<Arc<Entry>>,
        others: Option<Arc<Variants>>,
        why: Forward,
    ) -> Result<Response, FetchError> {
        let target = asked.path().to_owned();
        let (tell, told) = oneshot::channel();
        tokio::spawn(
            self.clone()
                .trip(boarded, id, asked, entry, others, why, Some(tell)),
        );
        told.await.unwrap_or_else(|_| {
            let source = "the trip to the origin ended in a panic".into();
            Err(FetchError::Internal { target, source })
        })
    }

    /// Makes a trip. Without `tell` nobody waits for it.
    #[expect(
        clippy::too_many_arguments,
        reason = "all that is known when it begins"
    )]
    pub(super) async fn trip(
        self: Arc<Self>,
        boarded: Boarded,
        id: Bytes,
        asked: Asked,
        entry: Option<Arc<Entry>>,
        others: Option<Arc<Variants>>,
        why: Forward,
        tell: Option<Tell>,
    ) {
        let tell = |answer| {
            if let Some(tell) = tell {
                // Who asked may have left.
                let _ = tell.send(answer);
            }
        };
        let began = self.began(&id);
        let candidates = candidates(&asked, entry.as_ref(), others.as_deref());
        let (came, times) = self.go(&asked, &candidates).await;
        let response = match came {
            Ok(response) => response,
            Err(error) => {
                let answer = self.despite(Trouble::Unreachable, &asked, entry.as_ref());
                boarded.land(Landed::Nothing(Arc::new(error.again())));
                return tell(answer.ok_or(error));
            }
        };
        let head = ResponseHead {
            status: response.status(),
            headers: response.headers(),
        };
        let stored = candidates.iter().map(|entry| &entry.stored);
        let response = match validate::answered(stored, &head, times) {
            _ if candidates.is_empty() => response,
            Answered::Current(place) => {
                let entry = self.validated(&asked, &candidates[place], response.headers(), times);
                // The news may be of this exchange alone: then nobody else gets to see them.
                boarded.land(
                    match self.keep_validated(&id, &began, &asked, &entry).await {
                        true => Landed::Validated(entry.clone()),
                        false => Landed::Private,
                    },
                );
                let now = self.clock.now();
                let age = entry.stored.freshness(now).age;
                let outcome = Outcome {
                    ttl: Some(ttl(&entry.stored.freshness(now))),
                    forward_status: Some(StatusCode::NOT_MODIFIED),
                    stored: true,
                    ..Outcome::forward(why)
                };
                match self.kept(&asked, &entry, age, now, outcome) {
                    Some(answer) => return tell(Ok(answer)),
                    // What is kept is a part, and another is asked for.
                    None => match self.go(&asked, &[]).await {
                        (Ok(response), _) => response,
                        (Err(error), _) => return tell(Err(error)),
                    },
                }
            }
            Answered::Elsewhere => match self.go(&asked.unconditional(), &[]).await {
                (Ok(response), _) => response,
                (Err(error), _) => return tell(Err(error)),
            },
            Answered::Trouble => {
                let trouble = Trouble::Status(response.status());
                match self.despite(trouble, &asked, entry.as_ref()) {
                    Some(answer) => {
                        boarded.land(Landed::Trouble(response.status()));
                        return tell(Ok(answer));
                    }
                    None => response,
                }
            }
            Answered::Replaced => response,
        };
        self.receive(boarded, &id, &began, &asked, response, times, why, tell)
            .await;
    }

    /// Sends the request, on the condition that none of `candidates` is current.
    async fn go(
        &self,
        asked: &Asked,
        candidates: &[Arc<Entry>],
    ) -> (Result<Response, FetchError>, Times) {
        let mut headers = asked.headers().clone();
        if !candidates.is_empty() {
            let stored = candidates.iter().map(|entry| &entry.stored);
            validate::make_conditional(&mut headers, stored);
        }
        let request = self.clock.now();
        let request_head = asked.request(headers, Body::empty());
        let mut came = self.origin.fetch(request_head).await;
        if let (Ok(response), Some(rule)) = (&mut came, self.options.rule(asked.path())) {
            let status = response.status();
            if let Some(lifetime) = rule.lifetime {
                amend::add_lifetime(status, response.headers_mut(), lifetime);
            }
        }
        let response = self.clock.now();
        (came, Times { request, response })
    }

    /// The kept response with the news of a 304.
    fn validated(
        &self,
        asked: &Asked,
        entry: &Entry,
        news: &HeaderMap,
        times: Times,
    ) -> Arc<Entry> {
        let policy = &self.options.policy;
        let kept = &entry.stored;
        let mut stored = validate::fold_304(policy, kept, asked.headers(), news, times);
        if !stored.vary.matches(asked.headers()) {
            // It was asked about for another request, and is current for this one.
            stored.vary = VaryKey::of(&stored.headers, asked.headers());
        }
        entry.with_head(stored)
    }

    /// Keeps what was validated on, unless the news forbid that. Do they not?
    async fn keep_validated(
        self: &Arc<Self>,
        id: &Bytes,
        began: &Began,
        asked: &Asked,
        entry: &Arc<Entry>,
    ) -> bool {
        let stored = &entry.stored;
        let head = ResponseHead {
            status: stored.status,
            headers: &stored.headers,
        };
        let get = RequestHead {
            method: &Method::GET,
            ..asked.head()
        };
        let of_yesterday = self.groups.holds(&asked.origin(), stored, began.groups);
        match storable(&self.options.policy, &get, &head, stored.times) {
            // Asked about before a group that it is in was made invalid.
            Storable::Yes(_) if of_yesterday => false,
            Storable::Yes(_) => {
                self.put(id, began, asked, entry.clone());
                true
            }
            // About this exchange, and not about what is kept.
            Storable::No(Because::RequestNoStore) => false,
            Storable::No(_) => {
                self.let_go(asked.target()).await;
                false
            }
        }
    }

    /// Passes a new response on, and keeps it if it may be kept.
    #[expect(clippy::too_many_arguments, reason = "all that is known of a trip")]
    async fn receive(
        self: &Arc<Self>,
        boarded: Boarded,
        id: &Bytes,
        began: &Began,
        asked: &Asked,
        response: Response,
        times: Times,
        why: Forward,
        tell: impl FnOnce(Result<Response, FetchError>),
    ) {
        let is_get = *asked.method() == Method::GET;
        if !is_get {
            let (status, headers) = (response.status(), response.headers());
            let head = ResponseHead { status, headers };
            self.freshen(id, began, asked, &head, times).await;
        }
        let stored = match is_get {
            true => self.stored(asked, &response, times),
            false => Err(Because::Method),
        };
        let (parts, body) = response.into_parts();
        let length = length(&parts.headers, &body);
        let own = match &stored {
            Ok(_) => !self.has_room(length),
            Err(because) => because.is_of_every_answer(parts.status),
        };
        let origin = asked.origin();
        let stored = stored.ok().filter(|stored| {
            self.has_room(length) && !self.groups.holds(&origin, stored, began.groups)
        });
        let Some(stored) = stored else {
            boarded.land(Landed::Private);
            // What was asked for by one alone says nothing of what others would get.
            if own && asked.may_be_shared() {
                self.flights.note(id, true, self.clock.elapsed());
            }
            let response = Response::from_parts(parts, body);
            return tell(Ok(told(response, &Outcome::forward(why))));
        };

        self.flights.note(id, false, self.clock.elapsed());
        let again = self.again(asked, &stored);
        let (bytes_max, budget) = (self.options.body_bytes_max, self.budget.clone());
        let fill = Fill::new(length, bytes_max, budget, again);
        let reader = fill.read().unwrap_or_default();
        let arriving = Arriving {
            url: asked.url(),
            stored: stored.clone(),
            fill: fill.clone(),
        };
        boarded.land(Landed::Arriving(Arc::new(arriving)));
        let outcome = Outcome {
            stored: true,
            ..Outcome::forward(why)
        };
        tell(Ok(told(Response::from_parts(parts, reader), &outcome)));
        self.put_whole(id, began, asked, stored, &fill, body).await;
        // From here on it is found in the store.
        drop(boarded);
    }

    /// How a reader that was left behind gets the rest of this response, if it can be told that it is of
    /// the same state.
    fn again(self: &Arc<Self>, asked: &Asked, stored: &Stored) -> Option<Again> {
        let tag = stored.headers.get(ETAG).cloned();
        let tag = tag.filter(|_| part::can_go_on(stored))?;
        let (cache, asked) = (self.clone(), asked.unconditional());
        let validators = stored.validators.clone();
        Some(Box::new(move |from| {
            let (cache, validators) = (cache.clone(), validators.clone());
            let mut headers = asked.headers().clone();
            headers.insert(IF_RANGE, tag.clone());
            if let Ok(range) = HeaderValue::try_from(format!("bytes={from}-")) {
                headers.insert(RANGE, range);
            }
            let request = asked.request(headers, Body::empty());
            Box::pin(async move {
                let response = cache.origin.fetch(request).await?;
                let head = ResponseHead {
                    status: response.status(),
                    headers: response.headers(),
                };
                let now = cache.clock.now();
                let skip = part::goes_on(&head, &validators, from, now);
                let skip = skip.ok_or("the origin has another state by now")?;
                Ok(response.into_body().without_first(skip))
            })
        }))
    }

    /// The head of a response as it is kept, or why it may not be.
    fn stored(&self, asked: &Asked, response: &Response, times: Times) -> Result<Stored, Because> {
        let policy = &self.options.policy;
        let head = ResponseHead {
            status: response.status(),
            headers: response.headers(),
        };
        match storable(policy, &asked.head(), &head, times) {
            Storable::Yes(_) => {
                Stored::new(policy, &asked.head(), &head, times).ok_or(Because::NoPart)
            }
            Storable::No(because) => {
                tracing::debug!(path = asked.path(), ?because, "not kept");
                Err(because)
            }
        }
    }

    /// Reads a body to its end and puts the response, if it is whole: all of it, or of the part that
    /// it says it is.
    async fn put_whole(
        self: &Arc<Self>,
        id: &Bytes,
        began: &Began,
        asked: &Asked,
        stored: Stored,
        fill: &Fill,
        body: Body,
    ) {
        let said = stored.part.map(|part| part.length());
        if let Filled::Whole(bytes) = fill.fill(body).await
            && said.is_none_or(|length| length == bytes.len() as u64)
        {
            let entry = Entry::new(asked.url(), stored, bytes);
            self.put(id, began, asked, entry);
        }
    }

    /// A body that is known to be too large is not begun to be kept.
    fn has_room(&self, length: Option<u64>) -> bool {
        length.is_none_or(|length| length <= self.options.body_bytes_max)
    }

    /// Puts an entry among those for the same URL.
    fn put(self: &Arc<Self>, id: &Bytes, began: &Began, asked: &Asked, entry: Arc<Entry>) {
        if self.rehead(&entry) {
            return;
        }
        let origin = asked.origin();
        let put = self.store.update(id, &began.epoch, |before| {
            // Under the lock that a group's end waits for.
            if self.groups.holds(&origin, &entry.stored, began.groups) {
                return before;
            }
            let before = before.as_ref().map_or(&[][..], |variants| &variants.0);
            let all = Variants::with(before, entry.clone(), &self.options);
            Some(Arc::new(all))
        });
        if put {
            self.used(id, &entry);
        }
        if put && self.options.policy.no_vary_search {
            self.alike.note(id, &entry);
        }
    }

    /// What a response to HEAD says of the kept response to GET (RFC 9111 §4.3.5).
    async fn freshen(
        self: &Arc<Self>,
        id: &Bytes,
        began: &Began,
        asked: &Asked,
        head: &ResponseHead<'_>,
        times: Times,
    ) {
        let Some(entry) = self.find(id, asked).chosen else {
            return;
        };
        match validate::freshen(&entry.stored, head, times) {
            Freshening::Current => {
                let entry = self.validated(asked, &entry, head.headers, times);
                self.keep_validated(id, began, asked, &entry).await;
            }
            Freshening::Outdated => self.let_go(asked.target()).await,
            Freshening::Nothing => {}
        }
    }

    /// Keeps the response to a POST where it answers a GET from then on (RFC 9110 §9.3.3).
    pub(super) fn keep_of_write(
        self: &Arc<Self>,
        asked: &Asked,
        response: Response,
        sent: SystemTime,
    ) -> Response {
        let times = Times {
            request: sent,
            response: self.clock.now(),
        };
        let mut outcome = Outcome::forward(Forward::Method);
        let stored = match *asked.method() {
            Method::POST if !self.bypasses(asked) => self.stored(asked, &response, times).ok(),
            _ => None,
        };
        let (parts, body) = response.into_parts();
        let length = length(&parts.headers, &body);
        let Some(stored) = stored.filter(|_| self.has_room(length)) else {
            return told(Response::from_parts(parts, body), &outcome);
        };
        outcome.stored = true;
        let id = asked.id();
        let began = self.began(&id);
        let (bytes_max, budget) = (self.options.body_bytes_max, self.budget.clone());
        let fill = Fill::new(length, bytes_max, budget, None);
        let reader = fill.read().unwrap_or_default();
        let (cache, asked) = (self.clone(), asked.clone());
        tokio::spawn(async move {
            let asked = &asked;
            cache
                .put_whole(&id, &began, asked, stored, &fill, body)
                .await;
        });
        told(Response::from_parts(parts, reader), &outcome)
    }
}

/// Which kept responses the origin is asked about: the one for this request; else, for a plain GET,
/// those for other requests.
fn candidates(
    asked: &Asked,
    entry: Option<&Arc<Entry>>,
    others: Option<&Variants>,
) -> Vec<Arc<Entry>> {
    match (entry, others) {
        (Some(entry), _) => vec![entry.clone()],
        (None, Some(others)) if asked.may_be_shared() => {
            let tagged = |entry: &&Arc<Entry>| entry.stored.validators.etag.is_some();
            others
                .0
                .iter()
                .filter(tagged)
                .take(CANDIDATES_MAX)
                .cloned()
                .collect()
        }
        _ => Vec::new(),
    }
}

/// How long the body will be, where that is known.
fn length(headers: &http::HeaderMap, body: &Body) -> Option<u64> {
    body.size_hint().exact().or_else(|| {
        let length = headers.get(CONTENT_LENGTH)?;
        length.to_str().ok()?.parse().ok()
    })
}

/// Most kept responses that one request names to the origin.
const CANDIDATES_MAX: usize = 8;
