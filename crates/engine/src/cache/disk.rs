//! The second tier: what was used twice lies on the disk too, and is there when the process starts anew.
//!
//! Memory decides, the disk follows: only what memory has under an id is written, in a task of its own,
//! and what memory lacks is looked up here before the origin is asked. Entries bear labels for all by
//! which they can be thrown out; such a purge is on the disk before it is told as done, and also hits
//! what is still on its way here, since that is put as of the moment when memory was asked for it.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{AGE, DATE, EXPIRES};
use revisit_rules::http::invalidate::groups;
use revisit_rules::http::profile::{Profile, SetCookie};
use revisit_rules::http::{Policy, Stored};
use revisit_store::{Batch, Collection, Doorkeeper, NewEntry, Purge, Sequence, Staged, Store};

pub(super) use revisit_store::StoreError;
use tokio::sync::Semaphore;

use super::content::Content;
use super::entry::Entry;
use super::purge::tags;
use crate::record::{Kept, Kind, Label, Space};

/// Responses on disk.
pub(super) struct Disk {
    store: Store,
    space: Vec<u8>,
    kept: Collection,
    door: Doorkeeper,
    /// Purges under way: what is read meanwhile may be what they hit.
    purging: AtomicUsize,
    /// A purge could not be noted: nothing here can be trusted any more.
    lost: AtomicBool,
    recalls: Semaphore,
    /// Ids that are being written, and their URLs. What is there of them may be of yesterday.
    writing: Mutex<HashMap<Bytes, Box<str>>>,
}

/// An id that is being written.
pub(super) struct Writing<'a> {
    disk: &'a Disk,
    id: Bytes,
    /// As of when memory is asked.
    since: Sequence,
    ended: bool,
}

impl Disk {
    /// Takes `store` for a second tier of a cache with this policy.
    pub(super) async fn open(store: Store, policy: &Policy) -> Result<Self, StoreError> {
        let space = space(policy).to_bytes();
        let kept = store.open_collection(&space, NAME).await?;
        Ok(Self {
            store,
            space,
            kept,
            door: Doorkeeper::new(IDS_REMEMBERED),
            purging: AtomicUsize::new(0),
            lost: AtomicBool::new(false),
            recalls: Semaphore::new(RECALLS_MAX),
            writing: Mutex::default(),
        })
    }

    /// Is this the second use of `id`, or later? From now on it was used.
    pub(super) fn is_worth_it(&self, id: &Bytes) -> bool {
        self.kept.may_have(id) || self.door.seen_before(id)
    }

    /// Whether there may be something that memory does not have. It costs no I/O.
    pub(super) fn may_have(&self, id: &Bytes) -> bool {
        self.kept.may_have(id) && !self.writing().contains_key(id) && !self.lost.load(SeqCst)
    }

    /// It was used, though memory has it too. Does the disk have it still?
    pub(super) fn touch(&self, id: &Bytes) -> bool {
        self.kept.may_have(id)
    }

