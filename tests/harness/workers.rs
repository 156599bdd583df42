//! Which service workers are there, in what state, and how is one put to sleep?
//!
//! Asked of the browser (the protocol's ServiceWorker domain, on a page of ours), so that no page of
//! the test and no worker is woken by the question; and of a page, as the page sees it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::pipe::{Event, Insist};
use super::{Browser, DEADLINE, Tab, eventually};

/// One version of a worker, as the browser knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WorkerVersion {
    pub(crate) id: String,
    pub(crate) scope: String,
    pub(crate) script: String,
    /// `new`, `installing`, `installed` (it waits), `activating`, `activated`, `redundant`.
    pub(crate) status: String,
    /// `stopped`, `starting`, `running`, `stopping`.
    pub(crate) running: String,
}

/// A registration, as a page of its origin sees it; each state is that of the worker there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registration {
    pub(crate) scope: String,
    pub(crate) installing: Option<String>,
    pub(crate) waiting: Option<String>,
    pub(crate) active: Option<String>,
}

impl Browser {
    /// The workers whose scope starts so (`""` for all), without those that are gone for good.
    #[track_caller]
    pub(crate) fn workers(&self, scope: &str) -> Vec<WorkerVersion> {
        let mut all = self.control().events(versions);
        all.retain(|worker| worker.scope.starts_with(scope) && worker.status != "redundant");
        all
    }

    /// Stops every running worker, so that the next event finds a cold one.
    ///
    /// Nothing is lost but the worker's memory; its registration and caches stay.
    #[track_caller]
    pub(crate) fn stop_workers(&self) {
        eventually("all workers to stop", DEADLINE, || {
            let workers = self.workers("");
            let mut awake = workers.iter().filter(|worker| worker.running != "stopped");
            if awake.next().is_none() {
                return Some(());
            }
            self.control()
                .call("ServiceWorker.stopAllWorkers", json!({}));
            None
        });
    }

    /// What workers have failed with: exceptions that nobody caught, also while they install.
    #[track_caller]
    pub(crate) fn worker_errors(&self) -> Vec<String> {
        self.control().events(|events| {
            let error = |event: &Event| {
                let error = &event.params["errorMessage"];
                let text = error["errorMessage"].as_str()?;
                let source = error["sourceURL"].as_str().unwrap_or_default();
                Some(format!("{text} ({source}:{})", error["lineNumber"]))
            };
            let reported = |event: &&Event| event.method == "ServiceWorker.workerErrorReported";
            events.iter().filter(reported).filter_map(error).collect()
        })
    }
}

impl Tab {
    /// The registrations of the page's origin, as the page sees them.
    #[track_caller]
    pub(crate) fn registrations(&self) -> Vec<Registration> {
        let all = self.eval(
            "(await navigator.serviceWorker.getRegistrations()).map(r => [
                r.scope, r.installing?.state, r.waiting?.state, r.active?.state])",
        );
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let rows = all.as_array().into_iter().flatten();
        rows.map(|row| Registration {
            scope: text(&row[0]).unwrap_or_default(),
            installing: text(&row[1]),
            waiting: text(&row[2]),
            active: text(&row[3]),
        })
        .collect()
    }

    /// Waits until the page's scope has an activated worker, and no other is on its way.
    #[track_caller]
    pub(crate) fn wait_for_worker(&self) {
        self.wait_for(
            "await navigator.serviceWorker.getRegistration().then(r =>
                r && !r.installing && r.active?.state === 'activated')",
            "an activated worker",
        );
    }

    /// Waits until a worker controls this page.
    #[track_caller]
    pub(crate) fn wait_for_control(&self) {
        self.wait_for(
            "navigator.serviceWorker.controller?.state === 'activated'",
            "a worker to control the page",
        );
    }

    /// Whether a worker controls this page.
    #[track_caller]
    pub(crate) fn is_controlled(&self) -> bool {
        self.eval("navigator.serviceWorker.controller !== null") == true
    }
}

/// The latest word on each version that the browser has told of.
fn versions(events: &[Event]) -> Vec<WorkerVersion> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut scopes = BTreeMap::new();
    let mut workers: BTreeMap<String, WorkerVersion> = BTreeMap::new();
    for Event { method, params } in events {
        match method.as_str() {
            "ServiceWorker.workerRegistrationUpdated" => {
                for registration in params["registrations"].as_array().into_iter().flatten() {
                    let id = text(&registration["registrationId"]);
                    scopes.insert(id, text(&registration["scopeURL"]));
                }
            }
            "ServiceWorker.workerVersionUpdated" => {
                for version in params["versions"].as_array().into_iter().flatten() {
                    let scope = scopes.get(&text(&version["registrationId"]));
                    let worker = WorkerVersion {
                        id: text(&version["versionId"]),
                        scope: scope.cloned().unwrap_or_default(),
                        script: text(&version["scriptURL"]),
                        status: text(&version["status"]),
                        running: text(&version["runningStatus"]),
                    };
                    workers.insert(worker.id.clone(), worker);
                }
            }
            _ => {}
        }
    }
    workers.into_values().collect()
}
