//! `cargo xtask bench`: how fast and how small are we, beside a peer in the same run?
//!
//! Results go to standard output as Markdown that can be pasted into the docs; what is under way
//! goes to standard error. Sites and outputs lie under `target/bench`. Nothing here is a test: a
//! number that is missed is read by people.

mod build;
mod floor;
mod gateway;
mod measure;
mod replay;
mod size;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::Stop;
use crate::shell::{self, cargo, command, root, target_dir};
use crate::test::needs;

/// Runs one benchmark.
pub(crate) fn run(words: &[&str]) -> Result<(), Stop> {
    match words {
        ["build", rest @ ..] => {
            let options = Options::parse(rest, &["files", "runs"])?;
            let files = options.numbers("files", &[1_000, 10_000, 50_000])?;
            let runs = options.number("runs", 5)?;
            Ok(build::run(&files, runs)?)
        }
        ["size", rest @ ..] => {
            Options::parse(rest, &[])?;
            Ok(size::run()?)
        }
        ["gateway", rest @ ..] => {
            let known = ["rounds", "seconds", "requests", "objects"];
            let options = Options::parse(rest, &known)?;
            let settings = gateway::Settings {
                rounds: options.number("rounds", 5)?,
                seconds: options.number("seconds", 3)?,
                requests: options.number("requests", 10_000)?,
                objects: options.number("objects", 50_000)?,
            };
            Ok(gateway::run(&settings)?)
        }
        ["replay", rest @ ..] => {
            let options = Options::parse(rest, &["runs"])?;
            Ok(replay::run(options.number("runs", 5)?)?)
        }
        ["install", rest @ ..] => {
            let options = Options::parse(rest, &["runs", "files", "delays", "rate"])?;
            // No default stands here: the benchmark has them, for who starts it without us.
            let settings = ["runs", "files", "delays", "rate"]
                .into_iter()
                .map(|name| Ok((name, options.numbers(name, &[])?)))
                .collect::<Result<Vec<_>, Stop>>()?;
            peers()?;
            Ok(in_a_browser("install", &settings)?)
        }
        ["code-cache", rest @ ..] => {
            let options = Options::parse(rest, &["runs"])?;
            let runs = options.numbers("runs", &[])?;
            peers()?;
            Ok(in_a_browser("code_cache", &[("runs", runs)])?)
        }
        ["store", rest @ ..] => {
            let options = Options::parse(rest, &["entries", "puts"])?;
            let mut bench = cargo(&[
                "bench",
                "--quiet",
                "--package",
                "revisit-store",
                "--bench",
                "store",
            ]);
            for name in ["entries", "puts"] {
                if let Some(number) = options.numbers(name, &[])?.first() {
                    bench.env(
                        format!("REVISIT_BENCH_{}", name.to_uppercase()),
                        number.to_string(),
                    );
                }
            }
            needs::strace()?;
            heading("Store");
            Ok(shell::run(bench)?)
        }
        // What `build` runs as a process of its own, to be measured like its peers.
        ["floor", kind @ ("hash" | "stat"), site] => Ok(floor::run(kind, Path::new(site))?),
        [] => Err(Stop::Words(format!(
            "a benchmark wants its name\nhelp: there are {}",
            NAMES.join(", ")
        ))),
        [other, ..] => Err(Stop::Words(shell::unknown("benchmark", other, &NAMES))),
    }
}

/// What drives a browser does so with the tool box of the end-to-end tests, so it is a bench target of
/// the package that these belong to. Settings that were given go along as `REVISIT_BENCH_…`.
fn in_a_browser(name: &str, settings: &[(&str, Vec<usize>)]) -> Result<()> {
    needs::chromium()?;
    let mut bench = cargo(&["bench", "--quiet", "--package", "revisit", "--bench", name]);
    for (setting, numbers) in settings {
        if numbers.is_empty() {
            continue;
        }
        let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
        let variable = format!("REVISIT_BENCH_{}", setting.to_uppercase());
        bench.env(variable, numbers.join(","));
    }
    shell::run(bench)
}

const NAMES: [&str; 7] = [
    "build",
    "size",
    "gateway",
    "install",
    "code-cache",
    "replay",
    "store",
];

