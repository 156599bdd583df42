//! Pages that a visitor keeps for reading offline.

use super::*;
use crate::harness::Fault;

const CONFIG: &str = "[precache]
exclude = ['news/**']
[prefetch]
bytes_max = 1000
[[prefetch.follow]]
from = '/news/*.json'
pointer = '/picture'
";

/// Two articles that share a style sheet, with a font that only that names.
fn paper() -> Site {
    let site = small_site();
    for word in ["one", "two"] {
        let page = format!(
            "<!doctype html><meta charset=utf-8><title>Article {word}</title>\
             <link rel=icon href=data:,><link rel=stylesheet href=style.css>\
             <h1>Article {word}</h1><img src='{word}.svg?v=1&amp;w=2' srcset='/news/{word}-large.svg 2x'>"
        );
        let picture =
            "<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'><circle r='5'/></svg>";
        site.file(&format!("news/{word}.html"), page)
            .file(&format!("news/{word}.svg"), picture)
            .file(&format!("news/{word}-large.svg"), picture)
            .file(
                &format!("news/{word}.json"),
                format!("{{\"picture\": \"{word}-extra.svg\"}}"),
            )
            .file(&format!("news/{word}-extra.svg"), picture);
    }
    site.file(
        "news/style.css",
        "h1 { color: rgb(9, 8, 7); background: url(back.svg) }",
    )
    .file("news/back.svg", "x".repeat(5000));
    site
}

/// The articles, and what belongs to them, in the stash of saved pages.
fn kept_of(tab: &Tab, origin: &Origin) -> Vec<String> {
    let names = tab.cache_names();
    let Some(name) = names.iter().find(|name| name.ends_with("|run|saved")) else {
        return Vec::new();
    };
    let mut keys = tab.cache_keys(name);
    keys.retain(|key| key.starts_with(&origin.url("/news/")));
    keys.iter_mut()
        .for_each(|key| *key = key.replace(&origin.url("/news/"), ""));
    keys.sort();
    keys
}

#[test]
fn a_saved_page_is_read_offline_with_all_that_it_loads_until_it_is_forgotten() {
    let Served { origin, out: _out } = served(&paper(), CONFIG);
    let (browser, tab) = visited(&origin, "/");
    let save = |word: &str| {
        tab.eval(&format!(
            "revisit.save('/news/{word}.html', {{ title: 'Article {word}', urls: ['news/{word}.json'] }})
                .then((s) => [s.saved, s.total, s.refused])"
        ))
    };
    // page, style sheet, its picture, two pictures of the page, the page client, the JSON and what that names
    assert_eq!(save("one"), json!([true, 8, 0]));
    assert_eq!(save("two"), json!([true, 8, 0]));
    assert_eq!(
        tab.eval("revisit.saved().then((all) => all.map((p) => [new URL(p.url).pathname, p.title, p.lacking, p.time > 1e12]))"),
        json!([
            ["/news/two.html", "Article two", 0, true],
            ["/news/one.html", "Article one", 0, true]
        ])
    );
    // online the network answers
    origin.clear();
    tab.load(&origin.url("/news/one.html")).ok();
    assert_eq!(origin.count_of("/news/one.html"), 1);
    cut_off(&browser, &origin);
    browser.stop_workers();
    tab.load(&origin.url("/news/one.html?utm_source=mail")).ok();
    assert!(tab.text().contains("Article one"), "{}", tab.text());
    tab.wait_for("document.images[0].naturalWidth > 0", "its picture");
    assert_eq!(
        tab.eval("getComputedStyle(document.querySelector('h1')).color"),
        "rgb(9, 8, 7)"
    );
    text_of(&tab, "/news/one-extra.svg");

    assert_eq!(tab.eval("revisit.forget()"), true);
    assert_eq!(tab.eval("revisit.forget('/news/one.html')"), false);
    let left = [
        "back.svg",
        "style.css",
        "two-extra.svg",
        "two-large.svg",
        "two.html",
        "two.json",
        "two.svg?v=1&w=2",
    ];
    assert_eq!(kept_of(&tab, &origin), left);
    tab.load(&origin.url("/news/one.html")).ok();
    assert!(tab.text().contains("You are offline"), "{}", tab.text());
    tab.load(&origin.url("/news/two.html")).ok();
    assert!(tab.text().contains("Article two"), "{}", tab.text());
    tab.run("await revisit.send({ type: 'CLEAR' })");
    assert_eq!(tab.eval("revisit.saved()"), json!([]));
    assert_eq!(kept_of(&tab, &origin), Vec::<String>::new());
}

#[test]
fn a_page_that_cannot_be_had_is_not_saved_and_one_that_lacks_something_says_so() {
    let Served { origin, out: _out } = served(&paper(), CONFIG);
    let (_browser, tab) = visited(&origin, "/");
    let save = |path: &str| {
        tab.eval(&format!(
            "revisit.save('{path}').then((s) => [s.saved, s.refused])"
        ))
    };
    assert_eq!(save("/news/none.html"), json!([false, 1]));
    origin.fault("/news/one.svg", Fault::Status(500));
    assert_eq!(save("/news/one.html"), json!([true, 1]));
    assert_eq!(
        tab.eval("revisit.saved().then((all) => all.map((p) => p.lacking))"),
        json!([1])
    );
    // once more, when it is there
    origin.heal();
    assert_eq!(save("/news/one.html"), json!([true, 0]));
    assert_eq!(
        tab.eval("revisit.saved().then((all) => all.map((p) => p.lacking))"),
        json!([0])
    );
    // a page of the build costs no request, and stays readable when the build is another
    origin.clear();
    assert_eq!(save("/contact.html"), json!([true, 0]));
    assert_eq!(origin.count_of("/contact.html"), 0);
}
