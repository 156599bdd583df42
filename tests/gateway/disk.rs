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
fn a_store_that_is_served_from_is_looked_into_and_changed_by_its_own_process_only() {
    let (origin, folder) = (told_origin(), Site::new());
    let store = folder.path().join("store");
    let gateway = on_disk(&origin, &store);
    for path in ["/1", "/3000"] {
        for _ in 0..2 {
            exchange(&gateway, &get(path, ""));
        }
    }
    let kept = || (metric(&gateway, "revisit_cache_disk_responses") == 2).then_some(());
    eventually("two responses on the disk", DEADLINE, kept);
    let at = ["--store", store.to_str().unwrap()];
    let words = |words: &[&str]| revisit(&[&["store"], words, &at].concat());
    let (small, large) = ("http://shop.example/1", "http://shop.example/3000");

    // As a row has it: what follows is how long it is fresh.
    let row = format!("{small} ");
    let listed = words(&["ls"]);
    assert!(listed.ok().stdout.contains(&row), "{}", listed.stdout);
    assert!(listed.stdout.contains(large), "{}", listed.stdout);
    let note = "note: another process has this store open";
    assert!(listed.stderr.starts_with(note), "{}", listed.stderr);
    let json = words(&["ls", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json.ok().stdout).unwrap();
    assert_eq!(json["entry_count"], 2);
    let body = words(&["show", large, "--body"]);
    assert_eq!(body.ok().stdout, told("/3000"));
    let checked = words(&["check"]);
    let whole = "everything is as it was written";
    assert!(checked.ok().stdout.contains(whole), "{}", checked.stdout);
    let copy = folder.path().join("copy");
    words(&["export", copy.to_str().unwrap()]).ok();
    let copied = std::fs::read_dir(copy.join("bodies")).unwrap().count();
    assert_eq!(copied, 2);

    // What changes it is refused, and nothing of it is done; the remedy says who can.
    for (refused, remedy) in [
        (
            &["purge", "--all"][..],
            "curl -X POST http://ADDR/purge/all",
        ),
        (
            &["purge", "--url", small],
            "curl -X POST --data 'http://shop.example/1' http://ADDR/purge/url",
        ),
        (&["purge", "--all", "--soft"], "end that process first"),
        (
            &["purge", "--host", "shop.example"],
            "end that process first",
        ),
        (&["delete", small], "curl --data URL http://ADDR/purge/url"),
    ] {
        let output = words(refused);
        assert_eq!(output.code, Some(1), "{refused:?}");
        let said = &output.stderr;
        assert!(said.contains("is open in another process\n"), "{said}");
        assert!(said.contains("\nhelp: ") && said.contains(remedy), "{said}");
    }
    assert_eq!(metric(&gateway, "revisit_cache_disk_responses"), 2);

    // The remedy works, and is seen at once by who looks.
    assert!(admin(&gateway, "POST /purge/url", small).contains("{\"purged\": 1}"));
    let listed = words(&["ls"]);
    assert!(!listed.ok().stdout.contains(&row), "{}", listed.stdout);
    assert!(listed.stdout.contains(large), "{}", listed.stdout);
}

#[test]
fn looks_beside_a_busy_cache_see_no_damage() {
    let (origin, folder) = (told_origin(), Site::new());
    let store = folder.path().join("store");
    let gateway = on_disk(&origin, &store);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (gateway, stop) = (&gateway, &stop);
        scope.spawn(move || {
            // Each is kept, then thrown out: files come and go while others read.
            for number in (0..).take_while(|_| !stop.load(Relaxed)) {
                let path = format!("/{}", 500 + number % 40);
                exchange(gateway, &get(&path, ""));
                exchange(gateway, &get(&path, ""));
                if number % 20 == 19 {
                    admin(gateway, "POST /purge/all", "");
                }
            }
        });
        let checks: Vec<_> = (0..12)
            .map(|_| revisit(&["store", "check", "--store", store.to_str().unwrap()]))
            .collect();
        stop.store(true, Relaxed);
        for checked in &checks {
            checked.ok();
        }
    });
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
