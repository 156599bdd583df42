//! Header fields make a page what it is: one that came in a pack has its own, and no other's.

use super::*;
use crate::harness::{Fault, OriginAnswer};

/// The policies of one page of many.
const POLICIES: &[(&str, &str)] = &[
    ("Content-Security-Policy", "img-src 'none'"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Embedder-Policy", "require-corp"),
    ("Permissions-Policy", "geolocation=()"),
];

/// The small site with a folder of pages that no visit begins with.
fn site_with_notes() -> Site {
    let site = small_site();
    for number in 0..9 {
        let page = format!("<!doctype html><title>Note</title><h1>Note {number}</h1>");
        site.file(&format!("notes/{number}.html"), page);
    }
    site
}

fn guard(origin: &Origin, meant: impl Fn(&str) -> bool + Send + Clone + 'static) {
    for (name, value) in POLICIES {
        let header = Fault::Header((*name).to_owned(), (*value).to_owned());
        origin.fault_where(meant.clone(), header);
    }
}

/// Loads a page without a server, and asks what its policies allow.
#[track_caller]
fn check_page(tab: &Tab, origin: &Origin, path: &str, guarded: bool) {
    tab.load(&origin.url(path)).ok();
    let number = path.trim_matches(|c: char| !c.is_ascii_digit());
    assert_eq!(tab.text(), format!("Note {number}"), "{path}");
    check_policies(tab, path, guarded);
}

#[track_caller]
fn check_policies(tab: &Tab, path: &str, guarded: bool) {
    let picture = tab.eval(
        "new Promise((done) => { const picture = new Image()
           picture.onload = () => done('shown'); picture.onerror = () => done('blocked')
           picture.src = '/pictures/rose.svg' })",
    );
    let expected = if guarded { "blocked" } else { "shown" };
    assert_eq!(picture, expected, "{path}");
    assert_eq!(tab.eval("crossOriginIsolated"), guarded, "{path}");
    let allowed = tab.eval("document.featurePolicy.allowsFeature('geolocation')");
    assert_eq!(allowed, !guarded, "{path}");
    let kind = tab.eval("document.contentType + ' ' + document.characterSet");
    assert_eq!(kind, "text/html UTF-8", "{path}");
}

/// The pages lie in packs: none was asked for but for its header fields.
fn bodies_of_notes(origin: &Origin) -> usize {
    origin.count(|request| request.path().starts_with("/notes/") && request.method != "HEAD")
}

#[test]
fn one_page_of_a_folder_keeps_its_policies_in_a_pack_and_its_neighbours_get_none() {
    let Served { origin, out: _out } = served(&site_with_notes(), "");
    guard(&origin, |path| path == "/notes/4.html");
    let (browser, tab) = visited(&origin, "/");
    assert_eq!(bodies_of_notes(&origin), 0, "{:?}", origin.targets());
    browser.stop_workers();
    cut_off(&browser, &origin);
    for number in [3, 4, 5] {
        check_page(&tab, &origin, &format!("/notes/{number}.html"), number == 4);
    }
}

#[test]
fn the_policies_of_a_folder_are_had_from_three_of_its_pages() {
    let config = "[site]\npage_headers = \"folder\"\n";
    let Served { origin, out: _out } = served(&site_with_notes(), config);
    guard(&origin, |path| path.starts_with("/notes/"));
    let (browser, tab) = visited(&origin, "/");
    let asked = origin.count(|request| request.path().starts_with("/notes/"));
    assert_eq!(asked, 3, "{:?}", origin.targets());
    cut_off(&browser, &origin);
    for number in [0, 2, 7] {
        check_page(&tab, &origin, &format!("/notes/{number}.html"), true);
    }
    tab.load(&origin.url("/contact.html")).ok();
    check_policies(&tab, "/contact.html", false);
}

