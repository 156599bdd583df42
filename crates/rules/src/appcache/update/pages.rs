//! The pages that name the manifest and came from the network: an update waits for them, and keeps them.

use std::time::SystemTime;

use url::Url;

use super::{Page, Pending, Stage};
use crate::appcache::cache::{Categories, Entry, key};
use crate::appcache::caches::{AppCaches, CacheId, Group, GroupId, HostId};
use crate::appcache::event::{Action, Answer, ErrorReason, Event, Trouble};

impl<B: Clone> AppCaches<B> {
    /// A page's own response is there, or will not come.
    pub(in crate::appcache) fn page_settled(
        &mut self,
        host: HostId,
        page: Option<Answer<B>>,
        now: SystemTime,
    ) {
        let updating = self.groups.iter().find(|(_, group)| {
            let update = group.update.as_ref();
            update.is_some_and(|it| {
                it.pending
                    .iter()
                    .any(|it| it.host == host && it.is_loading())
            })
        });
        let Some((id, manifest_url)) = updating.map(|(id, it)| (*id, it.manifest_url.clone()))
        else {
            return;
        };
        let entry = page.and_then(|page| self.page_entry(&manifest_url, host, page));
        let update = self.groups.get_mut(&id).and_then(|it| it.update.as_mut());
        let pending = update.into_iter().flat_map(|it| &mut it.pending);
        for pending in pending.filter(|it| it.host == host) {
            pending.page = match &entry {
                Some(entry) => Page::Here(Box::new(entry.clone())),
                None => Page::Unusable,
            };
        }
        self.pages_settled(id, now);
        self.sweep();
    }

    fn page_entry(&self, manifest_url: &Url, host: HostId, page: Answer<B>) -> Option<Entry<B>> {
        let address = &self.hosts.get(&host)?.address;
        let failed = page.status.is_client_error() || page.status.is_server_error();
        let entry = self.entry(manifest_url, address, page, Categories::MASTER)?;
        (!failed && !entry.stored.directives.no_store).then_some(entry)
    }

    /// Goes on where the update waits for pages and none is loading any more.
    pub(super) fn pages_settled(&mut self, id: GroupId, now: SystemTime) {
        let Some(update) = self.groups.get(&id).and_then(|it| it.update.as_ref()) else {
            return;
        };
        if update.pending.iter().any(Pending::is_loading) {
            return;
        }
        let (cache, is_late) = match update.stage {
            Stage::Unchanged => return self.add_pages(id, now),
            Stage::Pages(cache) => (cache, false),
            Stage::LatePages(cache) => (cache, true),
            _ => return,
        };
        match self.store_pages(id, cache, now) {
            true if is_late => self.commit(id, cache),
            true => self.fetch_manifest_again(id, cache),
            false => {}
        }
    }

    /// Nothing changed: pages that came from the network join the newest cache. An entry that is there already stays
    /// as it is.
    fn add_pages(&mut self, id: GroupId, now: SystemTime) {
        let newest = self.groups.get(&id).and_then(|it| it.newest());
        let Some(cache) = newest.map(|(cache, _)| cache) else {
            return;
        };
        let settled = self.settle_pages(id, cache);
        if settled.marked || !settled.added.is_empty() {
            let ticket = self.ticket();
            self.enter(id, Stage::Adding(ticket, settled.added));
            self.actions.push_back(Action::Commit {
                ticket,
                group: id,
                cache,
            });
        } else {
            self.fire_all(id, &Event::NoUpdate);
            self.end(id, now);
        }
    }

    /// Stores the pages that wait in the new cache. `false`: on a first attempt none of them was usable, and the
    /// update is over.
    fn store_pages(&mut self, id: GroupId, cache: CacheId, now: SystemTime) -> bool {
        let update = self.groups.get(&id).and_then(|it| it.update.as_ref());
        let first = update.is_some_and(|it| !it.upgrade && !it.pending.is_empty());
        let usable = self.settle_pages(id, cache).usable;
        let has_pages = self
            .cache(id, cache)
            .is_some_and(|(_, it)| it.entries.values().any(|it| it.is.master));
        if first && usable == 0 && !has_pages {
            self.drop_new_cache(id);
            self.end(id, now);
            return false;
        }
        true
    }

    /// Pages that were added and could not be kept are pages without a cache.
    pub(super) fn take_out(&mut self, id: GroupId, added: Vec<(HostId, String)>) {
        let newest = self.groups.get(&id).and_then(Group::newest);
        let newest = newest.map(|(cache, _)| cache);
        for (host, url) in added {
            let group = self.groups.get_mut(&id).zip(newest);
            if let Some(cache) = group.and_then(|(it, newest)| it.caches.get_mut(&newest)) {
                cache.entries.remove(&url);
            }
            self.associate(host, None);
            if let Some(trouble) = self.trouble(id, ErrorReason::Quota, None, None) {
                self.fire(host, Event::Error(trouble));
            }
        }
    }

    /// What was pending joins this cache, or gets an `error`.
    fn settle_pages(&mut self, id: GroupId, cache_id: CacheId) -> Settled {
        let mut settled = Settled::default();
        for pending in self.take_pending(id) {
            let Page::Here(entry) = pending.page else {
                self.associate(pending.host, None);
                let trouble = Trouble {
                    reason: ErrorReason::Page,
                    url: pending.address,
                    status: None,
                };
                self.fire(pending.host, Event::Error(trouble));
                continue;
            };
            settled.usable += 1;
            self.associate(pending.host, Some((id, cache_id)));
            let group = self.groups.get_mut(&id);
            if let Some(cache) = group.and_then(|it| it.caches.get_mut(&cache_id)) {
                let url = key(&pending.address);
                match cache.entries.get_mut(url) {
                    Some(there) => {
                        settled.marked |= !there.is.master;
                        there.is.master = true;
                    }
                    None => {
                        cache.entries.insert(url.to_owned(), *entry);
                        settled.added.push((pending.host, url.to_owned()));
                    }
                }
            }
        }
        let masters_max = self.limits.masters_max;
        let group = self.groups.get_mut(&id);
        if let Some(cache) = group.and_then(|it| it.caches.get_mut(&cache_id)) {
            cache.drop_old_masters(masters_max);
        }
        settled
    }
}

/// What became of the pages that an update waited for.
#[derive(Default)]
struct Settled {
    /// Pages with entries that were not there, and their URLs.
    added: Vec<(HostId, String)>,
    /// An entry that was there is now a page's too.
    marked: bool,
    /// How many pages have this cache now.
    usable: usize,
}
