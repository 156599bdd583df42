//! `open`, `has`, `delete` and `keys` of a storage.

use super::*;

fn storage() -> CacheStorage {
    CacheStorage::in_memory(BASE).unwrap()
}

#[test]
fn only_a_trustworthy_origin_has_caches() {
    for url in [
        "https://a.example/b",
        "http://localhost:3000/",
        "http://127.0.0.1/",
    ] {
        assert!(CacheStorage::in_memory(url).is_ok(), "{url}");
    }
    for url in ["http://a.example/", "data:text/html,x", "file:///x"] {
        assert_eq!(
            name_of(CacheStorage::in_memory(url)),
            "SecurityError",
            "{url}"
        );
    }
    assert_eq!(name_of(CacheStorage::in_memory("no url")), "TypeError");
}

#[test]
fn a_store_that_may_forget_is_refused() {
    use revisit_store::{Contract, Store};
    let refused = CacheStorage::new(Store::memory(Contract::Relaxed), BASE);
    assert_eq!(name_of(refused), "InvalidStateError");
}

#[test]
fn a_name_is_any_string_and_matches_itself_only() {
    run(async {
        let lone = |units: &[u16]| DomString::from_utf16(units);
        let names = [
            (DomString::from(""), vec![" "]),
            (
                "lowercase".into(),
                vec!["Lowercase", " lowercase", "lowercase "],
            ),
            ("has a space".into(), vec!["has"]),
            ("has\0 in it".into(), vec!["has", "has in it"]),
            (lone(&[0x75, 0xd800]), vec!["u\u{fffd}", "u"]),
            (lone(&[0xdc00]), vec!["\u{fffd}", ""]),
        ];
        for (name, others) in names {
            let caches = storage();
            assert!(!caches.has(&name).await.unwrap());
            caches.open(&name).await.unwrap();
            assert!(caches.has(&name).await.unwrap());
            assert_eq!(caches.keys().await.unwrap(), [name.clone()]);
            for other in others {
                assert!(
                    !caches.has(other).await.unwrap(),
                    "{name:?} is not {other:?}"
                );
                assert!(!caches.delete(other).await.unwrap());
            }
            assert!(caches.delete(&name).await.unwrap());
            assert!(!caches.has(&name).await.unwrap());
            assert!(!caches.delete(&name).await.unwrap());
        }
    });
}

#[test]
fn names_come_in_the_order_in_which_caches_were_made() {
    run(async {
        let caches = storage();
        let names = async || -> Vec<String> {
            let keys = caches.keys().await.unwrap();
            keys.iter().map(ToString::to_string).collect()
        };
        for name in ["c", "a", "b", "a"] {
            caches.open(name).await.unwrap();
        }
        assert_eq!(names().await, ["c", "a", "b"]);
        caches.delete("c").await.unwrap();
        caches.open("c").await.unwrap();
        assert_eq!(names().await, ["a", "b", "c"]);
    });
}

#[test]
fn caches_of_one_name_are_the_same_and_of_another_origin_are_not() {
    run(async {
        use revisit_store::{Contract, Store};
        let store = Store::memory(Contract::Durable);
        let of = |url| CacheStorage::new(store.clone(), url).unwrap();
        let (one, same, other) = (
            of("https://a.example/x"),
            of("https://a.example/y"),
            of("https://b.example/"),
        );
        let cache = one.open("n").await.unwrap();
        cache.put("/z", response(200, "", "a")).await.unwrap();
        assert_eq!(one.open("n").await.unwrap(), cache);
        assert_eq!(same.open("n").await.unwrap(), cache);
        assert!(!other.has("n").await.unwrap());
        assert_ne!(other.open("n").await.unwrap(), cache);
        assert_eq!(other.estimate().usage, 0);
        let found = same.match_("/z", QueryOptions::default()).await.unwrap();
        assert_eq!(text(found.unwrap()).await, "a");
    });
}

#[test]
fn who_holds_a_deleted_cache_can_still_use_it() {
    run(async {
        let caches = storage();
        let cache = caches.open("n").await.unwrap();
        cache.put("/a", response(200, "", "a")).await.unwrap();
        assert!(caches.delete("n").await.unwrap());
        cache.put("/b", response(200, "", "b")).await.unwrap();
        assert_eq!(matched(&cache, "/a").await.as_deref(), Some("a"));
        assert!(cache.delete("/a", QueryOptions::default()).await.unwrap());
        assert_eq!(urls(&cache).await, ["https://example.com/b"]);
        // The name is free for another.
        let new = caches.open("n").await.unwrap();
        assert_ne!(new, cache);
        assert!(urls(&new).await.is_empty());
        assert!(
            caches
                .match_("/b", QueryOptions::default())
                .await
                .unwrap()
                .is_none()
        );
        // It counts until it is let go.
        assert!(caches.estimate().usage > 0);
        drop(cache);
        assert_eq!(caches.estimate().usage, 0);
    });
}
