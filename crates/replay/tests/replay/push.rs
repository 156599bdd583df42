//! The push cache, with a real HTTP/2 server that pushes and the `h2` crate as client, and in a world
//! of its own where only time matters.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, StatusCode};
use revisit_replay::{
    Action, Answer, Destination, Layer, Loaded, Options, Parse, Phase, Pushed, Reason, Replay,
    Request, Response, Server, Subresource, UnknownVersion,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use url::Url;

use crate::stage::{layers, of};

/// Asks a real HTTP/2 server over loopback. Only its first answer to `/` pushes.
struct H2 {
    runtime: Runtime,
    client: SendRequest<Bytes>,
    /// Promises that the server made.
    promised: Arc<AtomicUsize>,
}

const SITE: &str = "http://push.example";
const CDN: &str = "http://cdn.example";

/// What the server pushes with `/`: URL, `Cache-Control`.
const PUSHES: [(&str, &str); 2] = [
    ("http://push.example/style.css", "no-store"),
    ("http://cdn.example/library.js", "no-cache"),
];

impl H2 {
    fn start(push: bool) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let promised = Arc::new(AtomicUsize::new(0));
        let counted = promised.clone();
        let client = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0")
                .await
                .expect("a port of loopback");
            let address = listener.local_addr().expect("an address");
            tokio::spawn(async move {
                let (socket, _) = listener.accept().await.expect("a connection");
                serve(socket, counted).await;
            });
            let socket = TcpStream::connect(address).await.expect("a connection");
            let (client, connection) = h2::client::Builder::new()
                .enable_push(push)
                .handshake(socket)
                .await
                .expect("a handshake");
            tokio::spawn(async move {
                // Its end is the end of the test.
                let _ = connection.await;
            });
            client
        });
        Self {
            runtime,
            client,
            promised,
        }
    }
}

/// Answers everything; `/` with two pushes the first time.
async fn serve(socket: TcpStream, promised: Arc<AtomicUsize>) {
    let mut connection = h2::server::handshake(socket).await.expect("a handshake");
    while let Some(request) = connection.accept().await {
        let Ok((request, mut respond)) = request else {
            return;
        };
        let is_page = request.uri().path() == "/";
        let first = promised.load(Ordering::SeqCst) == 0;
        for (url, cache_control) in PUSHES.into_iter().filter(|_| is_page && first) {
            let promise = http::Request::get(url).body(()).expect("a request");
            // A client that has pushes off makes this an error.
            let Ok(mut push) = respond.push_request(promise) else {
                continue;
            };
            promised.fetch_add(1, Ordering::SeqCst);
            let head = http::Response::builder().header("cache-control", cache_control);
            let mut body = push
                .send_response(head.body(()).expect("a head"), false)
                .expect("a pushed head");
            body.send_data(Bytes::from_static(b"pushed"), true)
                .expect("a pushed body");
        }
        let head = http::Response::builder().header("cache-control", "no-store");
        let mut body = respond
            .send_response(head.body(()).expect("a head"), false)
            .expect("a head");
        body.send_data(Bytes::from_static(b"asked for"), true)
            .expect("a body");
    }
}

impl Server for H2 {
    fn answer(&mut self, request: &Request, _: SystemTime) -> Answer {
        let mut client = self.client.clone();
        let head = http::Request::get(request.url.as_str());
        let head = head.body(()).expect("a request");
        self.runtime.block_on(async move {
            client = client.ready().await.expect("a connection");
            let (mut response, _) = client
                .send_request(head, true)
                .expect("a request that is sent");
            let mut promises = response.push_promises();
            let mut answer = read(response).await;
            while let Some(promise) = promises.push_promise().await {
                let promise = promise.expect("a promise");
                let (promised, response) = promise.into_parts();
                let response = {
                    let (parts, mut body) = response.await.expect("a pushed head").into_parts();
                    let mut response = Response::new(parts.status, whole(&mut body).await);
                    response.headers = parts.headers;
                    response
                };
                answer.pushed.push(Pushed {
                    url: promised.uri().to_string().parse().expect("a URL"),
                    request_headers: promised.headers().clone(),
                    response,
                });
            }
            Answer::Response(answer)
        })
    }

