//! The second tier: what was used twice lies on the disk too, and is there when the process starts anew.
//!
//! Memory decides, the disk follows: only what memory has under an id is written, in a task of its own,
//! and what memory lacks is looked up here before the origin is asked. Entries bear labels for all by
//! which they can be thrown out; such a purge is on the disk before it is told as done, and also hits
//! what is still on its way here, since that is put as of the moment when memory was asked for it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::HeaderMap;
use http::header::{AGE, DATE, EXPIRES};
use revisit_rules::http::profile::Profile;
use revisit_rules::http::{Policy, Stored};
use revisit_store::{
    Batch, Collection, Doorkeeper, NewEntry, Purge, Sequence, Staged, Store, Usage,
};

pub(super) use revisit_store::StoreError;

use super::content::Content;
use super::entry::Entry;
use super::purge::tags;
use super::record::{self, Record};

/// Responses on disk.
pub(super) struct Disk {
    store: Store,
    kept: Collection,
    door: Doorkeeper,
    /// Ids that are being written. What is there of them may be of yesterday.
    writing: Mutex<HashSet<Bytes>>,
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
        // What one profile keeps the other must not answer with.
        let kept = store.open_collection(SPACE, name(policy)).await?;
        Ok(Self {
            store,
            kept,
            door: Doorkeeper::new(IDS_REMEMBERED),
            writing: Mutex::default(),
        })
    }

    /// Is this the second use of `id`, or later? From now on it was used.
    pub(super) fn is_worth_it(&self, id: &Bytes) -> bool {
        self.kept.may_have(id) || self.door.seen_before(id)
    }

    /// Whether there may be something that memory does not have. It costs no I/O.
    pub(super) fn may_have(&self, id: &Bytes) -> bool {
        self.kept.may_have(id) && !self.writing().contains(id)
    }

    /// What is kept under `id`, the newest first. What cannot be read is a miss.
    pub(super) async fn recall(&self, id: &Bytes, policy: &Policy) -> Vec<Arc<Entry>> {
        let mut entries = Vec::new();
        let found = self.kept.find(id).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the disk tier cannot be read");
            Vec::new()
        });
        for found in found.iter().rev() {
            let Some(Record { url, stored }) = Record::read(policy, &found.head) else {
                continue;
            };
            let content = if found.body.len() > RECALLED_BYTES_MAX {
                Content::Disk(found.body.clone())
            } else {
                match found.body.read(0..found.body.len()).await {
                    Ok(bytes) => Content::Here(bytes),
                    Err(_) => continue,
                }
            };
            entries.push(Entry::of_disk(url, stored, content));
        }
        entries
    }

    /// Begins to write what memory has under `id`; `None`: somebody does, and will look again, or there
    /// are too many at work.
    pub(super) fn begin(&self, id: &Bytes) -> Option<Writing<'_>> {
        let mut writing = self.writing();
        if writing.len() >= WRITING_MAX || !writing.insert(id.clone()) {
            return None;
        }
        drop(writing);
        Some(Writing {
            disk: self,
            id: id.clone(),
            since: self.store.sequence(),
            ended: false,
        })
    }

    /// Throws out what bears `label`. When this is ready it does not come back, whatever happens.
    pub(super) async fn purge(&self, label: Vec<u8>) -> Result<(), StoreError> {
        self.store.purge(Purge::label(label)).await.map(drop)
    }

    /// [`Self::purge`] of one id, where there is anything of it.
    pub(super) async fn purge_id(&self, id: &Bytes) -> Result<bool, StoreError> {
        let is_there = self.kept.may_have(id) || self.writing().contains(id);
        if is_there {
            self.purge(label::id(id)).await?;
        }
        Ok(is_there)
    }

    /// Throws out everything.
    pub(super) async fn purge_all(&self) -> Result<(), StoreError> {
        self.store.purge(Purge::everything()).await.map(drop)
    }

    /// Throws out all that begins so, which need not be a folder.
    pub(super) async fn purge_prefix(
        &self,
        prefix: &str,
        policy: &Policy,
    ) -> Result<(), StoreError> {
        if let Some(label) = label::folder(prefix) {
            return self.purge(label).await;
        }
        let mut ids: HashSet<Bytes> = self.writing().clone();
        for head in self.kept.heads().await? {
            let record = Record::read(policy, &head.head);
            if record.is_none_or(|record| record.url.starts_with(prefix)) {
                ids.insert(head.id);
            }
        }
        for id in ids {
            self.purge(label::id(&id)).await?;
        }
        Ok(())
    }

    /// What is kept.
    pub(super) fn usage(&self) -> Usage {
        self.store.usage(SPACE)
    }

    fn writing(&self) -> MutexGuard<'_, HashSet<Bytes>> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writing<'_> {
    /// As of now: what memory is asked for next is put with this.
    pub(super) fn look_again(&mut self) {
        self.since = self.disk.store.sequence();
    }

    /// Writes `entry` in the place of what answers the same requests.
    pub(super) async fn write(
        &self,
        entry: &Entry,
        policy: &Policy,
        variants_max: usize,
    ) -> Result<(), StoreError> {
        let Some((head, labels)) =
            record::write(&entry.url, &entry.stored).zip(label::all(&self.id, entry))
        else {
            return Ok(());
        };
        let labels: Vec<Bytes> = labels.into_iter().map(Bytes::from).collect();
        let before = self.disk.kept.find(&self.id).await?;
        let mut batch = Batch::new();
        let Some(bytes) = entry.content.here() else {
            // The body is there already.
            let mut old = before.iter().rev();
            let same = old.find(|old| {
                let record = Record::read(policy, &old.head);
                record.is_some_and(|record| record.stored.vary == entry.stored.vary)
            });
            if let Some(old) = same {
                batch = batch.replace_head(old.serial, head, labels, Some(self.since));
            }
            return self.disk.kept.commit(batch).await.map(drop);
        };
        let room = variants_max.saturating_sub(1);
        let mut others = 0;
        for old in before.iter().rev() {
            let record = Record::read(policy, &old.head);
            if record.is_some_and(|record| record.stored.vary != entry.stored.vary) && others < room
            {
                others += 1;
            } else {
                batch = batch.remove(old.serial);
            }
        }
        let body = self.stage(bytes).await?;
        let mut new = NewEntry::new(self.id.clone(), head, body).since(self.since);
        for label in labels {
            new = new.label(label);
        }
        self.disk.kept.commit(batch.insert(new)).await.map(drop)
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

fn name(policy: &Policy) -> &'static [u8] {
    match policy.profile {
        Profile::Shared => b"shared",
        Profile::Private => b"private",
    }
}

/// The words by which an entry can be thrown out.
pub(super) mod label {
    use bytes::Bytes;

    use super::super::entry::Entry;
    use super::tags;

    /// Everything under an id.
    pub(in super::super) fn id(id: &[u8]) -> Vec<u8> {
        [b"i", id].concat()
    }

    /// Everything with a tag, in a field of whatever name.
    pub(in super::super) fn tag(tag: &str) -> Vec<u8> {
        [b"t", tag.as_bytes()].concat()
    }

    /// Everything of an origin in a group of RFC 9875.
    pub(in super::super) fn group(origin: &str, group: &str) -> Vec<u8> {
        [b"g", origin.as_bytes(), b" ", group.as_bytes()].concat()
    }

    /// Everything below a folder; `None`: the URL is that of none, or lies too deep to have one.
    pub(super) fn folder(url: &str) -> Option<Vec<u8>> {
        folders(url).find(|folder| *folder == url).map(of_folder)
    }

    fn of_folder(url: &str) -> Vec<u8> {
        [b"f", url.as_bytes()].concat()
    }

    fn folders(url: &str) -> impl Iterator<Item = &str> {
        let path = url.split('?').next().unwrap_or(url);
        let authority = path.find("://").map_or(0, |at| at + 3);
        let ends = path
            .match_indices('/')
            .filter(move |(at, _)| *at >= authority);
        ends.take(FOLDERS_MAX).map(|(at, _)| &path[..=at])
    }

    /// All of an entry's labels; `None`: it has more than can be kept.
    pub(super) fn all(id: &Bytes, entry: &Entry) -> Option<Vec<Vec<u8>>> {
        let mut labels = vec![self::id(id)];
        labels.extend(folders(&entry.url).map(of_folder));
        let origin = entry.origin();
        for name in tags(&entry.stored.headers) {
            labels.push(tag(&name));
        }
        for name in revisit_rules::http::invalidate::groups(&entry.stored.headers) {
            labels.push(group(origin, &name));
        }
        (labels.len() <= LABELS_MAX).then_some(labels)
    }

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

        #[test]
        fn a_prefix_has_a_label_if_it_is_a_folder() {
            assert!(folder("http://host/a/").is_some());
            assert!(folder("http://host/a").is_none());
            assert!(folder("http://host/a?b/").is_none());
            assert!(folder(&format!("http://host{}/", "/a".repeat(100))).is_none());
        }
    }
}

/// The part of the store that is the cache's: what `revisit store` shows as responses.
pub const SPACE: &[u8] = b"http";

/// First uses that are remembered, of 12 bytes each.
const IDS_REMEMBERED: usize = 100_000;
/// Most ids that are written at the same time.
const WRITING_MAX: usize = 64;
/// Larger bodies are read as they are sent.
const RECALLED_BYTES_MAX: u64 = 1 << 20;
const PIECE_BYTES: usize = 256 << 10;
