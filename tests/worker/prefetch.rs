//! What pages have fetched ahead: on the first visit, for many tabs, within limits, and answered
//! without a server. Requests are counted where they arrive.

use super::*;
use crate::harness::{Fault, eventually};

/// Products are the server's own: no build keeps them.
const CONFIG: &str = "[precache]
exclude = ['shop/**']
[prefetch]
fresh_seconds = 300
[[prefetch.follow]]
from = '/shop/*.json'
pointer = '/productPic'
";

/// A list of ten products, each with a picture that its JSON names.
fn shop() -> Site {
    let site = small_site();
    let link = |id| {
        format!(
            "<li><a href=/shop/{id}.html data-revisit-prefetch-urls=/shop/{id}.json>{id}</a></li>"
        )
    };
    let list: String = (0..10).map(link).collect();
    site.file(
        "list.html",
        format!(
            "<!doctype html><meta charset=utf-8><title>List</title><link rel=icon href=data:,>\
             <ul data-revisit-prefetch=hover data-revisit-prefetch-top=3>{list}</ul>\
             <a id=tagged data-revisit-prefetch=hover data-revisit-prefetch-tag=mine href=/shop/9.html>nine</a>"
        ),
    );
    for id in 0..10 {
        let product =
            format!("{{\"name\": \"product {id}\", \"productPic\": \"pictures/{id}.txt\"}}");
        site.file(&format!("shop/{id}.json"), product)
            .file(&format!("shop/{id}.html"), format!("<h1>Page {id}</h1>"))
            .file(&format!("shop/pictures/{id}.txt"), format!("picture {id}"));
    }
    site
}

fn shop_served() -> Served {
    let world = served(&shop(), CONFIG);
    world.origin.cache_control(Some("no-cache"));
    world
}

/// How many requests there were below `shop/`.
fn asked(origin: &Origin) -> usize {
    origin.count(|request| request.path().starts_with("/shop/"))
}

/// What became of a prefetch, as total, fetched, had, refused and ignored.
fn counts(tab: &Tab, call: &str) -> Value {
    tab.eval(&format!(
        "{call}.then((s) => [s.total, s.fetched, s.had, s.refused, s.ignored])"
    ))
}

#[test]
fn what_says_no_cache_is_prefetched_on_the_first_visit_and_answered_offline() {
    let Served { origin, out: _out } = shop_served();
    let browser = Browser::start();
    let tab = browser.tab();
    // before there is any worker
    tab.before_each_page(
        "addEventListener('revisit', () => {
            window.progress = []
            window.first = revisit.prefetch(['shop/1.json', '/shop/2.json', 'shop/1.json#same', '/shop/none.json'],
                { onprogress: (p) => progress.push(p) })
         })",
    );
    tab.load(&origin.url("/")).ok();
    // two products, each with its picture, and one that is not there
    assert_eq!(counts(&tab, "first"), json!([5, 4, 0, 1, 0]));
    assert_eq!(
        tab.eval(
            "first.then((s) => s.failed.map((f) => [new URL(f.url).pathname, f.reason, f.status]))"
        ),
        json!([["/shop/none.json", "status", 404]])
    );
    assert_eq!(
        tab.eval("progress.shift()"),
        json!({ "done": 0, "total": 3 })
    );
    assert_eq!(tab.eval("progress.pop()"), json!({ "done": 5, "total": 5 }));
    assert_eq!(asked(&origin), 5);
    installed(&tab);
    // young: neither a page nor another message costs a request
    assert_eq!(text_of(&tab, "/shop/pictures/1.txt"), "picture 1");
    assert_eq!(
        counts(&tab, "revisit.prefetch(['/shop/1.json'])"),
        json!([2, 0, 2, 0, 0])
    );
    // nor does what the build keeps
    assert_eq!(
        counts(&tab, "revisit.prefetch(['/data/list.json'])"),
        json!([1, 0, 1, 0, 0])
    );
    let first = "revisit.prefetch(['/data/list.json', '/shop/9.json'], { top: 1 })";
    assert_eq!(counts(&tab, first), json!([1, 0, 1, 0, 0]));
    assert_eq!(asked(&origin), 5);
    cut_off(&browser, &origin);
    browser.stop_workers();
    assert!(text_of(&tab, "/shop/2.json").contains("product 2"));
    assert_eq!(text_of(&tab, "/shop/pictures/2.txt"), "picture 2");
    assert!(tab.fetch("/shop/3.json", json!({})).error.is_some());
}

