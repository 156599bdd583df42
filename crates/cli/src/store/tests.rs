//! What is said of a store, whole.

#![allow(clippy::unwrap_used, reason = "tests")]

mod appcache;

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use revisit_engine::cache_api::{CacheStorage, Options as CacheOptions, Response};
use revisit_engine::record::{Kind, ResponseHead};
use revisit_store::{Contract, NewEntry, Staged};
use tempfile::TempDir;

use super::*;
use crate::args::StorePlace;

/// Seconds since 1970 of the moment when tests look.
const NOW: u64 = 1_800_000_000;

struct At(u64);

impl Clock for At {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0)
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

fn response(kind: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let kinds = revisit_engine::cache_api::ResponseType::ALL;
    let mut head = ResponseHead {
        kind: kinds.into_iter().find(|one| one.as_str() == kind).unwrap(),
        status: 200,
        ..ResponseHead::default()
    };
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().unwrap();
        head.headers.append(name, value.parse().unwrap());
    }
    Response::with_head(head, Some(body.to_owned().into()))
}

/// Two sites, three caches.
async fn fill(store: &Store) {
    let put = async |url: &str, cache: &str, ago: u64, path: &str, response: Response| {
        let clock = Arc::new(At(NOW - ago));
        let options = CacheOptions::default();
        let caches = CacheStorage::with_clock(store.clone(), url, options, clock).unwrap();
        let cache = caches.open(cache).await.unwrap();
        cache.put(path, response).await.unwrap();
    };
    let css = [("content-type", "text/css; charset=utf-8"), ("vary", "x")];
    let shop = "https://shop.example/";
    put(
        shop,
        "v1",
        90_000,
        "/app.css",
        response("basic", &css, &"a".repeat(12_345)),
    )
    .await;
    put(
        shop,
        "v1",
        61,
        "/page?q#top",
        response("default", &[], "hello"),
    )
    .await;
    let image = response("opaque", &[("content-type", "image/png")], "secret");
    put(shop, "images", 0, "https://cdn.example/x.png", image).await;
    put(
        "http://localhost:3000/",
        "v1",
        5,
        "/app.css",
        response("cors", &css, "b"),
    )
    .await;
}

fn durable() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = Store::open(folder.path(), Options::durable()).unwrap();
    run(fill(&store));
    (folder, store)
}

fn place(folder: &Path) -> StorePlace {
    StorePlace {
        store: folder.to_owned(),
        site: None,
        cache: None,
        json: false,
    }
}

fn now() -> SystemTime {
    At(NOW).now()
}

#[test]
fn what_is_kept_is_listed_by_site_and_cache() {
    let (folder, store) = durable();
    let place = StorePlace {
        site: Some("https://shop.example/".to_owned()),
        ..place(folder.path())
    };
    let text = run(list::as_text(&store, &place, false, now())).unwrap();
    // What an opaque response is charged with is nobody's to know.
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("durable, "), "{text}");
    assert!(
        lines[2].starts_with("caches of https://shop.example, kept until they are deleted: "),
        "{text}"
    );
    assert_eq!(
        lines[3..].join("\n"),
        "  `v1`: 2 entries, bodies of 12.3 kB\n\
         \x20     200  text/css                     12.3 kB  1 day ago             https://shop.example/app.css\n\
         \x20     200  no type                      5 bytes  1 minute ago          https://shop.example/page?q#top\n\
         \x20 `images`: 1 entry, bodies of 6 bytes\n\
         \x20     200  opaque                       6 bytes  just now              https://cdn.example/x.png"
    );
    let caches = run(list::as_text(&store, &place, true, now())).unwrap();
    let names: Vec<&str> = caches.lines().skip(3).collect();
    assert_eq!(
        names,
        [
            "  `v1`: 2 entries, bodies of 12.3 kB",
            "  `images`: 1 entry, bodies of 6 bytes"
        ]
    );
}

#[test]
fn sites_and_caches_are_told_apart_in_json() {
    let (folder, store) = durable();
    let told = run(list::as_json(&store, &place(folder.path()), false, now())).unwrap();
    assert_eq!(told["contract"], "durable");
    assert_eq!(told["entry_count"], 4);
    let sites = told["sites"].as_array().unwrap();
    let names: Vec<_> = sites
        .iter()
        .map(|site| site["site"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["http://localhost:3000", "https://shop.example"]);
    let entry = &sites[1]["caches"][0]["entries"][0];
    assert_eq!(
        entry,
        &serde_json::json!({
            "url": "https://shop.example/app.css",
            "type": "basic",
            "status": 200,
            "urls": [],
            "put_at": "Thu, 14 Jan 2027 07:00:00 GMT",
            "freshness": null,
            "body_bytes": 12_345,
            "stale": false,
            "labels": [],
            "request_headers": [],
            "response_headers": [["content-type", "text/css; charset=utf-8"], ["vary", "x"]],
        })
    );
    let short = run(list::as_json(&store, &place(folder.path()), true, now())).unwrap();
    assert!(short["sites"][1]["caches"][0].get("entries").is_none());
}

#[test]
fn all_of_an_entry_is_shown_in_every_cache_that_has_it() {
    let (folder, store) = durable();
    let show = |url: &str, place: &StorePlace| {
        let found = run(show::find(&store, place, url))?;
        let texts = found
            .iter()
            .map(|(shelf, listed)| told::whole(shelf, listed, now()));
        Ok::<_, Failure>(texts.collect::<Vec<_>>().join("\n"))
    };
    let place = place(folder.path());
    assert_eq!(
        show("https://shop.example:443/app.css#x", &place).unwrap(),
        "\
https://shop.example/app.css
  in        the cache `v1` of https://shop.example
  status    200, basic
  put       1 day ago
  body      12.3 kB
  response  content-type: text/css; charset=utf-8
  response  vary: x
"
    );
    let error = show("https://shop.example/app", &place)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "error: nothing is kept for `https://shop.example/app`\n\
         help: `revisit store ls` lists what is kept; the whole URL must be given\n"
    );
}

