//! Bad input: whatever happened to the files, a right answer or an error that says so.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::future::Future;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use bytes::Bytes;
use revisit_store::{
    Batch, Contract, NewEntry, OpenError, Options, Purge, Staged, Store, StoreError,
};
use tempfile::TempDir;

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

/// A folder on a file system in memory, where there is one: nothing here is about syncs.
fn folder() -> TempDir {
    match Path::new("/dev/shm").is_dir() {
        true => tempfile::tempdir_in("/dev/shm").unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}

fn options(contract: Contract) -> Options {
    match contract {
        Contract::Durable => Options::durable(),
        Contract::Relaxed => Options::relaxed(64 << 20),
    }
}

/// What the small store holds.
fn bodies() -> BTreeMap<&'static str, Vec<u8>> {
    let pattern = |bytes: usize, step: usize| (0..bytes).map(|n| (n * step % 251) as u8).collect();
    BTreeMap::from([
        ("empty", Vec::new()),
        ("small", b"small body".to_vec()),
        ("inline", pattern(3000, 3)),
        ("file one", pattern(17_000, 5)),
        ("file two", pattern(17_000, 7)),
    ])
}

fn make(folder: &Path, contract: Contract) {
    run(async {
        let store = Store::open(folder, options(contract)).unwrap();
        let cache = store.open_collection(b"site", b"cache").await.unwrap();
        store.open_collection(b"site", b"empty").await.unwrap();
        for (id, body) in bodies() {
            let entry =
                NewEntry::new(id, format!("head of {id}"), Staged::bytes(body)).label("label");
            cache.commit(Batch::new().insert(entry)).await.unwrap();
        }
        store.purge(Purge::label("another")).await.unwrap();
        store.close().await.unwrap();
    });
}

/// What a look at everything came to.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Look {
    Right,
    /// Something was refused, and nothing was wrong.
    Refused,
    /// Something is missing, and nothing was wrong.
    Less,
}

/// Looks at everything; panics where an answer is wrong.
fn look(folder: &Path, contract: Contract) -> Look {
    run(async {
        let Ok(store) = Store::open(folder, options(contract)) else {
            return Look::Refused;
        };
        let Ok(found) = store.collection(b"site", b"cache").await else {
            return Look::Refused;
        };
        let Some(cache) = found else {
            return Look::Less;
        };
        let mut look = Look::Right;
        if store.collections(b"site") != ["cache", "empty"] {
            look = Look::Less;
        }
        for (id, body) in bodies() {
            let entries = match cache.find(id.as_bytes()).await {
                Ok(entries) => entries,
                Err(_) => {
                    look = Look::Refused;
                    continue;
                }
            };
            let [entry] = &entries[..] else {
                assert!(entries.is_empty(), "{id} is there twice");
                look = Look::Less;
                continue;
            };
            assert_eq!(entry.id, id);
            assert_eq!(entry.head, format!("head of {id}"));
            assert_eq!(entry.labels, ["label"]);
            match entry.body.read(0..u64::MAX).await {
                Ok(read) => assert!(read == body, "a wrong body of {id}"),
                Err(_) => look = Look::Refused,
            }
        }
        match cache.list().await {
            Ok(all) if all.len() != bodies().len() => look = Look::Less,
            Ok(_) => {}
            Err(_) => look = Look::Refused,
        }
        // It must also be possible to go on, or to be told why not.
        let _ = cache
            .commit(Batch::new().insert(NewEntry::new("new", "", Staged::bytes("new"))))
            .await;
        look
    })
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

fn body_files(folder: &Path) -> Vec<PathBuf> {
    files(&folder.join("bodies"))
}

/// Panics of any thread, those of stores too, which nobody waits for.
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, SeqCst);
            tell(panic);
        }));
    });
}

