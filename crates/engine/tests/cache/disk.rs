//! What is on the disk behind the memory, and when it is not any more. A process that starts anew is a
//! new cache over the same store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use revisit_engine::cache::{Cache, CacheOptions};
use revisit_engine::{Body, Fetch, FetchError, Request, Response};
use revisit_rules::http::Policy;
use revisit_store::{Batch, Contract, NewEntry, Options, Staged, Store};

use super::{Moved, run, text};

/// Answers each path with its body and fields, a 304 to whom that is enough, and remembers who asked.
#[derive(Clone, Default)]
struct Origin(Arc<Said>);

#[derive(Default)]
struct Said {
    answers: Mutex<HashMap<&'static str, (Vec<u8>, HeaderMap)>>,
    asked: Mutex<Vec<(String, u16)>>,
}

impl Origin {
    fn say(&self, path: &'static str, body: impl Into<Vec<u8>>, fields: &[(&'static str, &str)]) {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name = HeaderName::from_static(name);
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        let mut answers = self.0.answers.lock().unwrap();
        answers.insert(path, (body.into(), headers));
    }

    /// The statuses that it answered a path with.
    fn trips(&self, path: &str) -> Vec<u16> {
        let asked = self.0.asked.lock().unwrap();
        let of_path = asked.iter().filter(|(asked, _)| asked == path);
        of_path.map(|(_, status)| *status).collect()
    }
}

impl Fetch for Origin {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let path = request.uri().path().to_owned();
        let (body, headers) = self.0.answers.lock().unwrap()[path.as_str()].clone();
        let tag = headers.get("etag");
        let current = tag.is_some() && request.headers().get("if-none-match") == tag;
        let mut response = match current {
            true => Response::new(Body::empty()),
            false => Response::new(bytes::Bytes::from(body).into()),
        };
        if current {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        *response.headers_mut() = headers;
        let status = response.status().as_u16();
        self.0.asked.lock().unwrap().push((path, status));
        Ok(response)
    }
}

struct World {
    origin: Origin,
    store: Store,
    clock: Arc<Moved>,
    cache: Cache<Origin>,
}

impl World {
    async fn over(store: Store) -> Self {
        let (origin, clock) = (Origin::default(), Arc::new(Moved::default()));
        let cache = start(&origin, &store, &clock).await;
        Self {
            origin,
            store,
            clock,
            cache,
        }
    }

    async fn new() -> Self {
        Self::over(Store::memory(Contract::Relaxed)).await
    }

    /// Begins anew over the same store, with nothing in memory.
    async fn restart(&mut self) {
        self.cache = start(&self.origin, &self.store, &self.clock).await;
    }

    async fn ask(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let mut request = http::Request::builder().method(method).uri(path);
        request = request.header("host", "shop.example");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.cache.fetch(request).await.unwrap();
        let status = response.status().as_u16();
        (status, text(response.into_body()).await.unwrap())
    }

    async fn get(&self, path: &str) -> String {
        self.ask("GET", path, &[]).await.1
    }

    /// Asks twice, and waits until so many responses are on the disk.
    async fn keep(&self, path: &str, entries: u64) {
        for _ in 0..2 {
            self.get(path).await;
            self.settled().await;
        }
        self.wait_for(entries).await;
    }

