//! What is one visitor's, or one host's, is nobody else's.

use super::*;

/// Asks twice, and says how often the origin was asked.
fn trips(fields: &str, words: &[&str], first: &[u8], second: &[u8]) -> usize {
    let origin = RawOrigin::always(ok(fields, "body"));
    let gateway = gateway(&origin, words);
    for request in [first, second] {
        assert_eq!(status(&exchange(&gateway, request)), 200);
    }
    origin.seen().len()
}

#[track_caller]
fn check(fields: &str, first: &[u8], second: &[u8], expected: usize) {
    assert_eq!(trips(fields, &[], first, second), expected, "{fields}");
}

#[test]
fn an_answer_with_a_cookie_is_shared_only_where_the_origin_says_that_it_is_for_many() {
    let plain = get("/", "");
    for (said, expected) in [
        ("max-age=60", 2),
        ("public, max-age=60", 1),
        ("s-maxage=60", 1),
        ("private, max-age=60", 2),
    ] {
        let fields = format!("Cache-Control: {said}\r\nSet-Cookie: id=1\r\n");
        check(&fields, &plain, &plain, expected);
    }
    let fields = "Cache-Control: max-age=60\r\nSet-Cookie: id=1\r\n";
    assert_eq!(trips(fields, &["--set-cookie", "rfc"], &plain, &plain), 1);
}

#[test]
fn what_was_answered_to_an_authorized_request_is_for_others_only_where_said() {
    let own = get("/", "Authorization: Basic eDp5\r\n");
    let plain = get("/", "");
    check("Cache-Control: max-age=60\r\n", &own, &plain, 2);
    check("Cache-Control: max-age=60, public\r\n", &own, &plain, 1);
}

#[test]
fn people_who_ask_at_once_get_each_their_own_page() {
    for said in ["private", "no-store", "max-age=60\r\nVary: Cookie"] {
        let origin = RawOrigin::start(move |seen, stream| {
            let own = seen.values("cookie").join(" ");
            let fields = format!("Cache-Control: {said}\r\n");
            stream.write_all(&ok(&fields, &own)).is_ok()
        });
        let gateway = gateway(&origin, &[]);
        for _ in 0..2 {
            let mut people: Vec<_> = (0..20)
                .map(|number| {
                    let mut client = connect(&gateway);
                    let cookie = format!("Cookie: id={number}\r\n");
                    client.write_all(&get("/account", &cookie)).unwrap();
                    client
                })
                .collect();
            for (number, client) in people.iter_mut().enumerate() {
                assert_eq!(body(&rest(client)), format!("id={number}"), "{said}");
            }
        }
    }
}

#[test]
fn an_error_is_not_kept_by_accident() {
    for (line, expected) in [
        (
            "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\n",
            2,
        ),
        ("HTTP/1.1 503 Oops\r\nContent-Length: 0\r\n\r\n", 2),
        (
            "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nCache-Control: max-age=60\r\n\r\n",
            1,
        ),
    ] {
        let origin = RawOrigin::always(line.into());
        let gateway = gateway(&origin, &[]);
        for _ in 0..2 {
            exchange(&gateway, &get("/", ""));
        }
        assert_eq!(origin.seen().len(), expected, "{line}");
    }
}

#[test]
fn another_host_or_spelling_of_a_path_is_another_question() {
    let fields = "Cache-Control: max-age=60\r\n";
    let of = |host: &str, path: &str| -> Vec<u8> {
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").into()
    };
    for (host, path, expected) in [
        ("shop.example", "/a", 1),
        ("SHOP.example", "/a", 1),
        ("shop.example:80", "/a", 1),
        ("other.example", "/a", 2),
        ("shop.example:81", "/a", 2),
        ("shop.example", "/A", 2),
        ("shop.example", "/%61", 2),
        ("shop.example", "//a", 2),
        ("shop.example", "/./a", 2),
        ("shop.example", "/a?", 2),
        ("shop.example", "/a;x", 2),
    ] {
        check(fields, &of("shop.example", "/a"), &of(host, path), expected);
    }
}

#[test]
fn the_origin_is_asked_for_the_very_bytes_that_the_answer_is_kept_under() {
    let origin = RawOrigin::always(ok("Cache-Control: max-age=60\r\n", "body"));
    let gateway = gateway(&origin, &[]);
    for path in [
        "/a/../b",
        "/%2e%2e/x",
        "//x",
        "/a?b=%20+c&&",
        "/a|b",
        "/\"x\"",
    ] {
        exchange(&gateway, &get(path, ""));
        assert_eq!(origin.seen().pop().unwrap().target(), path);
    }
}

