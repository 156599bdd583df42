//! Opening: the lock, the format, what the catalog has, and sweeping what a crash left.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{Access, access};

use super::catalog::{
    APPLICATION_ID, CollectionRow, Counts, FORMAT, SCHEMA, StoreRow, digest_of, get, refused,
};
use super::checksum::Sums;
use super::files::{BODIES, TMP, file_bytes, io_error, sync_folder};
use super::group::purge_sum;
use super::index::Index;
use super::network::refuse_network;
use super::options::{OpenError, Options};
use super::reader::SETTINGS;
use super::room::{LOG_BYTES_MAX, log_pages};
use super::shared::Collections;
use crate::StoreError;
use crate::purge::{Purge, Sequence, Watermarks};
use crate::store::Contract;

/// What was found in a folder, and is ours to use.
pub(super) struct Opened {
    pub(super) catalog: Catalog,
    /// `None`: it is only looked at.
    pub(super) lock: Option<File>,
    /// Another process has it.
    pub(super) in_use: bool,
    pub(super) connection: Connection,
    pub(super) store: StoreRow,
    pub(super) loaded: Loaded,
}

/// What the catalog has, for the memory.
#[derive(Default)]
pub(super) struct Loaded {
    pub(super) index: Index,
    pub(super) collections: Collections,
    /// Those that have no name, and go now.
    pub(super) nameless: Vec<u64>,
    pub(super) purges: Watermarks,
    pub(super) purge_lines: u64,
    /// Lines whose entries are still to be cleared away.
    pub(super) unreaped: Vec<(Sequence, Option<Bytes>)>,
    pub(super) last_serial: u64,
    /// Numbers of all bodies in files.
    bodies: HashSet<u64>,
    pub(super) file_bytes: u64,
    /// What is damaged beyond one collection.
    pub(super) damage: Vec<String>,
}

const CATALOG: &str = "catalog.db";
/// SQLite's log beside the catalog.
const CATALOG_LOG: &str = "catalog.db-wal";
const LOCK: &str = "lock";
/// What stands in the lock file of a cache: all of it may be thrown away. Where that is not said, a
/// catalog that cannot be read may be one of a store that keeps its word.
const MAY_GO: &str = "a cache: what is in this folder may be lost\n";
/// What stands in that of a durable store once it was made: an empty catalog is a damaged one.
const STAYS: &str = "a durable store: what is in this folder is wanted\n";
/// How often, and for how many milliseconds each, the lock is waited for.
const LOCK_TRIES: (usize, u64) = (20, 5);
/// 3.51.3 mended the reset of the log, which could lose what was committed.
const SQLITE_MIN: (i32, &str) = (3_051_003, "3.51.3");

