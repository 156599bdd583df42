//! How old is a stored response, and for how long is it fresh?
//!
//! RFC 9111 §4.2 (freshness), §4.2.1 (lifetime), §4.2.2 (heuristics), §4.2.3 (age); RFC 9213 (the
//! field that stands for `Cache-Control`).

use std::time::{Duration, SystemTime};

use http::header::{DATE, EXPIRES, LAST_MODIFIED};
use http::{HeaderMap, StatusCode};

use super::directives::{DeltaSeconds, ResponseDirectives, Seconds, pragma_no_cache};
use super::head::lines;
use super::{Policy, Times, date};

/// Age and lifetime at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// `current_age`.
    pub age: Duration,
    /// `freshness_lifetime`, and its rule.
    pub lifetime: Lifetime,
}

/// How long a response is fresh, and by which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// `freshness_lifetime`: from the moment when the response was made.
    pub duration: Duration,
    /// What gave it.
    pub by: LifetimeRule,
}

/// What gives a response its lifetime (RFC 9111 §4.2.1, in the order of that list).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LifetimeRule {
    /// `max-age` of the field that is for this cache (RFC 9213 §2).
    Targeted,
    /// `s-maxage`, in a shared cache.
    SMaxage,
    /// `max-age`.
    MaxAge,
    /// `Expires` minus `Date`.
    Expires,
    /// A part of the time since the last change (§4.2.2).
    Heuristic,
    /// A status that means for ever, in a browser that takes it so.
    Permanent,
    /// A lifetime was meant and cannot be read: "encouraged to consider responses that have invalid
    /// freshness information … to be stale" (§4.2.1).
    Malformed,
    /// Nothing names one.
    Nothing,
}

impl LifetimeRule {
    /// Is it the origin's word, though it may be zero?
    pub fn is_explicit(self) -> bool {
        matches!(
            self,
            Self::Targeted | Self::SMaxage | Self::MaxAge | Self::Expires | Self::Malformed
        )
    }
}

impl Freshness {
    /// "response_is_fresh = (freshness_lifetime > current_age)" (§4.2): at the very moment when its
    /// lifetime ends a response is stale.
    pub fn is_fresh(&self) -> bool {
        self.lifetime.duration > self.age
    }

    /// How long it is still fresh; zero if it is stale.
    pub fn left(&self) -> Duration {
        self.lifetime.duration.saturating_sub(self.age)
    }

    /// How long it has been stale; zero if it is fresh, or just now became stale.
    pub fn stale_for(&self) -> Duration {
        self.age.saturating_sub(self.lifetime.duration)
    }
}

/// The lifetime of a response, by the first rule of §4.2.1 that applies.
pub(super) fn lifetime(
    policy: &Policy,
    status: StatusCode,
    headers: &HeaderMap,
    directives: &ResponseDirectives,
    response_time: SystemTime,
) -> Lifetime {
    let shared = policy.is_shared().then_some(directives.s_maxage);
    let by_max_age = if directives.targeted {
        LifetimeRule::Targeted
    } else {
        LifetimeRule::MaxAge
    };
    // "If the cache is shared and the s-maxage response directive is present, use its value, or
    // if the max-age response directive is present, use its value, or …"
    for (seconds, by) in [
        (shared.unwrap_or_default(), LifetimeRule::SMaxage),
        (directives.max_age, by_max_age),
    ] {
        match seconds {
            Seconds::Absent => {}
            Seconds::Given(seconds) => return Lifetime::of(seconds.duration(), by),
            Seconds::Malformed if policy.departures.odd_lifetimes_are_ignored => {}
            Seconds::Malformed => return Lifetime::of(Duration::ZERO, LifetimeRule::Malformed),
        }
    }
    // "… If the Expires response header field is present, use its value minus the value of the
    // Date response header field (using the time the message was received if it is not present, as
    // per §6.6.1 of [HTTP])". A targeted field puts it out of force (RFC 9213 §2.1).
    let date = date::single(lines(headers, &DATE), response_time).unwrap_or(response_time);
    if !directives.targeted && headers.contains_key(EXPIRES) {
        match date::single(lines(headers, &EXPIRES), response_time) {
            Some(expires) => {
                let from = match policy.departures.own_clock_rules {
                    true => response_time,
                    false => date,
                };
                let duration = expires.duration_since(from).unwrap_or_default();
                return Lifetime::of(duration, LifetimeRule::Expires);
            }
            // "A cache recipient MUST interpret invalid date formats, especially the value "0", as
            // representing a time in the past" (§5.3)
            None if !policy.departures.odd_expires_is_ignored || expires_is_zero(headers) => {
                return Lifetime::of(Duration::ZERO, LifetimeRule::Malformed);
            }
            None => {}
        }
    }
    // "Otherwise, no explicit expiration time is present in the response. A heuristic freshness
    // lifetime might be applicable"
    heuristic(policy, status, headers, directives, date, response_time)
        .unwrap_or(Lifetime::of(Duration::ZERO, LifetimeRule::Nothing))
}

