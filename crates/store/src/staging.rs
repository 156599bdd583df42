//! A body on its way in: written piece by piece, and nobody's yet.
//!
//! What is staged and not committed is dropped, at the latest when the store is opened again.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::StoreError;
use crate::disk::{DiskStaging, Shared, StagedFile};

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
    Disk(DiskStaging),
}

/// A body that was written to its end, and can be put into one entry.
#[derive(Debug)]
pub struct Staged(StagedKind);

#[derive(Debug)]
enum StagedKind {
    Memory(Bytes),
    File(StagedFile),
}

impl Staging {
    pub(crate) fn memory(bytes_max: u64) -> Self {
        Self {
            bytes_max,
            written: 0,
            kind: Kind::Memory(BytesMut::new()),
        }
    }

    pub(crate) fn disk(bytes_max: u64, staging: DiskStaging) -> Self {
        Self {
            bytes_max,
            written: 0,
            kind: Kind::Disk(staging),
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
            Kind::Disk(staging) => staging.write(bytes).await?,
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
            Kind::Disk(staging) => staging.finish().await,
        }
    }
}

impl Staged {
    /// A body of bytes that are at hand, for small ones.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self(StagedKind::Memory(bytes.into()))
    }

    pub(crate) fn file(file: StagedFile) -> Self {
        Self(StagedKind::File(file))
    }

    /// Bytes of it.
    pub fn len(&self) -> u64 {
        match &self.0 {
            StagedKind::Memory(bytes) => bytes.len() as u64,
            StagedKind::File(file) => file.len(),
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its bytes, if they are in memory.
    pub(crate) fn inline(&self) -> Option<&Bytes> {
        match &self.0 {
            StagedKind::Memory(bytes) => Some(bytes),
            StagedKind::File(_) => None,
        }
    }

    /// The number of its file; 0: it is in memory.
    pub(crate) fn body(&self) -> u64 {
        match &self.0 {
            StagedKind::Memory(_) => 0,
            StagedKind::File(file) => file.body(),
        }
    }

    /// Whether it can be put into the store that has this state.
    pub(crate) fn is_of(&self, store: &Arc<Shared>) -> bool {
        match &self.0 {
            StagedKind::Memory(_) => true,
            StagedKind::File(file) => file.is_of(store),
        }
    }

    /// A row names it now.
    pub(crate) fn keep(&self) {
        if let StagedKind::File(file) = &self.0 {
            file.keep();
        }
    }
}

impl From<Bytes> for Staged {
    fn from(bytes: Bytes) -> Self {
        Self::bytes(bytes)
    }
}
