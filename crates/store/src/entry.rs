//! What is kept: an entry and its parts, and how large they may be.

use bytes::Bytes;

use crate::StoreError;
use crate::body::Body;
use crate::purge::Sequence;

/// The number of an entry: unique in its store and rising in the order of insertion.
///
/// It names the entry as long as the store is open, and is not used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(pub(crate) u64);

impl Serial {
    /// The number itself, for messages.
    pub fn get(self) -> u64 {
        self.0
    }
}

/// An entry that was found. It stays readable, body and all, whatever happens to it in the store.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its number.
    pub serial: Serial,
    /// Its name in bytes. Other entries of the collection may have the same.
    pub id: Bytes,
    /// What was put as its head.
    pub head: Bytes,
    /// The labels by which it can be purged.
    pub labels: Vec<Bytes>,
    /// Its body.
    pub body: Body,
    /// Bytes that count against the space beside those that are there.
    pub padding: u64,
    /// It was put as of this point in the log of purges.
    pub since: Sequence,
    /// A soft purge has come since: use it only where a stale entry will do.
    pub stale: bool,
}

/// An entry without its body.
#[derive(Debug, Clone)]
pub struct Head {
    /// Its number: [`crate::Collection::get`] gives the entry.
    pub serial: Serial,
    /// Its name in bytes.
    pub id: Bytes,
    /// What was put as its head.
    pub head: Bytes,
    /// The labels by which it can be purged.
    pub labels: Vec<Bytes>,
    /// Bytes of its body.
    pub body_bytes: u64,
    /// As [`Entry::stale`].
    pub stale: bool,
}

/// How large the parts of an entry may be.
#[derive(Debug)]
#[non_exhaustive]
pub struct Limits;

impl Limits {
    /// Bytes of an id, of the name of a collection, and of that of a space: 1 MiB each.
    pub const ID_BYTES_MAX: u64 = 1 << 20;
    /// Bytes of a head: 4 MiB.
    pub const HEAD_BYTES_MAX: u64 = 4 << 20;
    /// Labels of an entry: 1,000.
    pub const LABELS_MAX: u64 = 1_000;
    /// Bytes of a label: 1 MiB.
    pub const LABEL_BYTES_MAX: u64 = 1 << 20;
    /// What one batch may remove, change and insert: 100,000.
    pub const BATCH_MAX: u64 = 100_000;
    /// What an entry counts beside its own bytes, for its row and its places in indexes: 256 bytes.
    pub const ENTRY_OVERHEAD_BYTES: u64 = 256;
}

/// Refuses what is over a limit.
pub(crate) fn within(what: &'static str, found: usize, max: u64) -> Result<(), StoreError> {
    let found = found as u64;
    if found > max {
        return Err(StoreError::Limit { what, found, max });
    }
    Ok(())
}

/// What an entry counts against its space: all its bytes, its padding and its overhead.
pub(crate) fn charge(id: &[u8], head: &[u8], labels: &[Bytes], body: u64, padding: u64) -> u64 {
    let labels: usize = labels.iter().map(Bytes::len).sum();
    let own = (id.len() + head.len() + labels) as u64 + Limits::ENTRY_OVERHEAD_BYTES;
    own.saturating_add(body).saturating_add(padding)
}
