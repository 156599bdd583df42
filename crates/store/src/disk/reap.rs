//! Clearing away, a little with each commit: entries that were purged, and those of collections that
//! nobody can use any more. Nothing of them is found meanwhile.

use std::collections::VecDeque;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _};

use super::catalog::{CollectionRow, get, number, refused};
use super::group::Group;
use crate::StoreError;
use crate::purge::{Purge, Sequence};

/// Rows that one commit looks at beside its own work.
const ROWS_AT_ONCE: u64 = 256;
/// Lines of the log of purges that are kept; of more, the oldest are forgotten, and what was asked
/// for before them is not put any more.
const PURGES_MAX: u64 = if cfg!(test) { 50 } else { 100_000 };

/// What is to be cleared away.
#[derive(Debug, Default)]
pub(super) struct Reaper {
    tasks: VecDeque<Task>,
    /// Lines in the log.
    lines: u64,
    /// What the transaction that is under way does of the first task.
    step: Step,
}

#[derive(Debug)]
enum Task {
    Collection(u64),
    Purge {
        sequence: Sequence,
        label: Option<Bytes>,
        /// Entries up to here were looked at.
        seen: u64,
    },
    /// The log is too long.
    Trim,
}

/// A part of a task.
#[derive(Debug, Default)]
struct Step {
    /// Entries up to here were looked at.
    seen: u64,
    /// Nothing is left of the task.
    through: bool,
    /// Lines of the log that were forgotten.
    forgotten: u64,
    /// A line that is to be forgotten as soon as nothing is left of what it hits.
    oldest: Option<(Sequence, Option<Bytes>)>,
}

