//! Looking entries up: one row each, proven, judged by the log of purges, its body pinned.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row};

use super::body::FileBody;
use super::catalog::{
    BEHIND_ENTRY, Counts, ENTRY_COLUMNS, EntryRow, corrupt, decode, get, number, refused,
};
use super::open::Catalog;
use super::shared::Shared;
use super::writer::Op;
use crate::StoreError;
use crate::body::Body;
use crate::entry::{Entry, Head, Serial};
use crate::purge::{Sequence, Standing};
use crate::store::Contract;

/// A connection that only reads.
pub(super) fn connect(catalog: &Catalog) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = catalog.connect(flags)?;
    connection.execute_batch(SETTINGS)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Of every connection: nothing that stands in the catalog is trusted.
pub(super) const SETTINGS: &str = "
PRAGMA trusted_schema = OFF;
PRAGMA cell_size_check = ON;
PRAGMA busy_timeout = 10000;
PRAGMA temp_store = MEMORY;
";

/// What a row has of its body.
enum Found {
    Inline(Bytes),
    /// The inline body does not match its sum.
    Damaged,
    File,
}

/// The entries under an id, of one moment.
pub(super) fn find(
    shared: &Arc<Shared>,
    connection: &mut Connection,
    collection: u64,
    id: &Bytes,
) -> Result<Vec<Entry>, StoreError> {
    let hash = shared.sums.place(collection, id);
    loop {
        shared.open()?;
        let serials = shared.index().serials(hash);
        if serials.is_empty() {
            return damage(shared, collection).map_or(Ok(Vec::new()), Err);
        }
        let Looked { found, missing } = entries(shared, connection, &serials)?;
        let Some(missing) = missing else {
            let same = |(entry, own): &(Entry, u64)| entry.id == id && *own == collection;
            let found = found.into_iter().filter(same);
            return Ok(found.map(|(entry, _)| entry).collect());
        };
        if !is_gone(shared, connection, (collection, hash), missing)? {
            match shared.contract {
                Contract::Durable => return Err(missing_row(missing)),
                // It is no longer in the index when this is asked again.
                Contract::Relaxed => return Ok(Vec::new()),
            }
        }
    }
}

/// Good entries with their collections, as far as the rows are there.
struct Looked {
    found: Vec<(Entry, u64)>,
    /// The first that has no row.
    missing: Option<u64>,
}

/// Looks at the rows of these numbers, of one moment.
fn entries(
    shared: &Arc<Shared>,
    connection: &mut Connection,
    serials: &[u64],
) -> Result<Looked, StoreError> {
    let read = |error: rusqlite::Error| refused("be read", &error);
    // Until their bodies are pinned no body is unlinked.
    let _gate = shared.gate.read().unwrap_or_else(PoisonError::into_inner);
    // One statement is of one moment by itself.
    let moment = match serials {
        [_] => None,
        _ => Some(connection.unchecked_transaction().map_err(read)?),
    };
    let sql = format!("SELECT {ENTRY_COLUMNS}, inline FROM entries WHERE serial = ?");
    let mut statement = connection.prepare_cached(&sql).map_err(read)?;
    let mut found = Vec::with_capacity(serials.len());
    for serial in serials {
        let mut rows = statement.query([number(*serial)]).map_err(read)?;
        let row = match rows.next() {
            Ok(row) => row,
            Err(error) => {
                unreadable(shared, *serial, read(error))?;
                continue;
            }
        };
        let Some(row) = row else {
            let missing = Some(*serial);
            return Ok(Looked { found, missing });
        };
        found.extend(entry(shared, row, *serial)?);
    }
    drop(statement);
    if let Some(moment) = moment {
        moment.finish().map_err(read)?;
    }
    let missing = None;
    Ok(Looked { found, missing })
}

