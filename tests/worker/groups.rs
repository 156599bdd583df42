//! What is kept when: the shell before the worker counts as installed, the rest when the page is
//! idle and the line is good for it, and what is beyond the budget when it is first used.

use super::*;
use crate::harness::{DEADLINE, Fault, eventually};

/// Hears all from the beginning: the client says `revisit` when it is there.
const LISTEN: &str = "
    window.heard = []
    addEventListener('revisit', () => {
        for (const name of ['installed', 'complete']) revisit.addEventListener(name, () => heard.push(name))
    })";

/// The requests for what does not belong to the shell.
fn rest(origin: &Origin) -> Vec<String> {
    let mut targets = origin.targets();
    targets.retain(|target| target.ends_with(".pack") || target.starts_with("/deep/"));
    targets
}

/// A shell, and beside it files that stand alone: one is a page, the others are big scripts.
fn deep_site() -> Site {
    let site = small_site();
    for number in 0..4 {
        let script = format!(
            "/* {} */ export const number = {number}",
            "x".repeat(200_000)
        );
        site.file(&format!("deep/{number}.js"), script);
    }
    site
}

#[test]
fn installed_is_said_before_the_rest_is_there_and_complete_after_it() {
    let Served { origin, out: _out } = served(&deep_site(), "");
    origin.fault_where(|path| path.starts_with("/deep/"), Fault::Hang);
    let browser = Browser::start();
    let tab = browser.tab();
    tab.before_each_page(LISTEN);
    tab.load(&origin.url("/")).ok();
    tab.wait_for("revisit.state === 'installed'", "the shell");
    origin.wait_for("the rest to be asked for", |r| {
        r.path().starts_with("/deep/")
    });
    assert_eq!(
        tab.eval("[heard, revisit.complete]"),
        json!([["installed"], false])
    );
    origin.heal();
    installed(&tab);
    assert_eq!(tab.eval("heard"), json!(["installed", "complete"]));
    assert_eq!(kept(&tab, "a").len(), 1);
}

#[test]
fn a_worker_stopped_in_the_middle_of_the_rest_fetches_only_what_lacks_on_the_next_visit() {
    let Served { origin, out: _out } = served(&deep_site(), "");
    let held = |path: &str| path == "/deep/2.js" || path == "/deep/3.js";
    origin.fault_where(held, Fault::Hang);
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&origin.url("/")).ok();
    let is_kept = |name: &str| kept(&tab, "d").iter().any(|key| key.contains(name));
    eventually("some of the rest", DEADLINE, || {
        let there = tab.eval("window.revisit?.state === 'installed'") == true;
        (there && is_kept("0.js") && is_kept("1.js") && kept(&tab, "p").len() > 2).then_some(())
    });
    assert!(!is_kept("2.js") && !is_kept("3.js"));
    assert_eq!(tab.eval("revisit.complete"), false);
    browser.stop_workers();
    browser.clear_http_cache();
    origin.heal();
    origin.clear();
    tab.reload().ok();
    installed(&tab);
    let mut fetched = rest(&origin);
    fetched.sort();
    assert_eq!(fetched, ["/deep/2.js", "/deep/3.js"]);
    cut_off(&browser, &origin);
    assert_eq!(tab.eval("import('/deep/3.js').then((m) => m.number)"), 3);
    is_whole(&tab, &origin, "one");
}

