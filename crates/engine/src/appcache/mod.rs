//! A browser with application caches, before any [`Fetch`]: pages and what they load are answered as it would, and
//! what it keeps is in a store.
//!
//! The decisions are [`revisit_rules::appcache`]'s; here is what it wants done. [`AppCache::navigate`] opens a
//! [`Page`], through which it loads ([`Page::load`]), sees events and calls what `window.applicationCache` has. A new
//! cache is staged file by file and becomes the newest in one step ([`keep`]), so that whoever is killed at any moment
//! finds the last good one again.
//!
//! Requests that go down have URLs in absolute form. Put the HTTP cache below to have its lifetimes honoured as
//! browsers did.

mod fetching;
mod held;
mod keep;
mod page;
mod room;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use revisit_rules::appcache::{
    Action, Answer, AppCaches, CacheId, Event, GroupId, HostId, Limits, Profile, Ticket,
};
use revisit_store::{Collection, Store, StoreError};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use url::Url;

use crate::{Clock, Fetch};
use held::Held;
pub use page::{Navigated, Page, PageRef};
use room::OnTheirWay;

/// What one browser takes and keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How it reads manifests.
    pub profile: Profile,
    /// What the update process allows.
    pub limits: Limits,
    /// Most bytes that one origin may keep, with what all its updates have received: two versions count while an
    /// update is under way, and as long as a page has the older. Groups that no page uses make room for a new cache that
    /// is complete and would fit without them, the one that was used least recently first. Default 100 MiB.
    pub origin_bytes_max: u64,
    /// Largest file that is kept; an update with a larger one ends in an error. Default 64 MiB.
    pub file_bytes_max: u64,
    /// Largest page that names a manifest and is kept. It is held in memory until it is. Default 16 MiB.
    pub page_bytes_max: u64,
    /// Largest manifest. Default 4 MiB.
    pub manifest_bytes_max: u64,
    /// Redirects that one navigation follows. Default 20, as Fetch has it.
    pub redirects_max: usize,
    /// Events that a page keeps for who asks for them; the oldest go. Default 1,024.
    pub events_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            profile: Profile::STANDARD,
            limits: Limits::default(),
            origin_bytes_max: 100 << 20,
            file_bytes_max: 64 << 20,
            page_bytes_max: 16 << 20,
            manifest_bytes_max: 4 << 20,
            redirects_max: 20,
            events_max: 1024,
        }
    }
}

/// A browser with application caches. Clones are the same browser.
pub struct AppCache<F>(Arc<Inner<F>>);

impl<F> Clone for AppCache<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// One group, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its manifest.
    pub manifest_url: Url,
    /// When its first cache was begun.
    pub created: SystemTime,
    /// When its newest complete one was begun.
    pub updated: SystemTime,
    /// When a page was last opened from it, or a cache of it became complete.
    pub used: SystemTime,
    /// Bytes of its bodies.
    pub bytes: u64,
    /// Its URLs, and why each is kept.
    pub entries: Vec<(String, Vec<&'static str>)>,
}

struct Inner<F> {
    network: F,
    store: Store,
    clock: Box<dyn Clock>,
    options: Options,
    /// Where tasks run, also those that a page begins by being dropped.
    runtime: tokio::runtime::Handle,
    state: Mutex<State>,
    /// One write to the store at a time, in the order of the machine's wishes.
    writes: tokio::sync::Mutex<()>,
    /// Something came to its end, or a page got an event.
    changed: Notify,
}

struct State {
    caches: AppCaches<Held>,
    collections: HashMap<CacheId, Collection>,
    fetches: HashMap<Ticket, AbortHandle>,
    on_their_way: OnTheirWay,
    /// As of when the store has it that a group was used.
    use_written: HashMap<GroupId, SystemTime>,
    /// Tasks that write.
    writing: usize,
    pages: HashMap<HostId, Open>,
}

/// A page that somebody holds.
#[derive(Default)]
struct Open {
    /// Its own response, until it has loaded.
    answer: Option<Answer<Held>>,
    events: VecDeque<Event>,
}

impl<F: Fetch> AppCache<F> {
    /// A browser before `network` that keeps its caches in `store`, and has those that are there already. It wants
    /// to be made within a tokio runtime, in which its updates run.
    ///
    /// # Errors
    /// If the store cannot be read. A single cache that cannot be is passed over, with a warning.
    pub async fn open(
        network: F,
        store: Store,
        clock: impl Clock,
        options: Options,
    ) -> Result<Self, StoreError> {
        let mut caches = AppCaches::new(options.profile, options.limits);
        let (collections, use_written) = keep::restore(&store, &mut caches).await?;
        Ok(Self(Arc::new(Inner {
            network,
            store,
            clock: Box::new(clock),
            options,
            runtime: tokio::runtime::Handle::current(),
            state: Mutex::new(State {
                caches,
                collections,
                fetches: HashMap::new(),
                on_their_way: OnTheirWay::default(),
                use_written,
                writing: 0,
                pages: HashMap::new(),
            }),
            writes: tokio::sync::Mutex::new(()),
            changed: Notify::new(),
        })))
    }

