//! From a folder to its overlay: walk, shell, selection, pages, packs, manifest, worker.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use bytes::Bytes;
use revisit_rules::site::names::Promise;
use revisit_rules::site::{FileStamp, media};

use crate::config::Parsed;
use crate::content_hash::{Sha256, sha256, short};
use crate::manifest::{Document, manifest};
use crate::overlay::{Edit, Generated, Overlay, SiteFile, edited};
use crate::packs::{Group, Pack, groups, pack};
use crate::references::{self, Kind};
use crate::runtime::{self, Worker};
use crate::select::{Selection, select};
use crate::shell::{References, Shell, references_of, shell, workers_of};
use crate::walk::{Walk, walk};
use crate::{BuildConfig, BuildError, Report, Warning, client_tag, parallel};

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

/// What is known from the last plan of the same folder by the same config: files that did not
/// change since are not read again.
#[derive(Debug, Default)]
pub struct Memory {
    references: HashMap<(String, Kind), (FileStamp, References)>,
    workers: HashMap<String, (FileStamp, Vec<String>)>,
    pages: HashMap<String, (FileStamp, PageFacts)>,
    packs: HashMap<PackKey, Arc<Pack>>,
}

type PackKey = (Group, Vec<FileStamp>);

/// What a page's bytes say, once read.
#[derive(Debug, Clone)]
struct PageFacts {
    edits: Vec<Edit>,
    /// Of the page as served.
    sha256: Sha256,
    /// Length as served.
    size: u64,
    tag_forbidden: bool,
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

/// Plans the way back: pages without our tag, and in the worker's place one that removes itself
/// from browsers that have it. `reload`: it also loads open pages anew, for development.
///
/// # Errors
/// See [`BuildError`].
pub fn plan_uninstall(
    root: &Path,
    config: &BuildConfig,
    reload: bool,
) -> Result<Overlay, BuildError> {
    let parsed = config.parse()?;
    let options = Options {
        now: SystemTime::UNIX_EPOCH,
        development: None,
    };
    let planner = Planner {
        root,
        config,
        parsed: &parsed,
        options: &options,
        progress: &(),
    };
    let worker_name = &config.worker.name;
    refuse_foreign_output(root, worker_name)?;
    let mut tries = 0;
    let (walk, pages) = loop {
        let walk = walk(root, &|path| path == OUTPUT || path == worker_name)?;
        match planner.pages(&walk, None, &mut Memory::default()) {
            Ok(pages) => break (walk, pages),
            Err(Stop::Changed { .. }) if tries < TRIES_MAX => tries += 1,
            Err(Stop::Changed { file }) => return Err(BuildError::Unsettled { file }),
            Err(Stop::Error(error)) => return Err(error),
        }
    };
    let body = Bytes::from(runtime::uninstaller(reload)?);
    let worker = Generated {
        sha256: sha256(&body),
        body,
        promise: Promise::None,
    };
    Ok(Overlay {
        build: String::new(),
        generated: BTreeMap::from([(worker_name.clone(), worker)]),
        files: planner.files(&walk, &pages, &[], &[]),
        report: Report {
            files: walk.files.len(),
            ..Report::default()
        },
    })
}

/// A stamp is trusted only when it is older than the coarsest clock of a common file system.
const TRUSTED_AFTER_NS: i128 = 2_000_000_000;

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
        let selection = select(
            &walk.files,
            &shell,
            self.parsed,
            self.config.precache.budget_bytes,
        )?;

        let client = Bytes::from(runtime::client(worker_name)?);
        let client_sha256 = sha256(&client);
        let client_path = format!("{OUTPUT}/client-{}.js", short(&client_sha256));
        let tag = self
            .config
            .worker
            .inject
            .then(|| client_tag::tag(&self.config.site.base, &client_path));
        let pages = self.pages(&walk, tag.as_deref(), memory)?;

        let workers = self.workers(&selection, &shell, &stamps, &known, memory)?;
        let mut documents = self.documents(&selection, &pages, &workers, &stamps)?;
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
            warnings: warnings(&walk, &shell, &selection, &pages),
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

