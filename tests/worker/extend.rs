//! Code of a site's own in the worker: it hears every event, and answers where it wants to.

use super::*;
use crate::harness::Output;

/// A script beside, names that our own modules have too, and two listeners.
const OWN: &str = "'use strict'
importScripts('own-words.js')
const config = 1, start = 2
addEventListener('message', (event) => {
  if (event.data?.ask === 'own') event.ports[0].postMessage([words, config + start, this === self])
})
addEventListener('fetch', (event) => {
  const { pathname } = new URL(event.request.url)
  if (pathname === '/own' || pathname === '/data/list.json') event.respondWith(new Response(`own ${pathname}`))
}) // the last line is a comment";

fn extended_site() -> Site {
    let site = small_site();
    site.file("own-words.js", "const words = 'words beside'");
    site
}

/// Builds with `--inject`, from a folder in which `own.js` lies.
fn build_with_own(site: &Site, own: &str, out: &Site) -> Output {
    let folder = Site::new();
    folder.file("own.js", own);
    let (site, out) = (site.path().as_os_str(), out.path().as_os_str());
    let words = ["build".as_ref(), site, "--out".as_ref(), out];
    let flag = ["--inject", "own.js"].map(std::ffi::OsStr::new);
    crate::harness::revisit_in(folder.path(), &[&words[..], &flag[..]].concat())
}

#[test]
fn listeners_of_the_sites_own_answer_first_and_what_they_leave_is_answered_from_the_cache() {
    let (site, out) = (extended_site(), Site::new());
    build_with_own(&site, OWN, &out).ok();
    let origin = Origin::serve(out.path());
    let (browser, tab) = visited(&origin, "/");
    tab.reload().ok();
    let said = tab.run(
        "const { port1, port2 } = new MessageChannel()
         navigator.serviceWorker.controller.postMessage({ ask: 'own' }, [port2])
         return new Promise((done) => { port1.onmessage = ({ data }) => done(data) })",
    );
    assert_eq!(said, json!(["words beside", 3, true]));
    cut_off(&browser, &origin);
    browser.stop_workers();
    assert_eq!(text_of(&tab, "/own"), "own /own");
    // a file of the build, which it answers in our place
    assert_eq!(text_of(&tab, "/data/list.json"), "own /data/list.json");
    assert_eq!(
        text_of(&tab, "/assets/later.js"),
        "export const later = 'later one'"
    );
    tab.load(&origin.url("/contact")).ok();
    assert!(tab.text().contains("Contact one"), "{}", tab.text());
}

#[test]
fn a_change_of_it_changes_the_worker_and_a_fault_of_it_stops_the_build() {
    let (site, out) = (extended_site(), Site::new());
    build_with_own(&site, OWN, &out).ok();
    let before = out.files();
    build_with_own(&site, &OWN.replace("`own ", "`mine "), &out).ok();
    let after = out.files();
    assert!(after["sw.js"] != before["sw.js"]);
    assert!(String::from_utf8_lossy(&after["sw.js"]).contains("// the last line is a comment\n"));
    let output = build_with_own(&site, "let a = 1\nlet b = )", &out);
    assert_eq!(output.code, Some(1));
    assert_eq!(
        output.stderr,
        "error: `own.js`, line 2, column 9: Unexpected token\n\
         help: write it as a classic script, or bundle it to one; `importScripts` takes the place of `import`\n"
    );
    assert!(out.files() == after, "a refused build left something");
}

#[test]
fn the_config_names_it_relative_to_itself() {
    let (site, toml) = (extended_site(), Site::new());
    toml.file("deep/revisit.toml", "[worker]\nextend = \"js/own.js\"\n")
        .file("deep/js/own.js", OWN);
    let words = ["build", site.path().to_str().unwrap()];
    let config = ["--config", "deep/revisit.toml"];
    let run = |more: &[&str]| {
        crate::harness::revisit_in(toml.path(), &[&words[..], &config, more].concat())
    };
    run(&[]).ok();
    assert!(site.read("sw.js").contains(OWN));
    // the flag wins, and is relative to the working directory
    let output = run(&["--inject", "js/own.js"]);
    assert_eq!(output.code, Some(2), "{}", output.stderr);
    let fact = "error: cannot read the worker's own code `js/own.js`\n";
    assert!(output.stderr.starts_with(fact), "{}", output.stderr);
}

#[test]
fn imported_scripts_run_and_a_change_of_one_is_an_update() {
    const CONFIG: &str = "[worker]\nimport_scripts = [\"/own-words.js\"]\nupdate = \"immediate\"\n";
    let own = |word: &str| {
        format!(
            "addEventListener('message', ({{ data, ports }}) => data?.ask && ports[0].postMessage('{word}'))"
        )
    };
    let asked = |tab: &Tab| {
        tab.run(
            "const { port1, port2 } = new MessageChannel()
             navigator.serviceWorker.controller.postMessage({ ask: 'own' }, [port2])
             return new Promise((done) => { port1.onmessage = ({ data }) => done(data) })",
        )
    };
    let site = small_site();
    site.file("own-words.js", own("one"));
    let served = served(&site, CONFIG);
    let (browser, tab) = visited(&served.origin, "/");
    assert_eq!(asked(&tab), "one");
    site.file("own-words.js", own("two"));
    served.deploy(&site, CONFIG);
    tab.run(
        "const changed = new Promise((done) => { navigator.serviceWorker.oncontrollerchange = done })
         await (await navigator.serviceWorker.getRegistration()).update()
         await changed",
    );
    cut_off(&browser, &served.origin);
    browser.stop_workers();
    assert_eq!(asked(&tab), "two");
    assert_eq!(
        text_of(&tab, "/assets/later.js"),
        "export const later = 'later one'"
    );
}

#[test]
fn an_imported_script_that_is_no_file_of_the_site_stops_the_build() {
    let (site, toml) = (small_site(), Site::new());
    toml.file("revisit.toml", "[worker]\nimport_scripts = [\"push.js\"]\n");
    let words = ["build", site.path().to_str().unwrap()];
    let output = crate::harness::revisit_in(toml.path(), &words);
    assert_eq!(output.code, Some(2), "{}", output.stderr);
    let fact = "error: `worker.import_scripts` cannot be `push.js`: it is no file of the folder";
    assert!(output.stderr.starts_with(fact), "{}", output.stderr);
}
