//! One connection: requests in, answers out, and what was told to go wrong goes wrong here.
//!
//! The least of HTTP/1.1 (RFC 9112) that a browser and a test client need: heads, bodies by
//! `Content-Length`, connections that stay open. A request is on record as soon as its head is read.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime};

use super::fault::Plan;
use super::files::{self, Answer};
use super::{Request, Shared};

/// Answers requests until either side closes.
pub(super) fn hold(shared: &Shared, stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream);
    while let Some(mut request) = read(&mut reader) {
        request.at = shared.started.elapsed();
        let closes = request
            .header("Connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let turn = Turn::begin(shared, request);
        if !turn.answer(stream) || closes {
            break;
        }
    }
}

/// One request on its way through. It counts as in flight until this is dropped.
struct Turn<'a> {
    shared: &'a Shared,
    request: Request,
    plan: Plan,
    place: Option<usize>,
    cleared: u64,
}

impl<'a> Turn<'a> {
    fn begin(shared: &'a Shared, request: Request) -> Turn<'a> {
        let mut state = shared.state();
        state.in_flight += 1;
        state.in_flight_max = state.in_flight_max.max(state.in_flight);
        state.requests.push(request.clone());
        Turn {
            shared,
            plan: Plan::for_target(&request.target, &mut state.rules),
            request,
            place: Some(state.requests.len() - 1),
            cleared: state.cleared,
        }
    }

    /// Answers; false when the connection has had its day.
    fn answer(mut self, stream: &TcpStream) -> bool {
        let delay = match self.plan.hang {
            true => FOREVER,
            false => self.plan.delay + self.shared.state().latency,
        };
        if !delay.is_zero() && !self.shared.pause(delay) {
            return false;
        }
        let answer = self.make();
        self.send(stream, &answer).unwrap_or(false)
    }

    fn make(&mut self) -> Answer {
        let (folder, mount, cache_control, answered) = {
            let state = self.shared.state();
            let cache_control = state.cache_control.clone();
            let answered = state.answered.get(self.request.path()).cloned();
            (
                state.folder.clone(),
                state.mount.clone(),
                cache_control,
                answered,
            )
        };
        let mut answer = match (
            self.plan.status,
            &self.plan.redirect,
            self.plan.answer.take(),
        ) {
            (Some(status), ..) => Answer::status(status),
            (None, Some(to), _) => Answer::redirect(302, to),
            (None, None, Some((kind, body))) => Answer::new(200, &kind, body),
            (None, None, None) => match answered {
                Some(answer) => answer(&self.request),
                None => files::answer(&folder, &mount, &self.request),
            },
        };
        if let Some(value) = cache_control {
            answer = answer.with("Cache-Control", &value);
        }
        for (name, value) in &self.plan.headers {
            answer = answer.with(name, value);
        }
        if self.plan.wrong_bytes {
            answer.body.iter_mut().for_each(|byte| *byte ^= 1);
        }
        answer
    }

    fn send(&self, mut stream: &TcpStream, answer: &Answer) -> std::io::Result<bool> {
        self.note(|noted| noted.status = Some(answer.status));
        let head = head(answer);
        if !self.wait_for_the_line(head.len()) {
            return Ok(false);
        }
        stream.write_all(head.as_bytes())?;
        self.note(|noted| noted.head_bytes = head.len() as u64);
        let body: &[u8] = match self.request.method.as_str() {
            "HEAD" => &[],
            _ => &answer.body,
        };
        let cut = self.plan.truncate.or(self.plan.stall);
        let cut = cut.filter(|bytes| *bytes < body.len());
        for chunk in body[..cut.unwrap_or(body.len())].chunks(CHUNK_BYTES) {
            if !self.keep_to_the_bandwidth(chunk.len()) || !self.wait_for_the_line(chunk.len()) {
                return Ok(false);
            }
            stream.write_all(chunk)?;
            self.note(|noted| noted.body_bytes += chunk.len() as u64);
        }
        if cut.is_some() {
            if self.plan.truncate.is_none() {
                self.shared.pause(FOREVER);
            }
            return Ok(false);
        }
        self.note(|noted| noted.done = true);
        Ok(true)
    }

    fn keep_to_the_bandwidth(&self, bytes: usize) -> bool {
        let limit = self.shared.state().bytes_per_second;
        limit.is_none_or(|per_second| {
            let takes = Duration::from_secs_f64(bytes as f64 / per_second.max(1) as f64);
            self.shared.pause(takes)
        })
    }

    /// Takes its place on the line that all connections share, first come, first served.
    fn wait_for_the_line(&self, bytes: usize) -> bool {
        let wait = {
            let mut state = self.shared.state();
            let Some(line) = &mut state.line else {
                return true;
            };
            let now = Instant::now();
            let takes = Duration::from_secs_f64(bytes as f64 / line.bytes_per_second.max(1) as f64);
            line.free_at = line.free_at.max(now) + takes;
            line.free_at - now
        };
        self.shared.pause(wait)
    }

    /// Writes on the record of this request, if it was not cleared meanwhile.
    fn note(&self, write: impl FnOnce(&mut Request)) {
        let mut state = self.shared.state();
        if state.cleared == self.cleared
            && let Some(noted) = self.place.and_then(|at| state.requests.get_mut(at))
        {
            write(noted);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.shared.state().in_flight -= 1;
    }
}

fn head(answer: &Answer) -> String {
    let status = http::StatusCode::from_u16(answer.status).ok();
    let reason = status.and_then(|status| status.canonical_reason());
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, reason.unwrap_or("-"));
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let now = httpdate::fmt_http_date(SystemTime::now());
    head.push_str(&format!("Date: {now}\r\n"));
    if answer.status != 304 {
        head.push_str(&format!("Content-Length: {}\r\n", answer.body.len()));
    }
    head + "\r\n"
}

/// Reads one request; none when the connection ended, or spoke something else.
fn read(reader: &mut BufReader<&TcpStream>) -> Option<Request> {
    let mut head = reader.by_ref().take(HEAD_BYTES_MAX);
    let mut line = || {
        let mut line = String::new();
        head.read_line(&mut line).ok().filter(|read| *read > 0)?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let field = line()?;
        if field.is_empty() {
            break;
        }
        let (name, value) = field.split_once(':')?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut request = Request {
        at: Duration::ZERO,
        method,
        target,
        headers,
        body: Vec::new(),
        status: None,
        head_bytes: 0,
        body_bytes: 0,
        done: false,
    };
    let length = request.header("Content-Length").map(str::parse::<u64>);
    if let Some(length) = length.transpose().ok()?.filter(|length| *length > 0) {
        let mut body = reader.by_ref().take(length.min(BODY_BYTES_MAX));
        body.read_to_end(&mut request.body).ok()?;
    }
    Some(request)
}

const HEAD_BYTES_MAX: u64 = 64 << 10;
const BODY_BYTES_MAX: u64 = 16 << 20;
const CHUNK_BYTES: usize = 16 << 10;
const FOREVER: Duration = Duration::from_secs(3600);
