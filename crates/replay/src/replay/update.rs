//! Updates of application caches: their requests go through the HTTP cache, one after the other in virtual time, and
//! each answer is told to the machine when it comes.
//!
//! An update begins when its page has loaded, as in Firefox, and comes to its rest within the visit: also where the
//! manifest changed meanwhile and it is tried again after some seconds.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use revisit_rules::appcache::{Action, CacheId, Failed, Fetched, GroupId, HostId, Ticket};
use url::Url;

use super::Replay;
use super::appcache::{Applications, answer_of, note};
use super::request::{Caches, Plan};
use super::tab::Tab;
use crate::disk::{Mode, key};
use crate::site::{origin, site};
use crate::{CacheMode, Cors, Credentials, Destination, PageEvent, Parse, Role, Server, Visit};

/// An answer on its way.
struct Coming {
    end: Duration,
    ticket: Ticket,
    fetched: Fetched<Bytes>,
}

impl<S: Server, P: Parse> Replay<S, P> {
    /// The documents of this visit have loaded: their events come, and updates run until none is left. When was that?
    pub(super) fn update_application_caches(
        &mut self,
        visit: &mut Visit,
        loaded: Duration,
    ) -> Duration {
        let now = self.local(loaded);
        let Some(applications) = &mut self.applications else {
            return loaded;
        };
        for (host, own) in std::mem::take(&mut applications.loading) {
            applications.caches.loaded(host, own, now);
        }
        let mut at = loaded;
        let mut coming: Vec<Coming> = Vec::new();
        loop {
            self.do_what_is_wanted(visit, at, &mut coming);
            let next = coming.iter().map(|one| (one.end, one.ticket)).min();
            let tick = self.next_tick();
            let local = |replay: &Self, at| replay.local(at);
            match (next, tick) {
                (Some((end, ticket)), tick) if tick.is_none_or(|tick| end <= tick) => {
                    at = at.max(end);
                    let place = coming.iter().position(|one| one.ticket == ticket);
                    let Some(came) = place.map(|place| coming.swap_remove(place)) else {
                        return at;
                    };
                    let now = local(self, at);
                    if let Some(it) = &mut self.applications {
                        it.caches.fetched(ticket, came.fetched, now);
                    }
                }
                (_, Some(tick)) => {
                    at = at.max(tick);
                    let now = local(self, at);
                    if let Some(it) = &mut self.applications {
                        it.caches.tick(now);
                    }
                }
                (_, None) => return at,
            }
        }
    }

    /// When something that was put off is to begin, since the beginning of the visit.
    fn next_tick(&self) -> Option<Duration> {
        let at = self.applications.as_ref()?.caches.next_tick()?;
        Some(
            at.duration_since(self.local(Duration::ZERO))
                .unwrap_or_default(),
        )
    }

    fn do_what_is_wanted(&mut self, visit: &mut Visit, at: Duration, coming: &mut Vec<Coming>) {
        while let Some(it) = &mut self.applications {
            let actions: Vec<Action> = it.caches.actions().collect();
            if actions.is_empty() {
                return;
            }
            for action in actions {
                match action {
                    Action::Fetch {
                        ticket,
                        group,
                        url,
                        conditions,
                        is_manifest,
                    } => {
                        let by = self.manifest_of(group, &url, is_manifest);
                        let (end, mut fetched) =
                            self.fetch_for_update(visit, &by, &url, conditions, at);
                        if let (true, Fetched::Answer(answer)) = (is_manifest, &mut fetched) {
                            answer.bytes = Some(answer.body.to_vec().into());
                        }
                        coming.push(Coming {
                            end,
                            ticket,
                            fetched,
                        });
                    }
                    Action::Cancel { ticket } => coming.retain(|one| one.ticket != ticket),
                    Action::Commit {
                        ticket,
                        group,
                        cache,
                    } => {
                        let now = self.local(at);
                        let bytes_max = self.options.limits.application_cache_bytes_max;
                        if let Some(it) = &mut self.applications {
                            let kept = it.make_room(group, cache, bytes_max);
                            it.caches.committed(ticket, kept, now);
                        }
                    }
                    Action::Fire { host, event } => {
                        if let Some((tab, page)) = self.page_of(host) {
                            visit.events.push(PageEvent {
                                tab,
                                page,
                                at,
                                event,
                            });
                        }
                    }
                    // What the machine knows is all that is kept, and it is asked when it wants to be woken.
                    Action::Mark { .. }
                    | Action::Forget { .. }
                    | Action::Used { .. }
                    | Action::Release { .. }
                    | Action::Wake { .. } => {}
                }
            }
        }
    }

