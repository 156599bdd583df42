//! Looking into a store that another process has: here that other is a second opening, for the locks
//! are those of openings.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use revisit_store::{
    Batch, Collection, Contract, NewEntry, Options, Purge, Serial, Staged, Store, StoreError,
};
use tempfile::TempDir;

const BOTH: [Contract; 2] = [Contract::Durable, Contract::Relaxed];
const LARGE: usize = 40_000;
/// More than enough for an `unlink`.
const DEADLINE: Duration = Duration::from_secs(60);

fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

fn open(folder: &Path, contract: Contract) -> Store {
    let options = match contract {
        Contract::Durable => Options::durable(),
        Contract::Relaxed => Options::relaxed(64 << 20),
    };
    Store::open(folder, options).unwrap()
}

fn look(folder: &Path) -> Store {
    Store::open(folder, Options::as_it_is().read_only()).unwrap()
}

async fn cache(store: &Store) -> Collection {
    store.open_collection(b"site", b"cache").await.unwrap()
}

async fn put(cache: &Collection, id: &str, bytes: usize) -> Serial {
    let body = Staged::bytes(vec![id.len() as u8; bytes]);
    let entry = NewEntry::new(id.to_owned(), "head", body).label(id.to_owned());
    cache.commit(Batch::new().insert(entry)).await.unwrap()[0]
}

/// A store that is open, with a body in a row and one in a file.
async fn filled(contract: Contract) -> (TempDir, Store, Collection) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), contract);
    let kept = cache(&store).await;
    put(&kept, "small", 100).await;
    put(&kept, "large", LARGE).await;
    (folder, store, kept)
}

fn body_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for below in fs::read_dir(folder.join("bodies")).unwrap() {
        let files = fs::read_dir(below.unwrap().path()).unwrap();
        found.extend(files.map(|file| file.unwrap().path()));
    }
    found
}

fn until_no_body_is_left(folder: &Path) {
    let begun = Instant::now();
    while !body_files(folder).is_empty() {
        assert!(begun.elapsed() < DEADLINE, "the body is still there");
        std::thread::yield_now();
    }
}

#[test]
fn a_store_that_another_process_writes_to_can_be_looked_into() {
    for contract in BOTH {
        run(async {
            let (folder, store, kept) = filled(contract).await;
            let (one, two) = (look(folder.path()), look(folder.path()));
            assert!(one.is_in_use() && two.is_in_use() && !store.is_in_use());
            assert_eq!(one.contract(), contract);
            assert_eq!(one.usage(b"site"), store.usage(b"site"));
            for at in [&one, &two] {
                let seen = at.collection(b"site", b"cache").await.unwrap().unwrap();
                let found = seen.find(b"large").await.unwrap().remove(0);
                assert_eq!(found.body.read(0..u64::MAX).await.unwrap(), [5; LARGE][..]);
                assert_eq!(seen.list().await.unwrap().len(), 2);
                let report = at.check().await.unwrap();
                assert_eq!(
                    (report.entries, report.gone, report.damages),
                    (2, 0, vec![])
                );
                // What changes it is the other's to do.
                let refused = seen.commit(Batch::new().remove(found.serial)).await;
                assert!(matches!(refused, Err(StoreError::ReadOnly)), "{refused:?}");
                let refused = at.purge(Purge::everything()).await;
                assert!(matches!(refused, Err(StoreError::ReadOnly)), "{refused:?}");
            }
            // The other goes on meanwhile, and is not held up when it ends.
            put(&kept, "more", LARGE).await;
            store.purge(Purge::label("small")).await.unwrap();
            assert_eq!(one.check().await.unwrap().damages, []);
            drop((kept, store));
            assert_eq!(one.check().await.unwrap().damages, []);
            drop((one, two));
            let again = open(folder.path(), contract);
            assert_eq!(cache(&again).await.heads().await.unwrap().len(), 2);
            assert_eq!(again.check().await.unwrap().damages, []);
        });
    }
}

