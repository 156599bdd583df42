//! `revisit store`: what is in a store, is it whole, take it out, throw it out.
//!
//! [`shelf`] finds what is there, [`list`] and [`show`] tell of it, [`check`] proves it, [`export`]
//! copies it, [`change`] takes away. All but the last open the store without changing a byte of it, also
//! while another process has it; what changes it is left to that process.

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

/// Opens a store that is there, to look at it only; says so if it may change meanwhile.
fn open(folder: &Path) -> Result<Store, Failure> {
    let store = open_as(folder, Options::as_it_is().read_only())?;
    if store.is_in_use() {
        eprintln!(
            "note: another process has this store open; what it puts or takes away from now on may be \
             missing here"
        );
    }
    Ok(store)
}

pub(crate) fn open_as(folder: &Path, options: Options) -> Result<Store, Failure> {
    Store::open(folder, options).map_err(open_failure)
}

fn open_failure(error: OpenError) -> Failure {
    let help = error.help().to_owned();
    let failure = match error {
        OpenError::Missing { .. } => Failure::words(error),
        error => Failure::work(error),
    };
    failure.help(help)
}

/// The store could not do what was asked of it.
pub(crate) fn store_failure(error: StoreError, doing: &str) -> Failure {
    let help = match &error {
        error if error.is_corrupt() => Some(HELP_DAMAGED),
        StoreError::Catalog { .. } | StoreError::Io { .. } => Some(HELP_DISK),
        StoreError::Full => Some("give the disk some room"),
        _ => None,
    };
    let failure = Failure::work(anyhow!(error).context(doing.to_owned()));
    failure.help(help.map(ToOwned::to_owned))
}

const HELP_DAMAGED: &str =
    "`revisit store check` lists what is damaged, `revisit store export` copies what is whole";
const HELP_DISK: &str = "see that the disk is there and that you may read and write the folder";

#[cfg(test)]
mod tests;
