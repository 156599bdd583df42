//! `[origin]`: what `revisit serve URL` wants of the server behind it.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use revisit_engine::origin::OriginLimits;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The server that `revisit serve URL` stands before. A folder has none, and these keys do nothing there.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OriginSection {
    /// Longest time for a connection to be made, or to become free where `connections_max` are in
    /// use; then a client gets a 504, or a 503. Default `5`.
    pub(crate) connect_seconds: NonZeroU32,
    /// Longest time from the end of a request to the header fields of its answer; then a client gets
    /// a 504, or what is kept where that may be. Default `60`.
    pub(crate) first_byte_seconds: NonZeroU32,
    /// Longest time between two pieces of an answer; then the client's connection is cut, which tells it that
    /// something is missing. A server that sends events should send a comment at times. Default `60`.
    pub(crate) stall_seconds: NonZeroU32,
    /// How long an unused connection is kept. It should be shorter than the server keeps it. Default `4`:
    /// Node.js closes after five seconds.
    pub(crate) idle_seconds: u32,
    /// Most connections at once, WebSockets among them. Default `256`.
    pub(crate) connections_max: NonZeroU32,
    /// Addresses of proxies before this one whose `Forwarded` and `X-Forwarded-*` count. What others say
    /// there is taken out. Default none.
    #[schemars(with = "Vec<String>")]
    pub(crate) trusted_proxies: Vec<IpAddr>,
    /// A file of certificates (PEM) of authorities that are believed beside those that browsers believe:
    /// for a server of your own that is asked by `https://`. Default none.
    pub(crate) ca_file: Option<PathBuf>,
}

impl Default for OriginSection {
    fn default() -> Self {
        let number = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self {
            connect_seconds: number(5),
            first_byte_seconds: number(60),
            stall_seconds: number(60),
            idle_seconds: 4,
            connections_max: number(256),
            trusted_proxies: Vec::new(),
            ca_file: None,
        }
    }
}

impl OriginSection {
    pub(crate) fn limits(&self) -> OriginLimits {
        let seconds = |number: NonZeroU32| Duration::from_secs(number.get().into());
        OriginLimits {
            connect_time_max: seconds(self.connect_seconds),
            first_byte_time_max: seconds(self.first_byte_seconds),
            body_stall_max: seconds(self.stall_seconds),
            idle_time_max: Duration::from_secs(self.idle_seconds.into()),
            connections_max: self.connections_max.get() as usize,
            ..OriginLimits::default()
        }
    }
}
