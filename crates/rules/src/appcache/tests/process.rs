//! What the vectors do not say of the update process: pages that join, waits, aborts, limits, bad servers.

use http::Method;
use url::Url;

use super::world::{Resource, World};
use crate::appcache::{ErrorReason, Event, HostId, Limits, Opened, Opening, Profile, Status};

const PAGE: &str = "https://example.com/index.html";
const MANIFEST: &str = "https://example.com/site.appcache";
const CSS: &str = "https://example.com/main.css";

/// A site with a page, a style sheet and a manifest of this version.
fn site(version: &str) -> World {
    let mut world = World::new(Profile::STANDARD);
    world.set(PAGE, Resource::page("page", "/site.appcache"));
    release(&mut world, version);
    world
}

fn release(world: &mut World, version: &str) {
    world.set(CSS, Resource::new(&format!("css {version}")));
    let manifest = format!("CACHE MANIFEST\n# {version}\nmain.css\nNETWORK:\n*\n");
    world.set(MANIFEST, Resource::new(&manifest));
}

fn visit(world: &mut World, url: &str, name: &str) -> String {
    world.visit(url, name, &Method::GET).from
}

fn trouble(world: &mut World, name: &str) -> Option<ErrorReason> {
    world
        .events(name)
        .into_iter()
        .find_map(|event| match event {
            Event::Error(trouble) => Some(trouble.reason),
            _ => None,
        })
}

/// One visit to a site whose first attempt must come to nothing, and leave nothing.
#[track_caller]
fn check_first(world: &mut World, reason: ErrorReason) {
    visit(world, PAGE, "A");
    assert_eq!(world.status("A"), "UNCACHED");
    assert_eq!(trouble(world, "A"), Some(reason));
    assert_eq!(world.caches.groups().count(), 0);
    assert_eq!(world.caches.bodies().count(), 0, "something is still held");
    world.offline = true;
    assert_eq!(visit(world, PAGE, "B"), "error");
}

#[test]
fn a_first_attempt_that_comes_to_nothing_is_as_if_it_had_never_been() {
    let broken = |url: &str, resource: Resource, reason| {
        let mut world = site("v1");
        world.set(url, resource);
        check_first(&mut world, reason);
    };
    let to = |place: &str| Resource {
        redirect: Some(place.to_owned()),
        ..Resource::status(302)
    };
    broken(MANIFEST, Resource::status(500), ErrorReason::Manifest);
    broken(MANIFEST, Resource::status(404), ErrorReason::Manifest);
    broken(
        MANIFEST,
        Resource::new("<!doctype html><title>Sign in</title>"),
        ErrorReason::Signature,
    );
    broken(MANIFEST, to("/other.appcache"), ErrorReason::Redirect);
    // for ever to itself: not one step of it is followed
    broken(MANIFEST, to("/site.appcache"), ErrorReason::Redirect);
    broken(CSS, to("/main.css"), ErrorReason::Redirect);
    broken(CSS, Resource::status(404), ErrorReason::Resource);
    broken(
        CSS,
        Resource {
            error: true,
            ..Resource::new("")
        },
        ErrorReason::Resource,
    );
    broken(
        CSS,
        Resource::new("x").field("cache-control", "no-store"),
        ErrorReason::NoStore,
    );
    let page = Resource::page("page", "/site.appcache").field("cache-control", "no-store");
    broken(PAGE, page, ErrorReason::Page);
    let utf16: Vec<u8> = "\u{feff}CACHE MANIFEST\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    broken(
        MANIFEST,
        Resource {
            body: utf16,
            ..Resource::new("")
        },
        ErrorReason::Signature,
    );
}

#[test]
fn a_cache_that_cannot_be_kept_is_an_error_and_the_last_good_one_stays() {
    let mut world = site("v1");
    world.kept = false;
    check_first(&mut world, ErrorReason::Quota);
    let mut world = site("v1");
    visit(&mut world, PAGE, "A");
    release(&mut world, "v2");
    world.kept = false;
    visit(&mut world, PAGE, "B");
    assert_eq!(trouble(&mut world, "B"), Some(ErrorReason::Quota));
    assert_eq!(world.fetch(CSS, "B", &Method::GET).body, "css v1");
    world.kept = true;
    visit(&mut world, PAGE, "C");
    assert_eq!(world.status("C"), "UPDATEREADY");
}

