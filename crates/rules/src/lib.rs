//! Everything that Revisit decides without I/O.
//!
//! No clock, no file, no socket: `now` and bytes are arguments, and each decision carries its
//! reason. [`site`] is about a folder of files as a site; [`http`] is about single messages;
//! [`cache_api`] is about pairs of them that a program keeps; [`appcache`] is a whole browser cache
//! of another age, as a machine without I/O.

pub mod appcache;
pub mod cache_api;
pub mod http;
pub mod site;