    fn deploy(&mut self, version: &str) -> Result<(), UnknownVersion> {
        Err(no_version(version))
    }

    fn speaks_for(&self, connection: &str, other: &str) -> bool {
        connection == SITE && other == CDN
    }
}

async fn read(response: h2::client::ResponseFuture) -> Response {
    let (parts, mut body) = response.await.expect("a head").into_parts();
    let mut response = Response::new(parts.status, whole(&mut body).await);
    response.headers = parts.headers;
    response
}

async fn whole(body: &mut h2::RecvStream) -> Bytes {
    let mut all = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.expect("a chunk");
        all.extend_from_slice(&chunk);
        body.flow_control()
            .release_capacity(chunk.len())
            .expect("capacity");
    }
    all.into()
}

fn no_version(version: &str) -> UnknownVersion {
    UnknownVersion {
        version: version.to_owned(),
        known: "none".to_owned(),
    }
}

/// Every page loads the stylesheet and the library.
struct Page;

impl Parse for Page {
    fn subresources(&mut self, loaded: &Loaded<'_>) -> Arc<[Subresource]> {
        if !loaded.destination.is_navigation() {
            return Arc::new([]);
        }
        Arc::new([
            Subresource::plain(style(), Destination::Style),
            Subresource::plain(library(), Destination::Script),
        ])
    }
}

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL of this test")
}

fn style() -> Url {
    url(PUSHES[0].0)
}

fn library() -> Url {
    url(PUSHES[1].0)
}

fn home() -> Url {
    url("http://push.example/")
}

#[test]
fn a_real_server_pushes_what_is_used_once_whatever_its_cache_control_says() {
    let mut replay = Replay::new(Options::textbook(), H2::start(true), Page);
    let first = replay.play(&Action::Typed(home())).expect("a visit");
    assert_eq!(replay.server().promised.load(Ordering::SeqCst), 2);
    for thing in [style(), library()] {
        assert_eq!(layers(&first, &thing), [Layer::Push], "{thing}");
        assert!(of(&first, &thing).all(|one| one.body_bytes == 6 && one.reason == Reason::Pushed));
    }
    assert_eq!(first.requests(), 1);
    assert!(first.exchanges[0].pushed_bytes > 12);
    // It was used once; `no-store` left nothing, `no-cache` what must be validated.
    let second = replay.play(&Action::NewTab(home())).expect("a visit");
    for thing in [style(), library()] {
        assert_eq!(layers(&second, &thing), [Layer::Network], "{thing}");
    }
}

#[test]
fn a_client_that_takes_no_pushes_gets_none_of_a_real_server() {
    let options = Options {
        push: false,
        ..Options::textbook()
    };
    let mut replay = Replay::new(options, H2::start(false), Page);
    let visit = replay.play(&Action::Typed(home())).expect("a visit");
    assert_eq!(replay.server().promised.load(Ordering::SeqCst), 0);
    assert_eq!(layers(&visit, &style()), [Layer::Network]);
    assert_eq!((visit.requests(), visit.exchanges[0].pushed_bytes), (3, 0));
}

/// Pushes the stylesheet with `/` and whatever is told with it, once.
#[derive(Default)]
struct Pusher {
    pushes: Vec<Pushed>,
}

impl Server for Pusher {
    fn answer(&mut self, request: &Request, _: SystemTime) -> Answer {
        let mut response = Response::new(StatusCode::OK, "asked for");
        response.headers = fields("max-age=60");
        if request.url.path() == "/" {
            response.headers = fields("no-store");
            response.pushed = std::mem::take(&mut self.pushes);
        }
        Answer::Response(response)
    }

