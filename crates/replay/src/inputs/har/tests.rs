use proptest::prelude::*;

use super::*;

const CHROME: &str = include_str!("../../../../../tests/fixtures/har/chrome.har");
const FIREFOX: &str = include_str!("../../../../../tests/fixtures/har/firefox.har");
const SAFARI: &str = include_str!("../../../../../tests/fixtures/har/safari.har");
const PROXY: &str = include_str!("../../../../../tests/fixtures/har/proxy.har");

/// What a recording comes to: its pages, and what the first document loads.
fn told(har: &str) -> Vec<String> {
    let har = Har::read(har.as_bytes()).unwrap();
    let mut lines: Vec<String> = har
        .pages
        .iter()
        .map(|page| format!("page {page}"))
        .collect();
    let mut documents: Vec<_> = har.loads.iter().collect();
    documents.sort_by_key(|(url, _)| (*url).clone());
    for (_, loads) in documents {
        lines.extend(loads.iter().map(|load| {
            let cors = if load.cors == Cors::Yes { " cors" } else { "" };
            format!("{} {}{cors}", load.destination.name(), load.url.path())
        }));
    }
    lines
}

fn ask(har: &Har, url: &str, tag: Option<&str>, later: u64) -> Option<Response> {
    let mut headers = HeaderMap::new();
    if let Some(tag) = tag {
        headers.insert("if-none-match", tag.parse().unwrap());
    }
    let request = Request {
        method: Method::GET,
        url: Url::parse(url).unwrap(),
        headers,
        destination: Destination::Document,
        body_bytes: None,
    };
    har.answer(&request, har.recorded.started + Duration::from_secs(later))
}

#[test]
fn every_browser_s_recording_is_read_alike() {
    let expected = [
        "page https://shop.example/",
        "style /assets/shop-1a2b3c4d.css",
        "script /app.js",
        "image /hero.jpg",
        "empty /api/list cors",
    ];
    assert_eq!(told(CHROME), expected, "Chrome");
    assert_eq!(told(FIREFOX), expected, "Firefox");
    assert_eq!(told(SAFARI), expected, "Safari");
}

#[test]
fn a_recording_of_a_proxy_without_pages_or_types_is_read_too() {
    assert_eq!(
        told(PROXY),
        [
            "page http://shop.example/",
            "style /shop.css",
            "script /app.js"
        ]
    );
}

#[test]
fn it_answers_as_it_was_answered_with_dates_of_today() {
    let har = Har::read(CHROME.as_bytes()).unwrap();
    let first = ask(&har, "https://shop.example/hero.jpg", None, 0).unwrap();
    assert_eq!((first.status.as_u16(), first.body.len()), (200, 48_210));
    let day = 86_400;
    let later = ask(&har, "https://shop.example/hero.jpg", None, day).unwrap();
    let seconds = |response: &Response, name: &str| {
        let value = response.headers[name].as_bytes();
        parse_http_date(value, har.recorded.started).unwrap()
    };
    let moved = seconds(&later, "expires")
        .duration_since(seconds(&first, "expires"))
        .unwrap();
    // It is written in whole seconds.
    assert!((day - 1..=day).contains(&moved.as_secs()), "{moved:?}");
    let tag = "\"app-7\"";
    assert_eq!(
        ask(&har, "https://shop.example/app.js", Some(tag), day)
            .unwrap()
            .status
            .as_u16(),
        304
    );
    assert_eq!(
        ask(&har, "https://shop.example/app.js", Some("\"other\""), day)
            .unwrap()
            .status
            .as_u16(),
        200
    );
    assert!(ask(&har, "https://shop.example/none", None, 0).is_none());
}

#[test]
fn what_is_on_the_wire_is_what_the_browser_counted() {
    let har = Har::read(CHROME.as_bytes()).unwrap();
    let script = ask(&har, "https://shop.example/app.js", None, 0).unwrap();
    assert_eq!(
        (script.body.len(), script.wire_body_bytes()),
        (21_000, 6_100)
    );
    assert_eq!(har.recorded.by, "WebInspector 537.36");
    assert_eq!(
        (har.recorded.other_methods, har.recorded.unanswered),
        (1, 1)
    );
}

/// A recording of a page `http://a/`, and of `http://a/x` with this response.
fn with_response(response: &str) -> Har {
    let text = format!(
        r#"{{"log":{{"entries":[
        {{"startedDateTime":"2026-11-22T09:30:00Z","request":{{"method":"GET","url":"http://a/","headers":null}},
        "response":{{"status":200,"headers":null,"content":{{"size":3,"mimeType":"text/html"}}}}}},
        {{"startedDateTime":"2026-11-22T09:30:01Z","request":{{"method":"GET","url":"http://a/x"}},"response":{response}}}]}}}}"#
    );
    Har::read(text.as_bytes()).unwrap()
}

