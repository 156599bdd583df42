//! What a document loads: while it loads, when a script asks for it, and for documents to come.
//!
//! The order of the layers stands in [`Replay::need`].

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method};
use revisit_rules::appcache::HostId;
use url::Url;

use super::Replay;
use super::exchange::{broke, recalled};
use super::http::{Ask, Got};
use super::request::{Caches, Plan};
use crate::disk::Mode;
use crate::memory::{MemoryKey, Recall, Recalled, Resource, while_revalidate};
use crate::{
    CacheMode, Cors, Destination, Fetching, Layer, Loaded, Order, Parse, Phase, Reason, Server,
    Subresource, Visit,
};

/// The document for which something is loaded.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) document: Url,
    pub(super) site: Arc<str>,
    /// How it loads its subresources.
    pub(super) mode: Mode,
    /// It is still loading.
    pub(super) loading: bool,
    /// What the document is to application caches.
    pub(super) host: Option<HostId>,
}

/// Something that was found, and waits for its turn.
struct Found {
    one: Subresource,
    /// Where.
    within: Url,
    /// The document about it: the tab's, or one within that.
    document: Url,
    /// What that is to application caches.
    host: Option<HostId>,
    /// How many documents it is within.
    depth: usize,
}

/// What came of something that a document needs.
struct Needed {
    /// Nothing: the document has it already, or it is for later.
    resource: Option<Arc<Resource>>,
    /// When it had come.
    end: Duration,
    /// Of a document within: what it is to application caches.
    host: Option<HostId>,
}

/// What waits, the earliest first; of the same moment in the order of finding.
#[derive(Default)]
struct Queue {
    found: Vec<Option<Found>>,
    order: BinaryHeap<Reverse<(Duration, usize)>>,
}

impl<S: Server, P: Parse> Replay<S, P> {
    /// Loads all that `resource`, the document of `context`, makes it load.
    pub(super) fn load(
        &mut self,
        visit: &mut Visit,
        context: &Context,
        resource: &Resource,
        ready: Duration,
    ) {
        let mut queue = Queue::default();
        let (mut on_demand, mut prefetches) = (Queue::default(), Queue::default());
        let document = Document {
            url: &context.document,
            host: context.host,
            depth: 0,
        };
        self.look(
            resource,
            Destination::Document,
            &document,
            ready,
            &mut queue,
        );
        let mut loaded = ready;
        let mut loading = context.clone();
        for after_load in [false, true] {
            if after_load {
                loading.loading = false;
                loading.mode = Mode::of(CacheMode::Default);
                for (_, found) in std::mem::take(&mut on_demand).drain() {
                    queue.push(loaded, found);
                }
            }
            while let Some((ready, found)) = queue.pop() {
                let end = match found.one.phase {
                    Phase::Prefetch => {
                        prefetches.push(ready, found);
                        continue;
                    }
                    Phase::OnDemand if !self.options.on_demand => continue,
                    Phase::OnDemand if !after_load => {
                        on_demand.push(ready, found);
                        continue;
                    }
                    _ => self.need_and_look(visit, &loading, found, ready, &mut queue),
                };
                if !after_load {
                    loaded = loaded.max(end);
                }
            }
        }
        visit.load_time = loaded;
        for (_, found) in prefetches.drain() {
            self.prefetch(visit, context, &found, loaded);
        }
    }

    /// Loads one thing, and puts what it loads into the queue. When had it come?
    fn need_and_look(
        &mut self,
        visit: &mut Visit,
        context: &Context,
        found: Found,
        ready: Duration,
        queue: &mut Queue,
    ) -> Duration {
        let Some(needed) = self.need(visit, context, &found, ready) else {
            return ready;
        };
        let Needed { resource, end, .. } = needed;
        let Found {
            one,
            document,
            host,
            depth,
            ..
        } = found;
        // What is preloaded is looked through when it is used.
        let Some(resource) = resource.filter(|_| one.phase != Phase::Preload) else {
            return end;
        };
        let is_frame = one.destination == Destination::Iframe;
        if is_frame && depth >= FRAMES_MAX {
            return end;
        }
        let about = Document {
            url: if is_frame { &resource.url } else { &document },
            host: if is_frame { needed.host } else { host },
            depth: depth + usize::from(is_frame),
        };
        self.look(&resource, one.destination, &about, end, queue);
        end
    }

    /// Puts what `resource` loads into the queue.
    fn look(
        &mut self,
        resource: &Resource,
        destination: Destination,
        document: &Document<'_>,
        ready: Duration,
        queue: &mut Queue,
    ) {
        let error = resource.status.as_u16() >= 400 && !destination.takes_errors();
        if error {
            return;
        }
        let loaded = Loaded {
            url: &resource.url,
            destination,
            headers: &resource.headers,
            body: &resource.body,
            document: document.url,
        };
        for one in self.parse.subresources(&loaded).iter() {
            if !matches!(one.url.scheme(), "http" | "https") {
                continue;
            }
            let found = Found {
                one: one.clone(),
                within: resource.url.clone(),
                document: document.url.clone(),
                host: document.host,
                depth: document.depth,
            };
            queue.push(ready, found);
        }
    }

