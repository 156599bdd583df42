//! From a folder to its overlay: walk, shell, selection, pages, packs, manifest, worker.

mod files;
mod uninstall;
mod warnings;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::time::SystemTime;

use bytes::Bytes;
use revisit_rules::site::names::Promise;
use revisit_rules::site::{FileStamp, media};

use crate::config::Parsed;
use crate::content_hash::{Sha256, sha256, short};
use crate::manifest::{Document, manifest};
use crate::memory::Memory;
use crate::overlay::{Generated, Overlay};
use crate::own::{OUTPUT, refuse_foreign_output};
use crate::packs::groups;
use crate::references::Kind;
use crate::runtime::{self, Worker};
use crate::select::select;
use crate::shell::{References, Shell, references_of, shell};
use crate::walk::{Walk, walk};
use crate::{BuildConfig, BuildError, Report, client_tag};

pub(crate) use files::trusted;
pub use uninstall::plan_uninstall;

/// How a plan is made, beside what the config says.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The time now: what changed just before is not remembered.
    pub now: SystemTime,
    /// For `revisit serve`: packs travel over loopback only, so they are compressed in haste,
    /// and the worker takes the place of another site's at once. The word tells this site from
    /// others at the same address.
    pub development: Option<&'a str>,
}

/// Hears how far a long build is.
pub trait Progress: Sync {
    /// `done` of `total` files were read in this step.
    fn step(&self, what: &str, done: usize, total: usize);
}

impl Progress for () {
    fn step(&self, _: &str, _: usize, _: usize) {}
}

/// Reads the site in `root` and plans what lies over it. Nothing is written.
///
/// # Errors
/// See [`BuildError`]. A file that changes while it is read has the plan made anew, a few times.
pub fn plan(
    root: &Path,
    config: &BuildConfig,
    options: &Options<'_>,
    memory: &mut Memory,
    progress: &dyn Progress,
) -> Result<Overlay, BuildError> {
    let parsed = config.parse()?;
    let mut tries = 0;
    loop {
        let planner = Planner {
            root,
            config,
            parsed: &parsed,
            options,
            progress,
        };
        match planner.plan(memory) {
            Err(Stop::Changed { .. }) if tries < TRIES_MAX => tries += 1,
            Err(Stop::Changed { file }) => return Err(BuildError::Unsettled { file }),
            Err(Stop::Error(error)) => return Err(error),
            Ok(overlay) => return Ok(overlay),
        }
    }
}

const TRIES_MAX: u32 = 5;

enum Stop {
    /// This file is not as the walk saw it: walk again.
    Changed {
        file: String,
    },
    Error(BuildError),
}

impl From<BuildError> for Stop {
    fn from(error: BuildError) -> Self {
        Self::Error(error)
    }
}

struct Planner<'a> {
    root: &'a Path,
    config: &'a BuildConfig,
    parsed: &'a Parsed,
    options: &'a Options<'a>,
    progress: &'a dyn Progress,
}

