//! The tool box itself: each tool shows the fault that it exists to show.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Browser, Fault, Layer, Origin, Site, ask, eventually, examples, get};

/// A page, a script, and a worker that keeps both by hand.
fn small_site() -> Site {
    let site = Site::new();
    site.file(
        "index.html",
        "<!doctype html><title>small</title><link rel=icon href=data:,>
         <p id=said>the page</p><script src=said.js></script>",
    )
    .file(
        "said.js",
        "document.querySelector('#said').textContent += ', and its script';",
    )
    .file(
        "sw.js",
        "self.addEventListener('install', event => event.waitUntil(
             caches.open('small-1').then(cache => cache.addAll(['./', 'said.js']))));
         self.addEventListener('activate', event => event.waitUntil(clients.claim()));
         self.addEventListener('fetch', event => event.respondWith(
             caches.match(event.request).then(kept => kept ?? fetch(event.request))));",
    );
    site
}

const SAID: &str = "the page, and its script";
const REGISTER: &str = "await navigator.serviceWorker.register('sw.js').then(() => true)";

#[test]
fn a_page_loads_and_its_text_is_read() {
    let site = small_site();
    let origin = Origin::serve(site.path());
    let browser = Browser::start();
    let tab = browser.tab();
    let visit = tab.load(&origin.url("/"));
    assert_eq!(
        (visit.status, visit.from),
        (Some(200), Some(Layer::Network))
    );
    assert_eq!(tab.text(), SAID);
    assert_eq!(tab.url(), origin.url("/"));
    assert_eq!(origin.targets(), ["/", "/said.js"]);
    assert_eq!(tab.response_of("said.js").kind, "Script");
    assert_eq!(tab.console_errors(), [""; 0]);
}

#[test]
fn a_load_that_fails_says_why() {
    let site = small_site();
    let origin = Origin::serve(site.path());
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&origin.url("/")).ok();
    assert_eq!(tab.load(&origin.url("/none.html")).status, Some(404));

    origin.stop();
    let refused = Some("net::ERR_CONNECTION_REFUSED");
    assert_eq!(tab.load(&origin.url("/")).error.as_deref(), refused);
    assert_eq!(tab.reload().error.as_deref(), refused);

    origin.start_again();
    tab.reload().ok();
    assert_eq!(tab.text(), SAID);
    origin.stop();
    assert_eq!(tab.reload().error.as_deref(), refused);
}

#[test]
fn errors_in_the_console_are_seen() {
    let site = Site::new();
    site.file(
        "index.html",
        "<!doctype html><link rel=icon href=data:,><script>
             console.log('no error'); console.error('first', 1);
             setTimeout(() => { throw new Error('second') });
         </script><img src=third.png>",
    );
    let origin = Origin::serve(site.path());
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&origin.url("/")).ok();
    tab.wait_for("document.readyState === 'complete'", "the page");
    let errors = eventually("three errors", crate::harness::DEADLINE, || {
        let errors = tab.console_errors();
        (errors.len() >= 3).then_some(errors)
    });
    let all = errors.join("\n");
    for part in ["first 1", "Error: second", "third.png"] {
        assert!(all.contains(part), "`{part}` is not in:\n{all}");
    }
    assert!(!all.contains("no error"), "{all}");
    assert_eq!(
        tab.try_eval("nowhere.to.be.found")
            .map_err(|why| why.contains("nowhere")),
        Err(true)
    );
}

#[test]
fn a_worker_answers_when_the_origin_is_gone_and_the_http_cache_is_empty() {
    let site = small_site();
    let origin = Origin::serve(site.path());
    origin.mount("/small");
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&origin.url("/small")).ok();
    tab.eval(REGISTER);
    tab.wait_for_worker();
    tab.wait_for_control();
    let workers = browser.workers(&origin.url("/small/"));
    assert_eq!(workers.len(), 1, "{workers:?}");
    assert_eq!(workers[0].status, "activated");
    assert_eq!(tab.registrations()[0].active.as_deref(), Some("activated"));

    origin.stop();
    browser.clear_http_cache();
    browser.stop_workers();
    assert_eq!(browser.workers("")[0].running, "stopped");
    tab.clear_network();
    let visit = tab.reload();
    assert_eq!((visit.status, visit.from), (Some(200), Some(Layer::Worker)));
    assert_eq!(tab.text(), SAID);
    assert_eq!(tab.response_of("said.js").from, Some(Layer::Worker));
    assert_eq!(tab.cache_keys("small-1").len(), 2);

    assert!(tab.delete_cache_entry("small-1", "said.js"));
    tab.reload().ok();
    assert_eq!(tab.text(), "the page");
    let errors =
        crate::harness::eventually("the worker to say why", crate::harness::DEADLINE, || {
            Some(browser.worker_errors()).filter(|errors| !errors.is_empty())
        });
    assert!(
        errors.iter().any(|error| error.contains("Failed to fetch")),
        "{errors:?}"
    );
}

