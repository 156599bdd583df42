//! Application caches as a layer: a site of 2011, visited by a browser of 2011.

#![allow(clippy::unwrap_used)]

mod updates;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use revisit_references::loads::Screen;
use revisit_replay::inputs::Pages;
use revisit_replay::{
    Action, ActionError, Answer, Arrival, Cleared, Fetching, Health, Limits, Network, Options,
    Replay, Request, Response, Server, UnknownVersion, Visit,
};
use revisit_rules::appcache::{Event, Profile};
use url::Url;

/// Status, fields and text of each path.
#[derive(Clone, Default)]
struct Site(Rc<RefCell<BTreeMap<String, Vec<File>>>>);

type File = (u16, String, String);

impl Site {
    fn put(&self, path: &str, text: &str) {
        self.answers(path, 200, "", text);
    }

    fn answers(&self, path: &str, status: u16, field: &str, text: &str) {
        let file = (status, field.to_owned(), text.to_owned());
        self.0.borrow_mut().insert(path.to_owned(), vec![file]);
    }

    /// The next request gets this, and those after it what there was.
    fn once(&self, path: &str, text: &str) {
        let file = (200, String::new(), text.to_owned());
        self.0
            .borrow_mut()
            .entry(path.to_owned())
            .or_default()
            .push(file);
    }

    /// All of the site says this version, but for what is asked for by its network section.
    fn release(&self, version: &str) {
        let page = format!(
            "<!doctype html><html manifest=/site.appcache><link rel=stylesheet href=/main.css><p>{version}"
        );
        self.put("/", &page);
        self.put("/other", &page);
        self.put("/main.css", &format!("p{{content:'{version}'}}"));
        self.put("/listed", version);
        self.put("/offline", &format!("<p>offline {version}"));
        self.put("/live/tide", version);
        self.put("/unlisted", version);
        self.put(
            "/site.appcache",
            &format!(
                "CACHE MANIFEST\n# {version}\n/main.css\n/listed\nFALLBACK:\n/docs/ /offline\nNETWORK:\n/live/\n"
            ),
        );
    }
}

impl Server for Site {
    fn answer(&mut self, request: &Request, _: SystemTime) -> Answer {
        let mut files = self.0.borrow_mut();
        let found = files.get_mut(request.url.path());
        let file = found.and_then(|all| match all.len() {
            0 => None,
            1 => all.first().cloned(),
            _ => all.pop(),
        });
        let (status, field, text) = file.unwrap_or((404, String::new(), "gone".to_owned()));
        let tag = format!(
            "\"{}\"",
            text.len() + text.bytes().map(usize::from).sum::<usize>()
        );
        let current = request
            .headers
            .get("if-none-match")
            .is_some_and(|it| *it == *tag);
        let status = StatusCode::from_u16(status).unwrap();
        let mut response = match current && status == 200 {
            true => Response::new(StatusCode::NOT_MODIFIED, ""),
            false => Response::new(status, text.clone()),
        };
        let kind = match text.starts_with("<") {
            true => "text/html",
            false => "text/plain",
        };
        let mut fields = vec![("content-type", kind), ("etag", &tag)];
        match field.split_once(": ") {
            Some(field) => fields.push(field),
            None => fields.push(("cache-control", "no-cache")),
        }
        for (name, value) in fields {
            let name: http::HeaderName = name.parse().unwrap();
            response.headers.insert(name, value.parse().unwrap());
        }
        Answer::Response(response)
    }

    fn deploy(&mut self, version: &str) -> Result<(), UnknownVersion> {
        self.release(version);
        Ok(())
    }
}

struct Old {
    site: Site,
    replay: Replay<Site, Pages>,
}

impl Old {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        let site = Site::default();
        site.release("v1");
        let options = Options {
            network: Network::NONE,
            application_caches: Some(Profile::STANDARD),
            limits,
            ..Options::chromium()
        };
        let pages = Pages::of_site(at("/"), Screen::default(), Vec::new());
        let replay = Replay::new(options, site.clone(), pages);
        Self { site, replay }
    }

    /// One that has visited the page.
    fn visited() -> Self {
        let mut old = Self::new();
        old.visit("/");
        old
    }

    fn play(&mut self, action: Action) -> Visit {
        self.replay.play(&action).unwrap()
    }

    fn visit(&mut self, path: &str) -> Visit {
        self.play(Action::Typed(at(path)))
    }

    fn fetch(&mut self, path: &str) -> Visit {
        self.play(Action::Fetch(Fetching::get(at(path))))
    }

    fn deploy(&mut self, version: &str) {
        self.play(Action::Deploy(version.to_owned()));
    }
}

