//! Two tiers, of which the second need not be there: memory, and the disk behind it.
//!
//! What is used a second time goes down, what memory lacks comes up, and what is thrown out is thrown
//! out of both, memory first: so nothing that is of yesterday is in memory when the disk is told, and
//! what the disk is given later it is given as of a moment before.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use revisit_rules::http::Target;
use revisit_rules::http::key::RequestKey;

use super::Inner;
use super::disk::{Disk, StoreError};
use super::entry::{Entry, Variants};
use crate::Fetch;

impl<F: Fetch> Inner<F> {
    /// What the disk has under `id`. Memory has it then too, but for what is large: that is looked up
    /// for each who asks.
    pub(super) async fn recall(&self, id: &Bytes) -> Option<Arc<Variants>> {
        let disk = self.disk.as_ref().filter(|disk| disk.may_have(id))?;
        // What is thrown out meanwhile is not brought back.
        let (epoch, groups) = (self.store.epoch(id), self.groups.now());
        let mut found = disk.recall(id, &self.options.policy).await;
        found.truncate(self.options.variants_max);
        let gone = |entry: &Arc<Entry>| {
            let origin = entry.target().map(Target::origin).unwrap_or_default();
            self.groups.holds(&origin, &entry.stored, groups)
        };
        if found.is_empty() {
            return None;
        }
        let in_memory = found.iter().all(|entry| entry.content.here().is_some());
        let found = Arc::new(Variants(found));
        let mut now = None;
        self.store.update(id, &epoch, |before| {
            // Under the lock that a purge waits for.
            if before.is_none() && !found.0.iter().any(gone) {
                now = Some(found.clone());
            } else {
                now = before.clone();
            }
            now.clone().filter(|_| before.is_some() || in_memory)
        });
        now
    }

    /// What answered, or came, just now: if it is not for the first time it goes to the disk too.
    pub(super) fn used(self: &Arc<Self>, id: &Bytes, entry: &Entry) {
        let Some(disk) = &self.disk else {
            return;
        };
        if entry.is_saved() {
            if !entry.is_worth_telling() || disk.touch(id) || entry.content.here().is_none() {
                return;
            }
            // It had to make room there, though it is used.
            entry.set_saved(false);
        }
        if disk.is_worth_it(id) {
            let (cache, id, url) = (self.clone(), Bytes::copy_from_slice(id), entry.url.clone());
            tokio::spawn(async move { cache.save(&id, &url).await });
        }
    }

    /// Notes on the disk what a 304 says of a response that is there alone. Is it one?
    pub(super) fn rehead(self: &Arc<Self>, entry: &Arc<Entry>) -> bool {
        if entry.content.here().is_some() {
            return false;
        }
        let (cache, entry) = (self.clone(), entry.clone());
        tokio::spawn(async move {
            if let Some(disk) = &cache.disk
                && let Err(error) = disk.rehead(&entry).await
            {
                tracing::warn!(url = &*entry.url, %error, "not noted on the disk");
            }
        });
        true
    }

    /// Writes what memory has under `id` and the disk has not.
    async fn save(&self, id: &Bytes, url: &str) {
        let unsaved = || {
            let variants = self.store.get(id);
            let all = variants.iter().flat_map(|variants| &variants.0);
            // The oldest first, as they came.
            let mut unsaved: Vec<_> = all.filter(|entry| !entry.is_saved()).cloned().collect();
            unsaved.reverse();
            unsaved
        };
        let mut writing = self.disk.as_ref().and_then(|disk| disk.begin(id, url));
        while let Some(mut now) = writing {
            now.look_again();
            for entry in unsaved() {
                let (policy, variants_max) = (&self.options.policy, self.options.variants_max);
                if let Err(error) = now.write(&entry, policy, variants_max).await {
                    tracing::warn!(url = &*entry.url, %error, "not kept on the disk");
                }
                // One that cannot be written is not tried again at each use.
                entry.set_saved(true);
            }
            writing = now.end_unless(|| !unsaved().is_empty());
        }
    }

    /// Throws out what answers `target`, also what is kept for another query, and what is on its way.
    /// Was there anything?
    pub(super) async fn throw_out(&self, target: Target<'_>) -> Result<bool, StoreError> {
        let key = RequestKey::of(&Method::GET, target);
        let own = Bytes::copy_from_slice(key.as_bytes());
        let alike = self.alike.find(target).filter(|id| *id != own);
        let _purging = self.disk.as_ref().map(Disk::purging);
        let ids: Vec<Bytes> = [Some(own), alike].into_iter().flatten().collect();
        let mut was_there = false;
        for id in &ids {
            // First those who might join what is of yesterday, then the thing itself.
            self.flights.forget(id);
            was_there |= self.store.remove(id);
        }
        for id in &ids {
            if let (Some(disk), Some(target)) = (&self.disk, RequestKey::target_of(id)) {
                let url = target.origin() + target.path;
                was_there |= disk.purge_url(id, &url).await?;
            }
        }
        Ok(was_there)
    }

    /// [`Self::throw_out`], where nobody asked for it who could be told that it was not done.
    pub(super) async fn let_go(&self, target: Target<'_>) {
        if let Err(error) = self.throw_out(target).await {
            tracing::error!(%error, "the disk tier may keep what became invalid");
        }
    }

    /// The same for a group of an origin that is not in memory.
    pub(super) async fn let_group_go(&self, origin: &str, group: &str) {
        if let Some(disk) = &self.disk
            && let Err(error) = disk.purge_group(origin, group).await
        {
            tracing::error!(%error, "the disk tier may keep what became invalid");
        }
    }
}
