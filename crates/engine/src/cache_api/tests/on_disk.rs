//! The same on a disk: what was put is there after a restart, and what is damaged says so.

use proptest::prelude::*;
use revisit_store::{Options as StoreOptions, Store};

use super::model::{play, steps};
use super::*;

fn open(folder: &tempfile::TempDir) -> Store {
    Store::open(folder.path(), StoreOptions::durable()).unwrap()
}

#[test]
fn all_is_there_after_a_restart() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let lone = DomString::from_utf16(&[0x61, 0xdbff]);
        let large = "large ".repeat(100_000);
        let head = ResponseHead {
            kind: ResponseType::Cors,
            status: 404,
            status_text: "Gone fishing".into(),
            urls: vec![RequestUrl::parse("https://other.example/x#y", None).unwrap()],
            headers: fields("b: 1; a: 2; b: 3"),
            null_body: false,
        };
        let key = request("GET", "https://example.com/large#top", "x: 1; x: 2");
        let usage = {
            let caches = CacheStorage::new(open(&folder), BASE).unwrap();
            let cache = caches.open(&lone).await.unwrap();
            let put = Response::with_head(head.clone(), Some(large.clone().into()));
            cache.put(&key, put).await.unwrap();
            cache
                .put("/small", response(200, "", "small"))
                .await
                .unwrap();
            caches.open("empty").await.unwrap();
            caches.open("deleted").await.unwrap();
            caches.delete("deleted").await.unwrap();
            caches.estimate().usage
        };
        let caches = CacheStorage::new(open(&folder), BASE).unwrap();
        assert_eq!(caches.keys().await.unwrap(), [lone.clone(), "empty".into()]);
        assert_eq!(caches.estimate().usage, usage);
        let cache = caches.open(&lone).await.unwrap();
        let small = request("GET", "https://example.com/small", "");
        assert_eq!(cache.keys().await.unwrap(), [key.clone(), small]);
        let found = cache.match_(&key, QueryOptions::default()).await.unwrap();
        let found = found.unwrap();
        assert_eq!(found.head(), &head);
        assert!(text(found).await == large);
        // A body that is read while its pair is deleted is read to its end.
        let found = cache.match_(&key, QueryOptions::default()).await.unwrap();
        assert!(cache.delete(&key, QueryOptions::default()).await.unwrap());
        assert!(text(found.unwrap()).await == large);
    });
}

#[test]
fn a_damaged_body_is_an_error_and_never_other_bytes() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let large = "large ".repeat(100_000);
        {
            let caches = CacheStorage::new(open(&folder), BASE).unwrap();
            let cache = caches.open("n").await.unwrap();
            cache
                .put("/large", response(200, "", &large))
                .await
                .unwrap();
        }
        let bodies = files(&folder.path().join("bodies"));
        assert_eq!(bodies.len(), 1, "the body has a file of its own");
        let mut bytes = std::fs::read(&bodies[0]).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&bodies[0], bytes).unwrap();
        let caches = CacheStorage::new(open(&folder), BASE).unwrap();
        let found = caches.match_("/large", QueryOptions::default()).await;
        let read = match found {
            Ok(found) => found.unwrap().into_bytes(u64::MAX).await,
            Err(error) => Err(error),
        };
        let error = read.expect_err("a flipped bit");
        assert!(error.to_string().contains("cannot be trusted"), "{error}");
    });
}

/// All files below a folder.
fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => all.extend(files(&path)),
            false => all.push(path),
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn on_disk_all_is_as_the_specification_says(steps in steps(&[0, 1, 5_000, 200_000])) {
        let folder = tempfile::tempdir().unwrap();
        run(play(steps, async |store: Option<Store>| {
            if let Some(store) = store {
                store.close().await.unwrap();
            }
            open(&folder)
        }));
    }
}
