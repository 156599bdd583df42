//! Puts an overlay onto the disk: into the site's own folder, or into a copy of it.
//!
//! Everything is first written aside; only when all of it is there is it renamed into place,
//! the worker last. A full disk or a kill before that leaves what was there as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use revisit_rules::site::FileStamp;

use crate::host::HEADERS;
use crate::overlay::{Body, Overlay, SiteFile, edited};
use crate::own::{OUTPUT, is_output};
use crate::plan::is_added;
use crate::runtime::is_ours;
use crate::{BuildError, parallel};

/// Where an overlay goes.
#[derive(Debug, Clone, Copy)]
pub enum Destination<'a> {
    /// Into the site's folder itself.
    InPlace,
    /// Into a copy of the site, which takes the place of an earlier one as a whole.
    Folder(&'a Path),
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Written {
    /// Files that are new or changed.
    pub written: usize,
    /// Files of earlier builds that were removed.
    pub removed: usize,
}

/// Writes the overlay of the site in `root`. `worker` is the path of the file that makes the
/// rest count, and comes last.
///
/// # Errors
/// [`BuildError::Write`] while what was there is whole; [`BuildError::Commit`] if a rename, the
/// last step, was refused half-way.
pub fn write(
    root: &Path,
    overlay: &Overlay,
    worker: &str,
    destination: Destination<'_>,
) -> Result<Written, BuildError> {
    let (written, target) = match destination {
        Destination::InPlace => (in_place(root, overlay, worker)?, root),
        Destination::Folder(out) => (into_copy(root, overlay, worker, out)?, out),
    };
    check(target, overlay)?;
    Ok(written)
}

/// Is everything that the worker will ask for where it will ask for it? A pack that cannot be had
/// would look like a working install that takes twenty times as long.
fn check(target: &Path, overlay: &Overlay) -> Result<(), BuildError> {
    let edited_size = |file: &SiteFile| {
        let changes = file.edits.iter().map(|edit| {
            edit.insert.len() as i64 - (edit.range.end as i64 - edit.range.start as i64)
        });
        file.stamp.size as i64 + changes.sum::<i64>()
    };
    let generated = overlay
        .generated
        .iter()
        .map(|(path, file)| (path, file.body.len() as i64));
    let precached = overlay
        .files
        .iter()
        .filter(|(_, file)| file.sha256.is_some())
        .map(|(path, file)| (path, edited_size(file)));
    for (path, size) in generated.chain(precached) {
        let found = fs::metadata(target.join(path)).map(|metadata| metadata.len() as i64);
        if found.as_ref().ok() != Some(&size) {
            return Err(BuildError::Check {
                file: path.clone(),
                found: found.ok(),
                expected: size,
            });
        }
    }
    Ok(())
}

fn in_place(root: &Path, overlay: &Overlay, worker: &str) -> Result<Written, BuildError> {
    let staging = Staging::new(root.join(".revisit-staging"))?;
    let output = root.join(OUTPUT);
    let mut stale = stale_outputs(&output, overlay);
    if is_added(root) && !overlay.generated.contains_key(HEADERS) {
        stale.insert(root.join(HEADERS));
    }

    let mut moves: Vec<(PathBuf, PathBuf)> = Vec::new();
    let pages: Vec<(&String, &SiteFile)> = overlay
        .files
        .iter()
        .filter(|(_, file)| !file.edits.is_empty())
        .collect();
    for (path, generated) in overlay.generated.iter().filter(|(path, _)| *path != worker) {
        let target = root.join(path);
        if !holds(&target, &generated.body) {
            let staged = staging.path.join(moves.len().to_string());
            write_body(&staged, &generated.body)?;
            moves.push((staged, target));
        }
    }
    let first_page = moves.len();
    let numbered: Vec<(usize, &(&String, &SiteFile))> = pages.iter().enumerate().collect();
    parallel::each(&numbered, &|_| (), |(number, (path, file))| {
        let staged = staging.path.join((first_page + number).to_string());
        write_edited(&root.join(path), file, path, &staged)
    })?;
    for (number, (path, _)) in &numbered {
        moves.push((
            staging.path.join((first_page + number).to_string()),
            root.join(path),
        ));
    }
    if let Some(generated) = overlay.generated.get(worker) {
        let target = root.join(worker);
        if !holds(&target, &generated.body) {
            let staged = staging.path.join("worker");
            write_body(&staged, &generated.body)?;
            moves.push((staged, target));
        }
    }
    if overlay
        .generated
        .keys()
        .any(|path| path.starts_with(OUTPUT))
    {
        fs::create_dir_all(&output).map_err(|source| write_error(&output, source))?;
    }
    for (staged, target) in &moves {
        fs::rename(staged, target).map_err(|source| BuildError::Commit {
            path: target.clone(),
            source,
        })?;
    }
    // From here on nothing names them.
    for path in &stale {
        let _ = fs::remove_file(path);
    }
    let _ = fs::remove_dir(&output); // only if it is empty
    Ok(Written {
        written: moves.len(),
        removed: stale.len(),
    })
}

fn stale_outputs(output: &Path, overlay: &Overlay) -> BTreeSet<PathBuf> {
    let Ok(entries) = fs::read_dir(output) else {
        return BTreeSet::new();
    };
    entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            is_output(&name) && !overlay.generated.contains_key(&format!("{OUTPUT}/{name}"))
        })
        .map(|entry| entry.path())
        .collect()
}

