use proptest::prelude::*;

use super::*;
use crate::http::Policy;
use crate::http::testing::{any_value, fields, stored_for};

#[test]
fn a_response_answers_requests_with_the_same_fields() {
    // RFC 9111 §4.1
    check("foo", "foo: 1", "foo: 1\nother: 2", true);
    check("foo", "foo: 1", "foo: 2", false);
    check("foo", "foo: 1", "", false);
    check("foo", "", "foo: 1", false);
    check("foo", "", "", true);
    check("foo", "", "foo:", false);
    check("Foo, bar,, BAZ", "foo: 1\nbaz: 2", "foo: 1\nbaz: 2", true);
    check("foo, bar", "foo: 1\nbar: 2", "bar: 2\nfoo: 3", false);
    check("", "foo: 1", "foo: 2", true);
}

#[test]
fn a_star_or_what_is_no_name_answers_none() {
    for vary in ["*", "*, *", ", *", "*, foo", "foo, *", "a b", "\"foo\""] {
        check(vary, "foo: 1", "foo: 1", false);
    }
    let lines = VaryKey::of(&fields("vary:\nvary: *"), &fields(""));
    assert!(!lines.matches(&fields("")));
}

#[test]
fn lines_and_white_space_make_no_difference() {
    check("foo", "foo: 1, 2", "foo: 1\nfoo: 2", true);
    check("foo", "foo: 1,2", "foo:  1, 2 ", true);
    check("foo", "foo: 1,,2", "foo: 1, 2", true);
    check("foo", "foo: 1 2", "foo: 12", false);
    check("foo", "foo: 1 2", "foo: 1  2", false);
    check("foo", "foo: \"1, 2\"", "foo: \"1,2\"", false);
    check("foo", "foo: A", "foo: a", false);
}

#[test]
fn languages_and_codings_have_no_case_but_an_order() {
    for name in ["accept-language", "accept-encoding", "accept-charset"] {
        let same = |one: &str, other: &str, expected| {
            check(
                name,
                &format!("{name}: {one}"),
                &format!("{name}: {other}"),
                expected,
            );
        };
        same("en, de", "eN, De", true);
        same("en, de", " en ,   de", true);
        same("en;q=0.5", "EN ; Q=0.5", true);
        same("en, de", "de, en", false);
        same("en, de", "fr;q=0.5, de;q=1.0", false);
    }
}

#[test]
fn what_names_a_person_is_compared_byte_by_byte() {
    check("cookie", "cookie: a=1,2", "cookie: a=1, 2", false);
    check("cookie", "cookie: a=1,2", "cookie: a=1,2", true);
    check(
        "authorization",
        "authorization: x A",
        "authorization: x a",
        false,
    );
}

#[test]
fn of_several_that_match_the_latest_is_selected() {
    let one = |asked, date: &str| {
        let answered = format!("cache-control: max-age=60\nvary: foo\n{date}");
        stored_for(&Policy::shared(), asked, 200, &answered)
    };
    let all = [
        one("foo: 1", "date: {-5}"),
        one("foo: 2", "date: {0}"),
        one("foo: 1", "date: {-9}"),
    ];
    let select = |asked| select(all.iter(), &fields(asked));
    assert_eq!(select("foo: 1"), Selected::One(0));
    assert_eq!(select("foo: 2"), Selected::One(1));
    assert_eq!(select("foo: 3"), Selected::NoMatch);
    let asked = fields("foo: 1");
    assert_eq!(super::select([].into_iter(), &asked), Selected::Empty);
}

#[test]
fn a_key_that_was_kept_is_the_same_key() {
    let key = VaryKey::of(&fields("vary: b, a"), &fields("a: 1"));
    let fields = key
        .fields()
        .map(|(name, value)| (name.clone(), value.map(Into::into)));
    assert_eq!(VaryKey::from_fields(fields), key);
}

proptest! {
    #[test]
    fn every_request_matches_itself(value in any_value(), lines in 1..3_usize) {
        for name in ["accept-language", "cookie", "foo"] {
            let request = fields(&format!("{name}:{value}\n").repeat(lines));
            let key = VaryKey::of(&fields(&format!("vary: {name}")), &request);
            prop_assert!(key.matches(&request));
        }
    }

    #[test]
    fn no_vary_makes_it_panic(vary in any_value(), value in any_value()) {
        let request = fields(&format!("foo:{value}"));
        VaryKey::of(&fields(&format!("vary:{vary}")), &request).matches(&request);
    }
}

fn check(vary: &str, first: &str, second: &str, expected: bool) {
    let key = VaryKey::of(&fields(&format!("vary: {vary}")), &fields(first));
    assert_eq!(
        key.matches(&fields(second)),
        expected,
        "{vary}\n{first}\n{second}"
    );
}
