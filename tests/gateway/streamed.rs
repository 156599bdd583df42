//! What passes through: events as they come, other protocols, hints, and bodies of any size.

use super::raw::Gate;
use super::*;

/// Reads until these bytes have come.
fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut seen = Vec::new();
    while !seen.ends_with(end.as_bytes()) {
        let mut byte = [0];
        stream
            .read_exact(&mut byte)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&seen)));
        seen.push(byte[0]);
    }
    String::from_utf8(seen).unwrap()
}

#[test]
fn an_event_is_there_when_it_is_sent() {
    let gate = Gate::default();
    let origin = RawOrigin::start({
        let gate = gate.clone();
        move |_, stream| {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n";
            stream.write_all(head.as_bytes()).unwrap();
            gate.pass();
            stream.write_all(b"data: 2\n\n").unwrap();
            false
        }
    });
    let gateway = gateway(&origin, &[]);
    let mut client = connect(&gateway);
    client.write_all(&get("/events", "")).unwrap();
    read_until(&mut client, "data: 1\n\n");
    gate.open();
    read_until(&mut client, "data: 2\n\n");
}

#[test]
fn another_protocol_passes_both_ways_and_only_who_asks_for_one_gets_it() {
    let origin = RawOrigin::start(|seen, stream| {
        if seen.values("upgrade").is_empty() {
            let unasked =
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n";
            let _ = stream.write_all(unasked.as_bytes());
            return false;
        }
        let head =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes).unwrap();
        stream.write_all(&bytes).unwrap();
        false
    });
    let gateway = gateway(&origin, &[]);
    let mut client = connect(&gateway);
    let asks =
        "GET /ws HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    client.write_all(asks.as_bytes()).unwrap();
    let head = read_until(&mut client, "\r\n\r\n");
    assert!(
        head.starts_with("HTTP/1.1 101 ") && head.contains("upgrade: echo\r\n"),
        "{head}"
    );
    client.write_all(b"ping").unwrap();
    assert_eq!(rest(&mut client), "ping");
    assert_eq!(status(&exchange(&gateway, &get("/", ""))), 502);
}

#[test]
fn a_hint_arrives_before_the_answer_that_it_is_for_and_is_not_kept() {
    let gate = Gate::default();
    let origin = RawOrigin::start({
        let gate = gate.clone();
        move |_, stream| {
            let hint = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n";
            stream.write_all(hint.as_bytes()).unwrap();
            gate.pass();
            stream
                .write_all(&ok("Cache-Control: max-age=60\r\n", "body"))
                .is_ok()
        }
    });
    let gateway = gateway(&origin, &[]);
    let mut client = connect(&gateway);
    client.write_all(&get("/", "")).unwrap();
    let hint = read_until(&mut client, "\r\n\r\n");
    assert_eq!(status(&hint), 103, "{hint}");
    assert!(hint.contains("link: </a.css>; rel=preload\r\n"), "{hint}");
    gate.open();
    let answer = rest(&mut client);
    assert_eq!((status(&answer), body(&answer)), (200, "body"), "{answer}");
    assert_eq!(
        status(&exchange(&gateway, &get("/", ""))),
        200,
        "from the cache, no hint"
    );

    let old = exchange(&gateway, b"GET /old HTTP/1.0\r\nHost: shop.example\r\n\r\n");
    assert_eq!(status(&old), 200, "HTTP/1.0 knows no hints: {old}");
}

#[test]
fn a_body_larger_than_may_be_kept_passes_whole_and_one_slow_client_holds_up_nobody() {
    const BYTES: usize = 80 << 20;
    let origin = RawOrigin::start(|seen, stream| {
        if seen.target() == "/small" {
            return stream
                .write_all(&ok("Cache-Control: max-age=60\r\n", "body"))
                .is_ok();
        }
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {BYTES}\r\nCache-Control: max-age=60\r\n\r\n"
        );
        if stream.write_all(head.as_bytes()).is_err() {
            return false;
        }
        let piece = vec![b'x'; 1 << 20];
        (0..BYTES >> 20).all(|_| stream.write_all(&piece).is_ok())
    });
    let gateway = gateway(&origin, &[]);
    let mut slow = connect(&gateway);
    slow.write_all(&get("/large", "")).unwrap();
    let mut quick = connect(&gateway);
    quick.write_all(&get("/large", "")).unwrap();
    read_until(&mut quick, "\r\n\r\n");
    let mut bytes = 0;
    let mut buffer = vec![0; 1 << 20];
    while let Ok(read @ 1..) = quick.read(&mut buffer) {
        bytes += read;
    }
    assert_eq!(bytes, BYTES, "though the slow one took nothing");
    assert_eq!(body(&exchange(&gateway, &get("/small", ""))), "body");
    drop(slow);
}
