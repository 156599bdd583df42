//! A browser: a profile, the process that runs on it, and its tabs.
//!
//! The profile outlives the process, which is what a restart and a kill are tested by. The first
//! page that Chromium opens is ours: what concerns the whole browser (its HTTP cache, its service
//! workers) is asked there, so that no page of a test is touched.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::pipe::{Insist, Session};
use super::process::{Permit, Process};
use super::{Tab, poll};

/// A Chromium with a profile of its own; ends with the value, and leaves nothing behind.
pub(crate) struct Browser {
    running: Option<Running>,
    profile: Profile,
    _permit: Permit,
}

enum Profile {
    Own(TempDir),
    Lent(PathBuf),
}

struct Running {
    process: Process,
    browser: Session,
    control: Session,
}

impl Browser {
    /// A browser that has never been anywhere.
    #[track_caller]
    pub(crate) fn start() -> Browser {
        let folder = tempfile::Builder::new()
            .prefix("revisit-profile-")
            .tempdir()
            .expect("a temporary folder can be made");
        Self::start_with(Profile::Own(folder))
    }

    /// A browser on a profile that stays when the browser goes.
    #[track_caller]
    pub(crate) fn start_in(profile: &Path) -> Browser {
        Self::start_with(Profile::Lent(profile.to_owned()))
    }

    #[track_caller]
    fn start_with(profile: Profile) -> Browser {
        let permit = Permit::take();
        Browser {
            running: Some(Running::start(profile.path())),
            profile,
            _permit: permit,
        }
    }

    /// Opens a new tab on an empty page.
    #[track_caller]
    pub(crate) fn tab(&self) -> Tab {
        Tab::open(&self.running().browser)
    }

    /// Ends the browser as a user does, and waits until it has written all that it wants to keep.
    #[track_caller]
    pub(crate) fn close(&mut self) {
        let Some(mut running) = self.running.take() else {
            return;
        };
        let _ = running.browser.send("Browser.close", json!({}));
        if !running.process.wait() {
            running.browser.fail("the browser did not close by itself");
        }
    }

    /// Ends the browser and its children at once, as a power cut does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.process.kill();
        }
    }

    /// Starts again on the same profile; a browser that still runs is closed first.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        self.close();
        self.running = Some(Running::start(self.profile.path()));
    }

    /// Empties the HTTP cache: on disk, and what the open tabs have in memory.
    ///
    /// Cache Storage, service workers and cookies stay: what still answers now is a worker.
    #[track_caller]
    pub(crate) fn clear_http_cache(&self) {
        self.control().call("Network.clearBrowserCache", json!({}));
    }

    /// Lets an origin keep so many bytes, in all of its kinds of storage together.
    #[track_caller]
    pub(crate) fn room_for(&self, origin: &str, bytes: usize) {
        let room = json!({ "origin": origin, "quotaSize": bytes });
        self.control().call("Storage.overrideQuotaForOrigin", room);
    }

    /// Where the profile lies.
    pub(crate) fn profile(&self) -> &Path {
        self.profile.path()
    }

    /// The session of our own page, for what concerns the whole browser.
    #[track_caller]
    pub(super) fn control(&self) -> &Session {
        &self.running().control
    }

    #[track_caller]
    fn running(&self) -> &Running {
        match &self.running {
            Some(running) => running,
            None => panic!("the browser was closed or killed; `restart` it first"),
        }
    }
}

impl Profile {
    fn path(&self) -> &Path {
        match self {
            Profile::Own(folder) => folder.path(),
            Profile::Lent(path) => path,
        }
    }
}

impl Running {
    #[track_caller]
    fn start(profile: &Path) -> Running {
        let (process, browser) = Process::start(profile);
        if let Err(why) = browser.try_call("Browser.getVersion", json!({}), START_DEADLINE) {
            browser.fail(&format!("the browser did not start: {why}"));
        }
        let first_page = || {
            let reply = browser.call("Target.getTargets", json!({}));
            let pages = reply["targetInfos"].as_array()?;
            let page = pages.iter().find(|target| target["type"] == "page")?;
            Some(page["targetId"].clone())
        };
        let Some(page) = poll(START_DEADLINE, first_page) else {
            browser.fail("the browser has started without a page");
        };
        let reply = browser.call(
            "Target.attachToTarget",
            json!({ "targetId": page, "flatten": true }),
        );
        let control = browser.attached(reply["sessionId"].as_str().unwrap_or_default());
        control.call("ServiceWorker.enable", json!({}));
        Running {
            process,
            browser,
            control,
        }
    }
}

/// A cold start on a busy machine reads some 300 MB.
const START_DEADLINE: Duration = Duration::from_secs(180);
