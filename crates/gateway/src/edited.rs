//! Header fields that the one who runs a gateway has changed, by path.

use http::StatusCode;
use revisit_engine::{Fetch, FetchError, Request, Response};
use revisit_rules::http::amend::{Edits, Side};
use revisit_rules::site::pattern::Pattern;

/// What is changed in the messages about some paths.
#[derive(Debug, Clone)]
pub struct PathEdits {
    /// For which paths.
    pub path: Pattern,
    /// Of requests.
    pub request: Edits,
    /// Of responses.
    pub response: Edits,
}

/// A [`Fetch`] before which the fields of one side's messages are changed, by all of the edits that
/// fit, in their order. Requests are to be changed before a cache, and responses behind it: then it
/// keeps and decides by what was sent.
pub struct Edited<F> {
    inner: F,
    side: Side,
    edits: Vec<PathEdits>,
}

impl<F> Edited<F> {
    /// Changes the messages of this side.
    pub fn before(inner: F, side: Side, edits: &[PathEdits]) -> Self {
        let of_side = |edit: &&PathEdits| match side {
            Side::Request => !edit.request.is_empty(),
            Side::Response => !edit.response.is_empty(),
        };
        Self {
            inner,
            side,
            edits: edits.iter().filter(of_side).cloned().collect(),
        }
    }

    fn fitting<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a PathEdits> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let edits = self.edits.iter();
        edits.filter(move |edit| edit.path.matches(path))
    }
}

impl<F: Fetch> Fetch for Edited<F> {
    async fn fetch(&self, mut request: Request) -> Result<Response, FetchError> {
        if self.edits.is_empty() {
            return self.inner.fetch(request).await;
        }
        let path = request.uri().path().to_owned();
        if self.side == Side::Request {
            for edit in self.fitting(&path) {
                edit.request.apply(request.headers_mut());
            }
            return self.inner.fetch(request).await;
        }
        let mut response = self.inner.fetch(request).await?;
        // What changes the protocol is about the connection.
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            for edit in self.fitting(&path) {
                edit.response.apply(response.headers_mut());
            }
        }
        Ok(response)
    }
}
