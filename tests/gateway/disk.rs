//! The disk behind the memory: a restart is warm, also after a kill, and nothing comes back that went.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::*;
use crate::harness::{Site, eventually, revisit};

fn on_disk(origin: &RawOrigin, store: &Path) -> Serve {
    let store = store.to_str().unwrap();
    gateway(origin, &["--store", store, "--admin", "127.0.0.1:0"])
}

/// An origin whose answers are as long, and as the path says.
fn told_origin() -> RawOrigin {
    RawOrigin::start(|asked, stream| {
        let body = told(asked.target());
        stream
            .write_all(&ok(
                "Cache-Control: max-age=600\r\nCache-Tag: all\r\n",
                &body,
            ))
            .is_ok()
    })
}

fn told(path: &str) -> String {
    let number: usize = path
        .trim_matches(|c: char| !c.is_ascii_digit())
        .parse()
        .unwrap_or(0);
    format!("{path};").repeat(1 + number * 40)
}

fn metric(gateway: &Serve, name: &str) -> u64 {
    let text = admin(gateway, "GET /metrics", "");
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|value| value.trim().parse().ok())
        .unwrap_or_else(|| panic!("no {name}: {text}"))
}

/// Asks the admin's address, which the gateway has told.
fn admin(gateway: &Serve, what: &str, body: &str) -> String {
    gateway.wait_until_said("health, metrics");
    let said = gateway.said();
    let address = said
        .split("purge at http://")
        .nth(1)
        .and_then(|rest| rest.split('/').next());
    let mut stream = TcpStream::connect(address.unwrap()).unwrap();
    let length = body.len();
    let head = format!(
        "{what} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .unwrap();
    rest(&mut stream)
}

#[test]
fn what_was_used_twice_is_there_after_a_kill_and_what_was_purged_is_not() {
    let (origin, folder) = (told_origin(), Site::new());
    let store = folder.path().join("store");
    let mut first = on_disk(&origin, &store);
    assert!(
        first.said().contains("in memory, nothing on disk yet"),
        "{}",
        first.said()
    );
    for path in ["/1", "/2", "/3000"] {
        for _ in 0..2 {
            assert_eq!(body(&exchange(&first, &get(path, ""))), told(path));
        }
    }
    let kept = || (metric(&first, "revisit_cache_disk_responses") == 3).then_some(());
    eventually("three responses on the disk", DEADLINE, kept);
    let url = "http://shop.example/2";
    assert!(admin(&first, "POST /purge/url", url).contains("{\"purged\": 1}"));

    let words = ["store", "ls", "--store", store.to_str().unwrap()];
    let refused = revisit(&words);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("is open in another process"),
        "{}",
        refused.stderr
    );
    first.kill();

    let listed = revisit(&words);
    let listed = &listed.ok().stdout;
    assert!(
        listed.contains("http://shop.example/1") && listed.contains("fresh for "),
        "{listed}"
    );
    assert!(!listed.contains(url), "{listed}");
    assert!(
        revisit(&["store", "check", "--store", store.to_str().unwrap()])
            .ok()
            .stdout
            .contains("2 ")
    );

    let second = on_disk(&origin, &store);
    assert!(
        second.said().contains("2 responses on disk"),
        "{}",
        second.said()
    );
    let trips = origin.seen().len();
    for path in ["/1", "/3000"] {
        let answer = exchange(&second, &get(path, ""));
        assert!(
            answer.contains("cache-status: revisit; hit")
                || answer.contains("cache-status: revisit;hit"),
            "{answer}"
        );
        assert_eq!(body(&answer), told(path));
    }
    assert_eq!(origin.seen().len(), trips);
    exchange(&second, &get("/2", ""));
    assert_eq!(origin.seen().len(), trips + 1);
}

#[test]
fn kills_under_load_leave_whole_responses_or_none() {
    let (origin, folder) = (told_origin(), Site::new());
    let store = folder.path().join("store");
    for round in 0..4 {
        let mut gateway = on_disk(&origin, &store);
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for thread in 0..4u32 {
                let (gateway, stop) = (&gateway, &stop);
                scope.spawn(move || {
                    for number in (thread..).step_by(4) {
                        if stop.load(Relaxed) {
                            return;
                        }
                        let path = format!("/{}", number % 200);
                        let answer = exchange(gateway, &get(&path, ""));
                        assert_eq!(body(&answer), told(&path), "round {round}");
                    }
                });
            }
            let wanted = 20 * (round + 1);
            let some =
                || (metric(&gateway, "revisit_cache_disk_responses") >= wanted).then_some(());
            eventually("some responses on the disk", DEADLINE, some);
            stop.store(true, Relaxed);
        });
        gateway.kill();
        let checked = revisit(&["store", "check", "--store", store.to_str().unwrap()]);
        checked.ok();
    }
}

#[test]
fn a_folder_that_cannot_be_a_store_is_told_with_the_remedy() {
    let (origin, folder) = (told_origin(), Site::new());
    folder.file("catalog.db", "no catalog");
    let store = folder.path().to_str().unwrap();
    let words = [
        "serve",
        origin.url(),
        "--listen",
        "127.0.0.1:0",
        "--store",
        store,
    ];
    let refused = revisit(&words);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("help: "), "{}", refused.stderr);
}
