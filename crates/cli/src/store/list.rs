//! `revisit store ls`: what is kept, by site and cache.

use std::fmt::Write as _;
use std::time::SystemTime;

use revisit_store::{Contract, Store};
use serde_json::{Value, json};

use super::shelf::{Shelf, json as entry_json, shelves};
use super::{open, told};
use crate::args::StorePlace;
use crate::failure::Failure;
use crate::terminal::{bytes, plain, say};

pub(super) async fn run(place: &StorePlace, caches: bool, now: SystemTime) -> Result<(), Failure> {
    let store = open(&place.store)?;
    match place.json {
        true => say!("{:#}", as_json(&store, place, caches, now).await?),
        false => say!("{}", as_text(&store, place, caches, now).await?.trim_end()),
    }
    Ok(())
}

pub(super) async fn as_text(
    store: &Store,
    place: &StorePlace,
    caches: bool,
    now: SystemTime,
) -> Result<String, Failure> {
    let (all, usage) = (shelves(store, place).await?, store.usage_of_all());
    let contract = match store.contract() {
        Contract::Durable => "durable",
        Contract::Relaxed => "a cache",
    };
    let mut text = format!(
        "{contract}, {} in {}\n",
        bytes(usage.bytes),
        entries(usage.entries)
    );
    let mut site: Option<&Shelf> = None;
    for shelf in &all {
        if site.is_none_or(|site| site.space_bytes != shelf.space_bytes) {
            let usage = store.usage(&shelf.space_bytes);
            let (size, count) = (bytes(usage.bytes), entries(usage.entries));
            let _ = writeln!(text, "\n{}: {size} in {count}", plain(&told::site(shelf)));
            site = Some(shelf);
        }
        let listed = shelf.entries().await?;
        let size = bytes(listed.iter().map(|entry| entry.head.body_bytes).sum());
        let count = entries(listed.len() as u64);
        let name = shelf.name();
        let _ = writeln!(text, "  `{}`: {count}, bodies of {size}", plain(&name));
        if !caches {
            for entry in &listed {
                let _ = writeln!(text, "{}", told::row(entry, now));
            }
        }
    }
    Ok(text)
}

/// As many entries.
pub(super) fn entries(count: u64) -> String {
    match count {
        1 => "1 entry".to_owned(),
        count => format!("{count} entries"),
    }
}

/// What another process took away while it was looked at; nothing of none.
pub(super) fn taken_away(count: u64) -> String {
    match count {
        0 => String::new(),
        count => format!("; {} taken away meanwhile", entries(count)),
    }
}

pub(super) async fn as_json(
    store: &Store,
    place: &StorePlace,
    caches: bool,
    now: SystemTime,
) -> Result<Value, Failure> {
    let mut sites: Vec<Value> = Vec::new();
    let mut last = None;
    for shelf in &shelves(store, place).await? {
        if last.as_ref() != Some(&shelf.space_bytes) {
            let usage = store.usage(&shelf.space_bytes);
            sites.push(json!({
                "part": shelf.part().map(|part| part.as_str()),
                "site": shelf.owner(),
                "bytes": usage.bytes,
                "entry_count": usage.entries,
                "caches": [],
            }));
            last = Some(shelf.space_bytes.clone());
        }
        let listed = shelf.entries().await?;
        let mut cache = json!({
            "name": shelf.name(),
            "entry_count": listed.len(),
            "body_bytes": listed.iter().map(|entry| entry.head.body_bytes).sum::<u64>(),
        });
        if !caches {
            cache["entries"] = listed.iter().map(|entry| entry_json(entry, now)).collect();
        }
        // One was pushed for the first shelf.
        if let Some(Value::Array(of_site)) = sites.last_mut().map(|site| &mut site["caches"]) {
            of_site.push(cache);
        }
    }
    let usage = store.usage_of_all();
    Ok(json!({
        "contract": match store.contract() {
            Contract::Durable => "durable",
            Contract::Relaxed => "relaxed",
        },
        "bytes": usage.bytes,
        "entry_count": usage.entries,
        "sites": sites,
    }))
}