#[test]
fn over_http_2_the_size_is_what_was_transferred_without_a_head() {
    let har = with_response(
        r#"{"status":200,"headers":[{"name":"etag","value":"\"12345678\""}],"headersSize":-1,"bodySize":-1,
        "_transferSize":5009,"content":{"size":21000,"mimeType":"text/javascript"}}"#,
    );
    let script = ask(&har, "http://a/x", None, 0).unwrap();
    // The value of the tag has 10 bytes, which packed are 7, and its name one.
    assert_eq!(
        (script.body.len(), script.wire_body_bytes()),
        (21_000, 5_001)
    );
    let har = with_response(
        r#"{"status":304,"headers":[],"headersSize":-1,"bodySize":0,"_transferSize":160,
        "content":{"size":21000,"mimeType":"text/javascript"}}"#,
    );
    let confirmed = ask(&har, "http://a/x", None, 0).unwrap();
    assert_eq!(
        confirmed.wire_body_bytes(),
        21_000,
        "a 304 is no measure of its body"
    );
}

#[test]
fn a_part_that_is_the_whole_came_whole_and_another_stays_a_part() {
    for (range, status) in [
        ("bytes 0-99/100", 200),
        ("bytes 0-98/100", 206),
        ("bytes 1-99/100", 206),
        ("bytes 0-99/*", 206),
        ("lines 0-99/100", 206),
        ("bytes 0-18446744073709551615/0", 206),
    ] {
        let har = with_response(&format!(
            r#"{{"status":206,"headers":[{{"name":"Content-Range","value":"{range}"}}],"content":{{"size":100,"mimeType":"video/mp4"}}}}"#
        ));
        let video = ask(&har, "http://a/x", None, 0).unwrap();
        assert_eq!(
            (
                video.status.as_u16(),
                video.headers.contains_key("content-range")
            ),
            (status, status == 206),
            "{range}"
        );
    }
}

#[test]
fn a_redirect_leads_to_its_page_and_is_no_page_of_its_own() {
    let entry = |url: &str, status: u16, more: &str| {
        format!(
            r#"{{"pageref":"p","startedDateTime":"2026-11-22T09:30:00Z","request":{{"method":"GET","url":"{url}"}},
            "response":{{"status":{status},"headers":[{more}],"content":{{"size":3,"mimeType":"text/html"}}}}}}"#
        )
    };
    let to = r#"{"name":"Location","value":"/b"}"#;
    let har = format!(
        r#"{{"log":{{"entries":[{},{},{}]}}}}"#,
        entry("http://a/", 301, to),
        entry("http://a/b", 200, ""),
        entry("http://a/frame.html", 200, "")
    );
    assert_eq!(told(&har), ["page http://a/", "document /frame.html"]);
}

#[test]
fn a_file_that_is_cut_off_or_no_recording_is_told_so() {
    let refused = |text: &str| Har::read(text.as_bytes()).unwrap_err().to_string();
    assert!(refused(&CHROME[..CHROME.len() / 2]).contains("ends in the middle"));
    assert!(refused("").contains("ends in the middle"));
    assert!(refused("{}").contains("no `log.entries`"));
    assert!(refused(r#"{"traceEvents":[{"a":1}]}"#).contains("no `log.entries`"));
    assert!(refused("[]").contains("an object with `log`"));
    assert!(refused("<html>").contains("no HAR document"));
    assert!(refused(r#"{"log":{"entries":[]}}"#).contains("records no page"));
    let circle = r#"{"log":{"entries":[{"startedDateTime":"2026-11-22T09:30:00Z","request":{"method":"GET","url":"http://a/"},
        "response":{"status":302,"headers":[{"name":"Location","value":"/"}],"content":{"mimeType":"text/html"}}}]}}"#;
    assert!(refused(circle).contains("`http://a/` only redirects"));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0usize..10_000, at in 0usize..10_000) {
        let _ = Har::read(&bytes[..]);
        let _ = Har::read(&CHROME.as_bytes()[..cut.min(CHROME.len())]);
        let mut damaged = FIREFOX.as_bytes().to_vec();
        let place = at % damaged.len();
        damaged[place] = bytes.first().copied().unwrap_or(0);
        let _ = Har::read(&damaged[..]);
    }
}