impl Planner<'_> {
    fn plan(&self, memory: &mut Memory) -> Result<Overlay, Stop> {
        refuse_foreign_output(self.root, &self.config.worker.name)?;
        let worker_name = &self.config.worker.name;
        let walk = walk(self.root, &|path| path == OUTPUT || path == worker_name)?;
        let stamps: HashMap<&str, FileStamp> = walk
            .files
            .iter()
            .map(|found| (&*found.path, found.stamp))
            .collect();
        let known: HashSet<&str> = stamps.keys().copied().collect();
        let (entries, offline) = self.entries(&walk, &known)?;

        let shell = self.shell(&entries, &stamps, &known, memory)?;
        let client = Bytes::from(runtime::client(worker_name)?);
        let client_sha256 = sha256(&client);
        let client_path = format!("{OUTPUT}/client-{}.js", short(&client_sha256));
        let tag = self
            .config
            .worker
            .inject
            .then(|| client_tag::tag(&self.config.site.base, &client_path));
        let pages = self.pages(&walk, tag.as_deref(), memory)?;
        let selection = select(
            &walk.files,
            &|found| {
                pages
                    .get(&found.path)
                    .map_or(found.stamp.size, |page| page.size)
            },
            &shell,
            self.parsed,
            self.config.precache.budget_bytes,
        )?;

        let workers = self.workers(&selection, &shell, &stamps, &known, memory)?;
        let mut documents = self.documents(&selection, &pages, &workers, &stamps, memory)?;
        // The page client is as much part of a page as any script of its own.
        documents.push(Document {
            path: client_path.clone(),
            sha256: client_sha256,
            size: client.len() as u64,
        });
        let packed = selection
            .chosen
            .iter()
            .filter(|(path, _)| !media::is_document(path) && !workers.contains(*path))
            .map(|(path, loaded)| (&**path, stamps[&**path].size, *loaded));
        let packs = self.packs(groups(packed), &stamps, memory)?;
        let manifest = manifest(&packs, &documents);

        let worker = runtime::worker(
            &Worker {
                build: &manifest.build,
                site_id: self
                    .options
                    .development
                    .unwrap_or(&self.config.worker.site_id),
                update: self.config.worker.update,
                offline: offline.as_deref(),
                fallback: self.config.worker.fallback.as_deref(),
                take_over: self.options.development.is_some(),
            },
            self.parsed,
        )?;

        let mut generated = BTreeMap::new();
        let mut add = |path: String, body: Bytes, sha256: Sha256, promise: Promise| {
            generated.insert(
                path,
                Generated {
                    body,
                    sha256,
                    promise,
                },
            );
        };
        let worker = Bytes::from(worker);
        let worker_bytes = worker.len();
        let worker_sha256 = sha256(&worker);
        add(worker_name.clone(), worker, worker_sha256, Promise::None);
        let runtime_bytes = (worker_bytes + client.len() + manifest.text.len()) as u64;
        add(client_path, client, client_sha256, Promise::ContentHash);
        for pack in &packs {
            let path = format!("{OUTPUT}/{}.pack", short(&pack.sha256));
            add(
                path,
                pack.wire.clone(),
                sha256(&pack.wire),
                Promise::ContentHash,
            );
        }
        add(
            format!("{OUTPUT}/manifest-{}.json", manifest.build),
            manifest.text.into(),
            manifest.sha256,
            Promise::ContentHash,
        );

        let report = Report {
            build: manifest.build.clone(),
            files: walk.files.len(),
            precached_files: selection.chosen.len(),
            precached_bytes: selection.bytes,
            shell_files: selection.shell_files,
            shell_bytes: selection.shell_bytes,
            packs: packs.len(),
            pack_bytes: packs.iter().map(|pack| pack.wire.len() as u64).sum(),
            documents: documents.len() - 1,
            pages_tagged: if tag.is_some() { pages.len() } else { 0 },
            runtime_bytes,
            warnings: warnings::warnings(&walk, &shell, &selection, &pages),
            left_out: selection.left_out,
        };
        let files = self.files(&walk, &pages, &packs, &documents);
        Ok(Overlay {
            build: manifest.build,
            generated,
            files,
            report,
        })
    }

    /// The pages at which visits begin, the offline page and the fallback among them.
    fn entries(
        &self,
        walk: &Walk,
        known: &HashSet<&str>,
    ) -> Result<(Vec<String>, Option<String>), BuildError> {
        let worker = &self.config.worker;
        if !walk
            .files
            .iter()
            .any(|found| media::is_document(&found.path))
        {
            return Err(BuildError::NoPage {
                path: self.root.to_owned(),
                files: walk.files.len(),
            });
        }
        let mut entries = Vec::new();
        for entry in &self.config.site.entry {
            if !known.contains(&**entry) {
                return Err(BuildError::NoEntry {
                    entry: entry.clone(),
                });
            }
            entries.push(entry.clone());
        }
        let offline = match &worker.offline_page {
            None => Some("offline.html".to_owned()).filter(|page| known.contains(&**page)),
            Some(page) if page.is_empty() => None,
            Some(page) => Some(page.clone()),
        };
        for (key, page) in [
            ("worker.offline_page", &offline),
            ("worker.fallback", &worker.fallback),
        ] {
            let Some(page) = page else { continue };
            if !known.contains(&**page) {
                return Err(BuildError::NoSuchPage {
                    key,
                    file: page.clone(),
                });
            }
            if !entries.contains(page) {
                entries.push(page.clone());
            }
        }
        Ok((entries, offline))
    }

    fn shell(
        &self,
        entries: &[String],
        stamps: &HashMap<&str, FileStamp>,
        known: &HashSet<&str>,
        memory: &mut Memory,
    ) -> Result<Shell, Stop> {
        let mut changed = None;
        let mut fresh = HashMap::new();
        let found = shell(entries, known, &self.config.site.base, &mut |file, kind| {
            if matches!(kind, Kind::Manifest | Kind::Other) {
                return Ok(References::default());
            }
            let stamp = stamps[file];
            let key = (file.to_owned(), kind);
            let references = match memory.references.remove(&key) {
                Some((then, references)) if then == stamp => references,
                _ => match self.read(file, stamp) {
                    Ok(bytes) => references_of(file, kind, &bytes),
                    Err(Stop::Error(error)) => return Err(error),
                    Err(Stop::Changed { file }) => {
                        changed = Some(file);
                        References::default()
                    }
                },
            };
            if self.trusted(stamp) {
                fresh.insert(key, (stamp, references.clone()));
            }
            Ok(references)
        })?;
        memory.references = fresh;
        match changed {
            Some(file) => Err(Stop::Changed { file }),
            None => Ok(found),
        }
    }
}
