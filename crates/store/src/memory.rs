//! The twin without a disk: the same answers, gone with the process.
//!
//! One lock over everything, held for the length of a step: it is for tests and small things.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::StoreError;
use crate::backend::{Backend, CollectionId, Pending, ready};
use crate::batch::Batch;
use crate::body::Body;
use crate::entry::{Entry, Head, Serial, charge};
use crate::purge::{Purge, Sequence, Standing, Watermarks};
use crate::staging::Staging;
use crate::store::{Contract, Report, Usage};

/// A store in memory.
pub(crate) struct Memory {
    contract: Contract,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    collections: BTreeMap<CollectionId, Kept>,
    last_collection: CollectionId,
    last_serial: u64,
    /// Rises with every name that is given.
    last_named: u64,
    purges: Watermarks,
    closed: bool,
}

#[derive(Default)]
struct Kept {
    space: Bytes,
    /// Its name, and its place in the order of names.
    name: Option<(Bytes, u64)>,
    holds: usize,
    entries: BTreeMap<Serial, Entry>,
    by_id: HashMap<Bytes, Vec<Serial>>,
    bytes: u64,
}

impl Memory {
    pub(crate) fn new(contract: Contract) -> Self {
        Self {
            contract,
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One step on a store that is open.
    fn step<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut State) -> Result<T, StoreError>,
    ) -> Pending<T> {
        let mut state = self.lock();
        ready(match state.closed {
            true => Err(StoreError::Closed),
            false => step(&mut state),
        })
    }
}

impl State {
    fn kept(&mut self, collection: CollectionId) -> Result<&mut Kept, StoreError> {
        let kept = self.collections.get_mut(&collection);
        kept.ok_or(StoreError::NoCollection)
    }

    fn named(&self, space: &[u8], name: &[u8]) -> Option<CollectionId> {
        let is_it = |kept: &Kept| {
            kept.space == space && kept.name.as_ref().is_some_and(|(own, _)| own == name)
        };
        let found = self.collections.iter().find(|(_, kept)| is_it(kept));
        found.map(|(id, _)| *id)
    }

    fn create(&mut self, space: Bytes, name: Option<Bytes>) -> CollectionId {
        self.last_collection += 1;
        self.last_named += 1;
        let kept = Kept {
            space,
            name: name.map(|name| (name, self.last_named)),
            holds: 1,
            ..Kept::default()
        };
        self.collections.insert(self.last_collection, kept);
        self.last_collection
    }

    fn drop_unused(&mut self, id: CollectionId) {
        let unused = |kept: &Kept| kept.holds == 0 && kept.name.is_none();
        if self.collections.get(&id).is_some_and(unused) {
            self.collections.remove(&id);
        }
    }

    fn space_bytes(&self, space: &[u8]) -> u64 {
        let of_it = self.collections.values().filter(|kept| kept.space == space);
        of_it.map(|kept| kept.bytes).sum()
    }

    fn commit(
        &mut self,
        collection: CollectionId,
        batch: Batch,
    ) -> Result<Vec<Serial>, StoreError> {
        let now = self.purges.last();
        let kept = self
            .collections
            .get(&collection)
            .ok_or(StoreError::NoCollection)?;
        if batch
            .inserts
            .iter()
            .any(|entry| entry.body.inline().is_none())
        {
            return Err(StoreError::NoCollection); // staged by a store on disk
        }
        for (id, expected) in &batch.expects {
            let found = kept.by_id.get(id).map_or(&[][..], Vec::as_slice);
            if found != expected {
                return Err(StoreError::Changed);
            }
        }
        if let Some(bytes_max) = batch.space_bytes_max {
            let before = self.space_bytes(&kept.space);
            let needed = (before + kept.bytes_after(&batch)).saturating_sub(kept.bytes);
            if needed > bytes_max && needed > before {
                return Err(StoreError::Quota { needed, bytes_max });
            }
        }
        let mut last_serial = self.last_serial;
        let kept = self.kept(collection)?;
        for serial in batch.removes {
            kept.remove(serial);
        }
        for change in batch.heads {
            if let Some(entry) = kept.entries.get_mut(&change.serial) {
                kept.bytes -= charge_of(entry);
                entry.head = change.head;
                entry.labels = change.labels;
                entry.since = change.since.unwrap_or(now);
                kept.bytes += charge_of(entry);
            }
        }
        let mut serials = Vec::with_capacity(batch.inserts.len());
        for new in batch.inserts {
            last_serial += 1;
            let serial = Serial(last_serial);
            serials.push(serial);
            kept.insert(Entry {
                serial,
                id: new.id,
                head: new.head,
                labels: new.labels,
                body: Body::memory(new.body.inline().cloned().unwrap_or_default()),
                padding: new.padding,
                since: new.since.unwrap_or(now),
                stale: false,
            });
        }
        self.last_serial = last_serial;
        Ok(serials)
    }