/// Opens the store in a folder, or makes one.
pub(super) fn open(folder: &Path, options: Options) -> Result<Opened, OpenError> {
    let io = |source: StoreError| OpenError::Io {
        folder: folder.to_owned(),
        source,
    };
    if rusqlite::version_number() < SQLITE_MIN.0 {
        return Err(OpenError::Sqlite {
            found: rusqlite::version().to_owned(),
            wanted: SQLITE_MIN.1,
        });
    }
    let catalog = folder.join(CATALOG);
    let make = options.contract.is_some() && !options.read_only;
    if make && !folder.exists() {
        fs::create_dir_all(folder).map_err(|error| io(io_error("create", folder, error)))?;
        if let Some(parent) = folder.canonicalize().ok().as_deref().and_then(Path::parent) {
            sync_folder(parent).map_err(io)?;
        }
    }
    if !make && !catalog.exists() {
        return Err(OpenError::Missing {
            folder: folder.to_owned(),
        });
    }
    refuse_network(folder)?;
    let (lock, in_use) = match options.read_only {
        true => lock_shared(folder)?,
        false => (Some(lock(folder)?), false),
    };
    if make
        && !catalog.exists()
        && options.contract == Some(Contract::Relaxed)
        && !says(folder, STAYS)
    {
        say(folder, MAY_GO).map_err(io)?;
    }
    let catalog = Catalog {
        path: catalog,
        immutable: options.read_only && !in_use && access(folder, Access::WRITE_OK).is_err(),
    };
    // Who only looks keeps nobody out, but where that would be misread.
    let lock = lock.filter(|_| !options.read_only || catalog.immutable);
    if catalog.immutable && fs::metadata(folder.join(CATALOG_LOG)).is_ok_and(|log| log.len() > 0) {
        let why = "it cannot be written to, and has a log to be read in: open it once where it can"
            .to_owned();
        return Err(io(StoreError::Catalog {
            doing: "be read",
            why,
        }));
    }
    if !options.read_only {
        for part in [BODIES, TMP] {
            let part = folder.join(part);
            fs::create_dir_all(&part).map_err(|error| io(io_error("create", &part, error)))?;
        }
    }
    let opened = open_catalog(folder, &catalog, options).and_then(|(connection, store)| {
        let loaded = load(&connection, &store).and_then(|loaded| {
            // The moment in which a store that is only looked at was read.
            if !connection.is_autocommit() {
                connection.execute_batch("COMMIT")?;
            }
            Ok(loaded)
        });
        let loaded = loaded.map_err(|error| io(refused("be read", &error)))?;
        Ok((connection, store, loaded))
    });
    let (mut connection, mut store, mut loaded) = match opened {
        Err(error) if make && is_damage(&error) && says(folder, MAY_GO) => {
            tracing::warn!(%error, folder = %folder.display(), "a cache is damaged, and begins anew");
            start_anew(folder).map_err(io)?;
            let (connection, store) = open_catalog(folder, &catalog, options)?;
            (connection, store, Loaded::default())
        }
        opened => opened?,
    };
    if let Some(wanted) = options.contract.filter(|wanted| *wanted != store.contract) {
        return Err(OpenError::Contract {
            folder: folder.to_owned(),
            found: store.contract,
            wanted,
        });
    }
    if !loaded.damage.is_empty() && !options.read_only {
        let why = loaded.damage.join("; ");
        if store.contract == Contract::Durable || !make {
            return Err(OpenError::Damaged {
                folder: folder.to_owned(),
                why,
            });
        }
        tracing::warn!(why, folder = %folder.display(), "a cache is damaged, and begins anew");
        drop(connection);
        start_anew(folder).map_err(io)?;
        (connection, store) = open_catalog(folder, &catalog, options)?;
        loaded = Loaded::default();
    }
    if !options.read_only {
        if !store.clean {
            sweep(folder, &loaded.bodies).map_err(io)?;
        }
        store.session += 1;
        store.clean = false;
        let begun = store.write(&connection);
        begun.map_err(|error| io(refused("be written", &error)))?;
        // Names of the catalog and of the folders.
        sync_folder(folder).map_err(io)?;
    }
    Ok(Opened {
        catalog,
        lock,
        in_use,
        connection,
        store,
        loaded,
    })
}

/// Whether the lock file says this of the folder.
fn says(folder: &Path, word: &str) -> bool {
    fs::read(folder.join(LOCK)).is_ok_and(|found| found == word.as_bytes())
}

fn say(folder: &Path, word: &str) -> Result<(), StoreError> {
    let path = folder.join(LOCK);
    fs::write(&path, word).map_err(|error| io_error("write", &path, error))
}

fn is_damage(error: &OpenError) -> bool {
    match error {
        OpenError::Damaged { .. } => true,
        OpenError::Io { source, .. } => source.is_corrupt(),
        _ => false,
    }
}

/// The file of the catalog.
pub(super) struct Catalog {
    path: PathBuf,
    /// Nothing can be written beside it, so nothing is looked for there.
    immutable: bool,
}

