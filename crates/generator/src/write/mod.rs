//! Puts an overlay onto the disk: into the site's own folder, or into a copy of it.
//!
//! Everything is first written aside; only when all of it is there is it renamed into place,
//! the worker last. A full disk or a kill before that leaves what was there as it was.

mod copy;
mod staging;

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use revisit_rules::site::FileStamp;

use crate::content_hash::sha256;
use crate::host::HEADERS;
use crate::overlay::{Body, Overlay, SiteFile, edited};
use crate::own::{OUTPUT, is_output};
use crate::plan::is_added;
use crate::walk::Beside;
use crate::{BuildError, parallel};
use copy::into_copy;
pub(crate) use copy::{Copied, edited_hash, target_of};
use staging::Staging;

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

/// What was put where.
#[derive(Debug, Default)]
pub(crate) struct Put {
    pub(crate) written: Written,
    /// Files by their path below the target, in the state in which they were put there. The time
    /// of the last change of name and rights may be another by now.
    pub(crate) files: HashMap<String, FileStamp>,
    /// What a whole copy has beside the site's files, as it was copied.
    pub(crate) beside: Vec<Beside>,
    /// Whoever changes one of `files` gives it another time than that of its stamp.
    pub(crate) tells_changes: bool,
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
    Ok(put(root, overlay, worker, destination, None)?.written)
}