fn at(path: &str) -> Url {
    Url::parse("https://old.example")
        .unwrap()
        .join(path)
        .unwrap()
}

/// Who answered for what, and what the application cache had to do with it.
fn told(visit: &Visit) -> Vec<String> {
    let line = |one: &revisit_replay::Exchange| {
        let role = one.application_cache.as_ref();
        let role = role.map_or(String::new(), |role| format!(" ({role})"));
        format!("{} {}{role}", one.url.path(), one.label())
    };
    visit.exchanges.iter().map(line).collect()
}

/// The events, without the steps of progress.
fn heard(visit: &Visit) -> Vec<&'static str> {
    let events = visit.events.iter().map(|one| &one.event);
    events
        .filter(|event| !matches!(event, Event::Progress { .. }))
        .map(Event::name)
        .collect()
}

#[test]
fn the_first_visit_is_the_networks_and_the_second_asks_for_the_manifest_alone() {
    let mut old = Old::new();
    let first = old.visit("/");
    assert_eq!(
        told(&first),
        [
            "/ network",
            "/main.css network",
            "/site.appcache network (update)",
            "/main.css 304 (update)",
            "/listed network (update)",
            "/offline network (update)",
            "/site.appcache 304 (update)",
        ]
    );
    assert_eq!(heard(&first), ["checking", "downloading", "cached"]);
    let mut progress = first.events.iter().filter_map(|one| match one.event {
        Event::Progress { loaded, total } => Some((loaded, total)),
        _ => None,
    });
    assert_eq!(progress.next_back(), Some((3, 3)));
    let again = [
        "/ application cache (master entry)",
        "/main.css application cache (explicit entry)",
        "/site.appcache 304 (update)",
    ];
    for action in [
        Action::Typed(at("/")),
        Action::Reload,
        Action::NewTab(at("/")),
    ] {
        let visit = old.play(action);
        assert_eq!(told(&visit), again, "{:?}", visit.action);
        assert!(heard(&visit).ends_with(&["noupdate"]), "{:?}", visit.events);
    }
    old.play(Action::Restart);
    assert_eq!(
        told(&old.visit("/")),
        again,
        "what it keeps outlives the browser"
    );
}

#[test]
fn a_hard_reload_avoids_application_caches_and_updates_them() {
    let mut old = Old::visited();
    let visit = old.play(Action::HardReload);
    assert_eq!(
        told(&visit),
        [
            "/ network",
            "/main.css network",
            "/site.appcache 304 (update)"
        ]
    );
    // A page that joins an upgrade hears nothing of it until it has the cache.
    assert_eq!(heard(&visit), ["noupdate"]);
}

#[test]
fn a_browser_of_today_reads_the_attribute_and_does_nothing() {
    let site = Site::default();
    site.release("v1");
    let pages = Pages::of_site(at("/"), Screen::default(), Vec::new());
    let mut replay = Replay::new(Options::chromium(), site, pages);
    for _ in 0..2 {
        let visit = replay.play(&Action::Typed(at("/"))).unwrap();
        assert!(visit.events.is_empty());
        assert!(
            visit
                .exchanges
                .iter()
                .all(|one| one.application_cache.is_none())
        );
        assert_eq!(visit.manifests, [(at("/"), at("/site.appcache"))]);
    }
    assert_eq!(
        replay.play(&Action::UpdateApplicationCache).unwrap_err(),
        ActionError::NoApplicationCaches
    );
}

#[test]
fn loads_of_a_page_go_by_the_sections_of_its_manifest() {
    let mut old = Old::visited();
    old.visit("/");
    for (path, expected) in [
        (
            "/listed",
            vec!["/listed application cache (explicit entry)"],
        ),
        (
            "/listed#part",
            vec!["/listed application cache (explicit entry)"],
        ),
        ("/live/tide", vec!["/live/tide network (under NETWORK)"]),
        ("/unlisted", vec!["/unlisted failed (listed nowhere)"]),
        (
            "/docs/a",
            vec![
                "/docs/a network (under FALLBACK, else /offline)",
                "/docs/a application cache (fallback entry /offline)",
            ],
        ),
    ] {
        let visit = old.fetch(path);
        assert_eq!(told(&visit), expected, "{path}");
        assert_eq!(visit.works(), path != "/unlisted", "{path}");
    }
    let mut post = Fetching::get(at("/unlisted"));
    post.method = http::Method::POST;
    assert_eq!(
        told(&old.play(Action::Fetch(post))),
        ["/unlisted network (not for this method)"]
    );
    old.site.put("/docs/b", "here");
    assert_eq!(
        told(&old.fetch("/docs/b")),
        ["/docs/b network (under FALLBACK, else /offline)"]
    );
    let manifest = "CACHE MANIFEST\n/main.css\nNETWORK:\n*\n";
    old.site.put("/site.appcache", manifest);
    old.visit("/");
    old.visit("/");
    assert_eq!(
        told(&old.fetch("/unlisted")),
        ["/unlisted network (by `*` under NETWORK)"]
    );
}

