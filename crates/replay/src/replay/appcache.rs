//! Application caches as a layer: which entry answers a document or what it loads, and which cache a page gets.
//!
//! All that is decided is decided by [`revisit_rules::appcache`]; here is what it asks for, in virtual time. What an
//! update fetches stands in [`super::update`].
//!
//! HTML 5.1 §11.3.4.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, Method};
use revisit_rules::appcache::{
    Answer, AppCaches, Direct, Entry, GroupId, HostId, InvalidState, Limits, Opened, Opening,
    Outcome, Profile, Served, Status, Subresource, page,
};
use revisit_rules::http::Times;
use url::Url;

use super::exchange::{answered, begin};
use super::http::{Ask, DISK_TAKES, Got, fail};
use super::request::{Caches, Plan};
use super::{ActionError, Replay};
use crate::memory::{Given, Resource};
use crate::site::origin;
use crate::{Layer, Parse, Reason, Role, Server, Trouble, Visit};

/// The application caches of a browser that has them, and its pages as they know them.
#[derive(Debug)]
pub(super) struct Applications {
    pub(super) caches: AppCaches<Bytes>,
    /// Every open document.
    pub(super) pages: BTreeMap<HostId, Url>,
    /// The manifests of the groups that were ever updated.
    pub(super) manifests: BTreeMap<GroupId, Url>,
    /// Documents that are loading, with their own responses where those are the network's.
    pub(super) loading: Vec<(HostId, Option<Answer<Bytes>>)>,
}

impl Applications {
    pub(super) fn new(profile: Profile) -> Self {
        Self {
            caches: AppCaches::new(profile, Limits::default()),
            pages: BTreeMap::new(),
            manifests: BTreeMap::new(),
            loading: Vec::new(),
        }
    }
}

/// What a page's script calls.
#[derive(Debug, Clone, Copy)]
pub(super) enum Call {
    Update,
    SwapCache,
}

impl<S: Server, P: Parse> Replay<S, P> {
    /// Answers one step of `plan`: an application cache, or all that lies below.
    pub(super) fn answer(
        &mut self,
        visit: &mut Visit,
        plan: &Plan,
        ask: &Ask,
    ) -> Result<Got, Trouble> {
        match plan.caches {
            Caches::All(from) => self.answer_navigation(visit, ask, from),
            Caches::Of(Some(host)) => self.answer_load(visit, ask, host),
            Caches::Past | Caches::Of(None) => self.http(visit, ask),
        }
    }

    fn answer_navigation(
        &mut self,
        visit: &mut Visit,
        ask: &Ask,
        from: Option<HostId>,
    ) -> Result<Got, Trouble> {
        let Some(caches) = self.applications.as_ref().map(|it| &it.caches) else {
            return self.http(visit, ask);
        };
        if let Some(source) = caches.navigate(&ask.url, &ask.method, from)
            && let Some(entry) = caches.served(&source).cloned()
        {
            return Ok(self.give(visit, ask, &entry, Given::Navigation(source)));
        }
        let came = self.http(visit, ask);
        let outcome = outcome(&came, None);
        let caches = self.applications.as_ref().map(|it| &it.caches);
        let instead = caches.and_then(|caches| {
            let source = caches.navigate_after(&ask.url, &ask.method, from, outcome)?;
            Some((caches.served(&source)?.clone(), source))
        });
        match instead {
            Some((entry, source)) => {
                let given = Given::Navigation(source);
                Ok(self.give(visit, &later(visit, ask), &entry, given))
            }
            None => came,
        }
    }

    fn answer_load(&mut self, visit: &mut Visit, ask: &Ask, host: HostId) -> Result<Got, Trouble> {
        let Some(caches) = self.applications.as_ref().map(|it| &it.caches) else {
            return self.http(visit, ask);
        };
        let role = match caches.subresource(host, &ask.method, &ask.url) {
            Subresource::Cached(entry) => {
                let entry = entry.clone();
                return Ok(self.give(visit, ask, &entry, Given::Load(host)));
            }
            Subresource::Refused => {
                let trouble = fail(visit, ask, Reason::ListedNowhere, Trouble::ListedNowhere);
                note(visit, visit.exchanges.len() - 1, &Role::Refused);
                return Err(trouble);
            }
            Subresource::Network(Direct::NoCache) => return self.http(visit, ask),
            Subresource::Network(why) => Role::Network(why),
            Subresource::NetworkElse(fallback) => Role::NetworkElse(fallback.target.clone()),
        };
        let first = visit.exchanges.len();
        let came = self.http(visit, ask);
        note(visit, first, &role);
        let Role::NetworkElse(target) = role else {
            return came;
        };
        let outcome = outcome(&came, Some(&ask.url));
        let caches = self.applications.as_ref().map(|it| &it.caches);
        let entry = caches
            .and_then(|it| it.subresource_after(host, &ask.method, &ask.url, outcome))
            .cloned();
        let Some(entry) = entry else {
            return came;
        };
        let got = self.give(visit, &later(visit, ask), &entry, Given::Load(host));
        if let Some(one) = visit.exchanges.last_mut() {
            one.reason = Reason::FallbackEntry;
            one.application_cache = Some(Role::Fallback(target));
        }
        Ok(got)
    }

