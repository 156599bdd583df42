//! The origin behind the gateways: paths say what is answered, and what is asked is counted.
//!
//! `/fresh/BYTES/…` may be kept for an hour, `/brief/BYTES/…` for a second and is validated by its
//! tag, `/slow/BYTES/…` takes a while.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::Result;

/// An origin that answers until we end.
pub(super) struct Origin {
    address: SocketAddr,
    asked: Arc<Asked>,
}

#[derive(Default)]
struct Asked {
    trips: AtomicU64,
    validations: AtomicU64,
}

impl Origin {
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let asked = Arc::new(Asked::default());
        let counts = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counts = counts.clone();
                // A proxy that closes its connection ends this in an error.
                std::thread::spawn(move || drop(converse(stream, &counts)));
            }
        });
        Ok(Self { address, asked })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests so far.
    pub(super) fn trips(&self) -> u64 {
        self.asked.trips.load(Relaxed)
    }

    /// Requests so far that were answered by 304.
    pub(super) fn validations(&self) -> u64 {
        self.asked.validations.load(Relaxed)
    }
}

fn converse(mut stream: TcpStream, asked: &Asked) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut conditional = false;
        loop {
            line.clear();
            lines.read_line(&mut line)?;
            if line.trim_end().is_empty() {
                break;
            }
            conditional |= line.to_ascii_lowercase().starts_with("if-none-match:");
        }
        asked.trips.fetch_add(1, Relaxed);
        let mut parts = path.split('/').skip(1);
        let kind = parts.next().unwrap_or_default();
        let size = parts.next().and_then(|size| size.parse().ok()).unwrap_or(0);
        match kind {
            "brief" if conditional => {
                asked.validations.fetch_add(1, Relaxed);
                stream.write_all(NOT_MODIFIED.as_bytes())?;
                continue;
            }
            "brief" => send(&mut stream, size, "max-age=1")?,
            "slow" => {
                std::thread::sleep(Duration::from_millis(300));
                send(&mut stream, size, "max-age=3600")?;
            }
            _ => send(&mut stream, size, "max-age=3600")?,
        }
    }
}

fn send(stream: &mut TcpStream, size: u64, cache_control: &str) -> Result<()> {
    let mut message = head(size, cache_control).into_bytes();
    let first = size.min(PIECE as u64) as usize;
    message.resize(message.len() + first, b'x');
    stream.write_all(&message)?;
    let mut left = size - first as u64;
    let piece = vec![b'x'; left.min(PIECE as u64) as usize];
    while left > 0 {
        let bytes = left.min(PIECE as u64) as usize;
        stream.write_all(&piece[..bytes])?;
        left -= bytes as u64;
    }
    Ok(())
}

/// The head of an answer of so many bytes.
pub(super) fn head(size: u64, cache_control: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {size}\r\n\
         Cache-Control: {cache_control}\r\nETag: \"one\"\r\nX-Frame-Options: DENY\r\n\r\n"
    )
}

const NOT_MODIFIED: &str =
    "HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=1\r\nETag: \"one\"\r\n\r\n";
const PIECE: usize = 256 * 1024;