#[test]
fn what_is_no_more_young_is_asked_of_the_network_first_and_renewed() {
    let site = shop();
    let config = CONFIG.replace("300", "0");
    let world = served(&site, &config);
    let (browser, tab) = visited(&world.origin, "/");
    assert_eq!(
        counts(&tab, "revisit.prefetch('/shop/1.json')"),
        json!([2, 2, 0, 0, 0])
    );
    world.origin.fault(
        "/shop/1.json",
        Fault::Answer("application/json".into(), b"\"newer\"".to_vec()),
    );
    browser.clear_http_cache();
    assert_eq!(text_of(&tab, "/shop/1.json"), "\"newer\"");
    let offline = "fetch('/shop/1.json').then((r) => r.text())";
    // a server that says nothing is as good as none
    world.origin.heal();
    world.origin.fault("/shop/1.json", Fault::Hang);
    tab.wait_for(
        &format!("(await {offline}) === '\"newer\"'"),
        "the newer copy",
    );
    cut_off(&browser, &world.origin);
    browser.stop_workers();
    assert_eq!(tab.eval(offline), "\"newer\"");
}

#[test]
fn the_first_of_a_list_are_fetched_at_load_the_others_when_they_are_pointed_at() {
    let Served { origin, out: _out } = shop_served();
    let (_browser, tab) = visited(&origin, "/");
    tab.load(&origin.url("/list.html")).ok();
    origin.wait_for("the third product's picture", |r| {
        r.path() == "/shop/pictures/2.txt"
    });
    let over = |id: usize| {
        let event = "new PointerEvent('pointerover', { bubbles: true })";
        tab.run(&format!(
            "document.querySelectorAll('li a')[{id}].dispatchEvent({event})"
        ));
    };
    // passed by on the way to another
    tab.run("document.title = 'moving'");
    tab.run(
        "for (const id of [5, 6]) document.querySelectorAll('li a')[id]
            .dispatchEvent(new PointerEvent('pointerover', { bubbles: true }))",
    );
    origin.wait_for("the picture of the one pointed at", |r| {
        r.path() == "/shop/pictures/6.txt"
    });
    tab.run("document.querySelectorAll('li a')[4].focus()");
    origin.wait_for("the picture of the focused one", |r| {
        r.path() == "/shop/pictures/4.txt"
    });
    // a link that comes later, in a list that has its three
    tab.run("document.querySelector('ul').insertAdjacentHTML('afterbegin', '<li><a href=/shop/8.html>8</a></li>')");
    over(0);
    origin.wait_for("the page of the new link", |r| r.path() == "/shop/8.html");
    tab.run(
        "document.querySelector('#tagged')
            .dispatchEvent(new Event('touchstart', { bubbles: true }))",
    );
    origin.wait_for("the page that is touched", |r| r.path() == "/shop/9.html");
    assert_eq!(origin.count_of("/shop/5.json"), 0);
    assert_eq!(origin.count_of("/shop/7.json"), 0);
    // five products with pictures, and two pages
    assert_eq!(asked(&origin), 12);
    // once it is kept, its tag leads to it, and to no other
    tab.wait_for(
        "caches.match(new URL('/shop/9.html', location))",
        "the page to be kept",
    );
    tab.run("await revisit.send({ type: 'CLEAR', payload: { tag: 'mine' } })");
    text_of(&tab, "/shop/8.html");
    assert_eq!(asked(&origin), 12);
    text_of(&tab, "/shop/9.html");
    assert_eq!(asked(&origin), 13);
}

