//! The HTTP layer: the disk cache before pushes and network.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, COOKIE, HeaderValue, PRAGMA, RANGE};
use http::{HeaderMap, Method, StatusCode};
use revisit_rules::http::reuse::{OnTrouble, Trouble as Failing, on_trouble};
use revisit_rules::http::storable::{Storable, storable};
use revisit_rules::http::validate::{
    Freshening, fold_304, freshen, make_conditional, make_conditional_literally,
};
use revisit_rules::http::vary::VaryKey;
use revisit_rules::http::{RequestHead, ResponseHead, Stored, Times};
use url::Url;

use super::Replay;
use super::exchange::{answered, begin, with};
use super::wire::Sent;
use crate::disk::{Arrived, Decision, Kept, Key, Mode, Partition, decide, key, target};
use crate::memory::Resource;
use crate::{
    CacheMode, Destination, Exchange, Layer, NotKept, Parse, Reason, Server, Trouble, Visit,
};

/// One request, as it comes to the HTTP layer.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    /// Without fragment.
    pub(super) url: Url,
    /// All fields but those that the cache adds.
    pub(super) headers: HeaderMap,
    pub(super) destination: Destination,
    pub(super) mode: Mode,
    pub(super) partition: Partition,
    pub(super) prefetch: bool,
    pub(super) body_bytes: Option<u64>,
    pub(super) found_in: Option<Url>,
    pub(super) ready: Duration,
    pub(super) background: bool,
}

/// What the HTTP layer gives.
#[derive(Debug, Clone)]
pub(super) struct Got {
    pub(super) resource: Arc<Resource>,
    /// When its last byte had come.
    pub(super) end: Duration,
    /// What came meanwhile, where a stale response was used.
    pub(super) refreshed: Option<Arc<Resource>>,
}

impl<S: Server, P: Parse> Replay<S, P> {
    /// Answers one request.
    pub(super) fn http(&mut self, visit: &mut Visit, ask: &Ask) -> Result<Got, Trouble> {
        if visit.exchanges.len() >= self.options.limits.exchanges_max {
            return Err(Trouble::TooManyRequests);
        }
        match ask.method {
            Method::GET if ask.headers.contains_key(RANGE) => self.ranged(visit, ask),
            Method::GET | Method::HEAD => self.read(visit, ask),
            _ => self.write(visit, ask),
        }
    }

    /// GET and HEAD of the whole.
    fn read(&mut self, visit: &mut Visit, ask: &Ask) -> Result<Got, Trouble> {
        let now = self.local(ask.ready);
        let mut key = key(&ask.partition, &ask.url);
        let mut kept = self.disk.find(&key);
        let says = |disk: &crate::disk::Disk, kept: &Kept| {
            decide(
                disk.policy(),
                ask.mode,
                &ask.headers,
                Some(&kept.stored),
                now,
            )
        };
        if kept.is_none()
            && let Some((similar, found)) = self.disk.find_similar(&ask.partition, &ask.url)
            && matches!(says(&self.disk, &found), Decision::Serve { .. })
        {
            (key, kept) = (similar, Some(found));
        }
        let past = matches!(ask.mode.cache, CacheMode::Reload | CacheMode::NoStore);
        if let Some(kept) = kept
            .as_ref()
            .filter(|kept| !past && kept.stored.part.is_some())
        {
            return self.complete(visit, ask, &key, kept.clone());
        }
        let stored = kept.as_ref().map(|kept| &kept.stored);
        match (
            decide(self.disk.policy(), ask.mode, &ask.headers, stored, now),
            kept,
        ) {
            (
                Decision::Serve {
                    reason,
                    stale,
                    refresh,
                },
                Some(kept),
            ) => Ok(self.serve(visit, ask, &key, &kept, reason, stale, refresh)),
            (Decision::Validate { reason, matches }, Some(kept)) => {
                self.ask(visit, ask, &key, Some((kept, matches)), reason)
            }
            (Decision::Ask(reason), _) => self.ask(visit, ask, &key, None, reason),
            (Decision::Fail, _) => Err(fail(
                visit,
                ask,
                Reason::AskingForbidden,
                Trouble::CacheMiss,
            )),
            // A decision to use what is kept is made of what is kept alone.
            (Decision::Serve { .. } | Decision::Validate { .. }, None) => {
                self.ask(visit, ask, &key, None, Reason::NothingKept)
            }
        }
    }

