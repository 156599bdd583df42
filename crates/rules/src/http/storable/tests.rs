use proptest::prelude::*;

use super::*;
use crate::http::testing::{any_value, fields, request, times};

#[test]
fn what_has_a_lifetime_is_stored() {
    let yes = |rule| Storable::Yes(Worth::Lifetime(rule));
    check(
        "",
        200,
        "cache-control: max-age=60",
        yes(LifetimeRule::MaxAge),
    );
    check(
        "",
        200,
        "cache-control: max-age=0",
        yes(LifetimeRule::MaxAge),
    );
    check(
        "",
        200,
        "cache-control: s-maxage=60",
        yes(LifetimeRule::SMaxage),
    );
    check(
        "",
        599,
        "cache-control: max-age=60",
        yes(LifetimeRule::MaxAge),
    );
    check(
        "",
        500,
        "cache-control: max-age=60",
        yes(LifetimeRule::MaxAge),
    );
    check("", 200, "expires: {-10}", yes(LifetimeRule::Expires));
    check(
        "",
        404,
        "last-modified: {-10}",
        yes(LifetimeRule::Heuristic),
    );
}

#[test]
fn what_can_be_validated_is_stored() {
    let yes = Storable::Yes(Worth::Validator);
    check("", 200, "etag: \"a\"", yes);
    check("", 200, "cache-control: no-cache\netag: \"a\"", yes);
    check("", 200, "cache-control: public\netag: W/\"a\"", yes);
    check("", 403, "cache-control: public\netag: \"a\"", yes);
}

#[test]
fn a_browser_keeps_what_only_going_back_will_use_but_no_challenge() {
    // Measured in Chromium 156.
    let mut policy = Policy::chromium();
    let no = |because| Storable::No(because);
    let star = "cache-control: max-age=60\nvary: *";
    let unknown = "cache-control: no-store, must-understand, max-age=60";
    for (everything_is_kept, bare, varying, forbidding) in [
        (
            false,
            no(Because::Worthless),
            no(Because::VariesOnEverything),
            no(Because::Worthless),
        ),
        (
            true,
            Storable::Yes(Worth::History),
            Storable::Yes(Worth::Lifetime(LifetimeRule::MaxAge)),
            Storable::Yes(Worth::History),
        ),
    ] {
        policy.departures.everything_is_kept = everything_is_kept;
        check_in(&policy, "", 200, "", bare);
        check_in(&policy, "", 200, star, varying);
        check_in(&policy, "", 200, "cache-control: no-cache", forbidding);
        check_in(
            &policy,
            "",
            200,
            "cache-control: no-store",
            no(Because::NoStore),
        );
        check_in(&policy, "", 200, unknown, no(Because::NoStore));
        check_in(
            &policy,
            "",
            401,
            "cache-control: max-age=60",
            no(Because::Challenge),
        );
    }
}

#[test]
fn what_is_good_for_nothing_is_not() {
    let no = Storable::No(Because::Worthless);
    check("", 200, "", no);
    check("", 200, "etag: a", no);
    check("", 200, "cache-control: public", no);
    check("", 200, "cache-control: no-cache, max-age=60", no);
    check("", 403, "etag: \"a\"", no);
    check("", 500, "last-modified: {-10}", no);
    check("", 503, "etag: \"a\"\nlast-modified: {-10}", no);
}

#[test]
fn no_store_keeps_it_out() {
    // §5.2.2.5, §5.2.1.5
    let fresh = "cache-control: max-age=60";
    check(
        "",
        200,
        "cache-control: max-age=60, No-Store",
        Storable::No(Because::NoStore),
    );
    check(
        "cache-control: no-store",
        200,
        fresh,
        Storable::No(Because::RequestNoStore),
    );
    let targeted = "cache-control: no-store\ncdn-cache-control: max-age=60";
    check(
        "",
        200,
        targeted,
        Storable::Yes(Worth::Lifetime(LifetimeRule::Targeted)),
    );
    let targeted = "cache-control: max-age=60\ncdn-cache-control: no-store";
    check("", 200, targeted, Storable::No(Because::NoStore));
}

#[test]
fn must_understand_puts_no_store_out_of_force_for_what_is_understood() {
    // §5.2.2.3
    let text = "cache-control: max-age=60, no-store, must-understand";
    check(
        "",
        200,
        text,
        Storable::Yes(Worth::Lifetime(LifetimeRule::MaxAge)),
    );
    check("", 599, text, Storable::No(Because::NotUnderstood));
    check("", 418, text, Storable::No(Because::NotUnderstood));
}

#[test]
fn private_is_for_private_caches() {
    let text = "cache-control: private, max-age=60";
    check("", 200, text, Storable::No(Because::Private));
    check_in(
        &Policy::private(),
        "",
        200,
        text,
        Storable::Yes(Worth::Lifetime(LifetimeRule::MaxAge)),
    );
    let fields_alone = "cache-control: private=\"x\", max-age=60";
    check(
        "",
        200,
        fields_alone,
        Storable::Yes(Worth::Lifetime(LifetimeRule::MaxAge)),
    );
}

