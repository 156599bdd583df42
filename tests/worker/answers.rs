//! What the worker answers, and what it leaves to the network.

use super::*;
use crate::harness::Fault;

#[test]
fn tracking_parameters_change_nothing_and_others_ask_the_server() {
    let Served { origin, out: _out } = served(&small_site(), "");
    let (_browser, tab) = visited(&origin, "/");
    origin.clear();
    for query in ["?utm_source=x", "?fbclid=1", "?gclid=1&msclkid=2", "?"] {
        assert_eq!(
            text_of(&tab, &format!("/data/list.json{query}")),
            "{\"list\": [1, 2, 3]}"
        );
    }
    assert_eq!(origin.targets(), [""; 0]);
    text_of(&tab, "/data/list.json?page=2");
    text_of(&tab, "/data/list.json?page=2&utm_source=x");
    assert_eq!(
        origin.targets(),
        [
            "/data/list.json?page=2",
            "/data/list.json?page=2&utm_source=x"
        ]
    );
}

#[test]
fn which_parameters_count_can_be_said() {
    let Served { origin, out: _out } = served(
        &small_site(),
        "[worker]\nignore_parameters = [\"from\", \"ab_*\"]\n",
    );
    let (_browser, tab) = visited(&origin, "/");
    origin.clear();
    text_of(&tab, "/data/list.json?from=mail&ab_1=x");
    text_of(&tab, "/data/list.json?utm_source=x");
    assert_eq!(origin.targets(), ["/data/list.json?utm_source=x"]);
}

#[test]
fn a_page_is_found_under_each_of_its_addresses() {
    let Served { origin, out: _out } = served(&small_site(), "");
    let (browser, tab) = visited(&origin, "/");
    cut_off(&browser, &origin);
    for (path, heading) in [
        ("/about/", "About one"),
        ("/about/index.html", "About one"),
        ("/contact", "Contact one"),
        ("/contact.html", "Contact one"),
        ("/index.html", "Home one"),
        ("/contact?utm_medium=mail#part", "Contact one"),
    ] {
        tab.load(&origin.url(path)).ok();
        assert!(tab.text().contains(heading), "{path}: {}", tab.text());
    }
    // without its slash a folder is redirected, or its page's links would point one too high
    tab.load(&origin.url("/about?utm_source=x")).ok();
    assert_eq!(tab.url(), origin.url("/about/?utm_source=x"));
    assert!(tab.text().contains("About one"));
    assert_eq!(tab.eval("document.links[0].href"), origin.url("/"));
}

#[test]
fn a_page_that_was_not_kept_comes_from_the_server_and_else_the_offline_page_does() {
    let site = small_site();
    let Served { origin, out: _out } = served(&site, "[precache]\nexclude = [\"contact.html\"]\n");
    let (browser, tab) = visited(&origin, "/");
    tab.load(&origin.url("/contact.html")).ok();
    assert!(tab.text().contains("Contact one"));
    assert_eq!(tab.load(&origin.url("/nowhere")).status, Some(404));
    cut_off(&browser, &origin);
    for path in ["/contact.html", "/nowhere", "/data/list.json?page=2"] {
        tab.load(&origin.url(path)).ok();
        assert!(tab.text().contains("You are offline"), "{path}");
    }
    // only a navigation gets a page for an answer
    assert!(tab.fetch("/contact.html", json!({})).error.is_some());
}

#[test]
fn a_page_that_was_to_be_kept_when_it_is_used_and_never_was_gives_way_to_the_offline_page() {
    let Served { origin, out: _out } =
        served(&small_site(), "[precache]\nlazy = [\"contact.html\"]\n");
    let (browser, tab) = visited(&origin, "/");
    cut_off(&browser, &origin);
    tab.load(&origin.url("/contact.html")).ok();
    assert!(tab.text().contains("You are offline"), "{}", tab.text());
}

#[test]
fn a_fallback_page_answers_views_and_never_files_or_the_api() {
    let site = small_site();
    site.file(
        "app.html",
        "<!doctype html><title>App</title><h1>The app</h1>",
    );
    let config = "[worker]\nfallback = \"app.html\"\nfallback_deny = [\"admin/**\", \"büro/**\"]\n";
    let Served { origin, out: _out } = served(&site, config);
    for path in [
        "/report.pdf",
        "/api/orders",
        "/admin/users",
        "/deep/notes.txt",
        "/b%C3%BCro/x",
    ] {
        origin.fault(
            path,
            Fault::Answer("text/html".into(), b"<h1>from the server</h1>".to_vec()),
        );
    }
    let (browser, tab) = visited(&origin, "/");
    for path in ["/orders", "/orders/7/edit", "/wp.d/x"] {
        tab.load(&origin.url(path)).ok();
        assert!(tab.text().contains("The app"), "{path}");
        assert_eq!(tab.url(), origin.url(path));
    }
    for path in [
        "/report.pdf",
        "/api/orders",
        "/admin/users",
        "/deep/notes.txt",
        "/b%C3%BCro/x",
    ] {
        tab.load(&origin.url(path)).ok();
        assert!(tab.text().contains("from the server"), "{path}");
    }
    // what is a file of the site stays itself
    tab.load(&origin.url("/about/")).ok();
    assert!(tab.text().contains("About one"));
    // a script that asks is no navigation
    assert_eq!(tab.fetch("/orders", json!({})).status, 404);
    cut_off(&browser, &origin);
    tab.load(&origin.url("/orders/8")).ok();
    assert!(tab.text().contains("The app"));
    tab.load(&origin.url("/api/orders")).ok();
    assert!(tab.text().contains("You are offline"));
}

