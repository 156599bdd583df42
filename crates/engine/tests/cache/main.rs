//! The HTTP cache as a whole, before an origin that a test speaks for, in time that a test moves.
#![allow(clippy::unwrap_used, reason = "a test may end so")]

mod cases;
mod together;

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_body_util::BodyExt as _;
use revisit_engine::{Body, BodyError, Clock};

/// A clock that stands still until it is moved.
#[derive(Default)]
struct Moved(AtomicU64);

impl Moved {
    fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, SeqCst);
    }
}

impl Clock for Moved {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_800_000_000) + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.0.load(SeqCst))
    }
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(test);
}

/// Lets all tasks go on as far as they can: nothing here waits for anything outside.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

async fn text(body: Body) -> Result<String, BodyError> {
    let bytes = body.collect().await?.to_bytes();
    Ok(String::from_utf8(bytes.to_vec())?)
}
