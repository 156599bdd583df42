//! The way of a request: what everything that answers one has in common.
//!
//! A folder, an origin, a cache before it, a service worker: each is a [`Fetch`], takes a
//! [`Request`] and gives a [`Response`]. Time comes from a [`Clock`], so that a test or a replay
//! can move it. Behind features: the client that asks an origin (`origin`), and the HTTP cache
//! before any `Fetch` (`cache`).

mod body;
#[cfg(feature = "cache")]
pub mod cache;
mod clock;
mod fetch;
#[cfg(feature = "origin")]
pub mod origin;

pub use body::{Body, BodyError};
pub use clock::{Clock, SystemClock};
pub use fetch::{Fetch, FetchError, Request, Response, Upgrading};
