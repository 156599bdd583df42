//! The update process of one group: from the manifest to a complete cache, or back to what was.
//!
//! HTML 5.1 §11.3.4 (downloading or updating an application cache); step numbers would be those of that text,
//! whose words are quoted instead.

mod files;
mod manifest;
mod pages;

use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::cache::{Categories, Entry, is_foreign, key};
use super::caches::{AppCaches, CacheId, GroupId, HostId};
use super::event::{Action, Answer, ErrorReason, Event, Failed, Fetched, Ticket, Trouble};
use super::manifest::Manifest;
use crate::http::directives::Scope;
use crate::http::{RequestHead, ResponseHead, Stored, Target, validate};
use files::Files;

/// An update that runs.
#[derive(Debug)]
pub(super) struct Update<B> {
    /// The group has a cache already ("upgrade attempt"), or not ("cache attempt").
    upgrade: bool,
    /// The page whose opening began it.
    invoker: Option<HostId>,
    /// How many times it was begun anew because the manifest changed.
    tries: u32,
    /// "list of pending master entries"
    pending: Vec<Pending<B>>,
    /// The manifest as it came first.
    manifest: Option<ManifestCopy<B>>,
    stage: Stage<B>,
}

#[derive(Debug)]
enum Stage<B> {
    /// The manifest is being fetched.
    Manifest(Ticket),
    /// It is the same; pages that name it are still loading.
    Unchanged,
    /// Those pages are being written into the newest cache: which, and under which URLs.
    Adding(Ticket, Vec<(HostId, String)>),
    /// The files are being fetched into this new cache.
    Files(Files<B>),
    /// They are there; pages that name the manifest are still loading.
    Pages(CacheId),
    /// The manifest is being fetched once more.
    Again(Ticket, CacheId),
    /// It is still the same; pages that came since are still loading.
    LatePages(CacheId),
    /// The new cache is being written.
    Committing(Ticket, CacheId),
}

#[derive(Debug, Clone)]
struct ManifestCopy<B> {
    stored: Stored,
    body: B,
    bytes: Arc<[u8]>,
    parsed: Manifest,
}

/// A page that names the manifest and came from the network.
#[derive(Debug, Clone)]
pub(super) struct Pending<B> {
    host: HostId,
    address: Url,
    page: Page<B>,
}

#[derive(Debug, Clone)]
enum Page<B> {
    Loading,
    Here(Box<Entry<B>>),
    /// It did not load, or says `no-store`.
    Unusable,
}

impl<B> Pending<B> {
    pub(super) fn loading(host: HostId, address: &Url) -> Self {
        let mut address = address.clone();
        address.set_fragment(None);
        Self {
            host,
            address,
            page: Page::Loading,
        }
    }

    pub(super) fn body(&self) -> Option<&B> {
        match &self.page {
            Page::Here(entry) => Some(&entry.body),
            _ => None,
        }
    }

    fn is_loading(&self) -> bool {
        matches!(self.page, Page::Loading)
    }
}

/// An update that is begun anew since the manifest changed under it: "schedule a rerun of the entire algorithm with
/// the same parameters after a short delay".
#[derive(Debug)]
pub(super) struct Rerun<B> {
    at: SystemTime,
    manifest_url: Url,
    invoker: Option<HostId>,
    pub(super) master: Option<Pending<B>>,
    tries: u32,
}

impl<B> Update<B> {
    /// "checking", or else "downloading".
    pub(super) fn is_checking(&self) -> bool {
        matches!(
            self.stage,
            Stage::Manifest(_) | Stage::Unchanged | Stage::Adding(..)
        )
    }

    pub(super) fn bodies(&self) -> impl Iterator<Item = &B> {
        let pages = self.pending.iter().filter_map(Pending::body);
        pages.chain(self.manifest.as_ref().map(|it| &it.body))
    }

