//! A listener per core: threads that share an address and nothing of a connection.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use revisit_engine::{Clock, Fetch};
use tokio::runtime::Builder;
use tokio::sync::watch;

use crate::{BindError, Ended, Limits, Listener};

/// How many connections each of at most `cores` threads may have: `connections_max` in all, and one
/// at least.
fn shares(connections_max: usize, cores: usize) -> Vec<usize> {
    let connections_max = connections_max.max(1);
    let cores = cores.clamp(1, connections_max);
    let (each, rest) = (connections_max / cores, connections_max % cores);
    (0..cores)
        .map(|core| each + usize::from(core < rest))
        .collect()
}

/// Threads that listen at one address, each with a runtime of its own.
pub struct Cores {
    address: SocketAddr,
    threads: Vec<thread::JoinHandle<Ended>>,
}

impl Cores {
    /// Takes `address` with `cores` threads (on other systems than Linux with one), which begin to
    /// answer at once and end when `stop` becomes true. Each goes on with what the others wait for
    /// until all are done: a connection to the origin, or a trip there, is driven by the thread that
    /// began it, whoever uses it.
    ///
    /// [`Limits::connections_max`] is for all of them together; there are no more threads than that.
    pub fn serve<F: Fetch>(
        address: SocketAddr,
        cores: NonZeroUsize,
        fetch: &Arc<F>,
        clock: &Arc<dyn Clock>,
        limits: &Limits,
        stop: &watch::Receiver<bool>,
    ) -> Result<Self, BindError> {
        // Those who share an address cannot tell a stranger from their own kind; this one can.
        drop(std::net::TcpListener::bind(address).map_err(|source| BindError { address, source })?);
        let cores = match cfg!(target_os = "linux") {
            true => cores.get(),
            false => 1,
        };
        let shares = shares(limits.connections_max, cores);
        let mut all = Self {
            address,
            threads: Vec::with_capacity(shares.len()),
        };
        let (all_ended, _) = watch::channel(());
        let all_ended = Arc::new(all_ended);
        for connections_max in shares {
            let (tell, told) = mpsc::channel();
            let (fetch, clock, mut stop) = (fetch.clone(), clock.clone(), stop.clone());
            let limits = Limits {
                connections_max,
                ..limits.clone()
            };
            // Dropped when its connections are, also by a panic.
            let (all_ended, present) = (all_ended.clone(), all_ended.subscribe());
            let address = all.address;
            all.threads.push(thread::spawn(move || {
                let nothing = Ended::Drained;
                let runtime = match Builder::new_current_thread().enable_all().build() {
                    Ok(runtime) => runtime,
                    Err(source) => {
                        let _ = tell.send(Err(BindError { address, source }));
                        return nothing;
                    }
                };
                runtime.block_on(async move {
                    let listener = match Listener::bind_shared(address) {
                        Ok(listener) => listener,
                        Err(error) => {
                            let _ = tell.send(Err(error));
                            return nothing;
                        }
                    };
                    let _ = tell.send(Ok(listener.local_addr()));
                    let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
                    let ended = listener.serve(fetch, clock, limits, stopped).await;
                    drop(present);
                    all_ended.closed().await;
                    ended
                })
            }));
            let gone = || BindError {
                address,
                source: std::io::Error::other("the thread that listens ended"),
            };
            // With port 0 the first one takes a free port, and the others share it.
            all.address = told.recv().map_err(|_| gone())??;
        }
        Ok(all)
    }

    /// The address that was taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Waits until all have ended.
    pub fn join(self) -> Ended {
        let mut cut = 0;
        for thread in self.threads {
            match thread.join() {
                Ok(Ended::Drained) => {}
                Ok(Ended::Cut { connections }) => cut += connections,
                Err(_) => tracing::error!("a thread that listened ended in a panic"),
            }
        }
        match cut {
            0 => Ended::Drained,
            connections => Ended::Cut { connections },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_one_at_least_and_no_more_than_the_limit_together() {
        for (connections_max, cores, expected) in [
            (10, 2, vec![5, 5]),
            (3, 2, vec![2, 1]),
            (2, 3, vec![1, 1]),
            (1, 64, vec![1]),
            (0, 2, vec![1]),
        ] {
            assert_eq!(shares(connections_max, cores), expected);
        }
    }
}
