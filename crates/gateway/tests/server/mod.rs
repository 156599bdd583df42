//! Servers in threads of their own, clients on bare sockets, and [`Fetch`]es that misbehave.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use revisit_engine::{Body, Fetch, FetchError, Request, Response, SystemClock};
use revisit_gateway::folder::Bare;
use revisit_gateway::{Cores, Ended, Folder, FolderOptions, Limits, Listener};
use tokio::sync::{Notify, oneshot, watch};

/// A folder on a socket, with a secret beside it.
pub(crate) struct Site {
    _place: tempfile::TempDir,
    pub(crate) server: Server,
}

impl Site {
    pub(crate) fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("site");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(place.path().join("secret"), "confidential").unwrap();
        std::fs::write(root.join(".secret"), "confidential").unwrap();
        for name in ["a", "b"] {
            std::fs::write(
                root.join(format!("{name}.txt")),
                format!("content of {name}"),
            )
            .unwrap();
        }
        let options = FolderOptions {
            settle: Duration::ZERO,
            ..FolderOptions::default()
        };
        let clock = Arc::new(SystemClock::start());
        let folder = Folder::open(&root, options, Arc::new(Bare), clock).unwrap();
        let server = Server::start(Arc::new(folder), Limits::default());
        Self {
            _place: place,
            server,
        }
    }
}

/// A listener that serves in a thread of its own until it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Ended>>,
}

impl Server {
    pub(crate) fn start<F: Fetch>(fetch: Arc<F>, limits: Limits) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async move {
                let listener = Listener::bind("127.0.0.1:0".parse().unwrap())
                    .await
                    .unwrap();
                tell.send(listener.local_addr()).unwrap();
                let clock = Arc::new(SystemClock::start());
                let stopped = async { drop(stopped.await) };
                listener.serve(fetch, clock, limits, stopped).await
            })
        });
        Self {
            address: told.recv().unwrap(),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream
    }

    /// All that is answered to `request` until the connection ends.
    pub(crate) fn exchange(&self, request: &str) -> String {
        let mut stream = self.connect();
        // A server that refuses a long header may close before it has read all of it.
        let _ = stream.write_all(request.as_bytes());
        read_to_end(&mut stream)
    }

    pub(crate) fn status(&self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        statuses(&self.exchange(&request))[0].clone()
    }

    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    pub(crate) fn ended(&mut self) -> Ended {
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Answers everything with a text.
pub(crate) struct Text(pub(crate) &'static str);

impl Fetch for Text {
    async fn fetch(&self, _: Request) -> Result<Response, FetchError> {
        Ok(Response::new(self.0.into()))
    }
}

/// Answers everything with these bytes.
pub(crate) struct Whole(pub(crate) Bytes);

impl Fetch for Whole {
    async fn fetch(&self, _: Request) -> Result<Response, FetchError> {
        Ok(Response::new(self.0.clone().into()))
    }
}

/// Says that it was asked, and answers when it is let go.
#[derive(Default)]
pub(crate) struct Held {
    pub(crate) asked: Signal,
    pub(crate) go: Notify,
}

impl Fetch for Held {
    async fn fetch(&self, _: Request) -> Result<Response, FetchError> {
        self.asked.give();
        self.go.notified().await;
        Ok(Response::new("done".into()))
    }
}

/// Has more to say than any buffer holds.
#[derive(Default)]
pub(crate) struct Endless {
    pub(crate) dropped: Arc<Signal>,
}

impl Fetch for Endless {
    async fn fetch(&self, _: Request) -> Result<Response, FetchError> {
        let guard = GiveOnDrop(self.dropped.clone());
        let body = http_body_util::Full::new(bytes::Bytes::from(vec![0; 100_000_000]));
        Ok(Response::new(Body::stream(body.map_frame(move |frame| {
            let _held = &guard;
            frame
        }))))
    }
}

/// At fault in several ways.
pub(crate) struct Faulty;

impl Fetch for Faulty {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        match request.uri().path() {
            "/panic" => panic!("a fault that a test makes"),
            "/error" => Err(FetchError::Internal {
                target: "/error".into(),
                source: "x".into(),
            }),
            "/body" => Ok(Response::new(Body::stream(Panicking))),
            _ => Ok(Response::new("well".into())),
        }
    }
}

/// A body whose reading panics.
struct Panicking;

impl http_body::Body for Panicking {
    type Data = bytes::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
        panic!("a fault that a test makes")
    }
}

