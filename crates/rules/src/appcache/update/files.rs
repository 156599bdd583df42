//! The files of a new cache: which, in which order, and what each answer means.

use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use http::{HeaderMap, StatusCode};
use url::Url;

use super::{ManifestCopy, Stage, answers_unasked, reason_of};
use crate::appcache::cache::{Cache, Categories, Entry, is_foreign, key};
use crate::appcache::caches::{AppCaches, CacheId, GroupId};
use crate::appcache::event::{Answer, ErrorReason, Event, Failed, Fetched, Ticket};
use crate::http::validate;

/// The file list of an update, and how far it is.
#[derive(Debug)]
pub(super) struct Files<B> {
    /// The cache that they are fetched into.
    pub(super) cache: CacheId,
    list: Vec<(Url, Categories)>,
    /// The first that was not begun.
    next: usize,
    done: usize,
    under_way: BTreeMap<Ticket, UnderWay<B>>,
}

#[derive(Debug)]
struct UnderWay<B> {
    file: usize,
    /// The copy of the newest cache, which acts as an HTTP cache.
    copy: Option<Entry<B>>,
}

impl<B> Files<B> {
    pub(super) fn waits_for(&self, ticket: Ticket) -> bool {
        self.under_way.contains_key(&ticket)
    }

    pub(super) fn fetches(&self) -> Vec<Ticket> {
        self.under_way.keys().copied().collect()
    }

    fn progress(&self) -> Event {
        Event::Progress {
            loaded: self.done,
            total: self.list.len(),
        }
    }
}

/// What an answer means for a file.
enum Came<B> {
    Kept(Box<Entry<B>>),
    /// 404 or 410.
    Gone(StatusCode),
    NoStore(StatusCode),
    Bad(ErrorReason, Option<StatusCode>),
}

impl<B: Clone> AppCaches<B> {
    /// The manifest is new: a new cache, the list of its files, and the first fetches.
    pub(super) fn begin_files(&mut self, id: GroupId, manifest: ManifestCopy<B>, now: SystemTime) {
        let cache_id = self.new_cache_id();
        let limits = self.limits;
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        let newest = group.newest().map(|(_, cache)| cache);
        let list = file_list(&manifest, newest, limits.masters_max);
        let created = newest.map_or(now, |it| it.created);
        let Some(update) = &mut group.update else {
            return;
        };
        if list.iter().filter(|(_, is)| is.is_required()).count() > limits.entries_max {
            return self.fail(id, ErrorReason::Policy, None, None, now);
        }
        let cache = Cache {
            manifest: manifest.parsed.clone(),
            manifest_bytes: manifest.bytes.clone(),
            entries: BTreeMap::new(),
            complete: false,
            created,
            updated: now,
        };
        group.caches.insert(cache_id, cache);
        update.manifest = Some(manifest);
        update.stage = Stage::Files(Files {
            cache: cache_id,
            list,
            next: 0,
            done: 0,
            under_way: BTreeMap::new(),
        });
        // "For each entry in cache group's list of pending master entries, associate the Document for this entry with
        // new cache."
        let hosts: Vec<_> = update.pending.iter().map(|it| it.host).collect();
        for host in hosts {
            self.associate(host, Some((id, cache_id)));
        }
        self.fire_all(id, &Event::Downloading);
        self.next_files(id, now);
    }

    /// Begins as many fetches as may be under way; what is fresh is taken over at once.
    fn next_files(&mut self, id: GroupId, now: SystemTime) {
        loop {
            let fetches_max = self.limits.fetches_max.max(1);
            let Some((group, files)) = self.files(id) else {
                return;
            };
            let Some((url, is)) = files.list.get(files.next).cloned() else {
                break;
            };
            if files.under_way.len() >= fetches_max {
                return;
            }
            let (file, progress) = (files.next, files.progress());
            let newest = group.newest().map(|(_, cache)| cache);
            let copy = newest.and_then(|it| it.entries.get(url.as_str())).cloned();
            self.fire_all(id, &progress);
            match copy {
                Some(copy) if answers_unasked(&copy.stored, now) => {
                    let entry = self.taken_over(id, &url, copy, is);
                    self.with_files(id, |files| files.next += 1);
                    self.file_done(id, &url, Some(entry));
                }
                copy => {
                    let ticket = self.ticket();
                    let stored = copy.as_ref().map(|it| it.stored.clone());
                    self.with_files(id, |files| {
                        files.next += 1;
                        files.under_way.insert(ticket, UnderWay { file, copy });
                    });
                    self.fetch(id, ticket, &url, stored.as_ref(), false);
                }
            }
        }
        self.files_end(id, now);
    }

