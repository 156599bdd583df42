//! The memory cache of a tab: what its documents have used, ready and decoded.
//!
//! It is found by URL, destination, CORS mode and credentials mode, and knows less of HTTP than the
//! disk does. What the current document holds stays; what earlier ones held goes by age and size.
//! Measured on Chromium, whose `ResourceFetcher` decides so.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::VARY;
use http::{HeaderMap, StatusCode};
use revisit_rules::appcache::{HostId, Source};
use revisit_rules::http::reuse::{Allows, Reuse, reuse};
use revisit_rules::http::vary;
use revisit_rules::http::{Policy, Stored};
use url::Url;

use crate::{CacheMode, Cors, Credentials, Destination, Limits, Order, Reason, Subresource};

/// A response as a document has it.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    /// Where it came from, after redirects.
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Each response on the way, redirects first, as the memory cache reads them.
    pub(crate) chain: Vec<Stored>,
    /// An application cache gave it.
    pub(crate) given: Option<Given>,
}

/// To what an application cache gave a resource.
#[derive(Debug, Clone)]
pub(crate) enum Given {
    /// To a navigation: which entry it is.
    Navigation(Source),
    /// To a load by this page of the cache.
    Load(HostId),
}

/// Under what a resource is found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct MemoryKey {
    url: Url,
    destination: Destination,
    cors: Cors,
    credentials: Credentials,
}

impl MemoryKey {
    pub(crate) fn of(one: &Subresource) -> Self {
        Self {
            url: crate::site::without_fragment(&one.url),
            destination: one.destination,
            cors: one.cors,
            credentials: one.credentials,
        }
    }
}

/// A resource in memory.
#[derive(Debug, Clone)]
struct Held {
    resource: Arc<Resource>,
    /// The current document has used it.
    pinned: bool,
    /// It was prefetched, and the next document may use it once, in the order of the textbooks.
    prefetched: bool,
    touched: SystemTime,
}

/// The memory cache of one tab.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    held: HashMap<MemoryKey, Held>,
}

/// What the memory cache says.
#[derive(Debug)]
pub(crate) enum Recalled {
    /// It answers. `known`: this document has used it before.
    Use {
        resource: Arc<Resource>,
        known: bool,
        reason: Reason,
        /// It is stale, and to be asked for meanwhile.
        refresh: bool,
    },
    /// Another layer must.
    Nothing,
}

/// A question to the memory cache.
pub(crate) struct Recall<'a> {
    pub(crate) key: &'a MemoryKey,
    /// The request's fields, as far as the document knows them: without cookies.
    pub(crate) headers: &'a HeaderMap,
    pub(crate) mode: CacheMode,
    /// The document still loads.
    pub(crate) loading: bool,
    /// Only what the document itself has will do: anything else is its application cache's to answer.
    pub(crate) own_only: bool,
    /// There is no network.
    pub(crate) offline: bool,
    pub(crate) order: Order,
    pub(crate) now: SystemTime,
}

/// How the memory cache reads what responses say of their lifetime (measured): more simply than the
/// disk. It takes a tenth of the time since `Last-Modified` beside `must-revalidate` too, and reads of
/// `max-age` what it can. To a status it gives no thought: [`crate::disk`] gives those rules.
pub(crate) fn policy_of(disk: &Policy, order: Order) -> Policy {
    let mut policy = disk.clone();
    if order == Order::Chromium {
        policy.departures.heuristics_are_narrow = false;
        policy.departures.lifetimes_end_at_junk = true;
    }
    policy
}

/// Does `Vary` fit, as the memory cache reads it? A `*` counts only where it stands alone (measured).
fn fits(stored: &Stored, request: &HeaderMap) -> bool {
    let mut lines = stored.headers.get_all(VARY).iter();
    let is_star = matches!((lines.next(), lines.next()), (Some(line), None) if line == "*");
    let same = |(name, known): (_, Option<&[u8]>)| vary::value(request, name).as_deref() == known;
    !is_star && stored.vary.fields().all(same)
}

impl Destination {
    /// Are such resources kept in memory? What scripts ask for, and what is played, is not.
    pub(crate) fn stays_in_memory(self) -> bool {
        matches!(
            self,
            Self::Style | Self::Script | Self::Image | Self::Font | Self::Track | Self::Json
        )
    }

