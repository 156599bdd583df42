//! `--match`: what is said of an address, word for word; and it is what the worker then does.

use super::*;

fn shop() -> Site {
    let site = small_site();
    site.file("contact.html", "<h1>Contact</h1>")
        .file("view.html", "<h1>View</h1>")
        .file("offline.html", "<h1>Offline</h1>")
        .file("app.js.map", "{}")
        .file("film.bin", noise(300_000));
    site
}

const CONFIG: &str = "[precache]\nbudget_bytes = 200000\n\
    [worker]\nfallback = \"view.html\"\nfallback_deny = [\"admin/**\"]\n";

const ADDRESSES: [&str; 9] = [
    "/contact?utm_source=mail",
    "about",
    "/app.js?v=2",
    "/film.bin",
    "/app.js.map",
    "/orders/7",
    "/admin/users",
    "https://shop.example/sw.js",
    "mailto:us@shop.example",
];

fn words() -> Vec<&'static str> {
    ADDRESSES.iter().flat_map(|url| ["--match", *url]).collect()
}

#[test]
fn each_address_is_told_with_the_rule_that_answers_it_and_nothing_is_written() {
    let site = shop();
    let before = site.files();
    let output = build_with(site.path(), CONFIG, &words());
    check_said(
        &output.ok().stdout,
        "\
/contact?utm_source=mail
  answer     contact.html, from the cache
  file       contact.html, by its name without `.html`
  precached  yes: within the budget, when the page is idle
  kept as    a part of a pack, with the header fields that it has on its host
  query      utm_source changes nothing, by `utm_*`

about
  answer     the worker sends it on to /about/
  file       about/index.html, as the page of its folder, whose slash is missing
  precached  yes: within the budget, when the page is idle
  kept as    a part of a pack, with the header fields that it has on its host

/app.js?v=2
  answer     goes to the network: `v` may ask for something else than the file
  file       app.js, by its own name
  precached  yes: the shell loads it, index.html → app.js
  kept as    a part of a pack
  query      v may ask for something else than the file
  fallback   no: its last part has an ending, and so names a file
  offline    offline.html, for a page that is loaded

/film.bin
  answer     film.bin, from the network, and from the cache once it was used
  file       film.bin, by its own name
  precached  no: with its 300.0 kB it is over the budget of 200.0 kB, which goes to the shell and to smaller files
  kept as    an entry of its own

/app.js.map
  answer     goes to the network: the file is not precached
  file       app.js.map, by its own name
  precached  no: excluded by `**/*.map`, one of `[precache] exclude_defaults`
  fallback   no: its last part has an ending, and so names a file
  offline    offline.html, for a page that is loaded

/orders/7
  answer     view.html, from the cache, for a page that is loaded; all else goes to the network
  fallback   view.html, allowed by `**`

/admin/users
  answer     goes to the network: the site has no such file
  fallback   no: denied by `admin/**`
  offline    offline.html, for a page that is loaded

https://shop.example/sw.js
  answer     left to the browser, past the worker: the worker's own script is never asked of it
  origin     https://shop.example is taken for the site's own; any other is left to the browser

mailto:us@shop.example
  answer     left to the browser, past the worker: it is no address of http or https
",
    );
    check_same(&site.files(), &before);
}

#[test]
fn the_same_is_told_as_json() {
    let site = shop();
    let output = build_with(site.path(), CONFIG, &[&words()[..], &["--json"]].concat());
    let told: Value = serde_json::from_str(&output.ok().stdout).unwrap();
    let answers: Vec<&str> = told["matches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["answer"]["by"].as_str().unwrap())
        .collect();
    assert_eq!(
        answers,
        [
            "cache",
            "redirect",
            "network",
            "when_used",
            "network",
            "fallback",
            "network",
            "browser",
            "browser"
        ]
    );
    let chain = &told["matches"][2]["file"]["precached"]["chain"];
    assert_eq!(*chain, serde_json::json!(["index.html", "app.js"]));
}

#[test]
fn the_worker_does_what_was_told() {
    let (site, out) = (shop(), Site::new());
    build_with(site.path(), CONFIG, &["--out", &text(out.path())]).ok();
    let told = build_with(site.path(), CONFIG, &[&words()[..], &["--json"]].concat());
    let told: Value = serde_json::from_str(&told.ok().stdout).unwrap();
    let origin = Origin::serve(out.path());
    let browser = Browser::start();
    let tab = installed(&browser, &origin.url("/"));
    browser.clear_http_cache();
    for (url, found) in ADDRESSES.iter().zip(told["matches"].as_array().unwrap()) {
        let by = found["answer"]["by"].as_str().unwrap();
        if by == "browser" {
            continue;
        }
        origin.clear();
        let address = origin.url(&format!("/{}", url.trim_start_matches('/')));
        let network = by == "network" || by == "when_used";
        if network {
            tab.fetch(&address, serde_json::json!({}));
        } else {
            tab.load(&address).ok();
        }
        let path = address.trim_start_matches(&origin.url("")).to_owned();
        let asked = origin.targets().contains(&path);
        assert_eq!(asked, network, "{url}: {:?}", origin.targets());
    }
}
