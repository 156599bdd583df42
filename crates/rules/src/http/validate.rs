//! Is a stored response still current? Asking the origin, and what its answer means.
//!
//! RFC 9111 §4.3.1 (the request), §4.3.3 (the answer), §4.3.4 (freshening by 304), §4.3.5 (by HEAD),
//! §3.2 (which fields are updated).

use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE, SET_COOKIE, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::directives::ResponseDirectives;
use super::storable::shares_cookies;
use super::stored::validators;
use super::vary::VaryKey;
use super::{Policy, ResponseHead, Stored, Times, date, hop};

/// What an answer to a conditional request means for what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// 304: that in this place is current; see [`fold_304`].
    Current(usize),
    /// 304, but of a state that is none of ours: ask once more, without condition.
    Elsewhere,
    /// 5xx: "the cache can either forward this response … or act as if the server failed to
    /// respond" (§4.3.3); see [`super::reuse::on_trouble`].
    Trouble,
    /// A full answer, which takes the place of what is stored.
    Replaced,
}

/// What a response to HEAD means for a stored response to GET.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshening {
    /// It is current: fold the fields in, as of a 304.
    Current,
    /// It is not: "the cache SHOULD consider the stored response to be stale" (§4.3.5).
    Outdated,
    /// It says nothing of it: no 200.
    Nothing,
}

/// Makes the conditions for asking whether one of `stored` is current, in the fields of a request
/// that is on its way to the origin. Conditions of the client, and its range, go: the answer is for
/// the cache, which answers those itself.
///
/// Returns whether there is a condition: where nothing stored has a validator the request is for
/// the whole.
pub fn make_conditional<'a>(
    request: &mut HeaderMap,
    stored: impl IntoIterator<Item = &'a Stored>,
) -> bool {
    make_unconditional(request);
    let mut tags: Vec<u8> = Vec::new();
    let mut dates: Vec<&HeaderValue> = Vec::new();
    let mut candidates = 0;
    for stored in stored {
        candidates += 1;
        // "MUST send the relevant entity tags (using If-Match, If-None-Match, or If-Range) if the
        // entity tags were provided in the stored response(s) being validated"
        if stored.validators.etag.is_some()
            && let Some(tag) = stored.headers.get(ETAG)
        {
            if !tags.is_empty() {
                tags.extend_from_slice(b", ");
            }
            tags.extend_from_slice(tag.as_bytes());
        }
        // "SHOULD send the Last-Modified value (using If-Modified-Since) if the request is not for a
        // subrange, a single stored response is being validated, and that response contains a
        // Last-Modified value"
        if stored.validators.last_modified.is_some() {
            dates.extend(stored.headers.get(LAST_MODIFIED));
        }
    }
    if let Ok(tags) = HeaderValue::from_bytes(&tags)
        && !tags.is_empty()
    {
        request.insert(IF_NONE_MATCH, tags);
    }
    if let (1, [date]) = (candidates, &*dates) {
        request.insert(IF_MODIFIED_SINCE, (*date).clone());
    }
    request.contains_key(IF_NONE_MATCH) || request.contains_key(IF_MODIFIED_SINCE)
}

/// The same about the one response that a browser keeps for a URL, where its cache takes validators
/// literally (`validators_are_literal` of [`super::profile::Departures`]). `matches`: its `Vary` fits
/// the request; where it does not, only a tag can tell that it is the same.
pub fn make_conditional_literally(request: &mut HeaderMap, stored: &Stored, matches: bool) -> bool {
    make_unconditional(request);
    if !matches!(stored.status, StatusCode::OK | StatusCode::PARTIAL_CONTENT) {
        return false;
    }
    let tag = stored.headers.get(ETAG);
    let date = stored.headers.get(LAST_MODIFIED).filter(|_| matches);
    for (condition, value) in [(IF_NONE_MATCH, tag), (IF_MODIFIED_SINCE, date)] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            request.insert(condition, value.clone());
        }
    }
    request.contains_key(IF_NONE_MATCH) || request.contains_key(IF_MODIFIED_SINCE)
}

/// Takes the client's conditions and range out of a request, so that the whole comes.
pub fn make_unconditional(request: &mut HeaderMap) {
    for name in [
        IF_MATCH,
        IF_NONE_MATCH,
        IF_MODIFIED_SINCE,
        IF_UNMODIFIED_SINCE,
        IF_RANGE,
        RANGE,
    ] {
        request.remove(name);
    }
}

