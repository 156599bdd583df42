//! The worker in Firefox and in WebKit: what Chromium's tests promise, tried once in each.
//!
//! The same two stories for both: a first visit and then no server, and an update beside an old
//! page. Pages do as they are told by a [`Remote`]; what only a driver could do is left to Chromium:
//! clearing the HTTP cache (here every answer says `no-cache`, so nothing in it counts without the
//! server), stopping a worker (a restart of the browser does), clicks, looking into the worker's own
//! console. Where a browser is not installed its tests say so (in CI they fail); `cargo xtask test` counts it.
//! Prefetching joins the first story when the worker can do it.

use std::path::Path;

use serde_json::json;

use crate::harness::{
    DEADLINE, Engine, Origin, OtherBrowser, Page, Remote, START_DEADLINE, Site, cannot_run,
    eventually, revisit,
};

mod firefox {
    use super::*;

    #[test]
    fn a_visited_site_works_without_a_server_also_after_a_restart() {
        check_offline(Engine::Firefox);
    }

    #[test]
    fn an_update_comes_when_it_is_called_for_and_an_old_page_keeps_its_build() {
        check_update(Engine::Firefox);
    }
}

mod webkit {
    use super::*;

    #[test]
    fn a_visited_site_works_without_a_server_also_after_a_restart() {
        check_offline(Engine::WebKit);
    }

    #[test]
    fn an_update_comes_when_it_is_called_for_and_an_old_page_keeps_its_build() {
        check_update(Engine::WebKit);
    }
}

fn check_offline(engine: Engine) {
    let Some(mut world) = World::with(engine) else {
        return;
    };
    let home = world.visit("/");
    home.wait_for("window.revisit?.state === 'installed'", "the install");
    world.wait_until_whole(&home);
    world.origin.stop();

    let home = home.reload();
    check_page(&home, "Home one");
    assert_eq!(home.eval("document.body.dataset.script"), "one");
    let color = home.eval("getComputedStyle(document.querySelector('h1')).color");
    assert_eq!(color, "rgb(1, 2, 3)");
    assert_eq!(home.eval("document.images[0].naturalWidth > 0"), true);
    // a page that was never seen, and a module that was never loaded
    let about = home.load(&world.origin.url("/about/"));
    check_page(&about, "About one");
    assert_eq!(about.eval(LATER), "later one");
    check_ranges(&about, &world.out);
    let contact = about.load(&world.origin.url("/contact?utm_source=x"));
    check_page(&contact, "Contact one");
    let nowhere = contact.load(&world.origin.url("/nowhere"));
    check_page(&nowhere, "You are offline");

    world.browser.end();
    let contact = world.visit("/contact.html");
    check_page(&contact, "Contact one");
    assert_eq!(contact.eval(LATER), "later one");
    check_page(&contact.load(&world.origin.url("/")), "Home one");
    world.check_complaints();
}

fn check_update(engine: Engine) {
    let Some(mut world) = World::with(engine) else {
        return;
    };
    let old = world.visit("/");
    old.wait_for("window.revisit?.state === 'installed'", "the install");
    world.wait_until_whole(&old);
    let new = old.follow(second_page(engine), &world.origin.url("/"));
    assert_eq!(new.eval("document.body.dataset.script"), "one");

    world.deploy(&site(&world.remote, "two"));
    new.eval("navigator.serviceWorker.getRegistration().then(r => r.update()).then(() => true)");
    new.wait_for("revisit.state === 'updateready'", "the update");
    old.wait_for(
        "revisit.state === 'updateready'",
        "the other page to hear of it",
    );
    // until a page calls for it, all is old
    let new = new.reload();
    assert_eq!(new.eval("document.body.dataset.script"), "one");
    new.wait_for("revisit.state === 'updateready'", "the update, told again");
    let new = new.follow("revisit.update()", &world.origin.url("/"));
    // Where the second page is a frame of the first it belongs to the build of that one.
    let taken = match engine {
        Engine::WebKit => "one",
        Engine::Firefox => "two",
    };
    assert_eq!(new.eval("document.body.dataset.script"), taken);
    world.wait_until_whole(&new);

    // the server has neither build any more
    world.origin.stop();
    assert_eq!(old.eval("document.body.dataset.script"), "one");
    assert_eq!(old.eval(LATER), "later one");
    assert_eq!(new.eval(LATER), format!("later {taken}"));
    let about = format!("About {taken}");
    check_page(&new.load(&world.origin.url("/about/")), &about);
    drop(old);

    world.browser.end();
    let home = world.visit("/");
    assert_eq!(home.eval("document.body.dataset.script"), "two");
    assert_eq!(home.eval(LATER), "later two");
    world.check_complaints();
}

fn check_page(page: &Page, heading: &str) {
    let text = "document.querySelector('h1').textContent";
    assert_eq!(page.eval(text), heading);
}

