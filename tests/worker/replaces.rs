//! A visitor who has the worker of Workbox or sw-precache gets ours: what was kept is taken over, and theirs goes.
//! Their workers are made by their own packages, those of `benches/`.

use std::process::Command;

use super::*;
use crate::harness::cannot_run;

/// Writes `sw.js` of another tool into a built site, over every file of it.
fn give_worker_of(script: &str, site: &Site) {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let output = Command::new("node")
        .arg(root.join("benches").join(script))
        .args([site.path(), &site.path().join("sw.js")])
        .output()
        .expect("node runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
}

fn check(script: &str, tool: &str, theirs: &str) {
    let packages = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches/node_modules");
    if !Path::new(packages).is_dir() {
        cannot_run(
            "Workbox and sw-precache are not installed",
            "run `npm ci --prefix benches`",
        );
        return;
    }
    let before = small_site();
    give_worker_of(script, &before);
    let origin = Origin::serve(before.path());
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&origin.url("/")).ok();
    tab.run(
        "await navigator.serviceWorker.register('/sw.js')
         await navigator.serviceWorker.ready",
    );
    tab.wait_for(
        "navigator.serviceWorker.getRegistration().then((it) => it.active?.state === 'activated')",
        "their worker",
    );
    tab.reload().ok();
    let names = tab.cache_names();
    assert!(names.iter().any(|name| name.contains(theirs)), "{names:?}");
    // one file is another by now
    let after = small_site();
    after.file("data/list.json", "{\"list\": [1, 2, 3]}\n");
    let config = format!("[worker]\nupdate = \"immediate\"\nreplaces = [\"{tool}\"]\n");
    let out = built(&after, &config);
    origin.folder_is(out.path());
    browser.clear_http_cache();
    origin.clear();
    tab.run(
        "const changed = new Promise((done) => { navigator.serviceWorker.oncontrollerchange = done })
         await (await navigator.serviceWorker.getRegistration()).update()
         await changed",
    );
    let has_theirs =
        format!("caches.keys().then((all) => all.some((name) => name.includes('{theirs}')))");
    assert_eq!(
        tab.eval(&has_theirs),
        true,
        "before the rest of the site is here"
    );
    tab.load(&origin.url("/")).ok();
    installed(&tab);
    tab.wait_for(
        &format!("{has_theirs}.then((it) => !it)"),
        "their cache to go",
    );
    let asked = origin.targets();
    // Four packs has this build: the files of the shell and the one that is large are at hand, the pages
    // have a tag by now, and of the last pack a third is another.
    let packs: Vec<_> = asked
        .iter()
        .filter(|path| path.ends_with(".pack"))
        .collect();
    assert_eq!(packs.len(), 2, "{asked:?}");
    let single = |path: &&String| {
        ["/assets/", "/pictures/", "/data/"]
            .iter()
            .any(|it| path.starts_with(it))
    };
    assert_eq!(asked.iter().find(single), None, "{asked:?}");
    cut_off(&browser, &origin);
    browser.stop_workers();
    tab.load(&origin.url("/about/")).ok();
    assert!(tab.text().contains("About one"), "{}", tab.text());
    for (path, text) in [
        ("/assets/later.js", "export const later = 'later one'"),
        ("/data/list.json", "{\"list\": [1, 2, 3]}\n"),
    ] {
        assert_eq!(text_of(&tab, path), text);
    }
    let names = tab.cache_names();
    assert!(
        names.iter().all(|name| name.starts_with("revisit|")),
        "{names:?}"
    );
}

#[test]
fn what_workbox_kept_is_taken_over_without_a_request_and_the_rest_of_it_goes() {
    check("workbox-build.mjs", "workbox", "-precache-v2-");
}

#[test]
fn what_sw_precache_kept_is_taken_over_without_a_request_and_the_rest_of_it_goes() {
    check("sw-precache-build.mjs", "sw-precache", "sw-precache-v3-");
}

#[test]
fn caches_that_are_nobodys_stay() {
    let out = built(
        &small_site(),
        "[worker]\nreplaces = [\"workbox\", \"sw-precache\"]\n",
    );
    let origin = Origin::serve(out.path());
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&origin.url("/missing"));
    let home = origin.url("/");
    let names = [
        format!("workbox-precache-v2-{home}app/"),
        format!("workbox-runtime-{home}"),
        "precache".to_owned(),
    ];
    for name in &names {
        tab.put_cache_entry(name, "/x", "x");
    }
    tab.put_cache_entry(&format!("mine-precache-v2-{home}"), "/x", "x");
    tab.load(&home).ok();
    installed(&tab);
    tab.wait_for(
        "caches.keys().then((all) => !all.some((name) => name.startsWith('mine-')))",
        "theirs to go",
    );
    let left = tab.cache_names();
    assert!(names.iter().all(|name| left.contains(name)), "{left:?}");
}
