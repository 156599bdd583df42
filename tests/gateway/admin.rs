//! Those who run a gateway: what they can ask of it, and who is not one of them.

use super::*;

/// A gateway with an address for those who run it, and that address.
fn administered(origin: &RawOrigin) -> (Serve, String) {
    let gateway = gateway(origin, &["--admin", "127.0.0.1:0"]);
    gateway.wait_until_said("health, metrics");
    let said = gateway.said();
    let url = said.split("purge at http://").nth(1).unwrap();
    let host = url.split('/').next().unwrap().to_owned();
    (gateway, host)
}

fn ask_admin(host: &str, request: &str, lines: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(host).unwrap();
    let text = format!(
        "{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n{lines}\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).unwrap();
    rest(&mut stream)
}

#[test]
fn what_is_purged_is_asked_for_anew_and_nothing_else_is() {
    let fields = "Cache-Control: max-age=60\r\nCache-Tag: red, green\r\nSurrogate-Key: a b\r\n";
    let origin = RawOrigin::always(ok(fields, "body"));
    let (gateway, admin) = administered(&origin);
    let host = "http://Shop.example";
    for (what, named, purged, asked) in [
        ("url", format!("{host}/a/1\nhttps://shop.example/a/2"), 2, 2),
        ("url", format!("{host}/a"), 0, 0),
        ("prefix", format!("{host}/a/"), 2, 2),
        ("prefix", "https://SHOP.example:443/a/".to_owned(), 2, 2),
        ("url", "https://SHOP.example:443/a/1".to_owned(), 1, 1),
        ("prefix", "https://shop.example:81/a/".to_owned(), 0, 0),
        ("prefix", "http://SHOP.example:80/a/".to_owned(), 2, 2),
        ("prefix", "http://shop.example".to_owned(), 3, 3),
        ("prefix", "http://shop".to_owned(), 0, 0),
        ("prefix", "https://other.example/".to_owned(), 0, 0),
        ("tag", "green".to_owned(), 3, 3),
        ("tag", "b".to_owned(), 3, 3),
        ("tag", "gre".to_owned(), 0, 0),
        ("all", String::new(), 3, 3),
    ] {
        let all = || {
            for path in ["/a/1", "/a/2", "/b"] {
                exchange(&gateway, &get(path, ""));
            }
        };
        all();
        let before = origin.seen().len();
        let answer = ask_admin(&admin, &format!("POST /purge/{what}"), "", &named);
        assert_eq!(
            body(&answer),
            format!("{{\"purged\": {purged}}}\n"),
            "{what} {named}"
        );
        all();
        assert_eq!(origin.seen().len() - before, asked, "{what} {named}");
    }
    let wrong = ask_admin(&admin, "POST /purge/url", "", "/a/1");
    assert_eq!(status(&wrong), 400, "{wrong}");
    assert_eq!(status(&ask_admin(&admin, "GET /purge/all", "", "")), 404);
}

#[test]
fn health_and_metrics_are_told_and_a_page_in_a_browser_purges_nothing() {
    let origin = RawOrigin::always(ok("Cache-Control: max-age=60\r\n", "body"));
    let (gateway, admin) = administered(&origin);
    for _ in 0..3 {
        exchange(&gateway, &get("/", ""));
    }
    let only = "Cache-Control: only-if-cached\r\n";
    assert_eq!(status(&exchange(&gateway, &get("/none", only))), 504);
    assert_eq!(status(&ask_admin(&admin, "GET /healthz", "", "")), 200);
    let metrics = ask_admin(&admin, "GET /metrics", "", "");
    for line in [
        "revisit_responses_total{status=\"2xx\"} 3\n",
        "revisit_cache_requests_total{outcome=\"hit\"} 2\n",
        "revisit_cache_requests_total{outcome=\"forwarded\"} 1\n",
        "revisit_cache_urls 1\n",
        "revisit_cache_requests_total{outcome=\"refused\"} 1\n",
        "revisit_cache_requests_total{outcome=\"stale\"} 0\n",
        "revisit_responses_total{status=\"5xx\"} 1\n",
    ] {
        assert!(metrics.contains(line), "{line} {metrics}");
    }
    let page = ask_admin(
        &admin,
        "POST /purge/all",
        "Origin: http://evil.example\r\n",
        "",
    );
    assert_eq!(status(&page), 403);
    assert_eq!(
        status(&exchange(&gateway, &get("/healthz", ""))),
        200,
        "that is the origin's"
    );
    assert_eq!(origin.seen().len(), 2, "nothing was purged");
}

#[test]
fn an_address_that_others_can_reach_wants_a_token() {
    let refused = crate::harness::revisit(&[
        "serve",
        "http://127.0.0.1:9",
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "0.0.0.0:0",
    ]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("`[admin] token`"), "{refused:?}");

    let folder = crate::harness::Site::new();
    folder.file(
        "revisit.toml",
        "[admin]\nlisten = '127.0.0.1:0'\ntoken = 'secret'\n",
    );
    let origin = RawOrigin::always(ok("", "body"));
    let words = ["serve", origin.url(), "--listen", "127.0.0.1:0"];
    let gateway = Serve::start_in(folder.path(), &words);
    gateway.wait_until_said("health, metrics");
    let said = gateway.said();
    let host = said
        .split("purge at http://")
        .nth(1)
        .unwrap()
        .split('/')
        .next()
        .unwrap();
    for (request, lines, expected) in [
        ("GET /healthz", "", 200),
        ("GET /metrics", "", 401),
        ("GET /metrics", "Authorization: Bearer secre\r\n", 401),
        ("GET /metrics", "Authorization: Bearer secret\r\n", 200),
        ("POST /purge/all", "", 401),
    ] {
        assert_eq!(
            status(&ask_admin(host, request, lines, "")),
            expected,
            "{request} {lines}"
        );
    }
}
