//! What does the network take? A model for estimates: round trips, a shared line, few connections.
//!
//! A request waits for a connection of its host, for the round trips that open it, for one more until
//! the answer begins, and for its turn on the line, which all answers share. It leaves out what a
//! model of few numbers cannot know: slow start, losses, the server's own time.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

/// A network in a few numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Its name.
    pub name: &'static str,
    /// A round trip.
    pub round_trip: Duration,
    /// By how much a round trip may be longer or shorter, in per cent.
    pub jitter_percent: u8,
    /// Bytes a second towards the browser.
    pub down_bytes_per_second: u64,
    /// Bytes a second towards servers.
    pub up_bytes_per_second: u64,
    /// Connections to one host that are used at once.
    pub connections_per_host: usize,
    /// Requests at once on one connection: one in HTTP/1.1, many in HTTP/2.
    pub streams_per_connection: usize,
}

impl Network {
    /// No time at all: for tests.
    pub const NONE: Self = Self {
        name: "none",
        round_trip: Duration::ZERO,
        jitter_percent: 0,
        down_bytes_per_second: u64::MAX,
        up_bytes_per_second: u64::MAX,
        connections_per_host: 6,
        streams_per_connection: 1,
    };
    /// 100 Mbit/s, 10 ms.
    pub const FIBRE: Self = Self::of("fibre", 10, 12_500_000, 5_000_000);
    /// 20 Mbit/s, 30 ms.
    pub const CABLE: Self = Self::of("cable", 30, 2_500_000, 625_000);
    /// 9 Mbit/s, 60 ms: "Fast 4G" of DevTools, rounded.
    pub const FAST_4G: Self = Self::of("4g", 60, 1_125_000, 187_500);
    /// 1.6 Mbit/s, 150 ms: "Slow 4G" of DevTools, which was once called "Fast 3G".
    pub const SLOW_4G: Self = Self::of("slow-4g", 150, 200_000, 93_750);
    /// 400 kbit/s, 400 ms: "3G" of DevTools, once "Slow 3G".
    pub const SLOW_3G: Self = Self::of("slow-3g", 400, 50_000, 50_000);

    /// All that have a name.
    pub const NAMED: [Self; 6] = [
        Self::FIBRE,
        Self::CABLE,
        Self::FAST_4G,
        Self::SLOW_4G,
        Self::SLOW_3G,
        Self::NONE,
    ];

    const fn of(name: &'static str, round_trip: u64, down: u64, up: u64) -> Self {
        Self {
            name,
            round_trip: Duration::from_millis(round_trip),
            jitter_percent: 10,
            down_bytes_per_second: down,
            up_bytes_per_second: up,
            connections_per_host: 1,
            streams_per_connection: 100,
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.into_iter().find(|network| network.name == name)
    }

    /// The same with HTTP/1.1: six connections to a host, one request at a time on each.
    pub fn over_http1(self) -> Self {
        Self {
            connections_per_host: 6,
            streams_per_connection: 1,
            ..self
        }
    }
}

/// The lines and connections of one browser.
#[derive(Debug)]
pub(crate) struct Lines {
    network: Network,
    random: Random,
    /// By scheme, host and port.
    hosts: HashMap<String, Host>,
    /// When the line is free again, since the beginning of the visit.
    line_free: Duration,
}

/// The connections to one host.
#[derive(Debug, Default)]
struct Host {
    /// When each stream that was ever opened is free again, in this visit.
    streams: Vec<Duration>,
    /// When it was last used, by the true time.
    used: Option<SystemTime>,
}

/// What one request goes over.
pub(crate) struct Trip<'a> {
    /// `https://example.com:443`
    pub(crate) origin: &'a str,
    /// The connection is encrypted, and takes a round trip more to open.
    pub(crate) encrypted: bool,
    /// From when on it may be asked.
    pub(crate) ready: Duration,
    /// Bytes up.
    pub(crate) up_bytes: u64,
    /// Bytes down.
    pub(crate) down_bytes: u64,
}

impl Lines {
    pub(crate) fn new(network: Network, seed: u64) -> Self {
        Self {
            network,
            random: Random(seed),
            hosts: HashMap::new(),
            line_free: Duration::ZERO,
        }
    }

    /// A visit begins at `now`: connections that were idle for long are closed.
    pub(crate) fn begin(&mut self, now: SystemTime) {
        self.line_free = Duration::ZERO;
        self.hosts.retain(|_, host| {
            let idle = host
                .used
                .map(|used| now.duration_since(used).unwrap_or_default());
            idle.is_some_and(|idle| idle < IDLE_MAX)
        });
        for host in self.hosts.values_mut() {
            host.streams.fill(Duration::ZERO);
        }
    }

    /// All connections are closed.
    pub(crate) fn close(&mut self) {
        self.hosts.clear();
    }

    /// Is there a connection to this origin?
    pub(crate) fn is_open(&self, origin: &str) -> bool {
        self.hosts.contains_key(origin)
    }

    /// When a request begins, and when the last byte of its answer has come.
    pub(crate) fn travel(&mut self, trip: &Trip<'_>, now: SystemTime) -> (Duration, Duration) {
        let network = self.network;
        let round_trip = self
            .random
            .about(network.round_trip, network.jitter_percent);
        let host = match self.hosts.get_mut(trip.origin) {
            Some(host) => host,
            None => self.hosts.entry(trip.origin.to_owned()).or_default(),
        };
        host.used = Some(now);
        let streams_max = network.connections_per_host * network.streams_per_connection;
        let free = host
            .streams
            .iter()
            .enumerate()
            .min_by_key(|(place, free)| (**free, *place))
            .map(|(place, free)| (place, *free));
        let (place, start, opening) = match free {
            Some((place, free))
                if free <= trip.ready || host.streams.len() >= streams_max.max(1) =>
            {
                (place, free.max(trip.ready), Duration::ZERO)
            }
            _ => {
                let connections = host.streams.len() / network.streams_per_connection.max(1);
                let in_use = host.streams.len() % network.streams_per_connection.max(1);
                // A name is looked up once, a connection opened for its first stream.
                let lookups = u32::from(connections == 0 && in_use == 0);
                let opens = u32::from(in_use == 0) * (1 + u32::from(trip.encrypted));
                host.streams.push(Duration::ZERO);
                (
                    host.streams.len() - 1,
                    trip.ready,
                    round_trip * (lookups + opens),
                )
            }
        };
        let up = seconds(trip.up_bytes, network.up_bytes_per_second);
        let first_byte = start + opening + up + round_trip;
        let end = first_byte.max(self.line_free)
            + seconds(trip.down_bytes, network.down_bytes_per_second);
        self.line_free = end;
        host.streams[place] = end;
        (start, end)
    }
}

fn seconds(bytes: u64, per_second: u64) -> Duration {
    let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(per_second.max(1));
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

/// splitmix64: a few lines of arithmetic that give the same numbers everywhere.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A span within so many per cent of this one.
    fn about(&mut self, span: Duration, percent: u8) -> Duration {
        let percent = u32::from(percent.min(100));
        let drawn = u32::try_from(self.next() % u64::from(2 * percent + 1)).unwrap_or(percent);
        span * (100 - percent + drawn) / 100
    }
}

/// As long as Chromium keeps an idle connection.
const IDLE_MAX: Duration = Duration::from_secs(300);
