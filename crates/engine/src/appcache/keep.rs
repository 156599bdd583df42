//! Into the store and out of it: a cache is written whole into a collection without a name, and takes the name of
//! its manifest in one step.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use revisit_rules::appcache::{AppCaches, Cache, CacheId, Entry, GroupId, Manifest, Ticket};
use revisit_rules::http::Stored;
use revisit_rules::http::vary::VaryKey;
use revisit_store::{Batch, Collection, NewEntry, Staged, Store, StoreError};
use url::Url;

use super::Inner;
use super::held::Held;
use super::room::ENTRY_BYTES;
use crate::Fetch;
use crate::record::{AppEntry, AppGroup, Damaged, Kind, Space};

/// A cache as it is to be written.
struct Copy {
    space: Vec<u8>,
    name: Vec<u8>,
    group: AppGroup,
    manifest: Bytes,
    entries: Vec<(Bytes, AppEntry, Held)>,
    /// Where it is already, if pages are added to it.
    collection: Option<Collection>,
}

impl<F: Fetch> Inner<F> {
    /// Does what a commit asks for, and says whether it is on the disk.
    pub(super) async fn commit(self: Arc<Self>, ticket: Ticket, group: GroupId, cache: CacheId) {
        let turn = self.writes.lock().await;
        // what was given up while it waited is not written
        let copy = self.look(|state| {
            let wanted = state.caches.awaits(ticket);
            wanted.then(|| {
                Copy::of(
                    &state.caches,
                    group,
                    cache,
                    state.collections.get(&cache).cloned(),
                )
            })
        });
        let Some(copy) = copy.flatten() else {
            return;
        };
        // if there is none the store says so
        self.make_room_for(group, copy.new_bytes()).await;
        let written = match &copy.collection {
            None => self.write(&copy).await,
            Some(collection) => add(collection, &copy, self.options.origin_bytes_max).await,
        };
        if let Err(error) = &written {
            tracing::warn!(%error, manifest = %String::from_utf8_lossy(&copy.name), "an application cache cannot be kept");
        }
        let kept = written.is_ok();
        // one look, so that nothing is given up between the question and the answer
        let wanted = self.change(|caches, now| {
            let wanted = caches.awaits(ticket);
            caches.committed(ticket, kept, now);
            wanted
        });
        match written {
            Ok(collection) if wanted => self.look(|state| {
                if state.caches.cache(group, cache).is_some() {
                    state.collections.insert(cache, collection);
                    if copy.collection.is_none() {
                        state.use_written.insert(group, copy.group.used);
                    }
                }
            }),
            // it was given up while it was written: the one before takes its name back
            Ok(_) if copy.collection.is_none() => self.take_back(&copy).await,
            _ => {}
        }
        drop(turn);
    }

    async fn write(&self, copy: &Copy) -> Result<Collection, StoreError> {
        let collection = self.store.create_unnamed(&copy.space).await?;
        let mut batch = Batch::new().space_bytes_max(self.options.origin_bytes_max);
        let manifest = Staged::bytes(copy.manifest.clone());
        batch = batch.insert(NewEntry::new(AppGroup::ID, copy.group.to_bytes(), manifest));
        for (id, head, held) in &copy.entries {
            let body = held.stage(&self.store).await?;
            batch = batch.insert(NewEntry::new(id.clone(), head.to_bytes(), body));
        }
        collection.commit(batch).await?;
        collection.publish(&copy.name).await?;
        settle(&collection, copy).await?;
        Ok(collection)
    }

    async fn take_back(&self, copy: &Copy) {
        let url = Url::parse(&String::from_utf8_lossy(&copy.name)).ok();
        let before = self.look(|state| {
            let (id, _) = state.caches.newest(&url?)?;
            state.collections.get(&id).cloned()
        });
        let done = match before {
            Some(before) => before.publish(&copy.name).await,
            None => self
                .store
                .delete_collection(&copy.space, &copy.name)
                .await
                .map(drop),
        };
        if let Err(error) = done {
            tracing::warn!(%error, "an application cache that was given up is still kept");
        }
    }

