//! The way of a request: what everything that answers one has in common.
//!
//! A folder, an origin, a cache before it, a service worker: each is a [`Fetch`], takes a
//! [`Request`] and gives a [`Response`]. Time comes from a [`Clock`], so that a test or a replay
//! can move it. Behind features: the client that asks an origin (`origin`), the HTTP cache before any
//! `Fetch` (`cache`), and the Cache API over a store (`cache-api`).

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
#[cfg(feature = "store")]
pub mod record;

pub use body::{Body, BodyError};
pub use clock::{Clock, SystemClock};
pub use fetch::{Fetch, FetchError, Request, Response, Upgrading};
