//! In which phase is a connection: waiting, sending a request, being answered, not reading?
//!
//! hyper tells none of that, so it is read off from two sides: bytes that pass through the socket,
//! and requests that begin and end. All of it happens in the connection's own task; the atomics
//! are there because a task may move between threads, and order nothing.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use super::interim::Outbox;
use super::send::poll_send;

/// What a connection is waiting for; a new value is progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// For a request: nothing of one has come.
    Idle {
        /// Requests so far.
        requests: u64,
    },
    /// For the rest of a request's header fields.
    Head,
    /// For an answer to be made.
    Answering,
    /// For the client to take what lies ready.
    Stalled {
        /// Writes that succeeded so far.
        writes: u64,
    },
}

#[derive(Debug, Default)]
pub(super) struct Phase {
    answering: AtomicUsize,
    requests: AtomicU64,
    head_begun: AtomicBool,
    write_waits: AtomicBool,
    writes: AtomicU64,
    outbox: Arc<Outbox>,
}

impl Phase {
    /// What is written past hyper.
    pub(super) fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    pub(super) fn progress(&self) -> Progress {
        if self.write_waits.load(Relaxed) {
            Progress::Stalled {
                writes: self.writes.load(Relaxed),
            }
        } else if self.answering.load(Relaxed) > 0 {
            Progress::Answering
        } else if self.head_begun.load(Relaxed) {
            Progress::Head
        } else {
            Progress::Idle {
                requests: self.requests.load(Relaxed),
            }
        }
    }

    /// A request's header fields are whole; it is being answered until the guard is dropped.
    pub(super) fn answering(self: &Arc<Self>) -> Answering {
        self.answering.fetch_add(1, Relaxed);
        self.requests.fetch_add(1, Relaxed);
        self.head_begun.store(false, Relaxed);
        Answering(self.clone())
    }

    fn wrote(&self, poll: &Poll<io::Result<usize>>) {
        match poll {
            Poll::Pending => self.write_waits.store(true, Relaxed),
            Poll::Ready(_) => {
                self.write_waits.store(false, Relaxed);
                self.writes.fetch_add(1, Relaxed);
            }
        }
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Answering(Arc<Phase>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answering.fetch_sub(1, Relaxed);
    }
}

/// A socket that tells its phase of the bytes that pass, and holds its place.
pub(super) struct Watched {
    stream: TcpStream,
    _place: Option<OwnedSemaphorePermit>,
    phase: Arc<Phase>,
    /// hyper has nothing left to write: the next write may begin a message.
    flushed: bool,
    /// A part of what lies in the outbox is written.
    within: bool,
}

impl Watched {
    pub(super) fn new(
        stream: TcpStream,
        place: Option<OwnedSemaphorePermit>,
        phase: Arc<Phase>,
    ) -> Self {
        Self {
            stream,
            _place: place,
            phase,
            flushed: true,
            within: false,
        }
    }

    /// Writes interim responses, where they may stand; `Pending` if they are not all out.
    fn poll_outbox(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut waiting = self.phase.outbox.waiting();
        let bytes = &mut waiting.bytes;
        if bytes.is_empty() {
            return Poll::Ready(Ok(()));
        }
        if !self.flushed && !self.within {
            // An earlier response is not all out, and this one's turn is over when it is.
            bytes.clear();
            return Poll::Ready(Ok(()));
        }
        while !bytes.is_empty() {
            let poll = Pin::new(&mut self.stream).poll_write(cx, bytes);
            self.phase.wrote(&poll);
            let written = std::task::ready!(poll)?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            bytes.drain(..written);
            self.within = !bytes.is_empty();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let poll = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.phase.head_begun.store(true, Relaxed);
        }
        poll
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        std::task::ready!(self.poll_outbox(cx))?;
        self.flushed = false;
        let poll = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.phase.wrote(&poll);
        poll
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        std::task::ready!(self.poll_outbox(cx))?;
        self.flushed = false;
        let poll = poll_send(&mut self.stream, cx, slices);
        self.phase.wrote(&poll);
        poll
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper flushes when its own buffer is empty.
        self.flushed = true;
        std::task::ready!(self.poll_outbox(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
