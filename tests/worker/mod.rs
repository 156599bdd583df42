//! The generated worker as a visitor meets it: a site built by the binary, served by an origin
//! that knows nothing of it, in a real browser.

mod answers;
mod cdn;
mod clear_site_data;
mod client;
mod deploys;
mod extend;
mod extra;
mod generations;
mod groups;
mod headers;
mod imported;
mod install;
mod kills;
mod own_worker;
mod packs;
mod prefetch;
mod prefixes;
mod replaces;
mod routes;
mod save;
mod update;

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Browser, Origin, Site, Tab, revisit};

/// A site of a few pages: the entry loads a style sheet, a script and a picture; more lies beside.
fn small_site() -> Site {
    let site = Site::new();
    site.file(
        "index.html",
        "<!doctype html><html><head><meta charset=utf-8><title>Home</title>\
         <link rel=icon href=data:,><link rel=stylesheet href=/assets/site.css>\
         <script type=module src=/assets/app.js></script></head>\
         <body><h1>Home one</h1><img src=/pictures/rose.svg alt=rose><a href=/about/>About</a></body></html>",
    )
    .file("assets/site.css", "h1 { color: rgb(1, 2, 3) }")
    .file("assets/app.js", "import { text } from './text.js'; document.body.dataset.script = text")
    .file("assets/text.js", "export const text = 'one'")
    .file("assets/later.js", "export const later = 'later one'")
    .file(
        "pictures/rose.svg",
        "<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'><circle r='5'/></svg>",
    )
    .file("about/index.html", "<!doctype html><title>About</title><h1>About one</h1><a href=../>back</a>")
    .file("contact.html", "<!doctype html><title>Contact</title><h1>Contact one</h1>")
    .file("offline.html", "<!doctype html><title>Offline</title><h1>You are offline</h1>")
    .file("data/numbers.bin", (0..=255u8).cycle().take(3000).collect::<Vec<u8>>())
    .file("data/list.json", "{\"list\": [1, 2, 3]}");
    site
}

/// The build after the small site: two modules and a page are others.
fn next_site() -> Site {
    site_that_says("two")
}

/// The site with another word in the module, the page and the chunk that say which build they are of.
fn site_that_says(word: &str) -> Site {
    let site = small_site();
    site.file("assets/text.js", format!("export const text = '{word}'"))
        .file(
            "assets/later.js",
            format!("export const later = 'later {word}'"),
        )
        .file(
            "about/index.html",
            format!("<!doctype html><title>About</title><h1>About {word}</h1>"),
        );
    site
}

/// Builds a copy of a site beside it, with a config, and gives the copy.
fn built(site: &Site, config: &str) -> Site {
    let out = Site::new();
    build_into(site, config, out.path());
    out
}

fn build_into(site: &Site, config: &str, out: &Path) {
    let toml = Site::new();
    toml.file("revisit.toml", routed(config));
    revisit(&[
        "build".as_ref(),
        site.path().as_os_str(),
        "--out".as_ref(),
        out.as_os_str(),
        "--config".as_ref(),
        toml.path().join("revisit.toml").as_os_str(),
    ])
    .ok();
}

/// With static routes, if the tests are to run with them: nothing may be another for it.
fn routed(config: &str) -> String {
    match std::env::var_os("REVISIT_STATIC_ROUTES") {
        None => config.to_owned(),
        Some(_) if config.contains("network = ") => config.to_owned(),
        Some(_) if config.contains("[worker]") => {
            config.replace("[worker]", "[worker]\nnetwork = [\"api/\"]")
        }
        Some(_) => format!("{config}\n[worker]\nnetwork = [\"api/\"]\n"),
    }
}

/// A built site and the origin that serves it.
struct Served {
    out: Site,
    origin: Origin,
}

fn served(site: &Site, config: &str) -> Served {
    let out = built(site, config);
    let origin = Origin::serve(out.path());
    Served { out, origin }
}

impl Served {
    /// Deploys another state of the site.
    fn deploy(&self, site: &Site, config: &str) {
        build_into(site, config, self.out.path());
    }
}

/// A browser whose first tab has loaded the site's first page, and the worker is in control.
fn visited(origin: &Origin, path: &str) -> (Browser, Tab) {
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&origin.url(path)).ok();
    installed(&tab);
    (browser, tab)
}

/// Waits until the page says that the site works offline from now on, to its last file.
fn installed(tab: &Tab) {
    tab.wait_for(
        "window.revisit?.state === 'installed' && revisit.complete",
        "the page client to say `installed`, and `complete`",
    );
}

/// Stops the server and empties the HTTP cache: what still loads is the worker's doing.
fn cut_off(browser: &Browser, origin: &Origin) {
    origin.stop();
    browser.clear_http_cache();
}

/// The text of a URL as a page gets it.
fn text_of(tab: &Tab, url: &str) -> String {
    let fetched = tab.fetch(url, json!({}));
    assert_eq!(fetched.status, 200, "{url}: {fetched:?}");
    fetched.body
}

fn check_for_update(tab: &Tab) {
    tab.eval("navigator.serviceWorker.getRegistration().then(r => r.update()).then(() => true)");
}

/// The cache in which the worker keeps files.
fn files_cache(tab: &Tab) -> String {
    let names = tab.cache_names();
    names
        .into_iter()
        .find(|name| name.ends_with("|files"))
        .expect("a cache of ours")
}

/// The keys of the files cache of one kind, such as `p` for packs and `g` for generations.
fn kept(tab: &Tab, kind: &str) -> Vec<String> {
    let mut keys = tab.cache_keys(&files_cache(tab));
    keys.retain(|key| key.contains(&format!("/revisit/{kind}/")));
    keys
}

/// Every file of the small site loads, and each is of the build that says `word`.
fn is_whole(tab: &Tab, origin: &Origin, word: &str) {
    tab.load(&origin.url("/")).ok();
    assert_eq!(tab.eval("document.body.dataset.script"), word);
    assert_eq!(
        tab.eval("getComputedStyle(document.querySelector('h1')).color"),
        "rgb(1, 2, 3)"
    );
    tab.wait_for("document.images[0].naturalWidth > 0", "the picture");
    let later = text_of(tab, "/assets/later.js");
    assert_eq!(later, format!("export const later = 'later {word}'"));
    assert_eq!(text_of(tab, "/data/list.json"), "{\"list\": [1, 2, 3]}");
    let numbers: Vec<u8> = (0..=255u8).cycle().take(3000).collect();
    assert!(tab.fetch("/data/numbers.bin", json!({})).bytes == numbers);
    for (path, heading) in [
        ("/about/", &*format!("About {word}")),
        ("/contact.html", "Contact one"),
        ("/offline.html", "You are offline"),
    ] {
        tab.load(&origin.url(path)).ok();
        assert!(tab.text().contains(heading), "{path}: {}", tab.text());
    }
}
