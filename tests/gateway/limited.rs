//! What the config bounds and changes: limits of those who ask, header edits.

use std::time::Duration;

use super::raw::Gate;
use super::*;
use crate::harness::{Site, eventually, revisit};

/// A gateway with this config.
fn configured(origin: &RawOrigin, config: &str) -> (Serve, Site) {
    let folder = Site::new();
    folder.file("revisit.toml", config);
    let words = ["serve", origin.url(), "--listen", "127.0.0.1:0"];
    (Serve::start_in(folder.path(), &words), folder)
}

#[test]
fn fields_are_changed_on_the_way_to_the_origin_and_back_and_kept_as_changed() {
    let origin = RawOrigin::start(|_, stream| {
        let fields = "Cache-Control: no-store\r\nSet-Cookie: a=b\r\nX-Powered-By: x\r\n";
        stream.write_all(&ok(fields, "body")).is_ok()
    });
    let (gateway, _folder) = configured(
        &origin,
        "[[origin.edit]]\npath = 'assets/**'\nrequest_remove = ['Cookie']\n\
         request_set = { X-Forwarded-Proto = 'https' }\nresponse_remove = ['Set-Cookie']\n\
         response_set = { Cache-Control = 'max-age=60' }\n\
         [[origin.edit]]\npath = '**'\nresponse_remove = ['X-Powered-By']\n\
         response_add = { X-Frame-Options = 'DENY' }\n",
    );
    for trips in ["asked", "kept"] {
        let answer = exchange(&gateway, &get("/assets/a.css", "Cookie: id=1\r\n"));
        assert!(answer.contains("cache-control: max-age=60\r\n"), "{answer}");
        assert!(
            answer.contains("x-frame-options: DENY\r\n"),
            "{trips}: {answer}"
        );
        assert!(!answer.contains("set-cookie") && !answer.contains("x-powered-by"));
    }
    let seen = origin.seen();
    assert_eq!(seen.len(), 1, "what is set is what counts");
    assert!(seen[0].values("cookie").is_empty());
    assert_eq!(seen[0].values("x-forwarded-proto"), ["https"]);

    let answer = exchange(&gateway, &get("/page", "Cookie: id=1\r\n"));
    assert!(answer.contains("set-cookie: a=b\r\n") && answer.contains("x-frame-options"));
    assert_eq!(origin.seen()[1].values("cookie"), ["id=1"]);
}

#[test]
fn edits_and_limits_that_cannot_be_are_refused_with_the_remedy() {
    for (config, said) in [
        (
            "[[origin.edit]]\npath = '**'\nresponse_set = { Content-Length = '1' }",
            "`content-length` cannot be changed: it says how the message is sent",
        ),
        (
            "[[origin.edit]]\npath = 'a/**'\nrequest_set = { Host = 'x' }",
            "the `[[origin.edit]]` for `a/**`",
        ),
        (
            "[[origin.edit]]\npath = '**'\nresponse_remove = ['Vary']",
            "it says whom the answer is for",
        ),
        (
            "[[origin.edit]]\npath = '**'\nrequest_add = { 'a b' = 'x' }",
            "`a b` is no name of a header field",
        ),
        (
            "[[origin.edit]]\nrequest_remove = ['Cookie']",
            "a `[[origin.edit]]` has no `path`",
        ),
        (
            "[[origin.edit]]\npath = '**'\nremove = ['a']",
            "unknown field `remove`",
        ),
        ("[limits]\nidle_second = 1", "`idle_seconds`"),
        ("[limits]\nheader_seconds = 0", "expected a nonzero u32"),
    ] {
        let folder = Site::new();
        folder.file("revisit.toml", config);
        let file = folder.path().join("revisit.toml");
        let refused = revisit(&[
            "serve",
            "http://127.0.0.1:9",
            "--listen",
            "127.0.0.1:0",
            "--config",
            file.to_str().unwrap(),
        ]);
        assert_eq!(refused.code, Some(2), "{config} {refused:?}");
        assert!(refused.stderr.contains(said), "{config} {refused:?}");
    }
}

#[test]
fn limits_of_the_config_count() {
    let origin = RawOrigin::always(ok("", "body"));
    let (gateway, _folder) = configured(
        &origin,
        "[limits]\nurl_bytes_max = 20\nheader_count_max = 5\nbody_bytes_max = 3\nidle_seconds = 1\n\
         ranges_max = 1\n[origin]\nheader_count_max = 3\n",
    );
    assert_eq!(
        status(&exchange(&gateway, &get("/12345678901234567890", ""))),
        414
    );
    assert_eq!(
        status(&exchange(
            &gateway,
            &get("/", "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n")
        )),
        431
    );
    let post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody";
    assert_eq!(status(&exchange(&gateway, post)), 413);
    assert!(origin.seen().is_empty());
    exchange(&gateway, &get("/", "Range: bytes=0-1,2-3\r\n"));
    assert!(origin.seen()[0].values("range").is_empty());
    let mut idle = connect(&gateway);
    assert_eq!(rest(&mut idle), "", "it is closed");
}