    /// Is such a resource shown, or handed on, though its status is an error? Others are dropped at
    /// its head.
    pub(crate) fn takes_errors(self) -> bool {
        matches!(
            self,
            Self::Image | Self::Fetch | Self::Document | Self::Iframe
        )
    }
}

impl Memory {
    /// May what is in memory answer?
    pub(crate) fn recall(&mut self, policy: &Policy, ask: &Recall<'_>) -> Recalled {
        if !ask.key.destination.stays_in_memory() {
            return Recalled::Nothing;
        }
        let Some(held) = self.held.get_mut(ask.key) else {
            return Recalled::Nothing;
        };
        if held.resource.given.is_some() || (ask.own_only && !held.pinned) {
            return Recalled::Nothing;
        }
        let verdict = match ask.order {
            Order::Chromium => chromium(policy, held, ask),
            Order::Textbook => textbook(held, ask),
        };
        let Some((reason, refresh)) = verdict else {
            return Recalled::Nothing;
        };
        let known = held.pinned;
        held.pinned = true;
        held.prefetched = false;
        held.touched = ask.now;
        Recalled::Use {
            resource: held.resource.clone(),
            known,
            reason,
            refresh,
        }
    }

    /// What a document has of its application cache: it does not ask that twice. Documents within another have
    /// caches of their own.
    pub(crate) fn given(&self, key: &MemoryKey, host: Option<HostId>) -> Option<Arc<Resource>> {
        let resource = &self.held.get(key)?.resource;
        let is_own = matches!(resource.given, Some(Given::Load(to)) if Some(to) == host);
        is_own.then(|| resource.clone())
    }

    /// The current document has another application cache.
    pub(crate) fn drop_given(&mut self) {
        self.held.retain(|_, held| held.resource.given.is_none());
    }

    /// The current document has it.
    pub(crate) fn hold(&mut self, key: MemoryKey, resource: Arc<Resource>, now: SystemTime) {
        if !key.destination.stays_in_memory() {
            return;
        }
        // What met an error is dropped, but for images.
        if resource.status.as_u16() >= 400 && !key.destination.takes_errors() {
            self.held.remove(&key);
            return;
        }
        let held = Held {
            resource,
            pinned: true,
            prefetched: false,
            touched: now,
        };
        self.held.insert(key, held);
    }

    /// It was prefetched, in the order of the textbooks.
    pub(crate) fn hold_prefetched(
        &mut self,
        key: MemoryKey,
        resource: Arc<Resource>,
        now: SystemTime,
    ) {
        let held = Held {
            resource,
            pinned: false,
            prefetched: true,
            touched: now,
        };
        self.held.insert(key, held);
    }

    /// What the current document holds, for when it comes back.
    pub(crate) fn pinned(&self) -> Vec<(MemoryKey, Arc<Resource>)> {
        self.held
            .iter()
            .filter(|(_, held)| held.pinned)
            .map(|(key, held)| (key.clone(), held.resource.clone()))
            .collect()
    }

    /// The current document is left, and a new one begins.
    pub(crate) fn turn(&mut self, order: Order, limits: &Limits, now: SystemTime) {
        // Another document asks its own application cache.
        self.drop_given();
        for held in self.held.values_mut().filter(|held| held.pinned) {
            held.touched = now;
            if order == Order::Textbook {
                // By the textbooks memory lives as long as its document.
                held.touched = SystemTime::UNIX_EPOCH;
            }
            held.pinned = false;
        }
        self.held.retain(|_, held| {
            let idle = now.duration_since(held.touched).unwrap_or_default();
            let fits = held.resource.body.len() as u64 <= limits.memory_body_bytes_max;
            fits && idle < limits.memory_lifetime
        });
        self.make_room(limits.memory_bytes_max);
    }

    /// Drops what was used longest ago, until what no document holds is at most so much.
    fn make_room(&mut self, bytes_max: u64) {
        let is_loose = |held: &&Held| !held.pinned;
        let size = |held: &Held| held.resource.body.len() as u64;
        let mut bytes: u64 = self.held.values().filter(is_loose).map(size).sum();
        if bytes <= bytes_max {
            return;
        }
        let all = self.held.iter().filter(|(_, held)| is_loose(held));
        let mut loose: Vec<(SystemTime, MemoryKey, u64)> = all
            .map(|(key, held)| (held.touched, key.clone(), size(held)))
            .collect();
        loose.sort_by(|a, b| (a.0, &a.1.url).cmp(&(b.0, &b.1.url)));
        for (_, key, body) in loose {
            if bytes <= bytes_max {
                return;
            }
            self.held.remove(&key);
            bytes -= body;
        }
    }