#[test]
fn the_host_that_the_origin_is_asked_for_is_the_one_that_the_answer_is_kept_under() {
    let origin = RawOrigin::always(ok("", "body"));
    let gateway = gateway(&origin, &[]);
    for (host, seen) in [
        ("Shop.EXAMPLE:80", "shop.example"),
        ("shop.example:", "shop.example"),
        ("shop.example:81", "shop.example:81"),
        ("[::1]:80", "[::1]"),
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&exchange(&gateway, request.as_bytes())), 200);
        let asked = origin.seen().pop().unwrap();
        assert_eq!(asked.values("host"), [seen], "{host}");
        assert_eq!(asked.values("x-forwarded-host"), [seen], "{host}");
    }
    let before = origin.seen().len();
    for host in [
        "me@shop.example",
        "shop.example/a",
        "a b",
        "[::1",
        ":80",
        "a\"b",
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(
            status(&exchange(&gateway, request.as_bytes())),
            400,
            "{host}"
        );
    }
    assert_eq!(origin.seen().len(), before, "none of these is a host");
}

#[test]
fn no_field_that_is_not_of_the_question_reaches_the_origin_from_a_stranger() {
    let origin = RawOrigin::always(ok("Cache-Control: max-age=60\r\n", "body"));
    let gateway = gateway(&origin, &[]);
    let lines = "X-Forwarded-Host: evil.example\r\nX-Forwarded-Scheme: nothttps\r\nForwarded: host=evil.example\r\n\
                 X-Original-URL: /admin\r\nX-Rewrite-URL: /admin\r\nX-HTTP-Method-Override: POST\r\nX-Host: evil.example\r\n";
    exchange(&gateway, &get("/", lines));
    let seen = origin.seen().pop().unwrap();
    assert!(
        !seen.head.contains("evil") && !seen.head.contains("admin"),
        "{}",
        seen.head
    );
    assert!(!seen.head.contains("POST"), "{}", seen.head);
    assert_eq!(seen.values("x-forwarded-host"), ["shop.example"]);
    assert_eq!(seen.values("x-forwarded-for"), ["127.0.0.1"]);
}

#[test]
fn what_connection_names_ends_here_and_cannot_hide_what_the_key_is_made_of() {
    let origin = RawOrigin::always(ok("Cache-Control: max-age=60\r\n", "body"));
    let gateway = gateway(&origin, &[]);
    let lines = "Connection: X-Secret, Host, Cache-Control\r\nX-Secret: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nCache-Control: no-cache\r\n";
    exchange(&gateway, &get("/", lines));
    let seen = origin.seen().pop().unwrap();
    assert!(!seen.head.contains("ecret"), "{}", seen.head);
    assert_eq!(seen.values("host"), ["shop.example"]);
    assert_eq!(seen.values("cache-control"), ["no-cache"]);
    assert!(seen.values("te").is_empty() && seen.values("keep-alive").is_empty());
}

#[test]
fn a_request_that_comes_back_is_refused() {
    let origin = RawOrigin::always(ok("", "body"));
    let gateway = gateway(&origin, &[]);
    exchange(&gateway, &get("/", ""));
    let seen = origin.seen().pop().unwrap();
    let name = seen.values("cdn-loop")[0];
    let again = exchange(&gateway, &get("/", &format!("CDN-Loop: {name}\r\n")));
    assert_eq!(status(&again), 508);
    assert_eq!(origin.seen().len(), 1);
}

#[test]
fn variants_of_one_url_are_bounded() {
    let fields = "Cache-Control: max-age=60\r\nVary: X-Any\r\n";
    let origin = RawOrigin::always(ok(fields, "body"));
    let gateway = gateway(&origin, &[]);
    let ask = |number: u32| exchange(&gateway, &get("/", &format!("X-Any: {number}\r\n")));
    for number in 0..40 {
        ask(number);
    }
    ask(39);
    assert_eq!(origin.seen().len(), 40, "the newest is kept");
    ask(0);
    assert_eq!(origin.seen().len(), 41, "the oldest of more than 32 is not");
}

#[test]
fn a_range_is_for_get_alone_and_fields_of_one_hop_end_here() {
    let origin = RawOrigin::start(|_, stream| {
        let fields = "Cache-Control: max-age=60\r\nX-Hop: secret\r\nKeep-Alive: timeout=9\r\n\
                      Connection: X-Hop\r\n";
        stream.write_all(&ok(fields, "0123456789")).is_ok()
    });
    let gateway = gateway(&origin, &[]);
    for trip in ["kept", "from the cache"] {
        let answer = exchange(&gateway, &get("/", "")).to_ascii_lowercase();
        assert!(!answer.contains("x-hop"), "{trip}: {answer}");
        assert!(!answer.contains("keep-alive"), "{trip}: {answer}");
    }
    let head =
        "HEAD / HTTP/1.1\r\nHost: shop.example\r\nRange: bytes=0-3\r\nConnection: close\r\n\r\n";
    let answer = exchange(&gateway, head.as_bytes());
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(answer.contains("content-length: 10\r\n"), "{answer}");
    let part = exchange(&gateway, &get("/", "Range: bytes=0-3\r\n"));
    assert_eq!((status(&part), body(&part)), (206, "0123"));
}
