//! One body read by two, neither of whom waits for the other.
//!
//! Streams, "ReadableStreamTee": it keeps whatever the slower branch has not read. So do we, but in
//! bounded memory: beyond [`MEMORY_BYTES_MAX`] it goes into a temporary file. A branch that waited
//! instead would hang in the commonest use, `put(clone).await` before the other half is read.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

use super::Aborted;
use crate::{Body, BodyError};

/// Bytes that wait in memory for the slower branch: 1 MiB.
const MEMORY_BYTES_MAX: usize = 1024 * 1024;
/// Bytes that wait in a file for the slower branch: 64 GiB; then its body ends with an error.
const FILE_BYTES_MAX: u64 = 64 << 30;
/// Bytes that are read of the file at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Splits a body in two.
pub(super) fn tee(body: Body) -> (Body, Body) {
    if let Some(bytes) = body.at_hand() {
        return (bytes.clone().into(), bytes.into());
    }
    let left = body.size_hint().exact();
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            source: Some(body),
            failed: None,
            waiting: [Waiting::default(), Waiting::default()],
        }),
        wakers: Arc::default(),
    });
    let branch = |side| {
        let shared = shared.clone();
        Body::stream(Branch { shared, side, left })
    };
    (branch(0), branch(1))
}

struct Shared {
    state: Mutex<State>,
    wakers: Arc<Wakers>,
}

struct State {
    /// `None` when it has ended.
    source: Option<Body>,
    failed: Option<Failure>,
    waiting: [Waiting; 2],
}

#[derive(Clone)]
struct Failure {
    why: String,
    aborted: bool,
}

/// What one branch has yet to read, first what is in memory, then what is in the file.
#[derive(Default)]
struct Waiting {
    memory: VecDeque<Bytes>,
    memory_bytes: usize,
    file: Option<Spill>,
    /// Why what follows could not be kept.
    lost: Option<String>,
    /// Nobody reads any more.
    gone: bool,
}

struct Spill {
    file: File,
    read: u64,
    written: u64,
}

/// Both branches wait for the same source: whoever asked it last, it wakes both.
#[derive(Default)]
struct Wakers(Mutex<[Option<Waker>; 2]>);

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        let wakers = std::mem::take(&mut *lock(&self.0));
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

struct Branch {
    shared: Arc<Shared>,
    side: usize,
    left: Option<u64>,
}

impl Waiting {
    fn push(&mut self, bytes: &Bytes) {
        if self.gone || self.lost.is_some() {
            return;
        }
        let fits = self.memory_bytes + bytes.len() <= MEMORY_BYTES_MAX;
        if self.file.is_none() && fits {
            self.memory_bytes += bytes.len();
            self.memory.push_back(bytes.clone());
        } else if let Err(error) = self.spill(bytes) {
            self.lost = Some(format!("cannot keep a body for its clone: {error}"));
        }
    }

    /// Into the page cache, as a rule: short enough to do here.
    fn spill(&mut self, bytes: &[u8]) -> io::Result<()> {
        let spill = match &mut self.file {
            Some(spill) => spill,
            None => self.file.insert(Spill {
                file: tempfile::tempfile()?,
                read: 0,
                written: 0,
            }),
        };
        if spill.written + bytes.len() as u64 > FILE_BYTES_MAX {
            let why = format!("more than {FILE_BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
        }
        spill.file.seek(SeekFrom::Start(spill.written))?;
        spill.file.write_all(bytes)?;
        spill.written += bytes.len() as u64;
        Ok(())
    }

    fn pop(&mut self) -> Option<Result<Bytes, BodyError>> {
        if let Some(bytes) = self.memory.pop_front() {
            self.memory_bytes -= bytes.len();
            return Some(Ok(bytes));
        }
        if let Some(spill) = &mut self.file {
            let read = spill.next();
            // Read to its end, its room is given back.
            if spill.read == spill.written {
                self.file = None;
            }
            return Some(read.map_err(Into::into));
        }
        self.lost.as_ref().map(|why| Err(why.clone().into()))
    }
}

impl Spill {
    fn next(&mut self) -> io::Result<Bytes> {
        let left = self.written - self.read;
        let mut piece = vec![0; PIECE_BYTES.min(usize::try_from(left).unwrap_or(PIECE_BYTES))];
        self.file.seek(SeekFrom::Start(self.read))?;
        self.file.read_exact(&mut piece)?;
        self.read += piece.len() as u64;
        Ok(piece.into())
    }
}

impl http_body::Body for Branch {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let piece = std::task::ready!(self.shared.poll_next(self.side, cx));
        if let (Some(Ok(bytes)), Some(left)) = (&piece, &mut self.left) {
            *left = left.saturating_sub(bytes.len() as u64);
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        self.left
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Shared {
    fn poll_next(
        &self,
        side: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        let mut state = lock(&self.state);
        let state = &mut *state;
        if let Some(piece) = state.waiting[side].pop() {
            return Poll::Ready(Some(piece));
        }
        loop {
            let Some(source) = &mut state.source else {
                return Poll::Ready(state.failed.as_ref().map(|failed| Err(failed.again())));
            };
            lock(&self.wakers.0)[side] = Some(cx.waker().clone());
            let waker = Waker::from(self.wakers.clone());
            let polled = Pin::new(source).poll_frame(&mut Context::from_waker(&waker));
            let frame = std::task::ready!(polled);
            // The other has something to read now, or the end.
            self.wakers.clone().wake();
            match frame {
                Some(Ok(frame)) => {
                    let Ok(bytes) = frame.into_data() else {
                        continue;
                    };
                    state.waiting[1 - side].push(&bytes);
                    return Poll::Ready(Some(Ok(bytes)));
                }
                Some(Err(error)) => {
                    state.failed = Some(Failure {
                        why: error.to_string(),
                        aborted: error.is::<Aborted>(),
                    });
                    state.source = None;
                }
                None => state.source = None,
            }
        }
    }
}

impl Failure {
    fn again(&self) -> BodyError {
        match self.aborted {
            true => Aborted.into(),
            false => self.why.clone().into(),
        }
    }
}

impl Drop for Branch {
    fn drop(&mut self) {
        let mut state = lock(&self.shared.state);
        state.waiting[self.side] = Waiting {
            gone: true,
            ..Waiting::default()
        };
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
