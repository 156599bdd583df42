//! A listener before any [`Fetch`](revisit_engine::Fetch), and the folder that it serves.
//!
//! [`Listener`] speaks HTTP/1.1 and knows nothing of what answers. [`Folder`] answers from a
//! folder of files with an [`Overlay`](folder::Overlay) above it: files that were generated, and
//! changes to files that lie there. Who generates them is not known here.

mod connection;
pub mod folder;
mod limits;
mod listen;

pub use folder::{Folder, FolderOptions, OpenFolderError};
pub use limits::Limits;
pub use listen::{BindError, Ended, Listener};
