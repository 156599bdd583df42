//! `cargo xtask bench code-cache`: how may a worker keep a script so that V8 need not compile it again?
//!
//! V8 keeps what it has compiled beside the stored response, if it can still tell where that lies.
//! The same scripts are kept in several ways, and each is run as a returning visitor does: the browser was
//! started anew, so nothing is in memory. Measured is what the page waits for, from inserting a
//! `<script>` to its `load` event, which fires when it has run.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal, which ends loudly when a step does not succeed"
)]

#[path = "../tests/harness/mod.rs"]
mod harness;
#[path = "numbers.rs"]
mod numbers;

use std::path::Path;
use std::time::Duration;

use harness::{Browser, Origin, Site, Tab};
use numbers::{median, setting};
use serde_json::json;

/// The ways, and in words; what a name says, `code-cache-worker.js` does.
const WAYS: [(&str, &str); 7] = [
    ("http", "no answer: HTTP cache"),
    ("straight", "put from `fetch`"),
    ("clone", "… after its clone was hashed"),
    ("key", "… under another key"),
    ("clone-key-loaded", "… both, out of the HTTP cache"),
    ("bytes", "`new Response(bytes)` put"),
    ("slice", "slice of a kept body"),
];

const KILOBYTES: [usize; 8] = [5, 10, 20, 30, 50, 100, 300, 1000];

/// Real code beside the generated, out of what the peers bring along.
const LIBRARIES: [&str; 3] = [
    "json5/dist/index.min.js",
    "acorn/dist/acorn.js",
    "terser/dist/bundle.min.js",
];

/// A script: its name below each way, and its size.
struct Script {
    name: String,
    bytes: usize,
}

fn main() {
    // `cargo test --all-targets` starts benchmarks as well, without this word; there is nothing to test here.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let runs = setting("REVISIT_BENCH_RUNS", "15")[0].max(1);
    let (site, scripts) = make_site();
    let origin = Origin::serve(site.path());
    origin.cache_control(Some("public, max-age=31536000, immutable"));
    let mut browser = Browser::start();
    install(&browser.tab(), &origin, &scripts);
    let mut times = vec![vec![Vec::new(); scripts.len()]; WAYS.len()];
    for visit in 0..WARM_VISITS + runs {
        eprintln!("visit {} of {}", visit + 1, WARM_VISITS + runs);
        browser.restart();
        for turn in 0..WAYS.len() {
            let way = (turn + visit) % WAYS.len();
            let tab = browser.tab();
            tab.load(&origin.url("/page.html")).ok();
            let took = run_all(&tab, WAYS[way].0, &scripts, visit * 5 + turn);
            if visit < WARM_VISITS {
                // V8 writes its cache when the page has come to rest, and says nothing when it has.
                std::thread::sleep(REST);
            } else {
                for (times, took) in times[way].iter_mut().zip(took) {
                    times.push(took);
                }
            }
            tab.close();
        }
    }
    report(&scripts, &times, runs);
}

/// Runs every script of a way, the first of them another in each turn; milliseconds, in the scripts' order.
fn run_all(tab: &Tab, way: &str, scripts: &[Script], turn: usize) -> Vec<f64> {
    let mut order: Vec<usize> = (0..scripts.len()).collect();
    order.rotate_left(turn % scripts.len());
    let names: Vec<_> = order.iter().map(|at| &scripts[*at].name).collect();
    let took = tab.run(&format!(
        "{RUN}
         await run('/{way}/{WARM}');
         const took = [];
         for (const name of {}) took.push(await run('/{way}/' + name));
         return took;",
        json!(names)
    ));
    let mut times = vec![0.0; scripts.len()];
    for (place, at) in order.into_iter().enumerate() {
        times[at] = took[place].as_f64().expect("the page gives milliseconds");
    }
    times
}

/// Registers the worker, which controls the next page, and has it keep what there is.
fn install(tab: &Tab, origin: &Origin, scripts: &[Script]) {
    tab.load(&origin.url("/page.html")).ok();
    let error = tab.run(&format!(
        "{RUN}
         for (const name of [{}, ...{}]) await run('/clone-key-loaded/' + name);
         await navigator.serviceWorker.register('/sw.js');
         const {{ active }} = await navigator.serviceWorker.ready;
         const {{ port1, port2 }} = new MessageChannel();
         active.postMessage('', [port2]);
         return await new Promise((resolve) => (port1.onmessage = ({{ data }}) => resolve(data)));",
        json!(WARM),
        json!(
            scripts
                .iter()
                .map(|script| &script.name)
                .collect::<Vec<_>>()
        )
    ));
    assert!(error.is_null(), "the worker could not keep all: {error}");
}

