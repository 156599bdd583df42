//! One look at the disk: which file is there, in which state, and what is in it?
//!
//! Everything here blocks, and runs on a thread that may.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use revisit_rules::site::FileStamp;

use super::confined::{NoFile, Root};
use super::media_type;

/// An open file and its state when it was opened.
#[derive(Debug, Clone)]
pub(super) struct Look {
    /// Its path below the root.
    pub(super) name: String,
    pub(super) file: Arc<File>,
    pub(super) stamp: FileStamp,
    /// Its first bytes, if its media type depends on them.
    pub(super) head: Bytes,
    /// All its bytes, if they were wanted and it is small enough.
    pub(super) content: Option<Bytes>,
}

/// Why there is nothing to answer with, where the reason is not the request's.
#[derive(Debug)]
pub(super) enum Trouble {
    /// This process may not read the file.
    Forbidden,
    /// The folder itself is not there at this moment.
    RootGone,
    /// The file changed each time while it was read.
    Moving,
    /// No file descriptor or no memory is left: it may be there again in a moment.
    Shortage(io::Error),
    /// The system has another reason.
    System(io::Error),
}

/// How much of a file a look reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    /// Files of at most so many bytes are read whole.
    pub(super) content_bytes_max: Option<u64>,
}

/// Looks for the first of `names` below `root`.
pub(super) fn look(root: &Path, names: &[String], wish: Wish) -> Result<Option<Look>, Trouble> {
    let root = match Root::open(root) {
        Ok(root) => root,
        Err(error) if is_shortage(&error) => return Err(Trouble::Shortage(error)),
        Err(_) => return Err(Trouble::RootGone),
    };
    for name in names {
        match root.file(name) {
            Ok((file, metadata)) => return open(name, file, &metadata, wish).map(Some),
            Err(NoFile::NotThere) => {}
            Err(NoFile::Forbidden) => return Err(Trouble::Forbidden),
            Err(NoFile::Trouble(error)) => return Err(error.into()),
        }
    }
    Ok(None)
}

fn open(name: &str, file: File, metadata: &Metadata, wish: Wish) -> Result<Look, Trouble> {
    let stamp = FileStamp::of(metadata);
    let mut look = Look {
        name: name.to_owned(),
        file: Arc::new(file),
        stamp,
        head: Bytes::new(),
        content: None,
    };
    if wish.content_bytes_max.is_some_and(|max| stamp.size <= max) {
        look.content = read_whole(&look.file, &stamp)?;
    }
    if media_type::needs_head(name) {
        look.head = match &look.content {
            Some(content) => content.slice(..content.len().min(media_type::HEAD_BYTES)),
            None => read_at(&look.file, 0, media_type::HEAD_BYTES as u64)?,
        };
    }
    Ok(look)
}

/// All of a small file; `None` if it changed meanwhile.
pub(super) fn read_whole(file: &File, stamp: &FileStamp) -> Result<Option<Bytes>, Trouble> {
    // One byte more than there should be: a file that grew shows it.
    let bytes = read_at(file, 0, stamp.size + 1)?;
    let whole = bytes.len() as u64 == stamp.size && is_unchanged(file, stamp)?;
    Ok(whole.then_some(bytes))
}

/// Up to `bytes_max` bytes from `offset` on; fewer only at the file's end.
pub(super) fn read_at(mut file: &File, offset: u64, bytes_max: u64) -> io::Result<Bytes> {
    let mut bytes = Vec::with_capacity(bytes_max as usize);
    file.seek(SeekFrom::Start(offset))?;
    file.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// Does an open file still have the content that it had at `stamp`?
///
/// A file that was replaced by a rename, or removed, has a new change time because it lost its
/// name; nobody can open it to write any more, and its content counts as the same if its length
/// and the time of its content are.
pub(super) fn is_unchanged(file: &File, stamp: &FileStamp) -> io::Result<bool> {
    let metadata = file.metadata()?;
    let now = FileStamp::of(&metadata);
    let same_content = now.size == stamp.size && now.modified_ns == stamp.modified_ns;
    Ok(now == *stamp || same_content && is_nameless(&metadata))
}

#[cfg(unix)]
fn is_nameless(metadata: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(metadata) == 0
}

#[cfg(not(unix))]
fn is_nameless(_: &Metadata) -> bool {
    false
}

fn is_shortage(error: &io::Error) -> bool {
    #[cfg(unix)]
    if let Some(errno) = rustix::io::Errno::from_io_error(error) {
        use rustix::io::Errno;
        return matches!(errno, Errno::MFILE | Errno::NFILE | Errno::NOMEM);
    }
    error.kind() == io::ErrorKind::OutOfMemory
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        if is_shortage(&error) {
            Self::Shortage(error)
        } else {
            Self::System(error)
        }
    }
}
