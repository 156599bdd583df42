//! The command itself: its words, its log, its end.

use super::raw::Gate;
use super::*;
use crate::harness::{Site, revisit};

#[test]
fn words_that_make_no_sense_together_are_refused() {
    let site = Site::new();
    site.file("index.html", "<!doctype html>");
    let folder = site.path().to_str().unwrap();
    for (words, said) in [
        (
            vec!["serve", "ftp://127.0.0.1:9"],
            "the scheme of `ftp://127.0.0.1:9` is neither `http` nor `https`",
        ),
        (
            vec!["serve", "http://127.0.0.1:9/app"],
            "names more than an origin",
        ),
        (
            vec!["serve", "http://127.0.0.1:9", "--dev"],
            "`--dev` is about the worker of a folder",
        ),
        (
            vec!["serve", "http://127.0.0.1:9", "--no-worker"],
            "`--no-worker` is about",
        ),
        (
            vec!["serve", folder, "--profile", "private"],
            "`--profile` is about the cache before a server",
        ),
        (
            vec!["serve", folder, "--set-cookie", "rfc"],
            "`--set-cookie` is about",
        ),
        (
            vec!["serve", folder, "--admin", "127.0.0.1:0"],
            "`--admin` is about",
        ),
        (
            vec!["serve", folder, "--store", folder],
            "`--store` is about the cache before a server",
        ),
    ] {
        let refused = revisit(&words);
        assert_eq!(refused.code, Some(2), "{words:?} {refused:?}");
        assert!(
            refused.stderr.contains(said) && refused.stderr.contains("help: "),
            "{refused:?}"
        );
    }
}

/// The binary of these tests has the features of a release.
#[test]
fn a_program_without_tls_says_so_wherever_https_is_asked_for() {
    let site = Site::new();
    site.file("index.html", "<!doctype html>");
    let folder = site.path().to_str().unwrap();
    for words in [
        vec!["serve", "https://127.0.0.1:9"],
        vec!["build", folder, "--previous", "https://127.0.0.1:9/"],
        vec!["explain", "https://127.0.0.1:9/"],
    ] {
        let refused = revisit(&words);
        assert_eq!(refused.code, Some(2), "{words:?} {refused:?}");
        assert!(
            refused.stderr.contains("TLS") && refused.stderr.contains("help: "),
            "{words:?} {refused:?}"
        );
    }
}

#[test]
fn a_port_in_use_is_refused_though_listeners_share_theirs() {
    let origin = RawOrigin::always(ok("", "body"));
    let first = gateway(&origin, &[]);
    let taken = first.url("").trim_start_matches("http://").to_owned();
    let refused = revisit(&["serve", origin.url(), "--listen", &taken]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("another program listens"),
        "{refused:?}"
    );
}

#[test]
fn the_access_log_tells_what_the_cache_did_and_no_query() {
    let fields = "Cache-Control: max-age=60\r\nCache-Status: inner; fwd=miss\r\n";
    let origin = RawOrigin::always(ok(fields, "body"));
    let gateway = gateway(&origin, &["--access-log"]);
    for _ in 0..2 {
        exchange(&gateway, &get("/page?secret=1", ""));
    }
    gateway.wait_until_said("revisit;hit");
    let said = gateway.said();
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("path=\"/page\""))
        .collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(
        lines[0].contains("status=200") && lines[0].contains("revisit;fwd=uri-miss"),
        "{said}"
    );
    assert!(!said.contains("secret"), "{said}");
}

#[test]
fn an_end_that_is_asked_for_waits_for_the_answer_under_way() {
    let gate = Gate::default();
    let origin = RawOrigin::start({
        let gate = gate.clone();
        move |_, stream| {
            gate.pass();
            stream.write_all(&ok("", "done")).is_ok()
        }
    });
    let mut gateway = gateway(&origin, &[]);
    let mut client = connect(&gateway);
    client.write_all(&get("/", "")).unwrap();
    origin.wait_for(1);
    let waiting = std::thread::spawn(move || rest(&mut client));
    let opening = std::thread::spawn({
        let address = gateway.url("").trim_start_matches("http://").to_owned();
        move || {
            // Nobody is let in any more: the end has begun.
            while TcpStream::connect(&address).is_ok() {
                std::thread::yield_now();
            }
            gate.open();
        }
    });
    assert!(gateway.interrupt().success());
    opening.join().unwrap();
    assert_eq!(body(&waiting.join().unwrap()), "done");
}
