//! `cargo xtask bench store`: what durable puts, lookups and a start cost, beside redb (a store of keys
//! and values in Rust that syncs each commit) and beside a row and a file per entry without any sync,
//! as Deno keeps its Cache API.
//!
//! Wall time and the CPU time of the whole process, per operation. The store lies on the disk that has
//! `target/`. Numbers of entries and puts come as `REVISIT_BENCH_ENTRIES` and `REVISIT_BENCH_PUTS`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for developers, which has nobody to give an error to"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use redb::{ReadableDatabase as _, TableDefinition};
use revisit_store::{Batch, Collection, NewEntry, Options, Staged, Store};
use rustix::time::{ClockId, clock_gettime};

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if let [_, mark, writers, bytes, puts] = &words[..]
        && mark == "syncs"
    {
        let numbers = [writers, bytes, puts].map(|word| word.parse().unwrap());
        ours(numbers[0], numbers[1], numbers[2]);
        return;
    }
    let number = |name: &str, default: usize| {
        std::env::var(name)
            .ok()
            .and_then(|value| value.parse().ok())
            .unwrap_or(default)
    };
    let (entries, puts) = (
        number("REVISIT_BENCH_ENTRIES", 100_000),
        number("REVISIT_BENCH_PUTS", 2000),
    );
    puts_table(puts);
    lookups_table(entries);
    start_table(entries);
    let _ = fs::remove_dir_all(folder());
}

fn folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
        PathBuf::from,
    );
    target.join("bench/store")
}

