//! Asks the rules what becomes of one response.

use std::time::{Duration, SystemTime};

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use revisit_rules::http::directives::Scope;
use revisit_rules::http::freshness::{Lifetime, LifetimeRule};
use revisit_rules::http::outcome::ttl;
use revisit_rules::http::precondition::http_date;
use revisit_rules::http::reuse::{Allows, OnTrouble, Reuse, Trouble, on_trouble, reuse};
use revisit_rules::http::storable::{Because, Storable, storable};
use revisit_rules::http::{Policy, RequestHead, ResponseHead, Stored, Target, Times};

use super::advice;
use super::explanation::{Action, Cache, Explanation, Step, Visit};
use super::input::Exchange;
use super::told;
use crate::args::CacheProfile;

/// A kept response with what is asked of it.
struct Kept<'a> {
    policy: &'a Policy,
    stored: Stored,
    now: SystemTime,
}

/// Explains one exchange to those who want to know of `profile` alone, or of both.
pub(super) fn explain(exchange: &Exchange, profile: Option<CacheProfile>) -> Explanation {
    let wanted = |kind| profile.is_none_or(|profile| profile == kind);
    let document = is_document(&exchange.answered);
    let (browser, proxy) = (Policy::chromium(), Policy::shared());
    let mut visits = Vec::new();
    let private = wanted(CacheProfile::Private).then(|| {
        let (cache, kept) = keep(&browser, exchange);
        visits.push(visit(Action::Typed, "", kept.as_ref(), document));
        // A reload asks for the document alone; what it loads comes as in any visit (Chromium,
        // Firefox and Safari do so).
        let reload = if document { "max-age=0" } else { "" };
        visits.push(visit(Action::Reload, reload, kept.as_ref(), document));
        visits.push(Visit {
            action: Action::HardReload,
            steps: vec![Step::Fetches],
        });
        cache
    });
    let shared = wanted(CacheProfile::Shared).then(|| {
        let (cache, kept) = keep(&proxy, exchange);
        visits.push(visit(Action::Shared, "", kept.as_ref(), false));
        cache
    });
    Explanation {
        url: exchange.url.as_ref().map(ToString::to_string),
        method: exchange.method.to_string(),
        status: exchange.status.as_u16(),
        document,
        private,
        shared,
        visits,
        changes: advice::changes(exchange, document),
    }
}

fn keep<'a>(policy: &'a Policy, exchange: &Exchange) -> (Cache, Option<Kept<'a>>) {
    let path = exchange.url.as_ref().map_or("/", |url| {
        &url[url::Position::BeforePath..url::Position::AfterQuery]
    });
    let target = Target {
        scheme: exchange.url.as_ref().map_or("http", |url| url.scheme()),
        authority: exchange.url.as_ref().map_or("", |url| url.authority()),
        path,
    };
    let request = RequestHead {
        method: &exchange.method,
        target,
        headers: &exchange.asked,
    };
    let response = ResponseHead {
        status: exchange.status,
        headers: &exchange.answered,
    };
    let now = exchange.received;
    let times = Times {
        request: now,
        response: now,
    };
    let refused = match storable(policy, &request, &response, times) {
        Storable::Yes(_) => None,
        Storable::No(because) => Some(because),
    };
    let stored = match refused {
        None => Stored::new(policy, &request, &response, times),
        Some(_) => None,
    };
    let Some(stored) = stored else {
        let because = refused.unwrap_or(Because::NoPart);
        return (Cache::refused(because), None);
    };
    let cache = Cache::of(policy, &stored, now);
    (
        cache,
        Some(Kept {
            policy,
            stored,
            now,
        }),
    )
}

impl Cache {
    fn refused(because: Because) -> Self {
        Self {
            stored: false,
            because: Some(told::because(because)),
            fresh_seconds: None,
            fresh_until: None,
            by: None,
            validators: Vec::new(),
            while_revalidating_seconds: None,
            when_unreachable: false,
        }
    }

