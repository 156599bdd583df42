use proptest::prelude::*;

use super::*;
use crate::http::Policy;
use crate::http::testing::{after, fields, stored, stored_for};

#[test]
fn a_content_range_says_which_bytes_it_is() {
    // RFC 9110 §14.4
    let range = |first, last, complete| {
        Some(ContentRange {
            first,
            last,
            complete,
        })
    };
    read("bytes 0-4/10", range(0, 4, Some(10)));
    read("bytes 9-9/10", range(9, 9, Some(10)));
    read("Bytes 0-4/*", range(0, 4, None));
    for value in [
        "bytes 5-4/10",
        "bytes 0-10/10",
        "bytes */10",
        "bytes 0-/10",
        "bytes -4/10",
        "bytes=0-4/10",
        "bytes 0-4",
        "bytes 0-4/",
        "bytes +0-4/10",
        "lines 0-4/10",
        "bytes 0-99999999999999999999/*",
        "",
    ] {
        read(value, None);
    }
    let twice = [b"bytes 0-4/10".as_slice(), b"bytes 0-4/10"];
    assert_eq!(ContentRange::read(twice.into_iter()), None);
}

#[test]
fn a_range_is_cut_from_a_whole() {
    let whole = |asked, expected| check(200, "etag: \"a\"", asked, expected);
    whole("range: bytes=0-1", Portion::Part(0..=1, 10));
    whole("range: bytes=8-", Portion::Part(8..=9, 10));
    whole("range: bytes=-1", Portion::Part(9..=9, 10));
    whole("range: bytes=10-", Portion::Unsatisfiable(10));
    whole(
        "range: bytes=0-1,3-4",
        Portion::Parts(vec![0..=1, 3..=4], 10),
    );
    whole(
        "range: bytes=0-1,3-4\nif-range: \"a\"",
        Portion::Parts(vec![0..=1, 3..=4], 10),
    );
    whole("range: bytes=0-1,3-4\nif-range: \"b\"", Portion::Whole);
    whole("range: bytes=0-8,1-9", Portion::Whole);
    whole("range: lines=0-1", Portion::Whole);
    whole("", Portion::Whole);
    whole(
        "range: bytes=0-1\nif-range: \"a\"",
        Portion::Part(0..=1, 10),
    );
    whole("range: bytes=0-1\nif-range: \"b\"", Portion::Whole);
    check(404, "etag: \"a\"", "range: bytes=0-1", Portion::Whole);
}

#[test]
fn a_part_answers_what_lies_within() {
    let part = |asked, expected| {
        check(
            206,
            "etag: \"a\"\ncontent-range: bytes 2-5/10",
            asked,
            expected,
        );
    };
    part("range: bytes=2-5", Portion::Part(2..=5, 10));
    part("range: bytes=3-3", Portion::Part(3..=3, 10));
    part("range: bytes=1-5", Portion::Lacks);
    part("range: bytes=2-6", Portion::Lacks);
    part("range: bytes=2-", Portion::Lacks);
    part("range: bytes=-5", Portion::Lacks);
    part("range: bytes=10-", Portion::Unsatisfiable(10));
    part("range: bytes=2-3,4-5", Portion::Lacks);
    part("", Portion::Lacks);
    part("range: bytes=3-3\nif-range: \"b\"", Portion::Lacks);
    check(
        206,
        "content-range: bytes 6-9/10",
        "range: bytes=-4",
        Portion::Part(6..=9, 10),
    );
    check(
        206,
        "content-range: bytes 2-5/*",
        "range: bytes=2-5",
        Portion::Lacks,
    );
}