#[test]
fn a_page_that_cannot_be_added_to_the_newest_cache_has_none() {
    let mut world = site("v1");
    visit(&mut world, PAGE, "A");
    let two = "https://example.com/two.html";
    world.set(two, Resource::page("two", "/site.appcache"));
    world.kept = false;
    visit(&mut world, two, "T");
    assert_eq!(world.status("T"), "UNCACHED");
    assert_eq!(trouble(&mut world, "T"), Some(ErrorReason::Quota));
    assert_eq!(world.status("A"), "IDLE");
    world.offline = true;
    assert_eq!(visit(&mut world, two, "U"), "error");
    assert_eq!(visit(&mut world, PAGE, "V"), "cache");
}

#[test]
fn a_page_that_joins_an_update_shares_it() {
    let mut world = site("v1");
    world.set(
        "https://example.com/two.html",
        Resource::page("two", "/site.appcache"),
    );
    world.hold = |url| url.as_str() == CSS;
    visit(&mut world, PAGE, "A");
    assert_eq!(world.status("A"), "DOWNLOADING");
    visit(&mut world, "https://example.com/two.html", "T");
    assert_eq!(world.event_names("T"), ["checking", "downloading"]);
    assert_eq!(world.status("T"), "UNCACHED");
    let asked = world.asked.iter().filter(|it| *it == MANIFEST).count();
    assert_eq!(asked, 1, "the update was begun twice");
    world.release();
    assert_eq!(
        world.event_names("A"),
        ["checking", "downloading", "progress", "cached"]
    );
    assert_eq!(world.event_names("T"), ["cached"]);
    world.offline = true;
    assert_eq!(
        visit(&mut world, "https://example.com/two.html", "U"),
        "cache"
    );
}

#[test]
fn loads_are_normal_until_the_first_cache_is_complete() {
    let mut world = site("v1");
    let closed = "CACHE MANIFEST\nmain.css\n";
    world.set(MANIFEST, Resource::new(closed));
    world.set("https://example.com/other.js", Resource::new("other"));
    world.hold = |url| url.as_str() == CSS;
    visit(&mut world, PAGE, "A");
    let other = "https://example.com/other.js";
    assert_eq!(world.fetch(other, "A", &Method::GET).from, "network");
    world.release();
    assert_eq!(world.fetch(other, "A", &Method::GET).from, "error");
}

#[test]
fn events_wait_for_the_load_and_of_progress_the_latest_is_kept() {
    let mut world = site("v1");
    let (_, page) = world.begin(PAGE, "A", &Method::GET);
    assert!(world.events("A").is_empty());
    let host = world.pages["A"];
    world.caches.loaded(host, page, world.now);
    world.run();
    let events = world.events("A");
    let done = Event::Progress {
        loaded: 1,
        total: 1,
    };
    assert_eq!(
        events,
        [Event::Checking, Event::Downloading, done, Event::Cached]
    );
}

#[test]
fn a_page_that_closes_before_it_has_loaded_ends_the_first_attempt() {
    let mut world = site("v1");
    world.begin(PAGE, "A", &Method::GET);
    world.close("A");
    assert_eq!(world.caches.groups().count(), 0);
}

#[test]
fn abort_ends_an_update_and_a_later_answer_changes_nothing() {
    let mut world = site("v1");
    visit(&mut world, PAGE, "A");
    release(&mut world, "v2");
    world.hold = |url| url.as_str() == CSS;
    visit(&mut world, PAGE, "B");
    let host = world.pages["B"];
    world.caches.abort(host, world.now);
    let held = std::mem::take(&mut world.held);
    world.run();
    assert_eq!(trouble(&mut world, "B"), Some(ErrorReason::Abort));
    world.held = held;
    world.release();
    assert_eq!(world.status("B"), "IDLE");
    assert_eq!(world.fetch(CSS, "B", &Method::GET).body, "css v1");
    // with nothing under way it does nothing
    world.caches.abort(host, world.now);
    world.run();
    assert!(world.events("B").is_empty());
}

#[test]
fn a_script_asks_for_an_update_and_gets_it_once() {
    let mut world = site("v1");
    visit(&mut world, PAGE, "A");
    world.events("A");
    release(&mut world, "v2");
    let host = world.pages["A"];
    world.caches.update(host, world.now).unwrap();
    world.run();
    assert_eq!(
        world.event_names("A"),
        ["checking", "downloading", "progress", "updateready"]
    );
    world.caches.swap_cache(host).unwrap();
    assert!(world.caches.swap_cache(host).is_err());
    assert_eq!(world.fetch(CSS, "A", &Method::GET).body, "css v2");
    world.set(MANIFEST, Resource::status(404));
    world.caches.update(host, world.now).unwrap();
    world.run();
    assert_eq!(world.status("A"), "OBSOLETE");
    assert!(world.caches.update(host, world.now).is_err());
    world.caches.swap_cache(host).unwrap();
    assert_eq!(world.status("A"), "UNCACHED");
    assert!(world.caches.swap_cache(host).is_err());
    world.run();
    assert_eq!(world.caches.bodies().count(), 0);
}

