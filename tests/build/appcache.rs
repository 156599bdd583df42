//! `revisit import` of AppCache manifests: real ones become a config, and the build of a matching site takes it.

use std::path::Path;

use super::check_refused;
use crate::harness::{Output, Site, revisit_in};

const REAL: &str = include_str!("../vectors/appcache-realworld.json");

fn import(project: &Site, words: &[&str]) -> Output {
    revisit_in(project.path(), &[&["import"], words].concat())
}

/// A site with a page that names the manifest, and all files of its own that it lists.
fn site_of(manifest: &str, path: &str) -> Site {
    let project = Site::new();
    let base = url::Url::parse("https://example.com")
        .unwrap()
        .join(path)
        .unwrap();
    project.file(&format!("site{path}"), manifest);
    project.file(
        "site/index.html",
        format!("<!doctype html><html manifest='{path}'><title>Home</title>"),
    );
    let words = manifest
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace);
    for word in words.filter(|word| word.contains('.') && !word.ends_with(':')) {
        let url = base.join(word).unwrap();
        let file = format!("site{}", url.path());
        if url.host_str() == Some("example.com")
            && !file.ends_with('/')
            && !project.path().join(&file).exists()
        {
            project.file(&file, format!("body of {file}"));
        }
    }
    project
}

#[test]
fn real_manifests_become_a_config_that_the_build_of_their_site_takes() {
    let real: serde_json::Value = serde_json::from_str(REAL).unwrap();
    let mut built = 0;
    for case in real["manifests"].as_array().unwrap() {
        let url = case["assumed_manifest_url"].as_str().unwrap();
        let path = url.strip_prefix("https://example.com").unwrap();
        let project = site_of(case["manifest"].as_str().unwrap(), path);
        let file = format!("site{path}");
        let words = [&*file, "--site", "site", "--out", "revisit.toml"];
        if case["summary"]["ok"] == false {
            check_refused(
                &import(&project, &words),
                1,
                &["no AppCache manifest", "template"],
            );
            continue;
        }
        import(&project, &words).ok();
        let output = revisit_in(project.path(), &["build", "site", "--json"]);
        assert_eq!(
            output.code,
            Some(0),
            "{}: {}\n{}",
            case["id"],
            output.stderr,
            project.read("revisit.toml")
        );
        built += 1;
    }
    assert!(built >= 13, "only {built}");
}

#[test]
fn losses_and_oddities_are_told_and_strict_refuses_a_loss() {
    let project = Site::new();
    let manifest = "CACHE MANIFEST\n# v1\na.js trailing\ngone.js\nFALLBACK:\n/ off.html\nNETWORK:\n/api/\nhttp://*\n";
    project
        .file("site/site.appcache", manifest)
        .file("site/index.html", "<html manifest=site.appcache>")
        .file("site/off.html", "<p>off")
        .file("site/a.js", "1")
        .file(
            "site/_headers",
            "/site.appcache\n  Cache-Control: max-age=31536000\n",
        );
    let output = import(&project, &["site/site.appcache", "--site", "site"]);
    output.ok();
    for said in [
        "read site/site.appcache: an AppCache manifest\n",
        "  mapped      3:1  CACHE /a.js → [precache] include, shell\n",
        "  lost        4:1  CACHE /gone.js: there is no such file",
        "  mapped      6:1  FALLBACK / /off.html → [[route]] network-first, fallback",
        "  mapped      8:1  NETWORK /api/ → [[route]] network-only\n",
        "  lost        1:1  NETWORK (closed): without `*`",
        "  note     line 3: what stands after the URL is ignored (`trailing`)",
        "  note     line 9: `http://*` names a host that nobody has",
        "  note     `_headers` line 1: the manifest itself is fresh for 31536000 seconds",
    ] {
        assert!(
            output.stderr.contains(said),
            "`{said}` is not in:\n{}",
            output.stderr
        );
    }
    let strict = import(
        &project,
        &[
            "site/site.appcache",
            "--site",
            "site",
            "--strict",
            "--out",
            "revisit.toml",
        ],
    );
    assert_eq!(strict.code, Some(1), "{}", strict.stderr);
    let refused = "error: 2 options without a counterpart\n";
    assert!(strict.stderr.contains(refused), "{}", strict.stderr);
    assert!(!project.path().join("revisit.toml").exists());
    let json = import(&project, &["site/site.appcache", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json.ok().stdout).unwrap();
    assert_eq!(json["imported"]["tool"], "appcache");
}

#[test]
fn what_is_no_manifest_is_refused_with_what_it_is() {
    let project = Site::new();
    let utf16: Vec<u8> = "\u{feff}CACHE MANIFEST\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    project
        .file("login.appcache", "<!doctype html><title>Sign in</title>")
        .file("utf16.appcache", utf16);
    check_refused(
        &import(&project, &["login.appcache"]),
        1,
        &["an HTML page", "give the manifest itself"],
    );
    check_refused(
        &import(&project, &["utf16.appcache"]),
        1,
        &["UTF-16", "save it as UTF-8"],
    );
    assert_eq!(project.files().len(), 2, "{:?}", Path::new(project.path()));
}
