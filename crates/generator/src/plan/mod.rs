//! From a folder to its overlay: walk, shell, selection, pages, packs, manifest, worker.

mod ahead;
mod appcache;
mod dev;
mod files;
mod hosted;
mod list;
mod matches;
mod uninstall;
mod warnings;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::time::SystemTime;

use bytes::Bytes;
use revisit_references as references;
use revisit_rules::site::host::PageHeaders;
use revisit_rules::site::names::Promise;
use revisit_rules::site::{FileStamp, media};

use crate::address::Addresses;
use crate::config::{AskPages, Parsed, VerifyPages};
use crate::content_hash::{Sha256, sha256};
use crate::deployed::Before;
use crate::extension;
use crate::extra::{Extra, extras, refuse_files};
use crate::host::Hosted;
use crate::manifest::{Alone, PageHead, manifest};
use crate::memory::{Memory, PageFacts};
use crate::overlay::{Body, Generated, Overlay};
use crate::own::{OUTPUT, added, refuse_foreign_output};
use crate::packs::{Kind, Pack, batches};
use crate::previous::{Previous, Wanted};
use crate::routes::{answered, overlaps};
use crate::runtime::{self, Worker};
use crate::select::{Group, Selection, select};
use crate::shell::{References, Shell, references_of, shell};
use crate::walk::{Walk, walk};
use crate::{BuildConfig, BuildError, Report, Warning};

pub use dev::plan_dev;
pub(crate) use files::trusted;
pub(crate) use hosted::{is_added, rules_above};
use list::OwnWorker;
pub use matches::plan_matches;
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
    /// The output of the build before, whose packs are kept where they can be.
    pub previous: Option<Before<'a>>,
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
    let planner = Planner {
        root,
        config,
        parsed: &parsed,
        options,
        progress,
    };
    settled(|| planner.plan(memory))
}

