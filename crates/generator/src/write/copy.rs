//! A whole copy of a site, which takes the place of an earlier one at once.
//!
//! What neither changed in the site nor in the earlier copy is taken over from there by a hard
//! link: a link to the site's own file would let whoever changes the one change the other.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use revisit_rules::site::FileStamp;

use super::{
    Destination, Put, Staging, Written, edited_pages, read_or_gone, write_body, write_edited,
    write_error,
};
use crate::content_hash::Sha256;
use crate::overlay::{Body, Overlay, SiteFile};
use crate::own::{OUTPUT, added, is_output};
use crate::runtime::is_ours;
use crate::walk::walk_whole;
use crate::{BuildError, parallel};

/// A file of the last copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Copied {
    /// Its original, as it was then.
    pub(crate) source: FileStamp,
    /// Hash of what was written, if that is not what the original holds.
    pub(crate) edited: Option<Sha256>,
    /// The copy.
    pub(crate) target: FileStamp,
}

/// The real path of the folder that a build writes, if it is there.
pub(crate) fn target_of(root: &Path, destination: Destination<'_>) -> io::Result<PathBuf> {
    fs::canonicalize(match destination {
        Destination::InPlace => root,
        Destination::Folder(out) => out,
    })
}

pub(super) fn into_copy(
    root: &Path,
    overlay: &Overlay,
    worker: &str,
    out: &Path,
    before: Option<&HashMap<String, Copied>>,
) -> Result<Put, BuildError> {
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
    refuse_foreign(&target, worker)?;
    let staging = parent.join(format!(".{}.revisit-staging", name.display()));
    let staging = Staging::new(staging, &target)?;
    refuse_foreign(&target, worker)?; // by now it may be another's, or back again

    let walk = walk_whole(&site, &added(&site, worker))?;
    let copy = Copy {
        site: &site,
        staged: &staging.path.join("new"),
        earlier: &target,
        overlay,
        before,
    };
    let put = copy.all(walk)?;
    let tells_changes = before.is_some() && staging.tick();
    staging
        .put_folder(copy.staged, &target)
        .map_err(|source| write_error(&target, source))?;
    let _ = fs::remove_dir_all(copy.staged); // what was there: links to it count until it is gone
    Ok(Put {
        tells_changes: tells_changes && staging.tick(),
        ..put
    })
}

/// A copy under way.
struct Copy<'a> {
    site: &'a Path,
    staged: &'a Path,
    /// Where the earlier copy lies.
    earlier: &'a Path,
    overlay: &'a Overlay,
    before: Option<&'a HashMap<String, Copied>>,
}

