//! `cargo xtask bench install`: how long does a first visit take until the site works offline, and
//! what does it ask of the server, beside Workbox?
//!
//! Both sides get the same 300 files of 8 kB from the same origin, with the headers that hashed
//! names deserve, and a Chromium that has never been there. Both register after the page's `load`. What is
//! measured needs neither's help: the page waits for `navigator.serviceWorker.ready` and for its worker to
//! be `activated`. Afterwards the origin goes, and every file must still come: a worker that keeps
//! less would be quicker for nothing.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a program for the terminal, which ends loudly when a step does not succeed"
)]

#[path = "../tests/harness/mod.rs"]
mod harness;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use harness::{Browser, Fault, Origin, Site, revisit};
use serde_json::json;

/// What one first visit has cost.
#[derive(Clone, Copy)]
struct Cost {
    /// From the navigation's start to an `activated` worker.
    from_navigation_ms: f64,
    /// From the call of `register` to an `activated` worker.
    from_register_ms: f64,
    requests: f64,
    body_bytes: f64,
}

fn main() {
    // `cargo test --all-targets` starts benchmarks as well, without this word; there is nothing to test here.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let runs = setting("REVISIT_BENCH_RUNS", "3")[0].max(1);
    let delays = setting("REVISIT_BENCH_DELAYS", "0,50");
    let (ours, theirs) = (our_site(), workbox_site());
    let sides = [("revisit", &ours), ("Workbox", &theirs)];

    println!("### install\n");
    println!(
        "First visit with install: {FILES} files of {FILE_BYTES} bytes ({PAGES} pages, the others under \
         `/assets/` with hashed names, {LOADED} of them loaded by the page), bodies that do not compress, HTTP/1.1 without \
         content coding, `immutable` for hashed names and `no-cache` for the rest. A fresh profile for each visit. Medians of \
         {runs}, in turns. Seconds end when the page sees an `activated` worker; requests and bytes (of bodies) \
         are counted at the origin, until it was quiet for {QUIET:?}. Every file was then read with the origin gone.\n"
    );
    println!(
        "| delay | whose | s from navigation | s from register | requests | bytes on the wire |"
    );
    println!("| ---: | --- | ---: | ---: | ---: | ---: |");
    for delay in delays {
        let delay = Duration::from_millis(delay as u64);
        let mut costs = [Vec::new(), Vec::new()];
        for run in 1..=runs {
            for ((whose, site), costs) in sides.iter().zip(&mut costs) {
                eprintln!("{delay:?}, run {run} of {runs}: {whose}");
                costs.push(first_visit(site, delay));
            }
        }
        for ((whose, _), costs) in sides.iter().zip(&costs) {
            let of = |number: fn(&Cost) -> f64| median(costs.iter().map(number).collect());
            println!(
                "| {} ms | {whose} | {:.2} | {:.2} | {:.0} | {:.0} |",
                delay.as_millis(),
                of(|cost| cost.from_navigation_ms) / 1e3,
                of(|cost| cost.from_register_ms) / 1e3,
                of(|cost| cost.requests),
                of(|cost| cost.body_bytes),
            );
        }
    }
}

fn first_visit(site: &Site, delay: Duration) -> Cost {
    let origin = Origin::serve(site.path());
    origin.cache_control(Some("no-cache"));
    let immutable = "public, max-age=31536000, immutable".to_owned();
    origin.fault_where(
        |target| {
            let kept = ["/assets/", "/revisit/", "/workbox-"];
            kept.iter().any(|start| target.starts_with(start))
        },
        Fault::Header("Cache-Control".to_owned(), immutable),
    );
    origin.latency(delay);
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&origin.url("/")).ok();
    let seen = tab.wait_for_within(
        "window.benched?.activated && window.benched",
        "an activated worker",
        INSTALL_DEADLINE,
    );
    let mut last = usize::MAX;
    loop {
        std::thread::sleep(QUIET);
        let now = origin.requests().len();
        if now == last && origin.requests().iter().all(|request| request.done) {
            break;
        }
        last = now;
    }
    let cost = Cost {
        from_navigation_ms: seen["activated"].as_f64().unwrap(),
        from_register_ms: seen["activated"].as_f64().unwrap()
            - seen["registered"].as_f64().unwrap(),
        requests: origin.requests().len() as f64,
        body_bytes: origin.bytes_sent() as f64,
    };

    origin.stop();
    browser.clear_http_cache();
    // A first page is not everywhere controlled by its first worker; the next one is.
    tab.load(&origin.url("/")).ok();
    let paths: Vec<String> = original_files().into_iter().map(|(path, _)| path).collect();
    let missing = tab.run(&format!(
        "const missing = [];
         for (const path of {}) {{
             const kept = await fetch('/' + path).then(r => r.arrayBuffer().then(b => r.ok && b.byteLength), () => 0);
             if (!kept) missing.push(path);
         }}
         return missing;",
        json!(paths)
    ));
    assert_eq!(missing, json!([]), "not kept");
    cost
}