#[test]
fn a_manifest_that_changes_with_every_look_is_given_up_after_some_tries() {
    let mut world = site("v0");
    let versions = (0..100).map(|at| Resource::new(&format!("CACHE MANIFEST\n# {at}\n")));
    world
        .servers
        .insert(MANIFEST.to_owned(), versions.collect());
    visit(&mut world, PAGE, "A");
    let mut tries = 0;
    while world.caches.next_tick().is_some() {
        world.rerun();
        tries += 1;
        assert!(tries < 50, "it never ends");
    }
    assert_eq!(tries, Limits::default().reruns_max);
    assert_eq!(world.status("A"), "UNCACHED");
}

#[test]
fn a_rerun_for_a_page_that_is_gone_is_not_made() {
    let mut world = site("v1");
    let version = |at: usize| Resource::new(&format!("CACHE MANIFEST\n# {at}\n"));
    world
        .servers
        .insert(MANIFEST.to_owned(), [version(1), version(2)].into());
    visit(&mut world, PAGE, "A");
    world.close("A");
    world.asked.clear();
    world.rerun();
    assert!(world.asked.is_empty());
}

#[test]
fn ten_thousand_files_are_fetched_a_few_at_a_time() {
    let mut world = site("v1");
    let mut manifest = "CACHE MANIFEST\n".to_owned();
    for at in 0..10_000 {
        manifest.push_str(&format!("f/{at}\n"));
        world.set(&format!("https://example.com/f/{at}"), Resource::new("f"));
    }
    world.set(MANIFEST, Resource::new(&manifest));
    world.hold = |url| url.path() == "/f/7";
    visit(&mut world, PAGE, "A");
    assert_eq!(world.status("A"), "DOWNLOADING");
    assert_eq!(world.held.len(), 1);
    world.release();
    assert_eq!(world.status("A"), "IDLE");
    let (_, cache) = world.caches.groups().next().unwrap();
    // the files, the page and the manifest
    assert_eq!(cache.unwrap().entries.len(), 10_002);
    assert_eq!(world.commits, 1);
}

#[test]
fn a_manifest_with_more_files_than_allowed_is_refused_before_any_is_fetched() {
    let mut world = site("v1");
    let many: String = (0..20_001).map(|at| format!("f/{at}\n")).collect();
    world.set(MANIFEST, Resource::new(&format!("CACHE MANIFEST\n{many}")));
    check_first(&mut world, ErrorReason::Policy);
    assert!(!world.asked.iter().any(|url| url.contains("/f/")));
}

#[test]
fn of_pages_that_nothing_lists_the_newest_are_kept_and_none_ends_an_update() {
    let mut world = site("v1");
    let limits = Limits {
        entries_max: 2,
        masters_max: 3,
        ..Limits::default()
    };
    world.caches = crate::appcache::AppCaches::new(Profile::STANDARD, limits);
    let page = |at: usize| format!("https://example.com/p/{}", 9 - at);
    let kept = |world: &World| {
        let (_, cache) = world.caches.groups().next().unwrap();
        let has = |at: &usize| cache.unwrap().entries.contains_key(&page(*at));
        (0..6).filter(has).collect::<Vec<_>>()
    };
    for at in 0..5 {
        world.set(&page(at), Resource::page("page", "/site.appcache"));
        world.now += std::time::Duration::from_secs(1);
        visit(&mut world, &page(at), &at.to_string());
        assert_eq!(world.status(&at.to_string()), "IDLE");
    }
    assert_eq!(kept(&world), [2, 3, 4]);
    release(&mut world, "v2");
    visit(&mut world, &page(4), "A");
    assert_eq!(world.status("A"), "UPDATEREADY");
    assert_eq!(kept(&world), [2, 3, 4]);
    // a page that the manifest lists is not among those that go
    let listed = "CACHE MANIFEST\nmain.css\np/7\n";
    world.set(MANIFEST, Resource::new(listed));
    visit(&mut world, &page(4), "B");
    world.now += std::time::Duration::from_secs(1);
    world.set(&page(5), Resource::page("page", "/site.appcache"));
    visit(&mut world, &page(5), "C");
    assert_eq!(kept(&world), [2, 3, 4, 5]);
    // with one more file than it may list it is refused
    world.set(MANIFEST, Resource::new(&format!("{listed}other.css\n")));
    visit(&mut world, &page(4), "D");
    assert_eq!(trouble(&mut world, "D"), Some(ErrorReason::Policy));
}

