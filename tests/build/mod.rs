//! `revisit build` as its user meets it: what it refuses and in which words, and what it leaves
//! on the disk when all goes well, and when not.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests: a panic is an answer, and what was tried is said"
)]

mod again;
mod appcache;
mod bad_input;
mod budget;
mod disk;
mod hosts;
mod import;
mod matches;
mod moving;
mod names;
mod output;
mod pages;
mod prefixes;
mod previous;
mod uninstall;
mod vite;
mod warned;
mod watch;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{Browser, Origin, Output, Serve, Site, Tab, cache_home, cannot_run, revisit};

/// A page that loads a style sheet and a script, and a second page beside it.
fn small_site() -> Site {
    let site = Site::new();
    site.file(
        "index.html",
        "<!doctype html><html><head><title>Home</title><link rel=icon href=data:,>\
         <link rel=stylesheet href=site.css><script src=app.js></script></head>\
         <body><h1>Home</h1></body></html>",
    )
    .file("site.css", "h1 { color: rgb(1, 2, 3) }")
    .file("app.js", "document.documentElement.dataset.app = 'ran'")
    .file(
        "about/index.html",
        "<!doctype html><title>About</title><h1>About</h1>",
    );
    site
}

/// `revisit build SITE` with more words.
#[track_caller]
fn build(site: &Path, more: &[&str]) -> Output {
    let mut words: Vec<&OsStr> = vec!["build".as_ref(), site.as_os_str()];
    words.extend(more.iter().map(OsStr::new));
    revisit(&words)
}

/// [`build`] by a config.
#[track_caller]
fn build_with(site: &Path, config: &str, more: &[&str]) -> Output {
    let folder = Site::new();
    folder.file("revisit.toml", config);
    let config = text(&folder.path().join("revisit.toml"));
    let mut words = vec!["--config", &config];
    words.extend(more);
    build(site, &words)
}

/// The report of a build that has to go well.
#[track_caller]
fn report(output: &Output) -> Value {
    let printed: Value = serde_json::from_str(&output.ok().stdout)
        .unwrap_or_else(|error| panic!("{error} in:\n{}", output.stdout));
    printed["report"].clone()
}

/// The build was refused: with this status, with these words about fact and cause, and a remedy.
#[track_caller]
fn check_refused(output: &Output, code: i32, words: &[&str]) {
    let said = &output.stderr;
    assert_eq!(output.code, Some(code), "{said}");
    assert_eq!(output.stdout, "", "results go nowhere when there are none");
    assert!(said.starts_with("error: "), "no fact in:\n{said}");
    assert!(said.contains("\nhelp: "), "no remedy in:\n{said}");
    assert!(!said.contains("panicked"), "{said}");
    for words in words {
        assert!(said.contains(words), "`{words}` is not in:\n{said}");
    }
}

/// All that a command said, line for line; `{}` stands for what differs from run to run.
#[track_caller]
fn check_said(said: &str, expected: &str) {
    let same = |(line, expected): (&str, &str)| {
        let mut parts = expected.split("{}");
        let mut rest = line.strip_prefix(parts.next().unwrap_or_default());
        for part in parts {
            rest = rest.and_then(|rest| match part {
                "" => Some(""),
                part => rest.split_once(part).map(|(_, rest)| rest),
            });
        }
        rest == Some("")
    };
    let alike = said.lines().count() == expected.lines().count();
    assert!(
        alike && said.lines().zip(expected.lines()).all(same),
        "it said:\n{said}instead of:\n{expected}"
    );
}

