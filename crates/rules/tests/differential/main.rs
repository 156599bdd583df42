//! Where do our rules and those of the crate `http-cache-semantics` differ, and who is right?
//!
//! Both are asked whether a GET may be answered from what is stored, without asking the origin. Of
//! random exchanges each on which they do not agree has to be of a kind that is listed here, and each
//! kind that is listed has an exchange on which they do not agree.

#![allow(clippy::unwrap_used)]

mod differences;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use differences::{DIFFERENCES, Right};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_cache_semantics::{BeforeRequest, CacheOptions, CachePolicy};
use proptest::prelude::*;
use proptest::sample::select;
use revisit_rules::http::reuse::{Reuse, reuse};
use revisit_rules::http::storable::storable;
use revisit_rules::http::vary::{Selected, select as select_variant};
use revisit_rules::http::{Policy, RequestHead, ResponseHead, Stored, Target, Times};

/// An exchange, and a request like it some time later.
#[derive(Debug, Clone, Copy)]
struct Case {
    shared: bool,
    status: u16,
    /// `Cache-Control` of the response; empty: none. So are the others.
    said: &'static str,
    /// Other fields of the response.
    fields: &'static str,
    /// Fields of the first request.
    first: &'static str,
    /// Fields of the second.
    second: &'static str,
    later: u64,
}

const PLAIN: Case = Case {
    shared: true,
    status: 200,
    said: "max-age=60",
    fields: "",
    first: "",
    second: "",
    later: 5,
};

#[test]
fn each_difference_that_is_listed_is_one() {
    for difference in DIFFERENCES {
        let (ours, theirs) = (ours(&difference.example), theirs(&difference.example));
        assert_ne!(
            ours, theirs,
            "{} ({:?}, {})",
            difference.name, difference.right, difference.because
        );
        assert!(
            (difference.is_one)(&difference.example),
            "{}",
            difference.name
        );
        match difference.right {
            Right::BothOursCareful => assert!(!ours, "{}", difference.name),
            Right::BothTheirsCareful => assert!(!theirs, "{}", difference.name),
            Right::Ours => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn there_is_no_difference_but_those(
        shared in any::<bool>(),
        status in select(&[200_u16, 200, 200, 203, 301, 302, 403, 404, 410, 503, 599][..]),
        said in select(SAID),
        fields in select(FIELDS),
        first in select(&["", "authorization: x", "accept-language: en, de"][..]),
        second in select(SECOND),
        later in select(&[0_u64, 1, 2, 5, 59, 60, 61, 10_000, 100_000][..]),
    ) {
        let case = Case { shared, status, said, fields, first, second, later };
        let (ours, theirs) = (ours(&case), theirs(&case));
        let known = DIFFERENCES.iter().any(|difference| (difference.is_one)(&case));
        prop_assert!(ours == theirs || known, "ours: {ours}, theirs: {theirs}: {case:?}");
    }
}

const SAID: &[&str] = &[
    "",
    "max-age=60",
    "max-age=0",
    "max-age=-1",
    "max-age=x",
    "max-age=\"60\"",
    "Max-Age=60",
    "max-age=99999999999999999999999",
    "public",
    "private, max-age=60",
    "no-store, max-age=60",
    "no-cache, max-age=60",
    "must-revalidate, max-age=60",
    "proxy-revalidate, max-age=60",
    "s-maxage=60, max-age=2",
    "s-maxage=2, max-age=60",
    "public, max-age=60",
    "immutable, max-age=60",
    "no-cache=\"x\", max-age=60",
    "no-store, must-understand, max-age=60",
    "x, max-age=60",
];
const FIELDS: &[&str] = &[
    "",
    "expires: Sat, 16 Jan 2027 08:00:00 GMT",
    "expires: Thu, 14 Jan 2027 08:00:00 GMT",
    "expires: 0",
    "expires: Thursday, 18-Aug-50 02:01:18 GMT",
    "last-modified: Sun, 06 Nov 1994 08:49:37 GMT",
    "last-modified: Fri, 15 Jan 2027 07:59:00 GMT",
    "last-modified: x",
    "date: Fri, 15 Jan 2027 08:00:00 GMT\nage: 30",
    "date: Thu, 14 Jan 2027 08:00:00 GMT",
    "age: 70",
    "age: 70, 0",
    "age: x",
    "pragma: no-cache",
    "set-cookie: a=b",
    "vary: accept-language",
    "vary: *",
    "cdn-cache-control: max-age=60",
];
const SECOND: &[&str] = &[
    "",
    "",
    "",
    "accept-language: en, de",
    "cache-control: no-cache",
    "cache-control: no-store",
    "cache-control: max-age=0",
    "cache-control: max-age=3",
    "cache-control: min-fresh=30",
    "cache-control: max-stale",
    "cache-control: max-stale=5",
    "pragma: no-cache",
];

/// Fri, 15 Jan 2027 08:00:00 GMT
const NOW: u64 = 1_800_000_000;

fn ours(case: &Case) -> bool {
    let policy = if case.shared {
        Policy::shared()
    } else {
        Policy::private()
    };
    let answered = response_fields(case);
    let (first, second) = (fields(case.first), fields(case.second));
    let response = ResponseHead {
        status: StatusCode::from_u16(case.status).unwrap(),
        headers: &answered,
    };
    let request = RequestHead {
        method: &Method::GET,
        target: Target {
            scheme: "http",
            authority: "a",
            path: "/",
        },
        headers: &first,
    };
    let times = Times {
        request: at(0),
        response: at(0),
    };
    if !storable(&policy, &request, &response, times).is_yes() {
        return false;
    }
    let stored = Stored::new(&policy, &request, &response, times).unwrap();
    select_variant([&stored].into_iter(), &second) == Selected::One(0)
        && matches!(
            reuse(&policy, &second, &stored, at(case.later)),
            Reuse::Fresh { .. } | Reuse::Stale { .. }
        )
}

fn theirs(case: &Case) -> bool {
    let request = |text| {
        let mut request = http::Request::get("http://a/").body(()).unwrap();
        *request.headers_mut() = fields(text);
        request
    };
    let mut response = http::Response::new(());
    *response.status_mut() = StatusCode::from_u16(case.status).unwrap();
    *response.headers_mut() = response_fields(case);
    let options = CacheOptions {
        shared: case.shared,
        ..CacheOptions::default()
    };
    let policy = CachePolicy::new_options(&request(case.first), &response, at(0), options);
    policy.is_storable()
        && matches!(
            policy.before_request(&request(case.second), at(case.later)),
            BeforeRequest::Fresh(_)
        )
}

fn response_fields(case: &Case) -> HeaderMap {
    let mut answered = fields(case.fields);
    if !case.said.is_empty() {
        answered.insert("cache-control", HeaderValue::from_static(case.said));
    }
    answered
}

fn fields(text: &'static str) -> HeaderMap {
    text.lines()
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_static(value))
        })
        .collect()
}

fn at(later: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW + later)
}
