//! `match`, `matchAll`, `keys` and `delete`: which pairs answer, and in which order.

use super::*;

/// Pairs that differ in one thing each; the body is the name.
const ENTRIES: &[(&str, &str)] = &[
    ("a", "http://example.com/a"),
    ("b", "http://example.com/b"),
    ("a_with_query", "http://example.com/a?q=r"),
    ("A", "http://example.com/A"),
    ("a_https", "https://example.com/a"),
    ("a_org", "http://example.org/a"),
    ("cat", "http://example.com/cat"),
    ("catmandu", "http://example.com/catmandu"),
    ("cat_lives", "http://example.com/cat?lives=9"),
    ("cat_in_the_hat", "http://example.com/cat/in/the/hat"),
];

async fn simple() -> Cache {
    let cache = new_cache().await;
    for (name, url) in ENTRIES {
        cache.put(*url, response(200, "", name)).await.unwrap();
    }
    cache
}

const VARY_URL: &str = "http://example.com/c";

/// Three variants of one URL; the body is what `Cookies` said.
async fn varied() -> Cache {
    let cache = new_cache().await;
    for cookies in ["is-for-cookie", "is-good-enough-for-me", ""] {
        let headers = match cookies {
            "" => String::new(),
            cookies => format!("Cookies: {cookies}"),
        };
        let request = request("GET", VARY_URL, &headers);
        let response = response(200, "Vary: Cookies", cookies);
        cache.put(request, response).await.unwrap();
    }
    cache
}

const PLAIN: QueryOptions = QueryOptions {
    ignore_search: false,
    ignore_method: false,
    ignore_vary: false,
};

/// What `match`, `matchAll` and `keys` say of a question.
#[track_caller]
fn check<F: Future<Output = Cache>>(
    cache: F,
    question: &Request,
    options: QueryOptions,
    bodies: &[&str],
) {
    let at = std::panic::Location::caller();
    run(async {
        let cache = cache.await;
        let all = cache.match_all(question, options).await.unwrap();
        let mut texts = Vec::new();
        for response in all {
            texts.push(text(response).await);
        }
        assert_eq!(texts, bodies, "matchAll at {at}");
        let first = cache.match_(question, options).await.unwrap();
        let first = match first {
            Some(response) => Some(text(response).await),
            None => None,
        };
        assert_eq!(first.as_deref(), bodies.first().copied(), "match at {at}");
        let keys = cache.keys_of(question, options).await.unwrap();
        assert_eq!(keys.len(), bodies.len(), "keys at {at}");
        // `delete` removes the very same, and nothing else.
        let others = cache.keys().await.unwrap().len() - bodies.len();
        let deleted = cache.delete(question, options).await.unwrap();
        assert_eq!(deleted, !bodies.is_empty(), "delete at {at}");
        let left = cache.match_every().await.unwrap();
        assert_eq!(left.len(), others, "what delete leaves at {at}");
        let again = cache.delete(question, options).await.unwrap();
        assert!(!again, "a second delete at {at}");
    });
}

#[test]
fn a_question_is_answered_by_the_pair_of_its_url_alone() {
    for (name, url) in ENTRIES {
        check(simple(), &get(url), PLAIN, &[name]);
    }
    for url in ["http://example.com/not-there", "http://example.com/ca"] {
        check(simple(), &get(url), PLAIN, &[]);
    }
}

#[test]
fn a_fragment_of_the_question_does_not_count() {
    check(
        simple(),
        &get("http://example.com/cat#mouse"),
        PLAIN,
        &["cat"],
    );
}

#[test]
fn ignore_search_finds_all_queries_of_a_path_in_their_order() {
    let ignored = QueryOptions {
        ignore_search: true,
        ..PLAIN
    };
    let both = ["a", "a_with_query"];
    check(simple(), &get("http://example.com/a"), ignored, &both);
    check(simple(), &get("http://example.com/a?q=r"), ignored, &both);
    check(simple(), &get("http://example.com/a?x#y"), ignored, &both);
    let cats = ["cat", "cat_lives"];
    check(simple(), &get("http://example.com/cat?"), ignored, &cats);
    check(simple(), &get("http://example.com/ca"), ignored, &[]);
}

#[test]
fn another_method_finds_nothing_unless_methods_are_ignored() {
    let ignored = QueryOptions {
        ignore_method: true,
        ..PLAIN
    };
    for method in ["HEAD", "POST", "PUT"] {
        let question = request(method, "http://example.com/a", "");
        check(simple(), &question, PLAIN, &[]);
        check(simple(), &question, ignored, &["a"]);
    }
}