/// Does `work` anew, a few times, while files change under it.
fn settled<T>(mut work: impl FnMut() -> Result<T, Stop>) -> Result<T, BuildError> {
    let mut tries = 0;
    loop {
        match work() {
            Err(Stop::Changed { .. }) if tries < TRIES_MAX => tries += 1,
            Err(Stop::Changed { file }) => return Err(BuildError::Unsettled { file }),
            Err(Stop::Error(error)) => return Err(error),
            Ok(done) => return Ok(done),
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
        let extend = &self.config.worker.extend;
        let extension = extend.as_deref().map(extension::read).transpose()?;
        let own = match (extend, &extension) {
            (Some(path), Some(text)) => OwnWorker::of(path, text)?,
            _ => None,
        };
        if own.is_some() && self.config.prefetch.is_some() {
            return Err(self.not_for_own_worker("prefetch").into());
        }
        let worker_name = &self.config.worker.name;
        let walk = self.walk()?;
        let stamps: HashMap<&str, FileStamp> = walk
            .files
            .iter()
            .map(|found| (&*found.path, found.stamp))
            .collect();
        let known: HashSet<&str> = stamps.keys().copied().collect();
        let client = Bytes::from(runtime::client(self.config)?);
        let client_path = runtime::client_path(&client);
        let hosted = self.hosted(&walk, &known)?;
        let mut tagged = self.tagged(&walk, &stamps, &client_path, memory)?;
        if let Some(caches) = tagged.caches.take() {
            return self.over_appcache(&walk, &stamps, &hosted, tagged, &caches);
        }
        let pages = tagged.pages;
        let (entries, offline) = self.entries(&walk, &known)?;
        let (keepable, unkept) = self.keepable(&walk, &hosted, &entries)?;

        let extras = self.extras(&known)?;
        let base = &self.config.site.base;
        let addresses = Addresses::new(base, self.parsed.cdn.as_ref(), &known).and(&extras);
        let shell = self.shell(&entries, &stamps, &addresses, memory)?;
        let client_sha256 = sha256(&client);
        let inject = self.config.worker.inject;
        let selection = select(
            &keepable,
            &|found| {
                pages
                    .get(&found.path)
                    .map_or(found.stamp.size, |page| page.size)
            },
            &shell,
            self.parsed,
            &self.config.precache,
        )?;

        self.refuse_routed(&selection)?;
        self.refuse_fallbacks(&selection, &known)?;

        let scripts = self.scripts(&selection, &stamps, memory)?;
        let workers = self.workers(&scripts, &selection, &shell, &addresses);
        let hashes = self.hashes(&selection, &pages, scripts, &stamps, memory)?;
        let (mut alone, mut wanted) =
            self.placed(&selection, &pages, &workers, &stamps, &hashes, &hosted);
        // The page client is as much part of a page as any script of its own.
        alone.push(Alone {
            path: client_path.clone(),
            sha256: client_sha256,
            size: client.len() as u64,
            group: Group::Shell,
            marker: None,
            by_marker: false,
            head: None,
            revision: None,
        });
        alone.extend(extras.iter().map(|extra| Alone {
            path: extra.path.clone(),
            sha256: Sha256::default(),
            size: 0,
            group: extra.group,
            marker: None,
            by_marker: false,
            head: None,
            revision: Some(extra.revision.clone()),
        }));
        let previous = self
            .options
            .previous
            .map(|before| Previous::read(before, worker_name))
            .unwrap_or_default();
        let reused = selection.chosen.keys().filter(|path| {
            self.parsed.names.promise(path) == Promise::ContentHash
                && previous.had_otherwise(path, &hashes[&***path])
        });
        let others: Vec<Warning> = reused
            .map(|file| Warning::NameReused { file: file.clone() })
            .chain(warnings::missing(&pages, &shell, &addresses))
            .chain(overlaps(&self.parsed.routes))
            .chain(tagged.warnings)
            .collect();
        if own.is_some() {
            wanted.clear(); // it fetches what its list names, file by file
        }
        let mut packs = previous.keep(&mut wanted);
        let kept_packs = packs.len();
        let batches = batches(
            wanted
                .iter()
                .map(|file| (&*file.path, file.size, file.kind)),
        );
        packs.extend(self.packs(batches, &stamps, &pages, &hashes, memory)?);
        // The list says what there is, and not how it came about: packs that are made again as they
        // were give the same build.
        packs.sort_by(|a, b| {
            let key = |pack: &Pack| (pack.kind, pack.files.first().map(|file| file.path.clone()));
            key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
        });
        let manifest = manifest(&packs, &alone, &|path| {
            self.page_head(path, &pages[path], &hosted)
        });

        let listed = own.map(|own| {
            let client = inject.then_some(&*client_path);
            own.with(&self.list(&selection, &pages, &hashes, &extras, client))
        });
        let made = match &listed {
            Some(own) => Ok(own.worker.clone()),
            None => runtime::worker(
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
                    lazy_bytes: self.config.precache.lazy_budget_bytes,
                    by_folder: self.config.site.page_headers == AskPages::Folder,
                    lazy: alone.iter().any(|file| file.group == Group::Lazy),
                    network: &self.config.worker.network,
                    asked: manifest.asks,
                    extension: extension.as_deref(),
                    imports: &self.imported_scripts(&stamps)?,
                    replaces: &self.config.worker.replaces,
                },
                self.parsed,
            ),
        };
        let worker = made?;
        let build = listed.map_or(manifest.build.clone(), |own| own.build);

        let mut generated = BTreeMap::new();
        let mut add = |path: String, body: Body, promise: Promise| {
            generated.insert(path, Generated { body, promise });
        };
        let worker_bytes = worker.len();
        let runtime_bytes = (worker_bytes + client.len() + manifest.text.len()) as u64;
        add(
            worker_name.clone(),
            Body::Bytes(worker.into()),
            Promise::None,
        );
        add(client_path, Body::Bytes(client), Promise::ContentHash);
        for pack in &packs {
            let path = format!("{OUTPUT}/{}.pack", pack.name);
            add(path, pack.wire.clone(), Promise::ContentHash);
        }
        if build == manifest.build {
            add(
                format!("{OUTPUT}/manifest-{build}.json"),
                Body::Bytes(manifest.text.into()),
                Promise::ContentHash,
            );
        }

        let mut files = self.files(&walk, &pages, &hashes);
        let mut report = Report {
            build: build.clone(),
            files: walk.files.len(),
            precached_files: selection.files,
            precached_bytes: selection.bytes,
            shell_files: selection.shell_files,
            shell_bytes: selection.shell_bytes,
            packs: packs.len(),
            packs_kept: kept_packs,
            pack_bytes: packs.iter().map(|pack| pack.wire.len()).sum(),
            alone: alone
                .iter()
                .filter(|file| file.group != Group::Lazy)
                .count()
                - 1,
            pages_tagged: if inject { pages.len() } else { 0 },
            runtime_bytes,
            warnings: warnings::warnings(&walk, &shell, &selection, &pages, others),
            left_out: selection.left_out.clone(),
            ..Report::default()
        };
        report.warnings.extend(unkept);
        report
            .warnings
            .retain(|warning| !answered(&self.parsed.routes, warning));
        self.for_host(&walk, &hosted, &mut generated, &mut files, &mut report)?;
        if self.options.development.is_none() {
            let size = |path: &str| pages.get(path).map_or(stamps[path].size, |page| page.size);
            let note = ahead::note(&selection, &self.config.precache, &size);
            report.notes.extend(note);
        }
        Ok(Overlay {
            build,
            prefixes: self.parsed.prefixes.clone(),
            generated,
            files,
            report,
        })
    }

    /// The site's own files, by the paths of their URLs.
    fn walk(&self) -> Result<Walk, BuildError> {
        let walk = walk(self.root, &added(self.root, &self.config.worker.name))?;
        self.parsed.prefixes.rename(walk, &self.config.worker.name)
    }

    /// A path that goes past the worker must have nothing that the worker answers.
    fn refuse_routed(&self, selection: &Selection) -> Result<(), BuildError> {
        for path in &self.config.worker.network {
            if let Some(file) = selection.chosen.keys().find(|file| file.starts_with(path)) {
                return Err(BuildError::Config {
                    key: "worker.network",
                    value: path.clone(),
                    why: format!(
                        "`{file}` lies below it and would be kept; exclude it, by `precache.exclude`"
                    ),
                });
            }
        }
        Ok(())
    }

    /// What a route falls back to must be at hand without a network.
    fn refuse_fallbacks(
        &self,
        selection: &Selection,
        known: &HashSet<&str>,
    ) -> Result<(), BuildError> {
        for route in &self.parsed.routes {
            let Some(file) = &route.keys.fallback else {
                continue;
            };
            let why = match selection.chosen.get(file) {
                Some(Group::Shell | Group::AfterLoad) => continue,
                Some(Group::Lazy) => "is kept only when it is first used",
                None if known.contains(&**file) => "is not precached",
                None => "is not there",
            };
            return Err(BuildError::RouteFallback {
                route: route.number,
                file: file.clone(),
                why,
            });
        }
        Ok(())
    }

    /// What stands alone, and what wants a place in a pack.
    fn placed(
        &self,
        selection: &Selection,
        pages: &HashMap<String, PageFacts>,
        workers: &HashSet<String>,
        stamps: &HashMap<&str, FileStamp>,
        hashes: &HashMap<&str, Sha256>,
        hosted: &Hosted<'_>,
    ) -> (Vec<Alone>, Vec<Wanted>) {
        let mut alone = Vec::new();
        let mut wanted = Vec::new();
        let by_marker = self.config.site.verify_pages == VerifyPages::Marker;
        for (path, group) in &selection.chosen {
            let page = pages.get(path);
            let size = page.map_or(stamps[&**path].size, |page| page.size);
            // none where only the places are asked for
            let sha256 = hashes.get(&**path).copied().unwrap_or_default();
            let has_own_headers = workers.contains(path)
                || media::is_document(path)
                    && (*group == Group::Shell || by_marker || page.is_none());
            if *group == Group::Lazy || has_own_headers || is_big_script(path, size) {
                alone.push(Alone {
                    path: path.clone(),
                    sha256,
                    size,
                    group: *group,
                    marker: page.and_then(|page| page.marker.clone()),
                    by_marker: by_marker && page.is_some_and(|page| page.marker.is_some()),
                    head: page.and_then(|page| match self.page_head(path, page, hosted) {
                        PageHead::Known(fields) => Some(fields),
                        PageHead::Asked => None,
                    }),
                    revision: None,
                });
            } else {
                wanted.push(Wanted {
                    path: path.clone(),
                    sha256,
                    size,
                    kind: Kind::of(path, *group),
                });
            }
        }
        (alone, wanted)
    }

    /// The header fields of a page in a pack: what our own `serve` says, or its host, beside what
    /// matters to the transport alone.
    fn page_head(&self, path: &str, page: &PageFacts, hosted: &Hosted<'_>) -> PageHead {
        let serve = || {
            vec![
                ("content-type".into(), media::content_type(path, page.utf8)),
                ("x-content-type-options".into(), "nosniff".into()),
            ]
        };
        match hosted.page(path).headers {
            _ if self.options.development.is_some() => PageHead::Known(serve()),
            PageHeaders::Known(fields) => PageHead::Known(
                fields
                    .into_iter()
                    .map(|(name, value)| (name.to_ascii_lowercase(), value))
                    .collect(),
            ),
            PageHeaders::Unknown(_) => PageHead::Asked,
        }
    }

    /// URLs that are kept and no files; `serve` has none.
    fn extras(&self, known: &HashSet<&str>) -> Result<Vec<Extra>, BuildError> {
        let extras = extras(self.config)?;
        refuse_files(&extras, &|file| known.contains(file))?;
        Ok(match self.options.development {
            Some(_) => Vec::new(),
            None => extras,
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
        addresses: &Addresses<'_>,
        memory: &mut Memory,
    ) -> Result<Shell, Stop> {
        let mut changed = None;
        let mut fresh = HashMap::new();
        let found = shell(entries, addresses, &mut |file, kind| {
            if matches!(kind, references::Kind::Manifest | references::Kind::Other) {
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

/// A script so large that V8's code cache matters, which lives on entries of their own alone.
fn is_big_script(path: &str, size: u64) -> bool {
    size >= BIG_SCRIPT_BYTES && (files::is_script(path) || path.ends_with(".wasm"))
}

const BIG_SCRIPT_BYTES: u64 = 64 << 10;
