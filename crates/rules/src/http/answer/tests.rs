use super::*;
use crate::http::Policy;
use crate::http::precondition::{Met, Same};
use crate::http::testing::{after, fields, stored_for};

#[test]
fn the_clients_own_conditions_are_answered_from_the_store() {
    // RFC 9111 §4.3.2
    let tagged = "etag: \"a\"\nlast-modified: {-50}";
    let same = |same| Verdict::NotModified(same);
    check(200, tagged, "if-none-match: \"a\"", same(Same::EntityTag));
    check(
        200,
        tagged,
        "if-none-match: W/\"a\", \"b\"",
        same(Same::EntityTag),
    );
    check(
        200,
        tagged,
        "if-none-match: \"b\"\nif-modified-since: {0}",
        Verdict::Proceed(Met::Modified),
    );
    check(
        200,
        tagged,
        "if-none-match: \"a\"\nif-modified-since: {-90}",
        same(Same::EntityTag),
    );
    check(200, tagged, "if-modified-since: {-50}", same(Same::Date));
    check(
        200,
        tagged,
        "if-modified-since: {-51}",
        Verdict::Proceed(Met::Modified),
    );
    check(
        200,
        "x: 1",
        "if-modified-since: {-50}",
        Verdict::Proceed(Met::Unconditional),
    );
    check(
        404,
        tagged,
        "if-none-match: \"a\"",
        Verdict::Proceed(Met::Unconditional),
    );
}

#[test]
fn conditions_of_writes_are_the_origins_business() {
    let none = Verdict::Proceed(Met::Unconditional);
    check(200, "etag: \"a\"", "if-match: \"b\"", none);
    check(
        200,
        "last-modified: {-50}",
        "if-unmodified-since: {-90}",
        none,
    );
}

#[test]
fn a_304_has_the_fields_of_the_200_that_the_rfc_lists() {
    // RFC 9110 §15.4.5
    let headers = fields(
        "age: 5\ncache-control: a\ncache-control: b\ncontent-location: /\ndate: d\netag: e\nexpires: x\n\
         vary: v\ncontent-type: t\ncontent-length: 5\nlast-modified: l\nset-cookie: c",
    );
    let expected = "age: 5\ncache-control: a\ncache-control: b\ncontent-location: /\ndate: d\netag: e\n\
                    expires: x\nvary: v";
    assert_eq!(of_304(&headers), fields(expected));
    assert_eq!(
        of_304(&fields("last-modified: l\nx: 1")),
        fields("last-modified: l")
    );
}

#[test]
fn age_replaces_what_came() {
    for (age, expected) in [
        (0, "age: 0"),
        (59, "age: 59"),
        (u64::MAX, "age: 2147483648"),
    ] {
        let mut headers = fields("age: 5\nage: 6");
        set_age(&mut headers, Duration::from_secs(age));
        assert_eq!(headers, fields(expected));
    }
}

fn check(status: u16, answered: &str, asked: &str, expected: Verdict) {
    let stored = stored_for(&Policy::shared(), "", status, answered);
    assert_eq!(
        condition(&fields(asked), &stored, after(5)),
        expected,
        "{asked}"
    );
}
