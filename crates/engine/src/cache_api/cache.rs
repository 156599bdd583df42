//! `Cache`: pairs of requests and responses, in the order in which they were put.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use revisit_rules::cache_api::QueryOptions;
use revisit_store::{Batch, BodyReader, Collection};

use super::find::{Found, Kept, Wanted};
use super::storage::Shared;
use super::{CacheError, IntoRequest, Request, Response};
use crate::{Body, BodyError};

/// A cache. Clones, and others that were opened by the same name, hold the same pairs; it stays
/// usable when its name is deleted.
#[derive(Clone)]
pub struct Cache {
    pub(super) shared: Arc<Shared>,
    pub(super) collection: Collection,
}

impl Cache {
    pub(super) fn new(shared: Arc<Shared>, collection: Collection) -> Self {
        Self { shared, collection }
    }

    /// `match(request, options)`: the answer that was put first.
    pub fn match_(
        &self,
        request: impl IntoRequest,
        options: QueryOptions,
    ) -> impl Future<Output = Result<Option<Response>, CacheError>> + Send {
        let found = self.found(request, options, Wanted::First);
        async move {
            Ok(found
                .await?
                .kept
                .into_iter()
                .next()
                .map(Kept::into_response))
        }
    }

    /// `matchAll(request, options)`: all answers, in the order in which they were put.
    pub fn match_all(
        &self,
        request: impl IntoRequest,
        options: QueryOptions,
    ) -> impl Future<Output = Result<Vec<Response>, CacheError>> + Send {
        let found = self.found(request, options, Wanted::All);
        async move { Ok(responses(found.await?)) }
    }

    /// `matchAll()`: all responses, in the order in which they were put.
    pub async fn match_every(&self) -> Result<Vec<Response>, CacheError> {
        Ok(responses(Found::all(&self.collection).await?))
    }

    /// `keys(request, options)`: the requests of all answers, in the order in which they were put.
    pub fn keys_of(
        &self,
        request: impl IntoRequest,
        options: QueryOptions,
    ) -> impl Future<Output = Result<Vec<Request>, CacheError>> + Send {
        let found = self.found(request, options, Wanted::Heads);
        async move { Ok(requests(found.await?)) }
    }

    /// `keys()`: all requests, in the order in which they were put.
    pub async fn keys(&self) -> Result<Vec<Request>, CacheError> {
        Ok(requests(Found::heads(&self.collection).await?))
    }

    /// `delete(request, options)`: removes all that answers, at once; says whether there was any.
    pub fn delete(
        &self,
        request: impl IntoRequest,
        options: QueryOptions,
    ) -> impl Future<Output = Result<bool, CacheError>> + Send {
        let found = self.found(request, options, Wanted::Heads);
        async move {
            let found = found.await?;
            if found.kept.is_empty() {
                return Ok(false);
            }
            let serials = found.kept.iter().map(|kept| kept.serial);
            let batch = serials.chain(found.replaced.iter().copied());
            let batch = batch.fold(Batch::new(), Batch::remove);
            self.collection.commit(batch).await?;
            Ok(true)
        }
    }

    fn found(
        &self,
        request: impl IntoRequest,
        options: QueryOptions,
        wanted: Wanted,
    ) -> impl Future<Output = Result<Found, CacheError>> + Send {
        let request = request.into_request(&self.shared.base);
        async move { Found::answers(&self.collection, &request?, options, wanted).await }
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache")
            .field("storage_key", &self.shared.key)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Cache {
    /// Do both hold the same pairs?
    fn eq(&self, other: &Self) -> bool {
        self.collection == other.collection
    }
}

fn responses(found: Found) -> Vec<Response> {
    found.kept.into_iter().map(Kept::into_response).collect()
}

fn requests(found: Found) -> Vec<Request> {
    let request = |kept: Kept| Request {
        headers: kept.pair.headers,
        ..Request::get(kept.pair.url)
    };
    found.kept.into_iter().map(request).collect()
}

impl Kept {
    fn into_response(self) -> Response {
        let head = self.pair.response;
        let body = self.body.filter(|_| !head.null_body).map(streamed);
        Response::with_head(head, body)
    }
}

fn streamed(body: revisit_store::Body) -> Body {
    match body.at_hand() {
        Some(bytes) => bytes.clone().into(),
        None => Body::stream(Stored(body.reader(0..body.len()))),
    }
}

/// A body that is read from the store while it is sent.
struct Stored(BodyReader);

impl http_body::Body for Stored {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let piece = std::task::ready!(self.0.poll_next(cx));
        Poll::Ready(piece.map(|piece| piece.map(Frame::data).map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.left())
    }
}