#[test]
fn what_is_taken_away_meanwhile_is_gone_and_no_damage() {
    for contract in BOTH {
        run(async {
            let (folder, store, kept) = filled(contract).await;
            let looker = look(folder.path());
            let seen = looker.collection(b"site", b"cache").await.unwrap();
            let seen = seen.unwrap();
            // Two that were found before it goes: of one the file is open already.
            let early = seen.find(b"large").await.unwrap().remove(0);
            let opened = seen.find(b"large").await.unwrap().remove(0);
            assert_eq!(opened.body.read(0..1).await.unwrap().len(), 1);
            kept.commit(Batch::new().remove(early.serial))
                .await
                .unwrap();
            until_no_body_is_left(folder.path());
            let gone = early.body.read(0..u64::MAX).await.unwrap_err();
            assert!(matches!(gone, StoreError::Gone { .. }), "{gone}");
            assert_eq!(opened.body.read(0..u64::MAX).await.unwrap(), [5; LARGE][..]);
            assert!(seen.find(b"large").await.unwrap().is_empty());
            assert!(seen.get(&[early.serial]).await.unwrap().is_empty());
            assert_eq!(seen.list().await.unwrap().len(), 1);
            assert_eq!(looker.check().await.unwrap().damages, []);
            drop((kept, store));
        });
    }
}

#[test]
fn a_body_that_is_missing_while_its_row_is_there_is_damage_for_who_looks_too() {
    for contract in BOTH {
        run(async {
            let (folder, _store, _kept) = filled(contract).await;
            fs::remove_file(&body_files(folder.path())[0]).unwrap();
            let looker = look(folder.path());
            let seen = looker.collection(b"site", b"cache").await.unwrap();
            let found = seen.unwrap().find(b"large").await.unwrap().remove(0);
            let damaged = found.body.read(0..u64::MAX).await.unwrap_err();
            assert!(damaged.is_corrupt(), "{damaged}");
            let report = looker.check().await.unwrap();
            assert_eq!((report.entries, report.damages.len()), (2, 1));
        });
    }
}

#[test]
fn a_collection_that_is_deleted_meanwhile_is_gone() {
    for contract in BOTH {
        run(async {
            let (folder, store, kept) = filled(contract).await;
            let looker = look(folder.path());
            let seen = looker.collection(b"site", b"cache").await.unwrap();
            let seen = seen.unwrap();
            // Its user keeps it, nameless; then it is cleared away.
            store.delete_collection(b"site", b"cache").await.unwrap();
            for held in [Some(kept), None] {
                if held.is_none() {
                    until_no_body_is_left(folder.path());
                }
                let gone = seen.heads().await.unwrap_err();
                assert!(matches!(gone, StoreError::Gone { .. }), "{gone}");
                assert_eq!(looker.check().await.unwrap().damages, []);
            }
        });
    }
}

#[test]
fn who_looks_keeps_nobody_out() {
    for contract in BOTH {
        run(async {
            let (folder, store, kept) = filled(contract).await;
            drop((kept, store));
            let looker = look(folder.path());
            assert!(!looker.is_in_use());
            let store = open(folder.path(), contract);
            let kept = cache(&store).await;
            put(&kept, "new", 10).await;
            let seen = looker.collection(b"site", b"cache").await.unwrap();
            assert_eq!(seen.unwrap().list().await.unwrap().len(), 3);
        });
    }
}

#[test]
fn what_a_kill_left_can_be_looked_into_and_stays_as_it_is() {
    run(async {
        let (folder, store, _kept) = filled(Contract::Durable).await;
        let killed = tempfile::tempdir().unwrap();
        let names = ["catalog.db", "catalog.db-wal", "lock"];
        for name in names {
            fs::copy(folder.path().join(name), killed.path().join(name)).unwrap();
        }
        for body in body_files(folder.path()) {
            let to = killed
                .path()
                .join(body.strip_prefix(folder.path()).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(body, to).unwrap();
        }
        drop(store);
        let bytes = || names.map(|name| fs::read(killed.path().join(name)).unwrap());
        let before = bytes();
        let looker = look(killed.path());
        assert!(!looker.is_in_use());
        assert_eq!(looker.usage(b"site").entries, 2);
        assert_eq!(looker.check().await.unwrap().damages, []);
        drop(looker);
        assert!(bytes() == before, "a look has changed what a kill left");
        let again = open(killed.path(), Contract::Durable);
        assert_eq!(again.usage(b"site").entries, 2);
    });
}

#[test]
fn a_copy_without_its_lock_file_is_nobodys() {
    run(async {
        for contract in BOTH {
            let (folder, store, kept) = filled(contract).await;
            drop(kept);
            store.close().await.unwrap();
            fs::remove_file(folder.path().join("lock")).unwrap();
            let looked = look(folder.path());
            assert!(!looked.is_in_use());
            let found = looked.collection(b"site", b"cache").await.unwrap().unwrap();
            assert_eq!(found.list().await.unwrap().len(), 2);
            // who looks makes nothing
            assert!(!folder.path().join("lock").exists());
        }
    });
}
