//! SIGKILL at random moments: what then answers without a server is one build whole, or nothing,
//! and the next visit completes what was begun.

use std::time::Duration;

use super::*;

/// Twenty moments, the same in every run.
const SEEDS: [u64; 20] = {
    let mut seeds = [0; 20];
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut at = 0;
    while at < seeds.len() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        seeds[at] = state >> 32;
        at += 1;
    }
    seeds
};

/// Kills the browser when the origin was asked for some more files, and a little later.
fn kill_at(seed: u64, origin: &Origin, browser: &mut Browser, files_max: u64) {
    let after = origin.requests().len() as u64 + seed % (files_max + 1);
    crate::harness::poll(Duration::from_millis(250), || {
        (origin.requests().len() as u64 >= after).then_some(())
    });
    // a guess on purpose: between two requests are the moments at which something is written
    std::thread::sleep(Duration::from_millis(seed / 64 % 40));
    browser.kill();
    origin.stop();
    origin.latency(Duration::ZERO);
    browser.restart();
    browser.clear_http_cache();
}

#[test]
fn a_browser_killed_while_it_installs_has_nothing_or_all() {
    let Served { origin, out: _out } = served(&small_site(), "");
    let mut browser = Browser::start();
    let mut nothing = 0;
    for seed in SEEDS {
        origin.latency(Duration::from_millis(20));
        let tab = browser.tab();
        tab.load(&origin.url("/")).ok();
        origin.wait_for("the worker", |r| r.path() == "/sw.js");
        drop(tab);
        kill_at(seed, &origin, &mut browser, 10);

        let tab = browser.tab();
        if tab.load(&origin.url("/offline.html")).error.is_none() {
            // served without a server: then all of the shell must be there
            assert!(tab.text().contains("You are offline"), "{seed}");
            tab.load(&origin.url("/")).ok();
            assert_eq!(tab.eval("document.body.dataset.script"), "one", "{seed}");
            tab.wait_for("document.images[0].naturalWidth > 0", "the picture");
        } else {
            nothing += 1;
        }
        origin.start_again();
        tab.load(&origin.url("/")).ok();
        installed(&tab);
        origin.stop();
        tab.load(&origin.url("/about/")).ok();
        assert!(tab.text().contains("About one"), "{seed}");

        // as if nobody had ever been here
        origin.start_again();
        tab.run(
            "for (const worker of await navigator.serviceWorker.getRegistrations()) await worker.unregister()
             for (const name of await caches.keys()) await caches.delete(name)",
        );
        tab.close();
        let gone = || browser.workers("").is_empty().then_some(());
        crate::harness::eventually("the worker to be gone", crate::harness::DEADLINE, gone);
        browser.clear_http_cache();
        origin.clear();
    }
    assert!(nothing > 0, "no kill came before the end of the install");
}

#[test]
fn a_browser_killed_while_it_updates_serves_the_old_build_or_the_new_one_whole() {
    let config = "[worker]\nupdate = \"immediate\"\n";
    let world = served(&small_site(), config);
    let Served { origin, .. } = &world;
    let (mut browser, mut tab) = visited(origin, "/");
    let mut old = "one".to_owned();
    let mut kept_old = 0;
    for (number, seed) in SEEDS.into_iter().enumerate() {
        let new = format!("of deploy {number}");
        world.deploy(&site_that_says(&new), config);
        browser.clear_http_cache();
        origin.latency(Duration::from_millis(20));
        origin.clear();
        tab.run("revisit.check().catch(() => {}); return true");
        origin.wait_for("the manifest", |r| r.path().contains("manifest-"));
        drop(tab);
        kill_at(seed, origin, &mut browser, 5);

        tab = browser.tab();
        tab.load(&origin.url("/")).ok();
        let word = tab.eval("document.body.dataset.script");
        let word = word.as_str().expect("the page's script ran");
        assert!([&*old, &*new].contains(&word), "{seed}: {word}");
        kept_old += usize::from(word == old);
        is_whole(&tab, origin, word);
        origin.start_again();
        crate::harness::eventually("the new build", crate::harness::DEADLINE, || {
            tab.load(&origin.url("/")).ok();
            if tab.eval("document.body.dataset.script") == *new {
                return Some(());
            }
            check_for_update(&tab);
            None
        });
        tab.wait_for("revisit.complete", "the new build to its last file");
        old = new;
    }
    assert!(kept_old > 0, "no kill came before the end of the update");
    browser.stop_workers();
    cut_off(&browser, origin);
    is_whole(&tab, origin, &old);
}
