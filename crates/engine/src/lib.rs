//! The way of a request: what everything that answers one has in common.
//!
//! A folder, an origin, a cache before it, a service worker: each is a [`Fetch`], takes a
//! [`Request`] and gives a [`Response`]. Time comes from a [`Clock`], so that a test or a replay
//! can move it. The HTTP cache and the origin client will stand here too.

mod body;
mod clock;
mod fetch;

pub use body::{Body, BodyError};
pub use clock::{Clock, SystemClock};
pub use fetch::{Fetch, FetchError, Request, Response};
