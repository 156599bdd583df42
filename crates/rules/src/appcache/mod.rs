//! AppCache: what a browser with application caches did, as a machine without I/O.
//!
//! [`Manifest`] reads the manifest. [`Cache`] is what one run of the update process brought together, and says
//! which of it answers a load of a page. [`AppCaches`] is the browser's side: groups of caches, pages and their
//! events, navigations, and the update process. It is told what happened (a page opened, a file came, time passed)
//! and hands out [`Action`]s; who drives it fetches, keeps and fires. [`page`] finds the attribute that starts it all.
//!
//! W3C HTML 5.1 (2016) §11.3.4; where engines differed there is a [`Profile`]. The same cases hold for the
//! shim's JavaScript: `tests/vectors/appcache-vectors.json`.

mod cache;
mod caches;
mod event;
mod manifest;
pub mod page;
mod profile;
#[cfg(test)]
mod tests;
mod update;

pub use cache::{Cache, Categories, Direct, Entry, Outcome, Subresource};
pub use caches::{
    AppCaches, CacheId, GroupId, HostId, InvalidState, Limits, Opened, Opening, Served, Source,
    Status,
};
pub use event::{Action, Answer, ErrorReason, Event, Failed, Fetched, Ticket, Trouble};
pub use manifest::{
    Fallback, Ignored, LooksLike, Manifest, Mode, NoSignature, Oddity, Place, Remark, Section, Why,
};
pub use profile::{FallbackPathRule, Profile};
