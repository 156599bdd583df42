//! What lies in the store under one request key: a response for each variant.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderMap, HeaderName, HeaderValue};
use revisit_rules::http::part::{Combined, ContentRange, combine};
use revisit_rules::http::{Policy, Stored};

use super::store::Kept;

/// A kept response.
#[derive(Debug)]
pub(super) struct Entry {
    /// The URL that it was asked for by, scheme and host in small letters.
    pub(super) url: Box<str>,
    pub(super) stored: Stored,
    pub(super) body: Bytes,
}

impl Entry {
    /// Keeps `stored`, in no more memory than it needs.
    pub(super) fn new(url: Box<str>, mut stored: Stored, body: Bytes) -> Arc<Self> {
        stored.headers = compact(&stored.headers);
        Arc::new(Self { url, stored, body })
    }

    /// Is it of this origin (scheme and host, as [`Self::url`] has them)?
    pub(super) fn is_of(&self, origin: &str) -> bool {
        self.url
            .strip_prefix(origin)
            .is_some_and(|path| path.starts_with('/'))
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
        (size_of::<Self>() + self.url.len() + head + vary + self.body.len()) as u64 + PER_ENTRY
    }
}

/// The responses for one request key, the newest first.
#[derive(Debug)]
pub(super) struct Variants(pub(super) Vec<Arc<Entry>>);

impl Variants {
    /// Puts `new` before those that are there; it takes the place of the one that answers the same
    /// requests, or is joined with it where both are parts of one state (RFC 9111 §3.4).
    pub(super) fn with(
        before: &[Arc<Entry>],
        new: Arc<Entry>,
        variants_max: usize,
        policy: &Policy,
    ) -> Self {
        let same = |entry: &&Arc<Entry>| entry.stored.vary == new.stored.vary;
        let new = match before.iter().find(same) {
            Some(old) => joined(old, &new, policy).unwrap_or_else(|| new.clone()),
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
fn joined(old: &Arc<Entry>, new: &Entry, policy: &Policy) -> Option<Arc<Entry>> {
    let part = new.stored.part?;
    let range = |entry: &Entry| {
        entry.stored.part.unwrap_or(ContentRange {
            first: 0,
            last: (entry.body.len() as u64).saturating_sub(1),
            complete: Some(entry.body.len() as u64),
        })
    };
    let have = range(old);
    let validators = (&old.stored.validators, &new.stored.validators);
    let Combined::Joined(range) = combine((have, validators.0), (part, validators.1)) else {
        return None;
    };
    let mut body = BytesMut::zeroed(usize::try_from(range.length()).ok()?);
    for (part, bytes) in [(have, &old.body), (part, &new.body)] {
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

/// A slot in the map's two tables.
const PER_FIELD: usize = 120;
/// The counted reference, the vector of variants, the buffer's own head.
const PER_ENTRY: u64 = 120;
