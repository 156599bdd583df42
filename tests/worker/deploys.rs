//! Servers between two builds, and servers that change pages on their way: nothing is ever mixed,
//! and the page hears what is wrong.

use super::*;
use crate::harness::{Fault, OriginAnswer};

#[test]
fn a_server_in_the_middle_of_a_deploy_leaves_the_old_build_whole_and_the_next_check_completes() {
    let world = served(&small_site(), "");
    let (browser, tab) = visited(&world.origin, "/");
    let old = world.out.read("assets/text.js");
    world.deploy(&next_site(), "");
    // manifest and worker are new; a module of the shell is still old, and no pack has come yet
    let stale = Fault::Answer("text/javascript".into(), old.into_bytes());
    world.origin.fault("/assets/text.js", stale);
    let pack = |path: &str| path.ends_with(".pack");
    world.origin.fault_where(pack, Fault::Status(404));
    tab.run("window.why = null; revisit.addEventListener('failed', (e) => window.why = e.detail)");
    browser.clear_http_cache();
    tab.run("revisit.check().catch(() => {}); return true");
    let heard = 2 * crate::harness::DEADLINE;
    tab.wait_for_within("why", "the page to hear of it", heard);
    assert_eq!(tab.eval("why.reason"), "integrity");
    assert_eq!(tab.eval("why.url"), world.origin.url("/assets/text.js"));
    // after a restart of the worker too
    browser.stop_workers();
    is_whole(&tab, &world.origin, "one");
    world.origin.stop();
    is_whole(&tab, &world.origin, "one");

    world.origin.start_again();
    world.origin.heal();
    tab.load(&world.origin.url("/")).ok();
    check_for_update(&tab);
    tab.wait_for("revisit.state === 'updateready'", "the update");
    cut_off(&browser, &world.origin);
    tab.update();
    is_whole(&tab, &world.origin, "two");
}

/// A host that adds a snippet to every page.
fn rewrite_pages(origin: &Origin, out: &Site) {
    for (path, bytes) in out.files() {
        if !path.ends_with(".html") {
            continue;
        }
        let url = format!("/{}", path.strip_suffix("index.html").unwrap_or(&path));
        let body = [&bytes[..], b"<!-- snippet --><p>seen by the host</p>"].concat();
        origin.answer_by(&url, move |_| {
            OriginAnswer::new(200, "text/html; charset=utf-8", body.clone())
        });
    }
}

#[test]
fn a_host_that_rewrites_pages_is_told_by_name_with_the_page_and_the_way_out() {
    let Served { origin, out } = served(&small_site(), "");
    rewrite_pages(&origin, &out);
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&origin.url("/")).ok();
    tab.run("window.why = null; revisit.addEventListener('failed', (e) => window.why = e.detail)");
    tab.wait_for_within("why", "the failure", 2 * crate::harness::DEADLINE);
    assert_eq!(tab.eval("why.reason"), "rewritten");
    let url = tab.eval("why.url");
    let url = url.as_str().unwrap_or_default();
    assert!(
        [origin.url("/"), origin.url("/offline.html")].contains(&url.to_owned()),
        "{url}"
    );
    let said = tab.console().join("\n");
    assert!(
        said.contains(url) && said.contains("[site] verify_pages"),
        "{said}"
    );
    tab.wait_for(
        "navigator.serviceWorker.getRegistrations().then((list) => !list.length)",
        "no worker to stay",
    );
}

#[test]
fn pages_known_by_their_marker_are_kept_as_the_host_makes_them() {
    let config = "[site]\nverify_pages = \"marker\"\n";
    let world = served(&small_site(), config);
    rewrite_pages(&world.origin, &world.out);
    let (browser, tab) = visited(&world.origin, "/");
    cut_off(&browser, &world.origin);
    is_whole(&tab, &world.origin, "one");
    for path in ["/", "/about/", "/contact.html", "/offline.html"] {
        tab.load(&world.origin.url(path)).ok();
        assert!(tab.text().contains("seen by the host"), "{path}");
    }
    // and the page of another build is none of this one, whatever else stands in it
    world.origin.start_again();
    world.deploy(&next_site(), config);
    tab.load(&world.origin.url("/")).ok();
    tab.run("window.why = null; revisit.addEventListener('failed', (e) => window.why = e.detail)");
    tab.run("revisit.check().catch(() => {}); return true");
    tab.wait_for_within("why", "the failure", 2 * crate::harness::DEADLINE);
    assert_eq!(tab.eval("why.url"), world.origin.url("/about/"));
    rewrite_pages(&world.origin, &world.out);
    check_for_update(&tab);
    tab.wait_for("revisit.state === 'updateready'", "the update");
    cut_off(&browser, &world.origin);
    tab.update();
    is_whole(&tab, &world.origin, "two");
}
