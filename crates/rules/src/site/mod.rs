//! A folder of files as a site: which file answers a URL, and what its name says of it.

pub mod host;
pub mod media;
pub mod names;
pub mod pattern;
pub mod route;
pub mod routing;
mod stamp;

pub use stamp::FileStamp;
