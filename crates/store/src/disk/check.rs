//! Proving everything: each row, each body to its last byte, and that nothing is missing.

use std::sync::{Arc, PoisonError};

use rusqlite::Connection;

use super::body::FileBody;
use super::catalog::{BEHIND_ENTRY, ENTRY_COLUMNS, EntryRow, get, number, refused};
use super::shared::Shared;
use crate::StoreError;
use crate::entry::Serial;
use crate::store::{Damage, Report};

/// Rows that are looked at before others get their turn.
const ROWS_AT_ONCE: u64 = 256;

/// Proves all that is kept.
pub(super) fn check(
    shared: &Arc<Shared>,
    connection: &mut Connection,
) -> Result<Report, StoreError> {
    let mut report = Report::default();
    let of_all = |what: String| Damage { serial: None, what };
    report
        .damages
        .extend(shared.damage.iter().cloned().map(of_all));
    {
        let collections = shared.collections();
        for kept in collections.by_id.values() {
            let Some(why) = &kept.damage else { continue };
            let name = kept.row.name.as_deref().unwrap_or_default();
            let (space, name) = (
                String::from_utf8_lossy(&kept.row.space),
                String::from_utf8_lossy(name),
            );
            report.damages.push(of_all(format!(
                "the collection `{name}` of `{space}`: {why}"
            )));
        }
    }
    let read = |error: rusqlite::Error| refused("be checked", &error);
    let said: Result<Vec<String>, _> = connection
        .prepare("PRAGMA integrity_check")
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect());
    match said {
        Ok(lines) => {
            let odd = lines.into_iter().filter(|line| line != "ok");
            report
                .damages
                .extend(odd.map(|line| of_all(format!("the catalog: {line}"))));
        }
        Err(error) => report.damages.push(of_all(read(error).to_string())),
    }
    let mut last = 0;
    while let Some(serial) = some_rows(shared, connection, last, &mut report)? {
        last = serial;
    }
    Ok(report)
}

/// Looks at the next rows behind `last`, and gives the number of the last of them.
fn some_rows(
    shared: &Arc<Shared>,
    connection: &Connection,
    last: u64,
    report: &mut Report,
) -> Result<Option<u64>, StoreError> {
    shared.open()?;
    let read = |error: rusqlite::Error| refused("be checked", &error);
    let mut bodies = Vec::new();
    let mut seen = None;
    {
        let _gate = shared.gate.read().unwrap_or_else(PoisonError::into_inner);
        let sql = format!(
            "SELECT {ENTRY_COLUMNS}, inline FROM entries WHERE serial > ? ORDER BY serial LIMIT ?"
        );
        let mut statement = connection.prepare_cached(&sql).map_err(read)?;
        let mut rows = statement
            .query([number(last), number(ROWS_AT_ONCE)])
            .map_err(read)?;
        loop {
            let row = match rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => break,
                Err(error) => {
                    // What comes behind cannot be reached; the check of the catalog has said why.
                    report.damages.push(Damage {
                        serial: None,
                        what: read(error).to_string(),
                    });
                    return Ok(None);
                }
            };
            let serial = get(row, 0).map_err(read)?;
            seen = Some(serial);
            report.entries += 1;
            let mut damaged = |what: &str| {
                report.damages.push(Damage {
                    serial: Some(Serial(serial)),
                    what: format!("entry {serial}: {what}"),
                });
            };
            let Ok((entry, true)) = EntryRow::read(row, shared.sums) else {
                damaged("its row does not match its checksum");
                continue;
            };
            report.bytes += entry.body_bytes;
            let inline = row.get_ref(BEHIND_ENTRY).map_err(read)?;
            match inline.as_blob_or_null() {
                Ok(None) if entry.body != 0 => {
                    shared.pin(entry.body);
                    bodies.push(FileBody::new(
                        shared.clone(),
                        serial,
                        entry.body,
                        entry.body_bytes,
                    ));
                }
                Ok(Some(bytes)) if shared.sums.inline(bytes) == entry.body_sum => {}
                _ => damaged("its body does not match its checksum"),
            }
        }
    }
    for body in bodies {
        let serial = body.serial();
        match prove(&body) {
            Ok(()) => {}
            Err(StoreError::Gone { .. }) => {
                report.gone += 1;
                report.entries -= 1;
                report.bytes -= body.len();
            }
            Err(error) => report.damages.push(Damage {
                serial: Some(Serial(serial)),
                what: format!("entry {serial}: {error}"),
            }),
        }
    }
    Ok(seen)
}

fn prove(body: &FileBody) -> Result<(), StoreError> {
    let mut at = 0;
    while at < body.len() {
        at += body.read(at..body.len())?.len() as u64;
    }
    Ok(())
}
