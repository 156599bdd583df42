//! Updates beside the HTTP cache, room for several caches, and what is promised of who answers.

use revisit_replay::scenario::{Check, From, FromOrPaths};

use super::*;

/// What fails of these promises about paths; no path: about the page.
fn failures(visit: &Visit, promised: &[(&str, From)]) -> Vec<String> {
    let from = match promised {
        [("", from)] => FromOrPaths::Page(*from),
        paths => {
            let paths = paths.iter();
            FromOrPaths::Paths(
                paths
                    .map(|(path, from)| ((*path).to_owned(), *from))
                    .collect(),
            )
        }
    };
    let check = Check {
        from: Some(from),
        ..Check::default()
    };
    check.failures(visit, 0)
}

#[test]
fn an_update_validates_what_is_fresh_by_a_guess_alone() {
    let guessed = "last-modified: Fri, 01 Jan 2010 00:00:00 GMT";
    for (field, expected) in [
        (guessed, Some("/listed network (update)")),
        // A lifetime with a name counts: the copy of the cache before is taken over.
        ("cache-control: max-age=3600", None),
    ] {
        let mut old = Old::new();
        old.site.answers("/listed", 200, field, "v1");
        old.visit("/");
        old.deploy("v2");
        old.site.answers("/listed", 200, field, "version 2");
        let visit = old.visit("/");
        let told = told(&visit);
        let about = told.iter().find(|line| line.starts_with("/listed"));
        assert_eq!(about.map(String::as_str), expected, "{told:?}");
        assert_eq!(heard(&visit).last(), Some(&"updateready"));
    }
    let mut old = Old::new();
    old.site.answers("/main.css", 200, guessed, "p{}");
    let first = old.visit("/");
    assert!(
        told(&first).contains(&"/main.css 304 (update)".to_owned()),
        "what a guess makes fresh is asked about: {:?}",
        told(&first)
    );
}

#[test]
fn a_cache_that_no_page_uses_makes_room_for_another_of_its_origin() {
    for (bytes, first_again) in [
        (10_000, "/ application cache (master entry)"),
        (300, "/ 304"),
    ] {
        let mut old = Old::with(Limits {
            application_cache_bytes_max: bytes,
            ..Limits::default()
        });
        let long = format!("<html manifest=/second.appcache><p>{}", "x".repeat(200));
        old.site.put("/second", &long);
        old.site.put("/second.appcache", "CACHE MANIFEST\n");
        assert_eq!(heard(&old.visit("/")).last(), Some(&"cached"));
        let second = old.visit("/second");
        assert_eq!(heard(&second).last(), Some(&"cached"), "{bytes}");
        assert_eq!(told(&old.visit("/"))[0], first_again, "{bytes}");
    }
    // The page of the first is open in another tab.
    let mut old = Old::with(Limits {
        application_cache_bytes_max: 300,
        ..Limits::default()
    });
    let long = format!("<html manifest=/second.appcache><p>{}", "x".repeat(200));
    old.site.put("/second", &long);
    old.site.put("/second.appcache", "CACHE MANIFEST\n");
    old.visit("/");
    let second = old.play(Action::NewTab(at("/second")));
    assert_eq!(heard(&second).last(), Some(&"error"));
}

#[test]
fn a_page_within_a_page_takes_nothing_that_the_outer_ones_cache_gave() {
    let mut old = Old::new();
    old.site.put(
        "/outer",
        "<html manifest=/outer.appcache><link rel=stylesheet href=/main.css><iframe src=/></iframe>",
    );
    old.site.put(
        "/outer.appcache",
        "CACHE MANIFEST\n/main.css\nNETWORK:\n*\n",
    );
    old.visit("/outer");
    let css = "/main.css application cache (explicit entry)";
    assert_eq!(
        told(&old.visit("/outer"))[..4],
        [
            "/outer application cache (master entry)",
            css,
            "/ application cache (master entry)",
            css,
        ]
    );
}

#[test]
fn who_answers_is_looked_for_where_the_fallback_is_and_not_in_updates() {
    let mut old = Old::new();
    let first = old.visit("/");
    assert_eq!(
        failures(&first, &[("/main.css", From::Network)]),
        [""; 0],
        "the 304 is the update's"
    );
    let again = old.visit("/");
    assert_eq!(
        failures(&again, &[("/**", From::ApplicationCache)]),
        [""; 0]
    );
    assert_eq!(
        failures(&again, &[("/**", From::Network)]).len(),
        1,
        "the promise is still looked at"
    );
    assert_eq!(
        failures(&again, &[("/site.appcache", From::Validated)]),
        ["nothing that matches `/site.appcache` was asked for"]
    );
    let missing = old.visit("/docs/unseen");
    assert_eq!(failures(&missing, &[("", From::ApplicationCache)]), [""; 0]);
    assert_eq!(
        failures(&missing, &[("/docs/*", From::ApplicationCache)]),
        [""; 0]
    );
    assert_eq!(
        failures(&missing, &[("", From::Network)]),
        ["the page is from the application cache; promised was the network"]
    );
}
