use super::*;
use crate::http::Policy;
use crate::http::testing::{after, stored};

#[test]
fn an_outcome_is_a_member_of_cache_status() {
    // RFC 9211 §2
    check(Outcome::hit(), "revisit;hit");
    check(
        Outcome {
            ttl: Some(3541),
            ..Outcome::hit()
        },
        "revisit;hit;ttl=3541",
    );
    let stale = Detail::Stale(Allows::WhileRevalidate);
    check(
        Outcome {
            ttl: Some(-5),
            detail: Some(stale),
            ..Outcome::hit()
        },
        "revisit;hit;ttl=-5;detail=stale-while-revalidating",
    );
    check(
        Outcome {
            stored: true,
            collapsed: true,
            ..Outcome::forward(Forward::UriMiss)
        },
        "revisit;fwd=uri-miss;stored;collapsed",
    );
    check(
        Outcome {
            forward_status: Some(StatusCode::NOT_MODIFIED),
            ..Outcome::forward(MustAsk::Stale.into())
        },
        "revisit;fwd=stale;fwd-status=304",
    );
}

#[test]
fn why_one_asks_is_why_one_forwards() {
    for (why, expected) in [
        (MustAsk::NoCache, Forward::Stale),
        (MustAsk::Stale, Forward::Stale),
        (MustAsk::RequestNoCache, Forward::Request),
        (MustAsk::RequestMaxAge, Forward::Request),
        (MustAsk::RequestMinFresh, Forward::Request),
    ] {
        assert_eq!(Forward::from(why), expected);
    }
}

#[test]
fn what_is_left_falls_below_zero_when_it_is_stale() {
    let left = |later| {
        ttl(&stored(&Policy::shared(), "cache-control: max-age=60").freshness(after(later)))
    };
    assert_eq!([left(0), left(59), left(60), left(65)], [60, 1, 0, -5]);
}

fn check(outcome: Outcome, expected: &str) {
    assert_eq!(outcome.cache_status(sfv::token_ref("revisit")), expected);
}