    /// What of these entries is still good.
    fn judged<'a>(&self, entries: impl Iterator<Item = &'a Entry>) -> Vec<Entry> {
        let judge = |entry: &Entry| {
            let standing = self.purges.standing(&entry.labels, entry.since);
            let stale = standing == Standing::Stale;
            (standing != Standing::Gone).then(|| Entry {
                stale,
                ..entry.clone()
            })
        };
        entries.filter_map(judge).collect()
    }
}

impl Kept {
    fn insert(&mut self, entry: Entry) {
        self.bytes += charge_of(&entry);
        let same = self.by_id.entry(entry.id.clone()).or_default();
        same.push(entry.serial);
        self.entries.insert(entry.serial, entry);
    }

    fn remove(&mut self, serial: Serial) {
        let Some(entry) = self.entries.remove(&serial) else {
            return;
        };
        self.bytes -= charge_of(&entry);
        if let Some(same) = self.by_id.get_mut(&entry.id) {
            same.retain(|other| *other != serial);
            if same.is_empty() {
                self.by_id.remove(&entry.id);
            }
        }
    }

    /// What the collection would count after the batch.
    fn bytes_after(&self, batch: &Batch) -> u64 {
        let mut charges: HashMap<Serial, u64> = HashMap::new();
        let now = |serial: &Serial| self.entries.get(serial).map_or(0, charge_of);
        for serial in &batch.removes {
            charges.insert(*serial, 0);
        }
        for change in &batch.heads {
            if let Some(entry) = self.entries.get(&change.serial)
                && !batch.removes.contains(&change.serial)
            {
                let bytes = charge(
                    &entry.id,
                    &change.head,
                    &change.labels,
                    entry.body.len(),
                    entry.padding,
                );
                charges.insert(change.serial, bytes);
            }
        }
        let before: u64 = charges.keys().map(now).sum();
        let after: u64 = charges.values().sum();
        let new: u64 = batch.inserts.iter().map(|entry| entry.charge()).sum();
        self.bytes - before + after + new
    }
}

fn charge_of(entry: &Entry) -> u64 {
    charge(
        &entry.id,
        &entry.head,
        &entry.labels,
        entry.body.len(),
        entry.padding,
    )
}

impl Backend for Memory {
    fn contract(&self) -> Contract {
        self.contract
    }

    fn open(&self, space: Bytes, name: Bytes, create: bool) -> Pending<Option<CollectionId>> {
        self.step(|state| {
            if let Some(id) = state.named(&space, &name) {
                state.kept(id)?.holds += 1;
                return Ok(Some(id));
            }
            Ok(create.then(|| state.create(space, Some(name))))
        })
    }

    fn create_unnamed(&self, space: Bytes) -> Pending<CollectionId> {
        self.step(|state| Ok(state.create(space, None)))
    }

    fn release(&self, collection: CollectionId) {
        let mut state = self.lock();
        if let Ok(kept) = state.kept(collection) {
            kept.holds -= 1;
        }
        state.drop_unused(collection);
    }

    fn publish(&self, collection: CollectionId, name: Bytes) -> Pending<()> {
        self.step(|state| {
            let space = state.kept(collection)?.space.clone();
            let earlier = state.named(&space, &name);
            if earlier == Some(collection) {
                return Ok(());
            }
            if let Some(earlier) = earlier {
                state.kept(earlier)?.name = None;
                state.drop_unused(earlier);
            }
            state.last_named += 1;
            let place = state.last_named;
            state.kept(collection)?.name = Some((name, place));
            Ok(())
        })
    }

    fn delete(&self, space: Bytes, name: Bytes) -> Pending<bool> {
        self.step(|state| {
            let Some(id) = state.named(&space, &name) else {
                return Ok(false);
            };
            state.kept(id)?.name = None;
            state.drop_unused(id);
            Ok(true)
        })
    }

    fn names(&self, space: &[u8]) -> Vec<Bytes> {
        let state = self.lock();
        let of_it = state
            .collections
            .values()
            .filter(|kept| kept.space == space);
        let mut names: Vec<_> = of_it.filter_map(|kept| kept.name.clone()).collect();
        names.sort_by_key(|(_, place)| *place);
        names.into_iter().map(|(name, _)| name).collect()
    }

