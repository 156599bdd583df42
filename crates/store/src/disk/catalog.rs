//! The catalog: which tables there are, and what a row says.
//!
//! Every row carries a sum of all its fields. What a sum of a row cannot show is that a row is
//! missing; so a collection's row has the digest of all its entries, and the store's row that of all
//! collections and of all purges.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::checksum::Sums;
use crate::StoreError;
use crate::batch::NewEntry;
use crate::store::Contract;

/// `PRAGMA application_id`: "RVST".
pub(super) const APPLICATION_ID: i32 = 0x5256_5354;
/// `PRAGMA user_version` of what this program writes.
pub(super) const FORMAT: i32 = 1;

/// The entries' bodies stand last, so that a look at a row does not read them. The index has all
/// that is loaded at the start.
pub(super) const SCHEMA: &str = "
CREATE TABLE store(
    one INTEGER PRIMARY KEY CHECK (one = 1),
    nonce INTEGER NOT NULL, contract INTEGER NOT NULL,
    session INTEGER NOT NULL, clean INTEGER NOT NULL,
    collections INTEGER NOT NULL, purges INTEGER NOT NULL, floor INTEGER NOT NULL,
    sum INTEGER NOT NULL);
CREATE TABLE collections(
    id INTEGER PRIMARY KEY, space BLOB NOT NULL, name BLOB, place INTEGER NOT NULL,
    entries INTEGER NOT NULL, bytes INTEGER NOT NULL, digest INTEGER NOT NULL,
    sum INTEGER NOT NULL);
CREATE TABLE entries(
    serial INTEGER PRIMARY KEY, collection INTEGER NOT NULL, hash INTEGER NOT NULL,
    charge INTEGER NOT NULL, sum INTEGER NOT NULL, body INTEGER NOT NULL, body_bytes INTEGER NOT NULL,
    body_sum INTEGER NOT NULL, since INTEGER NOT NULL, padding INTEGER NOT NULL,
    id BLOB NOT NULL, labels BLOB NOT NULL, head BLOB NOT NULL, inline BLOB);
CREATE INDEX contents ON entries(collection, serial, hash, charge, sum, body, body_bytes);
CREATE TABLE labels(label INTEGER NOT NULL, serial INTEGER NOT NULL, PRIMARY KEY(label, serial)) WITHOUT ROWID;
CREATE TABLE purges(
    sequence INTEGER PRIMARY KEY, label BLOB, soft INTEGER NOT NULL, reaped INTEGER NOT NULL, sum INTEGER NOT NULL);
";

/// A number as SQLite keeps it: the same bits.
pub(super) fn number(number: u64) -> i64 {
    number.cast_signed()
}

/// A number of a row.
pub(super) fn get(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

/// What SQLite refused, in the store's words.
pub(super) fn refused(doing: &'static str, error: &rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode::{DatabaseCorrupt, DiskFull, NotADatabase, ReadOnly};
    let why = error.to_string();
    match error.sqlite_error_code() {
        Some(DiskFull) => StoreError::Full,
        Some(ReadOnly) => StoreError::ReadOnly,
        Some(DatabaseCorrupt | NotADatabase) => corrupt("the catalog", why),
        // A value of another kind than any that is ever written.
        None => corrupt("the catalog", why),
        Some(_) => StoreError::Catalog { doing, why },
    }
}

pub(super) fn corrupt(what: impl Into<String>, why: impl Into<String>) -> StoreError {
    let (what, why) = (what.into(), why.into());
    StoreError::Corrupt { what, why }
}

/// The one row of the table `store`.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoreRow {
    pub(super) nonce: u64,
    pub(super) contract: Contract,
    /// Rises each time the store is opened; numbers of bodies begin with it.
    pub(super) session: u64,
    /// Whether it was closed in order, so that nothing lies about.
    pub(super) clean: bool,
    /// Digest of the names of all collections.
    pub(super) collections: u64,
    /// Digest of the log of purges.
    pub(super) purges: u64,
    /// What was asked for before this purge is not put any more.
    pub(super) floor: u64,
}

impl StoreRow {
    fn sum(&self) -> u64 {
        let numbers = [
            self.nonce,
            self.contract_number(),
            self.session,
            u64::from(self.clean),
            self.collections,
            self.purges,
            self.floor,
        ];
        Sums::new(self.nonce).row(&numbers, &[])
    }

    fn contract_number(&self) -> u64 {
        match self.contract {
            Contract::Durable => 1,
            Contract::Relaxed => 2,
        }
    }