/// Answers with the body of the request.
pub(crate) struct Echo;

impl Fetch for Echo {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let bytes = request.into_body().collect().await;
        let bytes = bytes.map_err(|source| FetchError::Internal {
            target: "/".into(),
            source,
        })?;
        Ok(Response::new(bytes.to_bytes().into()))
    }
}

/// Begins in one thread what a request in another waits for.
#[derive(Default)]
pub(crate) struct Crossing {
    begun: std::sync::Mutex<Option<oneshot::Receiver<&'static str>>>,
    pub(crate) waiting: Signal,
    pub(crate) go: Arc<Notify>,
    /// What was begun is gone, with its thread or by itself.
    pub(crate) gone: Arc<Signal>,
}

impl Fetch for Crossing {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let text = match request.uri().path() {
            "/begin" => {
                let (tell, told) = oneshot::channel();
                *self.begun.lock().unwrap() = Some(told);
                let (go, gone) = (self.go.clone(), GiveOnDrop(self.gone.clone()));
                tokio::spawn(async move {
                    let _gone = gone;
                    go.notified().await;
                    let _ = tell.send("crossed");
                });
                "begun".to_owned()
            }
            "/wait" => {
                let begun = self.begun.lock().unwrap().take().unwrap();
                self.waiting.give();
                begun.await.unwrap_or("lost").to_owned()
            }
            _ => format!("{:?}", std::thread::current().id()),
        };
        Ok(Response::new(text.into()))
    }
}

/// Serves with so many threads until the sender says so.
pub(crate) fn serve_on_cores<F: Fetch>(
    fetch: Arc<F>,
    cores: usize,
) -> (SocketAddr, watch::Sender<bool>, Cores) {
    let (stop, stopped) = watch::channel(false);
    let clock: Arc<dyn revisit_engine::Clock> = Arc::new(SystemClock::start());
    let address = "127.0.0.1:0".parse().unwrap();
    let cores = cores.try_into().unwrap();
    let limits = Limits {
        grace: LONG,
        ..Limits::default()
    };
    let cores = Cores::serve(address, cores, &fetch, &clock, &limits, &stopped).unwrap();
    (cores.local_addr(), stop, cores)
}

/// Something that happens once, and that a test waits for.
#[derive(Default)]
pub(crate) struct Signal {
    given: std::sync::Mutex<bool>,
    changed: std::sync::Condvar,
}

impl Signal {
    pub(crate) fn give(&self) {
        *self.given.lock().unwrap() = true;
        self.changed.notify_all();
    }

    pub(crate) fn wait(&self) {
        let given = self.given.lock().unwrap();
        let (given, _) = self
            .changed
            .wait_timeout_while(given, LONG, |given| !*given)
            .unwrap();
        assert!(*given, "waited too long");
    }
}

impl Signal {
    /// Waits for a short while, for what may not happen at all.
    pub(crate) fn wait_a_moment(&self) {
        let given = self.given.lock().unwrap();
        let moment = Duration::from_millis(300);
        let _ = self
            .changed
            .wait_timeout_while(given, moment, |given| !*given);
    }
}

struct GiveOnDrop(Arc<Signal>);

impl Drop for GiveOnDrop {
    fn drop(&mut self) {
        self.0.give();
    }
}

/// What is still to come on a connection, until it ends, even if it ends badly.
pub(crate) fn read_to_end(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(bytes) => all.extend_from_slice(&buffer[..bytes]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("the connection does not end: {error}"),
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// The next answer, by its length.
pub(crate) fn read_answer(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let mut byte = [0];
    loop {
        stream.read_exact(&mut byte).unwrap();
        all.push(byte[0]);
        let text = String::from_utf8_lossy(&all);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        if body.len() == length {
            return text.into_owned();
        }
    }
}

/// The status lines, without the version.
pub(crate) fn statuses(answers: &str) -> Vec<String> {
    let lines = answers.split("HTTP/1.").skip(1);
    lines
        .map(|answer| answer[2..].lines().next().unwrap().to_owned())
        .collect()
}

/// Is the address soon one at which nobody listens?
pub(crate) fn refused(address: SocketAddr) -> bool {
    (0..1000).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        TcpStream::connect(address).is_err()
    })
}

/// Longer than anything in these tests takes.
pub(crate) const LONG: Duration = Duration::from_secs(20);
