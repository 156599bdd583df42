//! The kill switch from the server's side: an answer with `Clear-Site-Data`.
//!
//! W3C Clear Site Data, "clear DOM-accessible storage": service workers are unregistered and
//! caches deleted, whatever request the answer is for. Open pages go on, from the network.

use super::*;
use crate::harness::{Fault, eventually};

#[test]
fn an_answer_that_clears_storage_ends_worker_and_caches_and_the_next_visit_installs_anew() {
    for (words, path) in [
        ("\"storage\"", "/logout"),
        ("\"cache\", \"storage\"", "/logout"),
        // the one request that every browser with the worker makes sooner or later
        ("\"storage\"", "/sw.js"),
    ] {
        check(words, path);
    }
}

fn check(words: &str, path: &str) {
    let context = format!("{words} on {path}");
    let Served { origin, out: _out } = served(&small_site(), "");
    let (browser, tab) = visited(&origin, "/");
    tab.reload().ok();
    assert!(tab.is_controlled(), "{context}");
    origin.fault(
        path,
        Fault::Header("Clear-Site-Data".into(), words.to_owned()),
    );
    // A browser that is just checking for an update does not check again: asked until it is done.
    let ask = match path {
        "/sw.js" => "(await navigator.serviceWorker.getRegistration())?.update()",
        _ => &format!("fetch('{path}')"),
    };
    // Under load Chromium may leave the caches' names, with nothing in them.
    let gone = format!(
        "(async () => {{
            await (async () => {ask})().catch(() => 0)
            for (const name of await caches.keys()) {{
                if ((await (await caches.open(name)).keys()).length) return false
            }}
            return !(await navigator.serviceWorker.getRegistrations()).length
        }})()"
    );
    tab.wait_for(
        &gone,
        &format!("the worker and all that was kept to go, {context}"),
    );

    // without the switch, from the network
    browser.clear_http_cache();
    origin.heal();
    origin.clear();
    assert_eq!(
        text_of(&tab, "/assets/later.js"),
        "export const later = 'later one'"
    );
    assert_eq!(origin.count_of("/assets/later.js"), 1, "{context}");
    tab.load(&origin.url("/")).ok();
    assert!(tab.text().contains("Home one"), "{context}");
    assert_eq!(origin.count_of("/"), 1, "{context}");

    // and that was the visit that installs anew
    installed(&tab);
    eventually(
        "the new worker in control",
        crate::harness::DEADLINE,
        || tab.is_controlled().then_some(()),
    );
    cut_off(&browser, &origin);
    tab.load(&origin.url("/contact")).ok();
    assert!(tab.text().contains("Contact one"), "{context}");
}

#[test]
fn a_server_that_clears_with_every_answer_has_a_site_that_works_from_the_network() {
    let Served { origin, out: _out } = served(&small_site(), "");
    let (browser, tab) = visited(&origin, "/");
    let clear = Fault::Header("Clear-Site-Data".into(), "\"storage\"".into());
    origin.fault_where(|_| true, clear);
    // the worker in control answers this, and asks for its own script soon after
    tab.load(&origin.url("/")).ok();
    tab.run("navigator.serviceWorker.getRegistration().then((r) => r?.update()).catch(() => {})");
    let uncontrolled = "navigator.serviceWorker.controller === null";
    for _ in 0..3 {
        tab.load(&origin.url("/")).ok();
        tab.wait_for(
            "document.body.dataset.script === 'one'",
            "the page's script",
        );
    }
    tab.load(&origin.url("/contact.html")).ok();
    assert!(tab.text().contains("Contact one"));
    tab.wait_for(uncontrolled, "a page without a worker");
    origin.heal();
    browser.clear_http_cache();
    tab.load(&origin.url("/")).ok();
    installed(&tab);
    cut_off(&browser, &origin);
    tab.load(&origin.url("/contact.html")).ok();
    assert!(tab.text().contains("Contact one"));
}
