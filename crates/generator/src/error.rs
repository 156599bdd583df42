//! Why a site could not be built.

use std::io;
use std::path::PathBuf;

use crate::Warning;

/// What stops a build. What does not stop it is a [`Warning`] in the report.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The folder is not there, or is none.
    #[error("cannot read the folder `{}`", path.display())]
    Folder {
        /// The folder as it was given.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file of the site cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file changed again and again while it was read.
    #[error("`{file}` kept changing while it was read")]
    Unsettled {
        /// Its path below the site's root.
        file: String,
    },
    /// A folder that is surely no site, such as `/` or a home folder.
    #[error("`{}` is {what}, not the folder of a built site", path.display())]
    NotASite {
        /// The folder.
        path: PathBuf,
        /// What it is instead.
        what: &'static str,
    },
    /// No file ends in `.html`.
    #[error("no HTML page in `{}` ({files} other files)", path.display())]
    NoPage {
        /// The folder.
        path: PathBuf,
        /// How many files are there.
        files: usize,
    },
    /// None of the entry pages exists.
    #[error("the entry page `{entry}` is not there")]
    NoEntry {
        /// The path in the config, or the default.
        entry: String,
    },
    /// The shell alone is larger than the budget.
    #[error("the shell needs {needed} bytes, `{key}` is {budget}: {largest}")]
    ShellTooLarge {
        /// Bytes of all files that the entry pages load.
        needed: u64,
        /// The key of the config that sets the budget.
        key: &'static str,
        /// Its value.
        budget: u64,
        /// The largest of them, with who loads them.
        largest: String,
    },
    /// The host's rules keep a page from being kept that must be.
    #[error("a visit begins or ends at a page that cannot be kept: {warning}")]
    EntryNotKept {
        /// Which, and why.
        warning: Warning,
    },
    /// The file that a route falls back to is not kept ahead of time.
    #[error("route {route} falls back to `{file}`, which {why}")]
    RouteFallback {
        /// The route's place in the config, from 1.
        route: usize,
        /// The file.
        file: String,
        /// What is the matter with it.
        why: &'static str,
    },
    /// A page that the config names is not there.
    #[error("`{key}` names `{file}`, which is not there")]
    NoSuchPage {
        /// The key of the config.
        key: &'static str,
        /// The file it names.
        file: String,
    },
    /// The code of the site's own for the worker cannot be read.
    #[error("cannot read the worker's own code `{}`", path.display())]
    NoExtension {
        /// The file, as `worker.extend` or `--inject` names it.
        path: PathBuf,
        /// What the system said, or that it is too large or no text.
        #[source]
        source: io::Error,
    },
    /// The code of the site's own for the worker is no script that a worker runs.
    #[error("`{}`, line {line}, column {column}: {why}", path.display())]
    ExtensionSyntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What the parser said.
        why: String,
    },
    /// A worker of the site's own that cannot get the list of files.
    #[error("`{}`: {why}", path.display())]
    OwnWorker {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// What our worker would do, where the site's own is the whole worker.
    #[error("`{key}` means nothing here: `{}` is the whole worker, for the list of files stands in it", path.display())]
    NotForOwnWorker {
        /// The key of the config, or the flag.
        key: &'static str,
        /// The site's own worker.
        path: PathBuf,
    },
    /// A value of the config is none that this option takes.
    #[error("`{key}` cannot be `{value}`: {why}")]
    Config {
        /// The key, with its table.
        key: &'static str,
        /// What the config says.
        value: String,
        /// Why not.
        why: String,
    },
    /// The worker's file is there already, and is somebody else's.
    #[error("`{file}` is there already and was not written by revisit")]
    ForeignWorker {
        /// Its path below the site's root.
        file: String,
    },
    /// The output folder holds something that is no output of a build.
    #[error("`{}` is not empty and no output of `revisit build`", path.display())]
    ForeignOutput {
        /// The folder.
        path: PathBuf,
    },
    /// Writing did not succeed; what was there before is whole.
    #[error("cannot write `{}`; what was there before is unchanged", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Renaming the new files into place was cut off: some are new, some old.
    #[error("the new files were only partly put in place: `{}`", path.display())]
    Commit {
        /// The file that could not be put in place.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// After all was written, a file is not as the worker will ask for it.
    #[error(
        "`{file}` was written with {expected} bytes and now {}",
        found.map_or("is not there".to_owned(), |found| format!("has {found}"))
    )]
    Check {
        /// Its path below the site's root.
        file: String,
        /// Its size, if it is there.
        found: Option<i64>,
        /// Its size as the manifest has it.
        expected: i64,
    },
    /// Pages name an AppCache manifest, and no page may be touched.
    #[error(
        "`{page}` names the AppCache manifest `{manifest}`, and no script may be put into pages"
    )]
    ShimNotInjected {
        /// A page.
        page: String,
        /// What it names.
        manifest: String,
    },
    /// A policy forbids the script that gives pages `window.applicationCache`.
    #[error(
        "the policy of `{page}` ({whose}) forbids the script that gives it `window.applicationCache`"
    )]
    ShimForbidden {
        /// The page.
        page: String,
        /// Where the policy stands.
        whose: &'static str,
        /// The script, as a policy may name it.
        hash: String,
    },
    /// A key of the config that is for the worker which keeps files ahead of time.
    #[error(
        "`{key}` is for the worker that keeps files ahead, and `{page}` names an AppCache manifest"
    )]
    NotForAppcache {
        /// The key.
        key: String,
        /// A page that makes the site one of application caches.
        page: String,
    },
    /// The worker's own code does not join: a fault of this program.
    #[error("the worker's code cannot be put together: {0}")]
    Runtime(String),
}