#[test]
fn authorized_answers_are_shared_where_the_origin_says_so() {
    // §3.5
    let asked = "authorization: x";
    let fresh = "cache-control: max-age=60";
    check(asked, 200, fresh, Storable::No(Because::Authorization));
    for more in ["public", "must-revalidate", "s-maxage=60"] {
        let text = format!("{fresh}, {more}");
        assert!(
            decide(&Policy::shared(), asked, 200, &text).is_yes(),
            "{more}"
        );
    }
    check(
        asked,
        200,
        "cdn-cache-control: max-age=60",
        Storable::No(Because::Authorization),
    );
    assert!(decide(&Policy::private(), asked, 200, fresh).is_yes());
}

#[test]
fn cookies_are_shared_where_the_origin_says_so_or_the_rfc_rules() {
    let text = "set-cookie: a=b\ncache-control: max-age=60";
    check("", 200, text, Storable::No(Because::SetCookie));
    for text in [
        "set-cookie: a=b\ncache-control: max-age=60, public",
        "set-cookie: a=b\ncache-control: s-maxage=60",
        "set-cookie: a=b\ncdn-cache-control: max-age=60",
        "set-cookie: a=b\ncache-control: max-age=60, no-cache=\"set-cookie\"",
        "set-cookie: a=b\ncache-control: max-age=60, private=\"Set-Cookie\"",
    ] {
        assert!(decide(&Policy::shared(), "", 200, text).is_yes(), "{text}");
    }
    let rfc = Policy {
        set_cookie: SetCookie::Rfc,
        ..Policy::shared()
    };
    assert!(decide(&rfc, "", 200, text).is_yes());
    assert!(decide(&Policy::private(), "", 200, text).is_yes());
}

#[test]
fn a_part_is_stored_if_it_was_asked_for_and_says_which_it_is() {
    let part = "cache-control: max-age=60\ncontent-range: bytes 0-4/10";
    let yes = Storable::Yes(Worth::Lifetime(LifetimeRule::MaxAge));
    check("range: bytes=0-4", 206, part, yes);
    check("", 206, part, Storable::No(Because::NoPart));
    let no = "cache-control: max-age=60";
    check("range: bytes=0-4", 206, no, Storable::No(Because::NoPart));
}

#[test]
fn what_answers_nothing_is_not_stored() {
    let fresh = "cache-control: max-age=60";
    check("", 304, fresh, Storable::No(Because::NotUnderstood));
    check("", 103, fresh, Storable::No(Because::NotFinal));
    let varied = "cache-control: max-age=60\nvary: a, *";
    check("", 200, varied, Storable::No(Because::VariesOnEverything));
    for method in [Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let decided = decide_for(&Policy::shared(), &method, "", 200, fresh);
        assert_eq!(decided, Storable::No(Because::Method), "{method}");
    }
}

#[test]
fn a_post_is_stored_as_what_a_get_of_its_target_would_bring() {
    // RFC 9110 §9.3.3; the target is http://example.com/a/b?c=d
    let post = |text: &str| decide_for(&Policy::shared(), &Method::POST, "", 200, text);
    for location in [
        "",
        "/a/b?c=d",
        "b?c=d",
        "//example.com:80/a/b?c=d",
        "HTTP://Example.com/a/b?c=d",
    ] {
        let text = format!("cache-control: max-age=60\ncontent-location: {location}");
        assert!(post(&text).is_yes(), "{location}");
    }
    for text in [
        "cache-control: max-age=60",
        "cache-control: max-age=60\ncontent-location: /a/b",
        "cache-control: max-age=60\ncontent-location: https://example.com/a/b?c=d",
        "cache-control: max-age=60\ncontent-location: /a/b?c=d\ncontent-location: /x",
        "last-modified: {-1000}\ncontent-location: /a/b?c=d",
    ] {
        assert_eq!(post(text), Storable::No(Because::PostOfAnother), "{text}");
    }
}

proptest! {
    #[test]
    fn no_store_and_private_are_never_shared(before in "[a-z0-9=, -]{0,30}", word in "no-store|private") {
        let text = format!("cache-control: {before}, {word}\netag: \"a\"");
        let decided = decide(&Policy::shared(), "", 200, &text);
        let understood = ResponseDirectives::parse(&before).must_understand;
        prop_assert!(understood || !decided.is_yes(), "{}", text);
    }

    #[test]
    fn no_fields_make_it_panic(values in proptest::collection::vec(any_value(), 6), status in 100_u16..1000) {
        let names = ["cache-control", "vary", "content-range", "content-location", "set-cookie", "connection"];
        let lines: Vec<_> = names.iter().zip(&values).map(|(name, value)| format!("{name}:{value}")).collect();
        let text = lines.join("\n");
        for method in [Method::GET, Method::POST] {
            decide_for(&Policy::shared(), &method, &text, status, &text);
        }
    }
}

fn check(asked: &str, status: u16, answered: &str, expected: Storable) {
    check_in(&Policy::shared(), asked, status, answered, expected);
}

fn check_in(policy: &Policy, asked: &str, status: u16, answered: &str, expected: Storable) {
    let decided = decide(policy, asked, status, answered);
    assert_eq!(decided, expected, "{status}\n{answered}");
}

fn decide(policy: &Policy, asked: &str, status: u16, answered: &str) -> Storable {
    decide_for(policy, &Method::GET, asked, status, answered)
}

fn decide_for(
    policy: &Policy,
    method: &Method,
    asked: &str,
    status: u16,
    answered: &str,
) -> Storable {
    let (asked, answered) = (fields(asked), fields(answered));
    let response = ResponseHead {
        status: StatusCode::from_u16(status).unwrap(),
        headers: &answered,
    };
    storable(policy, &request(method, &asked), &response, times())
}
