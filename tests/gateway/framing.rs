//! The origin sees one framing of a request, or nothing of it.

use super::*;

/// Sends bytes that end in a request for `/smuggled`, which stands where a body is or should be.
fn check(name: &str, head: &str, rest: &str) {
    let origin = RawOrigin::always(ok("", "fine"));
    let gateway = gateway(&origin, &[]);
    let bytes = format!("{head}\r\n{rest}");
    let answers = exchange(&gateway, bytes.as_bytes());
    for seen in origin.seen() {
        assert_ne!(seen.target(), "/smuggled", "{name}: {answers}");
        let framings = seen.values("content-length").len() + seen.values("transfer-encoding").len();
        assert!(framings <= 1, "{name}: {}", seen.head);
    }
    let line = answers.lines().next().unwrap_or_default();
    assert!(
        line.is_empty() || line.contains(" 40") || line.contains(" 200 ") || line.contains(" 50"),
        "{name}: {line}"
    );
}

#[test]
fn a_request_that_can_be_read_in_two_ways_smuggles_nothing() {
    const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n";
    let post = "POST / HTTP/1.1\r\nHost: shop.example\r\n";
    let close = "Connection: close\r\n";
    let length = SMUGGLED.len();
    check(
        "two lengths",
        &format!("{post}Content-Length: 0\r\nContent-Length: {length}\r\n"),
        SMUGGLED,
    );
    check(
        "a list of lengths",
        &format!("{post}Content-Length: 0, {length}\r\n"),
        SMUGGLED,
    );
    check(
        "one length twice",
        &format!("{post}{close}Content-Length: {length}\r\nContent-Length: {length}\r\n"),
        SMUGGLED,
    );
    check(
        "two lengths, the larger first",
        &format!("{post}Content-Length: {length}\r\nContent-Length: 0\r\n"),
        SMUGGLED,
    );
    check(
        "an empty length",
        &format!("{post}Content-Length: \r\n"),
        SMUGGLED,
    );
    check(
        "a length in hexadecimal",
        &format!("{post}Content-Length: 0x10\r\n"),
        SMUGGLED,
    );
    check(
        "a length, then chunked",
        &format!(
            "{post}Content-Length: {}\r\nTransfer-Encoding: chunked\r\n",
            5 + length
        ),
        &format!("0\r\n\r\n{SMUGGLED}"),
    );
    check(
        "chunked, then a length",
        &format!(
            "{post}Transfer-Encoding: chunked\r\nContent-Length: {}\r\n",
            5 + length
        ),
        &format!("0\r\n\r\n{SMUGGLED}"),
    );
    check(
        "chunked, then a coding that nobody knows",
        &format!("{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n"),
        &format!("0\r\n\r\n{SMUGGLED}"),
    );
    check(
        "a length of a GET",
        &format!("GET / HTTP/1.1\r\nHost: shop.example\r\n{close}Content-Length: {length}\r\n"),
        SMUGGLED,
    );
    check(
        "a signed length",
        &format!("{post}Content-Length: +0\r\n"),
        SMUGGLED,
    );
    check(
        "a negative length",
        &format!("{post}Content-Length: -1\r\n"),
        SMUGGLED,
    );
    check(
        "a length too large",
        &format!("{post}Content-Length: 18446744073709551616\r\n"),
        SMUGGLED,
    );
    check(
        "a space before the colon",
        &format!("{post}Content-Length : {length}\r\n"),
        SMUGGLED,
    );
    check(
        "a folded length",
        &format!("{post}Content-Length:\r\n {length}\r\n"),
        SMUGGLED,
    );
    check(
        "an unknown coding",
        &format!("{post}Transfer-Encoding: xchunked\r\n"),
        SMUGGLED,
    );
    check(
        "chunked not last",
        &format!("{post}Transfer-Encoding: chunked, gzip\r\n"),
        SMUGGLED,
    );
    check(
        "a control in the coding",
        &format!("{post}Transfer-Encoding: \x0bchunked\r\n"),
        SMUGGLED,
    );
    let chunked = format!("{post}Transfer-Encoding: chunked\r\n");
    check(
        "a size that overflows",
        &chunked,
        &format!("10000000000000000\r\n{SMUGGLED}"),
    );
    check(
        "a size that is none",
        &chunked,
        &format!("0x0\r\n\r\n{SMUGGLED}"),
    );
    check(
        "a size with a space before it",
        &chunked,
        &format!(" 0\r\n\r\n{SMUGGLED}"),
    );
    check(
        "an extension of a size with a bare line feed",
        &chunked,
        &format!("0;x\n{SMUGGLED}"),
    );
    check(
        "a trailer with a length",
        &format!("{chunked}{close}"),
        &format!("0\r\nContent-Length: {length}\r\n\r\n"),
    );
    check(
        "a chunk without its end",
        &chunked,
        &format!("1\r\nx0\r\n\r\n{SMUGGLED}"),
    );
    check(
        "a negative size",
        &chunked,
        &format!("-1\r\n\r\n{SMUGGLED}"),
    );
    check(
        "a bare line feed behind the size",
        &chunked,
        &format!("0\n\n{SMUGGLED}"),
    );
    check(
        "a chunk that goes on behind its size",
        &chunked,
        &format!("1\r\nxGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n0\r\n\r\n{SMUGGLED}"),
    );
    check(
        "chunked of HTTP/1.0",
        "POST / HTTP/1.0\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n",
        &format!("0\r\n\r\n{SMUGGLED}"),
    );
    check(
        "a name with a line feed",
        "GET / HTTP/1.1\r\nHost: shop.example\r\nX: y\nContent-Length: 5\r\n: z\r\n",
        SMUGGLED,
    );
}

