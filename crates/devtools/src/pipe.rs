//! The DevTools protocol over a pipe: how is a browser asked, and where do its events go?
//!
//! Messages are JSON, each ended by a NUL, both ways (Chromium's `--remote-debugging-pipe`). One
//! thread reads: replies are put by their id, events are appended to the log of their session.
//! Nothing is ever taken out of a log; whoever wants events looks from a place that they noted
//! before they acted, so that none can be missed between asking and waiting.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{ChildStdin, ChildStdout};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};

/// One event of a session, as the browser sent it.
#[derive(Debug)]
pub struct Event {
    /// Its name, `Page.loadEventFired`.
    pub method: String,
    /// What it tells.
    pub params: Value,
}

/// The line to one running browser.
#[derive(Debug)]
pub struct Pipe {
    to_browser: Mutex<ChildStdin>,
    heard: Mutex<Heard>,
    changed: Condvar,
    stderr: PathBuf,
}

#[derive(Debug, Default)]
struct Heard {
    last_id: u64,
    replies: HashMap<u64, Result<Value, String>>,
    events: HashMap<String, Vec<Event>>,
    gone: bool,
}

/// One conversation on the line: with the browser itself, or with one attached target.
#[derive(Debug, Clone)]
pub struct Session {
    pipe: Arc<Pipe>,
    id: String,
}

impl Pipe {
    /// Takes over both ends; `stderr` is the file whose end is shown when something goes wrong.
    pub fn open(to: ChildStdin, from: ChildStdout, stderr: PathBuf) -> Session {
        let pipe = Arc::new(Pipe {
            to_browser: Mutex::new(to),
            heard: Mutex::default(),
            changed: Condvar::new(),
            stderr,
        });
        let reader = Arc::clone(&pipe);
        std::thread::spawn(move || reader.listen(from));
        Session {
            pipe,
            id: String::new(),
        }
    }

    fn listen(&self, from: ChildStdout) {
        let mut from = BufReader::new(from);
        let mut message = Vec::new();
        while matches!(from.read_until(0, &mut message), Ok(1..)) {
            if message.pop() == Some(0)
                && let Ok(value) = serde_json::from_slice(&message)
            {
                self.file(value);
            }
            message.clear();
        }
        self.heard().gone = true;
        self.changed.notify_all();
    }

    fn file(&self, mut message: Value) {
        let mut heard = self.heard();
        if let Some(id) = message["id"].as_u64() {
            let reply = match message.get("error") {
                Some(error) => Err(error["message"].as_str().unwrap_or("?").to_owned()),
                None => Ok(message["result"].take()),
            };
            heard.replies.insert(id, reply);
        } else {
            let session = message["sessionId"].as_str().unwrap_or("").to_owned();
            heard.events.entry(session).or_default().push(Event {
                method: message["method"].as_str().unwrap_or("?").to_owned(),
                params: message["params"].take(),
            });
        }
        drop(heard);
        self.changed.notify_all();
    }

    /// A test that panicked while it held the lock has left nothing half done here.
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(|held| held.into_inner())
    }

    /// Waits until `look` finds something in what was heard; an error says why it never will.
    fn wait<T>(
        &self,
        deadline: Duration,
        mut look: impl FnMut(&mut Heard) -> Option<T>,
    ) -> Result<T, String> {
        let mut found = None;
        let heard = self.heard();
        let waited = self.changed.wait_timeout_while(heard, deadline, |heard| {
            found = look(heard);
            found.is_none() && !heard.gone
        });
        let gone = waited.unwrap_or_else(|held| held.into_inner()).0.gone;
        match found {
            Some(found) => Ok(found),
            None if gone => Err("the browser has ended".to_owned()),
            None => Err(format!("nothing came within {deadline:?}")),
        }
    }

    /// The last lines that the browser wrote to its standard error, but for its grief that a machine
    /// without a desktop has no message bus.
    fn last_words(&self) -> String {
        let mut text = String::new();
        if let Ok(mut file) = std::fs::File::open(&self.stderr) {
            let mut bytes = Vec::new();
            let _ = file.read_to_end(&mut bytes);
            text = String::from_utf8_lossy(&bytes).into_owned();
        }
        let lines: Vec<&str> = text.lines().filter(|line| !line.contains("dbus")).collect();
        lines[lines.len().saturating_sub(STDERR_LINES)..].join("\n")
    }
}

impl Session {
    /// The session that an `attachToTarget` has opened on the same line.
    pub fn attached(&self, id: &str) -> Session {
        Session {
            pipe: Arc::clone(&self.pipe),
            id: id.to_owned(),
        }
    }

    /// Asks and waits for the reply.
    ///
    /// # Errors
    /// The reason why there is none, in words.
    pub fn try_call(
        &self,
        method: &str,
        params: Value,
        deadline: Duration,
    ) -> Result<Value, String> {
        let id = self.send(method, params)?;
        self.pipe
            .wait(deadline, |heard| heard.replies.remove(&id))?
    }

    /// Asks without waiting; the returned id is that of the reply.
    ///
    /// # Errors
    /// The browser has ended.
    pub fn send(&self, method: &str, params: Value) -> Result<u64, String> {
        let id = {
            let mut heard = self.pipe.heard();
            heard.last_id += 1;
            heard.last_id
        };
        let mut message = json!({ "id": id, "method": method, "params": params });
        if !self.id.is_empty() {
            message["sessionId"] = json!(self.id);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        let mut to = match self.pipe.to_browser.lock() {
            Ok(to) => to,
            Err(held) => held.into_inner(),
        };
        to.write_all(&bytes)
            .map_err(|error| format!("the browser has ended ({error})"))?;
        Ok(id)
    }

    /// How many events this session has seen: the place to look from later.
    pub fn now(&self) -> usize {
        self.events(|events| events.len())
    }

    /// Looks at all events so far.
    pub fn events<T>(&self, look: impl FnOnce(&[Event]) -> T) -> T {
        let heard = self.pipe.heard();
        look(heard.events.get(&self.id).map_or(&[], Vec::as_slice))
    }

    /// Waits until `look` finds something in the events since `from`.
    ///
    /// # Errors
    /// The reason why it never will, in words.
    pub fn wait_event<T>(
        &self,
        from: usize,
        deadline: Duration,
        mut look: impl FnMut(&[Event]) -> Option<T>,
    ) -> Result<T, String> {
        self.pipe.wait(deadline, |heard| {
            look(heard.events.get(&self.id)?.get(from..)?)
        })
    }

    /// Waits until the browser has closed its end.
    pub fn wait_gone(&self, deadline: Duration) -> bool {
        self.pipe
            .wait(deadline, |heard| heard.gone.then_some(()))
            .is_ok()
    }

    /// The last lines of the browser's standard error, which say why it ended.
    pub fn last_words(&self) -> String {
        self.pipe.last_words()
    }
}

const STDERR_LINES: usize = 15;
