use proptest::prelude::*;

use super::*;
use crate::http::testing::{after, any_value, fields, stored, stored_for, times};

#[test]
fn a_request_is_made_conditional_by_all_that_is_known() {
    // RFC 9111 §4.3.1
    asks(&["etag: \"a\""], "", "if-none-match: \"a\"");
    asks(&["etag: W/\"a\""], "", "if-none-match: W/\"a\"");
    asks(&["last-modified: {-9}"], "", "if-modified-since: {-9}");
    asks(
        &["etag: \"a\"\nlast-modified: {-9}"],
        "",
        "if-none-match: \"a\"\nif-modified-since: {-9}",
    );
    asks(
        &["etag: \"a\"\nlast-modified: {-9}", "", "etag: \"b\""],
        "",
        "if-none-match: \"a\", \"b\"",
    );
    asks(&["last-modified: {-9}", "last-modified: {-8}"], "", "");
    asks(&["etag: a\nlast-modified: x"], "", "");
    asks(&[], "", "");
}

#[test]
fn a_browser_sends_validators_as_they_stand() {
    // Measured in Chromium 156.
    let both = "etag: \"a\"\nlast-modified: {-9}";
    for (status, answered, matches, expected) in [
        (
            200,
            both,
            true,
            "if-none-match: \"a\"\nif-modified-since: {-9}",
        ),
        (200, both, false, "if-none-match: \"a\""),
        (200, "last-modified: {-9}", false, ""),
        (200, "etag: abc", true, "if-none-match: abc"),
        (
            200,
            "last-modified: yesterday",
            true,
            "if-modified-since: yesterday",
        ),
        (200, "etag:", true, ""),
        (203, both, true, ""),
        (404, both, true, ""),
    ] {
        let stored = stored_for(&Policy::chromium(), "", status, answered);
        let mut request = fields("if-none-match: \"x\"\nrange: bytes=0-1");
        let conditional = make_conditional_literally(&mut request, &stored, matches);
        assert_eq!(request, fields(expected), "{status} {answered}");
        assert_eq!(conditional, !expected.is_empty(), "{status} {answered}");
    }
}

#[test]
fn the_clients_conditions_and_range_stay_here() {
    let asked = "a: 1\nif-none-match: \"x\"\nif-modified-since: {0}\nif-match: \"x\"\n\
                 if-unmodified-since: {0}\nrange: bytes=0-1\nif-range: \"x\"";
    asks(&["etag: \"a\""], asked, "a: 1\nif-none-match: \"a\"");
    asks(&[], asked, "a: 1");
}

#[test]
fn a_304_is_about_what_it_names() {
    // §4.3.4
    let tags = ["etag: \"a\"", "etag: \"b\"", "etag: \"b\"\ndate: {-5}"];
    means(&tags, 304, "etag: \"a\"", Answered::Current(0));
    means(&tags, 304, "etag: \"b\"", Answered::Current(1));
    means(&tags, 304, "etag: W/\"b\"", Answered::Current(1));
    means(&tags, 304, "etag: \"c\"", Answered::Elsewhere);
    means(&tags, 304, "", Answered::Elsewhere);
    means(&tags[..1], 304, "", Answered::Current(0));
    means(
        &["last-modified: {-9}"],
        304,
        "last-modified: {-9}",
        Answered::Current(0),
    );
    means(
        &["last-modified: {-9}"],
        304,
        "last-modified: {-8}",
        Answered::Elsewhere,
    );
    means(
        &["last-modified: {-9}"],
        304,
        "etag: \"a\"",
        Answered::Elsewhere,
    );
}

#[test]
fn any_other_answer_is_an_answer_or_trouble() {
    // §4.3.3
    let one = ["etag: \"a\""];
    for status in [200, 204, 301, 404, 410] {
        means(&one, status, "", Answered::Replaced);
    }
    for status in [500, 503, 599] {
        means(&one, status, "", Answered::Trouble);
    }
}

#[test]
fn a_304_updates_all_fields_but_those_of_the_content() {
    // §3.2
    folds("x: 1", "x: 2\nx: 3", "x: 2\nx: 3");
    folds("x: 1", "", "x: 1");
    folds("content-type: a", "content-type: b", "content-type: b");
    folds(
        "content-length: 1",
        "content-length: 2",
        "content-length: 1",
    );
    folds(
        "content-encoding: gzip",
        "content-encoding: br",
        "content-encoding: gzip",
    );
    folds("x: 1", "connection: x\nx: 2\nte: a", "x: 1");
    folds("age: 50", "x: 1", "x: 1");
    folds("age: 50", "age: 5", "age: 5");
}

