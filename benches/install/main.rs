//! `cargo xtask bench install`: what does it cost until a site works offline, and until a deploy is there, and
//! how fast does a worker answer then, beside Workbox and sw-precache?
//!
//! Everyone gets the same files of 8 kB from the same origin, with the headers that hashed names
//! deserve, and a Chromium that has never been there; everyone registers after the page's `load`. Times
//! are noted by the page, requests and bytes by the origin. After each step the origin goes, and every
//! file must still come as it was deployed.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a program for the terminal, which ends loudly when a step does not succeed"
)]

mod first_byte;
#[path = "../../tests/harness/mod.rs"]
mod harness;
#[path = "../numbers.rs"]
mod numbers;
mod site;
mod visit;

use first_byte::FirstBytes;
use numbers::{median, setting};
use site::{Deploy, Deploys, FILE_BYTES, LOADED, Tool};
use visit::{FirstVisit, Line, QUIET, Update, Visitor};

/// What was measured of one tool, under one condition; one of each per run.
#[derive(Default)]
struct Costs {
    first: Vec<FirstVisit>,
    /// A hashed script changed, then a page.
    updates: [Vec<Update>; 2],
    first_bytes: FirstBytes,
}

/// One condition, and what everyone has cost under it.
struct Row {
    files: usize,
    line: Line,
    costs: Vec<(Tool, Costs)>,
}

fn main() {
    // `cargo test --all-targets` starts benchmarks as well, without this word; there is nothing to test here.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let runs = setting("REVISIT_BENCH_RUNS", "3")[0].max(1);
    let sizes = setting("REVISIT_BENCH_FILES", "300,2000");
    let delays = setting("REVISIT_BENCH_DELAYS", "0,50");
    // 1.6 Mbit/s: the slow line that page speed tools agree on. 0 for none.
    let rate = setting("REVISIT_BENCH_RATE", "200000")[0];

    let mut rows = Vec::new();
    for (place, files) in sizes.into_iter().enumerate() {
        assert!(
            files >= FILES_MIN,
            "a site wants {FILES_MIN} files at least"
        );
        let deploys: Vec<(Tool, Deploys)> = [&Tool::WORKERS[..], &[Tool::None]]
            .concat()
            .into_iter()
            .map(|tool| (tool, Deploys::build(tool, files)))
            .collect();
        let mut lines: Vec<Line> = delays.iter().map(|delay| Line::of(*delay, None)).collect();
        // Once, with the smaller site and the longest delay: everything else takes minutes there.
        if place == 0 && rate > 0 {
            let delay = delays.iter().max().copied().unwrap_or_default();
            lines.push(Line::of(delay, Some(rate as u64)));
        }
        for line in lines {
            let row = measure(&deploys, files, line, runs);
            rows.push(row);
        }
    }
    report(&rows, runs);
}

/// All tools under one condition, in turns.
fn measure(deploys: &[(Tool, Deploys)], files: usize, line: Line, runs: usize) -> Row {
    let mut costs: Vec<(Tool, Costs)> = deploys
        .iter()
        .map(|(tool, _)| (*tool, Costs::default()))
        .collect();
    for run in 1..=runs {
        for ((tool, costs), (_, deploys)) in costs.iter_mut().zip(deploys) {
            let words = line.words();
            eprintln!(
                "{files} files, {words}, run {run} of {runs}: {}",
                tool.name()
            );
            let visitor = Visitor::new(deploys, files, line);
            if *tool == Tool::None {
                costs.first_bytes.measure_without(&visitor);
                continue;
            }
            costs.first.push(visitor.install());
            let deploys = [Deploy::HashedScript, Deploy::Page];
            for (costs, deploy) in costs.updates.iter_mut().zip(deploys) {
                costs.push(visitor.update(deploy));
            }
            costs.first_bytes.measure(&visitor, Deploy::Page);
        }
    }
    Row { files, line, costs }
}

