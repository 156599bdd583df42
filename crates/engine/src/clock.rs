//! The one place where a clock is read.

use std::time::{Duration, Instant, SystemTime};

/// Tells the time. Rules take `now` as an argument; whoever calls them asks a clock first.
pub trait Clock: Send + Sync + 'static {
    /// The time of day: for ages, dates and the times of files.
    fn now(&self) -> SystemTime;

    /// Time since this clock was made, never going back: for measuring how long a thing took.
    fn elapsed(&self) -> Duration;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// Starts a clock; [`Clock::elapsed`] counts from here.
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}