    /// Writes the marks of a cache that is kept. If that does not succeed they are found out again.
    pub(super) async fn mark(self: Arc<Self>, group: GroupId, cache: CacheId) {
        let _turn = self.writes.lock().await;
        let copy = self.look(|state| {
            let collection = state.collections.get(&cache).cloned()?;
            Copy::of(&state.caches, group, cache, Some(collection))
        });
        if let Some((copy, collection)) =
            copy.and_then(|it| it.collection.clone().map(|of| (it, of)))
            && let Err(error) = add(&collection, &copy, u64::MAX).await
        {
            tracing::debug!(%error, "a mark of an application cache was not kept");
        }
    }

    /// Nothing of the group is found again.
    pub(super) async fn forget(self: Arc<Self>, manifest_url: Url) {
        let _turn = self.writes.lock().await;
        // a new group of the same URL may have been written since
        if self.look(|state| state.caches.newest(&manifest_url).is_some()) {
            return;
        }
        let space = space_of(&manifest_url);
        let name = manifest_url.as_str().as_bytes();
        if let Err(error) = self.store.delete_collection(&space, name).await {
            tracing::warn!(%error, manifest = %manifest_url, "an obsolete application cache is still kept");
        }
    }
}

impl Copy {
    fn of(
        caches: &AppCaches<Held>,
        group: GroupId,
        cache: CacheId,
        collection: Option<Collection>,
    ) -> Option<Self> {
        let used = caches.used(group)?;
        let (manifest_url, cache) = caches.cache(group, cache)?;
        let entries = cache.entries.iter().map(|(url, entry)| {
            let head = AppEntry {
                status: entry.stored.status,
                headers: entry.stored.headers.clone(),
                times: entry.stored.times,
                is: entry.is,
                foreign: entry.foreign,
                names: entry.names.clone(),
            };
            (
                Bytes::copy_from_slice(url.as_bytes()),
                head,
                entry.body.clone(),
            )
        });
        Some(Self {
            space: space_of(manifest_url),
            name: manifest_url.as_str().as_bytes().to_vec(),
            group: AppGroup {
                created: cache.created,
                updated: cache.updated,
                // a new cache is used when it is complete, which is now
                used: used.max(cache.updated),
            },
            manifest: Bytes::copy_from_slice(&cache.manifest_bytes),
            entries: entries.collect(),
            collection,
        })
    }

    /// What it counts in its space, of a cache that pages are added to only they.
    fn new_bytes(&self) -> u64 {
        let is_added = self.collection.is_some();
        let new = self
            .entries
            .iter()
            .filter(|(.., held)| !is_added || !held.is_kept());
        let entries: u64 = new
            .map(|(id, head, held)| {
                ENTRY_BYTES + (id.len() + head.to_bytes().len()) as u64 + held.len()
            })
            .sum();
        if is_added {
            return entries;
        }
        let group = AppGroup::ID.len() + self.group.to_bytes().len() + self.manifest.len();
        entries + ENTRY_BYTES + group as u64
    }
}

/// Adds what is new to a cache that is kept, removes what it has no more, and writes heads that changed.
async fn add(
    collection: &Collection,
    copy: &Copy,
    bytes_max: u64,
) -> Result<Collection, StoreError> {
    let there = collection.list().await?;
    let mut there: HashMap<&Bytes, _> = there.iter().map(|it| (&it.id, it)).collect();
    there.remove(&Bytes::from_static(AppGroup::ID));
    let mut batch = Batch::new().space_bytes_max(bytes_max);
    let store = collection.store();
    for (id, head, held) in &copy.entries {
        let head = head.to_bytes();
        batch = match there.remove(id) {
            Some(entry) if *entry.head == *head => batch,
            Some(entry) => batch.replace_head(entry.serial, head, Vec::new(), None),
            None => batch.insert(NewEntry::new(id.clone(), head, held.stage(&store).await?)),
        };
    }
    for gone in there.into_values() {
        batch = batch.remove(gone.serial);
    }
    if !batch.is_empty() {
        collection.commit(batch).await?;
        settle(collection, copy).await?;
    }
    Ok(collection.clone())
}

