//! How a store on disk is opened, and why it cannot be.

use std::path::PathBuf;

use crate::StoreError;
use crate::store::Contract;

/// How to open a store on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// `None`: that of the store that is there.
    pub(super) contract: Option<Contract>,
    pub(super) bytes_max: Option<u64>,
    pub(super) read_only: bool,
}

impl Options {
    /// A store that keeps its word; it is made if it is not there.
    pub fn durable() -> Self {
        Self {
            contract: Some(Contract::Durable),
            bytes_max: None,
            read_only: false,
        }
    }

    /// A cache of at most `bytes_max` bytes on the disk, all its files together; it is made if it is
    /// not there. Less than [`Self::RELAXED_BYTES_MIN`] counts as that.
    pub fn relaxed(bytes_max: u64) -> Self {
        Self {
            contract: Some(Contract::Relaxed),
            bytes_max: Some(bytes_max.max(Self::RELAXED_BYTES_MIN)),
            read_only: false,
        }
    }

    /// The store that is there, whatever it promises; nothing is evicted.
    pub fn as_it_is() -> Self {
        Self {
            contract: None,
            bytes_max: None,
            read_only: false,
        }
    }

    /// Changes nothing, and keeps nobody out: also what another process has open can be looked at, as
    /// of when it was opened here; what was taken away since then is missing, or
    /// [`StoreError::Gone`]. A damaged durable store, which is refused otherwise, can be looked at so.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// The smallest bound of a relaxed store: 16 MiB.
    pub const RELAXED_BYTES_MIN: u64 = 16 << 20;
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no store in the folder, and none was to be made.
    #[error("there is no store in `{folder}`")]
    Missing {
        /// The folder.
        folder: PathBuf,
    },
    /// Another process has it.
    #[error("the store in `{folder}` is open in another process")]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// A newer version of this program wrote it.
    #[error("the store in `{folder}` has format {found}, this version knows formats up to {known}")]
    Newer {
        /// The folder.
        folder: PathBuf,
        /// Its format.
        found: i32,
        /// The newest that is known.
        known: i32,
    },
    /// The folder holds something else.
    #[error("`{folder}` has a `catalog.db` that is no store of Revisit")]
    Foreign {
        /// The folder.
        folder: PathBuf,
    },
    /// It promises another thing than is asked for.
    #[error("the store in `{folder}` is {found:?}, not {wanted:?}")]
    Contract {
        /// The folder.
        folder: PathBuf,
        /// What it promises.
        found: Contract,
        /// What is asked for.
        wanted: Contract,
    },
    /// The folder is on a network, where locks and syncs may not hold.
    #[error("`{folder}` is on a network file system ({name}), where a store cannot keep its word")]
    Network {
        /// The folder.
        folder: PathBuf,
        /// What the file system is called.
        name: &'static str,
    },
    /// Parts of a durable store are damaged.
    #[error("the store in `{folder}` is damaged: {why}")]
    Damaged {
        /// The folder.
        folder: PathBuf,
        /// What is off.
        why: String,
    },
    /// The SQLite that was linked is too old.
    #[error("this program has SQLite {found}, and wants {wanted} or later")]
    Sqlite {
        /// Its version.
        found: String,
        /// The oldest that will do.
        wanted: &'static str,
    },
    /// The folder cannot be read or written.
    #[error("cannot open the store in `{folder}`")]
    Io {
        /// The folder.
        folder: PathBuf,
        /// What was refused.
        #[source]
        source: StoreError,
    },
}

impl OpenError {
    /// What the user can do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Missing { .. } => {
                "name the folder that a program keeps its store in; it has a file `catalog.db`"
            }
            Self::InUse { .. } => "end that process, or use another folder",
            Self::Newer { .. } => "use the version that wrote it, or another folder",
            Self::Foreign { .. } => "use another folder",
            Self::Contract { .. } => "use another folder for each",
            Self::Network { .. } => "use a folder on a local disk",
            Self::Damaged { .. } => {
                "`revisit store check` and `revisit store export` read what can be read; then use \
                 another folder, or bring a copy back"
            }
            Self::Sqlite { .. } => "build it with the bundled SQLite",
            Self::Io { source, .. } if source.is_corrupt() => {
                "its `catalog.db` is damaged or something else: bring a copy of the folder back, or \
                 use another"
            }
            Self::Io { .. } => {
                "see that the disk is there and that you may read and write the folder"
            }
        }
    }
}
