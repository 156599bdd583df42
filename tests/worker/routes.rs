//! Routes: who answers what no file of the build does, and what of that is kept.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::harness::{DEADLINE, Fault, OriginAnswer, eventually};

/// Answers a path by the number of the request: `1`, `2`, … The HTTP cache must ask for each.
fn counts(origin: &Origin, path: &str) {
    let count = AtomicUsize::new(0);
    origin.answer_by(path, move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        OriginAnswer::new(200, "text/plain", number.to_string())
            .with("Cache-Control", "no-cache")
            .with("ETag", &format!("\"{number}\""))
            .with("Access-Control-Allow-Origin", "*")
    });
}

/// The paths of what a stash holds.
fn stashed(tab: &Tab, name: &str) -> Vec<String> {
    let ending = format!("|run|{name}");
    let names = tab.cache_names();
    let Some(cache) = names.iter().find(|cache| cache.ends_with(&ending)) else {
        return Vec::new();
    };
    let keys = tab.cache_keys(cache);
    let path = |key: &String| match key.match_indices('/').nth(2) {
        Some((at, _)) => key[at..].to_owned(),
        None => key.clone(),
    };
    keys.iter().map(path).collect()
}

fn wait_for_stash(tab: &Tab, name: &str, expected: &[&str]) {
    let what = format!("{expected:?} to be kept as `{name}`");
    eventually(&what, DEADLINE, || {
        (stashed(tab, name) == expected).then_some(())
    });
}

fn fails(tab: &Tab, url: &str) {
    let fetched = tab.fetch(url, json!({}));
    assert!(fetched.error.is_some(), "{url}: {fetched:?}");
}

fn route(keys: &str) -> String {
    format!("[[route]]\n{keys}\n")
}

#[test]
fn network_first_answers_from_the_stash_when_the_network_is_slow_or_gone() {
    let config = route(
        "path = '/live/:name'\nstrategy = 'network-first'\ntimeout_seconds = 1\nname = 'live'",
    );
    let Served { origin, out: _out } = served(&small_site(), &config);
    counts(&origin, "/live/x");
    let (browser, tab) = visited(&origin, "/");
    assert_eq!(text_of(&tab, "/live/x"), "1");
    assert_eq!(text_of(&tab, "/live/x"), "2");
    wait_for_stash(&tab, "live", &["/live/x"]);
    let kept = || text_of(&tab, "/live/x?utm_source=mail");
    origin.fault("/live/x", Fault::Hang);
    eventually("what is kept last", DEADLINE, || {
        (kept() == "2").then_some(())
    });
    origin.heal();
    // another query is another resource, a deeper path another route's
    cut_off(&browser, &origin);
    let last = kept();
    assert!(
        last.parse::<usize>().is_ok_and(|number| number >= 2),
        "{last}"
    );
    fails(&tab, "/live/x?page=2");
    fails(&tab, "/live/x/y");
}

#[test]
fn cache_first_asks_once_until_the_entry_is_too_old_and_then_has_it_no_more() {
    let young = route("path = '/live/young'\nstrategy = 'cache-first'\nmax_age_seconds = 1");
    let old =
        route("path = '/live/*'\nstrategy = 'cache-first'\nmax_age_seconds = 600\nname = 'old'");
    let Served { origin, out: _out } = served(&small_site(), &format!("{young}{old}"));
    counts(&origin, "/live/young");
    counts(&origin, "/live/old");
    let (browser, tab) = visited(&origin, "/");
    for _ in 0..3 {
        assert_eq!(text_of(&tab, "/live/old"), "1");
        wait_for_stash(&tab, "old", &["/live/old"]);
    }
    assert_eq!(origin.count_of("/live/old"), 1);
    assert_eq!(text_of(&tab, "/live/young"), "1");
    eventually("the entry to be too old", DEADLINE, || {
        (text_of(&tab, "/live/young") == "2").then_some(())
    });
    cut_off(&browser, &origin);
    browser.stop_workers();
    assert_eq!(text_of(&tab, "/live/old"), "1");
    eventually("the entry to be too old offline", DEADLINE, || {
        tab.fetch("/live/young", json!({})).error
    });
}

