//! A body of an entry: at hand, on its way into the store, or in it.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use revisit_store::{BodyReader, Staged, Store, StoreError};

use super::room::Share;
use crate::{Body, BodyError};

/// Where a body is. Clones are the same body; what one commit wrote all find in the store.
#[derive(Debug, Clone)]
pub(super) struct Held(Arc<Mutex<Where>>);

#[derive(Debug)]
enum Where {
    /// In memory: manifests and pages, until they are committed.
    Bytes(Bytes),
    /// Written, and to be put into the one entry that it is for.
    /// Until it is in the store it counts by itself.
    Staged(
        Option<Staged>,
        #[expect(dead_code, reason = "it counts by being there")] Share,
    ),
    Kept(revisit_store::Body),
}

impl Held {
    pub(super) fn bytes(bytes: Bytes) -> Self {
        Self(Arc::new(Mutex::new(Where::Bytes(bytes))))
    }

    pub(super) fn staged(staged: Staged, share: Share) -> Self {
        Self(Arc::new(Mutex::new(Where::Staged(Some(staged), share))))
    }

    pub(super) fn kept(body: revisit_store::Body) -> Self {
        Self(Arc::new(Mutex::new(Where::Kept(body))))
    }

    /// It is in the store now.
    pub(super) fn settle(&self, body: revisit_store::Body) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Where::Kept(body);
    }

    /// Whether an entry in the store has it.
    pub(super) fn is_kept(&self) -> bool {
        matches!(
            &*self.0.lock().unwrap_or_else(PoisonError::into_inner),
            Where::Kept(_)
        )
    }

    /// Bytes of it.
    pub(super) fn len(&self) -> u64 {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Where::Bytes(bytes) => bytes.len() as u64,
            Where::Staged(staged, _) => staged.as_ref().map_or(0, Staged::len),
            Where::Kept(body) => body.len(),
        }
    }

    /// For an answer; `None` while it is on its way into the store, when nobody is served with it.
    pub(super) fn body(&self) -> Option<Body> {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Where::Bytes(bytes) => Some(bytes.clone().into()),
            Where::Staged(..) => None,
            Where::Kept(body) => Some(match body.at_hand() {
                Some(bytes) => bytes.clone().into(),
                None => Body::stream(FromStore(body.reader(0..body.len()))),
            }),
        }
    }

    /// For a new entry: what is staged is taken, what another entry has is copied.
    pub(super) async fn stage(&self, store: &Store) -> Result<Staged, StoreError> {
        let body = match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Where::Bytes(bytes) => return Ok(Staged::bytes(bytes.clone())),
            Where::Staged(staged, _) => return staged.take().ok_or(StoreError::NoCollection),
            Where::Kept(body) => body.clone(),
        };
        if let Some(bytes) = body.at_hand() {
            return Ok(Staged::bytes(bytes.clone()));
        }
        let mut staging = store.stage(body.len());
        let mut reader = body.reader(0..body.len());
        while let Some(piece) = reader.next().await.transpose()? {
            staging.write(piece).await?;
        }
        staging.finish().await
    }
}

/// A body that is read from the store while it is sent.
struct FromStore(BodyReader);

impl http_body::Body for FromStore {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let piece = ready!(self.0.poll_next(cx));
        Poll::Ready(piece.map(|piece| piece.map(Frame::data).map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.left())
    }
}