#[test]
fn who_saves_data_gets_the_shell_alone_until_the_line_is_better() {
    for line in [
        "{ saveData: true }",
        "{ effectiveType: '2g' }",
        "{ effectiveType: '3g' }",
    ] {
        let Served { origin, out: _out } = served(&deep_site(), "");
        let browser = Browser::start();
        let tab = browser.tab();
        let connection = format!("{{ value: {line}, configurable: true }}");
        tab.before_each_page(&format!(
            "Object.defineProperty(navigator, 'connection', {connection})"
        ));
        tab.load(&origin.url("/")).ok();
        tab.wait_for(
            "revisit.state === 'installed' && revisit.build",
            "the shell",
        );
        // whoever would fetch now does so while the page is idle
        tab.eval("new Promise((done) => requestIdleCallback(() => requestIdleCallback(done)))");
        tab.eval("navigator.locks.request('after', () => caches.keys().then(() => true))");
        let before = rest(&origin);
        assert!(
            !before.iter().any(|path| path.starts_with("/deep/")),
            "{line}: {before:?}"
        );
        tab.reload().ok();
        assert_eq!(tab.eval("revisit.complete"), false, "{line}");
        assert_eq!(rest(&origin), before, "{line}");
        // another page, on a good line
        let other = browser.tab();
        other.load(&origin.url("/offline.html")).ok();
        installed(&other);
        tab.wait_for("revisit.complete", "the first page to hear of it");
    }
}

/// Three files of 1000 bytes that are kept when they are used, and room for two of them.
fn lazy_site() -> (Site, &'static str) {
    let site = small_site();
    for name in ["a", "b", "c"] {
        site.file(&format!("seldom/{name}.txt"), name.repeat(1000));
    }
    (
        site,
        "[precache]\nlazy = [\"seldom/**\"]\nlazy_budget_bytes = 2500\n",
    )
}

/// Waits until just these of the seldom files are kept.
#[track_caller]
fn are_kept(tab: &Tab, names: &[&str]) {
    let mut last = Vec::new();
    let found = crate::harness::poll(DEADLINE, || {
        let keys = kept(tab, "d").into_iter();
        let name = |key: String| Some(key.split("seldom%2F").nth(1)?.replace(".txt", ""));
        last = keys.filter_map(name).collect();
        last.sort();
        (last == names).then_some(())
    });
    assert!(found.is_some(), "kept are {last:?}, not {names:?}");
}

#[test]
fn what_is_beyond_the_budget_is_kept_when_it_is_used_and_the_oldest_goes_when_room_ends() {
    let (site, config) = lazy_site();
    let Served { origin, out: _out } = served(&site, config);
    let (browser, tab) = visited(&origin, "/");
    tab.reload().ok();
    are_kept(&tab, &[]);
    let text = |name: &str| text_of(&tab, &format!("/seldom/{name}.txt"));
    for (name, names) in [("b", &["b"][..]), ("a", &["a", "b"]), ("c", &["a", "c"])] {
        assert_eq!(text(name), name.repeat(1000));
        are_kept(&tab, names);
    }
    cut_off(&browser, &origin);
    browser.stop_workers();
    assert_eq!([text("a"), text("c")], ["a".repeat(1000), "c".repeat(1000)]);
    assert!(tab.fetch("/seldom/b.txt", json!({})).error.is_some());
    is_whole(&tab, &origin, "one");
}

#[test]
fn wrong_bytes_and_parts_of_a_seldom_file_are_passed_on_and_not_kept() {
    let (site, config) = lazy_site();
    let Served { origin, out: _out } = served(&site, config);
    let (browser, tab) = visited(&origin, "/");
    tab.reload().ok();
    let other = Fault::Answer("text/plain".into(), b"of another build".to_vec());
    origin.fault("/seldom/a.txt", other);
    assert_eq!(text_of(&tab, "/seldom/a.txt"), "of another build");
    // this server knows no ranges, and answers with the whole
    let part = json!({ "headers": { "range": "bytes=0-9" } });
    assert_eq!(tab.fetch("/seldom/b.txt", part).status, 200);
    // kept last: what was to be kept before it is there by now
    assert_eq!(text_of(&tab, "/seldom/c.txt"), "c".repeat(1000));
    are_kept(&tab, &["c"]);
    cut_off(&browser, &origin);
    for path in ["/seldom/a.txt", "/seldom/b.txt"] {
        assert!(tab.fetch(path, json!({})).error.is_some(), "{path}");
    }
}