    /// Where the tag goes in every page, and the hash of what then is served.
    fn pages(
        &self,
        walk: &Walk,
        tag: Option<&str>,
        memory: &mut Memory,
    ) -> Result<HashMap<String, PageFacts>, Stop> {
        let pages: Vec<_> = walk
            .files
            .iter()
            .filter(|found| takes_tag(&found.path))
            .collect();
        let facts = parallel::each(
            &pages,
            &|done| self.progress.step("pages", done, pages.len()),
            |found| {
                if let Some((then, facts)) = memory.pages.get(&found.path)
                    && *then == found.stamp
                {
                    return Ok(facts.clone());
                }
                let bytes = self.read(&found.path, found.stamp)?;
                let page = references::html(&bytes);
                let mut edits = client_tag::edits(&page, tag);
                let served = edited(&bytes, &edits);
                if served == bytes {
                    edits.clear(); // the tag is there already, from a build in place
                }
                Ok::<_, Stop>(PageFacts {
                    sha256: sha256(&served),
                    size: served.len() as u64,
                    tag_forbidden: tag.is_some()
                        && page.csp.as_deref().is_some_and(forbids_own_scripts),
                    edits,
                })
            },
        )?;
        memory.pages = pages
            .iter()
            .zip(&facts)
            .filter(|(found, _)| self.trusted(found.stamp))
            .map(|(found, facts)| (found.path.clone(), (found.stamp, facts.clone())))
            .collect();
        Ok(pages
            .iter()
            .map(|found| found.path.clone())
            .zip(facts)
            .collect())
    }

    /// Scripts that run as workers, in the shell and outside it.
    fn workers(
        &self,
        selection: &Selection,
        shell: &Shell,
        stamps: &HashMap<&str, FileStamp>,
        known: &HashSet<&str>,
        memory: &mut Memory,
    ) -> Result<HashSet<String>, Stop> {
        let scripts: Vec<&String> = selection
            .chosen
            .keys()
            .filter(|path| path.ends_with(".js") || path.ends_with(".mjs"))
            .collect();
        let found = parallel::each(
            &scripts,
            &|done| self.progress.step("scripts", done, scripts.len()),
            |path| {
                let stamp = stamps[&***path];
                if let Some((then, workers)) = memory.workers.get(*path)
                    && *then == stamp
                {
                    return Ok(workers.clone());
                }
                let bytes = self.read(path, stamp)?;
                if memchr::memmem::find(&bytes, b"Worker").is_none() {
                    return Ok(Vec::new());
                }
                Ok::<_, Stop>(workers_of(path, &bytes, &self.config.site.base, known))
            },
        )?;
        memory.workers = scripts
            .iter()
            .zip(&found)
            .map(|(path, workers)| ((*path).clone(), (stamps[&***path], workers.clone())))
            .filter(|(_, (stamp, _))| self.trusted(*stamp))
            .collect();
        let workers = shell
            .workers
            .iter()
            .cloned()
            .chain(found.into_iter().flatten());
        Ok(workers
            .filter(|path| selection.chosen.contains_key(path))
            .collect())
    }

    fn documents(
        &self,
        selection: &Selection,
        pages: &HashMap<String, PageFacts>,
        workers: &HashSet<String>,
        stamps: &HashMap<&str, FileStamp>,
    ) -> Result<Vec<Document>, Stop> {
        let mut documents = Vec::new();
        for path in selection.chosen.keys() {
            let (sha256, size) = match pages.get(path) {
                Some(facts) => (facts.sha256, facts.size),
                None if media::is_document(path) || workers.contains(path) => {
                    let bytes = self.read(path, stamps[&**path])?;
                    (sha256(&bytes), bytes.len() as u64)
                }
                None => continue,
            };
            documents.push(Document {
                path: path.clone(),
                sha256,
                size,
            });
        }
        Ok(documents)
    }

    fn packs(
        &self,
        groups: Vec<Group>,
        stamps: &HashMap<&str, FileStamp>,
        memory: &mut Memory,
    ) -> Result<Vec<Arc<Pack>>, Stop> {
        let keys: Vec<PackKey> = groups
            .into_iter()
            .map(|group| {
                let stamps = group.files.iter().map(|file| stamps[&**file]).collect();
                (group, stamps)
            })
            .collect();
        let total: usize = keys.iter().map(|(group, _)| group.files.len()).sum();
        let packed = Mutex::new(0);
        let packs = parallel::each(&keys, &|_| (), |key| {
            if let Some(pack) = memory.packs.get(key) {
                return Ok(Arc::clone(pack));
            }
            let (group, stamps) = key;
            let bodies: Result<Vec<_>, Stop> = group
                .files
                .iter()
                .zip(stamps)
                .map(|(file, stamp)| self.read(file, *stamp))
                .collect();
            let pack = Arc::new(pack(group, bodies?, self.options.development.is_some()));
            if let Ok(mut packed) = packed.lock() {
                *packed += group.files.len();
                self.progress.step("packs", *packed, total);
            }
            Ok::<_, Stop>(pack)
        })?;
        memory.packs = keys
            .into_iter()
            .zip(packs.iter().cloned())
            .filter(|((_, stamps), _)| stamps.iter().all(|stamp| self.trusted(*stamp)))
            .collect();
        Ok(packs)
    }

