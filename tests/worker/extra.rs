//! URLs of a site that a server makes: kept beside its files, and fetched anew by their revision.

use super::*;
use crate::harness::{Fault, OriginAnswer};

const CONFIG: &str = "[site]\nbase = '/app/'\n\
    [[precache.extra]]\nurl = '/app/shop/cart'\ndepends = ['templates/**']\n\
    [[precache.extra]]\nurl = '/app/shop/'\nrevision = '1'\ngroup = 'shell'\n\
    [[precache.extra]]\nurl = '/app/account.html'\nrevision = ''\n\
    [[precache.extra]]\nurl = '/app/news'\nrevision = '1'\ngroup = 'lazy'\n";

const MADE: [&str; 4] = [
    "/app/shop/cart",
    "/app/shop/",
    "/app/account.html",
    "/app/news",
];

/// The site, the folder of its config with the templates, and the server that makes some pages.
struct Shop {
    site: Site,
    config: Site,
    out: Site,
    origin: Origin,
}

impl Shop {
    fn new() -> Shop {
        let site = Site::new();
        site.file(
            "index.html",
            "<!doctype html><title>Home</title><link rel=icon href=data:,><h1>Home</h1>",
        )
        .file("offline.html", "<!doctype html><h1>You are offline</h1>");
        let config = Site::new();
        config
            .file("revisit.toml", CONFIG)
            .file("templates/cart.tpl", "one")
            .file("notes.txt", "one");
        let out = Site::new();
        let origin = Origin::serve(out.path());
        origin.mount("/app");
        for path in MADE {
            origin.answer_by(path, move |_| {
                OriginAnswer::new(200, "text/html", format!("<h1>made {path}</h1>"))
                    .with("X-Made", "1")
            });
        }
        let shop = Shop {
            site,
            config,
            out,
            origin,
        };
        shop.build();
        shop
    }

    fn build(&self) {
        revisit(&[
            "build".as_ref(),
            self.site.path().as_os_str(),
            "--out".as_ref(),
            self.out.path().as_os_str(),
            "--config".as_ref(),
            self.config.path().join("revisit.toml").as_os_str(),
        ])
        .ok();
    }
}

#[test]
fn what_a_server_makes_is_there_offline_with_its_fields_and_for_that_path_alone() {
    let shop = Shop::new();
    let (browser, tab) = visited(&shop.origin, "/app/");
    assert_eq!(shop.origin.count_of("/app/news"), 0);
    cut_off(&browser, &shop.origin);
    for path in ["/app/shop/cart", "/app/shop/", "/app/account.html"] {
        for query in ["", "?utm_source=mail"] {
            let url = format!("{path}{query}");
            tab.load(&shop.origin.url(&url)).ok();
            assert!(tab.text().contains(&format!("made {path}")), "{url}");
            assert_eq!(tab.fetch(&url, json!({})).header("x-made"), Some("1"));
        }
    }
    for path in [
        "/app/shop",
        "/app/shop/index.html",
        "/app/shop/cart/",
        "/app/account",
        "/app/shop/cart?x=1",
    ] {
        tab.load(&shop.origin.url(path)).ok();
        assert!(tab.text().contains("You are offline"), "{path}");
    }
}

#[test]
fn what_is_lazy_is_kept_when_it_is_first_used() {
    let shop = Shop::new();
    let (browser, tab) = visited(&shop.origin, "/app/");
    assert!(text_of(&tab, "/app/news").contains("made /app/news"));
    assert!(text_of(&tab, "/app/news").contains("made /app/news"));
    tab.wait_for(
        "(async () => { for (const name of await caches.keys()) for (const { url } of await (await caches.open(name)).keys()) if (url.endsWith('/news')) return true })()",
        "the page to be kept",
    );
    cut_off(&browser, &shop.origin);
    tab.load(&shop.origin.url("/app/news")).ok();
    assert!(tab.text().contains("made /app/news"));
}

#[test]
fn an_update_fetches_anew_what_depends_on_a_changed_file_and_nothing_else() {
    let shop = Shop::new();
    let (_browser, tab) = visited(&shop.origin, "/app/");
    let update = || {
        shop.origin.clear();
        shop.build();
        tab.eval("revisit.check().then(() => true)");
        tab.wait_for("revisit.state === 'updateready'", "the update");
        tab.update();
        installed(&tab);
        MADE.map(|path| shop.origin.count_of(path))
    };
    // what no pattern names decides nothing; a file of the site makes another build
    shop.config.file("notes.txt", "two");
    shop.site.file(
        "index.html",
        "<!doctype html><title>Home</title><link rel=icon href=data:,><h1>Two</h1>",
    );
    assert_eq!(update(), [0, 0, 1, 0]);
    shop.config.file("templates/cart.tpl", "two");
    assert_eq!(update(), [1, 0, 1, 0]);
}

#[test]
fn a_page_that_the_server_refuses_leaves_the_shell_installed_and_is_asked_for_again() {
    let shop = Shop::new();
    let browser = Browser::start();
    shop.origin.fault("/app/shop/cart", Fault::Status(403));
    let tab = browser.tab();
    tab.load(&shop.origin.url("/app/")).ok();
    tab.wait_for("window.revisit?.state === 'installed'", "the shell");
    shop.origin
        .wait_for("the cart", |request| request.path() == "/app/shop/cart");
    shop.origin.heal();
    tab.load(&shop.origin.url("/app/")).ok();
    installed(&tab);
    cut_off(&browser, &shop.origin);
    tab.load(&shop.origin.url("/app/shop/cart")).ok();
    assert!(tab.text().contains("made /app/shop/cart"));
}
