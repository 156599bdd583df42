//! Many at once: who waits for whom, and what of that is kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use http::{HeaderName, HeaderValue, StatusCode};
use revisit_engine::cache::{Cache, CacheOptions};
use revisit_engine::{Body, Fetch, FetchError, Request, Response};
use revisit_rules::http::Policy;
use tokio::sync::Semaphore;

use super::{Moved, run, settle, text};

type Field = (&'static str, &'static str);

/// Answers each path with its status and fields, and waits for leave where it is held.
#[derive(Clone, Default)]
struct Origin(Arc<Said>);

struct Said {
    /// By path: status and fields.
    answers: Mutex<HashMap<&'static str, (u16, Vec<Field>)>>,
    asked: Mutex<Vec<String>>,
    leave: Semaphore,
}

impl Default for Said {
    fn default() -> Self {
        Self {
            answers: Mutex::default(),
            asked: Mutex::default(),
            leave: Semaphore::new(0),
        }
    }
}

impl Origin {
    fn say(&self, path: &'static str, status: u16, fields: &[Field]) {
        let mut answers = self.0.answers.lock().unwrap();
        answers.insert(path, (status, fields.to_vec()));
    }

    /// How often it was asked for a path.
    fn trips(&self, path: &str) -> usize {
        let asked = self.0.asked.lock().unwrap();
        asked.iter().filter(|asked| *asked == path).count()
    }
}

impl Fetch for Origin {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let path = request.uri().path().to_owned();
        self.0.asked.lock().unwrap().push(path.clone());
        let (status, fields) = self.0.answers.lock().unwrap()[path.as_str()].clone();
        if request.method() == http::Method::GET {
            self.0.leave.acquire().await.unwrap().forget();
        }
        let mut response = Response::new(Body::from("body"));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in fields {
            let (name, value) = (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
            response.headers_mut().append(name, value);
        }
        Ok(response)
    }
}

struct World {
    origin: Origin,
    cache: Cache<Origin>,
}

impl World {
    fn new() -> Self {
        let origin = Origin::default();
        let options = CacheOptions::new(Policy::shared());
        let cache = Cache::before(origin.clone(), options, Arc::new(Moved::default()));
        Self { origin, cache }
    }

    /// Begins to ask.
    fn ask(
        &self,
        method: &str,
        path: &str,
        with: Option<Field>,
    ) -> tokio::task::JoinHandle<(u16, String)> {
        let request = http::Request::builder().method(method).uri(path);
        let mut request = request.header("host", "shop.example");
        if let Some((name, value)) = with {
            request = request.header(name, value);
        }
        let request = request.body(Body::empty()).unwrap();
        let cache = self.cache.clone();
        tokio::spawn(async move {
            let response = cache.fetch(request).await.unwrap();
            let status = response.status().as_u16();
            (status, text(response.into_body()).await.unwrap())
        })
    }

    /// Asks, with leave.
    async fn get(&self, path: &str, with: Option<Field>) -> u16 {
        self.origin.0.leave.add_permits(1);
        let (status, _) = self.ask("GET", path, with).await.unwrap();
        settle().await;
        let unused = self.origin.0.leave.available_permits();
        self.origin.0.leave.forget_permits(unused);
        status
    }

    /// How often the origin is asked when so many ask at once.
    async fn trips_of_crowd(&self, path: &str, crowd: usize) -> usize {
        let before = self.origin.trips(path);
        let asking: Vec<_> = (0..crowd).map(|_| self.ask("GET", path, None)).collect();
        settle().await;
        self.origin.0.leave.add_permits(crowd);
        for one in asking {
            assert_eq!(one.await.unwrap().1, "body");
        }
        settle().await;
        let unused = self.origin.0.leave.available_permits();
        self.origin.0.leave.forget_permits(unused);
        self.origin.trips(path) - before
    }
}

#[test]
fn those_who_ask_together_wait_for_one_answer_until_one_is_for_nobody_else() {
    run(async {
        let world = World::new();
        world
            .origin
            .say("/", 200, &[("cache-control", "max-age=60")]);
        assert_eq!(world.trips_of_crowd("/", 10).await, 1);
        world
            .origin
            .say("/own", 200, &[("cache-control", "private")]);
        assert_eq!(world.trips_of_crowd("/own", 10).await, 10);
    });
}

#[test]
fn what_one_request_or_one_bad_moment_brought_about_sends_nobody_on_a_trip_of_his_own() {
    run(async {
        let fields = [("cache-control", "max-age=60"), ("etag", "\"1\"")];
        for (status, with) in [
            (200, Some(("cache-control", "no-store"))),
            (503, None),
            (304, Some(("if-none-match", "\"1\""))),
            (200, Some(("authorization", "Basic a"))),
        ] {
            let world = World::new();
            let said = if status == 503 { &[][..] } else { &fields[..] };
            world.origin.say("/", status, said);
            assert_eq!(world.get("/", with).await, status, "{status} {with:?}");
            world.origin.say("/", 200, &fields);
            assert_eq!(world.trips_of_crowd("/", 10).await, 1, "{status} {with:?}");
        }
    });
}

#[test]
fn what_is_on_its_way_is_kept_though_a_group_is_made_invalid_that_it_is_not_in() {
    run(async {
        let world = World::new();
        let kept = ("cache-control", "max-age=60");
        world
            .origin
            .say("/in", 200, &[kept, ("cache-groups", "\"a\"")]);
        world
            .origin
            .say("/out", 200, &[kept, ("cache-groups", "\"b\"")]);
        world
            .origin
            .say("/write", 200, &[("cache-group-invalidation", "\"a\"")]);
        let both = [
            world.ask("GET", "/in", None),
            world.ask("GET", "/out", None),
        ];
        settle().await;
        world.ask("POST", "/write", None).await.unwrap();
        // Those who come after it still join what is no part of it.
        let joined = world.ask("GET", "/out", None);
        settle().await;
        world.origin.0.leave.add_permits(2);
        for one in both.into_iter().chain([joined]) {
            assert_eq!(one.await.unwrap().1, "body");
        }
        settle().await;
        assert_eq!(world.origin.trips("/out"), 1);
        world.get("/out", None).await;
        world.get("/in", None).await;
        assert_eq!(world.origin.trips("/out"), 1, "it is kept");
        assert_eq!(
            world.origin.trips("/in"),
            2,
            "it is of yesterday, and not kept"
        );
    });
}
