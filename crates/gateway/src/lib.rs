//! A listener before any [`Fetch`](revisit_engine::Fetch), and the folder that it serves.
//!
//! [`Listener`] speaks HTTP/1.1 and knows nothing of what answers. [`Folder`] answers from a
//! folder of files with an [`Overlay`](folder::Overlay) above it: files that were generated, and
//! changes to files that lie there. Who generates them is not known here. [`Proxy`] is what a
//! gateway before an origin owes both sides; [`Cores`] listens with a thread per core, [`Admin`] answers those
//! who run it.

mod admin;
mod connection;
mod cores;
mod edited;
pub mod folder;
mod limits;
mod listen;
mod metrics;
mod proxy;

pub use admin::Admin;
pub use connection::Peer;
pub use cores::Cores;
pub use edited::{Edited, PathEdits};
pub use folder::{Folder, FolderOptions, OpenFolderError};
pub use limits::Limits;
pub use listen::{BindError, Ended, Listener};
pub use metrics::{Counted, Metrics};
pub use proxy::Proxy;
