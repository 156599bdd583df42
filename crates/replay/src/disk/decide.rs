//! May what is kept on disk answer this request, or must the server be asked, and how?
//!
//! In the order of Chromium's `HttpCache::Transaction::RequiresValidation`: first `Vary`, then modes
//! that take what there is, then modes that ask, then the rules of RFC 9111.

use std::time::SystemTime;

use http::HeaderMap;
use revisit_rules::http::freshness::LifetimeRule;
use revisit_rules::http::reuse::{Allows, MustAsk, Reuse, reuse};
use revisit_rules::http::{Policy, Stored};

use crate::{CacheMode, Reason};

/// How the cache is asked: a [`CacheMode`], or what a navigation makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mode {
    /// In the names of Fetch: F5 is `no-cache`, a hard reload `reload`, going back `force-cache`.
    pub(crate) cache: CacheMode,
    /// It is the person who goes back, not a script that says `force-cache`.
    pub(crate) back: bool,
    /// `stale-while-revalidate` counts: for subresources, not for documents.
    pub(crate) may_be_stale: bool,
    /// A lifetime that nobody named (the heuristic of HTTP) counts.
    pub(crate) may_be_guessed: bool,
}

impl Mode {
    /// This mode of a script or a plain load.
    pub(crate) fn of(cache: CacheMode) -> Self {
        Self {
            cache,
            back: false,
            may_be_stale: true,
            may_be_guessed: true,
        }
    }

    /// Going back or forward.
    pub(crate) const BACK: Self = Self {
        cache: CacheMode::ForceCache,
        back: true,
        may_be_stale: true,
        may_be_guessed: true,
    };

    /// The reason of a use at any age.
    fn any_age(self) -> Reason {
        Reason::AnyAge(if self.back {
            CacheMode::Default
        } else {
            self.cache
        })
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// What is kept answers.
    Serve {
        reason: Reason,
        /// It is used past its lifetime.
        stale: bool,
        /// The server is to be asked meanwhile.
        refresh: bool,
    },
    /// The server is to be asked whether what is kept is current. `matches`: its `Vary` fits.
    Validate { reason: Reason, matches: bool },
    /// The server is to be asked, without condition.
    Ask(Reason),
    /// Nobody may be asked.
    Fail,
}

/// Decides about a GET or HEAD with these fields.
pub(crate) fn decide(
    policy: &Policy,
    mode: Mode,
    request: &HeaderMap,
    kept: Option<&Stored>,
    now: SystemTime,
) -> Decision {
    if matches!(mode.cache, CacheMode::Reload | CacheMode::NoStore) {
        return Decision::Ask(Reason::PastCaches);
    }
    let only_kept = mode.cache == CacheMode::OnlyIfCached;
    let Some(stored) = kept else {
        return if only_kept {
            Decision::Fail
        } else {
            Decision::Ask(Reason::NothingKept)
        };
    };
    if !stored.vary.matches(request) {
        return if only_kept {
            Decision::Fail
        } else {
            let reason = Reason::OtherVariant;
            Decision::Validate {
                reason,
                matches: false,
            }
        };
    }
    let freshness = stored.freshness(now);
    if matches!(mode.cache, CacheMode::ForceCache | CacheMode::OnlyIfCached) {
        return Decision::Serve {
            reason: mode.any_age(),
            stale: !freshness.is_fresh(),
            refresh: false,
        };
    }
    let validate = |reason| Decision::Validate {
        reason,
        matches: true,
    };
    if mode.cache == CacheMode::NoCache {
        return validate(Reason::Revalidated);
    }
    let stale_for = freshness.stale_for();
    let by = stored.lifetime.by;
    match reuse(policy, request, stored, now) {
        Reuse::Fresh { .. } if by == LifetimeRule::Heuristic && !mode.may_be_guessed => {
            validate(Reason::Guessed)
        }
        Reuse::Fresh { age } => Decision::Serve {
            reason: Reason::Fresh {
                age,
                lifetime: stored.lifetime.duration,
                by,
            },
            stale: false,
            refresh: false,
        },
        Reuse::Stale {
            by: Allows::WhileRevalidate,
            ..
        } if mode.may_be_stale => Decision::Serve {
            reason: Reason::WhileRevalidate { stale_for },
            stale: true,
            refresh: true,
        },
        Reuse::Stale { .. } => validate(Reason::MustAsk {
            why: MustAsk::Stale,
            stale_for,
            by,
        }),
        Reuse::Validate(why) => validate(Reason::MustAsk { why, stale_for, by }),
        Reuse::Refuse(_) => Decision::Fail,
    }
}
