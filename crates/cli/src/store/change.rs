//! `revisit store purge` and `revisit store delete`: what takes away.

use anyhow::anyhow;
use revisit_engine::record::Label;
use revisit_store::{Batch, Contract, OpenError, Options, Purge, Store};
use serde_json::json;

use super::list::entries;
use super::shelf::{Shelf, shelves};
use super::{open_failure, show, store_failure};
use crate::args::StorePlace;
use crate::failure::Failure;
use crate::terminal::{plain, say};

/// The label that is purged; `None`: everything.
pub(super) fn what<'a>(
    url: &'a Option<String>,
    host: &'a Option<String>,
    prefix: &'a Option<String>,
    tag: &'a Option<String>,
) -> Option<Label<'a>> {
    let label =
        |text: &'a Option<String>, label: fn(&'a str) -> Label<'a>| text.as_deref().map(label);
    label(url, Label::Url)
        .or(label(host, Label::Host))
        .or(label(prefix, Label::Prefix))
        .or(label(tag, Label::Tag))
}

pub(super) async fn purge(
    place: &StorePlace,
    what: Option<Label<'_>>,
    soft: bool,
) -> Result<(), Failure> {
    if place.site.is_some() || place.cache.is_some() {
        let error = anyhow!("a purge goes through the whole store");
        let help = "leave out --site and --cache, or use `revisit store delete`".to_owned();
        return Err(Failure::words(error).help(help));
    }
    let store = open_to_change(place, &help_purge(&what, soft))?;
    let (hit, sequence) = purge_in(&store, place, what, soft).await?;
    match place.json {
        true => say!("{:#}", json!({ "entry_count": hit, "sequence": sequence })),
        false => {
            let done = if soft {
                "stale from now on"
            } else {
                "thrown out"
            };
            say!("{} {done}", entries(hit));
        }
    }
    close(store).await
}

/// Opens a store to take something away; one that a process has is left to it, with `help`.
fn open_to_change(place: &StorePlace, help: &str) -> Result<Store, Failure> {
    match Store::open(&place.store, Options::as_it_is()) {
        Err(error @ OpenError::InUse { .. }) => Err(Failure::work(error).help(help.to_owned())),
        opened => opened.map_err(open_failure),
    }
}

/// How the process that has the store is asked for the same.
fn help_purge(what: &Option<Label<'_>>, soft: bool) -> String {
    let (path, line) = match what {
        None => ("all", None),
        Some(Label::Url(url)) => ("url", Some(url)),
        Some(Label::Prefix(prefix)) => ("prefix", Some(prefix)),
        Some(Label::Tag(tag)) => ("tag", Some(tag)),
        Some(_) => ("", None),
    };
    if soft || path.is_empty() {
        return "end that process first, and purge then".to_owned();
    }
    // As a shell takes it for one word.
    let quoted = |line: &str| format!(" --data '{}'", plain(line).replace('\'', r"'\''"));
    let data = line.map_or(String::new(), |line| quoted(line));
    format!(
        "if it is `revisit serve --admin ADDR`, ask it: `curl -X POST{data} http://ADDR/purge/{path}`; \
         else end it first"
    )
}

const HELP_DELETE: &str = "if it is `revisit serve --admin ADDR`, ask it: `curl --data URL http://ADDR/purge/url`; else \
                           end it first";

/// How many entries were hit, and the number of the purge.
pub(super) async fn purge_in(
    store: &Store,
    place: &StorePlace,
    what: Option<Label<'_>>,
    soft: bool,
) -> Result<(u64, u64), Failure> {
    if store.contract() == Contract::Durable {
        let error = anyhow!("what is in a durable store is kept until it is deleted");
        let help =
            "use `revisit store delete`; a purge is for the store of an HTTP cache".to_owned();
        return Err(Failure::words(error).help(help));
    }
    let label = what.map(|label| label.to_bytes());
    let mut hit = 0;
    for shelf in shelves(store, place).await? {
        let entries = shelf.entries().await?;
        let is_hit =
            |labels: &[bytes::Bytes]| label.as_ref().is_none_or(|label| labels.contains(label));
        hit += entries
            .iter()
            .filter(|entry| is_hit(&entry.head.labels))
            .count() as u64;
    }
    let purge = label.map_or_else(Purge::everything, Purge::label);
    let purge = if soft { purge.soft() } else { purge };
    let purged = store.purge(purge).await;
    let sequence = purged.map_err(|error| store_failure(error, "cannot purge"))?;
    Ok((hit, sequence.get()))
}

pub(super) async fn delete(place: &StorePlace, url: Option<&str>) -> Result<(), Failure> {
    let store = open_to_change(place, HELP_DELETE)?;
    let (count, what) = match url {
        Some(url) => (delete_url(&store, place, url).await?, format!("`{url}`")),
        None => delete_cache(&store, place).await?,
    };
    match place.json {
        true => say!("{:#}", json!({ "entry_count": count })),
        false => say!("deleted {}: {}", plain(&what), entries(count)),
    }
    close(store).await
}

/// Deletes what is kept for a URL, in every cache that is asked for.
pub(super) async fn delete_url(
    store: &Store,
    place: &StorePlace,
    url: &str,
) -> Result<u64, Failure> {
    let found = show::find(store, place, url).await?;
    for (shelf, listed) in &found {
        let batch = Batch::new().remove(listed.head.serial);
        let deleted = shelf.collection.commit(batch).await;
        deleted.map_err(|error| store_failure(error, &format!("cannot delete `{url}`")))?;
    }
    Ok(found.len() as u64)
}

/// Deletes one whole cache; says how much that was, and what it is called.
pub(super) async fn delete_cache(
    store: &Store,
    place: &StorePlace,
) -> Result<(u64, String), Failure> {
    let found = shelves(store, place).await?;
    let shelf = match &found[..] {
        [shelf] => shelf,
        [] => {
            let error = anyhow!("there is no such cache");
            let help = "`revisit store ls --caches` names those that there are".to_owned();
            return Err(Failure::work(error).help(help));
        }
        several => {
            let names: Vec<String> = several.iter().map(Shelf::called).collect();
            let error = anyhow!("several are called so: {}", names.join(", "));
            let help = "name the site too, by --site".to_owned();
            return Err(Failure::words(error).help(help));
        }
    };
    // A damaged one can be deleted, though not be counted.
    let count = shelf
        .entries()
        .await
        .map_or(0, |entries| entries.len() as u64);
    let deleted = store
        .delete_collection(&shelf.space_bytes, &shelf.name)
        .await;
    let doing = format!("cannot delete {}", shelf.called());
    deleted.map_err(|error| store_failure(error, &doing))?;
    Ok((count, shelf.called()))
}

/// Waits until all is on the disk.
async fn close(store: Store) -> Result<(), Failure> {
    let closed = store.close().await;
    closed.map_err(|error| store_failure(error, "cannot close the store"))
}
