//! What one transaction does to the entries, and what of it is shown when it is committed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use bytes::Bytes;
use rusqlite::{Connection, params};

use super::catalog::{Counts, EntryRow, StoreRow, corrupt, decode, encode, number, refused};
use super::checksum::Sums;
use super::files::folder_of;
use super::shared::{DeadBody, Shared};
use super::writer::Op;
use crate::StoreError;
use crate::batch::{Batch, NewEntry, NewHead};
use crate::entry::{Serial, charge};
use crate::purge::{Purge, Sequence, Standing};
use crate::store::Contract;

/// A transaction that is being filled.
pub(super) struct Group<'a> {
    shared: &'a Arc<Shared>,
    pub(super) store: StoreRow,
    pub(super) next_serial: u64,
    /// Folders with new bodies.
    pub(super) folders: BTreeSet<PathBuf>,
    adds: Vec<(u64, u64)>,
    pub(super) removes: HashSet<(u64, u64)>,
    counts: HashMap<u64, Counts>,
    pub(super) purges: Vec<(Sequence, Purge)>,
    last_purge: Sequence,
    floor_before: u64,
    pub(super) done: Done,
}

/// What came of a transaction.
#[derive(Default)]
pub(super) struct Done {
    /// One for each op.
    pub(super) outcomes: Vec<Outcome>,
    pub(super) dead: Vec<DeadBody>,
}

pub(super) enum Outcome {
    Serials(Vec<Serial>),
    Sequence(Sequence),
    Refused(StoreError),
    Nothing,
}

/// What a batch does, found out before anything is written.
struct Plan {
    removes: Vec<EntryRow>,
    /// Before and after.
    heads: Vec<(EntryRow, EntryRow)>,
}

impl Done {
    /// Says to each what came of it, then clears away what nobody needs any more.
    pub(super) fn acknowledge(self, ops: Vec<Op>, shared: &Arc<Shared>) {
        for (op, outcome) in ops.into_iter().zip(self.outcomes) {
            // Whoever waited may be gone.
            match (op, outcome) {
                (Op::Commit { answer, .. }, Outcome::Refused(error)) => {
                    drop(answer.send(Err(error)))
                }
                (Op::Commit { batch, answer, .. }, Outcome::Serials(serials)) => {
                    batch.inserts.iter().for_each(|entry| entry.body.keep());
                    let _ = answer.send(Ok(serials));
                }
                (Op::Purge { answer, .. }, Outcome::Sequence(sequence)) => {
                    drop(answer.send(Ok(sequence)))
                }
                _ => {}
            }
        }
        if self.dead.is_empty() {
            return;
        }
        let (own, dead) = (shared.clone(), self.dead);
        shared.loose.fetch_add(dead.len() as u64, SeqCst);
        shared.files.spawn(move |()| {
            own.unlink(&dead);
            own.loose.fetch_sub(dead.len() as u64, SeqCst);
        });
    }
}

impl<'a> Group<'a> {
    pub(super) fn new(shared: &'a Arc<Shared>, store: StoreRow, next_serial: u64) -> Self {
        Self {
            shared,
            store,
            next_serial,
            folders: BTreeSet::new(),
            adds: Vec::new(),
            removes: HashSet::new(),
            counts: HashMap::new(),
            purges: Vec::new(),
            last_purge: shared.purges().last(),
            floor_before: store.floor,
            done: Done::default(),
        }
    }

    /// Does a batch, or refuses it and leaves everything as it was.
    pub(super) fn batch(
        &mut self,
        connection: &Connection,
        collection: u64,
        batch: &Batch,
    ) -> Result<(), StoreError> {
        let outcome = match self.plan(connection, collection, batch) {
            Ok(plan) => Outcome::Serials(self.apply(connection, collection, batch, plan)?),
            Err(error) => Outcome::Refused(error),
        };
        self.done.outcomes.push(outcome);
        Ok(())
    }

