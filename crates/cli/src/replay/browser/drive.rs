//! Steps of a scenario as a browser does them, by the DevTools protocol.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::anyhow;
use revisit_devtools::{Chromium, DevToolsError, Session};
use revisit_engine::{Clock, SystemClock};
use revisit_references::loads::Screen;
use revisit_replay::scenario::{Do, Planned, Step};
use revisit_replay::{Cleared, Health, Phase};
use serde_json::{Value, json};

use super::twin::Twin;
use crate::failure::Failure;

/// A browser with its tabs, before the twin of a site.
pub(super) struct Driven {
    chromium: Chromium,
    twin: Twin,
    screen: Screen,
    /// In the order of opening; the last of `shown` is the current one.
    tabs: Vec<Tab>,
    shown: Vec<usize>,
    /// The machine has no network.
    offline: bool,
    /// The servers do not answer, which is no network too, but goes by itself.
    unreachable: bool,
    clock: SystemClock,
    /// Paths of the icons that the pages so far name.
    icons: BTreeSet<String>,
}

struct Tab {
    target: Value,
    session: Session,
}

impl Driven {
    pub(super) fn start(program: &Path, twin: Twin, screen: Screen) -> Result<Self, Failure> {
        let chromium = Chromium::start(program).map_err(|error| {
            Failure::work(error)
                .help("name a Chromium or Chrome: `--browser /usr/bin/chromium`".to_owned())
        })?;
        Ok(Self {
            chromium,
            twin,
            screen,
            tabs: Vec::new(),
            shown: Vec::new(),
            offline: false,
            unreachable: false,
            clock: SystemClock::start(),
            icons: BTreeSet::new(),
        })
    }

    /// Its name and version.
    pub(super) fn version(&self) -> String {
        let session = self.chromium.session();
        let reply = session.map(|session| call(session, "Browser.getVersion", json!({})));
        let product = reply.ok().and_then(Result::ok);
        product
            .and_then(|reply| reply["product"].as_str().map(str::to_owned))
            .unwrap_or_else(|| "the browser".to_owned())
    }

    /// Does one step, waits until it is done, and tells what reached the server.
    pub(super) fn step(&mut self, step: &Step) -> Result<Vec<String>, Failure> {
        let before = self.twin.count();
        let planned = step.planned().map_err(Failure::words)?;
        self.act(&planned)?;
        self.quiet();
        self.look_for_icons();
        Ok(self.twin.since(before))
    }

    /// Is this the path of an icon that a page names? The browser fetches those for its own tabs, and tells nobody.
    pub(super) fn is_icon(&self, path: &str) -> bool {
        self.icons.contains(path)
    }

    fn look_for_icons(&mut self) {
        let script = "[...document.querySelectorAll('link[rel~=icon], link[rel^=apple-touch-icon]')].map((it) => new URL(it.href).pathname)";
        let words = json!({ "expression": script, "returnByValue": true });
        let reply = self
            .current()
            .ok()
            .and_then(|session| call(session, "Runtime.evaluate", words).ok());
        let reply = reply.unwrap_or_default();
        let paths = reply["result"]["value"].as_array().into_iter().flatten();
        self.icons
            .extend(paths.filter_map(Value::as_str).map(str::to_owned));
    }

