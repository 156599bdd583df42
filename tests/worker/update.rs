//! The next build: it comes whole, at the time that was chosen, for what changed.

use super::*;
use crate::harness::Fault;

#[test]
fn one_changed_file_costs_one_request_beside_the_worker_and_the_manifest() {
    let world = served(&small_site(), "");
    let (browser, tab) = visited(&world.origin, "/");
    let site = small_site();
    site.file("assets/later.js", "export const later = 'later two'");
    world.deploy(&site, "");
    browser.clear_http_cache();
    world.origin.clear();
    check_for_update(&tab);
    tab.wait_for("revisit.state === 'updateready'", "the update");
    let targets = world.origin.targets();
    assert_eq!(targets.len(), 3, "{targets:?}");
    assert!(targets.contains(&"/sw.js".into()), "{targets:?}");
    // a small pack of its own, or the file itself: the same bytes
    let changed = |target: &String| target.ends_with(".pack") || target == "/assets/later.js";
    assert!(targets.iter().any(changed), "{targets:?}");
}

#[test]
fn an_update_waits_until_the_page_calls_for_it() {
    let world = served(&small_site(), "");
    let (browser, tab) = visited(&world.origin, "/");
    world.deploy(&next_site(), "");
    check_for_update(&tab);
    tab.wait_for("revisit.state === 'updateready'", "the update");
    // until then all is old, a reload and a module that is loaded only now included
    tab.reload().ok();
    assert_eq!(tab.eval("document.body.dataset.script"), "one");
    assert_eq!(
        tab.eval("import('/assets/later.js').then(m => m.later)"),
        "later one"
    );
    tab.wait_for("revisit.state === 'updateready'", "the update, told again");
    cut_off(&browser, &world.origin);
    tab.update();
    assert_eq!(tab.eval("document.body.dataset.script"), "two");
    tab.load(&world.origin.url("/about/")).ok();
    assert!(tab.text().contains("About two"));
}

#[test]
fn an_old_tab_keeps_its_build_beside_a_new_one_and_then_the_old_build_goes() {
    let world = served(&small_site(), "");
    let (browser, old) = visited(&world.origin, "/");
    let new = browser.tab();
    new.load(&world.origin.url("/")).ok();
    world.deploy(&next_site(), "");
    check_for_update(&new);
    new.wait_for("revisit.state === 'updateready'", "the update");
    old.run("window.mark = 'never reloaded'");
    new.update();
    assert_eq!(new.eval("document.body.dataset.script"), "two");
    cut_off(&browser, &world.origin);
    browser.stop_workers();
    assert_eq!(old.eval("window.mark"), "never reloaded");
    assert_eq!(
        old.eval("import('/assets/later.js').then(m => m.later)"),
        "later one"
    );
    assert_eq!(
        new.eval("import('/assets/later.js').then(m => m.later)"),
        "later two"
    );
    let generations = "caches.keys().then(names => caches.open(names.find(n => n.endsWith('files'))))\
                       .then(c => c.keys()).then(keys => keys.filter(k => k.url.includes('/revisit/g/')).length)";
    assert_eq!(new.eval(generations), 2);
    old.close();
    new.reload().ok();
    new.wait_for(
        &format!("(await ({generations})) === 1"),
        "the old build to go",
    );
    assert_eq!(
        new.eval("import('/assets/later.js').then(m => m.later)"),
        "later two"
    );
}

