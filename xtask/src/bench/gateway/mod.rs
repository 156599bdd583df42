//! `cargo xtask bench gateway`: what a request costs `revisit serve URL`, nginx and Varnish.
//!
//! Each server has core 0 for itself and one worker; origin and clients are on core 1. What is told
//! is the server's CPU time, user and system, as the kernel counts it: on a shared machine requests
//! per second say more of the neighbours. The servers take turns in every round. With
//! `REVISIT_BENCH_BINARY` a `revisit` that is there already is measured instead of building one.

mod client;
mod origin;
mod peer;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::{empty, folder, heading, release, released};
use crate::shell::{self, command};
use crate::test::needs;
use client::{Load, each, wrk};
use origin::Origin;
use peer::{Kind, Peer};

/// How much is measured.
pub(super) struct Settings {
    /// Turns of each server.
    pub(super) rounds: usize,
    /// Seconds of load in a turn of a hit.
    pub(super) seconds: usize,
    /// Requests in a turn of a miss or a validation.
    pub(super) requests: usize,
    /// Objects of 1 KB whose memory is weighed.
    pub(super) objects: usize,
}

/// CPU time per request in µs: for each server, a number for each round.
struct Row {
    what: String,
    micros: Vec<Vec<f64>>,
}

pub(super) fn run(settings: &Settings) -> Result<()> {
    ensure!(
        cfg!(target_os = "linux"),
        "processes are pinned and weighed as Linux does it"
    );
    needs::bench_gateway()?;
    let revisit = match std::env::var_os("REVISIT_BENCH_BINARY") {
        Some(built) => PathBuf::from(built),
        None => {
            release()?;
            released("revisit")
        }
    };
    heading("Gateway: CPU µs per request");
    // We, the origin and all clients stay away from the servers' core.
    let us = std::process::id().to_string();
    shell::output(command("taskset", &["--pid", "--cpu-list", "1", &us]))?;

    let origin = Origin::start()?;
    let place = folder().join("gateway");
    empty(&place)?;
    let peers = [Kind::Revisit, Kind::Nginx, Kind::Varnish]
        .map(|kind| Peer::start(kind, &revisit, origin.address(), &place));
    let peers = peers.into_iter().collect::<Result<Vec<_>>>()?;

    let load_before = load_average();
    let mut rows = Vec::new();
    for (size, connections) in [(1 << 10, 64), (16 << 10, 64), (1 << 20, 16)] {
        rows.push(hits(&peers, &origin, size, connections, settings)?);
    }
    rows.push(validations(&peers, &origin, settings)?);
    rows.push(misses(&peers, &origin, settings)?);
    let trips = stampede(&peers, &origin)?;
    let memory = [Kind::Revisit, Kind::Varnish].map(|kind| {
        // One that holds nothing yet, and has nothing free of what it held before.
        let place = place.join("memory");
        let peer = Peer::start(kind, &revisit, origin.address(), &place)?;
        Ok((kind, memory_of_one(&peer, settings)?))
    });
    let memory = memory.into_iter().collect::<Result<Vec<_>>>()?;
    let large = large_body(&peers[0])?;

    println!(
        "Least and median of {} rounds; load of the machine {load_before} before, {} after.\n",
        settings.rounds,
        load_average()
    );
    print_rows(&peers, &rows);
    println!("\n200 clients ask for one URL that takes the origin 300 ms; trips to the origin:\n");
    for (kind, trips) in trips {
        println!("- {}: {trips}", kind.name());
    }
    println!(
        "\nMemory for each of {} responses of 1 KB, beyond their heads and bodies:\n",
        settings.objects
    );
    for (kind, bytes) in memory {
        println!("- {}: {bytes} bytes", kind.name());
    }
    println!("\nA body of 1 GB: {large}");
    Ok(())
}

/// One URL that is kept, again and again.
fn hits(
    peers: &[Peer],
    origin: &Origin,
    size: usize,
    connections: usize,
    settings: &Settings,
) -> Result<Row> {
    let path = format!("/fresh/{size}/hit");
    for peer in peers {
        each(&path_alone(&path), peer.address, 1)?;
        // A cache may take what it keeps in at leisure.
        std::thread::sleep(Duration::from_millis(200));
    }
    let trips = origin.trips();
    let row = rounds(&format!("hit, {}", words(size)), peers, settings, |peer| {
        peer.measured(|| wrk(peer.address, &path, connections, settings.seconds))
    })?;
    ensure!(
        origin.trips() == trips,
        "a hit that goes to the origin is none"
    );
    Ok(row)
}