    /// Drops what came from this origin, or all.
    pub(crate) fn clear(&mut self, origin: Option<&str>) {
        self.held
            .retain(|key, _| origin.is_some_and(|origin| crate::site::origin(&key.url) != origin));
    }
}

/// Blink's `DetermineRevalidationPolicy`, in its order. `None`: another layer answers; else the reason,
/// and whether it is to be asked for meanwhile.
fn chromium(policy: &Policy, held: &Held, ask: &Recall<'_>) -> Option<(Reason, bool)> {
    let resource = &held.resource;
    let is_image = ask.key.destination == Destination::Image;
    let last = resource.chain.last()?;
    // What may not be stored is shown again as the image that it is, and in no other way.
    let no_store = says_no_store(last);
    let stale_for = while_revalidate(policy, resource, ask.now);
    // A document that loads asks for one thing once, even in a hard reload.
    if ask.loading && held.pinned && !no_store {
        return Some((Reason::UsedBefore, false));
    }
    if matches!(ask.mode, CacheMode::Reload | CacheMode::NoStore) {
        return None;
    }
    if is_image && held.pinned {
        return Some((Reason::UsedBefore, stale_for.is_some()));
    }
    if ask.mode == CacheMode::ForceCache && (is_image || !no_store) {
        return Some((Reason::AnyAge(CacheMode::Default), stale_for.is_some()));
    }
    if no_store || ask.mode == CacheMode::NoCache || !fits(last, ask.headers) {
        return None;
    }
    // Without a network it leaves what is stale to the disk (measured).
    if let Some(stale_for) = stale_for.filter(|_| !ask.offline) {
        return Some((Reason::WhileRevalidate { stale_for }, true));
    }
    let reason = |one: &Stored| match reuse(policy, &HeaderMap::new(), one, ask.now) {
        Reuse::Fresh { age } => Some(Reason::Fresh {
            age,
            lifetime: one.lifetime.duration,
            by: one.lifetime.by,
        }),
        Reuse::Stale { .. } | Reuse::Validate(_) | Reuse::Refuse(_) => None,
    };
    // Every redirect on the way must be as fresh as what it leads to.
    let reasons: Option<Vec<Reason>> = resource.chain.iter().map(reason).collect();
    Some((reasons?.pop()?, false))
}

/// For how long has this been stale, where `stale-while-revalidate` still lets it be used? Whoever
/// uses it then, for whatever reason, has it asked for.
pub(crate) fn while_revalidate(
    policy: &Policy,
    resource: &Resource,
    now: SystemTime,
) -> Option<Duration> {
    let mut longest = None;
    for one in &resource.chain {
        match reuse(policy, &HeaderMap::new(), one, now) {
            Reuse::Fresh { .. } => {}
            Reuse::Stale {
                by: Allows::WhileRevalidate,
                ..
            } => longest = longest.max(Some(one.freshness(now).stale_for())),
            Reuse::Stale { .. } | Reuse::Validate(_) | Reuse::Refuse(_) => return None,
        }
    }
    longest
}

/// The memory cache of the textbooks: within a document it minds nothing but `no-store`, and it hands
/// what was prefetched to the next document, once.
fn textbook(held: &Held, ask: &Recall<'_>) -> Option<(Reason, bool)> {
    let past = matches!(
        ask.mode,
        CacheMode::Reload | CacheMode::NoStore | CacheMode::NoCache
    );
    // A document that loads asks for one thing once, even in a reload.
    let again = ask.loading && held.pinned;
    if (past && !again) || held.resource.chain.last().is_some_and(says_no_store) {
        return None;
    }
    match (held.pinned, held.prefetched) {
        (true, _) => Some((Reason::UsedBefore, false)),
        (false, true) => Some((Reason::Prefetched, false)),
        (false, false) => None,
    }
}

fn says_no_store(stored: &Stored) -> bool {
    stored.directives.no_store
}
