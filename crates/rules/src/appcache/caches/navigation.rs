//! Navigations: which entry answers, before the network or after it, and which cache the new page gets.
//!
//! HTML 5.1 §7.3 (navigating across documents), §11.3.4 (the application cache selection algorithm).

use std::collections::VecDeque;
use std::time::SystemTime;

use http::Method;
use url::Url;

use super::{AppCaches, CacheId, GroupId, Host, HostId};
use crate::appcache::cache::{Cache, Outcome, is_foreign, key};
use crate::appcache::event::Action;
use crate::appcache::manifest::Mode;
use crate::appcache::page;
use crate::appcache::update::Pending;

/// Which entry a navigation is served with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Of which group.
    pub group: GroupId,
    /// Of which cache.
    pub cache: CacheId,
    /// Which URL the entry has.
    pub entry: String,
    /// As what it is served.
    pub served: Served,
}

/// As what an entry is served to a navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Served {
    /// As what was asked for.
    Itself,
    /// In place of what the network could not give.
    Fallback,
}

/// A document whose `html` start tag is being read.
#[derive(Debug)]
pub struct Opening<'a> {
    /// The document's address: what was asked for, also of a fallback page.
    pub address: &'a Url,
    /// How it was asked for.
    pub method: &'a Method,
    /// The entry that it was served with; `None`: it came from the network.
    pub source: Option<Source>,
    /// Its `manifest` attribute.
    pub manifest: Option<&'a str>,
    /// A service worker answered for it: then there is no application cache.
    pub has_worker: bool,
}

/// What the selection says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// The document goes on, as this page.
    Page(HostId),
    /// The entry belongs to another manifest and is now marked so: navigate to the same URL once more.
    Again,
}

impl<B: Clone> AppCaches<B> {
    /// The entry that answers a navigation before the network is asked, if one does. `from` is the page that
    /// the user comes from: of several caches its own is preferred, else the one that was updated last.
    pub fn navigate(&self, url: &Url, method: &Method, from: Option<HostId>) -> Option<Source> {
        if method != Method::GET {
            return None;
        }
        self.relevant(url, from, |cache| {
            let held = cache.entry(url).is_some_and(|entry| !entry.foreign);
            (held && cache.manifest.mode == Mode::Fast).then(|| key(url).to_owned())
        })
        .map(|it| it.served(Served::Itself))
    }

    /// The entry that answers a navigation of which the network made this, if one does.
    pub fn navigate_after(
        &self,
        url: &Url,
        method: &Method,
        from: Option<HostId>,
        outcome: Outcome,
    ) -> Option<Source> {
        // "the navigation attempt failed (e.g. the server returned a 4xx or 5xx status code or equivalent, or there was
        // a DNS error)"; a redirect, wherever it leads, is another navigation.
        let failed = outcome != Outcome::RedirectedAway && outcome.calls_for_fallback();
        if method != Method::GET || !failed {
            return None;
        }
        let usable = |cache: &Cache<B>, key: &str| {
            let entry = cache.entries.get(key);
            entry.is_some_and(|entry| !entry.foreign)
        };
        let online = self.relevant(url, from, |cache| {
            let held = cache.manifest.mode == Mode::PreferOnline && usable(cache, key(url));
            held.then(|| key(url).to_owned())
        });
        if let Some(found) = online {
            return Some(found.served(Served::Itself));
        }
        let fallback = self.relevant(url, from, |cache| {
            let target = cache.fallback(url)?.target.as_str();
            (!cache.is_network(url) && usable(cache, target)).then(|| target.to_owned())
        });
        fallback.map(|it| it.served(Served::Fallback))
    }

    /// The best of the caches of the URL's own origin in which `find` finds an entry.
    fn relevant(
        &self,
        url: &Url,
        from: Option<HostId>,
        find: impl Fn(&Cache<B>) -> Option<String>,
    ) -> Option<Found> {
        let origin = url.origin();
        let own = from.and_then(|host| self.hosts.get(&host)?.cache);
        let candidates = self.groups.iter().filter_map(|(group_id, group)| {
            if group.obsolete || group.manifest_url.origin() != origin {
                return None;
            }
            let (cache_id, cache) = group.newest()?;
            let entry = find(cache)?;
            let is_own = own.is_some_and(|(own, _)| own == *group_id);
            let found = Found {
                group: *group_id,
                cache: cache_id,
                entry,
            };
            Some(((is_own, cache.updated, cache_id), found))
        });
        let best = candidates.max_by(|(a, _), (b, _)| a.cmp(b));
        best.map(|(_, found)| found)
    }

    /// The selection: which cache a document gets, and whether an update begins.
    pub fn open(&mut self, opening: Opening<'_>, now: SystemTime) -> Opened {
        let manifest = (!opening.has_worker).then_some(opening.manifest).flatten();
        let named = page::manifest_url(opening.address, manifest);
        // "If there is a manifest URL, and document was loaded from an application cache, and the URL of the manifest
        // of that cache's application cache group is not the same as manifest URL"
        let other = opening.source.as_ref().filter(|source| {
            let group = self.groups.get(&source.group);
            group.is_some_and(|it| is_foreign(&it.manifest_url, opening.address, manifest))
        });
        if let Some(source) = other {
            self.mark_foreign(source);
            return Opened::Again;
        }
        let host = HostId(self.id());
        let page = Host {
            address: opening.address.clone(),
            cache: None,
            loaded: false,
            waiting: VecDeque::new(),
        };
        self.hosts.insert(host, page);
        match (opening.source, named) {
            // "If document was loaded from an application cache, and that application cache still exists …: associate
            // document with the application cache from which it was loaded. Invoke … the download process"
            (Some(source), _) => {
                let group = self.groups.get(&source.group);
                if let Some(group) = group.filter(|it| it.still_serves(source.cache)) {
                    let url = group.manifest_url.clone();
                    self.associate(host, Some((source.group, source.cache)));
                    self.opened_from(source.group, now);
                    self.update_group(&url, Some(host), None, 0, now);
                }
            }
            // "If document was loaded using HTTP GET or equivalent, and, there is a manifest URL, and manifest URL has
            // the same origin as document"
            (None, Some(manifest_url))
                if *opening.method == Method::GET
                    && manifest_url.origin() == opening.address.origin() =>
            {
                // with `prefer-online`, on the first visit of a page and with a new query: it is the same site
                let group = self.group(&manifest_url);
                if let Some(group) = group.filter(|_| self.newest(&manifest_url).is_some()) {
                    self.opened_from(group, now);
                }
                let master = Pending::loading(host, opening.address);
                self.update_group(&manifest_url, Some(host), Some(master), 0, now);
            }
            _ => {}
        }
        Opened::Page(host)
    }

    fn mark_foreign(&mut self, source: &Source) {
        let group = self.groups.get_mut(&source.group);
        let cache = group.and_then(|it| it.caches.get_mut(&source.cache));
        let entry = cache.and_then(|it| it.entries.get_mut(&source.entry));
        if let Some(entry) = entry {
            entry.foreign = true;
            self.actions.push_back(Action::Mark {
                group: source.group,
                cache: source.cache,
            });
        }
    }
}

struct Found {
    group: GroupId,
    cache: CacheId,
    entry: String,
}

impl Found {
    fn served(self, served: Served) -> Source {
        let Self {
            group,
            cache,
            entry,
        } = self;
        Source {
            group,
            cache,
            entry,
            served,
        }
    }
}
