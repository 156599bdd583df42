//! What is replayed: a folder of built files, several as deploys, or what a browser recorded.

mod deploys;
mod folder;
mod har;
mod pages;

pub use deploys::Deploys;
pub use folder::{Folder, FolderError};
pub use har::{Har, HarError, Recorded};
pub use pages::{Elsewhere, PageLoads, Pages};

use http::{HeaderMap, HeaderName, HeaderValue};

/// Appends a field; one that HTTP could not carry is left out.
fn append(headers: &mut HeaderMap, name: &str, value: &str) {
    let name = HeaderName::from_bytes(name.trim().as_bytes());
    let value = HeaderValue::from_bytes(value.trim().as_bytes());
    if let (Ok(name), Ok(value)) = (name, value) {
        headers.append(name, value);
    }
}