impl BuildError {
    /// What the user can do about it.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Folder { .. } => "give the folder that your site's build writes, such as `dist`".into(),
            Self::Read { .. } => "make it readable, or take it out of the folder".into(),
            Self::Unsettled { .. } | Self::Check { .. } => "run the build when nothing writes into the folder".into(),
            Self::NotASite { .. } => "give the folder that holds the site's `index.html`".into(),
            Self::NoPage { .. } => {
                "give the folder that holds the site's `index.html`; a bundler's output is often `dist`, `build` or `out`".into()
            }
            Self::EntryNotKept { .. } => "change that rule, or let visits begin at another page (`[site] entry`)".into(),
            Self::NoEntry { .. } => "name the site's first page: `[site] entry = [\"home.html\"]`".into(),
            Self::ShellTooLarge { needed, key, .. } => format!(
                "raise the budget, `[precache] {key} = {}`, or make the first page lighter",
                needed.next_multiple_of(1 << 20)
            ),
            Self::RouteFallback { .. } => {
                "name a file of the site as a path below its folder, and have it precached: `[precache] shell`".into()
            }
            Self::NoSuchPage { .. } => "correct the name, or take the key out".into(),
            Self::ForeignWorker { file } if file.contains('/') => {
                "a build keeps the folder `revisit` for itself: give yours another name".into()
            }
            Self::ForeignWorker { .. } => "choose another name, by `[worker] name` or `revisit build --worker-name`, or remove the file".into(),
            Self::ForeignOutput { .. } => "name a new or empty folder with `--out`".into(),
            Self::Write { .. } => "see that the folder is writable and the disk has room, then build again".into(),
            Self::Commit { .. } => "build again: it completes what was begun".into(),
            Self::NoExtension { .. } => "name a script by `[worker] extend` or `--inject`, or leave it out".into(),
            Self::ExtensionSyntax { .. } => {
                "write it as a classic script, or bundle it to one; `importScripts` takes the place of `import`".into()
            }
            Self::OwnWorker { .. } => {
                "write `self.__WB_MANIFEST` or `self.__REVISIT_MANIFEST` once, where the list is to stand; a bundled worker keeps it".into()
            }
            Self::NotForOwnWorker { .. } => {
                "leave it out; or take the list's place out of that script, so that it is code beside our worker".into()
            }
            Self::ShimNotInjected { .. } => {
                "build without `--no-inject` (`[worker] inject`), or let the site have the worker that keeps files ahead: `[appcache] enabled = false`".into()
            }
            Self::ShimForbidden { hash, .. } => format!(
                "add `{hash}` to its `script-src`, or let the site have the worker that keeps files ahead: `[appcache] enabled = false`"
            ),
            Self::NotForAppcache { .. } => {
                "take the key out, or let the site have that worker: `[appcache] enabled = false`".into()
            }
            Self::Config { key: "appcache.enabled", .. } => {
                "name the attribute that your pages have, `[appcache] attribute`, or take the key out".into()
            }
            Self::Config { key: "out", .. } => "name a folder beside the site, such as `--out offline-site`".into(),
            Self::Config { key: "site.prefixes", .. } => "write what stands on disk, and what is in its place in URLs: `{ \"static/\" = \"assets/\" }`".into(),
            Self::Config { key: "build.cache", .. } => "name a folder outside of it, or build with `--no-cache`".into(),
            Self::Config { key: "route.path", .. } => {
                "in a route's path `?` is one character, `*` any but a slash, `**` any, `{a,b}` either, `:name` a piece of a segment".into()
            }
            Self::Config { key, .. } if PATTERNS.contains(key) => {
                "in a pattern `?` is one character, `*` any but a slash, `**` any, `{a,b}` either".into()
            }
            Self::Config { .. } => return None,
            Self::Runtime(_) => "this is a fault of revisit; please report it".into(),
        })
    }
}

/// The keys whose values are patterns.
const PATTERNS: [&str; 8] = [
    "names.hashed",
    "names.plain",
    "precache.include",
    "precache.exclude",
    "prefetch.follow.from",
    "worker.ignore_parameters",
    "worker.fallback_allow",
    "worker.fallback_deny",
];
