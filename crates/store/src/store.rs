//! The face of a store: collections by name, staging, purges.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::StoreError;
use crate::backend::Backend;
use crate::collection::Collection;
use crate::disk::{Disk, OpenError, Options};
use crate::entry::{Limits, Serial, within};
use crate::memory::Memory;
use crate::purge::{Purge, Sequence};
use crate::staging::Staging;

/// What a store promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contract {
    /// What was acknowledged is kept; what is damaged is an error.
    Durable,
    /// A cache: what is lost or damaged is a miss, and the least used makes room.
    Relaxed,
}

/// What is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes that count: of ids, heads, labels and bodies, paddings, and
    /// [`Limits::ENTRY_OVERHEAD_BYTES`] an entry.
    pub bytes: u64,
    /// Entries.
    pub entries: u64,
}

/// What a check of everything found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries that were looked at.
    pub entries: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// Entries that another process took away while they were being looked at ([`Store::is_in_use`]).
    pub gone: u64,
    /// What is damaged. Empty: everything is as it was written.
    pub damages: Vec<Damage>,
}

/// Something that is damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The entry that it concerns, if it is one.
    pub serial: Option<Serial>,
    /// What is off, for people.
    pub what: String,
}

/// A store. Clones are the same store; it is closed when the last of them, and of what came out of
/// it, is dropped.
#[derive(Clone)]
pub struct Store(Arc<dyn Backend>);

impl Store {
    pub(crate) fn new(backend: Arc<dyn Backend>) -> Self {
        Self(backend)
    }

    /// A store in memory, for tests and for what need not outlive the process. It evicts nothing.
    pub fn memory(contract: Contract) -> Self {
        Self(Arc::new(Memory::new(contract)))
    }

    /// Opens the store in a folder, and makes it if that is asked for. Blocks for as long as it takes
    /// to read the list of entries.
    pub fn open(folder: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        Ok(Self(Arc::new(Disk::open(folder.as_ref(), options)?)))
    }

    /// What it promises.
    pub fn contract(&self) -> Contract {
        self.0.contract()
    }

    /// Whether another process had it open when it was opened here [to be looked
    /// at](Options::read_only), so that it may change meanwhile.
    pub fn is_in_use(&self) -> bool {
        self.0.is_in_use()
    }

    /// The collection of this name in this space, made if it is not there.
    pub async fn open_collection(
        &self,
        space: &[u8],
        name: &[u8],
    ) -> Result<Collection, StoreError> {
        let found = self.find_collection(space, name, true).await?;
        found.ok_or(StoreError::NoCollection)
    }

    /// The collection of this name in this space, if it is there.
    pub async fn collection(
        &self,
        space: &[u8],
        name: &[u8],
    ) -> Result<Option<Collection>, StoreError> {
        self.find_collection(space, name, false).await
    }

    async fn find_collection(
        &self,
        space: &[u8],
        name: &[u8],
        create: bool,
    ) -> Result<Option<Collection>, StoreError> {
        let (space, name) = (name_of("the space", space)?, name_of("the name", name)?);
        let found = self.0.open(space, name, create).await?;
        Ok(found.map(|id| Collection::new(self.0.clone(), id)))
    }

    /// A new collection without a name, which nobody else sees until it is
    /// [published](Collection::publish). Dropped or crashed before that it is gone, entries and all.
    pub async fn create_unnamed(&self, space: &[u8]) -> Result<Collection, StoreError> {
        let id = self.0.create_unnamed(name_of("the space", space)?).await?;
        Ok(Collection::new(self.0.clone(), id))
    }

    /// Takes away the name of a collection; says whether there was one. Who holds it can still use
    /// it, and it counts for its space until the last of them drops it.
    pub async fn delete_collection(&self, space: &[u8], name: &[u8]) -> Result<bool, StoreError> {
        let (space, name) = (name_of("the space", space)?, name_of("the name", name)?);
        self.0.delete(space, name).await
    }

    /// Names of the collections of a space, in the order in which they were made (or published).
    pub fn collections(&self, space: &[u8]) -> Vec<Bytes> {
        self.0.names(space)
    }

    /// Spaces with a collection that has a name, in the order of their bytes.
    pub fn spaces(&self) -> Vec<Bytes> {
        self.0.spaces()
    }

    /// What a space counts, as of the last commit.
    pub fn usage(&self, space: &[u8]) -> Usage {
        self.0.usage(Some(space))
    }

    /// What all spaces count.
    pub fn usage_of_all(&self) -> Usage {
        self.0.usage(None)
    }

    /// Begins a body of at most `bytes_max` bytes.
    pub fn stage(&self, bytes_max: u64) -> Staging {
        self.0.stage(bytes_max)
    }

    /// Writes a purge into the log, and says its number. When this is ready it is on the disk, under
    /// either contract, and no entry that it hits is found any more. Their room is given back later.
    pub async fn purge(&self, purge: Purge) -> Result<Sequence, StoreError> {
        if let Some(label) = &purge.label {
            within("the label", label.len(), Limits::LABEL_BYTES_MAX)?;
        }
        self.0.purge(purge).await
    }

    /// Where the log of purges is now: what is asked for from here on is put with
    /// [`NewEntry::since`](crate::NewEntry::since) this.
    pub fn sequence(&self) -> Sequence {
        self.0.sequence()
    }

    /// Reads everything, and proves that it is what was written.
    pub async fn check(&self) -> Result<Report, StoreError> {
        self.0.check().await
    }

    /// Ends all work. What was acknowledged before is kept; whatever is asked from here on gets
    /// [`StoreError::Closed`].
    pub async fn close(&self) -> Result<(), StoreError> {
        self.0.close().await
    }
}

fn name_of(what: &'static str, bytes: &[u8]) -> Result<Bytes, StoreError> {
    within(what, bytes.len(), Limits::ID_BYTES_MAX)?;
    Ok(Bytes::copy_from_slice(bytes))
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("contract", &self.0.contract())
            .finish_non_exhaustive()
    }
}