#[test]
fn links_in_view_are_fetched_and_a_visitor_who_saves_data_is_spared() {
    let Served { origin, out: _out } = shop_served();
    let (_browser, tab) = visited(&origin, "/");
    let page = "<div data-revisit-prefetch=view><a href=/shop/1.html>one</a>\
        <div style=height:9000px></div><a href=/shop/2.html>two</a></div>";
    let draw = format!("document.body.innerHTML = {}", json!(page));
    tab.run(&draw);
    origin.wait_for("the link in view", |r| r.path() == "/shop/1.html");
    assert_eq!(origin.count_of("/shop/2.html"), 0);
    tab.run("scrollTo(0, 9000)");
    origin.wait_for("the link that came into view", |r| {
        r.path() == "/shop/2.html"
    });

    tab.before_each_page(
        "Object.defineProperty(navigator, 'connection', { value: { saveData: true }, configurable: true })",
    );
    tab.load(&origin.url("/list.html")).ok();
    installed(&tab);
    origin.clear();
    let held = "revisit.prefetch(['/shop/5.json']).then((s) => [s.held, s.total])";
    assert_eq!(tab.eval(held), json!([true, 0]));
    assert_eq!(asked(&origin), 0);
    assert_eq!(
        counts(&tab, "revisit.prefetch(['/shop/5.json'], { always: true })"),
        json!([2, 2, 0, 0, 0])
    );
}

#[test]
fn two_tabs_that_ask_for_the_same_cost_one_request_each_and_can_be_aborted() {
    let Served { origin, out: _out } = shop_served();
    let (browser, first) = visited(&origin, "/");
    let second = browser.tab();
    second.load(&origin.url("/list.html")).ok();
    installed(&second);
    origin.wait_for("the list's pictures", |r| {
        r.path() == "/shop/pictures/2.txt"
    });
    origin.clear();
    origin.fault("/shop/7.json", Fault::Hang);
    origin.fault("/shop/8.json", Fault::Hang);
    let ask = "window.controller = new AbortController()
        window.asked = revisit.prefetch(['/shop/7.json', '/shop/8.json'], { signal: controller.signal })
        window.ended = asked.then(() => 'done', (error) => error.name)";
    first.run(ask);
    second.run(ask);
    origin.wait_for("both", |r| r.path() == "/shop/8.json");
    first.run("controller.abort()");
    assert_eq!(first.eval("ended"), "AbortError");
    origin.heal();
    assert_eq!(counts(&second, "asked"), json!([4, 4, 0, 0, 0]));
    assert_eq!((origin.count_of("/shop/7.json"), asked(&origin)), (1, 4));
}

#[test]
fn clear_empties_by_tag_or_whole_and_nothing_that_was_under_way_comes_back() {
    let Served { origin, out: _out } = shop_served();
    let (browser, tab) = visited(&origin, "/");
    tab.run("await revisit.prefetch(['/shop/1.json'], { tag: 'mine' }); await revisit.prefetch(['/shop/2.json'])");
    origin.fault("/shop/3.json", Fault::Hang);
    tab.run("window.late = revisit.prefetch(['/shop/3.json', '/shop/4.json'], { tag: 'mine' })");
    origin.wait_for("the one that hangs", |r| r.path() == "/shop/3.json");
    let other = browser.tab();
    other.load(&origin.url("/")).ok();
    installed(&other);
    other.run("await revisit.send({ type: 'CLEAR', payload: { tag: 'mine' } })");
    origin.heal();
    let reasons = "late.then((s) => s.failed.map((f) => f.reason))";
    assert_eq!(
        tab.eval(reasons).as_array().and_then(|all| all.first()),
        Some(&json!("cleared"))
    );
    origin.clear();
    assert!(text_of(&tab, "/shop/2.json").contains("product 2"));
    assert_eq!(asked(&origin), 0);
    for id in [1, 3] {
        text_of(&tab, &format!("/shop/{id}.json"));
    }
    assert_eq!(asked(&origin), 2);
    tab.run("await revisit.send({ type: 'CLEAR' })");
    cut_off(&browser, &origin);
    for path in ["/shop/2.json", "/shop/pictures/2.txt"] {
        assert!(tab.fetch(path, json!({})).error.is_some(), "{path}");
    }
    assert_eq!(
        tab.cache_names()
            .iter()
            .filter(|name| name.contains("|run|"))
            .count(),
        0
    );
}

