//! The body of a large file: read piece by piece from one open file, never a mix of two states.
//!
//! At any time one chunk is in memory. Before the last chunk that comes from the file is given
//! out, the file's state is looked at: if it is not what it was at the beginning, the body ends in
//! an error instead. The client then has fewer bytes than `Content-Length` says, and knows.

use std::collections::VecDeque;
use std::fs::File;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use revisit_rules::site::FileStamp;
use tokio::task::{JoinError, JoinHandle};

use super::look::{is_unchanged, read_at};
use super::splice::{Piece, Splice};

/// A file's bytes on their way out.
pub(super) struct FileBody {
    file: Arc<File>,
    stamp: FileStamp,
    pieces: VecDeque<Piece>,
    /// Bytes that are still to be given out.
    left: u64,
    reading: Option<JoinHandle<Result<Bytes, CutShort>>>,
}

/// Why a file's body ended before its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum CutShort {
    #[error("the file changed while it was sent")]
    Changed,
    #[error("the file ends after {found} of {expected} bytes")]
    Short { found: u64, expected: u64 },
    #[error("cannot read the file")]
    Unreadable(#[from] io::Error),
    #[error("the reading was given up")]
    GivenUp(#[from] JoinError),
}

impl FileBody {
    /// The bytes `splice` of `file`, as long as its state is `stamp`.
    pub(super) fn new(file: Arc<File>, stamp: FileStamp, splice: Splice) -> Self {
        let left = splice.length();
        Self {
            file,
            stamp,
            pieces: splice.into_pieces(),
            left,
            reading: None,
        }
    }

    /// Begins to read the next chunk of the file, of which `range` is to come.
    fn read(&mut self, range: std::ops::Range<u64>) -> JoinHandle<Result<Bytes, CutShort>> {
        let end = range.end.min(range.start + CHUNK_BYTES);
        if end < range.end {
            self.pieces.push_front(Piece::File(end..range.end));
        }
        let is_last = !self
            .pieces
            .iter()
            .any(|piece| matches!(piece, Piece::File(_)));
        let (file, stamp) = (self.file.clone(), self.stamp);
        tokio::task::spawn_blocking(move || {
            let bytes = read_at(&file, range.start, end - range.start)?;
            let found = range.start + bytes.len() as u64;
            if found < end {
                return Err(CutShort::Short {
                    found,
                    expected: stamp.size,
                });
            }
            if is_last && !is_unchanged(&file, &stamp)? {
                return Err(CutShort::Changed);
            }
            Ok(bytes)
        })
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = CutShort;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutShort>>> {
        let result = loop {
            if let Some(reading) = &mut self.reading {
                let read = ready!(Pin::new(reading).poll(cx));
                self.reading = None;
                break read.map_err(CutShort::from).flatten();
            }
            match self.pieces.pop_front() {
                None => return Poll::Ready(None),
                Some(Piece::Given(bytes)) => break Ok(bytes),
                Some(Piece::File(range)) => {
                    let reading = self.read(range);
                    self.reading = Some(reading);
                }
            }
        };
        match &result {
            Ok(bytes) => self.left -= bytes.len() as u64,
            // Nothing comes after an error.
            Err(_) => self.pieces.clear(),
        }
        Poll::Ready(Some(result.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// How much of a file is in memory at once: large enough that a switch to another thread for each
/// costs little, small enough for a thousand clients.
pub(super) const CHUNK_BYTES: u64 = 64 * 1024;
