use http::HeaderName;
use proptest::prelude::*;

use super::*;
use crate::http::testing::{any_value, fields};

#[test]
fn a_lifetime_is_what_a_cache_may_use_without_asking() {
    for (value, expected) in [
        ("max-age=1", true),
        ("public", true),
        ("public, max-age=31536000, immutable", true),
        ("max-age=0", false),
        ("max-age=\"0\"", false),
        ("public, max-age=0, must-revalidate", false),
        ("No-Cache", false),
        ("no-store", false),
        ("no-cache=\"x\"", false),
        ("", false),
    ] {
        assert_eq!(
            ResponseDirectives::parse(value).gives_lifetime(),
            expected,
            "{value}"
        );
    }
}

#[test]
fn a_word_is_a_word_of_its_own() {
    assert!(ResponseDirectives::parse("private,No-Store").no_store);
    assert!(!ResponseDirectives::parse("x-no-store, no-stores").no_store);
    let longest = "stale-while-revalidatex=5, stale-while-revalidatexx=5";
    assert_eq!(
        ResponseDirectives::parse(longest).stale_while_revalidate,
        None
    );
}

#[test]
fn a_lifetime_is_digits_with_or_without_quotes() {
    use Seconds::{Absent, Given, Malformed};
    for (value, expected) in [
        ("max-age=60", Given(DeltaSeconds(60))),
        ("MaX-aGe=60", Given(DeltaSeconds(60))),
        ("max-age=\"60\"", Given(DeltaSeconds(60))),
        ("max-age=0060", Given(DeltaSeconds(60))),
        ("foobar, max-age=60", Given(DeltaSeconds(60))),
        ("max-age=2147483647", Given(DeltaSeconds(2_147_483_647))),
        ("max-age=2147483648", Given(DeltaSeconds::MAX)),
        ("max-age=2147483649", Given(DeltaSeconds::MAX)),
        ("max-age=4294967296", Given(DeltaSeconds::MAX)),
        ("max-age=99999999999999999999999", Given(DeltaSeconds::MAX)),
        ("max-age=-60", Malformed),
        ("max-age=60.0", Malformed),
        ("max-age=a60", Malformed),
        ("max-age=60a", Malformed),
        ("max-age='60'", Malformed),
        ("max-age =60", Malformed),
        ("max-age= 60", Malformed),
        ("max-age=", Malformed),
        ("max-age", Malformed),
        ("max-age=60; no-cache", Malformed),
        ("extension=\"max-age=60\"", Absent),
        ("extension=\"a\\\", max-age=60\"", Absent),
        ("max-ages=60", Absent),
    ] {
        assert_eq!(
            ResponseDirectives::parse(value).max_age,
            expected,
            "{value}"
        );
    }
}

#[test]
fn of_two_the_first_counts() {
    // RFC 9111 §4.2.1
    let first = |value| ResponseDirectives::parse(value).max_age;
    assert_eq!(
        first("max-age=1, max-age=2"),
        Seconds::Given(DeltaSeconds(1))
    );
    assert_eq!(first("max-age=x, max-age=2"), Seconds::Malformed);
    let lines = fields("cache-control: max-age=1\ncache-control: max-age=2");
    let read = ResponseDirectives::of(&Policy::shared(), &lines);
    assert_eq!(read.max_age, Seconds::Given(DeltaSeconds(1)));
}

#[test]
fn fields_narrow_what_forbids() {
    let scope = |value| ResponseDirectives::parse(value).no_cache;
    assert_eq!(scope("no-cache"), Scope::Whole);
    assert_eq!(scope("no-cache=\"a\""), Scope::Fields);
    assert_eq!(scope("no-cache=a"), Scope::Fields);
    assert_eq!(scope("no-cache=\"\""), Scope::Whole);
    assert_eq!(scope("no-cache=\"a\", no-cache"), Scope::Whole);
    assert_eq!(scope("no-cache, no-cache=\"a\""), Scope::Whole);
    assert_eq!(scope("no-cache =x"), Scope::Whole);
}

