//! Sites to build and to serve: folders made for one test, or copied from the examples.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A folder that goes with the value.
pub(crate) struct Site {
    folder: TempDir,
}

impl Site {
    /// An empty folder.
    #[track_caller]
    pub(crate) fn new() -> Site {
        let folder = tempfile::Builder::new()
            .prefix("revisit-site-")
            .tempdir()
            .expect("a temporary folder can be made");
        Site { folder }
    }

    /// A copy of a folder, to change freely.
    #[track_caller]
    pub(crate) fn copy_of(folder: &Path) -> Site {
        let site = Site::new();
        site.overlay(folder);
        site
    }

    /// Lays another folder over this one: its files are added, or replace those of the same name.
    #[track_caller]
    pub(crate) fn overlay(&self, folder: &Path) -> &Site {
        for (name, bytes) in files(folder) {
            self.file(&name, bytes);
        }
        self
    }

    /// Writes a file, with the folders that it needs.
    #[track_caller]
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> &Site {
        let path = self.path().join(name);
        let folder = path.parent().unwrap_or(self.path());
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, content))
            .unwrap_or_else(|error| panic!("cannot write `{}`: {error}", path.display()));
        self
    }

    /// Removes a file, or a folder with all that it holds.
    #[track_caller]
    pub(crate) fn remove(&self, name: &str) -> &Site {
        let path = self.path().join(name);
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.unwrap_or_else(|error| panic!("cannot remove `{}`: {error}", path.display()));
        self
    }

    /// A file as text.
    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path().join(name);
        fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("cannot read `{}`: {error}", path.display()))
    }

    /// Whether there is such a file or folder.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.path().join(name).exists()
    }

    /// All files by their names with `/`, and their bytes: a picture to compare with a later one.
    #[track_caller]
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        files(self.path())
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A folder of the repository's `examples/`.
pub(crate) fn examples(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples")
        .join(name)
}

#[track_caller]
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        let entries = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("cannot read `{}`: {error}", folder.display()));
        for entry in entries.flatten() {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let path = entry.path();
            if path.is_dir() {
                folders.push((path, format!("{name}/")));
            } else {
                let bytes = fs::read(&path)
                    .unwrap_or_else(|error| panic!("cannot read `{}`: {error}", path.display()));
                found.insert(name, bytes);
            }
        }
    }
    found
}
