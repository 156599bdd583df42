//! `put`: what is refused, what it replaces, and that all comes back as it was put.

use bytes::Bytes;
use http_body_util::channel::Channel;

use super::*;
use crate::BodyError;

const URL: &str = "https://example.com/foo";

#[test]
fn what_may_not_be_put_is_a_type_error_and_changes_nothing() {
    run(async {
        let cache = new_cache().await;
        cache.put(URL, response(200, "", "old")).await.unwrap();
        let ok = || response(200, "", "new");
        for (request, response) in [
            (request("HEAD", URL, ""), ok()),
            (request("POST", URL, ""), ok()),
            (get("file:///etc/passwd"), ok()),
            (get(URL), response(206, "", "new")),
            (get(URL), response(200, "VARY: *", "new")),
            (get(URL), response(200, "Vary: Accept-Language,*", "new")),
        ] {
            assert_eq!(name_of(cache.put(request, response).await), "TypeError");
        }
        assert_eq!(
            name_of(cache.put("https://u:p@a/", ok()).await),
            "TypeError"
        );
        let mut used = ok();
        used.take_body().unwrap();
        assert!(used.body_used());
        assert_eq!(name_of(used.try_clone()), "TypeError");
        assert_eq!(name_of(cache.put(URL, used).await), "TypeError");
        assert_eq!(urls(&cache).await, [URL]);
        assert_eq!(matched(&cache, URL).await.as_deref(), Some("old"));
    });
}

#[test]
fn a_put_replaces_what_answers_its_request_by_any_fragment() {
    run(async {
        let cache = new_cache().await;
        cache.put(URL, response(200, "", "old")).await.unwrap();
        let fragment = format!("{URL}#(O_o)");
        cache
            .put(&fragment, response(201, "", "new"))
            .await
            .unwrap();
        assert_eq!(urls(&cache).await, [fragment]);
        assert_eq!(matched(&cache, URL).await.as_deref(), Some("new"));
    });
}

#[test]
fn a_put_replaces_every_variant_that_answers_it_and_no_other() {
    run(async {
        let cache = new_cache().await;
        let of = |x: &str| request("GET", URL, &format!("x: {x}"));
        for x in ["1", "2"] {
            let response = response(200, "Vary: x", x);
            cache.put(of(x), response).await.unwrap();
        }
        assert_eq!(cache.keys().await.unwrap().len(), 2);
        // A pair without `Vary` answers all, but takes the place only of what answers it.
        let response = response(200, "", "plain");
        cache.put(of("1"), response).await.unwrap();
        assert_eq!(cache.keys().await.unwrap(), [of("2"), of("1")]);
        assert_eq!(matched(&cache, of("2")).await.as_deref(), Some("2"));
        assert_eq!(matched(&cache, of("3")).await.as_deref(), Some("plain"));
    });
}

/// A head of every type, with all that a response can have.
fn heads() -> Vec<ResponseHead> {
    let url = |text| RequestUrl::parse(text, None).unwrap();
    let head = ResponseHead {
        kind: ResponseType::Default,
        status: 404,
        status_text: Bytes::from_static(b"nope \xe4"),
        urls: vec![
            url("https://example.com/x#y"),
            url("https://other.example/z#y"),
        ],
        headers: {
            let mut headers = fields("b: 1; Set-Cookie: x=y; b: 2; Cache-Control: no-store; a: 3");
            let value = HeaderValue::from_bytes(b"caf\xe9 \xff").unwrap();
            headers.append("latin", value);
            headers
        },
        null_body: false,
    };
    let of = |kind| ResponseHead {
        kind,
        ..head.clone()
    };
    ResponseType::ALL.into_iter().map(of).collect()
}

#[test]
fn all_of_a_response_comes_back_as_it_was_put() {
    run(async {
        let cache = new_cache().await;
        for head in heads() {
            for body in [None, Some(""), Some("body")] {
                let put = Response::with_head(head.clone(), body.map(Body::from));
                let want = put.head().clone();
                cache.put(URL, put).await.unwrap();
                for _ in 0..2 {
                    let found = cache.match_(URL, QueryOptions::default()).await.unwrap();
                    let mut found = found.expect("it was put");
                    assert_eq!(found.head(), &want);
                    let names = |headers: &HeaderMap| format!("{headers:?}");
                    assert_eq!(names(&found.head().headers), names(&want.headers));
                    assert_eq!(found.take_body().unwrap().is_some(), body.is_some());
                }
                assert_eq!(
                    matched(&cache, URL).await.as_deref(),
                    Some(body.unwrap_or(""))
                );
            }
        }
    });
}

