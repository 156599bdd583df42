//! A tab: what a visitor does, and what they see.
//!
//! Loading waits for the page's load event, and tells a failed load instead of hiding it. Scripts
//! run in the page's own world. What the page asked for and complained about is in `network.rs`.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::network::{self, Layer};
use super::pipe::{Event, Insist, Session};
use super::{DEADLINE, poll};

/// One tab, visible and focused in its own eyes, whichever tab was opened last.
pub(crate) struct Tab {
    pub(super) session: Session,
    target: String,
    frame: String,
    /// Where [`Tab::network`] looks from.
    pub(super) network_from: Mutex<usize>,
}

/// What became of a load.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    /// The document's status; none when no response came, or the page came back from bfcache.
    pub(crate) status: Option<u16>,
    /// Who answered for the document.
    pub(crate) from: Option<Layer>,
    /// Chromium's word for a failed load, such as `net::ERR_CONNECTION_REFUSED`.
    pub(crate) error: Option<String>,
}

/// What a page's own `fetch` got.
#[derive(Debug, Clone)]
pub(crate) struct Fetched {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) bytes: Vec<u8>,
    /// The bytes as text.
    pub(crate) body: String,
    pub(crate) redirected: bool,
    /// `basic`, `cors`, `opaque`, …
    pub(crate) kind: String,
    pub(crate) url: String,
    /// Why there is no response, or why its body ended early.
    pub(crate) error: Option<String>,
}

impl Tab {
    #[track_caller]
    pub(super) fn open(browser: &Session) -> Tab {
        let reply = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let target = reply["targetId"].as_str().unwrap_or_default().to_owned();
        let attach = json!({ "targetId": target, "flatten": true });
        let reply = browser.call("Target.attachToTarget", attach);
        let session = browser.attached(reply["sessionId"].as_str().unwrap_or_default());
        for domain in ["Page", "Runtime", "Network", "Log"] {
            session.call(&format!("{domain}.enable"), json!({}));
        }
        session.call("Page.setLifecycleEventsEnabled", json!({ "enabled": true }));
        let focused = json!({ "enabled": true });
        session.call("Emulation.setFocusEmulationEnabled", focused);
        let tree = session.call("Page.getFrameTree", json!({}));
        let frame = &tree["frameTree"]["frame"]["id"];
        Tab {
            frame: frame.as_str().unwrap_or_default().to_owned(),
            network_from: Mutex::new(session.now()),
            session,
            target,
        }
    }

    /// Closes the tab, without asking the page.
    #[track_caller]
    pub(crate) fn close(self) {
        let close = json!({ "targetId": self.target });
        self.session.call("Target.closeTarget", close);
    }

    /// Types an address, and waits for the load event.
    #[track_caller]
    pub(crate) fn load(&self, url: &str) -> Visit {
        let from = self.session.now();
        let navigate = json!({ "url": url });
        match self.session.try_call("Page.navigate", navigate, DEADLINE) {
            Err(why) => self.fail(&format!("loading `{url}`: {why}")),
            Ok(reply) => match (reply["errorText"].as_str(), reply["loaderId"].as_str()) {
                (Some(error), _) => Visit::failed(error),
                (None, Some(loader)) => self.loaded(loader, from),
                // Only the fragment has changed: there is nothing to load.
                (None, None) => Visit::without_response(),
            },
        }
    }

    /// Types an address and does not wait, not even for a response.
    #[track_caller]
    pub(crate) fn start_load(&self, url: &str) {
        let navigate = json!({ "url": url });
        if let Err(why) = self.session.send("Page.navigate", navigate) {
            self.fail(&format!("loading `{url}`: {why}"));
        }
    }

    /// Runs a script in each page that comes, before any of its own.
    #[track_caller]
    pub(crate) fn before_each_page(&self, script: &str) {
        let source = json!({ "source": script });
        let method = "Page.addScriptToEvaluateOnNewDocument";
        self.session.call(method, source);
    }

    /// F5.
    #[track_caller]
    pub(crate) fn reload(&self) -> Visit {
        self.navigated("Page.reload", json!({}))
    }

    /// Shift and F5: past every cache and the worker.
    #[track_caller]
    pub(crate) fn hard_reload(&self) -> Visit {
        self.navigated("Page.reload", json!({ "ignoreCache": true }))
    }

    /// The back button.
    #[track_caller]
    pub(crate) fn back(&self) -> Visit {
        let history = self.session.call("Page.getNavigationHistory", json!({}));
        let before = history["currentIndex"]
            .as_u64()
            .and_then(|current| current.checked_sub(1));
        let Some(before) = before else {
            self.fail("there is no page to go back to");
        };
        let entry = &history["entries"][before as usize]["id"];
        self.navigated("Page.navigateToHistoryEntry", json!({ "entryId": entry }))
    }

    /// Runs a script that leaves the page, such as a click on a link, and waits for the next page.
    #[track_caller]
    pub(crate) fn follow(&self, script: &str) -> Visit {
        let evaluate = json!({ "expression": script, "userGesture": true });
        self.navigated("Runtime.evaluate", evaluate)
    }