/// [`write()`], for who wants to know of each file in which state it was put. `before`: what is known
/// of the copy that is there.
pub(crate) fn put(
    root: &Path,
    overlay: &Overlay,
    worker: &str,
    destination: Destination<'_>,
    before: Option<&HashMap<String, Copied>>,
) -> Result<Put, BuildError> {
    let (put, target) = match destination {
        Destination::InPlace => (in_place(root, overlay, worker, before.is_some())?, root),
        Destination::Folder(out) => (into_copy(root, overlay, worker, out, before)?, out),
    };
    check(target, overlay)?;
    Ok(put)
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
    let locate = |path| overlay.prefixes.locate(target, path);
    let generated = generated.map(|(path, size)| (path, target.join(path), size));
    let precached = precached.map(|(path, size)| (path, locate(path), size));
    for (path, file, size) in generated.chain(precached) {
        let found = fs::metadata(file).map(|metadata| metadata.len() as i64);
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

fn in_place(
    root: &Path,
    overlay: &Overlay,
    worker: &str,
    remember: bool,
) -> Result<Put, BuildError> {
    let staging = Staging::new(root.join(".revisit-staging"), root)?;
    let output = root.join(OUTPUT);
    let mut stale = stale_outputs(&output, overlay);
    if is_added(root) && !overlay.generated.contains_key(HEADERS) {
        stale.insert(root.join(HEADERS));
    }

    let mut put = Put::default();
    let mut moves: Vec<(PathBuf, PathBuf)> = Vec::new();
    let (last, first): (Vec<_>, Vec<_>) = overlay
        .generated
        .iter()
        .partition(|(path, _)| *path == worker);
    let pages: Vec<(&str, &SiteFile)> = edited_pages(overlay).collect();
    let numbered: Vec<_> = pages.iter().enumerate().collect();
    let stamps = parallel::each(&numbered, &|_| (), |(number, (path, file))| {
        let staged = staging.path.join(format!("page-{number}"));
        let original = overlay.prefixes.locate(root, path);
        write_edited(&original, file, path, &staged)
    })?;
    for ((number, (path, _)), stamp) in numbered.iter().zip(stamps) {
        put.files.insert((*path).to_owned(), stamp);
        let target = overlay.prefixes.locate(root, path);
        moves.push((staging.path.join(format!("page-{number}")), target));
    }
    for (path, generated) in first.into_iter().chain(last) {
        let target = root.join(path);
        let stamp = match unchanged(&target, &generated.body) {
            Some(stamp) => stamp,
            None => {
                let staged = staging.path.join(moves.len().to_string());
                let stamp = write_body(&staged, &generated.body)?;
                moves.push((staged, target));
                stamp
            }
        };
        put.files.insert(path.clone(), stamp);
    }
    if overlay
        .generated
        .keys()
        .any(|path| path.starts_with(OUTPUT))
    {
        fs::create_dir_all(&output).map_err(|source| write_error(&output, source))?;
    }
    // Whoever changes a page once it is in place shall give it another time than we did.
    put.tells_changes = remember && (moves.is_empty() || staging.tick());
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
    put.tells_changes = put.tells_changes && (moves.is_empty() || staging.tick());
    put.written = Written {
        written: moves.len(),
        removed: stale.len(),
    };
    Ok(put)
}

/// The pages that get or lose a tag.
fn edited_pages(overlay: &Overlay) -> impl Iterator<Item = (&str, &SiteFile)> {
    let files = overlay
        .files
        .iter()
        .filter(|(_, file)| !file.edits.is_empty());
    files.map(|(path, file)| (&**path, file))
}

/// The stamp of the file, if it holds these bytes already. What waits on disk is not compared.
fn unchanged(path: &Path, body: &Body) -> Option<FileStamp> {
    let bytes = match body {
        Body::Bytes(bytes) => bytes,
        Body::File { path: from, .. } => {
            // it is of the build before, in this very place or in another
            let same = fs::canonicalize(from).ok()? == fs::canonicalize(path).ok()?;
            let there = fs::metadata(path).ok().filter(|_| same)?;
            return Some(FileStamp::of(&there));
        }
        Body::Spilled(_) => return None,
    };
    let mut file = File::open(path).ok()?;
    let stamp = FileStamp::of(&file.metadata().ok()?);
    if stamp.size != bytes.len() as u64 {
        return None;
    }
    let mut found = Vec::with_capacity(bytes.len() + 1);
    file.read_to_end(&mut found).ok()?;
    (found == *bytes).then_some(stamp)
}

/// Writes a file that a build made, now or earlier.
fn write_body(target: &Path, body: &Body) -> Result<FileStamp, BuildError> {
    match body {
        Body::Bytes(bytes) => write_file(target, None, |to| to.write_all(bytes)),
        Body::Spilled(spilled) => write_file(target, None, |to| spilled.copy(to)),
        Body::File { path, .. } => {
            let mut from = File::open(path).map_err(|source| BuildError::Read {
                path: path.clone(),
                source,
            })?;
            write_file(target, None, |to| io::copy(&mut from, to).map(drop))
        }
    }
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

/// A page with its edits, under the rights of the original.
fn write_edited(
    original: &Path,
    file: &SiteFile,
    path: &str,
    target: &Path,
) -> Result<FileStamp, BuildError> {
    let read_error = |source| read_or_gone(original, Path::new(path), source);
    let mut opened = File::open(original).map_err(read_error)?;
    let mut bytes = Vec::with_capacity(file.stamp.size as usize + 1);
    opened.read_to_end(&mut bytes).map_err(read_error)?;
    let metadata = opened.metadata().map_err(read_error)?;
    let unsettled = || BuildError::Unsettled {
        file: path.to_owned(),
    };
    if FileStamp::of(&metadata) != file.stamp || bytes.len() as u64 != file.stamp.size {
        return Err(unsettled());
    }
    let bytes = edited(&bytes, &file.edits);
    // A page that was changed within the tick of a clock has the stamp that it had.
    if file.sha256.is_some_and(|planned| planned != sha256(&bytes)) {
        return Err(unsettled());
    }
    write_file(target, Some(metadata.permissions()), |to| {
        to.write_all(&bytes)
    })
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

/// Writes a new file, and says in which state it is.
fn write_file(
    path: &Path,
    rights: Option<fs::Permissions>,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<FileStamp, BuildError> {
    let write = || {
        let mut file = File::create(path)?;
        fill(&mut file)?;
        if let Some(rights) = rights {
            file.set_permissions(rights)?;
        }
        Ok(FileStamp::of(&file.metadata()?))
    };
    write().map_err(|source| write_error(path, source))
}

fn write_error(path: &Path, source: io::Error) -> BuildError {
    BuildError::Write {
        path: path.to_owned(),
        source,
    }
}
