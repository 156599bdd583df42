//! Which fields belong to one connection, and which are not stored?
//!
//! RFC 9110 §7.6.1 (`Connection`), RFC 9111 §3.1 (storing header fields).

use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, DATE, ETAG, EXPIRES, HOST, LAST_MODIFIED,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, VARY,
};
use http::{HeaderMap, HeaderName};

use super::Policy;
use super::directives::named_fields;
use super::head::members;

/// Takes the fields away that are for the next hop alone, those that `Connection` names among them.
///
/// `Connection` cannot name what says how a message is framed, where it goes, and how it may be
/// cached: "A sender MUST NOT send a connection option corresponding to a field that is intended for
/// all recipients of the content. For example, Cache-Control is never appropriate" (§7.6.1).
pub fn strip(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = members(headers, &CONNECTION)
            .filter_map(|name| HeaderName::from_bytes(name).ok())
            .filter(|name| !FOR_ALL.contains(name))
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    // Looking all of them over is less work than to look for each; mostly there is none.
    if headers.keys().any(|name| FOR_ONE_HOP.contains(name)) {
        for name in FOR_ONE_HOP {
            headers.remove(name);
        }
    }
}

/// What of a response is stored: without hop-by-hop fields, what is the proxy's own (RFC 9111 §3.1),
/// and the fields that `no-cache="…"` names, or in a shared cache `private="…"`.
///
/// A field that `no-cache` names may be stored and sent after validation (§5.2.2.4); leaving it out
/// is simpler, and nothing of it is ever sent to another.
pub fn storable_fields(policy: &Policy, headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    strip(&mut kept);
    for name in named_fields(policy, headers) {
        if !FOR_ALL.contains(&name) {
            kept.remove(name);
        }
    }
    for name in OF_PROXIES {
        kept.remove(name);
    }
    kept
}

/// Is it a field for the next hop alone, whether `Connection` names it or not?
pub(super) fn is_of_one_hop(name: &HeaderName) -> bool {
    FOR_ONE_HOP.contains(name)
}

const FOR_ONE_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];
/// "Header fields that are specific to the proxy that a cache uses when forwarding a request MUST
/// NOT be stored" (RFC 9111 §3.1)
const OF_PROXIES: [HeaderName; 3] = [
    PROXY_AUTHENTICATE,
    HeaderName::from_static("proxy-authentication-info"),
    PROXY_AUTHORIZATION,
];
const FOR_ALL: [HeaderName; 9] = [
    CACHE_CONTROL,
    CONTENT_LENGTH,
    DATE,
    ETAG,
    EXPIRES,
    HOST,
    LAST_MODIFIED,
    VARY,
    HeaderName::from_static("cdn-cache-control"),
];

#[cfg(test)]
mod tests;