/// The entry of a row and its collection, if it is good; its body is pinned.
fn entry(
    shared: &Arc<Shared>,
    row: &Row<'_>,
    serial: u64,
) -> Result<Option<(Entry, u64)>, StoreError> {
    let read = EntryRow::read(row, shared.sums).and_then(|(entry, fits)| {
        let inline = row.get_ref(BEHIND_ENTRY)?;
        let body = match inline.as_blob_or_null() {
            Ok(Some(bytes)) if shared.sums.inline(bytes) == entry.body_sum => {
                Found::Inline(Bytes::copy_from_slice(bytes))
            }
            Ok(None) if entry.body != 0 => Found::File,
            _ => Found::Damaged,
        };
        Ok((entry, fits, body))
    });
    let (entry, fits, body) = match read {
        Ok(read) => read,
        Err(error) => {
            unreadable(shared, serial, refused("be read", &error))?;
            return Ok(None);
        }
    };
    if !fits || matches!(body, Found::Damaged) {
        let part = if fits { "its body" } else { "its row" };
        let why = format!("{part} does not match its checksum");
        unreadable(
            shared,
            serial,
            corrupt(format!("entry {serial} in the catalog"), why),
        )?;
        return Ok(None);
    }
    let labels = decode(&entry.labels);
    let standing = shared.purges().standing(&labels, Sequence(entry.since));
    if standing == Standing::Gone {
        return Ok(None);
    }
    let body = match body {
        Found::Inline(bytes) => Body::memory(bytes),
        Found::File | Found::Damaged => {
            shared.pin(entry.body);
            Body::file(FileBody::new(
                shared.clone(),
                entry.serial,
                entry.body,
                entry.body_bytes,
            ))
        }
    };
    let collection = entry.collection;
    let found = Entry {
        serial: Serial(entry.serial),
        id: entry.id,
        head: entry.head,
        labels,
        body,
        padding: entry.padding,
        since: Sequence(entry.since),
        stale: standing == Standing::Stale,
    };
    Ok(Some((found, collection)))
}

/// A damaged entry: an error on a durable store; a relaxed one goes on without it.
fn unreadable(shared: &Shared, serial: u64, error: StoreError) -> Result<(), StoreError> {
    tracing::error!(%error, serial, "an entry is damaged");
    match shared.contract {
        Contract::Durable => Err(error),
        Contract::Relaxed => {
            shared.send(Op::Quarantine(serial));
            Ok(())
        }
    }
}

