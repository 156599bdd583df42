//! Where responses are kept: ids and bytes, no HTTP.
//!
//! An id is a request key in bytes; under it lie the variants that were negotiated. A store may
//! lose anything at any time: that is a miss.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};

/// What a store keeps under an id.
pub(super) trait Kept: Send + Sync + 'static {
    /// How many bytes of memory it takes.
    fn weight(&self) -> u64;
    /// Gives up the least worthy part, and says whether something is left.
    fn shrink(self: Arc<Self>) -> Option<Arc<Self>>;
}

/// A store in memory, weighed by bytes, which throws out what is used least.
pub(super) struct Memory<V: Kept> {
    cache: Cache<Bytes, Arc<V>, ByBytes, RandomState, DefaultLifecycle<Bytes, Arc<V>>>,
    slots: Arc<[Slot]>,
    /// Rises when everything, or a part of it that no id names, is thrown out.
    purges: AtomicU64,
    hasher: RandomState,
}

/// Ids by the remainder of their hash. Read, change and write of one id are one: under this lock.
#[derive(Default)]
struct Slot(Mutex<HashMap<u64, Underway>>);

/// Trips to the origin for the ids of one hash.
#[derive(Default)]
struct Underway {
    trips: usize,
    /// How often the id was thrown out meanwhile.
    purges: u64,
}

/// What was there when a trip to the origin began: if anything was thrown out since that it might
/// bring back, it is not kept.
pub(super) struct Epoch {
    slots: Arc<[Slot]>,
    hash: u64,
    /// Counts at the beginning, of this id and of everything.
    purges: (u64, u64),
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Underway>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Epoch {
    fn drop(&mut self) {
        let mut slot = slot(&self.slots, self.hash).lock();
        if let Some(underway) = slot.get_mut(&self.hash) {
            underway.trips -= 1;
            if underway.trips == 0 {
                slot.remove(&self.hash);
            }
        }
    }
}

#[derive(Clone)]
struct ByBytes;

impl<V: Kept> Weighter<Bytes, Arc<V>> for ByBytes {
    fn weight(&self, id: &Bytes, value: &Arc<V>) -> u64 {
        id.len() as u64 + value.weight() + PER_ENTRY
    }
}

impl<V: Kept> Memory<V> {
    /// Room for `bytes_max` bytes, of which one entry may be `entry_bytes_max`.
    pub(super) fn new(bytes_max: u64, entry_bytes_max: u64) -> Self {
        // A shard is bounded by itself, and must have room for the largest entry.
        let shards = (bytes_max / entry_bytes_max.max(1)).clamp(1, SHARDS_MAX);
        let shards = 1 << shards.ilog2();
        let hasher = RandomState::new();
        let items = usize::try_from(bytes_max / WEIGHT_ASSUMED).unwrap_or(usize::MAX);
        let options = OptionsBuilder::new()
            .shards(shards)
            .estimated_items_capacity(items.clamp(1024, ITEMS_ASSUMED_MAX))
            .weight_capacity(bytes_max)
            .build()
            .unwrap_or_else(|error| unreachable!("all options are given: {error}"));
        let cache = Cache::with_options(
            options,
            ByBytes,
            hasher.clone(),
            DefaultLifecycle::default(),
        );
        Self {
            cache,
            slots: (0..SLOTS).map(|_| Slot::default()).collect(),
            purges: AtomicU64::new(0),
            hasher,
        }
    }

    /// What is kept under `id`.
    pub(super) fn get(&self, id: &Bytes) -> Option<Arc<V>> {
        self.cache.get(id)
    }

    /// The state before a trip to the origin, which is over when this is dropped.
    pub(super) fn epoch(&self, id: &Bytes) -> Epoch {
        let hash = self.hash(id);
        let mut slot = slot(&self.slots, hash).lock();
        let underway = slot.entry(hash).or_default();
        underway.trips += 1;
        Epoch {
            slots: self.slots.clone(),
            hash,
            purges: (underway.purges, self.purges.load(SeqCst)),
        }
    }

    /// Replaces what is kept under `id` by what `change` makes of it, unless something was thrown
    /// out since `epoch`. Says whether it was done.
    pub(super) fn update(
        &self,
        id: &Bytes,
        epoch: &Epoch,
        change: impl FnOnce(Option<Arc<V>>) -> Option<Arc<V>>,
    ) -> bool {
        let slot = slot(&self.slots, epoch.hash).lock();
        let purges = slot.get(&epoch.hash).map_or(0, |underway| underway.purges);
        if (purges, self.purges.load(SeqCst)) != epoch.purges {
            return false;
        }
        let mut next = change(self.cache.get(id));
        while let Some(value) = next {
            if ByBytes.weight(id, &value) <= self.cache.shard_capacity() {
                // An id that came by a connection's buffer would keep all of that alive.
                self.cache.insert(Bytes::copy_from_slice(id), value);
                return true;
            }
            next = value.shrink();
        }
        self.cache.remove(id);
        false
    }

