//! The one that writes: takes what is to be done in groups, and acknowledges a group when it is on
//! the disk.
//!
//! While one group is being made to last the next gathers, so that many writers share one sync and a
//! single one waits for nobody. Those who were told together come back one after the other; after a
//! group of several the next is not begun with the first of them. What must be durable is in the same order each time: bodies are
//! synced and renamed before they come here ([`super::staging`]), then their folders are synced, then
//! the catalog commits, then it is acknowledged, and only then are old bodies unlinked.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::catalog::{CollectionRow, StoreRow, refused};
use super::files::sync_folder;
use super::group::Group;
use super::reap::Reaper;
use super::shared::{Hold, Shared};
use crate::StoreError;
use crate::batch::Batch;
use crate::entry::Serial;
use crate::purge::{Purge, Sequence};
use crate::store::Contract;

pub(super) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer is asked to do.
pub(super) enum Op {
    Commit {
        collection: u64,
        batch: Batch,
        answer: Answer<Vec<Serial>>,
    },
    Purge {
        purge: Purge,
        answer: Answer<Sequence>,
    },
    /// Makes a collection and holds it, or holds the one of that name.
    Create {
        space: Bytes,
        name: Option<Bytes>,
        answer: Answer<Hold>,
    },
    Publish {
        collection: u64,
        name: Bytes,
        answer: Answer<()>,
    },
    Delete {
        space: Bytes,
        name: Bytes,
        answer: Answer<bool>,
    },
    /// A collection that nobody can use any more.
    Drop(u64),
    /// An entry that is damaged.
    Quarantine(u64),
    MakeRoom {
        answer: Answer<()>,
    },
    Close {
        answer: Answer<()>,
    },
}

/// Ops of one transaction.
const GROUP_MAX: usize = 64;
/// How long one of those who shared the last group is waited for. A sync takes some times as long.
const COMPANY_WAIT: Duration = Duration::from_micros(200);

pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) connection: Connection,
    pub(super) ops: Receiver<Op>,
    pub(super) store: StoreRow,
    pub(super) next_serial: u64,
    pub(super) reaper: Reaper,
    /// Whether commits of the catalog wait for the disk now.
    pub(super) syncs: bool,
}

impl Writer {
    /// Works until it is asked to close.
    pub(super) fn run(mut self) {
        let mut company = 1;
        while let Some(first) = self.next() {
            let ops = self.gather(first, company);
            company = ops.len();
            if let Some(answer) = self.handle(ops) {
                let closed = self.close();
                // Whoever waited may be gone.
                let _ = answer.send(closed);
                return;
            }
        }
    }

    /// A group that begins with `first`: what is there, and what soon comes up to the size of the last.
    fn gather(&self, first: Op, company: usize) -> Vec<Op> {
        let mut ops = vec![first];
        while ops.len() < GROUP_MAX {
            let next = match self.ops.try_recv() {
                Err(_) if ops.len() < company => self.ops.recv_timeout(COMPANY_WAIT).ok(),
                next => next.ok(),
            };
            let Some(next) = next else { break };
            ops.push(next);
        }
        ops
    }

    /// The next op; between them what is dead is cleared away.
    fn next(&mut self) -> Option<Op> {
        loop {
            if let Ok(op) = self.ops.try_recv() {
                return Some(op);
            }
            if self.reaper.is_idle() || self.shared.writable().is_err() {
                return self.ops.recv().ok();
            }
            self.commit(Vec::new());
        }
    }

    /// Does these ops in their order; gives the one that asks to close.
    fn handle(&mut self, ops: Vec<Op>) -> Option<Answer<()>> {
        let mut group = Vec::new();
        for op in ops {
            match op {
                Op::Commit { .. } | Op::Purge { .. } | Op::Quarantine(_) => group.push(op),
                Op::Drop(collection) => self.reaper.collection(collection),
                // They are seldom, and see what was done before them.
                Op::Create {
                    space,
                    name,
                    answer,
                } => {
                    self.commit(std::mem::take(&mut group));
                    let _ = answer.send(self.create(space, name));
                }
                Op::Publish {
                    collection,
                    name,
                    answer,
                } => {
                    self.commit(std::mem::take(&mut group));
                    let _ = answer.send(self.publish(collection, name));
                }
                Op::Delete {
                    space,
                    name,
                    answer,
                } => {
                    self.commit(std::mem::take(&mut group));
                    let _ = answer.send(self.delete(&space, &name));
                }
                Op::MakeRoom { answer } => {
                    self.commit(std::mem::take(&mut group));
                    let _ = answer.send(self.make_room());
                }
                Op::Close { answer } => {
                    self.commit(group);
                    return Some(answer);
                }
            }
        }
        self.commit(group);
        None
    }

