//! Large bodies in pages that the system can send by itself.
//!
//! On Linux such a body is kept in a file without a name (memfd), mapped into memory: it is [`Bytes`]
//! as any other, and a socket may still send it by `sendfile`, which hands the pages over without
//! copying them. Whoever writes asks [`file_of`] whether what it is to write lies in such a file.
//! Elsewhere, and where there are too many files already, bodies lie on the heap.

use bytes::{Bytes, BytesMut};

#[cfg(target_os = "linux")]
pub use linux::{FileOf, file_of};

/// The pieces of a body as one, which takes no more memory than it has bytes (or whole pages).
pub fn join<'a>(pieces: impl Iterator<Item = &'a Bytes> + Clone, bytes: usize) -> Bytes {
    #[cfg(target_os = "linux")]
    if bytes >= BYTES_MIN
        && let Some(whole) = linux::join(pieces.clone(), bytes)
    {
        return whole;
    }
    let mut whole = BytesMut::with_capacity(bytes);
    for piece in pieces {
        whole.extend_from_slice(piece);
    }
    whole.freeze()
}

/// A shorter body is copied sooner than its pages are handed over.
pub const BYTES_MIN: usize = 128 * 1024;
/// Most bodies that are kept so at a time: each takes one of the files that a process may have open.
pub const FILES_MAX: usize = 256;

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;
    use std::fs::File;
    use std::io::{self, Write};
    use std::sync::{Arc, PoisonError, RwLock};

    use bytes::Bytes;
    use memmap2::{Mmap, MmapOptions};
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

    use super::FILES_MAX;

    /// Where bytes of memory lie in a file.
    #[derive(Debug, Clone)]
    pub struct FileOf {
        /// The file, which nobody can change any more.
        pub file: Arc<File>,
        /// The place of the first of the bytes in it.
        pub offset: u64,
    }

    /// The files by the address at which they are mapped, with their length.
    static MAPPED: RwLock<BTreeMap<usize, (usize, Arc<File>)>> = RwLock::new(BTreeMap::new());

    /// The file in whose pages all of `bytes` lie, if there is one.
    pub fn file_of(bytes: &[u8]) -> Option<FileOf> {
        let address = bytes.as_ptr().addr();
        let mapped = MAPPED.read().unwrap_or_else(PoisonError::into_inner);
        // `bytes` is borrowed, so that a mapping which holds it is there until we return.
        let (start, (length, file)) = mapped.range(..=address).next_back()?;
        let offset = address - start;
        (offset + bytes.len() <= *length).then(|| FileOf {
            file: file.clone(),
            offset: offset as u64,
        })
    }

    /// A mapped file, which is gone when this is dropped.
    struct Mapped(Mmap);

    impl Mapped {
        /// `None`: there are as many as there may be.
        fn new(map: Mmap, file: File) -> Option<Self> {
            let mut mapped = MAPPED.write().unwrap_or_else(PoisonError::into_inner);
            if mapped.len() >= FILES_MAX {
                return None;
            }
            mapped.insert(map.as_ptr().addr(), (map.len(), Arc::new(file)));
            Some(Self(map))
        }
    }

    impl AsRef<[u8]> for Mapped {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    impl Drop for Mapped {
        fn drop(&mut self) {
            // Before the memory goes: its address may be another's at once.
            let mut mapped = MAPPED.write().unwrap_or_else(PoisonError::into_inner);
            mapped.remove(&self.0.as_ptr().addr());
        }
    }

    /// `None`: the heap will do, the system has no more files for us.
    pub(super) fn join<'a>(pieces: impl Iterator<Item = &'a Bytes>, bytes: usize) -> Option<Bytes> {
        let full = MAPPED.read().unwrap_or_else(PoisonError::into_inner).len() >= FILES_MAX;
        if full {
            return None;
        }
        let joined = write(pieces).and_then(|file| Ok((map(&file, bytes)?, file)));
        match joined {
            Ok((map, file)) => Some(Bytes::from_owner(Mapped::new(map, file)?)),
            Err(error) => {
                tracing::debug!(%error, "a large body is kept on the heap");
                None
            }
        }
    }

    /// A file of these bytes that cannot be changed or cut any more, by us neither.
    fn write<'a>(pieces: impl Iterator<Item = &'a Bytes>) -> io::Result<File> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let mut file = File::from(memfd_create("revisit-body", flags)?);
        for piece in pieces {
            file.write_all(piece)?;
        }
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
        fcntl_add_seals(&file, seals)?;
        Ok(file)
    }

    #[expect(
        unsafe_code,
        reason = "a mapping is only as good as its file: this one is sealed"
    )]
    fn map(file: &File, bytes: usize) -> io::Result<Mmap> {
        let mut options = MmapOptions::new();
        options.len(bytes);
        // SAFETY: the file has at least `bytes` bytes (`SEAL_SHRINK`), and they never change
        // (`SEAL_WRITE`), so the memory is there and constant for as long as it is mapped. The
        // mapping is private, which older kernels want for a sealed file.
        unsafe { options.map_copy_read_only(file) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_the_same_bytes_wherever_it_is_kept() {
        for bytes in [0, 10, BYTES_MIN - 1, BYTES_MIN, BYTES_MIN + 5000] {
            let body: Vec<u8> = (0..bytes).map(|place| (place % 251) as u8).collect();
            let pieces: Vec<Bytes> = body.chunks(1000).map(Bytes::copy_from_slice).collect();
            assert_eq!(join(pieces.iter(), bytes), body);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_lies_in_a_file_is_found_there_until_it_is_gone() {
        use std::os::unix::fs::FileExt;
        use std::sync::Arc;

        let piece = Bytes::from((0..=255).cycle().take(BYTES_MIN).collect::<Vec<u8>>());
        assert!(file_of(&piece).is_none(), "the heap is no file");
        let body = join([&piece].into_iter(), BYTES_MIN);
        let part = body.slice(1000..1100);
        let found = file_of(&part).expect("the body is long enough for a file");
        let mut read = [0; 100];
        found.file.read_exact_at(&mut read, found.offset).unwrap();
        assert_eq!((found.offset, &read[..]), (1000, &part[..]));
        let file = Arc::downgrade(&found.file);
        drop((body, part, found));
        assert!(file.upgrade().is_none(), "a file that nobody has is closed");
    }
}
