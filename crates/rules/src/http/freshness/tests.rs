use proptest::prelude::*;

use super::*;
use crate::http::testing::{after, any_value, fields, stored, stored_for};

#[test]
fn the_first_rule_that_applies_gives_the_lifetime() {
    use LifetimeRule::{Expires, MaxAge, SMaxage, Targeted};
    let both = "cache-control: max-age=60, s-maxage=30\nexpires: {10}\ndate: {0}";
    check(&Policy::shared(), both, 30, SMaxage);
    check(&Policy::private(), both, 60, MaxAge);
    let targeted = format!("{both}\ncdn-cache-control: max-age=5");
    check(&Policy::shared(), &targeted, 5, Targeted);
    check(&Policy::private(), &targeted, 60, MaxAge);
    check(&Policy::shared(), "expires: {10}\ndate: {0}", 10, Expires);
    check(&Policy::shared(), "expires: {10}\ndate: {4}", 6, Expires);
    check(&Policy::shared(), "expires: {10}\ndate: foo", 10, Expires);
    check(&Policy::shared(), "expires: {10}", 10, Expires);
    check(&Policy::shared(), "expires: {-10}\ndate: {0}", 0, Expires);
    check(&Policy::shared(), "expires: {300}\ndate: {400}", 0, Expires);
}

#[test]
fn what_was_meant_and_cannot_be_read_is_stale() {
    for text in [
        "cache-control: max-age=x\nexpires: {100}",
        "cache-control: max-age=-1\nlast-modified: {-1000}",
        "expires: 0\nlast-modified: {-1000}",
        "expires: {10}\nexpires: {10}",
    ] {
        check(&Policy::shared(), text, 0, LifetimeRule::Malformed);
    }
    let s_maxage = "cache-control: s-maxage=x, max-age=60";
    check(&Policy::shared(), s_maxage, 0, LifetimeRule::Malformed);
    check(&Policy::private(), s_maxage, 60, LifetimeRule::MaxAge);
}

#[test]
fn a_targeted_field_without_lifetime_leaves_heuristics() {
    let text = "cdn-cache-control: public\ncache-control: max-age=60\nexpires: {60}\ndate: {0}";
    check(&Policy::shared(), text, 0, LifetimeRule::Nothing);
    let modified = format!("{text}\nlast-modified: {{-1000}}");
    check(&Policy::shared(), &modified, 100, LifetimeRule::Heuristic);
}

#[test]
fn heuristics_take_a_tenth_of_what_it_stayed_the_same() {
    // §4.2.2
    let check = |text, seconds, rule| check(&Policy::shared(), text, seconds, rule);
    check(
        "last-modified: {-1000}\ndate: {0}",
        100,
        LifetimeRule::Heuristic,
    );
    check("last-modified: {-1000}", 100, LifetimeRule::Heuristic);
    check("last-modified: {-863999}", 86_399, LifetimeRule::Heuristic);
    check("last-modified: {-900000}", 86_400, LifetimeRule::Heuristic);
    check("last-modified: {10}\ndate: {0}", 0, LifetimeRule::Nothing);
    check(
        "last-modified: {-1000}\npragma: no-cache",
        0,
        LifetimeRule::Nothing,
    );
    check("", 0, LifetimeRule::Nothing);
}

#[test]
fn heuristics_are_for_the_statuses_that_allow_them() {
    // RFC 9110 §15.1
    for status in [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501] {
        let stored = stored_for(&Policy::shared(), "", status, "last-modified: {-1000}");
        assert_eq!(stored.lifetime.by, LifetimeRule::Heuristic, "{status}");
    }
    for status in [201, 202, 302, 303, 307, 400, 403, 500, 502, 503, 504, 599] {
        let text = "last-modified: {-1000}";
        let stored = stored_for(&Policy::shared(), "", status, text);
        assert_eq!(stored.lifetime.by, LifetimeRule::Nothing, "{status}");
        let text = "last-modified: {-1000}\ncache-control: public";
        let stored = stored_for(&Policy::shared(), "", status, text);
        assert_eq!(stored.lifetime.by, LifetimeRule::Heuristic, "{status}");
    }
}

#[test]
fn a_browser_reads_lifetimes_in_its_own_way() {
    // Measured in Chromium 156.
    let check = |text, seconds, rule| check(&Policy::chromium(), text, seconds, rule);
    check(
        "cache-control: max-age=60.5\nlast-modified: {-1000}",
        100,
        LifetimeRule::Heuristic,
    );
    check(
        "expires: -1\nlast-modified: {-1000}",
        100,
        LifetimeRule::Heuristic,
    );
    // But what is `0` is stale everywhere.
    check(
        "expires: 0\nlast-modified: {-1000}",
        0,
        LifetimeRule::Malformed,
    );
    check(
        "last-modified: {-1000}\ncache-control: must-revalidate",
        0,
        LifetimeRule::Nothing,
    );
    let by = |status, text| {
        stored_for(&Policy::chromium(), "", status, text)
            .lifetime
            .by
    };
    assert_eq!(by(301, ""), LifetimeRule::Permanent);
    assert_eq!(by(404, "last-modified: {-1000}"), LifetimeRule::Nothing);
    assert_eq!(by(203, "last-modified: {-1000}"), LifetimeRule::Heuristic);
}