    fn plan(
        &mut self,
        connection: &Connection,
        collection: u64,
        batch: &Batch,
    ) -> Result<Plan, StoreError> {
        let before = self.counts(collection).ok_or(StoreError::NoCollection)?;
        for (id, expected) in &batch.expects {
            self.expect(connection, collection, id, expected)?;
        }
        if batch
            .inserts
            .iter()
            .any(|entry| !entry.body.is_of(self.shared))
        {
            return Err(StoreError::NoCollection);
        }
        let mut removed = HashSet::new();
        let mut plan = Plan {
            removes: Vec::new(),
            heads: Vec::new(),
        };
        for serial in &batch.removes {
            if let Some(row) = self.row(connection, *serial, collection)?
                && removed.insert(*serial)
            {
                plan.removes.push(row);
            }
        }
        for change in &batch.heads {
            if removed.contains(&change.serial) {
                continue;
            }
            if let Some(row) = self.row(connection, change.serial, collection)? {
                let after = self.with_head(&row, change);
                // Of two changes to one head the last counts.
                plan.heads.retain(|(before, _)| before.serial != row.serial);
                plan.heads.push((row, after));
            }
        }
        if let Some(bytes_max) = batch.space_bytes_max {
            let space = self.space_bytes(collection);
            let less: u64 = plan.removes.iter().map(|row| row.charge).sum();
            let more: u64 = batch.inserts.iter().map(NewEntry::charge).sum();
            let heads = plan.heads.iter();
            let (old, new) = heads.fold((0, 0), |(old, new), (before, after)| {
                (old + before.charge, new + after.charge)
            });
            let needed = space.saturating_add(more + new).saturating_sub(less + old);
            if needed > bytes_max && needed > space {
                return Err(StoreError::Quota { needed, bytes_max });
            }
        }
        self.counts.insert(collection, before);
        Ok(plan)
    }

    fn apply(
        &mut self,
        connection: &Connection,
        collection: u64,
        batch: &Batch,
        plan: Plan,
    ) -> Result<Vec<Serial>, StoreError> {
        let write = |error: rusqlite::Error| refused("be changed", &error);
        let sums = self.shared.sums;
        for row in &plan.removes {
            self.remove_row(connection, row)?;
        }
        for (before, after) in &plan.heads {
            remove_labels(connection, before, self.shared).map_err(write)?;
            after.write_head(connection, sums).map_err(write)?;
            add_labels(connection, after, self.shared).map_err(write)?;
            if let Some(counts) = self.counts.get_mut(&collection) {
                counts.subtract(before.charge, before.digest(sums));
                counts.add(after.charge, after.digest(sums));
            }
        }
        let mut serials = Vec::with_capacity(batch.inserts.len());
        for entry in &batch.inserts {
            let serial = self.next_serial;
            self.next_serial = self.next_serial.saturating_add(1);
            serials.push(Serial(serial));
            let since = entry.since.unwrap_or(self.last_purge).0;
            if since < self.store.floor {
                // What was purged since is no longer known: as if it had been hit.
                if entry.body.inline().is_none() {
                    self.done.dead.push(DeadBody {
                        body: entry.body.body(),
                        bytes: entry.body.len(),
                    });
                }
                continue;
            }
            let row = EntryRow::new(entry, serial, collection, since, sums);
            row.write(
                connection,
                sums,
                entry.body.inline().map(|bytes| &bytes[..]),
            )
            .map_err(write)?;
            add_labels(connection, &row, self.shared).map_err(write)?;
            if row.body != 0 {
                self.folders
                    .insert(folder_of(&self.shared.folder, row.body));
            }
            self.adds.push((row.hash, serial));
            if let Some(counts) = self.counts.get_mut(&collection) {
                counts.add(row.charge, row.digest(sums));
            }
        }
        Ok(serials)
    }

    /// Refuses unless precisely these entries are under the id.
    fn expect(
        &self,
        connection: &Connection,
        collection: u64,
        id: &Bytes,
        expected: &[Serial],
    ) -> Result<(), StoreError> {
        let hash = self.shared.sums.place(collection, id);
        let mut found = self.shared.index().serials(hash);
        found.retain(|serial| !self.removes.contains(&(hash, *serial)));
        let new = self.adds.iter().filter(|(own, _)| *own == hash);
        found.extend(new.map(|(_, serial)| *serial));
        if found
            .iter()
            .copied()
            .map(Serial)
            .eq(expected.iter().copied())
        {
            return Ok(());
        }
        // The index has entries that nobody finds: of ids with the same hash, and purged ones.
        let mut good = Vec::new();
        for serial in found {
            let Some(row) = self.row(connection, Serial(serial), collection)? else {
                continue;
            };
            let standing = self.standing(&row);
            if row.id == id && standing != Standing::Gone {
                good.push(Serial(serial));
            }
        }
        match good == expected {
            true => Ok(()),
            false => Err(StoreError::Changed),
        }
    }

