//! Tabs: their history, their document, and what memory they have.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use http::StatusCode;
use revisit_rules::appcache::HostId;
use url::Url;

use super::Replay;
use crate::memory::{Memory, MemoryKey, Resource};
use crate::{Limits, Parse, Server};

/// A tab.
#[derive(Debug)]
pub(super) struct Tab {
    pub(super) id: u64,
    /// Never empty once something was visited.
    pub(super) history: Vec<Entry>,
    /// The place of the current one.
    pub(super) at: usize,
    /// `None`: nothing was visited, or what was did not come.
    pub(super) document: Option<Document>,
    pub(super) memory: Memory,
    /// Whose documents its process shows; another site is another process.
    pub(super) site: Option<Arc<str>>,
}

/// An entry of a tab's history.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) url: Url,
    /// Its document, as it was left.
    pub(super) parked: Option<Parked>,
}

/// A document in the back-forward cache.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) document: Document,
    /// What it held in memory.
    pub(super) held: Vec<(MemoryKey, Arc<Resource>)>,
    pub(super) since: SystemTime,
}

/// A document.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) url: Url,
    pub(super) site: Arc<str>,
    pub(super) status: StatusCode,
    /// It came with `no-store`.
    pub(super) no_store: bool,
    /// It has fetched what came with `no-store`.
    pub(super) fetched_no_store: bool,
    /// [`crate::cookies::Cookies::changes`] of its host when it came.
    pub(super) cookies: u64,
    /// What it and the documents within it are to application caches, where the browser has any; itself first.
    pub(super) hosts: Vec<HostId>,
    /// What it preloaded and has not used yet.
    pub(super) preloads: HashMap<MemoryKey, Arc<Resource>>,
}

impl Document {
    /// What it is to application caches.
    pub(super) fn host(&self) -> Option<HostId> {
        self.hosts.first().copied()
    }
}

impl Tab {
    /// All documents, those for going back among them.
    pub(super) fn documents(&self) -> impl Iterator<Item = &Document> {
        let parked = self
            .history
            .iter()
            .filter_map(|entry| entry.parked.as_ref());
        self.document
            .iter()
            .chain(parked.map(|parked| &parked.document))
    }

    /// The URL that it shows, or tried to show.
    pub(super) fn url(&self) -> Option<&Url> {
        self.history.get(self.at).map(|entry| &entry.url)
    }

    /// A document of this site comes: unless the one before was of the same, nothing is in memory.
    pub(super) fn enter(&mut self, site: &Arc<str>) {
        if self.site.as_ref() != Some(site) {
            self.memory = Memory::default();
            self.site = Some(site.clone());
        }
    }

    /// Drops what came from this origin, or from any.
    pub(super) fn clear(&mut self, origin: Option<&str>) {
        self.memory.clear(origin);
        for entry in &mut self.history {
            let goes = origin.is_none_or(|origin| crate::site::origin(&entry.url) == origin);
            if goes {
                entry.parked = None;
            }
        }
    }

    /// Lets those documents go that were parked longest ago, and those that were for too long.
    pub(super) fn let_go(&mut self, limits: &Limits, now: SystemTime) {
        let mut parked: Vec<(SystemTime, usize)> = Vec::new();
        for (place, entry) in self.history.iter_mut().enumerate() {
            let Some(since) = entry.parked.as_ref().map(|parked| parked.since) else {
                continue;
            };
            if now.duration_since(since).unwrap_or_default() >= limits.bfcache_lifetime {
                entry.parked = None;
            } else {
                parked.push((since, place));
            }
        }
        parked.sort_unstable();
        let too_many = parked.len().saturating_sub(limits.bfcache_documents_max);
        for (_, place) in parked.into_iter().take(too_many) {
            self.history[place].parked = None;
        }
    }
}

impl<S: Server, P: Parse> Replay<S, P> {
    /// Opens a tab, which is the current one from then on.
    pub(super) fn open_tab(&mut self) {
        if self.tabs.len() >= self.options.limits.tabs_max.max(1) {
            let oldest = self.tabs.remove(0);
            self.shown.retain(|id| *id != oldest.id);
        }
        self.tabs_opened += 1;
        let id = self.tabs_opened;
        self.shown.push(id);
        self.tabs.push(Tab {
            id,
            history: Vec::new(),
            at: 0,
            document: None,
            memory: Memory::default(),
            site: None,
        });
    }

    /// The current tab.
    pub(super) fn tab(&self) -> Option<&Tab> {
        let id = *self.shown.last()?;
        self.tabs.iter().find(|tab| tab.id == id)
    }

    /// The current tab.
    pub(super) fn tab_mut(&mut self) -> Option<&mut Tab> {
        let id = *self.shown.last()?;
        self.tabs.iter_mut().find(|tab| tab.id == id)
    }

    /// The current document.
    pub(super) fn document(&self) -> Option<&Document> {
        self.tab()?.document.as_ref()
    }

    /// The current document.
    pub(super) fn document_mut(&mut self) -> Option<&mut Document> {
        self.tab_mut()?.document.as_mut()
    }
}
