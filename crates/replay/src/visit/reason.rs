//! Why a layer answered, or did not: for people, and for findings.

use std::fmt;
use std::time::Duration;

use revisit_rules::appcache::Categories;
use revisit_rules::http::freshness::LifetimeRule;
use revisit_rules::http::reuse::MustAsk;
use revisit_rules::http::storable::Because;

use crate::CacheMode;

/// Why an exchange went as it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It is fresh: so old, so long fresh, by this rule.
    Fresh {
        /// Its age.
        age: Duration,
        /// Its lifetime.
        lifetime: Duration,
        /// What gives it.
        by: LifetimeRule,
    },
    /// It is stale, and `stale-while-revalidate` allows its use while it is asked for.
    WhileRevalidate {
        /// For how long it has been stale.
        stale_for: Duration,
    },
    /// Going back, or `force-cache`: what is kept is used whatever its age.
    AnyAge(CacheMode),
    /// The document has used it before.
    UsedBefore,
    /// The document preloaded it.
    Preloaded,
    /// An earlier document prefetched it.
    Prefetched,
    /// Nothing is kept of it.
    NothingKept,
    /// What is kept must be validated first.
    MustAsk {
        /// Why.
        why: MustAsk,
        /// For how long it has been stale; zero if it is not.
        stale_for: Duration,
        /// What gave its lifetime.
        by: LifetimeRule,
    },
    /// It is fresh by a guess alone, which an update of an application cache does not go by.
    Guessed,
    /// What is kept answers requests with other fields (`Vary`), or none (`Vary: *`).
    OtherVariant,
    /// F5, or the mode `no-cache`: to be validated whatever its age.
    Revalidated,
    /// A hard reload, or the modes `reload` and `no-store`: past every cache.
    PastCaches,
    /// A method that no cache answers.
    Method,
    /// What is kept has not all the bytes that are asked for.
    LacksBytes,
    /// Pushed by the server beforehand.
    Pushed,
    /// Nothing usable is kept, and the mode forbids asking.
    AskingForbidden,
    /// An application cache has it as an entry of this kind.
    Entry(Categories),
    /// The network failed, and the application cache has another entry for that.
    FallbackEntry,
    /// The manifest of the page's application cache lists it nowhere.
    ListedNowhere,
    /// The server failed, and by the text of RFC 9111 what is kept may be used then.
    DespiteFailure,
}

/// Why an answer of the network was not kept on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotKept {
    /// By the rules of HTTP.
    Rule(Because),
    /// By the mode `no-store` of the request.
    Mode,
    /// A browser never reuses a response of this status.
    Status,
    /// It is larger than one response on disk may be.
    TooLarge,
    /// A prefetch that met an error is called off.
    FailedPrefetch,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fresh { age, lifetime, by } => write!(
                f,
                "fresh: {} old, {} allowed by {}",
                Span(*age),
                Span(*lifetime),
                rule(*by)
            ),
            Self::WhileRevalidate { stale_for } => write!(
                f,
                "stale for {}, used under stale-while-revalidate and asked for meanwhile",
                Span(*stale_for)
            ),
            Self::AnyAge(CacheMode::Default) => {
                f.write_str("going back uses what is kept, whatever its age")
            }
            Self::AnyAge(mode) => write!(f, "{} uses what is kept, whatever its age", mode.name()),
            Self::UsedBefore => f.write_str("this document has it already"),
            Self::Preloaded => f.write_str("preloaded by this document"),
            Self::Prefetched => f.write_str("prefetched by the page before"),
            Self::NothingKept => f.write_str("nothing is kept of it"),
            Self::MustAsk { why, stale_for, by } => match why {
                MustAsk::NoCache => f.write_str("no-cache: to be validated at each use"),
                MustAsk::Stale if *by == LifetimeRule::Nothing => {
                    f.write_str("nothing gives it a lifetime: to be validated at each use")
                }
                MustAsk::Stale => write!(f, "stale for {} by {}", Span(*stale_for), rule(*by)),
                MustAsk::RequestNoCache | MustAsk::RequestMaxAge | MustAsk::RequestMinFresh => {
                    f.write_str("the request wants it validated")
                }
            },
            Self::Guessed => f.write_str(
                "nobody named a lifetime: an update of an application cache has it validated",
            ),
            Self::OtherVariant => f.write_str("what is kept answers other requests (Vary)"),
            Self::Revalidated => f.write_str("the reload validates it whatever its age"),
            Self::PastCaches => f.write_str("asked for past all caches"),
            Self::Method => f.write_str("no cache answers this method"),
            Self::LacksBytes => f.write_str("only other bytes of it are kept"),
            Self::Pushed => f.write_str("the server had pushed it"),
            Self::AskingForbidden => f.write_str("only-if-cached, and nothing usable is kept"),
            Self::Entry(is) => {
                let names: Vec<&str> = is.names().collect();
                write!(f, "{} entry of the application cache", names.join(" and "))
            }
            Self::FallbackEntry => {
                f.write_str("the network failed: a fallback of the application cache")
            }
            Self::ListedNowhere => {
                f.write_str("the manifest of the page's application cache lists it nowhere")
            }
            Self::DespiteFailure => {
                f.write_str("the server failed, and what is kept may be used then")
            }
        }
    }
}

impl fmt::Display for NotKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rule(Because::NoStore) => "no-store",
            Self::Rule(Because::Method) => "its method",
            Self::Rule(Because::VariesOnEverything) => "Vary: *",
            Self::Rule(Because::Worthless) => "neither a lifetime nor a validator",
            Self::Rule(_) => "the rules of HTTP",
            Self::Mode => "the request's mode no-store",
            Self::Status => "its status",
            Self::TooLarge => "its size",
            Self::FailedPrefetch => "a prefetch that met an error",
        })
    }
}

/// What gives a lifetime, as it stands in a response.
fn rule(by: LifetimeRule) -> &'static str {
    match by {
        LifetimeRule::Targeted => "a targeted field",
        LifetimeRule::SMaxage => "its s-maxage",
        LifetimeRule::MaxAge => "its max-age",
        LifetimeRule::Expires => "its Expires",
        LifetimeRule::Heuristic => "a tenth of the time since Last-Modified",
        LifetimeRule::Permanent => "its status",
        LifetimeRule::Malformed => "a lifetime that cannot be read",
        LifetimeRule::Nothing => "nothing",
    }
}

/// A span for people: its largest unit that is at least two, or seconds.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        if seconds > FOR_EVER {
            return f.write_str("for ever");
        }
        for (unit, name) in [(86_400, "days"), (3600, "hours"), (60, "minutes")] {
            if seconds >= 2 * unit {
                return write!(f, "{} {name}", seconds / unit);
            }
        }
        write!(f, "{seconds} s")
    }
}

/// A hundred years.
const FOR_EVER: u64 = 100 * 365 * 86_400;
