//! The browser as a process: how is it started, and how does it end?
//!
//! It gets its own process group, so that its end reaches its children too. `sh` moves our two pipes to the descriptors
//! 3 and 4 where Chromium wants them; doing so ourselves would take unsafe code.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::{DevToolsError, Pipe, Session};

/// A Chromium with a profile of its own; both go with the value.
#[derive(Debug)]
pub struct Chromium {
    program: PathBuf,
    profile: TempDir,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    session: Session,
}

impl Chromium {
    /// Starts `program` on a profile that was never used.
    ///
    /// # Errors
    /// It is not there, or does not answer within a minute.
    pub fn start(program: &Path) -> Result<Self, DevToolsError> {
        let profile = tempfile::Builder::new()
            .prefix("revisit-profile-")
            .tempdir();
        let profile = profile.map_err(|source| start_error(program, source))?;
        let mut chromium = Self {
            program: program.to_owned(),
            profile,
            running: None,
        };
        chromium.run()?;
        Ok(chromium)
    }

    /// Ends it as a user does, and starts it again on the same profile.
    ///
    /// # Errors
    /// It does not start again.
    pub fn restart(&mut self) -> Result<(), DevToolsError> {
        self.close();
        self.run()
    }

    /// The browser as a whole.
    ///
    /// # Errors
    /// It has ended.
    pub fn session(&self) -> Result<&Session, DevToolsError> {
        let running = self.running.as_ref().ok_or_else(|| DevToolsError::Call {
            method: "Browser".to_owned(),
            why: "it has ended".to_owned(),
        })?;
        Ok(&running.session)
    }

    fn run(&mut self) -> Result<(), DevToolsError> {
        let program = &self.program;
        let failed = |source| start_error(program, source);
        let profile = self.profile.path();
        let stderr_path = profile.join("stderr.txt");
        let stderr = File::create(&stderr_path).map_err(failed)?;
        std::fs::create_dir_all(profile.join(TEMPORARY)).map_err(failed)?;
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", MOVE_THE_PIPES])
            .arg(program)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            .env("HOME", profile)
            .env("TMPDIR", profile.join(TEMPORARY))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(failed)?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed(std::io::ErrorKind::BrokenPipe.into()));
        };
        let session = Pipe::open(to, from, stderr_path);
        let answers = session.try_call("Browser.getVersion", json!({}), START_DEADLINE);
        self.running = Some(Running {
            child,
            session: session.clone(),
        });
        answers.map(|_| ()).map_err(|why| DevToolsError::Call {
            method: "Browser.getVersion".to_owned(),
            why: format!("{why}; it says: {}", session.last_words()),
        })
    }

    fn close(&mut self) {
        if let Some(mut running) = self.running.take() {
            let asked = running.session.send("Browser.close", json!({})).is_ok();
            if asked {
                running.session.wait_gone(CLOSE_DEADLINE);
            }
            running.kill();
        }
    }
}

impl Running {
    fn kill(&mut self) {
        #[cfg(unix)]
        {
            let group = rustix::process::Pid::from_child(&self.child);
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.kill();
        }
    }
}

fn start_error(program: &Path, source: std::io::Error) -> DevToolsError {
    DevToolsError::Start {
        program: program.display().to_string(),
        source,
    }
}

/// A cold start on a busy machine reads some 300 MB.
const START_DEADLINE: Duration = Duration::from_secs(60);
const CLOSE_DEADLINE: Duration = Duration::from_secs(20);

/// Where in the profile its temporary files go, also when it is killed. Short, for a socket lies below it, and a
/// socket's path has 107 bytes at most.
pub const TEMPORARY: &str = "t";

/// What `sh` runs: our standard streams become the browser's descriptors 3 and 4.
pub const MOVE_THE_PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#;

/// Nothing leaves the machine, nothing pops up, nothing sleeps because it is in the background.
pub const FLAGS: &[&str] = &[
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--enable-automation",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-renderer-backgrounding",
    "--disable-sync",
    "--hide-crash-restore-bubble",
    "--metrics-recording-only",
    "--mute-audio",
    "--password-store=basic",
    "--disable-features=Translate,OptimizationHints,MediaRouter,HttpsUpgrades",
];
