//! HTTP messages: which state of a resource a client has, which part of it it asks for, and all
//! that a cache decides.
//!
//! [`precondition`] and [`range`] are the server's side of RFC 9110. The rest is RFC 9111, one
//! family of rules a module, in the way of a request: [`key`] names the question, [`vary`] selects
//! among what is stored for it, [`reuse`] says whether that answers, [`answer`] and [`part`] how,
//! [`validate`] asks the origin, [`storable`] takes its answer in, [`invalidate`] follows writes,
//! and [`outcome`] tells about it. [`Policy`] says which cache it is, [`amend`] what the one who runs it
//! has changed in messages.

pub mod amend;
pub mod answer;
pub mod date;
pub mod directives;
mod etag;
pub mod freshness;
mod head;
pub mod hop;
pub mod invalidate;
pub mod key;
pub mod multipart;
pub mod no_vary_search;
pub mod outcome;
pub mod part;
pub mod precondition;
pub mod profile;
pub mod range;
pub mod reuse;
pub mod storable;
mod stored;
#[cfg(test)]
mod testing;
pub mod uri;
pub mod validate;
pub mod vary;

pub use etag::{EntityTag, Strength};
pub use head::{RequestHead, ResponseHead, Target, Times};
pub use profile::{Policy, Profile};
pub use stored::{Stored, validators};
