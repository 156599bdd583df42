//! Which files does the folder hold?
//!
//! Everything that a host would serve: no dotfiles (but `.well-known`), nothing behind a link
//! that leads out of the folder. In the order of their paths, whatever the disk's order is.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use revisit_rules::site::FileStamp;

use crate::{BuildError, Warning};

/// A file of the site.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Path below the root, parted by slashes.
    pub(crate) path: String,
    pub(crate) stamp: FileStamp,
}

/// A file that no URL names or that is hidden, such as `.nojekyll`: a host may want it all the same.
#[derive(Debug, Clone)]
pub(crate) struct Beside {
    /// Path below the root.
    pub(crate) path: PathBuf,
    pub(crate) stamp: FileStamp,
}

/// What a walk brought home.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Sorted by path.
    pub(crate) files: Vec<Found>,
    /// What a whole copy has beside them; sorted by path.
    pub(crate) beside: Vec<Beside>,
    pub(crate) warnings: Vec<Warning>,
}

/// Walks the folder `root`; `skip` names paths that are not the site's own.
pub(crate) fn walk(root: &Path, skip: &dyn Fn(&str) -> bool) -> Result<Walk, BuildError> {
    start(root, skip, false)
}

/// [`walk`], and what a whole copy has beside the site's files: all but version control.
pub(crate) fn walk_whole(root: &Path, skip: &dyn Fn(&str) -> bool) -> Result<Walk, BuildError> {
    start(root, skip, true)
}

fn start(root: &Path, skip: &dyn Fn(&str) -> bool, whole: bool) -> Result<Walk, BuildError> {
    let real = fs::canonicalize(root).map_err(|source| folder_error(root, source))?;
    refuse_what_is_no_site(root, &real)?;
    let mut descent = Descent {
        root: &real,
        skip,
        whole,
        trail: vec![real.clone()],
        walk: Walk::default(),
    };
    descent.descend(&real, &Prefix::Site(String::new()))?;
    let mut walk = descent.walk;
    walk.files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    walk.beside.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    walk.warnings.sort();
    Ok(walk)
}

/// A wrong folder is a frequent slip, and costs minutes and a home folder full of tags.
pub(crate) fn refuse_what_is_no_site(given: &Path, real: &Path) -> Result<(), BuildError> {
    let refuse = |what| {
        Err(BuildError::NotASite {
            path: given.to_owned(),
            what,
        })
    };
    if real.parent().is_none() {
        return refuse("the root of the file system");
    }
    #[allow(deprecated, reason = "it was mended in Rust 1.85")]
    let home = std::env::home_dir().and_then(|home| fs::canonicalize(home).ok());
    if home.as_deref() == Some(real) {
        return refuse("your home folder");
    }
    Ok(())
}

fn folder_error(path: &Path, source: io::Error) -> BuildError {
    BuildError::Folder {
        path: path.to_owned(),
        source,
    }
}

/// A walk under way.
struct Descent<'a> {
    root: &'a Path,
    skip: &'a dyn Fn(&str) -> bool,
    whole: bool,
    /// The real folders above and including this one: a link back into it is a circle.
    trail: Vec<PathBuf>,
    walk: Walk,
}

/// Where a folder lies below the root.
enum Prefix {
    /// Its path with a slash at the end; empty for the root.
    Site(String),
    /// In what only a whole copy has.
    Beside(PathBuf),
}

/// Where a file or folder lies.
enum Place {
    Site(String),
    Beside(PathBuf),
}

