//! Keeps bytes under ids: in memory or on disk, as a cache or for good. It knows no HTTP.
//!
//! A [`Store`] holds *collections*, each named by two strings of bytes: the *space* that it counts
//! against (a storage key, a site) and its *name* there. A collection holds *entries* in the order
//! in which they were put. An entry has an *id* (bytes; several entries may share one: variants),
//! a *head*, *labels* and a *body*, all opaque. What is to be kept is put in a [`Batch`], which
//! happens whole or not at all; a body is streamed in before that ([`Store::stage`]).
//!
//! | | [`Contract::Durable`] | [`Contract::Relaxed`] |
//! | --- | --- | --- |
//! | a commit that was acknowledged | survives a kill and a power cut | may be lost with the power |
//! | a purge that was acknowledged | survives both | survives both |
//! | an entry | is whole, or absent | is whole, or absent |
//! | bytes that fail their checksum | [`StoreError::Corrupt`] | a miss, and the entry is dropped |
//! | no room | [`StoreError::Quota`], [`StoreError::Full`]; nothing is evicted | what was used least recently goes |
//!
//! On disk it is opened by [`Store::open`] with [`Options::durable`], [`Options::relaxed`], or
//! [`Options::as_it_is`] for a look (`revisit store`); [`Store::check`] proves all that it holds.
//!
//! [`Store::memory`] is the twin without a disk: the same answers, gone with the process. What the
//! disk promises, and under which conditions, is written in `docs/store.md`.
//!
//! ```
//! # use revisit_store::{Batch, Contract, NewEntry, Store, StoreError};
//! # async fn example() -> Result<(), StoreError> {
//! let store = Store::memory(Contract::Durable);
//! let cache = store.open_collection(b"https://shop.example", b"v1").await?;
//!
//! let mut body = store.stage(1 << 20);
//! body.write("hello".into()).await?;
//! let entry = NewEntry::new("/greeting", "text/plain", body.finish().await?);
//! cache.commit(Batch::new().insert(entry)).await?;
//!
//! let found = cache.find(b"/greeting").await?;
//! assert_eq!(found[0].body.read(0..5).await?, "hello");
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example()).unwrap();
//! ```

mod backend;
mod batch;
mod body;
mod collection;
mod disk;
mod doorkeeper;
mod entry;
mod error;
mod memory;
mod purge;
mod staging;
mod store;

pub use batch::{Batch, NewEntry};
pub use body::{Body, BodyReader};
pub use collection::Collection;
pub use disk::{OpenError, Options};
pub use doorkeeper::Doorkeeper;
pub use entry::{Entry, Head, Limits, Serial};
pub use error::StoreError;
pub use purge::{Purge, Sequence};
pub use staging::{Staged, Staging};
pub use store::{Contract, Damage, Report, Store, Usage};