/// Decides what the answer to a request of [`make_conditional`] with these `stored` means.
pub fn answered<'a>(
    stored: impl IntoIterator<Item = &'a Stored>,
    response: &ResponseHead<'_>,
    times: Times,
) -> Answered {
    if response.status.is_server_error() {
        return Answered::Trouble;
    }
    if response.status != StatusCode::NOT_MODIFIED {
        return Answered::Replaced;
    }
    let new = validators(response.headers, times.response);
    let (mut newest, mut count) = (None::<(usize, &Stored)>, 0);
    for (place, stored) in stored.into_iter().enumerate() {
        count += 1;
        let old = &stored.validators;
        let same = match (&new.etag, &old.etag) {
            // "If the new response contains one or more strong validators, then each of those
            // strong validators identifies a selected representation for update" (§4.3.4); a weak
            // one "the most recent of those matching stored responses".
            (Some(new), Some(old)) => new.is_weakly(old),
            (Some(_), None) => false,
            (None, _) => new.last_modified.is_some() && new.last_modified == old.last_modified,
        };
        if same && newest.is_none_or(|(_, newest)| stored.date >= newest.date) {
            newest = Some((place, stored));
        }
    }
    // A 304 that names no state answers the question about the only one that was asked about. (By
    // the letter only if that has no validator either; but many servers leave them out.)
    let nameless = new.etag.is_none() && new.last_modified.is_none();
    match newest {
        Some((place, _)) => Answered::Current(place),
        None if nameless && count == 1 => Answered::Current(0),
        None => Answered::Elsewhere,
    }
}

/// The stored response with the fields of a 304, or of a HEAD that agrees with it, folded in.
///
/// `request` is the client's: where the 304 has another `Vary`, its values are those that count.
///
/// Ask [`super::storable::storable`] once more with its status and fields: a 304 may say `no-store`.
pub fn fold_304(
    policy: &Policy,
    stored: &Stored,
    request: &HeaderMap,
    response: &HeaderMap,
    times: Times,
) -> Stored {
    let mut new = hop::storable_fields(policy, response);
    date::append(&mut new, times.response);
    for name in OF_THE_CONTENT {
        new.remove(name);
    }
    let mut headers = stored.headers.clone();
    let names: Vec<HeaderName> = new.keys().cloned().collect();
    for name in names {
        if name == SET_COOKIE {
            continue;
        }
        // "the cache MUST add each header field in the provided response to the stored response,
        // replacing field values that are already present" (§3.2)
        headers.remove(&name);
        for value in new.get_all(&name) {
            headers.append(&name, value.clone());
        }
    }
    // An `Age` of the old answer says nothing of the new one.
    if !new.contains_key(http::header::AGE) {
        headers.remove(http::header::AGE);
    }
    let cookies = new.get_all(SET_COOKIE);
    if cookies.iter().next().is_some()
        && shares_cookies(policy, &ResponseDirectives::of(policy, &headers))
    {
        headers.remove(SET_COOKIE);
        headers.extend(cookies.iter().map(|value| (SET_COOKIE, value.clone())));
    }
    let vary = if stored.headers.get_all(VARY) == headers.get_all(VARY) {
        stored.vary.clone()
    } else {
        VaryKey::of(&headers, request)
    };
    Stored::with(policy, stored.status, headers, times, vary).unwrap_or_else(|| stored.clone())
}

/// Decides what a response to HEAD says of the stored response to GET.
///
/// "When a HEAD response is received … the cache SHOULD update … each matching stored response …
/// whether the stored response could have been chosen"; "For a HEAD response update to be …, the
/// Content-Length … if it has … and validators … have to match" (after §4.3.5).
pub fn freshen(stored: &Stored, response: &ResponseHead<'_>, times: Times) -> Freshening {
    if response.status != StatusCode::OK || stored.status != StatusCode::OK {
        return Freshening::Nothing;
    }
    let new = validators(response.headers, times.response);
    let old = &stored.validators;
    let agrees = |name: &HeaderName| match (response.headers.get(name), stored.headers.get(name)) {
        (Some(new), Some(old)) => new == old,
        _ => true,
    };
    let tag = match (&new.etag, &old.etag) {
        (Some(new), Some(old)) => new.is_weakly(old),
        _ => true,
    };
    let date = match (new.last_modified, old.last_modified) {
        (Some(new), Some(old)) => new == old,
        _ => true,
    };
    if tag && date && agrees(&CONTENT_LENGTH) {
        Freshening::Current
    } else {
        Freshening::Outdated
    }
}

/// What depends on the bytes that are stored, which a 304 does not bring (§3.2).
const OF_THE_CONTENT: [HeaderName; 3] = [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE];

#[cfg(test)]
mod tests;