    fn deploy(&mut self, version: &str) -> Result<(), UnknownVersion> {
        Err(no_version(version))
    }
}

fn fields(cache_control: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        "cache-control",
        http::HeaderValue::from_static(cache_control),
    );
    headers
}

fn pushed(url: Url) -> Pushed {
    let mut response = Response::new(StatusCode::OK, "pushed");
    response.headers = fields("max-age=60");
    Pushed {
        url,
        request_headers: HeaderMap::new(),
        response,
    }
}

/// A page without anything, so that pushes wait.
struct Empty;

impl Parse for Empty {
    fn subresources(&mut self, _: &Loaded<'_>) -> Arc<[Subresource]> {
        Arc::new([])
    }
}

/// Visits the page that pushes these, does `meanwhile`, and has a page use the stylesheet.
fn use_later(pushes: Vec<Pushed>, meanwhile: &[Action]) -> Layer {
    let mut replay = Replay::new(Options::textbook(), Pusher { pushes }, Empty);
    replay.play(&Action::Typed(home())).expect("a visit");
    for action in meanwhile {
        replay.play(action).expect("an action");
    }
    let style = Subresource::plain(style(), Destination::Style).in_phase(Phase::Load);
    let visit = replay.play(&Action::Insert(style.clone())).expect("a use");
    layers(&visit, &style.url)[0]
}

#[test]
fn a_push_waits_five_minutes_on_its_connection_for_any_page() {
    let other = Action::NewTab(url("http://push.example/other"));
    let wait = |seconds| Action::Wait(Duration::from_secs(seconds));
    for (meanwhile, expected) in [
        (vec![], Layer::Push),
        (vec![other.clone()], Layer::Push),
        // The other page keeps the connection open, and the push still gets old.
        (vec![wait(200), other.clone(), wait(99)], Layer::Push),
        (vec![wait(200), other.clone(), wait(100)], Layer::Network),
        (vec![Action::Restart, other.clone()], Layer::Network),
        (vec![Action::Offline, Action::Online], Layer::Network),
    ] {
        assert_eq!(
            use_later(vec![pushed(style())], &meanwhile),
            expected,
            "{meanwhile:?}"
        );
    }
}

#[test]
fn the_push_cache_is_asked_after_the_disk() {
    let mut replay = Replay::new(Options::textbook(), Pusher::default(), Empty);
    let style = Subresource::plain(style(), Destination::Style);
    let load = |replay: &mut Replay<Pusher, Empty>, action: Action| {
        replay.play(&action).expect("a visit");
        let visit = replay.play(&Action::Insert(style.clone())).expect("a use");
        layers(&visit, &style.url)[0]
    };
    assert_eq!(load(&mut replay, Action::Typed(home())), Layer::Network);
    replay.server().pushes.push(pushed(style.url.clone()));
    assert_eq!(load(&mut replay, Action::NewTab(home())), Layer::Disk);
    // It still waits, and comes into its own when the disk has nothing fresh.
    replay
        .play(&Action::Wait(Duration::from_secs(61)))
        .expect("a minute");
    let page = Action::NewTab(url("http://push.example/other"));
    assert_eq!(load(&mut replay, page), Layer::Push);
}

#[test]
fn a_push_for_an_authority_that_the_connection_does_not_speak_for_is_refused() {
    let mut replay = Replay::new(
        Options::textbook(),
        Pusher {
            pushes: vec![pushed(library())],
        },
        Empty,
    );
    let visit = replay.play(&Action::Typed(home())).expect("a visit");
    assert_eq!(visit.exchanges[0].pushed_bytes, 0);
    let library = Subresource::plain(library(), Destination::Script);
    let visit = replay
        .play(&Action::Insert(library.clone()))
        .expect("a use");
    assert_eq!(layers(&visit, &library.url), [Layer::Network]);
}
