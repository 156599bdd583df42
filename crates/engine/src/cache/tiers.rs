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
use super::disk::StoreError;
use super::entry::{Entry, Variants};
use crate::Fetch;

impl<F: Fetch> Inner<F> {
    /// Brings into memory what the disk has under `id`. Is there anything?
    pub(super) async fn recall(&self, id: &Bytes) -> bool {
        let Some(disk) = self.disk.as_ref().filter(|disk| disk.may_have(id)) else {
            return false;
        };
        // What is thrown out meanwhile is not brought back.
        let epoch = self.store.epoch(id);
        let mut found = disk.recall(id, &self.options.policy).await;
        found.truncate(self.options.variants_max);
        if found.is_empty() {
            return false;
        }
        self.store.update(id, &epoch, |before| {
            Some(before.unwrap_or_else(|| Arc::new(Variants(found))))
        })
    }

    /// What answered, or came, just now: if it is not for the first time it goes to the disk too.
    pub(super) fn used(self: &Arc<Self>, id: &Bytes, entry: &Entry) {
        if let Some(disk) = &self.disk
            && !entry.is_saved()
            && disk.is_worth_it(id)
        {
            let (cache, id, url) = (self.clone(), Bytes::copy_from_slice(id), entry.url.clone());
            tokio::spawn(async move { cache.save(&id, &url).await });
        }
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
                entry.set_saved();
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
        let mut was_there = false;
        for id in [Some(own), alike].into_iter().flatten() {
            // First those who might join what is of yesterday, then the thing itself.
            self.flights.forget(&id);
            was_there |= self.store.remove(&id);
            if let (Some(disk), Some(target)) = (&self.disk, RequestKey::target_of(&id)) {
                let url = target.origin() + target.path;
                was_there |= disk.purge_url(&id, &url).await?;
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