    /// Answers from the disk.
    #[expect(
        clippy::too_many_arguments,
        reason = "all that was decided about one entry"
    )]
    fn serve(
        &mut self,
        visit: &mut Visit,
        ask: &Ask,
        key: &Key,
        kept: &Kept,
        reason: Reason,
        stale: bool,
        refresh: bool,
    ) -> Got {
        let resource = Arc::new(self.of_kept(ask, kept));
        let layer = match kept.prefetched {
            true => Layer::Prefetch,
            false => Layer::Disk,
        };
        if !ask.prefetch {
            self.disk.used(key);
        }
        let mut exchange = answered(begin(ask, reason), layer, &resource, DISK_TAKES);
        exchange.stale = stale;
        let end = exchange.end;
        visit.exchanges.push(exchange);
        let refreshed = refresh.then(|| self.refresh(visit, ask)).flatten();
        Got {
            resource,
            end,
            refreshed,
        }
    }

    /// Asks for what is used stale meanwhile.
    pub(super) fn refresh(&mut self, visit: &mut Visit, ask: &Ask) -> Option<Arc<Resource>> {
        let mut again = ask.clone();
        again.mode.may_be_stale = false;
        again.background = true;
        // Nobody waits for it: what becomes of it stands in its exchange.
        self.http(visit, &again).ok().map(|got| got.resource)
    }

    /// Asks past the disk; `kept` is what may be current still, and whether its `Vary` fits.
    fn ask(
        &mut self,
        visit: &mut Visit,
        ask: &Ask,
        key: &Key,
        kept: Option<(Arc<Kept>, bool)>,
        reason: Reason,
    ) -> Result<Got, Trouble> {
        let mut headers = ask.headers.clone();
        say_mode(&mut headers, ask.mode.cache);
        let conditional = match &kept {
            Some((kept, matches)) => self.make_conditional(&mut headers, &kept.stored, *matches),
            None => false,
        };
        let sent = match self.send(ask, headers.clone(), ask.ready) {
            Ok(sent) => sent,
            Err(trouble) => {
                let usable = kept.filter(|(_, matches)| *matches).map(|(kept, _)| kept);
                return match usable
                    .and_then(|kept| self.despite(visit, ask, &kept, Failing::Unreachable))
                {
                    Some(got) => Ok(got),
                    None => Err(fail(visit, ask, reason, trouble)),
                };
            }
        };
        let status = sent.response.status;
        if let Some((kept, true)) = &kept
            && status.is_server_error()
            && let Some(got) = self.despite(visit, ask, kept, Failing::Status(status))
        {
            return Ok(got);
        }
        let mut exchange = sent_exchange(ask, reason, &sent);
        let times = self.times(&sent);
        let resource = match kept {
            Some((kept, _)) if conditional && status == StatusCode::NOT_MODIFIED => {
                self.confirmed(ask, key, &kept, &sent.response.headers, times)
            }
            kept => {
                let kept = kept.map(|(kept, _)| kept);
                exchange.not_kept = self.arrived(ask, key, kept.as_deref(), &sent, times);
                Arc::new(self.of_response(ask, &sent, times))
            }
        };
        let end = exchange.end;
        visit.exchanges.push(with(exchange, &resource));
        Ok(Got {
            resource,
            end,
            refreshed: None,
        })
    }

    /// The server confirmed what is kept: it is as new.
    fn confirmed(
        &mut self,
        ask: &Ask,
        key: &Key,
        kept: &Kept,
        news: &HeaderMap,
        times: Times,
    ) -> Arc<Resource> {
        let policy = self.disk.policy();
        let mut stored = fold_304(policy, &kept.stored, &ask.headers, news, times);
        // It was asked about for this request, and is current for it.
        stored.vary = VaryKey::of(&stored.headers, &ask.headers);
        let kept = Kept {
            stored,
            prefetched: ask.prefetch,
            ..kept.clone()
        };
        let head = ResponseHead {
            status: kept.stored.status,
            headers: &kept.stored.headers,
        };
        let request = RequestHead {
            method: &Method::GET,
            target: target(&kept.url),
            headers: &ask.headers,
        };
        let resource = self.of_kept(ask, &kept);
        // The news may forbid to keep it.
        match storable(self.disk.policy(), &request, &head, times) {
            // A part is kept as it is; that it was asked for as one was seen to when it came.
            Storable::No(_) if kept.stored.part.is_none() => self.disk.remove(key),
            _ => self.disk.put(key, kept),
        }
        Arc::new(resource)
    }

    /// A response came: is it kept?
    fn arrived(
        &mut self,
        ask: &Ask,
        key: &Key,
        kept: Option<&Kept>,
        sent: &Sent,
        times: Times,
    ) -> Option<NotKept> {
        let response = &sent.response;
        let head = ResponseHead {
            status: response.status,
            headers: &response.headers,
        };
        if ask.method == Method::HEAD {
            if kept.is_some_and(|kept| freshen(&kept.stored, &head, times) == Freshening::Outdated)
            {
                self.disk.remove(key);
            }
            return None;
        }
        if ask.mode.cache == CacheMode::NoStore {
            return Some(NotKept::Mode);
        }
        // It is about the copy of whoever set the conditions: an application cache.
        if response.status == StatusCode::NOT_MODIFIED {
            return None;
        }
        // Blink calls a prefetch off at the head of an error, before the disk has it all.
        if ask.prefetch && response.status.as_u16() >= 400 {
            return Some(NotKept::FailedPrefetch);
        }
        let arrived = Arrived {
            url: &ask.url,
            request: &ask.headers,
            response: head,
            body: &response.body,
            times,
            prefetched: ask.prefetch,
        };
        self.disk.keep(key, &arrived)
    }

    /// The server failed: may what is kept be used all the same? Browsers show the failure; by the
    /// text it may.
    fn despite(
        &mut self,
        visit: &mut Visit,
        ask: &Ask,
        kept: &Kept,
        failing: Failing,
    ) -> Option<Got> {
        let now = self.local(ask.ready);
        match on_trouble(self.disk.policy(), &ask.headers, &kept.stored, failing, now) {
            OnTrouble::Serve { .. } => {
                let resource = Arc::new(self.of_kept(ask, kept));
                let reason = Reason::DespiteFailure;
                let mut exchange = answered(begin(ask, reason), Layer::Disk, &resource, DISK_TAKES);
                exchange.stale = true;
                let end = exchange.end;
                visit.exchanges.push(exchange);
                Some(Got {
                    resource,
                    end,
                    refreshed: None,
                })
            }
            OnTrouble::Show(_) => None,
        }
    }

    /// Adds the conditions about what is kept.
    pub(super) fn make_conditional(
        &self,
        headers: &mut HeaderMap,
        stored: &Stored,
        matches: bool,
    ) -> bool {
        if self.disk.policy().departures.validators_are_literal {
            return make_conditional_literally(headers, stored, matches);
        }
        // Of a response to other requests only a tag can tell that it is the same.
        let tells = matches || stored.validators.etag.is_some();
        make_conditional(headers, tells.then_some(stored))
    }

    /// When a request went and its answer came, by the machine's clock.
    pub(super) fn times(&self, sent: &Sent) -> Times {
        Times {
            request: self.local(sent.start),
            response: self.local(sent.end),
        }
    }

    /// What is kept, as a document gets it.
    pub(super) fn of_kept(&self, ask: &Ask, kept: &Kept) -> Resource {
        let body = match ask.method {
            Method::HEAD => Bytes::new(),
            _ => kept.body.clone(),
        };
        let stored = &kept.stored;
        self.resource(ask, stored.status, &stored.headers, body, stored.times)
    }

    /// What came, as a document gets it.
    pub(super) fn of_response(&self, ask: &Ask, sent: &Sent, times: Times) -> Resource {
        let response = &sent.response;
        self.resource(
            ask,
            response.status,
            &response.headers,
            response.body.clone(),
            times,
        )
    }

    pub(super) fn resource(
        &self,
        ask: &Ask,
        status: StatusCode,
        headers: &HeaderMap,
        body: Bytes,
        times: Times,
    ) -> Resource {
        let mut known = ask.headers.clone();
        known.remove(COOKIE);
        let request = RequestHead {
            method: &Method::GET,
            target: target(&ask.url),
            headers: &known,
        };
        // Memory gives no thought to the status.
        let head = ResponseHead {
            status: StatusCode::OK,
            headers,
        };
        let stored = Stored::new(&self.memory_policy, &request, &head, times);
        Resource {
            url: ask.url.clone(),
            status,
            headers: headers.clone(),
            body,
            chain: stored.into_iter().collect(),
            given: None,
        }
    }
}

