//! A tap on the line to a server: which requests came, and how much was answered to each?
//!
//! For servers that are not ours to ask, such as `revisit serve` itself. The bytes pass as they are,
//! both ways; a request is known by its first line, at which a browser begins to write. One
//! answer can be held in the middle, or damaged, or its request be led astray.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

/// Passes connections on. Ends with the value, and cuts them.
pub(crate) struct Tap {
    shared: Arc<Shared>,
    address: SocketAddr,
}

/// A request that has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Of the answer, heads not counted, as far as it has come.
    pub(crate) body_bytes: usize,
    /// What the answer said of its length.
    pub(crate) content_length: Option<usize>,
}

/// What happens to the requests of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meddle {
    /// The answer's body stops after so many bytes, until the server closes the connection.
    Hold(usize),
    /// One bit of this byte of the answer's body is another.
    Flip(usize),
    /// The server is asked for a path that it does not know.
    Misdirect,
}

struct Shared {
    to: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    passed: Vec<Passed>,
    meddle: Option<(String, Meddle)>,
    held: bool,
    closed: bool,
    streams: Vec<TcpStream>,
}

/// What the two directions of a connection know of its last request.
#[derive(Default)]
struct Current {
    /// Its place in the list.
    index: usize,
    meddle: Option<Meddle>,
    /// The answer's head, until it is whole.
    head: Vec<u8>,
    in_body: bool,
}

impl Tap {
    /// Listens on a free port, before the server at `HOST:PORT`.
    #[track_caller]
    pub(crate) fn before(to: &str) -> Tap {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound socket's address");
        let shared = Arc::new(Shared {
            to: to.to_owned(),
            state: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if accepting.state().closed {
                    return;
                }
                let shared = Arc::clone(&accepting);
                std::thread::spawn(move || shared.pass(stream));
            }
        });
        Tap { shared, address }
    }

    /// The absolute URL of a path behind the tap.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on, requests whose path ends so are meddled with.
    pub(crate) fn meddle(&self, path_end: &str, how: Meddle) {
        self.shared.state().meddle = Some((path_end.to_owned(), how));
    }

    /// From now on, all passes as it is.
    pub(crate) fn heal(&self) {
        self.shared.state().meddle = None;
    }

    /// Whether an answer was held.
    pub(crate) fn has_held(&self) -> bool {
        self.shared.state().held
    }

    /// What has passed since the start or the last [`Tap::clear`], in the order of its coming.
    pub(crate) fn passed(&self) -> Vec<Passed> {
        self.shared.state().passed.clone()
    }

    /// Forgets what has passed. Nothing may be under way.
    pub(crate) fn clear(&self) {
        self.shared.state().passed.clear();
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.closed = true;
        for stream in state.streams.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        drop(state);
        let _ = TcpStream::connect(self.address); // wakes `accept`
    }
}

impl Shared {
    /// A test that panicked while it held the lock has left nothing half done here.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|held| held.into_inner())
    }

    fn pass(self: Arc<Self>, client: TcpStream) {
        let Ok(server) = TcpStream::connect(&self.to) else {
            return; // the client sees its connection closed
        };
        let clones = || Some((client.try_clone().ok()?, server.try_clone().ok()?));
        let (Some((client_too, server_too)), Some((a, b))) = (clones(), clones()) else {
            return;
        };
        self.state().streams.extend([a, b]);
        let current = Arc::new(Mutex::new(Current::default()));
        let (shared, known) = (Arc::clone(&self), Arc::clone(&current));
        let up = std::thread::spawn(move || {
            pump(client, &server_too, |bytes| shared.asked(bytes, &known));
        });
        pump(server, &client_too, |bytes| self.answered(bytes, &current));
        let _ = up.join();
    }

    /// Bytes from the client.
    fn asked(&self, bytes: &mut [u8], current: &Mutex<Current>) {
        let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or(&[]);
        let line = String::from_utf8_lossy(line).into_owned();
        let Some((method, target)) = line
            .strip_suffix(" HTTP/1.1")
            .and_then(|line| line.split_once(' '))
        else {
            return; // a request's body
        };
        let mut state = self.state();
        let meant = state.meddle.as_ref();
        let meant = meant.filter(|(end, _)| target.ends_with(&**end));
        let meddle = meant.map(|(_, how)| *how);
        state.passed.push(Passed {
            method: method.to_owned(),
            target: target.to_owned(),
            body_bytes: 0,
            content_length: None,
        });
        *lock(current) = Current {
            index: state.passed.len() - 1,
            meddle,
            ..Current::default()
        };
        if meddle == Some(Meddle::Misdirect) {
            bytes[method.len() + target.len()] = b'~';
        }
    }

    /// Bytes from the server.
    fn answered(&self, bytes: &mut Vec<u8>, current: &Mutex<Current>) {
        let mut current = lock(current);
        let mut state = self.state();
        let State { passed, held, .. } = &mut *state;
        let Some(passed) = passed.get_mut(current.index) else {
            return;
        };
        let mut body_from = 0;
        if !current.in_body {
            let before = current.head.len();
            current.head.extend_from_slice(bytes);
            let head = &current.head;
            let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") else {
                return;
            };
            let text = String::from_utf8_lossy(&head[..end]).to_ascii_lowercase();
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"));
            passed.content_length = length.and_then(|length| length.trim().parse().ok());
            body_from = (end + 4).saturating_sub(before);
            current.in_body = true;
        }
        let done = passed.body_bytes;
        let body = bytes.len() - body_from;
        passed.body_bytes += body;
        match current.meddle {
            Some(Meddle::Flip(at)) if (done..done + body).contains(&at) => {
                bytes[body_from + at - done] ^= 1;
            }
            Some(Meddle::Hold(most)) if done + body > most => {
                bytes.truncate(body_from + most.saturating_sub(done));
                passed.body_bytes = most;
                *held = true;
            }
            _ => {}
        }
    }
}

/// Copies until one side ends, and then ends the other.
fn pump(mut from: TcpStream, mut to: &TcpStream, mut look: impl FnMut(&mut Vec<u8>)) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let mut bytes = buffer[..count].to_vec();
        look(&mut bytes);
        if to.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

fn lock(current: &Mutex<Current>) -> MutexGuard<'_, Current> {
    current.lock().unwrap_or_else(|held| held.into_inner())
}
