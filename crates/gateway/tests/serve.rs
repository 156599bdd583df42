//! The listener and the folder on a real socket: what only bytes on a wire can show.
#![allow(clippy::unwrap_used, reason = "a test may end so")]

mod server;

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use revisit_engine::{Clock as _, SystemClock, pages};
use revisit_gateway::{Ended, Limits};
use server::{
    Crossing, Echo, Endless, Faulty, Held, LONG, Server, Site, Text, Whole, read_answer,
    read_to_end, refused, serve_on_cores, statuses,
};

#[test]
fn requests_that_come_together_are_answered_in_their_order_on_one_connection() {
    let site = Site::new();
    let answers = site.server.exchange(concat!(
        "GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n",
        "HEAD /a.txt HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /none HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://other.example/b.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ));
    let (statuses, rest) = (statuses(&answers), answers.as_str());
    assert_eq!(
        statuses,
        ["200 OK", "200 OK", "404 Not Found", "200 OK"],
        "{answers}"
    );
    assert_eq!(
        rest.matches("content of a").count(),
        1,
        "a HEAD has no body: {answers}"
    );
    assert_eq!(
        rest.matches("content-length: 12\r\n").count(),
        3,
        "but its length: {answers}"
    );
    assert!(rest.ends_with("\r\n\r\ncontent of b"), "{answers}");
    assert_eq!(rest.matches("\r\ndate: ").count(), 4, "{answers}");
}

#[test]
fn a_large_body_arrives_as_it_is_kept_however_it_is_sent() {
    // More than sockets hold, so that it goes out in parts; letters that tell each place.
    let letters: Vec<u8> = (0..20_000_003u32).map(|n| b'a' + (n % 23) as u8).collect();
    let letters = Bytes::from(letters);
    let kept = pages::join([&letters].into_iter(), letters.len());
    for body in [letters.clone(), kept.clone(), kept.slice(1..)] {
        let server = Server::start(Arc::new(Whole(body.clone())), Limits::default());
        let answers = server.exchange(concat!(
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        ));
        let text = std::str::from_utf8(&body).unwrap();
        let bodies = answers.split("HTTP/1.1 200 OK\r\n").skip(1);
        let bodies: Vec<_> = bodies
            .filter_map(|answer| answer.split_once("\r\n\r\n"))
            .collect();
        assert_eq!(bodies.len(), 2);
        for (head, body) in bodies {
            assert!(body == text, "{} bytes after {head}", body.len());
        }
    }
}

#[test]
fn a_304_has_neither_body_nor_length() {
    let site = Site::new();
    let answer = site.server.exchange(
        "GET /a.txt HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(statuses(&answer), ["304 Not Modified"]);
    assert!(
        !answer.contains("content-length") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
}

#[test]
fn no_spelling_on_the_wire_leads_out_of_the_folder() {
    let site = Site::new();
    for target in [
        "/../secret",
        "/..//secret",
        "/./../secret",
        "/%2e%2e/secret",
        "/%2E%2E%2Fsecret",
        "/..%2fsecret",
        "/..%5csecret",
        "/..\\secret",
        "/%252e%252e/secret",
        "//secret",
        "///../secret",
        "/a.txt/../../secret",
        "/%c0%ae%c0%ae/secret",
        "/\u{2025}/secret",
        "../secret",
        "secret",
        "*",
        "file:///secret",
        "http://x/../secret",
        "http:///../secret",
        "/secret\u{0}",
        "/%00/../secret",
        "/.secret",
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = site.server.exchange(&request);
        let status = &statuses(&answer)[0][..3];
        assert!(["400", "404"].contains(&status), "{target}: {answer}");
        assert!(!answer.contains("confidential"), "{target}");
    }
    assert_eq!(
        site.server.status("/a.txt"),
        "200 OK",
        "and the server is well"
    );
}

#[test]
fn a_request_that_names_its_host_not_once_is_refused() {
    let site = Site::new();
    for (hosts, status) in [
        ("", "400 Bad Request"),
        ("Host: x\r\nHost: x\r\n", "400 Bad Request"),
        ("Host: x\r\n", "200 OK"),
    ] {
        let request = format!("GET /a.txt HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        assert_eq!(
            statuses(&site.server.exchange(&request)),
            [status],
            "{hosts}"
        );
    }
    let old = site.server.exchange("GET /a.txt HTTP/1.0\r\n\r\n");
    assert_eq!(statuses(&old), ["200 OK"], "HTTP/1.0 had no Host");
}

#[test]
fn a_header_beyond_its_limits_is_refused() {
    let site = Site::new();
    let many = "X: y\r\n".repeat(101);
    let long = format!("X: {}\r\n", "y".repeat(70_000));
    for fields in [many, long] {
        let request = format!("GET /a.txt HTTP/1.1\r\nHost: x\r\n{fields}\r\n");
        let answer = site.server.exchange(&request);
        assert_eq!(
            statuses(&answer),
            ["431 Request Header Fields Too Large"],
            "{}",
            fields.len()
        );
    }
}

#[test]
fn a_client_that_dawdles_over_its_header_is_cut_and_one_that_only_waits_is_not() {
    let limits = Limits {
        header_time_max: Duration::from_millis(50),
        idle_time_max: LONG,
        ..Limits::default()
    };
    let server = Server::start(Arc::new(Text("text")), limits);
    let mut idle = server.connect();
    let mut slow = server.connect();
    slow.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
    assert_eq!(read_to_end(&mut slow), "", "cut without an answer");
    idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .unwrap();
    assert!(
        read_to_end(&mut idle).ends_with("\r\n\r\ntext"),
        "waited longer, and is answered"
    );
}

#[test]
fn a_connection_without_requests_is_closed_in_the_end() {
    let limits = Limits {
        idle_time_max: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = Server::start(Arc::new(Text("text")), limits);
    assert_eq!(read_to_end(&mut server.connect()), "");
    let mut used = server.connect();
    used.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    assert!(read_to_end(&mut used).ends_with("\r\n\r\ntext"));
}

#[test]
fn a_client_that_takes_nothing_is_cut() {
    let limits = Limits {
        write_stall_max: Duration::from_millis(50),
        ..Limits::default()
    };
    let endless = Arc::new(Endless::default());
    let server = Server::start(endless.clone(), limits);
    let mut client = server.connect();
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    endless.dropped.wait();
}

#[test]
fn a_shutdown_lets_the_request_under_way_finish_and_takes_no_other() {
    let held = Arc::new(Held::default());
    let mut server = Server::start(held.clone(), Limits::default());
    let mut idle = server.connect();
    let mut client = server.connect();
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    held.asked.wait();
    server.stop();
    assert_eq!(read_to_end(&mut idle), "", "an idle connection is closed");
    assert!(refused(server.address), "and nobody is let in");
    held.go.notify_one();
    assert!(read_to_end(&mut client).ends_with("\r\n\r\ndone"));
    assert_eq!(server.ended(), Ended::Drained);
}

#[test]
fn a_shutdown_does_not_wait_beyond_its_grace() {
    let held = Arc::new(Held::default());
    let limits = Limits {
        grace: Duration::from_millis(50),
        ..Limits::default()
    };
    let mut server = Server::start(held.clone(), limits);
    let mut client = server.connect();
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    held.asked.wait();
    server.stop();
    assert_eq!(server.ended(), Ended::Cut { connections: 1 });
    assert_eq!(read_to_end(&mut client), "");
}

#[test]
fn a_fault_in_one_request_is_a_500_and_the_server_lives_on() {
    let server = Server::start(Arc::new(Faulty), Limits::default());
    for (path, status) in [
        ("/panic", "500 Internal Server Error"),
        ("/error", "500 Internal Server Error"),
        ("/", "200 OK"),
    ] {
        assert_eq!(server.status(path), status, "{path}");
    }
    let request = "GET /body HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert!(
        !server.exchange(request).ends_with("0\r\n\r\n"),
        "a body that panics has no end"
    );
    assert_eq!(server.status("/"), "200 OK");
}

#[test]
fn connections_beyond_the_limit_wait_for_a_place() {
    let limits = Limits {
        connections_max: 1,
        ..Limits::default()
    };
    let server = Server::start(Arc::new(Text("text")), limits);
    let mut first = server.connect();
    first
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    first.read_exact(&mut [0; 12]).unwrap();
    let mut second = server.connect();
    second
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .unwrap();
    second
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    assert!(
        second.read(&mut [0; 1]).is_err(),
        "no answer while the place is taken"
    );
    drop(first);
    assert!(read_to_end(&mut second).ends_with("text"));
}

#[test]
fn a_connection_that_is_used_is_never_idle() {
    let limits = Limits {
        idle_time_max: Duration::from_secs(1),
        ..Limits::default()
    };
    let server = Server::start(Arc::new(Text("text")), limits);
    let mut used = server.connect();
    // Longer than it may be idle, by the server's own answers: it is asked without a pause.
    let clock = SystemClock::start();
    while clock.elapsed() < Duration::from_millis(1500) {
        used.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        assert!(read_answer(&mut used).ends_with("text"));
    }
    assert_eq!(read_to_end(&mut used), "", "it is closed when it is not");
}

#[test]
fn a_shutdown_lets_requests_finish_that_another_core_works_for() {
    let crossing = Arc::new(Crossing::default());
    let (address, stop, cores) = serve_on_cores(crossing.clone(), 2);
    let connect = || {
        let mut client = std::net::TcpStream::connect(address).unwrap();
        client.set_read_timeout(Some(LONG)).unwrap();
        client
            .write_all(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        let answer = read_answer(&mut client);
        let thread = answer.rsplit("\r\n").next().unwrap().to_owned();
        (client, thread)
    };
    // The system deals connections out as it likes.
    let (mut one, first) = connect();
    let (mut other, _) = std::iter::repeat_with(connect)
        .take(1000)
        .find(|(_, thread)| *thread != first)
        .expect("both listen");
    one.write_all(b"GET /begin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .unwrap();
    assert!(read_to_end(&mut one).ends_with("begun"));
    other
        .write_all(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    crossing.waiting.wait();
    stop.send(true).unwrap();
    assert!(refused(address));
    // The first core has nothing left of its own: give it the time to end, which it should not take.
    crossing.gone.wait_a_moment();
    crossing.go.notify_one();
    assert!(read_to_end(&mut other).ends_with("crossed"));
    assert_eq!(cores.join(), Ended::Drained);
}

#[test]
fn a_body_of_a_request_that_is_too_large_or_too_slow_is_refused() {
    let limits = Limits {
        body_bytes_max: 10,
        body_time_max: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = Server::start(Arc::new(Echo), limits);
    let post = "POST / HTTP/1.1\r\nHost: x\r\n";
    for (framed, status) in [
        (
            "Connection: close\r\nContent-Length: 10\r\n\r\n0123456789",
            "200 OK",
        ),
        (
            "Content-Length: 11\r\n\r\n0123456789x",
            "413 Payload Too Large",
        ),
        ("Content-Length: 11\r\n\r\n", "413 Payload Too Large"),
        (
            "Transfer-Encoding: chunked\r\n\r\nb\r\n0123456789x\r\n0\r\n\r\n",
            "413 Payload Too Large",
        ),
        ("Content-Length: 10\r\n\r\n012345678", "408 Request Timeout"),
    ] {
        let answer = server.exchange(&format!("{post}{framed}"));
        assert_eq!(statuses(&answer), [status], "{framed}: {answer}");
    }
}

#[test]
fn a_url_that_is_too_long_is_refused() {
    let server = Server::start(Arc::new(Text("text")), Limits::default());
    let path = |length: usize| format!("/{}", "x".repeat(length - 1));
    assert_eq!(server.status(&path(8192)), "200 OK");
    assert_eq!(server.status(&path(8193)), "414 URI Too Long");
}

#[test]
fn one_who_asks_for_too_many_ranges_gets_the_whole() {
    let site = Site::new();
    for (ranges, status) in [
        ("0-0".to_owned(), "206 Partial Content"),
        (["0-0"; 17].join(","), "200 OK"),
    ] {
        let request = format!(
            "GET /a.txt HTTP/1.1\r\nHost: x\r\nRange: bytes={ranges}\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(statuses(&site.server.exchange(&request)), [status]);
    }
}
