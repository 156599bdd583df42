//! What lies over a folder: files that are not in it, and changes to files that are.
//!
//! The folder asks for the state that holds now, and for a new look when a file on disk is not
//! the one that the state speaks of. Who makes the overlay, and how it looks, is not known here.

use std::collections::HashMap;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use revisit_rules::site::FileStamp;

/// One unchanging state of what lies over a folder.
///
/// Keys are file paths below the root: decoded, parted by `/`, without a leading slash.
#[derive(Debug, Default)]
pub struct Layer {
    /// Files that are not in the folder, or stand before one that is.
    pub generated: HashMap<String, Generated>,
    /// What is known of files in the folder.
    pub files: HashMap<String, Known>,
}

/// A file that is not in the folder.
#[derive(Debug, Clone)]
pub struct Generated {
    /// The whole content.
    pub body: Bytes,
    /// SHA-256 of `body`.
    pub sha256: [u8; 32],
    /// Header fields of its own, such as `Cache-Control` and `Service-Worker-Allowed`.
    /// `Content-Type` is by the file's ending unless it is given here, `Cache-Control` is
    /// `no-cache` unless it is.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The content is made from the folder's files (a worker script with its list of them): ask
    /// [`Overlay::refresh`] before it is given out.
    pub follows_folder: bool,
}

/// A file in the folder that the overlay has read.
#[derive(Debug, Clone)]
pub struct Known {
    /// The file's state when it was read; what follows holds for no other state.
    pub stamp: FileStamp,
    /// SHA-256 of the bytes as served, after the edits.
    pub sha256: Option<[u8; 32]>,
    /// What is changed on the way out: in the file's order, not overlapping.
    pub edits: Vec<Edit>,
    /// `Cache-Control` of the answer; `no-cache` where there is none.
    pub cache_control: Option<HeaderValue>,
    /// `Content-Type` of the answer; by the file's name and first bytes where there is none.
    pub content_type: Option<HeaderValue>,
}

/// One change to a file on its way out; the file on disk stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Bytes of the file that go; empty for a pure insertion.
    pub range: Range<u64>,
    /// What stands in their place.
    pub insert: Bytes,
}

/// Gives the layer that lies over a folder.
pub trait Overlay: Send + Sync + 'static {
    /// The layer as of the last look.
    fn current(&self) -> Arc<Layer>;

    /// Looks at the folder again and gives the layer that holds now. Concurrent callers share
    /// one look.
    fn refresh(&self) -> Pin<Box<dyn Future<Output = Arc<Layer>> + Send + '_>>;
}

/// An overlay with nothing in it: the folder as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bare;

impl Overlay for Bare {
    fn current(&self) -> Arc<Layer> {
        EMPTY.clone()
    }

    fn refresh(&self) -> Pin<Box<dyn Future<Output = Arc<Layer>> + Send + '_>> {
        Box::pin(async { self.current() })
    }
}

static EMPTY: LazyLock<Arc<Layer>> = LazyLock::new(Arc::default);
