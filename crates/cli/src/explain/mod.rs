//! `revisit explain`: what will browsers and shared caches do with this response, and what would its
//! author rather want?
//!
//! [`input`] reads exchanges, [`decide`] asks the rules about them, [`advice`] looks for what was
//! probably not meant, [`told`] says it.

mod advice;
mod decide;
mod explanation;
mod input;
mod told;

use revisit_engine::{Clock, SystemClock};
use serde_json::json;

use crate::args::ExplainArgs;
use crate::failure::Failure;
use crate::terminal::say;

pub(crate) fn run(args: &ExplainArgs) -> Result<(), Failure> {
    let exchanges = input::read(&args.of, SystemClock::start().now())?;
    let explanations: Vec<_> = exchanges
        .iter()
        .map(|exchange| decide::explain(exchange, args.profile))
        .collect();
    if args.json {
        say!("{:#}", json!({ "responses": explanations }));
        return Ok(());
    }
    let told: Vec<String> = explanations.iter().map(told::told).collect();
    say!("{}", told.join("\n").trim_end());
    Ok(())
}

#[cfg(test)]
mod tests;