fn heuristic(
    policy: &Policy,
    status: StatusCode,
    headers: &HeaderMap,
    directives: &ResponseDirectives,
    date: SystemTime,
    response_time: SystemTime,
) -> Option<Lifetime> {
    let departures = policy.departures;
    // "Although [Pragma: no-cache] is … deprecated" (§5.4), who sends it means no lifetime; then we
    // make none up.
    if pragma_no_cache(headers) {
        return None;
    }
    if departures.permanent_statuses_stay && matches!(status.as_u16(), 300 | 301 | 308 | 410) {
        return Some(Lifetime::of(Duration::MAX, LifetimeRule::Permanent));
    }
    if departures.heuristics_are_narrow
        && (directives.must_revalidate || !matches!(status.as_u16(), 200 | 203 | 206))
    {
        return None;
    }
    // "A cache MUST NOT use heuristics to determine freshness … on responses whose status code is
    // not defined as heuristically cacheable" but "unless … explicitly marked as cacheable (e.g., by
    // using a public response directive)"
    if !is_heuristically_cacheable(status) && !directives.public {
        return None;
    }
    let modified = date::single(lines(headers, &LAST_MODIFIED), response_time)?;
    let unchanged = date.duration_since(modified).ok()?;
    let heuristic = policy.heuristic?;
    let part = unchanged.checked_mul(heuristic.percent)? / 100;
    Some(Lifetime::of(
        part.min(heuristic.lifetime_max),
        LifetimeRule::Heuristic,
    ))
}

/// The one value that all caches take for a time in the past.
fn expires_is_zero(headers: &HeaderMap) -> bool {
    lines(headers, &EXPIRES).next() == Some(b"0")
}

/// "Responses with status codes that are defined as heuristically cacheable (e.g., 200, 203, 204,
/// 206, 300, 301, 308, 404, 405, 410, 414, and 501 in this specification)" (RFC 9110 §15.1)
pub fn is_heuristically_cacheable(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200 | 203 | 204 | 206 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501
    )
}

/// `age_value`: "the first value", if it is a number; "Although it is defined as a singleton header
/// field, a cache encountering a message with a list-based Age header field value SHOULD use the
/// first member of the field value, discarding subsequent ones. If the field value (after
/// discarding additional members …) is invalid (e.g., contains something other than a
/// non-negative integer), a cache SHOULD ignore the field" (§5.1)
pub(super) fn age_value<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Duration {
    let first = values.next().unwrap_or_default();
    let member = first.split(|&byte| byte == b',').next().unwrap_or_default();
    DeltaSeconds::parse(member.trim_ascii()).map_or(Duration::ZERO, DeltaSeconds::duration)
}

/// `corrected_initial_age`, in the names of §4.2.3. A date says whole seconds, so that less than one
/// since then is no age: a response of this very second would else have lost a part of its lifetime.
pub(super) fn initial_age(
    age_value: Duration,
    date_value: Option<SystemTime>,
    times: Times,
) -> Duration {
    let since = |earlier| times.response.duration_since(earlier).unwrap_or_default();
    let apparent_age = date_value.map_or(Duration::ZERO, since).as_secs();
    let apparent_age = Duration::from_secs(apparent_age);
    let response_delay = since(times.request);
    let corrected_age_value = age_value.saturating_add(response_delay);
    apparent_age.max(corrected_age_value)
}

/// `current_age`. A clock that went back adds nothing.
pub(super) fn current_age(
    initial_age: Duration,
    response_time: SystemTime,
    now: SystemTime,
) -> Duration {
    let resident_time = now.duration_since(response_time).unwrap_or_default();
    initial_age.saturating_add(resident_time)
}

impl Lifetime {
    fn of(duration: Duration, by: LifetimeRule) -> Self {
        Self { duration, by }
    }
}

#[cfg(test)]
mod tests;
