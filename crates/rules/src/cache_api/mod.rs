//! What the Cache API decides: which kept pairs answer a question, what a batch of operations
//! changes, what may be put at all, and who may ask.
//!
//! HTTP freshness plays no part here: a pair is kept until somebody deletes or replaces it. In the
//! way of a call: [`StorageKey`] says whose caches they are, [`RequestUrl`] reads the URL,
//! [`admit`] looks at what is to be put, [`query`] finds what is there, [`mod@batch`] says what a
//! change removes and adds, and [`opaque`] what a pair is charged with.
//!
//! Service Workers (W3C, Editor's Draft), "Caches" and Appendix A "Query Cache", "Request Matches
//! Cached Item", "Batch Cache Operations"; Fetch for responses; Secure Contexts for origins.

pub mod admit;
pub mod batch;
pub mod opaque;
pub mod query;
mod response;
mod storage_key;
#[cfg(test)]
mod testing;
mod url;

pub use self::url::{RequestUrl, URL_BYTES_MAX, UrlError};
pub use admit::{BodyState, Refusal};
pub use batch::{Batch, Duplicate, Operation, batch, replaced};
pub use query::{Item, Matched, Mismatch, QueryOptions, Question};
pub use response::{ResponseHead, ResponseType};
pub use storage_key::{NotSecure, StorageKey};
