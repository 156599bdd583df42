//! Clearing away, a little with each commit: entries that were purged, and those of collections that
//! nobody can use any more. Nothing of them is found meanwhile.

use std::collections::VecDeque;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::catalog::{CollectionRow, get, number, refused};
use super::group::Group;
use crate::StoreError;
use crate::purge::{Purge, Sequence};

/// Rows that one commit looks at beside its own work.
const ROWS_AT_ONCE: u64 = 256;
/// Lines of the log of purges that are kept; of more, the oldest are forgotten, and what was asked
/// for before them is not put any more.
pub(super) const PURGES_MAX: u64 = 100_000;

/// What is to be cleared away.
#[derive(Debug, Default)]
pub(super) struct Reaper {
    tasks: VecDeque<Task>,
    /// Lines in the log.
    lines: u64,
}

#[derive(Debug, Clone)]
enum Task {
    Collection(u64),
    Purge {
        sequence: Sequence,
        label: Option<Bytes>,
        /// Entries up to here were looked at, in this transaction and in those before it.
        seen: u64,
        seen_before: u64,
    },
}

impl Reaper {
    /// `lines`: how many the log has.
    pub(super) fn new(lines: u64) -> Self {
        Self {
            tasks: VecDeque::new(),
            lines,
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.tasks.clear();
    }

    pub(super) fn collection(&mut self, id: u64) {
        self.tasks.push_back(Task::Collection(id));
    }

    /// A line that was added to the log.
    pub(super) fn purge(&mut self, sequence: Sequence, purge: &Purge) {
        self.lines += 1;
        if !purge.soft {
            self.line(sequence, purge.label.clone());
        }
    }

    /// Entries that this line hits are to go.
    pub(super) fn line(&mut self, sequence: Sequence, label: Option<Bytes>) {
        self.tasks.push_back(Task::Purge {
            sequence,
            label,
            seen: 0,
            seen_before: 0,
        });
    }

    /// The transaction was rolled back.
    pub(super) fn forget_progress(&mut self) {
        for task in &mut self.tasks {
            if let Task::Purge {
                seen, seen_before, ..
            } = task
            {
                *seen = *seen_before;
            }
        }
    }

    /// Does some of it.
    pub(super) fn reap(
        &mut self,
        connection: &Connection,
        group: &mut Group<'_>,
    ) -> Result<(), StoreError> {
        let Some(task) = self.tasks.front_mut() else {
            return Ok(());
        };
        let through = match task {
            Task::Collection(id) => reap_collection(connection, group, *id)?,
            Task::Purge {
                sequence,
                label,
                seen,
                seen_before,
            } => {
                *seen_before = *seen;
                let through = reap_purge(connection, group, *sequence, label.as_ref(), seen)?;
                if through {
                    self.lines -= forget_lines(connection, group, *sequence, self.lines)?;
                }
                through
            }
        };
        if through {
            self.tasks.pop_front();
        }
        Ok(())
    }
}

fn reap_collection(
    connection: &Connection,
    group: &mut Group<'_>,
    id: u64,
) -> Result<bool, StoreError> {
    let sql = "SELECT serial FROM entries WHERE collection = ? ORDER BY serial LIMIT ?";
    let found = serials(connection, sql, [number(id), number(ROWS_AT_ONCE)])?;
    for serial in &found {
        group.remove(connection, *serial, None)?;
    }
    if found.len() as u64 == ROWS_AT_ONCE {
        return Ok(false);
    }
    let write = |error: rusqlite::Error| refused("be changed", &error);
    let sums = group.sums();
    let rows = CollectionRow::read_all(connection, sums).map_err(write)?;
    if let Some(row) = rows.into_iter().flatten().find(|row| row.id == id) {
        group.store.collections = group.store.collections.wrapping_sub(row.digest(sums));
    }
    let gone = connection.execute("DELETE FROM collections WHERE id = ?", [number(id)]);
    gone.map_err(write)?;
    Ok(true)
}

fn reap_purge(
    connection: &Connection,
    group: &mut Group<'_>,
    sequence: Sequence,
    label: Option<&Bytes>,
    seen: &mut u64,
) -> Result<bool, StoreError> {
    let found = match label {
        Some(label) => {
            let hash = number(group.sums().label(label));
            let sql =
                "SELECT serial FROM labels WHERE label = ? AND serial > ? ORDER BY serial LIMIT ?";
            serials(connection, sql, [hash, number(*seen), number(ROWS_AT_ONCE)])?
        }
        None => {
            let sql = "SELECT serial FROM entries WHERE serial > ? ORDER BY serial LIMIT ?";
            serials(connection, sql, [number(*seen), number(ROWS_AT_ONCE)])?
        }
    };
    for serial in &found {
        group.remove(connection, *serial, Some((sequence, label)))?;
        *seen = *serial;
    }
    Ok((found.len() as u64) < ROWS_AT_ONCE)
}

/// Notes that nothing is left of what a line hits, and forgets the oldest lines when there are too
/// many. Says how many were forgotten.
fn forget_lines(
    connection: &Connection,
    group: &mut Group<'_>,
    reaped: Sequence,
    lines: u64,
) -> Result<u64, StoreError> {
    let write = |error: rusqlite::Error| refused("log a purge", &error);
    let note = "UPDATE purges SET reaped = 1 WHERE sequence = ?";
    connection
        .prepare_cached(note)
        .and_then(|mut note| note.execute([number(reaped.0)]))
        .map_err(write)?;
    let mut forgotten = 0;
    while lines - forgotten > PURGES_MAX {
        let sql = "SELECT sequence, label, soft, reaped FROM purges ORDER BY sequence LIMIT 1";
        let oldest = connection.prepare_cached(sql).and_then(|mut oldest| {
            let read = oldest.query_row([], |row| {
                let label = row.get::<_, Option<Vec<u8>>>(1)?.map(Bytes::from);
                let soft = row.get(2)?;
                Ok((
                    Sequence(get(row, 0)?),
                    Purge { label, soft },
                    row.get::<_, bool>(3)?,
                ))
            });
            read.optional()
        });
        let Some((sequence, purge, reaped)) = oldest.map_err(write)? else {
            break;
        };
        // What a soft one hits is still there, and would seem fresh.
        if purge.soft || !reaped {
            break;
        }
        let gone = connection.execute(
            "DELETE FROM purges WHERE sequence = ?",
            params![number(sequence.0)],
        );
        gone.map_err(write)?;
        group.forget(sequence, &purge);
        forgotten += 1;
    }
    Ok(forgotten)
}

fn serials<P: rusqlite::Params>(
    connection: &Connection,
    sql: &str,
    params: P,
) -> Result<Vec<u64>, StoreError> {
    let found = connection.prepare_cached(sql).and_then(|mut statement| {
        let rows = statement.query_map(params, |row| get(row, 0))?;
        rows.collect()
    });
    found.map_err(|error| refused("be read", &error))
}
