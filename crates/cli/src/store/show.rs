//! `revisit store show`: all of what is kept for a URL.

use std::io::{ErrorKind, Write};
use std::time::SystemTime;

use anyhow::anyhow;
use revisit_store::{Store, StoreError};
use serde_json::{Value, json};

use super::shelf::{Listed, Shelf, json as entry_json, shelves};
use super::{open, store_failure, told};
use crate::args::StorePlace;
use crate::failure::Failure;
use crate::terminal::say;

pub(super) async fn run(
    place: &StorePlace,
    url: &str,
    body: bool,
    now: SystemTime,
) -> Result<(), Failure> {
    let store = open(&place.store)?;
    let found = find(&store, place, url).await?;
    if body {
        return write_body(&found, url).await;
    }
    if place.json {
        let entries: Vec<Value> = found
            .iter()
            .map(|(shelf, listed)| of(shelf, listed, now))
            .collect();
        say!("{:#}", json!({ "entries": entries }));
        return Ok(());
    }
    let texts: Vec<String> = found
        .iter()
        .map(|(shelf, listed)| told::whole(shelf, listed, now))
        .collect();
    say!("{}", texts.join("\n").trim_end());
    Ok(())
}

/// What is kept for a URL, in all that is asked for; never nothing.
pub(super) async fn find(
    store: &Store,
    place: &StorePlace,
    url: &str,
) -> Result<Vec<(Shelf, Listed)>, Failure> {
    // As browsers write it; what is no URL may still be the name of something.
    let parsed = url::Url::parse(url).map_or(url.to_owned(), |url| url.to_string());
    let mut found = Vec::new();
    for shelf in shelves(store, place).await? {
        for listed in shelf.entries().await? {
            if listed.is_of(&parsed) {
                let shelf = Shelf {
                    space: shelf.space.clone(),
                    space_bytes: shelf.space_bytes.clone(),
                    name: shelf.name.clone(),
                    collection: shelf.collection.clone(),
                };
                found.push((shelf, listed));
            }
        }
    }
    if found.is_empty() {
        let error = anyhow!("nothing is kept for `{url}`");
        let help = "`revisit store ls` lists what is kept; the whole URL must be given".to_owned();
        return Err(Failure::work(error).help(help));
    }
    Ok(found)
}

/// An entry with where it is.
pub(super) fn of(shelf: &Shelf, listed: &Listed, now: SystemTime) -> Value {
    let mut value = entry_json(listed, now);
    value["part"] = json!(shelf.part().map(|part| part.as_str()));
    value["site"] = json!(shelf.owner());
    value["cache"] = json!(shelf.name());
    value
}

async fn write_body(found: &[(Shelf, Listed)], url: &str) -> Result<(), Failure> {
    let [(shelf, listed)] = found else {
        let error = anyhow!(
            "{} are kept for `{url}`",
            super::list::entries(found.len() as u64)
        );
        let help = "name one cache by --cache and --site; variants can only be exported".to_owned();
        return Err(Failure::words(error).help(help));
    };
    match copy(shelf, listed, &mut std::io::stdout().lock()).await {
        // Whoever reads from a pipe may stop.
        Err(Uncopied::Unwritten(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(Uncopied::Unwritten(error)) => Err(Failure::work(
            anyhow::Error::new(error).context("cannot write the body"),
        )),
        Err(Uncopied::Unread(failure)) => Err(failure),
        Err(Uncopied::Gone) => {
            let error = anyhow!("what was kept for `{url}` was taken away meanwhile");
            Err(Failure::work(error).help("look again".to_owned()))
        }
        Ok(()) => Ok(()),
    }
}

/// Why a body was not copied.
pub(super) enum Uncopied {
    /// Another process, which has the store, took it away.
    Gone,
    Unread(Failure),
    Unwritten(std::io::Error),
}

/// Copies the body of an entry, piece by piece.
pub(super) async fn copy(
    shelf: &Shelf,
    listed: &Listed,
    to: &mut impl Write,
) -> Result<(), Uncopied> {
    let doing = || format!("cannot read the body of `{}`", listed.url());
    let unread = |error| match error {
        StoreError::Gone { .. } => Uncopied::Gone,
        error => Uncopied::Unread(store_failure(error, &doing())),
    };
    let entries = shelf.collection.get(&[listed.head.serial]).await;
    let entry = entries.map_err(unread)?.into_iter().next();
    let entry = entry.ok_or(Uncopied::Gone)?;
    let mut reader = entry.body.reader(0..entry.body.len());
    while let Some(piece) = reader.next().await {
        to.write_all(&piece.map_err(unread)?)
            .map_err(Uncopied::Unwritten)?;
    }
    to.flush().map_err(Uncopied::Unwritten)
}
