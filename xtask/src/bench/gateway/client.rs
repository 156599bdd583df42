//! Those who ask: wrk where one URL is asked for as often as possible, a client of our own where
//! each URL is asked for once.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use anyhow::{Context, Result, bail, ensure};

use super::peer::Peer;
use crate::shell::{self, command};

/// What was asked of a server in one turn.
pub(super) struct Load {
    pub(super) requests: usize,
    /// CPU time of the server.
    pub(super) micros: f64,
}

impl Peer {
    /// What the requests of `turn`, which says how many they were, cost this server.
    pub(super) fn measured(&self, turn: impl FnOnce() -> Result<usize>) -> Result<Load> {
        let before = self.cpu_micros()?;
        let requests = turn()?;
        let micros = self.cpu_micros()? - before;
        Ok(Load { requests, micros })
    }
}

/// One URL over so many connections for so long; says how many requests were answered.
pub(super) fn wrk(
    address: SocketAddr,
    path: &str,
    connections: usize,
    seconds: usize,
) -> Result<usize> {
    let mut wrk = command("wrk", &["-t1"]);
    wrk.arg(format!("-c{connections}"))
        .arg(format!("-d{seconds}s"))
        .args(["-H", "Host: bench.example"])
        .arg(format!("http://{address}{path}"));
    let said = String::from_utf8(shell::output(wrk)?)?;
    ensure!(
        !said.contains("Non-2xx") && !said.contains("Socket errors"),
        "wrk met errors:\n{said}"
    );
    answered(&said).with_context(|| format!("wrk says no number of requests:\n{said}"))
}

/// `12345` of `  12345 requests in 2.00s, 1.5MB read`.
fn answered(said: &str) -> Option<usize> {
    let line = said.lines().find(|line| line.contains(" requests in "))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Each path once, over so many connections; says how many they were.
pub(super) fn each(paths: &[String], address: SocketAddr, clients: usize) -> Result<usize> {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let client = || -> Result<()> {
            let mut connection = BufReader::new(TcpStream::connect(address)?);
            while let Some(path) = paths.get(next.fetch_add(1, Relaxed)) {
                ask(&mut connection, path).with_context(|| format!("asking for {path}"))?;
            }
            Ok(())
        };
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        for client in clients {
            match client.join() {
                Ok(done) => done?,
                Err(_) => bail!("a client ended in a panic"),
            }
        }
        Ok(paths.len())
    })
}

/// Asks once, and reads the answer to its end.
fn ask(connection: &mut BufReader<TcpStream>, path: &str) -> Result<()> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: bench.example\r\n\r\n");
    connection.get_mut().write_all(request.as_bytes())?;
    let mut line = String::new();
    connection.read_line(&mut line)?;
    ensure!(line.starts_with("HTTP/1.1 200"), "the answer is `{line}`");
    let mut length = None;
    loop {
        line.clear();
        connection.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.trim().parse::<u64>()?);
        }
    }
    let mut left = length.context("the answer has no length")?;
    while left > 0 {
        let there = connection.fill_buf()?.len() as u64;
        ensure!(there > 0, "the answer ends {left} bytes too early");
        let taken = there.min(left);
        connection.consume(taken as usize);
        left -= taken;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_requests_is_read_from_what_wrk_says() {
        let said =
            "Running 2s test @ http://a\n  1 threads\n  12345 requests in 2.00s, 1.5MB read\n";
        assert_eq!(answered(said), Some(12345));
        assert_eq!(answered("unable to connect"), None);
    }
}
