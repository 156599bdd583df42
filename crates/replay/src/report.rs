//! The report: what the visits cost, visit by visit, as it is printed with `--json` and told to people.

use std::collections::BTreeMap;
use std::time::Duration;

use revisit_rules::appcache::Event;
use serde::Serialize;

use crate::findings::Finding;
use crate::play::Played;
use crate::{Arrival, Exchange, PageEvent, Reason};

/// What a replay came to.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What was visited.
    pub of: String,
    /// The network that times are estimated for.
    pub network: &'static str,
    /// The order of the layers.
    pub order: &'static str,
    /// Whether the browser has application caches.
    pub application_cache: bool,
    /// Each step that loaded something.
    pub visits: Vec<VisitReport>,
    /// What its author may want to change, the most harmful first.
    pub findings: Vec<Finding>,
    /// What was left out of the play, and why.
    pub notes: Vec<String>,
    /// How many promises do not hold.
    pub failed_checks: usize,
}

/// What one visit came to.
#[derive(Debug, Serialize)]
pub struct VisitReport {
    /// What it is called.
    pub title: String,
    /// What was done.
    pub action: String,
    /// Seconds that passed since the visit before.
    pub waited_seconds: u64,
    /// The page that is shown then.
    pub page: Option<String>,
    /// Shown as it was left, from the back-forward cache.
    pub restored: bool,
    /// Requests that reached a server.
    pub requests: usize,
    /// Bytes on the wire, heads among them.
    pub network_bytes: u64,
    /// By who answered, in DevTools' words.
    pub layers: BTreeMap<&'static str, LayerReport>,
    /// Milliseconds until all had come: an estimate.
    pub load_ms: u64,
    /// What was used past its lifetime without asking.
    pub stale: Vec<String>,
    /// What was used without asking though an earlier deploy made it.
    pub outdated: Vec<String>,
    /// What did not come.
    pub broken: Vec<BrokenReport>,
    /// Promises that do not hold.
    pub failed: Vec<String>,
    /// What pages heard of their application caches, in the order of time.
    pub events: Vec<EventReport>,
    /// All that was asked for, in the order of asking; empty where nobody wants to know.
    pub exchanges: Vec<ExchangeReport>,
}

/// What one layer answered.
#[derive(Debug, Default, Serialize)]
pub struct LayerReport {
    /// How often.
    pub answers: usize,
    /// Bytes of content.
    pub body_bytes: u64,
    /// Bytes on the wire.
    pub network_bytes: u64,
}

/// What did not come.
#[derive(Debug, Serialize)]
pub struct BrokenReport {
    /// What was asked for.
    pub url: String,
    /// Why it did not come.
    pub why: String,
}

/// An event at a page's `window.applicationCache`.
#[derive(Debug, Serialize)]
pub struct EventReport {
    /// Its tab, counted from 1 in the order of opening.
    pub tab: usize,
    /// The page.
    pub page: String,
    /// Milliseconds since the beginning: an estimate.
    pub at_ms: u64,
    /// Its type.
    pub event: &'static str,
    /// Of a `progress`: files that are done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loaded: Option<usize>,
    /// Of a `progress`: files there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<usize>,
    /// Of an `error`: its reason, in the word of Chromium's event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
    /// Of an `error`: what went wrong, with which address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// One question and its answer.
#[derive(Debug, Serialize)]
pub struct ExchangeReport {
    /// What was asked for.
    pub url: String,
    /// By which method.
    pub method: String,
    /// What for, in the words of the Fetch standard.
    pub destination: &'static str,
    /// Who answered, in DevTools' words.
    pub from: &'static str,
    /// Why.
    pub reason: String,
    /// What the page's application cache had to do with it, if the page has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_cache: Option<String>,
    /// Why it is not kept, if it is not.
    pub not_kept: Option<String>,
    /// The status that the page sees.
    pub status: Option<u16>,
    /// Requests that reached a server for it.
    pub requests: usize,
    /// Bytes on the wire.
    pub network_bytes: u64,
    /// Bytes of content.
    pub body_bytes: u64,
    /// Nobody waits for it.
    pub background: bool,
    /// Milliseconds since the beginning, when it was asked: an estimate.
    pub start_ms: u64,
    /// Milliseconds since the beginning, when all of it had come: an estimate.
    pub end_ms: u64,
    /// The reason says already what the application cache had to do with it.
    #[serde(skip)]
    reason_says_all: bool,
}

impl VisitReport {
    /// What is told of a step; `whole`: with every answer, which takes memory for each.
    pub fn of(played: &Played, whole: bool) -> Self {
        let visit = &played.visit;
        let mut layers: BTreeMap<&'static str, LayerReport> = BTreeMap::new();
        for one in &visit.exchanges {
            let layer = layers.entry(one.label()).or_default();
            layer.answers += 1;
            layer.body_bytes += one.body_bytes;
            layer.network_bytes += one.wire_bytes();
        }
        let paths = |urls: Vec<&url::Url>| urls.into_iter().map(ToString::to_string).collect();
        let stale = visit.exchanges.iter().filter(|one| one.stale);
        Self {
            title: played.title.clone(),
            action: played.action.clone(),
            waited_seconds: played.waited.as_secs(),
            page: visit.document.as_ref().map(ToString::to_string),
            restored: visit.arrival == Arrival::Restored,
            requests: visit.requests(),
            network_bytes: visit.wire_bytes(),
            layers,
            load_ms: ms(visit.load_time),
            stale: paths(stale.map(|one| &one.url).collect()),
            outdated: paths(played.outdated.iter().collect()),
            broken: visit
                .broken
                .iter()
                .map(|broken| BrokenReport {
                    url: broken.url.to_string(),
                    why: broken.trouble.to_string(),
                })
                .collect(),
            failed: played.failed.clone(),
            events: visit.events.iter().map(EventReport::of).collect(),
            exchanges: match whole {
                true => visit.exchanges.iter().map(ExchangeReport::of).collect(),
                false => Vec::new(),
            },
        }
    }
}

impl EventReport {
    fn of(one: &PageEvent) -> Self {
        let (loaded, total) = match one.event {
            Event::Progress { loaded, total } => (Some(loaded), Some(total)),
            _ => (None, None),
        };
        Self {
            tab: one.tab + 1,
            page: one.page.to_string(),
            at_ms: ms(one.at),
            event: one.event.name(),
            loaded,
            total,
            why: match &one.event {
                Event::Error(trouble) => Some(trouble.reason.word()),
                _ => None,
            },
            message: match &one.event {
                Event::Error(trouble) => Some(trouble.message()),
                _ => None,
            },
        }
    }
}

impl ExchangeReport {
    fn of(one: &Exchange) -> Self {
        Self {
            url: one.url.to_string(),
            method: one.method.to_string(),
            destination: one.destination.name(),
            from: one.label(),
            reason: one.reason.to_string(),
            application_cache: one.application_cache.as_ref().map(ToString::to_string),
            not_kept: one.not_kept.map(|why| why.to_string()),
            status: one.status,
            requests: one.asked.len(),
            network_bytes: one.wire_bytes(),
            body_bytes: one.body_bytes,
            background: one.background,
            start_ms: ms(one.start),
            end_ms: ms(one.end),
            reason_says_all: matches!(one.reason, Reason::Entry(_) | Reason::ListedNowhere),
        }
    }

    /// Why it went as it did, with the part that an application cache had in it.
    pub fn why(&self) -> String {
        match &self.application_cache {
            Some(role) if !self.reason_says_all => {
                format!("{}; application cache: {role}", self.reason)
            }
            _ => self.reason.clone(),
        }
    }
}

fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