#[test]
fn a_quote_that_is_never_closed_hides_nothing() {
    let read = ResponseDirectives::parse("max-age=60, x=\"a, no-store");
    assert!(read.no_store);
}

#[test]
fn a_targeted_field_that_is_valid_stands_alone() {
    // RFC 9213 §2.1
    let targeted = |field: &str| {
        let headers = fields(&format!(
            "cache-control: no-store\ncdn-cache-control: {field}"
        ));
        ResponseDirectives::of(&Policy::shared(), &headers)
    };
    for field in [
        "max-age=60",
        "max-age=60, x=(1 2);y",
        "max-age=60;z, no-cache=?0",
        "foo",
    ] {
        let read = targeted(field);
        assert!(read.targeted && !read.no_store, "{field}");
        assert_eq!(read.no_cache, Scope::Nothing, "{field}");
    }
    assert_eq!(
        targeted("max-age=99999999999").max_age,
        Seconds::Given(DeltaSeconds::MAX)
    );
    assert_eq!(targeted("no-cache").no_cache, Scope::Whole);
    assert_eq!(targeted("private").private, Scope::Whole);
    assert_eq!(targeted("private=\"a\"").private, Scope::Fields);
    for field in [
        "",
        " ",
        "max-age=60, &&&&&",
        "max-age=\"60\"",
        "max-age=60.0",
        "max-age=-1",
        "max-age",
        "max-age =60",
        "max-age= 60",
        "MaX-aGe=60",
        "max-age=(60)",
        "max-age=9999999999999999",
    ] {
        let read = targeted(field);
        assert!(!read.targeted && read.no_store, "{field}");
    }
}

#[test]
fn a_private_cache_has_no_targeted_field() {
    let headers = fields("cache-control: max-age=1\ncdn-cache-control: max-age=60");
    let read = ResponseDirectives::of(&Policy::private(), &headers);
    assert_eq!(read.max_age, Seconds::Given(DeltaSeconds(1)));
}

#[test]
fn the_first_target_of_the_list_counts() {
    let mut policy = Policy::shared();
    policy
        .targeted
        .insert(0, HeaderName::from_static("our-cache-control"));
    let read = |text| ResponseDirectives::of(&policy, &fields(text)).max_age;
    let both = "cdn-cache-control: max-age=1\nour-cache-control: max-age=2";
    assert_eq!(read(both), Seconds::Given(DeltaSeconds(2)));
    let one = "cdn-cache-control: max-age=1\nour-cache-control: &";
    assert_eq!(read(one), Seconds::Given(DeltaSeconds(1)));
}