#[test]
fn whatever_framing_a_body_came_with_the_origin_sees_one() {
    let origin = RawOrigin::always(ok("", "fine"));
    let gateway = gateway(&origin, &[]);
    let post = "POST / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n";
    for (framed, lengths, codings) in [
        ("Content-Length: 4\r\n\r\nbody", 1, 0),
        (
            "Transfer-Encoding: chunked\r\n\r\n4;x=y\r\nbody\r\n0\r\nTrailer: x\r\n\r\n",
            0,
            1,
        ),
        ("Content-Length: 0\r\n\r\n", 1, 0),
    ] {
        let answer = exchange(&gateway, format!("{post}{framed}").as_bytes());
        assert_eq!(status(&answer), 200, "{answer}");
        let seen = origin.seen().pop().unwrap();
        assert_eq!(
            seen.values("content-length").len(),
            lengths,
            "{}",
            seen.head
        );
        assert_eq!(
            seen.values("transfer-encoding").len(),
            codings,
            "{}",
            seen.head
        );
        let body = String::from_utf8_lossy(&seen.body).into_owned();
        assert!(
            body.contains("body") || lengths == 1 && body.is_empty(),
            "{body}"
        );
        assert!(!body.contains("Trailer") && !body.contains("x=y"), "{body}");
    }
}

#[test]
fn an_answer_whose_framing_is_off_is_a_502_or_is_cut_and_never_kept() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\nCache-Control: max-age=60\r\n\r\nbodyx",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\nCache-Control: max-age=60\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nCache-Control: max-age=60\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCache-Control: max-age=60\r\n\r\n4\r\nbody\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCache-Control: max-age=60\r\n\r\nz\r\nbody\r\n0\r\n\r\n",
        "no HTTP at all\r\n\r\n",
    ] {
        let origin = RawOrigin::start(move |_, stream| {
            let _ = stream.write_all(answer.as_bytes());
            false
        });
        let gateway = gateway(&origin, &[]);
        for trips in 1..=2 {
            let got = exchange(&gateway, &get("/", ""));
            let cut = got.is_empty()
                || got.contains("ength: 9\r\n") && !got.ends_with("12345")
                || got.contains("chunked") && !got.ends_with("0\r\n\r\n");
            assert!(cut || status(&got) == 502, "{answer}\n{got}");
            assert_eq!(origin.seen().len(), trips, "{answer}");
        }
    }
}
