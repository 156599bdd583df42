use super::*;
use crate::BuildConfig;
use crate::config::{FallbackOn, PrefetchConfig, Recipe, RouteConfig};

fn check(wanted: &Worker<'_>) -> String {
    worker(wanted, &BuildConfig::default().parse().unwrap()).unwrap()
}

const PLAIN: Worker<'_> = Worker {
    build: "BUILDBUILDBUILD0",
    site_id: "",
    update: UpdateMode::Prompt,
    offline: None,
    fallback: None,
    take_over: false,
    lazy: false,
    lazy_bytes: 1,
    asked: false,
    by_folder: false,
    network: &[],
    extension: None,
    imports: &[],
    replaces: &[],
};

#[test]
fn a_worker_carries_only_the_modules_that_its_site_uses() {
    let plain = check(&PLAIN);
    assert!(plain.contains("BUILDBUILDBUILD0") && !plain.contains("\nimport"));
    let full = check(&Worker {
        update: UpdateMode::NextVisit,
        offline: Some("offline.html"),
        fallback: Some("index.html"),
        take_over: true,
        ..PLAIN
    });
    assert!(full.len() > plain.len());
    assert!(full.contains("offline.html") && !plain.contains("offline"));
    assert!(full.contains("visibilityState") && !plain.contains("visibilityState"));
    assert!(full.contains("revisit/measure") && !plain.contains("revisit/measure"));
}

#[test]
fn a_worker_carries_only_what_its_routes_use() {
    let config = |routes: Vec<RouteConfig>| BuildConfig {
        routes,
        ..BuildConfig::default()
    };
    let of = |wanted: &Worker<'_>, routes: Vec<RouteConfig>| {
        worker(wanted, &config(routes).parse().unwrap()).unwrap()
    };
    let images = RouteConfig {
        recipe: Some(Recipe::Images),
        ..RouteConfig::default()
    };
    let pages = RouteConfig {
        recipe: Some(Recipe::Pages),
        fallback: Some("o.html".into()),
        preload: true,
        broadcast: true,
        ..RouteConfig::default()
    };
    let elsewhere = RouteConfig {
        origin: Some("*".into()),
        ..images.clone()
    };
    let failing = RouteConfig {
        fallback_on: FallbackOn::Failure,
        ..pages.clone()
    };
    let plain = check(&PLAIN);
    let one = of(&PLAIN, vec![images.clone()]);
    let two = of(&PLAIN, vec![images.clone(), pages]);
    let cors = of(&PLAIN, vec![elsewhere]);
    let three = of(&PLAIN, vec![failing]);
    for (word, with) in [
        ("x-revisit-at", [false, true, true, true]),
        ("networkFirst", [false, false, true, false]),
        ("CACHE_UPDATED", [false, false, true, false]),
        ("navigationPreload?.enable", [false, false, true, false]),
        ("navigationPreload?.disable", [true, true, false, true]),
        ("preloadResponse", [false, false, true, false]),
        ("mode:`cors`,credentials", [false, false, false, true]),
        ("groupCollapsed", [false, false, false, false]),
    ] {
        let found = [&plain, &one, &two, &cors].map(|text| text.contains(word));
        assert_eq!(found, with, "{word}");
    }
    for (text, with) in [(&plain, false), (&two, false), (&three, true)] {
        assert_eq!(text.contains("redirected:"), with, "{text}");
    }
    let served = Worker {
        take_over: true,
        ..PLAIN
    };
    assert!(of(&served, vec![images]).contains("groupCollapsed"));
}

#[test]
fn every_combination_of_routes_joins() {
    let route = |strategy| RouteConfig {
        path: Some(format!("/{strategy:?}/**")),
        strategy: Some(strategy),
        ..RouteConfig::default()
    };
    for bits in 1..32 {
        let routes = STRATEGIES
            .iter()
            .enumerate()
            .filter(|(bit, _)| bits & (1 << bit) > 0)
            .map(|(_, (strategy, _))| route(*strategy))
            .collect();
        let config = BuildConfig {
            routes,
            ..BuildConfig::default()
        };
        worker(&PLAIN, &config.parse().unwrap()).unwrap();
    }
}