#[test]
fn a_type_hides_what_the_standard_hides() {
    for head in heads() {
        let kind = head.kind;
        let response = Response::with_head(head, Some("secret".into()));
        let hidden = kind.is_hidden();
        assert_eq!(response.status(), if hidden { 0 } else { 404 }, "{kind:?}");
        assert_eq!(response.status_text().is_empty(), hidden, "{kind:?}");
        assert_eq!(response.headers().is_none(), hidden, "{kind:?}");
        let no_url = matches!(kind, ResponseType::Opaque | ResponseType::Error);
        assert_eq!(response.url().is_none(), no_url, "{kind:?}");
        assert_eq!(response.redirected(), !no_url, "{kind:?}");
        // Who answers a request with it sends what is within.
        assert_eq!(response.into_http().unwrap().status(), 404);
    }
    assert_eq!(Response::error().status(), 0);
    assert_eq!(name_of(Response::error().into_http()), "TypeError");
}

#[test]
fn a_network_error_and_any_status_but_206_are_kept() {
    run(async {
        let cache = new_cache().await;
        cache.put(URL, Response::error()).await.unwrap();
        let found = cache.match_(URL, QueryOptions::default()).await.unwrap();
        assert_eq!(found.unwrap().kind(), ResponseType::Error);
        for status in [200, 204, 301, 304, 404, 500, 599] {
            cache.put(URL, response(status, "", "x")).await.unwrap();
            let found = cache.match_(URL, QueryOptions::default()).await.unwrap();
            assert_eq!(found.unwrap().status(), status);
        }
    });
}

#[test]
fn freshness_plays_no_part() {
    run(async {
        let cache = new_cache().await;
        for (url, headers) in [
            ("/1", "Cache-Control: no-store"),
            ("/2", "Cache-Control: no-cache, max-age=0"),
            (
                "/3",
                "Expires: Thu, 01 Jan 1970 00:00:00 GMT; Age: 99999999",
            ),
            ("/4", "Pragma: no-cache"),
        ] {
            cache.put(url, response(200, headers, url)).await.unwrap();
            assert_eq!(matched(&cache, url).await.as_deref(), Some(url));
        }
    });
}

#[test]
fn a_response_of_http_goes_in_and_comes_out() {
    run(async {
        let cache = new_cache().await;
        let put = http::Response::builder()
            .status(203)
            .header("x", "1")
            .header("x", "2")
            .extension(StatusText("Fine".into()))
            .extension(ResponseType::Basic)
            .body(Body::from("body"))
            .unwrap();
        cache.put(URL, put).await.unwrap();
        let found = cache.match_(URL, QueryOptions::default()).await.unwrap();
        let got = found.unwrap().into_http().unwrap();
        assert_eq!(got.status(), 203);
        let lines: Vec<_> = got.headers().get_all("x").iter().collect();
        assert_eq!(lines, ["1", "2"]);
        assert_eq!(got.extensions().get(), Some(&StatusText("Fine".into())));
        assert_eq!(got.extensions().get(), Some(&ResponseType::Basic));
        assert_eq!(text(got.into()).await, "body");
        // A null body status has a null body.
        let empty = http::Response::builder().status(204);
        let empty: Response = empty.body(Body::empty()).unwrap().into();
        assert!(empty.head().null_body);
    });
}

#[test]
fn a_clone_is_put_and_the_other_half_still_read() {
    run(async {
        let cache = new_cache().await;
        // Larger than what a clone keeps in memory, and read only after the put.
        let large: String = "0123456789".repeat(300_000);
        let (mut sender, receiver) = Channel::<Bytes, BodyError>::new(1);
        let pieces = large.clone();
        let sending = tokio::spawn(async move {
            for piece in pieces.as_bytes().chunks(60_000) {
                sender
                    .send_data(Bytes::copy_from_slice(piece))
                    .await
                    .unwrap();
            }
        });
        let mut response = Response::new(Body::stream(receiver));
        let clone = response.try_clone().unwrap();
        cache.put(URL, clone).await.unwrap();
        sending.await.unwrap();
        assert!(text(response).await == large);
        assert!(matched(&cache, URL).await.unwrap() == large);
        // One half of a found response may stay unread.
        let found = cache.match_(URL, QueryOptions::default()).await.unwrap();
        let mut found = found.unwrap();
        assert!(text(found.try_clone().unwrap()).await == large);
    });
}

