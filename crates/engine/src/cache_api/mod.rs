//! `CacheStorage` and `Cache` for programs: pairs of requests and responses that are kept until
//! somebody deletes them.
//!
//! The methods are the standard's, in Rust's spelling: [`CacheStorage`] has `open`, `has`, `delete`,
//! `keys` and `match_`, a [`Cache`] has `match_`, `match_all`, `add`, `add_all`, `put`, `delete` and
//! `keys`. They decide by [`revisit_rules::cache_api`] and keep in a [`revisit_store::Store`] with
//! the durable contract, or in memory for tests ([`CacheStorage::in_memory`]). Freshness plays no
//! part: what HTTP calls expired, `no-cache` or `no-store` is kept and answered like all else.
//!
//! Where this is stricter than the specification, and where it must differ: `docs/cache-api.md`.
//!
//! ```
//! use revisit_engine::cache_api::{CacheError, CacheStorage, QueryOptions, Response};
//! # async fn example() -> Result<(), CacheError> {
//! let caches = CacheStorage::in_memory("https://shop.example/")?;
//! let cache = caches.open("v1").await?;
//! cache.put("/greeting?lang=en", Response::new("hello")).await?;
//!
//! let ignore_search = QueryOptions { ignore_search: true, ..QueryOptions::default() };
//! let found = caches.match_("/greeting", ignore_search).await?.expect("it was put");
//! assert_eq!(found.into_bytes(1024).await?, "hello");
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example()).unwrap();
//! ```

mod add;
mod cache;
mod dom_string;
mod error;
mod find;
mod put;
mod request;
mod response;
mod storage;
mod tee;
#[cfg(test)]
mod tests;

pub use cache::Cache;
pub use dom_string::DomString;
pub use error::{Aborted, CacheError, Quota};
pub use request::{IntoRequest, Request};
pub use response::{Response, StatusText, UrlList};
pub use revisit_rules::cache_api::{QueryOptions, RequestUrl, ResponseType, StorageKey};
pub use storage::{CacheStorage, Estimate, MultiCacheQueryOptions, Options};
