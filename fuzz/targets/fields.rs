//! Each field by itself: whatever its bytes are, it is read without a panic, and what is said of it holds.
#![no_main]

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use revisit_rules::http::directives::{RequestDirectives, ResponseDirectives};
use revisit_rules::http::invalidate::groups;
use revisit_rules::http::no_vary_search::NoVarySearch;
use revisit_rules::http::part::ContentRange;
use revisit_rules::http::precondition::{Access, Conditions, Validators, if_range};
use revisit_rules::http::vary::VaryKey;
use revisit_rules::http::{EntityTag, Policy, date, range};

fuzz_target!(|bytes: &[u8]| {
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let line = || std::iter::once(bytes);

    date::parse_http_date(bytes, now);
    EntityTag::parse(bytes);
    for length in [0, 1, 1000, u64::MAX] {
        if let range::Answer::Part(part) = range::answer(line(), length) {
            assert!(part.start() <= part.end() && *part.end() < length);
        }
    }
    if let Some(part) = ContentRange::read(line()) {
        assert!(part.first <= part.last);
        assert!(part.complete.is_none_or(|complete| part.last < complete));
    }
    let conditions = Conditions::read(now, |_| line());
    conditions.evaluate(&Validators::default(), Access::Read, now);
    if_range(line(), &Validators::default(), now);

    let Ok(value) = HeaderValue::from_bytes(bytes) else {
        return;
    };
    let with = |name: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static(name), value.clone());
        headers
    };
    for policy in [Policy::shared(), Policy::private(), Policy::chromium()] {
        for name in ["cache-control", "cdn-cache-control", "pragma"] {
            ResponseDirectives::of(&policy, &with(name));
            RequestDirectives::of(&policy, &with(name));
        }
    }
    groups(&with("cache-groups")).count();

    let rule = NoVarySearch::read(&with("no-vary-search"));
    assert!(rule.same(Some("a=1&b"), Some("a=1&b")));
    // What is compared must be symmetric.
    let query = std::str::from_utf8(bytes).ok();
    assert_eq!(
        rule.same(query, Some("b&a=1")),
        rule.same(Some("b&a=1"), query)
    );

    let request = with("accept-language");
    let key = VaryKey::of(&with("vary"), &request);
    let again = VaryKey::of(&with("vary"), &request);
    assert_eq!(key, again);
    let own = VaryKey::of(&with_vary("accept-language"), &request);
    assert!(
        own.matches(&request),
        "a request is answered by what it brought"
    );
});

fn with_vary(names: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("vary", HeaderValue::from_static(names));
    headers
}
