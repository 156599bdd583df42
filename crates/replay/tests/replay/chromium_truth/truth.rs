//! The cells' file, and the counting.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

/// Where we differ on purpose: a part of a cell's name, and the reason. There is none today.
const DIFFERENCES: [(&str, &str); 0] = [];

/// Reads the file of cells.
pub(crate) fn read() -> Value {
    let path = std::env::var_os("REVISIT_CHROMIUM_TRUTH").map_or_else(
        || {
            let crates = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
            crates.join("../../tests/vectors/chromium-cache-truth.json")
        },
        PathBuf::from,
    );
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// How long was waited before each action.
pub(crate) fn pause(truth: &Value) -> Duration {
    let milliseconds = truth["waitMsBeforeAction"].as_u64();
    Duration::from_millis(milliseconds.expect("`waitMsBeforeAction` is a number"))
}

/// Was this profile held out while the model was written? By FNV-1a of its name, a third of them.
pub(crate) fn is_held_out(profile: &str) -> bool {
    let hash = profile.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    hash.is_multiple_of(3)
}

/// How many cells agree, and which do not.
pub(crate) struct Tally {
    name: &'static str,
    played: usize,
    on_purpose: usize,
    differing: Vec<String>,
}

impl Tally {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            played: 0,
            on_purpose: 0,
            differing: Vec::new(),
        }
    }

    /// Counts one cell.
    pub(crate) fn count(&mut self, cell: &str, expected: &Value, played: &Value) {
        self.played += 1;
        if expected == played {
            return;
        }
        if DIFFERENCES.iter().any(|(known, _)| cell.contains(known)) {
            self.on_purpose += 1;
            return;
        }
        self.differing.push(format!(
            "{cell}\n    chromium {expected}\n    replay   {played}"
        ));
    }
}

/// Tells the figures, and fails if cells differ.
#[expect(
    clippy::print_stderr,
    reason = "the figures are what one runs this test for"
)]
pub(crate) fn judge(tallies: &[Tally]) {
    let mut wrong = String::new();
    for tally in tallies {
        let agree = tally.played - tally.differing.len() - tally.on_purpose;
        eprintln!(
            "{}: {agree} of {} cells agree, {} differ on purpose",
            tally.name, tally.played, tally.on_purpose
        );
        for one in &tally.differing {
            wrong.push_str(one);
            wrong.push('\n');
        }
    }
    assert!(wrong.is_empty(), "cells differ:\n{wrong}");
}
