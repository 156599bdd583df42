//! A response as the Cache API knows it: more than HTTP says of it, and a body that is read once.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use revisit_rules::cache_api::{BodyState, RequestUrl, ResponseType};

use super::tee::tee;
use super::{CacheError, Quota};
use crate::Body;
use crate::record::ResponseHead;

/// What is put, and what is found.
///
/// Its body is a stream that can be taken once. [`Response::try_clone`] makes a second one of it.
#[derive(Debug)]
pub struct Response {
    head: ResponseHead,
    body: Slot,
}

#[derive(Debug)]
enum Slot {
    Null,
    Here(Body),
    Used,
}

/// The URL list of a response (Fetch), as an extension of one of `http`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UrlList(pub Vec<RequestUrl>);

/// The status message of a response, as an extension of one of `http`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusText(pub Bytes);

impl Response {
    /// `new Response(body)`: status 200, no fields, type `default`.
    pub fn new(body: impl Into<Body>) -> Self {
        http::Response::new(body.into()).into()
    }

    /// `Response.error()`: a network error.
    pub fn error() -> Self {
        let head = ResponseHead {
            kind: ResponseType::Error,
            null_body: true,
            ..ResponseHead::default()
        };
        Self::with_head(head, None)
    }

    /// A response of these parts; a body of `None` is a null body, whatever the head says.
    pub fn with_head(mut head: ResponseHead, body: Option<Body>) -> Self {
        head.null_body = body.is_none();
        let body = body.map_or(Slot::Null, Slot::Here);
        Self { head, body }
    }

    /// Its parts, also those that its type hides.
    pub fn head(&self) -> &ResponseHead {
        &self.head
    }

    /// `type`.
    pub fn kind(&self) -> ResponseType {
        self.head.kind
    }

    /// `url`: where it came from after all redirects, without fragment; `None` for one that a
    /// program made, or that hides it.
    pub fn url(&self) -> Option<&str> {
        let last = self.visible_urls().last()?;
        Some(last.without_fragment())
    }

    /// `redirected`.
    pub fn redirected(&self) -> bool {
        self.visible_urls().len() > 1
    }

    fn visible_urls(&self) -> &[RequestUrl] {
        match self.head.kind {
            ResponseType::Opaque | ResponseType::Error => &[],
            _ => &self.head.urls,
        }
    }

    /// `status`: 0 for a network error, and for one that hides it.
    pub fn status(&self) -> u16 {
        self.head.as_rules().visible_status()
    }

    /// `ok`.
    pub fn ok(&self) -> bool {
        self.head.as_rules().is_ok()
    }

    /// `statusText`; empty for one that hides it.
    pub fn status_text(&self) -> &[u8] {
        match self.head.kind.is_hidden() {
            true => b"",
            false => &self.head.status_text,
        }
    }

    /// `headers`; `None` for one that hides them.
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.head.as_rules().visible_headers()
    }

    /// `bodyUsed`.
    pub fn body_used(&self) -> bool {
        matches!(self.body, Slot::Used)
    }

    pub(super) fn body_state(&self) -> BodyState {
        match self.body_used() {
            true => BodyState::Used,
            false => BodyState::Untouched,
        }
    }

    /// Takes the body out; `None` for a null body, which is never used up.
    pub fn take_body(&mut self) -> Result<Option<Body>, CacheError> {
        match std::mem::replace(&mut self.body, Slot::Used) {
            Slot::Here(body) => Ok(Some(body)),
            Slot::Null => {
                self.body = Slot::Null;
                Ok(None)
            }
            Slot::Used => Err(CacheError::BodyUsed),
        }
    }

    /// `clone()`: a second response with the same head and body.
    ///
    /// Both bodies come from one source, as far as the faster reader wants. What the slower has not
    /// read yet waits in memory, up to 1 MiB, and beyond that in a temporary file without a
    /// name: neither waits for the other, in whatever order they are read.
    pub fn try_clone(&mut self) -> Result<Self, CacheError> {
        let head = self.head.clone();
        let Some(body) = self.take_body()? else {
            return Ok(Self::with_head(head, None));
        };
        let (one, other) = tee(body);
        self.body = Slot::Here(one);
        Ok(Self::with_head(head, Some(other)))
    }

    /// Reads the body into memory, if it has at most `bytes_max` bytes.
    pub async fn into_bytes(mut self, bytes_max: u64) -> Result<Bytes, CacheError> {
        let Some(mut body) = self.take_body()? else {
            return Ok(Bytes::new());
        };
        let url = self.url().unwrap_or_default().to_owned();
        let too_large = || {
            CacheError::QuotaExceeded(Quota::Bytes {
                requested: None,
                quota: bytes_max,
            })
        };
        let mut all = BytesMut::new();
        while let Some(piece) = next(&mut body).await {
            let piece = piece.map_err(|error| CacheError::of_body(&url, &error))?;
            if (all.len() + piece.len()) as u64 > bytes_max {
                return Err(too_large());
            }
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }

    /// As a server would send it: also what its type hides, for whoever answers a navigation or an
    /// image with it. Type, URL list and status message go with it as extensions. A network error,
    /// and a status below 100, are nothing that can be sent.
    pub fn into_http(mut self) -> Result<http::Response<Body>, CacheError> {
        let body = self.take_body()?.unwrap_or_default();
        let url = self.url().unwrap_or_default().to_owned();
        let status =
            StatusCode::from_u16(self.head.status).map_err(|error| CacheError::NotHttp {
                url,
                source: std::sync::Arc::new(error.into()),
            })?;
        let mut response = http::Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = self.head.headers;
        let extensions = response.extensions_mut();
        extensions.insert(self.head.kind);
        extensions.insert(UrlList(self.head.urls));
        extensions.insert(StatusText(self.head.status_text));
        Ok(response)
    }
}

impl From<http::Response<Body>> for Response {
    /// Type, URL list and status message are those of the extensions [`ResponseType`], [`UrlList`]
    /// and [`StatusText`], if there are such; else it is one that a program made. The body is null
    /// for a null body status (Fetch): 101, 103, 204, 205 and 304.
    fn from(response: http::Response<Body>) -> Self {
        let (mut parts, body) = response.into_parts();
        let urls: UrlList = parts.extensions.remove().unwrap_or_default();
        let status_text: StatusText = parts.extensions.remove().unwrap_or_default();
        let status = parts.status.as_u16();
        let null_body = matches!(status, 101 | 103 | 204 | 205 | 304);
        let head = ResponseHead {
            kind: parts.extensions.remove().unwrap_or_default(),
            status,
            status_text: status_text.0,
            urls: urls.0,
            headers: parts.headers,
            null_body,
        };
        Self::with_head(head, (!null_body).then_some(body))
    }
}

/// The next bytes of a body; trailers are left out.
pub(super) async fn next(body: &mut Body) -> Option<Result<Bytes, crate::BodyError>> {
    loop {
        let frame = std::future::poll_fn(|cx| {
            http_body::Body::poll_frame(std::pin::Pin::new(&mut *body), cx)
        });
        match frame.await? {
            Ok(frame) => match frame.into_data() {
                Ok(bytes) => return Some(Ok(bytes)),
                Err(_) => continue,
            },
            Err(error) => return Some(Err(error)),
        }
    }
}