impl Reaper {
    /// `lines`: how many the log has.
    pub(super) fn new(lines: u64) -> Self {
        Self {
            lines,
            ..Self::default()
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

    /// Entries that a line of the log hits are to go.
    pub(super) fn line(&mut self, sequence: Sequence, label: Option<Bytes>) {
        let seen = 0;
        self.tasks.push_back(Task::Purge {
            sequence,
            label,
            seen,
        });
    }

    /// Does some of it.
    pub(super) fn reap(
        &mut self,
        connection: &Connection,
        group: &mut Group<'_>,
    ) -> Result<(), StoreError> {
        self.step = match self.tasks.front() {
            None => Step::default(),
            Some(Task::Collection(id)) => Step {
                through: reap_collection(connection, group, *id)?,
                ..Step::default()
            },
            Some(Task::Purge {
                sequence,
                label,
                seen,
            }) => reap_purge(connection, group, *sequence, label.as_ref(), *seen)?,
            Some(Task::Trim) => trim(connection, group, self.lines)?,
        };
        Ok(())
    }

    /// The transaction was committed, and has put these lines into the log.
    pub(super) fn committed(&mut self, purges: &[(Sequence, Purge)]) {
        let step = std::mem::take(&mut self.step);
        self.lines -= step.forgotten;
        if step.through {
            self.tasks.pop_front();
        } else if let Some(Task::Purge { seen, .. }) = self.tasks.front_mut() {
            *seen = step.seen;
        }
        let trim_again = step.oldest.is_some() || !purges.is_empty();
        if let Some((sequence, label)) = step.oldest {
            self.line(sequence, label);
        }
        self.lines += purges.len() as u64;
        for (sequence, purge) in purges.iter().filter(|(_, purge)| !purge.soft) {
            self.line(*sequence, purge.label.clone());
        }
        let trims = self.tasks.iter().any(|task| matches!(task, Task::Trim));
        if self.lines > PURGES_MAX && trim_again && !trims {
            self.tasks.push_back(Task::Trim);
        }
    }

    /// The transaction has not happened.
    pub(super) fn rolled_back(&mut self) {
        self.step = Step::default();
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
    seen: u64,
) -> Result<Step, StoreError> {
    let found = match label {
        Some(label) => {
            let hash = number(group.sums().label(label));
            let sql =
                "SELECT serial FROM labels WHERE label = ? AND serial > ? ORDER BY serial LIMIT ?";
            serials(connection, sql, [hash, number(seen), number(ROWS_AT_ONCE)])?
        }
        None => {
            let sql = "SELECT serial FROM entries WHERE serial > ? ORDER BY serial LIMIT ?";
            serials(connection, sql, [number(seen), number(ROWS_AT_ONCE)])?
        }
    };
    for serial in &found {
        group.remove(connection, *serial, Some((sequence, label)))?;
    }
    let through = (found.len() as u64) < ROWS_AT_ONCE;
    if through {
        let sql = "UPDATE purges SET reaped = 1 WHERE sequence = ?";
        let noted = connection
            .prepare_cached(sql)
            .and_then(|mut note| note.execute([number(sequence.0)]));
        noted.map_err(|error| refused("log a purge", &error))?;
    }
    Ok(Step {
        seen: found.last().copied().unwrap_or(seen),
        through,
        ..Step::default()
    })
}

/// Forgets the oldest lines of the log when there are too many. What a soft one hits goes first: it
/// would seem fresh without the line.
fn trim(connection: &Connection, group: &mut Group<'_>, lines: u64) -> Result<Step, StoreError> {
    let write = |error: rusqlite::Error| refused("log a purge", &error);
    let mut step = Step {
        through: true,
        ..Step::default()
    };
    while lines - step.forgotten > PURGES_MAX {
        let sql = "SELECT sequence, label, soft, reaped FROM purges ORDER BY sequence LIMIT 1";
        let oldest = connection.prepare_cached(sql).and_then(|mut oldest| {
            let read = oldest.query_row([], |row| {
                let label = row.get::<_, Option<Vec<u8>>>(1)?.map(Bytes::from);
                let soft = row.get(2)?;
                let purge = Purge { label, soft };
                Ok((Sequence(get(row, 0)?), purge, row.get::<_, bool>(3)?))
            });
            read.optional()
        });
        let Some((sequence, purge, reaped)) = oldest.map_err(write)? else {
            break;
        };
        if !reaped {
            // A hard one waits for its turn already.
            step.oldest = purge.soft.then_some((sequence, purge.label));
            break;
        }
        let sql = "DELETE FROM purges WHERE sequence = ?";
        let gone = connection
            .prepare_cached(sql)
            .and_then(|mut gone| gone.execute([number(sequence.0)]));
        gone.map_err(write)?;
        group.forget(sequence, &purge);
        step.forgotten += 1;
        if step.forgotten == ROWS_AT_ONCE {
            step.through = false;
            break;
        }
    }
    Ok(step)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, NewEntry, Options, Staged, Store};

    #[test]
    fn the_log_is_bounded_and_what_was_asked_for_before_it_is_not_put() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Store::open(folder.path(), Options::relaxed(1 << 30)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut store = open();
            let early = store.sequence();
            for number in 0..PURGES_MAX * 3 {
                let purge = Purge::label(format!("label {number}"));
                let purge = if number % 2 == 0 { purge.soft() } else { purge };
                store.purge(purge).await.unwrap();
            }
            for _ in 0..2 {
                let cache = store.open_collection(b"site", b"cache").await.unwrap();
                let entry =
                    |id: &str| NewEntry::new(id.to_owned(), "", Staged::bytes(vec![7; 40_000]));
                let late = entry("late").since(early);
                let batch = Batch::new()
                    .insert(late)
                    .insert(entry("new").since(store.sequence()));
                cache.commit(batch).await.unwrap();
                assert!(cache.find(b"late").await.unwrap().is_empty());
                assert!(!cache.find(b"new").await.unwrap().is_empty());
                assert_eq!(store.sequence().0, PURGES_MAX * 3);
                assert_eq!(store.check().await.unwrap().damages, []);
                drop((cache, store));
                store = open();
            }
            drop(store);
            let catalog = Connection::open(folder.path().join("catalog.db")).unwrap();
            let lines: u64 = catalog
                .query_row("SELECT count(*) FROM purges", [], |row| get(row, 0))
                .unwrap();
            assert!(
                (PURGES_MAX..PURGES_MAX * 2).contains(&lines),
                "{lines} lines"
            );
        });
    }
}
