//! Whatever bytes come, the whole way of a request through the cache's rules neither panics nor
//! breaks its promises.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use revisit_rules::http::key::RequestKey;
use revisit_rules::http::no_vary_search::NoVarySearch;
use revisit_rules::http::reuse::{Reuse, Trouble, on_trouble, reuse};
use revisit_rules::http::storable::storable;
use revisit_rules::http::vary::{Selected, select as select_variant};
use revisit_rules::http::{
    Policy, RequestHead, ResponseHead, Stored, Target, Times, answer, invalidate, outcome, part,
    validate,
};

/// Fields that some rule reads.
const NAMES: &[&str] = &[
    "accept-encoding",
    "accept-language",
    "age",
    "authorization",
    "cache-control",
    "cache-group-invalidation",
    "cache-groups",
    "cdn-cache-control",
    "connection",
    "content-length",
    "content-location",
    "content-range",
    "date",
    "etag",
    "expires",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "last-modified",
    "location",
    "no-vary-search",
    "pragma",
    "range",
    "set-cookie",
    "vary",
];

/// What values are made of, so that some of them mean something.
const PIECES: &[&[u8]] = &[
    b"max-age",
    b"s-maxage",
    b"no-cache",
    b"no-store",
    b"private",
    b"public",
    b"must-understand",
    b"stale-while-revalidate",
    b"max-stale",
    b"=",
    b"60",
    b"99999999999999999999",
    b",",
    b" ",
    b"\"",
    b"\\",
    b"\"a\"",
    b"W/",
    b"*",
    b"accept-language",
    b"bytes",
    b"0-4/10",
    b"0-4",
    b"-",
    b"Fri, 15 Jan 2027 08:00:00 GMT",
    b"Fri, 15 Jan 2027 07:00:00 GMT",
    b"http://a/x",
    b"(",
    b")",
    b";",
    b"params",
    b"\xff",
    b"\xc3\xa4",
];

fn headers() -> impl Strategy<Value = HeaderMap> {
    let piece = prop_oneof![
        9 => select(PIECES).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..6),
    ];
    let value = vec(piece, 0..6).prop_map(|pieces| pieces.concat());
    vec((select(NAMES), value), 0..8).prop_map(|fields| {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(HeaderName::from_static(name), value);
            }
        }
        headers
    })
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_way_of_a_request_is_safe(
        first in headers(), second in headers(), answered in headers(), again in headers(),
        status in select(&[200_u16, 200, 206, 301, 304, 404, 503, 599][..]),
        path in "/[a%?&=+.\u{e4}/]{0,12}",
        later in 0_u64..200,
    ) {
        for policy in [Policy::shared(), Policy::private(), Policy::chromium()] {
            let target = Target { scheme: "http", authority: "a", path: &path };
            let request = RequestHead { method: &Method::GET, target, headers: &first };
            let status = StatusCode::from_u16(status).unwrap_or_default();
            let response = ResponseHead { status, headers: &answered };
            let times = Times { request: at(0), response: at(1) };

            let rule = NoVarySearch::read(&answered);
            RequestKey::without_varying(&Method::GET, target, &rule);
            let write = RequestHead { method: &Method::POST, ..request };
            invalidate::invalidations(&policy, &write, &response);
            invalidate::groups(&answered).count();

            let kept = storable(&policy, &request, &response, times);
            let Some(stored) = Stored::new(&policy, &request, &response, times) else {
                prop_assert!(!kept.is_yes());
                continue;
            };
            if kept.is_yes() {
                prop_assert!(!stored.directives.no_store || stored.directives.must_understand);
                let selected = select_variant([&stored].into_iter(), &first);
                prop_assert_eq!(selected, Selected::One(0), "its own request");
            }
            let decided = reuse(&policy, &second, &stored, at(later));
            if let Reuse::Fresh { age } = decided {
                prop_assert!(age < stored.lifetime.duration);
            }
            on_trouble(&policy, &second, &stored, Trouble::Unreachable, at(later));
            answer::condition(&second, &stored, at(later));
            if let part::Portion::Part(range, length) = part::portion(&second, &stored, 10, at(later)) {
                prop_assert!(range.start() <= range.end() && *range.end() < length);
            }
            outcome::ttl(&stored.freshness(at(later)));

            let mut asking = second.clone();
            validate::make_conditional(&mut asking, [&stored]);
            let response = ResponseHead { status, headers: &again };
            validate::answered([&stored], &response, times);
            validate::freshen(&stored, &response, times);
            let folded = validate::fold_304(&policy, &stored, &second, &again, times);
            prop_assert_eq!(folded.status, stored.status);
        }
    }
}
