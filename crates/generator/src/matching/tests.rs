use std::time::SystemTime;

use super::*;
use crate::config::{
    ExtraConfig, ExtraGroup, PrecacheConfig, Recipe, RouteConfig, SiteConfig, Strategy,
    WorkerConfig,
};
use crate::{Options, plan_matches};

/// A shop below `/shop/`: two pages, what they load, a folder, and what is left out for each reason.
fn ask(url: &str) -> Match {
    let dir = tempfile::tempdir().unwrap();
    for (file, text) in [
        ("index.html", "<script src=js/app.js></script>"),
        (
            "js/app.js",
            "importScripts('dep.js'); new Worker('js/w.js')",
        ),
        ("js/dep.js", "1"),
        ("js/w.js", "1"),
        ("app.html", "<h1>app</h1>"),
        ("contact.html", "<h1>contact</h1>"),
        ("about/index.html", "<h1>about</h1>"),
        ("list.json", "[]"),
        ("app.js.map", "{}"),
        ("private/a.html", "<h1>private</h1>"),
        ("film.bin", &"x".repeat(100_000)),
        ("a b.txt", "1"),
    ] {
        let path = dir.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let config = BuildConfig {
        site: SiteConfig {
            base: "/shop/".into(),
            cdn: Some("https://cdn.example/v/".into()),
            ..SiteConfig::default()
        },
        precache: PrecacheConfig {
            exclude: vec!["private/**".into()],
            budget_bytes: 50_000,
            extra: [
                ("/shop/cart", ExtraGroup::AfterLoad),
                ("view/new/", ExtraGroup::Lazy),
            ]
            .map(|(url, group)| ExtraConfig {
                url: url.into(),
                revision: Some("1".into()),
                depends: Vec::new(),
                group,
            })
            .into(),
            ..PrecacheConfig::default()
        },
        worker: WorkerConfig {
            fallback: Some("app.html".into()),
            fallback_allow: vec!["view/**".into(), "api/**".into()],
            fallback_deny: vec!["view/admin".into()],
            ..WorkerConfig::default()
        },
        routes: vec![
            RouteConfig {
                path: Some("/shop/film.*".into()),
                strategy: Some(Strategy::CacheFirst),
                ..RouteConfig::default()
            },
            RouteConfig {
                recipe: Some(Recipe::Images),
                ..RouteConfig::default()
            },
            RouteConfig {
                path: Some("/{shop/live,else}/**".into()),
                strategy: Some(Strategy::NetworkFirst),
                ..RouteConfig::default()
            },
            RouteConfig {
                origin: Some("https://api.example".into()),
                path: Some("/v1/:name".into()),
                strategy: Some(Strategy::NetworkOnly),
                ..RouteConfig::default()
            },
        ],
        ..BuildConfig::default()
    };
    let options = Options {
        now: SystemTime::UNIX_EPOCH,
        development: None,
        previous: None,
    };
    let urls = [url.to_owned()];
    let mut found = plan_matches(dir.path(), &config, &options, &urls).unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

#[track_caller]
fn check(url: &str, expected: &str) {
    let answer = match ask(url).answer {
        Answer::Cache { file } => format!("cache {file}"),
        Answer::WhenUsed { file } => format!("when used {file}"),
        Answer::Extra { when_used } => format!("extra {when_used}"),
        Answer::Redirect { to } => format!("redirect {to}"),
        Answer::Fallback { page } => format!("fallback {page}"),
        Answer::Network { why } => format!("network {why:?}"),
        Answer::Route { number } => format!("route {number}"),
        Answer::Browser { why } => format!("browser {why:?}"),
    };
    assert_eq!(answer, expected, "{url}");
}

#[test]
fn a_file_is_found_under_each_of_its_spellings_and_the_query_counts_as_the_config_says() {
    for (url, file, spelling) in [
        ("/shop/", "index.html", Spelling::Folder),
        ("", "index.html", Spelling::Folder),
        ("/shop/index.html", "index.html", Spelling::Exact),
        ("contact", "contact.html", Spelling::WithoutHtml),
        ("/shop/about/#part", "about/index.html", Spelling::Folder),
        ("a%20b.txt", "a b.txt", Spelling::Exact),
        ("js/../list.json?", "list.json", Spelling::Exact),
        (
            "list.json?utm_source=x&fbclid=1",
            "list.json",
            Spelling::Exact,
        ),
        (
            "https://shop.example/shop/list.json",
            "list.json",
            Spelling::Exact,
        ),
    ] {
        check(url, &format!("cache {file}"));
        let found = ask(url).file.unwrap();
        assert_eq!((&*found.path, found.spelling), (file, spelling), "{url}");
    }
    check("/shop/about?utm_source=x", "redirect /shop/about/");
    check("list.json?page=2", "network Parameter { name: \"page\" }");
    let parameters = ask("list.json?utm_source=x&page=2").parameters;
    let ignored: Vec<_> = parameters.iter().map(|p| p.ignored_by.as_deref()).collect();
    assert_eq!(ignored, [Some("utm_*"), None]);
}

#[test]
fn an_address_that_is_not_the_sites_is_said_to_be_none() {
    for url in [
        "/",
        "/shop",
        "/shopping/",
        "../x",
        "https://shop.example/other",
    ] {
        check(url, "browser OutsideBase { base: \"/shop/\" }");
    }
    for url in ["mailto:a@example.org", "data:,x", "http://["] {
        check(url, "browser NoAddress");
    }
    let origin = |url| ask(url).origin;
    assert_eq!(
        origin("//cdn.example/shop/x"),
        Some("http://cdn.example".into())
    );
    assert_eq!(origin("/shop/x"), None);
    check("/shop/sw.js", "browser WorkerScript");
    check("/shop/revisit/x.pack", "network OfTheBuild");
    check("/shop/revisit", "network NoFile");
}

#[test]
fn why_a_file_is_kept_or_not_is_the_first_reason_that_holds() {
    let chain = |files: &[&str]| Precached::Shell {
        chain: files.iter().map(|file| (*file).to_owned()).collect(),
    };
    let excluded = |pattern: &str, by_default| Precached::Excluded {
        pattern: pattern.into(),
        by_default,
    };
    for (url, precached, kept_as) in [
        ("index.html", chain(&["index.html"]), Some(KeptAs::Document)),
        (
            "js/dep.js",
            chain(&["index.html", "js/app.js", "js/dep.js"]),
            Some(KeptAs::Pack),
        ),
        (
            "js/w.js",
            chain(&["index.html", "js/app.js", "js/w.js"]),
            Some(KeptAs::WorkerScript),
        ),
        ("list.json", Precached::WithinBudget, Some(KeptAs::Pack)),
        ("private/a", excluded("private/**", false), None),
        ("app.js.map", excluded("**/*.map", true), None),
        (
            "film.bin",
            Precached::OverBudget {
                bytes: 100_000,
                budget_bytes: 50_000,
            },
            Some(KeptAs::WhenUsed),
        ),
    ] {
        let found = ask(url).file.unwrap();
        assert_eq!(
            (found.precached, found.kept_as),
            (precached, kept_as),
            "{url}"
        );
    }
    check("private/a", "network NotPrecached");
}

#[test]
fn the_fallback_answers_views_that_it_may_and_no_files() {
    let denied = |pattern: &str| Fallback::Denied {
        pattern: pattern.into(),
    };
    for (url, fallback) in [
        ("view/7", None),
        ("view/7?page=2", None),
        ("orders", Some(Fallback::NotAllowed)),
        ("view/admin", Some(denied("view/admin"))),
        ("api/orders", Some(denied("api/**"))),
        ("view/report.pdf", Some(Fallback::NamesAFile)),
        ("view/%ff", Some(Fallback::NotAllowed)),
    ] {
        let found = ask(url);
        match fallback {
            None => check(url, "fallback app.html"),
            Some(_) => {
                check(url, "network NoFile");
                assert_eq!(found.fallback, fallback, "{url}");
            }
        }
    }
    assert_eq!(ask("list.json").fallback, None);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_makes_it_panic(url in "\\PC{0,40}") {
        ask(&url);
    }
}

#[test]
fn what_a_server_makes_is_answered_for_its_path_alone() {
    check("/shop/cart?utm_source=x", "extra false");
    check("/shop/cart?x=1", "network NoFile");
    check("/shop/cart/", "network NoFile");
    check("/shop/view/new/", "extra true");
    check("/shop/view/new", "fallback app.html");
}

#[test]
fn the_url_of_the_cdn_is_that_of_the_same_file_and_no_view_of_the_site() {
    check("https://cdn.example/v/js/app.js", "cache js/app.js");
    check("https://cdn.example/v/view/x", "network NoFile");
    check("https://cdn.example/shop/view/x", "fallback app.html");
}

#[test]
fn a_route_answers_what_no_precached_file_does() {
    check("js/app.js", "cache js/app.js");
    check("film.bin", "route 1");
    check("live/x", "route 3");
    check("live/x?page=2", "route 3");
    // outside of the base: pages may ask for it
    check("/else/x", "route 3");
    check("https://api.example/v1/x", "route 4");
    check("https://api.example/v2/x", "network NoRoute");
    check("view/7", "fallback app.html");
    for (url, numbers) in [
        ("js/app.js", &[][..]),
        ("live/x", &[2, 3]),
        ("view/7", &[2]),
        ("nowhere.png", &[2]),
        ("film.bin", &[1]),
        ("https://api.example/v2/x", &[]),
    ] {
        let routes = ask(url).routes;
        let found: Vec<usize> = routes.iter().map(|route| route.number).collect();
        assert_eq!(found, numbers, "{url}");
    }
}
