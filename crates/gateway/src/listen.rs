//! Listening: taking connections, and ending without cutting anyone short.
//!
//! What happens on one connection is `connection.rs`'s; what answers is any [`Fetch`].

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use revisit_engine::{Clock, Fetch};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::Limits;
use crate::connection::{Answerer, Connection};

/// A socket that connections may come to.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

/// How [`Listener::serve`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Every request under way got its whole answer.
    Drained,
    /// The grace was over first.
    Cut {
        /// How many connections were cut.
        connections: usize,
    },
}

impl Listener {
    /// Takes `address`; port 0 takes a free one, which [`Listener::local_addr`] then tells.
    pub async fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let error = |source| BindError { address, source };
        let socket = TcpListener::bind(address).await.map_err(error)?;
        let address = socket.local_addr().map_err(error)?;
        Ok(Self { socket, address })
    }

    /// Takes `address` together with others who take it by this function, each in a thread of its
    /// own: the system deals connections out among them. Elsewhere than on Linux only one can.
    pub(crate) fn bind_shared(address: SocketAddr) -> Result<Self, BindError> {
        let bind = || -> io::Result<(TcpListener, SocketAddr)> {
            let socket = match address {
                SocketAddr::V4(_) => TcpSocket::new_v4()?,
                SocketAddr::V6(_) => TcpSocket::new_v6()?,
            };
            #[cfg(unix)]
            socket.set_reuseaddr(true)?;
            #[cfg(target_os = "linux")]
            socket.set_reuseport(true)?;
            socket.bind(address)?;
            let socket = socket.listen(BACKLOG)?;
            let address = socket.local_addr()?;
            Ok((socket, address))
        };
        let (socket, address) = bind().map_err(|source| BindError { address, source })?;
        Ok(Self { socket, address })
    }

    /// The address that was taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Answers every request with `fetch` until `shutdown` resolves. Then takes no further
    /// connection, lets requests under way finish for as long as [`Limits::grace`] allows, and
    /// returns.
    pub async fn serve<F: Fetch>(
        self,
        fetch: Arc<F>,
        clock: Arc<dyn Clock>,
        limits: Limits,
        shutdown: impl Future<Output = ()>,
    ) -> Ended {
        let (stop, stopped) = watch::channel(false);
        let places = Arc::new(Semaphore::new(limits.connections_max.max(1)));
        let limits = Arc::new(limits);
        let answerer = Answerer::new(fetch, clock, limits.clone());
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);

        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(ended) = connections.join_next() => {
                    report(ended);
                    continue;
                }
                accepted = accept(&self.socket, &places) => accepted,
            };
            let (stream, peer, place) = accepted;
            let connection = Connection::new(stream, place, answerer.clone(), limits.clone());
            connections.spawn(connection.run(peer, stopped.clone()));
        }

        drop(self.socket);
        let _ = stop.send(true);
        let drained = tokio::time::timeout(limits.grace, async {
            while let Some(ended) = connections.join_next().await {
                report(ended);
            }
        });
        match drained.await {
            Ok(()) => Ended::Drained,
            Err(_) => {
                let left = connections.len();
                connections.shutdown().await;
                Ended::Cut { connections: left }
            }
        }
    }
}

/// One connection and its place among [`Limits::connections_max`]. Never ends in an error: what
/// keeps a connection from being taken (no file descriptor left, a client that left again) goes
/// by, and until then a pause that grows keeps the loop from spinning.
async fn accept(
    socket: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // `None` only if the semaphore were closed, which nobody does.
    let place = places.clone().acquire_owned().await.ok();
    let mut pause = ACCEPT_PAUSE_MIN;
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => return (stream, peer, place),
            Err(error) if only_that_client(&error) => {
                tracing::debug!(%error, "a client left before it was taken");
            }
            Err(error) => {
                tracing::warn!(%error, pause_ms = pause.as_millis() as u64, "cannot take a connection");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(ACCEPT_PAUSE_MAX);
            }
        }
    }
}

/// Errors of `accept` that are about one client and are used up by being told.
fn only_that_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection ended in a panic");
    }
}

/// Why an address could not be taken.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on `{address}`")]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// What the system says.
    #[source]
    pub source: io::Error,
}

impl BindError {
    /// What to do about it, where that is known.
    pub fn help(&self) -> Option<String> {
        let Self { address, source } = self;
        match source.kind() {
            io::ErrorKind::AddrInUse => Some(format!(
                "another program listens on `{address}`; choose another port, \
                 or a free one with `--listen {}`",
                SocketAddr::new(address.ip(), 0)
            )),
            io::ErrorKind::PermissionDenied => Some(format!(
                "ports below 1024 are for the administrator; \
                 choose a higher one, such as `--listen {}`",
                SocketAddr::new(address.ip(), 8080)
            )),
            io::ErrorKind::AddrNotAvailable => Some(format!(
                "`{}` is not an address of this machine; use `127.0.0.1` for this machine only, \
                 or `0.0.0.0` for all its addresses",
                address.ip()
            )),
            _ => None,
        }
    }
}

/// Connections that the system keeps for us until they are taken.
const BACKLOG: u32 = 1024;
const ACCEPT_PAUSE_MIN: Duration = Duration::from_millis(10);
const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_binding_names_the_address_and_the_remedy() {
        check(io::ErrorKind::AddrInUse, Some("--listen 127.0.0.1:0"));
        check(
            io::ErrorKind::PermissionDenied,
            Some("--listen 127.0.0.1:8080"),
        );
        check(
            io::ErrorKind::AddrNotAvailable,
            Some("`127.0.0.1` is not an address"),
        );
        check(io::ErrorKind::OutOfMemory, None);
    }

    fn check(kind: io::ErrorKind, remedy: Option<&str>) {
        let address = "127.0.0.1:80".parse().unwrap();
        let error = BindError {
            address,
            source: kind.into(),
        };
        assert_eq!(error.to_string(), "cannot listen on `127.0.0.1:80`");
        match (error.help(), remedy) {
            (Some(help), Some(remedy)) => assert!(help.contains(remedy), "{help}"),
            (help, remedy) => assert_eq!(help.as_deref(), remedy),
        }
    }
}
