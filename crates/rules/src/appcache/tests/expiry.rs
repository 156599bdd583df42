//! Which group makes room when an origin has no more of it.

use http::Method;
use url::Url;

use super::world::{Resource, World};
use crate::appcache::{GroupId, Opening, Profile, Served, Source};

/// Sites on one host, each in a folder of its own and visited a second after the one before; a page stays open.
fn visited(names: &[&str]) -> World {
    let mut world = World::new(Profile::STANDARD);
    for name in names {
        world.set(&page(name), Resource::page(name, "m"));
        world.set(&manifest(name), Resource::new("CACHE MANIFEST\n"));
        visit(&mut world, name);
    }
    world
}

fn page(name: &str) -> String {
    format!("https://{}/{name}/", host(name))
}

fn manifest(name: &str) -> String {
    format!("{}m", page(name))
}

/// Names in capitals are on another host.
fn host(name: &str) -> &'static str {
    match name.chars().all(char::is_uppercase) {
        true => "other.example",
        false => "example.com",
    }
}

fn visit(world: &mut World, name: &str) {
    world.now += std::time::Duration::from_secs(1);
    world.visit(&page(name), name, &Method::GET);
}

/// The group of a site, by a page that is opened from it and closed again at once.
fn group(world: &mut World, name: &str) -> GroupId {
    let url = Url::parse(&page(name)).unwrap();
    let source = world.caches.navigate(&url, &Method::GET, None);
    source.expect("a site that is kept").group
}

/// Which group makes room for `beside`, after these pages were closed.
#[track_caller]
fn check(mut world: World, closed: &[&str], beside: &str, gone: Option<&str>) -> World {
    for name in closed {
        world.close(name);
    }
    let beside = group(&mut world, beside);
    let expired = world.caches.expire(beside).map(String::from);
    assert_eq!(expired, gone.map(manifest));
    world
}

#[test]
fn what_was_used_least_recently_goes_and_nothing_that_a_page_has() {
    let all = ["a", "b", "c"];
    let world = check(visited(&all), &all, "c", Some("a"));
    assert_eq!(world.caches.groups().count(), 2);
    check(world, &[], "c", Some("b"));
    // its page is open
    check(visited(&all), &["b", "c"], "c", Some("b"));
    check(visited(&all), &["c"], "c", None);
    // not what room is made for
    check(visited(&all), &all, "a", Some("b"));
    check(visited(&["a"]), &["a"], "a", None);
    // not of another origin
    check(visited(&["X", "a", "b"]), &["X", "a", "b"], "b", Some("a"));
}

#[test]
fn a_page_that_is_opened_and_an_update_are_uses() {
    let all = ["a", "b", "c"];
    let mut world = visited(&all);
    world.offline = true;
    visit(&mut world, "a");
    check(world, &all, "c", Some("b"));
    let mut world = visited(&all);
    world.set(&manifest("a"), Resource::new("CACHE MANIFEST\n#2\n"));
    world.now += std::time::Duration::from_secs(1);
    let page = world.pages["a"];
    world.caches.update(page, world.now).unwrap();
    world.run();
    check(world, &all, "c", Some("b"));
}

#[test]
fn a_page_that_comes_from_the_network_is_a_use_of_the_group_that_it_names() {
    let all = ["a", "b", "c"];
    let mut world = visited(&all);
    let url = format!("{}?new", page("a"));
    world.set(&url, Resource::page("a", "m"));
    world.now += std::time::Duration::from_secs(1);
    world.visit(&url, "query", &Method::GET);
    let mut world = check(world, &["query", "a", "b", "c"], "c", Some("b"));
    // as all pages do by `prefer-online`
    let text = "CACHE MANIFEST\nSETTINGS:\nprefer-online\n";
    world.set(&manifest("d"), Resource::new(text));
    world.set(&page("d"), Resource::page("d", "m"));
    for name in ["d", "a", "d"] {
        visit(&mut world, name);
        world.close(name);
    }
    let kept = |world: &World, name: &str| {
        let manifest = Url::parse(&manifest(name)).unwrap();
        world.caches.used(world.caches.group(&manifest).unwrap())
    };
    assert_eq!(kept(&world, "d"), Some(world.now));
    // not one that has no cache yet, nor a page without a manifest
    let before = kept(&world, "a");
    world.set(&page("a"), Resource::new("a"));
    world.set(&format!("{}?other", page("a")), Resource::new("a"));
    world.now += std::time::Duration::from_secs(1);
    world.visit(&format!("{}?other", page("a")), "none", &Method::GET);
    assert_eq!(kept(&world, "a"), before);
}

#[test]
fn what_expires_is_looked_at_before() {
    let all = ["a", "b", "c"];
    let mut world = visited(&all);
    world.close("a");
    world.close("b");
    let c = group(&mut world, "c");
    assert_eq!(world.caches.expirable(c).count(), 2);
    world.caches.expire(c).unwrap();
    assert_eq!(world.caches.expirable(c).count(), 1);
    world.caches.expire(c).unwrap();
    assert_eq!(world.caches.expirable(c).count(), 0);
    assert_eq!(world.caches.expire(c), None);
}

#[test]
fn what_is_being_updated_stays() {
    let all = ["a", "b"];
    let mut world = visited(&all);
    world.hold = |url| url.path() == "/a/m";
    let page = world.pages["a"];
    world.caches.update(page, world.now).unwrap();
    world.run();
    let mut world = check(world, &all, "b", None);
    world.release();
    check(world, &[], "b", Some("a"));
}

#[test]
fn what_was_noted_before_a_restart_counts() {
    let mut world = visited(&["a", "b"]);
    let (a, b) = (group(&mut world, "a"), group(&mut world, "b"));
    let later = world.now + std::time::Duration::from_secs(9);
    world.caches.use_group(a, later);
    world.caches.use_group(a, world.now);
    assert_eq!(world.caches.used(a), Some(later));
    assert_eq!(world.caches.used(b), Some(world.now));
    check(world, &["a", "b"], "a", Some("b"));
}

#[test]
fn a_page_that_comes_from_what_made_room_has_no_cache() {
    let mut world = visited(&["a", "b"]);
    world.close("a");
    let url = Url::parse(&page("a")).unwrap();
    let source: Source = world.caches.navigate(&url, &Method::GET, None).unwrap();
    let mut world = check(world, &["b"], "b", Some("a"));
    assert_eq!(source.served, Served::Itself);
    let opening = Opening {
        address: &url,
        method: &Method::GET,
        source: Some(source),
        manifest: Some("m"),
        has_worker: false,
    };
    world.caches.open(opening, world.now);
    world.run();
    assert_eq!(world.caches.groups().count(), 1);
}
