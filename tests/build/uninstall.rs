//! The way back: pages as they were, and a worker that removes itself from browsers.

use super::*;

#[test]
fn after_uninstall_pages_are_what_they_were_byte_for_byte() {
    let site = Site::copy_of(&crate::harness::examples("flowers"));
    site.file(
        "crlf.html",
        "<!doctype html>\r\n<html>\r\n<head>\r\n</head>\r\n<body>x</body></html>",
    )
    .file("bare.html", "no tag at all\n");
    let before = site.files();
    build(site.path(), &[]).ok();
    let output = build(site.path(), &["--uninstall"]);
    assert!(
        output
            .ok()
            .stdout
            .contains("deploy sw.js, which removes itself"),
        "{}",
        output.stdout
    );
    let mut after = site.files();
    let worker = String::from_utf8(after.remove("sw.js").unwrap()).unwrap();
    assert!(worker.contains("unregister()"), "{worker}");
    assert!(!site.has("revisit"));
    check_same(&after, &before);
}

#[test]
fn uninstall_can_be_said_twice_and_taken_back() {
    let (site, out) = (small_site(), Site::new());
    build(site.path(), &[]).ok();
    let built = site.files();
    build(site.path(), &["--uninstall"]).ok();
    let uninstalled = site.files();
    build(site.path(), &["--uninstall"]).ok();
    check_same(&site.files(), &uninstalled);
    build(site.path(), &[]).ok();
    check_same(&site.files(), &built);
    // and the same with a copy
    for words in [&["--uninstall"][..], &["--uninstall"], &[]] {
        let out = text(out.path());
        build(site.path(), &[&["--out", &out], words].concat()).ok();
    }
    check_same(&out.files(), &built);
}

#[test]
fn a_site_that_was_never_built_only_gets_the_worker() {
    let site = small_site();
    let before = site.files();
    build(site.path(), &["--uninstall", "--worker-name", "old.js"]).ok();
    let mut after = site.files();
    assert!(after.remove("old.js").is_some());
    check_same(&after, &before);
}

#[test]
fn a_visitor_of_the_uninstalled_site_loses_worker_and_caches_and_nothing_else() {
    let site = small_site();
    build(site.path(), &[]).ok();
    let origin = Origin::serve(site.path());
    let browser = Browser::start();
    let tab = installed(&browser, &origin.url("/"));
    tab.put_cache_entry("notes of the site's own", &origin.url("/note"), "kept");
    assert!(
        tab.cache_names()
            .iter()
            .any(|name| name.starts_with("revisit|"))
    );
    site.file("app.js", "document.documentElement.dataset.app = 'ran two'");
    build(site.path(), &["--uninstall"]).ok();

    tab.load(&origin.url("/")).ok();
    tab.eval("window.mark = 1");
    tab.wait_for(
        "navigator.serviceWorker.getRegistrations().then(list => list.length === 0)",
        "the worker to remove itself",
    );
    tab.wait_for(
        "caches.keys().then(names => names.join() === `notes of the site's own`)",
        "our caches to go, and ours alone",
    );
    assert_eq!(
        tab.eval("window.mark"),
        1,
        "the page was loaded anew behind the user"
    );
    let note = tab.cache_text("notes of the site's own", &origin.url("/note"));
    assert_eq!(note.as_deref(), Some("kept"));

    origin.clear();
    browser.clear_http_cache();
    tab.load(&origin.url("/")).ok();
    assert_eq!(tab.eval("document.documentElement.dataset.app"), "ran two");
    assert_eq!(tab.eval("typeof revisit"), "undefined");
    assert_eq!(origin.count_of("/"), 1, "the server answers again");
    assert!(tab.registrations().is_empty());
    assert_eq!(tab.console_errors(), [""; 0]);
}
