//! The way of a request: what everything that answers one has in common.
//!
//! A folder, an origin, a cache before it, a service worker: each is a [`Fetch`], takes a
//! [`Request`] and gives a [`Response`]. Time comes from a [`Clock`], so that a test or a replay
//! can move it. Behind features: the client that asks an origin (`origin`, over TLS with `tls`), the
//! HTTP cache before any `Fetch` (`cache`), with a disk behind its memory (`disk`), the same as a layer
//! around any client (`tower`), and the Cache API over a store (`cache-api`).

#[cfg(feature = "appcache")]
pub mod appcache;
mod body;
#[cfg(feature = "cache")]
pub mod cache;
#[cfg(feature = "cache-api")]
pub mod cache_api;
mod clock;
mod fetch;
#[cfg(feature = "origin")]
pub mod origin;
#[cfg(feature = "cache")]
pub mod pages;
#[cfg(feature = "store")]
pub mod record;
#[cfg(feature = "tower")]
pub mod tower;

pub use body::{Body, BodyError, boundary};
pub use clock::{Clock, SystemClock};
pub use fetch::{Fetch, FetchError, Request, Response, Upgrading};