#[test]
fn stale_while_revalidate_fetches_anew_once_at_a_time_and_tells_pages() {
    let config = route(
        "path = '/live/*'\nstrategy = 'stale-while-revalidate'\nname = 'live'\nbroadcast = true",
    );
    let Served { origin, out: _out } = served(&small_site(), &config);
    counts(&origin, "/live/x");
    let (browser, tab) = visited(&origin, "/");
    assert_eq!(text_of(&tab, "/live/x"), "1");
    wait_for_stash(&tab, "live", &["/live/x"]);
    tab.run(
        "window.updates = []
         navigator.serviceWorker.addEventListener('message', ({ data }) => {
           if (data.type === 'CACHE_UPDATED') updates.push(data)
         })",
    );
    origin.fault("/live/x", Fault::Delay(Duration::from_millis(500)));
    let many = "Promise.all([1, 2, 3, 4, 5].map(() => fetch('/live/x').then((it) => it.text())))";
    assert_eq!(tab.eval(many), json!(["1", "1", "1", "1", "1"]));
    let update = tab.wait_for("updates[0]", "word of the newer response");
    assert_eq!(update["meta"], "workbox-broadcast-update");
    assert_eq!(update["payload"]["updatedURL"], origin.url("/live/x"));
    assert_eq!(origin.count_of("/live/x"), 2);
    cut_off(&browser, &origin);
    assert_eq!(text_of(&tab, "/live/x"), "2");
}

#[test]
fn cache_only_and_network_only_ask_nobody_else() {
    let only = route("path = '/only/*'\nstrategy = 'cache-only'\nname = 'only'");
    let live = route(
        "path = '/live/*'\nstrategy = 'network-only'\nmethods = ['GET', 'POST']\nfallback = 'data/list.json'",
    );
    let Served { origin, out: _out } = served(&small_site(), &format!("{only}{live}"));
    counts(&origin, "/live/x");
    counts(&origin, "/only/x");
    let (browser, tab) = visited(&origin, "/");
    origin.clear();
    fails(&tab, "/only/x");
    let cache = files_cache(&tab).replace("|files", "|run|only");
    tab.put_cache_entry(&cache, &origin.url("/only/x"), "put there");
    assert_eq!(text_of(&tab, "/only/x"), "put there");
    assert_eq!(origin.targets(), [""; 0]);
    let post = json!({ "method": "POST", "body": "words" });
    assert_eq!(tab.fetch("/live/x", post.clone()).body, "1");
    assert_eq!(origin.requests()[0].body, b"words");
    assert_eq!(text_of(&tab, "/live/x"), "2");
    cut_off(&browser, &origin);
    assert_eq!(text_of(&tab, "/live/x"), "{\"list\": [1, 2, 3]}");
    assert_eq!(tab.fetch("/live/x", post).body, "{\"list\": [1, 2, 3]}");
}

#[test]
fn the_oldest_make_room_by_their_number_and_by_their_bytes() {
    let few = route("path = '/few/*'\nstrategy = 'cache-first'\nname = 'few'\nmax_entries = 2");
    let small =
        route("path = '/small/*'\nstrategy = 'cache-first'\nname = 'small'\nmax_bytes = 10");
    let Served { origin, out: _out } = served(&small_site(), &format!("{few}{small}"));
    for (path, body) in [
        ("/few/1", "1"),
        ("/few/2", "2"),
        ("/few/3", "3"),
        ("/small/1", "12345"),
        ("/small/2", "12345"),
        ("/small/3", "123456"),
        ("/small/4", "12345678901"),
    ] {
        origin.answer_by(path, move |_| OriginAnswer::new(200, "text/plain", body));
    }
    let (_browser, tab) = visited(&origin, "/");
    text_of(&tab, "/few/1");
    wait_for_stash(&tab, "few", &["/few/1"]);
    text_of(&tab, "/few/2");
    wait_for_stash(&tab, "few", &["/few/1", "/few/2"]);
    text_of(&tab, "/few/3");
    wait_for_stash(&tab, "few", &["/few/2", "/few/3"]);
    text_of(&tab, "/small/1");
    wait_for_stash(&tab, "small", &["/small/1"]);
    text_of(&tab, "/small/2");
    wait_for_stash(&tab, "small", &["/small/1", "/small/2"]);
    // too large by itself: it pushes nothing out
    text_of(&tab, "/small/4");
    text_of(&tab, "/small/3");
    wait_for_stash(&tab, "small", &["/small/3"]);
}