#[test]
fn a_folder_whose_three_pages_differ_has_each_asked_and_the_page_is_told() {
    let config = "[site]\npage_headers = \"folder\"\n";
    let Served { origin, out: _out } = served(&site_with_notes(), config);
    guard(&origin, |path| path == "/notes/4.html");
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&origin.url("/")).ok();
    tab.run("window.told = []; revisit.addEventListener('degraded', (e) => told.push(e.detail))");
    installed(&tab);
    assert_eq!(
        tab.eval("told.map((why) => why.reason)"),
        json!(["headers"])
    );
    assert_eq!(tab.eval("told[0].url"), origin.url("/notes/0.html"));
    cut_off(&browser, &origin);
    for number in [3, 4] {
        check_page(&tab, &origin, &format!("/notes/{number}.html"), number == 4);
    }
}

#[test]
fn a_server_that_knows_no_head_is_asked_for_the_pages_and_they_keep_their_policies() {
    let Served { origin, out } = served(&site_with_notes(), "");
    for number in 0..9 {
        let path = format!("/notes/{number}.html");
        let page = out.read(&path[1..]);
        origin.answer_by(&path, move |request| match request.method.as_str() {
            "HEAD" => OriginAnswer::new(405, "text/plain", "what?").with("Allow", "GET"),
            _ => OriginAnswer::new(200, "text/html; charset=utf-8", page.clone()),
        });
    }
    guard(&origin, |path| path == "/notes/4.html");
    let (browser, tab) = visited(&origin, "/");
    assert_eq!(bodies_of_notes(&origin), 9, "one GET for each HEAD");
    cut_off(&browser, &origin);
    for number in [4, 5] {
        check_page(&tab, &origin, &format!("/notes/{number}.html"), number == 4);
    }
}

/// What Netlify does with the rules of `_headers`, as far as these tests write any.
fn as_netlify(origin: &Origin, out: &Site) {
    origin.heal();
    let mut rule = String::new();
    for line in out.read("_headers").lines() {
        match line.trim().split_once(": ") {
            _ if line.starts_with('/') => rule = line.trim().to_owned(),
            Some((name, value)) if !line.trim().starts_with('#') => {
                let rule = rule.clone();
                let header = Fault::Header(name.to_owned(), value.to_owned());
                let meant = move |path: &str| match rule.strip_suffix('*') {
                    Some(start) => path.starts_with(start),
                    None => path == rule,
                };
                origin.fault_where(meant, header);
            }
            _ => {}
        }
    }
}

fn rules(paths: &[&str]) -> String {
    let rule = |path: &&str| {
        let fields = POLICIES.iter();
        let fields: String = fields
            .map(|(name, value)| format!("  {name}: {value}\n"))
            .collect();
        format!("{path}\n{fields}")
    };
    paths.iter().map(rule).collect()
}

#[test]
fn a_change_of_netlifys_rules_alone_reaches_visitors_and_nobody_is_asked_for_headers() {
    let config = "[site]\nhost = \"netlify\"\n";
    let site = site_with_notes();
    site.file("_headers", rules(&["/notes/4.html"]));
    let world = served(&site, config);
    as_netlify(&world.origin, &world.out);
    let (browser, tab) = visited(&world.origin, "/");
    let heads = || world.origin.count(|request| request.method == "HEAD");
    assert_eq!(heads(), 0);
    assert_eq!(bodies_of_notes(&world.origin), 0);
    world.origin.stop();
    for number in [3, 4] {
        check_page(
            &tab,
            &world.origin,
            &format!("/notes/{number}.html"),
            number == 4,
        );
    }
    tab.load(&world.origin.url("/")).ok();
    check_policies(&tab, "/", false);

    // another page of the folder, and one of the shell; no other file changes
    site.file("_headers", rules(&["/notes/3.html", "/", "/index.html"]));
    world.origin.start_again();
    world.deploy(&site, config);
    as_netlify(&world.origin, &world.out);
    check_for_update(&tab);
    tab.wait_for("revisit.state === 'updateready'", "the update");
    cut_off(&browser, &world.origin);
    tab.update();
    assert_eq!(heads(), 0);
    check_policies(&tab, "/", true);
    for number in [3, 4, 5] {
        check_page(
            &tab,
            &world.origin,
            &format!("/notes/{number}.html"),
            number == 3,
        );
    }
}