/// From here on the bodies are read from the store.
async fn settle(collection: &Collection, copy: &Copy) -> Result<(), StoreError> {
    let bodies = collection.list().await?.into_iter();
    let bodies: HashMap<Bytes, _> = bodies.map(|it| (it.id, it.body)).collect();
    for (id, _, held) in &copy.entries {
        if let Some(body) = bodies.get(id) {
            held.settle(body.clone());
        }
    }
    Ok(())
}

/// Reads all caches of a store into a browser; what cannot be read is passed over, as if it had never been. Also gives
/// when each group was used last.
pub(super) async fn restore(
    store: &Store,
    caches: &mut AppCaches<Held>,
) -> Result<(HashMap<CacheId, Collection>, HashMap<GroupId, SystemTime>), StoreError> {
    let (mut collections, mut use_written) = (HashMap::new(), HashMap::new());
    for space in store.spaces() {
        if Space::read(&space).is_none_or(|it| it.kind != Kind::AppCache) {
            continue;
        }
        for name in store.collections(&space) {
            let Some(collection) = store.collection(&space, &name).await? else {
                continue;
            };
            match read(&collection, &name, caches).await {
                Ok((url, cache, used)) => {
                    let (group, id) = caches.restore(&url, cache);
                    caches.use_group(group, used);
                    use_written.insert(group, used);
                    collections.insert(id, collection);
                }
                Err(why) => {
                    let manifest = String::from_utf8_lossy(&name).into_owned();
                    tracing::warn!(
                        why,
                        manifest,
                        "an application cache cannot be read and is passed over"
                    );
                }
            }
        }
    }
    Ok((collections, use_written))
}

async fn read(
    collection: &Collection,
    name: &[u8],
    caches: &AppCaches<Held>,
) -> Result<(Url, Cache<Held>, SystemTime), String> {
    let url = std::str::from_utf8(name).map_err(|error| error.to_string())?;
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    let damaged = |error: Damaged| error.to_string();
    let (mut group, mut bytes) = (None, Bytes::new());
    let mut entries = std::collections::BTreeMap::new();
    for entry in collection.list().await.map_err(|error| error.to_string())? {
        if entry.id == AppGroup::ID {
            group = Some(AppGroup::read(&entry.head).map_err(damaged)?);
            let body = entry.body.read(0..entry.body.len()).await;
            bytes = body.map_err(|error| error.to_string())?;
            continue;
        }
        let head = AppEntry::read(&entry.head).map_err(damaged)?;
        let vary = VaryKey::default();
        let stored = Stored::with(caches.policy(), head.status, head.headers, head.times, vary);
        let kept = Entry {
            stored: stored.ok_or("a part of a file stands for the whole")?,
            body: Held::kept(entry.body),
            is: head.is,
            foreign: head.foreign,
            names: head.names,
        };
        let id = String::from_utf8(entry.id.to_vec()).map_err(|error| error.to_string())?;
        entries.insert(id, kept);
    }
    let group = group.ok_or("the entry of the cache itself is missing")?;
    let content_type = entries.get(url.as_str()).and_then(|it: &Entry<Held>| {
        let field = it.stored.headers.get(http::header::CONTENT_TYPE)?;
        field.to_str().ok()
    });
    let profile = caches.profile().served_as(content_type);
    let manifest = Manifest::parse(&bytes, &url, &profile).map_err(|error| error.to_string())?;
    let whole = |file: &Url| entries.contains_key(file.as_str());
    // what somebody took out by hand would be missing without a word
    if !profile.no_store_is_left_out && !manifest.files().all(whole) {
        return Err("a file of its manifest is missing".to_owned());
    }
    Ok((
        url,
        Cache {
            manifest,
            manifest_bytes: bytes.to_vec().into(),
            entries,
            complete: true,
            created: group.created,
            updated: group.updated,
        },
        group.used,
    ))
}

/// Where caches of a manifest's origin are kept.
pub(super) fn space_of(manifest_url: &Url) -> Vec<u8> {
    Space::new(Kind::AppCache, manifest_url.origin().ascii_serialization()).to_bytes()
}
