//! The client that asks an origin: each request goes out once, over a connection that is kept.
//!
//! What comes is passed up as it is, also statuses that nobody knows. A request that may have
//! reached the origin is never sent again: whether that is harmless is not ours to know (RFC 9110
//! §9.2.2). One that certainly did not, since its kept connection had ended before it was written,
//! goes out on a new one.

mod body;
mod interim;
mod pool;
#[cfg(feature = "tls")]
pub mod tls;
mod upgrade;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use http::{Method, StatusCode, Uri, Version};
use http_body::Body as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::{Body, BodyError, Clock, Fetch, FetchError, Request, Response, Upgrading};
use body::{Progress, Received, Sent};
pub use interim::Interim;
use pool::{Checkout, Place, Pool};

/// Where an origin is: `http://host[:port]`, or `https://` where this was built with TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginUrl {
    secure: bool,
    host: String,
    port: u16,
}

/// Why a URL is no origin that can be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginUrlError {
    /// It cannot be read.
    #[error("`{0}` is no URL of an origin")]
    Invalid(String),
    /// A scheme that is no way to ask an origin.
    #[error("the scheme of `{0}` is neither `http` nor `https`")]
    Scheme(String),
    /// `https`, where this was built without TLS.
    #[error("`{0}` is to be asked over TLS, which this build has not")]
    NoTls(String),
    /// It names more than an origin.
    #[error("`{0}` names more than an origin")]
    More(String),
}

impl OriginUrlError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "write it as `http://127.0.0.1:3000`",
            Self::Scheme(_) => "write it as `http://127.0.0.1:3000` or `https://shop.example`",
            Self::NoTls(_) => {
                "build it with TLS (`cargo install … --features https`), or ask the origin by `http://`"
            }
            Self::More(_) => {
                "leave out path, query and user: requests go to the origin under the path that \
                 clients ask for"
            }
        }
    }
}

impl OriginUrl {
    /// Reads `http[s]://host[:port][/]`.
    pub fn parse(text: &str) -> Result<Self, OriginUrlError> {
        let uri: Uri = text
            .parse()
            .map_err(|_| OriginUrlError::Invalid(text.to_owned()))?;
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") if cfg!(feature = "tls") => true,
            Some("https") => return Err(OriginUrlError::NoTls(text.to_owned())),
            Some(_) => return Err(OriginUrlError::Scheme(text.to_owned())),
            None => return Err(OriginUrlError::Invalid(text.to_owned())),
        };
        let authority = uri
            .authority()
            .filter(|authority| !authority.host().is_empty())
            .ok_or_else(|| OriginUrlError::Invalid(text.to_owned()))?;
        if authority.as_str().contains('@')
            || !matches!(uri.path(), "" | "/")
            || uri.query().is_some()
        {
            return Err(OriginUrlError::More(text.to_owned()));
        }
        Ok(Self {
            secure,
            host: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(default_port(secure)),
        })
    }

    /// `host` or `host:port`, as a `Host` field has it.
    pub fn authority(&self) -> String {
        match self.port {
            port if port == default_port(self.secure) => self.host.clone(),
            port => format!("{}:{port}", self.host),
        }
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// Name and port to connect to; the brackets of an IPv6 address are the URL's alone.
    fn address(&self) -> (&str, u16) {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        (host, self.port)
    }
}

fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

/// How long an origin may take, and how much of it is used at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginLimits {
    /// Longest time for a connection to be made, or for one of `connections_max` to be free.
    /// Default 5 s.
    pub connect_time_max: Duration,
    /// Longest time from the end of a request, or the last progress in sending it, to the header
    /// fields of its answer. Default 60 s.
    pub first_byte_time_max: Duration,
    /// Longest time between two pieces of an answer's body. Default 60 s.
    pub body_stall_max: Duration,
    /// Longest time for which an unused connection is kept. Default 15 s.
    pub idle_time_max: Duration,
    /// Most connections at once, tunnels among them. Default `256`.
    pub connections_max: usize,
    /// Most of them at once for requests whose body is still to come and for tunnels: these last as
    /// long as a client likes, and must not keep all others from the origin. Default `128`.
    pub held_connections_max: usize,
    /// Longest time in which no byte passes through a tunnel, either way. Default 10 min.
    pub tunnel_idle_max: Duration,
    /// Most unused connections that are kept. Default `64`.
    pub idle_connections_max: usize,
    /// Most bytes of an answer's header fields. Default `65536` (64 KiB), at least 8192.
    pub header_bytes_max: usize,
    /// Most header fields of an answer. Default `200`.
    pub header_count_max: usize,
}

