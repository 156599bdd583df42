//! What does `Cache-Control` say? (RFC 9111 §5.2, §5.2.3; RFC 9213 for the field that stands for it)
//!
//! What is not understood is passed over, as §5.2.3 wants it. Where a value can be read in two
//! ways the more careful one counts: fewer responses are reused, none wrongly.

use std::time::Duration;

use http::HeaderMap;
use http::header::{CACHE_CONTROL, PRAGMA};

use super::Policy;
use super::head::{lines, members};

mod request;
mod targeted;
mod words;

pub use request::RequestDirectives;
use words::{Argument, each};

/// A span in whole seconds, as fields write it (RFC 9111 §1.2.2).
///
/// "If a cache receives a delta-seconds value greater than the greatest integer it can represent …
/// the cache MUST consider the value to be 2147483648 (2^31) or the greatest positive integer it
/// can conveniently represent."
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeltaSeconds(pub u32);

/// The argument of a directive that takes a span.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Seconds {
    /// The directive is not there.
    #[default]
    Absent,
    /// It says this.
    Given(DeltaSeconds),
    /// It is there, and its argument is no span.
    Malformed,
}

/// A directive that may be narrowed to fields: `no-cache`, `private`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scope {
    /// The directive is not there.
    #[default]
    Nothing,
    /// It names fields, and is about them alone.
    Fields,
    /// It is about the whole response.
    Whole,
}

/// The directives of a response (§5.2.2), read once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResponseDirectives {
    /// They come from a field that is for this kind of cache: `Cache-Control` and `Expires` do not
    /// count (RFC 9213 §2.1).
    pub targeted: bool,
    /// `no-store` (§5.2.2.5).
    pub no_store: bool,
    /// `no-cache` (§5.2.2.4).
    pub no_cache: Scope,
    /// `private` (§5.2.2.7).
    pub private: Scope,
    /// `public` (§5.2.2.9).
    pub public: bool,
    /// `must-revalidate` (§5.2.2.2).
    pub must_revalidate: bool,
    /// `proxy-revalidate` (§5.2.2.8).
    pub proxy_revalidate: bool,
    /// `must-understand` (§5.2.2.3).
    pub must_understand: bool,
    /// `immutable` (RFC 8246).
    pub immutable: bool,
    /// `max-age` (§5.2.2.1).
    pub max_age: Seconds,
    /// `s-maxage` (§5.2.2.10).
    pub s_maxage: Seconds,
    /// `stale-while-revalidate` (RFC 5861 §3); malformed is absent.
    pub stale_while_revalidate: Option<DeltaSeconds>,
    /// `stale-if-error` (RFC 5861 §4); malformed is absent.
    pub stale_if_error: Option<DeltaSeconds>,
    /// Anything but `no-store`, `no-cache` and `max-age=0` is said.
    pub says_more: bool,
}

impl DeltaSeconds {
    /// The largest span: 68 years, which is for ever.
    pub const MAX: Self = Self(1 << 31);

    /// Reads "1*DIGIT"; `None` for anything else.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let seconds = text.iter().try_fold(0_u32, |number, &digit| {
            let digit = digit.is_ascii_digit().then(|| u32::from(digit - b'0'))?;
            Some(number.saturating_mul(10).saturating_add(digit))
        })?;
        Some(Self(seconds).min(Self::MAX))
    }

    /// The same as a duration.
    pub fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.0))
    }
}

impl Seconds {
    /// Is the directive there, whatever it says?
    pub fn is_present(self) -> bool {
        self != Self::Absent
    }
}

impl ResponseDirectives {
    /// Reads what counts for this cache: the first targeted field that is valid and not empty, or
    /// else `Cache-Control`.
    pub fn of(policy: &Policy, headers: &HeaderMap) -> Self {
        let targeted = policy
            .targeted
            .iter()
            .find_map(|name| targeted::read(headers, name));
        let mut directives =
            targeted.unwrap_or_else(|| Self::read(lines(headers, &CACHE_CONTROL), policy));
        if policy.departures.pragma_in_responses && pragma_no_cache(headers) {
            directives.no_cache = Scope::Whole;
        }
        directives
    }

    /// Reads one value by the text of the RFC.
    pub fn parse(value: &str) -> Self {
        Self::read([value.as_bytes()].into_iter(), &Policy::private())
    }

