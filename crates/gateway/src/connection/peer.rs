//! Who is at the other end.

use std::net::{IpAddr, SocketAddr};

use http::HeaderValue;

/// The address that a connection came from; an extension of every request that a
/// [`Listener`](crate::Listener) takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    address: SocketAddr,
    /// Written once for all requests of the connection.
    ip: HeaderValue,
    node: HeaderValue,
}

impl Peer {
    /// Whoever asks from this address.
    pub fn new(address: SocketAddr) -> Self {
        // What is written here is ASCII without control characters.
        let value = |text| HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
        Self {
            address,
            ip: value(address.ip().to_string()),
            node: value(match address.ip() {
                IpAddr::V4(ip) => format!("for={ip}"),
                IpAddr::V6(ip) => format!("for=\"[{ip}]\""),
            }),
        }
    }

    /// The address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address without the port, as `X-Forwarded-For` has it.
    pub(crate) fn ip(&self) -> &HeaderValue {
        &self.ip
    }

    /// `for=…` of RFC 7239; an IPv6 address stands in brackets and quotes (§6).
    pub(crate) fn node(&self) -> &HeaderValue {
        &self.node
    }
}
