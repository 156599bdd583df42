//! A body on its way onto the disk: small ones wait in memory for their row, larger ones go into a
//! file of their own.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use bytes::{Bytes, BytesMut};

use super::files::{Framer, file_bytes, folder_of, io_error, path_of, sync_folder, tmp_path_of};
use super::shared::{DeadBody, Shared};
use crate::StoreError;
use crate::staging::Staged;
use crate::store::Contract;

/// A body of up to so many bytes lies in its row: a file would cost it two syncs and a block.
pub(super) const INLINE_BYTES_MAX: usize = 16 << 10;

/// A body that is being written.
pub(crate) struct DiskStaging {
    shared: Arc<Shared>,
    state: State,
}

enum State {
    Small(BytesMut),
    Large {
        file: File,
        framer: Framer,
        staged: StagedFile,
    },
    /// An error came, or the future was dropped in the middle.
    Broken,
}

impl DiskStaging {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            state: State::Small(BytesMut::new()),
        }
    }

    pub(crate) async fn write(&mut self, mut bytes: Bytes) -> Result<(), StoreError> {
        let (mut file, mut framer, mut staged) =
            match std::mem::replace(&mut self.state, State::Broken) {
                State::Broken => return Err(broken()),
                State::Small(mut small) if small.len() + bytes.len() <= INLINE_BYTES_MAX => {
                    small.extend_from_slice(&bytes);
                    self.state = State::Small(small);
                    return Ok(());
                }
                State::Small(small) => {
                    let (file, mut staged) = self.begin().await?;
                    let mut framer = Framer::new();
                    staged.grow(small.len() as u64);
                    framer.take(&mut small.freeze());
                    (file, framer, staged)
                }
                State::Large {
                    file,
                    framer,
                    staged,
                } => (file, framer, staged),
            };
        while !bytes.is_empty() {
            let before = bytes.len();
            framer.take(&mut bytes);
            staged.grow((before - bytes.len()) as u64);
            if framer.is_full() {
                self.shared.make_room().await?;
                (file, framer, staged) = self.flush(file, framer, staged).await?;
            }
        }
        self.state = State::Large {
            file,
            framer,
            staged,
        };
        Ok(())
    }

    async fn begin(&self) -> Result<(File, StagedFile), StoreError> {
        self.shared.writable()?;
        let staged = StagedFile::new(self.shared.clone());
        let path = tmp_path_of(&self.shared.folder, staged.body);
        let open = move |(): &mut ()| {
            let file = File::options().write(true).create_new(true).open(&path);
            file.map_err(|error| io_error("create", &path, error))
        };
        Ok((self.shared.files.run(open).await?, staged))
    }

    async fn flush(
        &self,
        mut file: File,
        mut framer: Framer,
        staged: StagedFile,
    ) -> Result<(File, Framer, StagedFile), StoreError> {
        let job = move |(): &mut ()| {
            let written = framer.write(&mut file, staged.shared.sums, staged.body);
            written.map_err(|error| io_error("write", &staged.tmp_path(), error))?;
            Ok((file, framer, staged))
        };
        self.shared.files.run(job).await
    }

    /// Ends the body: written, made to last (durable), and under its own name.
    pub(crate) async fn finish(self) -> Result<Staged, StoreError> {
        let (file, framer, staged) = match self.state {
            State::Broken => return Err(broken()),
            State::Small(small) => return Ok(Staged::bytes(small.freeze())),
            State::Large {
                file,
                framer,
                staged,
            } => (file, framer, staged),
        };
        self.shared.make_room().await?;
        let job = move |(): &mut ()| finish(file, framer, staged);
        self.shared.files.run(job).await.map(Staged::file)
    }
}

fn finish(
    mut file: File,
    mut framer: Framer,
    mut staged: StagedFile,
) -> Result<StagedFile, StoreError> {
    let tmp = staged.tmp_path();
    let shared = staged.shared.clone();
    let written = framer.write(&mut file, shared.sums, staged.body);
    written.map_err(|error| io_error("write", &tmp, error))?;
    if shared.contract == Contract::Durable {
        file.sync_data().map_err(|error| {
            let error = io_error("sync", &tmp, error);
            shared.poison(&error);
            error
        })?;
    }
    let path = path_of(&shared.folder, staged.body);
    let folder = folder_of(&shared.folder, staged.body);
    match fs::rename(&tmp, &path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_folder(&shared, &folder)?;
            fs::rename(&tmp, &path).map_err(|error| io_error("rename", &tmp, error))?;
        }
        renamed => renamed.map_err(|error| io_error("rename", &tmp, error))?,
    }
    staged.renamed = true;
    Ok(staged)
}

/// Makes a folder for bodies, and its name to last.
fn make_folder(shared: &Shared, folder: &Path) -> Result<(), StoreError> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(io_error("create", folder, error));
        }
        _ => {}
    }
    if shared.contract == Contract::Relaxed {
        return Ok(());
    }
    let parent = folder.parent().unwrap_or(&shared.folder);
    sync_folder(parent).inspect_err(|error| shared.poison(error))
}

fn broken() -> StoreError {
    StoreError::Catalog {
        doing: "finish a body",
        why: "an earlier piece of it was not written".to_owned(),
    }
}

/// A file that no row names yet. Dropped before it is [kept](Self::keep) it is unlinked.
pub(crate) struct StagedFile {
    shared: Arc<Shared>,
    body: u64,
    bytes: u64,
    renamed: bool,
    kept: std::sync::atomic::AtomicBool,
}

impl StagedFile {
    fn new(shared: Arc<Shared>) -> Self {
        shared.staged.fetch_add(1, SeqCst);
        shared.file_bytes.fetch_add(file_bytes(0), SeqCst);
        let body = shared.next_body.fetch_add(1, SeqCst);
        Self {
            shared,
            body,
            bytes: 0,
            renamed: false,
            kept: false.into(),
        }
    }

    /// Counts bytes that are about to be written.
    fn grow(&mut self, bytes: u64) {
        let before = file_bytes(self.bytes);
        self.bytes += bytes;
        self.shared
            .file_bytes
            .fetch_add(file_bytes(self.bytes) - before, SeqCst);
    }

    fn tmp_path(&self) -> std::path::PathBuf {
        tmp_path_of(&self.shared.folder, self.body)
    }

    pub(crate) fn body(&self) -> u64 {
        self.body
    }

    pub(crate) fn len(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn is_of(&self, shared: &Arc<Shared>) -> bool {
        Arc::ptr_eq(&self.shared, shared)
    }

    /// A row names it now.
    pub(crate) fn keep(&self) {
        if !self.kept.swap(true, SeqCst) {
            self.shared.staged.fetch_sub(1, SeqCst);
        }
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if *self.kept.get_mut() {
            return;
        }
        let shared = self.shared.clone();
        let dead = DeadBody {
            body: self.body,
            bytes: self.bytes,
        };
        let renamed = self.renamed;
        self.shared.files.spawn(move |()| {
            match renamed {
                true => shared.unlink(&[dead]),
                false => {
                    shared.file_bytes.fetch_sub(file_bytes(dead.bytes), SeqCst);
                    // What stays is swept when the store is opened again.
                    let _ = fs::remove_file(tmp_path_of(&shared.folder, dead.body));
                }
            }
            shared.staged.fetch_sub(1, SeqCst);
        });
    }
}

impl std::fmt::Debug for StagedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StagedFile")
            .field("body", &self.body)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for DiskStaging {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DiskStaging").finish_non_exhaustive()
    }
}
