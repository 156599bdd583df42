//! The site that every tool gets, what becomes of it in two deploys, and how each tool builds it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::first_byte::REPEATS;
use crate::harness::{Site, revisit};

/// Who is measured. `None` is a site without a worker, for what the browser does by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Revisit,
    Workbox,
    SwPrecache,
    None,
}

impl Tool {
    pub(crate) const WORKERS: [Tool; 3] = [Tool::Revisit, Tool::Workbox, Tool::SwPrecache];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Tool::Revisit => "revisit",
            Tool::Workbox => "Workbox",
            Tool::SwPrecache => "sw-precache",
            Tool::None => "no worker",
        }
    }
}

/// What is deployed, one after the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deploy {
    First,
    /// A script that the entry page loads has changed, and so its name, and so the entry page.
    HashedScript,
    /// Another page has changed, under its old name.
    Page,
}

/// One file of the site.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
}

/// The site as it is deployed with a tool, each deploy as a folder of its own.
pub(crate) struct Deploys {
    folders: Vec<Site>,
}

impl Deploys {
    pub(crate) fn build(tool: Tool, files: usize) -> Deploys {
        let mut folders: Vec<Site> = Vec::new();
        for deploy in [Deploy::First, Deploy::HashedScript, Deploy::Page] {
            // Ours builds over what it built before, for it keeps what it can of that.
            let site = match folders.last() {
                Some(before) if tool == Tool::Revisit => Site::copy_of(before.path()),
                _ => Site::new(),
            };
            write(&site, tool, deploy, files);
            build(&site, tool);
            folders.push(site);
        }
        Deploys { folders }
    }

    pub(crate) fn folder(&self, deploy: Deploy) -> &Path {
        self.folders[deploy as usize].path()
    }
}

/// Every file of the site: a tenth are pages, the others have hashed names: what the entry page loads, scripts
/// that nothing loads, and images.
pub(crate) fn files(count: usize, deploy: Deploy) -> Vec<File> {
    let mut noise = Noise(7);
    let mut files = Vec::new();
    let mut tags = String::new();
    let pages = count / 10;
    for number in 0..count - pages {
        let changed = number == 0 && deploy >= Deploy::HashedScript;
        let (ending, before, after) = match number {
            _ if number >= LOADED + SPARE_SCRIPTS => ("webp", "", ""),
            _ if number < LOADED && number % 2 == 1 => ("css", "/*", "*/"),
            _ => ("js", "/*", "*/"),
        };
        let mut body = before.as_bytes().to_vec();
        match ending {
            "webp" => body.extend(noise.bytes(FILE_BYTES)),
            _ => body.extend(noise.letters(FILE_BYTES - 4)),
        }
        body.extend(after.as_bytes());
        let mut hash = noise.next() as u32;
        if changed {
            hash ^= 1;
            body[FILE_BYTES / 2] = b'.';
        }
        let path = format!("assets/part-{number}.{hash:08x}.{ending}");
        match ending {
            _ if number >= LOADED => {}
            "js" => tags += &format!("<script type=module src=/{path}></script>"),
            "css" => tags += &format!("<link rel=stylesheet href=/{path}>"),
            _ => {}
        }
        files.push(File { path, body });
    }
    for number in 0..pages {
        let (path, tags) = match number {
            0 => ("index.html".to_owned(), tags.as_str()),
            _ => (page(number), ""),
        };
        let start = format!(
            "<!doctype html><html lang=en><head><meta charset=utf-8><title>{number}</title>\
             <link rel=icon href=data:,>{tags}</head><body><p>"
        );
        let text = noise.letters(FILE_BYTES.saturating_sub(start.len()));
        let mut body = [start.into_bytes(), text].concat();
        if number == 1 && deploy >= Deploy::Page {
            body[FILE_BYTES / 2] = b'.';
        }
        files.push(File { path, body });
    }
    files
}

/// The path of a page other than the entry page, counted from 1.
pub(crate) fn page(number: usize) -> String {
    format!("pages/page-{number}.html")
}

/// The paths of the scripts that no page loads.
pub(crate) fn spare_scripts(count: usize, deploy: Deploy) -> Vec<String> {
    let paths = files(count, deploy).into_iter().map(|file| file.path);
    paths.skip(LOADED).take(SPARE_SCRIPTS).collect()
}

fn write(site: &Site, tool: Tool, deploy: Deploy, count: usize) {
    // What the deploy before had and this one has not, as a bundler empties its folder.
    for old in files(count, Deploy::First) {
        if site.has(&old.path) {
            site.remove(&old.path);
        }
    }
    let register = match tool {
        Tool::Revisit | Tool::None => "",
        Tool::Workbox | Tool::SwPrecache => REGISTER,
    };
    for File { path, mut body } in files(count, deploy) {
        if path == "index.html" {
            let text = String::from_utf8(body).expect("pages are text");
            body = text
                .replacen("<head>", &format!("<head><script>{WATCH}</script>"), 1)
                .replacen("</head>", &format!("{register}</head>"), 1)
                .into_bytes();
        }
        site.file(&path, body);
    }
}

fn build(site: &Site, tool: Tool) {
    let script = match tool {
        Tool::None => return,
        Tool::Revisit => {
            revisit(&["build".as_ref(), site.path().as_os_str()]).ok();
            return;
        }
        Tool::Workbox => "workbox-build.mjs",
        Tool::SwPrecache => "sw-precache-build.mjs",
    };
    let made = Command::new("node")
        .arg(benches().join(script))
        .args([site.path(), &site.path().join("sw.js")])
        .output()
        .expect("node is there");
    assert!(
        made.status.success(),
        "{}\nhelp: `cargo xtask bench install` installs the peers",
        String::from_utf8_lossy(&made.stderr)
    );
}

fn benches() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches")
}

/// As the peers' documents advise.
const REGISTER: &str =
    "<script>addEventListener('load', () => navigator.serviceWorker.register('/sw.js'))</script>";

/// First in the entry page, whoever built it: notes, in milliseconds since the navigation began, when the page
/// registers, when a worker is active, and when all is there. The peers' workers are active when all is there;
/// ours says it, where it keeps the rest of the site after the shell.
const WATCH: &str = "
    window.benched = {};
    const register = ServiceWorkerContainer.prototype.register;
    ServiceWorkerContainer.prototype.register = function (...words) {
        benched.registered ??= performance.now();
        return register.apply(this, words);
    };
    navigator.serviceWorker?.ready.then(({ active }) => {
        const look = () => {
            if (active.state !== 'activated') return;
            benched.activated ??= performance.now();
            if (window.revisit?.complete === false) return;
            benched.complete ??= performance.now();
            clearInterval(timer);
        };
        const timer = setInterval(look, 10);
        active.addEventListener('statechange', look);
    });
";

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

/// Every file's size.
pub(crate) const FILE_BYTES: usize = 8_192;
/// How many scripts and styles the entry page loads.
pub(crate) const LOADED: usize = 10;
/// How many scripts are there for [`crate::first_byte`].
const SPARE_SCRIPTS: usize = 3 * REPEATS;
