use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::http::testing::{after, any_value, fields, stored};

const SHARED: fn() -> Policy = Policy::shared;
const PRIVATE: fn() -> Policy = Policy::private;

#[test]
fn a_response_answers_until_the_very_second_its_lifetime_ends() {
    check(SHARED, "max-age=60", "", 0, fresh(0));
    check(SHARED, "max-age=60", "", 59, fresh(59));
    check(
        SHARED,
        "max-age=60",
        "",
        60,
        Reuse::Validate(MustAsk::Stale),
    );
}

#[test]
fn no_cache_asks_each_time() {
    // §5.2.2.4
    check(
        SHARED,
        "max-age=60, no-cache",
        "",
        0,
        Reuse::Validate(MustAsk::NoCache),
    );
    check(SHARED, "max-age=60, no-cache=\"a\"", "", 0, fresh(0));
}

#[test]
fn a_request_asks_by_its_directives() {
    // §5.2.1
    let asks = |asked, later, why| check(SHARED, "max-age=60", asked, later, Reuse::Validate(why));
    let serves = |asked, later| check(SHARED, "max-age=60", asked, later, fresh(later));
    asks("no-cache", 0, MustAsk::RequestNoCache);
    asks("max-age=0", 0, MustAsk::RequestMaxAge);
    asks("max-age=5", 6, MustAsk::RequestMaxAge);
    serves("max-age=5", 5);
    asks("min-fresh=10", 51, MustAsk::RequestMinFresh);
    serves("min-fresh=10", 50);
    serves("no-store", 5);
    serves("max-stale=5", 5);
}

#[test]
fn a_client_may_take_what_is_stale() {
    // §5.2.1.2
    let stale = |age| Reuse::Stale {
        age: secs(age),
        by: Allows::MaxStale,
    };
    let asks = Reuse::Validate(MustAsk::Stale);
    check(SHARED, "max-age=60", "max-stale=10", 70, stale(70));
    check(SHARED, "max-age=60", "max-stale=10", 71, asks);
    check(SHARED, "max-age=60", "max-stale", 100_000, stale(100_000));
    check(SHARED, "max-age=60, must-revalidate", "max-stale", 61, asks);
    check(
        SHARED,
        "max-age=60, proxy-revalidate",
        "max-stale",
        61,
        asks,
    );
    check(
        PRIVATE,
        "max-age=60, proxy-revalidate",
        "max-stale",
        61,
        stale(61),
    );
    check(SHARED, "s-maxage=60", "max-stale", 61, asks);
    check(
        PRIVATE,
        "max-age=60, s-maxage=60",
        "max-stale",
        61,
        stale(61),
    );
    check(
        SHARED,
        "max-age=60",
        "max-age=65, max-stale=10",
        70,
        stale(70),
    );
    check(
        SHARED,
        "max-age=60",
        "max-age=0, max-stale",
        70,
        Reuse::Validate(MustAsk::RequestMaxAge),
    );
}

#[test]
fn only_if_cached_is_refused_where_one_would_have_to_ask() {
    // §5.2.1.7
    check(SHARED, "max-age=60", "only-if-cached", 59, fresh(59));
    check(
        SHARED,
        "max-age=60",
        "only-if-cached",
        60,
        Reuse::Refuse(MustAsk::Stale),
    );
    check(
        SHARED,
        "max-age=60",
        "only-if-cached, no-cache",
        0,
        Reuse::Refuse(MustAsk::RequestNoCache),
    );
    assert!(!may_ask(
        &Policy::shared(),
        &fields("cache-control: only-if-cached")
    ));
    assert!(may_ask(&Policy::shared(), &fields("")));
}

#[test]
fn a_stale_response_is_used_within_its_window_while_it_is_validated() {
    // RFC 5861 §3
    let stale = |age| Reuse::Stale {
        age: secs(age),
        by: Allows::WhileRevalidate,
    };
    let asks = Reuse::Validate(MustAsk::Stale);
    let window = "max-age=60, stale-while-revalidate=10";
    check(SHARED, window, "", 59, fresh(59));
    check(SHARED, window, "", 60, stale(60));
    check(SHARED, window, "", 69, stale(69));
    check(SHARED, window, "", 70, asks);
    check(SHARED, &format!("{window}, must-revalidate"), "", 61, asks);
    check(SHARED, &format!("{window}, proxy-revalidate"), "", 61, asks);
    check(SHARED, &format!("{window}, s-maxage=60"), "", 61, stale(61));
    let letter = || Policy {
        stale_beside_s_maxage: false,
        ..Policy::shared()
    };
    check(letter, &format!("{window}, s-maxage=60"), "", 61, asks);
    check(
        SHARED,
        window,
        "max-age=60",
        61,
        Reuse::Validate(MustAsk::RequestMaxAge),
    );
}

#[test]
fn a_reload_leaves_what_is_immutable_in_a_private_cache() {
    // RFC 8246 §2
    let immutable = "max-age=60, immutable";
    let asks = Reuse::Validate(MustAsk::RequestMaxAge);
    check(PRIVATE, immutable, "max-age=0", 5, fresh(5));
    check(PRIVATE, immutable, "max-age=0", 60, asks);
    check(
        PRIVATE,
        immutable,
        "no-cache",
        5,
        Reuse::Validate(MustAsk::RequestNoCache),
    );
    check(SHARED, immutable, "max-age=0", 5, asks);
}