/// First in the entry page of either side: notes, in milliseconds since the navigation began, when the page
/// registers and when a worker is there.
const WATCH: &str = "
    window.benched = {};
    const register = ServiceWorkerContainer.prototype.register;
    ServiceWorkerContainer.prototype.register = function (...words) {
        window.benched.registered ??= performance.now();
        return register.apply(this, words);
    };
    navigator.serviceWorker?.ready.then(({ active }) => {
        const look = () => {
            if (active.state === 'activated') window.benched.activated ??= performance.now();
        };
        active.addEventListener('statechange', look);
        look();
    });
";

/// The site after `revisit build`.
fn our_site() -> Site {
    let site = bare_site("");
    revisit(&["build".as_ref(), site.path().as_os_str()]).ok();
    site
}

/// The site after `generateSW`, registered as Workbox's documents advise.
fn workbox_site() -> Site {
    let site = bare_site(
        "<script>addEventListener('load', () => navigator.serviceWorker.register('/sw.js'))</script>",
    );
    let made = Command::new("node")
        .arg(benches().join("workbox-build.mjs"))
        .args([site.path(), &site.path().join("sw.js")])
        .output()
        .expect("node is there");
    assert!(
        made.status.success(),
        "{}\nhelp: `cargo xtask bench install` installs the peers",
        String::from_utf8_lossy(&made.stderr)
    );
    site
}

fn bare_site(head: &str) -> Site {
    let site = Site::new();
    for (path, mut body) in original_files() {
        let watch = match path.as_str() {
            "index.html" => format!("<head><script>{WATCH}</script>"),
            _ => "<head>".to_owned(),
        };
        if path.ends_with(".html") {
            let text = String::from_utf8(body).unwrap();
            let text = text.replacen("<head>", &watch, 1);
            body = text
                .replacen("</head>", &format!("{head}</head>"), 1)
                .into_bytes();
        }
        site.file(&path, body);
    }
    site
}

/// Every file of the site: 30 pages, and 270 files with hashed names.
fn original_files() -> Vec<(String, Vec<u8>)> {
    let mut noise = Noise(7);
    let mut files = Vec::new();
    let mut tags = String::new();
    for number in 0..FILES - PAGES {
        let (ending, before, after) = match number {
            _ if number >= LOADED => ("webp", "", ""),
            _ if number % 2 == 0 => ("js", "/*", "*/"),
            _ => ("css", "/*", "*/"),
        };
        let mut body = before.as_bytes().to_vec();
        match ending {
            "webp" => body.extend(noise.bytes(FILE_BYTES)),
            _ => body.extend(noise.letters(FILE_BYTES - 4)),
        }
        body.extend(after.as_bytes());
        let path = format!("assets/part-{number}.{:08x}.{ending}", noise.next() as u32);
        match ending {
            "js" => tags += &format!("<script type=module src=/{path}></script>"),
            "css" => tags += &format!("<link rel=stylesheet href=/{path}>"),
            _ => {}
        }
        files.push((path, body));
    }
    for number in 0..PAGES {
        let (path, tags) = match number {
            0 => ("index.html".to_owned(), tags.as_str()),
            _ => (format!("pages/page-{number}.html"), ""),
        };
        let start = format!(
            "<!doctype html><html lang=en><head><meta charset=utf-8><title>{number}</title>\
             <link rel=icon href=data:,>{tags}</head><body><p>"
        );
        let text = noise.letters(FILE_BYTES.saturating_sub(start.len()));
        files.push((path, [start.into_bytes(), text].concat()));
    }
    files
}

/// Bytes that look random and are the same in each run (xorshift).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.next() >> 56) as u8).collect()
    }

    /// Six bits in each letter: what is left to compress is a quarter.
    fn letters(&mut self, count: usize) -> Vec<u8> {
        const LETTERS: &[u8; 64] =
            b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
        let letter = |byte: u8| LETTERS[usize::from(byte >> 2)];
        self.bytes(count).into_iter().map(letter).collect()
    }
}

fn benches() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches")
}

fn setting(name: &str, default: &str) -> Vec<usize> {
    let text = std::env::var(name).unwrap_or_else(|_| default.to_owned());
    text.split(',')
        .map(|part| {
            part.trim()
                .parse()
                .unwrap_or_else(|_| panic!("`{name}` is no list of numbers"))
        })
        .collect()
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.len() % 2 {
        1 => numbers[middle],
        _ => (numbers[middle - 1] + numbers[middle]) / 2.0,
    }
}

const FILES: usize = 300;
const PAGES: usize = 30;
const LOADED: usize = 10;
const FILE_BYTES: usize = 8_192;
const QUIET: Duration = Duration::from_secs(2);
const INSTALL_DEADLINE: Duration = Duration::from_secs(120);
