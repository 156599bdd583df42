//! The bytes of a kept response: in memory, or on the disk, from where they are read as they are sent.

use std::ops::Range;
#[cfg(feature = "disk")]
use std::sync::Arc;

use bytes::Bytes;

use crate::Body;

/// The body of a kept response, or of the part that it is.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Here(Bytes),
    /// Too large to be taken into memory for one who asks. It is found anew for each, and memory keeps
    /// nothing of it.
    #[cfg(feature = "disk")]
    Disk(Arc<revisit_store::Entry>),
}

impl Content {
    /// Bytes of it.
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Here(bytes) => bytes.len() as u64,
            #[cfg(feature = "disk")]
            Self::Disk(found) => found.body.len(),
        }
    }

    /// What it takes of memory.
    pub(super) fn weight(&self) -> usize {
        self.here().map_or(0, Bytes::len)
    }

    /// All of it, if it is in memory.
    pub(super) fn here(&self) -> Option<&Bytes> {
        match self {
            Self::Here(bytes) => Some(bytes),
            #[cfg(feature = "disk")]
            Self::Disk(_) => None,
        }
    }

    /// These bytes of it, to be sent; `None`: it has not all of them.
    pub(super) fn slice(&self, range: Range<u64>) -> Option<Body> {
        if range.start > range.end || range.end > self.len() {
            return None;
        }
        Some(match self {
            Self::Here(bytes) => {
                let from = usize::try_from(range.start).ok()?;
                let to = usize::try_from(range.end).ok()?;
                bytes.slice(from..to).into()
            }
            #[cfg(feature = "disk")]
            Self::Disk(found) => Body::stream(reading::Reading(found.body.reader(range))),
        })
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self::Here(bytes)
    }
}

#[cfg(feature = "disk")]
mod reading {
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};

    use bytes::Bytes;
    use http_body::{Frame, SizeHint};
    use revisit_store::{BodyReader, StoreError};

    /// A body that is read from the disk piece by piece, each proved before it is sent. One that
    /// fails ends the answer before its end: nobody takes it for the whole.
    pub(super) struct Reading(pub(super) BodyReader);

    impl http_body::Body for Reading {
        type Data = Bytes;
        type Error = StoreError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, StoreError>>> {
            let piece = ready!(self.0.poll_next(cx));
            Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
        }

        fn is_end_stream(&self) -> bool {
            self.0.left() == 0
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.0.left())
        }
    }
}
