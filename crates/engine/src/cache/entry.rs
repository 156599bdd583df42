//! What lies in the store under one request key: a response for each variant.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderMap, HeaderName, HeaderValue};
use revisit_rules::http::invalidate::groups;
use revisit_rules::http::no_vary_search::NoVarySearch;
use revisit_rules::http::part::{Combined, ContentRange, combine};
use revisit_rules::http::{Policy, Stored, Target};

use super::CacheOptions;
use super::content::Content;
use super::disk;
use super::store::Kept;

/// A kept response.
#[derive(Debug)]
pub(super) struct Entry {
    /// The URL that it was asked for by, scheme and host in small letters.
    pub(super) url: Box<str>,
    pub(super) stored: Stored,
    pub(super) content: Content,
    /// 0: the disk does not have it. More: it does, or cannot, and was it asked for so often since.
    saved: AtomicU32,
}

impl Entry {
    /// Keeps `stored`, in no more memory than it needs.
    pub(super) fn new(url: Box<str>, mut stored: Stored, body: Bytes) -> Arc<Self> {
        stored.headers = compact(&stored.headers);
        Arc::new(Self {
            url,
            stored,
            content: Content::Here(body),
            saved: AtomicU32::new(0),
        })
    }

    /// What came from the disk.
    #[cfg(feature = "disk")]
    pub(super) fn of_disk(url: Box<str>, stored: Stored, content: Content) -> Arc<Self> {
        Arc::new(Self {
            url,
            stored,
            content,
            saved: AtomicU32::new(1),
        })
    }

    /// The same body under another head.
    pub(super) fn with_head(&self, mut stored: Stored) -> Arc<Self> {
        stored.headers = compact(&stored.headers);
        let is_as_good = disk::is_as_good(&self.stored, &stored);
        Arc::new(Self {
            url: self.url.clone(),
            stored,
            content: self.content.clone(),
            saved: AtomicU32::new((self.is_saved() && is_as_good).into()),
        })
    }

    /// Has the disk what this says?
    pub(super) fn is_saved(&self) -> bool {
        self.saved.load(Relaxed) > 0
    }

    pub(super) fn set_saved(&self, saved: bool) {
        self.saved.store(saved.into(), Relaxed);
    }

    /// Counts a use of what is saved. Is it time to tell the disk of it?
    pub(super) fn is_worth_telling(&self) -> bool {
        let uses = self.saved.fetch_add(1, Relaxed);
        if uses == u32::MAX {
            self.set_saved(true);
        }
        uses.is_multiple_of(USES_UNTOLD)
    }

    /// Scheme and host, as [`Self::url`] has them.
    #[cfg(feature = "disk")]
    pub(super) fn origin(&self) -> &str {
        let path = self.target().map_or(0, |target| target.path.len());
        &self.url[..self.url.len() - path]
    }

    /// Is it in this group of this origin?
    pub(super) fn is_in(&self, origin: &str, group: &str) -> bool {
        is_in_group(&self.url, &self.stored, origin, group)
    }

    /// What it was asked for by.
    pub(super) fn target(&self) -> Option<Target<'_>> {
        let (scheme, rest) = self.url.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find('/')?);
        Some(Target {
            scheme,
            authority,
            path,
        })
    }

    /// What it says of its query, if that is anything.
    pub(super) fn no_vary_search(&self) -> Option<NoVarySearch> {
        let rule = NoVarySearch::read(&self.stored.headers);
        (!rule.varies_on_all()).then_some(rule)
    }

    /// Does it say itself that it answers this URL too, written as its own?
    pub(super) fn is_alike(&self, url: &str) -> bool {
        let (path, query) = parted(&self.url);
        let (asked_path, asked_query) = parted(url);
        let rule = self.no_vary_search();
        path == asked_path && rule.is_some_and(|rule| rule.same(query, asked_query))
    }

    fn weight(&self) -> u64 {
        let line = |(name, value): (&HeaderName, &HeaderValue)| {
            name.as_str().len() + value.len() + PER_FIELD
        };
        // what the requests said that it answers
        let field = |(name, value): (&HeaderName, Option<&[u8]>)| {
            name.as_str().len() + value.map_or(0, <[u8]>::len) + PER_FIELD
        };
        let head: usize = self.stored.headers.iter().map(line).sum();
        let vary: usize = self.stored.vary.fields().map(field).sum();
        (size_of::<Self>() + self.url.len() + head + vary + self.content.weight()) as u64
            + PER_ENTRY
    }
}

/// Is what `stored` is of, asked for by `url`, in this group of this origin (scheme and host, as the
/// URL has them)? Names of groups count within an origin (RFC 9875 §2).
pub(super) fn is_in_group(url: &str, stored: &Stored, origin: &str, group: &str) -> bool {
    let path = url.strip_prefix(origin);
    path.is_some_and(|path| path.starts_with('/'))
        && groups(&stored.headers).any(|name| name == group)
}

/// A URL without its query, and the query, if there is one.
fn parted(url: &str) -> (&str, Option<&str>) {
    match url.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (url, None),
    }
}

