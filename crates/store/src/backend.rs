//! What a store is made of behind its face: memory, or a disk.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;

use crate::StoreError;
use crate::batch::Batch;
use crate::entry::{Entry, Head, Serial};
use crate::purge::{Purge, Sequence};
use crate::staging::Staging;
use crate::store::{Contract, Report, Usage};

/// An answer that comes by itself, on whatever runtime it is waited for.
pub(crate) type Pending<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// An answer that is there.
pub(crate) fn ready<T: Send + 'static>(answer: Result<T, StoreError>) -> Pending<T> {
    Box::pin(std::future::ready(answer))
}

/// The number of a collection; not used again while the store is open.
pub(crate) type CollectionId = u64;

/// Where a store keeps things. Each method is one step, seen by others whole or not at all.
pub(crate) trait Backend: Send + Sync + 'static {
    fn contract(&self) -> Contract;
    /// Whether another process had it when it was opened here, to be looked at.
    fn is_in_use(&self) -> bool {
        false
    }

    /// Finds a collection, or makes it, and holds it.
    fn open(&self, space: Bytes, name: Bytes, create: bool) -> Pending<Option<CollectionId>>;
    /// Makes a collection without a name, and holds it.
    fn create_unnamed(&self, space: Bytes) -> Pending<CollectionId>;
    /// Ends one hold of a collection. Without a hold and a name it is gone.
    fn release(&self, collection: CollectionId);
    /// Gives a collection a name, and takes it from the one that has it.
    fn publish(&self, collection: CollectionId, name: Bytes) -> Pending<()>;
    /// Takes the name from a collection; says whether there was one.
    fn delete(&self, space: Bytes, name: Bytes) -> Pending<bool>;
    /// Names in a space, in the order in which they were given.
    fn names(&self, space: &[u8]) -> Vec<Bytes>;
    fn spaces(&self) -> Vec<Bytes>;
    fn usage(&self, space: Option<&[u8]>) -> Usage;
    /// Nothing, if there is no such collection.
    fn usage_of(&self, collection: CollectionId) -> Usage;

    /// Whether something may be under this id; answers from memory.
    fn may_have(&self, collection: CollectionId, id: &[u8]) -> bool;
    fn find(&self, collection: CollectionId, id: Bytes) -> Pending<Vec<Entry>>;
    /// All entries, in the order of insertion.
    fn list(&self, collection: CollectionId) -> Pending<Vec<Entry>>;
    /// These entries of one moment, as far as they are there.
    fn find_serials(&self, collection: CollectionId, serials: Vec<Serial>) -> Pending<Vec<Entry>>;
    fn heads(&self, collection: CollectionId) -> Pending<Vec<Head>>;
    fn commit(&self, collection: CollectionId, batch: Batch) -> Pending<Vec<Serial>>;
    fn stage(&self, bytes_max: u64) -> Staging;

    fn purge(&self, purge: Purge) -> Pending<Sequence>;
    fn sequence(&self) -> Sequence;

    fn check(&self) -> Pending<Report>;
    /// Ends all work; what was acknowledged before is kept.
    fn close(&self) -> Pending<()>;
}
