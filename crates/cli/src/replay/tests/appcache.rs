//! Application caches in what is told of a replay.

use super::*;

/// A site of the time of application caches; the second version of it changes what is in `changed` alone.
fn old_site(changed: &[(&str, &str)]) -> tempfile::TempDir {
    let page = "<html manifest=site.appcache><link rel=stylesheet href=style.css><script src=app.js></script>";
    let manifest = "CACHE MANIFEST\n# 1\nstyle.css\napp.js\n";
    let files = [
        ("index.html", page),
        ("style.css", "p{}"),
        ("app.js", "1"),
        ("picture.png", "1"),
        ("site.appcache", manifest),
    ];
    let dir = tempfile::tempdir().unwrap();
    for version in ["one", "two"] {
        for (path, text) in files
            .iter()
            .chain(changed.iter().filter(|_| version == "two"))
        {
            let path = dir.path().join(version).join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }
    dir
}

/// The findings about application caches of the visits before and after a deploy, in a browser that has them or not.
#[track_caller]
fn check_old_site(changed: &[(&str, &str)], has_them: bool, expected: &[Kind]) {
    let dir = old_site(changed);
    let scenario = format!(
        "site = 'one'\napplication_cache = {has_them}\n[deploys]\nnext = 'two'\n[[step]]\nvisit = '/'\n[[step]]\nvisit = '/'\n\
         [[step]]\ndeploy = 'next'\n[[step]]\nvisit = '/'\n[[step]]\nvisit = '/'\n"
    );
    std::fs::write(dir.path().join("visits.toml"), scenario).unwrap();
    let report = report(&[&dir.path().join("visits.toml")]);
    let kinds = report.findings.iter().map(|finding| finding.kind);
    let about = [
        Kind::ManifestIgnored,
        Kind::ManifestUnchanged,
        Kind::ListedNowhere,
        Kind::UpdateFails,
        Kind::MixedDeploys,
    ];
    let found: Vec<Kind> = kinds.filter(|kind| about.contains(kind)).collect();
    assert_eq!(found, expected, "{:?}", report.findings);
}

#[test]
fn what_is_off_with_an_application_cache_is_found_in_a_browser_that_has_them() {
    let next = "CACHE MANIFEST\n# 2\nstyle.css\napp.js\n";
    let more = "CACHE MANIFEST\n# 2\nstyle.css\napp.js\nmissing.js\n";
    let page = "<html manifest=site.appcache><img src=picture.png>";
    for (changed, has_them, expected) in [
        (
            vec![("app.js", "2"), ("site.appcache", next)],
            false,
            vec![Kind::ManifestIgnored],
        ),
        (vec![("app.js", "2"), ("site.appcache", next)], true, vec![]),
        (vec![("app.js", "2")], true, vec![Kind::ManifestUnchanged]),
        (
            vec![("index.html", page), ("site.appcache", next)],
            true,
            vec![Kind::ListedNowhere],
        ),
        (vec![("site.appcache", more)], true, vec![Kind::UpdateFails]),
    ] {
        check_old_site(&changed, has_them, &expected);
    }
}

/// Visits to a Netlify site before and after a deploy that changes these files, in a browser with application caches.
fn deployed(changed: &[(&str, &str)], path: &str) -> Report {
    let dir = old_site(changed);
    let scenario = format!(
        "site = 'one'\nhost = 'netlify'\napplication_cache = true\n[deploys]\nnext = 'two'\n[[step]]\nvisit = '/'\n\
         [[step]]\nvisit = '/'\n[[step]]\ndeploy = 'next'\n[[step]]\nvisit = '{path}'\n[[step]]\nvisit = '{path}'\n"
    );
    std::fs::write(dir.path().join("visits.toml"), scenario).unwrap();
    report(&[&dir.path().join("visits.toml")])
}

#[test]
fn a_manifest_that_a_lifetime_keeps_is_told_as_that_and_not_as_unchanged() {
    let dir = old_site(&[
        ("app.js", "2"),
        ("site.appcache", "CACHE MANIFEST\n# 2\nstyle.css\napp.js\n"),
    ]);
    for version in ["one", "two"] {
        let rules = "/site.appcache\n  Cache-Control: max-age=31536000\n";
        std::fs::write(dir.path().join(version).join("_headers"), rules).unwrap();
    }
    let scenario = "site = 'one'\nhost = 'netlify'\napplication_cache = true\n[deploys]\nnext = 'two'\n[[step]]\nvisit = '/'\n\
         [[step]]\nvisit = '/'\n[[step]]\ndeploy = 'next'\n[[step]]\nvisit = '/'\n";
    std::fs::write(dir.path().join("visits.toml"), scenario).unwrap();
    let report = report(&[&dir.path().join("visits.toml")]);
    let kept = report
        .findings
        .iter()
        .find(|it| it.kind == Kind::ManifestKept);
    let kept = kept.unwrap_or_else(|| panic!("{:?}", report.findings));
    assert!(kept.urls[0].ends_with("/site.appcache"), "{kept:?}");
    assert!(kept.remedy.contains("no-cache"), "{kept:?}");
    let wrong = [
        Kind::ManifestUnchanged,
        Kind::MixedDeploys,
        Kind::FileKeptLong,
    ];
    assert!(
        report.findings.iter().all(|it| !wrong.contains(&it.kind)),
        "{:?}",
        report.findings
    );
}

#[test]
fn an_update_that_fails_is_told_with_its_cause_and_what_mends_that() {
    for (manifest, word, what, remedy) in [
        (
            "no manifest",
            "error (signature)",
            "what comes is no manifest",
            "`CACHE MANIFEST`",
        ),
        (
            "CACHE MANIFEST\nmissing.js\n",
            "error (resource)",
            "the manifest lists it",
            "deploy what the manifest lists",
        ),
    ] {
        let report = deployed(&[("site.appcache", manifest)], "/");
        let failing = report
            .findings
            .iter()
            .find(|it| it.kind == Kind::UpdateFails);
        let failing = failing.unwrap_or_else(|| panic!("{:?}", report.findings));
        assert!(failing.what.contains(what), "{failing:?}");
        assert!(failing.remedy.contains(remedy), "{failing:?}");
        let told = table::table(&report, false);
        assert!(told.contains(word), "{told}");
    }
}

#[test]
fn a_manifest_that_is_gone_breaks_nothing() {
    let dir = old_site(&[]);
    std::fs::remove_file(dir.path().join("two/site.appcache")).unwrap();
    let scenario = "site = 'one'\napplication_cache = true\n[deploys]\nnext = 'two'\n[[step]]\nvisit = '/'\n\
         [[step]]\ndeploy = 'next'\n[[step]]\nvisit = '/'\n[[step]]\nvisit = '/'\n";
    std::fs::write(dir.path().join("visits.toml"), scenario).unwrap();
    let report = report(&[&dir.path().join("visits.toml")]);
    let kinds: Vec<Kind> = report.findings.iter().map(|it| it.kind).collect();
    assert!(
        kinds.contains(&Kind::ManifestGone) && !kinds.contains(&Kind::UpdateFails),
        "{:?}",
        report.findings
    );
}

#[test]
fn a_fallback_entry_of_an_earlier_deploy_is_seen_as_that() {
    let dir = old_site(&[]);
    let manifest = "CACHE MANIFEST\nFALLBACK:\n/notes/ /offline.html\nNETWORK:\n*\n";
    for version in ["one", "two"] {
        let root = dir.path().join(version);
        std::fs::write(root.join("site.appcache"), manifest).unwrap();
        std::fs::write(root.join("offline.html"), format!("<p>offline {version}")).unwrap();
    }
    let scenario = "site = 'one'\napplication_cache = true\n[deploys]\nnext = 'two'\n[[step]]\nvisit = '/'\n\
         [[step]]\ndeploy = 'next'\n[[step]]\nvisit = '/notes/missing'\n";
    std::fs::write(dir.path().join("visits.toml"), scenario).unwrap();
    let report = report(&[&dir.path().join("visits.toml")]);
    let last = report.visits.last().unwrap();
    assert!(
        last.outdated
            .iter()
            .any(|url| url.ends_with("/offline.html")),
        "{:?}",
        last.outdated
    );
    let mixed = report
        .findings
        .iter()
        .any(|it| it.kind == Kind::MixedDeploys);
    assert!(!mixed, "{:?}", report.findings);
}

#[test]
fn a_recording_has_no_application_caches() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("visits.toml");
    std::fs::write(&path, "har = 'x.har'\napplication_cache = true\n").unwrap();
    check_refused(
        dir.path(),
        &[&path],
        "error: cannot use the scenario `DIR/visits.toml`\n  caused by: `application_cache` stands beside a `har`, which it cannot change\n\
         help: leave it out, or visit a folder with `site`\n",
    );
}