/// URLs that are kept and stale, each asked for once: the origin answers 304.
fn validations(peers: &[Peer], origin: &Origin, settings: &Settings) -> Result<Row> {
    let paths = |number: usize| format!("/brief/1024/{number}");
    for peer in peers {
        each(
            &paths_up_to(settings.requests, &paths),
            peer.address,
            CLIENTS,
        )?;
    }
    let validated = origin.validations();
    let row = rounds("validated by a 304, 1 KB", peers, settings, |peer| {
        // Fresh for a second.
        std::thread::sleep(Duration::from_millis(2100));
        let paths = paths_up_to(settings.requests, &paths);
        peer.measured(|| each(&paths, peer.address, CLIENTS))
    })?;
    let all = (settings.requests * settings.rounds * peers.len()) as u64;
    ensure!(
        origin.validations() - validated == all,
        "of {all} validations the origin saw {}",
        origin.validations() - validated
    );
    Ok(row)
}

/// URLs that were never asked for.
fn misses(peers: &[Peer], origin: &Origin, settings: &Settings) -> Result<Row> {
    let trips = origin.trips();
    let mut turn = 0;
    let row = rounds("miss, 1 KB, kept", peers, settings, |peer| {
        turn += 1;
        let paths = |number: usize| format!("/fresh/1024/miss-{turn}-{number}");
        let paths = paths_up_to(settings.requests, &paths);
        peer.measured(|| each(&paths, peer.address, CLIENTS))
    })?;
    let all = (settings.requests * settings.rounds * peers.len()) as u64;
    ensure!(origin.trips() - trips == all, "each miss is a trip");
    Ok(row)
}

/// Many who want the same at the same time, and how often the origin was asked for it.
fn stampede(peers: &[Peer], origin: &Origin) -> Result<Vec<(Kind, u64)>> {
    let mut all = Vec::new();
    for peer in peers {
        let path = format!("/slow/1024/{}", peer.kind.name());
        let before = origin.trips();
        each(&vec![path; 200], peer.address, 200)?;
        all.push((peer.kind, origin.trips() - before));
    }
    Ok(all)
}

/// Bytes of resident memory for each kept response, without its head and body. (nginx keeps them on
/// disk.)
fn memory_of_one(peer: &Peer, settings: &Settings) -> Result<i64> {
    let path = |number: usize| format!("/fresh/1024/object-{number}");
    let content = origin::head(1024, "max-age=3600").len() + 1024;
    let before = peer.resident_bytes()?;
    each(&paths_up_to(settings.objects, &path), peer.address, CLIENTS)?;
    let grown = peer.resident_bytes()? as i64 - before as i64;
    Ok(grown / settings.objects as i64 - content as i64)
}

/// One body that is far too large to be kept, and what memory that takes.
fn large_body(peer: &Peer) -> Result<String> {
    peer.forget_peak()?;
    let before = peer.peak_bytes()?;
    let path = format!("/fresh/{}/large", 1u64 << 30);
    let load = peer.measured(|| each(&path_alone(&path), peer.address, 1))?;
    let grown = peer.peak_bytes()?.saturating_sub(before);
    Ok(format!(
        "revisit's memory grew by {:.1} MB at most, {:.2} s of CPU",
        grown as f64 / 1e6,
        load.micros / 1e6
    ))
}

/// Measures every server in every round.
fn rounds(
    what: &str,
    peers: &[Peer],
    settings: &Settings,
    mut turn: impl FnMut(&Peer) -> Result<Load>,
) -> Result<Row> {
    let mut row = Row {
        what: what.to_owned(),
        micros: peers.iter().map(|_| Vec::new()).collect(),
    };
    for round in 0..settings.rounds {
        for (peer, micros) in peers.iter().zip(&mut row.micros) {
            let load = turn(peer)?;
            micros.push(load.micros / load.requests as f64);
            eprintln!(
                "{what}, round {}, {}: {:.1} µs of CPU",
                round + 1,
                peer.kind.name(),
                load.micros / load.requests as f64
            );
        }
    }
    Ok(row)
}

fn print_rows(peers: &[Peer], rows: &[Row]) {
    print!("| what |");
    for peer in peers {
        print!(" {} |", peer.kind.name());
    }
    println!("\n| --- |{}", " ---: |".repeat(peers.len()));
    for Row { what, micros } in rows {
        print!("| {what} |");
        for micros in micros {
            let least = micros.iter().copied().fold(f64::INFINITY, f64::min);
            let median = super::measure::median(micros.clone());
            print!(" {least:.1} / {median:.1} |");
        }
        println!();
    }
}

fn paths_up_to(count: usize, path: &dyn Fn(usize) -> String) -> Vec<String> {
    (0..count).map(path).collect()
}

fn path_alone(path: &str) -> Vec<String> {
    vec![path.to_owned()]
}

fn words(bytes: usize) -> String {
    match bytes {
        0..0x10_0000 => format!("{} KB", bytes >> 10),
        _ => format!("{} MB", bytes >> 20),
    }
}

/// The mean number of running processes in the last minute.
fn load_average() -> String {
    let all = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    all.split(' ').next().unwrap_or_default().to_owned()
}

/// An address of this machine that is free just now.
fn free_address() -> Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Connections of a turn without wrk.
const CLIENTS: usize = 32;
