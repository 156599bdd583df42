//! A store on disk: a catalog in SQLite, and large bodies in files of their own.
//!
//! ```text
//! lock          held while the store is open to be changed
//! catalog.db    names, heads, labels, small bodies, the log of purges (SQLite, with its log beside it)
//! bodies/N/M    a large body, number M, never changed
//! tmp/M         one that is being written
//! ```
//!
//! One thread writes ([`writer`]), a few read ([`reader`]), a few do what blocks beside that. What is
//! there is known in memory ([`index`]); every step is of one moment, that of a commit.

mod body;
mod catalog;
mod check;
mod checksum;
mod files;
mod group;
mod index;
mod network;
mod open;
mod options;
mod pool;
mod reader;
mod reap;
mod room;
mod shared;
mod staging;
mod writer;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock, RwLock, mpsc};
use std::thread::JoinHandle;

use bytes::Bytes;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::StoreError;
use crate::backend::{Backend, CollectionId, Pending, ready};
use crate::batch::Batch;
use crate::entry::{Entry, Head, Serial};
use crate::purge::{Purge, Sequence};
use crate::staging::{Staged, Staging};
use crate::store::{Contract, Report, Usage};
use pool::Pool;
use reap::Reaper;
use writer::{Op, Writer};

pub(crate) use body::FileBody;
pub use options::{OpenError, Options};
pub(crate) use shared::Shared;
pub(crate) use staging::{DiskStaging, StagedFile};

/// Threads that look entries up.
const READERS: usize = 4;
/// Threads that write bodies, and wait for their syncs.
const FILE_THREADS: usize = 8;
/// Threads that read bodies.
const BODY_THREADS: usize = 4;

/// A store on disk that is open.
pub(crate) struct Disk {
    shared: Arc<Shared>,
    readers: Pool<Connection>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Disk {
    /// Opens the store in a folder, or makes one. Blocks.
    pub(crate) fn open(folder: &Path, options: Options) -> Result<Self, OpenError> {
        let opened = open::open(folder, options)?;
        let io = |source| OpenError::Io {
            folder: folder.to_owned(),
            source,
        };
        let thread = |error| io(files::io_error("start threads for", folder, error));
        let readers = (0..READERS)
            .map(|_| reader::connect(&opened.catalog))
            .collect::<Result<Vec<_>, _>>();
        let readers = readers.map_err(|error| io(catalog::refused("be opened", &error)))?;
        let readers = Pool::start("store reader", readers).map_err(thread)?;
        let (ops_in, ops) = mpsc::channel();
        let open::Opened {
            catalog,
            lock,
            in_use,
            connection,
            store,
            loaded,
        } = opened;
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            contract: store.contract,
            sums: checksum::Sums::new(store.nonce),
            read_only: options.read_only,
            in_use,
            bytes_max: options
                .bytes_max
                .filter(|_| store.contract == Contract::Relaxed),
            index: RwLock::new(loaded.index),
            collections: Mutex::new(loaded.collections),
            purges: RwLock::new(loaded.purges),
            pins: Mutex::default(),
            gate: RwLock::default(),
            committing: Mutex::default(),
            poison: OnceLock::new(),
            closed: AtomicBool::new(false),
            // Numbers are not used again: those of a session are its own.
            next_body: AtomicU64::new((store.session << 32) + 1),
            file_bytes: AtomicU64::new(loaded.file_bytes),
            loose: AtomicU64::new(0),
            files: Pool::start("store files", vec![(); FILE_THREADS]).map_err(thread)?,
            bodies: Pool::start("store bodies", vec![(); BODY_THREADS]).map_err(thread)?,
            ops: ops_in,
            lock: Mutex::new(lock),
            looked_at: options.read_only.then_some(catalog),
            damage: loaded.damage,
        });
        let mut reaper = Reaper::new(loaded.purge_lines);
        if !options.read_only {
            loaded
                .nameless
                .into_iter()
                .for_each(|id| reaper.collection(id));
            let lines = loaded.unreaped.into_iter();
            lines.for_each(|(sequence, label)| reaper.line(sequence, label));
        }
        let writer = Writer {
            shared: shared.clone(),
            connection,
            ops,
            store,
            next_serial: loaded.last_serial.saturating_add(1),
            reaper,
            syncs: true,
        };
        let writer = std::thread::Builder::new()
            .name("store writer".to_owned())
            .spawn(|| writer.run());
        let writer = writer.map_err(thread)?;
        Ok(Self {
            shared,
            readers,
            writer: Mutex::new(Some(writer)),
        })
    }

    /// Looks something up on a thread that reads.
    fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Arc<Shared>, &mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Pending<T> {
        let shared = self.shared.clone();
        self.readers
            .run(move |connection| look(&shared, connection))
    }
}

impl Drop for Disk {
    /// Waits until what was begun is done, so that the store can be opened again at once.
    fn drop(&mut self) {
        let (answer, _) = oneshot::channel();
        self.shared.send(Op::Close { answer });
        let writer = self.writer.get_mut().map_or(None, |writer| writer.take());
        if let Some(writer) = writer
            && writer.join().is_err()
        {
            tracing::error!("the writer of a store has panicked");
        }
    }
}

impl Backend for Disk {
    fn contract(&self) -> Contract {
        self.shared.contract
    }

    fn is_in_use(&self) -> bool {
        self.shared.in_use
    }

    fn open(&self, space: Bytes, name: Bytes, create: bool) -> Pending<Option<CollectionId>> {
        if let Err(error) = self.shared.open() {
            return ready(Err(error));
        }
        {
            let mut collections = self.shared.collections();
            if let Some(id) = collections.named(&space, &name)
                && let Some(kept) = collections.by_id.get_mut(&id)
            {
                kept.holds += 1;
                return ready(Ok(Some(id)));
            }
        }
        if !create {
            return ready(Ok(None));
        }
        let made = self.shared.ask(|answer| Op::Create {
            space,
            name: Some(name),
            answer,
        });
        Box::pin(async move { made.await?.take().map(Some) })
    }