    /// An entry answers.
    fn give(&self, visit: &mut Visit, ask: &Ask, entry: &Entry<Bytes>, given: Given) -> Got {
        let body = match ask.method {
            Method::HEAD => Bytes::new(),
            _ => entry.body.clone(),
        };
        let stored = &entry.stored;
        let mut resource = self.resource(ask, stored.status, &stored.headers, body, stored.times);
        let fallback = match &given {
            Given::Navigation(source) if source.served == Served::Fallback => {
                Url::parse(&source.entry).ok()
            }
            _ => None,
        };
        let (reason, role) = match fallback {
            Some(target) => (Reason::FallbackEntry, Role::Fallback(target)),
            _ => (Reason::Entry(entry.is), Role::Entry(entry.is)),
        };
        resource.given = Some(given);
        let mut exchange = answered(
            begin(ask, reason),
            Layer::ApplicationCache,
            &resource,
            DISK_TAKES,
        );
        exchange.application_cache = Some(role);
        let end = exchange.end;
        visit.exchanges.push(exchange);
        Got {
            resource: Arc::new(resource),
            end,
            refreshed: None,
        }
    }

    /// Asks for a document until it has the cache that its own `manifest` attribute wants. With it comes what it is
    /// to application caches, where the browser has any.
    pub(super) fn fetch_page(
        &mut self,
        visit: &mut Visit,
        plan: &Plan,
        url: &Url,
    ) -> Result<(Got, Option<HostId>), Trouble> {
        loop {
            let got = self.fetch(visit, plan.clone(), url)?;
            if matches!(got.resource.status.as_u16(), 204 | 205) {
                return Ok((got, None));
            }
            // An entry that is found to be another manifest's is passed over from then on.
            match self.open_page(visit, &got.resource, got.end) {
                Some(Opened::Again) => {}
                Some(Opened::Page(host)) => return Ok((got, Some(host))),
                None => return Ok((got, None)),
            }
        }
    }

    /// The `html` start tag of a document is read: which cache does it get, and does an update begin?
    fn open_page(
        &mut self,
        visit: &mut Visit,
        resource: &Resource,
        ready: Duration,
    ) -> Option<Opened> {
        let attribute = named(resource);
        let manifest = page::manifest_url(&resource.url, attribute.as_deref());
        let now = self.local(ready);
        let opened = self.applications.as_mut().map(|it| {
            let source = match &resource.given {
                Some(Given::Navigation(source)) => Some(source.clone()),
                _ => None,
            };
            let own = source.is_none().then(|| answer_of(resource, now));
            let opening = Opening {
                address: &resource.url,
                method: &Method::GET,
                source,
                manifest: attribute.as_deref(),
                has_worker: false,
            };
            let opened = it.caches.open(opening, now);
            if let Opened::Page(host) = opened {
                it.pages.insert(host, resource.url.clone());
                it.loading.push((host, own));
            }
            opened
        });
        if let Some(manifest) = manifest.filter(|_| opened != Some(Opened::Again)) {
            visit.manifests.push((resource.url.clone(), manifest));
        }
        opened
    }

    /// Is it for the page's application cache alone to answer this?
    pub(super) fn is_ruled(&self, host: Option<HostId>, url: &Url) -> bool {
        let caches = self.applications.as_ref().map(|it| &it.caches);
        caches.zip(host).is_some_and(|(caches, host)| {
            matches!(
                caches.subresource(host, &Method::GET, url),
                Subresource::Cached(_) | Subresource::Refused
            )
        })
    }

    /// The manifests of the newest application caches, with the fields that they came with.
    pub(crate) fn kept_manifests(&self) -> Vec<(Url, HeaderMap)> {
        let caches = self.applications.iter().flat_map(|it| it.caches.groups());
        let kept = caches.filter_map(|(manifest, cache)| {
            let entry = cache?.entries.get(manifest.as_str())?;
            Some((manifest.clone(), entry.stored.headers.clone()))
        });
        kept.collect()
    }

    /// Has the document an application cache? Such documents were not kept for going back.
    pub(super) fn has_application_cache(&self, host: Option<HostId>) -> bool {
        let caches = self.applications.as_ref().map(|it| &it.caches);
        caches
            .zip(host)
            .is_some_and(|(caches, host)| caches.status(host) != Status::Uncached)
    }

