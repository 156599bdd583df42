//! Confined opening where there is no opening relative to a descriptor.
//!
//! Between the look at the real place and the opening of it someone with write access to the
//! folder could swap a link in: whoever lets others write there serves from Unix.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::{NoFile, resolve};

pub(super) struct Directory {
    path: PathBuf,
}

impl Directory {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if !path.metadata()?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self {
            path: path.to_owned(),
        })
    }

    pub(super) fn file(&self, name: &str) -> Result<File, NoFile> {
        // A colon names a stream of a file on Windows, or a drive.
        if name.contains(':') {
            return Err(NoFile::NotThere);
        }
        let real = self.path.canonicalize()?.join(resolve(&self.path, name)?);
        // A folder cannot be opened as a file there, and would read as forbidden.
        if !real.metadata()?.is_file() {
            return Err(NoFile::NotThere);
        }
        Ok(File::open(real)?)
    }
}

pub(super) fn says_not_there(_: &io::Error) -> bool {
    false
}
