//! The seam to servers: whatever answers requests in virtual time. A folder, several as deploys, a
//! HAR, a test.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use crate::Destination;

/// Answers what reaches the network.
///
/// [`crate::Action::Offline`] and [`crate::Action::Servers`] are the world's part: what they keep from
/// a server it is not asked.
pub trait Server {
    /// Answers one request at `now`, by the true time.
    fn answer(&mut self, request: &Request, now: SystemTime) -> Answer;

    /// From now on this version is deployed.
    ///
    /// # Errors
    /// There is no such version.
    fn deploy(&mut self, version: &str) -> Result<(), UnknownVersion>;

    /// May a connection to the origin `connection` (`https://example.com`) bring pushes for `other`?
    /// It may where its certificate names both (RFC 9113 §10.1).
    fn speaks_for(&self, connection: &str, other: &str) -> bool {
        let _ = (connection, other);
        false
    }
}

/// There is no such version to deploy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no version `{version}` to deploy; there is {known}")]
pub struct UnknownVersion {
    /// What was asked for.
    pub version: String,
    /// Which there are, in words.
    pub known: String,
}

/// A request as it reaches a server.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// What it asks for, without fragment.
    pub url: Url,
    /// Its fields, those that the browser adds among them.
    pub headers: HeaderMap,
    /// What it is for.
    pub destination: Destination,
    /// Length of its body; `None`: it has none.
    pub body_bytes: Option<u64>,
}

/// What came of a request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A response.
    Response(Response),
    /// No connection, or none that holds.
    Unreachable,
    /// It is not known: a recording does not have it.
    NotRecorded,
}

/// A response.
#[derive(Debug, Clone)]
pub struct Response {
    /// Its status; a 304 has no body.
    pub status: StatusCode,
    /// Its fields. Whether a conditional request is answered by a 304 is the server's to decide.
    pub headers: HeaderMap,
    /// Its content, decoded: what a parser reads.
    pub body: Bytes,
    /// How many bytes of content go over the wire, where that is not the length of `body` since it
    /// is encoded (`Content-Encoding`).
    pub encoded_bytes: Option<u64>,
    /// What the server pushes with it over HTTP/2, for GET requests; only heard where
    /// [`crate::Options::push`] is on.
    pub pushed: Vec<Pushed>,
}

/// A promised request and its answer (RFC 9113 §8.4).
#[derive(Debug, Clone)]
pub struct Pushed {
    /// Which GET it answers; the authority may be another one that the connection speaks for.
    pub url: Url,
    /// Fields of the promised request, that `Vary` is held against.
    pub request_headers: HeaderMap,
    /// The response.
    pub response: Response,
}

impl Response {
    /// A response without fields.
    pub fn new(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: body.into(),
            encoded_bytes: None,
            pushed: Vec::new(),
        }
    }

    /// Bytes of content on the wire.
    pub fn wire_body_bytes(&self) -> u64 {
        self.encoded_bytes.unwrap_or(self.body.len() as u64)
    }
}

impl<S: Server + ?Sized> Server for Box<S> {
    fn answer(&mut self, request: &Request, now: SystemTime) -> Answer {
        (**self).answer(request, now)
    }

    fn deploy(&mut self, version: &str) -> Result<(), UnknownVersion> {
        (**self).deploy(version)
    }

    fn speaks_for(&self, connection: &str, other: &str) -> bool {
        (**self).speaks_for(connection, other)
    }
}
