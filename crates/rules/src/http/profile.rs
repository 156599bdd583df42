//! Which cache is this? One code for all; what differs has a name here.

use std::time::Duration;

use http::HeaderName;

/// Whose answers a cache keeps (RFC 9111 §1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// For many users: a gateway.
    Shared,
    /// For one: a browser, a client library.
    Private,
}

/// What a cache does where the text leaves a choice, or where we are more careful than it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whose answers are kept.
    pub profile: Profile,
    /// When a response with `Set-Cookie` is kept by a shared cache.
    pub set_cookie: SetCookie,
    /// How long a response that names no lifetime is fresh (RFC 9111 §4.2.2); `None`: not at all.
    pub heuristic: Option<Heuristic>,
    /// For how long past its lifetime a response that says nothing of `stale-if-error` is used
    /// where the origin answers 500, 502, 503 or 504. Zero: RFC 9111 §4.2.4 wants the origin's word.
    pub stale_if_error: Duration,
    /// The same where there is no answer at all: "unless it is disconnected" (§4.2.4).
    pub stale_if_unreachable: Duration,
    /// An explicit `stale-while-revalidate` or `stale-if-error` counts beside an `s-maxage`.
    ///
    /// By the letter `s-maxage` forbids all stale use (§5.2.2.10). But whoever writes
    /// `s-maxage=60, stale-while-revalidate=30` means both, and large shared caches do both.
    /// `false`: by the letter.
    pub stale_beside_s_maxage: bool,
    /// Fields that stand for `Cache-Control` where they are present, the first before the others:
    /// the target list of RFC 9213 §2.2.
    pub targeted: Vec<HeaderName>,
    /// `Cache-Control` and `Pragma` of requests count (§5.2.1). `false`: clients cannot make the
    /// cache ask the origin.
    pub request_directives: bool,
    /// Where a browser does otherwise than the text.
    pub departures: Departures,
}

/// When a shared cache keeps a response with `Set-Cookie`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetCookie {
    /// If the origin says that it is for many: `public`, `s-maxage` or a targeted lifetime. A
    /// session cookie beside a careless `max-age` would log strangers in.
    Safer,
    /// As any other response: "a cache … is not inhibited" (RFC 9111 §7.3).
    Rfc,
}

/// A lifetime by the age of the last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heuristic {
    /// The part of the time between `Last-Modified` and `Date`, in per cent. "A typical setting of
    /// this fraction might be 10%" (RFC 9111 §4.2.2)
    pub percent: u32,
    /// No longer than this.
    pub lifetime_max: Duration,
}

/// Where a browser does otherwise than RFC 9111, measured; each can be switched by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Departures {
    /// Arguments of `max-age` that are no plain digits (quoted ones too) are passed over, rather
    /// than read or taken for stale.
    pub odd_lifetimes_are_ignored: bool,
    /// The argument of `max-age` counts up to the first byte that is no digit, quoted or not. So a
    /// browser's memory cache reads it, other than its disk.
    pub lifetimes_end_at_junk: bool,
    /// An `Expires` that is no date is passed over, rather than taken for stale; but `0` is stale.
    pub odd_expires_is_ignored: bool,
    /// `no-cache`, `private` and `no-store` with an argument have no effect.
    pub qualified_directives_are_ignored: bool,
    /// `Pragma: no-cache` in a response counts as `Cache-Control: no-cache`.
    pub pragma_in_responses: bool,
    /// 300, 301, 308 and 410 without any lifetime are fresh for ever.
    pub permanent_statuses_stay: bool,
    /// Heuristics for 200, 203 and 206 alone, and none with `must-revalidate`.
    pub heuristics_are_narrow: bool,
    /// A new response takes the place of every variant before.
    pub one_variant: bool,
    /// A write invalidates its own target alone, not `Location` and `Content-Location`.
    pub writes_invalidate_target_alone: bool,
    /// Nor does a PUT without a body invalidate anything.
    pub empty_puts_invalidate_nothing: bool,
    /// `stale-if-error` has no effect, nor has being disconnected.
    pub errors_are_shown: bool,
    /// `must-understand` has no effect: beside it `no-store` forbids as ever.
    pub must_understand_is_ignored: bool,
    /// The challenges 401 and 407 are not kept.
    pub challenges_are_not_kept: bool,
    /// Of a kept response only a 200 or 206 is validated, by `ETag` and `Last-Modified` as they stand,
    /// though they be no tag or date.
    pub validators_are_literal: bool,
    /// Whatever `no-store` does not forbid is kept, though no rule will ever let it answer: going
    /// back, and who takes anything that is kept, will have it.
    pub everything_is_kept: bool,
    /// Historical, not measured: `Expires` is compared with the cache's own clock, and `Date` says
    /// nothing of a response's age, so that a wrong clock spoils `Expires` and leaves `max-age` alone.
    pub own_clock_rules: bool,
}

impl Policy {
    /// A shared cache with the safe defaults.
    pub fn shared() -> Self {
        Self {
            profile: Profile::Shared,
            targeted: vec![HeaderName::from_static("cdn-cache-control")],
            ..Self::private()
        }
    }

    /// A private cache by the text.
    pub fn private() -> Self {
        Self {
            profile: Profile::Private,
            set_cookie: SetCookie::Safer,
            heuristic: Some(Heuristic {
                percent: 10,
                lifetime_max: DAY,
            }),
            stale_if_error: Duration::ZERO,
            stale_if_unreachable: DAY,
            stale_beside_s_maxage: true,
            targeted: Vec::new(),
            request_directives: true,
            departures: Departures::default(),
        }
    }

    /// A private cache as Chromium's is.
    pub fn chromium() -> Self {
        Self {
            heuristic: Some(Heuristic {
                percent: 10,
                lifetime_max: Duration::MAX,
            }),
            departures: Departures {
                odd_lifetimes_are_ignored: true,
                lifetimes_end_at_junk: false,
                odd_expires_is_ignored: true,
                qualified_directives_are_ignored: true,
                pragma_in_responses: true,
                permanent_statuses_stay: true,
                heuristics_are_narrow: true,
                one_variant: true,
                writes_invalidate_target_alone: true,
                empty_puts_invalidate_nothing: true,
                errors_are_shown: true,
                must_understand_is_ignored: true,
                challenges_are_not_kept: true,
                validators_are_literal: true,
                // Of no use to who asks what later visits will reuse; a browser's own cache sets it.
                everything_is_kept: false,
                own_clock_rules: false,
            },
            ..Self::private()
        }
    }

    /// Is it a shared cache?
    pub fn is_shared(&self) -> bool {
        self.profile == Profile::Shared
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
