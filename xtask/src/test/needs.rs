//! What a stage needs from the machine, and how it gets there.
//!
//! On Debian and its kin, as root, packages are installed; elsewhere we say what to install. Only
//! stages that were chosen ask, so a run of the Rust stages alone needs neither Node nor Chromium. They
//! ask while others run: what is installed is told in a line, and all of its words only if it cannot be.

use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::shell::{cargo, command, on_path, output, root};

/// A part of the Rust toolchain that may have been left out of the machine.
pub(super) fn component(subcommand: &str, component: &str) -> Result<()> {
    if output(cargo(&[subcommand, "--version"])).is_err() {
        bail!("`cargo {subcommand}` is not here\nhelp: `rustup component add {component}`");
    }
    Ok(())
}

/// A Chromium: `$REVISIT_CHROMIUM`, or one of the usual names on the `PATH`.
pub(crate) fn chromium() -> Result<()> {
    if let Some(chosen) = std::env::var_os("REVISIT_CHROMIUM") {
        if Path::new(&chosen).is_file() {
            return Ok(());
        }
        bail!(
            "`$REVISIT_CHROMIUM` names `{}`, where no file is",
            chosen.display()
        );
    }
    if CHROMIUM_NAMES.iter().any(|name| on_path(name)) {
        return Ok(());
    }
    install(
        &["chromium"],
        "install Chromium, or set `REVISIT_CHROMIUM` to one",
    )
}

/// What the end-to-end tests drive: a browser, Vite, the workers of Workbox and sw-precache, other hosts.
pub(super) fn end_to_end() -> Result<()> {
    chromium()?;
    node()?;
    node_modules(".")?;
    node_modules("benches")?;
    // `setpriv` is for tests that run as root
    let mut programs = vec![("python3", "python3"), ("setpriv", "util-linux")];
    programs.extend(server("nginx", "nginx-light"));
    install_missing(
        &programs,
        "install Python 3, nginx and setpriv (util-linux)",
    )
}

/// The package of a server that administrators start, if it is not here.
fn server(name: &'static str, package: &'static str) -> Option<(&'static str, &'static str)> {
    let there = Path::new("/usr/sbin").join(name).is_file();
    (!there).then_some((name, package))
}

/// `strace`, which lets a program's calls go wrong.
pub(crate) fn strace() -> Result<()> {
    install_missing(
        &[("strace", "strace")],
        "install `strace`; it is there for Linux only",
    )
}

/// The peers of `cargo xtask bench gateway`, and the client that loads them.
pub(crate) fn bench_gateway() -> Result<()> {
    let mut programs = vec![("wrk", "wrk"), ("taskset", "util-linux")];
    programs.extend(server("nginx", "nginx-light"));
    programs.extend(server("varnishd", "varnish"));
    install_missing(
        &programs,
        "install nginx, Varnish, wrk and taskset (util-linux)",
    )
}

/// Firefox, the long-lived one that Debian has.
pub(super) fn firefox() -> Result<()> {
    install_missing(
        &[("firefox-esr", "firefox-esr")],
        "install Firefox ESR, as `firefox-esr` on the `PATH`",
    )
}

/// `surf`, a window around WebKitGTK, and a screen that it can be on.
pub(super) fn webkit() -> Result<()> {
    install_missing(
        &[("surf", "surf"), ("Xvfb", "xvfb")],
        "install `surf` (https://surf.suckless.org) and Xvfb",
    )
}

/// Node and npm, new enough for its test runner and for eslint.
pub(crate) fn node() -> Result<()> {
    install_missing(
        &[("node", "nodejs"), ("npm", "npm")],
        "install Node 20 or later, with npm (https://nodejs.org)",
    )?;
    let version = String::from_utf8(output(command("node", &["--version"]))?)?;
    match major(&version) {
        Some(major) if major >= NODE_MAJOR_MIN => Ok(()),
        _ => bail!(
            "this Node is {}\nhelp: the tests of the JavaScript want Node {NODE_MAJOR_MIN} or later; \
             building and using Revisit want none",
            version.trim()
        ),
    }
}

/// The npm packages of a folder (`.` is the root), as its lock file names them.
pub(crate) fn node_modules(folder: &str) -> Result<()> {
    let modified = |path: &str| {
        let path = root().join(folder).join(path);
        path.metadata().and_then(|meta| meta.modified()).ok()
    };
    let installed = modified("node_modules/.package-lock.json");
    if out_of_date(installed, modified("package-lock.json")) {
        let args = ["ci", "--prefix", folder, "--no-audit", "--no-fund"];
        println!("the npm packages of `{folder}` are not here: installing");
        output(command("npm", &args)).context("the npm packages cannot be installed")?;
    }
    Ok(())
}

/// Whether what npm installed is missing, or older than the lock file that it came from.
fn out_of_date(installed: Option<SystemTime>, locked: Option<SystemTime>) -> bool {
    match (installed, locked) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(installed), Some(locked)) => installed < locked,
    }
}

/// Installs the packages of those programs that are not on the `PATH`.
fn install_missing(programs: &[(&str, &str)], otherwise: &str) -> Result<()> {
    let missing = programs.iter().filter(|(program, _)| !on_path(program));
    let packages: Vec<&str> = missing.map(|(_, package)| *package).collect();
    match packages.is_empty() {
        true => Ok(()),
        false => install(&packages, otherwise),
    }
}

fn install(packages: &[&str], otherwise: &str) -> Result<()> {
    let what = packages.join(" and ");
    if !on_path("apt-get") || !is_root() {
        bail!(
            "{what} is not here\nhelp: {otherwise}; as root on Debian or Ubuntu this command does it by itself"
        );
    }
    println!("{what} is not here: installing");
    output(command("apt-get", &["update", "--quiet"]))?;
    let mut args = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
    args.extend(packages);
    let mut apt = command("apt-get", &args);
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    output(apt).with_context(|| format!("{what} cannot be installed"))?;
    Ok(())
}

fn is_root() -> bool {
    output(command("id", &["-u"])).is_ok_and(|id| id.trim_ascii() == b"0")
}

/// `20` of `v20.19.2`.
fn major(version: &str) -> Option<u32> {
    version
        .trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}

const CHROMIUM_NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];
const NODE_MAJOR_MIN: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn packages_are_installed_when_missing_or_older_than_the_lock_file() {
        let early = SystemTime::UNIX_EPOCH;
        let late = early + Duration::from_secs(1);
        assert!(out_of_date(None, Some(early)));
        assert!(out_of_date(Some(early), Some(late)));
        assert!(!out_of_date(Some(late), Some(late)));
        assert!(!out_of_date(Some(late), Some(early)));
    }

    #[test]
    fn the_major_version_is_read_from_what_node_says() {
        assert_eq!(major("v20.19.2\n"), Some(20));
        assert_eq!(major("v8.0.0"), Some(8));
        assert_eq!(major("node"), None);
    }
}
