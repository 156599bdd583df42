use http::Method;
use proptest::prelude::*;

use super::super::ResponseType;
use super::super::testing::{Pair, fields};
use super::*;

const PLAIN: QueryOptions = QueryOptions {
    ignore_search: false,
    ignore_method: false,
    ignore_vary: false,
};
const IGNORE_SEARCH: QueryOptions = QueryOptions {
    ignore_search: true,
    ..PLAIN
};
const IGNORE_VARY: QueryOptions = QueryOptions {
    ignore_vary: true,
    ..PLAIN
};

#[track_caller]
fn check(question: (&str, &str), pair: &Pair, options: QueryOptions, matched: Matched) {
    let url = RequestUrl::parse(question.0, None).expect(question.0);
    let question = Question {
        method: &Method::GET,
        url: &url,
        headers: &fields(question.1),
    };
    assert_eq!(matches(question, pair.item(), options), matched);
}

#[track_caller]
fn check_url(question: &str, kept: &str, options: QueryOptions, same: bool) {
    let matched = match same {
        true => Matched::Yes,
        false => Matched::No(Mismatch::Url),
    };
    check((question, ""), &Pair::new(kept, "", ""), options, matched);
}

#[test]
fn a_url_matches_itself_and_no_other() {
    let a = "http://example.com/a";
    check_url(a, a, PLAIN, true);
    for other in [
        "http://example.com/b",
        "http://example.com/A",
        "http://example.com/a/",
        "http://example.com/ab",
        "https://example.com/a",
        "http://example.org/a",
        "http://example.com:81/a",
        "http://example.com/a?q=r",
        "http://example.com/a?",
    ] {
        check_url(a, other, PLAIN, false);
        check_url(other, a, PLAIN, false);
    }
}

#[test]
fn fragments_count_on_neither_side() {
    let url = "http://a/cat?lives=9";
    check_url(&format!("{url}#mouse"), url, PLAIN, true);
    check_url(url, &format!("{url}#mouse"), PLAIN, true);
    check_url(&format!("{url}#a"), &format!("{url}#b"), PLAIN, true);
    check_url("http://a/#?x", "http://a/", PLAIN, true);
}

#[test]
fn ignore_search_ignores_the_query_of_both_and_nothing_else() {
    check_url("http://a/b", "http://a/b?q=r", IGNORE_SEARCH, true);
    check_url("http://a/b?q=r", "http://a/b", IGNORE_SEARCH, true);
    check_url("http://a/b?q=r#f", "http://a/b?s=t#g", IGNORE_SEARCH, true);
    check_url("http://a/b?", "http://a/b", IGNORE_SEARCH, true);
    check_url("http://a/b?q", "http://a/c?q", IGNORE_SEARCH, false);
    check_url("http://a/b?q", "https://a/b?q", IGNORE_SEARCH, false);
}

#[test]
fn a_method_other_than_get_asks_only_if_methods_are_ignored() {
    let ignored = QueryOptions {
        ignore_method: true,
        ..PLAIN
    };
    for method in [Method::HEAD, Method::POST, Method::PUT, Method::OPTIONS] {
        assert_eq!(asks(&method, PLAIN), Matched::No(Mismatch::Method));
        assert_eq!(asks(&method, IGNORE_SEARCH), Matched::No(Mismatch::Method));
        assert_eq!(asks(&method, ignored), Matched::Yes);
    }
    assert_eq!(asks(&Method::GET, PLAIN), Matched::Yes);
}

#[track_caller]
fn check_vary(vary: &str, kept: &str, question: &str, matched: Matched) {
    let url = "http://example.com/c";
    let pair = Pair::new(url, kept, vary);
    check((url, question), &pair, PLAIN, matched);
    check((url, question), &pair, IGNORE_VARY, Matched::Yes);
}

fn differs(name: &'static str) -> Matched {
    Matched::No(Mismatch::Vary(HeaderName::from_static(name)))
}