    fn act(&mut self, planned: &Planned) -> Result<(), Failure> {
        let url = |written: &str| {
            self.twin
                .origin()
                .join(written)
                .map(String::from)
                .map_err(Failure::words)
        };
        match planned {
            Planned::Typed(to) => {
                let url = url(to)?;
                if self.shown.is_empty() {
                    self.open_tab()?;
                }
                self.loads(
                    "Page.navigate",
                    json!({ "url": url, "transitionType": "typed" }),
                )
            }
            Planned::NewTab(to) => {
                let url = url(to)?;
                self.open_tab()?;
                self.loads(
                    "Page.navigate",
                    json!({ "url": url, "transitionType": "typed" }),
                )
            }
            Planned::Link(to) => {
                let url = url(to)?;
                self.loads("Runtime.evaluate", json!({ "expression": format!("location.assign({})", json!(url)), "userGesture": true }))
            }
            Planned::Do(act) => self.word(*act),
            Planned::Tab(place) => {
                let tab = self
                    .tabs
                    .get(*place)
                    .ok_or_else(|| Failure::words(anyhow!("there is no such tab")))?;
                let target = tab.target.clone();
                self.shown.retain(|known| known != place);
                self.shown.push(*place);
                call(
                    self.chromium.session().map_err(Failure::work)?,
                    "Target.activateTarget",
                    json!({ "targetId": target }),
                )
                .map(|_| ())
                .map_err(Failure::work)
            }
            Planned::Fetch(to, mode, method) => {
                let words = json!({ "method": method.as_str(), "cache": mode.name() });
                let script = format!(
                    "fetch({}, {words}).then(r => r.text()).catch(() => 0)",
                    json!(url(to)?)
                );
                self.run(&script)
            }
            Planned::Insert(to, phase) => {
                let rel = if *phase == Phase::Preload {
                    "preload"
                } else {
                    "prefetch"
                };
                let script = format!(
                    "document.head.append(Object.assign(document.createElement('link'), {{rel: '{rel}', as: 'fetch', crossOrigin: '', href: {}}}))",
                    json!(url(to)?)
                );
                self.run(&script)
            }
            Planned::Wait(span) => {
                std::thread::sleep(span.0);
                Ok(())
            }
            Planned::Deploy(version) => self.twin.deploy(version),
            Planned::Servers(health) => {
                self.twin.instead(match health {
                    Health::Answers(status) => Some(*status),
                    Health::Works | Health::Unreachable => None,
                });
                self.unreachable = *health == Health::Unreachable;
                self.tell_tabs()
            }
            Planned::Clear(what) => {
                let methods: &[&str] = match what {
                    Cleared::Cache => &["Network.clearBrowserCache"],
                    Cleared::Cookies => &["Network.clearBrowserCookies"],
                    Cleared::Everything => {
                        &["Network.clearBrowserCache", "Network.clearBrowserCookies"]
                    }
                };
                for method in methods {
                    call(self.current()?, method, json!({})).map_err(Failure::work)?;
                }
                Ok(())
            }
            Planned::Clock(_) => Ok(()),
        }
    }

    fn word(&mut self, act: Do) -> Result<(), Failure> {
        match act {
            Do::Reload => self.loads("Page.reload", json!({})),
            Do::HardReload => self.loads("Page.reload", json!({ "ignoreCache": true })),
            Do::Back => self.traverse(-1),
            Do::Forward => self.traverse(1),
            // The browser has no application caches, and the replay was refused before.
            Do::Update | Do::SwapCache => Ok(()),
            Do::CloseTab => {
                let place = self
                    .shown
                    .pop()
                    .ok_or_else(|| Failure::words(anyhow!("no tab is open")))?;
                let tab = self.tabs.remove(place);
                for shown in &mut self.shown {
                    *shown -= usize::from(*shown > place);
                }
                let browser = self.chromium.session().map_err(Failure::work)?;
                call(
                    browser,
                    "Target.closeTarget",
                    json!({ "targetId": tab.target }),
                )
                .map_err(Failure::work)?;
                Ok(())
            }
            Do::Restart => {
                self.tabs.clear();
                self.shown.clear();
                self.chromium.restart().map_err(Failure::work)
            }
            Do::Offline | Do::Online => {
                self.offline = act == Do::Offline;
                self.tell_tabs()
            }
        }
    }

    fn traverse(&mut self, by: i64) -> Result<(), Failure> {
        let history =
            call(self.current()?, "Page.getNavigationHistory", json!({})).map_err(Failure::work)?;
        let place = history["currentIndex"].as_i64().unwrap_or(0) + by;
        let entry = usize::try_from(place)
            .ok()
            .map(|place| history["entries"][place]["id"].clone());
        let entry = entry.filter(|entry| !entry.is_null());
        let entry = entry.ok_or_else(|| Failure::words(anyhow!("the history ends here")))?;
        self.loads("Page.navigateToHistoryEntry", json!({ "entryId": entry }))
    }