impl Default for OriginLimits {
    fn default() -> Self {
        Self {
            connect_time_max: Duration::from_secs(5),
            first_byte_time_max: Duration::from_secs(60),
            body_stall_max: Duration::from_secs(60),
            idle_time_max: Duration::from_secs(15),
            connections_max: 256,
            held_connections_max: 128,
            tunnel_idle_max: Duration::from_secs(600),
            idle_connections_max: 64,
            header_bytes_max: 64 * 1024,
            header_count_max: 200,
        }
    }
}

/// Asks one origin.
pub struct Origin {
    url: OriginUrl,
    #[cfg(feature = "tls")]
    tls: Option<tls::Tls>,
    limits: OriginLimits,
    pool: Arc<Pool>,
}

impl Origin {
    /// Nothing is connected before the first request.
    pub fn new(url: OriginUrl, limits: OriginLimits, clock: Arc<dyn Clock>) -> Self {
        let pool = Arc::new(Pool::new(&limits, clock));
        Self {
            #[cfg(feature = "tls")]
            tls: url
                .secure
                .then(|| tls::Tls::new(url.address().0, tls::Trust::default())),
            url,
            limits,
            pool,
        }
    }

    /// Believes those certificates of an `https` origin that `trust` believes, rather than those that
    /// browsers do.
    #[cfg(feature = "tls")]
    pub fn trusting(mut self, trust: tls::Trust) -> Self {
        let host = self.url.address().0;
        self.tls = self.url.secure.then(|| tls::Tls::new(host, trust));
        self
    }

    /// Makes a new connection, over TLS where the origin is asked so.
    async fn connect(&self, place: Place) -> Result<Checkout, BodyError> {
        let stream = TcpStream::connect(self.url.address()).await?;
        stream.set_nodelay(true)?;
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return self.pool.speak(tls.over(stream).await?, place).await;
        }
        self.pool.speak(stream, place).await
    }

    /// Makes a message that goes out: origin form, one host, no field that speaks of the
    /// connection that it came by. Its body's length is told by the body, or by chunks: whatever
    /// framing it came with, the origin sees one (RFC 9112 §6.3).
    ///
    /// `held` is the place that it gives back when its body is through.
    fn outgoing(
        &self,
        request: Request,
        held: Place,
    ) -> Result<(http::Request<Sent>, Progress), FetchError> {
        let (mut parts, body) = request.into_parts();
        parts.version = Version::HTTP_11;
        parts.headers.remove(CONNECTION);
        parts.headers.remove(UPGRADE);
        parts.headers.remove(TRANSFER_ENCODING);
        parts.headers.remove(CONTENT_LENGTH);
        if !parts.headers.contains_key(HOST) {
            let host = HeaderValue::try_from(self.url.authority());
            let host = host.map_err(|source| internal(parts.uri.path(), source))?;
            parts.headers.insert(HOST, host);
        }
        if let Some(upgrading) = parts.extensions.get::<Upgrading>() {
            upgrade::ask(upgrading, &mut parts.headers);
        }
        // "A user agent SHOULD send Content-Length in a request when the method defines a meaning for
        // enclosed content and it is not sending Transfer-Encoding" (RFC 9110 §8.6): 0 among them.
        if body.is_end_stream()
            && [Method::POST, Method::PUT, Method::PATCH].contains(&parts.method)
        {
            parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
        }
        let progress = Progress::default();
        let body = Sent::new(body, progress.clone(), held);
        Ok((http::Request::from_parts(parts, body), progress))
    }

    /// Sends a request on a kept connection, or on a new one.
    async fn send(
        &self,
        mut request: http::Request<Sent>,
        place: Place,
    ) -> Result<(http::Response<hyper::body::Incoming>, Checkout), FetchError> {
        let target = request.uri().path().to_owned();
        let mut place = Some(place);
        while let Some(mut checkout) = self.pool.kept(&mut place) {
            match checkout.sender.try_send_request(request).await {
                Ok(response) => return Ok((response, checkout)),
                Err(mut error) => match error.take_message() {
                    // It was never written.
                    Some(unsent) => {
                        request = unsent;
                        place = Some(checkout.give_back_place());
                    }
                    None => return Err(unanswered(&target, error.into_error())),
                },
            }
        }
        let place = place.ok_or_else(|| internal(&target, io::Error::other("no place is left")))?;
        let connecting = self.connect(place);
        let mut checkout = timeout(self.limits.connect_time_max, connecting)
            .await
            .map_err(|_| self.too_slow(&target, "connecting", self.limits.connect_time_max))?
            .map_err(|source| FetchError::Unreachable {
                origin: self.url.authority(),
                source,
            })?;
        match checkout.sender.try_send_request(request).await {
            Ok(response) => Ok((response, checkout)),
            Err(error) => Err(unanswered(&target, error.into_error())),
        }
    }

    /// Waits for one of `connections`.
    async fn in_time(
        &self,
        place: impl Future<Output = Place>,
        connections: usize,
    ) -> Result<Place, FetchError> {
        let place = timeout(self.limits.connect_time_max, place).await;
        place.map_err(|_| FetchError::Busy { connections })
    }

    fn too_slow(&self, target: &str, phase: &'static str, after: Duration) -> FetchError {
        FetchError::TooSlow {
            target: target.to_owned(),
            phase,
            after,
        }
    }
}