/// Every file that the manifest of a built site names is there, whole, and is the one it means.
#[track_caller]
fn check_whole(built: &Site) {
    let files = built.files();
    let mut manifests = files
        .iter()
        .filter(|(name, _)| name.starts_with("revisit/manifest-"));
    let (Some((name, bytes)), None) = (manifests.next(), manifests.next()) else {
        panic!("not one manifest in {:?}", files.keys());
    };
    assert_eq!(
        *name,
        format!("revisit/manifest-{}.json", short_hash(bytes))
    );
    let worker = String::from_utf8_lossy(&files["sw.js"]);
    assert!(
        worker.contains(&short_hash(bytes)),
        "the worker means another build"
    );
    let manifest: Value = serde_json::from_slice(bytes).unwrap();
    // a head (header fields, packs, firsts), and the rows in parts
    let list = |value: &Value| value.as_array().cloned().expect("a list");
    let packs = list(&manifest[0][1]);
    let mut bodies = Vec::new();
    for pack in &packs {
        let name = format!("revisit/{}.pack", pack[0].as_str().unwrap_or_default());
        assert_eq!(Some(files[&name].len() as u64), pack[1].as_u64(), "{name}");
        let mut body = files[&name].clone();
        if pack[2] == 1 {
            body = Vec::new();
            let mut decoder = flate2::read::GzDecoder::new(&*files[&name]);
            std::io::Read::read_to_end(&mut decoder, &mut body).unwrap();
        }
        assert_eq!(short_hash(&body), pack[0], "{name}");
        bodies.push(body);
    }
    let mut ends = BTreeMap::new();
    let parts = list(&manifest).into_iter().skip(1).enumerate();
    for (part, row) in
        parts.flat_map(|(part, rows)| list(&rows).into_iter().map(move |row| (part, row)))
    {
        let name = row[0].as_str().unwrap_or_default();
        let bytes = &files[name];
        let hash = row[1]
            .as_str()
            .and_then(|hash| hash.split('.').next())
            .filter(|hash| hash.len() >= 8)
            .unwrap_or("none");
        assert!(
            short_hash(bytes).starts_with(hash),
            "`{name}` is not the file that was hashed"
        );
        assert_eq!(row[2], bytes.len(), "{name}");
        if let Some(pack) = row[3].as_u64() {
            // what is not said is the end of the file before
            let at = row[5]
                .as_u64()
                .or_else(|| ends.get(&(part, pack)).copied())
                .unwrap() as usize;
            ends.insert((part, pack), (at + bytes.len()) as u64);
            let slice = &bodies[pack as usize][at..at + bytes.len()];
            assert!(slice == &bytes[..], "`{name}` is another in its pack");
        }
    }
}

/// As a build names its files: the first 12 bytes of the SHA-256, in the URL's base64.
fn short_hash(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let hash = revisit_generator::sha256(bytes);
    let threes = hash[..12].chunks(3);
    let bits = threes.map(|three| {
        three
            .iter()
            .fold(0, |bits, byte| bits << 8 | usize::from(*byte))
    });
    bits.flat_map(|bits| [18, 12, 6, 0].map(|by| DIGITS[bits >> by & 63] as char))
        .collect()
}

/// Bytes that no compression makes smaller.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// Runs `revisit` without the rights of an administrator, who may read and write all; `None`,
/// with a word, when there is no way to.
fn without_rights(words: &[&OsStr]) -> Option<Output> {
    let mut command = if rustix::process::geteuid().is_root() {
        if Command::new("setpriv").arg("--version").output().is_err() {
            cannot_run(
                "tests run as root, and there is no `setpriv`",
                "install it (util-linux), or run the tests as somebody else",
            );
            return None;
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command
    } else {
        Command::new("env")
    };
    // Where the binary lies, others may not be allowed to look.
    let folder = Site::new();
    let binary = folder.path().join("revisit");
    let built = env!("CARGO_BIN_EXE_revisit");
    fs::hard_link(built, &binary)
        .or_else(|_| fs::copy(built, &binary).map(drop))
        .unwrap();
    rights(folder.path(), 0o755);
    command
        .arg(&binary)
        .args(words)
        .current_dir("/")
        .stdin(Stdio::null())
        .env("XDG_CACHE_HOME", folder.path().join("cache"))
        .env("NO_COLOR", "1");
    let output = command.env_remove("RUST_LOG").output().unwrap();
    Some(Output {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

fn rights(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// A tab in which the page of `url` is loaded, and its site installed.
fn installed(browser: &Browser, url: &str) -> Tab {
    let tab = browser.tab();
    tab.load(url).ok();
    tab.wait_for(
        "window.revisit?.state === 'installed' && revisit.complete",
        "the page client to say `installed`, and `complete`",
    );
    tab
}

/// Two pictures of a folder, compared without printing megabytes when they differ.
#[track_caller]
fn check_same(found: &BTreeMap<String, Vec<u8>>, expected: &BTreeMap<String, Vec<u8>>) {
    let names: Vec<_> = found.keys().collect();
    assert_eq!(names, expected.keys().collect::<Vec<_>>());
    for (name, bytes) in found {
        assert!(*bytes == expected[name], "`{name}` has other bytes");
    }
}

/// The remedy where a test cannot mount a file system.
const MOUNTING: &str =
    "run the tests as root on Linux, or by `unshare --map-root-user --mount cargo test …`";