#[test]
fn until_the_body_is_whole_the_old_pair_answers() {
    run(async {
        for (end, name) in [
            (None, ""),
            (Some(BodyError::from("cut off")), "TypeError"),
            (Some(Aborted.into()), "AbortError"),
        ] {
            let cache = new_cache().await;
            cache.put(URL, response(200, "", "old")).await.unwrap();
            let (mut sender, receiver) = Channel::<Bytes, BodyError>::new(4);
            let put = cache.put(URL, Response::new(Body::stream(receiver)));
            let reader = cache.clone();
            let feed = async move {
                sender.send_data("new".into()).await.unwrap();
                tokio::task::yield_now().await;
                assert_eq!(matched(&reader, URL).await.as_deref(), Some("old"));
                match end {
                    Some(error) => sender.abort(error),
                    None => drop(sender),
                }
            };
            let (result, ()) = tokio::join!(put, feed);
            let now = matched(&cache, URL).await;
            match result {
                Ok(()) => assert_eq!(now.as_deref(), Some("new")),
                Err(error) => {
                    assert_eq!(error.name(), name);
                    assert_eq!(now.as_deref(), Some("old"));
                }
            }
            assert_eq!(urls(&cache).await.len(), 1);
        }
    });
}

#[test]
fn a_put_that_is_given_up_leaves_nothing() {
    run(async {
        let cache = new_cache().await;
        let (mut sender, receiver) = Channel::<Bytes, BodyError>::new(4);
        sender.send_data("new".into()).await.unwrap();
        let put = cache.put(URL, Response::new(Body::stream(receiver)));
        let gave_up = tokio::select! {
            _ = put => false,
            () = async { tokio::task::yield_now().await } => true,
        };
        assert!(gave_up);
        assert!(
            sender.send_data("more".into()).await.is_err(),
            "nobody reads"
        );
        assert!(urls(&cache).await.is_empty());
    });
}

#[test]
fn puts_at_the_same_time_leave_one_pair() {
    run(async {
        let cache = new_cache().await;
        let puts = (0..20).map(|n| {
            let cache = cache.clone();
            let response = response(200, "", &n.to_string());
            tokio::spawn(async move { cache.put(URL, response).await })
        });
        for put in puts.collect::<Vec<_>>() {
            put.await.unwrap().unwrap();
        }
        assert_eq!(urls(&cache).await, [URL]);
        assert!(cache.delete(URL, QueryOptions::default()).await.unwrap());
        assert!(urls(&cache).await.is_empty());
    });
}

#[test]
fn a_very_long_url_is_kept_and_found() {
    run(async {
        let cache = new_cache().await;
        let long = format!("https://example.com/?{}", "x".repeat(100_000));
        cache.put(&long, response(200, "", "long")).await.unwrap();
        assert_eq!(matched(&cache, &long).await.as_deref(), Some("long"));
        let keys = cache.keys().await.unwrap();
        assert_eq!(keys[0].url.as_str(), long);
        assert!(keys[0].to_http().is_err(), "`http` holds no such URL");
        let too_long = format!("https://example.com/?{}", "x".repeat(2 << 20));
        let refused = cache.put(&too_long, response(200, "", "")).await;
        assert_eq!(name_of(refused), "TypeError");
    });
}

#[test]
fn every_future_may_move_to_another_thread() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    run(async {
        let caches = is_send(CacheStorage::in_memory(BASE).unwrap());
        let cache = is_send(caches.open("x")).await.unwrap();
        is_send(cache.put(URL, response(200, "", "")))
            .await
            .unwrap();
        let request = http::Request::get(URL).body(Body::empty()).unwrap();
        is_send(cache.match_(&request, QueryOptions::default()))
            .await
            .unwrap();
        is_send(caches.match_(&request, QueryOptions::default()))
            .await
            .unwrap();
        is_send(cache.delete(&request, QueryOptions::default()))
            .await
            .unwrap();
        is_send(cache.keys()).await.unwrap();
    });
}
