//! A folder that changes while it is served: each file whole or not at all, the build by itself.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;

#[test]
fn a_change_on_disk_is_a_new_build_that_waits_until_the_page_calls_for_it() {
    let site = Site::copy_of(&examples("flowers"));
    let mut server = Serve::site(site.path());
    let browser = Browser::start();
    let tab = visit(&browser, &server, "/");
    let old = tab.eval("document.querySelector('h1').innerText");
    tab.run("window.mark = 1; revisit.addEventListener('updateready', () => window.told = true)");
    site.overlay(&examples("flowers-next"));
    tab.run("navigator.serviceWorker.getRegistration().then(r => r.update())");
    tab.wait_for("window.told", "`updateready`");
    server.wait_until_said("the folder changed: build ");
    assert_eq!(tab.eval("revisit.state"), "updateready");
    assert_eq!(
        tab.eval("window.mark"),
        1,
        "the page was loaded anew behind the user"
    );
    // until then the old state answers, whole
    let second = browser.tab();
    second.load(&server.url("/")).ok();
    assert_eq!(second.eval("document.querySelector('h1').innerText"), old);
    second.close();
    tab.update();
    let new = tab.eval("document.querySelector('h1').innerText");
    assert_ne!(new, old);
    tab.wait_for(
        "document.querySelectorAll('a[href*=\"products/\"]').length >= 30",
        "the list",
    );
    cut_off(&browser, &mut server);
    tab.reload().ok();
    assert_eq!(tab.eval("document.querySelector('h1').innerText"), new);
    let tulip = site.read("api/products/tulip.json");
    assert_eq!(tab.fetch("/api/products/tulip.json", json!({})).body, tulip);
}

#[test]
fn the_worker_follows_the_folder_and_names_the_same_build_for_the_same_files() {
    let site = site("one");
    let server = Serve::site(site.path());
    let worker = || get(&server.url("/sw.js"));
    let first = worker();
    assert_eq!(worker().body, first.body);
    site.file("app.js", "document.title = 'two'");
    let second = worker();
    assert_ne!(second.body, first.body);
    assert_ne!(second.header("etag"), first.header("etag"));
    site.file("new.html", "<h1>new</h1>");
    let third = worker();
    assert_ne!(third.body, second.body);
    site.remove("new.html");
    assert_eq!(worker().body, second.body);
    site.file("app.js", "document.documentElement.dataset.app = 'one'");
    assert_eq!(worker().body, first.body);
}

#[test]
fn every_file_of_a_build_can_be_had_as_its_manifest_says_after_a_change() {
    let site = site("one");
    let server = Serve::site(site.path());
    for round in 0..3 {
        site.file("app.js", format!("document.title = '{round}'"));
        let worker = get(&server.url("/sw.js")).text();
        let build = eventually("the server to name the build", DEADLINE, || {
            let said = server.said();
            let words: Vec<&str> = said.split_whitespace().collect();
            let mut named = words.windows(2).filter(|pair| pair[0] == "build");
            named.find_map(|pair| worker.contains(pair[1]).then(|| pair[1].to_owned()))
        });
        let manifest = get(&server.url(&format!("/revisit/manifest-{build}.json")));
        assert_eq!(manifest.status, 200, "round {round}");
        let manifest: serde_json::Value = serde_json::from_slice(&manifest.body).unwrap();
        for pack in manifest[0][1].as_array().unwrap() {
            let name = pack[0].as_str().unwrap();
            let answer = get(&server.url(&format!("/revisit/{name}.pack")));
            assert_eq!(answer.status, 200, "round {round}");
            assert_eq!(pack[1], answer.body.len());
        }
    }
}

#[test]
fn a_file_that_is_rewritten_slowly_in_place_is_seen_whole_or_not_at_all() {
    const LETTERS: [u8; 3] = [b'a', b'b', b'c'];
    let site = site("one");
    site.file("big.txt", vec![LETTERS[0]; SIZE]);
    let server = Serve::site(site.path());
    let (stop, url) = (AtomicBool::new(false), server.url("/big.txt"));
    let (mut seen, mut later) = (std::collections::BTreeSet::new(), 0);
    std::thread::scope(|scope| {
        let (stop, url) = (&stop, &url);
        let askers: Vec<_> = (0..3)
            .map(|_| scope.spawn(move || ask_until(stop, url)))
            .collect();
        for letter in [LETTERS[1], LETTERS[2]] {
            let mut file = std::fs::File::create(site.path().join("big.txt")).unwrap();
            for _ in 0..10 {
                file.write_all(&vec![letter; SIZE / 10]).unwrap();
                // shorter than the quiet that the server waits for
                std::thread::sleep(Duration::from_millis(40));
            }
            drop(file);
            eventually("the new content", DEADLINE, || {
                (get(url).body.first() == Some(&letter)).then_some(())
            });
        }
        stop.store(true, Ordering::Relaxed);
        for asker in askers {
            let (letters, refused) = asker.join().unwrap();
            seen.extend(letters);
            later += refused;
        }
    });
    assert!(
        seen.contains(&LETTERS[2]),
        "{seen:?}, and {later} were told to come later"
    );
}

/// Asks again and again; each answer is wholly of one state, or a word to come later.
fn ask_until(stop: &AtomicBool, url: &str) -> (Vec<u8>, usize) {
    let (mut letters, mut refused) = (Vec::new(), 0);
    while !stop.load(Ordering::Relaxed) {
        let answer = get(url);
        if answer.status == 503 {
            refused += 1;
            continue;
        }
        assert_eq!((answer.status, answer.body.len()), (200, SIZE));
        let first = answer.body[0];
        assert!(
            answer.body.iter().all(|byte| *byte == first),
            "an answer of two states"
        );
        if letters.last() != Some(&first) {
            letters.push(first);
        }
    }
    (letters, refused)
}

const SIZE: usize = 200_000;

#[test]
fn a_folder_that_cannot_be_built_for_a_while_is_served_in_its_last_good_state() {
    let site = site("one");
    let server = Serve::site(site.path());
    let before = get(&server.url("/sw.js"));
    let page = site.read("index.html");
    site.remove("index.html"); // the entry page: no build without it
    assert_eq!(get(&server.url("/sw.js")).body, before.body);
    server.wait_until_said("the folder changed and cannot be built");
    assert_eq!(get(&server.url("/about")).status, 200);
    site.file("index.html", page);
    assert_eq!(get(&server.url("/sw.js")).body, before.body);
    assert_eq!(get(&server.url("/")).status, 200);
}
