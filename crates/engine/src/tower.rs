//! The cache as a [`tower_layer::Layer`]: around any client that is a [`Service`] of HTTP requests.
//!
//! ```
//! use revisit_engine::Body;
//! use revisit_engine::tower::CacheLayer;
//! use tower_layer::Layer;
//! use tower_service::Service;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! # use std::convert::Infallible;
//! # use std::future::{Ready, ready};
//! # use std::task::{Context, Poll};
//! # #[derive(Clone)]
//! # struct Client;
//! # impl Service<http::Request<Body>> for Client {
//! #     type Response = http::Response<Body>;
//! #     type Error = Infallible;
//! #     type Future = Ready<Result<Self::Response, Infallible>>;
//! #     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
//! #         Poll::Ready(Ok(()))
//! #     }
//! #     fn call(&mut self, _: http::Request<Body>) -> Self::Future {
//! #         let head = http::Response::builder().header("cache-control", "max-age=60");
//! #         ready(Ok(head.body(Body::from("hello")).unwrap()))
//! #     }
//! # }
//! # let client = Client;
//! let mut client = CacheLayer::private().layer(client);
//! let request = http::Request::get("http://shop.example/").body(Body::empty()).unwrap();
//! let response = client.call(request).await?;
//! assert_eq!(response.headers()["cache-status"], "revisit;fwd=uri-miss;stored");
//! # Ok::<(), revisit_engine::FetchError>(())
//! # }).unwrap();
//! ```

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tower_layer::Layer;
use tower_service::Service;

use crate::cache::{Cache, CacheOptions, Policy};
use crate::{Body, BodyError, Clock, Fetch, FetchError, Request, Response, SystemClock};

/// Puts an HTTP cache (RFC 9111) around a service.
///
/// Each service that it is put around gets a cache of its own; clones of that share it.
#[derive(Clone)]
pub struct CacheLayer {
    options: CacheOptions,
    clock: Arc<dyn Clock>,
}

impl CacheLayer {
    /// A cache of one user, as a browser has it, with the default limits.
    pub fn private() -> Self {
        Self::new(CacheOptions::new(Policy::private()))
    }

    /// A cache of many users, as a proxy has it, with the default limits.
    pub fn shared() -> Self {
        Self::new(CacheOptions::new(Policy::shared()))
    }

    /// A cache with these options.
    pub fn new(options: CacheOptions) -> Self {
        Self {
            options,
            clock: Arc::new(SystemClock::start()),
        }
    }

    /// The same by another clock: for tests that move it.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}

impl<S> Layer<S> for CacheLayer
where
    ByService<S>: Fetch,
{
    type Service = Cached<S>;

    fn layer(&self, inner: S) -> Cached<S> {
        let (options, clock) = (self.options.clone(), self.clock.clone());
        Cached(Cache::before(ByService::new(inner), options, clock))
    }
}

/// A service with a cache before it; a clone is the same cache.
///
/// It is always ready: whether the service behind is ready matters to those requests alone that go
/// on to it. Needs a tokio runtime, in which trips to the origin run.
pub struct Cached<S>(Cache<ByService<S>>);

impl<S> Cached<S> {
    /// The cache, which can be asked by [`Fetch`], looked into and purged.
    pub fn cache(&self) -> &Cache<ByService<S>> {
        &self.0
    }
}

impl<S> Clone for Cached<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S, B> Service<http::Request<B>> for Cached<S>
where
    ByService<S>: Fetch,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BodyError>,
{
    type Response = Response;
    type Error = FetchError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, FetchError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), FetchError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let cache = self.0.clone();
        let request = request.map(|body| match body.is_end_stream() {
            true => Body::empty(),
            false => Body::stream(body),
        });
        Box::pin(async move { cache.fetch(request).await })
    }
}

/// A service as a [`Fetch`]: each request is made by a clone of it, when that is ready.
pub struct ByService<S>(Mutex<S>);

impl<S> ByService<S> {
    /// Asks `service`.
    pub fn new(service: S) -> Self {
        Self(Mutex::new(service))
    }
}

impl<S, B> Fetch for ByService<S>
where
    S: Service<http::Request<Body>, Response = http::Response<B>> + Clone + Send + 'static,
    S::Error: Into<BodyError>,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BodyError>,
{
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let target = request.uri().path().to_owned();
        let mut service = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let ready = poll_fn(|cx| service.poll_ready(cx)).await;
        let answer: Result<_, BodyError> = match ready.map_err(Into::into) {
            Ok(()) => service.call(request).await.map_err(Into::into),
            Err(error) => Err(error),
        };
        match answer {
            Ok(response) => Ok(response.map(Body::stream)),
            Err(source) => Err(FetchError::Unanswered { target, source }),
        }
    }
}

#[cfg(test)]
mod tests;
