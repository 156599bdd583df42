//! Bodies in files: how they are laid out, named, made to last, and read by ranges.
//!
//! A file begins with [`MAGIC`]; then come chunks of 64 KiB, each after its sum of 8 bytes, so that a
//! range is proven without reading the whole and a body of any size is written with flat memory. A
//! file is written under `tmp/`, and renamed when it is whole; its number is used once. It is never
//! changed: what takes its place has another number.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::checksum::Sums;
use crate::StoreError;

/// What a body file begins with.
pub(super) const MAGIC: &[u8; 16] = b"revisit body 1\n\0";
/// Bytes of a chunk that has a sum of its own.
pub(super) const CHUNK_BYTES: usize = 64 << 10;
const SUM_BYTES: usize = 8;
/// Chunks that are read or written in one go.
pub(super) const CHUNKS_AT_ONCE: usize = 4;
/// Files of a folder; their numbers follow each other, so that a commit of many has one folder to sync.
const FILES_PER_FOLDER: u64 = 4096;

/// The folder of a body, below that of the store.
pub(super) fn folder_of(store: &Path, body: u64) -> PathBuf {
    store
        .join(BODIES)
        .join(format!("{:x}", body / FILES_PER_FOLDER))
}

/// The file of a body.
pub(super) fn path_of(store: &Path, body: u64) -> PathBuf {
    folder_of(store, body).join(format!("{body:x}"))
}

/// Where a body is written.
pub(super) fn tmp_path_of(store: &Path, body: u64) -> PathBuf {
    store.join(TMP).join(format!("{body:x}"))
}

/// Bytes of the file of a body of so many.
pub(super) fn file_bytes(body_bytes: u64) -> u64 {
    let sums = body_bytes.div_ceil(CHUNK_BYTES as u64) * SUM_BYTES as u64;
    // A damaged row may say any number.
    body_bytes.saturating_add(MAGIC.len() as u64 + sums)
}

/// The bytes of a body on their way into a file.
#[derive(Debug)]
pub(super) struct Framer {
    /// Chunks, each with room for its sum before it.
    buffer: Vec<u8>,
    /// Bytes of the last chunk in the buffer.
    last: usize,
    /// The index of the first chunk in the buffer.
    first: u64,
}

impl Framer {
    pub(super) fn new() -> Self {
        Self {
            buffer: MAGIC.to_vec(),
            last: CHUNK_BYTES,
            first: 0,
        }
    }

    /// Appends as much of `bytes` as it takes.
    pub(super) fn take(&mut self, bytes: &mut Bytes) {
        while !bytes.is_empty() && !self.is_full() {
            if self.last == CHUNK_BYTES {
                self.buffer.extend_from_slice(&[0; SUM_BYTES]);
                self.last = 0;
            }
            let part = bytes.split_to(bytes.len().min(CHUNK_BYTES - self.last));
            self.buffer.extend_from_slice(&part);
            self.last += part.len();
        }
    }

    /// Whether it is time to write what is in it.
    pub(super) fn is_full(&self) -> bool {
        self.buffer.len() >= CHUNKS_AT_ONCE * (CHUNK_BYTES + SUM_BYTES) && self.last == CHUNK_BYTES
    }

    /// Fills the sums in, and writes all of it.
    pub(super) fn write(&mut self, file: &mut File, sums: Sums, body: u64) -> io::Result<()> {
        let begin = if self.first == 0 { MAGIC.len() } else { 0 };
        let Some(framed) = self.buffer.get_mut(begin..) else {
            return Ok(());
        };
        let mut index = self.first;
        for chunk in framed.chunks_mut(SUM_BYTES + CHUNK_BYTES) {
            let (sum, bytes) = chunk.split_at_mut(SUM_BYTES);
            sum.copy_from_slice(&sums.chunk(body, index, bytes).to_le_bytes());
            index += 1;
        }
        file.write_all(&self.buffer)?;
        self.first = index;
        self.buffer.clear();
        Ok(())
    }
}