impl Descent<'_> {
    fn descend(&mut self, folder: &Path, prefix: &Prefix) -> Result<(), BuildError> {
        let is_root = matches!(prefix, Prefix::Site(path) if path.is_empty());
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            // gone since the folder above it was read
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_root => return Ok(()),
            Err(source) if is_root => return Err(folder_error(folder, source)),
            Err(source) => {
                return Err(BuildError::Read {
                    path: folder.to_owned(),
                    source,
                });
            }
        };
        for entry in entries {
            let entry = entry.map_err(|source| folder_error(folder, source))?;
            if let Some(place) = self.place(prefix, entry.file_name()) {
                self.take(&entry, place)?;
            }
        }
        Ok(())
    }

    /// Where the entry of this name belongs, if anywhere.
    fn place(&mut self, prefix: &Prefix, name: OsString) -> Option<Place> {
        let prefix = match prefix {
            Prefix::Site(prefix) => prefix,
            Prefix::Beside(prefix) => {
                return (!NEVER_COPIED.iter().any(|never| name == **never))
                    .then(|| Place::Beside(prefix.join(name)));
            }
        };
        let beside = |name: OsString| Place::Beside(Path::new(prefix).join(name));
        let name = match name.into_string() {
            Ok(name) => name,
            Err(name) => {
                let file = format!("{prefix}{}", name.to_string_lossy());
                self.walk.warnings.push(Warning::NameNotText { file });
                return self.whole.then(|| beside(name));
            }
        };
        if name.starts_with('.') && name != ".well-known" {
            return (self.whole && !NEVER_COPIED.contains(&&*name)).then(|| beside(name.into()));
        }
        let path = format!("{prefix}{name}");
        if (self.skip)(&path) {
            return None;
        }
        if name.contains('\\') {
            let file = path;
            self.walk.warnings.push(Warning::NameNotText { file });
            return self.whole.then(|| beside(name.into()));
        }
        Some(Place::Site(path))
    }

    fn take(&mut self, entry: &fs::DirEntry, place: Place) -> Result<(), BuildError> {
        let Ok(kind) = entry.file_type() else {
            return Ok(()); // gone since its folder was read
        };
        let mut link = None;
        if kind.is_symlink() {
            match fs::canonicalize(entry.path()) {
                Ok(target) if target.starts_with(self.root) && !self.trail.contains(&target) => {
                    link = Some(target);
                }
                _ => {
                    if let Place::Site(file) = place {
                        self.walk.warnings.push(Warning::LinkOut { file });
                    }
                    return Ok(());
                }
            }
        }
        let is_folder = match &link {
            // What a folder says of its own entry costs a third of asking for the whole path.
            None => kind.is_dir(),
            Some(target) => target.is_dir(),
        };
        if is_folder {
            let real = link.unwrap_or_else(|| entry.path());
            let prefix = match place {
                Place::Site(path) => Prefix::Site(path + "/"),
                Place::Beside(path) => Prefix::Beside(path),
            };
            self.trail.push(real.clone());
            self.descend(&real, &prefix)?;
            self.trail.pop();
            return Ok(());
        }
        let metadata = match link.as_ref().map_or_else(|| entry.metadata(), fs::metadata) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => {
                let path = link.unwrap_or_else(|| entry.path());
                return Err(BuildError::Read { path, source });
            }
        };
        if metadata.is_file() {
            let stamp = FileStamp::of(&metadata);
            match place {
                Place::Site(path) => self.walk.files.push(Found { path, stamp }),
                Place::Beside(path) => self.walk.beside.push(Beside { path, stamp }),
            }
        }
        Ok(())
    }
}

/// Folders of version control, and what a build that was killed has left.
const NEVER_COPIED: [&str; 4] = [".git", ".hg", ".svn", ".revisit-staging"];

#[cfg(test)]
mod tests {
    use super::*;

    fn site(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        dir
    }

    fn check(dir: &tempfile::TempDir, expected: &[&str], warnings: usize) {
        let walk = walk(dir.path(), &|path| path == "revisit").unwrap();
        let paths: Vec<_> = walk.files.iter().map(|found| &*found.path).collect();
        assert_eq!(paths, expected);
        assert_eq!(walk.warnings.len(), warnings, "{:?}", walk.warnings);
    }

    #[test]
    fn files_come_in_the_order_of_their_paths_and_hidden_ones_not_at_all() {
        let dir = site(&[
            "b.html",
            "a/z.js",
            "a/.git/x",
            ".env",
            ".well-known/security.txt",
            "revisit/x",
            "a b#?%.txt",
            "line\nbreak.txt",
        ]);
        check(
            &dir,
            &[
                ".well-known/security.txt",
                "a b#?%.txt",
                "a/z.js",
                "b.html",
                "line\nbreak.txt",
            ],
            0,
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_within_the_folder_is_followed_and_one_out_of_it_is_named() {
        use std::os::unix::fs::symlink;
        let dir = site(&["a/x.js", "y.js"]);
        symlink("a/x.js", dir.path().join("inside.js")).unwrap();
        symlink("a", dir.path().join("folder")).unwrap();
        symlink("/etc/passwd", dir.path().join("out")).unwrap();
        symlink("..", dir.path().join("a/circle")).unwrap();
        symlink("nowhere", dir.path().join("dangling")).unwrap();
        check(&dir, &["a/x.js", "folder/x.js", "inside.js", "y.js"], 4);
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_no_text_is_named_and_left_out() {
        use std::os::unix::ffi::OsStrExt;
        let dir = site(&["a.html"]);
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9.html");
        fs::write(dir.path().join(name), "x").unwrap();
        check(&dir, &["a.html"], 1);
    }

    #[test]
    fn a_whole_walk_has_hidden_files_beside_and_no_version_control() {
        let dir = site(&[
            "a.html",
            ".nojekyll",
            ".git/config",
            "a/.env",
            ".hidden/deep/x.js",
            "back\\slash.txt",
        ]);
        let walk = walk_whole(dir.path(), &|_| false).unwrap();
        let beside: Vec<_> = walk.beside.iter().map(|it| it.path.to_str()).collect();
        assert_eq!(
            beside,
            [
                ".hidden/deep/x.js",
                ".nojekyll",
                "a/.env",
                "back\\slash.txt"
            ]
            .map(Some)
        );
        assert_eq!(walk.files.len(), 1);
        assert_eq!(walk.warnings.len(), 1);
    }

    #[test]
    fn the_root_and_a_missing_folder_are_refused() {
        assert!(matches!(
            walk(Path::new("/"), &|_| false),
            Err(BuildError::NotASite { .. })
        ));
        assert!(matches!(
            walk(Path::new("/no/such/folder"), &|_| false),
            Err(BuildError::Folder { .. })
        ));
    }
}
