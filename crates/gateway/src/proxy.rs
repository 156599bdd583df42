//! What a gateway owes both sides before it passes a request on (RFC 9110 §7.6, RFC 8586, RFC 7239).
//!
//! Fields that speak of the client's connection end here, before anyone decides by the rest of
//! them; so do those by which a stranger could tell the origin another story than the one that a
//! cache keeps the answer under. What stands before us is told by us.

use std::net::IpAddr;

use http::header::{
    EXPECT, FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue, MAX_FORWARDS, TRANSFER_ENCODING,
    UPGRADE, VIA,
};
use http::uri::Authority;
use http::{Method, StatusCode};
use revisit_engine::{Fetch, FetchError, Request, Response, Upgrading};
use revisit_rules::http::{Target, hop, key};

use crate::connection::{Peer, plain};

/// A gateway's face before a cache or an origin.
pub struct Proxy<F> {
    inner: F,
    /// Clients whose word on who came before them counts.
    trusted_proxies: Vec<IpAddr>,
    /// Our name in `CDN-Loop`; of this process alone, so that gateways may stand in a row.
    name: HeaderValue,
}

impl<F> Proxy<F> {
    /// `process` tells this process from others of its kind: a random number.
    pub fn before(inner: F, trusted_proxies: Vec<IpAddr>, process: u64) -> Self {
        let name = HeaderValue::try_from(format!("revisit-{process:016x}"));
        Self {
            inner,
            trusted_proxies,
            name: name.unwrap_or(HeaderValue::from_static("revisit")),
        }
    }

    /// Makes the request one that may go on; or the response to one that may not.
    fn prepare(&self, request: &mut Request) -> Option<Response> {
        match request.method().clone() {
            // No tunnels to elsewhere.
            Method::CONNECT => return Some(plain(StatusCode::NOT_IMPLEMENTED, "no tunnels\n")),
            // It would show a page what its browser keeps from it.
            Method::TRACE => return Some(plain(StatusCode::METHOD_NOT_ALLOWED, "no traces\n")),
            Method::OPTIONS if last_hop(request.headers_mut()) => {
                return Some(plain(
                    StatusCode::OK,
                    "this is the last server of the way\n",
                ));
            }
            _ => {}
        }
        let path = request.uri().path();
        if !path.starts_with('/') && (path != "*" || request.method() != Method::OPTIONS) {
            return Some(plain(
                StatusCode::BAD_REQUEST,
                "this is no path of a server\n",
            ));
        }
        if !normalise_host(request.headers_mut()) {
            return Some(plain(StatusCode::BAD_REQUEST, "this is no host\n"));
        }
        if names(request.headers(), &CDN_LOOP, &self.name) {
            return Some(plain(
                StatusCode::LOOP_DETECTED,
                "this request was here before\n",
            ));
        }

        let upgrading = upgrading(request.headers());
        hop::strip(request.headers_mut());
        if let Some(upgrading) = upgrading {
            request.extensions_mut().insert(upgrading);
        }
        // We say `100 Continue` ourselves, as soon as the body is wanted.
        request.headers_mut().remove(EXPECT);
        self.tell_of_us(request);
        None
    }

    fn tell_of_us(&self, request: &mut Request) {
        let peer = request.extensions().get::<Peer>().cloned();
        let ip = peer.as_ref().map(|peer| peer.address().ip());
        let trusted = ip.is_some_and(|ip| self.trusted_proxies.contains(&ip));
        let get = matches!(*request.method(), Method::GET | Method::HEAD);
        let host = request.headers().get(HOST).cloned();
        let headers = request.headers_mut();
        headers.reserve(FIELDS_TOLD);
        let ends = |name: &&HeaderName| (!trusted && tells(name)) || (get && means_another(name));
        let ending: Vec<HeaderName> = headers.keys().filter(ends).cloned().collect();
        for name in ending {
            headers.remove(name);
        }
        if let Some(peer) = &peer {
            append(headers, &X_FORWARDED_FOR, peer.ip().clone());
            append(headers, &FORWARDED, forwarded(peer, host.as_ref()));
        }
        if !headers.contains_key(X_FORWARDED_PROTO) {
            headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static("http"));
        }
        if let Some(host) = host
            && !headers.contains_key(X_FORWARDED_HOST)
        {
            headers.insert(X_FORWARDED_HOST, host);
        }
        headers.append(VIA, HeaderValue::from_static("1.1 revisit"));
        headers.append(CDN_LOOP, self.name.clone());
    }
}

impl<F: Fetch> Fetch for Proxy<F> {
    async fn fetch(&self, mut request: Request) -> Result<Response, FetchError> {
        match self.prepare(&mut request) {
            None => Ok(ended(self.inner.fetch(request).await?)),
            Some(refusal) => Ok(refusal),
        }
    }
}

/// A response without what was for this hop alone (RFC 9110 §7.6.1). How it is coded in transit is
/// hyper's to say; a coding that hyper does not know is passed on, as it is part of the body then.
fn ended(mut response: Response) -> Response {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return response;
    }
    let headers = response.headers_mut();
    let coding = headers.remove(TRANSFER_ENCODING);
    hop::strip(headers);
    if let Some(coding) = coding {
        headers.insert(TRANSFER_ENCODING, coding);
    }
    response
}

