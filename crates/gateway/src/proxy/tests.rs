use http::header::CONNECTION;
use revisit_engine::Body;

use super::*;

const PROCESS: u64 = 7;

/// The fields that go on of a request with these, or the status that it is refused with.
fn check(trusted: &str, fields: &[(&str, &str)], expected: Result<&[(&str, Option<&str>)], u16>) {
    let proxy = Proxy::before((), vec![trusted.parse().unwrap()], PROCESS);
    let mut request = http::Request::new(Body::empty());
    *request.uri_mut() = "/page".parse().unwrap();
    for (name, value) in fields {
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, value.parse().unwrap());
    }
    let peer = Peer::new("192.0.2.1:9".parse().unwrap());
    request.extensions_mut().insert(peer);
    let done = proxy.prepare(&mut request);
    match (done, expected) {
        (None, Ok(expected)) => {
            for (name, value) in expected {
                let found = request.headers().get(*name).map(|v| v.to_str().unwrap());
                assert_eq!(found, *value, "{name}");
            }
        }
        (done, expected) => assert_eq!(
            done.map(|refusal| refusal.status().as_u16()),
            expected.err()
        ),
    }
}

const NOBODY: &str = "203.0.113.1";
const PEER: &str = "192.0.2.1";

#[test]
fn a_stranger_cannot_tell_who_asked_or_what_for() {
    let told = [
        ("host", "shop.example"),
        ("x-forwarded-for", "10.0.0.1"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-scheme", "nothttps"),
        ("forwarded", "for=10.0.0.1"),
        ("x-real-ip", "10.0.0.1"),
        ("x-original-url", "/admin"),
        ("x-http-method-override", "DELETE"),
    ];
    check(
        NOBODY,
        &told,
        Ok(&[
            ("x-forwarded-for", Some("192.0.2.1")),
            ("x-forwarded-host", Some("shop.example")),
            ("x-forwarded-proto", Some("http")),
            ("x-forwarded-scheme", None),
            (
                "forwarded",
                Some("for=192.0.2.1;host=\"shop.example\";proto=http"),
            ),
            ("x-real-ip", None),
            ("x-original-url", None),
            ("x-http-method-override", None),
        ]),
    );
    check(
        PEER,
        &told,
        Ok(&[
            ("x-forwarded-for", Some("10.0.0.1, 192.0.2.1")),
            ("x-forwarded-host", Some("evil.example")),
            ("x-forwarded-proto", Some("https")),
            ("x-http-method-override", None),
        ]),
    );
}

#[test]
fn a_request_that_was_here_before_is_refused() {
    let ours = "other, Revisit-0000000000000007;x=y";
    check(NOBODY, &[("cdn-loop", ours)], Err(508));
    check(
        NOBODY,
        &[("cdn-loop", "revisit-0000000000000008")],
        Ok(&[("via", Some("1.1 revisit"))]),
    );
}

#[test]
fn a_request_for_another_protocol_keeps_its_wish_and_loses_its_fields() {
    let fields = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "websocket"),
    ];
    check(
        NOBODY,
        &fields,
        Ok(&[("connection", None), ("upgrade", None)]),
    );
    let mut headers = HeaderMap::new();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    assert!(upgrading(&headers).is_none());
    headers.insert(CONNECTION, HeaderValue::from_static("keep-alive, Upgrade"));
    assert_eq!(upgrading(&headers).unwrap().0, "websocket");
    headers.append(UPGRADE, HeaderValue::from_static("h2c"));
    assert!(upgrading(&headers).is_none());
}

#[test]
fn an_ipv6_address_is_quoted() {
    let peer = Peer::new("[2001:db8::1]:9".parse().unwrap());
    let plain = "for=\"[2001:db8::1]\";proto=http";
    assert_eq!(forwarded(&peer, None), plain);
    let host = HeaderValue::from_static("shop.example:81");
    let said = "for=\"[2001:db8::1]\";host=\"shop.example:81\";proto=http";
    assert_eq!(forwarded(&peer, Some(&host)), said);
    // It would end the quotes.
    let host = HeaderValue::from_static("a\"b");
    assert_eq!(forwarded(&peer, Some(&host)), plain);
}

#[test]
fn the_last_hop_counts_down() {
    let mut headers = HeaderMap::new();
    assert!(!last_hop(&mut headers));
    headers.insert(MAX_FORWARDS, HeaderValue::from_static("1"));
    assert!(!last_hop(&mut headers));
    assert_eq!(headers[MAX_FORWARDS], "0");
    assert!(last_hop(&mut headers));
}
