use std::fs;

use super::*;
use crate::import::Outcome;

/// The lines of the config that a manifest becomes, without comments and what is always there.
#[track_caller]
fn check(manifest: &str, expected: &str) {
    let made = made(manifest);
    let usual = |line: &&str| !line.starts_with('#') && !line.is_empty();
    let found: Vec<&str> = made.toml.lines().filter(usual).collect();
    let found = found.join("\n").replace(
        "\n[worker]\nupdate = \"next-visit\"\n[appcache]\nenabled = false",
        "",
    );
    assert_eq!(found, expected, "{}", made.toml);
    crate::import::tests::accepted(&made.toml).unwrap();
}

fn made(manifest: &str) -> Imported {
    let bytes = format!("CACHE MANIFEST\n{manifest}");
    import_manifest(bytes.as_bytes(), "app/site.appcache", None).unwrap()
}

/// What is told of one option, in one word, and its line.
#[track_caller]
fn outcome(made: &Imported, option: &str) -> (&'static str, usize) {
    let found = made.findings.iter().find(|it| it.option == option);
    let found = found.unwrap_or_else(|| panic!("no {option} in {:#?}", made.findings));
    let word = match found.outcome {
        Outcome::Mapped { .. } => "mapped",
        Outcome::Needless { .. } => "needless",
        Outcome::Lost { .. } => "lost",
    };
    (word, found.line)
}

#[test]
fn listed_files_are_precached_and_belong_to_the_shell() {
    check(
        "one.js\n/logo.png\n./\nmy%20photo.png\nNETWORK:\n*\n",
        "[precache]\ninclude = [\"app/one.js\", \"logo.png\", \"app/index.html\", \"app/my photo.png\"]\nshell = [\"app/one.js\", \"logo.png\", \"app/index.html\", \"app/my photo.png\"]",
    );
}

#[test]
fn prefixes_of_the_network_come_before_fallbacks_of_which_the_longest_is_first() {
    check(
        "FALLBACK:\n./ off.html\nimg/ off.png\nNETWORK:\n/api\n/api/v2\n*\n",
        "[precache]\ninclude = [\"app/off.png\", \"app/off.html\"]\nshell = [\"app/off.png\", \"app/off.html\"]\n[[route]]\npath = \"/api**\"\nstrategy = \"network-only\"\n[[route]]\npath = \"/app/img/**\"\nstrategy = \"network-first\"\nfallback = \"app/off.png\"\nfallback_on = \"failure\"\nmax_entries = 50\n[[route]]\npath = \"/app/**\"\nstrategy = \"network-first\"\nfallback = \"app/off.html\"\nfallback_on = \"failure\"\nmax_entries = 50",
    );
    let made = made("FALLBACK:\nx/y off.html\nNETWORK:\nx\n");
    assert_eq!(
        outcome(&made, "FALLBACK /app/x/y /app/off.html"),
        ("needless", 3)
    );
    assert!(!made.toml.contains("off.html"), "{}", made.toml);
}

#[test]
fn what_is_lost_is_named_with_its_line() {
    let made = made(
        "p?a=1\nfont.eot?\n//cdn.example/x.js\nFALLBACK:\nx?q off.html\n/other/ off.html\nNETWORK:\nn?q\nhttp://*\nSETTINGS:\nslow\n",
    );
    assert_eq!(outcome(&made, "CACHE /app/p?a=1"), ("lost", 2));
    assert_eq!(outcome(&made, "CACHE /app/font.eot?"), ("mapped", 3));
    assert_eq!(
        outcome(&made, "CACHE https://cdn.example/x.js"),
        ("mapped", 4)
    );
    assert_eq!(
        outcome(&made, "FALLBACK /app/x?q /app/off.html"),
        ("lost", 6)
    );
    assert_eq!(outcome(&made, "NETWORK /app/n?q"), ("lost", 9));
    assert_eq!(outcome(&made, "NETWORK (closed)"), ("lost", 1));
    assert_eq!(outcome(&made, "line 7"), ("needless", 7));
    assert_eq!(outcome(&made, "line 10"), ("needless", 10));
    assert_eq!(outcome(&made, "line 12"), ("needless", 12));
    assert_eq!(made.lost(), 4);
    for finding in &made.findings {
        let first = finding.option.split(' ').next().unwrap();
        assert!(Tool::AppCache.options().contains(&first), "{first}");
    }
}