#[test]
fn next_visit_takes_the_new_build_with_a_reload_if_no_other_page_is_open() {
    let config = "[worker]\nupdate = \"next-visit\"\n";
    let world = served(&small_site(), config);
    let (browser, tab) = visited(&world.origin, "/");
    let second = browser.tab();
    second.load(&world.origin.url("/contact.html")).ok();
    world.deploy(&next_site(), config);
    check_for_update(&tab);
    tab.wait_for("revisit.state === 'updateready'", "the update");
    tab.reload().ok();
    assert_eq!(
        tab.eval("document.body.dataset.script"),
        "one",
        "two pages are open"
    );
    second.close();
    tab.wait_for(
        "navigator.serviceWorker.getRegistration().then(r => !!r.waiting)",
        "the worker that waits",
    );
    cut_off(&browser, &world.origin);
    crate::harness::eventually(
        "the reload to bring the new build",
        crate::harness::DEADLINE,
        || {
            tab.reload().ok();
            (tab.eval("document.body.dataset.script") == "two").then_some(())
        },
    );
    assert_eq!(
        tab.eval("import('/assets/later.js').then(m => m.later)"),
        "later two"
    );
    tab.load(&world.origin.url("/about/")).ok();
    assert!(tab.text().contains("About two"));
}

#[test]
fn immediate_takes_over_at_once_and_an_open_page_keeps_its_files() {
    let config = "[worker]\nupdate = \"immediate\"\n";
    let world = served(&small_site(), config);
    let (browser, tab) = visited(&world.origin, "/");
    world.deploy(&next_site(), config);
    check_for_update(&tab);
    tab.wait_for(
        "navigator.serviceWorker.getRegistration().then(r => !r.waiting && !r.installing && r.active.state === 'activated')",
        "the new worker to be active",
    );
    cut_off(&browser, &world.origin);
    assert_eq!(
        tab.eval("import('/assets/later.js').then(m => m.later)"),
        "later one"
    );
    tab.reload().ok();
    assert_eq!(tab.eval("document.body.dataset.script"), "two");
}

#[test]
fn an_update_that_cannot_be_had_whole_leaves_the_old_build_in_place() {
    for fault in [Fault::Status(404), Fault::WrongBytes, Fault::Truncate(10)] {
        let world = served(&small_site(), "");
        let (browser, tab) = visited(&world.origin, "/");
        world.deploy(&next_site(), "");
        world.origin.fault_where(
            |path| path == "/assets/text.js" || path.ends_with(".pack"),
            fault.clone(),
        );
        tab.run(
            "window.why = null; revisit.addEventListener('failed', e => window.why = e.detail)",
        );
        check_for_update_that_fails(&tab);
        tab.wait_for_within(
            "why && why.url",
            "the page to hear of it",
            2 * crate::harness::DEADLINE,
        );
        tab.reload().ok();
        assert_eq!(tab.eval("document.body.dataset.script"), "one", "{fault:?}");
        // mended, the next check completes it
        world.origin.heal();
        check_for_update(&tab);
        tab.wait_for("revisit.state === 'updateready'", "the update");
        cut_off(&browser, &world.origin);
        tab.update();
        assert_eq!(tab.eval("document.body.dataset.script"), "two");
    }
}

fn check_for_update_that_fails(tab: &Tab) {
    tab.run("navigator.serviceWorker.getRegistration().then(r => r.update()).catch(() => {}); return true");
}

#[test]
fn only_the_first_install_claims_the_open_pages() {
    let world = served(&small_site(), "[worker]\nupdate = \"immediate\"\n");
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&world.origin.url("/")).ok();
    installed(&tab);
    tab.wait_for(
        "navigator.serviceWorker.controller",
        "the first worker to claim its page",
    );
    // A page that goes into the back-forward cache must come back alive or be loaded anew, but
    // never under a worker that it was not loaded with: a claim on an update would do that.
    tab.run("window.alive = true");
    tab.load(&world.origin.url("/about/")).ok();
    world.deploy(&next_site(), "[worker]\nupdate = \"immediate\"\n");
    check_for_update(&tab);
    tab.wait_for(
        "navigator.serviceWorker.getRegistration().then(r => !r.waiting && !r.installing && r.active.state === 'activated')",
        "the new worker to be active",
    );
    tab.back().ok();
    if tab.eval("window.alive === true") == true {
        assert_eq!(
            tab.eval("import('/assets/later.js').then(m => m.later)"),
            "later one"
        );
    } else {
        assert_eq!(tab.eval("document.body.dataset.script"), "two");
    }
}
