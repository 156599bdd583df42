//! An origin on bare sockets: it keeps what it received as it came, and answers what it is told to.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use crate::harness::DEADLINE;

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// Its request line and fields, as they came, with the empty line.
    pub(super) head: String,
    /// Its body, as it came: chunks with their sizes.
    pub(super) body: Vec<u8>,
}

impl Seen {
    pub(super) fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// The values of a field.
    pub(super) fn values(&self, name: &str) -> Vec<&str> {
        self.head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect()
    }
}

/// Answers one request; `false` closes the connection.
type Answer = dyn Fn(&Seen, &mut TcpStream) -> bool + Send + Sync;

pub(super) struct RawOrigin {
    url: String,
    seen: Arc<(Mutex<Vec<Seen>>, Condvar)>,
}

impl RawOrigin {
    pub(super) fn start(
        answer: impl Fn(&Seen, &mut TcpStream) -> bool + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<(Mutex<Vec<Seen>>, Condvar)> = Arc::default();
        let answer: Arc<Answer> = Arc::new(answer);
        std::thread::spawn({
            let seen = seen.clone();
            move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    let (seen, answer) = (seen.clone(), answer.clone());
                    std::thread::spawn(move || serve(stream, &seen, &*answer));
                }
            }
        });
        Self { url, seen }
    }

    /// Answers every request with the same bytes.
    pub(super) fn always(bytes: Vec<u8>) -> Self {
        Self::start(move |_, stream| stream.write_all(&bytes).is_ok())
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// All requests so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.0.lock().unwrap().clone()
    }

    /// Waits until so many requests have come.
    pub(super) fn wait_for(&self, requests: usize) {
        let seen = self.seen.0.lock().unwrap();
        let wait = |seen: &mut Vec<Seen>| seen.len() < requests;
        let (seen, _) = self
            .seen
            .1
            .wait_timeout_while(seen, DEADLINE, wait)
            .unwrap();
        assert!(seen.len() >= requests, "only {} requests came", seen.len());
    }
}

fn serve(mut stream: TcpStream, seen: &(Mutex<Vec<Seen>>, Condvar), answer: &Answer) {
    let mut buffer = Vec::new();
    while let Some(request) = read(&mut stream, &mut buffer) {
        seen.0.lock().unwrap().push(request.clone());
        seen.1.notify_all();
        if !answer(&request, &mut stream) {
            return;
        }
    }
}

/// The next request on a connection, by the one framing that its head tells.
fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Seen> {
    let find = |buffer: &[u8], end: &[u8]| buffer.windows(end.len()).position(|w| w == end);
    let head_length = loop {
        match find(buffer, b"\r\n\r\n") {
            Some(at) => break at + 4,
            None => more(stream, buffer)?,
        }
    };
    let head: Vec<u8> = buffer.drain(..head_length).collect();
    let mut request = Seen {
        head: String::from_utf8_lossy(&head).into_owned(),
        body: Vec::new(),
    };
    let chunked = !request.values("transfer-encoding").is_empty();
    let length: usize = match request.values("content-length").first() {
        _ if chunked => loop {
            match find(buffer, b"0\r\n\r\n") {
                Some(at) => break at + 5,
                None => more(stream, buffer)?,
            }
        },
        Some(length) => length.parse().ok()?,
        None => 0,
    };
    while buffer.len() < length {
        more(stream, buffer)?;
    }
    request.body = buffer.drain(..length).collect();
    Some(request)
}

fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    let mut bytes = [0; 16 * 1024];
    let read = stream.read(&mut bytes).ok().filter(|read| *read > 0)?;
    buffer.extend_from_slice(&bytes[..read]);
    Some(())
}

/// A gate that a test opens.
#[derive(Default, Clone)]
pub(super) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(super) fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    pub(super) fn pass(&self) {
        let open = self.0.0.lock().unwrap();
        let (open, _) = self
            .0
            .1
            .wait_timeout_while(open, DEADLINE, |open| !*open)
            .unwrap();
        assert!(*open, "the gate was never opened");
    }
}
