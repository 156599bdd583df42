//! Why the store did not do what was asked.

use std::path::PathBuf;
use std::sync::Arc;

/// Why an operation on an open store did not succeed. Nothing of it has happened then, but for
/// [`StoreError::Poisoned`], which leaves open whether it did.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The entries under an id are no longer those that the batch expected: look again.
    #[error("the entries that the batch builds on were changed meanwhile")]
    Changed,
    /// The space would hold more than the batch allows.
    #[error("the space would hold {needed} bytes, and may hold {bytes_max}")]
    Quota {
        /// Bytes that the space would count after the batch.
        needed: u64,
        /// Bytes that it may count.
        bytes_max: u64,
    },
    /// The body that is being staged is larger than its bound.
    #[error("the body is larger than {bytes_max} bytes")]
    TooLarge {
        /// The bound, as it was given to `stage`.
        bytes_max: u64,
    },
    /// A part of an entry is over its limit ([`crate::Limits`]).
    #[error("{what} has {found}, the limit is {max}")]
    Limit {
        /// Which part.
        what: &'static str,
        /// Its size, in bytes, or how many there are.
        found: u64,
        /// The limit, in the same unit.
        max: u64,
    },
    /// The disk has no room. What was there before is untouched.
    #[error("no room is left on the disk of the store")]
    Full,
    /// What is kept does not match its checksum, or is missing.
    #[error("{what} cannot be trusted: {why}")]
    Corrupt {
        /// Which part of the store.
        what: String,
        /// What is off.
        why: String,
    },
    /// A file of the store cannot be read or written.
    #[error("cannot {doing} `{path}`")]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// The catalog refused.
    #[error("the catalog of the store cannot {doing}: {why}")]
    Catalog {
        /// What was tried, as a verb.
        doing: &'static str,
        /// What SQLite said.
        why: String,
    },
    /// A write did not reach the disk, so none is tried any more. Reading goes on.
    #[error("the store takes no more writes since one could not be made durable: {why}")]
    Poisoned {
        /// The first error.
        why: String,
    },
    /// The process that has the store took it away while it was looked at.
    #[error("{what} was taken away meanwhile by the process that has the store")]
    Gone {
        /// Which part of the store.
        what: String,
    },
    /// The store was opened to be looked at only.
    #[error("the store was opened read-only")]
    ReadOnly,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The collection or a staged body is of another store, or the collection is gone.
    #[error("the collection or a staged body is not of this store, or gone")]
    NoCollection,
}

impl StoreError {
    /// Whether what is kept was found damaged.
    pub fn is_corrupt(&self) -> bool {
        matches!(self, Self::Corrupt { .. })
    }
}
