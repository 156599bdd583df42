use proptest::prelude::*;

use super::*;

const BASE: Target<'static> = Target {
    scheme: "http",
    authority: "a:8080",
    path: "/b/c/d;p?q",
};

#[test]
fn references_resolve_as_the_examples_of_the_rfc_do() {
    // RFC 3986 §5.4, without those whose scheme is not http.
    for (reference, expected) in [
        ("g", "/b/c/g"),
        ("./g", "/b/c/g"),
        ("g/", "/b/c/g/"),
        ("/g", "/g"),
        ("?y", "/b/c/d;p?y"),
        ("g?y", "/b/c/g?y"),
        ("#s", "/b/c/d;p?q"),
        ("g#s", "/b/c/g"),
        ("g?y#s", "/b/c/g?y"),
        (";x", "/b/c/;x"),
        ("g;x", "/b/c/g;x"),
        ("", "/b/c/d;p?q"),
        (".", "/b/c/"),
        ("./", "/b/c/"),
        ("..", "/b/"),
        ("../", "/b/"),
        ("../g", "/b/g"),
        ("../..", "/"),
        ("../../g", "/g"),
        ("../../../g", "/g"),
        ("/./g", "/g"),
        ("/../g", "/g"),
        ("g.", "/b/c/g."),
        ("..g", "/b/c/..g"),
        ("./g/.", "/b/c/g/"),
        ("g/../h", "/b/c/h"),
        ("g;x=1/../y", "/b/c/y"),
        ("g?y/../x", "/b/c/g?y/../x"),
    ] {
        check(reference, Some(("http", "a:8080", expected)));
    }
}

#[test]
fn another_host_is_named_with_its_scheme_or_without() {
    check("//g", Some(("http", "g", "/")));
    check("//g?x", Some(("http", "g", "/?x")));
    check("https://g:1/x/../y", Some(("https", "g:1", "/y")));
    check("http://user:word@g/x", Some(("http", "g", "/x")));
}

#[test]
fn what_is_not_of_http_is_none() {
    for reference in [
        "mailto:a",
        "http:g",
        "http:/g",
        "http://",
        "http:///g",
        "a b",
        "/\u{7f}",
        "ftp://a/",
    ] {
        check(reference, None);
    }
    assert_eq!(resolve(BASE, b"/\xff"), None);
}

#[test]
fn an_origin_is_scheme_host_and_port() {
    for (reference, expected) in [
        ("/x", true),
        ("HTTP://A:8080/x", true),
        ("http://a/x", false),
        ("https://a:8080/x", false),
        ("http://b:8080/x", false),
    ] {
        let uri = resolve(BASE, reference.as_bytes()).unwrap();
        assert_eq!(uri.is_of_origin(BASE), expected, "{reference}");
    }
}

proptest! {
    #[test]
    fn no_reference_makes_it_panic_or_leaves_dots(reference in "[a-z/.?#:@]{0,20}") {
        if let Some(uri) = resolve(BASE, reference.as_bytes()) {
            let (path, _) = uri.target().split();
            prop_assert!(path.starts_with('/'), "{}", path);
            if !reference.is_empty() && !reference.starts_with(['?', '#']) {
                prop_assert!(path.split('/').all(|part| part != "." && part != ".."), "{}", path);
            }
        }
    }
}

fn check(reference: &str, expected: Option<(&str, &str, &str)>) {
    let uri = resolve(BASE, reference.as_bytes());
    let found = uri.as_ref().map(|uri| {
        let target = uri.target();
        (target.scheme, target.authority, target.path)
    });
    assert_eq!(found, expected, "{reference}");
}
