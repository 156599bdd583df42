//! Expiry: which group makes room for another of its origin.
//!
//! By the text nothing expires because time has passed: a site that was not visited for long is one that somebody may
//! want offline. Chromium dropped what was used least recently when there was no more room, and so does this.
//!
//! HTML 5.1 §11.3.4 (expiring application caches, disk space).

use std::collections::BTreeSet;
use std::time::SystemTime;

use url::Url;

use super::{AppCaches, CacheId, Group, GroupId};
use crate::appcache::event::Action;

impl<B: Clone> AppCaches<B> {
    /// When a page was last opened from a group, or a cache of it became complete.
    pub fn used(&self, group: GroupId) -> Option<SystemTime> {
        self.groups.get(&group).map(|it| it.used)
    }

    /// A page was opened from a group. What that makes of it is to be noted.
    pub(super) fn opened_from(&mut self, group: GroupId, now: SystemTime) {
        self.use_group(group, now);
        self.actions.push_back(Action::Used { group });
    }

    /// A group was used, now or before this browser started. What was noted of a later time stays.
    pub fn use_group(&mut self, group: GroupId, at: SystemTime) {
        if let Some(group) = self.groups.get_mut(&group) {
            group.used = group.used.max(at);
        }
    }

    /// Takes out the group that was used least recently, of those that [`AppCaches::expirable`] looks at. The driver
    /// then forgets what is kept under this manifest URL. `None`: there is none.
    pub fn expire(&mut self, beside: GroupId) -> Option<Url> {
        let idle = self.idle(beside);
        let (oldest, _) = idle.min_by_key(|(id, group)| (group.used, *id))?;
        let forgotten = self.retire(oldest);
        self.sweep();
        forgotten
    }

    /// The caches that [`AppCaches::expire`] could take out one after the other: of all groups that have the origin of
    /// `beside`, that no page has a cache of, and that are not being updated.
    pub fn expirable(&self, beside: GroupId) -> impl Iterator<Item = CacheId> {
        let idle = self.idle(beside);
        idle.flat_map(|(_, group)| group.caches.keys().copied())
    }

    fn idle(&self, beside: GroupId) -> impl Iterator<Item = (GroupId, &Group<B>)> {
        let origin = self.groups.get(&beside).map(|it| it.manifest_url.origin());
        let caches = self.hosts.values().filter_map(|host| host.cache);
        let has_page: BTreeSet<GroupId> = caches.map(|(group, _)| group).collect();
        let groups = self.groups.iter().map(|(id, group)| (*id, group));
        groups.filter(move |(id, group)| {
            let is_other = *id != beside && Some(group.manifest_url.origin()) == origin;
            is_other && !group.obsolete && group.update.is_none() && !has_page.contains(id)
        })
    }
}
