//! What every store does, in memory or on disk: the same tests for each.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::future::Future;

use bytes::Bytes;
use revisit_store::{
    Batch, Collection, Contract, Entry, NewEntry, Options, Purge, Serial, Staged, Store, StoreError,
};

/// Runs a test on every kind of store.
fn check<F: Future<Output = ()>>(test: impl Fn(Store) -> F) {
    for contract in [Contract::Durable, Contract::Relaxed] {
        run(test(Store::memory(contract)));
    }
    for options in [Options::durable(), Options::relaxed(64 << 20)] {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), options).unwrap();
        run(async {
            test(store.clone()).await;
            if store.close().await.is_ok() {
                drop(store);
                let store = Store::open(folder.path(), options).unwrap();
                let report = store.check().await.unwrap();
                assert_eq!(report.damages, [], "{options:?}");
            }
        });
    }
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

async fn cache(store: &Store) -> Collection {
    store.open_collection(b"site", b"cache").await.unwrap()
}

fn entry(id: &'static str, body: impl Into<Bytes>) -> NewEntry {
    NewEntry::new(id, "head", Staged::bytes(body))
}

async fn put(cache: &Collection, id: &'static str, body: impl Into<Bytes>) -> Serial {
    cache
        .commit(Batch::new().insert(entry(id, body)))
        .await
        .unwrap()[0]
}

async fn text(entry: &Entry) -> String {
    let all = entry.body.read(0..u64::MAX).await.unwrap();
    String::from_utf8_lossy(&all).into_owned()
}

async fn found(cache: &Collection, id: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in cache.find(id.as_bytes()).await.unwrap() {
        texts.push(text(&entry).await);
    }
    texts
}

async fn ids(cache: &Collection) -> Vec<Bytes> {
    let all = cache.list().await.unwrap();
    all.into_iter().map(|entry| entry.id).collect()
}

#[test]
fn what_is_put_is_found_with_all_its_parts() {
    check(|store| async move {
        let cache = cache(&store).await;
        let new = entry("a", "one")
            .label("x")
            .label("y")
            .label("x")
            .padding(7);
        cache.commit(Batch::new().insert(new)).await.unwrap();
        let entry = &cache.find(b"a").await.unwrap()[0];
        assert_eq!((&entry.id[..], &entry.head[..]), (&b"a"[..], &b"head"[..]));
        assert_eq!(entry.labels, ["x", "y"]);
        assert_eq!((entry.padding, entry.stale), (7, false));
        assert_eq!(text(entry).await, "one");
        assert!(cache.find(b"b").await.unwrap().is_empty());
    });
}

#[test]
fn entries_of_one_id_and_of_all_come_in_the_order_of_insertion() {
    check(|store| async move {
        let cache = cache(&store).await;
        let first = put(&cache, "b", "1").await;
        put(&cache, "a", "2").await;
        put(&cache, "b", "3").await;
        assert_eq!(found(&cache, "b").await, ["1", "3"]);
        assert_eq!(ids(&cache).await, ["b", "a", "b"]);
        let replace = Batch::new().remove(first).insert(entry("b", "4"));
        cache.commit(replace).await.unwrap();
        assert_eq!(found(&cache, "b").await, ["3", "4"]);
        assert_eq!(ids(&cache).await, ["a", "b", "b"]);
    });
}

