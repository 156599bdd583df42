//! Putting: a body into the store, then the pair in place of those that it replaces.

use std::collections::{HashMap, HashSet};
use std::future::Future;

use bytes::Bytes;
use http::Method;
use revisit_rules::cache_api::{Item, Operation, admit, batch};
use revisit_store::{Batch, NewEntry, Staged};

use super::find::Found;
use super::response::next;
use super::storage::Shared;
use super::{Cache, CacheError, IntoRequest, Request, Response};
use crate::Body;
use crate::record::Pair;

/// A pair that is to be put; its body is in the store, but nobody's yet.
pub(super) struct New {
    pub(super) pair: Pair,
    pub(super) body: Staged,
}

impl Cache {
    /// `put(request, response)`: keeps the pair, in place of all that answer the request.
    ///
    /// The body goes to the disk as it comes. When this is ready the pair is on the disk and
    /// survives a crash; before that the pairs that it replaces are whole. If the future is dropped
    /// while the body still comes, nothing has changed.
    ///
    /// `TypeError` for a scheme other than `http` and `https`, a method other than `GET`, a status
    /// 206, `Vary: *`, a used body, and a body that ends before its end; `AbortError` if its maker
    /// gave it up ([`Aborted`](super::Aborted)); `QuotaExceededError` if there is no room.
    pub fn put(
        &self,
        request: impl IntoRequest,
        response: impl Into<Response>,
    ) -> impl Future<Output = Result<(), CacheError>> + Send {
        let request = request.into_request(&self.shared.base);
        let response = response.into();
        async move {
            let request = request?;
            admit::request(&request.method, &request.url)?;
            admit::put(response.head().as_rules(), response.body_state())?;
            let new = New::of(&self.shared, request, response).await?;
            self.commit(vec![new]).await
        }
    }

    /// "Batch Cache Operations" of puts: all of them or none.
    pub(super) async fn commit(&self, new: Vec<New>) -> Result<(), CacheError> {
        let mut by_id: HashMap<Bytes, Vec<&Pair>> = HashMap::new();
        for new in &new {
            by_id.entry(new.pair.id()).or_default().push(&new.pair);
        }
        let mut removed = HashSet::new();
        for (id, pairs) in &by_id {
            let found = Found::under(&self.collection, id).await?;
            let there: Vec<Item<'_>> = found.kept.iter().map(|kept| kept.pair.item()).collect();
            let puts = pairs.iter().map(|pair| Operation::Put(pair.item()));
            let puts: Vec<Operation<'_>> = puts.collect();
            let changes = batch(&there, &puts)?;
            let serials = changes
                .removed
                .iter()
                .map(|place| found.kept[*place].serial);
            removed.extend(serials.chain(found.replaced.iter().copied()));
        }
        let quota = self.shared.options.quota_bytes;
        let batch = Batch::new().space_bytes_max(quota);
        let batch = removed.into_iter().fold(batch, Batch::remove);
        let entry = |new: New| {
            let kind = new.pair.response.kind;
            let padding = self.shared.padding(kind, &new.pair.url);
            NewEntry::new(new.pair.id(), new.pair.to_bytes(), new.body).padding(padding)
        };
        let batch = new.into_iter().map(entry).fold(batch, Batch::insert);
        self.collection.commit(batch).await?;
        Ok(())
    }
}

impl New {
    /// Takes the body in, as fast as the disk takes it.
    pub(super) async fn of(
        shared: &Shared,
        request: Request,
        mut response: Response,
    ) -> Result<Self, CacheError> {
        debug_assert_eq!(request.method, Method::GET, "admit::request refused others");
        let body = match response.take_body()? {
            Some(body) => staged(shared, body, request.url.as_str()).await?,
            None => Staged::bytes(Bytes::new()),
        };
        let pair = Pair {
            url: request.url,
            headers: request.headers,
            response: response.head().clone(),
            put_at: shared.clock.now(),
        };
        Ok(Self { pair, body })
    }
}

async fn staged(shared: &Shared, mut body: Body, url: &str) -> Result<Staged, CacheError> {
    let mut staging = shared.stage();
    while let Some(piece) = next(&mut body).await {
        let piece = piece.map_err(|error| CacheError::of_body(url, &error))?;
        staging.write(piece).await?;
    }
    Ok(staging.finish().await?)
}