    /// Calls for the build that waits, and waits until the page is of it. Under load Chromium may hold
    /// the new worker back until the page was loaded once more, which the page client then sees to.
    #[track_caller]
    pub(crate) fn update(&self) {
        let before = self.eval("revisit.build");
        self.follow("revisit.update()").ok();
        self.wait_for(
            &format!("revisit.build && revisit.build !== {before}"),
            "the page to be of the newer build",
        );
    }

    /// Brings the tab to the front.
    #[track_caller]
    pub(crate) fn to_front(&self) {
        self.session.call("Page.bringToFront", json!({}));
    }

    /// Does what makes the page navigate, and waits for the next page's load event.
    #[track_caller]
    fn navigated(&self, method: &str, params: Value) -> Visit {
        let from = self.session.now();
        if let Err(why) = self.session.send(method, params) {
            self.fail(&format!("`{method}`: {why}"));
        }
        let next_page = |events: &[Event]| {
            let mut navigations = events.iter().filter(|e| e.method == "Page.frameNavigated");
            let to = navigations.find(|e| e.params["frame"].get("parentId").is_none())?;
            let loader = to.params["frame"]["loaderId"].as_str()?.to_owned();
            let restored = to.params["type"] == "BackForwardCacheRestore";
            let unreachable = to.params["frame"].get("unreachableUrl").is_some();
            Some((loader, restored, unreachable))
        };
        match self.session.wait_event(from, DEADLINE, next_page) {
            Ok((_, true, _)) => Visit::without_response(),
            Ok((loader, false, false)) => self.loaded(&loader, from),
            Ok((loader, false, true)) => {
                let visit = self.loaded(&loader, from);
                // The error of an error page that was loaded again is told on the page only.
                let code = visit.error.unwrap_or_else(|| {
                    let code = self.eval("document.querySelector('.error-code')?.textContent");
                    format!("net::{}", code.as_str().unwrap_or("ERR_FAILED"))
                });
                Visit::failed(&code)
            }
            Err(why) => self.fail(&format!("a new page after `{method}`: {why}")),
        }
    }

    /// Waits for the load event of the document that `loader` brings.
    #[track_caller]
    fn loaded(&self, loader: &str, from: usize) -> Visit {
        let load = |events: &[Event]| {
            let mut steps = events.iter().filter(|e| e.method == "Page.lifecycleEvent");
            steps
                .any(|e| e.params["loaderId"] == loader && e.params["name"] == "load")
                .then_some(())
        };
        if let Err(why) = self.session.wait_event(from, DEADLINE, load) {
            self.fail(&format!("the load event of `{}`: {why}", self.url()));
        }
        self.session.events(|events| {
            let document = network::exchanges(&events[from..])
                .into_iter()
                .rfind(|exchange| exchange.id == loader);
            document.map_or_else(Visit::without_response, |document| Visit {
                status: document.status,
                from: document.from,
                error: document.error,
            })
        })
    }

    /// The value of a JavaScript expression, which may `await`; panics when it throws.
    #[track_caller]
    pub(crate) fn eval(&self, expression: &str) -> Value {
        match self.try_eval(expression) {
            Ok(value) => value,
            Err(why) => self.fail(&format!("`{expression}`: {why}")),
        }
    }

    /// The value of a JavaScript expression, which may `await`, or the text of what it throws.
    pub(crate) fn try_eval(&self, expression: &str) -> Result<Value, String> {
        let expression = expression.trim().trim_end_matches(';');
        self.try_run(&format!("return ({expression}\n)"), EVAL_DEADLINE)
    }

    /// Runs JavaScript statements as the body of an async function, and gives what they `return`.
    #[track_caller]
    pub(crate) fn run(&self, statements: &str) -> Value {
        match self.try_run(statements, EVAL_DEADLINE) {
            Ok(value) => value,
            Err(why) => self.fail(&format!("`{statements}`: {why}")),
        }
    }

    fn try_run(&self, statements: &str, deadline: Duration) -> Result<Value, String> {
        let evaluate = json!({
            "expression": format!("(async () => {{ {statements}\n }})()"),
            "awaitPromise": true,
            "returnByValue": true,
        });
        let mut reply = self
            .session
            .try_call("Runtime.evaluate", evaluate, deadline)?;
        match reply.get("exceptionDetails") {
            Some(details) => Err(network::exception_text(details)),
            None => Ok(reply["result"]["value"].take()),
        }
    }

    /// Waits until an expression (what it resolves to, if it is a promise) is truthy, and gives it; a page that navigates meanwhile is
    /// asked again.
    #[track_caller]
    pub(crate) fn wait_for(&self, expression: &str, what: &str) -> Value {
        self.wait_for_within(expression, what, DEADLINE)
    }

