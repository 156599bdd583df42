//! A HAR file: what a browser's DevTools recorded, as a server that answers the same again.
//!
//! It is read as a stream, and no body is kept: what counts is how long each was. What a page loads is what it loaded
//! when it was recorded, so scripts have run. HTTP Archive 1.2, with what Chrome, Firefox and Safari add and leave out.

mod entry;
mod time;

use std::collections::{HashMap, HashSet};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, DATE, EXPIRES};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use revisit_rules::http::date::parse_http_date;
use revisit_rules::http::precondition::{Access, Conditions, Verdict, http_date};
use revisit_rules::http::validators;
use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use url::Url;

use self::entry::{Entry, Kept};
use crate::{Cors, Credentials, Destination, Phase, Request, Response, Subresource};

/// A recording that answers.
#[derive(Debug)]
pub struct Har {
    responses: HashMap<(Method, Url), Kept>,
    /// As long as the longest body, and never written: of it all bodies are slices.
    zeros: Bytes,
    /// What is said of it as a whole.
    pub recorded: Recorded,
    /// The pages that were visited, in their order: the address that was asked for first.
    pub pages: Vec<Url>,
    /// What each document, by its final address, loaded.
    pub loads: HashMap<Url, Vec<Subresource>>,
}

/// What is said of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Which program wrote it.
    pub by: String,
    /// When it begins.
    pub started: SystemTime,
    /// Requests that it holds.
    pub requests: usize,
    /// Of those, other than GET: no cache keeps their answers, and they are not played.
    pub other_methods: usize,
    /// Of those, without an answer over HTTP: blocked, cut off, `data:`, WebSockets.
    pub unanswered: usize,
    /// The site has a service worker: its script was asked for.
    pub has_worker: bool,
    /// Of those, answered by a cache while it was recorded, so that how much they are on the wire is not known.
    pub from_cache: usize,
}

/// A file that is no recording, or none that can be played.
#[derive(Debug, thiserror::Error)]
pub enum HarError {
    /// It cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It ends in the middle.
    #[error("it ends in the middle, at line {line}")]
    Truncated {
        /// Of its end.
        line: usize,
    },
    /// It is no HAR document.
    #[error("it is no HAR document: {why}")]
    NotHar {
        /// What was found.
        why: String,
    },
    /// Its pages are redirects that lead to no page.
    #[error("`{page}` only redirects: no page that it leads to was recorded")]
    OnlyRedirects {
        /// The first of them.
        page: Url,
    },
    /// It has no page.
    #[error("it records no page: none of its {requests} requests was answered with HTML")]
    NoPage {
        /// How many requests there are.
        requests: usize,
    },
}