    fn spaces(&self) -> Vec<Bytes> {
        let state = self.lock();
        let named = state
            .collections
            .values()
            .filter(|kept| kept.name.is_some());
        let mut spaces: Vec<_> = named.map(|kept| kept.space.clone()).collect();
        spaces.sort();
        spaces.dedup();
        spaces
    }

    fn usage(&self, space: Option<&[u8]>) -> Usage {
        let state = self.lock();
        let counted = |kept: &&Kept| space.is_none_or(|space| kept.space == space);
        let of_it = state.collections.values().filter(counted);
        of_it.fold(Usage::default(), |usage, kept| Usage {
            bytes: usage.bytes + kept.bytes,
            entries: usage.entries + kept.entries.len() as u64,
        })
    }

    fn usage_of(&self, collection: CollectionId) -> Usage {
        let state = self.lock();
        let kept = state.collections.get(&collection);
        kept.map_or_else(Usage::default, |kept| Usage {
            bytes: kept.bytes,
            entries: kept.entries.len() as u64,
        })
    }

    fn may_have(&self, collection: CollectionId, id: &[u8]) -> bool {
        let state = self.lock();
        // A store that was closed says so in `find`.
        let kept = state.collections.get(&collection);
        state.closed || kept.is_none_or(|kept| kept.by_id.contains_key(id))
    }

    fn find(&self, collection: CollectionId, id: Bytes) -> Pending<Vec<Entry>> {
        self.step(|state| {
            let kept = state
                .collections
                .get(&collection)
                .ok_or(StoreError::NoCollection)?;
            let serials = kept.by_id.get(&id).into_iter().flatten();
            Ok(state.judged(serials.filter_map(|serial| kept.entries.get(serial))))
        })
    }

    fn list(&self, collection: CollectionId) -> Pending<Vec<Entry>> {
        self.step(|state| {
            let kept = state
                .collections
                .get(&collection)
                .ok_or(StoreError::NoCollection)?;
            Ok(state.judged(kept.entries.values()))
        })
    }

    fn find_serials(&self, collection: CollectionId, serials: Vec<Serial>) -> Pending<Vec<Entry>> {
        self.step(|state| {
            let kept = state
                .collections
                .get(&collection)
                .ok_or(StoreError::NoCollection)?;
            Ok(state.judged(serials.iter().filter_map(|serial| kept.entries.get(serial))))
        })
    }

    fn heads(&self, collection: CollectionId) -> Pending<Vec<Head>> {
        self.step(|state| {
            let kept = state
                .collections
                .get(&collection)
                .ok_or(StoreError::NoCollection)?;
            let head = |entry: Entry| Head {
                serial: entry.serial,
                id: entry.id,
                head: entry.head,
                labels: entry.labels,
                body_bytes: entry.body.len(),
                stale: entry.stale,
            };
            Ok(state
                .judged(kept.entries.values())
                .into_iter()
                .map(head)
                .collect())
        })
    }

    fn check(&self) -> Pending<Report> {
        self.step(|state| {
            let entries = || {
                state
                    .collections
                    .values()
                    .flat_map(|kept| kept.entries.values())
            };
            Ok(Report {
                entries: entries().count() as u64,
                bytes: entries().map(|entry| entry.body.len()).sum(),
                ..Report::default()
            })
        })
    }

    fn commit(&self, collection: CollectionId, batch: Batch) -> Pending<Vec<Serial>> {
        self.step(|state| state.commit(collection, batch))
    }

    fn stage(&self, bytes_max: u64) -> Staging {
        Staging::memory(bytes_max)
    }

    fn purge(&self, purge: Purge) -> Pending<Sequence> {
        self.step(|state| {
            let sequence = Sequence(state.purges.last().0 + 1);
            state.purges.add(sequence, &purge);
            if !purge.soft {
                let State {
                    collections,
                    purges,
                    ..
                } = state;
                for kept in collections.values_mut() {
                    let gone = |entry: &&Entry| {
                        purges.standing(&entry.labels, entry.since) == Standing::Gone
                    };
                    let gone: Vec<Serial> = kept
                        .entries
                        .values()
                        .filter(gone)
                        .map(|entry| entry.serial)
                        .collect();
                    gone.into_iter().for_each(|serial| kept.remove(serial));
                }
            }
            Ok(sequence)
        })
    }

    fn sequence(&self) -> Sequence {
        self.lock().purges.last()
    }

    fn close(&self) -> Pending<()> {
        self.lock().closed = true;
        ready(Ok(()))
    }
}
