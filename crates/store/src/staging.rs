//! A body on its way in: written piece by piece, and nobody's yet.
//!
//! What is staged and not committed is dropped, at the latest when the store is opened again.

use bytes::{Bytes, BytesMut};

use crate::StoreError;

/// A body that is being written. Dropped before [`Staging::finish`] it leaves nothing.
#[derive(Debug)]
pub struct Staging {
    bytes_max: u64,
    written: u64,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Memory(BytesMut),
}

/// A body that was written to its end, and can be put into one entry.
#[derive(Debug)]
pub struct Staged(StagedKind);

#[derive(Debug)]
enum StagedKind {
    Memory(Bytes),
}

impl Staging {
    pub(crate) fn memory(bytes_max: u64) -> Self {
        Self {
            bytes_max,
            written: 0,
            kind: Kind::Memory(BytesMut::new()),
        }
    }

    /// Appends bytes. The future is ready when there is room for more.
    ///
    /// After an error, and if the future was dropped before it was ready, the body cannot be
    /// finished: drop it.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        let written = self.written + bytes.len() as u64;
        if written > self.bytes_max {
            let bytes_max = self.bytes_max;
            return Err(StoreError::TooLarge { bytes_max });
        }
        self.written = written;
        match &mut self.kind {
            Kind::Memory(all) => all.extend_from_slice(&bytes),
        }
        Ok(())
    }

    /// Bytes that were written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Ends the body. On a durable store its bytes are on the disk then, but nothing names them yet.
    pub async fn finish(self) -> Result<Staged, StoreError> {
        match self.kind {
            Kind::Memory(all) => Ok(Staged::bytes(all.freeze())),
        }
    }
}

impl Staged {
    /// A body of bytes that are at hand, for small ones.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self(StagedKind::Memory(bytes.into()))
    }

    /// Bytes of it.
    pub fn len(&self) -> u64 {
        match &self.0 {
            StagedKind::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn into_memory(self) -> Bytes {
        match self.0 {
            StagedKind::Memory(bytes) => bytes,
        }
    }
}

impl From<Bytes> for Staged {
    fn from(bytes: Bytes) -> Self {
        Self::bytes(bytes)
    }
}
