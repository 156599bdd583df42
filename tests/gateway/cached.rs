//! One trip for all who wait, and what becomes of it when someone leaves or something is written.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::raw::Gate;
use super::*;
use crate::harness::eventually;

#[test]
fn a_crowd_costs_one_trip_and_gets_the_body_as_it_comes_though_its_first_one_leaves() {
    let gate = Gate::default();
    let origin = RawOrigin::start({
        let gate = gate.clone();
        move |_, stream| {
            let head =
                "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nCache-Control: max-age=60\r\n\r\nfirst";
            stream.write_all(head.as_bytes()).unwrap();
            gate.pass();
            stream.write_all(b" last").is_ok()
        }
    });
    let gateway = gateway(&origin, &[]);
    let mut leader = connect(&gateway);
    leader.write_all(&get("/", "")).unwrap();
    origin.wait_for(1);
    let mut crowd: Vec<TcpStream> = (0..50).map(|_| connect(&gateway)).collect();
    for client in &mut crowd {
        client.write_all(&get("/", "")).unwrap();
    }
    for client in &mut crowd {
        let mut seen = Vec::new();
        while !seen.ends_with(b"first") {
            let mut byte = [0];
            client.read_exact(&mut byte).unwrap();
            seen.push(byte[0]);
        }
    }
    drop(leader);
    gate.open();
    for client in &mut crowd {
        assert_eq!(rest(client), " last");
    }
    assert_eq!(body(&exchange(&gateway, &get("/", ""))), "first last");
    assert_eq!(origin.seen().len(), 1);
}

#[test]
fn those_who_wait_for_what_turns_out_to_be_private_do_not_wait_for_each_other() {
    let gate = Gate::default();
    let origin = RawOrigin::start({
        let gate = gate.clone();
        move |_, stream| {
            gate.pass();
            stream
                .write_all(&ok("Cache-Control: private\r\n", "own"))
                .is_ok()
        }
    });
    let gateway = gateway(&origin, &[]);
    let mut crowd: Vec<TcpStream> = (0..10).map(|_| connect(&gateway)).collect();
    for client in &mut crowd {
        client.write_all(&get("/", "")).unwrap();
    }
    origin.wait_for(1);
    gate.open();
    for client in &mut crowd {
        assert_eq!(body(&rest(client)), "own");
    }
    assert_eq!(origin.seen().len(), 10, "each its own");
}

#[test]
fn what_is_written_while_it_is_read_is_not_kept_as_it_was() {
    let gate = Gate::default();
    let reads = AtomicUsize::new(0);
    let origin = RawOrigin::start({
        let gate = gate.clone();
        move |seen, stream| {
            if seen.head.starts_with("POST") {
                return stream.write_all(&ok("", "done")).is_ok();
            }
            if reads.fetch_add(1, SeqCst) > 0 {
                return stream
                    .write_all(&ok("Cache-Control: max-age=60\r\n", "new"))
                    .is_ok();
            }
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nCache-Control: max-age=60\r\n\r\no";
            stream.write_all(head.as_bytes()).unwrap();
            gate.pass();
            stream.write_all(b"ld").is_ok()
        }
    });
    let gateway = gateway(&origin, &[]);
    let mut reader = connect(&gateway);
    reader.write_all(&get("/", "")).unwrap();
    origin.wait_for(1);
    let post =
        b"POST / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(status(&exchange(&gateway, post)), 200);
    gate.open();
    assert_eq!(body(&rest(&mut reader)), "old");
    assert_eq!(body(&exchange(&gateway, &get("/", ""))), "new");
    assert_eq!(body(&exchange(&gateway, &get("/", ""))), "new");
    assert_eq!(origin.seen().len(), 3);
}