impl Catalog {
    pub(super) fn connect(&self, flags: OpenFlags) -> rusqlite::Result<Connection> {
        if !self.immutable {
            return Connection::open_with_flags(&self.path, flags);
        }
        let mut address = "file:".to_owned();
        for byte in self.path.as_os_str().as_encoded_bytes() {
            address.push_str(&match byte {
                b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                    char::from(*byte).to_string()
                }
                other => format!("%{other:02x}"),
            });
        }
        address.push_str("?immutable=1");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_URI;
        Connection::open_with_flags(address, flags)
    }
}

/// Takes the lock that no second process gets. It ends with the process, however that ends.
fn lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join(LOCK);
    let io = |error| OpenError::Io {
        folder: folder.to_owned(),
        source: io_error("lock", &path, error),
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(io)?;
    let (tries, millis) = LOCK_TRIES;
    for _ in 0..tries {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            // It may be somebody who looks, and has it for a moment only.
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(millis)),
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
    }
    Err(OpenError::InUse {
        folder: folder.to_owned(),
    })
}

/// Asks whether another process has the store. Who keeps the lock that this gives keeps others out; a copy may have
/// been made without the file, and then nobody has it.
fn lock_shared(folder: &Path) -> Result<(Option<File>, bool), OpenError> {
    let path = folder.join(LOCK);
    let locked = File::open(&path).and_then(|file| match file.try_lock_shared() {
        Ok(()) => Ok((Some(file), false)),
        Err(TryLockError::WouldBlock) => Ok((None, true)),
        Err(TryLockError::Error(error)) => Err(error),
    });
    match locked {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok((None, false)),
        locked => locked.map_err(|error| OpenError::Io {
            folder: folder.to_owned(),
            source: io_error("lock", &path, error),
        }),
    }
}

/// Connects to the catalog, makes it if there is none, and proves that it is one of ours.
fn open_catalog(
    folder: &Path,
    catalog: &Catalog,
    options: Options,
) -> Result<(Connection, StoreRow), OpenError> {
    let io = |error: rusqlite::Error| OpenError::Io {
        folder: folder.to_owned(),
        source: refused("be opened", &error),
    };
    let flags = match options.read_only {
        true => OpenFlags::SQLITE_OPEN_READ_ONLY,
        false if options.contract.is_some() => {
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
        }
        false => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = catalog.connect(flags).map_err(io)?;
    connection.execute_batch(SETTINGS).map_err(io)?;
    if options.read_only {
        // Another process may write: what is loaded is of one moment.
        connection.execute_batch("BEGIN").map_err(io)?;
    }
    connection.set_prepared_statement_cache_capacity(64);
    let pragma = |name: &str| {
        connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i32>(0))
    };
    let (application, format) = (
        pragma("application_id").map_err(io)?,
        pragma("user_version").map_err(io)?,
    );
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(io)?;
    if application == 0 && format == 0 && tables == 0 && !options.read_only {
        if says(folder, STAYS) {
            return Err(OpenError::Damaged {
                folder: folder.to_owned(),
                why: "the catalog is empty or missing".to_owned(),
            });
        }
        let contract = options.contract.unwrap_or(Contract::Durable);
        make_catalog(&connection, contract).map_err(io)?;
        if contract == Contract::Durable {
            // First its name must last, and that its journal is gone: what is said stays true then.
            let said = sync_folder(folder).and_then(|()| say(folder, STAYS));
            said.map_err(|source| OpenError::Io {
                folder: folder.to_owned(),
                source,
            })?;
        }
    } else if application != APPLICATION_ID {
        return Err(OpenError::Foreign {
            folder: folder.to_owned(),
        });
    } else if format > FORMAT {
        return Err(OpenError::Newer {
            folder: folder.to_owned(),
            found: format,
            known: FORMAT,
        });
    }
    if !options.read_only {
        migrate(&connection, format).map_err(io)?;
    }
    let row = StoreRow::read(&connection).map_err(io)?;
    let row = row.ok_or_else(|| OpenError::Damaged {
        folder: folder.to_owned(),
        why: "the catalog's row of the store does not match its checksum".to_owned(),
    })?;
    if !options.read_only {
        let settings = write_settings(row.contract);
        connection.execute_batch(&settings).map_err(io)?;
    }
    Ok((connection, row))
}

