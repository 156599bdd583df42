//! Names that no one would give a file, and people do.

use std::os::unix::ffi::OsStrExt;

use serde_json::json;

use super::*;

/// What a file is called, and how a URL names it.
const ODD: [(&str, &str); 8] = [
    ("with space.html", "with%20space.html"),
    ("100%.html", "100%25.html"),
    ("100%25.html", "100%2525.html"),
    ("a#b.html", "a%23b.html"),
    ("what?.html", "what%3F.html"),
    ("line\nbreak.html", "line%0Abreak.html"),
    ("größe & maß.html", "gr%C3%B6%C3%9Fe%20%26%20ma%C3%9F.html"),
    ("semi;colon='+\".html", "semi;colon='+%22.html"),
];

fn odd_site() -> Site {
    let site = small_site();
    for (name, _) in ODD {
        site.file(
            name,
            format!("<!doctype html><title>x</title><h1>{name:?}</h1>"),
        );
        site.file(
            &format!("odd {name} folder/{}", name.replace(".html", ".txt")),
            name,
        );
    }
    let latin = OsStr::from_bytes(b"caf\xe9.html");
    fs::write(site.path().join(latin), "<h1>latin</h1>").unwrap();
    site.file("back\\slash.txt", "x");
    site
}

#[test]
fn odd_names_are_kept_and_those_that_no_url_can_name_are_told() {
    let site = odd_site();
    let output = build(site.path(), &[]);
    let said = &output.ok().stdout;
    assert!(
        said.contains("warning: `caf\u{fffd}.html` is left out: no URL can name it\n"),
        "{said}"
    );
    assert!(
        said.contains("warning: `back\\slash.txt` is left out: no URL can name it\n"),
        "{said}"
    );
    let report = report(&build(site.path(), &["--json"]));
    assert_eq!(report["precached_files"], 4 + 2 * ODD.len());
    check_whole(&site);
}

#[test]
fn odd_names_are_served_and_found_offline() {
    let site = odd_site();
    let mut server = Serve::site(site.path());
    server.wait_until_said("no URL can name it");
    let browser = Browser::start();
    let tab = installed(&browser, &server.url("/"));
    let check = |url: &dyn Fn(&str) -> String| {
        for (name, path) in ODD {
            tab.load(&url(&format!("/{path}"))).ok();
            assert!(
                tab.text().contains(&format!("{name:?}")),
                "{path}: {}",
                tab.text()
            );
            let deep = format!("/odd%20{path}%20folder/{}", path.replace(".html", ".txt"));
            let file = tab.fetch(&deep, json!({}));
            assert_eq!((file.status, &*file.body), (200, name), "{deep}");
        }
    };
    check(&|path| server.url(path));
    assert!(server.stop().success());
    browser.clear_http_cache();
    check(&|path| server.url(path));
}

#[test]
fn odd_names_are_found_offline_after_a_build_behind_a_plain_host() {
    let (site, out) = (odd_site(), Site::new());
    build(site.path(), &["--out", &text(out.path())]).ok();
    let origin = Origin::serve(out.path());
    let browser = Browser::start();
    let tab = installed(&browser, &origin.url("/"));
    origin.stop();
    browser.clear_http_cache();
    for (name, path) in ODD {
        tab.load(&origin.url(&format!("/{path}"))).ok();
        assert!(
            tab.text().contains(&format!("{name:?}")),
            "{path}: {}",
            tab.text()
        );
    }
}

#[test]
fn a_name_cannot_speak_to_the_terminal() {
    let site = small_site();
    site.file("film\u{1b}[2J\n.mp4", noise(9_000))
        .file("\u{1b}]0;x\u{7}\\.txt", "x");
    let output = build_with(site.path(), "[precache]\nbudget_bytes = 5000\n", &[]);
    let said = &output.ok().stdout;
    assert!(said.contains("film\\u{1b}[2J\\n.mp4"), "{said}");
    assert!(!said.contains('\u{1b}'), "{said:?}");
}
