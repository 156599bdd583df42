//! What the page client says, with several tabs, across builds and without a network.

use super::*;

/// Notes what the client says, in a page that is there already.
const NOTE: &str = "window.said = []
    for (const name of ['updateready', 'online', 'offline'])
        revisit.addEventListener(name, () => said.push(name))";

#[test]
fn all_tabs_are_told_of_an_update_and_those_that_stay_keep_their_build() {
    let world = served(&small_site(), "");
    let (browser, first) = visited(&world.origin, "/");
    let (second, third) = (browser.tab(), browser.tab());
    for tab in [&second, &third] {
        tab.load(&world.origin.url("/")).ok();
        installed(tab);
    }
    let tabs = [&first, &second, &third];
    for tab in tabs {
        tab.run(NOTE);
    }
    let one = first.eval("revisit.build");
    assert_ne!(one, "");
    world.deploy(&next_site(), "");
    check_for_update(&second);
    for tab in tabs {
        tab.wait_for("revisit.state === 'updateready'", "the update");
        assert_eq!(tab.eval("said"), json!(["updateready"]));
        assert_eq!(tab.eval("revisit.build"), one);
        tab.run("said.length = 0");
    }
    first.update();
    first.wait_for("revisit.build && revisit.complete", "the new build");
    let two = first.eval("revisit.build");
    assert_ne!(two, one);
    assert_eq!(first.eval("revisit.state"), "installed");
    // it took over: the others are told that they are the older ones, and go on as they are
    for tab in [&second, &third] {
        tab.wait_for("said.includes('updateready')", "the word that it is old");
        assert_eq!(
            tab.eval("[revisit.state, revisit.build]"),
            json!(["updateready", one])
        );
    }
    cut_off(&browser, &world.origin);
    browser.stop_workers();
    assert_eq!(
        second.eval("import('/assets/later.js').then((m) => m.later)"),
        "later one"
    );
    second.update();
    second.wait_for("revisit.build", "its build");
    assert_eq!(second.eval("revisit.build"), two);
    assert_eq!(second.eval("document.body.dataset.script"), "two");
    assert_eq!(
        third.eval("import('/assets/later.js').then((m) => m.later)"),
        "later one"
    );
}

#[test]
fn a_page_of_an_earlier_build_than_the_first_worker_is_told_of_the_newer_one() {
    let world = served(&small_site(), "");
    let browser = Browser::start();
    let tab = browser.tab();
    // the worker's script comes only after the deploy
    world.origin.fault("/sw.js", crate::harness::Fault::Hang);
    tab.load(&world.origin.url("/about/")).ok();
    assert!(tab.text().contains("About one"));
    world
        .origin
        .wait_for("the worker to be asked for", |r| r.path() == "/sw.js");
    tab.run(NOTE);
    world.deploy(&next_site(), "");
    world.origin.heal();
    tab.wait_for("said.includes('updateready')", "the word that it is old");
    assert_eq!(tab.eval("revisit.build"), "");
    assert!(tab.text().contains("About one"));
    tab.update();
    installed(&tab);
    assert!(tab.text().contains("About two"));
    assert_ne!(tab.eval("revisit.build"), "");
}

#[test]
fn a_page_asks_for_a_newer_build_when_it_is_looked_at_after_the_time_that_was_chosen() {
    let config = "[worker]\ncheck_minutes = 1\n";
    let world = served(&small_site(), config);
    let browser = Browser::start();
    let tab = browser.tab();
    // the clock of the page, which this test sets
    tab.before_each_page("const now = Date.now; window.later = 0; Date.now = () => now() + later");
    tab.load(&world.origin.url("/")).ok();
    installed(&tab);
    world.deploy(&next_site(), config);
    world.origin.clear();
    tab.run(
        "window.asked = []
         const check = revisit.check
         revisit.check = () => (asked.push(later), check.call(revisit))",
    );
    for seconds in [0, 40, 61, 62, 100] {
        tab.run(&format!(
            "later = {seconds} * 1000
             document.dispatchEvent(new Event('visibilitychange', {{ bubbles: true }}))"
        ));
    }
    tab.wait_for("revisit.state === 'updateready'", "the update");
    assert_eq!(tab.eval("asked"), json!([61_000]));
    assert_eq!(world.origin.count_of("/sw.js"), 1);
}

#[test]
fn a_page_hears_when_its_network_goes_and_when_it_is_back() {
    let Served { origin, out: _out } = served(&small_site(), "");
    let (_browser, tab) = visited(&origin, "/");
    tab.run(NOTE);
    assert_eq!(tab.eval("revisit.online"), true);
    tab.offline(true);
    tab.wait_for("said.length === 1", "the word");
    assert_eq!(
        tab.eval("[said, revisit.online]"),
        json!([["offline"], false])
    );
    tab.offline(false);
    tab.wait_for("said.length === 2", "the word");
    assert_eq!(
        tab.eval("[said, revisit.online]"),
        json!([["offline", "online"], true])
    );
}
