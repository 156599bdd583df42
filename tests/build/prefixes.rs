//! Paths of URLs that are not those of the disk: files are read and written where they lie.

use super::*;
use crate::harness::{DEADLINE, eventually};

const CONFIG: &str = "[site]\nprefixes = { \"pages/\" = \"\", \"static/\" = \"assets/\" }\n";

fn site() -> Site {
    let site = Site::new();
    let page = "<!doctype html><title>x</title><script src=/assets/app.js></script>";
    site.file("pages/index.html", page)
        .file("pages/about/index.html", page)
        .file("static/app.js", "1");
    site
}

#[test]
fn pages_are_tagged_where_they_lie_and_untagged_again() {
    let (site, before) = (site(), site().files());
    build_with(site.path(), CONFIG, &[]).ok();
    let built = site.files();
    for page in ["pages/index.html", "pages/about/index.html"] {
        let text = String::from_utf8_lossy(&built[page]).into_owned();
        assert!(text.contains("revisit/client-"), "{page}: {text}");
    }
    assert!(site.has("sw.js") && !site.has("index.html"));
    build_with(site.path(), CONFIG, &[]).ok();
    check_same(&site.files(), &built);
    build_with(site.path(), CONFIG, &["--uninstall"]).ok();
    let mut after = site.files();
    after.remove("sw.js");
    check_same(&after, &before);
}

#[test]
fn an_unchanged_copy_is_known_again() {
    let (site, out, cache) = (site(), Site::new(), Site::new());
    cache.file(
        "revisit.toml",
        format!("{CONFIG}[build]\ncache = '{}'\n", text(cache.path())),
    );
    let config = text(&cache.path().join("revisit.toml"));
    let out_path = text(out.path());
    let words = ["--out", &out_path, "--json", "--config", &config];
    let first = report(&build(site.path(), &words));
    let built = out.files();
    assert!(built.contains_key("static/app.js") && built.contains_key("sw.js"));
    eventually("a build that finds nothing to do", DEADLINE, || {
        let output = build(site.path(), &words);
        let printed: Value = serde_json::from_str(&output.ok().stdout).unwrap();
        assert_eq!(printed["report"]["build"], first["build"]);
        (printed["written"]["written"] == 0).then_some(())
    });
    check_same(&out.files(), &built);
}

#[test]
fn what_cannot_be_is_refused() {
    let site = site();
    site.file("assets/app.js", "2");
    let output = build_with(site.path(), CONFIG, &[]);
    check_refused(
        &output,
        2,
        &["`assets/app.js` and `static/app.js`", "site.prefixes"],
    );
    let folder = Site::new();
    folder.file("revisit.toml", CONFIG);
    let config = text(&folder.path().join("revisit.toml"));
    let output = revisit(&["serve", &text(site.path()), "--config", &config]);
    check_refused(
        &output,
        2,
        &["`[site] prefixes`", "as the host serves them"],
    );
}
