use http::HeaderMap;
use proptest::prelude::*;

use super::*;
use crate::http::testing::fields;

#[test]
fn a_key_is_of_the_method_and_the_target() {
    let target = ["http", "example.com", "/a?b"];
    same(true, target, target);
    same(false, target, ["https", "example.com", "/a?b"]);
    same(false, target, ["http", "example.org", "/a?b"]);
    same(false, target, ["http", "example.com", "/a?c"]);
    same(false, target, ["http", "example.com", "/A?b"]);
    same(false, target, ["http", "example.com", "/a?b#"]);
    same(
        false,
        ["http", "example.com", "/a"],
        ["http", "example.com", "/a?"],
    );
    same(
        false,
        ["http", "example.com", "/~"],
        ["http", "example.com", "/%7E"],
    );
}

#[test]
fn host_and_scheme_have_no_case_and_a_port_of_their_own() {
    same(
        true,
        ["http", "Example.COM", "/"],
        ["HTTP", "example.com:80", "/"],
    );
    same(
        true,
        ["https", "example.com:443", "/"],
        ["https", "example.com:", "/"],
    );
    same(
        false,
        ["http", "example.com:443", "/"],
        ["http", "example.com", "/"],
    );
    same(false, ["http", "[::1]:80", "/"], ["http", "[::1]:8", "/"]);
}

#[test]
fn an_origin_is_written_as_keys_have_it() {
    for (scheme, authority, expected) in [
        ("HTTP", "Shop.Example:80", "http://shop.example"),
        ("http", "shop.example:", "http://shop.example"),
        ("http", "shop.example:443", "http://shop.example:443"),
        ("https", "[::1]:443", "https://[::1]"),
    ] {
        let target = Target {
            scheme,
            authority,
            path: "/",
        };
        assert_eq!(target.origin(), expected);
    }
}

#[test]
fn parts_do_not_flow_into_each_other() {
    same(false, ["http", "a", "/b"], ["http", "a/", "b"]);
    same(false, ["http", "a", "b"], ["httpa", "", "b"]);
}

#[test]
fn a_head_and_a_post_find_what_a_get_brought() {
    let target = target(["http", "a", "/"]);
    let key = |method| RequestKey::of(&method, target);
    assert_eq!(key(Method::GET), key(Method::HEAD));
    assert_eq!(key(Method::GET), key(Method::POST));
    assert_ne!(key(Method::GET), key(Method::OPTIONS));
    assert_ne!(key(Method::GET), RequestKey::of_path(target));
}

#[test]
fn parameters_that_make_no_difference_are_left_out() {
    let rule = NoVarySearch::read(&fields("no-vary-search: params=(\"utm\"), key-order"));
    let key = |path| {
        let target = target(["http", "a", path]);
        RequestKey::without_varying(&Method::GET, target, &rule)
    };
    assert_eq!(key("/?a=1&b=2&utm=x"), key("/?utm=y&b=2&a=1"));
    assert_eq!(key("/?utm=x"), key("/"));
    assert_eq!(key("/"), key("/?"));
    assert_ne!(key("/?a=1"), key("/?a=2"));
    assert_ne!(key("/?a=1&b=2"), key("/?a=1%26b=2"));
}

proptest! {
    #[test]
    fn two_queries_have_one_key_if_they_are_the_same(
        one in "[ab]=[01]?(&[abc]=?[01]?){0,3}", other in "[ab]=[01]?(&[abc]=?[01]?){0,3}",
        rule in "params|params=\\(\"a\" \"c\"\\)|key-order|params, except=\\(\"a\"\\)|params=\\(\"a\"\\), key-order",
    ) {
        let rule = NoVarySearch::read(&fields(&format!("no-vary-search: {rule}")));
        prop_assert!(rule != NoVarySearch::read(&HeaderMap::new()));
        let key = |query: &str| {
            let path = format!("/?{query}");
            RequestKey::without_varying(&Method::GET, target(["http", "a", &path]), &rule)
        };
        prop_assert_eq!(key(&one) == key(&other), rule.same(Some(&one), Some(&other)));
    }
}

#[test]
fn the_bytes_of_a_key_say_what_was_asked_for() {
    for parts in [["http", "a.example:81", "/b?c"], ["https", "", "/"]] {
        let key = RequestKey::of(&Method::GET, target(parts));
        let bytes = key.as_bytes();
        assert_eq!(RequestKey::target_of(bytes), Some(target(parts)));
        for end in 0..bytes.len() {
            assert_eq!(RequestKey::target_of(&bytes[..end]), None, "{end}");
        }
        assert_eq!(RequestKey::target_of(&[bytes, b"x"].concat()), None);
    }
}

fn same(expected: bool, one: [&str; 3], other: [&str; 3]) {
    let [a, b] = [one, other].map(|parts| RequestKey::of(&Method::GET, target(parts)));
    assert_eq!(a == b, expected, "{one:?} {other:?}");
}

fn target<'a>([scheme, authority, path]: [&'a str; 3]) -> Target<'a> {
    Target {
        scheme,
        authority,
        path,
    }
}
