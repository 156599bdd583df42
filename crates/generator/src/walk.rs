//! Which files does the folder hold?
//!
//! Everything that a host would serve: no dotfiles (but `.well-known`), nothing behind a link
//! that leads out of the folder. In the order of their paths, whatever the disk's order is.

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

/// What a walk brought home.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Sorted by path.
    pub(crate) files: Vec<Found>,
    pub(crate) warnings: Vec<Warning>,
}

/// Walks the folder `root`; `skip` names paths that are not the site's own.
pub(crate) fn walk(root: &Path, skip: &dyn Fn(&str) -> bool) -> Result<Walk, BuildError> {
    let real = fs::canonicalize(root).map_err(|source| folder_error(root, source))?;
    refuse_what_is_no_site(root, &real)?;
    let mut walk = Walk::default();
    descend(&real, &real, "", &mut vec![real.clone()], skip, &mut walk)?;
    walk.files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(walk)
}

/// A wrong folder is a frequent slip, and costs minutes and a home folder full of tags.
fn refuse_what_is_no_site(given: &Path, real: &Path) -> Result<(), BuildError> {
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

/// `trail` holds the real folders above and including this one: a link back into it is a circle.
fn descend(
    root: &Path,
    folder: &Path,
    prefix: &str,
    trail: &mut Vec<PathBuf>,
    skip: &dyn Fn(&str) -> bool,
    walk: &mut Walk,
) -> Result<(), BuildError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        // gone since the folder above it was read
        Err(error) if error.kind() == io::ErrorKind::NotFound && !prefix.is_empty() => {
            return Ok(());
        }
        Err(source) if prefix.is_empty() => return Err(folder_error(folder, source)),
        Err(source) => {
            return Err(BuildError::Read {
                path: folder.to_owned(),
                source,
            });
        }
    };
    for entry in entries {
        let entry = entry.map_err(|source| folder_error(folder, source))?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
            walk.warnings.push(Warning::NameNotText {
                file: format!("{prefix}{}", entry.file_name().to_string_lossy()),
            });
            continue;
        };
        let path = format!("{prefix}{name}");
        if (name.starts_with('.') && name != ".well-known") || skip(&path) {
            continue;
        }
        if name.contains('\\') {
            walk.warnings.push(Warning::NameNotText { file: path });
            continue;
        }
        let Ok(kind) = entry.file_type() else {
            continue; // gone since its folder was read
        };
        let mut real = entry.path();
        if kind.is_symlink() {
            match fs::canonicalize(&real) {
                Ok(target) if target.starts_with(root) && !trail.contains(&target) => real = target,
                _ => {
                    walk.warnings.push(Warning::LinkOut { file: path });
                    continue;
                }
            }
        }
        let metadata = match fs::metadata(&real) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(BuildError::Read { path: real, source }),
        };
        if metadata.is_dir() {
            trail.push(real.clone());
            descend(root, &real, &format!("{path}/"), trail, skip, walk)?;
            trail.pop();
        } else if metadata.is_file() {
            walk.files.push(Found {
                path,
                stamp: FileStamp::of(&metadata),
            });
        }
    }
    Ok(())
}

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
