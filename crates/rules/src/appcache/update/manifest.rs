//! The manifest came: is it gone, the same, new, or none at all? And once more, when the files are there.

use std::time::SystemTime;

use http::{HeaderMap, StatusCode};

use super::{ManifestCopy, Page, Pending, Rerun, Stage, reason_of};
use crate::appcache::cache::{Categories, Entry, key};
use crate::appcache::caches::{AppCaches, CacheId, GroupId};
use crate::appcache::event::{Action, Answer, ErrorReason, Event, Fetched};
use crate::appcache::manifest::Manifest;
use crate::http::validate;

impl<B: Clone> AppCaches<B> {
    pub(super) fn manifest_came(&mut self, id: GroupId, fetched: Fetched<B>, now: SystemTime) {
        let Some(group) = self.groups.get(&id) else {
            return;
        };
        let url = group.manifest_url.clone();
        let newest = group.newest().map(|(_, it)| it);
        let answer = match fetched {
            Fetched::Answer(answer) => answer,
            Fetched::Failed(why) => {
                return self.fail(id, reason_of(why), None, None, now);
            }
        };
        match answer.status {
            StatusCode::NOT_FOUND | StatusCode::GONE => return self.gone(id, answer.status, now),
            StatusCode::NOT_MODIFIED if newest.is_some() => {
                self.freshen_manifest(id, &answer);
                return self.unchanged(id, now);
            }
            status if !status.is_success() => {
                let reason = match status.is_redirection() {
                    true => ErrorReason::Redirect,
                    false => ErrorReason::Manifest,
                };
                return self.fail(id, reason, None, Some(status), now);
            }
            _ => {}
        }
        let bytes = answer.bytes.clone().unwrap_or_default();
        if newest.is_some_and(|it| it.manifest_bytes == bytes) {
            self.freshen_manifest(id, &answer);
            return self.unchanged(id, now);
        }
        let content_type = answer.headers.get(http::header::CONTENT_TYPE);
        let profile = self
            .profile
            .served_as(content_type.and_then(|it| it.to_str().ok()));
        let status = Some(answer.status);
        let stored = self.stored(&url, &answer);
        match (Manifest::parse(&bytes, &url, &profile), stored) {
            (Ok(parsed), Some(stored)) => {
                let copy = ManifestCopy {
                    stored,
                    body: answer.body,
                    bytes,
                    parsed,
                };
                self.begin_files(id, copy, now);
            }
            _ => {
                self.fail(id, ErrorReason::Signature, None, status, now);
            }
        }
    }

    /// The copy of an unchanged manifest takes over the fields of the answer that said so.
    fn freshen_manifest(&mut self, id: GroupId, answer: &Answer<B>) {
        let policy = self.policy.clone();
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        let newest = group.newest().map(|(id, _)| id);
        let cache = newest.and_then(|id| group.caches.get_mut(&id));
        let url = key(&group.manifest_url).to_owned();
        if let Some(entry) = cache.and_then(|it| it.entries.get_mut(&url)) {
            let none = HeaderMap::new();
            entry.stored =
                validate::fold_304(&policy, &entry.stored, &none, &answer.headers, answer.times);
        }
    }

    /// 404 or 410: "Mark cache group as obsolete. This cache group no longer exists for any purpose other than the
    /// processing of Document objects already associated with an application cache in the cache group."
    fn gone(&mut self, id: GroupId, status: StatusCode, now: SystemTime) {
        let Some(trouble) = self.trouble(id, ErrorReason::Manifest, None, Some(status)) else {
            return;
        };
        self.fire_all(id, &Event::Obsolete);
        for pending in self.take_pending(id) {
            self.fire(pending.host, Event::Error(trouble.clone()));
        }
        self.make_obsolete(id);
        self.end(id, now);
    }

    /// A first and a second look at the manifest have files of one version between them.
    pub(super) fn fetch_manifest_again(&mut self, id: GroupId, cache: CacheId) {
        let ticket = self.ticket();
        self.enter(id, Stage::Again(ticket, cache));
        let Some(group) = self.groups.get(&id) else {
            return;
        };
        let url = group.manifest_url.clone();
        let copy = group.update.as_ref().and_then(|it| it.manifest.as_ref());
        let stored = copy.map(|it| it.stored.clone());
        self.fetch(id, ticket, &url, stored.as_ref(), true);
    }

    pub(super) fn manifest_came_again(
        &mut self,
        id: GroupId,
        cache: CacheId,
        fetched: &Fetched<B>,
        now: SystemTime,
    ) {
        let update = self.groups.get(&id).and_then(|it| it.update.as_ref());
        let Some(copy) = update.and_then(|it| it.manifest.clone()) else {
            return;
        };
        // "If the previous step failed for any reason, or if the fetching attempt involved a redirect, or if second
        // manifest and manifest are not byte-for-byte identical"
        let (same, status) = match fetched {
            Fetched::Answer(answer) => {
                let unmodified = answer.status == StatusCode::NOT_MODIFIED;
                let equal =
                    answer.status.is_success() && answer.bytes.as_deref() == Some(&*copy.bytes);
                (unmodified || equal, Some(answer.status))
            }
            Fetched::Failed(_) => (false, None),
        };
        if !same {
            self.schedule_rerun(id, now);
            return self.fail(id, ErrorReason::Changed, None, status, now);
        }
        if let Some(group) = self.groups.get_mut(&id)
            && let Some(cache) = group.caches.get_mut(&cache)
        {
            let url = key(&group.manifest_url).to_owned();
            let entry = Entry {
                stored: copy.stored,
                body: copy.body,
                is: Categories::MANIFEST,
                foreign: false,
                names: None,
            };
            match cache.entries.get_mut(&url) {
                Some(there) => there.is.manifest = true,
                None => {
                    cache.entries.insert(url, entry);
                }
            }
        }
        self.enter(id, Stage::LatePages(cache));
        self.pages_settled(id, now);
    }

    fn schedule_rerun(&mut self, id: GroupId, now: SystemTime) {
        let Some(group) = self.groups.get(&id) else {
            return;
        };
        let Some(update) = &group.update else {
            return;
        };
        if update.tries >= self.limits.reruns_max {
            return;
        }
        // Pages that have joined the new cache are pending no longer; the one that began it is what it was.
        let new = update.new_cache().and_then(|it| group.caches.get(&it));
        let host = update
            .invoker
            .and_then(|id| Some((id, self.hosts.get(&id)?)));
        let page = host.and_then(|(host, it)| {
            let entry = new?
                .entries
                .get(key(&it.address))
                .filter(|it| it.is.master)?;
            let in_new = it.cache.map(|(_, cache)| cache) == update.new_cache();
            in_new.then(|| Pending {
                page: Page::Here(Box::new(Entry {
                    is: Categories::MASTER,
                    ..entry.clone()
                })),
                ..Pending::loading(host, &it.address)
            })
        });
        let at = now + self.limits.rerun_after;
        self.reruns.push(Rerun {
            at,
            manifest_url: group.manifest_url.clone(),
            invoker: update.invoker,
            master: page,
            tries: update.tries + 1,
        });
        self.actions.push_back(Action::Wake { at });
    }
}