#[test]
fn whatever_is_asked_for_harms_nothing_and_is_told() {
    let site = shop();
    let config = format!("[worker]\nstall_seconds = 1\n{CONFIG}")
        .replace("fresh", "urls_max = 20\nbytes_max = 100000\nfresh");
    let world = served(&site, &config);
    let Served { origin, .. } = &world;
    let (browser, tab) = visited(origin, "/");
    origin.fault(
        "/shop/0.json",
        Fault::Answer("application/json".into(), b"{\"productPic\":".to_vec()),
    );
    origin.fault("/shop/1.json", Fault::Stall(5));
    origin.fault(
        "/shop/2.json",
        Fault::Header("Cache-Control".into(), "no-store".into()),
    );
    origin.fault(
        "/shop/3.json",
        Fault::Answer("application/json".into(), vec![b' '; 200_000]),
    );
    origin.fault(
        "/shop/4.json",
        Fault::Answer(
            "application/json".into(),
            b"{\"productPic\":\"/shop/4.json\"}".to_vec(),
        ),
    );
    origin.fault("/shop/5.html", Fault::Redirect("/shop/6.html".into()));
    let failed = tab.eval(
        "revisit.prefetch([0, 1, 2, 3, 4].map((id) => `/shop/${id}.json`).concat('/shop/5.html'))
            .then((s) => s.failed.map(({ url, reason }) => new URL(url).pathname + ' ' + reason).sort())",
    );
    assert_eq!(
        failed,
        json!([
            "/shop/0.json json",
            "/shop/1.json stalled",
            "/shop/2.json no-store",
            "/shop/3.json large",
            "/shop/5.html redirected"
        ])
    );
    origin.heal();
    // ten thousand URLs, and what is none
    let many = "revisit.prefetch([...Array(10000).keys()].map((id) => `/shop/none-${id}`).concat('http://', 'data:,'))";
    assert_eq!(counts(&tab, many), json!([20, 0, 0, 20, 9982]));
    for message in [
        "null",
        "'PREFETCH'",
        "{ type: 'PREFETCH' }",
        "{ type: 'PREFETCH', payload: 5 }",
        "{ type: 'PREFETCH', payload: { urls: { length: 9 }, follow: 5, tag: {} } }",
        "{ type: 'PREFETCH', payload: { urls: [null, 5, {}, [[]]], follow: [null, { pointer: 5 }] } }",
        "{ type: 'SAVE', payload: { url: {} } }",
        "{ type: 'FORGET', payload: null }",
        "{ type: 'toString', payload: {} }",
    ] {
        tab.run(&format!(
            "(await navigator.serviceWorker.ready).active.postMessage({message})"
        ));
    }
    assert_eq!(
        counts(&tab, "revisit.prefetch(['/shop/7.json'])"),
        json!([2, 2, 0, 0, 0])
    );
    assert_eq!(browser.worker_errors(), Vec::<String>::new());
}

#[test]
fn html_is_followed_and_so_is_what_code_of_the_sites_own_says_and_other_origins_by_cors() {
    let site = shop();
    let page = "<title>t</title><img src=pictures/1.txt srcset='pictures/2.txt 2x'><script>'<img src=no.txt>'</script>\
        <a href=3.html>no</a>";
    site.file("shop/page.html", page).file(
        "own.js",
        "self.revisitFollow = async (response, url) =>
            url.endsWith('/3.json') ? [(await response.json()).name.replace('product 3', 'pictures/3.txt')] : []",
    );
    let elsewhere = Origin::serve(site.path());
    let allow = Fault::Header("Access-Control-Allow-Origin".into(), "*".into());
    elsewhere.fault("/shop/pictures/8.txt", allow);
    let toml = Site::new();
    let config = format!("[worker]\nextend = 'own.js'\n{CONFIG}")
        .replace("fresh_seconds = 300", "opaque = true");
    toml.file("own.js", site.read("own.js"))
        .file("revisit.toml", routed(&config));
    let out = Site::new();
    revisit(&[
        "build".as_ref(),
        site.path().as_os_str(),
        "--out".as_ref(),
        out.path().as_os_str(),
        "--config".as_ref(),
        toml.path().join("revisit.toml").as_os_str(),
    ])
    .ok();
    let origin = Origin::serve(out.path());
    let (browser, tab) = visited(&origin, "/");
    let html = "revisit.prefetch(['/shop/page.html'], { follow: [{ html: true }] })";
    // and the page client, which the build has
    assert_eq!(counts(&tab, html), json!([4, 3, 1, 0, 0]));
    // the rule of the config finds `pictures/3.txt` too
    assert_eq!(
        counts(&tab, "revisit.prefetch(['/shop/3.json'])"),
        json!([2, 2, 0, 0, 0])
    );
    let (open, closed) = (
        elsewhere.url("/shop/pictures/8.txt"),
        elsewhere.url("/pictures/rose.svg"),
    );
    let both = format!("revisit.prefetch({})", json!([open, closed]));
    assert_eq!(counts(&tab, &both), json!([2, 2, 0, 0, 0]));
    elsewhere.stop();
    cut_off(&browser, &origin);
    browser.stop_workers();
    assert_eq!(text_of(&tab, "/shop/pictures/2.txt"), "picture 2");
    assert_eq!(text_of(&tab, &open), "picture 8");
    tab.run(&format!(
        "document.body.innerHTML = '<img src=\"{closed}\">'"
    ));
    tab.wait_for("document.images[0].naturalWidth > 0", "the opaque picture");
}

