//! `revisit`: words in, words out. This crate puts the pieces together and is the only one that
//! prints; what is decided and done stands in the crates below.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod build;
mod cache;
mod config;
mod explain;
mod failure;
mod import;
mod matches;
mod previous;
mod schema;
mod serve;
mod stop;
mod store;
mod summary;
mod terminal;
mod watch;
mod worker_modules;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are no errors; clap knows which stream is whose.
            let code = if error.use_stderr() {
                failure::WORDS
            } else {
                0
            };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    // The config may want a line for each request too, and is read by the command.
    if !matches!(args.command, Command::Serve(_)) {
        terminal::log(false);
    }
    let done = match args.command {
        Command::Build(args) => build::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Store { command } => store::run(&command),
        Command::WorkerModules { folder } => worker_modules::run(&folder),
        Command::Schema { words } => schema::run(words),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprint!("{failure}");
            ExitCode::from(failure.code)
        }
    }
}