#[test]
fn an_error_is_hidden_within_the_window() {
    // RFC 5861 §4
    let window = "max-age=60, stale-if-error=10";
    let error = |status| Trouble::Status(StatusCode::from_u16(status).unwrap());
    let serve = |age| OnTrouble::Serve {
        age: secs(age),
        by: Allows::IfError,
    };
    let show = OnTrouble::Show;
    for status in [500, 502, 503, 504] {
        trouble(SHARED, window, "", error(status), 69, serve(69));
        trouble(SHARED, window, "", error(status), 70, show(Forbids::TooOld));
        trouble(
            SHARED,
            "max-age=60",
            "",
            error(status),
            61,
            show(Forbids::TooOld),
        );
    }
    for status in [200, 404, 501, 505, 599] {
        trouble(
            SHARED,
            window,
            "",
            error(status),
            61,
            show(Forbids::NoError),
        );
    }
    trouble(
        SHARED,
        "max-age=60",
        "stale-if-error=10",
        error(503),
        61,
        serve(61),
    );
    trouble(
        SHARED,
        window,
        "stale-if-error=0",
        error(503),
        61,
        show(Forbids::TooOld),
    );
    trouble(
        SHARED,
        window,
        "no-cache",
        error(503),
        61,
        show(Forbids::Request),
    );
    let configured = || Policy {
        stale_if_error: secs(5),
        ..Policy::shared()
    };
    trouble(configured, "max-age=60", "", error(503), 64, serve(64));
    trouble(
        configured,
        "max-age=60",
        "",
        error(503),
        65,
        show(Forbids::TooOld),
    );
    trouble(
        Policy::chromium,
        window,
        "",
        error(503),
        61,
        show(Forbids::Directive),
    );
}

#[test]
fn without_an_origin_a_stale_response_is_better_than_none() {
    // §4.2.4
    let serve = |age| OnTrouble::Serve {
        age: secs(age),
        by: Allows::Unreachable,
    };
    let gone = Trouble::Unreachable;
    trouble(SHARED, "max-age=2", "", gone, 5, serve(5));
    trouble(SHARED, "max-age=2", "", gone, 86_401, serve(86_401));
    trouble(
        SHARED,
        "max-age=2",
        "",
        gone,
        86_402,
        OnTrouble::Show(Forbids::TooOld),
    );
    for forbids in [
        "must-revalidate",
        "proxy-revalidate",
        "no-cache",
        "s-maxage=2",
    ] {
        let value = format!("max-age=2, {forbids}");
        trouble(
            SHARED,
            &value,
            "",
            gone,
            5,
            OnTrouble::Show(Forbids::Directive),
        );
    }
    for allowed in ["proxy-revalidate", "s-maxage=2"] {
        trouble(
            PRIVATE,
            &format!("max-age=2, {allowed}"),
            "",
            gone,
            5,
            serve(5),
        );
    }
}

proptest! {
    #[test]
    fn nothing_is_fresh_after_its_lifetime(
        value in "(max-age|s-maxage|min-fresh|no-cache|public|immutable)(=[0-9]{1,3})?",
        asked in any_value(), lifetime in 0_u32..100, later in 0_i64..200,
    ) {
        let value = format!("max-age={lifetime}, {value}");
        for policy in [SHARED, PRIVATE, Policy::chromium] {
            let decided = decide(policy, &value, &asked, later);
            let shared = stored(&policy(), &format!("cache-control: {value}"));
            let over = secs(later.unsigned_abs()) >= shared.lifetime.duration;
            if over {
                let fresh = matches!(decided, Reuse::Fresh { .. });
                prop_assert!(!fresh, "{} {}", value, later);
            }
        }
    }

    #[test]
    fn no_directives_make_it_panic(value in any_value(), asked in any_value(), later in -100_i64..1000) {
        for policy in [SHARED, PRIVATE, Policy::chromium] {
            decide(policy, &value, &asked, later);
            let stored = stored(&policy(), &format!("cache-control:{value}"));
            let asked = fields(&format!("cache-control:{asked}"));
            on_trouble(&policy(), &asked, &stored, Trouble::Unreachable, after(later));
        }
    }
}

fn check(policy: impl Fn() -> Policy, value: &str, asked: &str, later: u64, expected: Reuse) {
    let decided = decide(policy, value, asked, later.try_into().unwrap());
    assert_eq!(decided, expected, "{value}; asked {asked} after {later}");
}

fn decide(policy: impl Fn() -> Policy, value: &str, asked: &str, later: i64) -> Reuse {
    let stored = stored(&policy(), &format!("cache-control: {value}"));
    reuse(&policy(), &asked_by(asked), &stored, after(later))
}

fn trouble(
    policy: impl Fn() -> Policy,
    value: &str,
    asked: &str,
    trouble: Trouble,
    later: i64,
    expected: OnTrouble,
) {
    let stored = stored(&policy(), &format!("cache-control: {value}"));
    let decided = on_trouble(&policy(), &asked_by(asked), &stored, trouble, after(later));
    assert_eq!(
        decided, expected,
        "{value}; asked {asked}, {trouble:?} after {later}"
    );
}

fn asked_by(value: &str) -> HeaderMap {
    match value {
        "" => HeaderMap::new(),
        value => fields(&format!("cache-control: {value}")),
    }
}

fn fresh(age: u64) -> Reuse {
    Reuse::Fresh { age: secs(age) }
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