fn write_settings(contract: Contract) -> String {
    let log_pages = log_pages(contract);
    format!(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA checkpoint_fullfsync = ON;
         PRAGMA wal_autocheckpoint = {log_pages};
         PRAGMA journal_size_limit = {};
         PRAGMA cache_size = -16384;",
        LOG_BYTES_MAX / 2
    )
}

fn make_catalog(connection: &Connection, contract: Contract) -> rusqlite::Result<()> {
    connection.execute_batch(
        "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA synchronous = FULL; BEGIN IMMEDIATE;",
    )?;
    connection.execute_batch(SCHEMA)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", FORMAT)?;
    let store = StoreRow {
        // Keys of the hasher come from the system's source of randomness.
        nonce: RandomState::new().hash_one("revisit store"),
        contract,
        session: 0,
        clean: true,
        collections: 0,
        purges: 0,
        floor: 0,
    };
    store.write(connection)?;
    connection.execute_batch("COMMIT")
}

/// Steps from one format to the next: the first brings format 1 to format 2.
const MIGRATIONS: [&str; 0] = [];
const _: () = assert!(
    MIGRATIONS.len() as i32 + 1 == FORMAT,
    "each format has a way to the next"
);

/// Brings an older format up to this one, in one transaction.
fn migrate(connection: &Connection, found: i32) -> rusqlite::Result<()> {
    let done = usize::try_from(found - 1).unwrap_or(0);
    let steps = MIGRATIONS.get(done..).unwrap_or_default();
    if steps.is_empty() {
        return Ok(());
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    steps
        .iter()
        .try_for_each(|step| connection.execute_batch(step))?;
    connection.pragma_update(None, "user_version", FORMAT)?;
    connection.execute_batch("COMMIT")
}

/// Reads what is kept in memory, and proves that nothing is missing.
fn load(connection: &Connection, store: &StoreRow) -> rusqlite::Result<Loaded> {
    let sums = Sums::new(store.nonce);
    let mut loaded = Loaded::default();
    let pages = |name: &str| {
        let sql = format!("PRAGMA {name}");
        connection.query_row(&sql, [], |row| get(row, 0))
    };
    if pages("freelist_count")? > pages("page_count")? {
        let why = "the catalog counts more free pages than it has";
        loaded.damage.push(why.to_owned());
    }
    let found = load_entries(connection, sums, &mut loaded)?;
    let mut digest = 0u64;
    for row in CollectionRow::read_all(connection, sums)? {
        let mut row = match row {
            Ok(row) => row,
            Err(id) => {
                loaded.damage.push(format!(
                    "the row of collection {id} does not match its checksum"
                ));
                continue;
            }
        };
        digest = digest.wrapping_add(row.digest(sums));
        let counts = found.get(&row.id).copied().unwrap_or_default();
        let damage = (counts != row.counts)
            .then(|| "entries of it are missing, or are not its own".to_owned());
        if damage.is_some() && store.contract == Contract::Relaxed {
            row.counts = counts;
        }
        if row.name.is_none() {
            loaded.nameless.push(row.id);
        }
        loaded.collections.insert(row, 0, damage);
    }
    if digest != store.collections {
        loaded
            .damage
            .push("collections are missing from the catalog".to_owned());
    }
    for id in &loaded.nameless {
        loaded.collections.drop_unused(*id);
    }
    load_purges(connection, store, sums, &mut loaded)?;
    Ok(loaded)
}

fn load_entries(
    connection: &Connection,
    sums: Sums,
    loaded: &mut Loaded,
) -> rusqlite::Result<BTreeMap<u64, Counts>> {
    let count: i64 = connection.query_row("SELECT count(*) FROM entries", [], |row| row.get(0))?;
    // No more is set aside than a damaged count may ask for.
    loaded.index = Index::with_capacity(usize::try_from(count).unwrap_or(0).min(1 << 24));
    let sql = "SELECT collection, serial, hash, charge, sum, body, body_bytes FROM entries INDEXED BY contents \
               ORDER BY collection, serial";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut found: BTreeMap<u64, Counts> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (collection, serial, hash) = (get(row, 0)?, get(row, 1)?, get(row, 2)?);
        let (charge, sum, body, body_bytes) =
            (get(row, 3)?, get(row, 4)?, get(row, 5)?, get(row, 6)?);
        let counts = found.entry(collection).or_default();
        counts.add(charge, digest_of(sums, serial, hash, charge, sum, body));
        loaded.index.add(hash, serial);
        loaded.last_serial = loaded.last_serial.max(serial);
        if body != 0 {
            loaded.bodies.insert(body);
            loaded.file_bytes = loaded.file_bytes.saturating_add(file_bytes(body_bytes));
        }
    }
    Ok(found)
}

