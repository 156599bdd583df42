//! `revisit store check`: reads everything, and proves that it is what was written.

use anyhow::anyhow;
use revisit_store::{Report, Store};
use serde_json::json;

use super::list::{entries, taken_away};
use super::shelf::shelves;
use super::{open, store_failure};
use crate::args::StorePlace;
use crate::failure::Failure;
use crate::terminal::{bytes, counted, plain, say};

pub(super) async fn run(place: &StorePlace) -> Result<(), Failure> {
    let store = open(&place.store)?;
    let (report, damages) = prove(&store, place).await?;
    let (count, size) = (entries(report.entries), bytes(report.bytes));
    if place.json {
        say!(
            "{:#}",
            json!({
                "entry_count": report.entries,
                "body_bytes": report.bytes,
                "gone": report.gone,
                "damages": damages,
            })
        );
    } else if damages.is_empty() {
        let gone = taken_away(report.gone);
        say!("{count}, bodies of {size}: everything is as it was written{gone}");
    } else {
        for damage in &damages {
            say!("{}", plain(damage));
        }
    }
    if damages.is_empty() {
        return Ok(());
    }
    let error = anyhow!("{} in {count}", counted(damages.len(), "damage"));
    Err(Failure::work(error).help(HELP.to_owned()))
}

/// What the store finds, and what cannot be read of the heads.
pub(super) async fn prove(
    store: &Store,
    place: &StorePlace,
) -> Result<(Report, Vec<String>), Failure> {
    let report = store.check().await;
    let report = report.map_err(|error| store_failure(error, "cannot check the store"))?;
    let mut damages: Vec<String> = report
        .damages
        .iter()
        .map(|damage| damage.what.clone())
        .collect();
    for shelf in shelves(store, place).await? {
        // What cannot be listed was found by the store.
        let Ok(listed) = shelf.entries().await else {
            continue;
        };
        for entry in listed {
            if let Err(damaged) = &entry.described {
                let serial = entry.head.serial.get();
                damages.push(format!("entry {serial}, `{}`: {damaged}", entry.url()));
            }
        }
    }
    Ok((report, damages))
}

const HELP: &str = "`revisit store export` copies what is whole; a cache that is damaged can be deleted by \
                    `revisit store delete --cache NAME`";