#[test]
fn compat_leaves_out_what_says_no_store() {
    let mut world = site("v1");
    world.caches = crate::appcache::AppCaches::new(Profile::COMPAT, Limits::default());
    world.set(CSS, Resource::new("css").field("cache-control", "no-store"));
    visit(&mut world, PAGE, "A");
    assert_eq!(world.status("A"), "IDLE");
    // it is not in the cache, and `*` lets the network give it
    assert_eq!(world.fetch(CSS, "A", &Method::GET).from, "network");
}

#[test]
fn a_file_with_a_validator_is_asked_for_by_condition_and_a_304_keeps_its_bytes() {
    let mut world = site("v1");
    world.set(CSS, Resource::new("css v1").field("etag", "\"1\""));
    visit(&mut world, PAGE, "A");
    release(&mut world, "v2");
    // another body under the same tag: a 304 sends none of it
    world.set(CSS, Resource::new("never sent").field("etag", "\"1\""));
    visit(&mut world, PAGE, "B");
    assert_eq!(world.status("B"), "UPDATEREADY");
    visit(&mut world, PAGE, "C");
    assert_eq!(world.fetch(CSS, "C", &Method::GET).body, "css v1");
}

#[test]
fn a_manifest_that_is_fresh_is_not_asked_for() {
    let mut world = site("v1");
    let fresh = |text: &str| Resource::new(text).field("cache-control", "max-age=60");
    world.set(MANIFEST, fresh("CACHE MANIFEST\n# 1\nmain.css\n"));
    visit(&mut world, PAGE, "A");
    world.set(MANIFEST, fresh("CACHE MANIFEST\n# 2\nmain.css\n"));
    world.asked.clear();
    visit(&mut world, PAGE, "B");
    assert_eq!(world.event_names("B"), ["checking", "noupdate"]);
    assert!(world.asked.is_empty(), "{:?}", world.asked);
    world.now += std::time::Duration::from_secs(60);
    visit(&mut world, PAGE, "C");
    assert_eq!(world.status("C"), "UPDATEREADY");
}

#[test]
fn a_manifest_that_says_no_store_or_no_cache_is_asked_for_however_long_its_lifetime() {
    for said in ["no-store, max-age=3600", "no-cache, max-age=3600"] {
        let mut world = site("v1");
        let version = |text: &str| Resource::new(text).field("cache-control", said);
        world.set(MANIFEST, version("CACHE MANIFEST\n# 1\nmain.css\n"));
        visit(&mut world, PAGE, "A");
        assert_eq!(world.status("A"), "IDLE", "{said}");
        world.set(MANIFEST, version("CACHE MANIFEST\n# 2\nmain.css\n"));
        visit(&mut world, PAGE, "B");
        assert_eq!(world.status("B"), "UPDATEREADY", "{said}");
    }
}

#[test]
fn the_cache_of_the_page_that_the_user_comes_from_is_preferred() {
    let mut world = World::new(Profile::STANDARD);
    let shared = "https://example.com/shared.html";
    for (name, page) in [
        ("a", "https://example.com/a.html"),
        ("b", "https://example.com/b.html"),
    ] {
        world.set(page, Resource::page(name, &format!("/{name}.appcache")));
        let manifest = format!("CACHE MANIFEST\n# {name}\nshared.html\n");
        world.set(
            &format!("https://example.com/{name}.appcache"),
            Resource::new(&manifest),
        );
        world.set(shared, Resource::new(name));
        visit(&mut world, page, name);
        world.now += std::time::Duration::from_secs(1);
    }
    let url = Url::parse(shared).unwrap();
    let body = |world: &World, from: Option<HostId>| {
        let source = world.caches.navigate(&url, &Method::GET, from).unwrap();
        String::from_utf8(world.caches.served(&source).unwrap().body.clone()).unwrap()
    };
    assert_eq!(body(&world, None), "b", "not the one that was updated last");
    let (a, b) = (world.pages["a"], world.pages["b"]);
    assert_eq!(body(&world, Some(a)), "a");
    assert_eq!(body(&world, Some(b)), "b");
    let elsewhere = Url::parse("https://example.net/shared.html").unwrap();
    assert_eq!(world.caches.navigate(&elsewhere, &Method::GET, None), None);
}