#[test]
fn what_routes_kept_goes_with_the_last_of_them() {
    let keeping = route("path = '/kept/*'\nstrategy = 'cache-first'\nname = 'kept'");
    let world = served(&small_site(), &keeping);
    counts(&world.origin, "/kept/1");
    let (_browser, tab) = visited(&world.origin, "/");
    text_of(&tab, "/kept/1");
    wait_for_stash(&tab, "kept", &["/kept/1"]);
    let names = tab.cache_names();
    let kept = names.iter().find(|name| name.ends_with("|run|kept"));
    let saved = kept.unwrap().replace("|run|kept", "|run|saved");
    tab.run(&format!(
        "await (await caches.open({saved:?})).put('/article', new Response('read later'))"
    ));
    world.deploy(
        &next_site(),
        &route("path = '/kept/*'\nstrategy = 'network-only'"),
    );
    check_for_update(&tab);
    tab.wait_for("revisit.state === 'updateready'", "the update");
    wait_for_stash(&tab, "kept", &["/kept/1"]); // the page of before has its worker still
    tab.update();
    let stashes = || {
        tab.cache_names()
            .into_iter()
            .filter(|name| name.contains("|run|"))
    };
    // what visitors saved is theirs to forget
    eventually("the stash to go", DEADLINE, || {
        stashes().eq([saved.clone()]).then_some(())
    });
}

#[test]
fn a_range_is_cut_from_a_whole_body_that_is_kept() {
    let config = route("path = '/media/*'\nstrategy = 'cache-first'\nname = 'media'");
    let Served { origin, out: _out } = served(&small_site(), &config);
    let body: Vec<u8> = (0..=255u8).cycle().take(1000).collect();
    let whole = body.clone();
    origin.answer_by("/media/x", move |_| {
        OriginAnswer::new(200, "audio/mpeg", whole.clone())
    });
    let (browser, tab) = visited(&origin, "/");
    assert!(tab.fetch("/media/x", json!({})).bytes == body);
    wait_for_stash(&tab, "media", &["/media/x"]);
    cut_off(&browser, &origin);
    let part = |range: &str| tab.fetch("/media/x", json!({ "headers": { "Range": range } }));
    let found = part("bytes=10-19");
    assert_eq!(found.status, 206);
    assert_eq!(found.bytes, &body[10..20]);
    assert_eq!(found.header("content-range"), Some("bytes 10-19/1000"));
    assert_eq!(found.header("content-type"), Some("audio/mpeg"));
    assert_eq!(part("bytes=1000-").status, 416);
}

#[test]
fn an_image_that_nobody_has_gives_way_to_one_of_the_build() {
    let config = route("recipe = 'images'\nfallback = 'pictures/rose.svg'");
    let Served { origin, out: _out } = served(&small_site(), &config);
    let square = "<svg xmlns='http://www.w3.org/2000/svg' width='30' height='30'></svg>";
    let picture = Fault::Answer("image/svg+xml".into(), square.as_bytes().to_vec());
    origin.fault("/art/seen.svg", picture);
    let (browser, tab) = visited(&origin, "/");
    let width = |path: &str| {
        tab.run(&format!(
            "const image = new Image(); image.src = '{path}'
             await image.decode(); return image.naturalWidth"
        ))
    };
    assert_eq!(width("/art/seen.svg"), 30);
    wait_for_stash(&tab, "images", &["/art/seen.svg"]);
    cut_off(&browser, &origin);
    tab.load(&origin.url("/")).ok();
    assert_eq!(width("/art/seen.svg"), 30);
    assert_eq!(width("/art/unseen.svg"), 10);
    // what is no image is none of that route's
    fails(&tab, "/art/seen.svg");
}