/// A file and a page, each with the bytes that it should have.
fn check_ranges(page: &Page, out: &Site) {
    let [numbers, plain] = ["data/numbers.bin", "plain.html"]
        .map(|file| (file, out.files().remove(file).unwrap_or_default()));
    for ((file, whole), range, status, (first, last)) in [
        (&numbers, "bytes=2-5", 206, (2, 6)),
        (&numbers, "bytes=-2", 206, (2998, 3000)),
        (&numbers, "bytes=3000-", 416, (0, 0)),
        (&plain, "bytes=1-3", 206, (1, 4)),
    ] {
        let fetched = page.eval(&format!(
            "fetch('/{file}', {{ headers: {{ range: '{range}' }} }}).then(async (r) => {{\
               const body = new Uint8Array(await r.arrayBuffer());\
               return {{ status: r.status, range: r.headers.get('content-range'),\
                 size: body.length, begins: [...body.slice(0, 4)] }} }})"
        ));
        let part = match status {
            206 => format!("{first}-{}", last - 1),
            _ => "*".to_owned(),
        };
        let expected = json!({
            "status": status,
            "range": format!("bytes {part}/{}", whole.len()),
            "size": last - first,
            "begins": whole[first..last],
        });
        assert_eq!(fetched, expected, "{file} {range}");
    }
}

/// What opens a second page of the site beside the first.
///
/// Firefox lets a page open a tab, by a preference. `surf` gives each window a browser of its own
/// that shares no worker, so there it is a frame: a client of the worker like any other, and its
/// `revisit.update()` loads itself anew and not the page around it.
fn second_page(engine: Engine) -> &'static str {
    match engine {
        Engine::Firefox => "!!window.open('/')",
        Engine::WebKit => {
            "void document.body.append(Object.assign(document.createElement('iframe'), { src: '/' }))"
        }
    }
}

/// A site in a browser.
struct World {
    browser: OtherBrowser,
    remote: Remote,
    origin: Origin,
    out: Site,
}

impl World {
    /// The first build on its origin, and a browser that has never been there.
    fn with(engine: Engine) -> Option<World> {
        if let Some(program) = engine.lacks() {
            cannot_run(
                &format!("{program} is not installed"),
                "install it; `cargo xtask test` does so, or leaves its stage out",
            );
            return None;
        }
        let remote = Remote::start();
        let out = Site::new();
        build(&site(&remote, "one"), out.path());
        let origin = Origin::serve(out.path());
        origin.cache_control(Some("no-cache"));
        Some(World {
            browser: OtherBrowser::new(engine),
            remote,
            origin,
            out,
        })
    }

    /// Starts the browser on a page of the site.
    fn visit(&mut self, path: &str) -> Page {
        let url = self.origin.url(path);
        let World {
            browser, remote, ..
        } = self;
        remote.page(&url, START_DEADLINE, || browser.start(&url))
    }

    fn deploy(&self, site: &Site) {
        build(site, self.out.path());
    }

    /// Waits until the browser has no need of the server for any file: `installed` promises less.
    fn wait_until_whole(&self, page: &Page) {
        let files = ["/", "/about/", "/contact", "/plain.html", "/offline.html"];
        let data = [
            "/assets/later.js",
            "/pictures/rose.svg",
            "/data/numbers.bin",
        ];
        eventually("the whole site to be kept", DEADLINE, || {
            self.origin.clear();
            for url in files.iter().chain(&data) {
                page.eval(&format!("fetch('{url}').then(r => r.text()).then(() => 0)"));
            }
            self.origin.targets().is_empty().then_some(())
        });
    }

    fn check_complaints(&self) {
        assert_eq!(self.remote.complaints(), [""; 0], "{}", self.browser.said());
    }
}

/// A small site whose script, chunk and page say which build they are of.
fn site(remote: &Remote, word: &str) -> Site {
    let page = |title: &str, body: &str| {
        let script = remote.script();
        format!(
            "<!doctype html><html><head><meta charset=utf-8><title>{title}</title>\
             <link rel=icon href=data:,>{script}</head><body>{body}</body></html>"
        )
    };
    let head = "<link rel=stylesheet href=/assets/site.css><script type=module src=/assets/app.js></script>";
    let home = format!("{head}<h1>Home {word}</h1><img src=/pictures/rose.svg alt=rose>");
    let site = Site::new();
    site.file("index.html", page("Home", &home))
        .file(
            "about/index.html",
            page("About", &format!("<h1>About {word}</h1>")),
        )
        .file("contact.html", page("Contact", "<h1>Contact one</h1>"))
        .file("offline.html", page("Offline", "<h1>You are offline</h1>"))
        .file("plain.html", "<!doctype html><h1>Plain</h1>")
        .file("assets/site.css", "h1 { color: rgb(1, 2, 3) }")
        .file(
            "assets/app.js",
            "import { text } from './text.js'; document.body.dataset.script = text",
        )
        .file("assets/text.js", format!("export const text = '{word}'"))
        .file(
            "assets/later.js",
            format!("export const later = 'later {word}'"),
        )
        .file(
            "pictures/rose.svg",
            "<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'><circle r='5'/></svg>",
        )
        .file(
            "data/numbers.bin",
            (0..=255u8).cycle().take(3000).collect::<Vec<u8>>(),
        );
    site
}

fn build(site: &Site, out: &Path) {
    let words = ["build".as_ref(), site.path().as_os_str()];
    revisit(&[words[0], words[1], "--out".as_ref(), out.as_os_str()]).ok();
}

/// A module that no page loads by itself.
const LATER: &str = "import('/assets/later.js').then((m) => m.later)";
