//! Plays visits through the cache layers of a browser, in virtual time: what does a visitor download
//! on the first visit, on a reload, tomorrow, in another tab, offline, after a deploy?
//!
//! A [`Replay`] is a browser with its profile. [`Replay::play`] does one [`Action`] and returns a
//! [`Visit`]: each question, the layer that answered it and why, and what went over the wire. What is
//! on the network is a [`Server`], what stands in a page is found by a [`Parse`]: nothing here opens a
//! socket, reads a clock or parses HTML.
//!
//! What is modelled, and where that differs from Chromium on purpose: `docs/replay-model.md`.

mod action;
mod cookies;
mod disk;
pub mod findings;
pub mod inputs;
mod memory;
mod network;
mod options;
mod page;
pub mod play;
mod push;
mod replay;
pub mod report;
pub mod scenario;
mod server;
mod site;
mod visit;

pub use action::{Action, CacheMode, Cleared, ClockError, Fetching, Health};
pub use network::Network;
pub use options::{Limits, Options, Order};
pub use page::{Cors, Credentials, Destination, Loaded, Parse, Phase, Subresource};
pub use replay::{ActionError, Replay};
pub use server::{Answer, Pushed, Request, Response, Server, UnknownVersion};
pub use visit::{
    Arrival, Asked, Broken, Exchange, Layer, NotKept, PageEvent, Reason, Role, Trouble, Visit,
};