#[test]
fn prefer_online_asks_the_network_for_pages_and_keeps_them_when_visited() {
    check(
        "page.html\na.js\nSETTINGS:\nprefer-online\nNETWORK:\n*\n",
        "[precache]\ninclude = [\"app/a.js\"]\nshell = [\"app/a.js\"]\n[[route]]\ndestination = [\"document\"]\nstrategy = \"network-first\"\nmax_entries = 50",
    );
}

#[test]
fn oddities_are_noted_with_their_line() {
    let made = made("my photo.png\nCache:\nx\nNETWORK:\nhttp://*\n");
    for (line, word) in [(2, "%20"), (3, "`Cache:`"), (6, "`http://*`")] {
        let line = format!("line {line}: ");
        let noted = |note: &&String| note.starts_with(&line) && note.contains(word);
        assert!(
            made.notes.iter().any(|it| noted(&it)),
            "{line}{word}\n{:#?}",
            made.notes
        );
    }
}

#[test]
fn the_site_tells_of_pages_missing_files_and_its_hosts_rules() {
    let site = tempfile::tempdir().unwrap();
    let put = |file: &str, text: &str| {
        let path = site.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put(
        "app/home.html",
        "<!doctype html><html manifest=site.appcache>",
    );
    put("app/other.html", "<html manifest=other.appcache>");
    put("app/a.js", "1");
    put("app/b.js", "2");
    put(
        "_headers",
        "/app/site.appcache\n  Cache-Control: max-age=31536000\n/app/a.js\n  Cache-Control: no-store\n",
    );
    put("_redirects", "/app/b.js /c.js 301!\n");
    let manifest = b"CACHE MANIFEST\na.js\nb.js\ngone.js\nFALLBACK:\nx gone.html\nNETWORK:\n*\n";
    let made = import_manifest(manifest, "app/site.appcache", Some(site.path())).unwrap();
    crate::import::tests::built(&made.toml, site.path());
    assert_eq!(outcome(&made, "CACHE /app/gone.js"), ("lost", 4));
    assert_eq!(
        outcome(&made, "FALLBACK /app/x /app/gone.html"),
        ("lost", 6)
    );
    assert!(
        made.toml.contains("entry = [\"app/home.html\"]"),
        "{}",
        made.toml
    );
    assert!(
        made.toml
            .contains("include = [\"app/a.js\", \"app/b.js\", \"app/home.html\"]"),
        "{}",
        made.toml
    );
    for said in [
        "31536000 seconds",
        "`app/a.js` is sent with `no-store`",
        "`app/b.js` is redirected",
    ] {
        assert!(
            made.notes.iter().any(|it| it.contains(said)),
            "{said}\n{:#?}",
            made.notes
        );
    }
}

/// What is imported of `manifest` beside these files, after a build of them with it.
#[track_caller]
fn built(manifest: &str, files: &[(&str, &str)]) -> Imported {
    let site = tempfile::tempdir().unwrap();
    for (file, text) in files {
        let path = site.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let bytes = format!("CACHE MANIFEST\n{manifest}");
    let made = import_manifest(bytes.as_bytes(), "site.appcache", Some(site.path())).unwrap();
    crate::import::tests::built(&made.toml, site.path());
    made
}

#[test]
fn the_page_at_which_visits_begin_is_kept_whatever_the_manifest_says() {
    const NAMES_IT: &str = "<html manifest=site.appcache>";
    let (index, page) = (("index.html", "<html>"), ("page.html", NAMES_IT));
    let script = ("a.js", "1");
    for manifest in [
        "a.js\n",
        "a.js\nSETTINGS:\nprefer-online\n",
        "",
        "NETWORK:\n*\n",
    ] {
        // neither named nor listed; naming it; a site without it
        let made = built(manifest, &[index, page, script]);
        assert!(made.toml.contains("\"index.html\""), "{}", made.toml);
        built(manifest, &[("index.html", NAMES_IT), page, script]);
        let made = built(manifest, &[page, script]);
        assert!(
            made.toml.contains("entry = [\"page.html\"]"),
            "{}",
            made.toml
        );
        built(manifest, &[("other.html", "<html>"), script]);
    }
    // and in the other direction: pages that are visited stay out of it
    let made = built("SETTINGS:\nprefer-online\n", &[index, page]);
    assert!(!made.toml.contains("page.html"), "{}", made.toml);
}

#[test]
fn without_a_wildcard_the_advice_is_one_that_has_an_effect() {
    let ends_with_a_route = |manifest: &str| {
        let files = [("index.html", "<html>"), ("off.html", "<p>off")];
        let made = built(manifest, &files);
        let mut found = made.findings.iter();
        let found = found.find(|it| it.option == "NETWORK (closed)");
        match &found.expect("a finding").outcome {
            Outcome::Lost { why } => why.contains("`/**`"),
            other => panic!("{other:?}"),
        }
    };
    for open in [
        "",
        "FALLBACK:\n/app/ off.html\n",
        "NETWORK:\n/app/\n",
        "FALLBACK:\n/ gone.html\n",
    ] {
        assert!(ends_with_a_route(open), "{open}");
    }
    // it would stand behind one that has everything
    for taken in ["FALLBACK:\n/ off.html\n", "NETWORK:\n/\n"] {
        assert!(!ends_with_a_route(taken), "{taken}");
    }
}

#[test]
fn what_is_no_manifest_is_told_by_what_it_is() {
    for (text, said) in [
        ("<!doctype html><title>Sign in</title>", "an HTML page"),
        ("---\n---\nCACHE MANIFEST\n", "a template"),
        ("C\0A\0C\0H\0E\0", "UTF-16"),
        ("", "empty"),
    ] {
        let error = import_manifest(text.as_bytes(), "site.appcache", None).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
    assert!(is_manifest("x.APPCACHE", b"") && is_manifest("manifest.php", b"CACHE MANIFEST\n"));
    assert!(!is_manifest("workbox-config.js", b"module.exports = {}"));
}

#[test]
fn every_vector_and_real_manifest_becomes_a_config_that_loads() {
    let vectors = include_str!("../../../../../tests/vectors/appcache-vectors.json");
    let own = include_str!("../../../../../tests/vectors/appcache-own.json");
    let real = include_str!("../../../../../tests/vectors/appcache-realworld.json");
    let mut read = 0;
    for (text, lists) in [
        (vectors, &["parser", "matching"][..]),
        (own, &["parser", "matching"]),
        (real, &["manifests"]),
    ] {
        let cases: serde_json::Value = serde_json::from_str(text).unwrap();
        for case in lists
            .iter()
            .flat_map(|list| cases[list].as_array().unwrap())
        {
            let bytes = case["manifest"].as_str().unwrap_or_default();
            let url = case["manifest_url"]
                .as_str()
                .or(case["assumed_manifest_url"].as_str());
            let url = Url::parse(url.unwrap()).unwrap();
            let path = url.path().trim_start_matches('/');
            if let Ok(made) = import_manifest(bytes.as_bytes(), path, None) {
                read += 1;
                crate::import::tests::accepted(&made.toml)
                    .unwrap_or_else(|why| panic!("{}: {why}\n{}", case["id"], made.toml));
            }
        }
    }
    assert!(read > 50, "only {read}");
}

#[test]
fn a_manifest_of_many_lines_is_read_and_each_file_and_prefix_comes_once() {
    const MANY: usize = 10_000;
    let mut lines = String::new();
    let mut add = |line: String| lines.push_str(&format!("{line}\n"));
    for at in 0..MANY {
        add(format!("f/{at}.js"));
        // the same file in other words
        add(format!("%66/{at}.js"));
        add(format!("//cdn.example/{at}.js"));
    }
    add("NETWORK:\n*".to_owned());
    for at in 0..MANY {
        add(format!("/n/{at}/"));
        add(format!("/n/{at}/below"));
    }
    add("FALLBACK:".to_owned());
    for at in 0..MANY {
        add(format!("g/{at}/ f/1.js"));
        add(format!("/n/{at}/x f/1.js"));
    }
    let made = made(&lines);
    let count = |part: &str| made.toml.matches(part).count();
    // under `include`, and under `shell`
    assert_eq!(count("  \"app/f/"), 2 * MANY);
    assert_eq!(count("origin = \"https://cdn.example\""), MANY);
    assert_eq!(count("\"network-only\""), MANY);
    assert_eq!(count("\"network-first\""), MANY);
    assert_eq!(count("[[route]]"), 3 * MANY);
}

proptest::proptest! {
    #[test]
    fn any_manifest_becomes_a_config_that_loads(lines in "((CACHE:|NETWORK:|FALLBACK:|SETTINGS:|prefer-online|\\*|[a-c/.?*:{}\\[\\]!%\"'#é0-9]{1,6}( [a-c/.?*]{1,6})?)\n){0,20}") {
        let made = made(&lines);
        let accepted = crate::import::tests::accepted(&made.toml);
        proptest::prop_assert!(accepted.is_ok(), "{:?}\n{}\n{}", accepted, lines, made.toml);
    }
}
