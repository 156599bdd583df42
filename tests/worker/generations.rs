//! Pages of several builds at one time: each has the files of its own, though the server has long
//! dropped them; and what no page needs any more goes.

use super::*;
use crate::harness::get;

const IMMEDIATE: &str = "[worker]\nupdate = \"immediate\"\n[precache]\nlazy = [\"seldom/**\"]\n";

/// A build whose chunks are named by their hashes, so that no later build has files of those names.
fn site_of(word: &str, hash: &str) -> Site {
    let site = site_that_says(word);
    site.file(
        &format!("assets/chunk-{hash}.js"),
        format!("export const chunk = 'chunk {word}'"),
    )
    .file(
        &format!("seldom/used-{hash}.js"),
        format!("export const used = 'used {word}'"),
    )
    .file("assets/words.js", format!("const words = 'words {word}'"))
    .file(
        "assets/worker.js",
        "importScripts('/assets/words.js'); postMessage(words)",
    );
    site
}

/// Another build in a folder of its own, from which alone the restarted origin serves.
fn replaced(origin: &Origin, site: &Site, config: &str) -> Site {
    let out = built(site, config);
    origin.stop();
    origin.folder_is(out.path());
    origin.start_again();
    out
}

/// In mode `immediate`: the new worker is there, and no page was loaded with it yet.
fn update_takes_over(tab: &Tab) {
    check_for_update(tab);
    tab.wait_for(
        "navigator.serviceWorker.getRegistration().then((r) =>
            !r.waiting && !r.installing && r.active.state === 'activated')",
        "the new worker to be active",
    );
}

#[test]
fn an_old_tab_has_chunks_that_it_never_loaded_when_the_server_has_dropped_them() {
    let Served { origin, out: _out } = served(&site_of("one", "a1a1a1a1"), IMMEDIATE);
    let (browser, old) = visited(&origin, "/");
    // another tab uses a file that is kept when it is used
    let other = browser.tab();
    other.load(&origin.url("/contact.html")).ok();
    let used = "import('/seldom/used-a1a1a1a1.js').then((m) => m.used)";
    assert_eq!(other.eval(used), "used one");
    crate::harness::eventually("it to be kept", crate::harness::DEADLINE, || {
        let kept = kept(&other, "d");
        kept.iter().any(|key| key.contains("used-")).then_some(())
    });
    let _next = replaced(&origin, &site_of("two", "b2b2b2b2"), IMMEDIATE);
    update_takes_over(&other);
    for path in ["/assets/chunk-a1a1a1a1.js", "/seldom/used-a1a1a1a1.js"] {
        assert_eq!(get(&origin.url(path)).status, 404, "{path}");
    }
    browser.stop_workers();
    browser.clear_http_cache();
    origin.clear();
    assert_eq!(old.eval(used), "used one");
    let chunk = "import('/assets/chunk-a1a1a1a1.js').then((m) => m.chunk)";
    assert_eq!(old.eval(chunk), "chunk one");
    // under a name that both builds have, each page gets its own
    assert_eq!(
        old.eval("import('/assets/later.js').then((m) => m.later)"),
        "later one"
    );
    assert_eq!(origin.targets(), [""; 0]);
    other.reload().ok();
    assert_eq!(
        other.eval("import('/assets/later.js').then((m) => m.later)"),
        "later two"
    );
    assert_eq!(old.eval("document.body.dataset.script"), "one");
}

#[test]
fn a_tab_that_sleeps_through_three_deploys_keeps_its_build_and_then_all_old_builds_go() {
    let Served { origin, out: _out } = served(&site_of("one", "a1a1a1a1"), IMMEDIATE);
    let (browser, old) = visited(&origin, "/");
    let mut outs = Vec::new();
    for (word, hash) in [
        ("two", "b2b2b2b2"),
        ("three", "c3c3c3c3"),
        ("four", "d4d4d4d4"),
    ] {
        // closed each time: a page in the back-forward cache would keep its build too
        let tab = browser.tab();
        tab.load(&origin.url("/contact.html")).ok();
        outs.push(replaced(&origin, &site_of(word, hash), IMMEDIATE));
        update_takes_over(&tab);
        tab.close();
    }
    let tab = browser.tab();
    tab.load(&origin.url("/")).ok();
    assert_eq!(tab.eval("document.body.dataset.script"), "four");
    tab.wait_for("revisit.complete", "the last build to its last file");
    browser.stop_workers();
    cut_off(&browser, &origin);
    let chunk = |hash: &str| format!("import('/assets/chunk-{hash}.js').then((m) => m.chunk)");
    assert_eq!(old.eval(&chunk("a1a1a1a1")), "chunk one");
    assert_eq!(tab.eval(&chunk("d4d4d4d4")), "chunk four");
    tab.reload().ok();
    let generations = |count: usize| {
        let what = format!("{count} generations to be kept");
        crate::harness::eventually(&what, crate::harness::DEADLINE, || {
            tab.reload().ok();
            (kept(&tab, "g").len() == count).then_some(())
        });
    };
    generations(2);
    assert_eq!(
        old.eval("import('/assets/later.js').then((m) => m.later)"),
        "later one"
    );
    old.close();
    generations(1);
    let name = |path: &str| {
        path.rsplit('/')
            .next()
            .unwrap_or_default()
            .replace(".pack", "")
    };
    let mut packs: Vec<String> = kept(&tab, "p").iter().map(|key| name(key)).collect();
    packs.sort();
    let files = outs[2].files();
    let built = files.keys().filter(|path| path.ends_with(".pack"));
    assert_eq!(packs, built.map(|path| name(path)).collect::<Vec<_>>());
    is_whole(&tab, &origin, "four");
}