    /// One subresource, from the first layer that has it. `None`: it did not come.
    fn need(
        &mut self,
        visit: &mut Visit,
        context: &Context,
        found: &Found,
        ready: Duration,
    ) -> Option<Needed> {
        let Found { one, within, .. } = found;
        let had = |resource, end| Needed {
            resource,
            end,
            host: None,
        };
        let key = MemoryKey::of(one);
        let now = self.local(ready);
        let is_preload = one.phase == Phase::Preload;

        let plan = plan(context, one, within, found.host, ready);
        let request = self.request(&plan, &one.url, ready);

        // What the document has preloaded, whatever its fields say.
        let preloads = &mut self.document_mut()?.preloads;
        if is_preload && preloads.contains_key(&key) {
            return Some(had(None, ready));
        }
        if let Some(resource) = preloads.remove(&key) {
            let (layer, reason) = (Layer::Document, Reason::Preloaded);
            recalled(visit, one, within, layer, reason, &resource, ready);
            let newer = self.refresh_preloaded(visit, &request, &resource);
            let held = newer.unwrap_or_else(|| resource.clone());
            self.tab_mut()?.memory.hold(key, held, now);
            return Some(had(Some(resource), ready));
        }
        if let Some(resource) = self.tab()?.memory.given(&key, found.host) {
            let (layer, reason) = (Layer::Document, Reason::UsedBefore);
            recalled(visit, one, within, layer, reason, &resource, ready);
            return Some(had(None, ready));
        }

        // The order of the textbooks asks the worker here.

        let recall = Recall {
            key: &key,
            headers: &without_cookies(&request.headers),
            mode: context.mode.cache,
            loading: context.loading,
            own_only: self.is_ruled(found.host, &one.url),
            offline: self.world.offline,
            order: self.options.order,
            now,
        };
        let id = self.tab()?.id;
        let policy = &self.memory_policy;
        let tab = self.tabs.iter_mut().find(|tab| tab.id == id)?;
        if let Recalled::Use {
            resource,
            known,
            reason,
            refresh,
        } = tab.memory.recall(policy, &recall)
        {
            let layer = match known {
                true => Layer::Document,
                false => Layer::Memory,
            };
            recalled(visit, one, within, layer, reason, &resource, ready);
            if refresh && let Some(new) = self.refresh(visit, &request) {
                self.tab_mut()?.memory.hold(key.clone(), new, now);
            }
            if is_preload {
                self.document_mut()?.preloads.insert(key, resource);
                return Some(had(None, ready));
            }
            return Some(had(Some(resource).filter(|_| !known), ready));
        }

        // The order of Chromium asks the worker here. Application caches are asked with each step of the fetch.

        let fetched = match one.destination {
            Destination::Iframe => self.fetch_page(visit, &plan, &one.url),
            _ => self.fetch(visit, plan, &one.url).map(|got| (got, None)),
        };
        let (got, host) = match fetched {
            Ok(fetched) => fetched,
            Err(trouble) => {
                broke(visit, one, trouble);
                return None;
            }
        };
        let Got {
            resource,
            end,
            refreshed,
        } = got;
        if let Some(host) = host {
            self.document_mut()?.hosts.push(host);
        }
        let status = resource.status.as_u16();
        if status >= 400 {
            broke(visit, one, crate::Trouble::Status(status));
        }
        self.note_no_store(one.destination, &resource);
        if is_preload {
            self.document_mut()?.preloads.insert(key, resource);
            return Some(had(None, end));
        }
        let held = refreshed.unwrap_or_else(|| resource.clone());
        self.tab_mut()?.memory.hold(key, held, now);
        Some(Needed {
            resource: Some(resource),
            end,
            host,
        })
    }

    /// What was preloaded is used: has it become stale in between, and is to be asked for?
    fn refresh_preloaded(
        &mut self,
        visit: &mut Visit,
        ask: &Ask,
        resource: &Resource,
    ) -> Option<Arc<Resource>> {
        let now = self.local(ask.ready);
        while_revalidate(&self.memory_policy, resource, now)?;
        self.refresh(visit, ask)
    }

    /// Loads something for a document to come.
    fn prefetch(&mut self, visit: &mut Visit, context: &Context, found: &Found, ready: Duration) {
        let Found { one, within, .. } = found;
        let mut plan = plan(context, one, within, found.host, ready);
        plan.prefetch = true;
        plan.background = true;
        plan.mode = Mode::of(CacheMode::Default);
        // A prefetch that does not come breaks nothing; its exchange tells of it.
        let Ok(got) = self.fetch(visit, plan, &one.url) else {
            return;
        };
        let now = self.local(got.end);
        if self.options.order == Order::Textbook
            && one.destination.stays_in_memory()
            && let Some(tab) = self.tab_mut()
        {
            let key = MemoryKey::of(one);
            tab.memory.hold_prefetched(key, got.resource, now);
        }
    }

