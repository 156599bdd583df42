//! What did a page ask for, who answered, and what did it complain about?
//!
//! Nothing is kept here: each question is answered out of the session's log of events.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Tab;
use super::pipe::{Event, Insist};

/// Who answered a request of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    /// The renderer's memory, before all else.
    Memory,
    Worker,
    /// The HTTP cache.
    Disk,
    Network,
}

/// One request of a page, and what became of it. A redirect counts as an exchange of its own,
/// a `data:` URL as none.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(super) id: String,
    pub(crate) url: String,
    pub(crate) method: String,
    /// `Document`, `Script`, `Fetch`, …
    pub(crate) kind: String,
    pub(crate) status: Option<u16>,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) from: Option<Layer>,
    /// `net::ERR_…`, also when the body was cut.
    pub(crate) error: Option<String>,
    /// What the network carried for it, heads included.
    pub(crate) wire_bytes: u64,
}

impl Tab {
    /// All requests of this tab since [`Tab::clear_network`], in their order.
    pub(crate) fn network(&self) -> Vec<Exchange> {
        let from = *self
            .network_from
            .lock()
            .unwrap_or_else(|held| held.into_inner());
        self.session.events(|events| exchanges(&events[from..]))
    }

    /// Forgets the requests so far.
    pub(crate) fn clear_network(&self) {
        let now = self.session.now();
        *self
            .network_from
            .lock()
            .unwrap_or_else(|held| held.into_inner()) = now;
    }

    /// The last exchange whose URL ends so; panics when there was none.
    #[track_caller]
    pub(crate) fn response_of(&self, url_end: &str) -> Exchange {
        let all = self.network();
        match all.iter().rfind(|exchange| exchange.url.ends_with(url_end)) {
            Some(exchange) => exchange.clone(),
            None => {
                let urls: Vec<&str> = all.iter().map(|e| e.url.as_str()).collect();
                self.fail(&format!("no request for `…{url_end}` among {urls:#?}"))
            }
        }
    }

    /// What went wrong in the eyes of the page: `console.error`, exceptions that nobody caught, and
    /// the browser's own entries (failed loads, broken policies). Favicons are not counted.
    pub(crate) fn console_errors(&self) -> Vec<String> {
        self.session
            .events(|events| events.iter().filter_map(error_text).collect())
    }

    /// All that the console shows, errors included.
    pub(crate) fn console(&self) -> Vec<String> {
        self.session.events(|events| {
            let line = |event: &Event| match event.method.as_str() {
                "Runtime.consoleAPICalled" => Some(arguments_text(&event.params)),
                _ => error_text(event),
            };
            events.iter().filter_map(line).collect()
        })
    }
}

/// The exchanges that a run of events tells of.
pub(super) fn exchanges(events: &[Event]) -> Vec<Exchange> {
    let mut all: Vec<Exchange> = Vec::new();
    for Event { method, params } in events {
        let id = params["requestId"].as_str().unwrap_or_default();
        if method == "Network.requestWillBeSent" {
            if let Some(redirect) = params.get("redirectResponse")
                && let Some(exchange) = all.iter_mut().rfind(|exchange| exchange.id == id)
            {
                exchange.answered(redirect);
            }
            all.push(Exchange::asked(id, params));
            continue;
        }
        let Some(exchange) = all.iter_mut().rfind(|exchange| exchange.id == id) else {
            continue;
        };
        match method.as_str() {
            "Network.requestServedFromCache" => exchange.from = Some(Layer::Memory),
            "Network.responseReceived" => exchange.answered(&params["response"]),
            "Network.loadingFinished" => {
                exchange.wire_bytes = params["encodedDataLength"].as_f64().unwrap_or(0.0) as u64;
            }
            "Network.loadingFailed" => {
                let error = params["errorText"].as_str().unwrap_or("?");
                exchange.error = Some(error.to_owned());
            }
            _ => {}
        }
    }
    all.retain(|exchange| !exchange.url.starts_with("data:"));
    all
}

impl Exchange {
    fn asked(id: &str, params: &Value) -> Exchange {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Exchange {
            id: id.to_owned(),
            url: text(&params["request"]["url"]),
            method: text(&params["request"]["method"]),
            kind: text(&params["type"]),
            status: None,
            headers: BTreeMap::new(),
            from: None,
            error: None,
            wire_bytes: 0,
        }
    }

    fn answered(&mut self, response: &Value) {
        self.status = response["status"].as_u64().map(|status| status as u16);
        if let Some(headers) = response["headers"].as_object() {
            let lower = |(name, value): (&String, &Value)| {
                let value = value.as_str().unwrap_or_default();
                (name.to_ascii_lowercase(), value.to_owned())
            };
            self.headers = headers.iter().map(lower).collect();
        }
        self.from = Some(match () {
            () if self.from == Some(Layer::Memory) => Layer::Memory,
            () if response["fromServiceWorker"] == true => Layer::Worker,
            () if response["fromDiskCache"] == true => Layer::Disk,
            () => Layer::Network,
        });
    }
}

fn error_text(event: &Event) -> Option<String> {
    let params = &event.params;
    match event.method.as_str() {
        "Runtime.consoleAPICalled" if params["type"] == "error" || params["type"] == "assert" => {
            Some(arguments_text(params))
        }
        "Runtime.exceptionThrown" => Some(exception_text(&params["exceptionDetails"])),
        "Log.entryAdded" if params["entry"]["level"] == "error" => {
            let entry = &params["entry"];
            let url = entry["url"].as_str().unwrap_or_default();
            let text = entry["text"].as_str().unwrap_or_default();
            (!url.ends_with("/favicon.ico")).then(|| format!("{text} ({url})"))
        }
        _ => None,
    }
}

fn arguments_text(params: &Value) -> String {
    let text = |argument: &Value| match (&argument["value"], &argument["description"]) {
        (Value::String(text), _) | (Value::Null, Value::String(text)) => text.clone(),
        (value, _) => value.to_string(),
    };
    let arguments = params["args"].as_array();
    let texts: Vec<String> = arguments.into_iter().flatten().map(text).collect();
    texts.join(" ")
}

/// The text of an exception, as the console would show it.
pub(super) fn exception_text(details: &Value) -> String {
    let exception = &details["exception"];
    let text = exception["description"].as_str().map(str::to_owned);
    text.unwrap_or_else(|| format!("{} {}", details["text"], exception["value"]))
}
