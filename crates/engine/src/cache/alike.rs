//! Which kept response to another query answers too? (`No-Vary-Search`)
//!
//! What a response says counts for the queries of its own path. So the last word of each path is
//! remembered, and under which id the last response lies that is the same by it. That is a hint: the
//! response itself says, when it is found, whether it answers. Hints may be lost or wrong; what they
//! lead to is checked.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use revisit_rules::http::Target;
use revisit_rules::http::key::RequestKey;
use revisit_rules::http::no_vary_search::NoVarySearch;

use super::entry::Entry;

/// Where to look for responses to queries that make no difference.
pub(super) struct Alike {
    /// By the hash of a path: what its last response said.
    rules: Cache<u64, Arc<NoVarySearch>>,
    /// By the hash of a path and what makes a difference of its query: where that lies.
    ids: Cache<u64, Bytes, ByBytes>,
    hasher: RandomState,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<u64, Bytes> for ByBytes {
    fn weight(&self, _: &u64, id: &Bytes) -> u64 {
        id.len() as u64 + PER_ID
    }
}

impl Alike {
    pub(super) fn new() -> Self {
        Self {
            rules: Cache::new(PATHS_MAX),
            ids: Cache::with_weighter(PATHS_MAX, IDS_BYTES_MAX, ByBytes),
            hasher: RandomState::new(),
        }
    }

    /// Remembers what lies under `id`, if it says that a part of its query makes no difference.
    pub(super) fn note(&self, id: &Bytes, entry: &Entry) {
        let Some((target, rule)) = entry.target().zip(entry.no_vary_search()) else {
            return;
        };
        let id = Bytes::copy_from_slice(id);
        self.ids.insert(self.hash_of(target, &rule), id);
        self.rules.insert(self.path(target), Arc::new(rule));
    }

    /// Where there may be something for `target`.
    pub(super) fn find(&self, target: Target<'_>) -> Option<Bytes> {
        if self.rules.is_empty() {
            return None;
        }
        let rule = self.rules.get(&self.path(target))?;
        self.ids.get(&self.hash_of(target, &rule))
    }

    fn path(&self, target: Target<'_>) -> u64 {
        self.hasher.hash_one(RequestKey::of_path(target).as_bytes())
    }

    fn hash_of(&self, target: Target<'_>, rule: &NoVarySearch) -> u64 {
        let key = RequestKey::without_varying(&http::Method::GET, target, rule);
        self.hasher.hash_one(key.as_bytes())
    }
}

/// Most paths whose word is remembered.
const PATHS_MAX: usize = 4096;
/// Most bytes of ids.
const IDS_BYTES_MAX: u64 = 4 << 20;
const PER_ID: u64 = 64;