fn report(scripts: &[Script], times: &[Vec<Vec<f64>>], runs: usize) {
    println!("### code-cache\n");
    println!(
        "Milliseconds from inserting a `<script>` to its `load` event, least and median of {runs} visits, each after a restart \
         of the browser; {WARM_VISITS} visits went before, for V8 to write its cache. Generated code that calls a third of its \
         functions, and libraries.\n"
    );
    let head = |script: &Script| format!(" {} {} kB |", script.name, script.bytes / 1000);
    let heads: String = scripts.iter().map(head).collect();
    println!(
        "| kept |{heads}\n| --- |{}",
        " ---: |".repeat(scripts.len())
    );
    for ((_, words), times) in WAYS.iter().zip(times) {
        let cell = |times: &Vec<f64>| {
            let least = times.iter().copied().fold(f64::INFINITY, f64::min);
            let median = median(times.iter().copied()).unwrap_or(f64::NAN);
            format!(" {least:.1}, {median:.1} |")
        };
        println!("| {words} |{}", times.iter().map(cell).collect::<String>());
    }
}

fn make_site() -> (Site, Vec<Script>) {
    let libraries = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/node_modules");
    let site = Site::new();
    let mut scripts = Vec::new();
    // Other code for each way: what one has compiled must not serve another.
    for (seed, (way, _)) in WAYS.iter().enumerate() {
        let generated = KILOBYTES.map(|size| (format!("{size}.js"), code(seed, size)));
        let libraries = LIBRARIES.map(|path| {
            let text = std::fs::read_to_string(libraries.join(path)).unwrap_or_else(|error| {
                panic!("cannot read `{path}`: {error}\nhelp: `cargo xtask bench code-cache` installs it")
            });
            let name = path.split('/').next().unwrap_or(path);
            (format!("{name}.js"), format!("{text}\n//{seed}"))
        });
        scripts.clear();
        for (name, text) in generated.into_iter().chain(libraries) {
            site.file(&format!("{way}/{name}"), &text);
            let bytes = text.len();
            scripts.push(Script { name, bytes });
        }
        site.file(&format!("{way}/{WARM}"), code(seed, 2));
    }
    let mut names: Vec<_> = scripts.iter().map(|script| script.name.as_str()).collect();
    names.push(WARM);
    // The first way is that the worker does not answer.
    let ways: Vec<_> = WAYS[1..].iter().map(|(way, _)| way).collect();
    let worker = include_str!("code-cache-worker.js");
    let lists = format!("const WAYS = {}, NAMES = {}\n", json!(ways), json!(names));
    site.file("sw.js", lists + worker);
    site.file("page.html", "<!doctype html><link rel=icon href=data:,>");
    (site, scripts)
}

/// A script of about this size as bundlers write them: many functions, a third of them called at once.
fn code(seed: usize, kilobytes: usize) -> String {
    let mut text = "(()=>{let sum=0;".to_owned();
    let mut number = seed * 100_000;
    while text.len() < kilobytes * 1000 - 300 {
        let n = number;
        text += &format!(
            "class C{n}{{constructor(e){{this.items=e,this.state={{open:!1,label:\"c{n}\"}}}}get size(){{return this.items.length}}\
             add(e,t){{return this.items.push({{id:e,key:\"k{n}-\"+t,on:e=>e?.target?.value??t}}),this}}\
             find(e){{for(const t of this.items)if(t.id===e)return t;return null}}}}\
             function f{n}(e,t){{const r=new C{n}([]);for(let n=0;n<3;n++)r.add(n*e,t);switch(e%4){{case 0:return r.size;\
             case 1:return r.find(e)?.key.length??{n};case 2:{{const{{open:e,...t}}=r.state;return e?t.label:Object.keys(t).length}}\
             default:try{{return JSON.stringify(r.items).length}}catch(e){{return console.error(e),0}}}}}}"
        );
        if n.is_multiple_of(3) {
            text += &format!("sum+=f{n}({},\"t\");", n % 7);
        }
        number += 1;
    }
    text + "window.sum=sum})();"
}

const RUN: &str = "
    const run = (url) => new Promise((resolve, reject) => {
        const script = document.createElement('script');
        script.src = url;
        script.onerror = () => reject(new Error(url));
        const start = performance.now();
        script.onload = () => resolve(performance.now() - start);
        document.head.append(script);
    });";

/// The script that wakes the worker before the others are timed.
const WARM: &str = "warm.js";
/// V8 notes the first run, writes its cache on the second and reads it from the third.
const WARM_VISITS: usize = 4;
const REST: Duration = Duration::from_secs(2);