/// Says in a request what its mode is ("HTTP-network-or-cache fetch", steps on `no-cache` and
/// `reload`).
pub(super) fn say_mode(headers: &mut HeaderMap, mode: CacheMode) {
    match mode {
        CacheMode::NoCache => {
            headers
                .entry(CACHE_CONTROL)
                .or_insert(HeaderValue::from_static("max-age=0"));
        }
        CacheMode::Reload | CacheMode::NoStore => {
            headers
                .entry(PRAGMA)
                .or_insert(HeaderValue::from_static("no-cache"));
            headers
                .entry(CACHE_CONTROL)
                .or_insert(HeaderValue::from_static("no-cache"));
        }
        CacheMode::Default | CacheMode::ForceCache | CacheMode::OnlyIfCached => {}
    }
}

/// What went over the wire, or was pushed.
pub(super) fn sent_exchange(ask: &Ask, reason: Reason, sent: &Sent) -> Exchange {
    let reason = match sent.layer {
        Layer::Push => Reason::Pushed,
        _ => reason,
    };
    Exchange {
        layer: sent.layer,
        asked: sent.asked.clone().into_iter().collect(),
        pushed_bytes: sent.pushed_bytes,
        start: sent.start,
        end: sent.end,
        ..begin(ask, reason)
    }
}

/// Nobody answered.
pub(super) fn fail(visit: &mut Visit, ask: &Ask, reason: Reason, trouble: Trouble) -> Trouble {
    visit.exchanges.push(begin(ask, reason));
    trouble
}

/// What reading from disk takes: an estimate.
pub(super) const DISK_TAKES: Duration = Duration::from_millis(1);