/// Flips one byte after the other. All of them where `REVISIT_EVERY_BYTE` is set (it takes minutes);
/// else each that is not zero near the head of a page, and some of the others.
fn flip(contract: Contract) -> BTreeMap<&'static str, usize> {
    let whole = folder();
    make(whole.path(), contract);
    let every = std::env::var_os("REVISIT_EVERY_BYTE").is_some();
    count_panics();
    let mut looks = BTreeMap::new();
    for path in files(whole.path()) {
        let bytes = fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let chosen = at % 257 == 0 || (bytes[at] != 0 && at % 4096 < 128 && at % 9 == 0);
            if !every && !chosen {
                continue;
            }
            let copied = folder();
            copy(whole.path(), copied.path());
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            let name = path.strip_prefix(whole.path()).unwrap();
            fs::write(copied.path().join(name), flipped).unwrap();
            let look = look(copied.path(), contract);
            let panics = PANICS.load(SeqCst);
            assert_eq!(panics, 0, "byte {at} of {}", name.display());
            if contract == Contract::Durable {
                assert_ne!(look, Look::Less, "byte {at} of {}", name.display());
            }
            let word = match look {
                Look::Right => "right",
                Look::Refused => "refused",
                Look::Less => "less",
            };
            *looks.entry(word).or_default() += 1;
        }
    }
    looks
}

#[test]
fn a_flipped_bit_in_a_durable_store_is_seen_or_does_not_matter() {
    let looks = flip(Contract::Durable);
    assert!(looks["refused"] > 50 && looks["right"] > 50, "{looks:?}");
}

#[test]
fn a_flipped_bit_in_a_relaxed_store_is_a_miss_or_does_not_matter() {
    let looks = flip(Contract::Relaxed);
    assert!(looks["less"] > 50 && looks["right"] > 50, "{looks:?}");
}

#[test]
fn more_free_pages_than_pages_are_damage_and_no_panic() {
    for contract in [Contract::Durable, Contract::Relaxed] {
        let folder = folder();
        make(folder.path(), contract);
        count_panics();
        // The count of free pages in the head of the catalog (the format of SQLite, 1.3).
        let catalog = folder.path().join("catalog.db");
        let mut bytes = fs::read(&catalog).unwrap();
        bytes[36] ^= 1;
        fs::write(&catalog, bytes).unwrap();
        let wanted = match contract {
            Contract::Durable => Look::Refused,
            // It began anew.
            Contract::Relaxed => Look::Less,
        };
        assert_eq!(look(folder.path(), contract), wanted);
        assert_eq!(PANICS.load(SeqCst), 0);
    }
}

#[test]
fn a_row_that_says_any_number_makes_no_sum_run_over() {
    for contract in [Contract::Durable, Contract::Relaxed] {
        for column in ["charge", "body_bytes", "serial", "collection"] {
            for number in [i64::MAX, -1, i64::MIN] {
                let folder = folder();
                make(folder.path(), contract);
                count_panics();
                let catalog = rusqlite::Connection::open(folder.path().join("catalog.db"));
                let catalog = catalog.unwrap();
                let sql = format!(
                    "UPDATE entries SET {column} = ? WHERE serial = \
                     (SELECT min(serial) FROM entries)"
                );
                catalog.execute(&sql, [number]).unwrap();
                drop(catalog);
                let look = look(folder.path(), contract);
                assert_ne!(look, Look::Right, "{column} {number} {contract:?}");
                let panics = PANICS.load(SeqCst);
                assert_eq!(panics, 0, "{column} {number} {contract:?}");
            }
        }
    }
}