    /// A script of the current document calls what `window.applicationCache` has.
    pub(super) fn script_calls(&mut self, call: Call) -> Result<(), ActionError> {
        let host = self.document().ok_or(ActionError::NoDocument)?.host();
        let now = self.local(Duration::ZERO);
        let applications = self.applications.as_mut();
        let (applications, host) = applications
            .zip(host)
            .ok_or(ActionError::NoApplicationCaches)?;
        let refused = |_: InvalidState| ActionError::NoApplicationCache;
        match call {
            Call::Update => applications.caches.update(host, now).map_err(refused),
            Call::SwapCache => {
                applications.caches.swap_cache(host).map_err(refused)?;
                if let Some(tab) = self.tab_mut() {
                    tab.memory.drop_given();
                }
                Ok(())
            }
        }
    }

    /// Drops the application caches of one origin, or all; open pages stay as they are.
    pub(super) fn clear_application_caches(&mut self, of: Option<&str>) {
        let now = self.local(Duration::ZERO);
        let Some(caches) = self.applications.as_mut().map(|it| &mut it.caches) else {
            return;
        };
        let urls = caches.groups().map(|(url, _)| url.clone());
        let urls: Vec<Url> = urls
            .filter(|url| of.is_none_or(|of| of == origin(url)))
            .collect();
        for url in urls {
            caches.remove(&url, now);
        }
    }

    /// Tells the caches of documents that are no longer there.
    pub(super) fn close_pages(&mut self) {
        let now = self.local(Duration::ZERO);
        let Some(applications) = &mut self.applications else {
            return;
        };
        let documents = self.tabs.iter().flat_map(|tab| tab.documents());
        let open: HashSet<HostId> = documents.flat_map(|it| it.hosts.iter().copied()).collect();
        let gone = applications
            .pages
            .keys()
            .filter(|host| !open.contains(host));
        for host in gone.copied().collect::<Vec<_>>() {
            applications.pages.remove(&host);
            applications.loading.retain(|(loading, _)| *loading != host);
            applications.caches.closed(host, now);
        }
    }
}

/// The same, once what was asked has come to nothing.
fn later(visit: &Visit, ask: &Ask) -> Ask {
    let last = visit.exchanges.last().map(|one| one.end);
    Ask {
        ready: last.unwrap_or(ask.ready).max(ask.ready),
        ..ask.clone()
    }
}

/// What became of a request to the network; of a load by a page, whose URL this is, also where it was redirected.
fn outcome(came: &Result<Got, Trouble>, load: Option<&Url>) -> Outcome {
    let got = match came {
        Ok(got) => got,
        Err(Trouble::Offline | Trouble::Unreachable) => return Outcome::Error,
        // Nobody was asked, or nobody knows what the answer is.
        Err(_) => return Outcome::Cancelled,
    };
    let status = got.resource.status;
    let location = got.resource.headers.get(LOCATION);
    let location = location.and_then(|it| it.to_str().ok());
    let away = load.zip(location).is_some_and(|(url, location)| {
        let to = url.join(location);
        status.is_redirection() && to.is_ok_and(|to| to.origin() != url.origin())
    });
    match away {
        true => Outcome::RedirectedAway,
        false => Outcome::Status(status),
    }
}

/// Writes into the exchanges from this place on what the application cache had to do with them.
pub(super) fn note(visit: &mut Visit, first: usize, role: &Role) {
    for one in visit.exchanges.iter_mut().skip(first) {
        one.application_cache = Some(role.clone());
    }
}

/// What the machine is told of a response.
pub(super) fn answer_of(resource: &Resource, now: std::time::SystemTime) -> Answer<Bytes> {
    let times = resource.chain.last().map(|one| one.times);
    Answer {
        status: resource.status,
        headers: resource.headers.clone(),
        times: times.unwrap_or(Times {
            request: now,
            response: now,
        }),
        body: resource.body.clone(),
        bytes: None,
        manifest: named(resource),
    }
}

/// The `manifest` attribute of a response, if it is a page that has one.
fn named(resource: &Resource) -> Option<String> {
    let said = resource.headers.get(CONTENT_TYPE);
    let essence = said
        .and_then(|it| it.to_str().ok())
        .and_then(|it| it.split(';').next());
    let is_page = essence.map(str::trim).is_some_and(|it| {
        it.eq_ignore_ascii_case("text/html") || it.eq_ignore_ascii_case("application/xhtml+xml")
    });
    let success = resource.status.is_success();
    let attribute = || page::manifest_attribute(&resource.body);
    (is_page && success).then(attribute).flatten()
}