    /// Reads it; `None`: it is not what was written.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Option<Self>> {
        let sql =
            "SELECT nonce, contract, session, clean, collections, purges, floor, sum FROM store";
        let found = connection.query_row(sql, [], |row| {
            let contract = match get(row, 1)? {
                1 => Contract::Durable,
                _ => Contract::Relaxed,
            };
            let read = Self {
                nonce: get(row, 0)?,
                contract,
                session: get(row, 2)?,
                clean: get(row, 3)? != 0,
                collections: get(row, 4)?,
                purges: get(row, 5)?,
                floor: get(row, 6)?,
            };
            Ok((read, get(row, 1)?, get(row, 7)?))
        });
        let found = found.optional()?;
        Ok(found
            .filter(|(read, contract, sum)| {
                read.contract_number() == *contract && read.sum() == *sum
            })
            .map(|(read, ..)| read))
    }

    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = "INSERT OR REPLACE INTO store VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)";
        connection.prepare_cached(sql)?.execute(params![
            number(self.nonce),
            number(self.contract_number()),
            number(self.session),
            self.clean,
            number(self.collections),
            number(self.purges),
            number(self.floor),
            number(self.sum()),
        ])?;
        Ok(())
    }
}

/// A row of the table `collections`.
#[derive(Debug, Clone, Default)]
pub(super) struct CollectionRow {
    pub(super) id: u64,
    pub(super) space: Bytes,
    /// `None`: it goes with its last user, at the latest when the store is opened again.
    pub(super) name: Option<Bytes>,
    /// The place of its name in the order of names.
    pub(super) place: u64,
    pub(super) counts: Counts,
}

/// What the entries of a collection come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) entries: u64,
    pub(super) bytes: u64,
    /// Of all of them, in any order.
    pub(super) digest: u64,
}

impl Counts {
    pub(super) fn add(&mut self, charge: u64, digest: u64) {
        self.entries = self.entries.wrapping_add(1);
        self.bytes = self.bytes.wrapping_add(charge);
        self.digest = self.digest.wrapping_add(digest);
    }

    pub(super) fn subtract(&mut self, charge: u64, digest: u64) {
        self.entries = self.entries.wrapping_sub(1);
        self.bytes = self.bytes.wrapping_sub(charge);
        self.digest = self.digest.wrapping_sub(digest);
    }
}

impl CollectionRow {
    /// Its part in the digest of all collections.
    pub(super) fn digest(&self, sums: Sums) -> u64 {
        let named = self.name.is_some();
        let name = self.name.as_deref().unwrap_or_default();
        sums.row(
            &[self.id, self.place, u64::from(named)],
            &[&self.space, name],
        )
    }

    fn sum(&self, sums: Sums) -> u64 {
        let Counts {
            entries,
            bytes,
            digest,
        } = self.counts;
        sums.mixed(&[self.digest(sums), entries, bytes, digest])
    }

    /// Reads all; of a row that is not what was written only the number is given.
    pub(super) fn read_all(
        connection: &Connection,
        sums: Sums,
    ) -> rusqlite::Result<Vec<Result<Self, u64>>> {
        let sql = "SELECT id, space, name, place, entries, bytes, digest, sum FROM collections ORDER BY id";
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |row| {
            let read = Self {
                id: get(row, 0)?,
                space: row.get::<_, Vec<u8>>(1)?.into(),
                name: row.get::<_, Option<Vec<u8>>>(2)?.map(Bytes::from),
                place: get(row, 3)?,
                counts: Counts {
                    entries: get(row, 4)?,
                    bytes: get(row, 5)?,
                    digest: get(row, 6)?,
                },
            };
            let fits = read.sum(sums) == get(row, 7)?;
            Ok(if fits { Ok(read) } else { Err(read.id) })
        })?;
        rows.collect()
    }

    pub(super) fn write(&self, connection: &Connection, sums: Sums) -> rusqlite::Result<()> {
        let sql = "INSERT OR REPLACE INTO collections VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
        connection.prepare_cached(sql)?.execute(params![
            number(self.id),
            &self.space[..],
            self.name.as_deref(),
            number(self.place),
            number(self.counts.entries),
            number(self.counts.bytes),
            number(self.counts.digest),
            number(self.sum(sums)),
        ])?;
        Ok(())
    }
}

/// A row of the table `entries`, but for an inline body.
#[derive(Debug, Clone)]
pub(super) struct EntryRow {
    pub(super) serial: u64,
    pub(super) collection: u64,
    pub(super) hash: u64,
    pub(super) charge: u64,
    /// The number of the file; 0: the body is in the row.
    pub(super) body: u64,
    pub(super) body_bytes: u64,
    /// The sum of a body in the row.
    pub(super) body_sum: u64,
    pub(super) since: u64,
    pub(super) padding: u64,
    pub(super) id: Bytes,
    pub(super) labels: Bytes,
    pub(super) head: Bytes,
}

/// The columns in the order in which [`EntryRow::read`] takes them; the sum stands last.
pub(super) const ENTRY_COLUMNS: &str = "serial, collection, hash, charge, body, body_bytes, body_sum, \
     since, padding, id, labels, head, sum";
/// The first column behind [`ENTRY_COLUMNS`].
pub(super) const BEHIND_ENTRY: usize = 13;

impl EntryRow {
    pub(super) fn sum(&self, sums: Sums) -> u64 {
        let numbers = [
            self.serial,
            self.collection,
            self.hash,
            self.charge,
            self.body,
            self.body_bytes,
            self.body_sum,
            self.since,
            self.padding,
        ];
        sums.row(&numbers, &[&self.id, &self.labels, &self.head])
    }

