//! Who is at the other end.

use std::net::SocketAddr;

/// The address that a connection came from; an extension of every request that a
/// [`Listener`](crate::Listener) takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);