    /// A purge begins, and lasts as long as what this gives. It is called before memory is emptied.
    pub(super) fn purging(&self) -> Purging<'_> {
        self.purging.fetch_add(1, SeqCst);
        Purging(&self.purging)
    }

    /// What is kept under `id`, the newest first. What cannot be read is a miss; so is everything while
    /// a purge is under way, which must not be overtaken.
    pub(super) async fn recall(&self, id: &Bytes, policy: &Policy) -> Vec<Arc<Entry>> {
        let Ok(_turn) = self.recalls.acquire().await else {
            return Vec::new();
        };
        if self.purging.load(SeqCst) > 0 {
            return Vec::new();
        }
        let found = self.kept.find(id).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the disk tier cannot be read");
            Vec::new()
        });
        let mut entries = Vec::new();
        let mut room = RECALLED_BYTES_MAX;
        for found in found.into_iter().rev() {
            let Ok(Kept { url, mut stored }) = Kept::read(policy, &found.head) else {
                continue;
            };
            // Softly purged: as if its lifetime had ended at once.
            if found.stale {
                stored.lifetime.duration = Duration::ZERO;
            }
            let length = found.body.len();
            let content = match room.checked_sub(length) {
                None => Content::Disk(Arc::new(found)),
                Some(left) => match found.body.read(0..length).await {
                    Ok(bytes) => {
                        room = left;
                        Content::Here(bytes)
                    }
                    Err(_) => continue,
                },
            };
            entries.push(Entry::of_disk(url, stored, content));
        }
        entries
    }

    /// Gives what is on the disk alone another head, as a 304 brings it.
    pub(super) async fn rehead(&self, entry: &Entry) -> Result<(), StoreError> {
        let Content::Disk(found) = &entry.content else {
            return Ok(());
        };
        let batch = match labels(entry) {
            // As of when it was put: a purge since then hits it still.
            Some(labels) => {
                let head = Kept::to_bytes(&entry.url, &entry.stored);
                Batch::new().replace_head(found.serial, head, labels, Some(found.since))
            }
            None => Batch::new().remove(found.serial),
        };
        self.kept.commit(batch).await.map(drop)
    }

    /// Begins to write what memory has under `id`; `None`: somebody does, and will look again, or there
    /// are too many at work.
    pub(super) fn begin(&self, id: &Bytes, url: &str) -> Option<Writing<'_>> {
        let mut writing = self.writing();
        if writing.len() >= WRITING_MAX || writing.contains_key(id) {
            return None;
        }
        writing.insert(id.clone(), url.into());
        drop(writing);
        Some(Writing {
            disk: self,
            id: id.clone(),
            since: self.store.sequence(),
            ended: false,
        })
    }

    /// Throws out what bears `label`. When this is ready it does not come back, whatever happens.
    async fn purge(&self, label: Label<'_>) -> Result<(), StoreError> {
        let purged = self.store.purge(Purge::label(label.to_bytes())).await;
        // Better nothing than what is known to be of yesterday.
        if purged.is_err() {
            self.lost.store(true, SeqCst);
        }
        purged.map(drop)
    }

    /// [`Self::purge`] of one URL, where there is anything of it.
    pub(super) async fn purge_url(&self, id: &Bytes, url: &str) -> Result<bool, StoreError> {
        // In this order: what is no longer being written is there.
        let is_there = self.writing().contains_key(id) || self.kept.may_have(id);
        if is_there {
            self.purge(Label::Url(url)).await?;
        }
        Ok(is_there)
    }

    /// [`Self::purge`] of what has this tag.
    pub(super) async fn purge_tag(&self, tag: &str) -> Result<(), StoreError> {
        self.purge(Label::Tag(tag)).await
    }

    /// [`Self::purge`] of what is in this group of this origin.
    pub(super) async fn purge_group(&self, origin: &str, group: &str) -> Result<(), StoreError> {
        self.purge(Label::Group(origin, group)).await
    }

    /// Throws out everything.
    pub(super) async fn purge_all(&self) -> Result<(), StoreError> {
        let purged = self.store.purge(Purge::everything()).await;
        self.lost.store(purged.is_err(), SeqCst);
        purged.map(drop)
    }

    /// Throws out all that begins so, which need not be a folder.
    pub(super) async fn purge_prefix(
        &self,
        prefix: &str,
        policy: &Policy,
    ) -> Result<(), StoreError> {
        if folders(prefix).any(|folder| folder == prefix) {
            return self.purge(Label::Prefix(prefix)).await;
        }
        // Those on their way first: they may be there a moment later.
        let mut urls: HashSet<Box<str>> = self.writing().values().cloned().collect();
        for head in self.kept.heads().await? {
            urls.extend(Kept::read(policy, &head.head).map(|kept| kept.url));
        }
        for url in urls.iter().filter(|url| url.starts_with(prefix)) {
            self.purge(Label::Url(url)).await?;
        }
        Ok(())
    }

    /// Bytes, and responses.
    pub(super) fn size(&self) -> (u64, u64) {
        let usage = self.store.usage(&self.space);
        (usage.bytes, usage.entries)
    }

    fn writing(&self) -> MutexGuard<'_, HashMap<Bytes, Box<str>>> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writing<'_> {
    /// As of now: what memory is asked for next is put with this.
    pub(super) fn look_again(&mut self) {
        self.since = self.disk.store.sequence();
    }

    /// Writes `entry` in the place of what answers the same requests. If it cannot be written that
    /// goes all the same: it is of yesterday.
    pub(super) async fn write(
        &self,
        entry: &Entry,
        policy: &Policy,
        variants_max: usize,
    ) -> Result<(), StoreError> {
        let written = self.try_to_write(entry, policy, variants_max).await;
        if written.is_err() {
            self.disk.purge(Label::Url(&entry.url)).await?;
        }
        written
    }

    async fn try_to_write(
        &self,
        entry: &Entry,
        policy: &Policy,
        variants_max: usize,
    ) -> Result<(), StoreError> {
        let Some(bytes) = entry.content.here() else {
            return Ok(());
        };
        let before = self.disk.kept.find(&self.id).await?;
        let mut batch = Batch::new();
        let room = variants_max.saturating_sub(1);
        let mut others = 0;
        for old in before.iter().rev() {
            let kept = Kept::read(policy, &old.head);
            if kept.is_ok_and(|kept| kept.stored.vary != entry.stored.vary) && others < room {
                others += 1;
            } else {
                batch = batch.remove(old.serial);
            }
        }
        if let Some(labels) = labels(entry) {
            let head = Kept::to_bytes(&entry.url, &entry.stored);
            let body = self.stage(bytes).await?;
            let mut new = NewEntry::new(self.id.clone(), head, body).since(self.since);
            for label in labels {
                new = new.label(label);
            }
            batch = batch.insert(new);
        }
        self.disk.kept.commit(batch).await.map(drop)
    }

    /// Small bodies lie in the catalog; a large one gets a file, and is written in pieces.
    async fn stage(&self, bytes: &Bytes) -> Result<Staged, StoreError> {
        let mut staging = self.disk.store.stage(bytes.len() as u64);
        for from in (0..bytes.len()).step_by(PIECE_BYTES) {
            let to = (from + PIECE_BYTES).min(bytes.len());
            staging.write(bytes.slice(from..to)).await?;
        }
        staging.finish().await
    }

    /// Ends, unless there is `more` to write: that is asked while nobody else can begin.
    pub(super) fn end_unless(mut self, more: impl FnOnce() -> bool) -> Option<Self> {
        let mut writing = self.disk.writing();
        if !more() {
            writing.remove(&self.id);
            self.ended = true;
        }
        drop(writing);
        (!self.ended).then_some(self)
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.disk.writing().remove(&self.id);
        }
    }
}