    fn create_unnamed(&self, space: Bytes) -> Pending<CollectionId> {
        let made = self.shared.ask(|answer| Op::Create {
            space,
            name: None,
            answer,
        });
        Box::pin(async move { made.await?.take() })
    }

    fn release(&self, collection: CollectionId) {
        self.shared.release(collection);
    }

    fn publish(&self, collection: CollectionId, name: Bytes) -> Pending<()> {
        self.shared.ask(|answer| Op::Publish {
            collection,
            name,
            answer,
        })
    }

    fn delete(&self, space: Bytes, name: Bytes) -> Pending<bool> {
        self.shared.ask(|answer| Op::Delete {
            space,
            name,
            answer,
        })
    }

    fn names(&self, space: &[u8]) -> Vec<Bytes> {
        let collections = self.shared.collections();
        let of_it = collections
            .by_id
            .values()
            .filter(|kept| kept.row.space == space);
        let mut names: Vec<_> = of_it
            .filter_map(|kept| Some((kept.row.place, kept.row.name.clone()?)))
            .collect();
        names.sort_by_key(|(place, _)| *place);
        names.into_iter().map(|(_, name)| name).collect()
    }

    fn spaces(&self) -> Vec<Bytes> {
        let collections = self.shared.collections();
        let mut spaces: Vec<Bytes> = collections
            .by_name
            .keys()
            .map(|(space, _)| space.clone())
            .collect();
        spaces.sort();
        spaces.dedup();
        spaces
    }

    fn usage(&self, space: Option<&[u8]>) -> Usage {
        let collections = self.shared.collections();
        match space {
            Some(space) => collections.spaces.get(space).copied().unwrap_or_default(),
            None => collections
                .spaces
                .values()
                .fold(Usage::default(), |all, one| Usage {
                    bytes: all.bytes.saturating_add(one.bytes),
                    entries: all.entries.saturating_add(one.entries),
                }),
        }
    }

    fn usage_of(&self, collection: CollectionId) -> Usage {
        let collections = self.shared.collections();
        let kept = collections.by_id.get(&collection);
        kept.map_or_else(Usage::default, |kept| Usage {
            bytes: kept.row.counts.bytes,
            entries: kept.row.counts.entries,
        })
    }

    fn may_have(&self, collection: CollectionId, id: &[u8]) -> bool {
        let hash = self.shared.sums.place(collection, id);
        // A damaged collection and a closed store say so in `find`.
        self.shared.index().contains(hash)
            || self.shared.open().is_err()
            || reader::damage(&self.shared, collection).is_some()
    }

    fn find(&self, collection: CollectionId, id: Bytes) -> Pending<Vec<Entry>> {
        self.look(move |shared, connection| reader::find(shared, connection, collection, &id))
    }

    fn find_serials(&self, collection: CollectionId, serials: Vec<Serial>) -> Pending<Vec<Entry>> {
        self.look(move |shared, connection| {
            reader::find_serials(shared, connection, collection, &serials)
        })
    }

    fn list(&self, collection: CollectionId) -> Pending<Vec<Entry>> {
        self.look(move |shared, connection| reader::list(shared, connection, collection))
    }

    fn heads(&self, collection: CollectionId) -> Pending<Vec<Head>> {
        self.look(move |shared, connection| reader::heads(shared, connection, collection))
    }

    fn commit(&self, collection: CollectionId, mut batch: Batch) -> Pending<Vec<Serial>> {
        let shared = self.shared.clone();
        let large = |staged: &Staged| {
            staged
                .inline()
                .is_some_and(|bytes| bytes.len() > staging::INLINE_BYTES_MAX)
        };
        if !batch.inserts.iter().any(|entry| large(&entry.body)) {
            return shared.ask(|answer| Op::Commit {
                collection,
                batch,
                answer,
            });
        }
        // Bytes that were at hand, and are too many for a row.
        Box::pin(async move {
            for entry in batch.inserts.iter_mut().filter(|entry| large(&entry.body)) {
                if let Some(bytes) = entry.body.inline().cloned() {
                    let mut staging = DiskStaging::new(shared.clone());
                    staging.write(bytes).await?;
                    entry.body = staging.finish().await?;
                }
            }
            let answered = shared.ask(|answer| Op::Commit {
                collection,
                batch,
                answer,
            });
            answered.await
        })
    }

    fn stage(&self, bytes_max: u64) -> Staging {
        Staging::disk(bytes_max, DiskStaging::new(self.shared.clone()))
    }

    fn purge(&self, purge: Purge) -> Pending<Sequence> {
        self.shared.ask(|answer| Op::Purge { purge, answer })
    }

    fn sequence(&self) -> Sequence {
        self.shared.purges().last()
    }

    fn check(&self) -> Pending<Report> {
        self.look(check::check)
    }

    fn close(&self) -> Pending<()> {
        if self.shared.open().is_err() {
            return ready(Ok(()));
        }
        let (answer, answered) = oneshot::channel();
        self.shared.send(Op::Close { answer });
        Box::pin(async move { answered.await.unwrap_or(Ok(())) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collection_that_nobody_waits_for_any_more_is_nobodys() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path(), Options::durable()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            drop(disk.create_unnamed("site".into()));
            let kept = disk.create_unnamed("site".into()).await.unwrap();
            let ids: Vec<u64> = disk.shared.collections().by_id.keys().copied().collect();
            assert_eq!(ids, [kept]);
        });
    }
}