    async fn wait_for(&self, entries: u64) {
        // A disk has threads of its own: looked at until it is so, or for ten seconds.
        for _ in 0..2000 {
            if self.on_disk() == entries {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{} responses on the disk, not {entries}", self.on_disk());
    }

    /// Lets the memory have what came.
    async fn settled(&self) {
        super::settle().await;
    }

    fn on_disk(&self) -> u64 {
        self.cache.disk_size().unwrap().1
    }
}

async fn start(origin: &Origin, store: &Store, clock: &Arc<Moved>) -> Cache<Origin> {
    let options = CacheOptions::new(Policy::shared());
    let (origin, store) = (origin.clone(), store.clone());
    Cache::on_disk(origin, options, clock.clone(), store)
        .await
        .unwrap()
}

const FRESH: (&str, &str) = ("cache-control", "max-age=600");

#[test]
fn what_was_used_twice_is_there_when_the_process_starts_anew() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let open = || Store::open(folder.path(), Options::relaxed(64 << 20)).unwrap();
        let mut world = World::over(open()).await;
        world.origin.say("/twice", "twice", &[FRESH, ("x-a", "b")]);
        world.origin.say("/once", "once", &[FRESH]);
        world.keep("/twice", 1).await;
        world.get("/once").await;
        world.settled().await;
        assert_eq!(world.on_disk(), 1);

        world.store.close().await.unwrap();
        // Until the last handle is gone the folder is in use.
        let (origin, clock) = (world.origin.clone(), world.clock.clone());
        drop(world);
        let store = open();
        let cache = start(&origin, &store, &clock).await;
        world = World {
            origin,
            store,
            clock,
            cache,
        };
        assert_eq!(world.get("/twice").await, "twice");
        assert_eq!(world.origin.trips("/twice"), [200]);
        assert_eq!(world.get("/once").await, "once");
        assert_eq!(world.origin.trips("/once"), [200, 200]);
    });
}

#[test]
fn a_response_that_comes_a_second_time_is_worth_the_disk_without_a_hit() {
    run(async {
        let world = World::new().await;
        world
            .origin
            .say("/a", "1", &[("cache-control", "max-age=5")]);
        world.get("/a").await;
        world.settled().await;
        assert_eq!(world.on_disk(), 0);
        world.clock.advance(10);
        world.get("/a").await;
        world.wait_for(1).await;
    });
}

#[test]
fn variants_come_back_each_for_its_requests() {
    run(async {
        let mut world = World::new().await;
        let vary = ("vary", "accept-language");
        for (language, entries) in [("de", 1), ("en", 2)] {
            world
                .origin
                .say("/", format!("in {language}"), &[FRESH, vary]);
            for _ in 0..2 {
                world
                    .ask("GET", "/", &[("accept-language", language)])
                    .await;
                world.settled().await;
            }
            world.wait_for(entries).await;
        }
        world.restart().await;
        for language in ["en", "de"] {
            let (_, body) = world
                .ask("GET", "/", &[("accept-language", language)])
                .await;
            assert_eq!(body, format!("in {language}"));
        }
        assert_eq!(world.origin.trips("/").len(), 2);
    });
}

#[test]
fn a_newer_response_takes_the_place_of_the_one_on_the_disk() {
    run(async {
        let mut world = World::new().await;
        world.origin.say("/", "old", &[FRESH]);
        world.keep("/", 1).await;
        world.origin.say("/", "new", &[FRESH]);
        world
            .ask("GET", "/", &[("cache-control", "no-cache")])
            .await;
        world.settled().await;
        world.wait_for(1).await;
        world.restart().await;
        assert_eq!(world.get("/").await, "new");
        assert_eq!(world.origin.trips("/").len(), 2);
    });
}

#[test]
fn what_is_stale_on_the_disk_is_validated_and_its_body_not_sent_again() {
    run(async {
        let mut world = World::new().await;
        world.origin.say(
            "/",
            "body",
            &[("cache-control", "max-age=5"), ("etag", "\"1\"")],
        );
        world.keep("/", 1).await;
        world.restart().await;
        world.clock.advance(10);
        assert_eq!(world.get("/").await, "body");
        assert_eq!(world.origin.trips("/"), [200, 304]);
    });
}

#[test]
fn a_304_that_shortens_a_lifetime_does_so_on_the_disk_too() {
    run(async {
        for size in [10, 3 << 20] {
            let mut world = World::new().await;
            let body = "x".repeat(size);
            world
                .origin
                .say("/", body.as_str(), &[FRESH, ("etag", "\"1\"")]);
            world.keep("/", 1).await;
            world.restart().await;
            let short = ("cache-control", "max-age=5");
            world
                .origin
                .say("/", body.as_str(), &[short, ("etag", "\"1\"")]);
            world
                .ask("GET", "/", &[("cache-control", "no-cache")])
                .await;
            world.settled().await;
            world.restart().await;
            world.clock.advance(10);
            world.get("/").await;
            assert_eq!(world.origin.trips("/"), [200, 304, 304], "{size}");
        }
    });
}