#[test]
fn clearing_the_http_cache_empties_it_and_leaves_cache_storage() {
    let site = small_site();
    let origin = Origin::serve(site.path());
    origin.cache_control(Some("max-age=3600"));
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&origin.url("/")).ok();
    tab.put_cache_entry("mine", "/kept", "kept");

    origin.clear();
    tab.load(&origin.url("/")).ok();
    assert_eq!(tab.response_of("said.js").from, Some(Layer::Memory));
    tab.eval("await fetch('said.js').then(response => response.text())");
    assert_eq!(tab.response_of("said.js").from, Some(Layer::Disk));
    assert_eq!(origin.requests().len(), 0, "all from the HTTP cache");

    browser.clear_http_cache();
    tab.load(&origin.url("/")).ok();
    assert_eq!(origin.targets(), ["/", "/said.js"]);
    assert_eq!(tab.cache_text("mine", "/kept").as_deref(), Some("kept"));
    assert_eq!(tab.cache_names(), ["mine"]);
}

#[test]
fn a_profile_keeps_cache_storage_over_a_kill_and_over_a_restart() {
    let site = small_site();
    let origin = Origin::serve(site.path());
    let mut browser = Browser::start();
    let tab = browser.tab();
    tab.load(&origin.url("/")).ok();
    tab.put_cache_entry("mine", "/kept", "kept");
    browser.restart();

    let tab = browser.tab();
    tab.load(&origin.url("/")).ok();
    assert_eq!(tab.cache_text("mine", "/kept").as_deref(), Some("kept"));
    tab.put_cache_entry("mine", "/late", "late");
    browser.kill();
    assert!(
        tab.try_eval("1").is_err(),
        "the tab has gone with its browser"
    );

    browser.restart();
    let tab = browser.tab();
    tab.load(&origin.url("/")).ok();
    assert_eq!(tab.cache_text("mine", "/kept").as_deref(), Some("kept"));
}

#[test]
fn a_body_goes_wrong_in_the_way_that_it_was_told_to() {
    let site = small_site();
    let script = site.read("said.js");
    let origin = Origin::serve(site.path());
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&origin.url("/")).ok();
    let fetch = || tab.fetch("/said.js", json!({ "cache": "no-store" }));

    origin.fault("/said.js", Fault::Truncate(9));
    origin.clear();
    let cut = fetch();
    assert_eq!(cut.status, 200);
    assert!(cut.error.is_some(), "{cut:?}");
    assert_eq!((origin.bytes_sent(), origin.requests()[0].done), (9, false));

    origin.heal();
    origin.fault("/said.js", Fault::WrongBytes);
    let wrong = fetch();
    assert_eq!(wrong.bytes.len(), script.len());
    assert_ne!(wrong.body, script);

    origin.heal();
    origin.fault_times("/said.js", 1, Fault::Status(503));
    origin.fault(
        "/said.js",
        Fault::Header("X-Told".to_owned(), "yes".to_owned()),
    );
    assert_eq!(fetch().status, 503);
    let right = fetch();
    assert_eq!((right.status, right.header("X-Told")), (200, Some("yes")));
    assert_eq!(right.body, script);

    origin.heal();
    origin.fault("/old", Fault::Redirect("/said.js".to_owned()));
    assert!(tab.fetch("/old", json!({})).redirected);
}

#[test]
fn a_stalled_request_is_on_record_and_ends_when_the_origin_is_healed() {
    let site = small_site();
    let origin = Origin::serve(site.path());
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&origin.url("/")).ok();
    for (fault, ended) in [(Fault::Hang, "well"), (Fault::Stall(5), "badly")] {
        origin.clear();
        origin.fault("/said.js", fault);
        tab.run(
            "window.ended = ''; fetch('said.js?now', { cache: 'no-store' })
                 .then(r => r.text()).then(() => { ended = 'well' }, () => { ended = 'badly' });",
        );
        let request = origin.wait_for("the script", |request| request.path() == "/said.js");
        assert!(!request.done);
        assert_eq!(tab.eval("ended"), "");
        origin.heal();
        assert_eq!(tab.wait_for("ended", "the fetch to end"), ended);
    }
}

#[test]
fn two_tabs_share_a_profile_and_both_are_visible() {
    let site = small_site();
    let origin = Origin::serve(site.path());
    let browser = Browser::start();
    let (one, two) = (browser.tab(), browser.tab());
    one.load(&origin.url("/")).ok();
    two.load(&origin.url("/")).ok();
    for tab in [&one, &two] {
        assert_eq!(tab.eval("document.visibilityState"), "visible");
    }
    one.eval("localStorage.setItem('said', 'by one') ?? true");
    two.wait_for(
        "localStorage.getItem('said') === 'by one'",
        "the word of the other tab",
    );
    two.close();
    assert_eq!(one.text(), SAID);
}