    /// Throws out what is kept under `id`, and what is on its way there.
    pub(super) fn remove(&self, id: &Bytes) -> bool {
        let hash = self.hash(id);
        let mut slot = slot(&self.slots, hash).lock();
        if let Some(underway) = slot.get_mut(&hash) {
            underway.purges += 1;
        }
        self.cache.remove(id).is_some()
    }

    /// The ids of what is kept and `wanted`, also of what is being put in this moment. Looks at each
    /// entry.
    pub(super) fn ids(&self, wanted: impl Fn(&Arc<V>) -> bool) -> Vec<Bytes> {
        self.wait_for_puts();
        let all = self.cache.iter();
        all.filter_map(|(id, value)| wanted(&value).then_some(id))
            .collect()
    }

    /// Whoever began to put before this is done with it after.
    fn wait_for_puts(&self) {
        for slot in &*self.slots {
            drop(slot.lock());
        }
    }

    /// Throws out what `wanted` does not want, and everything that is on its way. Looks at each
    /// entry: for purges by hand.
    pub(super) fn retain(&self, wanted: impl Fn(&Bytes, &Arc<V>) -> bool) -> usize {
        // First of all, so that what is put from now on is put after the purge.
        self.purges.fetch_add(1, SeqCst);
        self.wait_for_puts();
        let before = self.cache.len();
        self.cache.retain(wanted);
        before.saturating_sub(self.cache.len())
    }

    /// Bytes that are kept, and entries.
    pub(super) fn size(&self) -> (u64, usize) {
        (self.cache.weight(), self.cache.len())
    }

    fn hash(&self, id: &Bytes) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(id);
        hasher.finish()
    }
}

fn slot(slots: &[Slot], hash: u64) -> &Slot {
    // The remainder is below `SLOTS`, which is how many there are.
    &slots[(hash % SLOTS) as usize]
}

/// Memory of an entry beside id and value: the tables, two counts, and what the allocator adds.
const PER_ENTRY: u64 = 160;
const SHARDS_MAX: u64 = 64;
const SLOTS: u64 = 256;
const WEIGHT_ASSUMED: u64 = 4096;
/// The tables for more grow when they are needed.
const ITEMS_ASSUMED_MAX: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    struct Block(u64);

    impl Kept for Block {
        fn weight(&self) -> u64 {
            self.0
        }
        fn shrink(self: Arc<Self>) -> Option<Arc<Self>> {
            (self.0 > 1000).then(|| Arc::new(Self(1000)))
        }
    }

    fn put(memory: &Memory<Block>, id: &'static str, bytes: u64) -> bool {
        let id = Bytes::from_static(id.as_bytes());
        let epoch = memory.epoch(&id);
        memory.update(&id, &epoch, |_| Some(Arc::new(Block(bytes))))
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let memory = Memory::new(100_000, 10_000);
        for number in 0..1000u32 {
            let id = Bytes::from(number.to_be_bytes().to_vec());
            let epoch = memory.epoch(&id);
            memory.update(&id, &epoch, |_| Some(Arc::new(Block(5000))));
            assert!(memory.size().0 <= 100_000);
        }
        assert!(memory.size().1 > 5);
    }

    #[test]
    fn what_is_too_large_gives_up_a_part_and_keeps_the_rest() {
        let memory = Memory::new(50_000, 50_000);
        assert!(put(&memory, "a", 100_000));
        assert_eq!(memory.get(&"a".into()).unwrap().0, 1000);
    }

    #[test]
    fn what_was_thrown_out_meanwhile_is_not_brought_back() {
        let memory: Memory<Block> = Memory::new(50_000, 50_000);
        let id = Bytes::from_static(b"a");
        let remove = || memory.remove(&id);
        let retain = || memory.retain(|_, _| true) > 0;
        let purges: [&dyn Fn() -> bool; 2] = [&remove, &retain];
        for purge in purges {
            let epoch = memory.epoch(&id);
            purge();
            assert!(!memory.update(&id, &epoch, |_| Some(Arc::new(Block(1)))));
            assert!(memory.get(&id).is_none());
        }
        let other = Bytes::from_static(b"b");
        let epoch = memory.epoch(&id);
        memory.remove(&other);
        assert!(memory.update(&id, &epoch, |_| Some(Arc::new(Block(1)))));
        drop(epoch);
        assert!(memory.slots.iter().all(|slot| slot.lock().is_empty()));
    }
}
