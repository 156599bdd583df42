//! The localhost trap: what a site has left in the browser does not answer for the next site on
//! the same port.

use super::*;

#[test]
fn another_site_on_the_same_port_is_seen_after_one_reload_at_most_and_works_offline() {
    check_other_site("");
}

#[test]
fn it_is_so_as_well_if_the_other_site_updates_at_once() {
    check_other_site("[worker]\nupdate = \"immediate\"\n");
}

fn check_other_site(config: &str) {
    let (a, b) = (site("A"), site("B"));
    let toml = Site::new();
    toml.file("b.toml", config);
    let config = toml.path().join("b.toml");
    let config = config.to_str().unwrap();
    let mut server = Serve::site(a.path());
    let browser = Browser::start();
    let tab = visit(&browser, &server, "/");
    let caches_of_a = tab.cache_names();
    assert!(!caches_of_a.is_empty());
    let address = address(&server);
    cut_off(&browser, &mut server);
    let mut server = serve_at(&address, b.path(), &["--config", config]);
    count_loads(&tab);
    tab.load(&server.url("/")).ok();
    tab.wait_for(
        "document.querySelector('h1')?.innerText === 'B, home'",
        "the page of B",
    );
    installed(&tab);
    assert!(loads(&tab) <= 2, "{} loads", loads(&tab));
    tab.wait_for(
        &format!(
            "caches.keys().then(names => {}.every(old => !names.includes(old)))",
            json!(caches_of_a)
        ),
        "the caches of A to go",
    );
    assert_eq!(tab.registrations().len(), 1);
    cut_off(&browser, &mut server);
    tab.load(&server.url("/about")).ok();
    assert!(tab.text().contains("B, about"), "{}", tab.text());
    tab.load(&server.url("/")).ok();
    assert_eq!(tab.eval("document.documentElement.dataset.app"), "B");
}

#[test]
fn without_a_worker_the_next_site_is_seen_and_nothing_of_the_old_one_stays() {
    let (a, c) = (site("A"), site("C"));
    let mut server = Serve::site(a.path());
    let browser = Browser::start();
    let tab = visit(&browser, &server, "/");
    tab.put_cache_entry("notes", &server.url("/note"), "kept");
    let address = address(&server);
    cut_off(&browser, &mut server);
    let before = c.files();
    let server = serve_at(&address, c.path(), &["--no-worker"]);
    server.wait_until_said("gets one that removes itself");
    count_loads(&tab);
    tab.load(&server.url("/")).ok();
    tab.wait_for(
        "document.querySelector('h1')?.innerText === 'C, home'",
        "the page of C",
    );
    tab.wait_for(
        "navigator.serviceWorker.getRegistrations().then(list => list.length === 0)",
        "the worker to go",
    );
    assert!(loads(&tab) <= 2, "{} loads", loads(&tab));
    assert_eq!(tab.cache_names(), ["notes"]);
    assert_eq!(tab.eval("typeof revisit"), "undefined");
    tab.load(&server.url("/about")).ok();
    assert!(tab.text().contains("C, about"));
    assert_eq!(get(&server.url("/")).text(), c.read("index.html"));
    assert_eq!(c.files(), before);
}

#[test]
fn a_worker_that_somebody_wrote_by_hand_is_removed_by_the_next_site() {
    for more in [&["--no-worker"][..], &[]] {
        let (d, e) = (by_hand("service-worker.js"), site("E"));
        let mut server = serve_at("127.0.0.1:0", d.path(), &["--no-worker"]);
        let browser = Browser::start();
        let tab = browser.tab();
        tab.load(&server.url("/")).ok();
        tab.wait_for_control();
        let address = address(&server);
        cut_off(&browser, &mut server);
        tab.load(&server.url("/")).ok();
        assert!(
            tab.text().contains("by hand, from its cache"),
            "{}",
            tab.text()
        );

        let server = serve_at(&address, e.path(), more);
        tab.load(&server.url("/")).ok();
        tab.wait_for(
            "document.querySelector('h1')?.innerText === 'E, home'",
            "the page of E",
        );
        let scripts = "navigator.serviceWorker.getRegistrations().then(list => \
                       list.every(r => !(r.active ?? r.installing).scriptURL.endsWith('/service-worker.js')))";
        tab.wait_for(scripts, "the worker by hand to go");
        tab.load(&server.url("/about")).ok();
        assert!(tab.text().contains("E, about"), "{more:?}: {}", tab.text());
    }
}

#[test]
fn a_site_with_a_worker_of_its_own_is_served_as_it_is_without_ours_and_refused_with_it() {
    let d = by_hand("sw.js");
    let server = serve_at("127.0.0.1:0", d.path(), &["--no-worker"]);
    for (name, bytes) in d.files() {
        assert!(
            get(&server.url(&format!("/{name}"))).body == bytes,
            "{name}"
        );
    }
    let output = revisit(&[
        "serve",
        d.path().to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(output.code, Some(1));
    let said = "`sw.js` is there already and was not written by revisit\nhelp: choose another name";
    assert!(output.stderr.contains(said), "{}", output.stderr);
    let config = Site::new();
    config.file("revisit.toml", "[worker]\nname = \"offline.js\"\n");
    let folder = d.path().to_str().unwrap();
    let server = Serve::start_in(config.path(), &["serve", folder, "--listen", "127.0.0.1:0"]);
    assert!(get(&server.url("/offline.js")).status == 200);
}

#[test]
fn only_a_request_for_a_workers_script_gets_the_worker_that_removes_itself() {
    let site = site("one");
    let server = Serve::site(site.path());
    let url = server.url("/gone-worker.js");
    assert_eq!(get(&url).status, 404);
    let answer = ask("GET", &url, &[("Service-Worker", "script")]);
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("unregister()"));
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    let own = ask(
        "GET",
        &server.url("/app.js"),
        &[("Service-Worker", "script")],
    );
    assert_eq!(own.text(), site.read("app.js"));
}

#[test]
fn a_site_that_was_built_in_place_is_served_without_tag_and_worker_when_asked_so() {
    let site = site("one");
    let before = site.read("index.html");
    revisit(&["build".as_ref(), site.path().as_os_str()]).ok();
    let server = serve_at("127.0.0.1:0", site.path(), &["--no-worker"]);
    assert_eq!(get(&server.url("/")).text(), before);
    assert!(get(&server.url("/sw.js")).text().contains("unregister()"));
    let server = Serve::site(site.path());
    assert_eq!(
        get(&server.url("/")).text().matches("data-revisit").count(),
        1
    );
}

/// A site with a worker that answers every navigation from a cache of its own.
fn by_hand(worker: &str) -> Site {
    let site = Site::new();
    site.file(
        "index.html",
        format!(
            "<!doctype html><link rel=icon href=data:,><h1>by hand</h1>\
             <script>navigator.serviceWorker.register('/{worker}')</script>"
        ),
    )
    .file(
        worker,
        "addEventListener('install', () => skipWaiting())
         addEventListener('activate', e => e.waitUntil(clients.claim()))
         addEventListener('fetch', e => {
           if (e.request.mode === 'navigate') e.respondWith(new Response(
             '<h1>by hand, from its cache</h1>', { headers: { 'content-type': 'text/html' } }))
         })",
    );
    site
}

/// From now on each document that this tab loads is counted.
fn count_loads(tab: &Tab) {
    tab.clear_network();
}

fn loads(tab: &Tab) -> usize {
    tab.network()
        .iter()
        .filter(|exchange| exchange.kind == "Document")
        .count()
}
