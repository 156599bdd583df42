//! The browser's side: groups of caches, and the pages that have one.
//!
//! HTML 5.1 §11.3.4 (application caches).

mod api;
mod expiry;
mod navigation;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, SystemTime};

use http::Method;
use url::Url;

use super::cache::{Cache, Direct, Entry, Outcome, Subresource, key};
use super::event::{Action, Event, Ticket};
use super::update::{Pending, Rerun, Update};
use super::{Answer, Profile};
use crate::http::Policy;

pub use api::{InvalidState, Status};
pub use navigation::{Opened, Opening, Served, Source};

/// All application caches of one browser. `B` stands for a body wherever the driver keeps it.
///
/// Each call may leave [`Action`]s, which are taken by [`AppCaches::actions`].
#[derive(Debug)]
pub struct AppCaches<B> {
    pub(super) profile: Profile,
    pub(super) policy: Policy,
    pub(super) limits: Limits,
    pub(super) groups: BTreeMap<GroupId, Group<B>>,
    /// The groups that are not obsolete.
    by_manifest: BTreeMap<String, GroupId>,
    pub(super) hosts: BTreeMap<HostId, Host>,
    pub(super) reruns: Vec<Rerun<B>>,
    pub(super) actions: VecDeque<Action>,
    last_id: u64,
}

/// What one browser allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Files of one update that are fetched at a time. Default 6.
    pub fetches_max: usize,
    /// Files that a manifest may list, targets of fallbacks among them. One with more ends its update in an error.
    /// Default 20,000.
    pub entries_max: usize,
    /// Pages that one cache keeps only because they were visited; those whose copy is oldest go. Default 1,000.
    pub masters_max: usize,
    /// How long after a manifest that changed under an update the next try begins. Default 3 s.
    pub rerun_after: Duration,
    /// How many such tries follow each other. Default 5.
    pub reruns_max: u32,
    /// Events that wait for a page's load; the oldest go. Default 64.
    pub events_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fetches_max: 6,
            entries_max: 20_000,
            masters_max: 1000,
            rerun_after: Duration::from_secs(3),
            reruns_max: 5,
            events_max: 64,
        }
    }
}

/// Names a group: all caches of one manifest URL, until it is obsolete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(u64);

/// Names a cache; a newer one has a higher number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CacheId(u64);

/// Names a page (a cache host).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(u64);

#[derive(Debug)]
pub(super) struct Group<B> {
    pub(super) manifest_url: Url,
    pub(super) obsolete: bool,
    /// Only the newest may be incomplete.
    pub(super) caches: BTreeMap<CacheId, Cache<B>>,
    pub(super) update: Option<Update<B>>,
    /// When a page was last opened from it, or a cache of it became complete.
    used: SystemTime,
}

impl<B> Group<B> {
    /// Whether a document that came from this cache gets it.
    pub(super) fn still_serves(&self, cache: CacheId) -> bool {
        !self.obsolete && self.caches.contains_key(&cache)
    }

    /// "the newest complete application cache"
    pub(super) fn newest(&self) -> Option<(CacheId, &Cache<B>)> {
        let complete = |(_, cache): &(&CacheId, &Cache<B>)| cache.complete;
        self.caches
            .iter()
            .rev()
            .find(complete)
            .map(|(id, it)| (*id, it))
    }
}

#[derive(Debug)]
pub(super) struct Host {
    pub(super) address: Url,
    pub(super) cache: Option<(GroupId, CacheId)>,
    /// Events wait until the page has loaded.
    loaded: bool,
    waiting: VecDeque<Event>,
}

impl<B: Clone> AppCaches<B> {
    /// A browser without any cache.
    pub fn new(profile: Profile, limits: Limits) -> Self {
        Self {
            profile,
            // A lifetime that nobody named would keep old files beside a new manifest.
            policy: Policy {
                heuristic: None,
                ..Policy::private()
            },
            limits,
            groups: BTreeMap::new(),
            by_manifest: BTreeMap::new(),
            hosts: BTreeMap::new(),
            reruns: Vec::new(),
            actions: VecDeque::new(),
            last_id: 0,
        }
    }