#[test]
fn a_deploy_shows_the_old_version_whole_once_and_then_the_new_one_whole() {
    let mut old = Old::visited();
    old.deploy("v2");
    let visit = old.visit("/");
    let own = [
        "/ application cache (master entry)",
        "/main.css application cache (explicit entry)",
    ];
    assert_eq!(told(&visit)[..2], own);
    assert_eq!(heard(&visit), ["checking", "downloading", "updateready"]);
    let lengths = |visit: &Visit| -> Vec<u64> {
        let own = visit.exchanges.iter().take(2);
        own.map(|one| one.body_bytes).collect()
    };
    let before = lengths(&visit);
    old.deploy("version 3");
    // what was fetched after the deploy of v2 is shown whole, while the third comes
    assert_eq!(lengths(&old.visit("/")), before);
    let third = old.visit("/");
    assert_eq!(told(&third)[..2], own);
    assert!(
        lengths(&third)
            .iter()
            .zip(&before)
            .all(|(new, old)| new > old)
    );
}

#[test]
fn a_tab_keeps_its_version_until_its_script_swaps_and_another_tab_has_the_new_one() {
    let mut old = Old::visited();
    old.visit("/");
    old.deploy("version 2");
    let bytes = |visit: &Visit| visit.exchanges[0].body_bytes;
    assert_eq!(
        old.replay.play(&Action::SwapApplicationCache).unwrap_err(),
        ActionError::NoApplicationCache,
        "there is no newer one yet"
    );
    let update = old.play(Action::UpdateApplicationCache);
    assert_eq!(heard(&update), ["checking", "downloading", "updateready"]);
    assert_eq!(update.arrival, Arrival::None);
    old.play(Action::NewTab(at("/")));
    assert_eq!(bytes(&old.fetch("/listed")), 9);
    old.play(Action::Tab(0));
    assert_eq!(bytes(&old.fetch("/listed")), 2);
    old.play(Action::SwapApplicationCache);
    assert_eq!(bytes(&old.fetch("/listed")), 9);
}

#[test]
fn without_a_network_and_with_servers_down_pages_come_and_others_are_fallbacks() {
    for (trouble, asked) in [
        (Action::Offline, "failed"),
        (Action::Servers(Health::Unreachable), "failed"),
        (
            Action::Servers(Health::Answers(StatusCode::SERVICE_UNAVAILABLE)),
            "network",
        ),
    ] {
        let mut old = Old::visited();
        old.play(trouble);
        let visit = old.visit("/");
        assert_eq!(
            told(&visit)[..2],
            [
                "/ application cache (master entry)",
                "/main.css application cache (explicit entry)"
            ]
        );
        assert!(
            visit.works() && heard(&visit) == ["checking", "error"],
            "{visit:?}"
        );
        let visit = old.visit("/docs/unseen");
        assert_eq!(
            told(&visit)[..2],
            [
                format!("/docs/unseen {asked}"),
                "/docs/unseen application cache (fallback entry /offline)".to_owned()
            ]
        );
        assert!(visit.works());
        assert_eq!(visit.document, Some(at("/docs/unseen")));
        let visit = old.visit("/elsewhere");
        assert!(!visit.works());
    }
}

#[test]
fn a_manifest_that_is_gone_frees_the_site() {
    for status in [404, 410] {
        let mut old = Old::visited();
        old.site.answers("/site.appcache", status, "", "gone");
        let visit = old.visit("/");
        assert_eq!(told(&visit)[0], "/ application cache (master entry)");
        assert_eq!(heard(&visit), ["checking", "obsolete"]);
        let visit = old.visit("/");
        assert_eq!(told(&visit)[..2], ["/ 304", "/main.css 304"], "{status}");
        assert_eq!(
            heard(&visit),
            ["checking", "error"],
            "the page names it still"
        );
    }
}