impl Har {
    /// Reads a recording from a file.
    ///
    /// # Errors
    /// See [`HarError`].
    pub fn open(path: &Path) -> Result<Self, HarError> {
        let file = std::fs::File::open(path).map_err(|source| HarError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::read(file)
    }

    /// Reads a recording.
    ///
    /// # Errors
    /// See [`HarError`].
    pub fn read(input: impl Read) -> Result<Self, HarError> {
        let mut input = BufReader::with_capacity(1 << 16, input);
        skip_mark(&mut input);
        let mut reader = serde_json::Deserializer::from_reader(input);
        let mut log = Log::default();
        let read = Document(&mut log).deserialize(&mut reader);
        read.map_err(|error| match error.classify() {
            serde_json::error::Category::Eof => HarError::Truncated { line: error.line() },
            _ => HarError::NotHar {
                why: error.to_string(),
            },
        })?;
        Self::of(log)
    }

    fn of(log: Log) -> Result<Self, HarError> {
        let mut entries = log.entries;
        // Browsers write them in the order of their starts; other tools in that of their ends.
        entries.sort_by_key(|entry| entry.started);
        let mut recorded = Recorded {
            by: log.creator,
            started: entries
                .first()
                .map_or(SystemTime::UNIX_EPOCH, |entry| entry.started),
            requests: entries.len() + log.unanswered,
            other_methods: 0,
            unanswered: log.unanswered,
            has_worker: false,
            from_cache: 0,
        };
        let mut pages: Vec<Url> = Vec::new();
        let mut loads: HashMap<Url, Vec<Subresource>> = HashMap::new();
        let mut responses = HashMap::new();
        // Which document each of the recording's pages, or the last seen, is.
        let mut open: HashMap<Option<String>, Url> = HashMap::new();
        let mut led_to: HashSet<Url> = HashSet::new();
        let mut longest = 0;
        for entry in entries {
            recorded.from_cache += usize::from(entry.from_cache);
            recorded.has_worker |= entry.is_worker;
            if entry.method != Method::GET {
                recorded.other_methods += 1;
                continue;
            }
            let by_redirect = led_to.remove(&entry.url);
            let leads = entry.leads_to();
            let is_page = entry.destination == Destination::Document;
            if is_page && (by_redirect || !open.contains_key(&entry.page) || entry.page.is_none()) {
                if !by_redirect {
                    pages.push(entry.url.clone());
                }
                if leads.is_none() {
                    open.insert(entry.page.clone(), entry.url.clone());
                    loads.entry(entry.url.clone()).or_default();
                }
            } else if !by_redirect {
                let document = open.get(&entry.page).or_else(|| open.get(&None));
                if let Some(found) = document.and_then(|document| loads.get_mut(document)) {
                    found.push(entry.subresource());
                }
            }
            led_to.extend(leads);
            longest = longest.max(entry.kept.body_bytes);
            responses
                .entry((entry.method, entry.url))
                .or_insert(entry.kept);
        }
        pages.dedup();
        if let (Some(page), true) = (pages.first(), loads.is_empty()) {
            return Err(HarError::OnlyRedirects { page: page.clone() });
        }
        if pages.is_empty() {
            return Err(HarError::NoPage {
                requests: recorded.requests,
            });
        }
        let longest = usize::try_from(longest.min(BODY_BYTES_MAX)).unwrap_or(0);
        Ok(Self {
            responses,
            zeros: Bytes::from(vec![0; longest]),
            recorded,
            pages,
            loads,
        })
    }

    /// Answers as it was answered then, with dates moved to `now`; `None` for what was not recorded.
    pub fn answer(&self, request: &Request, now: SystemTime) -> Option<Response> {
        let method = match request.method {
            Method::HEAD => Method::GET,
            ref method => method.clone(),
        };
        let kept = self.responses.get(&(method, request.url.clone()))?;
        let mut headers = kept.headers.clone();
        headers.remove(CONTENT_LENGTH);
        let passed = now.duration_since(kept.at).unwrap_or_default();
        if let Some(date) = http_date(now).and_then(|date| HeaderValue::from_str(&date).ok()) {
            headers.insert(DATE, date);
        }
        move_by(&mut headers, passed, kept.at);
        let values = |name| {
            request
                .headers
                .get_all(name)
                .iter()
                .map(HeaderValue::as_bytes)
        };
        let verdict =
            Conditions::read(now, values).evaluate(&validators(&headers, now), Access::Read, now);
        if kept.status == StatusCode::OK && matches!(verdict, Verdict::NotModified(_)) {
            return Some(Response {
                headers,
                ..Response::new(StatusCode::NOT_MODIFIED, Bytes::new())
            });
        }
        let length = usize::try_from(kept.body_bytes)
            .unwrap_or(usize::MAX)
            .min(self.zeros.len());
        let body = match request.method {
            Method::HEAD => Bytes::new(),
            _ => self.zeros.slice(..length),
        };
        Some(Response {
            headers,
            encoded_bytes: kept.wire_bytes,
            ..Response::new(kept.status, body)
        })
    }
}

/// Moves `Expires` as far as time has moved: a server writes it anew with each answer.
fn move_by(headers: &mut HeaderMap, passed: Duration, at: SystemTime) {
    let written = headers
        .get(EXPIRES)
        .and_then(|value| parse_http_date(value.as_bytes(), at));
    // One in the past when it was written means "never", and stays.
    let moved = written
        .filter(|written| *written > at)
        .and_then(|written| written.checked_add(passed));
    let moved = moved
        .and_then(http_date)
        .and_then(|date| HeaderValue::from_str(&date).ok());
    if let Some(moved) = moved {
        headers.insert(EXPIRES, moved);
    }
}

impl Entry {
    /// Where a redirect leads.
    fn leads_to(&self) -> Option<Url> {
        if !self.kept.status.is_redirection() {
            return None;
        }
        let location = self
            .kept
            .headers
            .get(http::header::LOCATION)?
            .to_str()
            .ok()?;
        let mut to = self.url.join(location).ok()?;
        to.set_fragment(None);
        Some(to)
    }

    fn subresource(&self) -> Subresource {
        let plain = Subresource::plain(self.url.clone(), self.destination);
        if !self.cors {
            return plain;
        }
        Subresource {
            cors: Cors::Yes,
            credentials: Credentials::SameOrigin,
            phase: Phase::Load,
            ..plain
        }
    }
}

/// What is read of the file.
#[derive(Default)]
struct Log {
    creator: String,
    entries: Vec<Entry>,
    unanswered: usize,
    seen: bool,
}

/// `{"log": …}`
struct Document<'a>(&'a mut Log);

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object with `log`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match &*key {
                "log" => map.next_value_seed(LogSeed(self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        match self.0.seen {
            true => Ok(()),
            false => Err(A::Error::custom("it has no `log.entries`")),
        }
    }
}

/// What stands under `log`.
struct LogSeed<'a>(&'a mut Log);

impl<'de> DeserializeSeed<'de> for LogSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for LogSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object with `entries`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        #[derive(Deserialize)]
        struct Creator {
            #[serde(default)]
            name: String,
            #[serde(default)]
            version: serde_json::Value,
        }
        while let Some(key) = map.next_key::<String>()? {
            match &*key {
                "entries" => map.next_value_seed(Entries(self.0))?,
                "creator" => {
                    if let Some(creator) = map.next_value::<Option<Creator>>()? {
                        let version = creator.version.as_str().unwrap_or_default();
                        self.0.creator = format!("{} {version}", creator.name).trim().to_owned();
                    }
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// The list of entries, of which each is made small before the next is read.
struct Entries<'a>(&'a mut Log);

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.0.seen = true;
        while let Some(written) = entries.next_element::<entry::Written>()? {
            if self.0.entries.len() >= ENTRIES_MAX {
                return Err(A::Error::custom(format!(
                    "it has more than {ENTRIES_MAX} requests"
                )));
            }
            match Entry::of(written) {
                Some(entry) => self.0.entries.push(entry),
                None => self.0.unanswered += 1,
            }
        }
        Ok(())
    }
}

/// A byte order mark, which some tools write, is no JSON.
fn skip_mark(input: &mut BufReader<impl Read>) {
    use std::io::BufRead;
    if input
        .fill_buf()
        .is_ok_and(|start| start.starts_with(b"\xef\xbb\xbf"))
    {
        input.consume(3);
    }
}

/// Requests of one recording: an hour of a busy page has some thousand.
const ENTRIES_MAX: usize = 50_000;
/// The longest body that is stood in for.
const BODY_BYTES_MAX: u64 = 1 << 30;

#[cfg(test)]
mod tests;