    /// Commits a group, and some of what is to be cleared away.
    fn commit(&mut self, ops: Vec<Op>) {
        if ops.is_empty() && self.reaper.is_idle() {
            return;
        }
        if let Err(error) = self.shared.writable() {
            ops.into_iter().for_each(|op| refuse(op, &error));
            return;
        }
        match self.try_commit(&ops) {
            Ok(done) => done.acknowledge(ops, &self.shared),
            // One that needs much room must not refuse those that need little.
            Err(StoreError::Full) if ops.len() > 1 => {
                for op in ops {
                    self.commit(vec![op]);
                }
            }
            Err(error) => {
                if ops.is_empty() {
                    // It is tried again when the store is opened.
                    self.reaper.clear();
                }
                if self.shared.poison.get().is_some() {
                    // It may have happened after all, and be found when the store is opened again.
                    ops.iter().for_each(keep_bodies);
                }
                ops.into_iter().for_each(|op| refuse(op, &error));
            }
        }
    }

    fn try_commit(&mut self, ops: &[Op]) -> Result<super::group::Done, StoreError> {
        let purges = ops.iter().any(|op| matches!(op, Op::Purge { .. }));
        let shared = self.shared.clone();
        let mut group = Group::new(&shared, self.store, self.next_serial);
        self.sync_commits(self.shared.contract == Contract::Durable || purges)?;
        begin(&self.connection)?;
        let done = self.fill(&mut group, ops).and_then(|()| {
            if self.shared.contract == Contract::Durable {
                group.folders.iter().try_for_each(|folder| {
                    sync_folder(folder).inspect_err(|error| self.shared.poison(error))
                })?;
            }
            self.end(&mut group)
        });
        if let Err(error) = done {
            self.roll_back();
            self.reaper.rolled_back();
            return Err(error);
        }
        self.store = group.store;
        self.next_serial = group.next_serial;
        self.reaper.committed(&group.purges);
        Ok(group.done)
    }

    fn fill(&mut self, group: &mut Group<'_>, ops: &[Op]) -> Result<(), StoreError> {
        self.room_for(group, ops)?;
        for op in ops {
            match op {
                Op::Commit {
                    collection, batch, ..
                } => group.batch(&self.connection, *collection, batch)?,
                Op::Purge { purge, .. } => group.purge(&self.connection, purge)?,
                Op::Quarantine(serial) => {
                    group.remove(&self.connection, *serial, None)?;
                    group.done.outcomes.push(super::group::Outcome::Nothing);
                }
                _ => {}
            }
        }
        self.reaper.reap(&self.connection, group)
    }

    /// Commits the transaction, and lets everybody see it.
    pub(super) fn end(&self, group: &mut Group<'_>) -> Result<(), StoreError> {
        group.finish(&self.connection)?;
        let _committing = self
            .shared
            .committing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        commit(&self.connection, &self.shared)?;
        group.show(&self.shared);
        Ok(())
    }

    fn create(&mut self, space: Bytes, name: Option<Bytes>) -> Result<Hold, StoreError> {
        self.shared.writable()?;
        let row = {
            let mut collections = self.shared.collections();
            if let Some(name) = &name
                && let Some(id) = collections.named(&space, name)
                && let Some(kept) = collections.by_id.get_mut(&id)
            {
                kept.holds += 1;
                return Ok(Hold::new(self.shared.clone(), id));
            }
            CollectionRow {
                id: collections.last_id + 1,
                space,
                place: collections.last_place + u64::from(name.is_some()),
                name,
                ..CollectionRow::default()
            }
        };
        let id = row.id;
        self.change_names(&[(None, row.clone())])?;
        self.shared.collections().insert(row, 1, None);
        Ok(Hold::new(self.shared.clone(), id))
    }

    fn publish(&mut self, collection: u64, name: Bytes) -> Result<(), StoreError> {
        self.shared.writable()?;
        let mut changes = Vec::new();
        {
            let collections = self.shared.collections();
            let kept = collections
                .by_id
                .get(&collection)
                .ok_or(StoreError::NoCollection)?;
            let own = kept.row.clone();
            match collections.named(&own.space, &name) {
                Some(id) if id == collection => return Ok(()),
                Some(id) => {
                    let earlier = collections.by_id.get(&id).map(|kept| kept.row.clone());
                    changes.extend(earlier.map(nameless));
                }
                None => {}
            }
            let new = CollectionRow {
                name: Some(name),
                place: collections.last_place + 1,
                ..own.clone()
            };
            changes.push((Some(own), new));
        }
        self.change_names(&changes)?;
        self.show_names(changes);
        Ok(())
    }

