//! A client without manners: sends just what the test says, and shows just what came back.
//!
//! A browser tidies paths, adds headers and hides statuses; `..` in any spelling, conditional
//! requests and ranges are asked for here instead. One connection per request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use super::DEADLINE;

/// A response as it came.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The first value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// `GET url`; what follows the host is sent byte for byte.
#[track_caller]
pub(crate) fn get(url: &str) -> Answer {
    ask("GET", url, &[])
}

/// Sends a request without a body, with these headers besides `Host` and `Connection: close`.
#[track_caller]
pub(crate) fn ask(method: &str, url: &str, headers: &[(&str, &str)]) -> Answer {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (host, target) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let target = if target.is_empty() { "/" } else { target };
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let raw = ask_raw(host, head.as_bytes());
    parse(&raw, method == "HEAD").unwrap_or_else(|| {
        let raw = String::from_utf8_lossy(&raw);
        panic!("`{method} {url}`: this is no response:\n{raw}")
    })
}

/// Sends these bytes to `HOST:PORT`, and gives all that comes until the other side closes.
#[track_caller]
pub(crate) fn ask_raw(host: &str, bytes: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    let asked = TcpStream::connect(host).and_then(|mut stream| {
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.write_all(bytes)?;
        stream.read_to_end(&mut answer)
    });
    if let Err(error) = asked {
        // A server that refuses early may reset what it has not read; its answer still counts.
        assert!(!answer.is_empty(), "asking `{host}`: {error}");
    }
    answer
}

fn parse(raw: &[u8], head_only: bool) -> Option<Answer> {
    let mut reader = BufReader::new(raw);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    };
    let status = line()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let mut headers = Vec::new();
    loop {
        let field = line()?;
        if field.is_empty() {
            break;
        }
        let (name, value) = field.split_once(':')?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut body = Vec::new();
    reader.read_to_end(&mut body).ok()?;
    let mut answer = Answer {
        status,
        headers,
        body,
    };
    if answer.header("Transfer-Encoding") == Some("chunked") {
        answer.body = unchunk(&answer.body)?;
    } else if let Some(length) = answer.header("Content-Length")
        && !head_only
        && status != 304
    {
        assert_eq!(
            length.parse(),
            Ok(answer.body.len()),
            "the body is not as long as `Content-Length` says"
        );
    }
    Some(answer)
}

fn unchunk(mut chunks: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = chunks.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(&chunks[..end]).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend(chunks.get(end + 2..end + 2 + size)?);
        chunks = chunks.get(end + 2 + size + 2..)?;
    }
}
