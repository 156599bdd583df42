//! Which of several stored responses answers a request?
//!
//! RFC 9111 §4.1 (`Vary`). Two field values are the same if they are after "normalizing … in a way
//! that is known to have identical semantics": lines are joined, white space about commas and
//! empty members go, and letters of fields that are known not to care for case are made small.
//! Order and weights stay: they may mean something to the origin.

use std::borrow::Cow;
use std::time::SystemTime;

use http::header::{ACCEPT_CHARSET, ACCEPT_ENCODING, ACCEPT_LANGUAGE, AUTHORIZATION, COOKIE, VARY};
use http::{HeaderMap, HeaderName};

use super::Stored;
use super::head::{lines, members};

/// Which requests a stored response answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct VaryKey {
    /// The fields that `Vary` names, in order of their names, and their values in the request that
    /// was answered; `None`: it was not there. Empty: any request.
    fields: Vec<(HeaderName, Option<Box<[u8]>>)>,
    /// `Vary: *`, or what is no list of names: no request.
    never: bool,
}

/// Which stored response answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selected {
    /// That in this place.
    One(usize),
    /// Nothing is stored for the URI.
    Empty,
    /// What is stored answers other requests.
    NoMatch,
}

impl VaryKey {
    /// What the response's `Vary` makes of the request's fields.
    pub fn of(response: &HeaderMap, request: &HeaderMap) -> Self {
        let mut key = Self::default();
        for member in members(response, &VARY) {
            match HeaderName::from_bytes(member) {
                Ok(_) if member == b"*" => key.never = true,
                Ok(name) => {
                    let value = value(request, &name).map(|value| value.into_owned().into());
                    key.fields.push((name, value));
                }
                Err(_) => key.never = true,
            }
        }
        key.fields
            .sort_by(|(a, _), (b, _)| a.as_str().cmp(b.as_str()));
        key.fields.dedup();
        key
    }

    /// Does a request with these fields match?
    ///
    /// "… have values that match those fields in the original request"; "If a header field is
    /// absent in one of the requests … the absent field matches only if it's also absent" (§4.1).
    pub fn matches(&self, request: &HeaderMap) -> bool {
        !self.never
            && self.fields.iter().all(|(name, known)| {
                match (known.as_deref(), only_line(request, name)) {
                    // The common cases, without taking values apart.
                    (None, Line::None) => true,
                    (Some(known), Line::One(line)) if known == line => true,
                    (None, _) | (_, Line::None) => false,
                    (Some(known), _) => value(request, name).is_some_and(|now| *now == *known),
                }
            })
    }

    /// The names and values, for keeping them with the response.
    pub fn fields(&self) -> impl Iterator<Item = (&HeaderName, Option<&[u8]>)> {
        self.fields
            .iter()
            .map(|(name, value)| (name, value.as_deref()))
    }

    /// Makes a key of what [`Self::fields`] gave.
    pub fn from_fields(fields: impl IntoIterator<Item = (HeaderName, Option<Box<[u8]>>)>) -> Self {
        let mut fields: Vec<_> = fields.into_iter().collect();
        fields.sort_by(|(a, _), (b, _)| a.as_str().cmp(b.as_str()));
        Self {
            fields,
            never: false,
        }
    }
}

/// Does a response with these fields answer no request at all? `*` does not; nor do we guess what
/// is meant by what is no name.
pub(super) fn answers_none(response: &HeaderMap) -> bool {
    members(response, &VARY).any(|member| member == b"*" || HeaderName::from_bytes(member).is_err())
}

/// Selects among the responses that are stored for one key. "If multiple stored responses match,
/// the cache … [uses] the most recent (as determined by the Date header field)" (§4, §4.1)
pub fn select<'a>(stored: impl Iterator<Item = &'a Stored>, request: &HeaderMap) -> Selected {
    let mut best: Option<(usize, SystemTime)> = None;
    let mut any = false;
    for (place, stored) in stored.enumerate() {
        any = true;
        let later = best.is_none_or(|(_, date)| stored.date >= date);
        if later && stored.vary.matches(request) {
            best = Some((place, stored.date));
        }
    }
    match best {
        Some((place, _)) => Selected::One(place),
        None if any => Selected::NoMatch,
        None => Selected::Empty,
    }
}

/// The value of a request's field as it is compared; `None` if it is absent.
pub fn value<'a>(request: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, [u8]>> {
    let one = match only_line(request, name) {
        Line::None => return None,
        // What names a person is compared byte by byte.
        Line::One(line) if *name == COOKIE || *name == AUTHORIZATION => {
            return Some(Cow::Borrowed(line));
        }
        Line::One(line) => Some(line),
        Line::Several => None,
    };
    let folds = matches!(*name, ACCEPT_LANGUAGE | ACCEPT_ENCODING | ACCEPT_CHARSET);
    if let Some(line) = one
        && !line.contains(&b',')
        && !(folds
            && line
                .iter()
                .any(|b| b.is_ascii_uppercase() || b.is_ascii_whitespace()))
    {
        return Some(Cow::Borrowed(line.trim_ascii()));
    }
    let mut joined = Vec::new();
    for member in lines(request, name).flat_map(list_members) {
        let member = member.trim_ascii();
        if member.is_empty() {
            continue;
        }
        if !joined.is_empty() {
            joined.push(b',');
        }
        if folds {
            // Ranges and their weights: "OWS ";" OWS "q=" qvalue" (RFC 9110 §12.4.2).
            let plain = member.iter().filter(|byte| !byte.is_ascii_whitespace());
            joined.extend(plain.map(u8::to_ascii_lowercase));
        } else {
            joined.extend_from_slice(member);
        }
    }
    Some(Cow::Owned(joined))
}

/// The members of a list, whose quoted strings may hold commas.
fn list_members(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    line.split(move |&byte| {
        let comma = byte == b',' && !quoted;
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => {}
        }
        comma
    })
}

enum Line<'a> {
    None,
    One(&'a [u8]),
    Several,
}

fn only_line<'a>(request: &'a HeaderMap, name: &HeaderName) -> Line<'a> {
    let mut all = lines(request, name);
    match (all.next(), all.next()) {
        (None, _) => Line::None,
        (Some(line), None) => Line::One(line),
        _ => Line::Several,
    }
}

#[cfg(test)]
mod tests;
