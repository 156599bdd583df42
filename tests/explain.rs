//! `revisit explain`: a URL is fetched once and its redirects are not followed; what cannot be
//! explained is refused with what to do.

#![allow(clippy::unwrap_used)]

use serde_json::Value;

use crate::harness::{Origin, Site, revisit};

#[test]
fn a_url_is_fetched_and_explained_for_both_kinds_of_caches() {
    let site = Site::new();
    site.file("index.html", "<h1>Home</h1>");
    let origin = Origin::serve(site.path());
    origin.cache_control(Some("max-age=60, s-maxage=3600"));
    let output = revisit(&["explain", &origin.url("/"), "--json"]);
    let told: Value = serde_json::from_str(&output.ok().stdout).unwrap();
    let response = &told["responses"][0];
    assert_eq!(response["url"], origin.url("/"));
    assert_eq!(response["document"], true);
    assert_eq!(response["private"]["fresh_seconds"], 60);
    assert_eq!(response["shared"]["fresh_seconds"], 3600);
    assert_eq!(response["visits"].as_array().unwrap().len(), 4);
    assert_eq!(origin.count(|_| true), 1);
}

#[test]
fn what_cannot_be_explained_is_refused_with_what_to_do() {
    let site = Site::new();
    site.file("notes.txt", "hello");
    let notes = site.path().join("notes.txt");
    for (of, fact, code) in [
        ("nowhere.har", "error: cannot read `nowhere.har`", 2),
        (notes.to_str().unwrap(), "it does not begin with `HTTP/`", 2),
        ("ftp://a/", "`ftp` is neither `http` nor `https`", 2),
        (
            "http://127.0.0.1:1/",
            "error: cannot fetch `http://127.0.0.1:1/`",
            1,
        ),
    ] {
        let output = revisit(&["explain", of]);
        assert_eq!(output.code, Some(code), "{}", output.stderr);
        assert!(output.stderr.contains(fact), "{}", output.stderr);
        assert!(output.stderr.contains("help: "), "{}", output.stderr);
        assert!(output.stdout.is_empty(), "{}", output.stdout);
    }
}