    /// One request of the update of the cache of `manifest`. No redirect is followed.
    fn fetch_for_update(
        &mut self,
        visit: &mut Visit,
        manifest: &Url,
        url: &Url,
        conditions: HeaderMap,
        ready: Duration,
    ) -> (Duration, Fetched<Bytes>) {
        let plan = Plan {
            method: Method::GET,
            destination: Destination::Fetch,
            cors: Cors::No,
            credentials: Credentials::Include,
            mode: Mode {
                // What is stale would be kept for good, and what is guessed to be fresh beside a new manifest.
                may_be_stale: false,
                may_be_guessed: false,
                ..Mode::of(CacheMode::Default)
            },
            prefetch: false,
            headers: HeaderMap::new(),
            body_bytes: None,
            from: Some(manifest.clone()),
            top: Some(site(manifest)),
            found_in: Some(manifest.clone()),
            ready,
            background: true,
            caches: Caches::Past,
        };
        let mut ask = self.request(&plan, url, ready);
        // The HTTP cache asks by the conditions of its own copy, if it has one, and answers with the whole.
        if self.disk.find(&key(&ask.partition, &ask.url)).is_none() {
            ask.headers.extend(conditions);
        }
        let first = visit.exchanges.len();
        let came = self.http(visit, &ask);
        note(visit, first, &Role::Update(manifest.clone()));
        match came {
            Ok(got) => {
                let now = self.local(got.end);
                (got.end, Fetched::Answer(answer_of(&got.resource, now)))
            }
            Err(_) => (ready, Fetched::Failed(Failed::Network)),
        }
    }

    /// The manifest of the group for which `url` is fetched: each update begins with that.
    fn manifest_of(&mut self, group: GroupId, url: &Url, is_manifest: bool) -> Url {
        let Some(it) = &mut self.applications else {
            return url.clone();
        };
        if is_manifest {
            it.manifests.insert(group, url.clone());
        }
        it.manifests.get(&group).unwrap_or(url).clone()
    }

    /// The tab of a page, and its address.
    fn page_of(&self, host: HostId) -> Option<(usize, Url)> {
        let page = self.applications.as_ref()?.pages.get(&host)?.clone();
        let is_in = |tab: &Tab| tab.documents().any(|it| it.hosts.contains(&host));
        Some((self.tabs.iter().position(is_in)?, page))
    }
}

impl Applications {
    /// Is there room for this as the newest cache of its group? Groups of the origin that no page has make some, the
    /// one that was used least recently first.
    fn make_room(&mut self, group: GroupId, cache: CacheId, bytes_max: u64) -> bool {
        while self.bytes_with(group, cache) > bytes_max {
            if self.caches.expire(group).is_none() {
                return false;
            }
        }
        true
    }

    /// Bytes that the origin of this group keeps once this is its newest cache.
    fn bytes_with(&self, group: GroupId, cache: CacheId) -> u64 {
        let Some((manifest, new)) = self.caches.cache(group, cache) else {
            return 0;
        };
        let bytes = |cache: &revisit_rules::appcache::Cache<Bytes>| {
            let entries = cache.entries.values();
            entries.map(|entry| entry.body.len() as u64).sum::<u64>()
        };
        let others = self.caches.groups();
        let others = others.filter(|(url, _)| *url != manifest && origin(url) == origin(manifest));
        bytes(new) + others.filter_map(|(_, it)| it.map(bytes)).sum::<u64>()
    }
}
