//! A folder of built files in, a service worker out.
//!
//! [`plan`] reads a site and returns an [`Overlay`]: what is to lie over the folder so that the
//! second visit is instant and the site works offline: the worker, the page client, the
//! manifest, packs, and for each page the place of one script tag. Nothing is written by it.
//! [`write()`] puts an overlay into the folder itself or into a copy, and [`build()`] does both, and
//! nothing when nothing has changed; `revisit serve` lays it over
//! the folder in memory. No network, no clock: a pure build step.

mod address;
mod build;
mod client_tag;
pub mod config;
mod content_hash;
mod deployed;
mod error;
mod extension;
mod extra;
mod host;
pub mod import;
mod import_scripts;
mod manifest;
pub mod matching;
mod memory;
mod overlay;
mod own;
mod packs;
mod parallel;
mod plan;
mod prefixes;
mod previous;
mod report;
mod routes;
mod runtime;
mod select;
mod shell;
mod spill;
mod stamps;
mod walk;
mod write;

pub use build::{Built, Cache, build};
pub use config::BuildConfig;
pub use content_hash::{Sha256, sha256};
pub use deployed::{Before, ObtainPack, is_manifest, manifest_of};
pub use error::BuildError;
pub use host::HostedPage;
pub use memory::Memory;
pub use overlay::{Body, Edit, Generated, Overlay, SiteFile};
pub use plan::{Options, Progress, plan, plan_dev, plan_matches, plan_uninstall};
pub use report::{ApplicationCache, LeftOut, Report, Warning, WorkerKind};
pub use runtime::{uninstaller, worker_modules};
pub use spill::Spilled;
pub use stamps::{Stamps, stamps, stamps_seen, stamps_written};
pub use write::{Destination, Written, write};