    /// Its part in the digest of its collection.
    pub(super) fn digest(&self, sums: Sums) -> u64 {
        digest_of(
            sums,
            self.serial,
            self.hash,
            self.charge,
            self.sum(sums),
            self.body,
        )
    }

    /// Reads it, and says whether it is what was written.
    pub(super) fn read(row: &Row<'_>, sums: Sums) -> rusqlite::Result<(Self, bool)> {
        let read = Self {
            serial: get(row, 0)?,
            collection: get(row, 1)?,
            hash: get(row, 2)?,
            charge: get(row, 3)?,
            body: get(row, 4)?,
            body_bytes: get(row, 5)?,
            body_sum: get(row, 6)?,
            since: get(row, 7)?,
            padding: get(row, 8)?,
            id: bytes(row, 9)?,
            labels: bytes(row, 10)?,
            head: bytes(row, 11)?,
        };
        let fits = read.sum(sums) == get(row, 12)?;
        Ok((read, fits))
    }

    pub(super) fn find(
        connection: &Connection,
        serial: u64,
        sums: Sums,
    ) -> rusqlite::Result<Option<(Self, bool)>> {
        let sql = format!("SELECT {ENTRY_COLUMNS} FROM entries WHERE serial = ?");
        let mut statement = connection.prepare_cached(&sql)?;
        let found = statement.query_row([number(serial)], |row| Self::read(row, sums));
        found.optional()
    }

    pub(super) fn write(
        &self,
        connection: &Connection,
        sums: Sums,
        inline: Option<&[u8]>,
    ) -> rusqlite::Result<()> {
        let sql = "INSERT INTO entries(serial, collection, hash, charge, body, body_bytes, body_sum, since, \
                   padding, id, labels, head, sum, inline) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        connection.prepare_cached(sql)?.execute(params![
            number(self.serial),
            number(self.collection),
            number(self.hash),
            number(self.charge),
            number(self.body),
            number(self.body_bytes),
            number(self.body_sum),
            number(self.since),
            number(self.padding),
            &self.id[..],
            &self.labels[..],
            &self.head[..],
            number(self.sum(sums)),
            inline,
        ])?;
        Ok(())
    }

    /// Takes over a new head and what goes with it.
    pub(super) fn write_head(&self, connection: &Connection, sums: Sums) -> rusqlite::Result<()> {
        let sql = "UPDATE entries SET charge = ?, since = ?, labels = ?, head = ?, sum = ? WHERE serial = ?";
        connection.prepare_cached(sql)?.execute(params![
            number(self.charge),
            number(self.since),
            &self.labels[..],
            &self.head[..],
            number(self.sum(sums)),
            number(self.serial),
        ])?;
        Ok(())
    }

    /// The row of an entry that is put.
    pub(super) fn new(
        entry: &NewEntry,
        serial: u64,
        collection: u64,
        since: u64,
        sums: Sums,
    ) -> Self {
        let (body, body_sum) = match entry.body.inline() {
            Some(bytes) => (0, sums.inline(bytes)),
            None => (entry.body.body(), 0),
        };
        Self {
            serial,
            collection,
            hash: sums.place(collection, &entry.id),
            charge: entry.charge(),
            body,
            body_bytes: entry.body.len(),
            body_sum,
            since,
            padding: entry.padding,
            id: entry.id.clone(),
            labels: encode(&entry.labels),
            head: entry.head.clone(),
        }
    }
}

fn bytes(row: &Row<'_>, column: usize) -> rusqlite::Result<Bytes> {
    row.get_ref(column)?
        .as_blob()
        .map(Bytes::copy_from_slice)
        .map_err(|_| {
            rusqlite::Error::InvalidColumnType(
                column,
                "no bytes".to_owned(),
                rusqlite::types::Type::Null,
            )
        })
}

/// The part of an entry in the digest of its collection: of what the index has of it.
pub(super) fn digest_of(
    sums: Sums,
    serial: u64,
    hash: u64,
    charge: u64,
    sum: u64,
    body: u64,
) -> u64 {
    sums.mixed(&[serial, hash, charge, sum, body])
}

/// Labels in one string of bytes: each after its length.
pub(super) fn encode(labels: &[Bytes]) -> Bytes {
    let mut all = Vec::new();
    for label in labels {
        // Their length has a limit that fits.
        all.extend_from_slice(&(label.len() as u32).to_le_bytes());
        all.extend_from_slice(label);
    }
    all.into()
}

/// The labels again. `all` was proven before, so it is what [`encode`] made; of anything else as
/// much is given as can be read.
pub(super) fn decode(all: &Bytes) -> Vec<Bytes> {
    let mut labels = Vec::new();
    let mut rest = all.clone();
    while let Some(length) = rest.first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        if rest.len() - 4 < length {
            break;
        }
        labels.push(rest.slice(4..4 + length));
        rest = rest.slice(4 + length..);
    }
    labels
}