#[test]
fn what_is_thrown_out_does_not_come_back_from_the_disk() {
    run(async {
        for (purge, goes) in [
            ("url", &["/a/1"][..]),
            ("folder", &["/a/1", "/a/2"]),
            ("prefix", &["/a/1"]),
            ("tag", &["/b"]),
            ("all", &["/a/1", "/a/2", "/b"]),
            ("post", &["/a/1"]),
            ("group", &["/b"]),
        ] {
            let mut world = World::new().await;
            let groups = [("cache-tag", "x, sale"), ("cache-groups", "\"goods\"")];
            world.origin.say("/a/1", "1", &[FRESH]);
            world.origin.say("/a/2", "2", &[FRESH]);
            world.origin.say("/b", "3", &[FRESH, groups[0], groups[1]]);
            let ended = [("cache-group-invalidation", "\"goods\"")];
            world.origin.say("/other", "", &ended);
            for (number, path) in (1..).zip(["/a/1", "/a/2", "/b"]) {
                world.keep(path, number).await;
            }
            // The disk alone has them.
            world.restart().await;
            let cache = &world.cache;
            let url = "http://shop.example/a/1";
            match purge {
                "url" => assert!(cache.purge_url(url).await.unwrap()),
                "folder" => _ = cache.purge_prefix("http://shop.example/a/").await.unwrap(),
                "prefix" => _ = cache.purge_prefix(url).await.unwrap(),
                "tag" => _ = cache.purge_tag("sale").await.unwrap(),
                "all" => _ = cache.purge_all().await.unwrap(),
                "post" => _ = world.ask("POST", "/a/1", &[]).await,
                _ => _ = world.ask("POST", "/other", &[]).await,
            }
            for path in ["/a/1", "/a/2", "/b"] {
                let before = world.origin.trips(path).len();
                world.get(path).await;
                let asked = world.origin.trips(path).len() > before;
                assert_eq!(asked, goes.contains(&path), "{purge}: {path}");
            }
        }
    });
}

#[test]
fn what_was_purged_softly_is_validated_before_it_answers() {
    run(async {
        let mut world = World::new().await;
        world.origin.say("/", "body", &[FRESH, ("etag", "\"1\"")]);
        world.keep("/", 1).await;
        let purge = revisit_store::Purge::label("host:shop.example").soft();
        world.store.purge(purge).await.unwrap();
        world.restart().await;
        assert_eq!(world.get("/").await, "body");
        assert_eq!(world.origin.trips("/"), [200, 304]);
        assert_eq!(world.get("/").await, "body");
        assert_eq!(world.origin.trips("/").len(), 2);
    });
}

#[test]
fn a_large_body_is_sent_from_the_disk_whole_and_in_parts() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Options::relaxed(64 << 20)).unwrap();
        let mut world = World::over(store).await;
        let body: String = (0..3_000_000u32)
            .map(|n| char::from(b'a' + (n % 23) as u8))
            .collect();
        world.origin.say("/large", body.as_str(), &[FRESH]);
        world.keep("/large", 1).await;
        world.restart().await;
        assert!(world.get("/large").await == body);
        let (in_memory, _) = world.cache.size();
        assert!(in_memory < 10_000, "{in_memory} bytes in memory");
        let (status, part) = world
            .ask("GET", "/large", &[("range", "bytes=1048570-1048589")])
            .await;
        assert_eq!((status, part.as_str()), (206, &body[1_048_570..1_048_590]));
        let ranges = [("range", "bytes=0-2,1048570-1048589")];
        let (status, parts) = world.ask("GET", "/large", &ranges).await;
        assert_eq!(status, 206);
        assert!(parts.contains("\r\n\r\nabc\r\n--"), "{parts}");
        assert!(parts.contains(&body[1_048_570..1_048_590]), "{parts}");
        assert_eq!(world.ask("HEAD", "/large", &[]).await, (200, String::new()));
        assert_eq!(world.origin.trips("/large"), [200]);
    });
}

