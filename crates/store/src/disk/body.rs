//! A body in a file: pinned while somebody may read it, opened at its first byte.

use std::fs::File;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::catalog::{EntryRow, corrupt};
use super::files::{self, Damage, io_error, path_of};
use super::reader::connect;
use super::shared::Shared;
use super::writer::Op;
use crate::StoreError;
use crate::backend::Pending;
use crate::store::Contract;

/// A body of an entry that was found.
pub(crate) struct FileBody {
    shared: Arc<Shared>,
    serial: u64,
    body: u64,
    bytes: u64,
    file: OnceLock<File>,
}

impl FileBody {
    /// Takes over a pin.
    pub(super) fn new(shared: Arc<Shared>, serial: u64, body: u64, bytes: u64) -> Arc<Self> {
        Arc::new(Self {
            shared,
            serial,
            body,
            bytes,
            file: OnceLock::new(),
        })
    }

    pub(super) fn serial(&self) -> u64 {
        self.serial
    }

    pub(crate) fn len(&self) -> u64 {
        self.bytes
    }

    /// Reads at least one byte of a range that is not empty and lies within.
    pub(crate) fn piece(self: &Arc<Self>, range: Range<u64>) -> Pending<Bytes> {
        let own = self.clone();
        self.shared.bodies.run(move |()| own.read(range))
    }

    /// The same, now.
    pub(super) fn read(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        let sums = self.shared.sums;
        let read = self
            .file()
            .and_then(|file| files::read(file, sums, self.body, self.bytes, range));
        read.map_err(|damage| {
            let path = path_of(&self.shared.folder, self.body);
            // What cannot be read now (too many open files, say) may be whole.
            let is_wrong = matches!(damage, Damage::Wrong(_));
            if is_wrong && self.was_taken_away() {
                return StoreError::Gone {
                    what: format!("entry {}", self.serial),
                };
            }
            let error = match damage {
                Damage::Wrong(why) => corrupt(format!("`{}`", path.display()), why),
                Damage::Unreadable(error) => io_error("read", &path, error),
            };
            tracing::error!(%error, serial = self.serial, "a body is damaged");
            if is_wrong && self.shared.contract == Contract::Relaxed {
                self.shared.send(Op::Quarantine(self.serial));
            }
            error
        })
    }

    /// Whether another process, which has the store, has taken the entry away: a file goes after its row.
    fn was_taken_away(&self) -> bool {
        let Some(catalog) = &self.shared.looked_at else {
            return false;
        };
        let found = connect(catalog)
            .and_then(|connection| EntryRow::find(&connection, self.serial, self.shared.sums));
        found.is_ok_and(|found| found.is_none_or(|(row, _)| row.body != self.body))
    }

    fn file(&self) -> Result<&File, Damage> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let path = path_of(&self.shared.folder, self.body);
        let file = File::open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Damage::Wrong("the file is missing"),
            _ => Damage::Unreadable(error),
        })?;
        let whole = files::file_bytes(self.bytes);
        if file.metadata().map_err(Damage::Unreadable)?.len() != whole {
            return Err(Damage::Wrong("the file is not as long as it was"));
        }
        let mut magic = [0; files::MAGIC.len()];
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut magic, 0)
            .map_err(Damage::Unreadable)?;
        if magic != *files::MAGIC {
            return Err(Damage::Wrong("the file does not begin as a body"));
        }
        Ok(self.file.get_or_init(|| file))
    }
}

impl Drop for FileBody {
    fn drop(&mut self) {
        self.shared.unpin(self.body);
    }
}

impl std::fmt::Debug for FileBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileBody")
            .field("body", &self.body)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}
