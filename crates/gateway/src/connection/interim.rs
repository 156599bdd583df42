//! Interim responses on their way to the client, past hyper, which sends none.
//!
//! They may stand before a response and nowhere else. hyper flushes the socket whenever it has
//! nothing left to write: what is written first after that begins a message, or goes on with the
//! body of a response whose head is out. The latter is told apart by the request: when its response
//! is there its place is closed, and what lies here then is written before that response's head.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use http::{HeaderMap, StatusCode};
use revisit_engine::origin::Interim;
use revisit_rules::http::hop;

/// What waits to be written on one connection.
#[derive(Debug, Default)]
pub(super) struct Outbox(Mutex<Waiting>);

#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// What is to be written; whoever writes takes it out.
    pub(super) bytes: Vec<u8>,
    /// The connection's task, which writes.
    task: Option<Waker>,
    /// Requests whose response is there.
    answered: u64,
}

impl Outbox {
    pub(super) fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the place for a request, until [`Self::close`].
    pub(super) fn open(self: &Arc<Self>) -> Interim {
        let turn = self.waiting().answered;
        let outbox = self.clone();
        Interim::new(move |status, headers| outbox.put(turn, status, headers))
    }

    /// The response is there: what comes now comes too late.
    pub(super) fn close(&self) {
        self.waiting().answered += 1;
    }

    /// Has this task woken when something is to be written.
    pub(super) fn wake(&self, task: &Waker) {
        let known = &mut self.waiting().task;
        match known {
            Some(known) => known.clone_from(task),
            None => *known = Some(task.clone()),
        }
    }

    fn put(&self, turn: u64, status: StatusCode, headers: &HeaderMap) {
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
        let mut waiting = self.waiting();
        if waiting.answered == turn && waiting.bytes.len() + text.len() <= BYTES_MAX {
            waiting.bytes.extend_from_slice(text.as_bytes());
            if let Some(task) = &waiting.task {
                task.wake_by_ref();
            }
        }
    }
}

/// More than this is let go.
const BYTES_MAX: usize = 16 * 1024;