#[test]
fn an_allow_list_narrows_the_fallback() {
    let site = small_site();
    site.file("app.html", "<!doctype html><h1>The app</h1>");
    let config = "[worker]\nfallback = \"app.html\"\nfallback_allow = [\"app/**\"]\n";
    let Served { origin, out: _out } = served(&site, config);
    let (_browser, tab) = visited(&origin, "/");
    tab.load(&origin.url("/app/orders")).ok();
    assert!(tab.text().contains("The app"));
    assert_eq!(tab.load(&origin.url("/orders")).status, Some(404));
}

#[test]
fn a_range_gets_its_part_and_one_beyond_the_end_is_refused() {
    let Served { origin, out: _out } = served(&small_site(), "");
    let (browser, tab) = visited(&origin, "/");
    cut_off(&browser, &origin);
    let whole: Vec<u8> = (0..=255u8).cycle().take(3000).collect();
    for url in ["/data/numbers.bin", "/contact.html"] {
        let whole = if url == "/data/numbers.bin" {
            whole.clone()
        } else {
            tab.fetch(url, json!({})).bytes
        };
        let size = whole.len();
        for (range, first, last) in [
            ("bytes=0-9".to_owned(), 0, 9),
            ("bytes=100-".to_owned(), 100, size - 1),
            ("bytes=-7".to_owned(), size - 7, size - 1),
            (format!("bytes=5-{}", size * 2), 5, size - 1),
            (format!("bytes=-{}", size * 2), 0, size - 1),
        ] {
            let part = tab.fetch(url, json!({ "headers": { "range": range } }));
            assert_eq!(part.status, 206, "{url} {range}");
            let expected = format!("bytes {first}-{last}/{size}");
            assert_eq!(
                part.header("content-range"),
                Some(&*expected),
                "{url} {range}"
            );
            assert_eq!(part.bytes, whole[first..=last], "{url} {range}");
        }
        for range in [format!("bytes={size}-"), "bytes=-0".to_owned()] {
            let beyond = tab.fetch(url, json!({ "headers": { "range": range } }));
            assert_eq!(beyond.status, 416, "{url} {range}");
            assert_eq!(
                beyond.header("content-range"),
                Some(&*format!("bytes */{size}"))
            );
        }
        for range in ["bytes=9-5", "bytes=0-1,4-5", "lines=1-2", "bytes=-"] {
            let all = tab.fetch(url, json!({ "headers": { "range": range } }));
            assert_eq!((all.status, all.bytes.len()), (200, size), "{url} {range}");
        }
    }
}

#[test]
fn who_asks_past_all_caches_reaches_the_server_and_so_does_a_post() {
    let Served { origin, out: _out } = served(&small_site(), "");
    let (_browser, tab) = visited(&origin, "/");
    origin.clear();
    tab.fetch("/data/list.json", json!({ "cache": "reload" }));
    tab.fetch("/data/list.json", json!({ "cache": "no-store" }));
    tab.fetch("/data/list.json", json!({ "method": "POST", "body": "x" }));
    tab.fetch("/data/list.json", json!({ "cache": "no-cache" }));
    assert_eq!(origin.count_of("/data/list.json"), 3);
}

#[test]
fn redirects_of_the_host_are_cleaned_out_of_what_is_kept() {
    let site = small_site();
    let Served { origin, out } = served(&site, "");
    // a host with clean URLs: the page's own address sends elsewhere
    origin.fault(
        "/contact.html",
        Fault::Redirect("/elsewhere/contact".into()),
    );
    let page = out.read("contact.html");
    origin.fault(
        "/elsewhere/contact",
        Fault::Answer("text/html".into(), page.into_bytes()),
    );
    let (browser, tab) = visited(&origin, "/");
    cut_off(&browser, &origin);
    tab.load(&origin.url("/contact.html")).ok();
    assert!(tab.text().contains("Contact one"));
    assert!(!tab.fetch("/contact.html", json!({})).redirected);
}

