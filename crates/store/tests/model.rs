//! Random work beside a simple model: what a store answers, after every step, after it was opened
//! again, and as a kill at any moment would leave it.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::future::Future;
use std::path::Path;

use proptest::prelude::*;
use revisit_store::{
    Batch, Collection, NewEntry, Options, Purge, Serial, Staged, Store, StoreError,
};
use tempfile::TempDir;

#[derive(Debug, Clone)]
enum Step {
    /// Puts entries behind the others, in one batch.
    Insert {
        cache: u8,
        entries: Vec<(u8, usize)>,
    },
    /// Replaces everything under an id, if that is still what was seen.
    Replace {
        cache: u8,
        id: u8,
        bytes: usize,
    },
    /// Removes the entry at this place of the order.
    Remove {
        cache: u8,
        at: usize,
    },
    NewHead {
        cache: u8,
        at: usize,
    },
    /// Inserts, if the space has room for so many bytes.
    Bounded {
        cache: u8,
        id: u8,
        bytes: usize,
        bytes_max: u64,
    },
    Purge {
        label: u8,
    },
    DeleteCache {
        cache: u8,
    },
    Publish {
        cache: u8,
        entries: Vec<(u8, usize)>,
    },
    Reopen,
    /// Goes on with what is on the disk, while the store from before was never closed.
    Crash,
}

/// An entry of the model.
#[derive(Debug, Clone, PartialEq)]
struct Kept {
    id: u8,
    head: String,
    bytes: usize,
    fill: u8,
}

impl Kept {
    fn charge(&self) -> u64 {
        (1 + self.head.len() + 1 + self.bytes + 256) as u64
    }
}

#[derive(Default, Clone)]
struct Model {
    /// Caches in the order in which they got their names.
    caches: Vec<(u8, Vec<Kept>)>,
}

impl Model {
    fn cache(&mut self, name: u8) -> &mut Vec<Kept> {
        let at = self.caches.iter().position(|(own, _)| *own == name);
        let at = at.unwrap_or_else(|| {
            self.caches.push((name, Vec::new()));
            self.caches.len() - 1
        });
        &mut self.caches[at].1
    }

    fn bytes(&self) -> u64 {
        self.caches
            .iter()
            .flat_map(|(_, kept)| kept)
            .map(Kept::charge)
            .sum()
    }
}

fn step() -> impl Strategy<Value = Step> {
    let cache = || 0..3u8;
    let id = || 0..5u8;
    let bytes =
        || prop_oneof![6 => 0..600usize, 2 => 16_380..16_390usize, 1 => 60_000..140_000usize];
    let entries = || prop::collection::vec((id(), bytes()), 1..4);
    prop_oneof![
        6 => (cache(), entries()).prop_map(|(cache, entries)| Step::Insert { cache, entries }),
        6 => (cache(), id(), bytes()).prop_map(|(cache, id, bytes)| Step::Replace { cache, id, bytes }),
        4 => (cache(), 0..8usize).prop_map(|(cache, at)| Step::Remove { cache, at }),
        2 => (cache(), 0..8usize).prop_map(|(cache, at)| Step::NewHead { cache, at }),
        2 => (cache(), id(), bytes(), 0..40_000u64)
            .prop_map(|(cache, id, bytes, bytes_max)| Step::Bounded { cache, id, bytes, bytes_max }),
        2 => id().prop_map(|label| Step::Purge { label }),
        1 => cache().prop_map(|cache| Step::DeleteCache { cache }),
        1 => (cache(), entries()).prop_map(|(cache, entries)| Step::Publish { cache, entries }),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
    ]
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

fn folder() -> TempDir {
    match Path::new("/dev/shm").is_dir() {
        true => tempfile::tempdir_in("/dev/shm").unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}

/// Copies what a kill would leave.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => {
                fs::create_dir_all(&to).unwrap();
                copy(&entry.path(), &to);
            }
            // What was removed and is being unlinked may go while it is copied.
            false => drop(fs::copy(entry.path(), to)),
        }
    }
}

const SPACE: &[u8] = b"site";

async fn cache(store: &Store, name: u8) -> Collection {
    store.open_collection(SPACE, &[name]).await.unwrap()
}

fn new(kept: &Kept) -> NewEntry {
    let body = Staged::bytes(vec![kept.fill; kept.bytes]);
    // Its id is its label.
    NewEntry::new(vec![kept.id], kept.head.clone(), body).label(vec![kept.id])
}

async fn serials(cache: &Collection) -> Vec<Serial> {
    cache
        .heads()
        .await
        .unwrap()
        .iter()
        .map(|head| head.serial)
        .collect()
}

