//! Interim responses on their way to the client, past hyper, which sends none.
//!
//! They may stand before a response and nowhere else. hyper flushes the socket whenever it has
//! nothing left to write: what is written first after that begins a message, or goes on with the
//! body of a response whose head is out. The latter is told apart by the request: when its response
//! is there its [`Slip`] is closed, and what lies here then is written before that response's head.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{HeaderMap, StatusCode};
use revisit_engine::origin::Interim;
use revisit_rules::http::hop;
use tokio::sync::Notify;

/// What waits to be written on one connection.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: Mutex<Vec<u8>>,
    came: Notify,
}

/// The place in which interim responses to one request are put.
#[derive(Debug)]
pub(super) struct Slip {
    outbox: Arc<Outbox>,
    open: AtomicBool,
}

impl Outbox {
    /// Opens the place for a request.
    pub(super) fn slip(self: &Arc<Self>) -> (Arc<Slip>, Interim) {
        let slip = Arc::new(Slip {
            outbox: self.clone(),
            open: AtomicBool::new(true),
        });
        let interim = Interim::new({
            let slip = slip.clone();
            move |status, headers| slip.put(status, headers)
        });
        (slip, interim)
    }

    /// Resolves when something is to be written.
    pub(super) async fn came(&self) {
        self.came.notified().await;
    }

    /// What is to be written; whoever writes takes it out.
    pub(super) fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slip {
    fn put(&self, status: StatusCode, headers: &HeaderMap) {
        let mut headers = headers.clone();
        hop::strip(&mut headers);
        let mut text = format!("HTTP/1.1 {} ", status.as_u16());
        text.push_str(status.canonical_reason().unwrap_or_default());
        text.push_str("\r\n");
        for (name, value) in &headers {
            // What is no text is not worth a hint.
            if let Ok(value) = value.to_str() {
                // Writing into a string cannot fail.
                let _ = write!(text, "{name}: {value}\r\n");
            }
        }
        text.push_str("\r\n");
        let mut bytes = self.outbox.bytes();
        // Closed under the same lock.
        if self.open.load(SeqCst) && bytes.len() + text.len() <= BYTES_MAX {
            bytes.extend_from_slice(text.as_bytes());
            self.outbox.came.notify_one();
        }
    }

    /// The response is there: what comes now comes too late.
    pub(super) fn close(&self) {
        let _bytes = self.outbox.bytes();
        self.open.store(false, SeqCst);
    }
}

/// More than this is let go.
const BYTES_MAX: usize = 16 * 1024;