#[test]
fn a_call_of_a_script_wants_a_browser_and_a_page_with_an_application_cache() {
    for (scenario, expected) in [
        (
            "site = 'one'\n[[step]]\nvisit = '/'\n[[step]]\ndo = 'update'\n",
            "the browser that is played has no application caches\nhelp: play a browser that has them",
        ),
        (
            "site = 'one'\napplication_cache = true\n[[step]]\nvisit = '/'\n[[step]]\ndo = 'swap-cache'\n",
            "the page has no application cache that this could be done with\nhelp: put a step before it",
        ),
    ] {
        let dir = old_site(&[]);
        let path = dir.path().join("visits.toml");
        std::fs::write(&path, scenario).unwrap();
        let failure = replayed(input::read(&args(&[&path])).unwrap(), false).unwrap_err();
        assert!(failure.to_string().contains(expected), "{failure}");
    }
}

#[test]
fn the_old_site_is_told_as_it_is_in_the_snapshot() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/old-site");
    let dir = tempfile::tempdir().unwrap();
    let next = dir.path().join("next");
    std::fs::create_dir_all(next.join("notes")).unwrap();
    let names = [
        "index.html",
        "log.js",
        "offline.html",
        "style.css",
        "tide.json",
        "update.js",
    ];
    for name in names
        .iter()
        .chain(&["site.appcache", "notes/first.html", "notes/storm.html"])
    {
        let text = std::fs::read_to_string(example.join(name)).unwrap();
        let text = text
            .replace("# version 1", "# version 2")
            .replace("two schooners", "three schooners");
        std::fs::write(next.join(name), text).unwrap();
    }
    let scenario = format!(
        "site = {example:?}\napplication_cache = true\n[deploys]\n'version 2' = 'next'\n\
         [[page]]\npath = '/'\nfetch = ['tide.json']\n\
         [[step]]\nname = 'first visit'\nvisit = '/'\n[[step]]\nname = 'second visit'\nvisit = '/'\n\
         [[step]]\ndo = 'reload'\n[[step]]\ndo = 'hard-reload'\n[[step]]\nlink = '/notes/storm.html'\n\
         [[step]]\ndeploy = 'version 2'\n[[step]]\nname = 'after the deploy'\nvisit = '/'\n\
         [[step]]\nname = 'and once more'\nvisit = '/'\ncheck = {{ from = 'application-cache', stale = false, works = true }}\n\
         [[step]]\ndo = 'offline'\n[[step]]\nname = 'offline, read before'\nvisit = '/notes/storm.html'\n\
         [[step]]\nname = 'offline, not read before'\nvisit = '/notes/third.html'\n"
    );
    let path = dir.path().join("visits.toml");
    std::fs::write(&path, scenario).unwrap();
    let mut report = report(&[&path]);
    "old-site".clone_into(&mut report.of);
    let found = table::table(&report, true);
    check_snapshot(&found, "appcache");
    let page = page::page(&report);
    assert!(
        page.contains("hears checking, downloading, progress to"),
        "{page}"
    );
    let told = serde_json::to_value(&report).unwrap();
    assert_eq!(told["visits"][0]["events"][0]["event"], "checking");
    assert_eq!(
        told["visits"][1]["exchanges"][0]["application_cache"],
        "master entry"
    );
}