#[test]
fn uploads_and_tunnels_that_stand_still_keep_no_page_from_the_origin() {
    let gate = Gate::default();
    let origin = RawOrigin::start({
        let gate = gate.clone();
        move |seen, stream| {
            if seen.values("upgrade").is_empty() {
                return stream.write_all(&ok("", "body")).is_ok();
            }
            let head =
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n";
            stream.write_all(head.as_bytes()).unwrap();
            gate.pass();
            false
        }
    });
    let (gateway, _folder) = configured(
        &origin,
        "[origin]\nconnections_max = 3\nheld_connections_max = 2\nconnect_seconds = 1\n\
         [limits]\nbody_seconds = 60\n",
    );
    let mut upload = connect(&gateway);
    let post = "POST /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbo";
    upload.write_all(post.as_bytes()).unwrap();
    let mut tunnel = connect(&gateway);
    let asks = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    tunnel.write_all(asks.as_bytes()).unwrap();
    origin.wait_for(1);
    // The upload may still be on its way to its place.
    let busy = eventually("no further upload is let through", DEADLINE, || {
        let mut other = connect(&gateway);
        other
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        other.write_all(post.as_bytes()).unwrap();
        let answer = rest(&mut other);
        (!answer.is_empty()).then_some(answer)
    });
    assert_eq!(status(&busy), 503, "{busy}");
    assert_eq!(
        body(&exchange(&gateway, &get("/", ""))),
        "body",
        "a page is"
    );
    upload.write_all(b"dy").unwrap();
    assert_eq!(status(&rest(&mut upload)), 200);
    gate.open();
}

#[test]
fn one_who_takes_nothing_of_a_body_without_a_length_holds_up_nobody() {
    const PIECES: usize = 64;
    let gate = Gate::default();
    let origin = RawOrigin::start({
        let gate = gate.clone();
        move |seen, stream| {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: \"1\"\r\n\
                        Cache-Control: max-age=60\r\n\r\n1\r\nx\r\n";
            // It may be asked for the rest, and sends the whole of the same state.
            if !seen.values("range").is_empty() {
                assert_eq!(seen.values("if-range"), ["\"1\""]);
            }
            stream.write_all(head.as_bytes()).unwrap();
            gate.pass();
            let piece = [b"40000\r\n".to_vec(), vec![b'x'; 1 << 18], b"\r\n".to_vec()].concat();
            (0..PIECES).all(|_| stream.write_all(&piece).is_ok())
                && stream.write_all(b"0\r\n\r\n").is_ok()
        }
    });
    let (gateway, _folder) = configured(&origin, "[cache]\nbody_bytes_max = 1048576\n");
    let mut slow = connect(&gateway);
    slow.write_all(&get("/", "")).unwrap();
    origin.wait_for(1);
    let mut quick = connect(&gateway);
    quick.write_all(&get("/", "")).unwrap();
    quick.read_exact(&mut [0; 16]).unwrap();
    gate.open();
    let all = rest(&mut quick);
    assert!(all.ends_with("\r\n0\r\n\r\n"), "all of it came");
    assert!(all.len() > PIECES << 18);
    let late = rest(&mut slow);
    assert!(late.ends_with("\r\n0\r\n\r\n"), "also of the other one");
    assert_eq!(late.matches('x').count(), all.matches('x').count());
}

#[test]
fn an_upload_that_is_too_slow_is_ended_and_its_place_is_free_again() {
    let origin = RawOrigin::always(ok("", "body"));
    let (gateway, _folder) = configured(
        &origin,
        "[origin]\nheld_connections_max = 1\n[limits]\nbody_seconds = 1\nbody_bytes_per_second_min = 1000000\n",
    );
    let mut slow = connect(&gateway);
    slow.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo")
        .unwrap();
    let answer = rest(&mut slow);
    assert_eq!(status(&answer), 408, "{answer}");
    let post = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody";
    assert_eq!(status(&exchange(&gateway, post)), 200);
}

#[test]
fn a_tunnel_in_which_nothing_moves_is_closed() {
    let origin = RawOrigin::start(|_, stream| {
        let head =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        // Nothing more, until the other side ends.
        let _ = stream.read(&mut [0; 1]);
        false
    });
    let (gateway, _folder) = configured(&origin, "[origin]\ntunnel_idle_seconds = 1\n");
    let mut tunnel = connect(&gateway);
    let asks = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    tunnel.write_all(asks.as_bytes()).unwrap();
    let all = rest(&mut tunnel);
    assert!(
        all.starts_with("HTTP/1.1 101 ") && all.ends_with("\r\n\r\n"),
        "{all}"
    );
}
