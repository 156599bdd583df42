//! `revisit import`: a config of another tool becomes one of ours, and a build takes it.

use std::fs;
use std::path::{Path, PathBuf};

use super::{check_refused, text};
use crate::harness::{Output, Site, revisit_in};

/// Configs as people write them, each in another style.
const CONFIGS: [&str; 5] = [
    "workbox-config.js",
    "build.mjs",
    "vite.config.ts",
    "sw-precache-config.json",
    "gulpfile.js",
];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/import")
        .join(name)
}

/// A folder with this config alone in it.
fn project(name: &str) -> Site {
    let project = Site::new();
    project.file(name, fs::read(fixture(name)).unwrap());
    project
}

fn import(project: &Site, words: &[&str]) -> Output {
    revisit_in(project.path(), &[&["import"], words].concat())
}

#[test]
fn configs_in_five_styles_become_ours() {
    for name in CONFIGS {
        let output = import(&project(name), &[name]);
        output.ok();
        let expected = fs::read_to_string(fixture(&format!("{name}.toml"))).unwrap();
        assert!(
            output.stdout == expected,
            "{name} became:\n{}",
            output.stdout
        );
    }
}

#[test]
fn a_build_takes_what_a_config_became() {
    for name in CONFIGS {
        let project = project(name);
        let folder = match name {
            "build.mjs" => "public",
            "sw-precache-config.json" => "app",
            _ => "dist",
        };
        for (file, text) in [
            (
                "index.html",
                "<!doctype html><title>Home</title><script src=app.js></script>",
            ),
            ("offline.html", "<!doctype html><title>Offline</title>"),
            ("app.js", "1"),
            ("push.js", "2"),
            ("style.css", "h1 {}"),
        ] {
            project.file(&format!("{folder}/{file}"), text);
        }
        project
            .file("templates/today.njk", "t")
            .file("views/layout.jade", "l")
            .file("views/page.jade", "p");
        import(&project, &[name, "--out", "revisit.toml"]).ok();
        revisit_in(project.path(), &["build", folder]).ok();
    }
}

#[test]
fn each_option_is_told_of_and_the_config_alone_is_the_result() {
    let project = project("vite.config.ts");
    let output = import(&project, &["vite.config.ts"]);
    output.ok();
    for said in [
        "read vite.config.ts: vite-plugin-pwa\n",
        "  mapped      7:3  includeAssets → [precache] include\n",
        "  needless   20:3  devOptions: ",
        "  lost        8:3  manifest: no web app manifest is written",
        "  next     revisit build dist\n",
    ] {
        assert!(
            output.stderr.contains(said),
            "`{said}` is not in:\n{}",
            output.stderr
        );
    }
    assert!(output.stdout.starts_with("# Made of vite.config.ts"));
    assert_eq!(project.files().len(), 1, "something was written");
    let json = import(&project, &["vite.config.ts", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json.ok().stdout).unwrap();
    assert_eq!(json["imported"]["toml"], output.stdout);
    assert_eq!(json["imported"]["tool"], "vite-pwa");
    let lost = json["imported"]["findings"].as_array().unwrap().iter();
    let lost: Vec<_> = lost.filter(|it| it["outcome"] == "lost").collect();
    assert!(lost.len() == 1 && lost[0]["option"] == "manifest" && lost[0]["line"] == 8);
}

#[test]
fn a_config_that_is_there_is_replaced_by_force_only_and_strict_writes_nothing_of_a_loss() {
    let project = project("gulpfile.js");
    project.file("revisit.toml", "# mine");
    let out = ["gulpfile.js", "--out", "revisit.toml"];
    check_refused(
        &import(&project, &out),
        2,
        &["`revisit.toml` is there already"],
    );
    assert_eq!(project.read("revisit.toml"), "# mine");
    let strict = import(&project, &[&out[..], &["--force", "--strict"]].concat());
    assert_eq!(strict.code, Some(1), "{}", strict.stderr);
    assert!(
        strict
            .stderr
            .contains("error: 2 options without a counterpart\nhelp: "),
        "{}",
        strict.stderr
    );
    assert_eq!(project.read("revisit.toml"), "# mine");
    import(&project, &[&out[..], &["--force"]].concat()).ok();
    assert!(project.read("revisit.toml").starts_with("# Made of"));
    project.file("whole.json", "{\"globDirectory\": \"dist\"}");
    import(&project, &["whole.json", "--strict"]).ok();
}

#[test]
fn what_is_no_config_is_refused_with_the_place_of_its_fault() {
    let project = Site::new();
    project
        .file("broken.js", "module.exports = {\n  globDirectory: ,\n}")
        .file("other.js", "module.exports = {entry: 'a'}")
        .file("latin.js", b"// \xe9");
    check_refused(
        &import(&project, &["broken.js"]),
        1,
        &["`broken.js`", "line 2, column 18"],
    );
    check_refused(
        &import(&project, &["other.js"]),
        1,
        &["no config of Workbox or sw-precache"],
    );
    check_refused(
        &import(&project, &["latin.js"]),
        2,
        &["`latin.js`", "not UTF-8"],
    );
    check_refused(
        &import(&project, &["nowhere.js"]),
        2,
        &["cannot read `nowhere.js`"],
    );
    let site = ["broken.js", "--site", "nowhere"];
    check_refused(&import(&project, &site), 2, &["`nowhere` is no folder"]);
    check_refused(&import(&project, &["."]), 2, &["cannot read `.`"]);
}

#[test]
fn a_url_that_is_a_file_of_the_folder_is_no_page_that_a_server_makes() {
    let project = Site::new();
    project.file("dist/about.html", "<!doctype html>").file(
        "c.json",
        r#"{"globDirectory": "dist", "additionalManifestEntries": ["/about.html", "/cart"]}"#,
    );
    let there = import(&project, &["c.json"]);
    assert!(there.ok().stdout.contains("\"/cart\"") && !there.stdout.contains("\"/about.html\""));
    assert!(
        there
            .stderr
            .contains("`/about.html` is the file `about.html`"),
        "{}",
        there.stderr
    );
    let elsewhere = Site::new();
    let site = text(elsewhere.path());
    let other = import(&project, &["c.json", "--site", &site]);
    assert!(other.ok().stdout.contains("\"/about.html\""));
}
