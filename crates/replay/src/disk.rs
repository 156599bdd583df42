//! The disk cache: what it keeps, under which name, and what it says of a request.
//!
//! What may be kept and reused is decided by `revisit_rules::http`, by the [`Policy`] of a private
//! cache. One response is kept for a URL, whatever its `Vary` (so do browsers), apart for each site
//! that tabs show ([`Partition`]).

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use revisit_rules::http::key::RequestKey;
use revisit_rules::http::no_vary_search::NoVarySearch;
use revisit_rules::http::storable::{Storable, storable};
use revisit_rules::http::vary::VaryKey;
use revisit_rules::http::{Policy, RequestHead, ResponseHead, Stored, Target, Times};
use url::{Position, Url};

use crate::{Limits, NotKept};

mod decide;

pub(crate) use decide::{Decision, Mode, decide};

/// Which part of the cache: entries of one are not found in another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Partition {
    /// The site of the tab's document; `None`: the cache is not divided.
    pub(crate) top: Option<Arc<str>>,
    /// How the request comes about.
    pub(crate) way: Way,
}

/// How a request comes about, as far as Chromium keeps entries apart by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    /// Typed, or by what the document itself is of.
    Plain,
    /// A navigation of a tab that another site began.
    CrossSite,
    /// A document within another.
    Frame,
}

/// The name of an entry.
pub(crate) type Key = (Partition, RequestKey);

/// An entry.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) url: Url,
    pub(crate) stored: Stored,
    pub(crate) body: Bytes,
    /// It was prefetched, and not used since.
    pub(crate) prefetched: bool,
}

/// A response on its way to the disk.
pub(crate) struct Arrived<'a> {
    pub(crate) url: &'a Url,
    /// The request's fields, cookies among them.
    pub(crate) request: &'a HeaderMap,
    pub(crate) response: ResponseHead<'a>,
    pub(crate) body: &'a Bytes,
    pub(crate) times: Times,
    pub(crate) prefetched: bool,
}

/// All entries of a profile.
#[derive(Debug)]
pub(crate) struct Disk {
    policy: Policy,
    entries: HashMap<Key, Slot>,
    /// The queries that `No-Vary-Search` speaks of, by the key of their path, the newest last.
    searches: HashMap<Key, Vec<Search>>,
    bytes: u64,
    bytes_max: u64,
    body_bytes_max: u64,
    searches_max: usize,
    uses: u64,
}

#[derive(Debug)]
struct Slot {
    kept: Arc<Kept>,
    /// The higher the later used.
    used: u64,
}

#[derive(Debug, Clone)]
struct Search {
    query: Option<String>,
    rule: NoVarySearch,
    key: Key,
}

/// The parts of a URL that a request names.
pub(crate) fn target(url: &Url) -> Target<'_> {
    Target {
        scheme: url.scheme(),
        authority: &url[Position::BeforeHost..Position::AfterPort],
        path: &url[Position::BeforePath..Position::AfterQuery],
    }
}

/// The name of what answers a GET of `url`.
pub(crate) fn key(partition: &Partition, url: &Url) -> Key {
    (partition.clone(), RequestKey::of(&Method::GET, target(url)))
}

