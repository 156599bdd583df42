//! `revisit serve` as its user meets it: a folder in, a site that works offline out, and the
//! folder untouched.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a panic is an answer")]

mod changes;
mod dev;
mod flow;
mod http;
mod measured;
mod retained;
mod trap;

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::harness::{
    Browser, DEADLINE, Serve, Site, Tab, ask, ask_raw, cannot_run, eventually, examples, get,
    revisit,
};

/// A site whose first page says `name`; a page beside it, a 404 page, and files of each kind.
fn site(name: &str) -> Site {
    let site = Site::new();
    site.file(
        "index.html",
        format!(
            "<!doctype html><html><head><title>{name}</title><link rel=icon href=data:,>\
             <script src=app.js></script></head><body><h1>{name}, home</h1></body></html>"
        ),
    )
    .file(
        "app.js",
        format!("document.documentElement.dataset.app = '{name}'"),
    )
    .file(
        "about.html",
        format!("<!doctype html><title>About</title><h1>{name}, about</h1>"),
    )
    .file(
        "deep/index.html",
        "<!doctype html><title>Deep</title><h1>Deep</h1>",
    )
    .file(
        "404.html",
        "<!doctype html><title>Lost</title><h1>Nothing here</h1>",
    )
    .file("assets/main-3b7f0a91.css", "h1 { color: rgb(1, 2, 3) }")
    .file(
        "numbers.bin",
        (0..=255u8).cycle().take(3000).collect::<Vec<u8>>(),
    );
    site
}

/// Serves a folder on the port of an earlier server that has stopped.
#[track_caller]
fn serve_at(address: &str, folder: &Path, more: &[&str]) -> Serve {
    let folder = folder.to_str().unwrap();
    Serve::start(&[&["serve", folder, "--listen", address], more].concat())
}

/// `HOST:PORT` of a server.
fn address(server: &Serve) -> String {
    server.url("").trim_start_matches("http://").to_owned()
}

/// Waits until the page says that the site works offline from now on.
fn installed(tab: &Tab) {
    tab.wait_for(
        "window.revisit?.state === 'installed' && revisit.complete",
        "the page client to say `installed`",
    );
}

/// Loads a page and waits until its site is installed.
#[track_caller]
fn visit(browser: &Browser, server: &Serve, path: &str) -> Tab {
    let tab = browser.tab();
    tab.load(&server.url(path)).ok();
    installed(&tab);
    tab
}

/// Stops the server and empties the HTTP cache: what still loads is the worker's doing.
#[track_caller]
fn cut_off(browser: &Browser, server: &mut Serve) {
    assert!(server.stop().success(), "{}", server.said());
    browser.clear_http_cache();
}
