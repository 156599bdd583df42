//! The head of a request as the cache looks at it, apart from its body.

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, COOKIE, HOST, HeaderMap, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE, RANGE,
};
use http::{Method, request};
use revisit_rules::http::key::RequestKey;
use revisit_rules::http::validate::make_unconditional;
use revisit_rules::http::{RequestHead, Target};

use crate::{Body, Request, Upgrading};

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    parts: request::Parts,
}

impl Asked {
    /// Parts a request into what is decided by, and its body.
    pub(super) fn of(request: Request) -> (Self, Body) {
        let (parts, body) = request.into_parts();
        (Self { parts }, body)
    }

    pub(super) fn method(&self) -> &Method {
        &self.parts.method
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    pub(super) fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// Does it ask for another protocol on its connection?
    pub(super) fn changes_protocol(&self) -> bool {
        self.parts.extensions.get::<Upgrading>().is_some()
    }

    /// The names of its cookies (RFC 6265 §4.2.1).
    pub(super) fn cookies(&self) -> impl Iterator<Item = &[u8]> {
        let values = self.parts.headers.get_all(COOKIE).into_iter();
        values
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
            .map(|pair| {
                pair.split(|byte| *byte == b'=')
                    .next()
                    .unwrap_or(pair)
                    .trim_ascii()
            })
    }

    /// What the rules look at.
    pub(super) fn head(&self) -> RequestHead<'_> {
        RequestHead {
            method: &self.parts.method,
            target: self.target(),
            headers: &self.parts.headers,
        }
    }

    /// The target URI: its path in the very bytes that are forwarded.
    pub(super) fn target(&self) -> Target<'_> {
        let uri = &self.parts.uri;
        let host = || self.parts.headers.get(HOST)?.to_str().ok();
        Target {
            scheme: uri.scheme_str().unwrap_or("http"),
            authority: uri
                .authority()
                .map(http::uri::Authority::as_str)
                .or_else(host)
                .unwrap_or_default(),
            path: uri
                .path_and_query()
                .map_or("/", http::uri::PathAndQuery::as_str),
        }
    }

    /// Under which id answers to it are kept.
    pub(super) fn id(&self) -> Bytes {
        RequestKey::of(&self.parts.method, self.target())
            .into_bytes()
            .into()
    }

    /// Scheme and host, as keys have them.
    pub(super) fn origin(&self) -> String {
        self.target().origin()
    }

    /// The whole target, scheme and host as keys have them.
    pub(super) fn url(&self) -> Box<str> {
        (self.origin() + self.target().path).into()
    }

    /// Is it one whose answer may be that of another, as far as the request says?
    pub(super) fn may_be_shared(&self) -> bool {
        let own = [
            RANGE,
            AUTHORIZATION,
            IF_NONE_MATCH,
            IF_MODIFIED_SINCE,
            IF_MATCH,
            IF_UNMODIFIED_SINCE,
        ];
        self.parts.method == Method::GET
            && !own.iter().any(|name| self.parts.headers.contains_key(name))
    }

    /// The same question, asked for the whole and on no condition.
    pub(super) fn unconditional(&self) -> Self {
        let mut asked = self.clone();
        make_unconditional(&mut asked.parts.headers);
        asked
    }

    /// The same question, asked by GET.
    pub(super) fn into_get(mut self) -> Self {
        self.parts.method = Method::GET;
        self
    }

    /// The request that goes to the origin, with these fields.
    pub(super) fn request(&self, headers: HeaderMap, body: Body) -> Request {
        let mut parts = self.parts.clone();
        parts.headers = headers;
        Request::from_parts(parts, body)
    }
}
