//! Past all caches: what was pushed, and the network.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, Method};

use super::Replay;
use super::http::Ask;
use crate::network::Trip;
use crate::site::origin;
use crate::{Answer, Asked, Health, Layer, Parse, Pushed, Request, Response, Server, Trouble};

/// What came of a request.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) response: Response,
    /// The network, or what was pushed.
    pub(super) layer: Layer,
    /// What reached the server.
    pub(super) asked: Option<Asked>,
    /// Bytes that were pushed beside it.
    pub(super) pushed_bytes: u64,
    pub(super) start: Duration,
    pub(super) end: Duration,
}

impl<S: Server, P: Parse> Replay<S, P> {
    /// Asks what was pushed, and then the server, for `ask` with these fields, from `ready` on.
    pub(super) fn send(
        &mut self,
        ask: &Ask,
        headers: HeaderMap,
        ready: Duration,
    ) -> Result<Sent, Trouble> {
        let now = self.world.now.checked_add(ready).unwrap_or(self.world.now);
        if self.options.push && ask.method == Method::GET {
            let lifetime = self.options.limits.push_lifetime;
            if let Some(response) = self.push.claim(&ask.url, &headers, now, lifetime) {
                return Ok(Sent {
                    response,
                    layer: Layer::Push,
                    asked: None,
                    pushed_bytes: 0,
                    start: ready,
                    end: ready,
                });
            }
        }
        if self.world.offline {
            return Err(Trouble::Offline);
        }
        let request = Request {
            method: ask.method.clone(),
            url: ask.url.clone(),
            headers,
            destination: ask.destination,
            body_bytes: ask.body_bytes,
        };
        let answer = match self.world.health {
            Health::Works => self.server.answer(&request, now),
            Health::Answers(status) => Answer::Response(Response::new(status, "")),
            Health::Unreachable => Answer::Unreachable,
        };
        let mut response = match answer {
            Answer::Response(response) => response,
            Answer::Unreachable => return Err(Trouble::Unreachable),
            Answer::NotRecorded => return Err(Trouble::NotRecorded),
        };
        if ask.method == Method::HEAD || matches!(response.status.as_u16(), 204 | 205 | 304) {
            response.body.clear();
            response.encoded_bytes = None;
        }
        self.heed(ask, &response, now);
        let pushed = std::mem::take(&mut response.pushed);
        let up_bytes = head_bytes(&request.headers, REQUEST_LINE)
            + ask.url.as_str().len() as u64
            + ask.body_bytes.unwrap_or_default();
        let down_bytes = head_bytes(&response.headers, STATUS_LINE) + response.wire_body_bytes();
        let trip = Trip {
            origin: origin(&ask.url),
            encrypted: ask.url.scheme() == "https",
            ready,
            up_bytes,
            down_bytes,
        };
        let (start, end) = self.lines.travel(&trip, self.world.now);
        Ok(Sent {
            asked: Some(Asked {
                headers: request.headers,
                status: response.status.as_u16(),
                wire_bytes: up_bytes + down_bytes,
            }),
            layer: Layer::Network,
            pushed_bytes: self.take_pushes(ask, pushed, now),
            response,
            start,
            end,
        })
    }

    /// Does what a response says that is not about itself: cookies, `Clear-Site-Data`.
    fn heed(&mut self, ask: &Ask, response: &Response, now: SystemTime) {
        let host = ask.url.host_str().unwrap_or_default();
        let lines = response.headers.get_all("clear-site-data");
        let words = lines.iter().filter_map(|line| line.to_str().ok());
        let words: Vec<&str> = words
            .flat_map(|line| line.split(','))
            .map(str::trim)
            .collect();
        let clears = |what: &str| words.contains(&what) || words.contains(&"\"*\"");
        if crate::site::is_trustworthy(&ask.url) {
            if clears("\"cookies\"") {
                self.cookies.clear(Some(host));
            }
            if clears("\"cache\"") {
                self.clear_caches(Some(origin(&ask.url)));
            }
            if clears("\"storage\"") {
                self.clear_application_caches(Some(origin(&ask.url)));
            }
        }
        let max = self.options.limits.cookies_max;
        self.cookies.take(host, &response.headers, now, max);
    }

    /// Takes what was pushed with an answer, or refuses it. How many bytes of it came?
    fn take_pushes(&mut self, ask: &Ask, pushed: Vec<Pushed>, now: SystemTime) -> u64 {
        if !self.options.push {
            // `SETTINGS_ENABLE_PUSH` is 0: the server does not even try.
            return 0;
        }
        let connection = origin(&ask.url);
        let mut bytes = 0;
        for one in pushed {
            let other = origin(&one.url);
            // "The server MUST include a value in the ":authority" pseudo-header field for which the
            // server is authoritative" (RFC 9113 §8.4)
            if other != connection && !self.server.speaks_for(connection, other) {
                continue;
            }
            let size =
                head_bytes(&one.response.headers, STATUS_LINE) + one.response.wire_body_bytes();
            let max = self.options.limits.pushed_max;
            if self.push.take(connection, one, now, max) {
                bytes += size;
            }
        }
        bytes
    }
}

/// Bytes of a head, as HTTP/1.1 writes it; HTTP/2 packs it smaller.
fn head_bytes(headers: &HeaderMap, first_line: u64) -> u64 {
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().len() + value.len() + ": \r\n".len()) as u64
    };
    first_line + headers.iter().map(line).sum::<u64>()
}

/// `GET  HTTP/1.1`, and the empty line.
const REQUEST_LINE: u64 = 18;
/// `HTTP/1.1 200 OK`, and the empty line.
const STATUS_LINE: u64 = 19;
