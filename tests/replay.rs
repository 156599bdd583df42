//! `revisit replay`: a real Chromium asks for what the replay says, step by step; recordings of any size are read; promises are kept.

#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::Value;

use crate::harness::{Site, revisit};

/// Plays in a Chromium too; what only one of both asked for must be `allowed`.
#[track_caller]
fn check_in_chromium(of: &Path, visits: usize, allowed: impl Fn(&str) -> bool) {
    let chromium =
        std::env::var("REVISIT_CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    let output = revisit(&[
        "replay",
        of.to_str().unwrap(),
        "--json",
        "--browser",
        &chromium,
    ]);
    let told: Value = serde_json::from_str(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", output.stdout, output.stderr));
    let compared = told["browser"]["visits"].as_array().unwrap();
    assert_eq!(compared.len(), visits, "{compared:#?}");
    let mut both = 0;
    for visit in compared {
        both += visit["both"].as_u64().unwrap();
        let lines = |key: &str| visit[key].as_array().unwrap().clone();
        for line in lines("only_replay").iter().chain(&lines("only_browser")) {
            assert!(allowed(line.as_str().unwrap()), "{visit:#}");
        }
    }
    assert!(both > 10, "they have something in common: {compared:#?}");
}

#[test]
fn chromium_asks_for_what_the_replay_says_of_the_flower_shop() {
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/flowers");
    let site = Site::new();
    let scenario = format!(
        "site = {shop:?}\n[[page]]\npath = '/'\nfetch = ['/api/products.json']\n\
         [[step]]\nname = 'first visit'\nvisit = '/'\n[[step]]\nname = 'next page'\nlink = '/about/'\n\
         [[step]]\ndo = 'reload'\n[[step]]\ndo = 'back'\n[[step]]\nnew_tab = '/'\n[[step]]\nwait = '1 day'\n\
         [[step]]\ndo = 'restart'\n[[step]]\nname = 'tomorrow'\nvisit = '/'\n[[step]]\nwait = '30 days'\n\
         [[step]]\ndo = 'restart'\n[[step]]\nname = 'a month later'\nvisit = '/'\n\
         [[step]]\ndo = 'offline'\n[[step]]\nname = 'offline'\nvisit = '/'\n"
    );
    site.file("tour.toml", &scenario);
    // How many of the lazy thumbnails that a script draws come near the window is the layout's to say.
    check_in_chromium(&site.path().join("tour.toml"), 8, |line| {
        line.starts_with("GET /thumbs/")
    });
}

#[test]
fn chromium_asks_for_what_the_replay_says_of_a_page_with_everything() {
    let site = Site::new();
    let page = "<!doctype html><script type=importmap>{\"imports\":{\"lib\":\"/js/lib.js\"}}</script>\
        <link rel=preload as=image href=/img/pre.png><link rel=modulepreload href=/js/pre.js>\
        <link rel=stylesheet href=/css/main.css><link rel=stylesheet media=print href=/css/print.css>\
        <script src=/js/head.js></script><script defer src=/js/defer.js></script><script nomodule src=/js/old.js></script>\
        <script type=module>import 'lib';import '/js/a.js'</script>\
        <h1 class=hero style='background:url(/img/inline.png)'>é</h1><template><img src=/img/never.png></template>\
        <img src=/img/small.png srcset='/img/wide.png 1280w, /img/huge.png 4000w'>\
        <picture><source media='(max-width: 100px)' srcset=/img/phone.png><img src=/img/desk.png></picture>\
        <img src=/img/pre.png><iframe src=/frame.html></iframe><a href=/other.html>other</a>";
    site.file("index.html", page);
    site.file("other.html", page);
    site.file(
        "frame.html",
        "<link rel=stylesheet href=/css/frame.css><p class=framed>",
    );
    site.file(
        "css/main.css",
        "@import 'more.css';@font-face{font-family:F;src:url(/f.woff2)}.hero{font-family:F}.none{background:url(/img/none.png)}\
         @media print{h1{background:url(/img/print.png)}}h1:hover{color:red;background:url(/img/hover.png)}",
    );
    site.file(
        "css/more.css",
        "h1::before{content:'';background:url(/img/more.png)}",
    );
    site.file("css/frame.css", ".framed{background:url(/img/framed.png)}");
    site.file("css/print.css", "h1{background:url(/img/paper.png)}");
    for (name, text) in [
        ("lib", "import './deep.js'"),
        ("deep", "export {}"),
        ("a", "if (globalThis.never) import('./never.js')"),
        ("pre", "export {}"),
        ("head", ""),
        ("defer", ""),
        ("old", ""),
        ("never", ""),
    ] {
        site.file(&format!("js/{name}.js"), text);
    }
    let pixel = "<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>";
    for name in [
        "pre", "inline", "small", "wide", "huge", "phone", "desk", "none", "print", "framed",
        "hover", "more", "never", "paper",
    ] {
        site.file(&format!("img/{name}.png"), pixel);
    }
    site.file("f.woff2", "no font");
    check_in_chromium(site.path(), 8, |_| false);
}

