//! Opening a folder, and what may be chosen about it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use revisit_engine::Clock;

use super::{Folder, Overlay, target};

/// How a folder is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderOptions {
    /// URL path under which the folder lies; begins and ends with a slash. Default `/`.
    pub base: String,

    /// The page, below the root, that is sent with a 404. Default `404.html`; a short text is
    /// sent where there is none.
    pub not_found_page: String,

    /// How long a file that the overlay does not know must have been left alone before it is
    /// served.
    ///
    /// Longer than a writer pauses, or a half-written file is served; each such file costs its
    /// first visitor at most this time. Default 200 ms.
    pub settle: Duration,

    /// How long a request waits at most for a file to settle; then it gets the file as it is.
    /// Default 5 s.
    pub settle_max: Duration,

    /// Largest file that is read whole before it is sent, and so is never cut; larger ones are
    /// sent as they are read, 64 KiB at a time.
    ///
    /// Each request under way may hold this much memory. Default `262144` (256 KiB).
    pub body_in_memory_bytes_max: u64,
}

impl Default for FolderOptions {
    fn default() -> Self {
        Self {
            base: "/".to_owned(),
            not_found_page: "404.html".to_owned(),
            settle: Duration::from_millis(200),
            settle_max: Duration::from_secs(5),
            body_in_memory_bytes_max: 256 * 1024,
        }
    }
}

/// Why a folder cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum OpenFolderError {
    /// There is nothing at that path, or it may not be looked at.
    #[error("cannot open the folder `{}`", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// There is something, but not a folder.
    #[error("`{}` is not a folder", path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// The base is no path under which a folder can lie.
    #[error("`{base}` cannot be the base of a site: {fault}")]
    Base {
        /// The base.
        base: String,
        /// What is wrong with it.
        fault: &'static str,
    },
}

impl OpenFolderError {
    /// What to do about it, where that is known.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unreadable { path, source } => match source.kind() {
                io::ErrorKind::NotFound => Some(format!(
                    "build the site first, or name the folder that its build writes to \
                     instead of `{}`",
                    path.display()
                )),
                io::ErrorKind::PermissionDenied => Some(format!(
                    "give this user the right to read `{}`",
                    path.display()
                )),
                _ => None,
            },
            Self::NotAFolder { path } => {
                let folder = path
                    .parent()
                    .filter(|parent| !parent.as_os_str().is_empty());
                let folder = folder.unwrap_or(Path::new("."));
                Some(format!(
                    "name the folder that it lies in: `{}`",
                    folder.display()
                ))
            }
            Self::Base { .. } => Some("give it as `/` or `/docs/`".to_owned()),
        }
    }
}

impl Folder {
    /// Opens the folder at `root`, with `overlay` above it.
    ///
    /// The path is looked up again for each request, so that a folder that is removed and made
    /// anew, or swapped by a link, is served as it is then.
    pub fn open(
        root: &Path,
        options: FolderOptions,
        overlay: Arc<dyn Overlay>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenFolderError> {
        if let Some(fault) = target::fault_of_base(&options.base) {
            return Err(OpenFolderError::Base {
                base: options.base,
                fault,
            });
        }
        let unreadable = |source| OpenFolderError::Unreadable {
            path: root.to_owned(),
            source,
        };
        if !root.metadata().map_err(unreadable)?.is_dir() {
            return Err(OpenFolderError::NotAFolder {
                path: root.to_owned(),
            });
        }
        // Listing is not needed to serve, but a folder that cannot be listed is a mistake.
        root.read_dir().map_err(unreadable)?;
        let root = Arc::new(std::path::absolute(root).map_err(unreadable)?);
        Ok(Self {
            root,
            options,
            overlay,
            clock,
        })
    }
}