/// Makes the host the one that keys have, so that the origin is asked for the very bytes that an answer
/// is kept under; `false`: it is none.
fn normalise_host(headers: &mut HeaderMap) -> bool {
    let Some(host) = headers.get(HOST) else {
        return true;
    };
    if is_normal(host.as_bytes()) {
        return true;
    }
    let text = host.to_str().ok().filter(|host| is_host(host));
    let target = text.map(|authority| Target {
        scheme: "http",
        authority,
        path: "/",
    });
    let host = target.map(|target| HeaderValue::try_from(key::authority(target)));
    match host {
        Some(Ok(host)) => {
            headers.insert(HOST, host);
            true
        }
        _ => false,
    }
}

/// Is it plainly one that is written as keys have it? Most are.
fn is_normal(host: &[u8]) -> bool {
    let mut parts = host.splitn(2, |byte| *byte == b':');
    let name = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-');
    parts.next().is_some_and(|part| part.iter().all(name))
        && parts.next().is_none_or(|port| {
            // Port 80 is left out, and so is an empty one.
            !host.starts_with(b":")
                && port.first().is_some_and(|byte| *byte != b'0')
                && port.iter().all(u8::is_ascii_digit)
                && (1..=5).contains(&port.len())
                && port != b"80"
        })
}

/// "Host = uri-host [ ":" port ]" (RFC 9110 §7.2)
fn is_host(text: &str) -> bool {
    // `http` reads all that may stand before a path, a user among it.
    let authority = text.parse::<Authority>();
    authority.is_ok_and(|authority| !authority.host().is_empty() && !text.contains('@'))
}

/// The protocols that the client asks for, where it does so as it must (RFC 9110 §7.8).
fn upgrading(headers: &HeaderMap) -> Option<Upgrading> {
    let asks = names(
        headers,
        &http::header::CONNECTION,
        &HeaderValue::from_static("upgrade"),
    );
    let mut values = headers.get_all(UPGRADE).iter();
    match (asks, values.next(), values.next()) {
        (true, Some(value), None) => Some(Upgrading(value.clone())),
        _ => None,
    }
}

/// Whether a list has this member, whatever its parameters and its case.
fn names(headers: &HeaderMap, field: &HeaderName, member: &HeaderValue) -> bool {
    let lists = headers.get_all(field).iter().map(HeaderValue::as_bytes);
    let mut members = lists.flat_map(|list| list.split(|byte| *byte == b','));
    members.any(|found| {
        let name = found.split(|byte| *byte == b';').next().unwrap_or(found);
        name.trim_ascii().eq_ignore_ascii_case(member.as_bytes())
    })
}

/// "If the Max-Forwards value is zero, the intermediary MUST NOT forward the request" (RFC 9110
/// §7.6.2); else it counts down.
fn last_hop(headers: &mut HeaderMap) -> bool {
    let left = headers
        .get(MAX_FORWARDS)
        .and_then(|value| value.to_str().ok());
    match left.and_then(|value| value.trim().parse::<u32>().ok()) {
        None => false,
        Some(0) => true,
        Some(left) => {
            headers.insert(MAX_FORWARDS, HeaderValue::from(left - 1));
            false
        }
    }
}

/// Fields that tell who asked for what on which way: ours to write, and the word of those whom we
/// trust. The frameworks that read the last four answer another path than the one that was asked for.
fn tells(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.starts_with("x-forwarded")
        || matches!(
            name,
            "forwarded"
                | "x-real-ip"
                | "x-client-ip"
                | "true-client-ip"
                | "x-host"
                | "x-original-host"
                | "x-original-url"
                | "x-original-uri"
                | "x-rewrite-url"
        )
}

/// One element of `Forwarded` (RFC 7239 §4).
fn forwarded(peer: &Peer, host: Option<&HeaderValue>) -> HeaderValue {
    let (node, host) = (peer.node().as_bytes(), host.map(HeaderValue::as_bytes));
    let plain = |byte: &u8| byte.is_ascii_graphic() && !b"\"\\".contains(byte);
    let mut text = Vec::with_capacity(node.len() + host.map_or(0, <[u8]>::len) + ABOUT_HOST);
    text.extend_from_slice(node);
    if let Some(host) = host.filter(|host| host.iter().all(plain)) {
        text.extend_from_slice(b";host=\"");
        text.extend_from_slice(host);
        text.push(b'"');
    }
    text.extend_from_slice(b";proto=http");
    // All of it is ASCII without control characters.
    HeaderValue::try_from(text).unwrap_or_else(|_| peer.node().clone())
}

/// Puts a word behind those that are there, in one field line.
fn append(headers: &mut HeaderMap, name: &HeaderName, word: HeaderValue) {
    if !headers.contains_key(name) {
        headers.insert(name, word);
        return;
    }
    let before = headers.get_all(name).iter();
    let mut words: Vec<&[u8]> = before
        .filter(|value| value.to_str().is_ok())
        .map(HeaderValue::as_bytes)
        .collect();
    words.push(word.as_bytes());
    if let Ok(value) = HeaderValue::try_from(words.join(&b", "[..])) {
        headers.insert(name, value);
    }
}

/// By these some frameworks take a GET for another method, whose answer nobody may keep for a GET.
fn means_another(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "x-http-method" | "x-http-method-override" | "x-method-override"
    )
}

/// `;host="";proto=http`.
const ABOUT_HOST: usize = 20;
/// How many fields tell of us.
const FIELDS_TOLD: usize = 6;

const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

#[cfg(test)]
mod tests;