#[test]
fn a_tab_goes_back_follows_a_link_and_reloads_hard() {
    let site = small_site();
    site.file("next.html", "<link rel=icon href=data:,><p>next</p>");
    let origin = Origin::serve(site.path());
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&origin.url("/")).ok();
    tab.follow("location.href = 'next.html'").ok();
    assert_eq!(tab.text(), "next");
    tab.back().ok();
    assert_eq!(tab.text(), SAID);
    origin.clear();
    tab.hard_reload().ok();
    let asked = origin.requests();
    assert_eq!(asked[0].header("cache-control"), Some("no-cache"));
}

#[test]
fn a_slow_origin_and_a_throttled_tab_are_slow() {
    let site = small_site();
    site.file("big.bin", vec![7; 60_000]);
    let origin = Origin::serve(site.path());
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&origin.url("/")).ok();
    let seconds = || {
        let started = std::time::Instant::now();
        assert_eq!(
            tab.fetch("/big.bin", json!({ "cache": "no-store" }))
                .bytes
                .len(),
            60_000
        );
        started.elapsed().as_secs_f64()
    };
    tab.throttle(Duration::from_millis(10), 60_000);
    assert!(seconds() > 0.5, "the tab reads 60 kB a second");
    tab.throttle(Duration::ZERO, 0);
    origin.bandwidth(Some(60_000));
    assert!(seconds() > 0.5, "the origin sends 60 kB a second");
    origin.bandwidth(None);
    origin.latency(Duration::from_millis(500));
    assert!(seconds() > 0.5, "the origin waits half a second");
    tab.offline(true);
    assert!(tab.fetch("/big.bin", json!({})).error.is_some());
}

#[test]
fn connections_share_a_line_and_each_waits_for_the_other() {
    let site = small_site();
    site.file("big.bin", vec![7; 30_000]);
    let origin = Origin::serve(site.path());
    origin.line(Some(60_000));
    let url = origin.url("/big.bin");
    let started = std::time::Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| get(&url));
        scope.spawn(|| get(&url));
    });
    assert!(
        started.elapsed().as_secs_f64() > 0.9,
        "twice 30 kB take a second at 60 kB a second"
    );
    let heads: u64 = origin.requests().iter().map(|r| r.head_bytes).sum();
    assert!(heads > 0);
    assert_eq!(origin.wire_bytes_sent(), 60_000 + heads);
}

#[test]
fn an_origin_is_a_plain_static_host_with_right_validators() {
    let site = small_site();
    site.file("deep/index.html", "deep")
        .file("with space.txt", "spaced");
    let origin = Origin::serve(site.path());
    let status_of = |path: &str| get(&origin.url(path)).status;

    let moved = get(&origin.url("/deep?q"));
    assert_eq!(
        (moved.status, moved.header("Location")),
        (301, Some("/deep/?q"))
    );
    assert_eq!(get(&origin.url("/deep/")).text(), "deep");
    assert_eq!(get(&origin.url("/with%20space.txt")).text(), "spaced");
    assert_eq!(status_of("/with%20space"), 404);
    assert_eq!(status_of("/deep/../../etc/passwd"), 404);
    assert_eq!(ask("POST", &origin.url("/"), &[]).status, 405);
    assert_eq!(ask("HEAD", &origin.url("/deep/"), &[]).body, b"");

    let url = origin.url("/with%20space.txt");
    let first = get(&url);
    let ask_again = |name, value| ask("GET", &url, &[(name, value)]).status;
    let etag = first.header("ETag").unwrap();
    let modified = first.header("Last-Modified").unwrap();
    assert_eq!(ask_again("If-None-Match", etag), 304);
    assert_eq!(ask_again("If-None-Match", "\"other\""), 200);
    assert_eq!(ask_again("If-Modified-Since", modified), 304);

    let other = Site::new();
    other.file("with space.txt", "other");
    origin.folder_is(other.path());
    assert_eq!(ask_again("If-None-Match", etag), 200);
    assert_eq!(get(&url).text(), "other");

    origin.mount("/shop/");
    assert_eq!(status_of("/with%20space.txt"), 404);
    assert_eq!(status_of("/shop/with%20space.txt"), 200);
}

#[test]
fn a_copied_site_is_changed_without_touching_its_source() {
    let site = small_site();
    let copy = Site::copy_of(site.path());
    copy.file("said.js", "").remove("sw.js");
    assert_eq!(copy.files().len(), 2);
    assert_eq!(site.files().len(), 3);
    assert!(examples("flowers").ends_with("examples/flowers"));
}
