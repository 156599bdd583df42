//! `[limits]`: how much a stranger may take of `revisit serve`.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use revisit_gateway::Limits;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much one who asks `revisit serve` may take of it. What is kept for one URL is bounded by `[cache] variants_max`,
/// what is asked of a server at once by `[origin] connections_max`.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LimitsSection {
    /// Most connections at once; further ones wait until one ends. Default none: `400` for a folder, and before a
    /// server as many as the system's limit of open files has room for, up to 16384.
    pub(crate) connections_max: Option<NonZeroU32>,
    /// Most bytes of a request's first line and header fields together, at least 8192; beyond it the answer is 431.
    /// Default `65536` (64 KiB).
    pub(crate) header_bytes_max: u32,
    /// Most header fields of a request; beyond it the answer is 431. Default `100`.
    pub(crate) header_count_max: NonZeroU32,
    /// Most bytes of a URL, as a request names it; beyond it the answer is 414. Default `8192`.
    pub(crate) url_bytes_max: NonZeroU32,
    /// Most ranges that one request may ask for; with more of them, and with more than 64 in any case, it
    /// gets the whole. Default `16`.
    pub(crate) ranges_max: NonZeroU32,
    /// Longest time from the first byte of a request to the end of its header fields; then the connection is
    /// closed. Default `10`.
    pub(crate) header_seconds: NonZeroU32,
    /// Largest body of a request; beyond it the answer is 413. Default `1073741824` (1 GiB).
    pub(crate) body_bytes_max: u64,
    /// Longest time for which the body of a request may be waited for, and as many seconds more as
    /// `body_bytes_per_second_min` gives for what has come; then the answer is 408. Default `20`.
    pub(crate) body_seconds: NonZeroU32,
    /// Least speed of the body of a request on the long run. Default `500`.
    pub(crate) body_bytes_per_second_min: NonZeroU64,
    /// Longest time without a request on an open connection; then it is closed. Default `75`.
    pub(crate) idle_seconds: NonZeroU32,
    /// Longest time for which one who asked may take no byte of an answer that is there; then the connection is
    /// closed. Default `60`.
    pub(crate) write_stall_seconds: NonZeroU32,
    /// How long an end that is asked for (Ctrl-C, SIGTERM) waits for answers under way. Default `5`.
    pub(crate) grace_seconds: u32,
}

impl Default for LimitsSection {
    fn default() -> Self {
        let limits = Limits::default();
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let count = |count: usize| NonZeroU32::new(number(count)).unwrap_or(NonZeroU32::MIN);
        let seconds = |time: Duration| {
            let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
            NonZeroU32::new(seconds).unwrap_or(NonZeroU32::MIN)
        };
        let speed = NonZeroU64::new(limits.body_bytes_per_second_min);
        Self {
            connections_max: None,
            header_bytes_max: number(limits.header_bytes_max),
            header_count_max: count(limits.header_count_max),
            url_bytes_max: count(limits.url_bytes_max),
            ranges_max: count(limits.ranges_max),
            header_seconds: seconds(limits.header_time_max),
            body_bytes_max: limits.body_bytes_max,
            body_seconds: seconds(limits.body_time_max),
            body_bytes_per_second_min: speed.unwrap_or(NonZeroU64::MIN),
            idle_seconds: seconds(limits.idle_time_max),
            write_stall_seconds: seconds(limits.write_stall_max),
            grace_seconds: seconds(limits.grace).get(),
        }
    }
}

impl LimitsSection {
    /// What a listener takes; `connections_max` where the config does not say it.
    pub(crate) fn limits(&self, connections_max: usize) -> Limits {
        let seconds = |number: NonZeroU32| Duration::from_secs(number.get().into());
        let count = |number: NonZeroU32| number.get() as usize;
        Limits {
            connections_max: self.connections_max.map_or(connections_max, count),
            header_bytes_max: self.header_bytes_max as usize,
            header_count_max: count(self.header_count_max),
            url_bytes_max: count(self.url_bytes_max),
            ranges_max: count(self.ranges_max),
            header_time_max: seconds(self.header_seconds),
            body_bytes_max: self.body_bytes_max,
            body_time_max: seconds(self.body_seconds),
            body_bytes_per_second_min: self.body_bytes_per_second_min.get(),
            idle_time_max: seconds(self.idle_seconds),
            write_stall_max: seconds(self.write_stall_seconds),
            grace: Duration::from_secs(self.grace_seconds.into()),
        }
    }
}