fn empty() -> PathBuf {
    let folder = folder();
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn run<F: Future>(future: F) -> F::Output {
    let local = tokio::task::LocalSet::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    local.block_on(&runtime, future)
}

/// What an operation took.
#[derive(Clone, Copy)]
struct Cost {
    wall: Duration,
    cpu: Duration,
}

impl Cost {
    fn of(count: usize, work: impl FnOnce()) -> Self {
        let (wall, cpu) = (Instant::now(), cpu());
        work();
        Self {
            wall: wall.elapsed() / count as u32,
            cpu: (self::cpu() - cpu) / count as u32,
        }
    }
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn micros(time: Duration) -> String {
    match time.as_nanos() as f64 / 1000.0 {
        small if small < 10.0 => format!("{small:.2}"),
        large => format!("{large:.0}"),
    }
}

fn puts_table(puts: usize) {
    println!(
        "Puts, each acknowledged before the next of its writer. *Syncs*: `fsync` and `fdatasync`.\n"
    );
    println!("| body | writers | whose | µs a put | CPU µs a put | syncs a put |");
    println!("| ---: | ---: | --- | ---: | ---: | ---: |");
    for (bytes, puts) in [(4 << 10, puts), (1 << 20, puts.min(256))] {
        for writers in [1, 64] {
            let puts = if writers == 1 { puts / 4 } else { puts };
            let row = |whose: &str, cost: Cost, syncs: &str| {
                let size = if bytes < 1 << 20 { "4 kB" } else { "1 MB" };
                println!(
                    "| {size} | {writers} | {whose} | {} | {} | {syncs} |",
                    micros(cost.wall),
                    micros(cost.cpu)
                );
            };
            row(
                "revisit, durable",
                ours(writers, bytes, puts),
                &syncs(writers, bytes, puts),
            );
            row("redb", with_redb(writers, bytes, puts), "");
            row(
                "a row and a file, no sync",
                row_and_file(writers, bytes, puts),
                "0",
            );
        }
    }
    println!();
}

fn ours(writers: usize, bytes: usize, puts: usize) -> Cost {
    let store = Store::open(empty(), Options::durable()).unwrap();
    run(async {
        let cache = store.open_collection(b"site", b"cache").await.unwrap();
        let body = Bytes::from(vec![7; bytes]);
        let each = puts / writers;
        let (wall, cpu) = (Instant::now(), cpu());
        let tasks: Vec<_> = (0..writers)
            .map(|writer| {
                let (store, cache, body) = (store.clone(), cache.clone(), body.clone());
                tokio::task::spawn_local(async move {
                    for number in 0..each {
                        let mut staging = store.stage(u64::MAX);
                        staging.write(body.clone()).await.unwrap();
                        let entry = NewEntry::new(
                            format!("https://shop.example/{writer}/{number}"),
                            head(),
                            staging.finish().await.unwrap(),
                        );
                        cache.commit(Batch::new().insert(entry)).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let count = (each * writers) as u32;
        Cost {
            wall: wall.elapsed() / count,
            cpu: (self::cpu() - cpu) / count,
        }
    })
}

/// A head as responses have it.
fn head() -> Bytes {
    Bytes::from(vec![b'h'; 300])
}

/// Syncs of a put, counted by `strace` in a run of its own.
fn syncs(writers: usize, bytes: usize, puts: usize) -> String {
    let trace = folder().with_extension("trace");
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq", "-etrace=fsync,fdatasync", "-o"])
        .arg(&trace);
    command.arg(std::env::current_exe().unwrap()).arg("syncs");
    command.args([writers, bytes, puts].map(|number| number.to_string()));
    let Ok(true) = command.status().map(|status| status.success()) else {
        return "no `strace`".to_owned();
    };
    let calls = fs::read_to_string(&trace)
        .unwrap()
        .lines()
        .filter(|line| line.contains("sync("))
        .count();
    let _ = fs::remove_file(trace);
    format!("{:.2}", calls as f64 / (puts / writers * writers) as f64)
}

const TABLE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("cache");

fn with_redb(writers: usize, bytes: usize, puts: usize) -> Cost {
    let database = Arc::new(redb::Database::create(empty().join("redb")).unwrap());
    let each = puts / writers;
    Cost::of(each * writers, || {
        let threads: Vec<_> = (0..writers)
            .map(|writer| {
                let database = database.clone();
                std::thread::spawn(move || {
                    let body = vec![7; bytes];
                    for number in 0..each {
                        let change = database.begin_write().unwrap();
                        {
                            let mut table = change.open_table(TABLE).unwrap();
                            table
                                .insert(
                                    format!("https://shop.example/{writer}/{number}").as_str(),
                                    &body[..],
                                )
                                .unwrap();
                        }
                        change.commit().unwrap();
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    })
}

/// One connection behind a lock, and a file for each body: what is put is seen, and lost with the power.
fn row_and_file(writers: usize, bytes: usize, puts: usize) -> Cost {
    let folder = empty();
    let catalog = rusqlite::Connection::open(folder.join("catalog.db")).unwrap();
    catalog
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
             CREATE TABLE entries(id TEXT PRIMARY KEY, head BLOB, body TEXT);",
        )
        .unwrap();
    let catalog = Arc::new(std::sync::Mutex::new(catalog));
    let each = puts / writers;
    Cost::of(each * writers, || {
        let threads: Vec<_> = (0..writers)
            .map(|writer| {
                let (catalog, folder) = (catalog.clone(), folder.clone());
                std::thread::spawn(move || {
                    let body = vec![7; bytes];
                    for number in 0..each {
                        let name = format!("{writer}-{number}");
                        fs::write(folder.join(&name), &body).unwrap();
                        let catalog = catalog.lock().unwrap();
                        let mut insert = catalog
                            .prepare_cached("INSERT INTO entries VALUES (?, ?, ?)")
                            .unwrap();
                        insert
                            .execute((
                                format!("https://shop.example/{writer}/{number}"),
                                &head()[..],
                                name,
                            ))
                            .unwrap();
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    })
}

async fn filled(store: &Store, entries: usize) -> Collection {
    let cache = store.open_collection(b"site", b"cache").await.unwrap();
    let body = Bytes::from(vec![7; 1024]);
    for from in (0..entries).step_by(1000) {
        let batch = (from..entries.min(from + 1000)).fold(Batch::new(), |batch, number| {
            batch.insert(NewEntry::new(
                id(number),
                head(),
                Staged::bytes(body.clone()),
            ))
        });
        cache.commit(batch).await.unwrap();
    }
    cache
}

fn id(number: usize) -> String {
    format!("https://shop.example/products/{number:08}")
}

/// Numbers that jump over all of them.
fn jumps(count: usize, of: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |number| number.wrapping_mul(7_919_939) % of)
}

fn lookups_table(entries: usize) {
    const LOOKS: usize = 20_000;
    println!("Lookups: entries of 1 kB by id, one after the other; then the heads of all.\n");
    println!("| entries | whose | µs a hit | CPU µs a hit | µs a miss | ms all heads |");
    println!("| ---: | --- | ---: | ---: | ---: | ---: |");
    for entries in [1, 1000, entries] {
        run(async {
            let store = Store::open(empty(), Options::durable()).unwrap();
            let cache = Rc::new(filled(&store, entries).await);
            let (wall, cpu_before) = (Instant::now(), cpu());
            for number in jumps(LOOKS, entries) {
                assert_eq!(cache.find(id(number).as_bytes()).await.unwrap().len(), 1);
            }
            let hit = Cost {
                wall: wall.elapsed() / LOOKS as u32,
                cpu: (cpu() - cpu_before) / LOOKS as u32,
            };
            let wall = Instant::now();
            for number in jumps(LOOKS, entries) {
                assert!(
                    cache
                        .find(id(number + entries).as_bytes())
                        .await
                        .unwrap()
                        .is_empty()
                );
            }
            let miss = wall.elapsed() / LOOKS as u32;
            let wall = Instant::now();
            assert_eq!(cache.heads().await.unwrap().len(), entries);
            let heads = wall.elapsed();
            println!(
                "| {entries} | revisit | {} | {} | {} | {:.1} |",
                micros(hit.wall),
                micros(hit.cpu),
                micros(miss),
                heads.as_secs_f64() * 1000.0
            );
        });
        let database = redb::Database::create(empty().join("redb")).unwrap();
        let change = database.begin_write().unwrap();
        {
            let mut table = change.open_table(TABLE).unwrap();
            for number in 0..entries {
                table.insert(id(number).as_str(), &[7; 1324][..]).unwrap();
            }
        }
        change.commit().unwrap();
        let look = |offset: usize| {
            Cost::of(LOOKS, || {
                for number in jumps(LOOKS, entries) {
                    let read = database.begin_read().unwrap();
                    let table = read.open_table(TABLE).unwrap();
                    let found = table.get(id(number + offset).as_str()).unwrap();
                    assert_eq!(
                        found.map(|bytes| bytes.value().to_vec()).is_some(),
                        offset == 0
                    );
                }
            })
        };
        let (hit, miss) = (look(0), look(entries));
        println!(
            "| {entries} | redb, in the same thread | {} | {} | {} | |",
            micros(hit.wall),
            micros(hit.cpu),
            micros(miss.wall)
        );
    }
    println!();
}

fn resident_kib() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

fn start_table(entries: usize) {
    println!("A start, the catalog in the system's memory.\n");
    println!(
        "| entries | ms to open | bytes of memory an entry | bytes of disk an entry, beside body and head |"
    );
    println!("| ---: | ---: | ---: | ---: |");
    let folder = empty();
    let store = Store::open(&folder, Options::durable()).unwrap();
    run(async { drop(filled(&store, entries).await) });
    drop(store);
    let disk = fs::metadata(folder.join("catalog.db")).unwrap().len() as usize / entries;
    // In a process of its own memory would be cleaner; what was freed before is not given back here.
    let before = resident_kib();
    let wall = Instant::now();
    let store = Store::open(&folder, Options::durable()).unwrap();
    let took = wall.elapsed();
    let memory = resident_kib().saturating_sub(before) * 1024 / entries;
    assert_eq!(store.usage(b"site").entries as usize, entries);
    println!(
        "| {entries} | {:.0} | {memory} | {} |",
        took.as_secs_f64() * 1000.0,
        disk.saturating_sub(1324)
    );
}
