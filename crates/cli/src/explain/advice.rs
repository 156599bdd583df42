//! What does the author of a response probably want, and which fields would say so?

use http::HeaderName;
use http::header::{ETAG, EXPIRES, LAST_MODIFIED, SET_COOKIE, VARY};
use revisit_rules::http::directives::{ResponseDirectives, Scope, Seconds};
use revisit_rules::http::{Policy, validators};
use revisit_rules::site::names::{Names, Promise};

use super::decide::is_read;
use super::input::Exchange;

/// The changes worth making, the weightiest first.
pub(super) fn changes(exchange: &Exchange, document: bool) -> Vec<String> {
    let answered = &exchange.answered;
    let said = ResponseDirectives::of(&Policy::private(), answered);
    if !is_read(&exchange.method) {
        return Vec::new();
    }
    let silent = said == ResponseDirectives::default() && !answered.contains_key(EXPIRES);
    if matches!(exchange.status.as_u16(), 301 | 308) && silent {
        return vec![
            "browsers keep a permanent redirect for ever: if it may change, `Cache-Control: max-age=3600`"
                .to_owned(),
        ];
    }
    if !exchange.status.is_success() {
        return Vec::new();
    }
    let shared = ResponseDirectives::of(&Policy::shared(), answered);
    let known = validators(answered, exchange.received);
    let validated = known.etag.is_some() || known.last_modified.is_some();
    let mut all = Vec::new();
    malformed(exchange, &said, &shared, &mut all);
    let hashed = has_hash(exchange);
    let lifetime = match said.max_age {
        Seconds::Given(seconds) => seconds.0,
        Seconds::Absent | Seconds::Malformed => 0,
    };
    if said.no_store {
        if !document {
            all.push("no-store makes every visit fetch it whole; if it is no secret, `no-cache` with an ETag costs a 304".to_owned());
        }
    } else if hashed && !document {
        if lifetime < YEAR || !said.immutable {
            let value = Promise::ContentHash.cache_control();
            all.push(format!(
                "its name has a hash in it, so it never changes: `Cache-Control: {value}`"
            ));
        }
    } else if document && lifetime > DOCUMENT_SECONDS_MAX {
        all.push("visitors do not see a new version of this page for as long as it is fresh: `Cache-Control: no-cache` with an ETag asks each time, at the price of a 304".to_owned());
    } else if silent {
        all.push(if document {
            "nothing says how long it is fresh, so browsers guess: `Cache-Control: no-cache` for a page that changes".to_owned()
        } else {
            "nothing says how long it is fresh, so browsers guess: `Cache-Control: max-age=…`, or a hash in its name and a year".to_owned()
        });
    }
    if !validated && !said.no_store {
        all.push(
            "without ETag or Last-Modified every question costs the whole: add an ETag".to_owned(),
        );
    }
    if (said.must_revalidate || said.no_cache == Scope::Whole)
        && said.stale_while_revalidate.is_some()
    {
        all.push("stale-while-revalidate has no effect beside must-revalidate or no-cache: take one of them out".to_owned());
    }
    if answered.contains_key(SET_COOKIE) && shared.public {
        all.push("`public` gives the cookie that it sets to all visitors of a shared cache: leave out one of them".to_owned());
    }
    let mentions = |name: &str| {
        let mut lines = answered
            .get_all(VARY)
            .iter()
            .filter_map(|value| value.to_str().ok());
        lines.any(|line| {
            line.split(',')
                .any(|member| member.trim().eq_ignore_ascii_case(name))
        })
    };
    for name in ["user-agent", "cookie"] {
        if mentions(name) {
            all.push(format!("`Vary: {name}` makes almost every visitor a case of its own in a shared cache: vary on less"));
        }
    }
    all
}

/// Fields that say something that no cache can read.
fn malformed(
    exchange: &Exchange,
    said: &ResponseDirectives,
    shared: &ResponseDirectives,
    all: &mut Vec<String>,
) {
    if said.max_age == Seconds::Malformed || said.s_maxage == Seconds::Malformed {
        all.push("the lifetime in Cache-Control is no number of seconds, so it counts as stale: write digits alone".to_owned());
    }
    let answered = &exchange.answered;
    let read = validators(answered, exchange.received);
    if answered.contains_key(ETAG) && read.etag.is_none() {
        all.push("its ETag cannot be read: one stands there, between quotes".to_owned());
    }
    if answered.contains_key(LAST_MODIFIED) && read.last_modified.is_none() {
        all.push(
            "its Last-Modified cannot be read: write it as `Sun, 06 Nov 1994 08:49:37 GMT`"
                .to_owned(),
        );
    }
    if answered.contains_key(CDN) && !shared.targeted {
        all.push("its CDN-Cache-Control is no dictionary of structured fields (RFC 9213), and is passed over".to_owned());
    }
}

fn has_hash(exchange: &Exchange) -> bool {
    let path = exchange
        .url
        .as_ref()
        .map(|url| url.path().trim_start_matches('/'));
    path.is_some_and(|path| Names::default().promise(path) == Promise::ContentHash)
}

const YEAR: u32 = 31_536_000;
/// Ten minutes: longer than that a page that is mended stays broken for those who saw it.
const DOCUMENT_SECONDS_MAX: u32 = 600;
const CDN: HeaderName = HeaderName::from_static("cdn-cache-control");
