//! Writing to a client: what lies in pages of a file is handed over by the system (`sendfile`), all
//! else is copied.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use tokio::net::TcpStream;

/// Writes as much of `slices` as goes; at most up to the end of the first one that is handed over.
pub(super) fn poll_send(
    stream: &mut TcpStream,
    cx: &mut Context<'_>,
    slices: &[io::IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    #[cfg(target_os = "linux")]
    if let Some(pages) = linux::Pages::of(slices) {
        return pages.poll_send(stream, cx);
    }
    Pin::new(stream).poll_write_vectored(cx, slices)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{self, IoSlice};
    use std::task::{Context, Poll, ready};

    use revisit_engine::pages::{self, FileOf, file_of};
    use rustix::fs::sendfile;
    use rustix::net::{SendFlags, send};
    use tokio::io::Interest;
    use tokio::net::TcpStream;

    /// A slice that lies in a file, and the short one before it, if there is one: the head.
    pub(super) struct Pages<'s> {
        head: &'s [u8],
        file: FileOf,
        bytes: usize,
    }

    impl<'s> Pages<'s> {
        /// `None`: nothing of it is worth it.
        pub(super) fn of(slices: &'s [IoSlice<'_>]) -> Option<Self> {
            let (head, body): (&[u8], _) = match slices {
                [body] | [body, ..] if body.len() >= pages::BYTES_MIN => (&[], body),
                [head, body, ..] => (head, body),
                _ => return None,
            };
            if body.len() < pages::BYTES_MIN {
                return None;
            }
            let file = file_of(body)?;
            let bytes = body.len();
            Some(Self { head, file, bytes })
        }

        pub(super) fn poll_send(
            mut self,
            stream: &mut TcpStream,
            cx: &mut Context<'_>,
        ) -> Poll<io::Result<usize>> {
            let sent = match self.head {
                [] => 0,
                head => {
                    // The body comes at once: the head waits for it, to leave in one packet.
                    let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
                    let send = |stream: &TcpStream| Ok(send(stream, head, flags)?);
                    match ready!(poll_io(stream, cx, send))? {
                        sent if sent < head.len() => return Poll::Ready(Ok(sent)),
                        sent => sent,
                    }
                }
            };
            let hand_over = |stream: &TcpStream| {
                let offset = Some(&mut self.file.offset);
                Ok(sendfile(stream, &self.file.file, offset, self.bytes)?)
            };
            match poll_io(stream, cx, hand_over) {
                Poll::Ready(Ok(handed)) => Poll::Ready(Ok(sent + handed)),
                // The head is out; the next call says how it is with the body.
                _ if sent > 0 => Poll::Ready(Ok(sent)),
                poll => poll,
            }
        }
    }

    /// Does `write` as soon as the socket takes something.
    fn poll_io(
        stream: &TcpStream,
        cx: &mut Context<'_>,
        mut write: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(stream.poll_write_ready(cx))?;
            match stream.try_io(Interest::WRITABLE, || write(stream)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }
}