    /// [`Tab::wait_for`] with a deadline of its own.
    #[track_caller]
    pub(crate) fn wait_for_within(
        &self,
        expression: &str,
        what: &str,
        deadline: Duration,
    ) -> Value {
        let statements = format!("const value = await ({expression}\n); return [!!value, value];");
        let end = Instant::now() + deadline;
        let mut last = Ok(Value::Null);
        let found = poll(deadline, || {
            // A promise that never settles is asked for anew.
            let left = end.saturating_duration_since(Instant::now()).min(TRY);
            match self.try_run(&statements, left) {
                Ok(mut pair) if pair[0] == true => Some(pair[1].take()),
                Ok(mut pair) => {
                    last = Ok(pair[1].take());
                    None
                }
                // The last look had no time: what the one before it saw tells more.
                Err(_) if left < TRY && last.is_ok() => None,
                Err(why) => {
                    last = Err(why);
                    None
                }
            }
        });
        found.unwrap_or_else(|| {
            self.fail(&format!(
                "waited {deadline:?} in vain for {what}\n`{expression}` was last {last:?}"
            ))
        })
    }

    /// The page's text, as a visitor reads it.
    #[track_caller]
    pub(crate) fn text(&self) -> String {
        let text = self.eval("document.body?.innerText ?? ''");
        text.as_str().unwrap_or_default().to_owned()
    }

    /// The address of the page.
    pub(crate) fn url(&self) -> String {
        let history = self
            .session
            .try_call("Page.getNavigationHistory", json!({}), EVAL_DEADLINE)
            .unwrap_or_default();
        let current = history["currentIndex"].as_u64().unwrap_or(0) as usize;
        let url = &history["entries"][current]["url"];
        url.as_str().unwrap_or_default().to_owned()
    }

    /// `fetch(url, init)` in the page; `init` is JSON, `json!({})` for none.
    #[track_caller]
    pub(crate) fn fetch(&self, url: &str, init: Value) -> Fetched {
        let got = self.run(&format!(
            "{FETCH}\nreturn await get({}, {init});",
            json!(url)
        ));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let bytes: Vec<u8> = text(&got["body"]).chars().map(|byte| byte as u8).collect();
        Fetched {
            status: got["status"].as_u64().unwrap_or(0) as u16,
            headers: serde_json::from_value(got["headers"].clone()).unwrap_or_default(),
            body: String::from_utf8_lossy(&bytes).into_owned(),
            bytes,
            redirected: got["redirected"] == true,
            kind: text(&got["kind"]),
            url: text(&got["url"]),
            error: got["error"].as_str().map(str::to_owned),
        }
    }

    /// Slows this tab's own requests down; those of a worker are its own (slow the origin for them).
    #[track_caller]
    pub(crate) fn throttle(&self, latency: Duration, bytes_per_second: u64) {
        self.conditions(false, latency.as_millis() as i64, bytes_per_second as i64);
    }

    /// Takes this tab off the network, or back on it; a worker stays connected.
    #[track_caller]
    pub(crate) fn offline(&self, offline: bool) {
        self.conditions(offline, 0, -1);
    }

    #[track_caller]
    fn conditions(&self, offline: bool, latency: i64, bytes_per_second: i64) {
        let conditions = json!({
            "offline": offline,
            "latency": latency,
            "downloadThroughput": bytes_per_second,
            "uploadThroughput": bytes_per_second,
        });
        self.session
            .call("Network.emulateNetworkConditions", conditions);
    }

    /// Panics with `what`, what the page has said, and the browser's last words.
    #[track_caller]
    pub(super) fn fail(&self, what: &str) -> ! {
        let said = self.console().join("\n");
        self.session
            .fail(&format!("{what}\n--- the console of the page:\n{said}"))
    }
}

impl Visit {
    /// Panics unless the document came, and with a status of success.
    #[track_caller]
    pub(crate) fn ok(&self) {
        assert!(
            self.error.is_none() && self.status.is_none_or(|status| status < 400),
            "the page did not load: {self:?}"
        );
    }

    fn failed(error: &str) -> Visit {
        Visit {
            error: Some(error.to_owned()),
            ..Visit::without_response()
        }
    }

    fn without_response() -> Visit {
        Visit {
            status: None,
            from: None,
            error: None,
        }
    }
}

impl Fetched {
    /// A header's value; repeated ones are joined, as `fetch` does.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(&name.to_ascii_lowercase())
            .map(String::as_str)
    }
}

const EVAL_DEADLINE: Duration = Duration::from_secs(90);
/// So long one look of [`Tab::wait_for`] may take.
const TRY: Duration = Duration::from_secs(5);

/// The body travels as one character per byte, so that any bytes survive the JSON.
const FETCH: &str = "
    const get = async (url, init) => {
        const got = { status: 0, headers: {}, body: '', redirected: false, kind: '', url: '', error: null };
        try {
            const response = await fetch(url, init);
            got.status = response.status;
            got.headers = Object.fromEntries(response.headers);
            got.redirected = response.redirected;
            got.kind = response.type;
            got.url = response.url;
            const bytes = new Uint8Array(await response.arrayBuffer());
            const parts = [];
            for (let at = 0; at < bytes.length; at += 8192) {
                parts.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
            }
            got.body = parts.join('');
        } catch (error) {
            got.error = String(error);
        }
        return got;
    };";
