//! Checks: what is promised of a step, and does it hold?

use std::collections::BTreeMap;
use std::fmt;

use revisit_rules::site::pattern::Pattern;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::ScenarioError;
use crate::{Arrival, Layer, Role, Visit};

/// What is promised of a step.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Check {
    /// Most bytes on the wire, heads among them.
    pub network_bytes_max: Option<u64>,
    /// Most requests that reach a server.
    pub requests_max: Option<usize>,
    /// Most milliseconds until all has come: an estimate.
    pub load_ms_max: Option<u64>,
    /// `true`: everything comes; `false`: something does not.
    pub works: Option<bool>,
    /// `false`: nothing is used that is past its lifetime or of an earlier deploy.
    pub stale: Option<bool>,
    /// Who answers for the page; or, as a table, for everything below a path: `{ "/assets/**" = "disk" }`. What updates
    /// of application caches ask for does not count.
    pub from: Option<FromOrPaths>,
}

/// Who answers: one word for the page, or one for each pattern of paths.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum FromOrPaths {
    /// For the page.
    Page(From),
    /// For what matches each pattern.
    Paths(BTreeMap<String, From>),
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum From {
    /// The back-forward cache: the page is shown as it was left.
    Bfcache,
    /// The document, which has it already.
    Document,
    /// The memory cache.
    Memory,
    /// The application cache.
    ApplicationCache,
    /// The service worker.
    Worker,
    /// The disk cache.
    Disk,
    /// The HTTP/2 push cache.
    Push,
    /// The server, with a 304: what is kept is still current.
    Validated,
    /// The server, with the whole.
    Network,
}

impl<'de> Deserialize<'de> for FromOrPaths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

/// By hand, so that a misspelt word is told with those that there are.
struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = FromOrPaths;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("who answers, such as \"disk\", or a table of paths")
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Self::Value, E> {
        From::deserialize(word.into_deserializer()).map(FromOrPaths::Page)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        BTreeMap::deserialize(MapAccessDeserializer::new(map)).map(FromOrPaths::Paths)
    }
}

impl Check {
    /// Can it be held against a visit?
    pub(super) fn check(&self) -> Result<(), ScenarioError> {
        let Some(FromOrPaths::Paths(paths)) = &self.from else {
            return Ok(());
        };
        for path in paths.keys() {
            Pattern::new(path.trim_start_matches('/')).map_err(|error| {
                ScenarioError::new(
                    format!("`{path}` is no pattern of paths: {error}"),
                    "write a path such as `/`, `/assets/**` or `**`".to_owned(),
                )
            })?;
        }
        Ok(())
    }

    /// What does not hold, in words; `outdated`: how many answers were of an earlier deploy.
    pub fn failures(&self, visit: &Visit, outdated: usize) -> Vec<String> {
        let mut failures = Vec::new();
        let bytes = visit.wire_bytes();
        if let Some(max) = self.network_bytes_max.filter(|max| bytes > *max) {
            failures.push(format!(
                "{bytes} bytes on the wire; promised were at most {max}"
            ));
        }
        let requests = visit.requests();
        if let Some(max) = self.requests_max.filter(|max| requests > *max) {
            failures.push(format!("{requests} requests; promised were at most {max}"));
        }
        let took = u64::try_from(visit.load_time.as_millis()).unwrap_or(u64::MAX);
        if let Some(max) = self.load_ms_max.filter(|max| took > *max) {
            failures.push(format!("about {took} ms; promised were at most {max}"));
        }
        match self.works {
            Some(true) => failures.extend(visit.broken.first().map(|broken| {
                format!(
                    "`{}` does not come: {}; promised was that all does",
                    broken.url, broken.trouble
                )
            })),
            Some(false) if visit.works() => {
                failures.push("everything comes; promised was that something does not".to_owned())
            }
            _ => {}
        }
        let stale = visit.exchanges.iter().filter(|one| one.stale).count() + outdated;
        if self.stale == Some(false) && stale > 0 {
            failures.push(format!("{stale} stale or outdated; promised was none"));
        } else if self.stale == Some(true) && stale == 0 {
            failures.push("nothing is stale; promised was that something is".to_owned());
        }
        match &self.from {
            None => {}
            Some(FromOrPaths::Page(from)) => failures.extend(page_failure(*from, visit)),
            Some(FromOrPaths::Paths(paths)) => {
                for (path, from) in paths {
                    failures.extend(path_failure(path, *from, visit));
                }
            }
        }
        failures
    }
}