    fn waits_for(&self, ticket: Ticket) -> bool {
        match &self.stage {
            Stage::Manifest(it)
            | Stage::Adding(it, _)
            | Stage::Again(it, _)
            | Stage::Committing(it, _) => *it == ticket,
            Stage::Files(files) => files.waits_for(ticket),
            Stage::Unchanged | Stage::Pages(_) | Stage::LatePages(_) => false,
        }
    }

    /// The fetches under way.
    fn fetches(&self) -> Vec<Ticket> {
        match &self.stage {
            Stage::Manifest(it) | Stage::Again(it, _) => vec![*it],
            Stage::Files(files) => files.fetches(),
            _ => Vec::new(),
        }
    }

    fn new_cache(&self) -> Option<CacheId> {
        match &self.stage {
            Stage::Files(files) => Some(files.cache),
            Stage::Pages(id)
            | Stage::Again(_, id)
            | Stage::LatePages(id)
            | Stage::Committing(_, id) => Some(*id),
            Stage::Manifest(_) | Stage::Unchanged | Stage::Adding(..) => None,
        }
    }
}

impl<B: Clone> AppCaches<B> {
    /// "the application cache download process": begins, or joins the one that runs.
    pub(super) fn update_group(
        &mut self,
        manifest_url: &Url,
        invoker: Option<HostId>,
        master: Option<Pending<B>>,
        tries: u32,
        now: SystemTime,
    ) {
        let id = self.group_of(manifest_url);
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        // "If cache group's status is either checking or downloading, then abort this instance of the … process, as
        // an update is already in progress."
        if let Some(update) = &mut group.update {
            let checking = update.is_checking();
            update.pending.extend(master);
            if let Some(host) = invoker {
                self.fire(host, Event::Checking);
                if !checking {
                    self.fire(host, Event::Downloading);
                }
            }
            return;
        }
        let newest = group.newest().map(|(_, cache)| cache);
        let upgrade = newest.is_some();
        let copy = newest.and_then(|cache| cache.entries.get(key(manifest_url)));
        let copy = copy.map(|it| it.stored.clone());
        let ticket = self.ticket();
        if let Some(group) = self.groups.get_mut(&id) {
            group.update = Some(Update {
                upgrade,
                invoker,
                tries,
                pending: master.into_iter().collect(),
                manifest: None,
                stage: Stage::Manifest(ticket),
            });
        }
        self.fire_all(id, &Event::Checking);
        if let Some(host) = invoker.filter(|_| !upgrade) {
            self.fire(host, Event::Checking);
        }
        // "HTTP caching semantics should be honored for this request": what is fresh is not asked for.
        if copy.as_ref().is_some_and(|it| answers_unasked(it, now)) {
            self.unchanged(id, now);
        } else {
            self.fetch(id, ticket, manifest_url, copy.as_ref(), true);
        }
    }

    /// A fetch ended. A ticket that is not waited for changes nothing.
    pub fn fetched(&mut self, ticket: Ticket, fetched: Fetched<B>, now: SystemTime) {
        let Some(id) = self.group_that_waits_for(ticket) else {
            return;
        };
        let Some(update) = self.groups.get(&id).and_then(|it| it.update.as_ref()) else {
            return;
        };
        match update.stage {
            Stage::Manifest(_) => self.manifest_came(id, fetched, now),
            Stage::Files(_) => self.file_came(id, ticket, fetched, now),
            Stage::Again(_, cache) => self.manifest_came_again(id, cache, &fetched, now),
            _ => {}
        }
        self.sweep();
    }

    /// A commit ended: `kept` says whether all of the cache will be found again.
    pub fn committed(&mut self, ticket: Ticket, kept: bool, now: SystemTime) {
        let Some(id) = self.group_that_waits_for(ticket) else {
            return;
        };
        let Some(update) = self.groups.get(&id).and_then(|it| it.update.as_ref()) else {
            return;
        };
        match &update.stage {
            Stage::Adding(_, added) => {
                if !kept {
                    let added = added.clone();
                    self.take_out(id, added);
                }
                self.fire_all(id, &Event::NoUpdate);
                self.end(id, now);
            }
            Stage::Committing(_, cache) if kept => self.complete(id, *cache, now),
            Stage::Committing(..) => {
                self.fail(id, ErrorReason::Quota, None, None, now);
            }
            _ => {}
        }
        self.sweep();
    }