#[test]
fn swapped_missing_short_and_foreign_bodies_are_seen() {
    type Harm = fn(&[PathBuf]);
    let harms: [(&str, Harm); 4] = [
        ("swapped", |bodies| {
            let aside = bodies[0].with_extension("aside");
            fs::rename(&bodies[0], &aside).unwrap();
            fs::rename(&bodies[1], &bodies[0]).unwrap();
            fs::rename(&aside, &bodies[1]).unwrap();
        }),
        ("missing", |bodies| fs::remove_file(&bodies[0]).unwrap()),
        ("short", |bodies| {
            fs::File::options()
                .write(true)
                .open(&bodies[0])
                .unwrap()
                .set_len(9000)
                .unwrap()
        }),
        ("empty", |bodies| fs::write(&bodies[0], "").unwrap()),
    ];
    for (name, harm) in harms {
        for contract in [Contract::Durable, Contract::Relaxed] {
            let folder = folder();
            make(folder.path(), contract);
            let found = body_files(folder.path());
            assert_eq!(found.len(), 2);
            harm(&found);
            // The relaxed one may have dropped it already when all are listed.
            match (contract, look(folder.path(), contract)) {
                (_, Look::Refused) | (Contract::Relaxed, Look::Less) => {}
                (_, look) => panic!("{name}: {look:?}"),
            }
        }
    }
}

#[test]
fn a_damaged_body_is_an_error_that_names_it_and_a_relaxed_one_is_a_miss_from_then_on() {
    for contract in [Contract::Durable, Contract::Relaxed] {
        let folder = folder();
        make(folder.path(), contract);
        let body = &body_files(folder.path())[0];
        let mut bytes = fs::read(body).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(body, bytes).unwrap();
        run(async {
            let store = Store::open(folder.path(), options(contract)).unwrap();
            let report = store.check().await.unwrap();
            assert_eq!((report.entries, report.damages.len()), (5, 1), "{report:?}");
            let cache = store.open_collection(b"site", b"cache").await.unwrap();
            let entry = cache
                .get(&[report.damages[0].serial.unwrap()])
                .await
                .unwrap()
                .pop();
            let refused = match entry {
                Some(entry) => entry.body.read(0..u64::MAX).await.unwrap_err(),
                None => {
                    assert_eq!(contract, Contract::Relaxed);
                    return assert_eq!(store.usage(b"site").entries, 4);
                }
            };
            assert!(
                refused.is_corrupt() && refused.to_string().contains("bodies/"),
                "{refused}"
            );
            if contract == Contract::Relaxed {
                // Behind the removal, in the order of the store's work.
                cache
                    .commit(Batch::new().insert(NewEntry::new("x", "", Staged::bytes(""))))
                    .await
                    .unwrap();
                assert_eq!(store.usage(b"site").entries, 5);
            }
        });
    }
}

#[test]
fn rubbish_in_the_place_of_the_catalog_is_refused_and_a_cache_begins_anew() {
    let rubbish = [
        &b"no database at all, but long enough to be looked at"[..],
        &[0; 5000],
        &[7; 5000],
    ];
    for rubbish in rubbish {
        let folder = folder();
        make(folder.path(), Contract::Durable);
        fs::write(folder.path().join("catalog.db"), rubbish).unwrap();
        // It is not thrown away by who takes it for a cache either.
        for options in [Options::durable(), Options::relaxed(1 << 30)] {
            let refused = Store::open(folder.path(), options).unwrap_err();
            assert!(matches!(refused, OpenError::Io { .. }), "{refused:?}");
            assert_eq!(body_files(folder.path()).len(), 2);
        }
    }
    for rubbish in rubbish {
        let folder = folder();
        make(folder.path(), Contract::Relaxed);
        fs::write(folder.path().join("catalog.db"), rubbish).unwrap();
        let store = Store::open(folder.path(), Options::relaxed(1 << 30)).unwrap();
        assert_eq!(store.usage_of_all().entries, 0);
        assert!(body_files(folder.path()).is_empty());
    }
}

