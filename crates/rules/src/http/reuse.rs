//! May a stored response answer a request, now?
//!
//! The caller has found it by key ([`super::key`]) and `Vary` ([`super::vary`]). RFC 9111 §4
//! (constructing responses), §4.2.4 (stale ones), §5.2.1 (request directives); RFC 5861 (stale
//! while revalidating, if error); RFC 8246 (immutable).

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};

use super::directives::{DeltaSeconds, RequestDirectives, Scope};
use super::{Policy, Stored};

/// What to do with a stored response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// Send it: it is fresh. `age` is to be sent as `Age`.
    Fresh {
        /// `current_age`.
        age: Duration,
    },
    /// Send it though it is stale.
    Stale {
        /// `current_age`.
        age: Duration,
        /// Who allows it. Where it is [`Allows::WhileRevalidate`], ask the origin meanwhile.
        by: Allows,
    },
    /// Ask the origin first, on condition ([`super::validate`]).
    Validate(MustAsk),
    /// 504: it would have to be asked for, and the request says `only-if-cached` (§5.2.1.7).
    Refuse(MustAsk),
}

/// Who allows to send a stale response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Allows {
    /// `stale-while-revalidate` of the response (RFC 5861 §3).
    WhileRevalidate,
    /// `max-stale` of the request (§5.2.1.2).
    MaxStale,
    /// `stale-if-error` of request, response or configuration: the origin answered with an error.
    IfError,
    /// The origin did not answer at all (§4.2.4).
    Unreachable,
}

/// Why the origin has to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MustAsk {
    /// `no-cache` of the response (§5.2.2.4).
    NoCache,
    /// It is stale.
    Stale,
    /// `no-cache` of the request (§5.2.1.4), or `Pragma`.
    RequestNoCache,
    /// It is older than `max-age` of the request (§5.2.1.1).
    RequestMaxAge,
    /// It will not be fresh for as long as `min-fresh` of the request wants (§5.2.1.3).
    RequestMinFresh,
}

/// What went wrong at the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It answered with this status.
    Status(StatusCode),
    /// There is no answer, or not a whole head of one.
    Unreachable,
}

/// What to do when the origin fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnTrouble {
    /// Send the stored response, with this `Age`.
    Serve {
        /// `current_age`.
        age: Duration,
        /// Who allows it.
        by: Allows,
    },
    /// Show the trouble: the origin's answer as it is, or 502 or 504.
    Show(Forbids),
}

/// Why a stale response is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Forbids {
    /// The status is no error of RFC 5861 §4: it is the answer.
    NoError,
    /// `no-cache`, `must-revalidate`, in a shared cache `proxy-revalidate` or `s-maxage` (§4.2.4).
    Directive,
    /// The client wanted a validated one.
    Request,
    /// Nothing allows it, or no longer.
    TooOld,
}

/// Decides for a request with these fields, in the order of §4.
pub fn reuse(policy: &Policy, request: &HeaderMap, stored: &Stored, now: SystemTime) -> Reuse {
    let asked = RequestDirectives::of(policy, request);
    let freshness = stored.freshness(now);
    let age = freshness.age;
    let ask = |why| {
        if asked.only_if_cached {
            Reuse::Refuse(why)
        } else {
            Reuse::Validate(why)
        }
    };
    // "the stored response does not contain the no-cache directive, unless it is successfully
    // validated" (§4)
    if stored.directives.no_cache == Scope::Whole {
        return ask(MustAsk::NoCache);
    }
    if asked.no_cache {
        return ask(MustAsk::RequestNoCache);
    }
    // "Clients SHOULD NOT issue a conditional request during the response's freshness lifetime
    // (e.g., upon a reload) unless explicitly overridden by the user (e.g., a force reload)" (RFC
    // 8246 §2): `max-age=0` is the reload, `no-cache` the force.
    let immutable = stored.directives.immutable && !policy.is_shared() && freshness.is_fresh();
    if let Some(limit) = asked.max_age
        && !immutable
        && (age > limit.duration() || limit.0 == 0)
        && !stale_is_allowed(asked.max_stale, age.saturating_sub(limit.duration()), limit)
    {
        return ask(MustAsk::RequestMaxAge);
    }
    if let Some(least) = asked.min_fresh
        && freshness.left() < least.duration()
    {
        return ask(MustAsk::RequestMinFresh);
    }
    // "the stored response is one of: fresh, allowed to be served stale, or successfully validated"
    if freshness.is_fresh() {
        return Reuse::Fresh { age };
    }
    if is_forbidden(policy, stored, Explicit::Yes) {
        return ask(MustAsk::Stale);
    }
    let stale_for = freshness.stale_for();
    if let Some(window) = stored.directives.stale_while_revalidate
        && stale_for < window.duration()
    {
        let by = Allows::WhileRevalidate;
        return Reuse::Stale { age, by };
    }
    if let Some(limit) = asked.max_stale
        && stale_for <= limit.duration()
        && !is_forbidden(policy, stored, Explicit::No)
    {
        let by = Allows::MaxStale;
        return Reuse::Stale { age, by };
    }
    ask(MustAsk::Stale)
}