/// The words after a benchmark's name: `--name value`.
struct Options<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Options<'a> {
    fn parse(words: &[&'a str], known: &[&str]) -> Result<Self, Stop> {
        let mut options = Vec::new();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let name = word.strip_prefix("--").unwrap_or(word);
            if !known.contains(&name) {
                return Err(Stop::Words(shell::unknown("option", word, known)));
            }
            let value = words
                .next()
                .ok_or_else(|| Stop::Words(format!("`{word}` wants a value")))?;
            options.push((name, *value));
        }
        Ok(Self(options))
    }

    fn numbers(&self, name: &str, default: &[usize]) -> Result<Vec<usize>, Stop> {
        let Some((_, value)) = self.0.iter().find(|(given, _)| *given == name) else {
            return Ok(default.to_vec());
        };
        value
            .split(',')
            .map(|part| part.trim().parse())
            .collect::<Result<_, _>>()
            .map_err(|_| Stop::Words(format!("`--{name} {value}` is no list of numbers")))
    }

    fn number(&self, name: &str, default: usize) -> Result<usize, Stop> {
        match self.numbers(name, &[default])?[..] {
            [one] if one > 0 => Ok(one),
            _ => Err(Stop::Words(format!("`--{name}` wants one number, from 1"))),
        }
    }
}

/// Installs the peers as their lock file names them.
fn peers() -> Result<()> {
    needs::node()?;
    needs::node_modules("benches")
}

/// Where sites and outputs lie.
fn folder() -> PathBuf {
    target_dir().join("bench")
}

/// A folder of this name that is there, and empty.
fn empty(path: &Path) -> Result<()> {
    if path.exists() {
        std::fs::remove_dir_all(path)
            .with_context(|| format!("cannot empty `{}`", path.display()))?;
    }
    std::fs::create_dir_all(path).with_context(|| format!("cannot make `{}`", path.display()))
}

/// Builds `revisit` and ourselves as they would be released.
fn release() -> Result<()> {
    for package in ["revisit", "xtask"] {
        let build = [
            "build",
            "--release",
            "--quiet",
            "--package",
            package,
            "--bins",
        ];
        eprintln!("building `{package}`");
        let status = cargo(&build)
            .stdout(std::process::Stdio::inherit())
            .status()?;
        anyhow::ensure!(status.success(), "`{package}` does not build");
    }
    Ok(())
}

fn released(name: &str) -> PathBuf {
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    target_dir().join("release").join(name)
}

/// `revisit build SITE` or `… --out OUT` with a config, and a cache folder of its own.
fn revisit_build(site: &Path, out: Option<&Path>, config: &Path, cache: &Path) -> Command {
    let mut command = Command::new(released("revisit"));
    command
        .arg("build")
        .arg(site)
        .arg("--config")
        .arg(config)
        .env("XDG_CACHE_HOME", cache)
        .current_dir(root());
    if let Some(out) = out {
        command.arg("--out").arg(out);
    }
    command
}

/// Workbox's `generateSW` over every file of a site.
fn workbox_build(site: &Path, worker: &Path, more: &[&str]) -> Command {
    let mut command = command("node", &["benches/workbox-build.mjs"]);
    command.arg(site).arg(worker).args(more);
    command
}

/// A made site of so many files, kept from one run of the benchmark to the next.
fn made_site(files: usize) -> Result<PathBuf> {
    let site = folder().join(format!("site-{files}"));
    let whole = folder().join(format!("site-{files}.whole"));
    if !whole.exists() {
        eprintln!("making a site of {files} files");
        empty(&site)?;
        let mut command = command("python3", &["benches/sitegen.py"]);
        command.arg(&site).arg(files.to_string());
        shell::output(command)?;
        std::fs::write(&whole, "")?;
    }
    Ok(site)
}

/// The revision that is measured, and where: no number without them.
fn heading(title: &str) {
    let say = |command| {
        shell::output(command)
            .ok()
            .map(|out| String::from_utf8_lossy(&out).trim().to_owned())
            .unwrap_or_default()
    };
    let revision = say(command("git", &["rev-parse", "--short", "HEAD"]));
    let changed = !say(command("git", &["status", "--porcelain"])).is_empty();
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    println!("### {title}\n");
    println!(
        "Revision {}{}, {} {}, {cpus} CPUs. ",
        if revision.is_empty() {
            "none"
        } else {
            &revision
        },
        if changed { " with changes" } else { "" },
        std::env::consts::OS,
        std::env::consts::ARCH,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_lists_of_numbers_with_defaults() {
        let options = Options::parse(&["--files", "10, 20"], &["files", "runs"])
            .ok()
            .unwrap();
        assert_eq!(options.numbers("files", &[1]).ok().unwrap(), [10, 20]);
        assert_eq!(options.number("runs", 5).ok().unwrap(), 5);
        assert!(Options::parse(&["--file", "1"], &["files"]).is_err());
        assert!(Options::parse(&["--files"], &["files"]).is_err());
        let odd = Options::parse(&["--files", "many"], &["files"])
            .ok()
            .unwrap();
        assert!(odd.numbers("files", &[1]).is_err());
    }
}
