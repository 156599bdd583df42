//! End to end: does a visitor in a real Chromium see what Revisit promises?
//!
//! Each module holds one promise's tests; [`harness`] is the tool box that they share: a browser, an
//! origin that can be told to misbehave, folders to build, and this workspace's own binary.

mod harness;

mod appcache;
mod build;
mod explain;
mod gateway;
mod harness_works;
mod other_browsers;
mod replay;
mod serve;
mod store;
mod worker;
