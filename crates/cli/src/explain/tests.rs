//! What is said of a response, whole.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::*;
use crate::args::CacheProfile;

#[test]
fn a_page_that_stays_too_long_is_told_with_what_to_do() {
    check(
        "HTTP/1.1 100 Continue\n\nHTTP/2 200 \ncontent-type: text/html\n\
         cache-control: max-age=3600, stale-while-revalidate=90\netag: \"a\"\n\
         date: Fri, 15 Jan 2027 08:00:00 GMT\n\n<html>",
        "\
the response
  answer         200 to GET, a page
  browser        keeps it fresh for 1 hour, until Fri, 15 Jan 2027 09:00:00 GMT, by max-age (RFC 9111 §5.2.2.1)
    typed        no request for 1 hour, then asks whether it changed, which costs a 304 if not
    F5           asks whether it changed, which costs a 304 if not
    hard reload  fetches it whole
  shared cache   keeps it fresh for 1 hour, until Fri, 15 Jan 2027 09:00:00 GMT, by max-age (RFC 9111 §5.2.2.1); used when the server is gone
    visits       no request for 1 hour, then shown at once and asked for meanwhile, for 1 minute 30 seconds, then asks whether it changed, which costs a 304 if not
  to change      visitors do not see a new version of this page for as long as it is fresh: `Cache-Control: no-cache` with an ETag asks each time, at the price of a 304
",
    );
}

#[test]
fn what_says_nothing_is_guessed_by_browsers_and_cookies_are_not_shared() {
    check(
        "HTTP/1.1 200 OK\r\nLast-Modified: Fri, 15 Jan 2027 07:58:20 GMT\r\nSet-Cookie: a=b\r\n\
         Date: Fri, 15 Jan 2027 08:00:00 GMT\r\nVary: Accept-Encoding, User-Agent\r\n\r\n",
        "\
the response
  answer         200 to GET
  browser        keeps it fresh for 10 seconds, until Fri, 15 Jan 2027 08:00:10 GMT, by a guess: a tenth of the time since Last-Modified (RFC 9111 §4.2.2)
    typed        no request for 10 seconds, then asks whether it changed, which costs a 304 if not
    F5           no request for 10 seconds, then asks whether it changed, which costs a 304 if not
    hard reload  fetches it whole
  shared cache   does not keep it: it sets a cookie, and nothing says that it is for many
    visits       fetches it whole
  to change      nothing says how long it is fresh, so browsers guess: `Cache-Control: max-age=…`, or a hash in its name and a year
                 `Vary: user-agent` makes almost every visitor a case of its own in a shared cache: vary on less
",
    );
}

#[test]
fn what_is_stale_from_the_start_is_told_as_such() {
    let says = |head: &str, words: &str| {
        let told = told::told(&explained(head, None));
        assert!(told.contains(words), "{told}");
    };
    let no_cache = "HTTP/1.1 200 OK\nCache-Control: max-age=60, no-cache\nETag: \"a\"";
    says(
        no_cache,
        "keeps it, stale from the start, by no-cache (RFC 9111 §5.2.2.4)\n",
    );
    says(
        "HTTP/1.1 200 OK\nETag: \"a\"",
        "stale from the start: nothing gives it a lifetime\n",
    );
    let swr = "HTTP/1.1 200 OK\nCache-Control: max-age=0, stale-while-revalidate=60\nETag: \"a\"";
    says(
        swr,
        "typed        shown at once and asked for meanwhile, for 1 minute, then asks",
    );
    says(
        "HTTP/1.1 304 Not Modified",
        "a 304 renews what is kept already",
    );
    says(
        "HTTP/1.1 301 Moved",
        "browser        keeps it for ever; it has no validator\n",
    );
    says(
        "HTTP/1.1 301 Moved",
        "to change      browsers keep a permanent redirect for ever",
    );
}

#[test]
fn what_cannot_be_read_is_named() {
    let changes = |head: &str| explained(head, None).changes;
    let said = changes("HTTP/1.1 200 OK\nCache-Control: max-age=1h\nETag: a\nLast-Modified: now");
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(said[0].contains("no number of seconds"), "{said:?}");
    assert!(said[1].contains("ETag cannot be read"), "{said:?}");
    assert!(said[2].contains("Last-Modified cannot be read"), "{said:?}");
    assert!(said[3].contains("without ETag"), "{said:?}");
    let fine = "HTTP/1.1 200 OK\nCache-Control: max-age=60\nETag: \"a\"";
    assert!(changes(fine).is_empty());
    assert!(changes(&format!("{fine}\nCDN-Cache-Control: max-age=1h"))[0].contains("RFC 9213"));
    assert!(changes(&format!("{fine}\nCDN-Cache-Control: max-age=1")).is_empty());
    assert!(changes("HTTP/1.1 404 Not Found").is_empty());
}

#[test]
fn a_profile_speaks_of_its_cache_alone() {
    let head = "HTTP/1.1 200 OK\nCache-Control: private, max-age=60";
    let private = explained(head, Some(CacheProfile::Private));
    assert!(private.private.is_some_and(|cache| cache.stored));
    assert!(private.shared.is_none() && private.visits.len() == 3);
    let shared = explained(head, Some(CacheProfile::Shared));
    assert!(shared.shared.is_some_and(|cache| !cache.stored));
    assert!(shared.private.is_none() && shared.visits.len() == 1);
}

#[test]
fn a_har_file_has_its_names_and_requests() {
    let har = r#"{"log": {"entries": [
        {"request": {"method": "GET", "url": "http://a/app.1a2b3c4d5e6f.js",
            "headers": [{"name": "Authorization", "value": "x"}]},
         "response": {"status": 200, "headers": [
            {"name": "Cache-Control", "value": "max-age=60"}, {"name": "ETag", "value": "\"a\""}]}},
        {"request": {"method": "GET", "url": "data:,x", "headers": []},
         "response": {"status": 200, "headers": []}},
        {"request": {"method": "GET", "url": "http://a/blocked", "headers": []},
         "response": {"status": 0, "headers": []}}
    ]}}"#;
    let exchanges = input::parse(har.as_bytes(), now()).unwrap();
    assert_eq!(exchanges.len(), 1);
    let explanation = decide::explain(&exchanges[0], None);
    assert_eq!(
        explanation.url.as_deref(),
        Some("http://a/app.1a2b3c4d5e6f.js")
    );
    assert!(
        explanation
            .shared
            .unwrap()
            .because
            .unwrap()
            .contains("Authorization")
    );
    assert!(
        explanation.changes[0].contains("hash"),
        "{:?}",
        explanation.changes
    );
}

#[test]
fn what_is_no_response_is_refused() {
    for text in [
        "",
        "hello",
        "HTTP/1.1 abc\n",
        "HTTP/1.1 200 OK\nno field\n",
        "HTTP/1.1 200 OK\na b: c\n",
        "{}",
        "{\"log\": {\"entries\": []}}",
    ] {
        assert!(input::parse(text.as_bytes(), now()).is_err(), "{text}");
    }
}

fn check(head: &str, expected: &str) {
    assert_eq!(told::told(&explained(head, None)), expected);
}

fn explained(head: &str, profile: Option<CacheProfile>) -> explanation::Explanation {
    let exchanges = input::parse(head.as_bytes(), now()).unwrap();
    decide::explain(&exchanges[0], profile)
}

/// Sat, 16 Jan 2027 08:00:00 GMT: a day after the responses came.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_086_400)
}
