//! The head of an answer from a stored response.
//!
//! RFC 9111 §4 (`Age`), §4.3.2 (the client's own conditions); RFC 9110 §15.4.5 (304), §15.5.13 (412).

use std::time::{Duration, SystemTime};

use http::header::{
    AGE, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_LOCATION, DATE, ETAG, EXPIRES, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, LAST_MODIFIED, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Stored;
use super::head::lines;
use super::precondition::{Access, Conditions, Met, Verdict};

/// Decides whether a GET or HEAD with these fields is answered by 304 from `stored`.
///
/// `If-Match` and `If-Unmodified-Since` are the origin's business, and a cache "MAY ignore" them
/// (§4.3.2): it leaves them be, and 412 is never its answer. Conditions are for what would be
/// answered by 2xx (RFC 9110 §13.2.1).
pub fn condition(request: &HeaderMap, stored: &Stored, now: SystemTime) -> Verdict {
    if !request.contains_key(IF_NONE_MATCH) && !request.contains_key(IF_MODIFIED_SINCE) {
        return Verdict::Proceed(Met::Unconditional);
    }
    let conditions = Conditions::read(now, |name| {
        let ours = !matches!(name, "if-match" | "if-unmodified-since");
        lines(request, &HeaderName::from_static(name)).filter(move |_| ours)
    });
    let whole = stored.status.is_success() && stored.part.is_none();
    if whole {
        conditions.evaluate(&stored.validators, Access::Read, now)
    } else {
        Conditions::default().evaluate(&stored.validators, Access::Read, now)
    }
}

/// Sets `Age`: "When a stored response is used to satisfy a request without validation, a cache MUST
/// generate an Age header field, replacing any present in the response" (§4)
pub fn set_age(headers: &mut HeaderMap, age: Duration) {
    headers.insert(AGE, HeaderValue::from(age.as_secs().min(AGE_MAX)));
}

/// The fields of a 304: those that the 200 would have of "Content-Location, Date, ETag, and Vary;
/// Cache-Control and Expires", its `Age`, and `Last-Modified` where it is the only validator.
pub fn of_304(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for name in [
        AGE,
        CACHE_CONTROL,
        CONTENT_LOCATION,
        DATE,
        ETAG,
        EXPIRES,
        VARY,
    ] {
        for value in headers.get_all(&name) {
            kept.append(&name, value.clone());
        }
    }
    if !kept.contains_key(ETAG)
        && let Some(date) = headers.get(LAST_MODIFIED)
    {
        kept.insert(LAST_MODIFIED, date.clone());
    }
    // A 304 has no body, whatever length is written on it.
    kept.remove(CONTENT_LENGTH);
    kept
}

/// 2^31: what `Age` can say (§1.2.2).
const AGE_MAX: u64 = 1 << 31;

#[cfg(test)]
mod tests;
