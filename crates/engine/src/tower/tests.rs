use std::future::{Ready, ready};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use http_body_util::{BodyExt, Full};

use super::*;

/// Answers with its count of requests; must be asked whether it is ready, as a service may want.
#[derive(Default)]
struct Counter {
    asked: Arc<AtomicUsize>,
    ready: bool,
    broken: bool,
}

impl Clone for Counter {
    fn clone(&self) -> Self {
        Self {
            asked: self.asked.clone(),
            ready: false,
            broken: self.broken,
        }
    }
}

impl Service<http::Request<Body>> for Counter {
    type Response = http::Response<Full<Bytes>>;
    type Error = &'static str;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        assert!(
            std::mem::take(&mut self.ready),
            "nobody asked whether it is ready"
        );
        let number = self.asked.fetch_add(1, Relaxed) + 1;
        if self.broken {
            return ready(Err("out of order"));
        }
        let response = http::Response::builder()
            .header("cache-control", "max-age=60, private")
            .header("x-host", request.uri().host().unwrap_or_default());
        let body = Full::from(format!("answer {number}"));
        ready(response.body(body).map_err(|_| "no response"))
    }
}

fn get(url: &str) -> http::Request<http_body_util::Empty<Bytes>> {
    let request = http::Request::get(url);
    request.body(http_body_util::Empty::new()).unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

/// Asks for each URL in turn; the bodies of the answers.
async fn bodies<S>(mut service: S, urls: &[&str]) -> Vec<String>
where
    S: Service<http::Request<http_body_util::Empty<Bytes>>, Response = Response>,
    S::Error: std::fmt::Debug,
{
    let mut all = Vec::new();
    for url in urls {
        poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
        let response = service.call(get(url)).await.unwrap();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        all.push(String::from_utf8(bytes.to_vec()).unwrap());
        // What was read to its end is kept by the trip's own task.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }
    all
}

const URLS: [&str; 3] = [
    "http://a.example/",
    "http://a.example/",
    "http://b.example/",
];

#[test]
fn a_private_cache_keeps_what_is_for_one_user_and_a_shared_one_does_not() {
    run(async {
        let private = CacheLayer::private().layer(Counter::default());
        let expected = ["answer 1", "answer 1", "answer 2"];
        assert_eq!(bodies(private.clone(), &URLS).await, expected);
        assert_eq!(private.cache().size().1, 2, "two URLs are kept");
        let shared = CacheLayer::shared().layer(Counter::default());
        let expected = ["answer 1", "answer 2", "answer 3"];
        assert_eq!(bodies(shared, &URLS).await, expected);
    });
}

#[test]
fn clones_of_a_service_share_their_cache_and_services_of_a_layer_do_not() {
    run(async {
        let layer = CacheLayer::private();
        let (one, other) = (
            layer.layer(Counter::default()),
            layer.layer(Counter::default()),
        );
        assert_eq!(bodies(one.clone(), &URLS[..1]).await, ["answer 1"]);
        assert_eq!(bodies(one.clone(), &URLS[..1]).await, ["answer 1"]);
        assert_eq!(one.cache().size().1, 1);
        assert_eq!(other.cache().size().1, 0);
    });
}

#[test]
fn an_error_of_the_service_is_the_source_of_ours() {
    run(async {
        let broken = Counter {
            broken: true,
            ..Counter::default()
        };
        let mut cached = CacheLayer::private().layer(broken);
        let error = cached.call(get("http://a.example/page")).await.unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        let said = (error.to_string(), source);
        let expected = ("the origin does not answer `/page`", "out of order");
        assert_eq!((said.0.as_str(), said.1.as_str()), expected);
    });
}
