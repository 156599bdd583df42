//! `revisit store`: what is in a store, is it whole, take it out, throw it out.
//!
//! [`shelf`] finds what is there, [`list`] and [`show`] tell of it, [`check`] proves it, [`export`]
//! copies it, [`change`] takes away. All but the last open the store without changing a byte of it.

mod change;
mod check;
mod export;
mod list;
mod shelf;
mod show;
mod told;

use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, anyhow};
use revisit_engine::{Clock, SystemClock};
use revisit_store::{OpenError, Options, Store, StoreError};

use crate::args::StoreCommand;
use crate::failure::Failure;

pub(crate) fn run(command: &StoreCommand) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .context("cannot start the runtime")
        .map_err(Failure::work)?;
    let now = SystemClock::start().now();
    runtime.block_on(run_at(command, now))
}

async fn run_at(command: &StoreCommand, now: SystemTime) -> Result<(), Failure> {
    match command {
        StoreCommand::Ls { place, caches } => list::run(place, *caches, now).await,
        StoreCommand::Show { url, place, body } => show::run(place, url, *body, now).await,
        StoreCommand::Check { place } => check::run(place).await,
        StoreCommand::Purge {
            place,
            url,
            host,
            prefix,
            tag,
            all: _,
            soft,
        } => {
            let what = change::what(url, host, prefix, tag);
            change::purge(place, what, *soft).await
        }
        StoreCommand::Export { folder, place } => export::run(place, folder, now).await,
        StoreCommand::Delete { url, place } => change::delete(place, url.as_deref()).await,
    }
}

/// Opens a store that is there, to look at it only.
fn open(folder: &Path) -> Result<Store, Failure> {
    open_as(folder, Options::as_it_is().read_only())
}

fn open_as(folder: &Path, options: Options) -> Result<Store, Failure> {
    Store::open(folder, options).map_err(|error| {
        let missing = matches!(error, OpenError::Missing { .. });
        // The last line of the text says what to do.
        let text = error.to_string();
        let (fact, help) = match text.split_once("\nhelp: ") {
            Some((fact, help)) => (fact.to_owned(), Some(help.to_owned())),
            None => (text, None),
        };
        let error = match std::error::Error::source(&error) {
            Some(source) => anyhow!(source.to_string()).context(fact),
            None => anyhow!(fact),
        };
        match missing {
            true => Failure::words(error).help(HELP_MISSING.to_owned()),
            false => Failure::work(error).help(help),
        }
    })
}

/// The store could not do what was asked of it.
fn store_failure(error: StoreError, doing: &str) -> Failure {
    let help = match &error {
        error if error.is_corrupt() => Some(HELP_DAMAGED),
        StoreError::Catalog { .. } | StoreError::Io { .. } => Some(HELP_DISK),
        StoreError::Full => Some("give the disk some room"),
        _ => None,
    };
    let failure = Failure::work(anyhow!(error).context(doing.to_owned()));
    failure.help(help.map(ToOwned::to_owned))
}

const HELP_MISSING: &str =
    "name the folder that a program keeps its store in; it has a file `catalog.db`";
const HELP_DAMAGED: &str =
    "`revisit store check` lists what is damaged, `revisit store export` copies what is whole";
const HELP_DISK: &str = "see that the disk is there and that you may read and write the folder";

#[cfg(test)]
mod tests;