#[test]
fn chromium_asks_for_what_the_replay_says_under_every_kind_of_header() {
    let site = Site::new();
    let names = ["max", "none", "store", "swr", "must", "past"];
    let tags: String = names
        .iter()
        .map(|name| format!("<link rel=stylesheet href=/{name}.css><script src=/{name}.js></script><img src=/{name}.svg>"))
        .collect();
    site.file(
        "index.html",
        format!("<!doctype html>{tags}<a href=/next.html>next</a>"),
    );
    site.file("next.html", format!("<!doctype html>{tags}"));
    for name in names {
        site.file(&format!("{name}.css"), "p{}");
        site.file(&format!("{name}.js"), "");
        site.file(
            &format!("{name}.svg"),
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
        );
    }
    site.file(
        "_headers",
        "/max.*\n  Cache-Control: max-age=600\n/none.*\n  Cache-Control: no-cache\n/store.*\n  Cache-Control: no-store\n\
         /swr.*\n  Cache-Control: max-age=600, stale-while-revalidate=600\n/must.*\n  Cache-Control: max-age=600, must-revalidate\n\
         /past.*\n  Cache-Control: max-age=0\n",
    );
    site.file("visits.toml", format!(
        "site = {:?}\nhost = 'netlify'\n[[step]]\nvisit = '/'\n[[step]]\nlink = '/next.html'\n[[step]]\ndo = 'reload'\n\
         [[step]]\ndo = 'back'\n[[step]]\nnew_tab = '/'\n[[step]]\ndo = 'restart'\n[[step]]\nvisit = '/'\n[[step]]\ndo = 'hard-reload'\n",
        site.path()
    ));
    check_in_chromium(&site.path().join("visits.toml"), 7, |_| false);
}

#[test]
fn a_recording_is_read_in_less_memory_than_it_is_long() {
    let site = Site::new();
    let path = site.path().join("big.har");
    let mut out = BufWriter::new(File::create(&path).unwrap());
    let body = "A".repeat(1 << 20);
    out.write_all(
        br#"{"log":{"version":"1.2","creator":{"name":"test","version":"1"},"entries":["#,
    )
    .unwrap();
    for place in 0..48 {
        let (url, mime) = match place {
            0 => ("https://shop.example/".to_owned(), "text/html"),
            _ => (
                format!("https://shop.example/{place}.js"),
                "text/javascript",
            ),
        };
        let comma = if place == 0 { "" } else { "," };
        write!(
            out,
            r#"{comma}{{"startedDateTime":"2026-11-22T09:30:00Z","time":1,"request":{{"method":"GET","url":"{url}","headers":[]}},
            "response":{{"status":200,"headers":[{{"name":"cache-control","value":"max-age=60"}}],
            "content":{{"size":{},"mimeType":"{mime}","encoding":"base64","text":"{body}"}},"bodySize":{}}}}}"#,
            1 << 20,
            1 << 20
        )
        .unwrap();
    }
    out.write_all(b"]}}").unwrap();
    out.flush().unwrap();
    drop(out);
    assert!(path.metadata().unwrap().len() > 48 << 20);
    // A limit on memory for data (in KiB) that the file alone would exceed.
    let limited = format!("ulimit -d {}; exec \"$0\" \"$@\"", 40 << 10);
    let output = std::process::Command::new("/bin/sh")
        .args([
            "-c",
            &limited,
            env!("CARGO_BIN_EXE_revisit"),
            "replay",
            "--json",
        ])
        .arg(&path)
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(told["visits"][0]["requests"], 48);
}

