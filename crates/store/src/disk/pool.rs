//! A few threads for what may block: reading, and writing bodies.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::StoreError;
use crate::backend::Pending;

type Job<C> = Box<dyn FnOnce(&mut C) + Send>;

/// Threads that share a queue; each has a context of its own (a connection, say).
#[derive(Debug)]
pub(super) struct Pool<C>(Sender<Job<C>>);

impl<C> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C: Send + 'static> Pool<C> {
    /// Starts a thread for each context. They end when the last handle is dropped.
    pub(super) fn start(name: &str, contexts: Vec<C>) -> std::io::Result<Self> {
        let (sender, receiver) = channel::<Job<C>>();
        let receiver = Arc::new(Mutex::new(receiver));
        for mut context in contexts {
            let receiver = receiver.clone();
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || {
                    while let Some(job) = next(&receiver) {
                        job(&mut context);
                    }
                })?;
        }
        Ok(Self(sender))
    }

    /// Does this on some thread, whether or not anybody waits.
    pub(super) fn spawn(&self, job: impl FnOnce(&mut C) + Send + 'static) {
        // The threads live as long as a sender does.
        let _ = self.0.send(Box::new(job));
    }

    /// Does this on some thread, and gives its answer.
    pub(super) fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut C) -> Result<T, StoreError> + Send + 'static,
    ) -> Pending<T> {
        let (answer, answered) = oneshot::channel();
        self.spawn(move |context| {
            let _ = answer.send(job(context));
        });
        Box::pin(async move { answered.await.unwrap_or(Err(StoreError::Closed)) })
    }
}

fn next<C>(receiver: &Mutex<Receiver<Job<C>>>) -> Option<Job<C>> {
    receiver
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .recv()
        .ok()
}