#[test]
fn frames_and_workers_that_an_old_tab_starts_are_of_its_build() {
    let Served { origin, out: _out } = served(&site_of("one", "a1a1a1a1"), IMMEDIATE);
    let (browser, old) = visited(&origin, "/");
    let new = browser.tab();
    // at another address: by it a frame names its page
    new.load(&origin.url("/contact.html")).ok();
    let _next = replaced(&origin, &site_of("two", "b2b2b2b2"), IMMEDIATE);
    update_takes_over(&new);
    new.reload().ok();
    browser.stop_workers();
    cut_off(&browser, &origin);
    for (tab, word) in [(&old, "one"), (&new, "two"), (&old, "one")] {
        let heading = tab.eval(
            "new Promise((done) => { const frame = document.createElement('iframe')
               frame.src = '/about/'; frame.onload = () => done(frame.contentDocument.body.innerText)
               document.body.append(frame) })",
        );
        assert_eq!(heading, format!("About {word}"));
        // what the frame loads later is of its build too
        let later =
            tab.eval("frames[frames.length - 1].fetch('/assets/later.js').then((r) => r.text())");
        assert_eq!(later, format!("export const later = 'later {word}'"));
        let words = tab.eval(
            "new Promise((done) => { const worker = new Worker('/assets/worker.js')
               worker.onmessage = ({ data }) => done(data); worker.onerror = () => done('error') })",
        );
        assert_eq!(words, format!("words {word}"));
        browser.stop_workers();
    }
}

/// Whatever the page is now, what it loads from here on fits to what it has loaded.
fn consistent(tab: &Tab) -> String {
    let word = tab.eval("document.body.dataset.script");
    let word = word.as_str().expect("the page's script ran").to_owned();
    let later = tab.eval("import('/assets/later.js').then((m) => m.later)");
    assert_eq!(later, format!("later {word}"));
    word
}

#[test]
fn a_page_that_comes_back_after_another_tab_updated_has_files_of_one_build() {
    let world = served(&site_of("one", "a1a1a1a1"), "");
    let (browser, tab) = visited(&world.origin, "/");
    tab.run("window.alive = true");
    tab.load(&world.origin.url("/about/")).ok();
    tab.back().ok();
    assert_eq!(tab.eval("window.alive"), true, "no back-forward cache here");
    tab.load(&world.origin.url("/about/")).ok();
    let other = browser.tab();
    other.load(&world.origin.url("/")).ok();
    world.deploy(&site_of("two", "b2b2b2b2"), "");
    check_for_update(&other);
    other.wait_for("revisit.state === 'updateready'", "the update");
    other.update();
    assert_eq!(consistent(&other), "two");
    cut_off(&browser, &world.origin);
    tab.back().ok();
    tab.wait_for("document.body.dataset.script", "the page's script");
    consistent(&tab);
}

#[test]
fn a_page_that_was_parked_while_an_update_waited_keeps_its_build_when_it_is_back() {
    let world = served(&site_of("one", "a1a1a1a1"), "");
    let (browser, tab) = visited(&world.origin, "/");
    let other = browser.tab();
    other.load(&world.origin.url("/")).ok();
    world.deploy(&site_of("two", "b2b2b2b2"), "");
    check_for_update(&other);
    other.wait_for("revisit.state === 'updateready'", "the update");
    tab.run("window.alive = true");
    tab.load(&world.origin.url("/about/")).ok();
    tab.back().ok();
    assert_eq!(tab.eval("window.alive"), true);
    other.update();
    cut_off(&browser, &world.origin);
    browser.stop_workers();
    assert_eq!(tab.eval("window.alive"), true);
    assert_eq!(consistent(&tab), "one");
    assert_eq!(consistent(&other), "two");
}