#[test]
fn a_promise_that_does_not_hold_ends_with_status_1_and_is_named() {
    let site = Site::new();
    site.file("site/index.html", "<p>hello");
    site.file(
        "visits.toml",
        "site = 'site'\n[[step]]\nvisit = '/'\ncheck = { requests_max = 0 }\n",
    );
    let report = site.path().join("report.html");
    let output = revisit(&[
        "replay",
        site.path().join("visits.toml").to_str().unwrap(),
        "--report",
        report.to_str().unwrap(),
    ]);
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    assert!(
        output
            .stdout
            .contains("check fails, visit /: 1 requests; promised were at most 0"),
        "{}",
        output.stdout
    );
    assert!(
        output
            .stderr
            .contains("error: 1 promise of the scenario does not hold"),
        "{}",
        output.stderr
    );
    assert!(
        std::fs::read_to_string(report)
            .unwrap()
            .starts_with("<!doctype html>")
    );
}

#[test]
fn the_old_site_is_played_as_a_browser_of_its_time_had_it_and_as_those_of_today_do_not() {
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/old-site");
    let old = old.to_str().unwrap();
    let visits = |flags: &[&str]| -> Value {
        let output = revisit(&[&["replay", old, "--json"], flags].concat());
        assert_eq!(output.code, Some(0), "{}", output.stderr);
        serde_json::from_str(&output.stdout).unwrap()
    };
    let kinds = |told: &Value| -> Vec<String> {
        let findings = told["findings"].as_array().unwrap().iter();
        findings
            .map(|it| it["kind"].as_str().unwrap().to_owned())
            .collect()
    };

    let today = visits(&[]);
    assert_eq!(today["application_cache"], false);
    assert!(
        kinds(&today).contains(&"manifest-ignored".to_owned()),
        "{today:#}"
    );
    let text = revisit(&["replay", old]).stdout;
    assert!(
        text.contains("`revisit build`") && text.contains("`--application-cache`"),
        "{text}"
    );

    let then = visits(&["--application-cache"]);
    assert_eq!(then["application_cache"], true);
    assert!(
        !kinds(&then).contains(&"manifest-ignored".to_owned()),
        "{then:#}"
    );
    let visit = |title: &str| {
        let all = then["visits"].as_array().unwrap().iter();
        all.clone().find(|it| it["title"] == title).unwrap()
    };
    let last =
        |title: &str| visit(title)["events"].as_array().unwrap().last().unwrap()["event"].clone();
    assert_eq!(last("first visit"), "cached");
    assert_eq!(last("tomorrow"), "noupdate");
    assert_eq!(visit("tomorrow")["requests"], 1, "the manifest alone");
    assert_eq!(
        visit("tomorrow")["exchanges"][0]["from"],
        "application cache"
    );
    assert_eq!(visit("offline")["broken"], serde_json::json!([]));
    assert_eq!(last("offline"), "error");

    let output = revisit(&[
        "replay",
        old,
        "--application-cache",
        "--browser",
        "/nowhere",
    ]);
    assert_eq!(output.code, Some(2), "{}", output.stderr);
    assert!(
        output
            .stderr
            .contains("no Chromium of today has application caches"),
        "{}",
        output.stderr
    );
}
