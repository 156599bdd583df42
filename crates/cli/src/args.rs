//! The words that the command line takes.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::config::{Cookies, Profile};

/// Makes the second visit to a website instant and keeps the site working offline.
#[derive(Debug, Parser)]
#[command(name = "revisit", version, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Give a folder of built files a service worker
    Build(BuildArgs),
    /// Serve a folder as a site that works offline, or stand before a server as its cache
    Serve(ServeArgs),
    /// Say what browsers and shared caches do with a response, and what to change
    Explain(ExplainArgs),
    /// Play visits to a site through the cache layers of a browser, in virtual time
    Replay(ReplayArgs),
    /// Make a revisit.toml of a config of Workbox or sw-precache
    Import(ImportArgs),
    /// Look into a store: what is kept, is it whole; take out, throw out
    Store {
        #[command(subcommand)]
        command: StoreCommand,
    },
    /// Write modules that a service worker of your own may import
    WorkerModules {
        /// The folder for them, such as `src/revisit`
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Print the JSON Schema of revisit.toml
    #[command(hide = true)]
    Schema {
        /// That of scenarios of `replay` instead
        #[arg(long)]
        scenario: bool,
        /// In words instead
        #[arg(long)]
        words: bool,
    },
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct BuildArgs {
    /// The folder that your site's build wrote, such as `dist`
    #[arg(value_name = "SITE")]
    pub(crate) site: PathBuf,
    /// Write a whole copy of the site here instead of into SITE
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Keep the packs of the build in this folder, or deployed at this base of a site
    /// [default: the output that is there]
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) previous: Option<PathBuf>,
    /// Read this config instead of `revisit.toml` in the working directory
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Leave the pages alone: no script tag
    #[arg(long)]
    pub(crate) no_inject: bool,
    /// File name of the service worker [default: sw.js]
    #[arg(long, value_name = "NAME")]
    pub(crate) worker_name: Option<String>,
    /// Put this script of yours before the worker's own code; with `self.__WB_MANIFEST` in it, it is the worker
    #[arg(long, value_name = "FILE", conflicts_with = "uninstall")]
    pub(crate) inject: Option<PathBuf>,
    /// Take the script tags out again and leave a worker that removes itself
    #[arg(long)]
    pub(crate) uninstall: bool,
    /// Say which rule answers this URL or path, and why; nothing is written
    #[arg(long = "match", value_name = "URL", conflicts_with_all = ["uninstall", "watch", "out"])]
    pub(crate) matches: Vec<String>,
    /// Build again whenever the folder, the config or the script of `--inject` changes, until Ctrl-C
    #[arg(long, conflicts_with_all = ["uninstall", "json"])]
    pub(crate) watch: bool,
    /// Know nothing of earlier builds, and remember nothing of this one
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Print one JSON document and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// The folder to serve, in which nothing is written; or the server to stand before, as `http://127.0.0.1:3000`
    #[arg(value_name = "SITE|URL")]
    pub(crate) site: PathBuf,
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// Read this config instead of `revisit.toml` in the working directory
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Serve the files alone, and a worker that removes itself from browsers that have one
    #[arg(long)]
    pub(crate) no_worker: bool,
    /// Show every change at once: a worker that keeps nothing takes the place of any other
    #[arg(long, conflicts_with = "no_worker")]
    pub(crate) dev: bool,
    /// Answer those who run a cache before a server here: health, metrics, purge [default: nowhere]
    #[arg(long, value_name = "ADDR")]
    pub(crate) admin: Option<SocketAddr>,
    /// Whose cache to be before a server [default: shared]
    #[arg(long, value_name = "PROFILE")]
    pub(crate) profile: Option<Profile>,
    /// Which answers of a server that set a cookie are kept for others [default: safer]
    #[arg(long, value_name = "RULE")]
    pub(crate) set_cookie: Option<Cookies>,
    /// Keep on this disk too what the cache before a server has used twice, for the next start [default: nowhere]
    #[arg(long, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
    /// Write a line for each request to standard error
    #[arg(long)]
    pub(crate) access_log: bool,
    /// Print one JSON document when listening, and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// A URL to fetch, a HAR file that a browser saved, or a file with the head of a response as
    /// `curl -i` prints it; `-` reads one from standard input
    #[arg(value_name = "URL|FILE|-")]
    pub(crate) of: String,
    /// Speak of this kind of cache alone [default: both]
    #[arg(long, value_enum, value_name = "shared|private")]
    pub(crate) profile: Option<CacheProfile>,
    /// Print one JSON document and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArgs {
    /// What is visited: a folder of built files, and further folders as later deploys of it; a HAR file that a
    /// browser's DevTools saved; or a scenario in TOML, which says all that itself
    #[arg(required = true, value_name = "SITE|FILE.har|SCENARIO.toml")]
    pub(crate) of: Vec<PathBuf>,
    /// Estimate times for this network: fibre, cable, 4g, slow-4g, slow-3g, none [default: 4g]
    #[arg(long, value_name = "NAME")]
    pub(crate) network: Option<String>,
    /// Ask the layers in this order: chromium (as today), textbook [default: chromium]
    #[arg(long, value_name = "ORDER")]
    pub(crate) order: Option<String>,
    /// Play a browser that has application caches, as browsers had until 2021, for pages with a `manifest` attribute
    #[arg(long)]
    pub(crate) application_cache: bool,
    /// Visit the folder in this Chromium too, and mark each request that only one of both makes
    #[arg(long, value_name = "CHROMIUM")]
    pub(crate) browser: Option<PathBuf>,
    /// Say of each answer where it came from, and why
    #[arg(long, short)]
    pub(crate) verbose: bool,
    /// Write the report to this file too, as a page of its own
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
    /// Read this config instead of `revisit.toml` in the working directory: of it `[site] host`,
    /// `[names]` and `[appcache] profile` count
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print one JSON document and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

/// Whose cache is spoken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum CacheProfile {
    /// One for many users, such as a proxy or a CDN
    Shared,
    /// A browser's
    Private,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ImportArgs {
    /// The config: JSON, or a script that exports it or hands it to `generateSW` and the like; it is read, not run.
    /// Or an AppCache manifest
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The folder of the built site, to see which URLs are files, and which pages name an AppCache manifest
    /// [default: the one that the config names]
    #[arg(long, value_name = "DIR")]
    pub(crate) site: Option<PathBuf>,
    /// Fail if anything in it has no counterpart
    #[arg(long)]
    pub(crate) strict: bool,
    /// Write the config here instead of to standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the file of `--out` if there is one
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// Print one JSON document, with the config and what became of each option, and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// List what is kept, by site and cache
    Ls {
        #[command(flatten)]
        place: StorePlace,
        /// Name the caches alone, without what they hold
        #[arg(long)]
        caches: bool,
    },
    /// Show all of what is kept for a URL
    Show {
        /// The URL; its fragment does not count
        #[arg(value_name = "URL")]
        url: String,
        #[command(flatten)]
        place: StorePlace,
        /// Write the body alone, byte by byte
        #[arg(long, conflicts_with = "json")]
        body: bool,
    },
    /// Read everything and prove that it is what was written
    Check {
        #[command(flatten)]
        place: StorePlace,
    },
    /// Throw out of the HTTP cache what bears a label; survives a crash
    #[command(group = clap::ArgGroup::new("what").required(true))]
    Purge {
        #[command(flatten)]
        place: StorePlace,
        /// What is kept for this URL
        #[arg(long, value_name = "URL", group = "what")]
        url: Option<String>,
        /// What is kept of this host, such as `shop.example`
        #[arg(long, value_name = "HOST", group = "what")]
        host: Option<String>,
        /// What lies below this folder, such as `http://shop.example/products/`
        #[arg(long, value_name = "URL", group = "what")]
        prefix: Option<String>,
        /// What has this tag
        #[arg(long, value_name = "TAG", group = "what")]
        tag: Option<String>,
        /// Everything
        #[arg(long, group = "what")]
        all: bool,
        /// Let it be used as stale, where nothing better is to be had
        #[arg(long)]
        soft: bool,
    },
    /// Write what is kept into a folder: bodies as files, the rest as index.json
    Export {
        /// The folder, which must not be there yet
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        #[command(flatten)]
        place: StorePlace,
    },
    /// Delete a cache, or what is kept for a URL
    #[command(group = clap::ArgGroup::new("which").required(true).multiple(true).args(["url", "cache"]))]
    Delete {
        /// What is kept for this URL [default: the whole cache]
        #[arg(value_name = "URL")]
        url: Option<String>,
        #[command(flatten)]
        place: StorePlace,
    },
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct StorePlace {
    /// The folder of the store
    #[arg(long, value_name = "DIR")]
    pub(crate) store: PathBuf,
    /// Only what this site keeps, such as `https://shop.example`
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) site: Option<String>,
    /// Only the cache of this name
    #[arg(long, value_name = "NAME")]
    pub(crate) cache: Option<std::ffi::OsString>,
    /// Print one JSON document and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}
