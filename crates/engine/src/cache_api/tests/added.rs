//! `add` and `addAll`: what is fetched, what is refused, all or nothing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::{Fetch, FetchError};

use super::*;

/// Answers by the URL.
#[derive(Default)]
struct Site {
    answers: HashMap<&'static str, (u16, &'static str)>,
    asked: Mutex<Vec<String>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

impl Site {
    fn new(answers: &[(&'static str, u16, &'static str)]) -> Self {
        let answers = answers
            .iter()
            .map(|(url, status, headers)| (*url, (*status, *headers)));
        Self {
            answers: answers.collect(),
            ..Self::default()
        }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Fetch for Site {
    async fn fetch(&self, request: crate::Request) -> Result<crate::Response, FetchError> {
        let url: &RequestUrl = request.extensions().get().expect("the whole URL");
        assert_eq!(request.method(), Method::GET);
        assert_eq!(request.headers()[http::header::HOST], url.authority());
        assert_eq!(request.uri().to_string(), url.path_and_query());
        let secret = match request.headers().contains_key("authorization") {
            true => " with authorization",
            false => "",
        };
        self.asked.lock().unwrap().push(format!("{url}{secret}"));
        let now = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_under_way.fetch_max(now, Ordering::Relaxed);
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        let Some((status, headers)) = self.answers.get(url.without_fragment()) else {
            return Err(FetchError::Unreachable {
                origin: url.origin(),
                source: "nobody there".into(),
            });
        };
        let mut response = http::Response::new(Body::from(url.to_string()));
        *response.status_mut() = http::StatusCode::from_u16(*status).unwrap();
        *response.headers_mut() = fields(headers);
        Ok(response)
    }
}

const OK: &str = "https://example.com/ok";
const OK2: &str = "https://example.com/ok2";

fn site() -> Site {
    Site::new(&[
        (OK, 200, ""),
        (OK2, 201, ""),
        ("https://example.com/404", 404, ""),
        ("https://example.com/500", 500, ""),
        ("https://example.com/206", 206, ""),
        ("https://example.com/304", 304, ""),
        ("https://example.com/star", 200, "Vary: a, *"),
        ("https://example.com/vary", 200, "Vary: x-shape"),
        ("https://other.example/", 200, ""),
    ])
}

#[test]
fn what_is_added_is_fetched_and_put() {
    run(async {
        let (cache, site) = (new_cache().await, site());
        cache.add(&site, "/ok#top").await.unwrap();
        cache.add(&site, "https://other.example/").await.unwrap();
        let keys = urls(&cache).await;
        assert_eq!(
            keys,
            ["https://example.com/ok#top", "https://other.example/"]
        );
        assert_eq!(site.asked(), keys);
        for (url, kind) in [(OK, ResponseType::Basic), (&keys[1], ResponseType::Cors)] {
            let found = cache
                .match_(url, QueryOptions::default())
                .await
                .unwrap()
                .unwrap();
            assert_eq!((found.kind(), found.url()), (kind, Some(url)));
            assert!(!found.redirected());
        }
        // again, and it replaces itself
        cache.add(&site, "/ok").await.unwrap();
        assert_eq!(urls(&cache).await.len(), 2);
        // The field that names the host is the fetch's, not the request's.
        assert!(
            cache
                .keys()
                .await
                .unwrap()
                .iter()
                .all(|key| key.headers.is_empty())
        );
    });
}

#[test]
fn what_is_no_success_is_not_added() {
    run(async {
        let (cache, site) = (new_cache().await, site());
        for url in ["/404", "/500", "/206", "/304", "/star", "/unreachable"] {
            assert_eq!(name_of(cache.add(&site, url).await), "TypeError", "{url}");
        }
        assert!(urls(&cache).await.is_empty());
    });
}

#[test]
fn what_is_no_get_over_http_is_not_even_fetched() {
    run(async {
        let (cache, site) = (new_cache().await, site());
        for bad in [
            request("POST", OK, ""),
            get("javascript://x"),
            get("file:///x"),
        ] {
            let refused = cache.add_all(&site, [get(OK), bad]).await;
            assert_eq!(name_of(refused), "TypeError");
        }
        assert_eq!(site.asked(), [""; 0]);
    });
}

#[test]
fn all_are_added_or_none() {
    run(async {
        let (cache, site) = (new_cache().await, site());
        cache.add_all(&site, [""; 0]).await.unwrap();
        cache.put(OK2, response(200, "", "old")).await.unwrap();
        for bad in ["/404", "/206", "/unreachable", "/star"] {
            let refused = cache.add_all(&site, [OK, bad, OK2]).await;
            assert_eq!(name_of(refused), "TypeError", "{bad}");
            assert_eq!(urls(&cache).await, [OK2]);
            assert_eq!(matched(&cache, OK2).await.as_deref(), Some("old"));
        }
        cache.add_all(&site, [OK2, OK]).await.unwrap();
        assert_eq!(urls(&cache).await, [OK2, OK]);
        assert_eq!(matched(&cache, OK2).await.as_deref(), Some(OK2));
    });
}

#[test]
fn one_request_twice_is_an_invalid_state() {
    run(async {
        let (cache, site) = (new_cache().await, site());
        let shape = |shape: &str| {
            let url = "https://example.com/vary";
            request("GET", url, &format!("x-shape: {shape}"))
        };
        for twice in [
            [get(OK), get(OK)],
            [
                get("https://example.com/ok#one"),
                get("https://example.com/ok#two"),
            ],
            [shape("circle"), shape("circle")],
        ] {
            let refused = cache.add_all(&site, twice).await;
            assert_eq!(name_of(refused), "InvalidStateError");
            assert!(urls(&cache).await.is_empty());
        }
        let both = [shape("circle"), shape("square")];
        cache.add_all(&site, both.clone()).await.unwrap();
        assert_eq!(cache.keys().await.unwrap(), both);
    });
}

#[test]
fn a_few_are_fetched_at_once_and_put_in_their_order() {
    run(async {
        let paths: Vec<&'static str> = (0..40)
            .map(|n| &*format!("https://example.com/{n}").leak())
            .collect();
        let answers: Vec<_> = paths.iter().map(|path| (*path, 200, "")).collect();
        let (cache, site) = (new_cache().await, Site::new(&answers));
        cache.add_all(&site, paths.clone()).await.unwrap();
        assert_eq!(urls(&cache).await, paths);
        assert_eq!(site.most_under_way.load(Ordering::Relaxed), 6);
    });
}

#[test]
fn redirects_are_followed_and_listed() {
    run(async {
        let site = Site::new(&[
            ("https://example.com/a", 301, "Location: b?x#new"),
            (
                "https://example.com/b?x",
                307,
                "Location: //other.example/c",
            ),
            ("https://other.example/c", 200, ""),
            ("https://example.com/no-location", 302, ""),
            ("https://example.com/bad", 302, "Location: https://"),
            (
                "https://example.com/file",
                302,
                "Location: file:///etc/passwd",
            ),
            (
                "https://example.com/user",
                302,
                "Location: https://u:p@example.com/a",
            ),
            ("https://example.com/circle", 302, "Location: /circle"),
        ]);
        let cache = new_cache().await;
        let from = request("GET", "https://example.com/a#top", "Authorization: x; y: z");
        cache.add(&site, &from).await.unwrap();
        let asked = [
            "https://example.com/a#top with authorization",
            "https://example.com/b?x#new with authorization",
            // another origin, to which no credentials go
            "https://other.example/c#new",
        ];
        assert_eq!(site.asked(), asked);
        // Kept under the URL that was asked for, with its own fields.
        assert_eq!(cache.keys().await.unwrap(), [from.clone()]);
        let found = cache
            .match_(&from, QueryOptions::default())
            .await
            .unwrap()
            .unwrap();
        assert!(found.redirected());
        assert_eq!(found.url(), Some("https://other.example/c"));
        assert_eq!(found.kind(), ResponseType::Cors);
        assert_eq!(found.head().urls.len(), 3);
        for url in ["/no-location", "/bad", "/file", "/user", "/circle"] {
            assert_eq!(name_of(cache.add(&site, url).await), "TypeError", "{url}");
        }
        let circled = site
            .asked()
            .iter()
            .filter(|url| url.ends_with("circle"))
            .count();
        assert_eq!(circled, 21, "the first and 20 redirects");
    });
}

#[test]
fn a_fetch_may_say_the_type_and_an_opaque_response_is_not_added() {
    struct Typed(ResponseType);
    impl Fetch for Typed {
        async fn fetch(&self, _: crate::Request) -> Result<crate::Response, FetchError> {
            let mut response = http::Response::new("x".into());
            response.extensions_mut().insert(self.0);
            Ok(response)
        }
    }
    run(async {
        let cache = new_cache().await;
        for kind in ResponseType::ALL {
            let added = cache.add(&Arc::new(Typed(kind)), "/a").await;
            match kind.is_hidden() {
                true => assert_eq!(name_of(added), "TypeError", "{kind:?}"),
                false => {
                    added.unwrap();
                    let found = cache.match_("/a", QueryOptions::default()).await.unwrap();
                    assert_eq!(found.unwrap().kind(), kind);
                }
            }
        }
    });
}

#[test]
fn a_body_that_is_cut_off_is_not_added() {
    struct CutOff;
    impl Fetch for CutOff {
        async fn fetch(&self, _: crate::Request) -> Result<crate::Response, FetchError> {
            let (mut sender, body) =
                http_body_util::channel::Channel::<bytes::Bytes, crate::BodyError>::new(2);
            sender.send_data("half".into()).await.unwrap();
            sender.abort("the connection ended".into());
            Ok(http::Response::new(Body::stream(body)))
        }
    }
    run(async {
        let cache = new_cache().await;
        assert_eq!(name_of(cache.add(&CutOff, "/a").await), "TypeError");
        assert!(urls(&cache).await.is_empty());
    });
}
