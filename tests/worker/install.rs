//! The first visit: after it the site is whole in the browser, or the page knows why not.

use super::*;
use crate::harness::{Fault, Request};

#[test]
fn after_one_visit_the_whole_site_works_without_a_server() {
    let Served { origin, out: _out } = served(&small_site(), "");
    let (mut browser, tab) = visited(&origin, "/");
    cut_off(&browser, &origin);
    tab.reload().ok();
    assert_eq!(tab.text().lines().next(), Some("Home one"));
    assert_eq!(tab.eval("document.body.dataset.script"), "one");
    assert_eq!(
        tab.eval("getComputedStyle(document.querySelector('h1')).color"),
        "rgb(1, 2, 3)"
    );
    tab.wait_for("document.images[0].naturalWidth > 0", "the picture");
    // a page that was never seen, and a module that was never loaded
    tab.load(&origin.url("/about/")).ok();
    assert!(tab.text().contains("About one"));
    assert_eq!(
        tab.eval("import('/assets/later.js').then(m => m.later)"),
        "later one"
    );
    // and after a restart of the browser
    drop(tab);
    browser.restart();
    let tab = browser.tab();
    tab.load(&origin.url("/contact.html")).ok();
    assert!(tab.text().contains("Contact one"));
    assert_eq!(tab.console_errors(), [""; 0]);
}

#[test]
fn what_the_page_has_just_loaded_is_not_fetched_again() {
    let Served { origin, out: _out } = served(&small_site(), "");
    origin.cache_control(Some("max-age=600"));
    let (_browser, _tab) = visited(&origin, "/");
    for path in [
        "/",
        "/assets/site.css",
        "/assets/app.js",
        "/assets/text.js",
        "/pictures/rose.svg",
    ] {
        assert_eq!(origin.count_of(path), 1, "{path}: {:?}", origin.targets());
    }
    assert_eq!(
        origin.count(is_pack) + origin.count_of("/data/numbers.bin"),
        3,
        "the rest, in packs of pages, of texts and of others: {:?}",
        origin.targets()
    );
}

#[test]
fn a_pack_that_cannot_be_had_is_made_of_its_files_and_the_page_is_told() {
    let Served { origin, out: _out } = served(&small_site(), "");
    origin.fault_where(|path| path.ends_with(".pack"), Fault::Status(404));
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&origin.url("/contact.html")).ok();
    tab.run("window.told = []; revisit.addEventListener('degraded', e => told.push(e.detail))");
    installed(&tab);
    tab.wait_for(
        "told.length > 0 && told[0].status === 404",
        "the page to hear of the pack",
    );
    cut_off(&browser, &origin);
    tab.load(&origin.url("/")).ok();
    assert_eq!(tab.eval("document.body.dataset.script"), "one");
    assert_eq!(text_of(&tab, "/data/list.json"), "{\"list\": [1, 2, 3]}");
}

#[test]
fn a_404_in_the_middle_leaves_no_worker_and_a_later_visit_fetches_only_what_lacks() {
    let Served { origin, out: _out } = served(&small_site(), "");
    origin.fault("/offline.html", Fault::Status(404));
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&origin.url("/")).ok();
    tab.wait_for(
        "window.revisit?.state === 'failed'",
        "the page to hear of the failure",
    );
    tab.wait_for(
        "navigator.serviceWorker.getRegistrations().then(list => list.length === 0)",
        "no worker to stay",
    );
    origin.heal();
    origin.clear();
    browser.clear_http_cache();
    tab.reload().ok();
    installed(&tab);
    assert_eq!(origin.count_of("/offline.html"), 1);
    cut_off(&browser, &origin);
    tab.load(&origin.url("/contact.html")).ok();
}

#[test]
fn a_failure_is_told_with_its_url_and_reason() {
    check_failure(Fault::Status(404), "status", 404);
    check_failure(Fault::WrongBytes, "integrity", 0);
    check_failure(Fault::Stall(10), "stalled", 0);
}

fn check_failure(fault: Fault, reason: &str, status: i64) {
    let Served { origin, out: _out } = served(&small_site(), "[worker]\nstall_seconds = 1\n");
    origin.fault("/offline.html", fault);
    let browser = Browser::start();
    let tab = browser.tab();
    tab.start_load(&origin.url("/"));
    tab.wait_for(
        "window.revisit && (revisit.addEventListener('failed', e => window.why = e.detail), true)",
        "the page client",
    );
    tab.wait_for_within("window.why", "the failure", 2 * crate::harness::DEADLINE);
    assert_eq!(tab.eval("why.reason"), reason);
    assert_eq!(tab.eval("why.url"), origin.url("/offline.html"));
    assert_eq!(tab.eval("why.status || 0"), status);
}

#[test]
fn a_body_that_is_cut_once_is_fetched_again_and_one_that_is_wrong_is_never_kept() {
    for fault in [Fault::Truncate(20), Fault::WrongBytes] {
        let Served { origin, out: _out } = served(&small_site(), "");
        origin.fault_times("/offline.html", 1, fault.clone());
        let (browser, tab) = visited(&origin, "/");
        assert_eq!(origin.count_of("/offline.html"), 2, "{fault:?}");
        cut_off(&browser, &origin);
        tab.load(&origin.url("/offline.html")).ok();
        assert!(tab.text().contains("You are offline"));
    }
}

#[test]
fn a_server_that_fails_for_a_moment_does_not_fail_the_install() {
    let Served { origin, out: _out } = served(&small_site(), "");
    origin.fault_times("/offline.html", 2, Fault::Status(503));
    let (_browser, _tab) = visited(&origin, "/");
    assert_eq!(origin.count_of("/offline.html"), 3);
}

#[test]
fn a_host_that_varies_by_everything_is_survived_and_policies_of_pages_are_kept() {
    let Served { origin, out: _out } = served(&small_site(), "");
    for (name, value) in [("Vary", "*"), ("Content-Security-Policy", "img-src 'none'")] {
        origin.fault_where(|_| true, Fault::Header(name.into(), value.into()));
    }
    let (browser, tab) = visited(&origin, "/contact.html");
    cut_off(&browser, &origin);
    tab.load(&origin.url("/")).ok();
    assert_eq!(tab.eval("document.body.dataset.script"), "one");
    assert_eq!(
        tab.eval("new Promise(r => { const i = new Image; i.onerror = () => r('blocked'); i.onload = () => r('shown'); i.src = '/pictures/rose.svg' })"),
        "blocked"
    );
}

#[test]
fn the_site_may_lie_below_the_root_and_answers_for_nothing_beside_it() {
    let site = Site::new();
    site.file(
        "index.html",
        "<!doctype html><link rel=icon href=data:,><script src=app.js></script><h1>Shop</h1>",
    )
    .file("app.js", "document.title = 'shop'")
    .file(
        "deep/page.html",
        "<!doctype html><script src=/shop/app.js></script><h1>Deep</h1>",
    );
    let Served { origin, out: _out } = served(&site, "[site]\nbase = \"/shop/\"\n");
    origin.mount("/shop/");
    let (browser, tab) = visited(&origin, "/shop/");
    assert_eq!(tab.registrations()[0].scope, origin.url("/shop/"));
    cut_off(&browser, &origin);
    tab.load(&origin.url("/shop/deep/page.html")).ok();
    assert_eq!(tab.eval("document.title"), "shop");
    assert!(tab.load(&origin.url("/elsewhere")).error.is_some());
}

fn is_pack(request: &Request) -> bool {
    request.path().ends_with(".pack")
}
