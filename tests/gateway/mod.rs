//! `revisit serve URL` over raw sockets, before an origin that records each byte that it receives:
//! what a stranger can make of it, and what the cache promises beyond any suite.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a panic is an answer")]

mod admin;
mod cached;
mod framing;
mod limited;
mod raw;
mod run;
mod shared;
mod streamed;

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::harness::{DEADLINE, Serve};
use raw::RawOrigin;

/// A gateway before an origin, with these words more, and with the defaults of everything else.
#[track_caller]
fn gateway(origin: &RawOrigin, words: &[&str]) -> Serve {
    let mut all = vec!["serve", origin.url(), "--listen", "127.0.0.1:0"];
    all.extend(words);
    Serve::start(&all)
}

/// A client's connection to the gateway.
fn connect(gateway: &Serve) -> TcpStream {
    let host = gateway.url("/");
    let host = host.trim_start_matches("http://").trim_end_matches('/');
    let stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// Sends bytes and reads all that comes until the connection ends.
fn exchange(gateway: &Serve, bytes: &[u8]) -> String {
    let mut stream = connect(gateway);
    // One who is refused may not be let finish.
    let _ = stream.write_all(bytes);
    rest(&mut stream)
}

/// All that still comes on a connection.
fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let mut buffer = [0; 16 * 1024];
    while let Ok(bytes @ 1..) = stream.read(&mut buffer) {
        all.extend_from_slice(&buffer[..bytes]);
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// A GET with these lines more.
fn get(path: &str, lines: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n{lines}\r\n").into()
}

/// The status of an answer.
fn status(answer: &str) -> u16 {
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
    status.unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

/// What follows the header fields.
fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// A whole answer with these fields, each line with its end.
fn ok(fields: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{fields}\r\n{body}",
        body.len()
    )
    .into()
}
