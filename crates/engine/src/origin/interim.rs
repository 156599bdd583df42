//! Interim responses (RFC 9110 §15.2): "A proxy MUST forward 1xx responses".
//!
//! They go around caches and everything else that answers with one response: whoever listens puts
//! an [`Interim`] into the request, and the origin's client calls it.

use std::sync::Arc;

use http::{HeaderMap, Request, StatusCode};

type Forward = dyn Fn(StatusCode, &HeaderMap) + Send + Sync;

/// Where interim responses go; an extension of a request.
#[derive(Clone)]
pub struct Interim(Arc<Forward>);

impl Interim {
    /// `forward` takes each, in their order; those that come after the final response it has to
    /// pass over.
    pub fn new(forward: impl Fn(StatusCode, &HeaderMap) + Send + Sync + 'static) -> Self {
        Self(Arc::new(forward))
    }
}

/// Has interim responses to `request` forwarded. `100 Continue` is between us and the origin, and
/// 101 is final in its way.
pub(super) fn listen<B>(request: &mut Request<B>) {
    if let Some(Interim(forward)) = request.extensions_mut().remove::<Interim>() {
        hyper::ext::on_informational(request, move |response| {
            if response.status() != StatusCode::CONTINUE {
                forward(response.status(), response.headers());
            }
        });
    }
}