#[test]
fn workbox_s_word_for_it_is_understood_and_a_worker_less_page_leaves_it_to_the_browser() {
    let Served { origin, out: _out } = shop_served();
    let (_browser, tab) = visited(&origin, "/");
    let ask = |urls: &str| {
        tab.run(&format!(
            "const {{ port1, port2 }} = new MessageChannel()
             const {{ active }} = await navigator.serviceWorker.ready
             active.postMessage({{ type: 'CACHE_URLS', payload: {{ urlsToCache: {urls} }} }}, [port2])
             return new Promise((done) => {{ port1.onmessage = ({{ data }}) => done(data) }})"
        ))
    };
    assert_eq!(
        ask("['/shop/1.json', ['shop/2.json', { headers: { 'x-own': 'yes' } }]]"),
        true
    );
    assert_eq!(ask("['/shop/none']"), false);
    assert_eq!(
        origin
            .wait_for("the second", |r| r.path() == "/shop/2.json")
            .header("x-own"),
        Some("yes")
    );
    // the worker cannot be had
    origin.fault("/sw.js", Fault::Status(404));
    tab.run("await (await navigator.serviceWorker.ready).unregister()");
    tab.load(&origin.url("/")).ok();
    tab.wait_for("revisit.state === 'failed'", "the worker to fail");
    let linked = "revisit.prefetch(['/shop/6.json']).then((s) => s.linked)";
    assert_eq!(tab.eval(linked), 1);
    eventually("the browser to fetch it", crate::harness::DEADLINE, || {
        (origin.count_of("/shop/6.json") == 1).then_some(())
    });
}

#[test]
fn what_a_route_answers_is_kept_by_its_rules_and_a_route_finds_what_was_prefetched_otherwise() {
    let config = "[precache]
exclude = ['shop/**']
[[route]]
path = '/shop/*.json'
strategy = 'cache-first'
name = 'products'
ignore_search = true
[[route]]
path = '/shop/pictures/**'
destination = ['image']
strategy = 'network-first'
[prefetch]
[[prefetch.follow]]
pointer = '/productPic'
";
    let site = shop();
    let picture = "<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'></svg>";
    site.file("shop/pictures/5.svg", picture)
        .file("shop/5.json", "{\"productPic\": \"pictures/5.svg\"}");
    let Served { origin, out: _out } = served(&site, config);
    let (browser, tab) = visited(&origin, "/");
    let ask = "revisit.prefetch(['/shop/5.json?from=list'], { tag: 'mine' })";
    assert_eq!(counts(&tab, ask), json!([2, 2, 0, 0, 0]));
    let mut names = tab.cache_names();
    names.retain(|name| name.contains("|run|"));
    names
        .iter_mut()
        .for_each(|name| *name = name.split('|').next_back().unwrap_or_default().to_owned());
    assert_eq!(names, ["prefetch", "products"]);
    cut_off(&browser, &origin);
    browser.stop_workers();
    assert!(text_of(&tab, "/shop/5.json").contains("5.svg"));
    tab.run("document.body.innerHTML = '<img src=/shop/pictures/5.svg>'");
    tab.wait_for("document.images[0].naturalWidth > 0", "the picture");
    assert_eq!(counts(&tab, ask), json!([2, 0, 2, 0, 0]));
    tab.run("await revisit.send({ type: 'CLEAR', payload: { tag: 'mine' } })");
    assert!(tab.fetch("/shop/5.json", json!({})).error.is_some());
}