    /// A script of the current document inserts an element.
    pub(super) fn script_inserts(&mut self, visit: &mut Visit, one: &Subresource) {
        let Some(context) = self.context() else {
            return;
        };
        let found = Found {
            one: one.clone(),
            within: context.document.clone(),
            document: context.document.clone(),
            host: context.host,
            depth: 0,
        };
        if one.phase == Phase::Prefetch {
            self.prefetch(visit, &context, &found, Duration::ZERO);
            return;
        }
        let mut queue = Queue::default();
        queue.push(Duration::ZERO, found);
        while let Some((ready, found)) = queue.pop() {
            match found.one.phase {
                Phase::Prefetch | Phase::OnDemand if found.within != context.document => continue,
                _ => self.need_and_look(visit, &context, found, ready, &mut queue),
            };
        }
    }

    /// A script of the current document calls `fetch()`.
    pub(super) fn script_fetches(&mut self, visit: &mut Visit, fetching: &Fetching) {
        let Some(context) = self.context() else {
            return;
        };
        let one = Subresource {
            credentials: fetching.credentials,
            ..Subresource::plain(fetching.url.clone(), Destination::Fetch)
        };
        let key = MemoryKey::of(&one);
        let is_plain = fetching.method == Method::GET
            && fetching.mode == CacheMode::Default
            && fetching.headers.is_empty();
        let document = context.document.clone();
        let plan = Plan {
            method: fetching.method.clone(),
            headers: fetching.headers.clone(),
            body_bytes: fetching.body_bytes,
            mode: Mode::of(fetching.mode),
            ..plan(&context, &one, &document, context.host, Duration::ZERO)
        };
        if is_plain
            && let Some(resource) = self
                .document_mut()
                .and_then(|one| one.preloads.remove(&key))
        {
            let (layer, reason) = (Layer::Document, Reason::Preloaded);
            recalled(
                visit,
                &one,
                &document,
                layer,
                reason,
                &resource,
                Duration::ZERO,
            );
            let request = self.request(&plan, &fetching.url, Duration::ZERO);
            self.refresh_preloaded(visit, &request, &resource);
            return;
        }
        match self.fetch(visit, plan, &fetching.url) {
            Ok(got) => self.note_no_store(Destination::Fetch, &got.resource),
            Err(trouble) => broke(visit, &one, trouble),
        }
    }

    /// The current document, loaded.
    fn context(&self) -> Option<Context> {
        let document = self.document()?;
        Some(Context {
            document: document.url.clone(),
            site: document.site.clone(),
            mode: Mode::of(CacheMode::Default),
            loading: false,
            host: document.host(),
        })
    }

    /// A document that has fetched what is not to be kept is careful about coming back.
    fn note_no_store(&mut self, destination: Destination, resource: &Resource) {
        let no_store = |one: &revisit_rules::http::Stored| one.directives.no_store;
        if destination == Destination::Fetch
            && resource.chain.iter().any(no_store)
            && let Some(document) = self.document_mut()
        {
            document.fetched_no_store = true;
        }
    }
}

/// The document about something that is found.
struct Document<'a> {
    url: &'a Url,
    host: Option<HostId>,
    depth: usize,
}

fn plan(
    context: &Context,
    one: &Subresource,
    within: &Url,
    host: Option<HostId>,
    ready: Duration,
) -> Plan {
    Plan {
        method: Method::GET,
        destination: one.destination,
        cors: match one.destination.is_navigation() {
            true => Cors::No,
            false => one.cors,
        },
        credentials: one.credentials,
        mode: context.mode,
        prefetch: false,
        headers: HeaderMap::new(),
        body_bytes: None,
        from: Some(context.document.clone()),
        top: Some(context.site.clone()),
        found_in: Some(within.clone()),
        ready,
        background: false,
        caches: match (one.destination, context.mode.cache) {
            // Within what is loaded past all caches, too.
            (Destination::Iframe, CacheMode::Reload) => Caches::Past,
            // A document within is a navigation of its own.
            (Destination::Iframe, _) => Caches::All(host),
            _ => Caches::Of(host),
        },
    }
}

fn without_cookies(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    headers.remove(http::header::COOKIE);
    headers
}

impl Queue {
    fn push(&mut self, ready: Duration, found: Found) {
        self.order.push(Reverse((ready, self.found.len())));
        self.found.push(Some(found));
    }

    fn pop(&mut self) -> Option<(Duration, Found)> {
        while let Some(Reverse((ready, place))) = self.order.pop() {
            if let Some(found) = self.found.get_mut(place).and_then(Option::take) {
                return Some((ready, found));
            }
        }
        None
    }

    fn drain(mut self) -> Vec<(Duration, Found)> {
        std::iter::from_fn(|| self.pop()).collect()
    }
}

/// Documents within documents within documents.
const FRAMES_MAX: usize = 8;