    fn files(
        &self,
        walk: &Walk,
        pages: &HashMap<String, PageFacts>,
        packs: &[Arc<Pack>],
        documents: &[Document],
    ) -> BTreeMap<String, SiteFile> {
        let mut hashes: HashMap<&str, Sha256> = documents
            .iter()
            .map(|document| (&*document.path, document.sha256))
            .collect();
        for file in packs.iter().flat_map(|pack| &pack.files) {
            hashes.insert(&file.path, file.sha256);
        }
        walk.files
            .iter()
            .map(|found| {
                let page = pages.get(&found.path);
                let file = SiteFile {
                    stamp: found.stamp,
                    sha256: page
                        .map(|facts| facts.sha256)
                        .or_else(|| hashes.get(&*found.path).copied()),
                    edits: page.map(|facts| facts.edits.clone()).unwrap_or_default(),
                    promise: self.parsed.names.promise(&found.path),
                };
                (found.path.clone(), file)
            })
            .collect()
    }

    /// A file's bytes, if it still is what the walk saw.
    fn read(&self, path: &str, stamp: FileStamp) -> Result<Vec<u8>, Stop> {
        let full = self.root.join(path);
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => Stop::Changed {
                file: path.to_owned(),
            },
            _ => Stop::Error(BuildError::Read {
                path: full.clone(),
                source,
            }),
        };
        let mut file = File::open(&full).map_err(failed)?;
        let mut bytes = Vec::with_capacity(stamp.size as usize + 1);
        file.read_to_end(&mut bytes).map_err(failed)?;
        let now = FileStamp::of(&file.metadata().map_err(failed)?);
        if now == stamp && bytes.len() as u64 == stamp.size {
            Ok(bytes)
        } else {
            Err(Stop::Changed {
                file: path.to_owned(),
            })
        }
    }

    fn trusted(&self, stamp: FileStamp) -> bool {
        stamp.quiet_ns(self.options.now) > TRUSTED_AFTER_NS
    }
}

/// XHTML is XML: our tag would break it.
fn takes_tag(path: &str) -> bool {
    media::content_type(path, false) == "text/html"
}

/// The worker's name and the output folder must be free, or hold what a build of ours left.
fn refuse_foreign_output(root: &Path, worker: &str) -> Result<(), BuildError> {
    let foreign = |file: &str| {
        Err(BuildError::ForeignWorker {
            file: file.to_owned(),
        })
    };
    if let Ok(mut file) = File::open(root.join(worker)) {
        let mut start = [0; 64];
        let read = file.read(&mut start).unwrap_or(0);
        if !runtime::is_ours(&start[..read]) {
            return foreign(worker);
        }
    }
    let Ok(entries) = std::fs::read_dir(root.join(OUTPUT)) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !(is_output(&name) || name.starts_with('.')) {
            return foreign(&format!("{OUTPUT}/{name}"));
        }
    }
    Ok(())
}

/// Is this a name that a build gives to a file in its output folder?
pub(crate) fn is_output(name: &str) -> bool {
    (name.starts_with("manifest-") && name.ends_with(".json"))
        || (name.starts_with("client-") && name.ends_with(".js"))
        || name.ends_with(".pack")
}

/// Does a policy keep scripts of the site's own from running? Only the plain cases are told.
fn forbids_own_scripts(policy: &str) -> bool {
    let directive = |wanted: &str| {
        policy.split([';', ',']).map(str::trim).find_map(|d| {
            d.strip_prefix(wanted)
                .filter(|rest| rest.is_empty() || rest.starts_with(' '))
        })
    };
    directive("script-src-elem")
        .or_else(|| directive("script-src"))
        .or_else(|| directive("default-src"))
        .is_some_and(|sources| {
            !sources.split_whitespace().any(|source| {
                source == "'self'"
                    || source == "*"
                    || source.contains("//")
                    || source.ends_with(':')
            })
        })
}

fn warnings(
    walk: &Walk,
    shell: &Shell,
    selection: &Selection,
    pages: &HashMap<String, PageFacts>,
) -> Vec<Warning> {
    let forbidden = pages
        .iter()
        .filter(|(_, facts)| facts.tag_forbidden)
        .map(|(file, _)| Warning::PolicyForbidsTag { file: file.clone() });
    let mut all: Vec<Warning> = walk
        .warnings
        .iter()
        .chain(&shell.warnings)
        .chain(&selection.warnings)
        .cloned()
        .chain(forbidden)
        .collect();
    all.sort();
    all
}

/// The folder, below the site's root, for all that a build adds beside the worker.
pub(crate) const OUTPUT: &str = "revisit";
