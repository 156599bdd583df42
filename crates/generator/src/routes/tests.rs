use super::*;
use crate::config::{Recipe, WorkerConfig};

/// Routes as a config file would have them, below the base `/shop/`.
fn parsed(list: Value) -> Result<Vec<Route>, BuildError> {
    let routes = serde_json::from_value(list).unwrap();
    let mut config = BuildConfig {
        routes,
        worker: WorkerConfig {
            network: vec!["api/".into()],
            ..WorkerConfig::default()
        },
        ..BuildConfig::default()
    };
    config.site.base = "/shop/".into();
    super::routes(&config)
}

#[track_caller]
fn refused(list: Value, key: &str, why: &str) {
    let text = list.to_string();
    match parsed(list) {
        Err(error) => {
            let words = error.to_string();
            assert!(words.starts_with(&format!("`{key}` cannot be")), "{words}");
            assert!(words.contains(why), "{words}");
        }
        Ok(_) => panic!("{text} was taken"),
    }
}

#[test]
fn a_route_that_can_never_answer_is_refused() {
    for (route, key, why) in [
        (json!({ "path": "/a" }), "route.strategy", "must be said"),
        (
            json!({ "strategy": "cache-first" }),
            "route.path",
            "write `/**`",
        ),
        (json!({ "path": "/{a" }), "route.path", "no partner"),
        (json!({ "path": "/a/:id+" }), "route.path", "no meaning"),
        (
            json!({ "path": "/a?b=c" }),
            "route.path",
            "no part of a path",
        ),
        (
            json!({ "path": "https://a.example/b" }),
            "route.path",
            "`origin`",
        ),
        (
            json!({ "path": "/shop/api/**" }),
            "route.path",
            "past the worker",
        ),
        (
            json!({ "path": "/else/*", "destination": ["document"] }),
            "route.path",
            "outside of `/shop/`",
        ),
        (
            json!({ "origin": "a.example" }),
            "route.origin",
            "without a path",
        ),
        (
            json!({ "origin": "https://a.example/b" }),
            "route.origin",
            "without a path",
        ),
        (
            json!({ "origin": "https://a.example", "destination": ["document"] }),
            "route.origin",
            "another origin",
        ),
        (
            json!({ "path": "/a", "methods": [] }),
            "route.methods",
            "a list of",
        ),
        (
            json!({ "path": "/a", "methods": ["get"] }),
            "route.methods",
            "a list of",
        ),
        (
            json!({ "path": "/a", "methods": ["POST"] }),
            "route.methods",
            "`network-only`",
        ),
        (
            json!({ "path": "/a", "destination": [] }),
            "route.destination",
            "for all",
        ),
        (
            json!({ "path": "/a", "destination": ["picture"] }),
            "route.destination",
            "one of",
        ),
        (
            json!({ "path": "/a", "destination": ["object"] }),
            "route.destination",
            "never ask",
        ),
    ] {
        let mut route = route;
        let said = key == "route.strategy";
        if !said {
            route["strategy"] = json!("cache-first");
        }
        refused(json!([route]), key, why);
    }
}

#[test]
fn a_key_that_would_change_nothing_is_refused() {
    for (strategy, key, value, why) in [
        ("network-only", "max_entries", json!(1), "keeps nothing"),
        ("network-only", "max_age_seconds", json!(1), "keeps nothing"),
        ("network-only", "statuses", json!([200]), "keeps nothing"),
        ("network-only", "name", json!("x"), "keeps nothing"),
        (
            "cache-first",
            "timeout_seconds",
            json!(3),
            "waits for nothing",
        ),
        (
            "cache-first",
            "broadcast",
            json!(true),
            "replaces no answer",
        ),
        ("cache-only", "preload", json!(true), "asks no network"),
        (
            "cache-only",
            "fallback_on",
            json!("failure"),
            "asks no network",
        ),
        (
            "network-first",
            "fallback_on",
            json!("failure"),
            "by `fallback`",
        ),
        (
            "cache-only",
            "credentials",
            json!("omit"),
            "asks no network",
        ),
        ("cache-first", "max_entries", json!(0), "no limit"),
        ("cache-first", "max_age_seconds", json!(0), "no limit"),
        ("cache-first", "max_bytes", json!(0), "no limit"),
        ("network-first", "timeout_seconds", json!(0), "no limit"),
        ("network-first", "timeout_seconds", json!(86_401), "a day"),
        ("cache-first", "statuses", json!([]), "no response"),
        ("cache-first", "statuses", json!([206]), "cannot be kept"),
        ("cache-first", "statuses", json!([304]), "cannot be kept"),
        ("cache-first", "headers", json!({ "x y": "1" }), "no name"),
        (
            "cache-first",
            "headers",
            json!({ "Set-Cookie": "1" }),
            "does not see",
        ),
        ("cache-first", "opaque", json!(true), "own origin"),
        ("cache-first", "name", json!("a|b"), "without `|`"),
        ("cache-first", "name", json!("prefetch"), "pages ask"),
    ] {
        let mut route = json!({ "path": "/a", "strategy": strategy });
        route[key] = value;
        refused(json!([route]), &format!("route.{key}"), why);
    }
    let opaque = json!({ "origin": "*", "strategy": "cache-first", "opaque": true });
    refused(json!([opaque]), "route.opaque", "`max_entries`");
    let preload = json!({ "recipe": "images", "preload": true });
    refused(json!([preload]), "route.preload", "pages alone");
    let cookies = json!({ "recipe": "pages", "credentials": "omit" });
    refused(json!([cookies]), "route.credentials", "as they see fit");
}