#[test]
fn a_fallback_stands_in_for_silence_and_if_the_route_says_so_for_failures_too() {
    let docs = |path: &str, more: &str| {
        route(&format!(
            "path = '/{path}/**'\nstrategy = 'network-first'\nfallback = 'data/list.json'\n{more}"
        ))
    };
    let config = docs("meek", "") + &docs("bold", "fallback_on = 'failure'\nname = 'bold'");
    let Served { origin, out: _out } = served(&small_site(), &config);
    let elsewhere = Site::new();
    let other = Origin::serve(elsewhere.path());
    counts(&other, "/login");
    counts(&origin, "/bold/seen");
    let answer = |path: &str, status: u16, location: &str| {
        let location = location.to_owned();
        origin.answer_by(path, move |_| {
            let made = OriginAnswer::new(status, "text/plain", "of the server");
            match &*location {
                "" => made,
                to => made.with("Location", to),
            }
        });
    };
    for folder in ["meek", "bold"] {
        for status in [399, 400, 404, 500] {
            answer(&format!("/{folder}/{status}"), status, "");
        }
        answer(&format!("/{folder}/away"), 302, &other.url("/login"));
        answer(&format!("/{folder}/within"), 302, "/list.txt");
    }
    answer("/list.txt", 200, "");
    let (browser, tab) = visited(&origin, "/");
    assert_eq!(text_of(&tab, "/bold/seen"), "1");
    wait_for_stash(&tab, "bold", &["/bold/seen"]);
    // whatever the status
    let body = |path: &str| tab.fetch(path, json!({})).body;
    const INSTEAD: &str = "{\"list\": [1, 2, 3]}";
    const PASSED: &str = "of the server";
    for (name, meek, bold) in [
        ("399", PASSED, PASSED),
        ("400", PASSED, INSTEAD),
        ("404", PASSED, INSTEAD),
        ("500", PASSED, INSTEAD),
        ("within", PASSED, PASSED),
    ] {
        assert_eq!(body(&format!("/meek/{name}")), meek, "{name}");
        assert_eq!(body(&format!("/bold/{name}")), bold, "{name}");
    }
    assert_eq!(text_of(&tab, "/meek/away"), "1");
    assert_eq!(text_of(&tab, "/bold/away"), INSTEAD);
    // where nobody may read what came, too
    let unread = tab.fetch("/bold/away", json!({"mode": "no-cors"}));
    assert_eq!(unread.body, INSTEAD);
    // a page too, under the address that was asked for
    tab.load(&origin.url("/bold/500")).ok();
    assert!(tab.text().contains(INSTEAD), "{}", tab.text());
    // what was seen answers silence, and no failure
    answer("/bold/seen", 403, "");
    assert_eq!(text_of(&tab, "/bold/seen"), INSTEAD);
    cut_off(&browser, &origin);
    assert_eq!(text_of(&tab, "/bold/seen"), "1");
    for path in ["/bold/500", "/bold/unseen", "/meek/unseen"] {
        assert_eq!(text_of(&tab, path), INSTEAD, "{path}");
    }
}

#[test]
fn what_nobody_may_read_is_kept_only_if_the_route_says_so() {
    let (open, closed) = (Site::new(), Site::new());
    for site in [&open, &closed] {
        site.file("x.js", "1");
    }
    let [readable, refused, allowed] = [&open, &closed, &closed].map(|it| Origin::serve(it.path()));
    let anyone = Fault::Header("Access-Control-Allow-Origin".into(), "*".into());
    readable.fault("/x.js", anyone);
    let of = |origin: &Origin, name: &str, more: &str| {
        let url = origin.url("");
        route(&format!(
            "origin = '{url}'\nstrategy = 'cache-first'\nname = '{name}'\n{more}"
        ))
    };
    let config = of(&readable, "readable", "")
        + &of(&refused, "refused", "")
        + &of(&allowed, "allowed", "opaque = true\nmax_entries = 5");
    let Served { origin, out: _out } = served(&small_site(), &config);
    let (browser, tab) = visited(&origin, "/");
    let kind = |from: &Origin| {
        let url = from.url("/x.js");
        tab.run(&format!(
            "return fetch('{url}', {{ mode: 'no-cors' }}).then((it) => it.type, () => 'none')"
        ))
    };
    assert_eq!(kind(&readable), "cors");
    assert_eq!(kind(&refused), "opaque");
    assert_eq!(kind(&allowed), "opaque");
    wait_for_stash(&tab, "readable", &["/x.js"]);
    wait_for_stash(&tab, "allowed", &["/x.js"]);
    // asked so that the answer could be read, in vain, and not so again
    assert_eq!(refused.count_of("/x.js"), 2);
    browser.clear_http_cache();
    assert_eq!(kind(&refused), "opaque");
    assert_eq!(refused.count_of("/x.js"), 3);
    for other in [&readable, &refused, &allowed] {
        other.stop();
    }
    cut_off(&browser, &origin);
    assert_eq!(text_of(&tab, &readable.url("/x.js")), "1");
    assert_eq!(kind(&refused), "none");
    assert_eq!(kind(&allowed), "opaque");
    assert_eq!(stashed(&tab, "refused"), [""; 0]);
}