#[test]
fn an_empty_or_missing_catalog_is_damage_and_no_new_store() {
    let harms: [fn(&Path); 2] = [
        |catalog| fs::write(catalog, "").unwrap(),
        |catalog| fs::remove_file(catalog).unwrap(),
    ];
    for harm in harms {
        for contract in [Contract::Durable, Contract::Relaxed] {
            let folder = folder();
            make(folder.path(), contract);
            harm(&folder.path().join("catalog.db"));
            let opened = Store::open(folder.path(), options(contract));
            match contract {
                Contract::Relaxed => assert_eq!(opened.unwrap().usage_of_all().entries, 0),
                Contract::Durable => {
                    let refused = opened.unwrap_err().to_string();
                    assert!(
                        refused.contains("the catalog is empty or missing"),
                        "{refused}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_newer_format_another_contract_and_another_database_are_refused_by_name() {
    let folder = folder();
    make(folder.path(), Contract::Durable);
    let words = |options| Store::open(folder.path(), options).unwrap_err().to_string();
    assert!(words(Options::relaxed(1 << 30)).contains("is Durable, not Relaxed"));
    let catalog = rusqlite::Connection::open(folder.path().join("catalog.db")).unwrap();
    catalog.pragma_update(None, "user_version", 2).unwrap();
    for options in [Options::durable(), Options::as_it_is().read_only()] {
        assert!(words(options).contains("has format 2, this version knows formats up to 1"));
    }
    catalog.pragma_update(None, "application_id", 1).unwrap();
    assert!(words(Options::durable()).contains("no store of Revisit"));
}

#[test]
fn one_process_has_a_store_at_a_time() {
    let folder = folder();
    let store = Store::open(folder.path(), Options::durable()).unwrap();
    let second = Store::open(folder.path(), Options::durable()).unwrap_err();
    assert!(matches!(second, OpenError::InUse { .. }), "{second:?}");
    assert!(second.to_string().ends_with("is open in another process"));
    assert!(second.help().contains("end that process"));
    drop(store);
    Store::open(folder.path(), Options::durable()).unwrap();
}

#[test]
fn only_a_store_that_is_there_can_be_looked_at_and_a_look_changes_nothing() {
    let folder = folder();
    let read_only = Options::as_it_is().read_only();
    let missing = Store::open(folder.path(), read_only).unwrap_err();
    assert!(matches!(missing, OpenError::Missing { .. }), "{missing:?}");
    make(folder.path(), Contract::Durable);
    let before = fs::read(folder.path().join("catalog.db")).unwrap();
    run(async {
        let store = Store::open(folder.path(), read_only).unwrap();
        let cache = store.collection(b"site", b"cache").await.unwrap().unwrap();
        assert_eq!(cache.list().await.unwrap().len(), 5);
        assert_eq!(store.check().await.unwrap().damages, []);
        let refused = cache.commit(Batch::new()).await;
        assert!(matches!(refused, Err(StoreError::ReadOnly)), "{refused:?}");
        assert!(matches!(
            store.open_collection(b"site", b"new").await,
            Err(StoreError::ReadOnly)
        ));
        let mut large = store.stage(1 << 20);
        assert!(matches!(
            large.write(vec![0; 100_000].into()).await,
            Err(StoreError::ReadOnly)
        ));
    });
    assert!(fs::read(folder.path().join("catalog.db")).unwrap() == before);
}

#[test]
fn a_folder_that_is_no_folder_and_one_with_an_odd_name_are_told_apart() {
    let above = folder();
    let file = above.path().join("file");
    fs::write(&file, "").unwrap();
    let refused = Store::open(&file, Options::durable()).unwrap_err();
    assert!(
        refused.to_string().starts_with("cannot open the store in "),
        "{refused}"
    );
    let odd = above.path().join(OsStr::from_bytes(b"\xff %?#"));
    make(&odd, Contract::Durable);
    assert_eq!(look(&odd, Contract::Durable), Look::Right);
}

#[test]
fn what_a_crash_left_is_swept_and_what_is_named_is_kept() {
    let folder = folder();
    run(async {
        let store = Store::open(folder.path(), Options::durable()).unwrap();
        let cache = store.open_collection(b"site", b"cache").await.unwrap();
        let large = || Bytes::from(vec![7; 100_000]);
        let entry = NewEntry::new("a", "", Staged::bytes(large()));
        cache.commit(Batch::new().insert(entry)).await.unwrap();
        let mut half = store.stage(1 << 20);
        half.write(large()).await.unwrap();
        let mut staged = store.stage(1 << 20);
        staged.write(large()).await.unwrap();
        let staged = staged.finish().await.unwrap();
        let nameless = store.create_unnamed(b"site").await.unwrap();
        nameless
            .commit(Batch::new().insert(NewEntry::new("b", "", Staged::bytes(large()))))
            .await
            .unwrap();

        // As after a kill: what is on the disk now, and nothing in order.
        let crashed = folder.path().join("crashed");
        fs::create_dir(&crashed).unwrap();
        for part in ["bodies", "tmp"] {
            copy(&folder.path().join(part), &crashed.join(part));
        }
        for file in ["catalog.db", "catalog.db-wal", "lock"] {
            fs::copy(folder.path().join(file), crashed.join(file)).unwrap();
        }
        assert_eq!(
            body_files(&crashed).len() + files(&crashed.join("tmp")).len(),
            4
        );
        let again = Store::open(&crashed, Options::durable()).unwrap();
        assert_eq!(files(&crashed.join("tmp")).len(), 0);
        assert_eq!(again.usage(b"site").entries, 1);
        let cache = again.open_collection(b"site", b"cache").await.unwrap();
        assert_eq!(
            cache.find(b"a").await.unwrap()[0]
                .body
                .read(0..u64::MAX)
                .await
                .unwrap(),
            large()
        );
        drop(cache);
        drop(again);
        assert_eq!(body_files(&crashed).len(), 1);
        drop((half, staged));
    });
}

#[test]
fn a_store_of_the_first_format_is_read() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1");
    // Only where the format has changed and no version with it was released.
    if std::env::var_os("REVISIT_NEW_FIXTURE").is_some() {
        let _ = fs::remove_dir_all(&kept);
        make(&kept, Contract::Durable);
        fs::remove_file(kept.join("lock")).unwrap();
    }
    let folder = folder();
    copy(&kept, folder.path());
    assert_eq!(look(folder.path(), Contract::Durable), Look::Right);
}

#[test]
fn a_relaxed_store_stays_below_its_bound_and_spares_what_is_used() {
    let folder = folder();
    let bytes_max = 24 << 20;
    run(async {
        let store = Store::open(folder.path(), Options::relaxed(bytes_max)).unwrap();
        let cache = store.open_collection(b"site", b"cache").await.unwrap();
        for number in 0..3000usize {
            let id = format!("entry {number}");
            // Small ones in rows, then large ones in files, then small ones again.
            let bytes = if (1000..1200).contains(&number) {
                1 << 20
            } else {
                12_000
            };
            let body = Staged::bytes(vec![(number % 251) as u8; bytes]);
            cache
                .commit(Batch::new().insert(NewEntry::new(id, "", body)))
                .await
                .unwrap();
            assert!(
                !cache.find(b"entry 0").await.unwrap().is_empty(),
                "after {number}"
            );
            if number % 50 == 0 {
                let used: u64 = files(folder.path())
                    .iter()
                    .map(|path| path.metadata().map_or(0, |meta| meta.len()))
                    .sum();
                assert!(used <= bytes_max, "{used} bytes after {number} entries");
            }
        }
        assert!(store.usage(b"site").entries > 500);
        assert_eq!(store.check().await.unwrap().damages, []);
        let mut large = store.stage(u64::MAX);
        let mut refused = None;
        for _ in 0..40 {
            refused = large.write(vec![0; 1 << 20].into()).await.err();
            if refused.is_some() {
                break;
            }
        }
        assert!(matches!(refused, Some(StoreError::Full)), "{refused:?}");
    });
}
