//! An origin of ours: a plain static host that remembers each request and misbehaves on demand.
//!
//! Threads and blocking sockets, one thread per connection, and a few lines of HTTP/1.1 of its own:
//! a test wants to cut a body at a byte, to count what was really written and to close every
//! connection at once, and a server made for production is made to prevent just that. `stop` takes
//! the origin off the network; its socket keeps the port meanwhile, so that it can come back there.

mod conversation;
mod fault;
mod files;

pub(crate) use fault::Fault;
pub(crate) use files::Answer;

use std::collections::HashMap;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use fault::Rule;

use super::{DEADLINE, eventually};

/// A static host on the loopback, with a port of its own. Stops with the value.
pub(crate) struct Origin {
    shared: Arc<Shared>,
    listener: Arc<TcpListener>,
    address: SocketAddr,
}

/// One request, in the order of their coming, and what was answered.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// When its head had been read, since the origin's start.
    pub(crate) at: Duration,
    pub(crate) method: String,
    /// Path and query, as sent.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// None as long as nothing was answered.
    pub(crate) status: Option<u16>,
    /// Bytes of the answer's head that were given to the socket.
    pub(crate) head_bytes: u64,
    /// Bytes of the answer's body that were given to the socket.
    pub(crate) body_bytes: u64,
    /// Whether the answer went out whole.
    pub(crate) done: bool,
}

/// Makes an answer; it may take its time, for each connection has a thread of its own.
type AnswerBy = dyn Fn(&Request) -> Answer + Send + Sync;

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    started: Instant,
}

/// What all connections share: so many bytes a second, and until when it is taken.
struct Line {
    bytes_per_second: u64,
    free_at: Instant,
}

struct State {
    folder: PathBuf,
    mount: String,
    cache_control: Option<String>,
    latency: Duration,
    bytes_per_second: Option<u64>,
    line: Option<Line>,
    rules: Vec<Rule>,
    /// Paths that are answered by the test itself.
    answered: HashMap<String, Arc<AnswerBy>>,
    /// Grows with each `heal`, which ends what stalls.
    healed: u64,
    requests: Vec<Request>,
    /// Grows with each `clear`: an answer that is still under way then has no place in the list.
    cleared: u64,
    in_flight: usize,
    in_flight_max: usize,
    connections: HashMap<u64, TcpStream>,
    last_connection: u64,
    open: bool,
}

