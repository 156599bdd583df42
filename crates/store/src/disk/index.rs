//! What is there, in memory: so that a miss costs no I/O, and a hit one row.
//!
//! Ids are kept as hashes of 64 bits; the row has the id itself, so two ids that fall together cost
//! a look and nothing else. A slot has 24 bytes, its place in the table 5 to 10.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use hashbrown::HashTable;

/// All entries by the hash of collection and id.
#[derive(Debug, Default)]
pub(super) struct Index {
    slots: Vec<Slot>,
    by_hash: HashTable<u32>,
    /// Rises with each use: how long ago was a slot used?
    clock: AtomicU32,
    /// Where the next samples are taken.
    hand: u64,
}

#[derive(Debug)]
struct Slot {
    hash: u64,
    serial: u64,
    /// The clock at its last use.
    used: AtomicU32,
}

impl Index {
    pub(super) fn with_capacity(entries: usize) -> Self {
        Self {
            slots: Vec::with_capacity(entries),
            by_hash: HashTable::with_capacity(entries),
            ..Self::default()
        }
    }

    /// Serials under this hash, rising; they count as used.
    pub(super) fn serials(&self, hash: u64) -> Vec<u64> {
        let found = self.by_hash.iter_hash(hash);
        let mut serials: Vec<u64> = found
            .map(|at| &self.slots[*at as usize])
            .filter(|slot| slot.hash == hash)
            .map(|slot| {
                slot.used.store(self.clock.fetch_add(1, Relaxed), Relaxed);
                slot.serial
            })
            .collect();
        serials.sort_unstable();
        serials
    }

    /// Is something under this hash? That counts as a use of it.
    pub(super) fn contains(&self, hash: u64) -> bool {
        let is_it = |at: &u32| self.slots[*at as usize].hash == hash;
        let found = self.by_hash.find(hash, is_it);
        if let Some(at) = found {
            let used = &self.slots[*at as usize].used;
            used.store(self.clock.fetch_add(1, Relaxed), Relaxed);
        }
        found.is_some()
    }

    pub(super) fn contains_serial(&self, hash: u64, serial: u64) -> bool {
        let is_it = |at: &u32| self.slots[*at as usize].serial == serial;
        self.by_hash.find(hash, is_it).is_some()
    }

    /// Adds an entry, if the table has room for it: there are at most 2^32.
    pub(super) fn add(&mut self, hash: u64, serial: u64) {
        let Ok(at) = u32::try_from(self.slots.len()) else {
            return;
        };
        let used = AtomicU32::new(self.clock.fetch_add(1, Relaxed));
        self.slots.push(Slot { hash, serial, used });
        let Self { slots, by_hash, .. } = self;
        by_hash.insert_unique(hash, at, |at| slots[*at as usize].hash);
    }

    pub(super) fn remove(&mut self, hash: u64, serial: u64) {
        let Self { slots, by_hash, .. } = self;
        let Ok(found) = by_hash.find_entry(hash, |at| slots[*at as usize].serial == serial) else {
            return;
        };
        let (at, _) = found.remove();
        slots.swap_remove(at as usize);
        // The last slot took its place.
        let moved_from = slots.len() as u32;
        if let Some(moved) = slots.get(at as usize)
            && let Some(place) = by_hash.find_mut(moved.hash, |at| *at == moved_from)
        {
            *place = at;
        }
    }

    /// Serials that were used long ago, but for those in `gone`: of each sample the one that was not
    /// used for the longest time. None only if there are none.
    pub(super) fn least_used(&mut self, count: usize, gone: &HashSet<(u64, u64)>) -> Vec<u64> {
        let now = self.clock.load(Relaxed);
        let age = |slot: &&Slot| now.wrapping_sub(slot.used.load(Relaxed));
        let there = |slot: &&Slot| !gone.contains(&(slot.hash, slot.serial));
        let mut found = Vec::new();
        for _ in 0..count.min(self.slots.len()) {
            let sample = (0..SAMPLE).filter_map(|_| {
                // Weyl's sequence: every slot gets its turn.
                self.hand = self.hand.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let at = (u128::from(self.hand) * self.slots.len() as u128) >> 64;
                self.slots.get(at as usize)
            });
            let oldest = sample.filter(there).max_by_key(age);
            found.extend(oldest.map(|slot| slot.serial));
        }
        if found.is_empty() {
            let oldest = self.slots.iter().filter(there).max_by_key(age);
            found.extend(oldest.map(|slot| slot.serial));
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Slots of which the one that was not used for the longest time goes.
const SAMPLE: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_by_hash_whatever_was_removed_before() {
        let mut index = Index::default();
        for serial in 0..1000 {
            index.add(serial / 2, serial); // two of each hash
        }
        for serial in (0..1000).filter(|serial| serial % 3 == 0) {
            index.remove(serial / 2, serial);
            index.remove(serial / 2, serial);
        }
        for serial in 0..1000 {
            let kept = serial % 3 != 0;
            assert_eq!(index.contains_serial(serial / 2, serial), kept, "{serial}");
            assert_eq!(
                index.serials(serial / 2).contains(&serial),
                kept,
                "{serial}"
            );
        }
        assert_eq!(index.slots.len(), 666);
        assert!(!index.contains(500));
    }

    #[test]
    fn what_was_used_lately_is_spared() {
        let mut index = Index::default();
        for serial in 0..1000 {
            index.add(serial, serial);
        }
        for serial in 0..500 {
            index.serials(serial);
        }
        let victims = index.least_used(100, &HashSet::new());
        let lately = victims.iter().filter(|serial| **serial < 500).count();
        assert!(victims.len() > 50 && lately == 0, "{lately} of {victims:?}");
        let gone = (1..1000).map(|serial| (serial, serial)).collect();
        assert_eq!(index.least_used(100, &gone), [0]);
    }
}