fn into_copy(
    root: &Path,
    overlay: &Overlay,
    worker: &str,
    out: &Path,
) -> Result<Written, BuildError> {
    let site = fs::canonicalize(root).map_err(|source| BuildError::Folder {
        path: root.to_owned(),
        source,
    })?;
    let (parent, name) = place(out)?;
    let target = parent.join(&name);
    if target.starts_with(&site) || site.starts_with(&target) {
        return Err(BuildError::Config {
            key: "out",
            value: out.display().to_string(),
            why: "neither of the site and the output may lie within the other".into(),
        });
    }
    let replaces = is_earlier_output(&target, worker)?;
    let staging = Staging::new(parent.join(format!(".{}.revisit-staging", name.display())))?;
    let added = is_added(&site);
    copy(&site, &site, &staging.path, &overlay.files, &|path| {
        path == Path::new(OUTPUT)
            || path == Path::new(worker)
            || (added && path == Path::new(HEADERS))
    })?;
    let pages: Vec<(&String, &SiteFile)> = overlay
        .files
        .iter()
        .filter(|(_, file)| !file.edits.is_empty())
        .collect();
    parallel::each(&pages, &|_| (), |(path, file)| {
        write_edited(&site.join(path), file, path, &staging.path.join(path))
    })?;
    for (path, generated) in &overlay.generated {
        let target = staging.path.join(path);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(|source| write_error(folder, source))?;
        }
        write_body(&target, &generated.body)?;
    }
    let aside = parent.join(format!(".{}.revisit-old", name.display()));
    let _ = fs::remove_dir_all(&aside); // left by a build that was killed
    if replaces {
        fs::rename(&target, &aside).map_err(|source| write_error(&target, source))?;
    }
    if let Err(source) = fs::rename(&staging.path, &target) {
        if replaces {
            let _ = fs::rename(&aside, &target); // as it was
        }
        return Err(write_error(&target, source));
    }
    if replaces {
        let _ = fs::remove_dir_all(&aside);
    }
    Ok(Written {
        written: overlay.generated.len() + overlay.files.len(),
        removed: 0,
    })
}

/// The real parent folder and the name of an output folder, which need not be there yet.
fn place(out: &Path) -> Result<(PathBuf, PathBuf), BuildError> {
    let refuse = || BuildError::Config {
        key: "out",
        value: out.display().to_string(),
        why: "it is not the name of a folder".into(),
    };
    if out.exists() {
        let real = fs::canonicalize(out).map_err(|source| write_error(out, source))?;
        let (Some(parent), Some(name)) = (real.parent(), real.file_name()) else {
            return Err(refuse());
        };
        return Ok((parent.to_owned(), PathBuf::from(name)));
    }
    let name = out.file_name().ok_or_else(refuse)?;
    let parent = match out.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Err(refuse()),
    };
    fs::create_dir_all(parent).map_err(|source| write_error(parent, source))?;
    let parent = fs::canonicalize(parent).map_err(|source| write_error(parent, source))?;
    Ok((parent, PathBuf::from(name)))
}

/// May this folder be replaced? Only an empty one or an earlier output: all else is somebody's.
fn is_earlier_output(target: &Path, worker: &str) -> Result<bool, BuildError> {
    let mut entries = match fs::read_dir(target) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(write_error(target, source)),
    };
    let ours = || {
        fs::read_dir(target.join(OUTPUT)).is_ok_and(|entries| {
            entries
                .flatten()
                .any(|e| is_output(&e.file_name().to_string_lossy()))
        })
        // what `--uninstall` leaves has nothing else of ours
        || fs::read(target.join(worker)).is_ok_and(|script| is_ours(&script))
    };
    if entries.next().is_none() || ours() {
        Ok(true)
    } else {
        Err(BuildError::ForeignOutput {
            path: target.to_owned(),
        })
    }
}