#[test]
fn vary_selects_among_variants_unless_it_is_ignored() {
    let cookies = |value: &str| request("GET", VARY_URL, &format!("Cookies: {value}"));
    check(varied(), &get(VARY_URL), PLAIN, &[""]);
    check(
        varied(),
        &cookies("is-for-cookie"),
        PLAIN,
        &["is-for-cookie"],
    );
    check(varied(), &cookies("other"), PLAIN, &[]);
    let ignored = QueryOptions {
        ignore_vary: true,
        ..PLAIN
    };
    let all = ["is-for-cookie", "is-good-enough-for-me", ""];
    check(varied(), &cookies("other"), ignored, &all);
    check(varied(), &get(VARY_URL), ignored, &all);
}

#[test]
fn without_a_question_all_come_in_the_order_in_which_they_were_put() {
    run(async {
        let cache = simple().await;
        let order: Vec<&str> = ENTRIES.iter().map(|(_, url)| *url).collect();
        assert_eq!(urls(&cache).await, order);
        assert_eq!(cache.match_every().await.unwrap().len(), order.len());
        // What is replaced changes its place.
        cache.put(order[1], response(200, "", "new")).await.unwrap();
        let mut order = order;
        let moved = order.remove(1);
        order.push(moved);
        assert_eq!(urls(&cache).await, order);
    });
}

#[test]
fn a_url_of_a_response_answers_nothing() {
    run(async {
        let cache = new_cache().await;
        let head = ResponseHead {
            status: 200,
            urls: vec![RequestUrl::parse("http://example.com/real", None).unwrap()],
            ..ResponseHead::default()
        };
        let response = Response::with_head(head, Some("x".into()));
        cache
            .put("http://example.com/asked", response)
            .await
            .unwrap();
        assert!(matched(&cache, "http://example.com/asked").await.is_some());
        assert!(matched(&cache, "http://example.com/real").await.is_none());
    });
}

#[test]
fn a_relative_url_is_relative_to_that_of_the_storage() {
    run(async {
        let cache = new_cache().await;
        cache
            .put("relative?x", response(200, "", "y"))
            .await
            .unwrap();
        assert_eq!(urls(&cache).await, ["https://example.com/app/relative?x"]);
        let absolute = "https://example.com/app/relative?x";
        assert_eq!(matched(&cache, absolute).await.as_deref(), Some("y"));
        // of `http`, in absolute form and in origin form
        for uri in [absolute, "/app/relative?x"] {
            let request = http::Request::get(uri).body(Body::empty()).unwrap();
            assert_eq!(matched(&cache, &request).await.as_deref(), Some("y"));
        }
        assert_eq!(matched(&cache, "http").await, None);
        assert_eq!(name_of(cache.match_("https://", PLAIN).await), "TypeError");
    });
}

#[test]
fn keys_keep_fields_and_fragments_and_the_fields_of_a_key_find_it_again() {
    run(async {
        let cache = new_cache().await;
        let put = request("GET", "https://example.com/a#b", "x: 1; y: 2; x: 3");
        let response = response(200, "Vary: X", "1");
        cache.put(&put, response).await.unwrap();
        let keys = cache.keys().await.unwrap();
        assert_eq!(keys, [put]);
        assert_eq!(matched(&cache, &keys[0]).await.as_deref(), Some("1"));
        let http = keys[0].to_http().unwrap();
        assert_eq!(matched(&cache, http).await.as_deref(), Some("1"));
    });
}

#[test]
fn a_storage_asks_its_caches_in_the_order_in_which_they_were_made() {
    run(async {
        let caches = CacheStorage::in_memory(BASE).unwrap();
        for name in ["z", "a", "m"] {
            let cache = caches.open(name).await.unwrap();
            cache.put("/every", response(200, "", name)).await.unwrap();
            cache
                .put(format!("/{name}"), response(200, "", name))
                .await
                .unwrap();
        }
        let find = async |url: &str, options: MultiCacheQueryOptions| match caches
            .match_(url, options)
            .await
            .unwrap()
        {
            Some(response) => Some(text(response).await),
            None => None,
        };
        assert_eq!(find("/every", PLAIN.into()).await.as_deref(), Some("z"));
        assert_eq!(find("/m", PLAIN.into()).await.as_deref(), Some("m"));
        assert_eq!(find("/none", PLAIN.into()).await, None);
        let only = |name: &str, query| MultiCacheQueryOptions {
            query,
            cache_name: Some(name.into()),
        };
        assert_eq!(find("/every", only("m", PLAIN)).await.as_deref(), Some("m"));
        assert_eq!(find("/z", only("m", PLAIN)).await, None);
        assert_eq!(find("/every", only("unknown", PLAIN)).await, None);
        assert!(
            !caches.has("unknown").await.unwrap(),
            "asking makes no cache"
        );
        let ignored = QueryOptions {
            ignore_search: true,
            ..PLAIN
        };
        let found = find("/every?x", only("a", ignored)).await;
        assert_eq!(found.as_deref(), Some("a"));
        let head = Request {
            method: Method::HEAD,
            ..get("https://example.com/every")
        };
        assert!(caches.match_(&head, PLAIN).await.unwrap().is_none());
    });
}