impl Origin {
    /// Serves a folder at the root of a free port.
    #[track_caller]
    pub(crate) fn serve(folder: &Path) -> Origin {
        // Bound a second time by its number: only a port that was asked for survives a `stop`.
        let listener = eventually("a free port", DEADLINE, || {
            let any = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
            let address = any.local_addr().ok()?;
            drop(any);
            TcpListener::bind(address).ok()
        });
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let state = State {
            folder: folder.to_owned(),
            mount: String::new(),
            cache_control: None,
            latency: Duration::ZERO,
            bytes_per_second: None,
            line: None,
            rules: Vec::new(),
            answered: HashMap::new(),
            healed: 0,
            requests: Vec::new(),
            cleared: 0,
            in_flight: 0,
            in_flight_max: 0,
            connections: HashMap::new(),
            last_connection: 0,
            open: true,
        };
        let origin = Origin {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                changed: Condvar::new(),
                started: Instant::now(),
            }),
            listener: Arc::new(listener),
            address,
        };
        origin.accept();
        origin
    }

    /// Serves the folder below a path (`/shop`) instead of at the root; all else is then a 404.
    pub(crate) fn mount(&self, prefix: &str) {
        self.state().mount = prefix.trim_end_matches('/').to_owned();
    }

    /// The absolute URL of a path on this origin.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Serves another folder from now on, for each request as a whole.
    pub(crate) fn folder_is(&self, folder: &Path) {
        self.state().folder = folder.to_owned();
    }

    /// The `Cache-Control` of every file; none at first.
    pub(crate) fn cache_control(&self, value: Option<&str>) {
        self.state().cache_control = value.map(str::to_owned);
    }

    /// Holds back every answer by so much.
    pub(crate) fn latency(&self, latency: Duration) {
        self.state().latency = latency;
    }

    /// Sends each body no faster than this; `None` for as fast as it goes.
    pub(crate) fn bandwidth(&self, bytes_per_second: Option<u64>) {
        self.state().bytes_per_second = bytes_per_second;
    }

    /// Sends no more than this over all connections together, heads included; `None` for no such limit.
    pub(crate) fn line(&self, bytes_per_second: Option<u64>) {
        self.state().line = bytes_per_second.map(|bytes_per_second| Line {
            bytes_per_second,
            free_at: Instant::now(),
        });
    }

    /// From now on, a request for `path` meets this fault. A path with `?` means that very query,
    /// one without means any. Several faults of one path work together.
    pub(crate) fn fault(&self, path: &str, fault: Fault) {
        self.state().rules.push(Rule::at(path, fault));
    }

    /// A fault for the next so many requests of a path; the ones after it go well.
    pub(crate) fn fault_times(&self, path: &str, times: usize, fault: Fault) {
        self.state().rules.push(Rule::at(path, fault).times(times));
    }

    /// A fault for every request whose target (path and query) is meant.
    pub(crate) fn fault_where(&self, meant: impl Fn(&str) -> bool + Send + 'static, fault: Fault) {
        self.state().rules.push(Rule::of(meant, fault));
    }

    /// From now on, `answer` answers a path, with any query and method, instead of the folder.
    pub(crate) fn answer_by(
        &self,
        path: &str,
        answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) {
        let answer: Arc<AnswerBy> = Arc::new(answer);
        self.state().answered.insert(path.to_owned(), answer);
    }

    /// Takes all faults away. What stalls just now is cut off; what is delayed is answered.
    pub(crate) fn heal(&self) {
        let mut state = self.state();
        state.rules.clear();
        state.healed += 1;
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Off the network: new connections are refused, the open ones are closed in the middle of
    /// whatever they did. Returns when the last of them is closed.
    pub(crate) fn stop(&self) {
        let mut state = self.state();
        state.open = false;
        // Wakes `accept`, and leaves the socket bound to its port.
        let _ = rustix::net::shutdown(&self.listener, rustix::net::Shutdown::Both);
        for stream in state.connections.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.shared.changed.notify_all();
        while !state.connections.is_empty() {
            state = match self.shared.changed.wait(state) {
                Ok(state) => state,
                Err(held) => held.into_inner(),
            };
        }
    }

    /// Back on the network, on the same port.
    #[track_caller]
    pub(crate) fn start_again(&self) {
        let mut state = self.state();
        assert!(!state.open, "the origin was not stopped");
        state.open = true;
        drop(state);
        rustix::net::listen(&self.listener, BACKLOG)
            .unwrap_or_else(|error| panic!("cannot listen on {} again: {error}", self.address));
        self.accept();
    }

    /// All requests since the start or the last [`Origin::clear`], also those under way.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// Forgets the requests so far, and the most that were in flight.
    pub(crate) fn clear(&self) {
        let mut state = self.state();
        state.requests.clear();
        state.cleared += 1;
        state.in_flight_max = state.in_flight;
    }

    /// How many of the requests are so.
    pub(crate) fn count(&self, mut is_so: impl FnMut(&Request) -> bool) -> usize {
        let state = self.state();
        state.requests.iter().filter(|r| is_so(r)).count()
    }

    /// How many requests there were for a path, with any query.
    pub(crate) fn count_of(&self, path: &str) -> usize {
        self.count(|request| request.path() == path)
    }

    /// The targets of the requests, in their order.
    pub(crate) fn targets(&self) -> Vec<String> {
        let state = self.state();
        state.requests.iter().map(|r| r.target.clone()).collect()
    }

    /// The bytes of all bodies that were sent.
    pub(crate) fn bytes_sent(&self) -> u64 {
        self.state().requests.iter().map(|r| r.body_bytes).sum()
    }

    /// The bytes of all answers that were sent, heads and bodies.
    pub(crate) fn wire_bytes_sent(&self) -> u64 {
        let state = self.state();
        let answers = state.requests.iter();
        answers.map(|r| r.head_bytes + r.body_bytes).sum()
    }

    /// The most requests that were under way at one time.
    pub(crate) fn in_flight_max(&self) -> usize {
        self.state().in_flight_max
    }

    /// Waits until a request has come that is so.
    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, mut is_so: impl FnMut(&Request) -> bool) -> Request {
        let found = super::poll(DEADLINE, || {
            let state = self.state();
            state.requests.iter().find(|r| is_so(r)).cloned()
        });
        found.unwrap_or_else(|| {
            panic!(
                "waited {DEADLINE:?} in vain for {what}; the origin was asked for {:#?}",
                self.targets()
            )
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }

    fn accept(&self) {
        let listener = Arc::clone(&self.listener);
        let shared = Arc::clone(&self.shared);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let Some(connection) = shared.enter(&stream) else {
                    break;
                };
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || {
                    conversation::hold(&shared, &stream);
                    // Said here and not left to the drop: `enter` has kept a second handle.
                    let _ = stream.shutdown(Shutdown::Both);
                    shared.leave(connection);
                });
            }
        });
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Request {
    /// The target without its query.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The first value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl Shared {
    /// A test that panicked while it held the lock has left nothing half done here.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|held| held.into_inner())
    }

    fn enter(&self, stream: &TcpStream) -> Option<u64> {
        let mut state = self.state();
        if !state.open {
            return None;
        }
        let handle = stream.try_clone().ok()?;
        state.last_connection += 1;
        let connection = state.last_connection;
        state.connections.insert(connection, handle);
        Some(connection)
    }

    fn leave(&self, connection: u64) {
        self.state().connections.remove(&connection);
        self.changed.notify_all();
    }

    /// Waits for `pause`, or until the faults are healed; false when the origin has stopped.
    fn pause(&self, pause: Duration) -> bool {
        let state = self.state();
        let healed = state.healed;
        let waits = |state: &mut State| state.open && state.healed == healed;
        let state = match self.changed.wait_timeout_while(state, pause, waits) {
            Ok((state, _)) => state,
            Err(held) => held.into_inner().0,
        };
        state.open
    }
}

const BACKLOG: i32 = 128;
