//! Admission: was this id asked for before, not long ago?
//!
//! Most of what a cache sees is asked for once. What comes to the disk only at its second use costs
//! no writes for that. The memory of first uses is small and forgets by halves: two sets of hashes,
//! of which the older is dropped when the newer is full.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

/// Remembers ids that were seen once. Share it behind an `Arc`.
#[derive(Debug)]
pub struct Doorkeeper {
    seen: Mutex<[HashSet<u32>; 2]>,
    hasher: RandomState,
    per_set: usize,
}

impl Doorkeeper {
    /// Remembers the last `ids` to two times as many; about 12 bytes each.
    pub fn new(ids: usize) -> Self {
        Self {
            seen: Mutex::default(),
            hasher: RandomState::new(),
            per_set: ids.max(1),
        }
    }

    /// Whether `id` was seen before; from now on it was. Of 4 billion ids one may be taken for another.
    pub fn seen_before(&self, id: &[u8]) -> bool {
        let [low, high] = split(self.hasher.hash_one(id));
        let hash = low ^ high.rotate_left(16);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let [newer, older] = &mut *seen;
        if newer.contains(&hash) || older.contains(&hash) {
            return true;
        }
        if newer.len() >= self.per_set {
            std::mem::swap(newer, older);
            newer.clear();
        }
        newer.insert(hash);
        false
    }
}

fn split(hash: u64) -> [u32; 2] {
    [hash as u32, (hash >> 32) as u32]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_let_in_at_its_second_use() {
        let door = Doorkeeper::new(100);
        assert!(!door.seen_before(b"a"));
        assert!(!door.seen_before(b"b"));
        assert!(door.seen_before(b"a"));
    }

    #[test]
    fn the_last_ids_are_remembered_and_older_ones_are_not() {
        let door = Doorkeeper::new(100);
        for number in 0..1000u32 {
            door.seen_before(&number.to_be_bytes());
        }
        let remembered = |from: u32, to: u32| {
            let seen = door.seen.lock().unwrap();
            let hash = |number: u32| {
                let [low, high] = split(door.hasher.hash_one(&number.to_be_bytes()[..]));
                low ^ high.rotate_left(16)
            };
            (from..to)
                .filter(|number| seen.iter().any(|set| set.contains(&hash(*number))))
                .count()
        };
        assert_eq!(remembered(900, 1000), 100);
        assert!(remembered(0, 700) < 5);
    }
}
