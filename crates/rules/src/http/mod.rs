//! HTTP messages: which state of a resource a client has, and which part of it it asks for.
//!
//! [`precondition`] decides whether a request is to be carried out at all, [`range`] which bytes
//! answer it. Both are the server's side of RFC 9110; nothing here knows files or caches.

pub mod directives;
mod etag;
pub mod precondition;
pub mod range;

pub use etag::{EntityTag, Strength};