/// A purge that is under way.
pub(super) struct Purging<'a>(&'a AtomicUsize);

impl Drop for Purging<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// Is what is on the disk of `old` as good as `new`, which has the same body? A later date is not
/// worth a write: that it is missing costs a question to the origin at worst.
pub(super) fn is_as_good(old: &Stored, new: &Stored) -> bool {
    let moving = |headers: &HeaderMap| {
        let mut headers = headers.clone();
        for name in [DATE, AGE, EXPIRES] {
            headers.remove(name);
        }
        headers
    };
    old.lifetime == new.lifetime
        && old.vary == new.vary
        && old.status == new.status
        && moving(&old.headers) == moving(&new.headers)
}

/// Where the responses of a profile are: by what one keeps the other must not answer.
fn space(policy: &Policy) -> Space {
    let owner = match (policy.profile, policy.set_cookie) {
        (Profile::Shared, SetCookie::Safer) => "shared",
        (Profile::Shared, SetCookie::Rfc) => "shared, cookies by the RFC",
        (Profile::Private, _) => "private",
    };
    Space::new(Kind::Http, owner)
}

/// All labels of an entry; `None`: it has more than can be kept.
fn labels(entry: &Entry) -> Option<Vec<Bytes>> {
    let origin = entry.origin();
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    let mut labels = vec![
        Label::Url(&entry.url).to_bytes(),
        Label::Host(host).to_bytes(),
    ];
    labels.extend(folders(&entry.url).map(|folder| Label::Prefix(folder).to_bytes()));
    let headers = &entry.stored.headers;
    labels.extend(tags(headers).map(|tag| Label::Tag(&tag).to_bytes()));
    labels.extend(groups(headers).map(|group| Label::Group(origin, &group).to_bytes()));
    (labels.len() <= LABELS_MAX).then_some(labels)
}

/// The folders that a URL lies in, from the root on; those too deep are left out.
fn folders(url: &str) -> impl Iterator<Item = &str> {
    let path = url.split('?').next().unwrap_or(url);
    let authority = path.find("://").map_or(0, |at| at + 3);
    let ends = path
        .match_indices('/')
        .filter(move |(at, _)| *at >= authority);
    ends.take(FOLDERS_MAX).map(|(at, _)| &path[..=at])
}

/// First uses that are remembered, of 12 bytes each.
const IDS_REMEMBERED: usize = 100_000;
/// Most ids that are written at the same time.
const WRITING_MAX: usize = 64;
/// Bytes of bodies that one recall takes into memory; others are read as they are sent.
const RECALLED_BYTES_MAX: u64 = 1 << 20;
/// Most recalls at once: further ones wait.
const RECALLS_MAX: usize = 64;
const PIECE_BYTES: usize = 256 << 10;
const NAME: &[u8] = b"responses";
/// Deeper folders are found by looking at each entry.
const FOLDERS_MAX: usize = 32;
/// What has more is kept in memory only.
const LABELS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_of_a_url_are_those_of_its_path() {
        for (url, expected) in [
            ("http://host/", &["http://host/"][..]),
            ("http://host/a", &["http://host/"]),
            ("http://host/a/b?c=/d/", &["http://host/", "http://host/a/"]),
            (
                "http://host/a//",
                &["http://host/", "http://host/a/", "http://host/a//"],
            ),
        ] {
            assert_eq!(folders(url).collect::<Vec<_>>(), expected, "{url}");
        }
        let deep = format!("http://host{}", "/a".repeat(100));
        assert_eq!(folders(&deep).count(), FOLDERS_MAX);
    }
}
