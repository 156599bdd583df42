use super::super::testing::Pair;
use super::*;

const URL: &str = "https://example.com/foo";

fn url(text: &str) -> RequestUrl {
    RequestUrl::parse(text, None).expect(text)
}

#[test]
fn only_a_get_over_http_is_put() {
    let check = |method: Method, text: &str, refused: Option<Refusal>| {
        assert_eq!(
            request(&method, &url(text)).err(),
            refused,
            "{method} {text}"
        );
    };
    check(Method::GET, URL, None);
    check(Method::GET, "http://example.com/", None);
    for method in [Method::HEAD, Method::POST, Method::PUT, Method::DELETE] {
        check(method.clone(), URL, Some(Refusal::Method(method)));
    }
    for (text, scheme) in [
        ("file:///etc/passwd", "file"),
        ("javascript://this", "javascript"),
        ("data:,x", "data"),
        ("blob:https://example.com/1", "blob"),
        ("wss://example.com/", "wss"),
        ("ftp://example.com/", "ftp"),
    ] {
        let scheme = scheme.to_owned();
        check(
            Method::GET,
            text,
            Some(Refusal::Scheme {
                scheme: scheme.clone(),
            }),
        );
        // the scheme is looked at first
        check(Method::POST, text, Some(Refusal::Scheme { scheme }));
    }
}

fn response(headers: &str, status: u16, kind: ResponseType) -> Pair {
    Pair::new(URL, "", headers).with_status(status).of(kind)
}

#[track_caller]
fn check_put(pair: &Pair, body: BodyState, refused: Option<Refusal>) {
    assert_eq!(put(pair.head(), body).err(), refused);
}

#[test]
fn every_status_but_206_is_put() {
    for status in [200, 204, 299, 301, 304, 404, 500, 599] {
        check_put(
            &response("", status, ResponseType::Basic),
            BodyState::Untouched,
            None,
        );
    }
    for kind in [
        ResponseType::Default,
        ResponseType::Basic,
        ResponseType::Cors,
    ] {
        check_put(
            &response("", 206, kind),
            BodyState::Untouched,
            Some(Refusal::Partial),
        );
    }
}

#[test]
fn a_star_anywhere_in_vary_is_not_put() {
    for headers in ["VARY: *", "Vary: Accept-Language,*", "Vary: a; Vary: b, *"] {
        let pair = response(headers, 200, ResponseType::Default);
        check_put(&pair, BodyState::Untouched, Some(Refusal::VaryAny));
    }
    for headers in ["Vary: accept", "Vary:", "Vary: a*, **"] {
        check_put(
            &response(headers, 200, ResponseType::Default),
            BodyState::Untouched,
            None,
        );
    }
}

#[test]
fn a_body_that_is_read_or_was_is_not_put() {
    let pair = response("", 200, ResponseType::Default);
    check_put(&pair, BodyState::Used, Some(Refusal::Body("used")));
    check_put(&pair, BodyState::Locked, Some(Refusal::Body("locked")));
}

#[test]
fn what_may_not_be_seen_decides_nothing_when_it_is_put() {
    for kind in [
        ResponseType::Opaque,
        ResponseType::OpaqueRedirect,
        ResponseType::Error,
    ] {
        check_put(&response("Vary: *", 206, kind), BodyState::Untouched, None);
        let used = Some(Refusal::Body("used"));
        check_put(&response("", 200, kind), BodyState::Used, used);
    }
}

#[test]
fn only_success_is_added() {
    let url = url(URL);
    let check = |status, kind, headers: &str, refused: Option<Refusal>| {
        let pair = response(headers, status, kind);
        assert_eq!(add(&url, pair.head()).err(), refused, "{status} {kind:?}");
    };
    let not_ok = |status| {
        let url = URL.to_owned();
        Some(Refusal::NotOk { url, status })
    };
    for kind in [
        ResponseType::Default,
        ResponseType::Basic,
        ResponseType::Cors,
    ] {
        check(199, kind, "", not_ok(199));
        check(200, kind, "", None);
        check(204, kind, "", None);
        check(206, kind, "", Some(Refusal::Partial));
        check(299, kind, "", None);
        check(300, kind, "", not_ok(300));
        check(304, kind, "", not_ok(304));
        check(404, kind, "", not_ok(404));
        check(500, kind, "", not_ok(500));
        check(200, kind, "Vary: a, *", Some(Refusal::VaryAny));
        check(404, kind, "Vary: *", not_ok(404));
    }
    check(200, ResponseType::Opaque, "", not_ok(0));
    check(200, ResponseType::OpaqueRedirect, "", not_ok(0));
    let error = Refusal::NetworkError {
        url: URL.to_owned(),
    };
    check(0, ResponseType::Error, "", Some(error));
}