/// What the page and its documents loaded, each with the answer that it got: without what updates of application
/// caches ask for, and without what came to nothing where a fallback entry stands for it.
fn loads(visit: &Visit) -> impl Iterator<Item = &crate::Exchange> {
    let all = &visit.exchanges;
    let is_replaced = move |place: usize, one: &crate::Exchange| {
        // A fallback entry is given right after what failed.
        all.get(place + 1).is_some_and(|next| {
            next.url == one.url && matches!(next.application_cache, Some(Role::Fallback(_)))
        })
    };
    all.iter()
        .enumerate()
        .filter(move |(place, one)| {
            let is_update = one.application_cache.as_ref().is_some_and(Role::is_update);
            !is_update && !is_replaced(*place, one)
        })
        .map(|(_, one)| one)
}

fn page_failure(from: From, visit: &Visit) -> Option<String> {
    let found = match visit.arrival {
        Arrival::Restored => Some(From::Bfcache),
        _ => loads(visit)
            .find(|one| one.destination == crate::Destination::Document)
            .and_then(answered),
    };
    match found {
        Some(found) if found == from => None,
        Some(found) => Some(format!(
            "the page is from {}; promised was {}",
            name(found),
            name(from)
        )),
        None => Some(format!(
            "no page came; promised was one from {}",
            name(from)
        )),
    }
}

fn path_failure(path: &str, from: From, visit: &Visit) -> Option<String> {
    let Ok(pattern) = Pattern::new(path.trim_start_matches('/')) else {
        return Some(format!("`{path}` is no pattern of paths"));
    };
    // A document that uses twice what it has was told where it came from the first time.
    let again = |place: usize, one: &crate::Exchange| {
        let before = loads(visit).take(place);
        one.layer == Layer::Document
            && from != From::Document
            && before.into_iter().any(|before| before.url == one.url)
    };
    let mut matching = loads(visit)
        .enumerate()
        .filter(|(place, one)| !again(*place, one))
        .map(|(_, one)| one)
        .filter(|one| pattern.matches(one.url.path().trim_start_matches('/')))
        .peekable();
    if matching.peek().is_none() {
        return Some(format!("nothing that matches `{path}` was asked for"));
    }
    let other = matching.find(|one| answered(one) != Some(from))?;
    let found = answered(other).map_or("nobody", name);
    Some(format!(
        "`{}` is from {found}; promised was {}",
        other.url.path(),
        name(from)
    ))
}

fn answered(exchange: &crate::Exchange) -> Option<From> {
    Some(match exchange.layer {
        Layer::Document => From::Document,
        Layer::Memory => From::Memory,
        Layer::ApplicationCache => From::ApplicationCache,
        Layer::Worker => From::Worker,
        Layer::Disk | Layer::Prefetch => From::Disk,
        Layer::Push => From::Push,
        Layer::Network if exchange.is_validated() => From::Validated,
        Layer::Network => From::Network,
        Layer::Nobody => return None,
    })
}

fn name(from: From) -> &'static str {
    match from {
        From::Bfcache => "the back-forward cache",
        From::Document => "the document itself",
        From::Memory => "memory",
        From::ApplicationCache => "the application cache",
        From::Worker => "the service worker",
        From::Disk => "disk",
        From::Push => "the push cache",
        From::Validated => "disk, after a 304",
        From::Network => "the network",
    }
}