impl Fetch for Origin {
    async fn fetch(&self, mut request: Request) -> Result<Response, FetchError> {
        let target = request.uri().path().to_owned();
        let client = upgrade::client_side(&mut request);
        let head_only = request.method() == Method::HEAD;
        // This one first: who waits for it must not keep another from the origin.
        let uploads = !request.body().is_end_stream();
        let mut held = match uploads || client.is_some() {
            true => {
                self.in_time(self.pool.held_place(), self.limits.held_connections_max)
                    .await?
            }
            false => None,
        };
        let place = self
            .in_time(self.pool.place(), self.limits.connections_max)
            .await?;
        let of_upload = if client.is_none() { held.take() } else { None };
        let (mut request, progress) = self.outgoing(request, of_upload)?;
        interim::listen(&mut request);
        let sending = self.send(request, place);
        let (mut response, checkout) =
            while_moving(sending, &progress, self.limits.first_byte_time_max)
                .await
                .ok_or_else(|| {
                    self.too_slow(&target, "its first byte", self.limits.first_byte_time_max)
                })??;

        // What we send is of our version, whatever this came by.
        *response.version_mut() = Version::HTTP_11;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let idle_max = self.limits.tunnel_idle_max;
            return upgrade::join(client, response, (checkout, held), idle_max)
                .map_err(|source| unanswered(&target, source));
        }
        let stall_max = self.limits.body_stall_max;
        let pool = self.pool.clone();
        let (parts, incoming) = response.into_parts();
        let received = Received::new(incoming, checkout, pool, stall_max);
        let body = match head_only || received.is_over() {
            true => {
                received.over();
                Body::empty()
            }
            false => Body::stream(received),
        };
        Ok(Response::from_parts(parts, body))
    }
}

/// Waits for `future` as long as it makes progress, which may be in passing bytes on.
async fn while_moving<T>(
    future: impl Future<Output = T>,
    progress: &Progress,
    stall_max: Duration,
) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut seen = progress.seen();
    loop {
        match timeout(stall_max, future.as_mut()).await {
            Ok(done) => return Some(done),
            Err(_) if progress.seen() != seen => seen = progress.seen(),
            Err(_) => return None,
        }
    }
}

fn unanswered(target: &str, source: impl Into<BodyError>) -> FetchError {
    FetchError::Unanswered {
        target: target.to_owned(),
        source: source.into(),
    }
}

fn internal(target: &str, source: impl Into<BodyError>) -> FetchError {
    FetchError::Internal {
        target: target.to_owned(),
        source: source.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_host_and_nothing_more() {
        check("http://127.0.0.1:3000", Ok("127.0.0.1:3000"));
        check("http://shop.example/", Ok("shop.example"));
        check("http://[::1]:80", Ok("[::1]"));
        check("https://shop.example:443", tls("shop.example"));
        check("https://[::1]:80", tls("[::1]:80"));
        check("ftp://shop.example", Err(OriginUrlError::Scheme));
        check("http://shop.example/app", Err(OriginUrlError::More));
        check("http://shop.example/?x", Err(OriginUrlError::More));
        check("http://me@shop.example/", Err(OriginUrlError::More));
        check("shop.example", Err(OriginUrlError::Invalid));
        check("http://", Err(OriginUrlError::Invalid));
    }

    type Read = Result<&'static str, fn(String) -> OriginUrlError>;

    /// What is read of an `https` URL.
    fn tls(authority: &'static str) -> Read {
        match cfg!(feature = "tls") {
            true => Ok(authority),
            false => Err(OriginUrlError::NoTls),
        }
    }

    fn check(text: &str, expected: Read) {
        let expected = expected
            .map(str::to_owned)
            .map_err(|error| error(text.to_owned()));
        assert_eq!(OriginUrl::parse(text).map(|url| url.authority()), expected);
    }

    #[test]
    fn an_ipv6_address_is_connected_to_without_its_brackets() {
        assert_eq!(
            OriginUrl::parse("http://[::1]:81").unwrap().address(),
            ("::1", 81)
        );
    }
}