    fn standing(&self, row: &EntryRow) -> Standing {
        self.shared
            .purges()
            .standing(&decode(&row.labels), Sequence(row.since))
    }

    /// The row of an entry, if it is there and of this collection.
    fn row(
        &self,
        connection: &Connection,
        serial: Serial,
        collection: u64,
    ) -> Result<Option<EntryRow>, StoreError> {
        let found = EntryRow::find(connection, serial.0, self.shared.sums);
        let Some((row, fits)) = found.map_err(|error| refused("be read", &error))? else {
            return Ok(None);
        };
        if !fits && self.shared.contract == Contract::Durable {
            let why = "its row does not match its checksum";
            return Err(corrupt(format!("entry {} in the catalog", serial.0), why));
        }
        Ok((row.collection == collection).then_some(row))
    }

    fn with_head(&self, row: &EntryRow, change: &NewHead) -> EntryRow {
        EntryRow {
            charge: charge(
                &row.id,
                &change.head,
                &change.labels,
                row.body_bytes,
                row.padding,
            ),
            since: change.since.unwrap_or(self.last_purge).0,
            labels: encode(&change.labels),
            head: change.head.clone(),
            ..row.clone()
        }
    }

    /// Removes an entry, of whatever collection; `only_before`: if it was put before that purge, and
    /// bears that label. Says whether it was removed.
    pub(super) fn remove(
        &mut self,
        connection: &Connection,
        serial: u64,
        only_before: Option<(Sequence, Option<&Bytes>)>,
    ) -> Result<bool, StoreError> {
        let found = EntryRow::find(connection, serial, self.shared.sums);
        let Some((row, _)) = found.map_err(|error| refused("be read", &error))? else {
            return Ok(false);
        };
        if let Some((sequence, label)) = only_before {
            let hit = label.is_none_or(|label| decode(&row.labels).contains(label));
            if row.since >= sequence.0 || !hit {
                return Ok(false);
            }
        }
        if let Some(counts) = self.counts(row.collection) {
            self.counts.insert(row.collection, counts);
        }
        self.remove_row(connection, &row)?;
        Ok(true)
    }

    fn remove_row(&mut self, connection: &Connection, row: &EntryRow) -> Result<(), StoreError> {
        let write = |error: rusqlite::Error| refused("be changed", &error);
        remove_labels(connection, row, self.shared).map_err(write)?;
        let sql = "DELETE FROM entries WHERE serial = ?";
        let mut statement = connection.prepare_cached(sql).map_err(write)?;
        statement.execute([number(row.serial)]).map_err(write)?;
        self.removes.insert((row.hash, row.serial));
        if row.body != 0 {
            self.done.dead.push(DeadBody {
                body: row.body,
                bytes: row.body_bytes,
            });
        }
        if let Some(counts) = self.counts.get_mut(&row.collection) {
            counts.subtract(row.charge, row.digest(self.shared.sums));
        }
        Ok(())
    }

    /// Writes a line into the log of purges.
    pub(super) fn purge(
        &mut self,
        connection: &Connection,
        purge: &Purge,
    ) -> Result<(), StoreError> {
        let sequence = Sequence(self.last_purge.0 + 1);
        let sum = purge_sum(self.shared.sums, sequence, purge);
        let sql = "INSERT INTO purges VALUES (?, ?, ?, 0, ?)";
        let written = connection.prepare_cached(sql).and_then(|mut statement| {
            statement.execute(params![
                number(sequence.0),
                purge.label.as_deref(),
                purge.soft,
                number(sum)
            ])
        });
        written.map_err(|error| refused("log a purge", &error))?;
        self.store.purges = self.store.purges.wrapping_add(sum);
        self.last_purge = sequence;
        self.purges.push((sequence, purge.clone()));
        self.done.outcomes.push(Outcome::Sequence(sequence));
        Ok(())
    }