#[test]
fn a_listed_file_that_does_not_come_ends_an_update_and_the_last_good_version_stays() {
    for (status, field) in [
        (404, ""),
        (500, ""),
        (302, "location: /main.css"),
        (200, "cache-control: no-store"),
    ] {
        let mut old = Old::new();
        old.site.answers("/listed", status, field, "v1");
        let first = old.visit("/");
        assert_eq!(
            heard(&first),
            ["checking", "downloading", "error"],
            "{status}"
        );
        let second = old.visit("/");
        assert_eq!(told(&second)[0], "/ 304", "a first attempt leaves nothing");

        let mut old = Old::visited();
        old.deploy("v2");
        old.site.answers("/listed", status, field, "v2");
        let visit = old.visit("/");
        assert_eq!(
            heard(&visit),
            ["checking", "downloading", "error"],
            "{status}"
        );
        old.visit("/");
        let kept = old.fetch("/listed");
        assert_eq!(told(&kept), ["/listed application cache (explicit entry)"]);
        assert!(visit.works(), "an update breaks no page");
    }
}

#[test]
fn a_manifest_that_changes_under_an_update_is_tried_again_after_three_seconds() {
    let mut old = Old::new();
    let before = old.replay.now();
    old.site.once(
        "/site.appcache",
        "CACHE MANIFEST\n# an hour ago\n/main.css\n",
    );
    let visit = old.visit("/");
    assert_eq!(
        heard(&visit),
        [
            "checking",
            "downloading",
            "error",
            "checking",
            "downloading",
            "cached"
        ]
    );
    let cached = visit.events.last().unwrap();
    assert_eq!(cached.at.as_secs(), 3);
    let passed = old.replay.now().duration_since(before).unwrap();
    assert!(passed >= Duration::from_secs(3), "{passed:?}");
    assert!(
        visit.load_time < Duration::from_secs(1),
        "nobody waits for it"
    );
}

#[test]
fn a_page_within_a_page_goes_by_its_own_manifest() {
    let mut old = Old::new();
    old.site.put(
        "/outer",
        "<html manifest=/outer.appcache><iframe src=/></iframe>",
    );
    old.site.put("/outer.appcache", "CACHE MANIFEST\n");
    old.visit("/outer");
    assert_eq!(
        told(&old.visit("/outer"))[..3],
        [
            "/outer application cache (master entry)",
            "/ application cache (master entry)",
            "/main.css application cache (explicit entry)",
        ]
    );
}

#[test]
fn an_entry_that_names_another_manifest_is_foreign() {
    let mut old = Old::visited();
    old.site
        .put("/listed", "<html manifest=/other.appcache><p>other");
    old.site.put("/other.appcache", "CACHE MANIFEST\n");
    old.site.put("/site.appcache", "CACHE MANIFEST\n/listed\n");
    old.visit("/");
    assert_eq!(
        told(&old.visit("/listed")),
        [
            "/listed 304",
            "/other.appcache network (update)",
            "/other.appcache 304 (update)",
        ]
    );
    assert_eq!(
        told(&old.visit("/listed"))[0],
        "/listed application cache (master entry)"
    );
}

#[test]
fn going_back_loads_a_page_that_has_an_application_cache_from_that() {
    let mut old = Old::visited();
    old.visit("/other");
    let back = old.play(Action::Back);
    assert_eq!(back.arrival, Arrival::Loaded);
    assert_eq!(told(&back)[0], "/ application cache (master entry)");
}

#[test]
fn who_clears_cookies_clears_application_caches() {
    for (what, from) in [
        (Cleared::Cache, "/ application cache (master entry)"),
        (Cleared::Cookies, "/ 304"),
        (Cleared::Everything, "/ network"),
    ] {
        let mut old = Old::visited();
        old.play(Action::Clear(what));
        assert_eq!(told(&old.visit("/"))[0], from, "{what:?}");
    }
    let mut old = Old::visited();
    old.site
        .answers("/live/tide", 200, "clear-site-data: \"storage\"", "v1");
    old.fetch("/live/tide");
    assert_eq!(told(&old.visit("/"))[0], "/ 304");
}

#[test]
fn an_update_asks_by_condition_for_what_the_http_cache_has_lost() {
    let mut old = Old::visited();
    old.play(Action::Clear(Cleared::Cache));
    let visit = old.visit("/");
    assert_eq!(told(&visit).last().unwrap(), "/site.appcache 304 (update)");
    assert_eq!(heard(&visit), ["checking", "noupdate"]);
}

#[test]
fn what_does_not_fit_is_not_kept() {
    let limits = |bytes| Limits {
        application_cache_bytes_max: bytes,
        ..Limits::default()
    };
    for (bytes, last) in [(10_000, "cached"), (100, "error")] {
        let mut old = Old::with(limits(bytes));
        assert_eq!(heard(&old.visit("/")).last(), Some(&last), "{bytes}");
    }
}