#[test]
fn a_cache_that_trusts_its_own_clock_holds_expires_against_it() {
    let mut policy = Policy::private();
    for (own_clock_rules, expires, age) in [(false, 160, 100), (true, 60, 0)] {
        policy.departures.own_clock_rules = own_clock_rules;
        let date = "date: {-100}";
        let stored = |text: &str| stored(&policy, &format!("{date}\n{text}"));
        let by_expires = stored("expires: {60}");
        assert_eq!(by_expires.lifetime.duration, Duration::from_secs(expires));
        assert_eq!(by_expires.initial_age, Duration::from_secs(age));
        let by_max_age = stored("cache-control: max-age=60");
        assert_eq!(by_max_age.lifetime.duration, Duration::from_secs(60));
    }
}

#[test]
fn age_is_the_largest_that_is_known() {
    // §4.2.3
    let age = |text: &str, delay: i64, later: i64| {
        let mut stored = stored(&Policy::shared(), text);
        let times = Times {
            request: after(-delay),
            response: after(0),
        };
        let vary = stored.vary.clone();
        stored = super::super::Stored::with(
            &Policy::shared(),
            stored.status,
            stored.headers,
            times,
            vary,
        )
        .unwrap();
        stored.freshness(after(later)).age.as_secs()
    };
    assert_eq!(age("", 0, 0), 0);
    assert_eq!(age("", 0, 5), 5);
    assert_eq!(age("", 3, 5), 8);
    assert_eq!(age("age: 10", 3, 5), 18);
    assert_eq!(age("date: {-20}\nage: 10", 3, 5), 25);
    assert_eq!(age("date: {20}\nage: 10", 3, 5), 18);
    // The clock went back.
    assert_eq!(age("age: 10", 0, -5), 10);
}

#[test]
fn a_part_of_a_second_since_its_date_is_no_age() {
    for (millis, expected) in [(0, 0), (999, 0), (1000, 1), (1999, 1), (2000, 2)] {
        let response = after(0) + Duration::from_millis(millis);
        let times = Times {
            request: response,
            response,
        };
        let age = initial_age(Duration::ZERO, Some(after(0)), times);
        assert_eq!(age, Duration::from_secs(expected), "{millis}");
    }
}

#[test]
fn of_age_the_first_member_counts() {
    // §5.1
    for (text, expected) in [
        ("age: 7200", 7200),
        ("age: 7200, 0", 7200),
        ("age: 0, 7200", 0),
        ("age: 7200\nage: 0", 7200),
        ("age: 0\nage: 7200", 0),
        ("age: 2147483647", 2_147_483_647),
        ("age: 2147483649", 2_147_483_648),
        ("age: abc", 0),
        ("age: -7200", 0),
        ("age: 7200.0", 0),
        ("age: 7200;foo=bar", 0),
        ("age:", 0),
    ] {
        let age = stored(&Policy::shared(), text).initial_age;
        assert_eq!(age.as_secs(), expected, "{text}");
    }
}

#[test]
fn a_response_is_stale_at_the_very_second_its_lifetime_ends() {
    let at = |later| stored(&Policy::shared(), "cache-control: max-age=60").freshness(after(later));
    assert!(at(59).is_fresh() && at(59).left().as_secs() == 1);
    assert!(!at(60).is_fresh() && at(60).stale_for().is_zero());
    assert_eq!(at(61).stale_for().as_secs(), 1);
    assert!(
        !stored(&Policy::shared(), "cache-control: max-age=0")
            .freshness(after(0))
            .is_fresh()
    );
}

proptest! {
    #[test]
    fn age_never_falls_and_nothing_is_fresh_after_its_lifetime(
        seconds in 0_u32..100_000, age in 0_u32..100_000, date in -100_000_i64..100_000,
        early in 0_i64..200_000, later in 0_i64..200_000,
    ) {
        let text = format!("cache-control: max-age={seconds}\nage: {age}\ndate: {{{date}}}");
        let stored = stored(&Policy::shared(), &text);
        let (one, two) = (stored.freshness(after(early)), stored.freshness(after(early + later)));
        prop_assert!(one.age <= two.age);
        prop_assert!(one.is_fresh() || !two.is_fresh());
        if early >= i64::from(seconds) {
            prop_assert!(!one.is_fresh());
        }
    }

    #[test]
    fn no_fields_make_it_panic(
        values in proptest::collection::vec(any_value(), 6), status in 200_u16..600, later in 0_i64..1_000_000_000,
    ) {
        let names = ["cache-control", "expires", "date", "age", "last-modified", "cdn-cache-control"];
        let lines: Vec<_> = names.iter().zip(&values).map(|(name, value)| format!("{name}:{value}")).collect();
        let headers = fields(&lines.join("\n"));
        for policy in [Policy::shared(), Policy::private(), Policy::chromium()] {
            let directives = ResponseDirectives::of(&policy, &headers);
            let status = StatusCode::from_u16(status).unwrap();
            let lifetime = lifetime(&policy, status, &headers, &directives, after(0));
            let age = age_value(lines_of(&headers)).saturating_add(std::time::Duration::from_secs(later.unsigned_abs()));
            let freshness = Freshness { age, lifetime };
            prop_assert!(freshness.left().is_zero() || freshness.is_fresh());
        }
    }
}

fn lines_of(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    crate::http::head::lines(headers, &http::header::AGE)
}

fn check(policy: &Policy, text: &str, seconds: u64, rule: LifetimeRule) {
    let lifetime = stored(policy, text).lifetime;
    assert_eq!(
        (lifetime.duration.as_secs(), lifetime.by),
        (seconds, rule),
        "{text}"
    );
}