#[test]
fn a_304_brings_no_ones_cookie_into_a_shared_cache() {
    folds("x: 1", "set-cookie: a=1", "x: 1");
    folds(
        "cache-control: public",
        "set-cookie: a=1",
        "cache-control: public\nset-cookie: a=1",
    );
    let stored = stored(&Policy::private(), "x: 1");
    let new = fold_304(
        &Policy::private(),
        &stored,
        &fields(""),
        &fields("set-cookie: a=1"),
        times(),
    );
    assert!(new.headers.contains_key(SET_COOKIE));
}

#[test]
fn a_304_makes_it_fresh_again() {
    let policy = Policy::shared();
    let old = stored(&policy, "cache-control: max-age=10\nage: 5\ndate: {-5}");
    let later = Times {
        request: after(60),
        response: after(60),
    };
    let new = fold_304(&policy, &old, &fields(""), &fields("x: 1"), later);
    assert!(!old.freshness(after(60)).is_fresh());
    assert_eq!(new.freshness(after(60)).age.as_secs(), 0);
    assert!(new.freshness(after(69)).is_fresh() && !new.freshness(after(70)).is_fresh());
}

#[test]
fn a_304_may_change_which_requests_it_answers() {
    let policy = Policy::shared();
    let old = stored_for(&policy, "a: 1", 200, "vary: a");
    let asked = fields("a: 1\nb: 2");
    let new = fold_304(&policy, &old, &asked, &fields("vary: a, b"), times());
    assert!(new.vary.matches(&asked) && !new.vary.matches(&fields("a: 1")));
    let same = fold_304(&policy, &old, &asked, &fields("vary: a"), times());
    assert_eq!(same.vary, old.vary);
}

#[test]
fn a_head_freshens_what_it_agrees_with() {
    // §4.3.5
    let stored = "etag: \"a\"\nlast-modified: {-9}\ncontent-length: 5";
    head(
        stored,
        200,
        "etag: \"a\"\nlast-modified: {-9}\ncontent-length: 5",
        Freshening::Current,
    );
    head(stored, 200, "x: 1", Freshening::Current);
    head("x: 1", 200, "etag: \"a\"", Freshening::Current);
    head(stored, 200, "etag: \"b\"", Freshening::Outdated);
    head(stored, 200, "last-modified: {-8}", Freshening::Outdated);
    head(stored, 200, "content-length: 6", Freshening::Outdated);
    head(stored, 410, "etag: \"a\"", Freshening::Nothing);
}

proptest! {
    #[test]
    fn no_fields_make_it_panic(one in any_value(), other in any_value()) {
        let old = stored(&Policy::shared(), &format!("etag:{one}\nvary:{other}\ncache-control:{one}"));
        let new = fields(&format!("etag:{other}\nvary:{one}\ncache-control:{other}"));
        make_conditional(&mut fields(""), [&old]);
        let response = ResponseHead { status: StatusCode::NOT_MODIFIED, headers: &new };
        answered([&old], &response, times());
        fold_304(&Policy::shared(), &old, &new, &new, times());
    }
}

fn asks(answers: &[&str], asked: &str, expected: &str) {
    let all: Vec<_> = answers
        .iter()
        .map(|text| stored(&Policy::shared(), text))
        .collect();
    let mut request = fields(asked);
    let conditional = make_conditional(&mut request, &all);
    assert_eq!(request, fields(expected), "{answers:?}");
    assert_eq!(conditional, expected.contains("if-"), "{answers:?}");
}

fn means(answers: &[&str], status: u16, answered_with: &str, expected: Answered) {
    let all: Vec<_> = answers
        .iter()
        .map(|text| stored(&Policy::shared(), text))
        .collect();
    let headers = fields(answered_with);
    let response = ResponseHead {
        status: StatusCode::from_u16(status).unwrap(),
        headers: &headers,
    };
    assert_eq!(
        answered(&all, &response, times()),
        expected,
        "{status} {answered_with}"
    );
}

fn folds(old: &str, new: &str, expected: &str) {
    let policy = Policy::shared();
    let stored = stored(&policy, old);
    let mut folded = fold_304(&policy, &stored, &fields(""), &fields(new), times()).headers;
    folded.remove(http::header::DATE);
    assert_eq!(folded, fields(expected), "{old} and {new}");
}

fn head(old: &str, status: u16, new: &str, expected: Freshening) {
    let headers = fields(new);
    let response = ResponseHead {
        status: StatusCode::from_u16(status).unwrap(),
        headers: &headers,
    };
    let stored = stored(&Policy::shared(), old);
    assert_eq!(freshen(&stored, &response, times()), expected, "{new}");
}
