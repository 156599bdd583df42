//! A site of the time of AppCache, built by the binary and visited with today's Chromium: it does what it did.
//!
//! `flow`: first visits, repeats, updates, what fails. `network`: FALLBACK, NETWORK, redirects. `pages`: folders, frames,
//! queries, other origins. `api`: `window.applicationCache`. `input`: bad manifests. `kills`, `room`: cut off, and full.
//! `built`, `moving`: what a build makes of it, and the way between the kinds of workers.

mod api;
mod built;
mod flow;
mod input;
mod kills;
mod moving;
mod network;
mod pages;
mod room;

use std::path::Path;

use serde_json::json;

use crate::harness::{Browser, Origin, Site, Tab, revisit};

const MANIFEST: &str = "/site.appcache";

/// A manifest in the words of `version`.
fn manifest(version: &str, more: &str) -> String {
    format!("CACHE MANIFEST\n# {version}\napp.js\nstyle.css\n{more}\n")
}

/// A site of two pages, a script and a style sheet that all say `word`. Pages note the events that they hear.
fn site(word: &str, more: &str) -> Site {
    let site = Site::new();
    let page = |what: &str| {
        format!(
            "<!DOCTYPE html><html manifest=site.appcache><head><meta charset=utf-8><title>{what}</title>\
             <link rel=icon href=data:,><link rel=stylesheet href=style.css>\
             <script>var seen = [], why = ''; 'checking noupdate downloading progress updateready cached obsolete error'.split(' ')\
             .forEach(function (name) {{ applicationCache.addEventListener(name, function (event) {{\
               why = event.reason || ''; if (name !== seen[seen.length - 1]) seen.push(name) }}) }})</script>\
             <script src=app.js></script></head><body><h1>{what} {word}</h1></body></html>"
        )
    };
    site.file("index.html", page("Home"))
        .file("other.html", page("Other"))
        .file("app.js", format!("var said = '{word}'"))
        .file("style.css", format!("h1 {{ --word: {word} }}"))
        .file("site.appcache", manifest(word, more));
    site
}

/// The classic snippet, as guides had it.
const SNIPPET: &str = "window.addEventListener('load', function(e) {
  window.applicationCache.addEventListener('updateready', function(e) {
    if (window.applicationCache.status == window.applicationCache.UPDATEREADY) {
      window.applicationCache.swapCache();
      if (confirm('A new version of this site is available. Load it?')) {
        window.location.reload();
      }
    }
  }, false);
}, false);";

/// A built site and the origin that serves it.
struct Served {
    out: Site,
    origin: Origin,
    config: &'static str,
}

fn served(site: &Site, config: &'static str) -> Served {
    let out = Site::new();
    let origin = Origin::serve(out.path());
    let served = Served {
        out,
        origin,
        config,
    };
    served.deploy(site);
    served
}

impl Served {
    /// Deploys another state of the site.
    fn deploy(&self, site: &Site) {
        build(site, self.out.path(), self.config);
    }

    fn url(&self, path: &str) -> String {
        self.origin.url(path)
    }
}

fn build(site: &Site, out: &Path, config: &str) {
    let toml = Site::new();
    toml.file("revisit.toml", config);
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

/// A browser whose first tab has visited the site's first page, and has it in its application cache.
fn visited(world: &Served) -> (Browser, Tab) {
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&world.url("/")).ok();
    heard(&tab, "cached");
    (browser, tab)
}

/// Waits until this was the last event that the page heard.
#[track_caller]
fn heard(tab: &Tab, event: &str) {
    tab.wait_for(&format!("seen[seen.length - 1] === '{event}'"), event);
}

/// The events that the page heard, one behind the other.
#[track_caller]
fn events(tab: &Tab) -> String {
    let seen = tab.eval("seen.join(' ')");
    seen.as_str().unwrap_or_default().to_owned()
}

/// The page and all that it uses say this word.
#[track_caller]
fn says(tab: &Tab, word: &str) {
    assert_eq!(tab.eval("said"), word, "the script as it was loaded");
    let style = "getComputedStyle(document.querySelector('h1')).getPropertyValue('--word').trim()";
    assert_eq!(tab.eval(style), word, "the style sheet as it was loaded");
    assert!(tab.text().ends_with(word), "{}", tab.text());
    serves(tab, word);
}

/// What the page would load now says this word.
#[track_caller]
fn serves(tab: &Tab, word: &str) {
    for (file, text) in [
        ("app.js", format!("var said = '{word}'")),
        ("style.css", format!("h1 {{ --word: {word} }}")),
    ] {
        assert_eq!(tab.fetch(file, json!({})).body, text, "{file}");
    }
}

/// Loads the page anew without a server: it is whole, and says this word.
#[track_caller]
fn is_whole(browser: &Browser, tab: &Tab, world: &Served, word: &str) {
    world.origin.stop();
    browser.clear_http_cache();
    tab.load(&world.url("/")).ok();
    says(tab, word);
    heard(tab, "error");
    world.origin.start_again();
}

/// Asks for an update and waits for its end.
#[track_caller]
fn updated(tab: &Tab, last: &str) {
    tab.run("seen = []; applicationCache.update()");
    tab.wait_for(
        "/^(noupdate|updateready|obsolete|error)$/.test(seen[seen.length - 1])",
        "the end of the update",
    );
    assert!(events(tab).ends_with(last), "{}", events(tab));
}

/// The versions that are kept, by what the index says.
fn versions(tab: &Tab) -> usize {
    let names = tab.cache_names();
    let Some(index) = names.iter().find(|name| name.ends_with("|appcache")) else {
        return 0;
    };
    let keys = tab.cache_keys(index);
    keys.iter()
        .filter(|key| key.contains("/appcache/version/"))
        .count()
}