#[test]
fn parts_are_combined_by_a_strong_validator_alone() {
    // RFC 9111 §3.4
    let range = |first, last| ContentRange {
        first,
        last,
        complete: Some(10),
    };
    let joined = |first, last| Combined::Joined(range(first, last));
    let apart = Combined::Apart;
    let a = "\"a\"";
    joins(range(0, 4), a, range(5, 9), a, joined(0, 9));
    joins(range(5, 9), a, range(0, 4), a, joined(0, 9));
    joins(range(0, 6), a, range(5, 9), a, joined(0, 9));
    joins(range(0, 9), a, range(5, 6), a, joined(0, 9));
    joins(range(0, 4), a, range(6, 9), a, apart(Apart::Gap));
    joins(
        range(0, 4),
        a,
        range(5, 9),
        "\"b\"",
        apart(Apart::NotTheSame),
    );
    joins(
        range(0, 4),
        "W/\"a\"",
        range(5, 9),
        "W/\"a\"",
        apart(Apart::NotTheSame),
    );
    joins(range(0, 4), "", range(5, 9), "", apart(Apart::NotTheSame));
    let other = ContentRange {
        first: 5,
        last: 9,
        complete: Some(11),
    };
    joins(range(0, 4), a, other, a, apart(Apart::Length));
    let open = |first, last| ContentRange {
        first,
        last,
        complete: None,
    };
    joins(open(0, 4), a, range(5, 9), a, joined(0, 9));
    joins(open(5, 10), a, range(0, 4), a, apart(Apart::Length));
}

proptest! {
    #[test]
    fn a_joined_part_is_as_long_as_both_without_what_they_share(
        a in 0_u64..50, b in 0_u64..50, c in 0_u64..50, d in 0_u64..50,
    ) {
        let tag = Validators { etag: EntityTag::parse(b"\"a\"").map(|(tag, _)| tag), last_modified: None };
        let range = |one: u64, two: u64| ContentRange { first: one.min(two), last: one.max(two), complete: Some(50) };
        let (one, two) = (range(a, b), range(c, d));
        let within = |at| (one.first..=one.last).contains(&at) || (two.first..=two.last).contains(&at);
        match combine((one, &tag), (two, &tag)) {
            Combined::Joined(all) => {
                prop_assert!((0..50).all(|at| within(at) == (all.first..=all.last).contains(&at)));
                prop_assert_eq!(all.is_whole(), all.length() == 50);
            }
            Combined::Apart(why) => prop_assert_eq!(why, Apart::Gap),
        }
    }

    #[test]
    fn no_value_makes_it_panic(value in proptest::collection::vec(any::<u8>(), 0..40)) {
        if let Some(range) = ContentRange::read([&*value].into_iter()) {
            prop_assert!(range.length() > 0);
        }
    }
}

fn read(value: &str, expected: Option<ContentRange>) {
    assert_eq!(
        ContentRange::read([value.as_bytes()].into_iter()),
        expected,
        "{value}"
    );
}

fn check(status: u16, answered: &str, asked: &str, expected: Portion) {
    let stored = stored_for(&Policy::shared(), "", status, answered);
    assert_eq!(
        portion(&fields(asked), &stored, 10, after(5)),
        expected,
        "{asked}"
    );
}

fn joins(old: ContentRange, old_tag: &str, new: ContentRange, new_tag: &str, expected: Combined) {
    let [old_tag, new_tag] = [old_tag, new_tag].map(|tag| Validators {
        etag: EntityTag::parse(tag.as_bytes()).map(|(tag, _)| tag),
        last_modified: None,
    });
    assert_eq!(combine((old, &old_tag), (new, &new_tag)), expected);
}

#[test]
fn the_rest_is_of_the_same_state_only_by_a_strong_tag() {
    let going_on = |status: u16, answered: &str| {
        let stored = stored(&Policy::shared(), "etag: \"1\"");
        let headers = fields(answered);
        let response = ResponseHead {
            status: StatusCode::from_u16(status).unwrap(),
            headers: &headers,
        };
        goes_on(&response, &stored.validators, 4, after(0))
    };
    let part = "etag: \"1\"\ncontent-range: bytes 4-9/10";
    assert_eq!(going_on(206, part), Some(0));
    assert_eq!(going_on(200, "etag: \"1\""), Some(4));
    assert_eq!(going_on(200, "etag: \"2\""), None);
    assert_eq!(going_on(200, "etag: W/\"1\""), None);
    assert_eq!(going_on(200, ""), None);
    assert_eq!(
        going_on(206, "etag: \"1\"\ncontent-range: bytes 5-9/10"),
        None
    );
    assert_eq!(
        going_on(206, "etag: \"1\"\ncontent-range: bytes 4-8/10"),
        None
    );
    assert_eq!(going_on(416, part), None);
    let can = |fields| can_go_on(&stored(&Policy::shared(), fields));
    assert!(can("etag: \"1\""));
    assert!(!can("etag: W/\"1\"") && !can("last-modified: {-1000}"));
}