    /// A line of the log was deleted: what was asked for before it is not put any more.
    pub(super) fn forget(&mut self, sequence: Sequence, purge: &Purge) {
        let sum = purge_sum(self.shared.sums, sequence, purge);
        self.store.purges = self.store.purges.wrapping_sub(sum);
        self.store.floor = self.store.floor.max(sequence.0);
    }

    pub(super) fn sums(&self) -> Sums {
        self.shared.sums
    }

    /// What a collection comes to, this group included; `None`: nobody can use it.
    fn counts(&self, collection: u64) -> Option<Counts> {
        if let Some(counts) = self.counts.get(&collection) {
            return Some(*counts);
        }
        let collections = self.shared.collections();
        collections
            .by_id
            .get(&collection)
            .map(|kept| kept.row.counts)
    }

    /// Bytes that the space of a collection counts, this group included.
    fn space_bytes(&self, collection: u64) -> u64 {
        let collections = self.shared.collections();
        let Some(kept) = collections.by_id.get(&collection) else {
            return 0;
        };
        let space = &kept.row.space;
        let committed = collections.spaces.get(space).map_or(0, |usage| usage.bytes);
        let mut bytes = committed;
        for (id, counts) in &self.counts {
            if let Some(kept) = collections.by_id.get(id)
                && kept.row.space == space
            {
                let before = kept.row.counts.bytes;
                bytes = bytes.wrapping_add(counts.bytes).wrapping_sub(before);
            }
        }
        bytes
    }

    /// Writes what goes with the changes.
    pub(super) fn finish(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let write = |error: rusqlite::Error| refused("be changed", &error);
        {
            let collections = self.shared.collections();
            for (id, counts) in &self.counts {
                if let Some(kept) = collections.by_id.get(id) {
                    let mut row = kept.row.clone();
                    row.counts = *counts;
                    row.write(connection, self.shared.sums).map_err(write)?;
                }
            }
        }
        self.store.write(connection).map_err(write)
    }

    /// Shows what was committed.
    pub(super) fn show(&mut self, shared: &Shared) {
        // First, so that nothing that was hit is found when the purge is acknowledged.
        if !self.purges.is_empty() {
            let mut purges = shared.purges_mut();
            for (sequence, purge) in &self.purges {
                purges.add(*sequence, purge);
            }
        }
        if self.store.floor > self.floor_before {
            shared.purges_mut().forget(Sequence(self.store.floor));
        }
        let mut index = shared.index_mut();
        for (hash, serial) in &self.adds {
            index.add(*hash, *serial);
        }
        for (hash, serial) in &self.removes {
            index.remove(*hash, *serial);
        }
        drop(index);
        let mut collections = shared.collections();
        for (id, counts) in &self.counts {
            if let Some(kept) = collections.by_id.get(id) {
                let mut row = kept.row.clone();
                row.counts = *counts;
                collections.update(row);
            }
        }
    }
}

/// The sum of a line in the log of purges.
pub(super) fn purge_sum(sums: Sums, sequence: Sequence, purge: &Purge) -> u64 {
    let label = purge.label.as_deref().unwrap_or_default();
    let numbers = [
        sequence.0,
        u64::from(purge.soft),
        u64::from(purge.label.is_some()),
    ];
    sums.row(&numbers, &[label])
}

fn add_labels(connection: &Connection, row: &EntryRow, shared: &Shared) -> rusqlite::Result<()> {
    each_label(row, shared, |label| {
        let sql = "INSERT OR IGNORE INTO labels VALUES (?, ?)";
        connection
            .prepare_cached(sql)?
            .execute([number(label), number(row.serial)])
    })
}

fn remove_labels(connection: &Connection, row: &EntryRow, shared: &Shared) -> rusqlite::Result<()> {
    each_label(row, shared, |label| {
        let sql = "DELETE FROM labels WHERE label = ? AND serial = ?";
        connection
            .prepare_cached(sql)?
            .execute([number(label), number(row.serial)])
    })
}

fn each_label(
    row: &EntryRow,
    shared: &Shared,
    mut each: impl FnMut(u64) -> rusqlite::Result<usize>,
) -> rusqlite::Result<()> {
    for label in decode(&row.labels) {
        each(shared.sums.label(&label))?;
    }
    Ok(())
}