fn report(rows: &[Row], runs: usize) {
    println!("### install\n");
    println!(
        "Files of {FILE_BYTES} bytes: a tenth pages, the others under `/assets/` with hashed names, {LOADED} of them loaded by \
         the page; HTTP/1.1 without content coding (gzip would save a quarter of the pages and scripts, and nothing of the \
         images, which are the most; our packs have it inside), `immutable` for hashed names and \
         `no-cache` for the rest. A fresh profile for each run. Medians of {runs}, in turns. Requests and bytes (of answers, \
         heads included) are counted at the origin, until it was quiet for {QUIET:?}. After each step every file was read \
         with the origin gone.\n"
    );
    let seconds = |milliseconds: f64| format!("{:.2}", milliseconds / 1e3);
    let count = |number: f64| format!("{number:.0}");

    println!("First visit; installed: the worker is activated; all there: every file is kept.\n");
    heading(&[
        "s installed, from navigation",
        "s installed, from register",
        "s all there, from navigation",
        "requests",
        "bytes on the wire",
    ]);
    table(rows, |costs| {
        let of = |number: fn(&FirstVisit) -> f64| median(costs.first.iter().map(number));
        vec![
            of(|cost| cost.installed_ms).map(seconds),
            of(|cost| cost.installed_ms - cost.registered_ms).map(seconds),
            of(|cost| cost.complete_ms).map(seconds),
            of(|cost| cost.traffic.requests).map(count),
            of(|cost| cost.traffic.bytes).map(count),
        ]
    });

    let deploys = [
        "a script with a hashed name, which the entry page names",
        "one page",
    ];
    for (deploy, changed) in deploys.iter().enumerate() {
        println!(
            "\nUpdate, changed: {changed}; seconds from `registration.update()`, requests and bytes until the new worker has \
             taken over and a page was loaded.\n"
        );
        heading(&["s installed", "requests", "bytes on the wire"]);
        table(rows, |costs| {
            let of = |number: fn(&Update) -> f64| median(costs.updates[deploy].iter().map(number));
            vec![
                of(|cost| cost.installed_ms).map(seconds),
                of(|cost| cost.traffic.requests).map(count),
                of(|cost| cost.traffic.bytes).map(count),
            ]
        });
    }

    println!(
        "\nFirst byte, ms, of a navigation and of a script, with the worker warm and stopped; without a worker, the HTTP \
         cache, which asks the origin about pages.\n"
    );
    heading(&[
        "navigation, warm",
        "navigation, stopped",
        "script, warm",
        "script, stopped",
    ]);
    table(rows, |costs| {
        let of = |times: &[f64]| median(times.iter().copied()).map(|time| format!("{time:.1}"));
        let FirstBytes {
            navigation_warm,
            navigation_stopped,
            script_warm,
            script_stopped,
        } = &costs.first_bytes;
        vec![
            of(navigation_warm),
            of(navigation_stopped),
            of(script_warm),
            of(script_stopped),
        ]
    });
}

fn heading(columns: &[&str]) {
    println!("| files | line | whose | {} |", columns.join(" | "));
    println!("| ---: | --- | --- |{}", " ---: |".repeat(columns.len()));
}

/// A line for each tool that has any of these numbers.
fn table(rows: &[Row], cells: impl Fn(&Costs) -> Vec<Option<String>>) {
    for row in rows {
        for (tool, costs) in &row.costs {
            let cells = cells(costs);
            if cells.iter().all(Option::is_none) {
                continue;
            }
            let cells: Vec<String> = cells
                .into_iter()
                .map(|cell| cell.unwrap_or_else(|| "–".to_owned()))
                .collect();
            println!(
                "| {} | {} | {} | {} |",
                row.files,
                row.line.words(),
                tool.name(),
                cells.join(" | ")
            );
        }
    }
}

/// Some pages, and assets of every kind.
const FILES_MIN: usize = 100;
