//! The seam of the house: whatever answers a request is a `Fetch`.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::{Body, BodyError};

/// A request on its way down: the target in origin form, the body not yet read.
pub type Request = http::Request<Body>;

/// An answer on its way up.
pub type Response = http::Response<Body>;

/// The protocols that a client asks for on its connection instead of this one, as its `Upgrade` field
/// names them (RFC 9110 §7.8); an extension of a [`Request`].
#[derive(Debug, Clone)]
pub struct Upgrading(pub http::HeaderValue);

/// Answers requests: a folder, an origin, a cache before one, a service worker, a recording.
///
/// An HTTP error is an answer like any other. `Err` is for what has no answer: nobody there, or
/// a fault of the one who should answer; a gateway says [`FetchError::status`].
pub trait Fetch: Send + Sync + 'static {
    /// Answers one request. The body of the answer may still be on its way when this returns.
    fn fetch(&self, request: Request) -> impl Future<Output = Result<Response, FetchError>> + Send;
}

impl<F: Fetch> Fetch for Arc<F> {
    fn fetch(&self, request: Request) -> impl Future<Output = Result<Response, FetchError>> + Send {
        (**self).fetch(request)
    }
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
        source: BodyError,
    },
    /// No connection to the origin could be made: it has seen nothing of the request.
    #[error("cannot connect to `{origin}`")]
    Unreachable {
        /// Who was to be asked.
        origin: String,
        /// What went wrong.
        #[source]
        source: BodyError,
    },
    /// The request went out, and what came back is no answer.
    #[error("the origin does not answer `{target}`")]
    Unanswered {
        /// What was asked for.
        target: String,
        /// What went wrong.
        #[source]
        source: BodyError,
    },
    /// The origin took longer than it may.
    #[error("the origin takes longer than {after:?} for {phase} of `{target}`")]
    TooSlow {
        /// What was asked for.
        target: String,
        /// What was waited for.
        phase: &'static str,
        /// How long that was.
        after: Duration,
    },
    /// As many requests are under way to the origin as there may be.
    #[error("all {connections} connections to the origin are in use")]
    Busy {
        /// How many.
        connections: usize,
    },
}

impl FetchError {
    /// What a gateway says instead (RFC 9110 §15.6).
    pub fn status(&self) -> http::StatusCode {
        match self {
            Self::Internal { .. } => http::StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unreachable { .. } | Self::Unanswered { .. } => http::StatusCode::BAD_GATEWAY,
            Self::TooSlow { .. } => http::StatusCode::GATEWAY_TIMEOUT,
            Self::Busy { .. } => http::StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The same once more, for another who waited for the same answer.
    pub fn again(&self) -> Self {
        let text = |source: &BodyError| source.to_string().into();
        match self {
            Self::Internal { target, source } => Self::Internal {
                target: target.clone(),
                source: text(source),
            },
            Self::Unreachable { origin, source } => Self::Unreachable {
                origin: origin.clone(),
                source: text(source),
            },
            Self::Unanswered { target, source } => Self::Unanswered {
                target: target.clone(),
                source: text(source),
            },
            Self::TooSlow {
                target,
                phase,
                after,
            } => Self::TooSlow {
                target: target.clone(),
                phase,
                after: *after,
            },
            Self::Busy { connections } => Self::Busy {
                connections: *connections,
            },
        }
    }
}
