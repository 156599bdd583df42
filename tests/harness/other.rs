//! Firefox and WebKitGTK as processes: is there one, how is it started on a page, how is it ended?
//!
//! Neither is driven: whoever starts one on a page of a [`super::Remote`] site tells the page what to
//! do. Firefox has no need of a screen; `surf`, a window around WebKitGTK and little more, gets one
//! that nobody sees. Ended politely, and started again on the same profile, they keep what they had.
//! Each hangs on a pipe of ours: even a test process that is killed leaves none behind.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::process::{Group, Permit};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Firefox,
    WebKit,
}

/// A browser with a profile of its own; ends with the value, and leaves nothing behind.
pub(crate) struct OtherBrowser {
    engine: Engine,
    running: Option<Group>,
    /// The screen, as `DISPLAY` names it, and who draws it; it outlives a restart of the browser.
    screen: Option<(String, Group)>,
    profile: TempDir,
    _permit: Permit,
}

impl Engine {
    /// The program that is not installed, of those that the engine takes.
    pub(crate) fn lacks(self) -> Option<&'static str> {
        let programs: &[&str] = match self {
            Engine::Firefox => &["firefox-esr"],
            Engine::WebKit => &["surf", "Xvfb"],
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let missing = |program: &&&str| !folders.iter().any(|f| f.join(program).is_file());
        programs.iter().find(missing).copied()
    }
}

impl OtherBrowser {
    /// A browser that has never been anywhere, and that does not run yet.
    #[track_caller]
    pub(crate) fn new(engine: Engine) -> OtherBrowser {
        let permit = Permit::take();
        let profile = tempfile::Builder::new()
            .prefix("revisit-profile-")
            .tempdir()
            .expect("a temporary folder can be made");
        let screen = match engine {
            Engine::Firefox => {
                let prefs = profile.path().join("user.js");
                std::fs::write(prefs, PREFS).expect("the profile can be written to");
                None
            }
            Engine::WebKit => Some(screen(profile.path())),
        };
        OtherBrowser {
            engine,
            running: None,
            screen,
            profile,
            _permit: permit,
        }
    }

    /// Starts the browser on a page; one that runs is ended first.
    #[track_caller]
    pub(crate) fn start(&mut self, url: &str) {
        self.end();
        let profile = self.profile.path();
        let mut command = match self.engine {
            Engine::Firefox => {
                let mut firefox = on_a_leash("firefox-esr");
                firefox.args(["--headless", "--no-remote", "--profile"]);
                firefox.arg(profile);
                firefox
            }
            Engine::WebKit => on_a_leash("surf"),
        };
        if let Some((display, _)) = &self.screen {
            command.env("DISPLAY", display);
        }
        let said = File::options()
            .create(true)
            .append(true)
            .open(profile.join("said.txt"))
            .expect("the profile can be written to");
        let group = Group::start(
            command
                .arg(url)
                .env("HOME", profile)
                .env("TMPDIR", profile)
                // Either would start a message bus that outlives it.
                .env("DBUS_SESSION_BUS_ADDRESS", "disabled:")
                .env("NO_AT_BRIDGE", "1")
                .env("MOZ_CRASHREPORTER_DISABLE", "1")
                .stdout(said.try_clone().expect("a file can be shared"))
                .stderr(said),
        );
        self.running = Some(group);
    }

    /// What it has said on its outputs since the first start, for a test that did not pass.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.profile.path().join("said.txt")).unwrap_or_default()
    }

    /// Ends the browser, and waits until it has written all that it wants to keep.
    pub(crate) fn end(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.end();
        }
    }
}

impl Drop for OtherBrowser {
    fn drop(&mut self) {
        self.end();
        if let Some((_, mut screen)) = self.screen.take() {
            screen.end();
        }
    }
}

/// A program that is asked to end (SIGTERM) as soon as our end of its pipe closes.
fn on_a_leash(program: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", LEASH, program]).stdin(Stdio::piped());
    command
}

/// A screen in memory, on a display number that is free.
#[track_caller]
fn screen(profile: &Path) -> (String, Group) {
    let said = File::create(profile.join("screen.txt")).expect("the profile can be written to");
    let mut group = Group::start(
        on_a_leash("Xvfb")
            .args(["-displayfd", "1", "-nolisten", "tcp"])
            .args(["-screen", "0", "1024x768x24"])
            .stdout(Stdio::piped())
            .stderr(said),
    );
    let mut number = String::new();
    let stdout = group.stdout().expect("standard output is piped");
    // It says the number when it is ready, and closes its output when it cannot be.
    let _ = BufReader::new(stdout).read_line(&mut number);
    let number = number.trim();
    assert!(!number.is_empty(), "`Xvfb` has no screen for us");
    (format!(":{number}"), group)
}

const LEASH: &str = r#""$0" "$@" </dev/null & read -r word; kill $!; wait $!"#;

/// A cold start on a busy machine reads some 300 MB.
pub(crate) const START_DEADLINE: Duration = Duration::from_secs(180);

/// Nothing leaves the machine (a proxy that is not there takes all that is not for the loopback),
/// nothing is asked or shown at the first start, a page may open a tab.
const PREFS: &str = r#"
user_pref("app.normandy.enabled", false);
user_pref("app.update.auto", false);
user_pref("app.update.disabledForTesting", true);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.newtabpage.enabled", false);
user_pref("browser.sessionstore.resume_from_crash", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("browser.startup.page", 0);
user_pref("browser.tabs.warnOnClose", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("datareporting.healthreport.uploadEnabled", false);
user_pref("dom.disable_open_during_load", false);
user_pref("dom.push.connection.enabled", false);
user_pref("extensions.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("network.dns.disablePrefetch", true);
user_pref("network.proxy.http", "127.0.0.1");
user_pref("network.proxy.http_port", 9);
user_pref("network.proxy.ssl", "127.0.0.1");
user_pref("network.proxy.ssl_port", 9);
user_pref("network.proxy.type", 1);
user_pref("services.settings.server", "data:,");
user_pref("termsofuse.bypassNotification", true);
user_pref("toolkit.startup.max_resumed_crashes", -1);
user_pref("toolkit.telemetry.enabled", false);
user_pref("toolkit.telemetry.server", "data:,");
"#;
