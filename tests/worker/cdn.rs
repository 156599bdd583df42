//! A site whose pages name its files by the URL of a CDN, which is another origin with the same folder.

use super::*;
use crate::harness::{DEADLINE, Fault, eventually};

/// The site on its own origin, below `/shop/`, and on a CDN below `/static/v/`.
struct TwoOrigins {
    served: Served,
    cdn: Origin,
}

/// `tag`: attributes of the script; a module's own imports are relative.
fn two_origins(tag: &str, more: &str) -> TwoOrigins {
    let site = Site::new();
    // known before the page is written, since it names it
    let cdn = Origin::serve(site.path());
    cdn.mount("/static/v");
    let base = cdn.url("/static/v/");
    let then = ".then(({ from }) => { document.body.dataset.from = from })";
    let big = format!("/*{}*/", "x".repeat(70_000));
    site.file(
        "index.html",
        format!(
            "<!doctype html><html><head><meta charset=utf-8><title>Home</title>\
             <link rel=icon href=data:,><link rel=stylesheet crossorigin href={base}css/site.css>\
             <script {tag} src={base}js/app.js></script></head><body><h1>Home</h1></body></html>"
        ),
    )
    .file("css/site.css", "@import 'more.css';")
    .file("css/more.css", "h1 { color: rgb(1, 2, 3) }")
    .file(
        "js/app.js",
        match tag {
            // a plain script of another origin has no address to the page, before a worker answers it
            "defer" => format!("import('{base}js/dep.js'){then}"),
            _ => format!("import('./dep.js'){then}"),
        },
    )
    .file(
        "js/dep.js",
        format!(
            "{big}import {{ now }} from './small.js'; export const from = import.meta.url + now"
        ),
    )
    .file("js/small.js", "export const now = '#1'")
    .file("later/lazy.txt", "kept when it is used");
    let config = format!("[site]\nbase = '/shop/'\ncdn = '{base}'\n{more}");
    let served = served(&site, &config);
    served.origin.mount("/shop");
    cdn.folder_is(served.out.path());
    cdn.fault_where(
        |_| true,
        Fault::Header("Access-Control-Allow-Origin".into(), "*".into()),
    );
    TwoOrigins { served, cdn }
}

fn check_without_network(tag: &str) {
    let TwoOrigins { served, cdn } = two_origins(tag, "");
    let (browser, tab) = visited(&served.origin, "/shop/");
    let from = cdn.url("/static/v/js/dep.js#1");
    let loaded = format!("document.body.dataset.from === '{from}'");
    tab.wait_for(&loaded, "the page's script to have run");
    cdn.stop();
    cut_off(&browser, &served.origin);
    tab.load(&served.origin.url("/shop/")).ok();
    // the modules are those of the CDN's URL, not a second time those of the site's
    tab.wait_for(&loaded, "the page's script to run without a network");
    assert_eq!(
        tab.eval("getComputedStyle(document.querySelector('h1')).color"),
        "rgb(1, 2, 3)"
    );
    let opaque = tab.fetch(&cdn.url("/static/v/css/more.css"), json!({}));
    assert_eq!(opaque.status, 200);
    assert_eq!(
        opaque.header("cross-origin-resource-policy"),
        Some("cross-origin")
    );
    // what the CDN has beside the site is none of ours
    let other = tab.fetch(&cdn.url("/static/other.css"), json!({}));
    assert!(other.error.is_some());
}

#[test]
fn a_module_of_the_cdn_is_answered_without_a_network() {
    check_without_network("type=module crossorigin");
}

#[test]
fn a_plain_script_of_the_cdn_is_answered_without_a_network() {
    check_without_network("defer");
}

#[test]
fn a_first_install_fetches_nothing_again_that_the_page_had_from_the_cdn() {
    let two = two_origins("type=module crossorigin", "");
    two.cdn.cache_control(Some("max-age=3600"));
    let (_browser, _tab) = visited(&two.served.origin, "/shop/");
    for file in ["css/site.css", "css/more.css", "js/app.js"] {
        let asked = two.cdn.count_of(&format!("/static/v/{file}"))
            + two.served.origin.count_of(&format!("/shop/{file}"));
        assert_eq!(asked, 1, "{file}");
    }
}

#[test]
fn a_file_that_is_kept_when_it_is_used_is_kept_when_the_cdn_gave_it() {
    let two = two_origins("defer", "[precache]\nlazy = ['later/**']\n");
    let (browser, tab) = visited(&two.served.origin, "/shop/");
    let url = two.cdn.url("/static/v/later/lazy.txt");
    tab.load(&two.served.origin.url("/shop/")).ok(); // controlled from its first request
    assert_eq!(text_of(&tab, &url), "kept when it is used");
    eventually("the file to be kept", DEADLINE, || {
        let mut caches = tab.cache_names().into_iter();
        let files = caches.find(|name| name.ends_with("|files"))?;
        let kept = tab.cache_keys(&files);
        kept.iter().find(|url| url.contains("lazy.txt")).cloned()
    });
    two.cdn.stop();
    cut_off(&browser, &two.served.origin);
    assert_eq!(text_of(&tab, &url), "kept when it is used");
    assert_eq!(
        text_of(&tab, "/shop/later/lazy.txt"),
        "kept when it is used"
    );
}
