//! `--dev`: whoever works on a site sees each change at the next load, whatever worker was there.

use super::*;

#[test]
fn every_change_is_seen_at_the_next_load_also_where_a_worker_was_in_control() {
    let site = site("one");
    site.file("assets/look-1a2b3c4d.css", "h1 { color: rgb(1, 2, 3) }")
        .file(
            "styled.html",
            "<!doctype html><link rel=icon href=data:,><link rel=stylesheet href=assets/look-1a2b3c4d.css><h1>x</h1>",
        );
    let mut server = Serve::site(site.path());
    let browser = Browser::start();
    let tab = visit(&browser, &server, "/");
    tab.put_cache_entry("notes", &server.url("/note"), "kept");
    tab.reload().ok();
    assert!(tab.is_controlled());
    let address = address(&server);
    assert!(server.stop().success());

    site.file("app.js", "document.documentElement.dataset.app = 'two'");
    let server = serve_at(&address, site.path(), &["--dev"]);
    server.wait_until_said("for development");
    for _ in 0..2 {
        tab.load(&server.url("/")).ok();
        installed(&tab);
    }
    let app = "document.documentElement.dataset.app";
    tab.wait_for(&format!("{app} === 'two'"), "the change");
    tab.wait_for(
        "caches.keys().then((names) => names.join() === 'notes')",
        "the caches of the worker before to go, and no other",
    );
    site.file("app.js", "document.documentElement.dataset.app = 'three'");
    tab.load(&server.url("/")).ok();
    assert_eq!(tab.eval(app), "three");
    // also under a name that promises to keep its content
    let colour = "getComputedStyle(document.querySelector('h1')).color";
    tab.load(&server.url("/styled.html")).ok();
    assert_eq!(tab.eval(colour), "rgb(1, 2, 3)");
    site.file("assets/look-1a2b3c4d.css", "h1 { color: rgb(4, 5, 6) }");
    tab.load(&server.url("/styled.html")).ok();
    assert_eq!(tab.eval(colour), "rgb(4, 5, 6)");
    assert_eq!(tab.cache_names(), ["notes"]);
}

#[test]
fn a_page_that_listens_hears_what_it_always_does() {
    let site = site("one");
    let page = site.read("index.html").replace(
        "<script",
        "<script>addEventListener('revisit', () => revisit.addEventListener('installed', () => window.told = true))</script><script",
    );
    site.file("index.html", page);
    let server = serve_at("127.0.0.1:0", site.path(), &["--dev"]);
    let browser = Browser::start();
    let tab = shown(&browser, &server);
    tab.wait_for("window.told", "the event `installed`");
    tab.wait_for_control();
    site.file("app.js", "document.documentElement.dataset.app = 'two'");
    tab.follow("revisit.update()").ok();
    assert_eq!(tab.eval("document.documentElement.dataset.app"), "two");
    tab.wait_for("revisit.state === 'installed'", "the page client");
}

#[test]
fn the_usual_worker_takes_the_place_of_the_one_that_keeps_nothing() {
    let site = site("one");
    let mut server = serve_at("127.0.0.1:0", site.path(), &["--dev"]);
    let browser = Browser::start();
    let tab = shown(&browser, &server);
    let address = address(&server);
    cut_off(&browser, &mut server);
    let mut server = serve_at(&address, site.path(), &[]);
    tab.load(&server.url("/")).ok();
    tab.wait_for(
        "caches.keys().then((names) => names.some((name) => name.endsWith('|files')))",
        "the site's own caches",
    );
    installed(&tab);
    tab.wait_for(
        "navigator.serviceWorker.getRegistration().then((r) => r.active && !r.installing && !r.waiting && revisit.state === 'installed')",
        "the usual worker",
    );
    cut_off(&browser, &mut server);
    tab.load(&server.url("/about")).ok();
    assert!(tab.text().contains("one, about"), "{}", tab.text());
}

#[test]
fn a_worker_that_keeps_nothing_and_no_worker_exclude_each_other() {
    let site = site("one");
    let folder = site.path().to_str().unwrap();
    let output = revisit(&["serve", folder, "--dev", "--no-worker"]);
    assert_eq!(output.code, Some(2), "{}", output.stderr);
    assert!(
        output.stderr.contains("cannot be used with"),
        "{}",
        output.stderr
    );
    let config = Site::new();
    config.file("revisit.toml", "[serve]\ndev = true\nworker = false\n");
    let output = crate::harness::revisit_in(config.path(), &["serve", folder]);
    assert_eq!(output.code, Some(2), "{}", output.stderr);
    assert_eq!(
        output.stderr,
        "error: `[serve] dev = true` and `worker = false` exclude each other\nhelp: take one of them out\n"
    );
}

/// A tab whose page has the worker that keeps nothing.
fn shown(browser: &Browser, server: &Serve) -> Tab {
    let tab = browser.tab();
    tab.load(&server.url("/")).ok();
    tab.wait_for("window.revisit?.state === 'installed'", "the page client");
    tab
}
