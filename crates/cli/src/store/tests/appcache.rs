//! Application caches in a store.

use revisit_engine::record::{AppEntry, AppGroup, Space};
use revisit_rules::appcache::Categories;
use revisit_store::{Batch, Contract, NewEntry, Staged};

use serde_json::json;

use super::*;

const MANIFEST: &str = "https://old.example/site.appcache";

async fn fill(store: &Store) {
    let space = Space::new(Kind::AppCache, "https://old.example").to_bytes();
    let cache = store
        .open_collection(&space, MANIFEST.as_bytes())
        .await
        .unwrap();
    let at = |ago| At(NOW - ago).now();
    let group = AppGroup {
        created: at(90_000),
        updated: at(61),
        used: at(61),
    };
    let manifest = Staged::bytes("CACHE MANIFEST\nmain.css\n");
    let mut batch = Batch::new().insert(NewEntry::new(AppGroup::ID, group.to_bytes(), manifest));
    for (path, is, foreign) in [
        ("index.html", Categories::MASTER, false),
        (
            "off.html",
            Categories {
                explicit: true,
                fallback: true,
                ..Categories::default()
            },
            true,
        ),
    ] {
        let mut headers = http::HeaderMap::new();
        headers.insert("content-type", http::HeaderValue::from_static("text/html"));
        let entry = AppEntry {
            status: http::StatusCode::OK,
            headers,
            times: revisit_rules::http::Times {
                request: at(62),
                response: at(61),
            },
            is,
            foreign,
            names: None,
        };
        let url = format!("https://old.example/{path}");
        batch = batch.insert(NewEntry::new(url, entry.to_bytes(), Staged::bytes("hello")));
    }
    cache.commit(batch).await.unwrap();
}

#[test]
fn an_application_cache_is_listed_with_its_categories_and_deleted_by_its_manifest() {
    let store = Store::memory(Contract::Durable);
    run(fill(&store));
    let place = place(Path::new("store"));
    let text = run(list::as_text(&store, &place, false, now())).unwrap();
    let lines: Vec<&str> = text.lines().skip(3).collect();
    assert!(
        text.contains("\napplication caches of https://old.example: "),
        "{text}"
    );
    assert_eq!(
        lines.join("\n"),
        "  `https://old.example/site.appcache`: 3 entries, bodies of 34 bytes\n\
         \x20       -  no type                     24 bytes  1 minute ago          application cache  first kept 1 day ago, last used 1 minute ago\n\
         \x20     200  text/html                    5 bytes  1 minute ago          https://old.example/index.html  master\n\
         \x20     200  text/html                    5 bytes  1 minute ago          https://old.example/off.html  explicit, fallback, foreign"
    );
    let json = run(list::as_json(&store, &place, false, now())).unwrap();
    let entries = &json["sites"][0]["caches"][0]["entries"];
    assert_eq!(entries[0]["created_at"], "Thu, 14 Jan 2027 07:00:00 GMT");
    assert_eq!(entries[0]["used_at"], "Fri, 15 Jan 2027 07:58:59 GMT");
    assert_eq!(
        entries[2]["kept_as"],
        json!(["explicit", "fallback", "foreign"])
    );
    let place = StorePlace {
        cache: Some(MANIFEST.into()),
        ..place
    };
    let (count, called) = run(change::delete_cache(&store, &place)).unwrap();
    assert_eq!(count, 3);
    assert!(
        called.starts_with("the application cache `https://old.example/site.appcache`"),
        "{called}"
    );
    assert!(store.spaces().is_empty());
}