    /// All files are there: one more `progress`, and then the pages.
    fn files_end(&mut self, id: GroupId, now: SystemTime) {
        let Some((_, files)) = self.files(id) else {
            return;
        };
        if files.under_way.is_empty() {
            let (cache, progress) = (files.cache, files.progress());
            self.fire_all(id, &progress);
            self.enter(id, Stage::Pages(cache));
            self.pages_settled(id, now);
        }
    }

    pub(super) fn file_came(
        &mut self,
        id: GroupId,
        ticket: Ticket,
        fetched: Fetched<B>,
        now: SystemTime,
    ) {
        let mut under_way = None;
        self.with_files(id, |files| under_way = files.under_way.remove(&ticket));
        let Some(under_way) = under_way else {
            return;
        };
        let Some((group, files)) = self.files(id) else {
            return;
        };
        let Some((url, is)) = files.list.get(under_way.file).cloned() else {
            return;
        };
        let newest = group.newest().map(|(_, cache)| cache);
        let old = newest.and_then(|it| it.entries.get(url.as_str())).cloned();
        let came = self.came(id, &url, is, under_way.copy, fetched);
        let left_out = self.profile.no_store_is_left_out && !is.fallback;
        let entry = match (came, is.is_required()) {
            (Came::Kept(entry), _) => Some(*entry),
            // the profile's own choice, see there
            (Came::NoStore(_), true) if left_out => None,
            (came, true) => {
                let (reason, status) = came.reason();
                return self.fail(id, reason, Some(&url), status, now);
            }
            // "If the error was a 404 or 410 HTTP response …, or if … no-store …: Skip this resource. … Otherwise: Copy
            // the resource and its metadata from the newest application cache"
            (Came::Gone(_) | Came::NoStore(_), false) => None,
            (Came::Bad(ErrorReason::Quota, status), false) => {
                return self.fail(id, ErrorReason::Quota, Some(&url), status, now);
            }
            (Came::Bad(..), false) => old.map(|old| self.taken_over(id, &url, old, is)),
        };
        self.file_done(id, &url, entry);
        self.next_files(id, now);
    }

    fn came(
        &self,
        id: GroupId,
        url: &Url,
        is: Categories,
        copy: Option<Entry<B>>,
        fetched: Fetched<B>,
    ) -> Came<B> {
        let answer = match fetched {
            Fetched::Answer(answer) => answer,
            Fetched::Failed(Failed::Network) => return Came::Bad(ErrorReason::Resource, None),
            Fetched::Failed(why) => return Came::Bad(reason_of(why), None),
        };
        let status = answer.status;
        let entry = match (status, copy) {
            (StatusCode::NOT_FOUND | StatusCode::GONE, _) => return Came::Gone(status),
            (StatusCode::NOT_MODIFIED, Some(copy)) => self.current(id, url, copy, is, &answer),
            _ if status.is_redirection() => {
                return Came::Bad(ErrorReason::Redirect, Some(status));
            }
            _ if !status.is_success() => return Came::Bad(ErrorReason::Resource, Some(status)),
            _ => {
                let group = self.groups.get(&id);
                match group.and_then(|it| self.entry(&it.manifest_url, url, answer, is)) {
                    Some(entry) => entry,
                    None => return Came::Bad(ErrorReason::Resource, Some(status)),
                }
            }
        };
        if entry.stored.directives.no_store {
            return Came::NoStore(status);
        }
        Came::Kept(Box::new(entry))
    }

