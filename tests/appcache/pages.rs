//! Which page has which cache: folders, frames, queries, methods, other origins.

use super::*;
use crate::harness::OriginAnswer;

/// A page that notes its events, and names this manifest, if any.
fn page(manifest: &str, what: &str) -> String {
    let attribute = match manifest {
        "" => String::new(),
        named => format!(" manifest=\"{named}\""),
    };
    format!(
        "<!DOCTYPE html><html{attribute}><head><meta charset=utf-8><title>{what}</title><link rel=icon href=data:,>\
         <script>var seen = [];'checking noupdate downloading updateready cached obsolete error'.split(' ').forEach(\
         function (name) {{ applicationCache.addEventListener(name, function () {{ seen.push(name) }}) }})</script>\
         </head><body><h1>{what}</h1></body></html>"
    )
}

/// A site with a part that has a manifest of its own, which the root's manifest lists a page of.
fn parted() -> Site {
    let site = site("one", "game/listed.html");
    site.file("game/index.html", page("game.appcache", "Game"))
        .file("game/levels/1.html", page("../game.appcache", "Level"))
        .file("game/listed.html", page("game.appcache", "Listed"))
        .file("game/tiles.txt", "tiles")
        .file(
            "game/game.appcache",
            "CACHE MANIFEST\n# game one\ntiles.txt\n",
        )
        .file("plain.html", page("", "Plain"));
    site
}

#[test]
fn pages_of_a_folder_have_the_manifest_that_they_name_and_each_is_updated_by_itself() {
    let world = served(&parted(), "");
    let (browser, home) = visited(&world);
    let game = browser.tab();
    game.load(&world.url("/game/")).ok();
    heard(&game, "cached");
    assert_eq!(versions(&game), 2);
    // a page of the same group, whose attribute is written otherwise
    game.load(&world.url("/game/levels/1.html")).ok();
    heard(&game, "noupdate");
    assert_eq!(game.fetch("../tiles.txt", json!({})).body, "tiles");
    assert!(
        game.fetch("/app.js", json!({})).error.is_some(),
        "it is of the other group, and the game's manifest has no `*`"
    );

    // the first manifest lists a page that names the other one: it is loaded again, as a page of that
    world.origin.clear();
    game.load(&world.url("/game/listed.html")).ok();
    game.wait_for(
        "seen.join(' ') === 'noupdate' || seen.join(' ') === 'checking noupdate'",
        "the page to be one of the game",
    );
    assert_eq!(game.fetch("tiles.txt", json!({})).body, "tiles");
    assert_eq!(world.origin.count_of("/game/listed.html"), 1);

    world.out.file("game/tiles.txt", "new tiles").file(
        "game/game.appcache",
        "CACHE MANIFEST\n# game two\ntiles.txt\n",
    );
    game.load(&world.url("/game/")).ok();
    heard(&game, "updateready");
    assert_eq!(game.fetch("tiles.txt", json!({})).body, "tiles");
    assert_eq!(home.eval("applicationCache.status"), 1, "{}", events(&home));
    game.reload().ok();
    heard(&game, "noupdate");
    assert_eq!(game.fetch("tiles.txt", json!({})).body, "new tiles");

    world.origin.stop();
    browser.clear_http_cache();
    for path in ["/", "/game/", "/game/levels/1.html", "/game/listed.html"] {
        game.load(&world.url(path)).ok();
        heard(&game, "error");
    }
    assert!(game.load(&world.url("/plain.html")).error.is_some());
}

#[test]
fn a_frame_has_the_cache_of_its_own_manifest_and_none_of_its_page() {
    let source = parted();
    let framed = |manifest: &str| {
        page(manifest, "Frame around").replace("<h1>", "<iframe src=game/></iframe><h1>")
    };
    source
        .file("around.html", framed(""))
        .file("both.html", framed("site.appcache"));
    let world = served(&source, "");
    let browser = Browser::start();
    let tab = browser.tab();
    let inner = "frames[0].applicationCache.status";
    tab.load(&world.url("/around.html")).ok();
    tab.wait_for(&format!("{inner} === 1"), "the frame's cache");
    assert_eq!(
        tab.eval("[applicationCache.status, seen.length, frames[0].seen.join(' ')]"),
        json!([0, 0, "checking downloading cached"])
    );
    assert_eq!(versions(&tab), 1);
    tab.load(&world.url("/both.html")).ok();
    heard(&tab, "cached");
    tab.wait_for(&format!("{inner} === 1"), "the frame's cache");
    assert_eq!(versions(&tab), 2);

    world
        .out
        .file("game/game.appcache", "CACHE MANIFEST\n# game two\n");
    tab.eval("frames[0].applicationCache.update()");
    tab.wait_for(&format!("{inner} === 4"), "the frame's update");
    assert_eq!(tab.eval("applicationCache.status"), 1);
    world.origin.stop();
    browser.clear_http_cache();
    tab.load(&world.url("/both.html")).ok();
    tab.wait_for(
        "frames[0].document.querySelector('h1').textContent === 'Game'",
        "the frame without a server",
    );
}

#[test]
fn a_manifest_of_another_origin_and_a_page_that_was_posted_to_have_no_cache() {
    let elsewhere = Site::new();
    elsewhere.file("site.appcache", manifest("one", ""));
    let other = Origin::serve(elsewhere.path());
    let away = other.url(MANIFEST).replace("127.0.0.1", "localhost");
    let source = site("one", "");
    source
        .file("away.html", page(&away, "Away"))
        .file("form.html", page("", "Form"));
    let world = served(&source, "");
    let posted = world.out.read("other.html");
    world.origin.answer_by("/posted", move |request| {
        OriginAnswer::new(
            200,
            "text/html",
            format!("{posted}<!--{}-->", request.method),
        )
    });
    let browser = Browser::start();
    let (tab, second) = (browser.tab(), browser.tab());
    tab.load(&world.url("/away.html")).ok();
    tab.wait_for_control();
    second.load(&world.url("/form.html")).ok();
    second.wait_for_control();
    second
        .follow(
            "document.body.innerHTML = '<form method=post action=/posted></form>'; document.forms[0].submit()",
        )
        .ok();
    assert_eq!(second.eval("document.lastChild.nodeValue"), "POST");
    // When one that came later has all of its events, these two have had theirs.
    let third = browser.tab();
    third.load(&world.url("/")).ok();
    heard(&third, "cached");
    for tab in [&tab, &second] {
        assert_eq!(
            tab.eval("[applicationCache.status, seen.length]"),
            json!([0, 0])
        );
    }
    assert_eq!((versions(&tab), other.count_of(MANIFEST)), (1, 0));
    world.origin.stop();
    assert!(tab.load(&world.url("/posted")).error.is_some());
}

#[test]
fn a_query_makes_another_page_and_a_fragment_does_not_and_a_manifest_may_begin_with_a_byte_order_mark()
 {
    let source = site("one", "");
    source.file("site.appcache", format!("\u{feff}{}", manifest("one", "")));
    let world = served(&source, "");
    let (browser, tab) = visited(&world);
    tab.load(&world.url("/?page=2")).ok();
    heard(&tab, "noupdate");
    world.origin.stop();
    browser.clear_http_cache();
    for address in ["/?page=2", "/#top", "/?page=2#top", "/"] {
        tab.load("about:blank").ok();
        tab.load(&world.url(address)).ok();
        says(&tab, "one");
    }
    assert!(tab.load(&world.url("/?page=3")).error.is_some());
    assert!(tab.load(&world.url("/index.html")).error.is_some());
}