#[test]
fn a_large_body_that_is_damaged_is_sent_by_nobody_for_the_whole_and_then_asked_for_anew() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Options::relaxed(64 << 20)).unwrap();
        let mut world = World::over(store).await;
        let body = "x".repeat(3_000_000);
        world.origin.say("/large", body.as_str(), &[FRESH]);
        world.keep("/large", 1).await;
        world.restart().await;
        flip_a_bit(&folder.path().join("bodies"));
        let request = http::Request::builder()
            .uri("/large")
            .header("host", "shop.example");
        let response = world
            .cache
            .fetch(request.body(Body::empty()).unwrap())
            .await;
        assert!(text(response.unwrap().into_body()).await.is_err());
        world.wait_for(0).await;
        assert!(world.get("/large").await == body);
        assert_eq!(world.origin.trips("/large"), [200, 200]);
    });
}

/// In the middle of the one file below `folder`.
fn flip_a_bit(folder: &std::path::Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            flip_a_bit(&path);
        } else {
            let mut bytes = std::fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        }
    }
}

#[test]
fn what_cannot_be_kept_on_the_disk_leaves_nothing_older_there() {
    run(async {
        let mut world = World::new().await;
        world.origin.say("/", "old", &[FRESH]);
        world.keep("/", 1).await;
        let tags: Vec<_> = (0..300).map(|number| number.to_string()).collect();
        world
            .origin
            .say("/", "new", &[FRESH, ("cache-tag", &tags.join(","))]);
        world
            .ask("GET", "/", &[("cache-control", "no-cache")])
            .await;
        world.settled().await;
        world.wait_for(0).await;
        world.restart().await;
        assert_eq!(world.get("/").await, "new");
    });
}

#[test]
fn what_was_kept_with_cookies_answers_nobody_under_a_safer_policy() {
    run(async {
        let store = Store::memory(Contract::Relaxed);
        let mut world = World::over(store).await;
        world
            .origin
            .say("/", "mine", &[FRESH, ("set-cookie", "id=1")]);
        let mut options = CacheOptions::new(Policy::shared());
        options.policy.set_cookie = revisit_rules::http::profile::SetCookie::Rfc;
        let (origin, clock) = (world.origin.clone(), world.clock.clone());
        let careless = Cache::on_disk(origin, options, clock, world.store.clone());
        let safer = std::mem::replace(&mut world.cache, careless.await.unwrap());
        world.keep("/", 1).await;
        assert_eq!(world.origin.trips("/").len(), 1);
        world.cache = safer;
        world.get("/").await;
        assert_eq!(world.origin.trips("/").len(), 2);
    });
}

#[test]
fn a_head_that_is_none_is_a_miss() {
    run(async {
        let mut world = World::new().await;
        world.origin.say("/", "body", &[FRESH]);
        world.keep("/", 1).await;
        let kept = world
            .store
            .collection(b"http:shared", b"responses")
            .await
            .unwrap()
            .unwrap();
        let mut batch = Batch::new();
        for old in kept.list().await.unwrap() {
            let new = NewEntry::new(old.id, "no head", Staged::bytes("no body"));
            batch = batch.remove(old.serial).insert(new);
        }
        kept.commit(batch).await.unwrap();
        world.restart().await;
        assert_eq!(world.get("/").await, "body");
        assert_eq!(world.origin.trips("/").len(), 2);
    });
}

#[test]
fn what_is_of_one_person_is_not_kept_on_the_disk_for_others() {
    run(async {
        let world = World::new().await;
        world
            .origin
            .say("/", "mine", &[("cache-control", "private, max-age=600")]);
        world.get("/").await;
        world.get("/").await;
        world.settled().await;
        assert_eq!(world.on_disk(), 0);
        assert_eq!(world.origin.trips("/").len(), 2);
    });
}