#[test]
fn a_request_that_may_have_reached_the_origin_is_never_sent_again() {
    let origin = RawOrigin::start(|seen, stream| {
        // The first of a connection is answered, so that the next one goes out on a kept one.
        seen.target() == "/first" && stream.write_all(&ok("", "x")).is_ok()
    });
    let gateway = gateway(&origin, &[]);
    for method in ["GET", "POST"] {
        exchange(&gateway, &get("/first", ""));
        let before = origin.seen().len();
        let request = format!(
            "{method} /drop HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        );
        assert_eq!(
            status(&exchange(&gateway, request.as_bytes())),
            502,
            "{method}"
        );
        assert_eq!(origin.seen().len(), before + 1, "{method}");
    }
}

#[test]
fn a_stale_answer_is_used_at_once_and_made_fresh_behind_the_scenes() {
    let count = Arc::new(AtomicUsize::new(0));
    let origin = RawOrigin::start(move |_, stream| {
        let body = format!("body {}", count.fetch_add(1, SeqCst));
        let fields = "Cache-Control: max-age=1, stale-while-revalidate=60\r\nAge: 5\r\n";
        stream.write_all(&ok(fields, &body)).is_ok()
    });
    let gateway = gateway(&origin, &[]);
    let ask = || exchange(&gateway, &get("/", ""));
    assert_eq!(body(&ask()), "body 0");
    let stale = ask();
    assert_eq!(body(&stale), "body 0");
    assert!(stale.contains("stale-while-revalidating"), "{stale}");
    origin.wait_for(2);
    eventually("the fresh one is there", DEADLINE, || {
        (body(&ask()) != "body 0").then_some(())
    });
}

#[test]
fn what_is_kept_is_used_when_the_origin_is_gone_unless_it_forbids_that() {
    for (said, after) in [("max-age=1", 200), ("max-age=1, must-revalidate", 502)] {
        let asked = AtomicUsize::new(0);
        let origin = RawOrigin::start(move |_, stream| {
            let fields = format!("Cache-Control: {said}\r\nAge: 5\r\nETag: \"1\"\r\n");
            asked.fetch_add(1, SeqCst) == 0 && stream.write_all(&ok(&fields, "body")).is_ok()
        });
        let gateway = gateway(&origin, &[]);
        assert_eq!(status(&exchange(&gateway, &get("/", ""))), 200);
        let again = exchange(&gateway, &get("/", ""));
        assert_eq!(status(&again), after, "{said}: {again}");
        assert_eq!(origin.seen()[1].values("if-none-match"), ["\"1\""]);
    }
}

#[test]
fn ranges_are_cut_from_the_whole_and_parts_are_kept_and_joined() {
    let origin = RawOrigin::start(|seen, stream| {
        let answer = match seen.values("range").first() {
            Some(&"bytes=0-3") => part("0-3", "abcd"),
            Some(&"bytes=4-9") => part("4-9", "efghij"),
            _ => ok("Cache-Control: max-age=60\r\nETag: \"1\"\r\n", "abcdefghij"),
        };
        stream.write_all(&answer).is_ok()
    });
    fn part(range: &str, body: &str) -> Vec<u8> {
        format!(
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {range}/10\r\nContent-Length: {}\r\n\
             Cache-Control: max-age=60\r\nETag: \"1\"\r\n\r\n{body}",
            body.len()
        )
        .into()
    }
    let gateway = gateway(&origin, &[]);
    let ask = |path: &str, range: &str| {
        let answer = exchange(&gateway, &get(path, &format!("Range: bytes={range}\r\n")));
        (status(&answer), body(&answer).to_owned())
    };
    exchange(&gateway, &get("/whole", ""));
    assert_eq!(ask("/whole", "2-4"), (206, "cde".to_owned()));
    assert_eq!(ask("/whole", "-2"), (206, "ij".to_owned()));
    assert_eq!(ask("/whole", "10-").0, 416);
    let several = exchange(&gateway, &get("/whole", "Range: bytes=0-0,8-9\r\n"));
    assert_eq!(status(&several), 206);
    let boundary = several.split("boundary=").nth(1).unwrap();
    let boundary = boundary.lines().next().unwrap();
    let part = |range, bytes| {
        format!("--{boundary}\r\nContent-Range: bytes {range}/10\r\n\r\n{bytes}\r\n")
    };
    let parts = part("0-0", "a") + &part("8-9", "ij") + &format!("--{boundary}--\r\n");
    assert_eq!(body(&several), parts);
    let of_another = "Range: bytes=0-0,8-9\r\nIf-Range: \"2\"\r\n";
    let whole = exchange(&gateway, &get("/whole", of_another));
    assert_eq!((status(&whole), body(&whole)), (200, "abcdefghij"));
    assert_eq!(ask("/whole", "0-8,1-9"), (200, "abcdefghij".to_owned()));
    assert_eq!(origin.seen().len(), 1);

    assert_eq!(ask("/parts", "0-3"), (206, "abcd".to_owned()));
    assert_eq!(
        ask("/parts", "1-2"),
        (206, "bc".to_owned()),
        "from the part"
    );
    assert_eq!(origin.seen().len(), 2);
    assert_eq!(ask("/parts", "4-9"), (206, "efghij".to_owned()));
    assert_eq!(ask("/parts", "2-6"), (206, "cdefg".to_owned()), "from both");
    assert_eq!(
        body(&exchange(&gateway, &get("/parts", ""))),
        "abcdefghij",
        "they are all of it"
    );
    assert_eq!(origin.seen().len(), 3);
}

#[test]
fn the_config_gives_lifetimes_where_the_origin_says_nothing_and_keeps_the_cache_out_of_things() {
    let folder = crate::harness::Site::new();
    folder.file(
        "revisit.toml",
        "[[cache.rule]]\npath = 'admin/**'\nbypass = true\n\
         [[cache.rule]]\npath = 'assets/**'\nlifetime_seconds = 60\nbypass_cookies = ['session']\n",
    );
    let origin = RawOrigin::start(|seen, stream| {
        let fields = match seen.target() {
            "/assets/said" => "Cache-Control: max-age=0\r\n",
            "/assets/cookie" => "Set-Cookie: a=b\r\n",
            "/admin/kept" => "Cache-Control: max-age=60\r\n",
            "/assets/cart" if seen.head.starts_with("POST") => {
                let fields = "Cache-Control: max-age=60\r\nContent-Location: /assets/cart\r\n";
                return stream.write_all(&ok(fields, "own")).is_ok();
            }
            _ => "",
        };
        stream.write_all(&ok(fields, "body")).is_ok()
    });
    let words = ["serve", origin.url(), "--listen", "127.0.0.1:0"];
    let gateway = Serve::start_in(folder.path(), &words);
    for (path, lines, trips) in [
        ("/assets/a", "", 1),
        ("/assets/a", "Cookie: theme=dark; other\r\n", 0),
        ("/assets/a", "Cookie: theme=dark; session=1\r\n", 2),
        ("/assets/said", "", 2),
        ("/assets/cookie", "", 2),
        ("/other", "", 2),
        ("/admin/kept", "", 2),
    ] {
        let before = origin.seen().len();
        for _ in 0..2 {
            assert_eq!(status(&exchange(&gateway, &get(path, lines))), 200);
        }
        assert_eq!(origin.seen().len() - before, trips, "{path} {lines}");
    }
    let told = exchange(&gateway, &get("/assets/b", ""));
    assert!(told.contains("cache-control: max-age=60\r\n"), "{told}");
    let bypassed = exchange(&gateway, &get("/admin/kept", ""));
    assert!(
        bypassed.contains("cache-status: revisit;fwd=bypass\r\n"),
        "{bypassed}"
    );

    // what a bypassed request brings is nobody else's, whatever its method
    let post = "POST /assets/cart HTTP/1.1\r\nHost: shop.example\r\nCookie: session=1\r\n\
                Content-Length: 0\r\nConnection: close\r\n\r\n";
    assert_eq!(body(&exchange(&gateway, post.as_bytes())), "own");
    assert_eq!(body(&exchange(&gateway, &get("/assets/cart", ""))), "body");

    folder.file("revisit.toml", "[[cache.rule]]\nbypass = true\n");
    let refused = crate::harness::revisit_in(folder.path(), &words);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("has no `path`"), "{refused:?}");
}
