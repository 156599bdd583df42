//! A request as the Cache API knows it: method, URL and fields; no body.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use revisit_rules::cache_api::{Question, RequestUrl};

use super::CacheError;

/// What is put, added, asked for, and given back by `keys`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Only what `GET` asks for is kept.
    pub method: Method,
    /// An absolute URL; its fragment is kept, but never compared.
    pub url: RequestUrl,
    /// Its fields, of which those count that a kept response's `Vary` names.
    pub headers: HeaderMap,
}

impl Request {
    /// A `GET` without fields.
    pub fn get(url: RequestUrl) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
        }
    }

    /// Adds a line to its fields.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// As `http` has it, without the fragment; fails for a URL that is too long for `http`
    /// (65,534 bytes).
    pub fn to_http(&self) -> Result<http::Request<()>, http::Error> {
        let mut request = http::Request::builder()
            .method(self.method.clone())
            .uri(self.url.without_fragment())
            .body(())?;
        *request.headers_mut() = self.headers.clone();
        Ok(request)
    }

    pub(super) fn question(&self) -> Question<'_> {
        Question {
            method: &self.method,
            url: &self.url,
            headers: &self.headers,
        }
    }
}

/// What can stand for a request (`RequestInfo`): a URL, relative to that of the
/// [`CacheStorage`](super::CacheStorage), or a request of ours or of `http`, whose body stays where
/// it is.
pub trait IntoRequest {
    /// The request; `base` is the URL that a relative one is relative to.
    fn into_request(self, base: &RequestUrl) -> Result<Request, CacheError>;
}

impl IntoRequest for &str {
    fn into_request(self, base: &RequestUrl) -> Result<Request, CacheError> {
        Ok(Request::get(RequestUrl::parse(self, Some(base))?))
    }
}

impl IntoRequest for String {
    fn into_request(self, base: &RequestUrl) -> Result<Request, CacheError> {
        (&*self).into_request(base)
    }
}

impl IntoRequest for &String {
    fn into_request(self, base: &RequestUrl) -> Result<Request, CacheError> {
        (**self).into_request(base)
    }
}

impl IntoRequest for RequestUrl {
    fn into_request(self, _: &RequestUrl) -> Result<Request, CacheError> {
        Ok(Request::get(self))
    }
}

impl IntoRequest for Request {
    fn into_request(self, _: &RequestUrl) -> Result<Request, CacheError> {
        Ok(self)
    }
}

impl IntoRequest for &Request {
    fn into_request(self, _: &RequestUrl) -> Result<Request, CacheError> {
        Ok(self.clone())
    }
}

impl<B> IntoRequest for &http::Request<B> {
    fn into_request(self, base: &RequestUrl) -> Result<Request, CacheError> {
        // One that begins with two slashes would name a host if it were read as a reference.
        let url = match self.uri().scheme() {
            Some(_) => self.uri().to_string(),
            None => format!("{}{}", base.origin(), self.uri()),
        };
        Ok(Request {
            method: self.method().clone(),
            url: RequestUrl::parse(&url, Some(base))?,
            headers: self.headers().clone(),
        })
    }
}

impl<B> IntoRequest for http::Request<B> {
    fn into_request(self, base: &RequestUrl) -> Result<Request, CacheError> {
        (&self).into_request(base)
    }
}
