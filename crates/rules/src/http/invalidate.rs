//! Which stored responses does a write make invalid?
//!
//! RFC 9111 §4.4 (invalidating), RFC 9875 (cache groups), RFC 9110 §9.2.1 (safe methods).

use http::header::{CONTENT_LOCATION, LOCATION};
use http::{HeaderMap, HeaderName, Method};
use sfv::{BareItem, Item, List, ListEntry, Parser};

use super::head::lines;
use super::uri::{self, Uri};
use super::{Policy, RequestHead, ResponseHead};

/// One thing to invalidate, in the origin of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invalidation {
    /// What is stored for this URI.
    Uri(Uri, By),
    /// Everything of the origin that is in this group (RFC 9875 §3).
    Group(String),
}

/// What names the URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum By {
    /// The request was for it.
    Target,
    /// `Location`.
    Location,
    /// `Content-Location`.
    ContentLocation,
}

/// What `response` to `request` makes invalid.
pub fn invalidations(
    policy: &Policy,
    request: &RequestHead<'_>,
    response: &ResponseHead<'_>,
) -> Vec<Invalidation> {
    // "A cache MUST invalidate the target URI … when it receives a non-error status code in response
    // to an unsafe request method (including methods whose safety is unknown)"; "Here, a "non-error
    // response" is one with a 2xx (Successful) or 3xx (Redirection) status code."
    let status = response.status;
    if is_safe(request.method) || !(status.is_success() || status.is_redirection()) {
        return Vec::new();
    }
    let target = request.target;
    let mut all = vec![Invalidation::Uri(Uri::of(target), By::Target)];
    // "A cache MAY invalidate other URIs … In particular, the URI(s) in the Location and
    // Content-Location response header fields (if present) are candidates"; "A cache MUST NOT
    // trigger an invalidation under these conditions if the origin … differs"
    if !policy.departures.writes_invalidate_target_alone {
        for (name, by) in [
            (LOCATION, By::Location),
            (CONTENT_LOCATION, By::ContentLocation),
        ] {
            let named = lines(response.headers, &name)
                .filter_map(|reference| uri::resolve(target, reference))
                .filter(|uri| uri.is_of_origin(target) && !uri.is(target));
            all.extend(named.map(|uri| Invalidation::Uri(uri, by)));
        }
    }
    // "Cache-Group-Invalidation … MUST be ignored on responses to requests that have a safe method"
    // (RFC 9875 §3)
    all.extend(strings(response.headers, &INVALIDATION).map(Invalidation::Group));
    all
}

/// The groups that a response is in (RFC 9875 §2): in its origin, names are compared byte by byte.
pub fn groups(headers: &HeaderMap) -> impl Iterator<Item = String> {
    strings(headers, &GROUPS)
}

/// The strings of a list; "unrecognised types … ignored", as are parameters, and as many as 128
/// of 32 characters have to be held (§2).
fn strings(headers: &HeaderMap, name: &HeaderName) -> impl Iterator<Item = String> + use<> {
    let joined = lines(headers, name).collect::<Vec<_>>().join(&b", "[..]);
    let list = Parser::new(&joined).parse::<List>().unwrap_or_default();
    list.into_iter()
        .filter_map(|entry| match entry {
            ListEntry::Item(Item {
                bare_item: BareItem::String(group),
                ..
            }) => Some(group.as_str().to_owned()),
            _ => None,
        })
        .take(GROUPS_MAX)
}

/// The safe methods of the registry (RFC 9110 §16.1.1).
pub fn is_safe(method: &Method) -> bool {
    matches!(
        method.as_str(),
        "GET" | "HEAD" | "OPTIONS" | "TRACE" | "PRI" | "PROPFIND" | "QUERY" | "REPORT" | "SEARCH"
    )
}

const GROUPS_MAX: usize = 128;
const GROUPS: HeaderName = HeaderName::from_static("cache-groups");
const INVALIDATION: HeaderName = HeaderName::from_static("cache-group-invalidation");

#[cfg(test)]
mod tests;