#[test]
fn pages_that_were_seen_are_there_offline_but_for_those_of_one_visitor_alone() {
    let config = route("recipe = 'pages'\nbroadcast = true");
    let Served { origin, out: _out } = served(&small_site(), &config);
    for (path, name, value) in [
        ("/seen/open", "Cache-Control", "no-cache"),
        ("/seen/private", "Cache-Control", "private, max-age=0"),
        ("/seen/never", "Cache-Control", "no-store"),
        ("/seen/cookies", "Vary", "Cookie"),
    ] {
        let text = format!("<!doctype html><title>Seen</title><h1>The page {path}</h1>");
        origin.fault(path, Fault::Answer("text/html".into(), text.into_bytes()));
        origin.fault(path, Fault::Header(name.into(), value.into()));
    }
    let (browser, tab) = visited(&origin, "/");
    for path in [
        "/seen/private",
        "/seen/never",
        "/seen/cookies",
        "/seen/open",
    ] {
        tab.load(&origin.url(path)).ok();
        assert!(tab.text().contains(path), "{}", tab.text());
    }
    wait_for_stash(&tab, "pages", &["/seen/open"]);
    cut_off(&browser, &origin);
    tab.load(&origin.url("/seen/open?utm_source=mail")).ok();
    assert!(tab.text().contains("The page /seen/open"), "{}", tab.text());
    for path in ["/seen/private", "/seen/never", "/seen/cookies"] {
        tab.load(&origin.url(path)).ok();
        assert!(
            tab.text().contains("You are offline"),
            "{path}: {}",
            tab.text()
        );
    }
    // a file of the build answers as before
    tab.load(&origin.url("/about/")).ok();
    assert!(tab.text().contains("About one"), "{}", tab.text());
}

#[test]
fn a_page_that_the_browser_asked_for_is_not_asked_for_again_and_later_builds_end_it() {
    let config = |preload: bool| {
        route(&format!(
            "path = '/seen/*'\nstrategy = 'network-first'\nname = 'seen'\npreload = {preload}"
        ))
    };
    let site = small_site();
    let served = served(&site, &config(true));
    let origin = &served.origin;
    for path in ["/seen/a", "/elsewhere"] {
        let text = format!("<!doctype html><title>Seen</title><h1>The page {path}</h1>");
        origin.fault(path, Fault::Answer("text/html".into(), text.into_bytes()));
    }
    let (_browser, tab) = visited(origin, "/");
    let preloads = |path: &str| -> Vec<bool> {
        origin.clear();
        tab.load(&origin.url(path)).ok();
        assert!(tab.text().contains(path), "{}", tab.text());
        let requests = origin.requests();
        let of_path = requests.iter().filter(|it| it.path() == path);
        of_path
            .map(|it| it.header("service-worker-navigation-preload").is_some())
            .collect()
    };
    assert_eq!(preloads("/seen/a"), [true]);
    wait_for_stash(&tab, "seen", &["/seen/a"]);
    // no route's, but the browser has asked already
    assert_eq!(preloads("/elsewhere"), [true]);
    let config = config(false) + "[worker]\nupdate = 'immediate'\n";
    served.deploy(&site, &config);
    check_for_update(&tab);
    eventually("the build that preloads nothing", DEADLINE, || {
        (preloads("/seen/a") == [false]).then_some(())
    });
    assert_eq!(preloads("/elsewhere"), [false]);
}

#[test]
fn a_later_build_keeps_the_stashes_that_its_routes_name_and_drops_others() {
    let config = |name: &str| {
        let kept = route("path = '/kept/*'\nstrategy = 'cache-first'\nname = 'kept'");
        let other =
            format!("path = '/live/*'\nstrategy = 'cache-first'\nname = '{name}'\nmax_entries = 5");
        kept + &route(&other) + "[worker]\nupdate = 'immediate'\n"
    };
    let site = small_site();
    let served = served(&site, &config("old"));
    let origin = &served.origin;
    counts(origin, "/kept/x");
    counts(origin, "/live/x");
    let (_browser, tab) = visited(origin, "/");
    text_of(&tab, "/kept/x");
    wait_for_stash(&tab, "kept", &["/kept/x"]);
    text_of(&tab, "/live/x");
    wait_for_stash(&tab, "old", &["/live/x"]);
    served.deploy(&site, &config("new"));
    check_for_update(&tab);
    eventually("the stash without a route to go", DEADLINE, || {
        tab.load(&origin.url("/")).ok();
        let names = tab.cache_names();
        let there = names.iter().any(|name| name.ends_with("|run|old"));
        (!there).then_some(())
    });
    assert_eq!(text_of(&tab, "/kept/x"), "1");
    assert_eq!(text_of(&tab, "/live/x"), "2");
}