/// Does a step to both.
async fn go(store: &Store, model: &mut Model, number: usize, step: &Step) {
    let kept = |id: u8, bytes: usize| Kept {
        id,
        head: format!("head {number}"),
        bytes,
        fill: number as u8,
    };
    match step {
        Step::Insert {
            cache: name,
            entries,
        } => {
            let entries: Vec<Kept> = entries
                .iter()
                .map(|(id, bytes)| kept(*id, *bytes))
                .collect();
            let batch = entries
                .iter()
                .fold(Batch::new(), |batch, entry| batch.insert(new(entry)));
            cache(store, *name).await.commit(batch).await.unwrap();
            model.cache(*name).extend(entries);
        }
        Step::Replace {
            cache: name,
            id,
            bytes,
        } => {
            let cache = cache(store, *name).await;
            let found: Vec<Serial> = cache
                .find(&[*id])
                .await
                .unwrap()
                .iter()
                .map(|entry| entry.serial)
                .collect();
            let entry = kept(*id, *bytes);
            let batch = found
                .iter()
                .fold(Batch::new(), |batch, serial| batch.remove(*serial));
            let batch = batch.expect(vec![*id], found.clone()).insert(new(&entry));
            cache.commit(batch).await.unwrap();
            // What it was built on is gone now.
            let late = Batch::new().expect(vec![*id], found).insert(new(&entry));
            assert!(matches!(cache.commit(late).await, Err(StoreError::Changed)));
            let own = model.cache(*name);
            own.retain(|kept| kept.id != *id);
            own.push(entry);
        }
        Step::Remove { cache: name, at } => {
            let cache = cache(store, *name).await;
            let own = model.cache(*name);
            if let Some(serial) = serials(&cache).await.get(*at) {
                cache.commit(Batch::new().remove(*serial)).await.unwrap();
                own.remove(*at);
            }
        }
        Step::NewHead { cache: name, at } => {
            let cache = cache(store, *name).await;
            let own = model.cache(*name);
            if let Some(serial) = serials(&cache).await.get(*at) {
                let head = format!("new head {number}");
                let labels = vec![vec![own[*at].id].into()];
                cache
                    .commit(Batch::new().replace_head(*serial, head.clone(), labels, None))
                    .await
                    .unwrap();
                own[*at].head = head;
            }
        }
        Step::Bounded {
            cache: name,
            id,
            bytes,
            bytes_max,
        } => {
            let entry = kept(*id, *bytes);
            let cache = cache(store, *name).await;
            let done = cache
                .commit(Batch::new().insert(new(&entry)).space_bytes_max(*bytes_max))
                .await;
            let fits = model.bytes() + entry.charge() <= *bytes_max;
            assert_eq!(done.is_ok(), fits, "{done:?}");
            let own = model.cache(*name);
            if fits {
                own.push(entry);
            }
        }
        Step::Purge { label } => {
            store.purge(Purge::label(vec![*label])).await.unwrap();
            model
                .caches
                .iter_mut()
                .for_each(|(_, kept)| kept.retain(|kept| kept.id != *label));
        }
        Step::DeleteCache { cache: name } => {
            let was_there = model.caches.iter().any(|(own, _)| own == name);
            assert_eq!(
                store.delete_collection(SPACE, &[*name]).await.unwrap(),
                was_there
            );
            model.caches.retain(|(own, _)| own != name);
        }
        Step::Publish {
            cache: name,
            entries,
        } => {
            let made = store.create_unnamed(SPACE).await.unwrap();
            let entries: Vec<Kept> = entries
                .iter()
                .map(|(id, bytes)| kept(*id, *bytes))
                .collect();
            for entry in &entries {
                made.commit(Batch::new().insert(new(entry))).await.unwrap();
            }
            made.publish(&[*name]).await.unwrap();
            model.caches.retain(|(own, _)| own != name);
            model.caches.push((*name, entries));
        }
        Step::Reopen | Step::Crash => {}
    }
}

/// The store answers as the model does.
async fn compare(store: &Store, model: &Model) {
    let names: Vec<Vec<u8>> = model.caches.iter().map(|(name, _)| vec![*name]).collect();
    assert_eq!(store.collections(SPACE), names);
    for (name, kept) in &model.caches {
        let cache = cache(store, *name).await;
        let mut found = Vec::new();
        for entry in cache.list().await.unwrap() {
            let body = entry.body.read(0..u64::MAX).await.unwrap();
            let fill = String::from_utf8_lossy(&entry.head)
                .rsplit(' ')
                .next()
                .map(str::len);
            assert!(fill.is_some() && body.windows(2).all(|two| two[0] == two[1]));
            found.push((entry.id[0], entry.head, body.len(), body.first().copied()));
        }
        let wanted: Vec<_> = kept
            .iter()
            .map(|kept| {
                (
                    kept.id,
                    kept.head.clone().into(),
                    kept.bytes,
                    (kept.bytes > 0).then_some(kept.fill),
                )
            })
            .collect();
        assert_eq!(found, wanted);
        for id in 0..5 {
            let count = kept.iter().filter(|kept| kept.id == id).count();
            assert_eq!(cache.find(&[id]).await.unwrap().len(), count);
        }
    }
    assert_eq!(store.check().await.unwrap().damages, []);
}

fn play(options: Options, steps: &[Step]) {
    run(async {
        let mut model = Model::default();
        let twin = Store::memory(revisit_store::Contract::Durable);
        let mut twin_model = Model::default();
        let mut place = folder();
        let mut store = Store::open(place.path(), options).unwrap();
        for (number, step) in steps.iter().enumerate() {
            go(&store, &mut model, number, step).await;
            go(&twin, &mut twin_model, number, step).await;
            match step {
                Step::Reopen => {
                    drop(store);
                    store = Store::open(place.path(), options).unwrap();
                }
                Step::Crash => {
                    let next = folder();
                    copy(place.path(), next.path());
                    drop(store);
                    place = next;
                    store = Store::open(place.path(), options).unwrap();
                }
                _ => {}
            }
            compare(&store, &model).await;
            assert_eq!(model.caches, twin_model.caches);
        }
        compare(&twin, &twin_model).await;
        assert_eq!(store.usage(SPACE).bytes, model.bytes());
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_durable_store_does_what_the_model_does(steps in prop::collection::vec(step(), 1..25)) {
        play(Options::durable(), &steps);
    }

    #[test]
    fn a_relaxed_store_with_room_does_what_the_model_does(steps in prop::collection::vec(step(), 1..25)) {
        play(Options::relaxed(1 << 30), &steps);
    }
}
