//! A whole exchange: fields of a request and of a response, two more looks at it later on.
#![no_main]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use libfuzzer_sys::fuzz_target;
use revisit_rules::http::invalidate::{Invalidation, invalidations};
use revisit_rules::http::reuse::{self, Reuse, Trouble};
use revisit_rules::http::storable::storable;
use revisit_rules::http::{
    Policy, RequestHead, ResponseHead, Stored, Target, Times, answer, part, validate,
};

/// Names that mean something here; the first byte of a line chooses one.
const NAMES: [&str; 24] = [
    "age",
    "authorization",
    "cache-control",
    "cdn-cache-control",
    "cache-group-invalidation",
    "cache-groups",
    "content-location",
    "content-range",
    "content-length",
    "connection",
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
    "accept-language",
];

// Two blocks of lines, parted by an empty one, after three bytes: policy, status, time.
fuzz_target!(|bytes: &[u8]| {
    let [which, status, later, text @ ..] = bytes else {
        return;
    };
    let policy = match which % 3 {
        0 => Policy::shared(),
        1 => Policy::private(),
        _ => Policy::chromium(),
    };
    let method = match which / 3 % 3 {
        0 => Method::GET,
        1 => Method::HEAD,
        _ => Method::POST,
    };
    let mut blocks = text.splitn(2, |byte| *byte == 0);
    let asked = fields(blocks.next().unwrap_or_default());
    let answered = fields(blocks.next().unwrap_or_default());
    let status = [200, 206, 301, 304, 404, 410, 500, 503, 299][usize::from(status % 9)];

    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let times = Times {
        request: now,
        response: now,
    };
    let request = RequestHead {
        method: &method,
        target: Target {
            scheme: "http",
            authority: "shop.example",
            path: "/a/b?c",
        },
        headers: &asked,
    };
    let response = ResponseHead {
        status: StatusCode::from_u16(status).expect("they are all there"),
        headers: &answered,
    };
    for invalidation in invalidations(&policy, &request, &response) {
        if let Invalidation::Uri(uri, _) = invalidation {
            assert!(uri.is_of_origin(request.target), "never of another origin");
        }
    }
    storable(&policy, &request, &response, times);
    let Some(stored) = Stored::new(&policy, &request, &response, times) else {
        return;
    };
    let mut conditional = asked.clone();
    validate::make_conditional(&mut conditional, [&stored]);
    validate::answered([&stored], &response, times);
    validate::freshen(&stored, &response, times);
    let soon = now + Duration::from_secs(u64::from(*later));
    look(&policy, &asked, &stored, now, soon);
    let folded = validate::fold_304(&policy, &stored, &asked, &answered, times);
    look(&policy, &asked, &folded, now, soon);
});

fn look(policy: &Policy, asked: &HeaderMap, stored: &Stored, now: SystemTime, soon: SystemTime) {
    let (before, after) = (stored.freshness(now), stored.freshness(soon));
    assert!(before.age <= after.age, "age only grows");
    assert!(
        before.is_fresh() || !after.is_fresh(),
        "what is stale stays so"
    );
    for time in [now, soon] {
        let decision = reuse::reuse(policy, asked, stored, time);
        if let Reuse::Fresh { .. } = decision {
            assert!(stored.freshness(time).is_fresh());
        }
        reuse::on_trouble(policy, asked, stored, Trouble::Unreachable, time);
        answer::condition(asked, stored, time);
        let have = stored.part.map_or(1000, |part| part.length());
        if let part::Portion::Part(range, complete) = part::portion(asked, stored, have, time) {
            assert!(range.start() <= range.end() && *range.end() < complete);
        }
    }
}

fn fields(text: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in text.split(|byte| *byte == b'\n').take(64) {
        let [name, value @ ..] = line else { continue };
        let name = NAMES[usize::from(*name) % NAMES.len()];
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    headers
}
