//! What a build makes of such a site, and what it refuses.

use super::*;
use crate::harness::{Output, revisit_in};

fn built(site: &Site, config: &str, words: &[&str]) -> Output {
    let home = Site::new();
    home.file("revisit.toml", config);
    let mut all = vec!["build".to_owned(), site.path().display().to_string()];
    all.extend(words.iter().map(|word| (*word).to_owned()));
    revisit_in(home.path(), &all)
}

#[test]
fn a_page_gets_the_shim_before_its_first_script_once_and_loses_it_whole() {
    let site = site("one", "");
    site.file(
        "plain.html",
        "<!doctype html><title>x</title><p>no script\n",
    );
    let before = site.files();
    let said: serde_json::Value = {
        let output = built(&site, "", &["--json"]);
        serde_json::from_str(&output.ok().stdout).expect("JSON")
    };
    assert_eq!(said["report"]["worker"], "appcache");
    let caches = &said["report"]["application_caches"];
    assert_eq!(
        (&caches[0]["manifest"], &caches[0]["files"]),
        (&json!("site.appcache"), &json!(2))
    );
    assert_eq!(said["report"]["warnings"], json!([]));
    let page = site.read("index.html");
    let shim = page.find("<script data-revisit=").expect("the shim");
    assert_eq!(page.find("<script"), Some(shim));
    assert!(
        page.find("charset=utf-8")
            .is_some_and(|charset| charset < shim)
    );
    assert!(site.read("plain.html").contains("applicationCache"));
    assert!(site.has("sw.js") && !site.has("revisit"));

    let once = site.files();
    built(&site, "", &[]).ok();
    built(&site, "", &["--no-cache"]).ok();
    assert!(site.files() == once, "a second build changes nothing");
    // to the other worker and back
    built(&site, "[appcache]\nenabled = false\n", &[]).ok();
    assert!(!site.read("index.html").contains("swapCache") && site.has("revisit"));
    built(&site, "", &[]).ok();
    assert!(site.files() == once, "and back");
    built(&site, "", &["--uninstall"]).ok();
    let mut after = site.files();
    after.remove("sw.js");
    assert!(after == before, "pages are what they were");
}

#[test]
fn what_stands_against_the_shim_is_named_with_its_remedy() {
    let check = |site: &Site, config: &str, words: &[&str], said: &[&str]| {
        let output = built(site, config, words);
        assert!(output.code > Some(0), "{}{}", output.stdout, output.stderr);
        for said in said {
            assert!(output.stderr.contains(said), "{said}: {}", output.stderr);
        }
        assert!(!site.has("sw.js"));
        output.stderr
    };
    let off = "[appcache] enabled = false";
    check(
        &site("one", ""),
        "",
        &["--no-inject"],
        &["`site.appcache`", "no script may be put into pages", off],
    );
    check(
        &site("one", ""),
        "[[route]]\npath = \"/api/**\"\nstrategy = \"network-first\"\n",
        &[],
        &["`route` is for the worker that keeps files ahead", off],
    );
    check(
        &site("one", ""),
        "[precache]\nexclude = [\"x\"]\n",
        &[],
        &["`precache.exclude`", off],
    );
    check(
        &site("one", ""),
        "",
        &["--match", "/app.js"],
        &["`--match`", "index.html"],
    );

    let strict = site("one", "");
    let policy =
        "<meta http-equiv=Content-Security-Policy content=\"script-src 'self' 'sha256-x'\"></head>";
    strict.file(
        "other.html",
        strict.read("other.html").replace("</head>", policy),
    );
    let said = check(
        &strict,
        "",
        &[],
        &["`other.html` (its own)", "'sha256-", off],
    );
    let hash = said
        .split('`')
        .find(|it| it.starts_with("'sha256-"))
        .expect("the hash");
    strict.file(
        "other.html",
        strict.read("other.html").replace("'sha256-x'", hash),
    );
    built(&strict, "", &[]).ok();

    let hosted = site("one", "");
    hosted.file(
        "_headers",
        "/*\n  Content-Security-Policy: default-src 'self'\n",
    );
    check(
        &hosted,
        "[site]\nhost = \"netlify\"\n",
        &[],
        &["of its host's rules", off],
    );
}

#[test]
fn what_a_manifest_says_in_vain_is_told() {
    let more = "gone.js\nhttps://cdn.example/lib.js\nFALLBACK:\n/x\nImages:\na.png";
    let site = site("one", more);
    site.file(
        "odd.html",
        "<!doctype html><html manifest=none.appcache><title>x</title>",
    );
    let output = built(&site, "", &[]);
    for said in [
        "`site.appcache` lists `/gone.js`, which is not there",
        "`site.appcache` lists `https://cdn.example/lib.js`, which must let other origins read it",
        "line 8 of `site.appcache` has no effect: fallback-needs-two-urls",
        "line 10 of `site.appcache` has no effect: unknown-section",
        "`odd.html` names the AppCache manifest `none.appcache`, which is none: it is not in the folder",
    ] {
        assert!(output.stdout.contains(said), "{said}:\n{}", output.stdout);
    }
    // a login page where the manifest was: an ordinary site, and a word about it
    site.file("site.appcache", "<!doctype html>")
        .remove("odd.html");
    let output = built(&site, "", &[]);
    assert!(
        output
            .ok()
            .stdout
            .contains("which is none: it does not begin"),
        "{}",
        output.stdout
    );
    assert!(site.has("revisit"));
    // another attribute, which browsers of the time would not have read
    let own = site_with_attribute();
    let config = "[appcache]\nattribute = \"data-appcache\"\n";
    assert!(
        built(&own, config, &["--json"])
            .ok()
            .stdout
            .contains("\"worker\": \"appcache\"")
    );
}

fn site_with_attribute() -> Site {
    let site = site("one", "");
    for page in ["index.html", "other.html"] {
        site.file(
            page,
            site.read(page)
                .replace("html manifest=", "html data-appcache="),
        );
    }
    site
}
