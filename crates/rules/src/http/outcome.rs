//! What became of a request, in the words of `Cache-Status` (RFC 9211), which log and metrics use too.

use std::fmt::Write as _;
use std::time::Duration;

use http::StatusCode;

use super::reuse::{Allows, MustAsk};

/// How one cache handled one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// From where the answer came.
    pub source: Source,
    /// What is left of its lifetime, in seconds; negative: it has been stale for so long (§2.3).
    pub ttl: Option<i64>,
    /// It was put into the cache (§2.4).
    pub stored: bool,
    /// The request waited for another one's trip to the origin (§2.5).
    pub collapsed: bool,
    /// The status of the origin, where it is not what is answered (§2.2.2).
    pub forward_status: Option<StatusCode>,
    /// What the cache has to add (§2.7).
    pub detail: Option<Detail>,
}

/// From where an answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// "satisfied by the cache; that is, it was not forwarded" (§2.1).
    Hit,
    /// It went "forward towards the origin" (§2.2), for this reason.
    Forward(Forward),
}

/// Why a request was forwarded (RFC 9211 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Forward {
    /// The cache was configured not to handle it.
    Bypass,
    /// The method requires it.
    Method,
    /// Nothing is stored for the URI.
    UriMiss,
    /// What is stored for the URI answers other requests.
    VaryMiss,
    /// The request's own directives.
    Request,
    /// What is stored is stale.
    Stale,
    /// A part is stored, and other bytes are asked for.
    Partial,
}

/// What a cache has to add to its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Detail {
    /// See [`Allows`].
    Stale(Allows),
    /// 504 for `only-if-cached`.
    OnlyIfCached,
}

impl From<MustAsk> for Forward {
    fn from(why: MustAsk) -> Self {
        match why {
            MustAsk::NoCache | MustAsk::Stale => Self::Stale,
            MustAsk::RequestNoCache | MustAsk::RequestMaxAge | MustAsk::RequestMinFresh => {
                Self::Request
            }
        }
    }
}

impl Outcome {
    /// An answer from the cache.
    pub fn hit() -> Self {
        Self {
            source: Source::Hit,
            ttl: None,
            stored: false,
            collapsed: false,
            forward_status: None,
            detail: None,
        }
    }

    /// An answer for which the origin was asked.
    pub fn forward(why: Forward) -> Self {
        Self {
            source: Source::Forward(why),
            ..Self::hit()
        }
    }

    /// The member that the cache of this name adds to `Cache-Status`, a list of structured fields (RFC
    /// 8941): all that is written here are tokens and integers, which are written as they are.
    pub fn cache_status(&self, name: &'static sfv::TokenRef) -> String {
        let mut text = String::with_capacity(MEMBER_BYTES);
        text.push_str(name.as_str());
        match self.source {
            Source::Hit => text.push_str(";hit"),
            Source::Forward(why) => {
                text.push_str(";fwd=");
                text.push_str(why.word());
            }
        }
        // Writing into a string cannot fail.
        if let Some(status) = self.forward_status {
            let _ = write!(text, ";fwd-status={}", status.as_u16());
        }
        // "Integers have a range of -999,999,999,999,999 to 999,999,999,999,999" (RFC 8941 §3.3.1)
        if let Some(ttl) = self.ttl.filter(|ttl| ttl.unsigned_abs() < INTEGER_END) {
            let _ = write!(text, ";ttl={ttl}");
        }
        if self.stored {
            text.push_str(";stored");
        }
        if self.collapsed {
            text.push_str(";collapsed");
        }
        if let Some(detail) = self.detail {
            text.push_str(";detail=");
            text.push_str(detail.word());
        }
        text
    }
}

/// `ttl` of [`Outcome`] for a response of this freshness.
pub fn ttl(freshness: &super::freshness::Freshness) -> i64 {
    let seconds = |span: Duration| i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
    if freshness.is_fresh() {
        seconds(freshness.left())
    } else {
        -seconds(freshness.stale_for())
    }
}

impl Forward {
    /// Its word in `Cache-Status`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Request => "request",
            Self::Stale => "stale",
            Self::Partial => "partial",
        }
    }
}

impl Detail {
    /// Its word in `Cache-Status`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stale(Allows::WhileRevalidate) => "stale-while-revalidating",
            Self::Stale(Allows::MaxStale) => "stale-by-max-stale",
            Self::Stale(Allows::IfError) => "stale-after-error",
            Self::Stale(Allows::Unreachable) => "origin-unreachable",
            Self::OnlyIfCached => "only-if-cached",
        }
    }
}

/// Room for most members.
const MEMBER_BYTES: usize = 48;
const INTEGER_END: u64 = 1_000_000_000_000_000;

#[cfg(test)]
mod tests;
