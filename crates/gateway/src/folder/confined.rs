//! Opens files below a root and never one that lies outside of it.
//!
//! Names come from strangers and have been freed of dot segments; what is left is links. A link
//! that stays below the root is followed, if what it leads to could be asked for by name as well;
//! any other is as if it were not there. On Linux the kernel itself confines the way
//! (`openat2`); elsewhere, and for paths with links, the way is resolved first and then, on
//! Unix, walked without following any link, so that nobody can swap one in between.
//!
//! The root's path is looked up for each request: whoever swaps a folder for a new one, by a
//! rename or by a link, is served the new one.
//!
//! A file's name must be UTF-8: [`decode`](revisit_rules::site::route::decode) makes no other,
//! so a file with another name is never found.

#[cfg_attr(unix, path = "confined/unix.rs")]
#[cfg_attr(not(unix), path = "confined/portable.rs")]
mod system;

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::target::is_hidden;

/// Why there is no open file.
#[derive(Debug)]
pub(super) enum NoFile {
    /// No regular file has that name.
    NotThere,
    /// There is one, and this process may not read it.
    Forbidden,
    /// The system could not say.
    Trouble(io::Error),
}

/// The folder that had the root's path when a request came.
pub(super) struct Root(system::Directory);

impl Root {
    /// Opens the folder at `path`.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        system::Directory::open(path).map(Self)
    }

    /// Opens the regular file `name`, a path below the root without dot segments.
    pub(super) fn file(&self, name: &str) -> Result<(File, Metadata), NoFile> {
        if name.is_empty() || name.ends_with('/') || name.contains('\0') || is_hidden(name) {
            return Err(NoFile::NotThere);
        }
        let file = self.0.file(name)?;
        let metadata = file.metadata().map_err(NoFile::from)?;
        // Folders, pipes, sockets and devices are no files; what a pipe holds is nobody's page.
        if !metadata.is_file() {
            return Err(NoFile::NotThere);
        }
        Ok((file, metadata))
    }
}

/// The real place of `name` below `root`, without links; it may be asked for by name.
fn resolve(root: &Path, name: &str) -> Result<PathBuf, NoFile> {
    let real = root.join(name).canonicalize()?;
    let below = real
        .strip_prefix(root.canonicalize()?)
        .map_err(|_| NoFile::NotThere)?;
    let hidden = below.iter().any(|name| name.to_str().is_none_or(is_hidden));
    if hidden {
        Err(NoFile::NotThere)
    } else {
        Ok(below.to_owned())
    }
}

impl From<io::Error> for NoFile {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::NotFound
            | Kind::NotADirectory
            | Kind::IsADirectory
            | Kind::InvalidFilename
            | Kind::InvalidInput => Self::NotThere,
            Kind::PermissionDenied => Self::Forbidden,
            _ if system::says_not_there(&error) => Self::NotThere,
            _ => Self::Trouble(error),
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
