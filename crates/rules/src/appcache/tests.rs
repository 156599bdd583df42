//! The whole machine: the committed vectors, and a world for what they do not say.

mod appcache_vectors;
mod expiry;
mod process;
mod world;