    /// The policy by which heads of entries are read ([`crate::http::Stored::with`]).
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The profile.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Takes back a cache that was committed before this browser started.
    pub fn restore(&mut self, manifest_url: &Url, mut cache: Cache<B>) -> (GroupId, CacheId) {
        let group_id = self.group_of(manifest_url);
        let id = CacheId(self.id());
        cache.complete = true;
        self.use_group(group_id, cache.updated);
        if let Some(group) = self.groups.get_mut(&group_id) {
            group.caches.insert(id, cache);
        }
        (group_id, id)
    }

    /// What there is to do, oldest first; it is then no longer there.
    pub fn actions(&mut self) -> impl Iterator<Item = Action> + use<B> {
        std::mem::take(&mut self.actions).into_iter()
    }

    /// The groups that are not obsolete, each with its newest complete cache, in the order of manifest URLs.
    pub fn groups(&self) -> impl Iterator<Item = (&Url, Option<&Cache<B>>)> {
        self.by_manifest.values().filter_map(|id| {
            let group = self.groups.get(id)?;
            Some((&group.manifest_url, group.newest().map(|(_, cache)| cache)))
        })
    }

    /// The newest complete cache of a group that is not obsolete.
    pub fn newest(&self, manifest_url: &Url) -> Option<(CacheId, &Cache<B>)> {
        let id = self.by_manifest.get(key(manifest_url))?;
        self.groups.get(id)?.newest()
    }

    /// The group of a manifest, if there is one that is not obsolete.
    pub fn group(&self, manifest_url: &Url) -> Option<GroupId> {
        self.by_manifest.get(key(manifest_url)).copied()
    }

    /// The manifest of a group.
    pub fn manifest_url(&self, group: GroupId) -> Option<&Url> {
        self.groups.get(&group).map(|it| &it.manifest_url)
    }

    /// A cache, with the URL of its manifest.
    pub fn cache(&self, group: GroupId, cache: CacheId) -> Option<(&Url, &Cache<B>)> {
        let group = self.groups.get(&group)?;
        Some((&group.manifest_url, group.caches.get(&cache)?))
    }

    /// The entry that a navigation is served with.
    pub fn served(&self, source: &Source) -> Option<&Entry<B>> {
        let (_, cache) = self.cache(source.group, source.cache)?;
        cache.entries.get(&source.entry)
    }

    /// The bodies that a cache or a waiting page still uses.
    pub fn bodies(&self) -> impl Iterator<Item = &B> {
        let caches = self.groups.values().flat_map(|group| group.caches.values());
        let entries = caches.flat_map(|cache| cache.entries.values().map(|it| &it.body));
        let updates = self.groups.values().filter_map(|it| it.update.as_ref());
        let reruns = self.reruns.iter().filter_map(|it| it.master.as_ref());
        entries
            .chain(updates.flat_map(Update::bodies))
            .chain(reruns.filter_map(Pending::body))
    }

    /// A page has loaded, or did not: its events come from now on, and an update that waits for it goes on.
    /// `page` is its own response if it came from the network.
    pub fn loaded(&mut self, host: HostId, page: Option<Answer<B>>, now: SystemTime) {
        if let Some(it) = self.hosts.get_mut(&host) {
            it.loaded = true;
            let waiting = std::mem::take(&mut it.waiting).into_iter();
            self.actions
                .extend(waiting.map(|event| Action::Fire { host, event }));
        }
        self.page_settled(host, page, now);
    }

    /// A page is gone.
    pub fn closed(&mut self, host: HostId, now: SystemTime) {
        self.page_settled(host, None, now);
        self.hosts.remove(&host);
        self.sweep();
    }

