//! What writer, readers and bodies of one store on disk have in common.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::Sender;
use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::catalog::CollectionRow;
use super::checksum::Sums;
use super::files::{file_bytes, io_error, path_of};
use super::index::Index;
use super::open::Catalog;
use super::pool::Pool;
use super::writer::Op;
use crate::StoreError;
use crate::backend::{Pending, ready};
use crate::purge::Watermarks;
use crate::store::{Contract, Usage};

/// The state of a store on disk, as of the last commit.
pub(crate) struct Shared {
    pub(super) folder: PathBuf,
    pub(super) contract: Contract,
    pub(super) sums: Sums,
    pub(super) read_only: bool,
    /// Another process had it when it was opened here.
    pub(super) in_use: bool,
    /// The catalog, where it is only looked at: another process may change it meanwhile.
    pub(super) looked_at: Option<Catalog>,
    /// `None`: nothing is evicted.
    pub(super) bytes_max: Option<u64>,
    pub(super) index: RwLock<Index>,
    pub(super) collections: Mutex<Collections>,
    pub(super) purges: RwLock<Watermarks>,
    pub(super) pins: Mutex<HashMap<u64, Pin>>,
    /// Held for reading while rows are looked up and their bodies pinned, for writing before bodies
    /// that no row names any more are unlinked.
    pub(super) gate: RwLock<()>,
    /// Held by the writer from the commit of a group until the index shows it.
    pub(super) committing: Mutex<()>,
    pub(super) poison: OnceLock<String>,
    pub(super) closed: AtomicBool,
    pub(super) next_body: AtomicU64,
    /// Bytes of all body files, those that are being written too.
    pub(super) file_bytes: AtomicU64,
    /// Files that no row names: being written, not committed yet, or about to be unlinked.
    pub(super) loose: AtomicU64,
    /// Threads that write and unlink bodies.
    pub(super) files: Pool<()>,
    /// Threads that read bodies, so that nobody who reads waits for a sync.
    pub(super) bodies: Pool<()>,
    /// What the writer is to do.
    pub(super) ops: Sender<Op>,
    /// The lock that no second process gets; who only looks has none.
    pub(super) lock: Mutex<Option<File>>,
    /// What was found damaged when it was opened, beyond single collections.
    pub(super) damage: Vec<String>,
}

/// How often a body is in use, and whether it is to be unlinked after that.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Pin {
    uses: usize,
    unlink: Option<u64>,
}

/// A body file that no row names any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DeadBody {
    pub(super) body: u64,
    pub(super) bytes: u64,
}

/// A hold of a collection on its way to who asked for it: given up if nobody waits any more.
pub(super) struct Hold {
    shared: Arc<Shared>,
    id: Option<u64>,
}

impl Hold {
    pub(super) fn new(shared: Arc<Shared>, id: u64) -> Self {
        let id = Some(id);
        Self { shared, id }
    }

    /// It has arrived, and is the receiver's to give up.
    pub(super) fn take(mut self) -> Result<u64, StoreError> {
        self.id.take().ok_or(StoreError::NoCollection)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.shared.release(id);
        }
    }
}

/// All collections that can be used.
#[derive(Debug, Default)]
pub(super) struct Collections {
    pub(super) by_id: BTreeMap<u64, Kept>,
    pub(super) by_name: HashMap<(Bytes, Bytes), u64>,
    pub(super) spaces: HashMap<Bytes, Usage>,
    pub(super) last_id: u64,
    pub(super) last_place: u64,
}

#[derive(Debug)]
pub(super) struct Kept {
    pub(super) row: CollectionRow,
    pub(super) holds: usize,
    /// Why what is missing here may have been there.
    pub(super) damage: Option<String>,
}

impl Collections {
    pub(super) fn insert(&mut self, row: CollectionRow, holds: usize, damage: Option<String>) {
        self.last_id = self.last_id.max(row.id);
        self.last_place = self.last_place.max(row.place);
        if let Some(name) = &row.name {
            self.by_name
                .insert((row.space.clone(), name.clone()), row.id);
        }
        let usage = self.spaces.entry(row.space.clone()).or_default();
        usage.bytes = usage.bytes.wrapping_add(row.counts.bytes);
        usage.entries = usage.entries.wrapping_add(row.counts.entries);
        self.by_id.insert(row.id, Kept { row, holds, damage });
    }

    pub(super) fn named(&self, space: &Bytes, name: &Bytes) -> Option<u64> {
        self.by_name.get(&(space.clone(), name.clone())).copied()
    }

    /// Takes the state of a collection from the writer.
    pub(super) fn update(&mut self, row: CollectionRow) {
        let Some(kept) = self.by_id.get_mut(&row.id) else {
            return;
        };
        let usage = self.spaces.entry(row.space.clone()).or_default();
        // Those of a damaged collection may be anything; what was added is subtracted again.
        let (new, old) = (row.counts, kept.row.counts);
        usage.bytes = usage.bytes.wrapping_add(new.bytes).wrapping_sub(old.bytes);
        let entries = usage.entries.wrapping_add(new.entries);
        usage.entries = entries.wrapping_sub(old.entries);
        if kept.row.name != row.name {
            if let Some(name) = kept.row.name.take() {
                self.by_name.remove(&(row.space.clone(), name));
            }
            if let Some(name) = &row.name {
                self.by_name
                    .insert((row.space.clone(), name.clone()), row.id);
            }
        }
        self.last_place = self.last_place.max(row.place);
        kept.row = row;
    }

