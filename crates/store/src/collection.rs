//! A collection of entries, held by whoever uses it.

use std::sync::Arc;

use bytes::Bytes;

use crate::StoreError;
use crate::backend::{Backend, CollectionId};
use crate::batch::Batch;
use crate::entry::{Entry, Head, Limits, Serial, within};
use crate::store::{Contract, Store, Usage};

/// A collection. As long as one of its clones lives it can be used, even when its name was taken
/// away ([`Store::delete_collection`]); then it goes with the last of them.
#[derive(Clone)]
pub struct Collection(Arc<Hold>);

struct Hold {
    backend: Arc<dyn Backend>,
    id: CollectionId,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.backend.release(self.id);
    }
}

impl Collection {
    /// Takes over a hold.
    pub(crate) fn new(backend: Arc<dyn Backend>, id: CollectionId) -> Self {
        Self(Arc::new(Hold { backend, id }))
    }

    /// What its entries come to, of what its space counts.
    pub fn usage(&self) -> Usage {
        self.0.backend.usage_of(self.0.id)
    }

    /// Whether something may be under this id: no is certain, and neither costs I/O. It counts as a
    /// use, as finding it does.
    pub fn may_have(&self, id: &[u8]) -> bool {
        self.0.backend.may_have(self.0.id, id)
    }

    /// The entries under this id, in the order of insertion. None at all costs no I/O.
    ///
    /// All of them are of one moment: a batch that is committed meanwhile is seen whole or not at all.
    /// A damaged entry is left out (relaxed), or an error (durable).
    pub async fn find(&self, id: &[u8]) -> Result<Vec<Entry>, StoreError> {
        if !self.may_have(id) {
            return Ok(Vec::new());
        }
        let id = Bytes::copy_from_slice(id);
        self.0.backend.find(self.0.id, id).await
    }

    /// All entries of one moment, in the order of insertion, small bodies included.
    pub async fn list(&self) -> Result<Vec<Entry>, StoreError> {
        self.0.backend.list(self.0.id).await
    }

    /// The heads of all entries of one moment, in the order of insertion.
    pub async fn heads(&self) -> Result<Vec<Head>, StoreError> {
        self.0.backend.heads(self.0.id).await
    }

    /// These entries of one moment, in the order of `serials`; those that are gone are left out.
    pub async fn get(&self, serials: &[Serial]) -> Result<Vec<Entry>, StoreError> {
        if serials.is_empty() {
            return Ok(Vec::new());
        }
        self.0
            .backend
            .find_serials(self.0.id, serials.to_vec())
            .await
    }

    /// Makes the changes of a batch, all or none, and says the numbers of what was inserted.
    ///
    /// On a durable store they are on the disk when this is ready; on a relaxed one they are seen
    /// by everybody. Dropping the future takes nothing back.
    pub async fn commit(&self, batch: Batch) -> Result<Vec<Serial>, StoreError> {
        batch.check()?;
        self.0.backend.commit(self.0.id, batch).await
    }

    /// Gives the collection this name in its space, in one step with taking it from the one that
    /// has it now. Who holds that one can still use it.
    pub async fn publish(&self, name: &[u8]) -> Result<(), StoreError> {
        within("the name", name.len(), Limits::ID_BYTES_MAX)?;
        let name = Bytes::copy_from_slice(name);
        self.0.backend.publish(self.0.id, name).await
    }

    /// The store that it is of.
    pub fn store(&self) -> Store {
        Store::new(self.0.backend.clone())
    }
}

impl std::fmt::Debug for Collection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let contract: Contract = self.0.backend.contract();
        f.debug_struct("Collection")
            .field("id", &self.0.id)
            .field("contract", &contract)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Collection {
    /// The same collection of the same store, whatever its name.
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id && Arc::ptr_eq(&self.0.backend, &other.0.backend)
    }
}

impl Eq for Collection {}
