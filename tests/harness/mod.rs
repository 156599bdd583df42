//! The tool box of the end-to-end tests: a browser to look through, an origin to look at.
//!
//! All of it blocks and none of it is async, for a test reads best from top to bottom. Whatever may
//! take a while is polled up to a named deadline, and what runs out says what was waited for.
//!
//! Chromium is driven by the DevTools protocol over a pipe (`--remote-debugging-pipe`), and not by
//! `chromiumoxide`: no generated protocol crate of 60,000 lines to compile, no port to race for, no
//! websocket, and a browser that ends by itself when the test process does. What we need of the
//! protocol is some thirty methods, which `serde_json` writes well enough. Firefox and WebKit have no
//! such pipe: there, pages ask a server of ours what to do (`remote.rs`).

#![allow(
    dead_code,
    unused_imports,
    reason = "a tool box: no test needs every tool, and some wait for their test"
)]

mod browser;
mod caches;
mod client;
mod command;
mod network;
mod origin;
mod other;
mod pipe;
mod process;
mod remote;
mod site;
mod tab;
mod tap;
mod workers;

pub(crate) use browser::Browser;
pub(crate) use client::{Answer, ask, ask_raw, get};
pub(crate) use command::{Output, Serve, cache_home, revisit, revisit_in};
pub(crate) use network::{Exchange, Layer};
pub(crate) use origin::{Answer as OriginAnswer, Fault, Origin, Request};
pub(crate) use other::{Engine, OtherBrowser, START_DEADLINE};
pub(crate) use remote::{Page, Remote};
pub(crate) use site::{Site, examples};
pub(crate) use tab::{Fetched, Tab, Visit};
pub(crate) use tap::{Meddle, Passed, Tap};
pub(crate) use workers::{Registration, WorkerVersion};

use std::io::Write as _;
use std::time::{Duration, Instant};

/// How long anything that a test waits for may take, unless it says otherwise.
///
/// Generous, for the cores are shared with many: a wait that succeeds costs only what it takes. Under 50
/// processes that want a core, 15 s were too few for a page to load.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Asks `look` again and again until it finds something, and returns that.
///
/// Panics with `what` when `deadline` has passed.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, deadline: Duration, look: impl FnMut() -> Option<T>) -> T {
    match poll(deadline, look) {
        Some(found) => found,
        None => panic!("waited {deadline:?} in vain for {what}"),
    }
}

/// Like [`eventually`], for those who have more to say than a panic: `None` after the deadline.
pub(crate) fn poll<T>(deadline: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + deadline;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(POLL_EVERY);
    }
}

/// For a test that this machine cannot run: fails where `CI` is set, since there a test that never runs
/// would look like one that passes. Elsewhere it says so, and the test returns.
#[track_caller]
pub(crate) fn cannot_run(fact: &str, remedy: &str) {
    let wanted = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    assert!(!wanted, "{fact}; in CI no test is skipped\nhelp: {remedy}");
    // Not by `eprintln!`, which is kept from the terminal when a test passes.
    let _ = writeln!(std::io::stderr(), "skipped: {fact}\nhelp: {remedy}");
}

const POLL_EVERY: Duration = Duration::from_millis(20);