    fn delete(&mut self, space: &Bytes, name: &Bytes) -> Result<bool, StoreError> {
        self.shared.writable()?;
        let row = {
            let collections = self.shared.collections();
            let id = collections.named(space, name);
            id.and_then(|id| collections.by_id.get(&id))
                .map(|kept| kept.row.clone())
        };
        let Some(row) = row else {
            return Ok(false);
        };
        let changes = vec![nameless(row)];
        self.change_names(&changes)?;
        self.show_names(changes);
        Ok(true)
    }

    /// Writes rows of collections, each with what it was before, in a transaction of their own.
    fn change_names(
        &mut self,
        changes: &[(Option<CollectionRow>, CollectionRow)],
    ) -> Result<(), StoreError> {
        let sums = self.shared.sums;
        let mut store = self.store;
        self.sync_commits(self.shared.contract == Contract::Durable)?;
        begin(&self.connection)?;
        let written = changes.iter().try_for_each(|(before, after)| {
            let before = before.as_ref().map_or(0, |row| row.digest(sums));
            store.collections = store
                .collections
                .wrapping_sub(before)
                .wrapping_add(after.digest(sums));
            after.write(&self.connection, sums)
        });
        let done = written
            .and_then(|()| store.write(&self.connection))
            .map_err(|error| refused("be changed", &error))
            .and_then(|()| commit(&self.connection, &self.shared));
        if done.is_err() {
            self.roll_back();
        }
        done?;
        self.store = store;
        Ok(())
    }

    fn show_names(&mut self, changes: Vec<(Option<CollectionRow>, CollectionRow)>) {
        let mut collections = self.shared.collections();
        let ids: Vec<u64> = changes.iter().map(|(_, row)| row.id).collect();
        changes
            .into_iter()
            .for_each(|(_, row)| collections.update(row));
        for id in ids {
            if collections.drop_unused(id) {
                self.reaper.collection(id);
            }
        }
    }

    /// Whether the commits to come wait for the disk. Those of a relaxed store do not, but purges do:
    /// what was thrown out must not come back. (The sync takes all before it along.)
    fn sync_commits(&mut self, wanted: bool) -> Result<(), StoreError> {
        if self.syncs != wanted {
            let level = if wanted { "FULL" } else { "NORMAL" };
            let set = self.connection.pragma_update(None, "synchronous", level);
            set.map_err(|error| refused("be set up", &error))?;
            self.syncs = wanted;
        }
        Ok(())
    }

    pub(super) fn roll_back(&self) {
        // After some errors SQLite has done it by itself.
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            self.shared.poison(&refused("be rolled back", &error));
        }
    }

    /// Marks the store as closed in order, if it is, and gives up the lock.
    fn close(&mut self) -> Result<(), StoreError> {
        let shared = self.shared.clone();
        shared.closed.store(true, SeqCst);
        shared.unlink_pinned();
        let mut done = Ok(());
        if shared.poison.get().is_none() && !shared.read_only {
            self.store.clean = shared.loose.load(SeqCst) == 0;
            done = self
                .sync_commits(true)
                .and_then(|()| {
                    self.store
                        .write(&self.connection)
                        .map_err(|error| refused("be closed", &error))
                })
                .and_then(|()| checkpoint(&self.connection));
        }
        drop(
            shared
                .lock
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        done
    }
}

/// A row that loses its name.
fn nameless(row: CollectionRow) -> (Option<CollectionRow>, CollectionRow) {
    let after = CollectionRow {
        name: None,
        ..row.clone()
    };
    (Some(row), after)
}

pub(super) fn begin(connection: &Connection) -> Result<(), StoreError> {
    let began = connection.execute_batch("BEGIN IMMEDIATE");
    began.map_err(|error| refused("begin a change", &error))
}

/// Commits; if it is not known to have happened nothing is written any more.
fn commit(connection: &Connection, shared: &Shared) -> Result<(), StoreError> {
    let committed = connection
        .prepare_cached("COMMIT")
        .and_then(|mut commit| commit.execute([]));
    committed.map(|_| ()).map_err(|error| {
        let error = refused("commit", &error);
        if !matches!(error, StoreError::Full) {
            shared.poison(&error);
        }
        error
    })
}

/// Writes the log into the catalog, and empties it.
fn checkpoint(connection: &Connection) -> Result<(), StoreError> {
    let done = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    done.map_err(|error| refused("be closed", &error))
}

/// Leaves the bodies of an op where they are; those that no row names are swept at the next start.
fn keep_bodies(op: &Op) {
    if let Op::Commit { batch, .. } = op {
        batch.inserts.iter().for_each(|entry| entry.body.keep());
    }
}

fn refuse(op: Op, error: &StoreError) {
    // Whoever waited may be gone.
    match op {
        Op::Commit { answer, .. } => drop(answer.send(Err(error.clone()))),
        Op::Purge { answer, .. } => drop(answer.send(Err(error.clone()))),
        _ => {}
    }
}