fn load_purges(
    connection: &Connection,
    store: &StoreRow,
    sums: Sums,
    loaded: &mut Loaded,
) -> rusqlite::Result<()> {
    let mut statement = connection
        .prepare("SELECT sequence, label, soft, reaped, sum FROM purges ORDER BY sequence")?;
    let mut rows = statement.query([])?;
    let mut digest = 0u64;
    while let Some(row) = rows.next()? {
        let sequence = Sequence(get(row, 0)?);
        let purge = Purge {
            label: row.get::<_, Option<Vec<u8>>>(1)?.map(Bytes::from),
            soft: row.get(2)?,
        };
        digest = digest.wrapping_add(purge_sum(sums, sequence, &purge));
        loaded.purges.add(sequence, &purge);
        loaded.purge_lines += 1;
        if !purge.soft && !row.get::<_, bool>(3)? {
            loaded.unreaped.push((sequence, purge.label));
        }
    }
    loaded.purges.reach(Sequence(store.floor));
    if digest != store.purges {
        loaded
            .damage
            .push("lines of the log of purges are missing".to_owned());
    }
    Ok(())
}

/// Unlinks bodies that no row names: they were written, or replaced, when a crash came.
fn sweep(folder: &Path, bodies: &HashSet<u64>) -> Result<(), StoreError> {
    let mut swept = 0;
    let tmp = folder.join(TMP);
    for path in children(&tmp)? {
        fs::remove_file(&path).map_err(|error| io_error("unlink", &path, error))?;
        swept += 1;
    }
    for below in children(&folder.join(BODIES))? {
        let mut kept = 0;
        for path in children(&below)? {
            let name = path.file_name().and_then(|name| name.to_str());
            let body = name.and_then(|name| u64::from_str_radix(name, 16).ok());
            if body.is_some_and(|body| bodies.contains(&body)) {
                kept += 1;
                continue;
            }
            fs::remove_file(&path).map_err(|error| io_error("unlink", &path, error))?;
            swept += 1;
        }
        if kept == 0 {
            // Whoever needs it makes it again.
            let _ = fs::remove_dir(&below);
        }
    }
    if swept > 0 {
        tracing::info!(swept, folder = %folder.display(), "swept bodies that were never committed");
    }
    Ok(())
}

fn children(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let read = fs::read_dir(folder).and_then(|entries| {
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        paths.collect::<Result<Vec<_>, _>>()
    });
    read.map_err(|error| io_error("read", folder, error))
}

/// Throws away all of a cache that cannot be trusted.
fn start_anew(folder: &Path) -> Result<(), StoreError> {
    for name in [CATALOG, CATALOG_LOG, "catalog.db-shm"] {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(io_error("unlink", &path, error));
            }
            _ => {}
        }
    }
    sweep(folder, &HashSet::new())
}
