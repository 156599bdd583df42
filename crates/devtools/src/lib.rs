//! A Chromium that is driven over a pipe by the DevTools protocol: for `revisit replay --browser`, and for the tests.
//!
//! [`Chromium`] is a process with a profile; [`Session`] asks it and hears its events. No port is opened, and a
//! browser whose pipe closes ends by itself: none is left behind.

mod chromium;
mod pipe;

pub use chromium::{Chromium, FLAGS, MOVE_THE_PIPES, TEMPORARY};
pub use pipe::{Event, Pipe, Session};

/// Why a browser does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum DevToolsError {
    /// It cannot be started.
    #[error("cannot start `{program}`")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// It does not answer as it should.
    #[error("the browser does not answer `{method}`: {why}")]
    Call {
        /// What was asked.
        method: String,
        /// Why not, in its words or ours.
        why: String,
    },
}
