//! The line to the browser, as tests use it: what does not go as it must is a panic with the browser's last words.

use std::time::Duration;

use serde_json::Value;

pub(crate) use revisit_devtools::{Event, Pipe, Session};

/// Asking without taking no for an answer.
pub(crate) trait Insist {
    /// Asks and waits for the reply; a refusal by the browser is a bug of the test, so it panics.
    #[track_caller]
    fn call(&self, method: &str, params: Value) -> Value;

    /// Panics with `what`, and with the browser's last words.
    #[track_caller]
    fn fail(&self, what: &str) -> !;
}

impl Insist for Session {
    #[track_caller]
    fn call(&self, method: &str, params: Value) -> Value {
        match self.try_call(method, params, CALL_DEADLINE) {
            Ok(reply) => reply,
            Err(why) => self.fail(&format!("`{method}`: {why}")),
        }
    }

    #[track_caller]
    fn fail(&self, what: &str) -> ! {
        panic!(
            "{what}\n--- the browser's standard error ends so:\n{}",
            self.last_words()
        )
    }
}

/// How long a single question may take; longer than [`super::DEADLINE`], for it is never meant to pass.
const CALL_DEADLINE: Duration = Duration::from_secs(90);