#[test]
fn what_vary_names_must_be_the_same_in_both_requests() {
    let vary = "Vary: Cookies";
    check_vary(vary, "Cookies: one", "Cookies: one", Matched::Yes);
    check_vary(vary, "cookies: one", "COOKIES: one", Matched::Yes);
    check_vary(vary, "Cookies: one", "Cookies: two", differs("cookies"));
    check_vary(vary, "Cookies: one", "Cookies: One", differs("cookies"));
    check_vary(vary, "Cookies: one", "", differs("cookies"));
    check_vary(vary, "", "Cookies: one", differs("cookies"));
    check_vary(vary, "", "", Matched::Yes);
    check_vary(vary, "", "Accept: x", Matched::Yes);
}

#[test]
fn an_absent_field_is_not_an_empty_one() {
    check_vary("Vary: A", "A:", "A:", Matched::Yes);
    check_vary("Vary: A", "A:", "", differs("a"));
    check_vary("Vary: A", "", "A:", differs("a"));
}

#[test]
fn lines_of_one_field_are_compared_joined_and_in_order() {
    check_vary("Vary: A", "A: x; A: y", "A: x, y", Matched::Yes);
    check_vary("Vary: A", "A: x; A: y", "A: x; A: y", Matched::Yes);
    check_vary("Vary: A", "A: x; A: y", "A: y; A: x", differs("a"));
    // The HTTP cache may take white space out; the Cache API compares values as they are.
    check_vary("Vary: A", "A: x, y", "A: x,y", differs("a"));
    check_vary("Vary: A", "A: x", "A: x; A:", differs("a"));
}

#[test]
fn every_member_of_every_line_of_vary_counts() {
    let same = "A: 1; B: 2; C: 3";
    for vary in [
        "Vary: A, B, C",
        "Vary: A; Vary: B, C",
        "Vary: ,A,,B ,  C,",
        "vary: a,b,c",
    ] {
        check_vary(vary, same, same, Matched::Yes);
        check_vary(vary, same, "A: 1; B: 2; C: 4", differs("c"));
        check_vary(vary, same, "A: 1; B: 3; C: 3", differs("b"));
    }
    check_vary("Vary: A", same, "A: 1; B: x", Matched::Yes);
    check_vary("Vary:", same, "", Matched::Yes);
}

#[test]
fn a_star_in_vary_matches_nothing_but_what_is_no_name_matches_all() {
    for vary in ["Vary: *", "Vary: A, *", "Vary: *, A", "Vary: A; Vary: *"] {
        check_vary(vary, "", "", Matched::No(Mismatch::VaryAny));
    }
    check_vary("Vary: no name, @", "", "A: 1", Matched::Yes);
    check_vary("Vary: **", "", "", Matched::Yes);
}

#[test]
fn vary_of_a_response_that_may_not_be_read_does_not_count() {
    let url = "http://a/";
    for kind in ResponseType::ALL {
        let pair = Pair::new(url, "A: 1", "Vary: A").of(kind);
        let matched = match kind.is_hidden() {
            true => Matched::Yes,
            false => differs("a"),
        };
        check((url, "A: 2"), &pair, PLAIN, matched);
    }
}

/// "Get a name from a header list", as Fetch writes it.
fn joined(fields: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    let lines: Vec<_> = fields.get_all(name).iter().map(|v| v.as_bytes()).collect();
    (!lines.is_empty()).then(|| lines.join(b", ".as_slice()))
}

proptest! {
    #[test]
    fn fields_match_exactly_if_their_combined_values_are_equal(
        kept in proptest::collection::vec("[ab,]{0,3}", 0..3),
        asked in proptest::collection::vec("[ab,]{0,3}", 0..3),
    ) {
        let of = |values: &[String]| {
            let mut fields = HeaderMap::new();
            for value in values {
                fields.append("x", value.parse().expect("letters and commas"));
            }
            fields
        };
        let url = RequestUrl::parse("http://a/", None).expect("a URL");
        let (kept, asked, vary) = (of(&kept), of(&asked), super::super::testing::fields("Vary: X"));
        let response = ResponseHead { kind: ResponseType::Basic, status: 200, headers: &vary };
        let question = Question { method: &Method::GET, url: &url, headers: &asked };
        let matched = matches(question, Item::new(&url, &kept, response), PLAIN);
        prop_assert_eq!(matched == Matched::Yes, joined(&kept, "x") == joined(&asked, "x"));
    }
}
