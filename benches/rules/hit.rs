//! What the rules of one hit cost: key, look-up, variant, reuse, conditions, range, the answer's head.
//!
//! `cargo bench --manifest-path benches/rules/Cargo.toml`. The reach is 500 ns for a request with a browser's
//! fields. Everything that `revisit_engine::cache` decides on a fresh hit is decided here, in its
//! order; sockets, bodies and the store's bounds are not.
#![allow(missing_docs, reason = "criterion's macros write functions without")]
#![allow(clippy::unwrap_used, reason = "what is written here can be read")]

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use criterion::{Criterion, criterion_group, criterion_main};
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use revisit_rules::http::answer::{condition, set_age};
use revisit_rules::http::key::RequestKey;
use revisit_rules::http::outcome::{Outcome, ttl};
use revisit_rules::http::part::{Portion, portion};
use revisit_rules::http::precondition::Verdict;
use revisit_rules::http::reuse::{Reuse, reuse};
use revisit_rules::http::vary::{Selected, select};
use revisit_rules::http::{Policy, RequestHead, ResponseHead, Stored, Target, Times};

const NAME: &sfv::TokenRef = sfv::token_ref("revisit");

const TARGET: Target<'static> = Target {
    scheme: "http",
    authority: "shop.example",
    path: "/assets/index-4f2a91c3.js",
};

const CURL: &str = "host: shop.example
user-agent: curl/8.5.0
accept: */*";

const BROWSER: &str = "host: shop.example
user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36
accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8
accept-encoding: gzip, deflate, br, zstd
accept-language: en-GB,en;q=0.9
sec-ch-ua-platform: \"Linux\"
sec-fetch-dest: script
sec-fetch-mode: no-cors
sec-fetch-site: same-origin
referer: http://shop.example/
cookie: session=4f2a91c3b7; theme=dark";

const RESPONSE: &str = "content-type: text/javascript; charset=utf-8
content-length: 1024
cache-control: public, max-age=31536000, immutable
etag: \"4f2a91c3\"
last-modified: Fri, 15 Jan 2027 08:00:00 GMT
date: Fri, 15 Jan 2027 08:00:00 GMT
x-content-type-options: nosniff";

fn fields(text: &str) -> HeaderMap {
    let line = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap();
        let name: HeaderName = name.parse().unwrap();
        (name, HeaderValue::from_str(value).unwrap())
    };
    text.lines().map(line).collect()
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

type Store = HashMap<Box<[u8]>, Vec<Stored>>;

/// A store of a thousand URLs, one of which is asked for.
fn store(policy: &Policy, request: &HeaderMap, response: &HeaderMap) -> Store {
    let times = Times {
        request: now(),
        response: now(),
    };
    let entry = |number: u32| {
        let path = match number {
            0 => TARGET.path.to_owned(),
            number => format!("/assets/other-{number}.js"),
        };
        let target = Target {
            path: &path,
            ..TARGET
        };
        let request = RequestHead {
            method: &Method::GET,
            target,
            headers: request,
        };
        let response = ResponseHead {
            status: StatusCode::OK,
            headers: response,
        };
        let key = RequestKey::of(&Method::GET, target).into_bytes();
        let stored = Stored::new(policy, &request, &response, times).unwrap();
        (key, vec![stored])
    };
    (0..1000).map(entry).collect()
}

/// The head of the answer to a fresh hit.
fn hit(policy: &Policy, store: &Store, request: &HeaderMap, now: SystemTime) -> HeaderMap {
    let key = RequestKey::of(&Method::GET, TARGET).into_bytes();
    let variants = &store[&key];
    let Selected::One(place) = select(variants.iter(), request) else {
        unreachable!("it is stored for this request");
    };
    let stored = &variants[place];
    let Reuse::Fresh { age } = reuse(policy, request, stored, now) else {
        unreachable!("it is fresh");
    };
    let mut headers = stored.headers.clone();
    set_age(&mut headers, age);
    let Verdict::Proceed(_) = condition(request, stored, now) else {
        unreachable!("no condition is set");
    };
    let Portion::Whole = portion(request, stored, 1024, now) else {
        unreachable!("no range is asked for");
    };
    headers.insert(CONTENT_LENGTH, HeaderValue::from(1024));
    let outcome = Outcome {
        ttl: Some(ttl(&stored.freshness(now))),
        ..Outcome::hit()
    };
    let said = HeaderValue::try_from(outcome.cache_status(NAME)).unwrap();
    headers.append("cache-status", said);
    headers
}

fn hits(criterion: &mut Criterion) {
    let policy = Policy::shared();
    let now = now() + Duration::from_secs(60);
    let mut group = criterion.benchmark_group("hit");
    for (who, request) in [("curl", CURL), ("browser", BROWSER)] {
        for (what, vary) in [("plain", ""), ("vary", "\nvary: accept-encoding")] {
            let request = fields(request);
            let response = fields(&format!("{RESPONSE}{vary}"));
            let store = store(&policy, &request, &response);
            group.bench_function(format!("{who}, {what}"), |bencher| {
                bencher.iter(|| hit(&policy, &store, black_box(&request), black_box(now)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, hits);
criterion_main!(benches);
