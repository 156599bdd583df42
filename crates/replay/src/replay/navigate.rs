//! Documents: how one comes, and what becomes of the one before.

use std::collections::HashMap;
use std::time::Duration;

use http::{HeaderMap, Method};
use revisit_rules::appcache::HostId;
use url::Url;

use super::http::Got;
use super::load::Context;
use super::request::{Caches, Plan};
use super::tab::{Document, Entry, Parked};
use super::{ActionError, Replay};
use crate::disk::Mode;
use crate::site::{site, without_fragment};
use crate::{
    Arrival, Broken, CacheMode, Cors, Credentials, Destination, Order, Parse, Server, Trouble,
    Visit,
};

/// How a document is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Typed,
    Link,
    Reload,
    HardReload,
    /// To this place of the history.
    History(usize),
}

impl How {
    /// How the document is asked for.
    fn mode(self) -> Mode {
        match self {
            Self::Typed | Self::Link => Mode::of(CacheMode::Default),
            Self::Reload => Mode::of(CacheMode::NoCache),
            Self::HardReload => Mode::of(CacheMode::Reload),
            Self::History(_) => Mode::BACK,
        }
    }

    /// How it asks for what it loads: F5 validates the document alone, today.
    fn mode_within(self, order: Order) -> Mode {
        match (self, order) {
            (Self::Reload, Order::Chromium) => Mode::of(CacheMode::Default),
            _ => self.mode(),
        }
    }
}

impl<S: Server, P: Parse> Replay<S, P> {
    /// Asks for a document in the current tab.
    pub(super) fn navigate(&mut self, visit: &mut Visit, url: &Url, how: How) {
        let from = match how {
            How::Link => self.document().map(|document| document.url.clone()),
            _ => None,
        };
        // A link to another place of the same document loads nothing.
        if let Some(from) = &from
            && url.fragment().is_some()
            && without_fragment(from) == without_fragment(url)
        {
            if let Some(document) = self.document_mut() {
                document.url = url.clone();
            }
            return;
        }
        let document = self.document().and_then(|document| document.host());
        let caches = match how {
            // "… and the user agent is not in a mode where it will avoid using application caches" (HTML 5.1)
            How::HardReload => Caches::Past,
            How::Link | How::Reload => Caches::All(document),
            How::Typed | How::History(_) => Caches::All(None),
        };
        let plan = Plan {
            method: Method::GET,
            destination: Destination::Document,
            cors: Cors::No,
            credentials: Credentials::Include,
            mode: how.mode(),
            prefetch: false,
            headers: HeaderMap::new(),
            body_bytes: None,
            found_in: from.clone(),
            from,
            top: None,
            ready: Duration::ZERO,
            background: false,
            caches,
        };
        let got = self.fetch_page(visit, &plan, url);
        let broken = |trouble| Broken {
            url: url.clone(),
            destination: Destination::Document,
            trouble,
        };
        let (got, host) = match got {
            Ok(got) => got,
            Err(trouble) => {
                visit.broken.push(broken(trouble));
                visit.arrival = Arrival::Failed;
                return self.commit(url, None, how);
            }
        };
        let status = got.resource.status.as_u16();
        // "No Content": the document that is shown stays.
        if matches!(status, 204 | 205) {
            return;
        }
        if status >= 400 {
            visit.broken.push(broken(Trouble::Status(status)));
        }
        visit.arrival = Arrival::Loaded;
        visit.load_time = got.end;
        let context = self.arrive(url, &got, host, how);
        self.load(visit, &context, &got.resource, got.end);
    }

    /// Goes so many entries through the history.
    pub(super) fn traverse(&mut self, visit: &mut Visit, by: isize) -> Result<(), ActionError> {
        let tab = self.tab().ok_or(ActionError::NoHistory)?;
        let place = tab
            .at
            .checked_add_signed(by)
            .ok_or(ActionError::NoHistory)?;
        let entry = tab.history.get(place).ok_or(ActionError::NoHistory)?;
        let url = entry.url.clone();
        if self.restore(place) {
            visit.arrival = Arrival::Restored;
        } else {
            self.navigate(visit, &url, How::History(place));
        }
        Ok(())
    }