/// Whether an entry without a row was removed in order: then the index says so, at the latest when
/// the commit that is under way is through. If another process writes, the catalog's own index says it.
fn is_gone(
    shared: &Shared,
    connection: &Connection,
    (collection, hash): (u64, u64),
    serial: u64,
) -> Result<bool, StoreError> {
    if shared.looked_at.is_none() {
        drop(
            shared
                .committing
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        return Ok(!shared.index().contains_serial(hash, serial));
    }
    let sql = "SELECT 1 FROM entries INDEXED BY contents WHERE collection = ? AND serial = ?";
    let listed = connection
        .prepare_cached(sql)
        .and_then(|mut listed| listed.exists([number(collection), number(serial)]));
    let listed = listed.map_err(|error| refused("be read", &error))?;
    if !listed {
        shared.index_mut().remove(hash, serial);
    }
    Ok(!listed)
}

fn missing_row(serial: u64) -> StoreError {
    corrupt(format!("entry {serial}"), "it is missing from the catalog")
}

/// Why nothing can be said about what is not in this collection, if that is so.
pub(super) fn damage(shared: &Shared, collection: u64) -> Option<StoreError> {
    let collections = shared.collections();
    let Some(kept) = collections.by_id.get(&collection) else {
        return Some(StoreError::NoCollection);
    };
    let why = kept.damage.clone()?;
    (shared.contract == Contract::Durable).then(|| corrupt("a collection", why))
}

/// All entries of a collection, of one moment, in the order of insertion.
pub(super) fn list(
    shared: &Arc<Shared>,
    connection: &mut Connection,
    collection: u64,
) -> Result<Vec<Entry>, StoreError> {
    let mut found = Vec::new();
    let columns = format!("{ENTRY_COLUMNS}, inline");
    let _gate = shared.gate.read().unwrap_or_else(PoisonError::into_inner);
    each_row(shared, connection, collection, &columns, |row, serial| {
        found.extend(entry(shared, row, serial)?.map(|(entry, _)| entry));
        Ok(())
    })?;
    Ok(found)
}

/// The heads of all entries of a collection, of one moment, in the order of insertion.
pub(super) fn heads(
    shared: &Arc<Shared>,
    connection: &mut Connection,
    collection: u64,
) -> Result<Vec<Head>, StoreError> {
    let mut found = Vec::new();
    each_row(
        shared,
        connection,
        collection,
        ENTRY_COLUMNS,
        |row, serial| {
            let entry = match EntryRow::read(row, shared.sums) {
                Ok((entry, true)) => entry,
                Ok((_, false)) => {
                    let why = "its row does not match its checksum";
                    return unreadable(
                        shared,
                        serial,
                        corrupt(format!("entry {serial} in the catalog"), why),
                    );
                }
                Err(error) => return unreadable(shared, serial, refused("be read", &error)),
            };
            let labels = decode(&entry.labels);
            let standing = shared.purges().standing(&labels, Sequence(entry.since));
            if standing != Standing::Gone {
                found.push(Head {
                    serial: Serial(entry.serial),
                    id: entry.id,
                    head: entry.head,
                    labels,
                    body_bytes: entry.body_bytes,
                    stale: standing == Standing::Stale,
                });
            }
            Ok(())
        },
    )?;
    Ok(found)
}

/// These entries of a collection, of one moment, as far as they are there.
pub(super) fn find_serials(
    shared: &Arc<Shared>,
    connection: &mut Connection,
    collection: u64,
    serials: &[Serial],
) -> Result<Vec<Entry>, StoreError> {
    shared.open()?;
    let mut found = Vec::with_capacity(serials.len());
    let read = |error: rusqlite::Error| refused("be read", &error);
    let _gate = shared.gate.read().unwrap_or_else(PoisonError::into_inner);
    let moment = connection.unchecked_transaction().map_err(read)?;
    let sql = format!("SELECT {ENTRY_COLUMNS}, inline FROM entries WHERE serial = ?");
    let mut statement = moment.prepare_cached(&sql).map_err(read)?;
    for serial in serials {
        let mut rows = statement.query([number(serial.0)]).map_err(read)?;
        if let Some(row) = rows.next().map_err(read)? {
            let good = entry(shared, row, serial.0)?;
            found.extend(
                good.filter(|(_, own)| *own == collection)
                    .map(|(entry, _)| entry),
            );
        }
    }
    Ok(found)
}

/// Gives each row of a collection, then proves that none is missing.
fn each_row(
    shared: &Shared,
    connection: &mut Connection,
    collection: u64,
    columns: &str,
    mut each: impl FnMut(&Row<'_>, u64) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    shared.open()?;
    if let Some(damage) = damage(shared, collection) {
        return Err(damage);
    }
    let read = |error: rusqlite::Error| refused("be read", &error);
    let moment = connection.unchecked_transaction().map_err(read)?;
    let sql = format!("SELECT {columns} FROM entries WHERE collection = ? ORDER BY serial");
    let mut counts = Counts::default();
    {
        let mut statement = moment.prepare_cached(&sql).map_err(read)?;
        let mut rows = statement.query([number(collection)]).map_err(read)?;
        while let Some(row) = rows.next().map_err(read)? {
            // That the row fits its sum is proven by `each`.
            let (charge, digest) = EntryRow::digest_of_row(row, shared.sums).map_err(read)?;
            counts.add(charge, digest);
            each(row, get(row, 0).map_err(read)?)?;
        }
    }
    let sql = "SELECT entries, bytes, digest, name IS NOT NULL FROM collections WHERE id = ?";
    let kept = moment.query_row(sql, [number(collection)], |row| {
        let counts = Counts {
            entries: get(row, 0)?,
            bytes: get(row, 1)?,
            digest: get(row, 2)?,
        };
        Ok((counts, row.get::<_, bool>(3)?))
    });
    match kept.optional().map_err(read)? {
        // What is there of one without a name is cleared away by and by.
        None | Some((_, false)) if shared.looked_at.is_some() => {
            let what = "a collection".to_owned();
            Err(StoreError::Gone { what })
        }
        Some((kept, _)) if kept == counts => Ok(()),
        _ if shared.contract == Contract::Relaxed => Ok(()),
        _ => {
            let why = "entries of it are missing, or are not its own";
            Err(corrupt("a collection", why))
        }
    }
}