    fn open_tab(&mut self) -> Result<(), Failure> {
        let browser = self.chromium.session().map_err(Failure::work)?;
        let reply = call(
            browser,
            "Target.createTarget",
            json!({ "url": "about:blank" }),
        )
        .map_err(Failure::work)?;
        let target = reply["targetId"].clone();
        let reply = call(
            browser,
            "Target.attachToTarget",
            json!({ "targetId": target, "flatten": true }),
        )
        .map_err(Failure::work)?;
        let session = browser.attached(reply["sessionId"].as_str().unwrap_or_default());
        let Screen {
            width,
            height,
            density,
            ..
        } = self.screen;
        for (method, words) in [
            ("Page.enable", json!({})),
            ("Network.enable", json!({})),
            (
                "Emulation.setDeviceMetricsOverride",
                json!({ "width": width, "height": height, "deviceScaleFactor": density, "mobile": false }),
            ),
        ] {
            call(&session, method, words).map_err(Failure::work)?;
        }
        self.shown.push(self.tabs.len());
        self.tabs.push(Tab { target, session });
        self.tell_tabs()
    }

    /// Every tab learns whether there is a network.
    fn tell_tabs(&self) -> Result<(), Failure> {
        let words = json!({ "offline": self.offline || self.unreachable, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        for tab in &self.tabs {
            call(
                &tab.session,
                "Network.emulateNetworkConditions",
                words.clone(),
            )
            .map_err(Failure::work)?;
        }
        Ok(())
    }

    fn current(&self) -> Result<&Session, Failure> {
        let tab = self.shown.last().and_then(|place| self.tabs.get(*place));
        tab.map(|tab| &tab.session)
            .ok_or_else(|| Failure::words(anyhow!("no page is open")))
    }

    fn run(&self, script: &str) -> Result<(), Failure> {
        let words = json!({ "expression": script, "awaitPromise": true });
        call(self.current()?, "Runtime.evaluate", words)
            .map(|_| ())
            .map_err(Failure::work)
    }

    /// Asks for what loads a page, and waits until it has, or was restored.
    fn loads(&self, method: &str, words: Value) -> Result<(), Failure> {
        let session = self.current()?;
        let from = session.now();
        call(session, method, words).map_err(Failure::work)?;
        let done = session.wait_event(from, LOAD_MAX, |events| {
            let mut events = events.iter();
            events
                .any(|event| {
                    event.method == "Page.loadEventFired"
                        || event.method == "Page.frameNavigated"
                            && event.params["type"] == "BackForwardCacheRestore"
                })
                .then_some(())
        });
        done.map_err(|why| Failure::work(anyhow!("the page does not finish loading: {why}")))
    }

    /// Waits until nothing has reached the server for a while.
    fn quiet(&self) {
        let started = self.clock.elapsed();
        let (mut count, mut since) = (self.twin.count(), started);
        loop {
            let now = self.clock.elapsed();
            if self.twin.count() != count {
                (count, since) = (self.twin.count(), now);
            }
            if now - since >= QUIET || now - started >= LOAD_MAX {
                return;
            }
            std::thread::sleep(LOOK);
        }
    }
}

fn call(session: &Session, method: &str, words: Value) -> Result<Value, DevToolsError> {
    session
        .try_call(method, words, CALL_MAX)
        .map_err(|why| DevToolsError::Call {
            method: method.to_owned(),
            why,
        })
}

/// How long one question may take.
const CALL_MAX: Duration = Duration::from_secs(30);
/// How long a page may take.
const LOAD_MAX: Duration = Duration::from_secs(30);
/// A page that asks for nothing for so long has what it wants.
const QUIET: Duration = Duration::from_millis(800);
const LOOK: Duration = Duration::from_millis(40);
