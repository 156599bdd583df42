//! The resource of these tests has the tag `"a"` and changed at second 1000; it is second 2000.

use super::*;

const MODIFIED: u64 = 1000;
const NOW: u64 = 2000;

#[test]
fn without_a_condition_a_request_is_carried_out() {
    check("", Verdict::Proceed(Met::Unconditional));
    check("range: bytes=0-1", Verdict::Proceed(Met::Unconditional));
}

#[test]
fn if_match_holds_for_the_same_bytes_only() {
    check(r#"if-match: "a""#, Verdict::Proceed(Met::AsSupposed));
    check(r#"if-match: "b", "a""#, Verdict::Proceed(Met::AsSupposed));
    check("if-match: *", Verdict::Proceed(Met::AsSupposed));
    let failed = Verdict::PreconditionFailed(Differs::IfMatch);
    check(r#"if-match: "b""#, failed);
    check(r#"if-match: W/"a""#, failed);
    check("if-match: a", failed);
    check("if-match: ", failed);
}

#[test]
fn if_unmodified_since_holds_up_to_the_very_second_of_the_change() {
    check(
        &dated("if-unmodified-since", 1000),
        Verdict::Proceed(Met::AsSupposed),
    );
    check(
        &dated("if-unmodified-since", 999),
        Verdict::PreconditionFailed(Differs::IfUnmodifiedSince),
    );
    check(
        "if-unmodified-since: yesterday",
        Verdict::Proceed(Met::Unconditional),
    );
}

#[test]
fn if_match_goes_before_if_unmodified_since() {
    let late = dated("if-unmodified-since", 999);
    check(
        &format!("if-match: \"a\"\n{late}"),
        Verdict::Proceed(Met::AsSupposed),
    );
}

#[test]
fn if_none_match_compares_weakly() {
    check(
        r#"if-none-match: "a""#,
        Verdict::NotModified(Same::EntityTag),
    );
    check(
        r#"if-none-match: W/"a""#,
        Verdict::NotModified(Same::EntityTag),
    );
    check(
        r#"if-none-match: "x,y", W/"z" , "a""#,
        Verdict::NotModified(Same::EntityTag),
    );
    check(
        "if-none-match: \"x\"\nif-none-match: \"a\"",
        Verdict::NotModified(Same::EntityTag),
    );
    check("if-none-match: *", Verdict::NotModified(Same::Any));
    check(r#"if-none-match: "b""#, Verdict::Proceed(Met::Modified));
    check(r#"if-none-match: "A""#, Verdict::Proceed(Met::Modified));
    check("if-none-match: a", Verdict::Proceed(Met::Modified));
}

#[test]
fn a_write_with_the_current_tag_is_refused() {
    let conditions = read(r#"if-none-match: "a""#);
    let verdict = conditions.evaluate(&current(), Access::Write, at(NOW));
    assert_eq!(verdict, Verdict::PreconditionFailed(Differs::IfNoneMatch));
}

#[test]
fn if_modified_since_is_met_from_the_second_after_it() {
    check(
        &dated("if-modified-since", 999),
        Verdict::Proceed(Met::Modified),
    );
    check(
        &dated("if-modified-since", 1000),
        Verdict::NotModified(Same::Date),
    );
    check(
        &dated("if-modified-since", 1001),
        Verdict::NotModified(Same::Date),
    );
    check("if-modified-since: 0", Verdict::Proceed(Met::Unconditional));
}

#[test]
fn a_tag_that_differs_goes_before_a_date_that_agrees() {
    let date = dated("if-modified-since", 1500);
    check(
        &format!("if-none-match: \"b\"\n{date}"),
        Verdict::Proceed(Met::Modified),
    );
}

#[test]
fn two_dates_are_no_date() {
    let date = dated("if-modified-since", 1500);
    check(
        &format!("{date}\n{date}"),
        Verdict::Proceed(Met::Unconditional),
    );
}

#[test]
fn a_date_is_no_validator_before_its_second_is_over() {
    let conditions = read(&dated("if-modified-since", MODIFIED));
    for (now, verdict) in [
        (MODIFIED, Verdict::Proceed(Met::TooRecent)),
        (MODIFIED + 1, Verdict::NotModified(Same::Date)),
    ] {
        assert_eq!(
            conditions.evaluate(&current(), Access::Read, at(now)),
            verdict,
            "{now}"
        );
    }
}

#[test]
fn a_date_that_the_resource_does_not_have_is_not_compared() {
    let conditions = read(&dated("if-modified-since", 1500));
    let dateless = Validators {
        last_modified: None,
        ..current()
    };
    assert_eq!(
        conditions.evaluate(&dateless, Access::Read, at(NOW)),
        Verdict::Proceed(Met::Unconditional)
    );
}

#[test]
fn a_part_is_sent_only_of_the_very_state_that_the_client_has() {
    let exact = httpdate::fmt_http_date(at(MODIFIED));
    let later = httpdate::fmt_http_date(at(MODIFIED + 1));
    for (value, now, expected) in [
        (r#""a""#, NOW, IfRange::Part),
        (r#"W/"a""#, NOW, IfRange::Whole),
        (r#""b""#, NOW, IfRange::Whole),
        (r#""a", "b""#, NOW, IfRange::Whole),
        ("a", NOW, IfRange::Whole),
        ("", NOW, IfRange::Whole),
        (&exact, NOW, IfRange::Part),
        (&exact, MODIFIED + 1, IfRange::Part),
        (&exact, MODIFIED, IfRange::Whole),
        (&later, NOW, IfRange::Whole),
    ] {
        let decided = if_range([value.as_bytes()].into_iter(), &current(), at(now));
        assert_eq!(decided, expected, "{value} at {now}");
    }
    assert_eq!(
        if_range(std::iter::empty(), &current(), at(NOW)),
        IfRange::Part
    );
}

#[test]
fn dates_that_a_field_cannot_write_are_left_out() {
    assert_eq!(
        http_date(UNIX_EPOCH).as_deref(),
        Some("Thu, 01 Jan 1970 00:00:00 GMT")
    );
    assert_eq!(http_date(UNIX_EPOCH - Duration::from_nanos(1)), None);
    let last = UNIX_EPOCH + DATE_END - Duration::from_secs(1);
    assert_eq!(
        http_date(last).as_deref(),
        Some("Fri, 31 Dec 9999 23:59:59 GMT")
    );
    assert_eq!(http_date(UNIX_EPOCH + DATE_END), None);
}

proptest::proptest! {
    #[test]
    fn no_field_value_is_too_strange(fields in proptest::collection::vec(
        proptest::collection::vec(proptest::num::u8::ANY, 0..40), 0..4,
    )) {
        let lines = || fields.iter().map(Vec::as_slice);
        let conditions = Conditions::read(at(NOW), |_| lines());
        conditions.evaluate(&current(), Access::Read, at(NOW));
        if_range(lines(), &current(), at(NOW));
    }
}

fn check(fields: &str, expected: Verdict) {
    let verdict = read(fields).evaluate(&current(), Access::Read, at(NOW));
    assert_eq!(verdict, expected, "{fields}");
}

fn read(fields: &str) -> Conditions {
    Conditions::read(at(NOW), |name| {
        fields.lines().filter_map(move |line| {
            let (field, value) = line.split_once(": ")?;
            (field == name).then_some(value.as_bytes())
        })
    })
}

fn current() -> Validators {
    let etag = EntityTag::new(crate::http::Strength::Strong, "a");
    Validators {
        etag,
        last_modified: Some(at(MODIFIED) + Duration::from_millis(999)),
    }
}

fn dated(field: &str, second: u64) -> String {
    format!("{field}: {}", httpdate::fmt_http_date(at(second)))
}

fn at(second: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(second)
}
