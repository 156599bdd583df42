//! A worker of the site's own with the list of files put into it, and the modules that it may import.

use std::ffi::OsStr;

use super::*;
use crate::harness::{Output, revisit_in};

/// Builds with `--inject own.js`, by a config.
fn build(site: &Site, own: &str, config: &str, out: &Site) -> Output {
    let folder = Site::new();
    folder.file("own.js", own).file("revisit.toml", config);
    let (site, out) = (site.path().as_os_str(), out.path().as_os_str());
    let words = ["build".as_ref(), site, "--out".as_ref(), out];
    let flag = ["--inject", "own.js"].map(OsStr::new);
    revisit_in(folder.path(), &[&words[..], &flag[..]].concat())
}

/// A worker of the modules, as a bundler would make it.
fn of_modules() -> String {
    let folder = Site::new();
    revisit_in(folder.path(), &["worker-modules", "src/revisit"]).ok();
    let module = |name: &str| {
        let text = folder.read(&format!("src/revisit/{name}"));
        let lines = text.lines().filter(|line| !line.starts_with("import "));
        let lines: Vec<&str> = lines
            .map(|line| line.strip_prefix("export ").unwrap_or(line))
            .collect();
        lines.join("\n")
    };
    format!(
        "{}\n{}\nprecache(self.__REVISIT_MANIFEST)\n",
        module("route.js"),
        module("precache.js")
    )
}

#[test]
fn a_worker_of_the_modules_keeps_the_list_and_fetches_of_an_update_what_changed() {
    let out = Site::new();
    let extra = "[[precache.extra]]\nurl = \"/made\"\nrevision = \"7\"\n";
    build(&small_site(), &of_modules(), "", &out).ok();
    let origin = Origin::serve(out.path());
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&origin.url("/")).ok();
    tab.wait_for(
        "window.revisit?.state === 'installed'",
        "the page client to say `installed`",
    );
    tab.reload().ok();
    build(&next_site(), &of_modules(), "", &out).ok();
    let before = origin.requests().len();
    check_for_update(&tab);
    tab.wait_for("revisit.state === 'updateready'", "the update");
    let asked: Vec<String> = origin.requests()[before..]
        .iter()
        .map(|request| request.path().to_owned())
        .filter(|path| path != "/sw.js")
        .collect();
    let mut asked = asked;
    asked.sort();
    assert_eq!(
        asked,
        ["/about/index.html", "/assets/later.js", "/assets/text.js"]
    );
    tab.eval("void revisit.update()");
    tab.wait_for("document.body?.dataset.script === 'two'", "the new build");
    cut_off(&browser, &origin);
    browser.stop_workers();
    is_whole(&tab, &origin, "two");
    // what a server makes is in the list too
    build(&small_site(), &of_modules(), extra, &out).ok();
    let worker = String::from_utf8_lossy(&out.files()["sw.js"]).into_owned();
    assert!(
        worker.contains(r#"{"revision":"7","url":"made"}"#),
        "{worker}"
    );
    assert!(!out.files().keys().any(|name| name.ends_with(".pack")));
}

#[test]
fn the_list_is_an_array_as_workbox_has_it() {
    let (site, out) = (small_site(), Site::new());
    site.file("assets/main-1a2b3c4d.js", "1");
    build(&site, "const list = self.__WB_MANIFEST", "", &out).ok();
    let worker = String::from_utf8_lossy(&out.files()["sw.js"]).into_owned();
    let list = worker.strip_prefix("/*revisit*/const list = ").unwrap();
    let list: serde_json::Value = serde_json::from_str(list).unwrap();
    let entry = |url: &str| {
        let list = list.as_array().unwrap();
        list.iter().find(|it| it["url"] == url).cloned().unwrap()
    };
    let hashed = entry("assets/main-1a2b3c4d.js");
    assert!(hashed["revision"].is_null());
    assert_eq!(
        hashed["integrity"],
        "sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s="
    );
    assert!(entry("about/index.html")["revision"].is_string());
    // a build that is the same is the same again, and one that is other is written over it
    build(&site, "let list = self.__REVISIT_MANIFEST", "", &out).ok();
}

#[test]
fn a_worker_without_one_place_for_the_list_stops_the_build() {
    let site = small_site();
    let check = |own: &str, said: &str| {
        let output = build(&site, own, "", &Site::new());
        assert_eq!(output.code, Some(1), "{own}");
        assert!(
            output.stderr.starts_with(&format!("error: `own.js`{said}")),
            "{}",
            output.stderr
        );
        assert!(
            output.stderr.contains("\nhelp: write "),
            "{}",
            output.stderr
        );
    };
    check(
        "f(self.__WB_MANIFEST)\ng(self.__WB_MANIFEST)",
        ": the list of files has more than one place in it, in lines 1, 2",
    );
    check(
        "importScripts('workbox-sw.js')\nworkbox.core.clientsClaim()",
        ": it uses Workbox (`workbox-sw.js`) and has no place for the list of files",
    );
    check(
        "import { precacheAndRoute } from 'workbox-precaching'",
        ", line 1, column 1: ",
    );
}

#[test]
fn what_only_our_worker_does_is_refused_where_the_own_one_is_the_whole() {
    let (site, out) = (small_site(), Site::new());
    let whole = "f(self.__REVISIT_MANIFEST)";
    let beside = "addEventListener('push', () => {})";
    let refused = build(&site, whole, "[prefetch]\n", &out);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    let said = "error: `prefetch` means nothing here: `own.js` is the whole worker";
    assert!(refused.stderr.starts_with(said), "{}", refused.stderr);
    build(&site, beside, "[prefetch]\n", &out).ok();

    let folder = Site::new();
    let matched = |own: &str| {
        folder.file("own.js", own);
        let words = ["--inject", "own.js", "--match", "/about/"].map(OsStr::new);
        let words = [&["build".as_ref(), site.path().as_os_str()], &words[..]].concat();
        revisit_in(folder.path(), &words)
    };
    let refused = matched(whole);
    let said = "error: `--match` means nothing here: `own.js` is the whole worker";
    assert!(refused.stderr.starts_with(said), "{}", refused.stderr);
    matched(beside).ok();
}