impl Copy<'_> {
    /// Stages a site with all that its host may read (`.nojekyll`, `.well-known`), but no version
    /// control and no link that leads out.
    fn all(&self, walk: crate::walk::Walk) -> Result<Put, BuildError> {
        let url_path = |path| self.overlay.prefixes.url_path(path);
        let known = |path| self.overlay.files.get(&*url_path(path));
        let visible = walk
            .files
            .iter()
            .map(|found| (Path::new(&found.path), found.stamp));
        let beside = walk.beside.iter().map(|it| (&*it.path, it.stamp));
        let files: Vec<(&Path, FileStamp, Option<&SiteFile>)> = visible
            .chain(beside)
            .map(|(path, stamp)| (path, stamp, path.to_str().and_then(known)))
            .collect();
        let generated = self.overlay.generated.keys().map(Path::new);
        self.folders(files.iter().map(|(path, ..)| *path).chain(generated))?;
        let stamps = parallel::each(&files, &|_| (), |(path, stamp, known)| {
            self.one(path, *stamp, *known)
        })?;
        let mut put = Put::default();
        for ((path, ..), stamp) in files.iter().zip(stamps) {
            if let Some(path) = path.to_str() {
                put.files.insert(path.to_owned(), stamp);
            }
        }
        let copied: HashSet<_> = put.files.keys().map(|path| url_path(path)).collect();
        let mut pages = edited_pages(self.overlay);
        if let Some((gone, _)) = pages.find(|(path, _)| !copied.contains(*path)) {
            return Err(BuildError::Unsettled {
                file: gone.to_owned(),
            });
        }
        for (path, generated) in &self.overlay.generated {
            let target = self.staged.join(path);
            let stamp = match self.take_over_pack(&generated.body, &target) {
                Some(stamp) => stamp,
                None => write_body(&target, &generated.body)?,
            };
            put.files.insert(path.clone(), stamp);
        }
        put.written = Written {
            written: put.files.len(),
            removed: 0,
        };
        put.beside = walk.beside;
        Ok(put)
    }

    fn folders<'p>(&self, files: impl Iterator<Item = &'p Path>) -> Result<(), BuildError> {
        let mut last = None;
        for folder in files.map(Path::parent) {
            if last != Some(folder) {
                let folder = self.staged.join(folder.unwrap_or(Path::new("")));
                fs::create_dir_all(&folder).map_err(|source| write_error(&folder, source))?;
            }
            last = Some(folder);
        }
        Ok(())
    }

    /// `known`: what the plan is true of. A copy of anything else would be refused by every
    /// visitor's browser, since its hash is not that of the manifest.
    fn one(
        &self,
        path: &Path,
        stamp: FileStamp,
        known: Option<&SiteFile>,
    ) -> Result<FileStamp, BuildError> {
        if known.is_some_and(|known| known.stamp != stamp) {
            return Err(BuildError::Unsettled {
                file: path.display().to_string(),
            });
        }
        let target = self.staged.join(path);
        if let Some(stamp) = self.take_over(path, stamp, known, &target) {
            return Ok(stamp);
        }
        let original = self.site.join(path);
        match known {
            Some(page) if !page.edits.is_empty() => {
                write_edited(&original, page, &path.display().to_string(), &target)
            }
            _ => self.copy(&original, path, stamp, &target),
        }
    }

    /// Links the file of the earlier copy to `target`, if it and its original are as they were.
    fn take_over(
        &self,
        path: &Path,
        stamp: FileStamp,
        known: Option<&SiteFile>,
        target: &Path,
    ) -> Option<FileStamp> {
        let copied = self.before?.get(path.to_str()?)?;
        if copied.source != stamp || copied.edited != edited_hash(known) {
            return None;
        }
        let earlier = self.earlier.join(path);
        let found = fs::symlink_metadata(&earlier).ok()?;
        let alone = found.is_file() && links(&found) == 1;
        if !alone || FileStamp::of(&found) != copied.target {
            return None;
        }
        fs::hard_link(&earlier, target).ok()?;
        Some(copied.target)
    }

    /// Links a pack of the earlier copy, which goes, to `target`.
    fn take_over_pack(&self, body: &Body, target: &Path) -> Option<FileStamp> {
        let Body::File { path, .. } = body else {
            return None;
        };
        let found = fs::symlink_metadata(path).ok()?;
        let alone = found.is_file() && links(&found) == 1;
        if !alone || !fs::canonicalize(path).ok()?.starts_with(self.earlier) {
            return None;
        }
        fs::hard_link(path, target).ok()?;
        Some(FileStamp::of(&found))
    }

    fn copy(
        &self,
        original: &Path,
        path: &Path,
        stamp: FileStamp,
        target: &Path,
    ) -> Result<FileStamp, BuildError> {
        let read_error = |source| read_or_gone(original, path, source);
        let mut from = File::open(original).map_err(read_error)?;
        let write = |from: &mut File| {
            let mut to = File::create(target)?;
            io::copy(from, &mut to)?;
            Ok(to)
        };
        let to = write(&mut from).map_err(|source| write_error(target, source))?;
        let metadata = from.metadata().map_err(read_error)?;
        let rights = || {
            to.set_permissions(metadata.permissions())?;
            Ok(FileStamp::of(&to.metadata()?))
        };
        let copied = rights().map_err(|source| write_error(target, source))?;
        if FileStamp::of(&metadata) != stamp || copied.size != stamp.size {
            return Err(BuildError::Unsettled {
                file: path.display().to_string(),
            });
        }
        Ok(copied)
    }
}

/// The hash of what a copy holds, where that is not what its original does.
pub(crate) fn edited_hash(file: Option<&SiteFile>) -> Option<Sha256> {
    file.filter(|file| !file.edits.is_empty())
        .and_then(|file| file.sha256)
}

#[cfg(unix)]
fn links(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(metadata)
}

/// Not told: nothing is taken over.
#[cfg(not(unix))]
fn links(_: &fs::Metadata) -> u64 {
    0
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

/// Only an empty folder or an earlier output may be replaced: all else is somebody's.
fn refuse_foreign(target: &Path, worker: &str) -> Result<(), BuildError> {
    let mut entries = match fs::read_dir(target) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
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
        Ok(())
    } else {
        Err(BuildError::ForeignOutput {
            path: target.to_owned(),
        })
    }
}