    /// A copy that a 304 says is current.
    fn current(
        &self,
        id: GroupId,
        url: &Url,
        copy: Entry<B>,
        is: Categories,
        answer: &Answer<B>,
    ) -> Entry<B> {
        let none = HeaderMap::new();
        let stored = validate::fold_304(
            &self.policy,
            &copy.stored,
            &none,
            &answer.headers,
            answer.times,
        );
        self.taken_over(id, url, Entry { stored, ..copy }, is)
    }

    /// A copy of the newest cache, as an entry of the new one.
    fn taken_over(&self, id: GroupId, url: &Url, copy: Entry<B>, is: Categories) -> Entry<B> {
        let group = self.groups.get(&id);
        let foreign =
            group.is_some_and(|it| is_foreign(&it.manifest_url, url, copy.names.as_deref()));
        Entry {
            is,
            foreign,
            ..copy
        }
    }

    fn file_done(&mut self, id: GroupId, url: &Url, entry: Option<Entry<B>>) {
        let mut cache_id = None;
        self.with_files(id, |files| {
            files.done += 1;
            cache_id = Some(files.cache);
        });
        let group = self.groups.get_mut(&id).zip(cache_id);
        let cache = group.and_then(|(group, cache)| group.caches.get_mut(&cache));
        if let Some((cache, entry)) = cache.zip(entry) {
            cache.entries.insert(key(url).to_owned(), entry);
        }
    }

    fn files(&self, id: GroupId) -> Option<(&crate::appcache::caches::Group<B>, &Files<B>)> {
        let group = self.groups.get(&id)?;
        match &group.update.as_ref()?.stage {
            Stage::Files(files) => Some((group, files)),
            _ => None,
        }
    }

    fn with_files(&mut self, id: GroupId, change: impl FnOnce(&mut Files<B>)) {
        let update = self.groups.get_mut(&id).and_then(|it| it.update.as_mut());
        if let Some(Stage::Files(files)) = update.map(|it| &mut it.stage) {
            change(files);
        }
    }
}

impl<B> Came<B> {
    fn reason(&self) -> (ErrorReason, Option<StatusCode>) {
        match self {
            Self::Kept(_) => (ErrorReason::Resource, None),
            Self::Gone(status) => (ErrorReason::Resource, Some(*status)),
            Self::NoStore(status) => (ErrorReason::NoStore, Some(*status)),
            Self::Bad(reason, status) => (*reason, *status),
        }
    }
}

/// "file list": listed files, targets of fallbacks, and on an upgrade the pages of the newest cache; each URL once,
/// with all that it is. Of pages that nothing lists, which an update may leave out, the newest `masters_max` stay.
fn file_list<B>(
    manifest: &ManifestCopy<B>,
    newest: Option<&Cache<B>>,
    masters_max: usize,
) -> Vec<(Url, Categories)> {
    let explicit = Categories {
        explicit: true,
        ..Categories::default()
    };
    let fallback = Categories {
        fallback: true,
        ..Categories::default()
    };
    let parsed = &manifest.parsed;
    let listed = parsed.explicit.iter().map(|url| (url.clone(), explicit));
    let targets = parsed
        .fallback
        .iter()
        .map(|it| (it.target.clone(), fallback));
    let mut list: Vec<(Url, Categories)> = Vec::new();
    let mut places: HashMap<Url, usize> = HashMap::new();
    for (url, is) in listed.chain(targets) {
        match places.get(&url) {
            Some(place) => list[*place].1 = list[*place].1.and(is),
            None => {
                places.insert(url.clone(), list.len());
                list.push((url, is));
            }
        }
    }
    let entries = newest.into_iter().flat_map(|cache| &cache.entries);
    let mut pages = Vec::new();
    for (url, entry) in entries.filter(|(_, it)| it.is.master) {
        let Ok(url) = Url::parse(url) else {
            continue;
        };
        match places.get(&url) {
            Some(place) => list[*place].1 = list[*place].1.and(Categories::MASTER),
            None => pages.push((entry.stored.times.response, url)),
        }
    }
    // the oldest first also in what is fetched, so that their order stays
    pages.sort_by_key(|(since, _)| *since);
    let too_many = pages.len().saturating_sub(masters_max);
    let pages = pages.into_iter().skip(too_many);
    list.extend(pages.map(|(_, url)| (url, Categories::MASTER)));
    list
}