#[test]
fn an_operator_removes_a_group_and_its_pages_load_from_the_network() {
    let mut world = site("v1");
    visit(&mut world, PAGE, "A");
    let manifest = Url::parse(MANIFEST).unwrap();
    assert!(world.caches.remove(&manifest, world.now));
    assert!(!world.caches.remove(&manifest, world.now));
    assert_eq!(world.status("A"), "OBSOLETE");
    assert_eq!(visit(&mut world, PAGE, "B"), "network");
}

#[test]
fn a_page_whose_cache_goes_while_it_comes_has_none() {
    let mut world = site("v1");
    visit(&mut world, PAGE, "A");
    let (url, manifest) = (Url::parse(PAGE).unwrap(), Url::parse(MANIFEST).unwrap());
    let source = world.caches.navigate(&url, &Method::GET, None);
    world.caches.remove(&manifest, world.now);
    let opening = Opening {
        address: &url,
        method: &Method::GET,
        source,
        manifest: Some("/site.appcache"),
        has_worker: false,
    };
    let Opened::Page(host) = world.caches.open(opening, world.now) else {
        panic!("the entry is not foreign");
    };
    assert_eq!(world.caches.status(host), Status::Uncached);
    assert!(!world.caches.is_updating());
}

mod any_order {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Visit(u8),
        Close(u8),
        Release(u8),
        Break(u8),
        Offline(bool),
        Update(u8),
        Swap(u8),
        Abort(u8),
        Rerun,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..4_u8).prop_map(Step::Visit),
            1 => (0..4_u8).prop_map(Step::Close),
            2 => (0..4_u8).prop_map(Step::Release),
            1 => (0..5_u8).prop_map(Step::Break),
            1 => any::<bool>().prop_map(Step::Offline),
            1 => (0..4_u8).prop_map(Step::Update),
            1 => (0..4_u8).prop_map(Step::Swap),
            1 => (0..4_u8).prop_map(Step::Abort),
            1 => Just(Step::Rerun),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Whatever happens, a page with a complete cache sees files of one version.
        #[test]
        fn versions_never_mix(steps in proptest::collection::vec(step(), 1..40)) {
            let mut world = World::new(Profile::STANDARD);
            let js = "https://example.com/main.js";
            let set = |world: &mut World, version: u8| {
                release(world, &format!("v{version}"));
                world.set(PAGE, Resource::page(&format!("page v{version}"), "/site.appcache"));
                world.set(js, Resource::new(&format!("js v{version}")));
                let manifest = format!("CACHE MANIFEST\n# v{version}\nmain.css\nmain.js\n");
                world.set(MANIFEST, Resource::new(&manifest));
            };
            set(&mut world, 0);
            for step in steps {
                let host = |world: &World, page: u8| world.pages.get(&page.to_string()).copied();
                match step {
                    Step::Visit(page) => {
                        world.close(&page.to_string());
                        visit(&mut world, PAGE, &page.to_string());
                    }
                    Step::Close(page) => world.close(&page.to_string()),
                    Step::Release(version) => set(&mut world, version),
                    Step::Break(how) => {
                        let url = [MANIFEST, CSS, js, PAGE, MANIFEST][usize::from(how)];
                        world.set(url, Resource::status([500, 404, 503, 410, 404][usize::from(how)]));
                    }
                    Step::Offline(offline) => world.offline = offline,
                    Step::Update(page) => if let Some(host) = host(&world, page) {
                        let _ = world.caches.update(host, world.now);
                    },
                    Step::Swap(page) => if let Some(host) = host(&world, page) {
                        let _ = world.caches.swap_cache(host);
                    },
                    Step::Abort(page) => if let Some(host) = host(&world, page) {
                        world.caches.abort(host, world.now);
                    },
                    Step::Rerun => world.rerun(),
                }
                world.run();
                for name in world.pages.keys().cloned().collect::<Vec<_>>() {
                    if world.status(&name) == "UNCACHED" {
                        continue;
                    }
                    let css = world.fetch(CSS, &name, &Method::GET);
                    let js = world.fetch(js, &name, &Method::GET);
                    prop_assert_eq!((&*css.from, &*js.from), ("cache", "cache"));
                    prop_assert_eq!(css.body.split_once(' ').unwrap().1, js.body.split_once(' ').unwrap().1);
                }
            }
            // nothing is held for pages that are gone and groups that are
            for name in world.pages.keys().cloned().collect::<Vec<_>>() {
                world.close(&name);
            }
            let kept: usize = world.caches.groups().filter_map(|(_, it)| it).map(|it| it.entries.len()).sum();
            prop_assert!(world.caches.bodies().count() <= kept + 1);
        }
    }
}
