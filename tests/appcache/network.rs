//! FALLBACK, NETWORK, and what is listed nowhere.

use super::*;
use crate::harness::{Fault, OriginAnswer};

const SECTIONS: &str = "FALLBACK:\nnotes/ away.html\nNETWORK:\napi/";

fn with_notes(more: &str) -> Site {
    let site = site("one", more);
    site.file(
        "away.html",
        "<!DOCTYPE html><title>Away</title><h1>Away</h1>",
    )
    .file(
        "notes/1.html",
        "<!DOCTYPE html><title>Note</title><h1>A note</h1>",
    )
    .file("api/list", "a list")
    .file("unlisted.txt", "unlisted");
    site
}

/// How a page's request ended: its text, its status if that is none of success, or `failed`.
fn got(tab: &Tab, url: &str) -> String {
    let fetched = tab.fetch(url, json!({}));
    match (&fetched.error, fetched.status) {
        (Some(_), _) => "failed".to_owned(),
        (None, 200) => fetched.body,
        (None, status) => status.to_string(),
    }
}

#[test]
fn a_fallback_stands_in_offline_and_for_errors_and_what_is_listed_nowhere_is_not_loaded() {
    let world = served(&with_notes(SECTIONS), "");
    let (browser, tab) = visited(&world);
    assert!(got(&tab, "notes/1.html").contains("A note"));
    assert_eq!(got(&tab, "api/list"), "a list");
    assert_eq!(got(&tab, "api/none"), "404");
    assert_eq!(got(&tab, "unlisted.txt"), "failed");
    let elsewhere = tab
        .eval("navigator.onLine && fetch('//localhost:1/x', {mode: 'no-cors'}).catch(e => e.name)");
    assert_eq!(elsewhere, "TypeError");
    // forms and the like are no business of a cache
    let posted = tab.fetch("unlisted.txt", json!({ "method": "POST" }));
    assert_eq!(posted.status, 405);

    for fault in [
        Fault::Status(500),
        Fault::Status(404),
        Fault::Redirect("http://localhost:1/".into()),
    ] {
        let is_redirect = matches!(fault, Fault::Redirect(_));
        let told = format!("{fault:?}");
        world.origin.fault("/notes/1.html", fault);
        browser.clear_http_cache(); // which may hold it fresh for a moment
        let answer = got(&tab, "/notes/1.html");
        assert!(answer.contains("Away"), "{told}: {answer}");
        if !is_redirect {
            // of a page the address stays what was asked for
            tab.load(&world.url("/notes/1.html")).ok();
            assert_eq!(
                (tab.text(), tab.url()),
                ("Away".into(), world.url("/notes/1.html"))
            );
            tab.load(&world.url("/")).ok();
            heard(&tab, "noupdate");
        }
        world.origin.heal();
    }
    led_away_and_back(&world, &tab);
    world.origin.stop();
    browser.clear_http_cache();
    tab.load(&world.url("/notes/2.html?x")).ok();
    assert_eq!(tab.text(), "Away");
    tab.load(&world.url("/")).ok();
    heard(&tab, "error");
    assert_eq!(got(&tab, "api/list"), "failed");
    assert!(tab.load(&world.url("/unlisted.txt")).error.is_some());
}

/// A file that another origin sends back to the own one has its fallback: who was asked was another.
fn led_away_and_back(world: &Served, tab: &Tab) {
    let led = |path: &str, to: String| {
        world.origin.answer_by(path, move |_| {
            OriginAnswer::new(302, "text/plain", "")
                .with("Location", &to)
                .with("Access-Control-Allow-Origin", "*")
        });
    };
    let nowhere = Site::new();
    let other = Origin::serve(nowhere.path());
    led("/notes/led.txt", other.url("/back"));
    let back = world.url("/notes/end.txt");
    other.answer_by("/back", move |_| {
        OriginAnswer::new(302, "text/plain", "")
            .with("Location", &back)
            .with("Access-Control-Allow-Origin", "*")
    });
    world.origin.answer_by("/notes/end.txt", |_| {
        OriginAnswer::new(200, "text/plain", "the end").with("Access-Control-Allow-Origin", "*")
    });
    led("/notes/moved.txt", world.url("/notes/end.txt"));
    assert_eq!(got(tab, "/notes/moved.txt"), "the end");
    assert!(got(tab, "/notes/led.txt").contains("Away"));
    assert_eq!(other.count_of("/back"), 1);
}

#[test]
fn an_open_wildcard_lets_the_rest_through_and_prefer_online_is_for_pages() {
    let open = "NETWORK:\n*\nSETTINGS:\nprefer-online";
    let world = served(&with_notes(open), "");
    let (browser, tab) = visited(&world);
    assert_eq!(got(&tab, "unlisted.txt"), "unlisted");
    // The page comes from the server, what it loads from the cache; offline both from the cache.
    world.out.file("app.js", "var said = 'not listed anew'");
    let page = world.out.read("index.html");
    world
        .out
        .file("index.html", page.replace("Home one", "Home online"));
    tab.load(&world.url("/")).ok();
    heard(&tab, "noupdate");
    assert!(tab.text().contains("Home online"));
    // once it has its cache, which is known when the manifest is
    assert_eq!(got(&tab, "app.js"), "var said = 'one'");
    world.origin.fault("/", Fault::Status(503));
    tab.load(&world.url("/")).ok();
    says(&tab, "one");
    world.origin.heal();
    is_whole(&browser, &tab, &world, "one");
}

#[test]
fn a_compatible_profile_takes_what_sites_of_the_time_counted_on() {
    let elsewhere = Site::new();
    elsewhere.file("lib.js", "var lib = 'from elsewhere'");
    let cdn = Origin::serve(elsewhere.path());
    let lib = cdn.url("/lib.js").replace("127.0.0.1", "localhost");
    let listed = format!("{lib}\nnever.txt\nNETWORK:\nhttp://*");
    let source = site("one", &listed);
    source.file("never.txt", "not kept");
    let strict = served(&source, "");
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&strict.url("/")).ok();
    heard(&tab, "error"); // nobody may read what is elsewhere
    let lenient = served(&source, "[appcache]\nprofile = \"compat\"\n");
    lenient.origin.fault(
        "/never.txt",
        Fault::Header("Cache-Control".into(), "no-store".into()),
    );
    tab.load(&lenient.url("/")).ok();
    heard(&tab, "cached");
    cdn.stop();
    browser.clear_http_cache();
    let script = format!(
        "new Promise((done) => {{ const s = document.createElement('script'); s.src = '{lib}'; s.onload = () => done(lib);
          s.onerror = () => done('missing'); document.head.append(s) }})"
    );
    assert_eq!(tab.eval(&script), "from elsewhere");
    assert_eq!(got(&tab, "never.txt"), "not kept");
}