    /// Whether the result of this is still wanted.
    pub fn awaits(&self, ticket: Ticket) -> bool {
        self.group_that_waits_for(ticket).is_some()
    }

    /// Whether an update runs in any group.
    pub fn is_updating(&self) -> bool {
        self.groups.values().any(|group| group.update.is_some())
    }

    /// Begins what was put off until now.
    pub fn tick(&mut self, now: SystemTime) {
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.reruns)
            .into_iter()
            .partition(|it| it.at <= now);
        self.reruns = later;
        for rerun in due {
            let here = |host: &HostId| self.hosts.contains_key(host);
            let invoker = rerun.invoker.filter(here);
            let master = rerun.master.filter(|it| here(&it.host));
            let has_group = self
                .groups()
                .any(|(url, cache)| *url == rerun.manifest_url && cache.is_some());
            // A first attempt for a page that is gone would keep a site that nobody looks at.
            if master.is_some() || has_group {
                self.update_group(&rerun.manifest_url, invoker, master, rerun.tries, now);
            }
        }
    }

    /// When [`AppCaches::tick`] has something to do next.
    pub fn next_tick(&self) -> Option<SystemTime> {
        self.reruns.iter().map(|it| it.at).min()
    }

    /// `abort()`.
    pub(super) fn abort_update(&mut self, id: GroupId, now: SystemTime) {
        if self.groups.get(&id).is_some_and(|it| it.update.is_some()) {
            self.fail(id, ErrorReason::Abort, None, None, now);
            self.sweep();
        }
    }

    fn group_that_waits_for(&self, ticket: Ticket) -> Option<GroupId> {
        let mut groups = self.groups.iter();
        let waits = |update: &Update<B>| update.waits_for(ticket);
        groups
            .find(|(_, group)| group.update.as_ref().is_some_and(waits))
            .map(|(id, _)| *id)
    }

    /// Asks for a fetch, with the conditions of a copy that is at hand.
    fn fetch(
        &mut self,
        group: GroupId,
        ticket: Ticket,
        url: &Url,
        copy: Option<&Stored>,
        is_manifest: bool,
    ) {
        let mut conditions = HeaderMap::new();
        validate::make_conditional(&mut conditions, copy);
        self.actions.push_back(Action::Fetch {
            ticket,
            group,
            url: url.clone(),
            conditions,
            is_manifest,
        });
    }

    fn unchanged(&mut self, id: GroupId, now: SystemTime) {
        self.enter(id, Stage::Unchanged);
        self.pages_settled(id, now);
    }

    fn commit(&mut self, group: GroupId, cache: CacheId) {
        let ticket = self.ticket();
        self.enter(group, Stage::Committing(ticket, cache));
        self.actions.push_back(Action::Commit {
            ticket,
            group,
            cache,
        });
    }

    fn complete(&mut self, id: GroupId, cache: CacheId, now: SystemTime) {
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        if let Some(cache) = group.caches.get_mut(&cache) {
            cache.complete = true;
        }
        let upgrade = group.update.as_ref().is_some_and(|it| it.upgrade);
        self.use_group(id, now);
        let event = if upgrade {
            Event::UpdateReady
        } else {
            Event::Cached
        };
        self.fire_all(id, &event);
        self.end(id, now);
    }

    /// "the cache failure steps": the last good version stays in service.
    fn fail(
        &mut self,
        id: GroupId,
        reason: ErrorReason,
        url: Option<&Url>,
        status: Option<StatusCode>,
        now: SystemTime,
    ) {
        let Some(trouble) = self.trouble(id, reason, url, status) else {
            return;
        };
        let new = self.drop_new_cache(id);
        for pending in self.take_pending(id) {
            self.associate(pending.host, None);
            self.fire(pending.host, Event::Error(trouble.clone()));
        }
        // Pages that had joined the new cache are pages without one again.
        for host in new {
            self.associate(host, None);
            self.fire(host, Event::Error(trouble.clone()));
        }
        self.fire_all(id, &Event::Error(trouble));
        self.end(id, now);
    }

    /// Drops the cache that is being filled, and says which pages were in it and are not pending.
    fn drop_new_cache(&mut self, id: GroupId) -> Vec<HostId> {
        let Some(group) = self.groups.get_mut(&id) else {
            return Vec::new();
        };
        let Some(update) = &mut group.update else {
            return Vec::new();
        };
        for ticket in update.fetches() {
            self.actions.push_back(Action::Cancel { ticket });
        }
        let Some(new) = update.new_cache() else {
            return Vec::new();
        };
        let pending: Vec<HostId> = update.pending.iter().map(|it| it.host).collect();
        group.caches.remove(&new);
        self.actions.push_back(Action::Release { cache: new });
        let in_new = |(id, host): (&HostId, &super::caches::Host)| {
            let joined = host.cache.is_some_and(|(_, cache)| cache == new);
            (joined && !pending.contains(id)).then_some(*id)
        };
        self.hosts.iter().filter_map(in_new).collect()
    }

    /// The group is idle again. Pages that joined too late for this update begin another.
    fn end(&mut self, id: GroupId, now: SystemTime) {
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        let url = group.manifest_url.clone();
        let late = group.update.take().map(|it| it.pending).unwrap_or_default();
        self.sweep();
        for pending in late {
            self.update_group(&url, Some(pending.host), Some(pending), 0, now);
        }
    }

    fn take_pending(&mut self, id: GroupId) -> Vec<Pending<B>> {
        let update = self.groups.get_mut(&id).and_then(|it| it.update.as_mut());
        update
            .map(|it| std::mem::take(&mut it.pending))
            .unwrap_or_default()
    }

    fn enter(&mut self, id: GroupId, stage: Stage<B>) {
        let update = self.groups.get_mut(&id).and_then(|it| it.update.as_mut());
        if let Some(update) = update {
            update.stage = stage;
        }
    }

    /// What went wrong with `url`, or with the manifest.
    fn trouble(
        &self,
        id: GroupId,
        reason: ErrorReason,
        url: Option<&Url>,
        status: Option<StatusCode>,
    ) -> Option<Trouble> {
        let group = self.groups.get(&id)?;
        Some(Trouble {
            reason,
            url: url.unwrap_or(&group.manifest_url).clone(),
            status,
        })
    }

    /// What is kept of an answer's head; `None`: it is a part of something.
    fn stored(&self, url: &Url, answer: &Answer<B>) -> Option<Stored> {
        let target = Target {
            scheme: url.scheme(),
            authority: url.authority(),
            path: url.path(),
        };
        let request = RequestHead {
            method: &Method::GET,
            target,
            headers: &HeaderMap::new(),
        };
        let response = ResponseHead {
            status: answer.status,
            headers: &answer.headers,
        };
        Stored::new(&self.policy, &request, &response, answer.times)
    }

    fn entry(
        &self,
        manifest_url: &Url,
        url: &Url,
        answer: Answer<B>,
        is: Categories,
    ) -> Option<Entry<B>> {
        Some(Entry {
            stored: self.stored(url, &answer)?,
            body: answer.body,
            is,
            foreign: is_foreign(manifest_url, url, answer.manifest.as_deref()),
            names: answer.manifest,
        })
    }
}

/// Whether a copy may be used without asking. A manifest is kept though it says `no-store`, but an HTTP cache would
/// not have it.
fn answers_unasked(copy: &Stored, now: SystemTime) -> bool {
    let said = &copy.directives;
    copy.freshness(now).is_fresh() && said.no_cache != Scope::Whole && !said.no_store
}

fn reason_of(failed: Failed) -> ErrorReason {
    match failed {
        Failed::Network => ErrorReason::Manifest,
        Failed::NoRoom => ErrorReason::Quota,
    }
}