#[test]
fn names_and_values_cannot_command_a_terminal() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(folder.path(), Options::durable()).unwrap();
    run(async {
        let caches = CacheStorage::new(store.clone(), "https://a.example/").unwrap();
        let cache = caches.open("\u{1b}[2J\n").await.unwrap();
        cache.put("/a", response("basic", &[], "")).await.unwrap();
    });
    let text = run(list::as_text(&store, &place(folder.path()), false, now())).unwrap();
    assert!(text.contains("`\\u{1b}[2J\\n`"), "{text}");
}

#[test]
fn a_cache_is_deleted_if_it_is_the_only_one_of_its_name() {
    let (folder, store) = durable();
    let mut place = StorePlace {
        cache: Some("v1".into()),
        ..place(folder.path())
    };
    let error = run(change::delete_cache(&store, &place))
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "error: several are called so: the cache `v1` of http://localhost:3000, the cache `v1` of https://shop.example\n\
         help: name the site too, by --site\n"
    );
    place.site = Some("https://shop.example".to_owned());
    let (count, what) = run(change::delete_cache(&store, &place)).unwrap();
    assert_eq!(
        (count, &*what),
        (2, "the cache `v1` of https://shop.example")
    );
    let error = run(change::delete_cache(&store, &place))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("error: there is no such cache\nhelp: "),
        "{error}"
    );
    // What is kept for a URL goes from every cache that is asked for.
    place = super::tests::place(folder.path());
    let css = "http://localhost:3000/app.css";
    assert_eq!(run(change::delete_url(&store, &place, css)).unwrap(), 1);
    assert!(run(change::delete_url(&store, &place, css)).is_err());
}

#[test]
fn a_purge_hits_what_bears_the_label_and_nothing_that_is_durable() {
    let (folder, durable) = durable();
    let place = place(folder.path());
    let refused = run(change::purge_in(&durable, &place, None, false)).unwrap_err();
    assert!(refused.to_string().contains("is kept until it is deleted"));
    let store = Store::memory(Contract::Relaxed);
    run(async {
        let space = revisit_engine::record::Space::new(Kind::Http, "shop");
        let cache = store
            .open_collection(&space.to_bytes(), b"main")
            .await
            .unwrap();
        for host in ["a.example", "b.example"] {
            let label = revisit_engine::record::Label::Host(host).to_bytes();
            let head = kept_head(&format!("http://{host}/"));
            let entry = NewEntry::new(host, head, Staged::bytes("x")).label(label);
            let batch = revisit_store::Batch::new().insert(entry);
            cache.commit(batch).await.unwrap();
        }
        let host = Some("a.example".to_owned());
        let what = || change::what(&None, &host, &None, &None);
        let soft = change::purge_in(&store, &place, what(), true)
            .await
            .unwrap();
        assert_eq!(soft, (1, 1));
        let text = list::as_text(&store, &place, false, now()).await.unwrap();
        assert!(
            text.contains("http://a.example/  stale  purged, used as stale only\n"),
            "{text}"
        );
        let hard = change::purge_in(&store, &place, what(), false)
            .await
            .unwrap();
        assert_eq!(hard, (1, 2));
        let text = list::as_text(&store, &place, false, now()).await.unwrap();
        assert!(
            !text.contains("a.example") && text.contains("b.example"),
            "{text}"
        );
        let all = change::purge_in(&store, &place, None, false).await.unwrap();
        assert_eq!(all, (1, 3));
    });
}

/// The head of a response of the HTTP cache that has no lifetime.
fn kept_head(url: &str) -> Vec<u8> {
    use revisit_rules::http::vary::VaryKey;
    use revisit_rules::http::{Policy, Stored, Times};
    let times = Times {
        request: now(),
        response: now(),
    };
    let (headers, vary) = (http::HeaderMap::new(), VaryKey::default());
    let stored = Stored::with(
        &Policy::shared(),
        http::StatusCode::OK,
        headers,
        times,
        vary,
    );
    revisit_engine::record::Kept::to_bytes(url, &stored.unwrap())
}

#[test]
fn a_head_that_cannot_be_read_is_listed_and_found_by_a_check() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(folder.path(), Options::durable()).unwrap();
    let place = place(folder.path());
    run(async {
        let space = revisit_engine::record::Space::new(Kind::Caches, "https://a.example");
        let cache = store
            .open_collection(&space.to_bytes(), b"v1")
            .await
            .unwrap();
        let entry = NewEntry::new("https://a.example/x", "no head", Staged::bytes("x"));
        let batch = revisit_store::Batch::new().insert(entry);
        cache.commit(batch).await.unwrap();
        let text = list::as_text(&store, &place, false, now()).await.unwrap();
        assert!(text.contains("DAMAGED"), "{text}");
        let (report, damages) = check::prove(&store, &place).await.unwrap();
        assert_eq!((report.entries, damages.len()), (1, 1));
        assert!(
            damages[0].contains("`https://a.example/x`: the head of an entry is damaged"),
            "{damages:?}"
        );
    });
}
