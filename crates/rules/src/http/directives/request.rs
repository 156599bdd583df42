//! What does `Cache-Control` of a request say? (RFC 9111 §5.2.1)

use http::HeaderMap;
use http::header::CACHE_CONTROL;

use super::super::Policy;
use super::super::head::lines;
use super::words::{Argument, each};
use super::{DeltaSeconds, Seconds, pragma_no_cache};

/// The directives of a request (§5.2.1), read once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestDirectives {
    /// `no-cache`, or `Pragma: no-cache` where there is no `Cache-Control` (§5.4).
    pub no_cache: bool,
    /// `no-store`.
    pub no_store: bool,
    /// `only-if-cached`.
    pub only_if_cached: bool,
    /// `max-age`; malformed is zero.
    pub max_age: Option<DeltaSeconds>,
    /// `min-fresh`.
    pub min_fresh: Option<DeltaSeconds>,
    /// `max-stale`; without an argument it is [`DeltaSeconds::MAX`].
    pub max_stale: Option<DeltaSeconds>,
    /// `stale-if-error` (RFC 5861 §4).
    pub stale_if_error: Option<DeltaSeconds>,
}

impl RequestDirectives {
    /// Reads them; all absent where `policy` gives them no say.
    pub fn of(policy: &Policy, headers: &HeaderMap) -> Self {
        let mut read = Self::default();
        if !policy.request_directives {
            return read;
        }
        // "When the Cache-Control header field is not present in a request, caches MUST consider
        // the no-cache request pragma-directive as having the same effect" (RFC 7234 §5.4; RFC 9111
        // leaves it to us).
        if !headers.contains_key(CACHE_CONTROL) {
            read.no_cache = pragma_no_cache(headers);
            return read;
        }
        each(lines(headers, &CACHE_CONTROL), |name, argument| {
            let seconds = || match argument.seconds() {
                Seconds::Given(seconds) => Some(seconds),
                Seconds::Absent | Seconds::Malformed => None,
            };
            match name {
                b"no-cache" => read.no_cache = true,
                b"no-store" => read.no_store = true,
                b"only-if-cached" => read.only_if_cached = true,
                b"max-age" => read.max_age = read.max_age.or(seconds()).or(Some(DeltaSeconds(0))),
                b"min-fresh" => read.min_fresh = read.min_fresh.or(seconds()),
                b"max-stale" if argument == Argument::None => {
                    read.max_stale = Some(DeltaSeconds::MAX);
                }
                b"max-stale" => read.max_stale = read.max_stale.or(seconds()),
                b"stale-if-error" => read.stale_if_error = read.stale_if_error.or(seconds()),
                _ => {}
            }
        });
        read
    }
}