    /// Reads the lines of `Cache-Control`.
    fn read<'a>(lines: impl Iterator<Item = &'a [u8]>, policy: &Policy) -> Self {
        let departures = policy.departures;
        let mut read = Self::default();
        each(lines, |name, argument| {
            if departures.qualified_directives_are_ignored
                && matches!(name, b"no-cache" | b"private" | b"no-store")
                && argument != Argument::None
            {
                return;
            }
            let seconds = || match argument {
                argument if departures.lifetimes_end_at_junk => argument.leading_seconds(),
                Argument::Quoted(_) if departures.odd_lifetimes_are_ignored => Seconds::Malformed,
                argument => argument.seconds(),
            };
            read.take(name, seconds, || argument.scope());
        });
        read
    }

    /// Takes one directive. "When there is more than one value present for a given directive …
    /// either the first occurrence should be used or the response should be considered stale"
    /// (§4.2.1): the first.
    fn take(&mut self, name: &[u8], seconds: impl Fn() -> Seconds, scope: impl Fn() -> Scope) {
        let first = |known: &mut Seconds| {
            if *known == Seconds::Absent {
                *known = seconds();
            }
        };
        let window = |known: &mut Option<DeltaSeconds>| {
            if let (None, Seconds::Given(seconds)) = (*known, seconds()) {
                *known = Some(seconds);
            }
        };
        let mut says_more = true;
        match name {
            b"no-store" => (self.no_store, says_more) = (true, false),
            b"no-cache" => {
                says_more = false;
                self.no_cache.widen(scope());
            }
            b"private" => self.private.widen(scope()),
            b"public" => self.public = true,
            b"must-revalidate" => self.must_revalidate = true,
            b"proxy-revalidate" => self.proxy_revalidate = true,
            b"must-understand" => self.must_understand = true,
            b"immutable" => self.immutable = true,
            b"max-age" => {
                says_more = seconds() != Seconds::Given(DeltaSeconds(0));
                first(&mut self.max_age);
            }
            b"s-maxage" => first(&mut self.s_maxage),
            b"stale-while-revalidate" => window(&mut self.stale_while_revalidate),
            b"stale-if-error" => window(&mut self.stale_if_error),
            _ => {}
        }
        self.says_more |= says_more;
    }

    /// May some cache answer without asking again, for however short a time? So it may, too, where
    /// nothing forbids it and no time is named (a heuristic lifetime, §4.2.2).
    pub fn gives_lifetime(&self) -> bool {
        let at_once = self.max_age == Seconds::Given(DeltaSeconds(0));
        self.says_more && !(self.no_store || self.no_cache != Scope::Nothing || at_once)
    }
}

/// `Pragma: no-cache`.
pub(super) fn pragma_no_cache(headers: &HeaderMap) -> bool {
    members(headers, &PRAGMA).any(|word| word.eq_ignore_ascii_case(b"no-cache"))
}

/// The fields that `no-cache="…"` names, and in a shared cache those of `private="…"`: they are not
/// to be stored, or not to be sent without asking (§5.2.2.4, §5.2.2.7).
pub(super) fn named_fields(policy: &Policy, headers: &HeaderMap) -> Vec<http::HeaderName> {
    let mut fields = Vec::new();
    let take = |fields: &mut Vec<http::HeaderName>, list: &[u8]| {
        let names = list.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
        fields.extend(names.filter_map(|name| http::HeaderName::from_bytes(name).ok()));
    };
    let applies = |name: &[u8]| name == b"no-cache" || (policy.is_shared() && name == b"private");
    for name in &policy.targeted {
        if targeted::read(headers, name).is_some() {
            for list in targeted::field_lists(headers, name, applies) {
                take(&mut fields, list.as_bytes());
            }
            return fields;
        }
    }
    if !policy.departures.qualified_directives_are_ignored {
        each(lines(headers, &CACHE_CONTROL), |name, argument| {
            if let (true, Argument::Token(list) | Argument::Quoted(list)) =
                (applies(name), argument)
            {
                take(&mut fields, list);
            }
        });
    }
    fields
}

impl Scope {
    fn widen(&mut self, other: Self) {
        if *self != Self::Whole {
            *self = other;
        }
    }
}

#[cfg(test)]
mod tests;
