//! From this worker to the ordinary one and back, to none, and under `revisit serve`.

use super::*;
use crate::harness::{Serve, examples, get};

const PRECACHE: &str = "[appcache]\nenabled = false\n";

#[test]
fn to_the_ordinary_worker_and_back_and_to_none_each_cleans_up() {
    let world = served(&site("one", ""), "");
    let (browser, tab) = visited(&world);
    build(&site("two", ""), world.out.path(), PRECACHE);
    // The page that is there is of the application cache; it hears of an update of the worker by loading.
    tab.load(&world.url("/")).ok();
    tab.wait_for(
        "navigator.serviceWorker.getRegistration().then(r => !!r.waiting)",
        "the ordinary worker to wait",
    );
    tab.close();
    crate::harness::eventually("the ordinary worker", crate::harness::DEADLINE, || {
        let workers = browser.workers("");
        (workers.len() == 1 && workers[0].status == "activated").then_some(())
    });
    let tab = browser.tab();
    tab.load(&world.url("/")).ok();
    tab.wait_for("revisit.complete", "all to be kept");
    let names = tab.cache_names();
    assert!(
        names.iter().all(|name| !name.contains("appcache")),
        "{names:?}"
    );
    assert_eq!(
        tab.eval("window.applicationCache === undefined || said"),
        true
    );

    build(&site("three", ""), world.out.path(), "");
    tab.eval("revisit.check()");
    tab.wait_for(
        "navigator.serviceWorker.getRegistration().then(r => !!r.waiting)",
        "the worker of application caches to wait for the pages of the other",
    );
    tab.follow("revisit.update()").ok();
    heard(&tab, "cached");
    says(&tab, "three");
    let names = tab.cache_names();
    assert!(
        names.iter().all(|name| name.contains("|appcache")),
        "{names:?}"
    );

    revisit(&[
        "build".as_ref(),
        world.out.path().as_os_str(),
        "--uninstall".as_ref(),
    ])
    .ok();
    assert!(!world.out.read("index.html").contains("data-revisit"));
    tab.load(&world.url("/")).ok();
    tab.eval("navigator.serviceWorker.getRegistration().then(r => r.update()).then(() => true)");
    crate::harness::eventually("the worker to be gone", crate::harness::DEADLINE, || {
        tab.load(&world.url("/")).ok();
        browser.workers("").is_empty().then_some(())
    });
    assert_eq!(tab.cache_names(), [""; 0]);
    world.origin.clear();
    tab.load(&world.url("/")).ok();
    assert_eq!(world.origin.count_of("/"), 1);
}

#[test]
fn serve_gives_the_manifest_its_type_and_no_lifetime_and_follows_the_folder() {
    let site = Site::copy_of(&examples("old-site"));
    let server = Serve::site(site.path());
    let answer = get(&server.url("/site.appcache"));
    assert_eq!(
        answer.header("content-type"),
        Some("text/cache-manifest; charset=utf-8")
    );
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    let browser = Browser::start();
    let tab = browser.tab();
    tab.before_each_page("window.confirm = () => true");
    tab.load(&server.url("/")).ok();
    tab.wait_for(
        "document.getElementById('cache').textContent.endsWith('status 1')",
        "the cache",
    );
    tab.wait_for(
        "document.getElementById('tide').textContent === 'high at 04:12'",
        "the network",
    );

    // As guides warned: without a word in the manifest nobody hears of it.
    let style = site.read("style.css");
    site.file("style.css", format!("{style}\nh1 {{ --new: yes }}"));
    tab.load(&server.url("/")).ok();
    server.wait_until_said("`style.css` changed and `site.appcache` did not: who was here keeps");
    assert_eq!(tab.fetch("style.css", json!({})).body, style);

    let page = site
        .read("index.html")
        .replace("since 2011", "since long ago");
    site.file("index.html", page).file(
        "site.appcache",
        site.read("site.appcache").replace("version 1", "version 2"),
    );
    tab.load(&server.url("/")).ok();
    tab.wait_for(
        "document.body.textContent.includes('since long ago')",
        "its own script to load the new version",
    );
    tab.load(&server.url("/notes/storm.html")).ok();
    tab.wait_for(
        "applicationCache.status === 1",
        "the page to be kept as well",
    );
    drop(server);
    tab.load(&server_url(&tab, "/notes/storm.html")).ok();
    assert!(tab.text().contains("Nobody lost"));
    tab.load(&server_url(&tab, "/notes/gale.html")).ok();
    assert!(tab.text().contains("Not at hand"), "{}", tab.text());
}

#[test]
fn a_manifest_has_its_type_whatever_its_name() {
    let site = site("one", "");
    for name in ["cache.manifest", "offline.mf", "manifest"] {
        let page = site.read("other.html");
        let page = page.replace("manifest=site.appcache", &format!("manifest={name}"));
        site.file(&format!("{name}.html"), page)
            .file(name, manifest("one", ""));
    }
    // which nobody names
    site.file("app.manifest", "<assembly/>");
    let server = Serve::site(site.path());
    let type_of = |path: &str| {
        let answer = get(&server.url(path));
        answer.header("content-type").map(str::to_owned)
    };
    for name in ["/cache.manifest", "/offline.mf", "/manifest", MANIFEST] {
        let expected = "text/cache-manifest; charset=utf-8";
        assert_eq!(type_of(name).as_deref(), Some(expected), "{name}");
    }
    assert_ne!(type_of("/app.manifest"), type_of("/cache.manifest"));
}

fn server_url(tab: &Tab, path: &str) -> String {
    let origin = tab.eval("location.origin");
    format!("{}{path}", origin.as_str().unwrap_or_default())
}