    /// Forgets a collection that has neither a name nor a user; says whether it was so.
    pub(super) fn drop_unused(&mut self, id: u64) -> bool {
        let unused = |kept: &Kept| kept.holds == 0 && kept.row.name.is_none();
        if !self.by_id.get(&id).is_some_and(unused) {
            return false;
        }
        if let Some(kept) = self.by_id.remove(&id)
            && let Some(usage) = self.spaces.get_mut(&kept.row.space)
        {
            usage.bytes = usage.bytes.wrapping_sub(kept.row.counts.bytes);
            usage.entries = usage.entries.wrapping_sub(kept.row.counts.entries);
            if usage.bytes == 0 {
                self.spaces.remove(&kept.row.space);
            }
        }
        true
    }
}

impl Shared {
    pub(super) fn collections(&self) -> MutexGuard<'_, Collections> {
        self.collections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn purges(&self) -> RwLockReadGuard<'_, Watermarks> {
        self.purges.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn purges_mut(&self) -> RwLockWriteGuard<'_, Watermarks> {
        self.purges.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn pins(&self) -> MutexGuard<'_, HashMap<u64, Pin>> {
        self.pins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends one hold of a collection.
    pub(super) fn release(&self, collection: u64) {
        let mut collections = self.collections();
        if let Some(kept) = collections.by_id.get_mut(&collection) {
            kept.holds -= 1;
        }
        if collections.drop_unused(collection) {
            self.send(Op::Drop(collection));
        }
    }

    /// Whether nothing may be written any more, and why.
    pub(super) fn writable(&self) -> Result<(), StoreError> {
        self.open()?;
        if self.read_only {
            return Err(StoreError::ReadOnly);
        }
        match self.poison.get() {
            Some(why) => Err(StoreError::Poisoned { why: why.clone() }),
            None => Ok(()),
        }
    }

    pub(super) fn open(&self) -> Result<(), StoreError> {
        match self.closed.load(SeqCst) {
            true => Err(StoreError::Closed),
            false => Ok(()),
        }
    }

    /// Lets the writer do something, without an answer; after it has ended it does nothing.
    pub(super) fn send(&self, op: Op) {
        // The receiver is dropped when the writer has ended.
        let _ = self.ops.send(op);
    }

    /// Lets the writer do something, and waits for its answer.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        op: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Op,
    ) -> Pending<T> {
        if let Err(error) = self.writable() {
            return ready(Err(error));
        }
        let (answer, answered) = oneshot::channel();
        self.send(op(answer));
        Box::pin(async move { answered.await.unwrap_or(Err(StoreError::Closed)) })
    }

    /// Sees to it that the bodies that are being written have room, where that is bounded.
    pub(super) async fn make_room(&self) -> Result<(), StoreError> {
        if self.bytes_max.is_none() {
            return self.writable();
        }
        // What the catalog takes only the writer knows.
        self.ask(|answer| Op::MakeRoom { answer }).await
    }

    /// Takes no more writes: what was to last may not have reached the disk, and to try once more
    /// would say that it has (the system forgets the error after telling it once).
    pub(super) fn poison(&self, error: &StoreError) {
        let mut why = error.to_string();
        if let Some(source) = std::error::Error::source(error) {
            why = format!("{why}: {source}");
        }
        tracing::error!(store = %self.folder.display(), why, "the store takes no more writes");
        // The first reason stays.
        let _ = self.poison.set(why);
    }

    /// Keeps the file of a body until [`Self::unpin`]. Only under the gate.
    pub(super) fn pin(&self, body: u64) {
        self.pins().entry(body).or_default().uses += 1;
    }

    pub(super) fn unpin(&self, body: u64) {
        let mut pins = self.pins();
        let Some(pin) = pins.get_mut(&body) else {
            return;
        };
        pin.uses -= 1;
        if pin.uses > 0 {
            return;
        }
        let unlink = pin.unlink;
        pins.remove(&body);
        drop(pins);
        if let Some(bytes) = unlink {
            self.unlink_now(DeadBody { body, bytes });
        }
    }

    /// Unlinks bodies that no row names any more, or leaves that to their last user.
    pub(super) fn unlink(&self, dead: &[DeadBody]) {
        if dead.is_empty() {
            return;
        }
        // Who looked their rows up before they were gone has pinned them when this is had.
        drop(self.gate.write().unwrap_or_else(PoisonError::into_inner));
        for body in dead {
            if let Some(pin) = self.pins().get_mut(&body.body) {
                pin.unlink = Some(body.bytes);
                continue;
            }
            self.unlink_now(*body);
        }
    }

    /// Unlinks what only users keep.
    pub(super) fn unlink_pinned(&self) {
        let pinned: Vec<DeadBody> = self
            .pins()
            .iter_mut()
            .filter_map(|(body, pin)| {
                Some(DeadBody {
                    body: *body,
                    bytes: pin.unlink.take()?,
                })
            })
            .collect();
        pinned.into_iter().for_each(|body| self.unlink_now(body));
    }

    fn unlink_now(&self, dead: DeadBody) {
        let path = path_of(&self.folder, dead.body);
        self.file_bytes.fetch_sub(file_bytes(dead.bytes), SeqCst);
        if let Err(error) = std::fs::remove_file(&path) {
            // It stays as an orphan until it is swept.
            let error = io_error("unlink", &path, error);
            tracing::warn!(%error, "a body that is no longer needed stays on the disk");
        }
    }
}