    fn of(policy: &Policy, stored: &Stored, now: SystemTime) -> Self {
        let freshness = stored.freshness(now);
        let Lifetime { duration, by } = stored.lifetime;
        let asks_always = matches!(
            reuse(policy, &HeaderMap::new(), stored, now),
            Reuse::Validate(_)
        ) && freshness.is_fresh();
        let left = if asks_always {
            Duration::ZERO
        } else {
            freshness.left()
        };
        let ended = now.checked_add(freshness.left());
        let window = stored.directives.stale_while_revalidate;
        let stale = ended.map(|end| reuse(policy, &HeaderMap::new(), stored, end));
        let revalidating = matches!(
            stale,
            Some(Reuse::Stale {
                by: Allows::WhileRevalidate,
                ..
            })
        );
        let trouble = ended
            .map(|end| on_trouble(policy, &HeaderMap::new(), stored, Trouble::Unreachable, end));
        let validators = [
            (stored.validators.etag.is_some(), "ETag"),
            (stored.validators.last_modified.is_some(), "Last-Modified"),
        ];
        Self {
            stored: true,
            because: None,
            fresh_seconds: (duration != Duration::MAX).then_some(left.as_secs()),
            fresh_until: now
                .checked_add(left)
                .filter(|_| !left.is_zero())
                .and_then(http_date),
            by: match (stored.directives.no_cache, by) {
                (Scope::Whole, _) => Some(told::NO_CACHE),
                (_, LifetimeRule::Nothing) => None,
                (_, by) => Some(told::rule(by)),
            },
            validators: validators
                .into_iter()
                .filter_map(|(there, name)| there.then_some(name))
                .collect(),
            while_revalidating_seconds: window
                .filter(|_| revalidating)
                .map(|window| window.duration().as_secs()),
            when_unreachable: matches!(trouble, Some(OnTrouble::Serve { .. })),
        }
    }
}

/// What a visit costs whose requests have this `Cache-Control`.
fn visit(action: Action, asks: &str, kept: Option<&Kept<'_>>, document: bool) -> Visit {
    let mut request = HeaderMap::new();
    if let (false, Ok(value)) = (asks.is_empty(), HeaderValue::from_str(asks)) {
        request.insert(CACHE_CONTROL, value);
    }
    let mut steps = Vec::new();
    let mut at = kept.map(|kept| kept.now);
    while let (Some(kept), Some(time)) = (kept, at) {
        let step = kept.step(&request, time, document);
        steps.push(step);
        at = match step {
            Step::Uses { seconds } => seconds,
            Step::UsesAndAsks { seconds } => Some(seconds),
            Step::Asks | Step::Fetches => None,
        }
        .filter(|seconds| *seconds > 0 && steps.len() < STEPS_MAX)
        .and_then(|seconds| time.checked_add(Duration::from_secs(seconds)));
    }
    if steps.is_empty() {
        steps.push(Step::Fetches);
    }
    Visit { action, steps }
}

impl Kept<'_> {
    fn step(&self, request: &HeaderMap, at: SystemTime, document: bool) -> Step {
        let freshness = self.stored.freshness(at);
        let validators = &self.stored.validators;
        let asks = match validators.etag.is_some() || validators.last_modified.is_some() {
            true => Step::Asks,
            false => Step::Fetches,
        };
        match reuse(self.policy, request, &self.stored, at) {
            Reuse::Fresh { .. } if freshness.lifetime.duration == Duration::MAX => {
                Step::Uses { seconds: None }
            }
            Reuse::Fresh { .. } => Step::Uses {
                seconds: u64::try_from(ttl(&freshness)).ok(),
            },
            // Browsers do not show a stale document while they ask for the new one.
            Reuse::Stale { .. } if document => asks,
            Reuse::Stale { .. } => {
                let window = self.stored.directives.stale_while_revalidate;
                let left =
                    window.map(|window| window.duration().saturating_sub(freshness.stale_for()));
                Step::UsesAndAsks {
                    seconds: left.unwrap_or_default().as_secs(),
                }
            }
            Reuse::Validate(_) | Reuse::Refuse(_) => asks,
        }
    }
}

fn is_document(answered: &HeaderMap) -> bool {
    let essence = answered
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = essence
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    matches!(&*essence, "text/html" | "application/xhtml+xml")
}

/// Is it a request whose response a cache would keep at all?
pub(super) fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Fresh, stale while it is asked for, and after that.
const STEPS_MAX: usize = 3;
