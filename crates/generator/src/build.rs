//! A build from one end to the other: has anything changed since the last one? If so it is planned,
//! written, and remembered in the user's cache folder.
//!
//! What was seen and what was left go into one digest of paths and stamps. While the disk still gives the same digest
//! there is nothing to do: that costs a walk, and reads no file of the site.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use revisit_rules::site::FileStamp;

use crate::content_hash::{Hasher, Sha256};
use crate::deployed::Before;
use crate::extra::extras;
use crate::host::HEADERS;
use crate::memory::{Done, Keep, Memory, PageFacts};
use crate::overlay::Overlay;
use crate::own::{OUTPUT, added};
use crate::plan::{is_added, plan, rules_above, trusted};
use crate::prefixes::Prefixes;
use crate::spill::Spill;
use crate::walk::{Walk, refuse_what_is_no_site, walk, walk_whole};
use crate::write::{Copied, Destination, Put, Written, edited_hash, put, target_of};
use crate::{BuildConfig, BuildError, Options, Progress, Report, Warning};

/// Where what is known of builds is kept.
#[derive(Debug, Clone, Copy)]
pub struct Cache<'a> {
    /// A folder for us alone.
    pub folder: &'a Path,
    /// Tells this program from others that would build otherwise, such as its next version.
    pub program: &'a str,
}

/// What a build did.
#[derive(Debug)]
pub struct Built {
    /// What was built; that of the last build if nothing has changed since.
    pub report: Report,
    /// What was planned and written; none if nothing has changed.
    pub overlay: Option<Overlay>,
    /// What was written; nothing if nothing has changed.
    pub written: Written,
    /// Path of the page client below the site's root.
    pub client: Option<String>,
    /// Why the next build will not know of this one.
    pub forgotten: Option<io::Error>,
}

/// Builds the site in `root` into `destination`, unless that was done and nothing has changed since: neither site,
/// nor config, nor program, nor output. `cache`: where that is known from; none reads every file anew.
///
/// # Errors
/// See [`BuildError`]. What keeps the cache from being read or written is no error.
pub fn build(
    root: &Path,
    config: &BuildConfig,
    options: &Options<'_>,
    destination: Destination<'_>,
    cache: Option<Cache<'_>>,
    progress: &dyn Progress,
) -> Result<Built, BuildError> {
    let worker = &config.worker.name;
    let target = match destination {
        Destination::InPlace => root,
        Destination::Folder(out) => out,
    };
    // A build before that lies elsewhere is looked at each time: nobody knows who changes it.
    let elsewhere = options.previous.is_some();
    let options = &Options {
        previous: options.previous.or(Some(Before::in_folder(target))),
        ..*options
    };
    let site = fs::canonicalize(root).ok();
    let (keep, by) = match (&site, cache) {
        (Some(site), Some(cache)) => {
            let name = name_of(site, destination);
            refuse_within(root, [site, &name], cache.folder)?;
            let keep = Keep::new(cache.folder, site, &name);
            (Some(keep), digest_of(root, config, options, cache.program))
        }
        _ => (None, Sha256::default()),
    };
    let done = keep.as_ref().and_then(|keep| keep.done(&by));
    let mut memory = Memory::default();
    let mut copies = HashMap::new();
    if let (Some(keep), Some(done)) = (&keep, done) {
        if !elsewhere && done.saw.is_some() && done.saw == look(root, config, destination) {
            keep.touch(options.now);
            return Ok(Built {
                report: done.report,
                overlay: None,
                written: Written::default(),
                client: done.client,
                forgotten: None,
            });
        }
        (memory, copies) = keep.facts().unwrap_or_default();
    }
    // With no place on disk they wait in memory.
    let aside = cache.map_or_else(std::env::temp_dir, |cache| cache.folder.to_owned());
    memory.spill = Spill::new(&aside).ok();
    let mut tries = 0;
    let (overlay, put) = loop {
        let overlay = plan(root, config, options, &mut memory, progress)?;
        let before = keep.is_some().then_some(&copies);
        match put(root, &overlay, worker, destination, before) {
            Ok(put) => break (overlay, put),
            // Most likely another build of the same folder, for whose end this one has waited.
            Err(BuildError::Unsettled { .. }) if tries < TRIES_MAX => tries += 1,
            Err(error) => return Err(error),
        }
    };
    drop(copies);
    let client = overlay.generated.keys().find(|it| it.contains("/client-"));
    let client = client.cloned();
    let written = put.written;
    let forgotten = keep.and_then(|keep| {
        memory.packs.clear();
        let (saw, copies) = remember(
            &Build {
                root,
                worker,
                destination,
                now: options.now,
            },
            &overlay,
            put,
            &mut memory,
        );
        let done = Done {
            by,
            saw,
            report: overlay.report.clone(),
            client: client.clone(),
        };
        keep.put(&done, &memory, &copies, options.now).err()
    });
    Ok(Built {
        report: overlay.report.clone(),
        overlay: Some(overlay),
        written,
        client,
        forgotten,
    })
}

