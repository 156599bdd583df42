//! Heads from text, for the tests of all modules. It is [`NOW`] unless a test says otherwise.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::{Policy, RequestHead, ResponseHead, Stored, Target, Times};

/// Seconds since 1970 of the moment when responses of tests come.
pub(super) const NOW: u64 = 1_800_000_000;

pub(super) const TARGET: Target<'static> = Target {
    scheme: "http",
    authority: "example.com",
    path: "/a/b?c=d",
};

/// Fields from lines `name: value`; a value `{-60}` is the date of a minute before [`NOW`].
pub(super) fn fields(text: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (name, value) = line.trim().split_once(':').expect(line);
        let value = value.trim();
        let offset = value
            .strip_prefix('{')
            .and_then(|value| value.strip_suffix('}'));
        let value = match offset.and_then(|offset| offset.parse().ok()) {
            Some(offset) => date(offset),
            None => value.to_owned(),
        };
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    headers
}

/// The date of so many seconds after [`NOW`].
pub(super) fn date(offset: i64) -> String {
    httpdate::fmt_http_date(after(offset))
}

/// So many seconds after [`NOW`].
pub(super) fn after(offset: i64) -> SystemTime {
    let second = NOW.checked_add_signed(offset).unwrap();
    UNIX_EPOCH + Duration::from_secs(second)
}

/// An exchange that took no time.
pub(super) fn times() -> Times {
    Times {
        request: after(0),
        response: after(0),
    }
}

pub(super) fn request<'a>(method: &'a Method, headers: &'a HeaderMap) -> RequestHead<'a> {
    RequestHead {
        method,
        target: TARGET,
        headers,
    }
}

/// What is stored of a response with this status and these fields to a GET with those.
pub(super) fn stored_for(policy: &Policy, asked: &str, status: u16, answered: &str) -> Stored {
    let (asked, answered) = (fields(asked), fields(answered));
    let response = ResponseHead {
        status: StatusCode::from_u16(status).unwrap(),
        headers: &answered,
    };
    Stored::new(policy, &request(&Method::GET, &asked), &response, times()).unwrap()
}

pub(super) fn stored(policy: &Policy, answered: &str) -> Stored {
    stored_for(policy, "", 200, answered)
}

/// Any bytes that a field value may have.
pub(super) fn any_value() -> impl proptest::strategy::Strategy<Value = String> {
    "[ -~]{0,40}"
}
