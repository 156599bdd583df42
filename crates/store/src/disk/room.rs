//! The bound of a relaxed store: what was used least recently makes room for what comes.
//!
//! Counted is what the disk has: all body files, those that are being written too, the pages of the
//! catalog, and [`LOG_BYTES_MAX`] for its log.

use std::sync::atomic::Ordering::SeqCst;

use super::catalog::refused;
use super::files::file_bytes;
use super::group::Group;
use super::writer::{Op, Writer};
use crate::StoreError;
use crate::batch::NewEntry;
use crate::store::Contract;

/// Bytes of the catalog's log, and of its index of the log, that are always counted.
pub(super) const LOG_BYTES_MAX: u64 = 4 << 20;
/// Pages of the log after which it is written into the catalog. That takes three syncs; where no bound
/// counts what the log takes it is done more seldom.
pub(super) fn log_pages(contract: Contract) -> u64 {
    match contract {
        Contract::Relaxed => 256,
        Contract::Durable => 4096,
    }
}
/// Entries that are evicted at a time.
const VICTIMS: usize = 16;

/// What the catalog has on the disk.
struct Pages {
    all: u64,
    free: u64,
    bytes_each: u64,
}

impl Writer {
    fn pages(&self) -> Result<Pages, StoreError> {
        let pragma = |name: &str| {
            let read = self
                .connection
                .query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
            read.map(i64::cast_unsigned)
                .map_err(|error| refused("be measured", &error))
        };
        let all = pragma("page_count")?;
        Ok(Pages {
            all,
            // It stands in the catalog's head, which has no checksum.
            free: pragma("freelist_count")?.min(all),
            bytes_each: pragma("page_size")?,
        })
    }

    /// Evicts until there is room for what these ops put.
    pub(super) fn room_for(&mut self, group: &mut Group<'_>, ops: &[Op]) -> Result<(), StoreError> {
        if self.shared.bytes_max.is_none() {
            return Ok(());
        }
        let puts = ops.iter().filter_map(|op| match op {
            Op::Commit { batch, .. } => Some(&batch.inserts),
            _ => None,
        });
        // A row, its places in the indexes, and what its page has to spare.
        let row_bytes = |entry: &NewEntry| {
            let body = entry.body.inline().map_or(0, |bytes| bytes.len() as u64);
            (entry.charge() - entry.body.len() - entry.padding)
                + body
                + 64 * entry.labels.len() as u64
        };
        let rows: u64 = puts.flatten().map(row_bytes).sum();
        self.evict_for(group, rows + rows / 4)
    }

    /// Evicts until the bodies that are being written have room.
    pub(super) fn make_room(&mut self) -> Result<(), StoreError> {
        let Some(bytes_max) = self.shared.bytes_max else {
            return Ok(());
        };
        let pages = self.pages()?;
        let used =
            self.shared.file_bytes.load(SeqCst) + pages.all * pages.bytes_each + LOG_BYTES_MAX;
        if used <= bytes_max {
            return Ok(());
        }
        let shared = self.shared.clone();
        let mut group = Group::new(&shared, self.store, self.next_serial);
        super::writer::begin(&self.connection)?;
        let done = self
            .evict_for(&mut group, 0)
            .and_then(|()| self.end(&mut group));
        if let Err(error) = done {
            self.roll_back();
            return Err(error);
        }
        self.store = group.store;
        shared.unlink(&group.done.dead);
        Ok(())
    }

    fn evict_for(&mut self, group: &mut Group<'_>, coming: u64) -> Result<(), StoreError> {
        let shared = self.shared.clone();
        let Some(bytes_max) = shared.bytes_max else {
            return Ok(());
        };
        loop {
            let pages = self.pages()?;
            // These go when the group is committed.
            let dead: u64 = group
                .done
                .dead
                .iter()
                .map(|dead| file_bytes(dead.bytes))
                .sum();
            let files = shared.file_bytes.load(SeqCst).saturating_sub(dead);
            let used = files + coming + LOG_BYTES_MAX;
            if used + (pages.all - pages.free) * pages.bytes_each > bytes_max {
                let victims = shared.index_mut().least_used(VICTIMS, &group.removes);
                let mut evicted = false;
                for serial in victims {
                    evicted |= group.remove(&self.connection, serial, None)?;
                }
                if evicted {
                    continue;
                }
                // All that can go is gone: the bodies that are being written are too large together.
                return Err(StoreError::Full);
            }
            // Free pages are used again before the file grows; beyond that they are given back.
            let over = (used + pages.all * pages.bytes_each).saturating_sub(bytes_max);
            if over > 0 && pages.free > 0 {
                let count = over.div_ceil(pages.bytes_each).min(pages.free);
                let give_back = format!("PRAGMA incremental_vacuum({count})");
                // Each step gives one page back.
                let given = self
                    .connection
                    .prepare(&give_back)
                    .and_then(|mut statement| {
                        let mut steps = statement.query([])?;
                        while steps.next()?.is_some() {}
                        Ok(())
                    });
                given.map_err(|error| refused("be made smaller", &error))?;
            }
            return Ok(());
        }
    }
}
