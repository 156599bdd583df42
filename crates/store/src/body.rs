//! The body of an entry: read by ranges, piece by piece, each piece proven before it is given.

use std::ops::Range;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};

use crate::StoreError;
use crate::backend::Pending;
use crate::disk::FileBody;

/// A body that is kept. It stays readable when its entry is removed.
#[derive(Debug, Clone)]
pub struct Body(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Memory(Bytes),
    File(Arc<FileBody>),
}

impl Body {
    pub(crate) fn memory(bytes: Bytes) -> Self {
        Self(Kind::Memory(bytes))
    }

    pub(crate) fn file(file: Arc<FileBody>) -> Self {
        Self(Kind::File(file))
    }

    /// Bytes of it.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Kind::Memory(bytes) => bytes.len() as u64,
            Kind::File(file) => file.len(),
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of it, if it is at hand (small bodies are).
    pub fn at_hand(&self) -> Option<&Bytes> {
        match &self.0 {
            Kind::Memory(bytes) => Some(bytes),
            Kind::File(_) => None,
        }
    }

    /// Reads these bytes into memory; what lies behind the end is left out.
    pub async fn read(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        let mut reader = self.reader(range);
        let Some(first) = reader.next().await.transpose()? else {
            return Ok(Bytes::new());
        };
        let mut all = BytesMut::new();
        while let Some(more) = reader.next().await.transpose()? {
            if all.is_empty() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&more);
        }
        Ok(if all.is_empty() { first } else { all.freeze() })
    }

    /// Reads these bytes piece by piece; what lies behind the end is left out.
    pub fn reader(&self, range: Range<u64>) -> BodyReader {
        let end = range.end.min(self.len());
        BodyReader {
            body: self.clone(),
            left: range.start.min(end)..end,
            under_way: None,
        }
    }

    /// The bytes from `range.start` on: at least one, at most up to `range.end`, which is no
    /// more than [`Self::len`].
    fn piece(&self, range: Range<u64>) -> Piece {
        match &self.0 {
            // A range of bytes in memory fits into `usize`.
            Kind::Memory(bytes) => {
                Piece::Here(bytes.slice(range.start as usize..range.end as usize))
            }
            Kind::File(file) => Piece::UnderWay(file.piece(range)),
        }
    }
}

enum Piece {
    Here(Bytes),
    UnderWay(Pending<Bytes>),
}

/// Reads a range of a body from front to back.
pub struct BodyReader {
    body: Body,
    left: Range<u64>,
    under_way: Option<Pending<Bytes>>,
}

impl BodyReader {
    /// The next bytes; `None` at the end of the range. After an error nothing more comes.
    pub async fn next(&mut self) -> Option<Result<Bytes, StoreError>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// [`Self::next`], for those who are polled themselves.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, StoreError>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let answer = loop {
            if let Some(under_way) = &mut self.under_way {
                break ready!(under_way.as_mut().poll(cx));
            }
            match self.body.piece(self.left.clone()) {
                Piece::Here(bytes) => break Ok(bytes),
                Piece::UnderWay(pending) => self.under_way = Some(pending),
            }
        };
        self.under_way = None;
        match &answer {
            Ok(bytes) => self.left.start += bytes.len() as u64,
            Err(_) => self.left.start = self.left.end,
        }
        Poll::Ready(Some(answer))
    }

    /// Bytes that are still to come.
    pub fn left(&self) -> u64 {
        self.left.end - self.left.start
    }
}

impl std::fmt::Debug for BodyReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BodyReader")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}