    /// Shows the parked document of that place as it was left, if it is there and still may be.
    fn restore(&mut self, place: usize) -> bool {
        let now = self.world.now;
        let (order, limits) = (self.options.order, self.options.limits);
        let Some(tab) = self.tab_mut() else {
            return false;
        };
        tab.let_go(&limits, now);
        let Some(parked) = tab
            .history
            .get_mut(place)
            .and_then(|entry| entry.parked.take())
        else {
            return false;
        };
        let Parked { document, held, .. } = parked;
        // A page with `no-store` is not shown again to someone who has logged in or out since.
        let careful = document.no_store && self.changed(&document);
        if careful {
            return false;
        }
        self.park(Some(place));
        let Some(tab) = self.tab_mut() else {
            return false;
        };
        tab.enter(&document.site);
        tab.memory.turn(order, &limits, now);
        for (key, resource) in held {
            tab.memory.hold(key, resource, now);
        }
        tab.document = Some(document);
        tab.at = place;
        true
    }

    /// Has a cookie of the document changed, or has it fetched what is not to be kept?
    fn changed(&self, document: &Document) -> bool {
        let host = document.url.host_str().unwrap_or_default();
        document.fetched_no_store || self.cookies.changes(host) != document.cookies
    }

    /// A document has come: it takes the place of the one before.
    fn arrive(&mut self, asked: &Url, got: &Got, host: Option<HostId>, how: How) -> Context {
        let resource = &got.resource;
        let mut url = resource.url.clone();
        if url == without_fragment(asked) {
            url.set_fragment(asked.fragment());
        }
        let name = url.host_str().unwrap_or_default();
        let document = Document {
            site: site(&url),
            status: resource.status,
            no_store: resource
                .chain
                .last()
                .is_some_and(|one| one.directives.no_store),
            fetched_no_store: false,
            cookies: self.cookies.changes(name),
            hosts: host.into_iter().collect(),
            preloads: HashMap::new(),
            url: url.clone(),
        };
        let context = Context {
            site: document.site.clone(),
            mode: how.mode_within(self.options.order),
            loading: true,
            document: url.clone(),
            host,
        };
        self.commit(&url, Some(document), how);
        context
    }

    /// Puts a document, or none where it did not come, into the tab and its history.
    fn commit(&mut self, url: &Url, document: Option<Document>, how: How) {
        let now = self.world.now;
        let (order, limits) = (self.options.order, self.options.limits);
        let replaces = match how {
            How::Reload | How::HardReload => true,
            How::Typed | How::Link => self.tab().and_then(|tab| tab.url()) == Some(url),
            How::History(_) => false,
        };
        if !replaces {
            self.park(match how {
                How::History(place) => Some(place),
                _ => None,
            });
        }
        let Some(tab) = self.tab_mut() else {
            return;
        };
        if let Some(document) = &document {
            tab.enter(&document.site);
        }
        tab.memory.turn(order, &limits, now);
        tab.document = document;
        let entry = Entry {
            url: url.clone(),
            parked: None,
        };
        match how {
            How::History(place) => {
                tab.at = place;
                if let Some(known) = tab.history.get_mut(place) {
                    *known = entry;
                }
            }
            _ if replaces && !tab.history.is_empty() => {
                if let Some(known) = tab.history.get_mut(tab.at) {
                    *known = entry;
                }
            }
            _ => {
                tab.history.truncate(tab.at + 1);
                tab.history.push(entry);
                if tab.history.len() > limits.history_max.max(1) {
                    tab.history.remove(0);
                }
                tab.at = tab.history.len() - 1;
            }
        }
    }

    /// Parks the current document, if it may come back as it is; `to`: which place of the history
    /// comes next, if it is one.
    fn park(&mut self, to: Option<usize>) {
        let now = self.world.now;
        let limits = self.options.limits;
        let document = self.document().and_then(|document| document.host());
        let allowed = self.options.bfcache && !self.has_application_cache(document);
        let Some(tab) = self.tab_mut() else {
            return;
        };
        let Some(document) = tab.document.take() else {
            return;
        };
        if !allowed || document.status != 200 || to == Some(tab.at) {
            return;
        }
        let parked = Parked {
            held: tab.memory.pinned(),
            since: now,
            document,
        };
        if let Some(entry) = tab.history.get_mut(tab.at) {
            entry.parked = Some(parked);
        }
        tab.let_go(&limits, now);
    }
}
