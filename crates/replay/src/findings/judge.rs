//! How a URL is kept: the one thing about it that is worth changing.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, Method};
use revisit_rules::http::directives::{ResponseDirectives, Scope};
use revisit_rules::http::freshness::{Lifetime, LifetimeRule};
use revisit_rules::http::{Policy, RequestHead, ResponseHead, Stored, Target, Times, validators};
use revisit_rules::site::names::{Names, Promise};
use url::{Position, Url};

use super::{Cost, Kind, Seen};
use crate::Destination;

/// The one thing that is worth saying of how a URL is kept.
pub(super) fn judge(url: &Url, seen: &Seen, now: SystemTime) -> Option<(Kind, Cost)> {
    let headers = seen.headers.as_ref()?;
    let destination = seen.destination?;
    if destination == Destination::Fetch {
        // What a script fetches is fresh data as often as not.
        return None;
    }
    let policy = Policy::chromium();
    let said = ResponseDirectives::of(&policy, headers);
    let page = destination.is_navigation();
    let path = url.path().trim_start_matches('/');
    let hashed = !page && Names::default().promise(path) == Promise::ContentHash;
    if said.no_store {
        return Some(match page {
            true => (Kind::PageNotStored, seen.whole_again),
            false => (Kind::FileNotStored, seen.whole_again),
        });
    }
    let Lifetime { duration, by } = lifetime(url, headers, now)?;
    let asks_always = said.no_cache == Scope::Whole;
    if page {
        let long = !asks_always && by.is_explicit() && duration > PAGE_LIFETIME_MAX;
        if long {
            return Some((
                Kind::PageKeptLong,
                Cost {
                    visits: seen.uses,
                    ..Cost::default()
                },
            ));
        }
    } else if hashed && seen.again.visits > 0 {
        return Some((Kind::HashedShort, seen.again));
    } else if !hashed
        && !asks_always
        && by.is_explicit()
        && duration > FILE_LIFETIME_MAX
        && is_code(destination)
    {
        return Some((
            Kind::FileKeptLong,
            Cost {
                visits: seen.uses,
                ..Cost::default()
            },
        ));
    }
    let known = validators(headers, now);
    if known.etag.is_none() && known.last_modified.is_none() && seen.whole_again.visits > 0 {
        return Some((Kind::NoValidator, seen.whole_again));
    }
    if by == LifetimeRule::Heuristic && !asks_always {
        return Some((Kind::Guessed, seen.again));
    }
    let always = seen.again.visits >= ASKED_OFTEN && (asks_always || duration.is_zero());
    (always && !page).then_some((Kind::AskedEachVisit, seen.again))
}

fn is_code(destination: Destination) -> bool {
    matches!(
        destination,
        Destination::Script | Destination::Style | Destination::Worker
    )
}

/// How long a browser takes this answer for fresh.
fn lifetime(url: &Url, headers: &HeaderMap, now: SystemTime) -> Option<Lifetime> {
    let none = HeaderMap::new();
    let method = Method::GET;
    let request = RequestHead {
        method: &method,
        target: Target {
            scheme: url.scheme(),
            authority: url.authority(),
            path: &url[Position::BeforePath..Position::AfterQuery],
        },
        headers: &none,
    };
    let response = ResponseHead {
        status: http::StatusCode::OK,
        headers,
    };
    let times = Times {
        request: now,
        response: now,
    };
    Some(Stored::new(&Policy::chromium(), &request, &response, times)?.lifetime)
}

/// Longer than that a page that is mended stays broken for those who saw it.
const PAGE_LIFETIME_MAX: Duration = Duration::from_secs(600);
/// A file of code that may change under its name.
const FILE_LIFETIME_MAX: Duration = Duration::from_secs(86_400);
/// Visits after the first in which a file is asked for.
const ASKED_OFTEN: usize = 2;
