//! First visits, repeat visits, updates, and what ends them.

use super::*;
use crate::harness::Fault;

#[test]
fn a_visited_site_works_offline_and_a_visit_without_news_costs_one_request() {
    let world = served(&site("one", ""), "");
    let (browser, tab) = visited(&world);
    assert_eq!(events(&tab), "checking downloading progress cached");
    assert_eq!(tab.eval("applicationCache.status"), 1);
    assert_eq!(
        tab.eval("applicationCache === window.applicationCache && ApplicationCache.UPDATEREADY"),
        4
    );

    browser.stop_workers();
    is_whole(&browser, &tab, &world, "one");
    assert_eq!(events(&tab), "checking error");
    world.origin.stop();
    let error = tab.load(&world.url("/other.html")).error;
    assert!(error.is_some(), "nobody visited it: it is not kept");
    world.origin.start_again();

    // touched, and the same
    world.deploy(&site("one", ""));
    world.out.file("site.appcache", manifest("one", ""));
    for _ in 0..2 {
        world.origin.clear();
        tab.load(&world.url("/")).ok();
        heard(&tab, "noupdate");
        assert_eq!(events(&tab), "checking noupdate");
        let mut targets = world.origin.targets();
        targets.retain(|target| target != "/sw.js"); // the browser's own look
        assert_eq!(targets, [MANIFEST], "{:#?}", world.origin.requests());
        browser.stop_workers();
    }
    // A page that is visited is kept from then on.
    tab.load(&world.url("/other.html")).ok();
    heard(&tab, "noupdate");
    world.origin.stop();
    tab.load(&world.url("/other.html")).ok();
    says(&tab, "one");
}

#[test]
fn an_update_leaves_open_pages_all_old_and_makes_those_that_come_all_new() {
    let world = served(&site("one", ""), "");
    let (browser, tab) = visited(&world);
    let second = browser.tab();
    second.load(&world.url("/")).ok();
    heard(&second, "noupdate");

    world.deploy(&site("two", ""));
    tab.load(&world.url("/")).ok();
    heard(&tab, "updateready");
    assert_eq!(events(&tab), "checking downloading progress updateready");
    heard(&second, "updateready");
    for page in [&tab, &second] {
        assert_eq!(page.eval("applicationCache.status"), 4);
        says(page, "one");
    }
    assert_eq!(versions(&tab), 2);
    tab.reload().ok();
    heard(&tab, "noupdate");
    says(&tab, "two");
    browser.stop_workers();
    says(&second, "one");

    // `swapCache()`: what is loaded from here on is new; there is nothing else to swap to
    second.eval("applicationCache.swapCache()");
    assert_eq!(second.eval("applicationCache.status"), 1);
    second.wait_for(
        "(await (await fetch('app.js')).text()).includes('two')",
        "the new script",
    );
    let thrown = second
        .eval("(() => { try { applicationCache.swapCache() } catch (e) { return e.name } })()");
    assert_eq!(thrown, "InvalidStateError");
}

#[test]
fn the_classic_snippet_runs_unchanged() {
    let with_snippet = |word: &str| {
        let site = site(word, "snippet.js");
        let page = site.read("index.html");
        let tag = "<script src=snippet.js></script></head>";
        site.file("index.html", page.replace("</head>", tag))
            .file("snippet.js", SNIPPET);
        site
    };
    let world = served(&with_snippet("one"), "");
    let (_browser, tab) = visited(&world);
    tab.before_each_page("window.confirm = (text) => { sessionStorage.asked = text; return true }");
    world.deploy(&with_snippet("two"));
    tab.load(&world.url("/")).ok();
    tab.wait_for(
        "window.said === 'two'",
        "the page to be loaded anew by its own script",
    );
    heard(&tab, "noupdate");
    says(&tab, "two");
    let asked = tab.eval("sessionStorage.asked");
    assert_eq!(asked, "A new version of this site is available. Load it?");
}

#[test]
fn what_fails_leaves_nothing_at_first_and_later_the_version_before() {
    let world = served(&site("one", ""), "");
    let browser = Browser::start();
    let tab = browser.tab();
    world.origin.fault("/style.css", Fault::Status(404));
    tab.load(&world.url("/")).ok();
    heard(&tab, "error");
    assert_eq!(events(&tab), "checking downloading progress error");
    assert_eq!(
        (tab.eval("applicationCache.status"), tab.eval("why")),
        (json!(0), json!("resource"))
    );
    assert_eq!(versions(&tab), 0);
    world.origin.heal();
    world.origin.fault(
        "/app.js",
        Fault::Header("Cache-Control".into(), "no-store".into()),
    );
    browser.clear_http_cache(); // which may hold it fresh for a moment
    tab.load(&world.url("/")).ok();
    heard(&tab, "error");
    assert_eq!((versions(&tab), tab.eval("why")), (0, json!("policy")));
    assert_eq!(tab.cache_names().len(), 1, "{:?}", tab.cache_names());
    world.origin.heal();
    browser.clear_http_cache();
    tab.load(&world.url("/")).ok();
    heard(&tab, "cached");

    world.deploy(&site("two", ""));
    world.origin.fault("/style.css", Fault::Status(404));
    tab.load(&world.url("/")).ok();
    heard(&tab, "error");
    assert_eq!(events(&tab), "checking downloading progress error");
    assert_eq!(tab.eval("applicationCache.status"), 1);
    is_whole(&browser, &tab, &world, "one");
    world.origin.heal();
    let no_store = Fault::Header("Cache-Control".into(), "no-store".into());
    world.origin.fault("/app.js", no_store);
    updated(&tab, "error");
    assert_eq!((versions(&tab), tab.eval("why")), (1, json!("policy")));
    serves(&tab, "one");
    world.origin.heal();
    tab.load(&world.url("/")).ok();
    heard(&tab, "updateready");
    says(&tab, "one");
    tab.reload().ok();
    heard(&tab, "noupdate");
    says(&tab, "two");

    // the manifest is gone: the page keeps what it has, and whoever comes next gets the server
    world.out.remove("site.appcache");
    tab.load(&world.url("/")).ok();
    heard(&tab, "obsolete");
    assert_eq!(tab.eval("applicationCache.status"), 5);
    says(&tab, "two");
    world.origin.clear();
    tab.reload().ok();
    heard(&tab, "error");
    assert_eq!(tab.eval("applicationCache.status"), 0);
    assert_eq!(world.origin.count_of("/"), 1);
    tab.wait_for("(await caches.keys()).length === 1", "what was kept to go");
}
