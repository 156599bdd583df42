//! Room: what all caches of one origin, and all updates of it that run, may take together.
//!
//! What is in the store counts there. What was received and is on its way into it counts as a [`Share`] of the
//! origin's, however many updates it is for. When there is no more room, groups that nobody uses make some.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use revisit_rules::appcache::GroupId;
use revisit_store::{Batch, Limits, StoreError};

use super::Inner;
use super::keep::space_of;
use crate::Fetch;
use crate::record::AppGroup;

/// What each origin has received that is not in the store yet, by its space.
#[derive(Debug, Default)]
pub(super) struct OnTheirWay(HashMap<Vec<u8>, Weak<AtomicU64>>);

/// The bytes of one file that is received, until it is in the store or given up.
#[derive(Debug)]
pub(super) struct Share {
    of_origin: Arc<AtomicU64>,
    bytes: u64,
}

impl OnTheirWay {
    /// A new file of this origin.
    pub(super) fn share(&mut self, space: Vec<u8>) -> Share {
        self.0.retain(|_, it| it.strong_count() > 0);
        let there = self.0.get(&space).and_then(Weak::upgrade);
        let of_origin = there.unwrap_or_else(|| {
            let anew = Arc::default();
            self.0.insert(space, Arc::downgrade(&anew));
            anew
        });
        Share {
            of_origin,
            bytes: 0,
        }
    }
}

impl Share {
    pub(super) fn add(&mut self, bytes: u64) {
        self.bytes += bytes;
        self.of_origin.fetch_add(bytes, Ordering::Relaxed);
    }

    fn bytes_of_origin(&self) -> u64 {
        self.of_origin.load(Ordering::Relaxed)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of_origin.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl<F: Fetch> Inner<F> {
    /// Whether there is room for what the origin of `group` has received so far, or would be without the groups that
    /// nobody uses. None of those goes for it yet: an update that ends otherwise would have them go for nothing.
    pub(super) async fn has_room(self: &Arc<Self>, group: GroupId, share: &Share) -> bool {
        let Some(space) = self.space_of_group(group) else {
            return false;
        };
        if self.fits(&space, share.bytes_of_origin()) {
            return true;
        }
        // what is being written counts twice until that is done
        let _turn = self.writes.lock().await;
        self.could_fit(group, &space, share.bytes_of_origin())
    }

    /// Makes room for so many bytes that are written for this group now: drops groups of the origin that nobody uses,
    /// the one that was used least recently first, until they fit beside the others. If they would not fit beside
    /// what is in use, nothing is dropped. Whoever calls has the turn to write.
    pub(super) async fn make_room_for(self: &Arc<Self>, group: GroupId, bytes: u64) {
        let Some(space) = self.space_of_group(group) else {
            return;
        };
        if !self.could_fit(group, &space, bytes) {
            return;
        }
        while !self.fits(&space, bytes) {
            let Some(gone) = self.change(|caches, _| caches.expire(group)) else {
                return;
            };
            tracing::info!(manifest = %gone, "an application cache that was not used for longest makes room");
            let before = self.store.usage(&space).bytes;
            let name = gone.as_str().as_bytes();
            if let Err(error) = self.store.delete_collection(&space, name).await {
                tracing::warn!(%error, manifest = %gone, "an application cache that made room is still kept");
                return;
            }
            // somebody still reads of it: its room comes later, and to drop more would bring no more now
            if self.store.usage(&space).bytes >= before {
                return;
            }
        }
    }

    fn fits(&self, space: &[u8], bytes: u64) -> bool {
        self.store.usage(space).bytes.saturating_add(bytes) <= self.options.origin_bytes_max
    }

    /// Whether so many bytes fit when all groups of the origin are gone that nobody uses.
    fn could_fit(&self, group: GroupId, space: &[u8], bytes: u64) -> bool {
        let idle = self.look(|state| {
            let caches = state.caches.expirable(group);
            let kept = caches.filter_map(|cache| state.collections.get(&cache));
            kept.map(|it| it.usage().bytes).fold(0, u64::saturating_add)
        });
        let in_use = self.store.usage(space).bytes.saturating_sub(idle);
        in_use.saturating_add(bytes) <= self.options.origin_bytes_max
    }

    fn space_of_group(&self, group: GroupId) -> Option<Vec<u8>> {
        let manifest_url = self.look(|state| state.caches.manifest_url(group).cloned());
        manifest_url.as_ref().map(space_of)
    }

    /// A page was opened from this group. That is written once a day and not for each load: it decides which of
    /// several groups makes room, for which a day is near enough.
    pub(super) fn note_use(self: &Arc<Self>, group: GroupId, now: SystemTime) {
        let is_due = self.look(|state| {
            // it may be gone by now
            state.caches.manifest_url(group)?;
            let written = state.use_written.entry(group).or_insert(now);
            let is_due = now.duration_since(*written).is_ok_and(|it| it >= DAY);
            if is_due {
                *written = now;
            }
            Some(is_due)
        });
        if is_due == Some(true) {
            self.write_later(self.clone().write_use(group, now));
        }
    }

    async fn write_use(self: Arc<Self>, group: GroupId, used: SystemTime) {
        let _turn = self.writes.lock().await;
        let collection = self.look(|state| {
            let newest = state.caches.newest(state.caches.manifest_url(group)?)?;
            state.collections.get(&newest.0).cloned()
        });
        let Some(collection) = collection else {
            return;
        };
        let written = async {
            let mut batch = Batch::new();
            for entry in collection.find(AppGroup::ID).await? {
                let Ok(before) = AppGroup::read(&entry.head) else {
                    continue;
                };
                let head = AppGroup { used, ..before }.to_bytes();
                batch = batch.replace_head(entry.serial, head, Vec::new(), None);
            }
            collection.commit(batch).await.map(drop)
        };
        let written: Result<(), StoreError> = written.await;
        if let Err(error) = written {
            tracing::debug!(%error, "the use of an application cache was not noted");
        }
    }
}

/// What an entry counts, beside its id, its head and its body.
pub(super) const ENTRY_BYTES: u64 = Limits::ENTRY_OVERHEAD_BYTES;

const DAY: Duration = Duration::from_secs(86_400);
