//! Pages that are told what to do by a server of ours, for browsers that no test can drive.
//!
//! Each page of such a site holds [`Remote::script`]. It says that it is there, is answered with a
//! piece of JavaScript to run, reports what came of it, is answered with the next, and so on: one
//! request at a time, held back until there is something to do. The server has an origin of its own,
//! so that the site's may be off the network meanwhile; its requests lie outside the worker's scope.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};

use super::origin::{Answer, Origin, Request};
use super::{DEADLINE, Site, poll};

/// The server that tells pages what to do. Ends with the value.
pub(crate) struct Remote {
    desk: Origin,
    shared: Arc<Shared>,
    /// What the desk serves beside the reports: nothing.
    _empty: Site,
}

/// A document that has loaded, in whatever tab of whatever browser; a reload makes another one.
pub(crate) struct Page {
    shared: Arc<Shared>,
    id: String,
    url: String,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Identity and address of each document, in the order of their coming.
    arrived: Vec<(String, String)>,
    /// What a document is to do next: the number of the order, and the script.
    orders: HashMap<String, (u64, String)>,
    last_order: u64,
    /// What came of an order.
    done: HashMap<u64, Result<Value, String>>,
    complaints: Vec<String>,
    closed: bool,
}

impl Remote {
    /// Listens on a free port.
    #[track_caller]
    pub(crate) fn start() -> Remote {
        let empty = Site::new();
        let remote = Remote {
            desk: Origin::serve(empty.path()),
            shared: Arc::default(),
            _empty: empty,
        };
        let shared = Arc::clone(&remote.shared);
        remote
            .desk
            .answer_by(DESK, move |request| shared.take(request));
        remote
    }

    /// The script for the head of each page, with its tags.
    pub(crate) fn script(&self) -> String {
        let desk = self.desk.url(DESK);
        format!("<script>{{ const desk = '{desk}'\n{AGENT} }}</script>")
    }

    /// Does what makes a page load, and waits until the page at `url` has loaded.
    #[track_caller]
    pub(crate) fn page(&self, url: &str, deadline: Duration, doing: impl FnOnce()) -> Page {
        arrival(&self.shared, url, deadline, doing)
    }

    /// What the consoles of the pages have shown so far: errors, thrown, rejected and logged.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.shared.state().complaints.clone()
    }
}

