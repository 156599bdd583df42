//! `bench size`: how many bytes does a worker take, beside Workbox's for the same files?

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::measure::cost;
use super::{empty, folder, heading, made_site, peers, release, revisit_build, workbox_build};
use crate::shell::{command, output};

/// A worker that is measured: how each side is told to make it.
struct Kind {
    name: &'static str,
    config: &'static str,
    workbox: &'static [&'static str],
}

const KINDS: [Kind; 3] = [
    Kind {
        name: "precache",
        config: "",
        workbox: &[],
    },
    Kind {
        name: "precache, fallback",
        config: "[worker]\nfallback = \"index.html\"\n",
        workbox: &["--fallback", "/index.html"],
    },
    Kind {
        name: "precache, fallback, 3 expiring routes",
        config: "[worker]\nfallback = \"index.html\"\n\
                 [[route]]\npath = \"/api/**\"\nstrategy = \"network-first\"\ntimeout_seconds = 3\n\
                 name = \"api\"\nmax_entries = 50\nmax_age_seconds = 86400\n\
                 [[route]]\npath = \"/pictures/**\"\nstrategy = \"cache-first\"\n\
                 name = \"pictures\"\nmax_entries = 60\nmax_age_seconds = 2592000\n\
                 [[route]]\npath = \"/css/**\"\nstrategy = \"stale-while-revalidate\"\n\
                 name = \"css\"\nmax_entries = 30\nmax_age_seconds = 2592000\n",
        workbox: &["--fallback", "/index.html", "--routes"],
    },
];

/// Measures both sides for a site of 100 files and one of 10,000.
pub(super) fn run() -> Result<()> {
    release()?;
    peers()?;
    let hundred = hundred_files()?;
    let many = made_site(10_000)?;
    heading("size");
    println!(
        "Bytes. “worker” is the script that is registered with what it imports (Workbox: `sw.js` with the entry \
         list, and its runtime); “list” what else an install reads to know its files (ours: `revisit/manifest-*.json`); \
         packs are the files themselves and do not count. gzip -9, brotli 11. The site of 100 files has short \
         hashed names; that of 10,000 is `benches/sitegen.py`'s, with every file precached on both sides.\n"
    );
    println!("| files | worker | whose | part | raw | gzip | brotli |");
    println!("| ---: | --- | --- | --- | ---: | ---: | ---: |");
    for kind in &KINDS {
        compare(100, &hundred, kind)?;
    }
    compare(10_000, &many, &KINDS[0])
}

fn compare(files: usize, site: &Path, kind: &Kind) -> Result<()> {
    let work = folder().join("size");
    empty(&work)?;
    let config = work.join("revisit.toml");
    let all = "[precache]\nbudget_bytes = 1099511627776\nexclude_defaults = false\n";
    std::fs::write(&config, format!("{all}{}", kind.config))?;
    let ours = work.join("ours");
    cost(revisit_build(
        site,
        Some(&ours),
        &config,
        &work.join("cache"),
    ))?;
    let theirs = work.join("theirs");
    std::fs::create_dir_all(&theirs)?;
    cost(workbox_build(site, &theirs.join("sw.js"), kind.workbox))?;

    let manifests = listed(&ours.join("revisit"), |name| {
        name.starts_with("manifest-") && name.ends_with(".json")
    })?;
    let runtime = listed(&theirs, |name| {
        name.starts_with("workbox-") && name.ends_with(".js")
    })?;
    let parts = [
        ("revisit", "worker", vec![ours.join("sw.js")]),
        ("revisit", "list", manifests.clone()),
        (
            "revisit",
            "total",
            [vec![ours.join("sw.js")], manifests].concat(),
        ),
        ("Workbox", "sw.js", vec![theirs.join("sw.js")]),
        ("Workbox", "runtime", runtime.clone()),
        (
            "Workbox",
            "total",
            [vec![theirs.join("sw.js")], runtime].concat(),
        ),
    ];
    for (whose, part, paths) in parts {
        let [raw, gzip, brotli] = sizes(&paths)?;
        println!(
            "| {files} | {} | {whose} | {part} | {raw} | {gzip} | {brotli} |",
            kind.name
        );
    }
    Ok(())
}

/// The sum of the files' sizes: as they are, by gzip and by brotli, each file by itself.
fn sizes(paths: &[PathBuf]) -> Result<[u64; 3]> {
    let mut command = command("node", &["benches/compressed.mjs"]);
    command.args(paths);
    let said: Value = serde_json::from_slice(&output(command)?)?;
    let number = |name: &str| {
        said[name]
            .as_u64()
            .context("`benches/compressed.mjs` says no number")
    };
    Ok([number("raw")?, number("gzip")?, number("brotli")?])
}

fn listed(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("the build left no `{}`", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(&wanted) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// 100 small files: two pages, and 98 with a hash in their names.
fn hundred_files() -> Result<PathBuf> {
    let site = folder().join("site-100-short");
    empty(&site)?;
    std::fs::create_dir_all(site.join("assets"))?;
    for page in ["index.html", "offline.html"] {
        let text = format!("<!doctype html><meta charset=utf-8><title>{page}</title><p>{page}</p>");
        std::fs::write(site.join(page), text)?;
    }
    for number in 0..98 {
        let (ending, text) = match number % 3 {
            0 => ("js", format!("export const number = {number};\n")),
            1 => ("css", format!(".part-{number} {{ order: {number} }}\n")),
            _ => (
                "svg",
                format!(
                    "<svg xmlns=\"http://www.w3.org/2000/svg\"><title>{number}</title></svg>\n"
                ),
            ),
        };
        let hash = Sha256::digest(&text);
        let hash: String = hash
            .iter()
            .take(4)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        std::fs::write(
            site.join(format!("assets/part-{number}.{hash}.{ending}")),
            text,
        )?;
    }
    Ok(site)
}
