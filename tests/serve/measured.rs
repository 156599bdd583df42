//! Packs made to measure: what a worker lacks comes in one answer, in a real browser, counted on
//! the line.

use super::*;
use crate::harness::{Meddle, Passed, Tap};

const FILES: usize = 300;

/// A page that loads twenty of three hundred files; `changed` is another text in that one.
fn large_site(changed: Option<usize>) -> Site {
    let site = Site::new();
    let scripts: String = (0..20)
        .map(|i| format!("<script src=a/{i:03}.js></script>"))
        .collect();
    site.file(
        "index.html",
        format!(
            "<!doctype html><title>Home</title><link rel=icon href=data:,>{scripts}<h1>Home</h1>"
        ),
    );
    for i in 0..FILES {
        site.file(&format!("a/{i:03}.js"), text_of(i, changed == Some(i)));
    }
    site
}

/// Some 8 kB, another text for each file.
fn text_of(file: usize, changed: bool) -> String {
    let mut lines = format!("window.last = {file} // {changed}\n");
    for line in 0..180 {
        lines.push_str(&format!("// {file} {} of it, as any\n", line * file));
    }
    lines
}

fn whole(tab: &Tab) {
    tab.wait_for(
        "window.revisit?.state === 'installed' && revisit.complete",
        "the whole site to be there",
    );
}

fn update(tab: &Tab) {
    tab.run("navigator.serviceWorker.getRegistration().then(r => r.update())");
}

/// The first visit behind a tap.
fn visited(server: &Serve) -> (Tap, Browser, Tab) {
    let tap = Tap::before(&address(server));
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&tap.url("/")).ok();
    whole(&tab);
    (tap, browser, tab)
}

fn measured(passed: &[Passed]) -> Vec<&Passed> {
    let measured = |passed: &&Passed| passed.target == "/revisit/measure";
    passed.iter().filter(measured).collect()
}

/// Every file answers with its text when the server is gone.
fn check_offline(tab: &Tab, changed: Option<usize>) {
    let fetched = "Promise.all([...Array(300).keys()].map(i => fetch(`/a/${`${i}`.padStart(3, 0)}.js`).then(r => r.text())))";
    let texts = tab.eval(fetched);
    for i in 0..FILES {
        assert_eq!(texts[i], text_of(i, changed == Some(i)), "file {i}");
    }
}

#[test]
fn a_first_visit_costs_a_request_for_each_group_beside_those_of_the_page() {
    let site = large_site(None);
    let mut server = Serve::site(site.path());
    let (tap, browser, tab) = visited(&server);
    let passed = tap.passed();
    let own = tab.network().len();
    assert!(own >= 22, "{own}: the page, its scripts and the client");
    // the worker, its list, what is measured, and the page once more with its header fields
    assert!(
        passed.len() <= own + 5,
        "{own} of the page, but {passed:#?}"
    );
    assert!((1..=2).contains(&measured(&passed).len()), "{passed:#?}");
    assert!(!passed.iter().any(|passed| passed.target.ends_with(".pack")));
    cut_off(&browser, &mut server);
    check_offline(&tab, None);
}

#[test]
fn an_update_transfers_the_one_file_that_changed() {
    let site = large_site(None);
    let mut server = Serve::site(site.path());
    let (tap, browser, tab) = visited(&server);
    browser.clear_http_cache();
    tap.clear();
    site.file("a/250.js", text_of(250, true));
    update(&tab);
    tab.wait_for("revisit.state === 'updateready'", "the update");
    let passed = tap.passed();
    let bytes = text_of(250, true).len();
    let lengths: Vec<_> = measured(&passed)
        .iter()
        .map(|passed| passed.content_length)
        .collect();
    assert_eq!(lengths, [Some(bytes)], "{passed:#?}");
    assert!(passed.len() <= 3, "{passed:#?}");
    tab.update();
    cut_off(&browser, &mut server);
    check_offline(&tab, Some(250));
}

#[test]
fn a_server_that_does_not_measure_is_asked_as_any_other() {
    check_meddled(Meddle::Misdirect);
}

#[test]
fn bytes_that_are_not_the_wanted_ones_are_not_kept() {
    check_meddled(Meddle::Flip(5000));
}

/// Installs and updates although what is measured is of no use.
fn check_meddled(how: Meddle) {
    let site = large_site(None);
    let mut server = Serve::site(site.path());
    let tap = Tap::before(&address(&server));
    tap.meddle("/revisit/measure", how);
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&tap.url("/")).ok();
    whole(&tab);
    let passed = tap.passed();
    assert!(!measured(&passed).is_empty(), "{passed:#?}");
    let packs = || passed.iter().filter(|p| p.target.ends_with(".pack"));
    assert!(packs().count() > 0, "{passed:#?}");
    cut_off(&browser, &mut server);
    check_offline(&tab, None);
}

#[test]
fn a_server_that_is_killed_while_it_measures_leaves_the_old_build_in_place() {
    let site = large_site(None);
    let mut server = Serve::site(site.path());
    let address = address(&server);
    let (tap, browser, tab) = visited(&server);
    browser.clear_http_cache();
    tap.meddle("/revisit/measure", Meddle::Hold(3000));
    site.file("a/250.js", text_of(250, true));
    update(&tab);
    eventually("an answer to be held", DEADLINE, || {
        tap.has_held().then_some(())
    });
    server.kill();
    tab.wait_for(
        "navigator.serviceWorker.getRegistration().then(r => !r.installing && !r.waiting)",
        "the install to be given up",
    );
    browser.stop_workers();
    tab.reload().ok();
    assert_eq!(tab.text().trim(), "Home");
    check_offline(&tab, None);

    tap.heal();
    let mut server = serve_at(&address, site.path(), &[]);
    update(&tab);
    tab.wait_for("revisit.state === 'updateready'", "the update");
    tab.update();
    cut_off(&browser, &mut server);
    check_offline(&tab, Some(250));
}