#[track_caller]
fn arrival(shared: &Arc<Shared>, url: &str, deadline: Duration, doing: impl FnOnce()) -> Page {
    let before = shared.state().arrived.len();
    doing();
    let found = poll(deadline, || {
        let state = shared.state();
        let mut later = state.arrived[before..].iter();
        later.find(|(_, at)| at == url).map(|(id, _)| id.clone())
    });
    match found {
        Some(id) => Page {
            shared: Arc::clone(shared),
            id,
            url: url.to_owned(),
        },
        None => shared.fail(&format!(
            "waited {deadline:?} in vain for a page at `{url}`"
        )),
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Page {
    /// The value of an expression in the page, awaited; it may hold `await` itself.
    #[track_caller]
    pub(crate) fn eval(&self, expression: &str) -> Value {
        match self.try_eval(expression) {
            Ok(value) => value,
            Err(why) => self
                .shared
                .fail(&format!("`{expression}` at `{}`: {why}", self.url)),
        }
    }

    /// Runs an expression that may end the page, and waits for nothing.
    pub(crate) fn tell(&self, expression: &str) {
        self.order(expression);
    }

    /// Asks again and again until the expression is true.
    #[track_caller]
    pub(crate) fn wait_for(&self, expression: &str, what: &str) {
        let mut last = Ok(Value::Null);
        let found = poll(DEADLINE, || {
            last = self.try_eval(expression);
            (last == Ok(Value::Bool(true))).then_some(())
        });
        if found.is_none() {
            self.shared
                .fail(&format!("waited in vain for {what}; last: {last:?}"));
        }
    }

    /// Goes to another page in the same tab.
    #[track_caller]
    pub(crate) fn load(&self, url: &str) -> Page {
        self.follow(&format!("location.href = '{url}'"), url)
    }

    /// Loads the same page anew.
    #[track_caller]
    pub(crate) fn reload(&self) -> Page {
        self.follow("location.reload()", &self.url)
    }

    /// Runs what makes a page at `url` load, in this tab or another, and gives that page.
    #[track_caller]
    pub(crate) fn follow(&self, expression: &str, url: &str) -> Page {
        arrival(&self.shared, url, DEADLINE, || self.tell(expression))
    }

    fn try_eval(&self, expression: &str) -> Result<Value, String> {
        let order = self.order(expression);
        let came = poll(ANSWER_DEADLINE, || self.shared.state().done.remove(&order));
        came.unwrap_or_else(|| Err("no answer; is the page gone?".to_owned()))
    }

    fn order(&self, expression: &str) -> u64 {
        let mut state = self.shared.state();
        state.last_order += 1;
        let number = state.last_order;
        let script = format!("return ({expression})");
        state.orders.insert(self.id.clone(), (number, script));
        drop(state);
        self.shared.changed.notify_all();
        number
    }
}

impl Shared {
    /// A test that panicked while it held the lock has left nothing half done here.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|held| held.into_inner())
    }

    #[track_caller]
    fn fail(&self, what: &str) -> ! {
        let state = self.state();
        let State {
            arrived,
            complaints,
            ..
        } = &*state;
        panic!("{what}\npages: {arrived:#?}\ncomplaints: {complaints:#?}");
    }

    /// A page's report, answered with what it is to do next, or with `null`: ask again.
    fn take(&self, request: &Request) -> Answer {
        let report: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let page = text(&report["page"]);
        let mut state = self.state();
        if !state.arrived.iter().any(|(id, _)| *id == page) {
            state.arrived.push((page.clone(), text(&report["url"])));
        }
        let complaints = report["complaints"].as_array().into_iter().flatten();
        state.complaints.extend(complaints.map(text));
        if let Some(order) = report["order"].as_u64() {
            let came = match report["error"].as_str() {
                Some(error) => Err(error.to_owned()),
                None => Ok(report["value"].clone()),
            };
            state.done.insert(order, came);
        }
        let idle = |state: &mut State| !state.closed && !state.orders.contains_key(&page);
        let waited = self.changed.wait_timeout_while(state, ASK_AGAIN, idle);
        let mut state = match waited {
            Ok((state, _)) => state,
            Err(held) => held.into_inner().0,
        };
        let order = state.orders.remove(&page);
        let order = order.map(|(number, script)| json!({ "order": number, "script": script }));
        Answer::new(200, "application/json", json!(order).to_string())
            .with("Access-Control-Allow-Origin", "*")
            .with("Cache-Control", "no-store")
    }
}

const DESK: &str = "/desk";

/// How long a page may take to answer before it counts as gone, as one is that has moved on.
const ANSWER_DEADLINE: Duration = Duration::from_secs(15);
/// Below the patience of any browser with a silent server.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// The page's part. It reports first when the page has loaded: who sees it arrive, sees it whole.
///
/// Plain text is what a page may post to another origin without asking first. The scripts run as
/// the page's own: what they import is found from the page.
const AGENT: &str = r#"
  const page = crypto.randomUUID()
  const complaints = []
  const complain = (what) => complaints.push(`${location.href}: ${what}`)
  addEventListener('error', (e) => complain(e.message || `cannot load ${e.target.src || e.target.href}`), true)
  addEventListener('unhandledrejection', (e) => complain(e.reason))
  const { error } = console
  console.error = (...words) => { complain(words.join(' ')); error.apply(console, words) }
  const report = async (came) => {
    const body = JSON.stringify({ page, url: location.href, complaints: complaints.splice(0), ...came })
    return (await fetch(desk, { method: 'POST', body })).json()
  }
  addEventListener('load', async () => {
    const AsyncFunction = (async () => {}).constructor
    for (let next = await report({}); ; ) {
      if (!next) { next = await report({}); continue }
      let came
      try { came = { value: (await new AsyncFunction(next.script)()) ?? null } }
      catch (error) { came = { error: String(error) } }
      next = await report({ order: next.order, ...came })
    }
  })
"#;