#[test]
fn a_large_body_comes_back_whole_and_by_ranges() {
    check(|store| async move {
        let cache = cache(&store).await;
        let bytes: Vec<u8> = (0..300_000u32).map(|n| (n % 251) as u8).collect();
        let mut staging = store.stage(300_000);
        for piece in bytes.chunks(7_777) {
            staging.write(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        let body = staging.finish().await.unwrap();
        assert_eq!(body.len(), 300_000);
        cache
            .commit(Batch::new().insert(NewEntry::new("a", "", body)))
            .await
            .unwrap();
        let body = cache.find(b"a").await.unwrap().remove(0).body;
        assert_eq!(body.len(), 300_000);
        for (from, to) in [
            (0, 300_000),
            (0, 1),
            (65_535, 65_537),
            (131_072, 131_072),
            (299_999, 400_000),
            (5, 250_000),
        ] {
            let want = &bytes[from..to.min(300_000)];
            assert_eq!(
                body.read(from as u64..to as u64).await.unwrap(),
                want,
                "{from}..{to}"
            );
        }
        assert!(body.read(300_000..300_001).await.unwrap().is_empty());
    });
}

#[test]
fn a_body_over_its_bound_is_refused_and_one_at_it_is_not() {
    check(|store| async move {
        let mut staging = store.stage(5);
        staging.write("12345".into()).await.unwrap();
        let over = staging.write("6".into()).await;
        assert!(
            matches!(over, Err(StoreError::TooLarge { bytes_max: 5 })),
            "{over:?}"
        );
    });
}

#[test]
fn a_batch_happens_whole_or_not_at_all() {
    check(|store| async move {
        let cache = cache(&store).await;
        let old = put(&cache, "a", "old").await;
        let batch = || {
            Batch::new()
                .remove(old)
                .insert(entry("a", "new"))
                .insert(entry("b", "new"))
        };
        let refused = cache.commit(batch().expect("b", [old])).await;
        assert!(matches!(refused, Err(StoreError::Changed)), "{refused:?}");
        assert_eq!(found(&cache, "a").await, ["old"]);
        let refused = cache.commit(batch().space_bytes_max(10)).await;
        assert!(
            matches!(refused, Err(StoreError::Quota { .. })),
            "{refused:?}"
        );
        assert_eq!(found(&cache, "a").await, ["old"]);
        assert!(found(&cache, "b").await.is_empty());
        cache
            .commit(batch().expect("a", [old]).expect("b", []))
            .await
            .unwrap();
        assert_eq!(found(&cache, "a").await, ["new"]);
        assert_eq!(found(&cache, "b").await, ["new"]);
    });
}

#[test]
fn of_two_batches_that_build_on_the_same_entries_one_must_look_again() {
    check(|store| async move {
        let cache = cache(&store).await;
        let batch = |body| Batch::new().expect("a", []).insert(entry("a", body));
        let (one, two) = (cache.commit(batch("1")), cache.commit(batch("2")));
        assert!(one.await.is_ok());
        assert!(matches!(two.await, Err(StoreError::Changed)));
        assert_eq!(found(&cache, "a").await, ["1"]);
    });
}

#[test]
fn a_head_is_replaced_and_the_body_and_the_place_stay() {
    check(|store| async move {
        let cache = cache(&store).await;
        let a = put(&cache, "a", "body").await;
        put(&cache, "b", "").await;
        let labels = vec!["new label".into()];
        cache
            .commit(Batch::new().replace_head(a, "new head", labels, None))
            .await
            .unwrap();
        let entry = &cache.find(b"a").await.unwrap()[0];
        assert_eq!((&entry.head[..], entry.serial), (&b"new head"[..], a));
        assert_eq!(text(entry).await, "body");
        assert_eq!(ids(&cache).await, ["a", "b"]);
        store.purge(Purge::label("new label")).await.unwrap();
        assert_eq!(ids(&cache).await, ["b"]);
    });
}

#[test]
fn a_space_counts_what_it_holds_and_not_what_others_hold() {
    check(|store| async move {
        let cache = cache(&store).await;
        let before = store.usage(b"site");
        let new = NewEntry::new("id", "head", Staged::bytes("body"))
            .label("lab")
            .padding(1000);
        let serial = cache.commit(Batch::new().insert(new)).await.unwrap()[0];
        let usage = store.usage(b"site");
        assert_eq!(usage.entries, 1);
        assert_eq!(usage.bytes - before.bytes, 2 + 4 + 3 + 4 + 1000 + 256);
        assert_eq!(store.usage(b"other").bytes, 0);
        assert_eq!(store.usage_of_all(), usage);
        assert_eq!(cache.usage(), usage);
        let beside = store.open_collection(b"site", b"beside").await.unwrap();
        put(&beside, "b", "body").await;
        assert_eq!(beside.usage().bytes, 1 + 4 + 4 + 256);
        assert_eq!(cache.usage(), usage);
        assert!(store.delete_collection(b"site", b"beside").await.unwrap());
        drop(beside);
        cache
            .commit(Batch::new().remove(serial).remove(serial))
            .await
            .unwrap();
        assert_eq!(store.usage(b"site"), before);
    });
}

#[test]
fn the_quota_holds_to_the_byte_and_never_hinders_what_makes_it_less() {
    check(|store| async move {
        let cache = cache(&store).await;
        let one = 1 + 4 + 10 + 256;
        let batch = |id| Batch::new().insert(entry(id, "0123456789"));
        let a = cache.commit(batch("a").space_bytes_max(one)).await.unwrap()[0];
        let over = cache.commit(batch("b").space_bytes_max(2 * one - 1)).await;
        assert!(
            matches!(over, Err(StoreError::Quota { needed, .. }) if needed == 2 * one),
            "{over:?}"
        );
        cache
            .commit(batch("b").space_bytes_max(2 * one))
            .await
            .unwrap();
        let smaller = Batch::new()
            .remove(a)
            .insert(entry("a", "012345678"))
            .space_bytes_max(1);
        cache.commit(smaller).await.unwrap();
        assert_eq!(store.usage(b"site").bytes, 2 * one - 1);
    });
}

#[test]
fn collections_have_names_of_any_bytes_in_the_order_of_their_making() {
    check(|store| async move {
        let names: [&[u8]; 4] = [b"v2", b"", b"\xed\xa0\x80", b"v1"];
        for name in names {
            store.open_collection(b"site", name).await.unwrap();
        }
        store.open_collection(b"site", b"v2").await.unwrap();
        store.open_collection(b"another", b"v2").await.unwrap();
        assert_eq!(store.collections(b"site"), names);
        assert_eq!(store.spaces(), ["another", "site"]);
        assert!(store.collection(b"site", b"v3").await.unwrap().is_none());
        assert!(store.delete_collection(b"site", b"").await.unwrap());
        assert!(!store.delete_collection(b"site", b"").await.unwrap());
        store.open_collection(b"site", b"").await.unwrap();
        assert_eq!(
            store.collections(b"site"),
            [names[0], names[2], names[3], names[1]]
        );
    });
}

#[test]
fn a_deleted_collection_stays_usable_by_who_holds_it_and_goes_with_the_last() {
    check(|store| async move {
        let held = cache(&store).await;
        put(&held, "a", "1").await;
        assert!(store.delete_collection(b"site", b"cache").await.unwrap());
        assert_eq!(found(&held, "a").await, ["1"]);
        put(&held, "b", "2").await;
        assert_eq!(ids(&held).await, ["a", "b"]);
        assert_eq!(store.usage(b"site").entries, 2);
        let again = cache(&store).await;
        assert!(again != held && ids(&again).await.is_empty());
        drop(held);
        put(&again, "c", "3").await; // after the drop, in the order of the store's work
        assert_eq!(store.usage(b"site").entries, 1);
    });
}

#[test]
fn an_unnamed_collection_is_published_whole_and_takes_the_name_of_the_one_before() {
    check(|store| async move {
        let old = cache(&store).await;
        put(&old, "a", "old").await;
        let new = store.create_unnamed(b"site").await.unwrap();
        put(&new, "a", "new").await;
        assert_eq!(found(&cache(&store).await, "a").await, ["old"]);
        new.publish(b"cache").await.unwrap();
        new.publish(b"cache").await.unwrap();
        assert!(cache(&store).await == new);
        assert_eq!(found(&cache(&store).await, "a").await, ["new"]);
        assert_eq!(found(&old, "a").await, ["old"]);
        assert_eq!(store.collections(b"site"), ["cache"]);
    });
}

#[test]
fn a_body_stays_readable_when_its_entry_is_gone() {
    check(|store| async move {
        let cache = cache(&store).await;
        let bytes = Bytes::from(vec![7; 1 << 20]);
        let serial = put(&cache, "a", bytes.clone()).await;
        let before = cache.find(b"a").await.unwrap().remove(0);
        cache.commit(Batch::new().remove(serial)).await.unwrap();
        put(&cache, "b", vec![8; 1 << 20]).await;
        assert_eq!(before.body.read(0..u64::MAX).await.unwrap(), bytes);
    });
}

#[test]
fn a_purge_hits_all_with_the_label_and_what_is_still_on_its_way() {
    check(|store| async move {
        let cache = cache(&store).await;
        let since = store.sequence();
        let labelled = |id| entry(id, "").label("shop");
        cache
            .commit(Batch::new().insert(labelled("a")).insert(entry("b", "")))
            .await
            .unwrap();
        let sequence = store.purge(Purge::label("shop")).await.unwrap();
        assert!(sequence > since && store.sequence() == sequence);
        assert_eq!(ids(&cache).await, ["b"]);
        cache
            .commit(Batch::new().insert(labelled("late").since(since)))
            .await
            .unwrap();
        assert!(cache.find(b"late").await.unwrap().is_empty());
        cache
            .commit(Batch::new().insert(labelled("new")))
            .await
            .unwrap();
        assert_eq!(ids(&cache).await, ["b", "new"]);
        store.purge(Purge::everything()).await.unwrap();
        assert!(ids(&cache).await.is_empty());
    });
}

#[test]
fn a_soft_purge_makes_stale() {
    check(|store| async move {
        let cache = cache(&store).await;
        cache
            .commit(Batch::new().insert(entry("a", "1").label("x")))
            .await
            .unwrap();
        store.purge(Purge::label("x").soft()).await.unwrap();
        assert!(cache.find(b"a").await.unwrap()[0].stale);
        let serial = put(&cache, "b", "").await;
        assert!(!cache.find(b"b").await.unwrap()[0].stale);
        store.purge(Purge::everything().soft()).await.unwrap();
        assert!(cache.find(b"b").await.unwrap()[0].stale);
        cache
            .commit(Batch::new().replace_head(serial, "h", vec![], None))
            .await
            .unwrap();
        assert!(!cache.find(b"b").await.unwrap()[0].stale);
    });
}

#[test]
fn what_is_over_a_limit_is_refused_by_name() {
    check(|store| async move {
        let cache = cache(&store).await;
        let huge = vec![b'x'; (1 << 20) + 1];
        let refused = cache
            .commit(Batch::new().insert(NewEntry::new(huge.clone(), "", Staged::bytes(""))))
            .await;
        assert!(
            refused
                .unwrap_err()
                .to_string()
                .starts_with("the id has 1048577, the limit is 1048576")
        );
        assert!(store.open_collection(b"site", &huge).await.is_err());
        let fits = NewEntry::new(huge[1..].to_vec(), "", Staged::bytes("body"));
        cache.commit(Batch::new().insert(fits)).await.unwrap();
        assert_eq!(
            text(&cache.find(&huge[1..]).await.unwrap()[0]).await,
            "body"
        );
    });
}

#[test]
fn heads_come_without_bodies_and_entries_by_their_numbers() {
    check(|store| async move {
        let cache = cache(&store).await;
        let a = put(&cache, "a", vec![1; 100_000]).await;
        let b = put(&cache, "b", "2").await;
        let heads = cache.heads().await.unwrap();
        let seen: Vec<_> = heads
            .iter()
            .map(|head| (head.serial, &head.id[..], head.body_bytes))
            .collect();
        assert_eq!(seen, [(a, &b"a"[..], 100_000), (b, &b"b"[..], 1)]);
        let both = cache.get(&[b, a]).await.unwrap();
        assert_eq!((both[0].serial, both[1].serial), (b, a));
        cache.commit(Batch::new().remove(a)).await.unwrap();
        assert_eq!(cache.get(&[a, b]).await.unwrap().len(), 1);
        let other = store.open_collection(b"site", b"other").await.unwrap();
        assert!(other.get(&[b]).await.unwrap().is_empty());
    });
}

#[test]
fn a_closed_store_says_so() {
    check(|store| async move {
        let cache = cache(&store).await;
        put(&cache, "a", "").await;
        store.close().await.unwrap();
        assert!(matches!(cache.find(b"a").await, Err(StoreError::Closed)));
        assert!(matches!(
            cache.commit(Batch::new()).await,
            Err(StoreError::Closed)
        ));
    });
}