#[test]
fn a_route_behind_one_that_takes_all_of_its_requests_is_refused_and_others_are_told() {
    let first = json!({ "path": "/a/**", "strategy": "cache-first" });
    let inner = json!({ "path": "/a/:b", "destination": ["image"], "strategy": "cache-first" });
    refused(json!([first, inner]), "route.path", "route 1 comes first");
    let told = |list: Value| overlaps(&parsed(list).unwrap());
    // so are exceptions written
    assert_eq!(told(json!([inner, first])), []);
    let images = json!({ "recipe": "images" });
    let fonts = json!({ "recipe": "fonts" });
    assert_eq!(told(json!([images, fonts])), []);
    assert_eq!(
        told(json!([fonts, images, first])),
        [Warning::RoutesOverlap {
            route: 3,
            before: vec![1, 2],
            path: "/a/".into()
        }]
    );
}

#[test]
fn routes_share_a_stash_only_with_the_same_limits() {
    let route = |path: &str, entries: u32| json!({ "path": path, "strategy": "cache-first", "name": "x", "max_entries": entries });
    assert!(parsed(json!([route("/a", 1), route("/b", 1)])).is_ok());
    refused(
        json!([route("/a", 1), route("/b", 2)]),
        "route.name",
        "other limits",
    );
    let names: Vec<String> = parsed(json!([
        { "recipe": "images", "path": "/a/*" },
        { "recipe": "images", "path": "/b/*" },
        { "path": "/c", "strategy": "cache-first" },
    ]))
    .unwrap()
    .into_iter()
    .map(|route| route.name)
    .collect();
    assert_eq!(names, ["images", "images-2", "route-3"]);
}

#[test]
fn a_recipe_is_a_route_in_one_line_and_its_keys_can_be_others() {
    for (recipe, expected) in [
        (
            "fonts",
            json!({ "origin": "*", "destination": ["font"], "strategy": "cacheFirst", "entriesMax": 30, "ageMax": 31_536_000_000_u64 }),
        ),
        (
            "images",
            json!({ "destination": ["image"], "strategy": "cacheFirst", "entriesMax": 60, "ageMax": 2_592_000_000_u64, "bytesMax": 20_971_520 }),
        ),
        (
            "pages",
            json!({ "destination": ["document"], "strategy": "networkFirst", "timeout": 3000, "entriesMax": 50 }),
        ),
        (
            "static",
            json!({ "destination": ["script", "style", "worker"], "strategy": "staleWhileRevalidate", "entriesMax": 100 }),
        ),
    ] {
        let mut expected = expected;
        expected["name"] = json!(recipe);
        let found = parsed(json!([{ "recipe": recipe }])).unwrap();
        assert_eq!(found[0].for_worker(), expected);
    }
    let other = json!({
        "recipe": "pages", "path": "/shop/{a,b}/:c", "origin": "self", "strategy": "cache-first", "name": "p",
        "statuses": [200, 404], "headers": { "x-ok": "1" }, "private": true, "ignore_search": true,
        "destination": ["fetch", "document"], "credentials": "include", "fallback": "o.html",
        "fallback_on": "failure",
    });
    assert_eq!(
        parsed(json!([other])).unwrap()[0].for_worker(),
        json!({
            "path": ["shop/a/?*", "shop/b/?*"], "strategy": "cacheFirst", "name": "p",
            "statuses": [200, 404], "headers": { "x-ok": "1" }, "private": true, "ignoreSearch": true,
            "destination": ["", "document"], "credentials": "include", "fallback": "o.html",
            "onFailure": true,
            // not the recipe's time-out, which this strategy has no use for
            "entriesMax": 50,
        })
    );
    let live = json!({ "recipe": "images", "strategy": "network-only" });
    let live = &parsed(json!([live])).unwrap()[0];
    assert_eq!(
        live.for_worker(),
        json!({ "destination": ["image"], "strategy": "networkOnly" })
    );
    assert_eq!(live.keys.recipe, Some(Recipe::Images));
}

#[test]
fn what_a_route_keeps_of_another_origin_is_not_said_to_be_missing_offline() {
    let routes = parsed(json!([
        { "origin": "https://a.example", "path": "/live/**", "strategy": "network-only" },
        { "recipe": "static", "origin": "https://a.example" },
    ]))
    .unwrap();
    for (url, expected) in [
        ("https://a.example/x.css", true),
        ("//a.example/x.css", true),
        ("https://a.example/live/x.js", false),
        ("https://b.example/x.css", false),
        ("https:", false),
    ] {
        let by = "index.html".to_owned();
        let url = url.to_owned();
        let warning = Warning::ThirdParty { url, by };
        assert_eq!(answered(&routes, &warning), expected, "{warning:?}");
    }
}