    /// Ready when no update runs and nothing is being written.
    pub async fn settled(&self) {
        loop {
            let changed = self.0.changed.notified();
            let busy = |state: &mut State| state.caches.is_updating() || state.writing > 0;
            if !self.0.look(busy) {
                return;
            }
            changed.await;
        }
    }

    /// Begins what was put off until now. It is called by itself in the clock of the machine; whoever has another
    /// calls it when that was moved.
    pub fn tick(&self) {
        self.0.change(AppCaches::tick);
    }

    /// What is kept.
    pub fn kept(&self) -> Vec<Kept> {
        self.0.look(|state| {
            let groups = state.caches.groups();
            let kept = groups.filter_map(|(url, cache)| {
                let (cache, group) = (cache?, state.caches.group(url)?);
                let entries = cache.entries.iter();
                Some(Kept {
                    manifest_url: url.clone(),
                    created: cache.created,
                    updated: cache.updated,
                    used: state.caches.used(group).unwrap_or(cache.updated),
                    bytes: entries.clone().map(|(_, it)| it.body.len()).sum(),
                    entries: entries
                        .map(|(url, it)| (url.clone(), it.is.names().collect()))
                        .collect(),
                })
            });
            kept.collect()
        })
    }

    /// Removes a group as if its manifest were gone: pages of it stay as they are until they are loaded again.
    /// `false`: there is none.
    pub fn remove(&self, manifest_url: &Url) -> bool {
        self.0
            .change(|caches, now| caches.remove(manifest_url, now))
    }
}

impl<F: Fetch> Inner<F> {
    /// Looks at the state, or changes what the machine does not see.
    fn look<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells the machine something, and does what it wants done.
    fn change<T>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut AppCaches<Held>, SystemTime) -> T,
    ) -> T {
        let now = self.clock.now();
        let (result, actions) = self.look(|state| {
            let result = change(&mut state.caches, now);
            (result, state.caches.actions().collect::<Vec<_>>())
        });
        for action in actions {
            self.act(action, now);
        }
        self.changed.notify_waiters();
        result
    }

    fn act(self: &Arc<Self>, action: Action, now: SystemTime) {
        let inner = self.clone();
        match action {
            Action::Fetch {
                ticket,
                group,
                url,
                conditions,
                is_manifest,
            } => {
                // locked until the task is entered, so that it cannot end before
                self.look(|state| {
                    let task = self.runtime.spawn(async move {
                        let fetching = inner.fetch_for_update(group, url, conditions, is_manifest);
                        let fetched = fetching.await;
                        inner.look(|state| state.fetches.remove(&ticket));
                        inner.change(|caches, now| caches.fetched(ticket, fetched, now));
                    });
                    state.fetches.insert(ticket, task.abort_handle());
                });
            }
            Action::Cancel { ticket } => {
                if let Some(task) = self.look(|state| state.fetches.remove(&ticket)) {
                    task.abort();
                }
            }
            Action::Commit {
                ticket,
                group,
                cache,
            } => self.write_later(inner.commit(ticket, group, cache)),
            Action::Mark { group, cache } => self.write_later(inner.mark(group, cache)),
            Action::Forget { manifest_url } => self.write_later(inner.forget(manifest_url)),
            Action::Used { group } => self.note_use(group, now),
            Action::Release { cache } => {
                self.look(|state| {
                    let caches = &state.caches;
                    let is_known = |group: &GroupId| caches.manifest_url(*group).is_some();
                    state.use_written.retain(|group, _| is_known(group));
                    state.collections.remove(&cache)
                });
            }
            Action::Fire { host, event } => self.look(|state| {
                if let Some(page) = state.pages.get_mut(&host) {
                    page.events.push_back(event);
                    if page.events.len() > self.options.events_max {
                        page.events.pop_front();
                    }
                }
            }),
            Action::Wake { at } => {
                let wait = at.duration_since(now).unwrap_or_default();
                self.runtime.spawn(async move {
                    tokio::time::sleep(wait).await;
                    inner.change(AppCaches::tick);
                });
            }
        }
    }

    fn write_later(self: &Arc<Self>, write: impl Future<Output = ()> + Send + 'static) {
        self.look(|state| state.writing += 1);
        let inner = self.clone();
        self.runtime.spawn(async move {
            write.await;
            inner.look(|state| state.writing -= 1);
            inner.changed.notify_waiters();
        });
    }
}