/// Copies a site with all that its host may read (`.nojekyll`, `.well-known`), but no version
/// control and no link that leads out.
///
/// `files`: what the plan is true of. A copy of anything else would be refused by every visitor's
/// browser, since its hash is not that of the manifest.
fn copy(
    root: &Path,
    from: &Path,
    to: &Path,
    files: &BTreeMap<String, SiteFile>,
    skip: &dyn Fn(&Path) -> bool,
) -> Result<(), BuildError> {
    fs::create_dir_all(to).map_err(|source| write_error(to, source))?;
    let read_error = |path: &Path, source: io::Error| {
        read_or_gone(path, path.strip_prefix(root).unwrap_or(path), source)
    };
    for entry in fs::read_dir(from).map_err(|source| read_error(from, source))? {
        let entry = entry.map_err(|source| read_error(from, source))?;
        let (path, name) = (entry.path(), entry.file_name());
        let below = path.strip_prefix(root).unwrap_or(&path);
        if skip(below)
            || [".git", ".hg", ".svn", ".revisit-staging"]
                .iter()
                .any(|n| name == **n)
        {
            continue;
        }
        let kind = entry
            .file_type()
            .map_err(|source| read_error(&path, source))?;
        let inside = || {
            fs::canonicalize(&path)
                .is_ok_and(|real| real.starts_with(root) && !from.starts_with(&real))
        };
        if kind.is_symlink() && !inside() {
            continue; // the walk has named it
        }
        let target = to.join(&name);
        let metadata = fs::metadata(&path).map_err(|source| read_error(&path, source))?;
        if metadata.is_dir() {
            copy(root, &path, &target, files, skip)?;
        } else if metadata.is_file() {
            File::open(&path).map_err(|source| read_error(&path, source))?;
            fs::copy(&path, &target).map_err(|source| write_error(&target, source))?;
            let known = below.to_str().and_then(|below| files.get(below));
            let after = fs::metadata(&path).map_err(|source| read_error(&path, source))?;
            if known.is_some_and(|known| known.stamp != FileStamp::of(&after)) {
                return Err(BuildError::Unsettled {
                    file: below.display().to_string(),
                });
            }
        }
    }
    Ok(())
}

/// A page with its edits, under the rights of the original.
fn write_edited(
    original: &Path,
    file: &SiteFile,
    path: &str,
    target: &Path,
) -> Result<(), BuildError> {
    let read_error = |source| read_or_gone(original, Path::new(path), source);
    let bytes = fs::read(original).map_err(read_error)?;
    let metadata = fs::metadata(original).map_err(read_error)?;
    if FileStamp::of(&metadata) != file.stamp || bytes.len() as u64 != file.stamp.size {
        return Err(BuildError::Unsettled {
            file: path.to_owned(),
        });
    }
    write_file(target, &edited(&bytes, &file.edits))?;
    fs::set_permissions(target, metadata.permissions())
        .map_err(|source| write_error(target, source))
}

/// What was there a moment ago, when the plan was made, and cannot be read now.
fn read_or_gone(path: &Path, below: &Path, source: io::Error) -> BuildError {
    match source.kind() {
        io::ErrorKind::NotFound => BuildError::Unsettled {
            file: below.display().to_string(),
        },
        _ => BuildError::Read {
            path: path.to_owned(),
            source,
        },
    }
}

/// Is this what the file has already?
fn holds(target: &Path, body: &Body) -> bool {
    match body {
        Body::Bytes(bytes) => fs::read(target).ok().as_deref() == Some(&**bytes),
        Body::File { path, .. } => path == target,
    }
}

fn write_body(target: &Path, body: &Body) -> Result<(), BuildError> {
    match body {
        Body::Bytes(bytes) => write_file(target, bytes),
        Body::File { path, .. } => fs::copy(path, target)
            .map(|_| ())
            .map_err(|source| write_error(target, source)),
    }
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    fs::write(path, bytes).map_err(|source| write_error(path, source))
}

fn write_error(path: &Path, source: io::Error) -> BuildError {
    BuildError::Write {
        path: path.to_owned(),
        source,
    }
}

/// A folder for what is not yet in place; gone when it is dropped, whatever happened.
struct Staging {
    path: PathBuf,
}

impl Staging {
    fn new(path: PathBuf) -> Result<Self, BuildError> {
        let _ = fs::remove_dir_all(&path); // left by a build that was killed
        fs::create_dir(&path).map_err(|source| write_error(&path, source))?;
        Ok(Self { path })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}