/// Reads bytes of a body from its file, proven: at least one, at most [`CHUNKS_AT_ONCE`] chunks.
/// `range` lies within the body.
pub(super) fn read(
    file: &File,
    sums: Sums,
    body: u64,
    body_bytes: u64,
    range: Range<u64>,
) -> Result<Bytes, Damage> {
    let chunk_bytes = CHUNK_BYTES as u64;
    let first = range.start / chunk_bytes;
    let last = (range.end.saturating_sub(1) / chunk_bytes).min(first + CHUNKS_AT_ONCE as u64 - 1);
    let end = ((last + 1) * chunk_bytes).min(body_bytes);
    let framed = SUM_BYTES as u64 + chunk_bytes;
    let at = MAGIC.len() as u64 + first * framed;
    let wanted = (end - first * chunk_bytes) + (last - first + 1) * SUM_BYTES as u64;
    // No more than four chunks.
    let mut buffer = BytesMut::zeroed(wanted as usize);
    file.read_exact_at(&mut buffer, at)
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Damage::Wrong("its file ends too early"),
            _ => Damage::Unreadable(error),
        })?;
    let mut proven = BytesMut::with_capacity(buffer.len());
    let single = first == last;
    for (index, chunk) in (first..).zip(buffer.chunks(framed as usize)) {
        let (sum, bytes) = chunk.split_at(SUM_BYTES);
        if sums.chunk(body, index, bytes).to_le_bytes() != sum {
            return Err(Damage::Wrong("a chunk does not match its checksum"));
        }
        if !single {
            proven.extend_from_slice(bytes);
        }
    }
    let all = match single {
        true => buffer.freeze().slice(SUM_BYTES..),
        false => proven.freeze(),
    };
    let from = (range.start - first * chunk_bytes) as usize;
    let to = (range.end.min(end) - first * chunk_bytes) as usize;
    Ok(all.slice(from..to))
}

/// Why a body cannot be read.
#[derive(Debug)]
pub(super) enum Damage {
    Wrong(&'static str),
    Unreadable(io::Error),
}

/// Makes names in a folder last.
pub(super) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| io_error("sync", folder, error))
}

/// What is wrong with a file, in the store's words.
pub(super) fn io_error(doing: &'static str, path: &Path, error: io::Error) -> StoreError {
    if matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    ) {
        return StoreError::Full;
    }
    StoreError::Io {
        doing,
        path: path.to_owned(),
        source: Arc::new(error),
    }
}

/// The folders of a store.
pub(super) const BODIES: &str = "bodies";
pub(super) const TMP: &str = "tmp";

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> (tempfile::TempDir, File) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("body");
        let mut file = File::create(&path).unwrap();
        let mut framer = Framer::new();
        let mut rest = Bytes::copy_from_slice(bytes);
        while !rest.is_empty() {
            framer.take(&mut rest);
            if framer.is_full() {
                framer.write(&mut file, Sums::new(3), 9).unwrap();
            }
        }
        framer.write(&mut file, Sums::new(3), 9).unwrap();
        assert_eq!(
            file.metadata().unwrap().len(),
            file_bytes(bytes.len() as u64)
        );
        (folder, File::open(path).unwrap())
    }

    #[test]
    fn every_range_of_bodies_around_the_edges_comes_back() {
        for length in [
            1,
            65_535,
            65_536,
            65_537,
            4 * 65_536,
            4 * 65_536 + 1,
            700_000,
        ] {
            let bytes: Vec<u8> = (0..length).map(|n: usize| (n % 253) as u8).collect();
            let (_folder, file) = written(&bytes);
            let length = length as u64;
            for from in [0, 1, 65_535, 65_536, 262_143, 262_144, length - 1] {
                if from >= length {
                    continue;
                }
                let mut at = from;
                while at < length {
                    let got = read(&file, Sums::new(3), 9, length, at..length).unwrap();
                    assert!(!got.is_empty());
                    assert_eq!(got, &bytes[at as usize..at as usize + got.len()]);
                    at += got.len() as u64;
                }
                let one = read(&file, Sums::new(3), 9, length, from..from + 1).unwrap();
                assert_eq!(one, &bytes[from as usize..=from as usize]);
            }
        }
    }

    #[test]
    fn a_body_is_read_only_as_what_it_is() {
        let (_folder, file) = written(&[7; 100_000]);
        assert!(read(&file, Sums::new(3), 8, 100_000, 0..10).is_err());
        assert!(read(&file, Sums::new(4), 9, 100_000, 0..10).is_err());
        assert!(read(&file, Sums::new(3), 9, 99_999, 0..99_999).is_err());
        assert!(read(&file, Sums::new(3), 9, 100_001, 0..100_001).is_err());
    }
}