#[test]
fn what_was_evicted_is_repaired_by_the_next_who_asks() {
    let Served { origin, out: _out } = served(&small_site(), "");
    let (browser, tab) = visited(&origin, "/");
    let cache = files_cache(&tab);
    let keys = tab.cache_keys(&cache);
    let lost = |part: &str| {
        keys.iter()
            .filter(|key| key.contains(part))
            .cloned()
            .collect::<Vec<_>>()
    };
    for key in lost("/revisit/p/").iter().chain(&lost("contact.html")) {
        assert!(tab.delete_cache_entry(&cache, key));
    }
    browser.stop_workers();
    browser.clear_http_cache();
    assert_eq!(text_of(&tab, "/data/list.json"), "{\"list\": [1, 2, 3]}");
    tab.wait_for(
        &format!(
            "caches.open('{cache}').then(c => c.keys()).then(k => k.length === {})",
            keys.len()
        ),
        "the cache to be whole again",
    );
    cut_off(&browser, &origin);
    tab.load(&origin.url("/contact.html")).ok();
    assert_eq!(text_of(&tab, "/data/list.json"), "{\"list\": [1, 2, 3]}");
}

#[test]
fn a_cache_that_was_deleted_whole_is_filled_again() {
    let Served { origin, out: _out } = served(&small_site(), "");
    let (browser, tab) = visited(&origin, "/");
    tab.eval("caches.keys().then(names => Promise.all(names.map(name => caches.delete(name))))");
    browser.stop_workers();
    browser.clear_http_cache();
    tab.load(&origin.url("/about/")).ok();
    assert!(tab.text().contains("About one"));
    tab.wait_for(
        "caches.keys().then(names => caches.open(names.find(n => n.endsWith('files')))).then(c => c.keys())\
         .then(keys => keys.some(key => key.url.includes('/revisit/g/')))",
        "the generation to be committed again",
    );
    cut_off(&browser, &origin);
    tab.load(&origin.url("/contact.html")).ok();
}

#[test]
fn caches_of_others_are_left_alone() {
    let Served { origin, out } = served(&small_site(), "");
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&origin.url("/data/list.json")).ok();
    tab.put_cache_entry("workbox-precache-v2-x", &origin.url("/a"), "theirs");
    tab.put_cache_entry("notes", &origin.url("/b"), "mine");
    tab.load(&origin.url("/")).ok();
    installed(&tab);
    let site = small_site();
    site.file("assets/later.js", "export const later = 'later two'");
    build_into(&site, "", out.path());
    tab.reload().ok();
    tab.wait_for("revisit.state === 'updateready'", "the update");
    tab.update();
    tab.wait_for(
        "navigator.serviceWorker.controller?.state === 'activated'",
        "the new worker",
    );
    for (cache, url, text) in [
        ("workbox-precache-v2-x", "/a", "theirs"),
        ("notes", "/b", "mine"),
    ] {
        assert_eq!(
            tab.cache_text(cache, &origin.url(url)).as_deref(),
            Some(text)
        );
    }
}

#[test]
fn a_page_that_is_kept_costs_no_request_while_the_worker_is_woken() {
    let Served { origin, out: _out } = served(&small_site(), "");
    let (browser, tab) = visited(&origin, "/");
    for path in ["/", "/about/", "/contact.html", "/"] {
        browser.stop_workers();
        browser.clear_http_cache();
        origin.clear();
        tab.load(&origin.url(path)).ok();
        // which is on the line behind whatever the browser has asked for
        assert_eq!(tab.fetch("/api/orders", json!({})).status, 404);
        assert_eq!(origin.count_of(path), 0, "{:#?}", origin.targets());
    }
}

#[test]
fn what_is_said_to_be_the_networks_goes_past_the_worker_and_navigations_do_not() {
    let config = "[worker]\nnetwork = [\"api/\"]\n";
    let Served { origin, out: _out } = served(&small_site(), config);
    origin.fault(
        "/api/orders",
        Fault::Answer("application/json".into(), b"[1]".to_vec()),
    );
    let (browser, tab) = visited(&origin, "/");
    browser.stop_workers();
    assert_eq!(text_of(&tab, "/api/orders"), "[1]");
    let posted = tab.fetch("/data/list.json", json!({ "method": "POST" }));
    assert_eq!(posted.status, 405, "{posted:?}");
    let awake = browser
        .workers("")
        .into_iter()
        .any(|w| w.running != "stopped");
    assert!(!awake, "the worker was woken for what is not its own");
    cut_off(&browser, &origin);
    assert_eq!(text_of(&tab, "/data/list.json"), "{\"list\": [1, 2, 3]}");
    tab.load(&origin.url("/api/orders")).ok();
    assert!(tab.text().contains("You are offline"));
}