const TRIES_MAX: u32 = 3;

/// A cache within what is deployed would be deployed with it, and change it with every build.
fn refuse_within(root: &Path, folders: [&Path; 2], cache: &Path) -> Result<(), BuildError> {
    // Of a folder that is not there yet, what is there above it.
    let real = cache.ancestors().find_map(|it| fs::canonicalize(it).ok());
    if !real.is_some_and(|real| folders.iter().any(|folder| real.starts_with(folder))) {
        return Ok(());
    }
    refuse_what_is_no_site(root, folders[0])?; // of a home folder there is more to say
    Err(BuildError::Config {
        key: "build.cache",
        value: cache.display().to_string(),
        why: "the cache must not lie within the site or the output".into(),
    })
}

/// Tells the destinations of a site apart, also one that is not there yet.
fn name_of(site: &Path, destination: Destination<'_>) -> PathBuf {
    let Destination::Folder(out) = destination else {
        return site.to_owned();
    };
    let there = || target_of(site, destination).ok();
    let above = || {
        let parent = match out.parent()? {
            parent if parent.as_os_str().is_empty() => Path::new("."),
            parent => parent,
        };
        Some(fs::canonicalize(parent).ok()?.join(out.file_name()?))
    };
    there().or_else(above).unwrap_or_else(|| out.to_owned())
}

/// All that decides a build beside the files.
fn digest_of(root: &Path, config: &BuildConfig, options: &Options<'_>, program: &str) -> Sha256 {
    let mut hasher = Hasher::default();
    // What lies elsewhere and is read: the site's own code for the worker, and its host's rules.
    let extension = config.worker.extend.as_deref();
    hasher.update(
        &extension
            .and_then(|it| fs::read(it).ok())
            .unwrap_or_default(),
    );
    hasher.update(format!("{:?}", extras(config)).as_bytes());
    for path in rules_above(root, config.site.host) {
        let stamp = fs::metadata(&path).map(|metadata| FileStamp::of(&metadata));
        hasher.update(format!("{stamp:?}").as_bytes());
    }
    let development = options.development;
    hasher.update(format!("{program}\0{config:?}\0{development:?}").as_bytes());
    hasher.finish()
}

/// The digest of what is on the disk now; `None` if it cannot be told, or a build was cut off.
fn look(root: &Path, config: &BuildConfig, destination: Destination<'_>) -> Option<Sha256> {
    let mut seen = Seen::default();
    let worker = &*config.worker.name;
    let skip = added(root, worker);
    let prefixes = Prefixes::parse(&config.site.prefixes).ok()?;
    match destination {
        Destination::InPlace => {
            if root.join(".revisit-staging").exists() {
                return None;
            }
            seen.site(&prefixes.rename(walk(root, &skip).ok()?, worker).ok()?);
            for (path, stamp) in outputs(root, worker).ok()? {
                seen.file(path.as_os_str().as_encoded_bytes(), &stamp);
            }
        }
        Destination::Folder(_) => {
            seen.site(
                &prefixes
                    .rename(walk_whole(root, &skip).ok()?, worker)
                    .ok()?,
            );
            let target = target_of(root, destination).ok()?;
            seen.site(&walk_whole(&target, &|_| false).ok()?);
        }
    }
    Some(seen.0.finish())
}

/// What a build in place has left beside the site's own files.
fn outputs(root: &Path, worker: &str) -> io::Result<Vec<(PathBuf, FileStamp)>> {
    let mut found = vec![PathBuf::from(worker)];
    found.extend(is_added(root).then(|| PathBuf::from(HEADERS)));
    match fs::read_dir(root.join(OUTPUT)) {
        Ok(entries) => {
            for entry in entries {
                found.push(Path::new(OUTPUT).join(entry?.file_name()));
            }
        }
        // a worker of application caches has nothing beside it
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let stamp = FileStamp::of(&fs::metadata(root.join(&path))?);
            Ok((path, stamp))
        })
        .collect()
}

/// A digest of paths and stamps.
#[derive(Default)]
struct Seen(Hasher);

impl Seen {
    fn site(&mut self, walk: &Walk) {
        for found in &walk.files {
            self.file(found.path.as_bytes(), &found.stamp);
        }
        for beside in &walk.beside {
            self.file(beside.path.as_os_str().as_encoded_bytes(), &beside.stamp);
        }
        self.warnings(walk.warnings.iter());
    }

    fn file(&mut self, path: &[u8], stamp: &FileStamp) {
        self.text(path);
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&stamp.size.to_le_bytes());
        bytes[8..16].copy_from_slice(&stamp.inode.to_le_bytes());
        bytes[16..24].copy_from_slice(&stamp.modified_ns.to_le_bytes());
        bytes[24..].copy_from_slice(&stamp.changed_ns.to_le_bytes());
        self.0.update(&bytes);
    }

    /// What a walk has left out counts as well: another such name is told by another report.
    fn warnings<'a>(&mut self, all: impl Iterator<Item = &'a Warning>) {
        for warning in all {
            if let Warning::NameNotText { file } | Warning::LinkOut { file } = warning {
                self.text(b"");
                self.text(file.as_bytes());
            }
        }
        self.text(b"");
    }

    fn text(&mut self, text: &[u8]) {
        self.0.update(&(text.len() as u64).to_le_bytes());
        self.0.update(text);
    }
}

