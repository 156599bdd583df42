//! What `cargo xtask crash` runs, kills and looks at: a workload that says what was acknowledged, and
//! the check of what is there afterwards.
//!
//! ```text
//! crash_workload run   durable|relaxed FOLDER LOG   steps one after the other
//! crash_workload check durable|relaxed FOLDER LOG   is what is there what the log allows?
//! crash_workload spared relaxed FOLDER LOG          after a power cut: is nothing wrong, or back, in a cache?
//! crash_workload look  FOLDER                       what is there, without changing anything
//! crash_workload storm FOLDER LOG                   64 writers until killed
//! crash_workload calm  FOLDER LOG                   is everything there that they were told is?
//! ```
//!
//! The log has a line `BEGIN n`, `ACK n` or `ERR n WHY` for each step. It is written by `writev`,
//! which the store does not use, so that what is injected into its calls does not hit the log.
#![allow(clippy::print_stderr, reason = "a program for developers")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{IoSlice, Write};
use std::path::Path;
use std::process::ExitCode;

use bytes::Bytes;
use revisit_store::{Batch, Collection, NewEntry, Options, Purge, Store, StoreError};

type Failed = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let done = runtime.map_err(Failed::from).and_then(|runtime| {
        runtime.block_on(async {
            match words[..] {
                ["run", contract, folder, log] => {
                    run(options(contract)?, folder.as_ref(), log.as_ref()).await
                }
                ["check", contract, folder, log] => {
                    check(options(contract)?, folder.as_ref(), log.as_ref()).await
                }
                ["spared", contract, folder, log] => {
                    spared(options(contract)?, folder.as_ref(), log.as_ref()).await
                }
                ["look", folder] => look(folder.as_ref()).await,
                ["storm", folder, log] => storm(folder.as_ref(), log.as_ref()).await,
                ["calm", folder, log] => calm(folder.as_ref(), log.as_ref()).await,
                _ => Err("run|check CONTRACT FOLDER LOG, storm|calm FOLDER LOG".into()),
            }
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options(contract: &str) -> Result<Options, Failed> {
    match contract {
        "durable" => Ok(Options::durable()),
        "relaxed" => Ok(Options::relaxed(1 << 30)),
        other => Err(format!("`{other}` is no contract").into()),
    }
}

/// One step of the workload.
#[derive(Clone, Copy)]
enum Step {
    /// Replaces what is under the id by a body of so many bytes.
    Put(&'static str, usize),
    /// Replaces several at once.
    PutAll(&'static [(&'static str, usize)]),
    Delete(&'static str),
    /// All with the label: the first letter of the id.
    Purge(&'static str),
    /// A new cache that takes the place of the one before.
    Publish(&'static [(&'static str, usize)]),
    DeleteCache,
}

const SMALL: usize = 300;
const LARGE: usize = 300_000;

const STEPS: [Step; 17] = [
    Step::Put("a1", SMALL),
    Step::Put("a2", LARGE),
    Step::PutAll(&[("b1", SMALL), ("b2", LARGE), ("b3", SMALL)]),
    Step::Put("a1", LARGE),
    Step::Put("a2", SMALL),
    Step::Delete("b1"),
    Step::Put("c1", 5_000),
    Step::Purge("b"),
    Step::Put("b2", LARGE),
    Step::PutAll(&[("a1", SMALL), ("a2", LARGE), ("c1", SMALL), ("d1", SMALL)]),
    Step::Delete("a2"),
    Step::Publish(&[("a1", LARGE), ("e1", SMALL)]),
    Step::Put("a1", LARGE),
    Step::Purge("a"),
    Step::DeleteCache,
    Step::Put("f1", SMALL),
    Step::Put("f2", LARGE),
];

/// Ids, and by which step their bodies were put.
type State = BTreeMap<&'static str, (usize, usize)>;

fn apply(state: &mut State, number: usize) {
    match STEPS[number] {
        Step::Put(id, bytes) => drop(state.insert(id, (number, bytes))),
        Step::PutAll(all) => state.extend(all.iter().map(|(id, bytes)| (*id, (number, *bytes)))),
        Step::Delete(id) => drop(state.remove(id)),
        Step::Purge(label) => state.retain(|id, _| !id.starts_with(label)),
        Step::Publish(all) => {
            *state = all
                .iter()
                .map(|(id, bytes)| (*id, (number, *bytes)))
                .collect()
        }
        Step::DeleteCache => state.clear(),
    }
}

/// A body that is told from all others.
fn body(id: &str, number: usize, bytes: usize) -> Vec<u8> {
    let mix = |sum: usize, byte: u8| sum.wrapping_mul(131).wrapping_add(usize::from(byte));
    let seed = id.bytes().fold(number.wrapping_mul(31) + 7, mix);
    (0..bytes)
        .map(|at| (seed.wrapping_mul(at + 1) >> 3) as u8)
        .collect()
}

struct Log(File);

impl Log {
    fn open(path: &Path) -> Result<Self, Failed> {
        Ok(Self(File::options().create(true).append(true).open(path)?))
    }

    fn say(&mut self, line: &str) -> Result<(), Failed> {
        let written = self
            .0
            .write_vectored(&[IoSlice::new(line.as_bytes()), IoSlice::new(b"\n")])?;
        match written == line.len() + 1 {
            true => Ok(()),
            false => Err("the log has no room".into()),
        }
    }
}

async fn run(options: Options, folder: &Path, log: &Path) -> Result<(), Failed> {
    let mut log = Log::open(log)?;
    let store = match Store::open(folder, options) {
        Ok(store) => store,
        // What was injected hit the opening: nothing was acknowledged.
        Err(error) => return log.say(&format!("CLOSED {error}")),
    };
    for number in 0..STEPS.len() {
        log.say(&format!("BEGIN {number}"))?;
        match step(&store, number).await {
            Ok(()) => log.say(&format!("ACK {number}"))?,
            Err(StoreError::Full) => log.say(&format!("ERR {number} full"))?,
            Err(error) => log.say(&format!("ERR {number} {error}"))?,
        }
    }
    if let Err(error) = store.close().await {
        log.say(&format!("CLOSED {error}"))?;
    }
    Ok(())
}

async fn step(store: &Store, number: usize) -> Result<(), StoreError> {
    match STEPS[number] {
        Step::Put(id, bytes) => put_all(store, &cache(store).await?, number, &[(id, bytes)]).await,
        Step::PutAll(all) => put_all(store, &cache(store).await?, number, all).await,
        Step::Delete(id) => {
            let cache = cache(store).await?;
            let mut batch = Batch::new();
            for entry in cache.find(id.as_bytes()).await? {
                batch = batch.remove(entry.serial);
            }
            cache.commit(batch).await.map(|_| ())
        }
        Step::Purge(label) => store.purge(Purge::label(label)).await.map(|_| ()),
        Step::Publish(all) => {
            let new = store.create_unnamed(SPACE).await?;
            put_all(store, &new, number, all).await?;
            new.publish(CACHE).await
        }
        Step::DeleteCache => store.delete_collection(SPACE, CACHE).await.map(|_| ()),
    }
}

const SPACE: &[u8] = b"site";
const CACHE: &[u8] = b"cache";

async fn cache(store: &Store) -> Result<Collection, StoreError> {
    store.open_collection(SPACE, CACHE).await
}

async fn put_all(
    store: &Store,
    cache: &Collection,
    number: usize,
    all: &[(&'static str, usize)],
) -> Result<(), StoreError> {
    let mut batch = Batch::new();
    for (id, bytes) in all {
        let mut staging = store.stage(u64::MAX);
        for piece in body(id, number, *bytes).chunks(100_000) {
            staging.write(Bytes::copy_from_slice(piece)).await?;
        }
        for entry in cache.find(id.as_bytes()).await? {
            batch = batch.remove(entry.serial);
        }
        let entry = NewEntry::new(*id, number.to_string(), staging.finish().await?);
        batch = batch.insert(entry.label(&id[..1]));
    }
    cache.commit(batch).await.map(|_| ())
}

async fn check(options: Options, folder: &Path, log: &Path) -> Result<(), Failed> {
    let text = fs::read_to_string(log).unwrap_or_default();
    let store = Store::open(folder, options)?;
    let found = what_is_there(&store).await?;
    let mut after_poison = text
        .lines()
        .skip_while(|line| !line.contains("takes no more writes"));
    if let Some(line) = after_poison.find(|line| line.starts_with("ACK")) {
        return Err(format!("`{line}` after a write that did not reach the disk\n{text}").into());
    }
    let mut allowed = vec![State::new()];
    for number in 0..STEPS.len() {
        let said = |word: &str| text.lines().any(|line| line == format!("{word} {number}"));
        let why = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("ERR {number} ")));
        let done = |state: &State| {
            let mut state = state.clone();
            apply(&mut state, number);
            state
        };
        if said("ACK") {
            allowed = allowed.iter().map(done).collect();
        } else if said("BEGIN") && why != Some("full") {
            // It was cut off, or is not known to have happened.
            let both: Vec<State> = allowed.iter().map(done).collect();
            allowed.extend(both);
        }
    }
    if !allowed.contains(&found) {
        return Err(format!(
            "there is {found:?}\nwhat the log allows is {allowed:?}\nthe log:\n{text}"
        )
        .into());
    }
    whole(
        store,
        folder,
        found.values().filter(|(_, bytes)| *bytes == LARGE).count(),
    )
    .await
}

/// What a power cut has spared of a cache is right, or found damaged and then a miss; what was purged
/// is not back.
async fn spared(options: Options, folder: &Path, log: &Path) -> Result<(), Failed> {
    let text = fs::read_to_string(log)?;
    let store = Store::open(folder, options)?;
    if let Some(cache) = store.collection(SPACE, CACHE).await? {
        for entry in cache.list().await? {
            let number: usize = std::str::from_utf8(&entry.head)?.parse()?;
            let mut after = State::new();
            apply(&mut after, number);
            let name = String::from_utf8_lossy(&entry.id).into_owned();
            let put = after.into_iter().find(|(id, _)| *id == name);
            let (id, (_, bytes)) = put.ok_or_else(|| format!("step {number} puts no `{name}`"))?;
            for (later, step) in STEPS.iter().enumerate().skip(number) {
                if let Step::Purge(label) = step
                    && id.starts_with(label)
                    && text.lines().any(|line| line == format!("ACK {later}"))
                {
                    return Err(format!("`{id}` of step {number} is back\n{text}").into());
                }
            }
            match entry.body.read(0..u64::MAX).await {
                Err(error) if error.is_corrupt() => continue,
                read if read
                    .as_ref()
                    .is_ok_and(|read| *read == body(id, number, bytes)) => {}
                read => {
                    let what = read.map(|bytes| bytes.len());
                    return Err(format!("the body of `{id}` of step {number}: {what:?}").into());
                }
            }
        }
    }
    // It can go on.
    let cache = cache(&store).await?;
    put_all(&store, &cache, 0, &[("a1", SMALL)]).await?;
    let damages = store.check().await?.damages;
    store.close().await?;
    match damages.is_empty() {
        true => Ok(()),
        false => Err(format!("damaged: {damages:?}").into()),
    }
}

/// Proves what is there, in a folder that may not be written to.
async fn look(folder: &Path) -> Result<(), Failed> {
    let store = Store::open(folder, Options::as_it_is().read_only())?;
    let found = what_is_there(&store).await?;
    let damages = store.check().await?.damages;
    match damages.is_empty() && !found.is_empty() {
        true => Ok(()),
        false => Err(format!("there is {found:?}, damaged is {damages:?}").into()),
    }
}

/// The ids that are found, each with the step that put it; its body is proven.
async fn what_is_there(store: &Store) -> Result<State, Failed> {
    let mut state = State::new();
    let Some(cache) = store.collection(SPACE, CACHE).await? else {
        return Ok(state);
    };
    for entry in cache.list().await? {
        let number: usize = std::str::from_utf8(&entry.head)?.parse()?;
        let name = String::from_utf8_lossy(&entry.id).into_owned();
        let mut after = State::new();
        apply(&mut after, number);
        let put = after.into_iter().find(|(id, _)| *id == name);
        let (id, (_, bytes)) = put.ok_or_else(|| format!("step {number} puts no `{name}`"))?;
        if entry.body.read(0..u64::MAX).await? != body(id, number, bytes) {
            return Err(format!("the body of `{id}` is not that of step {number}").into());
        }
        let same = cache.find(id.as_bytes()).await?;
        if same.len() != 1 || same[0].serial != entry.serial {
            return Err(format!("`{id}` is there {} times", same.len()).into());
        }
        state.insert(id, (number, bytes));
    }
    Ok(state)
}

/// Nothing is damaged, and nothing lies about.
async fn whole(store: Store, folder: &Path, large: usize) -> Result<(), Failed> {
    let report = store.check().await?;
    if !report.damages.is_empty() {
        return Err(format!("damaged: {:?}", report.damages).into());
    }
    store.close().await?;
    drop(store);
    let mut bodies = 0;
    for below in fs::read_dir(folder.join("bodies"))? {
        bodies += fs::read_dir(below?.path())?.count();
    }
    let written = fs::read_dir(folder.join("tmp"))?.count();
    // What was purged goes by and by.
    if bodies < large || bodies > large + 4 || written > 0 {
        return Err(format!("{bodies} bodies for {large} entries, {written} half written").into());
    }
    Ok(())
}

const WRITERS: usize = 64;

/// Writers that replace their own entries, each putting a number that rises; the log has what each was told.
async fn storm(folder: &Path, log: &Path) -> Result<(), Failed> {
    let store = Store::open(folder, Options::durable())?;
    let cache = store.open_collection(SPACE, CACHE).await?;
    let log = std::sync::Arc::new(std::sync::Mutex::new(Log::open(log)?));
    let local = tokio::task::LocalSet::new();
    for writer in 0..WRITERS {
        let (store, cache, log) = (store.clone(), cache.clone(), log.clone());
        local.spawn_local(async move {
            let id = format!("writer {writer}");
            let bytes = if writer % 16 == 0 { 200_000 } else { 4_096 };
            let found = cache.find(id.as_bytes()).await.unwrap_or_default();
            let mut last = found.first().map(|entry| entry.serial);
            let before = found
                .first()
                .and_then(|entry| std::str::from_utf8(&entry.head).ok()?.parse().ok());
            let tell = |number: usize| {
                // No lock is held while anything is waited for.
                if let Ok(mut log) = log.lock() {
                    let _ = log.say(&format!("ACK {writer} {number}"));
                }
            };
            // What was put before the last kill and never acknowledged.
            if let Some(before) = before {
                tell(before);
            }
            for number in before.unwrap_or(0) + 1.. {
                let mut staging = store.stage(u64::MAX);
                let staged = async {
                    staging.write(body(&id, number, bytes).into()).await?;
                    staging.finish().await
                };
                let Ok(staged) = staged.await else { return };
                let mut batch =
                    Batch::new().insert(NewEntry::new(id.clone(), number.to_string(), staged));
                if let Some(last) = last {
                    batch = batch.remove(last);
                }
                let Ok(serials) = cache.commit(batch).await else {
                    return;
                };
                last = serials.first().copied();
                tell(number);
            }
        });
    }
    local.await;
    Err("the writers have stopped by themselves".into())
}

/// Every writer finds what it was told last, or what it was putting then.
async fn calm(folder: &Path, log: &Path) -> Result<(), Failed> {
    let text = fs::read_to_string(log)?;
    let mut told: BTreeMap<usize, usize> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split(' ').skip(1).map(str::parse);
        if let (Some(Ok(writer)), Some(Ok(number))) = (words.next(), words.next()) {
            told.insert(writer, number);
        }
    }
    let store = Store::open(folder, Options::durable())?;
    let cache = store.open_collection(SPACE, CACHE).await?;
    let mut large = 0;
    for writer in 0..WRITERS {
        let id = format!("writer {writer}");
        let told = told.get(&writer).copied().unwrap_or(0);
        let found = cache.find(id.as_bytes()).await?;
        let [entry] = &found[..] else {
            if found.is_empty() && told == 0 {
                continue;
            }
            return Err(
                format!("`{id}` is there {} times, and was told {told}", found.len()).into(),
            );
        };
        let number: usize = std::str::from_utf8(&entry.head)?.parse()?;
        if number != told && number != told + 1 {
            return Err(format!("`{id}` was told {told}, and there is {number}").into());
        }
        let bytes = if writer % 16 == 0 { 200_000 } else { 4_096 };
        large += usize::from(bytes > 100_000);
        if entry.body.read(0..u64::MAX).await? != body(&id, number, bytes) {
            return Err(format!("the body of `{id}` is not that of {number}").into());
        }
    }
    drop((cache, told));
    whole(store, folder, large).await
}