#[test]
fn fields_are_named_for_this_cache_alone() {
    let text = "cache-control: no-cache=\"a, b\", private=\"c\", no-cache=d, x=\"e\"";
    let named = |policy: &Policy, text| {
        let names = named_fields(policy, &fields(text));
        names.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(named(&Policy::shared(), text), ["a", "b", "c", "d"]);
    assert_eq!(named(&Policy::private(), text), ["a", "b", "d"]);
    assert!(named(&Policy::chromium(), text).is_empty());
    let targeted = format!("{text}\ncdn-cache-control: private=\"f\"");
    assert_eq!(named(&Policy::shared(), &targeted), ["f"]);
}

#[test]
fn a_browser_passes_over_what_it_does_not_like() {
    // Measured in Chromium 156.
    let read = |value: &str| {
        ResponseDirectives::of(
            &Policy::chromium(),
            &fields(&format!("cache-control: {value}")),
        )
    };
    assert_eq!(read("max-age=\"60\"").max_age, Seconds::Malformed);
    assert_eq!(read("no-cache=\"x\"").no_cache, Scope::Nothing);
    assert_eq!(read("private=\"x\"").private, Scope::Nothing);
    assert!(!read("no-store=\"x\"").no_store);
    assert!(read("no-store").no_store);
    let pragma = fields("cache-control: max-age=60\npragma: no-cache");
    assert_eq!(
        ResponseDirectives::of(&Policy::chromium(), &pragma).no_cache,
        Scope::Whole
    );
    assert_eq!(
        ResponseDirectives::of(&Policy::private(), &pragma).no_cache,
        Scope::Nothing
    );
}

#[test]
fn a_memory_cache_reads_of_max_age_what_it_can() {
    // Measured in Chromium 156.
    let mut policy = Policy::chromium();
    policy.departures.lifetimes_end_at_junk = true;
    for (value, expected) in [
        ("max-age=60", Some(60)),
        ("max-age=60.5", Some(60)),
        ("max-age=\"60\"", Some(60)),
        ("max-age=60; no-cache", Some(60)),
        ("max-age=0, max-age=60", Some(0)),
        ("max-age=-1", None),
        ("max-age=abc", None),
        ("max-age", None),
    ] {
        let read = ResponseDirectives::of(&policy, &fields(&format!("cache-control: {value}")));
        let seconds = match read.max_age {
            Seconds::Given(DeltaSeconds(seconds)) => Some(seconds),
            Seconds::Absent | Seconds::Malformed => None,
        };
        assert_eq!(seconds, expected, "{value}");
    }
}

#[test]
fn a_request_says_what_it_wants() {
    let read = |text| RequestDirectives::of(&Policy::shared(), &fields(text));
    let seconds = |seconds| Some(DeltaSeconds(seconds));
    assert_eq!(read("cache-control: max-age=5").max_age, seconds(5));
    assert_eq!(read("cache-control: max-age=x").max_age, seconds(0));
    assert_eq!(read("cache-control: min-fresh=5").min_fresh, seconds(5));
    assert_eq!(read("cache-control: min-fresh=x").min_fresh, None);
    assert_eq!(read("cache-control: max-stale=5").max_stale, seconds(5));
    assert_eq!(
        read("cache-control: max-stale").max_stale,
        Some(DeltaSeconds::MAX)
    );
    assert_eq!(read("cache-control: max-stale=x").max_stale, None);
    assert!(read("cache-control: No-Cache").no_cache);
    assert!(read("cache-control: no-store").no_store);
    assert!(read("cache-control: only-if-cached").only_if_cached);
}

#[test]
fn pragma_counts_where_there_is_no_cache_control() {
    let no_cache = |text| RequestDirectives::of(&Policy::shared(), &fields(text)).no_cache;
    assert!(no_cache("pragma: no-cache"));
    assert!(no_cache("pragma: x, No-Cache"));
    assert!(!no_cache("pragma: x"));
    assert!(!no_cache("pragma: no-cache\ncache-control: max-stale=1"));
}

#[test]
fn requests_have_no_say_where_the_policy_gives_them_none() {
    let policy = Policy {
        request_directives: false,
        ..Policy::shared()
    };
    let asked = fields("cache-control: no-cache, only-if-cached, max-age=0");
    assert_eq!(
        RequestDirectives::of(&policy, &asked),
        RequestDirectives::default()
    );
}

proptest! {
    #[test]
    fn no_value_makes_it_panic(value in any_value(), targeted in any_value()) {
        let headers = fields(&format!("cache-control:{value}\ncdn-cache-control:{targeted}"));
        for policy in [Policy::shared(), Policy::private(), Policy::chromium()] {
            ResponseDirectives::of(&policy, &headers).gives_lifetime();
            RequestDirectives::of(&policy, &headers);
            named_fields(&policy, &headers);
        }
    }

    #[test]
    fn what_forbids_is_heard_whatever_stands_before(before in "[ -~&&[^\"\\\\]]{0,20}") {
        let value = format!("{before}, no-store");
        prop_assert!(ResponseDirectives::parse(&value).no_store, "{}", value);
    }
}
