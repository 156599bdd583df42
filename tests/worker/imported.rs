//! A site that left AppCache by `revisit import`: what its manifest said, the worker does.

use super::*;
use crate::harness::{OriginAnswer, revisit_in};

const MANIFEST: &str = "CACHE MANIFEST
assets/site.css
assets/app.js
assets/text.js
FALLBACK:
docs/ offline.html
NETWORK:
docs/live/
";

#[test]
fn a_manifest_that_was_imported_keeps_its_files_and_falls_back_as_it_did() {
    let site = small_site();
    site.file("site.appcache", MANIFEST).file(
        "index.html",
        "<!doctype html><html manifest=site.appcache><head><title>Home</title>\
         <link rel=icon href=data:,><link rel=stylesheet href=/assets/site.css>\
         <script type=module src=/assets/app.js></script></head><body><h1>Home one</h1></body></html>",
    );
    let made = revisit_in(site.path(), &["import", "site.appcache", "--site", "."]);
    made.ok();
    // a closed wildcard is what a worker does not have
    assert!(made.stderr.contains("NETWORK (closed)"), "{}", made.stderr);
    let Served { origin, out: _out } = served(&site, &made.stdout);
    for (path, status) in [
        ("/docs/there", 200),
        ("/docs/broken", 500),
        ("/docs/live/there", 200),
        ("/docs/live/broken", 500),
    ] {
        origin.answer_by(path, move |_| {
            OriginAnswer::new(status, "text/plain", format!("the server's {status}"))
        });
    }
    let (browser, tab) = visited(&origin, "/");
    let seen = |path: &str| {
        let fetched = tab.fetch(path, json!({}));
        let shown = match fetched.body.contains("You are offline") {
            true => "fallback".to_owned(),
            false => fetched.status.to_string(),
        };
        match fetched.error {
            Some(_) => "error".to_owned(),
            None => shown,
        }
    };
    for (path, expected) in [
        ("/docs/there", "200"),
        ("/docs/broken", "fallback"),
        ("/docs/missing", "fallback"),
        ("/docs/live/there", "200"),
        ("/docs/live/broken", "500"),
        ("/contact.html", "200"),
    ] {
        assert_eq!(seen(path), expected, "{path}");
    }
    cut_off(&browser, &origin);
    for (path, expected) in [
        ("/docs/unseen", "fallback"),
        ("/docs/live/there", "error"),
        ("/contact.html", "error"),
        ("/assets/site.css", "200"),
    ] {
        assert_eq!(seen(path), expected, "{path}");
    }
    tab.load(&origin.url("/")).ok();
    assert_eq!(tab.eval("document.body.dataset.script"), "one");
    let color = "getComputedStyle(document.querySelector('h1')).color";
    assert_eq!(tab.eval(color), "rgb(1, 2, 3)");
    // the address is the one that was asked for
    tab.load(&origin.url("/docs/a/b")).ok();
    assert!(tab.text().contains("You are offline"), "{}", tab.text());
    assert_eq!(tab.eval("location.pathname"), "/docs/a/b");
}
