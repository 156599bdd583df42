//! An explanation in words for a terminal.

use revisit_rules::http::freshness::LifetimeRule;
use revisit_rules::http::storable::Because;

use super::explanation::{Action, Cache, Explanation, Step, Visit};
use crate::terminal::{plain, span};

/// The URL, and below it a line for each thing that there is to say.
pub(super) fn told(explanation: &Explanation) -> String {
    let name = explanation.url.as_deref().unwrap_or("the response");
    let kind = if explanation.document { ", a page" } else { "" };
    let mut text = format!(
        "{}\n  answer         {} to {}{kind}\n",
        plain(name),
        explanation.status,
        plain(&explanation.method),
    );
    let mut line = |name: &str, words: &str| text.push_str(&format!("  {name:<13}  {words}\n"));
    let visits = |shared: bool| {
        let visits = explanation.visits.iter();
        visits.filter(move |visit| (visit.action == Action::Shared) == shared)
    };
    for (name, cache, shared) in [
        ("browser", &explanation.private, false),
        ("shared cache", &explanation.shared, true),
    ] {
        if let Some(cache) = cache {
            line(name, &kept(cache));
        }
        for visit in visits(shared) {
            line(action(visit.action), &steps(visit));
        }
    }
    for (place, change) in explanation.changes.iter().enumerate() {
        line(if place == 0 { "to change" } else { "" }, &plain(change));
    }
    text
}

fn kept(cache: &Cache) -> String {
    if let Some(because) = cache.because {
        return format!("does not keep it: {because}");
    }
    let mut words = match (cache.fresh_seconds, cache.by) {
        (None, _) => "keeps it for ever".to_owned(),
        (Some(0), Some(by)) => format!("keeps it, stale from the start, by {by}"),
        (Some(0), None) => "keeps it, stale from the start: nothing gives it a lifetime".to_owned(),
        (Some(seconds), by) => {
            let until = cache.fresh_until.as_deref().unwrap_or("the end of time");
            let by = by.unwrap_or("no rule");
            format!(
                "keeps it fresh for {}, until {until}, by {by}",
                span(seconds)
            )
        }
    };
    if cache.validators.is_empty() {
        words.push_str("; it has no validator");
    }
    if cache.when_unreachable {
        words.push_str("; used when the server is gone");
    }
    words
}

fn action(action: Action) -> &'static str {
    match action {
        Action::Typed => "  typed",
        Action::Reload => "  F5",
        Action::HardReload => "  hard reload",
        Action::Shared => "  visits",
    }
}

fn steps(visit: &Visit) -> String {
    let steps: Vec<String> = visit.steps.iter().copied().map(step).collect();
    steps.join(", then ")
}

fn step(step: Step) -> String {
    match step {
        Step::Uses { seconds: None } => "no request, ever".to_owned(),
        Step::Uses {
            seconds: Some(seconds),
        } => format!("no request for {}", span(seconds)),
        Step::UsesAndAsks { seconds } => {
            format!(
                "shown at once and asked for meanwhile, for {}",
                span(seconds)
            )
        }
        Step::Asks => "asks whether it changed, which costs a 304 if not".to_owned(),
        Step::Fetches => "fetches it whole".to_owned(),
    }
}

/// What takes any lifetime away.
pub(super) const NO_CACHE: &str = "no-cache (RFC 9111 §5.2.2.4)";

/// What gives a lifetime.
pub(super) fn rule(rule: LifetimeRule) -> &'static str {
    match rule {
        LifetimeRule::Targeted => "its CDN-Cache-Control (RFC 9213)",
        LifetimeRule::SMaxage => "s-maxage (RFC 9111 §5.2.2.10)",
        LifetimeRule::MaxAge => "max-age (RFC 9111 §5.2.2.1)",
        LifetimeRule::Expires => "Expires (RFC 9111 §5.3)",
        LifetimeRule::Heuristic => {
            "a guess: a tenth of the time since Last-Modified (RFC 9111 §4.2.2)"
        }
        LifetimeRule::Permanent => "its status, which means for ever",
        LifetimeRule::Malformed => "a lifetime that cannot be read (RFC 9111 §4.2.1)",
        LifetimeRule::Nothing => "nothing",
    }
}

/// Why it is not kept.
pub(super) fn because(because: Because) -> &'static str {
    match because {
        Because::Method => "answers to this method are not kept",
        Because::PostOfAnother => {
            "an answer to POST is kept with a lifetime and its own URL as Content-Location alone (RFC 9110 §9.3.3)"
        }
        Because::NotFinal => "it is no final answer",
        Because::NotUnderstood => {
            "a 304 renews what is kept already; any other status is unknown, and it says must-understand"
        }
        Because::NoPart => "it is a part that was not asked for, or does not say which",
        Because::NoStore => "no-store (RFC 9111 §5.2.2.5)",
        Because::RequestNoStore => "the request says no-store (RFC 9111 §5.2.1.5)",
        Because::Private => "private (RFC 9111 §5.2.2.7)",
        Because::Authorization => {
            "the request has Authorization, and nothing says that the answer is for many (RFC 9111 §3.5)"
        }
        Because::SetCookie => "it sets a cookie, and nothing says that it is for many",
        Because::VariesOnEverything => "its Vary matches no request (RFC 9111 §4.1)",
        Because::Worthless => "it has neither a lifetime nor a validator",
    }
}
