//! What a page's script sees and may call: `window.applicationCache`.
//!
//! HTML 5.1 §11.3.4 (application cache API).

use std::time::SystemTime;

use url::Url;

use super::{AppCaches, Group, HostId};
use crate::appcache::cache::key;

/// The value of `applicationCache.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// 0: the page has no cache.
    Uncached,
    /// 1: it has the newest.
    Idle,
    /// 2: the manifest is being fetched.
    Checking,
    /// 3: files are being fetched.
    Downloading,
    /// 4: there is a newer one.
    UpdateReady,
    /// 5: its group is obsolete.
    Obsolete,
}

impl Status {
    /// The constant's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uncached => "UNCACHED",
            Self::Idle => "IDLE",
            Self::Checking => "CHECKING",
            Self::Downloading => "DOWNLOADING",
            Self::UpdateReady => "UPDATEREADY",
            Self::Obsolete => "OBSOLETE",
        }
    }
}

/// The `InvalidStateError` that `update()` and `swapCache()` throw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the page has no application cache that this could be done with")]
pub struct InvalidState;

impl<B: Clone> AppCaches<B> {
    /// `applicationCache.status`.
    pub fn status(&self, host: HostId) -> Status {
        let Some((group_id, cache)) = self.hosts.get(&host).and_then(|it| it.cache) else {
            return Status::Uncached;
        };
        let Some(group) = self.groups.get(&group_id) else {
            return Status::Uncached;
        };
        let newest = group.caches.last_key_value().map(|(id, _)| *id);
        match &group.update {
            _ if group.obsolete => Status::Obsolete,
            Some(update) if update.is_checking() => Status::Checking,
            Some(_) => Status::Downloading,
            None if newest != Some(cache) => Status::UpdateReady,
            None => Status::Idle,
        }
    }

    /// `applicationCache.update()`.
    ///
    /// # Errors
    /// [`InvalidState`] if the page has no cache, or its group is obsolete.
    pub fn update(&mut self, host: HostId, now: SystemTime) -> Result<(), InvalidState> {
        let group = self.group_of_host(host).filter(|group| !group.obsolete);
        let url = group.ok_or(InvalidState)?.manifest_url.clone();
        self.update_group(&url, None, None, 0, now);
        Ok(())
    }

    /// `applicationCache.swapCache()`.
    ///
    /// # Errors
    /// [`InvalidState`] if the page has no cache, or there is no newer one.
    pub fn swap_cache(&mut self, host: HostId) -> Result<(), InvalidState> {
        let (group_id, old) = self
            .hosts
            .get(&host)
            .and_then(|it| it.cache)
            .ok_or(InvalidState)?;
        let group = self.groups.get(&group_id).ok_or(InvalidState)?;
        let new = if group.obsolete {
            None
        } else {
            let (newest, _) = group.newest().ok_or(InvalidState)?;
            if newest <= old {
                return Err(InvalidState);
            }
            Some((group_id, newest))
        };
        self.associate(host, new);
        self.sweep();
        Ok(())
    }

    /// `applicationCache.abort()`: the update that runs in the page's group, if any, comes to nothing.
    pub fn abort(&mut self, host: HostId, now: SystemTime) {
        if let Some((group, _)) = self.hosts.get(&host).and_then(|it| it.cache) {
            self.abort_update(group, now);
        }
    }

    /// Removes a group as if its manifest were gone, by the user's or the operator's wish. `false`: there is none.
    pub fn remove(&mut self, manifest_url: &Url, now: SystemTime) -> bool {
        let group = self.by_manifest.get(key(manifest_url)).copied();
        if let Some(group) = group {
            self.abort_update(group, now);
            self.make_obsolete(group);
        }
        self.sweep();
        group.is_some()
    }

    fn group_of_host(&self, host: HostId) -> Option<&Group<B>> {
        let (group, _) = self.hosts.get(&host)?.cache?;
        self.groups.get(&group)
    }
}