/// What was built, from where to where and when.
struct Build<'a> {
    root: &'a Path,
    worker: &'a str,
    destination: Destination<'a>,
    now: SystemTime,
}

/// What the next build may know: the digest by which it sees that nothing has changed, and the
/// files of a copy. Pages that were written are known by what was written.
fn remember(
    build: &Build<'_>,
    overlay: &Overlay,
    put: Put,
    memory: &mut Memory,
) -> (Option<Sha256>, HashMap<String, Copied>) {
    if !put.tells_changes {
        return (None, HashMap::new());
    }
    match build.destination {
        Destination::InPlace => (in_place(build, overlay, &put, memory), HashMap::new()),
        Destination::Folder(_) => copied(build, overlay, &put).unwrap_or_default(),
    }
}

fn in_place(
    build: &Build<'_>,
    overlay: &Overlay,
    put: &Put,
    memory: &mut Memory,
) -> Option<Sha256> {
    let mut seen = Seen::default();
    let mut certain = true;
    let warnings = overlay.report.warnings.iter();
    let forbidden: HashSet<&String> = warnings
        .filter_map(|warning| match warning {
            Warning::PolicyForbidsTag { file } => Some(file),
            _ => None,
        })
        .collect();
    for (path, file) in &overlay.files {
        let mut stamp = file.stamp;
        if let (Some(put), Some(sha256)) = (put.files.get(path), file.sha256) {
            let on_disk = overlay.prefixes.locate(build.root, path);
            stamp = FileStamp::of(&fs::metadata(on_disk).ok()?);
            if is_same(&stamp, put) {
                let facts = PageFacts {
                    edits: Vec::new(),
                    sha256,
                    size: stamp.size,
                    utf8: file.utf8,
                    marker: file.marker.clone(),
                    appcache: file.appcache.clone(),
                    tag_forbidden: forbidden.contains(path),
                    head: Arc::clone(&file.head),
                };
                memory.page_was_written(path, stamp, facts);
            } else {
                certain = false;
            }
        } else {
            certain &= trusted(stamp, build.now);
        }
        seen.file(path.as_bytes(), &stamp);
    }
    seen.warnings(overlay.report.warnings.iter());
    for (path, stamp) in outputs(build.root, build.worker).ok()? {
        let put = path.to_str().and_then(|path| put.files.get(path))?;
        certain &= is_same(&stamp, put);
        seen.file(path.as_os_str().as_encoded_bytes(), &stamp);
    }
    certain.then(|| seen.0.finish())
}

fn copied(
    build: &Build<'_>,
    overlay: &Overlay,
    put: &Put,
) -> Option<(Option<Sha256>, HashMap<String, Copied>)> {
    let mut seen = Seen::default();
    let mut certain = true;
    for (path, file) in &overlay.files {
        seen.file(path.as_bytes(), &file.stamp);
        certain &= trusted(file.stamp, build.now);
    }
    let mut sources: HashMap<&Path, FileStamp> = HashMap::new();
    for beside in &put.beside {
        seen.file(beside.path.as_os_str().as_encoded_bytes(), &beside.stamp);
        certain &= trusted(beside.stamp, build.now);
        sources.insert(&beside.path, beside.stamp);
    }
    seen.warnings(overlay.report.warnings.iter());
    let target = walk_whole(&target_of(build.root, build.destination).ok()?, &|_| false).ok()?;
    seen.site(&target);
    let visible = target
        .files
        .iter()
        .map(|found| (Path::new(&found.path), found.stamp));
    let beside = target.beside.iter().map(|it| (&*it.path, it.stamp));
    let mut copies = HashMap::new();
    for (path, stamp) in visible.chain(beside) {
        let Some(path) = path.to_str() else { continue };
        if !put.files.get(path).is_some_and(|put| is_same(&stamp, put)) {
            certain = false;
            continue;
        }
        let file = overlay.files.get(&*overlay.prefixes.url_path(path));
        let source = file.map(|file| file.stamp);
        let Some(source) = source.or_else(|| sources.get(Path::new(path)).copied()) else {
            continue; // generated
        };
        if trusted(source, build.now) {
            let copied = Copied {
                source,
                edited: edited_hash(file),
                target: stamp,
            };
            copies.insert(path.to_owned(), copied);
        }
    }
    Some((certain.then(|| seen.0.finish()), copies))
}

/// The same file with the same content: its name and rights may have changed since.
fn is_same(now: &FileStamp, put: &FileStamp) -> bool {
    (now.size, now.inode, now.modified_ns) == (put.size, put.inode, put.modified_ns)
}