#[test]
fn every_combination_of_features_joins() {
    for update in [
        UpdateMode::Prompt,
        UpdateMode::NextVisit,
        UpdateMode::Immediate,
    ] {
        for bits in 0..64 {
            check(&Worker {
                update,
                offline: (bits & 1 > 0).then_some("o.html"),
                fallback: (bits & 2 > 0).then_some("f.html"),
                take_over: bits & 4 > 0,
                lazy: bits & 8 > 0,
                asked: bits & 16 > 0,
                by_folder: bits & 32 > 0,
                ..PLAIN
            });
        }
    }
}

#[test]
fn a_site_with_a_name_forgets_what_another_kept() {
    let named = check(&Worker {
        site_id: "shop",
        ..PLAIN
    });
    // every worker sees off one for application caches
    let deletes = |text: &str| text.matches("caches.delete").count();
    assert_eq!((deletes(&named), deletes(&check(&PLAIN))), (2, 1));
}

#[test]
fn code_of_the_sites_own_comes_first_and_as_it_is() {
    let text = "addEventListener('push', (event) => { /* ours */ })";
    let extended = check(&Worker {
        extension: Some(text),
        ..PLAIN
    });
    assert!(is_ours(extended.as_bytes()));
    let (own, ours) = extended.split_once(text).unwrap();
    assert_eq!(own, format!("{MARK}(() => {{\n"));
    assert!(ours.ends_with(check(&PLAIN).strip_prefix(MARK).unwrap()));
}

#[test]
fn the_worker_and_the_shim_of_application_caches_join_and_end_no_script_early() {
    for profile in [
        AppcacheProfile::Standard,
        AppcacheProfile::Compat,
        AppcacheProfile::SameOriginHttps,
    ] {
        let made = appcache_worker(&AppcacheWorker {
            site_id: "</script>",
            profile,
            stall_ms: NonZeroU64::MIN,
            seizes: true,
        });
        assert!(is_ours(made.unwrap().as_bytes()));
    }
    let text = shim(&BuildConfig::default()).unwrap();
    assert!(text.contains("applicationCache") && text.contains("/sw.js"));
    assert!(!text.contains("</") && !text.contains("<!--"));
}

#[test]
fn the_manifest_is_found_by_the_script() {
    let expected = Some("revisit/manifest-BUILDBUILDBUILD0.json");
    let full = Worker {
        extension: Some("x = {build: 'AAAAAAAAAAAAAAAA'}"),
        take_over: true,
        fallback: Some("f.html"),
        ..PLAIN
    };
    for wanted in [&PLAIN, &full] {
        let found = crate::manifest_of(check(wanted).as_bytes());
        assert_eq!(found.as_deref(), expected);
    }
}

#[test]
fn our_own_scripts_are_known_again() {
    assert!(is_ours(check(&PLAIN).as_bytes()));
    assert!(is_ours(uninstaller(true).unwrap().as_bytes()));
    assert!(is_ours(dev_worker().unwrap().as_bytes()));
    assert!(!is_ours(b"self.addEventListener('fetch', () => {})"));
}

#[test]
fn prefetch_is_in_worker_and_client_of_a_site_with_that_section_and_of_no_other() {
    let config = |prefetch, routes| BuildConfig {
        prefetch,
        routes,
        ..BuildConfig::default()
    };
    let routes = vec![RouteConfig {
        recipe: Some(Recipe::Pages),
        ..RouteConfig::default()
    }];
    let everything = Worker {
        update: UpdateMode::NextVisit,
        offline: Some("o.html"),
        fallback: Some("f.html"),
        take_over: true,
        lazy: true,
        asked: true,
        ..PLAIN
    };
    for wanted in [&PLAIN, &everything] {
        for routes in [Vec::new(), routes.clone()] {
            for prefetch in [None, Some(PrefetchConfig::default())] {
                let there = prefetch.is_some();
                let text =
                    worker(wanted, &config(prefetch, routes.clone()).parse().unwrap()).unwrap();
                for word in ["PREFETCH", "revisitFollow", "urlsToCache"] {
                    assert_eq!(text.contains(word), there, "{word}");
                }
            }
        }
    }
    let with = client(&config(Some(PrefetchConfig::default()), Vec::new())).unwrap();
    let without = client(&BuildConfig::default()).unwrap();
    assert!(with.contains("sw.js") && with.contains("PREFETCH"));
    assert!(without.contains("sw.js") && !without.contains("prefetch"));
}