impl Disk {
    pub(crate) fn new(policy: Policy, limits: &Limits) -> Self {
        Self {
            policy,
            entries: HashMap::new(),
            searches: HashMap::new(),
            bytes: 0,
            bytes_max: limits.disk_bytes_max,
            body_bytes_max: limits.disk_body_bytes_max,
            searches_max: limits.search_rules_max,
            uses: 0,
        }
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Bytes that are kept, and entries.
    pub(crate) fn size(&self) -> (u64, usize) {
        (self.bytes, self.entries.len())
    }

    /// What is kept under this name.
    pub(crate) fn find(&mut self, key: &Key) -> Option<Arc<Kept>> {
        let slot = self.entries.get_mut(key)?;
        self.uses += 1;
        slot.used = self.uses;
        Some(slot.kept.clone())
    }

    /// What is kept for another query of the same path, which by its `No-Vary-Search` is the same.
    pub(crate) fn find_similar(
        &mut self,
        partition: &Partition,
        url: &Url,
    ) -> Option<(Key, Arc<Kept>)> {
        let path = (partition.clone(), RequestKey::of_path(target(url)));
        let searches = self.searches.get(&path)?;
        let similar = searches.iter().rev();
        let key = similar
            .filter(|search| search.rule.same(search.query.as_deref(), url.query()))
            .map(|search| search.key.clone())
            .find(|key| self.entries.contains_key(key))?;
        let kept = self.find(&key)?;
        Some((key, kept))
    }

    /// Keeps a response to GET in place of what was there, if it may be kept; if not, what was there
    /// goes: it is no longer what the server has.
    pub(crate) fn keep(&mut self, key: &Key, arrived: &Arrived<'_>) -> Option<NotKept> {
        self.remove(key);
        let request = RequestHead {
            method: &Method::GET,
            target: target(arrived.url),
            headers: arrived.request,
        };
        if let Storable::No(because) =
            storable(&self.policy, &request, &arrived.response, arrived.times)
        {
            return Some(NotKept::Rule(because));
        }
        if arrived.body.len() as u64 > self.body_bytes_max {
            return Some(NotKept::TooLarge);
        }
        let Some(mut stored) =
            Stored::new(&self.policy, &request, &arrived.response, arrived.times)
        else {
            return Some(NotKept::Status);
        };
        if self.policy.departures.one_variant && stored.status.is_redirection() {
            vary_by_cookie(&mut stored, arrived.request);
        }
        self.note_search(key, arrived.url, &stored.headers);
        self.put(
            key,
            Kept {
                url: arrived.url.clone(),
                stored,
                body: arrived.body.clone(),
                prefetched: arrived.prefetched,
            },
        );
        None
    }

    /// Puts an entry under its name.
    pub(crate) fn put(&mut self, key: &Key, kept: Kept) {
        self.remove(key);
        self.uses += 1;
        self.bytes += weight(&kept);
        let slot = Slot {
            kept: Arc::new(kept),
            used: self.uses,
        };
        self.entries.insert(key.clone(), slot);
        if self.bytes > self.bytes_max {
            self.make_room();
        }
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        if let Some(slot) = self.entries.remove(key) {
            self.bytes -= weight(&slot.kept);
        }
    }

    /// The entry was used: the next use is no longer the first since it was prefetched.
    pub(crate) fn used(&mut self, key: &Key) {
        if let Some(slot) = self.entries.get_mut(key)
            && slot.kept.prefetched
        {
            slot.kept = Arc::new(Kept {
                prefetched: false,
                ..(*slot.kept).clone()
            });
        }
    }

    /// Drops what came from this origin, or all.
    pub(crate) fn clear(&mut self, origin: Option<&str>) {
        let goes =
            |kept: &Kept| origin.is_none_or(|origin| crate::site::origin(&kept.url) == origin);
        self.entries.retain(|_, slot| !goes(&slot.kept));
        self.bytes = self.entries.values().map(|slot| weight(&slot.kept)).sum();
        self.forget_searches();
    }

    /// Drops what was used longest ago, until a tenth is free, so that this is seldom done.
    fn make_room(&mut self) {
        let mut all: Vec<(u64, Key)> = self
            .entries
            .iter()
            .map(|(key, slot)| (slot.used, key.clone()))
            .collect();
        all.sort_unstable_by_key(|(used, _)| *used);
        for (_, key) in all {
            if self.bytes <= self.bytes_max / 10 * 9 {
                break;
            }
            self.remove(&key);
        }
        self.forget_searches();
    }

    fn note_search(&mut self, key: &Key, url: &Url, headers: &HeaderMap) {
        let rule = NoVarySearch::read(headers);
        if rule.varies_on_all() {
            return;
        }
        let path = (key.0.clone(), RequestKey::of_path(target(url)));
        let searches = self.searches.entry(path).or_default();
        searches.retain(|known| known.key != *key);
        if searches.len() >= self.searches_max.max(1) {
            searches.remove(0);
        }
        searches.push(Search {
            query: url.query().map(str::to_owned),
            rule,
            key: key.clone(),
        });
    }

    /// Drops the rules of what is no longer kept.
    fn forget_searches(&mut self) {
        let entries = &self.entries;
        self.searches.retain(|_, searches| {
            searches.retain(|search| entries.contains_key(&search.key));
            !searches.is_empty()
        });
    }
}

/// A redirect is held to vary by cookies though it does not say so: where a log-in begins, redirects
/// that are careless about caching lead in a circle.
fn vary_by_cookie(stored: &mut Stored, request: &HeaderMap) {
    let mut with_cookie = stored.headers.clone();
    with_cookie.append(http::header::VARY, http::HeaderValue::from_static("cookie"));
    stored.vary = VaryKey::of(&with_cookie, request);
}

/// Bytes on disk: content, fields, and the bookkeeping of an entry.
fn weight(kept: &Kept) -> u64 {
    let line =
        |(name, value): (&http::HeaderName, &http::HeaderValue)| name.as_str().len() + value.len();
    let head: usize = kept.stored.headers.iter().map(line).sum();
    (kept.body.len() + head + kept.url.as_str().len()) as u64 + PER_ENTRY
}

const PER_ENTRY: u64 = 512;