/// Decides what to do when the origin failed where `stored` was to be validated.
pub fn on_trouble(
    policy: &Policy,
    request: &HeaderMap,
    stored: &Stored,
    trouble: Trouble,
    now: SystemTime,
) -> OnTrouble {
    // "an error is any situation that would result in a 500, 502, 503, or 504 HTTP response status
    // code being returned" (RFC 5861 §4)
    if let Trouble::Status(status) = trouble
        && !matches!(status.as_u16(), 500 | 502..=504)
    {
        return OnTrouble::Show(Forbids::NoError);
    }
    let asked = RequestDirectives::of(policy, request);
    if asked.no_cache {
        return OnTrouble::Show(Forbids::Request);
    }
    let said = asked.stale_if_error.or(stored.directives.stale_if_error);
    let explicit = match stored.directives.stale_if_error {
        Some(_) => Explicit::Yes,
        None => Explicit::No,
    };
    if policy.departures.errors_are_shown || is_forbidden(policy, stored, explicit) {
        return OnTrouble::Show(Forbids::Directive);
    }
    let freshness = stored.freshness(now);
    let said = said.map(DeltaSeconds::duration);
    let (window, by) = match trouble {
        Trouble::Status(_) => (said.unwrap_or(policy.stale_if_error), Allows::IfError),
        Trouble::Unreachable => (
            said.unwrap_or(policy.stale_if_unreachable),
            if said.is_some() {
                Allows::IfError
            } else {
                Allows::Unreachable
            },
        ),
    };
    if !freshness.is_fresh() && freshness.stale_for() >= window {
        return OnTrouble::Show(Forbids::TooOld);
    }
    OnTrouble::Serve {
        age: freshness.age,
        by,
    }
}

/// Nothing is stored for a request with these fields: may the origin be asked? "A cache that
/// receives … only-if-cached SHOULD either respond using a stored response … or respond with a 504"
/// (§5.2.1.7)
pub fn may_ask(policy: &Policy, request: &HeaderMap) -> bool {
    !RequestDirectives::of(policy, request).only_if_cached
}

/// Does the response say itself how long it may be used stale?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Explicit {
    Yes,
    No,
}

/// "A cache MUST NOT generate a stale response if it is prohibited by an explicit in-protocol
/// directive (e.g., by a no-cache response directive, a must-revalidate response directive, or an
/// applicable s-maxage or proxy-revalidate response directive)" (§4.2.4)
fn is_forbidden(policy: &Policy, stored: &Stored, explicit: Explicit) -> bool {
    let said = &stored.directives;
    let s_maxage_counts = !(policy.stale_beside_s_maxage && explicit == Explicit::Yes);
    said.no_cache == Scope::Whole
        || said.must_revalidate
        || (policy.is_shared()
            && (said.proxy_revalidate || (s_maxage_counts && said.s_maxage.is_present())))
}

/// `max-age` beside `max-stale` in a request: "the client is willing to accept a response that has
/// exceeded its freshness lifetime" (§5.2.1.2), so that its own `max-age` bends too; but zero asks.
fn stale_is_allowed(max_stale: Option<DeltaSeconds>, over: Duration, limit: DeltaSeconds) -> bool {
    limit.0 > 0 && max_stale.is_some_and(|stale| over <= stale.duration())
}

#[cfg(test)]
mod tests;