    /// Who answers a load by a page.
    pub fn subresource(
        &self,
        host: HostId,
        method: &Method,
        url: &Url,
    ) -> Subresource<'_, Entry<B>> {
        let cache = self.hosts.get(&host).and_then(|it| it.cache);
        match cache.and_then(|(group, cache)| self.cache(group, cache)) {
            Some((manifest_url, cache)) => cache.subresource(manifest_url, method, url),
            None => Subresource::Network(Direct::NoCache),
        }
    }

    /// The entry that stands for a load of a page which the network made this of, if one does.
    pub fn subresource_after(
        &self,
        host: HostId,
        method: &Method,
        url: &Url,
        outcome: Outcome,
    ) -> Option<&Entry<B>> {
        let (group, cache) = self.hosts.get(&host)?.cache?;
        let (manifest_url, cache) = self.cache(group, cache)?;
        match cache.subresource(manifest_url, method, url) {
            Subresource::NetworkElse(it) if outcome.calls_for_fallback() => cache.entry(&it.target),
            _ => None,
        }
    }

    /// The group of a manifest, made if there is none.
    pub(super) fn group_of(&mut self, manifest_url: &Url) -> GroupId {
        if let Some(id) = self.by_manifest.get(key(manifest_url)) {
            return *id;
        }
        let id = GroupId(self.id());
        let group = Group {
            manifest_url: manifest_url.clone(),
            obsolete: false,
            caches: BTreeMap::new(),
            update: None,
            used: SystemTime::UNIX_EPOCH,
        };
        self.groups.insert(id, group);
        self.by_manifest.insert(key(manifest_url).to_owned(), id);
        id
    }

    pub(super) fn new_cache_id(&mut self) -> CacheId {
        CacheId(self.id())
    }

    pub(super) fn ticket(&mut self) -> Ticket {
        Ticket(self.id())
    }

    fn id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(super) fn associate(&mut self, host: HostId, cache: Option<(GroupId, CacheId)>) {
        if let Some(host) = self.hosts.get_mut(&host) {
            host.cache = cache;
        }
    }

    /// The group no longer exists but for pages that have a cache of it.
    pub(super) fn make_obsolete(&mut self, group_id: GroupId) {
        if let Some(manifest_url) = self.retire(group_id) {
            self.actions.push_back(Action::Forget { manifest_url });
        }
    }

    /// The same; what of it is to be forgotten is the caller's.
    fn retire(&mut self, group_id: GroupId) -> Option<Url> {
        let group = self.groups.get_mut(&group_id)?;
        group.obsolete = true;
        let manifest_url = group.manifest_url.clone();
        self.by_manifest.remove(key(&manifest_url));
        (!group.caches.is_empty()).then_some(manifest_url)
    }

    /// An event at a page, now or when it has loaded; of several `progress` events that wait the latest is kept.
    pub(super) fn fire(&mut self, host: HostId, event: Event) {
        let Some(page) = self.hosts.get_mut(&host) else {
            return;
        };
        if page.loaded {
            self.actions.push_back(Action::Fire { host, event });
            return;
        }
        let is_progress = |it: &Event| matches!(it, Event::Progress { .. });
        if is_progress(&event) && page.waiting.back().is_some_and(is_progress) {
            page.waiting.pop_back();
        }
        page.waiting.push_back(event);
        if page.waiting.len() > self.limits.events_max {
            page.waiting.pop_front();
        }
    }

    /// An event at every page that has a cache of the group.
    pub(super) fn fire_all(&mut self, group: GroupId, event: &Event) {
        for host in self.hosts_of(group) {
            self.fire(host, event.clone());
        }
    }

    pub(super) fn hosts_of(&self, group: GroupId) -> Vec<HostId> {
        let of_group = |host: &Host| host.cache.is_some_and(|(of, _)| of == group);
        let hosts = self.hosts.iter();
        hosts
            .filter(|(_, it)| of_group(it))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Lets go of caches that nobody can be served from any more, and of groups without any.
    pub(super) fn sweep(&mut self) {
        let used: std::collections::BTreeSet<CacheId> = self
            .hosts
            .values()
            .filter_map(|it| it.cache)
            .map(|(_, id)| id)
            .collect();
        let mut released = Vec::new();
        let mut empty = Vec::new();
        for (group_id, group) in &mut self.groups {
            let newest = group.newest().map(|(id, _)| id).filter(|_| !group.obsolete);
            let updating = group.update.is_some();
            group.caches.retain(|id, cache| {
                let stays =
                    newest == Some(*id) || used.contains(id) || (updating && !cache.complete);
                if !stays {
                    released.push(*id);
                }
                stays
            });
            if group.caches.is_empty() && !updating {
                empty.push((*group_id, key(&group.manifest_url).to_owned()));
            }
        }
        for (id, url) in empty {
            self.groups.remove(&id);
            if self.by_manifest.get(&url) == Some(&id) {
                self.by_manifest.remove(&url);
            }
        }
        let release = |cache| Action::Release { cache };
        self.actions.extend(released.into_iter().map(release));
    }
}
