//! The developer commands: `cargo xtask test`, `cargo xtask conformance`, `cargo xtask bench`,
//! `cargo xtask crash`.
//!
//! Words in, an exit code out: 0 done, 1 a stage or a benchmark did not succeed, 2 the words are off.
//! What a stage does stands in `test`, what is refused in `tidy`, what is measured in `bench`,
//! what a cache is asked by others in `conformance`, what a store keeps in `crash`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for the terminal: it prints, and its tests are not the product's"
)]

mod bench;
mod conformance;
mod crash;
mod shell;
mod test;
mod tidy;

use std::process::ExitCode;

/// How a command ended, when not well.
enum Stop {
    /// The words are off: exit code 2.
    Words(String),
    /// The work did not succeed: exit code 1.
    Work(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Work(error.into())
    }
}

const USAGE: &str = "\
the developer commands of Revisit

    cargo xtask test [STAGE…] [-- WORDS]   all stages, or only these; WORDS go to the tests (a filter)
    cargo xtask conformance [--suite DIR] [--profile shared|private] [--update] [-- SWITCHES OF SERVE]
    cargo xtask crash [--sample 1] [--storms 200] [--only sweep|cuts|storms]
                                            each call that writes goes wrong once, the power goes: what is kept?
    cargo xtask bench build [--files 1000,10000,50000] [--runs 5]
    cargo xtask bench size
    cargo xtask bench gateway [--rounds 5] [--seconds 3] [--requests 10000] [--objects 50000]
    cargo xtask bench install [--runs 3] [--files 300,2000] [--delays 0,50] [--rate 200000]
    cargo xtask bench code-cache [--runs 15]
    cargo xtask bench store [--entries 100000] [--puts 2000]
    cargo xtask bench replay [--runs 5]

stages, in this order: format tidy lint unit crash javascript conformance, and then side by side
    end-to-end static-routes firefox webkit";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Words(why)) => {
            eprintln!("error: {why}");
            ExitCode::from(2)
        }
        Err(Stop::Work(error)) => {
            eprintln!("error: {error}");
            for cause in error.chain().skip(1) {
                eprintln!("  caused by: {cause}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<(), Stop> {
    match words {
        [] | ["help" | "-h" | "--help", ..] => {
            println!("{USAGE}");
            Ok(())
        }
        ["test", rest @ ..] => test::run(rest),
        // what `test` starts for stages that run side by side
        ["stage", rest @ ..] => test::alone(rest),
        ["bench", rest @ ..] => bench::run(rest),
        ["conformance", rest @ ..] => conformance::run(rest),
        ["crash", rest @ ..] => crash::run(rest),
        [other, ..] => Err(Stop::Words(shell::unknown(
            "command",
            other,
            &["test", "bench", "conformance", "crash"],
        ))),
    }
}