/// The responses for one request key, the newest first.
#[derive(Debug)]
pub(super) struct Variants(pub(super) Vec<Arc<Entry>>);

impl Variants {
    /// Puts `new` before those that are there; it takes the place of the one that answers the same
    /// requests, or is joined with it where both are parts of one state (RFC 9111 §3.4) and the whole
    /// is not larger than a body may be.
    pub(super) fn with(before: &[Arc<Entry>], new: Arc<Entry>, options: &CacheOptions) -> Self {
        let CacheOptions {
            policy,
            variants_max,
            body_bytes_max,
            ..
        } = options;
        let same = |entry: &&Arc<Entry>| entry.stored.vary == new.stored.vary;
        let new = match before.iter().find(same) {
            Some(old) => joined(old, &new, policy, *body_bytes_max).unwrap_or_else(|| new.clone()),
            None => new.clone(),
        };
        let others = before
            .iter()
            .filter(|entry| entry.stored.vary != new.stored.vary);
        let others = match policy.departures.one_variant {
            true => others.take(0),
            false => others.take(variants_max.saturating_sub(1)),
        };
        Self(
            std::iter::once(new.clone())
                .chain(others.cloned())
                .collect(),
        )
    }
}

/// The part `new` together with what was there; `None`: it takes its place.
fn joined(
    old: &Arc<Entry>,
    new: &Entry,
    policy: &Policy,
    body_bytes_max: u64,
) -> Option<Arc<Entry>> {
    // A part of a large body that lies on the disk takes its place: it is not read for that.
    let part = new.stored.part?;
    let range = |entry: &Entry| {
        entry.stored.part.unwrap_or(ContentRange {
            first: 0,
            last: entry.content.len().saturating_sub(1),
            complete: Some(entry.content.len()),
        })
    };
    let have = range(old);
    let validators = (&old.stored.validators, &new.stored.validators);
    let Combined::Joined(range) = combine((have, validators.0), (part, validators.1)) else {
        return None;
    };
    if range.length() > body_bytes_max {
        return None;
    }
    let mut body = BytesMut::zeroed(usize::try_from(range.length()).ok()?);
    for (part, bytes) in [(have, old.content.here()?), (part, new.content.here()?)] {
        let from = usize::try_from(part.first - range.first).ok()?;
        body.get_mut(from..from + bytes.len())?
            .copy_from_slice(bytes);
    }
    // "… the new partial response's header fields" update the stored ones (§3.4).
    let mut headers = new.stored.headers.clone();
    let status = match range.is_whole() {
        true => {
            headers.remove(CONTENT_RANGE);
            StatusCode::OK
        }
        false => {
            let complete = range
                .complete
                .map_or("*".to_owned(), |length| length.to_string());
            let text = format!("bytes {}-{}/{complete}", range.first, range.last);
            headers.insert(CONTENT_RANGE, HeaderValue::try_from(text).ok()?);
            StatusCode::PARTIAL_CONTENT
        }
    };
    headers.insert(CONTENT_LENGTH, HeaderValue::from(range.length()));
    let (times, vary) = (new.stored.times, new.stored.vary.clone());
    let stored = Stored::with(policy, status, headers, times, vary)?;
    Some(Entry::new(new.url.clone(), stored, body.freeze()))
}

impl Kept for Variants {
    fn weight(&self) -> u64 {
        self.0.iter().map(|entry| entry.weight()).sum()
    }

    fn shrink(self: Arc<Self>) -> Option<Arc<Self>> {
        let (_, rest) = self.0.split_last()?;
        (!rest.is_empty()).then(|| Arc::new(Self(rest.to_vec())))
    }
}

/// The same fields, their values in one piece of memory: those that came are slices of the buffer
/// that a connection reads into, and each would keep all of that alive.
fn compact(headers: &HeaderMap) -> HeaderMap {
    let bytes = headers.values().map(HeaderValue::len).sum();
    let mut buffer = BytesMut::with_capacity(bytes);
    for value in headers.values() {
        buffer.extend_from_slice(value.as_bytes());
    }
    let mut buffer = buffer.freeze();
    let mut compact = HeaderMap::with_capacity(headers.keys_len() + FIELDS_ADDED);
    for (name, value) in headers {
        let bytes = buffer.split_to(value.len());
        // The bytes were a value before.
        let copy = HeaderValue::from_maybe_shared(bytes).unwrap_or_else(|_| value.clone());
        compact.append(name.clone(), copy);
    }
    // A copy has room in its index, where moving is dear, and none to spare for the fields.
    compact.clone()
}

/// What an answer has beside what is kept: `Age` and `Cache-Status`.
const FIELDS_ADDED: usize = 2;

/// Of so many uses of what memory has too the disk hears of one.
const USES_UNTOLD: u32 = 16;
/// A slot in the map's two tables.
const PER_FIELD: usize = 120;
/// The counted reference, the vector of variants, the buffer's own head.
const PER_ENTRY: u64 = 120;
