//! The `revisit` command itself, as a user runs it: to its end, or as a server.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::poll;

/// What a finished command has said.
#[derive(Debug)]
pub(crate) struct Output {
    /// The exit status; none when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// Panics with all that was said, unless the command has succeeded.
    #[track_caller]
    pub(crate) fn ok(&self) -> &Output {
        assert_eq!(
            self.code,
            Some(0),
            "revisit said:\n{}{}",
            self.stdout,
            self.stderr
        );
        self
    }
}

/// Runs `revisit` with these words, in the test's own folder, and waits for its end.
#[track_caller]
pub(crate) fn revisit<S: AsRef<OsStr>>(words: &[S]) -> Output {
    finish(command().args(words))
}

/// Runs `revisit` with these words in a folder, where it then looks for its `revisit.toml`.
#[track_caller]
pub(crate) fn revisit_in<S: AsRef<OsStr>>(folder: &Path, words: &[S]) -> Output {
    finish(command().args(words).current_dir(folder))
}

/// The user's cache folder of all commands of this process: nobody's own is read or written.
///
/// Test processes run side by side, so each has one, and removes those of processes that are gone.
pub(crate) fn cache_home() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folders = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let id = |name: &str| name.strip_prefix(CACHE_HOME)?.parse().ok();
        for entry in std::fs::read_dir(folders).into_iter().flatten().flatten() {
            let of = entry.file_name().to_str().and_then(id);
            let gone = of
                .and_then(Pid::from_raw)
                .is_some_and(|of| test_kill_process(of).is_err());
            if gone {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
        let own = folders.join(format!("{CACHE_HOME}{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&own); // of one that had the same number
        own
    })
}

const CACHE_HOME: &str = "cache-of-tests-";

/// `revisit`, without what a developer's own environment may tell it.
fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_revisit"));
    command
        .stdin(Stdio::null())
        .env_remove("RUST_LOG")
        .env_remove("ALL_PROXY")
        .env_remove("HTTP_PROXY")
        .env_remove("http_proxy")
        .env_remove("CLICOLOR_FORCE")
        .env("XDG_CACHE_HOME", cache_home())
        .env("NO_COLOR", "1");
    command
}

#[track_caller]
fn finish(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("cannot run `revisit`: {error}"));
    Output {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A `revisit serve` that runs. It is killed with the value.
pub(crate) struct Serve {
    child: Child,
    lines: Lines,
    base: String,
}

type Lines = Arc<Mutex<Vec<String>>>;

impl Serve {
    /// Starts `revisit` with these words, and waits until it has said where it listens.
    #[track_caller]
    pub(crate) fn start<S: AsRef<OsStr>>(words: &[S]) -> Serve {
        Self::spawn(command().args(words))
    }

    /// [`Serve::start`] in a folder, where it then looks for its `revisit.toml`.
    #[track_caller]
    pub(crate) fn start_in<S: AsRef<OsStr>>(folder: &Path, words: &[S]) -> Serve {
        Self::spawn(command().args(words).current_dir(folder))
    }

    /// [`Serve::start_in`], with a folder of its own for what is temporary.
    #[track_caller]
    pub(crate) fn start_with_temporary<S: AsRef<OsStr>>(
        folder: &Path,
        temporary: &Path,
        words: &[S],
    ) -> Serve {
        let mut command = command();
        command.env("TMPDIR", temporary);
        Self::spawn(command.args(words).current_dir(folder))
    }

    /// Serves a site on a free port.
    #[track_caller]
    pub(crate) fn site(folder: &Path) -> Serve {
        let folder = folder.as_os_str();
        let port = ["--listen", "127.0.0.1:0"].map(OsStr::new);
        Self::start(&[OsStr::new("serve"), folder, port[0], port[1]])
    }

    /// Starts `revisit` with these words, which make it run on without listening anywhere.
    #[track_caller]
    pub(crate) fn start_without_address<S: AsRef<OsStr>>(folder: &Path, words: &[S]) -> Serve {
        Self::begin(command().args(words).current_dir(folder))
    }

    #[track_caller]
    fn begin(command: &mut Command) -> Serve {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run `revisit`: {error}"));
        let lines = Lines::default();
        listen(child.stdout.take(), &lines);
        listen(child.stderr.take(), &lines);
        Serve {
            child,
            lines,
            base: String::new(),
        }
    }

    #[track_caller]
    fn spawn(command: &mut Command) -> Serve {
        let mut serve = Self::begin(command);
        let base = poll(START_DEADLINE, || {
            let said = serve.said();
            let mut ended = || serve.child.try_wait().ok().flatten().is_some();
            match said.lines().find_map(address) {
                Some(base) => Some(Some(base)),
                None => ended().then_some(None),
            }
        });
        match base.flatten() {
            Some(base) => serve.base = base,
            None => panic!(
                "`revisit` did not say where it listens, but:\n{}",
                serve.said()
            ),
        }
        serve
    }

    /// The absolute URL of a path on this server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// All that it has said so far, on both outputs.
    pub(crate) fn said(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(|held| held.into_inner());
        lines.join("\n")
    }

    /// Waits until it has said this.
    #[track_caller]
    pub(crate) fn wait_until_said(&self, words: &str) {
        if poll(super::DEADLINE, || {
            self.said().contains(words).then_some(())
        })
        .is_none()
        {
            panic!("`revisit` did not say `{words}`, but:\n{}", self.said());
        }
    }

    /// Ctrl-C, and waits for the graceful end; gives how it ended.
    #[track_caller]
    pub(crate) fn interrupt(&mut self) -> ExitStatus {
        self.end_by(Signal::INT)
    }

    /// SIGTERM, and waits for the graceful end; gives how it ended.
    #[track_caller]
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.end_by(Signal::TERM)
    }

    #[track_caller]
    fn end_by(&mut self, signal: Signal) -> ExitStatus {
        let _ = kill_process(Pid::from_child(&self.child), signal);
        match poll(STOP_DEADLINE, || self.child.try_wait().ok().flatten()) {
            Some(status) => status,
            None => panic!(
                "`revisit` did not stop within {STOP_DEADLINE:?} of {signal:?}; it said:\n{}",
                self.said()
            ),
        }
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads to the end, so that the server never waits for us to read.
fn listen(from: Option<impl Read + Send + 'static>, lines: &Lines) {
    let lines = Arc::clone(lines);
    std::thread::spawn(move || {
        let from = from.map(BufReader::new);
        for line in from
            .into_iter()
            .flat_map(|from| from.lines())
            .map_while(Result::ok)
        {
            lines
                .lock()
                .unwrap_or_else(|held| held.into_inner())
                .push(line);
        }
    });
}

/// The first `http://HOST:PORT` of a line.
fn address(line: &str) -> Option<String> {
    let at = line.find("http://")?;
    let rest = &line[at + "http://".len()..];
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || ".:-[]".contains(c)));
    let host = rest[..end.unwrap_or(rest.len())].trim_end_matches(['.', ':']);
    let (_, port) = host.rsplit_once(':')?;
    port.parse::<u16>()
        .is_ok()
        .then(|| format!("http://{host}"))
}

const START_DEADLINE: Duration = Duration::from_secs(60);
const STOP_DEADLINE: Duration = Duration::from_secs(60);
