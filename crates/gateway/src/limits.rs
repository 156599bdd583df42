//! How much a stranger may take of the machine.

use std::time::Duration;

/// Bounds of a [`Listener`](crate::Listener), each with a default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of a request line and its header fields together; beyond: 431.
    ///
    /// Each connection may hold this much memory. Default `65536` (64 KiB), at least 8192.
    pub header_bytes_max: usize,

    /// Most header fields of a request; beyond: 431. Default `100`.
    pub header_count_max: usize,

    /// Longest target of a request in bytes; beyond: 414. Default `8192`: "it is RECOMMENDED that all
    /// senders and recipients support … URIs with lengths of at least 8000 octets" (RFC 9110 §4.1).
    pub url_bytes_max: usize,

    /// Largest body of a request; beyond: 413. Default 1 GiB.
    pub body_bytes_max: u64,

    /// Longest time for which the body of a request may be waited for, beside what
    /// [`Limits::body_bytes_per_second_min`] gives for what has come; then: 408. Default 20 s.
    ///
    /// Only the time counts in which the body is wanted and does not come.
    pub body_time_max: Duration,

    /// Least speed of a body of a request on the long run: each so many bytes give a second more.
    ///
    /// What ends uploads of a byte a minute, each of which may hold a connection to an origin. Default
    /// `500`, at least 1.
    pub body_bytes_per_second_min: u64,

    /// Most ranges of one request; with more of them its `Range` is passed over, as RFC 9110 §14.2
    /// allows (and always with more than [`revisit_rules::http::range::RANGES_MAX`]). Default `16`.
    pub ranges_max: usize,

    /// Longest time from the first byte of a request to the end of its header fields.
    ///
    /// What ends connections that send a byte a minute to hold a place. Default 10 s.
    pub header_time_max: Duration,

    /// Longest time without a request on an open connection; then it is closed.
    ///
    /// Browsers open a new one without a word. Default 75 s.
    pub idle_time_max: Duration,

    /// Longest time for which a client may take no byte of an answer that is ready for it.
    ///
    /// Default 60 s.
    pub write_stall_max: Duration,

    /// Most connections at once; further ones wait in the system's queue until one ends.
    ///
    /// Default `400`: below the usual limit of 1024 open files, with room for the files themselves.
    pub connections_max: usize,

    /// How long a shutdown waits for requests under way before it cuts them. Default 5 s.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes_max: 64 * 1024,
            header_count_max: 100,
            url_bytes_max: 8192,
            body_bytes_max: 1 << 30,
            body_time_max: Duration::from_secs(20),
            body_bytes_per_second_min: 500,
            ranges_max: 16,
            header_time_max: Duration::from_secs(10),
            idle_time_max: Duration::from_secs(75),
            write_stall_max: Duration::from_secs(60),
            connections_max: 400,
            grace: Duration::from_secs(5),
        }
    }
}
