//! The seam of the house: whatever answers a request is a `Fetch`.

use std::future::Future;

use crate::Body;

/// A request on its way down: the target in origin form, the body not yet read.
pub type Request = http::Request<Body>;

/// An answer on its way up.
pub type Response = http::Response<Body>;

/// Answers requests: a folder, an origin, a cache before one, a service worker, a recording.
///
/// An HTTP error is an answer like any other. `Err` is for what has no answer: nobody there, or
/// a fault of the one who should answer; a gateway turns it into 502 or 500.
pub trait Fetch: Send + Sync + 'static {
    /// Answers one request. The body of the answer may still be on its way when this returns.
    fn fetch(&self, request: Request) -> impl Future<Output = Result<Response, FetchError>> + Send;
}

/// Why a request has no answer at all.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The one who answers is at fault, not the request.
    #[error("cannot answer `{target}`")]
    Internal {
        /// What was asked for.
        target: String,
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
