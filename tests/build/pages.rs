//! Pages in every state: broken ones, and such in UTF-16. The tag has to find its place, and the
//! page has to show what it showed.

use super::*;

#[test]
fn a_page_in_utf_16_gets_a_tag_in_utf_16_shows_and_works_offline() {
    let page = "\u{feff}<!doctype html><html><head><title>Größe 尺</title>\
                <link rel=icon href=data:,></head><body><h1>Größe 尺寸 🌷</h1></body></html>";
    let site = Site::new();
    let little: Vec<u8> = page.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = page.encode_utf16().flat_map(u16::to_be_bytes).collect();
    site.file("index.html", &little).file("big.html", &big);
    let out = Site::new();
    build(site.path(), &["--out", &text(out.path())]).ok();
    for (name, read) in [
        ("index.html", u16::from_le_bytes as fn([u8; 2]) -> u16),
        ("big.html", u16::from_be_bytes),
    ] {
        let bytes = &out.files()[name];
        let units: Vec<u16> = bytes.chunks(2).map(|two| read([two[0], two[1]])).collect();
        let text = String::from_utf16(&units).expect("all of it is UTF-16");
        assert_eq!(
            text.matches("<script defer src=\"/revisit/client-").count(),
            1,
            "{text}"
        );
        assert!(text.contains("Größe 尺寸 🌷"));
    }
    let origin = Origin::serve(out.path());
    let browser = Browser::start();
    let tab = installed(&browser, &origin.url("/"));
    assert!(tab.text().contains("Größe 尺寸 🌷"), "{}", tab.text());
    origin.stop();
    browser.clear_http_cache();
    for path in ["/", "/big.html"] {
        tab.load(&origin.url(path)).ok();
        assert!(tab.text().contains("Größe 尺寸 🌷"), "{}", tab.text());
        assert_eq!(tab.eval("document.title"), "Größe 尺");
        assert_eq!(tab.eval("typeof revisit"), "object");
    }
    build(out.path(), &["--uninstall"]).ok();
    assert_eq!(out.files()["index.html"], little);
    assert_eq!(out.files()["big.html"], big);
}

/// Pages that no validator likes, and a script that is true once the page shows what it should.
const BROKEN: [(&str, &str, &str); 13] = [
    ("empty", "", "true"),
    (
        "text",
        "just text, no tag",
        "document.body.innerText === 'just text, no tag'",
    ),
    (
        "no-frame",
        "<p>one<p>two",
        "document.querySelectorAll('p').length === 2",
    ),
    (
        "open-comment",
        "<!doctype html><p>shown<!-- never closed",
        "document.body.innerText === 'shown'",
    ),
    (
        "comment-first",
        "<!-- </head> --><html><body><p>x",
        "document.querySelector('p')",
    ),
    (
        "open-script",
        "<!doctype html><p>shown<script>var x = 1",
        "document.querySelector('p')",
    ),
    (
        "open-title",
        "<!doctype html><title>all of it is the title",
        "document.title.startsWith('all of it')",
    ),
    (
        "cut-tag",
        "<!doctype html><p>shown</p><div class=\"a",
        "document.body.innerText.trim() === 'shown'",
    ),
    (
        "two-heads",
        "<html><head><title>a</title></head><head></head><body><p>x</body></html>",
        "document.title === 'a'",
    ),
    (
        "upside-down",
        "</body></html><p>after the end</head><body>",
        "document.querySelector('p')",
    ),
    (
        "wrong-nest",
        "<b><p>x</b></p><table><p>y</table>",
        "document.querySelector('table')",
    ),
    (
        "nul",
        "<!doctype html><p>a\0b</p>\0",
        "document.querySelector('p')",
    ),
    (
        "latin",
        "<!doctype html><meta charset=iso-8859-1><p>caf\u{e9}",
        "document.querySelector('p')",
    ),
];

#[test]
fn a_broken_page_gets_its_tag_where_a_browser_runs_it_and_shows_what_it_showed() {
    let site = small_site();
    for (name, page, _) in BROKEN {
        site.file(&format!("{name}.html"), page);
    }
    let out = Site::new();
    build(site.path(), &["--out", &text(out.path())]).ok();
    let origin = Origin::serve(out.path());
    let browser = Browser::start();
    let tab = browser.tab();
    for (name, _, shows) in BROKEN {
        tab.load(&origin.url(&format!("/{name}.html"))).ok();
        assert_eq!(tab.eval("typeof revisit"), "object", "{name}");
        assert_eq!(
            tab.eval(&format!("!!({shows})")),
            true,
            "{name}: {}",
            tab.text()
        );
        let mode = tab.eval("document.compatMode");
        tab.load(&Origin::serve(site.path()).url(&format!("/{name}.html")))
            .ok();
        assert_eq!(
            tab.eval("document.compatMode"),
            mode,
            "{name}: the tag changed the mode"
        );
    }
    build(out.path(), &["--uninstall"]).ok();
    for (name, page, _) in BROKEN {
        assert!(
            out.files()[&format!("{name}.html")] == page.as_bytes(),
            "{name}"
        );
    }
}

#[test]
fn xhtml_and_files_that_only_look_like_pages_are_left_alone() {
    let site = small_site();
    let xhtml =
        "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head/><body/></html>";
    site.file("page.xhtml", xhtml)
        .file("notes.html.txt", "<html><head></head></html>");
    let before = site.files();
    build(site.path(), &[]).ok();
    for name in ["page.xhtml", "notes.html.txt"] {
        assert!(site.files()[name] == before[name], "{name}");
    }
    check_whole(&site);
}
