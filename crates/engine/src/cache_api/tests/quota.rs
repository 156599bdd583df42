//! Quota: nothing is lost, nothing goes in silence, and no size is told that may not be known.

use revisit_store::{Contract, Store};

use super::*;

fn storage(quota: u64) -> CacheStorage {
    let store = Store::memory(Contract::Durable);
    CacheStorage::with_options(store, BASE, Options::default().quota_bytes(quota)).unwrap()
}

async fn put(cache: &Cache, url: &str, bytes: usize) -> Result<(), CacheError> {
    cache.put(url, response(200, "", &"x".repeat(bytes))).await
}

#[test]
fn over_the_quota_a_put_is_refused_and_all_stays_as_it_was() {
    run(async {
        let caches = storage(10_000);
        let cache = caches.open("n").await.unwrap();
        put(&cache, "/a", 4_000).await.unwrap();
        let before = caches.estimate();
        assert!((4_000..6_000).contains(&before.usage), "{before:?}");
        assert_eq!(before.quota, 10_000);
        // Refused in one step, and while it comes.
        for bytes in [9_900, 50_000] {
            for url in ["/a", "/b"] {
                let refused = put(&cache, url, bytes).await;
                assert_eq!(name_of(refused), "QuotaExceededError");
                assert_eq!(caches.estimate(), before);
                assert_eq!(matched(&cache, "/a").await.unwrap().len(), 4_000);
                assert_eq!(matched(&cache, "/b").await, None);
            }
        }
        // What is replaced makes room for what replaces it.
        put(&cache, "/a", 8_000).await.unwrap();
        assert!(cache.delete("/a", QueryOptions::default()).await.unwrap());
        assert_eq!(caches.estimate().usage, 0);
        put(&cache, "/b", 9_000).await.unwrap();
    });
}

#[test]
fn all_caches_of_an_origin_share_one_quota_and_a_deleted_one_gives_its_room_back() {
    run(async {
        let caches = storage(10_000);
        let (one, other) = (
            caches.open("1").await.unwrap(),
            caches.open("2").await.unwrap(),
        );
        put(&one, "/a", 6_000).await.unwrap();
        assert_eq!(
            name_of(put(&other, "/a", 6_000).await),
            "QuotaExceededError"
        );
        drop(one);
        caches.delete("1").await.unwrap();
        put(&other, "/a", 6_000).await.unwrap();
    });
}

#[test]
fn there_are_no_more_caches_than_there_may_be() {
    run(async {
        let store = Store::memory(Contract::Durable);
        let options = Options {
            caches_max: 2,
            ..Options::default()
        };
        let caches = CacheStorage::with_options(store, BASE, options).unwrap();
        for name in ["a", "b", "a"] {
            caches.open(name).await.unwrap();
        }
        assert_eq!(name_of(caches.open("c").await), "QuotaExceededError");
        caches.delete("a").await.unwrap();
        caches.open("c").await.unwrap();
    });
}

#[test]
fn an_opaque_response_counts_with_padding_that_is_the_same_for_its_url() {
    run(async {
        let caches = storage(u64::MAX);
        let cache = caches.open("n").await.unwrap();
        let opaque = |body: &str| {
            let head = ResponseHead {
                kind: ResponseType::Opaque,
                status: 200,
                ..ResponseHead::default()
            };
            Response::with_head(head, Some(Body::from(body.to_owned())))
        };
        let mut usages = Vec::new();
        for n in 0..20 {
            let url = format!("https://other.example/{n:02}");
            cache.put(&url, opaque("x")).await.unwrap();
            let usage = caches.estimate().usage;
            // Drawn anew it could be averaged away.
            cache.put(&url, opaque("x")).await.unwrap();
            assert_eq!(caches.estimate().usage, usage);
            assert!(cache.delete(&url, QueryOptions::default()).await.unwrap());
            usages.push(usage);
        }
        usages.sort_unstable();
        usages.dedup();
        assert!(usages.len() > 15, "{usages:?}");
        let spread = usages[usages.len() - 1] - usages[0];
        assert!(spread > 1_000_000, "{usages:?}");
        cache
            .put("/readable", response(200, "", "x"))
            .await
            .unwrap();
        assert!(caches.estimate().usage < 1_000);
    });
}
