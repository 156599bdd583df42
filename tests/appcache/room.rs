//! A browser without room for a new version: what no page has goes first.

use super::*;

/// A part of the site: a page with a manifest of its own that lists a file of so many bytes.
fn part(site: &Site, name: &str, bytes: usize) {
    let page = site.read("index.html");
    // nothing that a server could make smaller, and another for each part
    let noise: Vec<u8> = name
        .bytes()
        .cycle()
        .take(bytes)
        .enumerate()
        .map(|(at, byte)| (at as u32).wrapping_mul(2_654_435_761).to_le_bytes()[3] ^ byte)
        .collect();
    site.file(&format!("{name}/index.html"), page)
        .file(&format!("{name}/big.bin"), noise)
        .file(
            &format!("{name}/site.appcache"),
            "CACHE MANIFEST\nbig.bin\nNETWORK:\n*\n",
        );
}

#[test]
fn a_new_cache_for_which_there_is_no_room_takes_that_of_the_one_used_longest_ago() {
    const MIB: usize = 1 << 20;
    let source = site("one", "");
    for name in ["a", "b", "c", "d"] {
        part(&source, name, 4 * MIB);
    }
    let world = served(&source, "");
    let (browser, tab) = visited(&world);
    for name in ["a", "b"] {
        tab.load(&world.url(&format!("/{name}/"))).ok();
        heard(&tab, "cached");
    }
    assert_eq!(versions(&tab), 3);
    let open = browser.tab();
    open.load(&world.url("/")).ok(); // which is the oldest, and has a page
    heard(&open, "noupdate");
    browser.stop_workers();

    // so much more, and no more than that
    let used = open.eval("(await navigator.storage.estimate()).usage");
    let used = used.as_u64().expect("what is used, in bytes") as usize;
    browser.room_for(&world.url(""), used + MIB);
    tab.load(&world.url("/c/")).ok();
    heard(&tab, "cached");
    let is_there = |path: &str| {
        open.eval(&format!(
            "!!(await caches.match('{}', {{ignoreVary: true}}))",
            world.url(path)
        ))
    };
    for (path, expected) in [
        ("/a/big.bin", false),
        ("/b/big.bin", true),
        ("/c/big.bin", true),
        ("/app.js", true),
    ] {
        assert_eq!(is_there(path), expected, "{path}");
    }
    // both others have pages now
    let third = browser.tab();
    third.load(&world.url("/b/")).ok();
    heard(&third, "noupdate");
    let last = browser.tab();
    last.load(&world.url("/d/")).ok();
    heard(&last, "error");
    assert_eq!(last.eval("why"), "quota");
    serves(&open, "one");
    assert_eq!(
        (is_there("/b/big.bin"), is_there("/c/big.bin")),
        (json!(true), json!(true))
    );
}
