//! The browser as a process: how is it started, how is it ended, and how many run at once?
//!
//! It gets its own process group, so that a kill reaches its children too. `sh` moves our two pipes
//! to the descriptors 3 and 4 where Chromium wants them; doing so ourselves would take unsafe code.
//! A browser whose pipe closes ends by itself: even a test process that is killed leaves none behind.

use std::fs::File;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Condvar, Mutex};
use std::thread::ThreadId;
use std::time::Duration;

use revisit_devtools::{FLAGS, MOVE_THE_PIPES, TEMPORARY};
use rustix::process::{Pid, Signal, kill_process_group};

use super::pipe::{Pipe, Session};
use super::poll;

/// A running Chromium and its children.
pub(crate) struct Process(Group);

/// A process and its children: they are ended together, at the latest with the value.
pub(crate) struct Group {
    child: Child,
    id: Pid,
}

impl Process {
    /// Starts Chromium on `profile`; the returned session speaks with the browser as a whole.
    #[track_caller]
    pub(crate) fn start(profile: &Path) -> (Process, Session) {
        let chromium =
            std::env::var("REVISIT_CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
        let stderr_path = profile.join("stderr.txt");
        let stderr = File::create(&stderr_path).expect("the profile can be written to");
        // Its own temporary files go with the profile, also when it is killed.
        std::fs::create_dir_all(profile.join(TEMPORARY)).expect("the profile can be written to");
        let mut group = Group::start(Self::command(&chromium, profile).stderr(stderr));
        let to = group.child.stdin.take().expect("standard input is piped");
        let from = group.child.stdout.take().expect("standard output is piped");
        (Process(group), Pipe::open(to, from, stderr_path))
    }

    fn command(chromium: &str, profile: &Path) -> Command {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", MOVE_THE_PIPES, chromium])
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            .env("HOME", profile)
            .env("TMPDIR", profile.join(TEMPORARY))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        command
    }

    /// Waits for the end of a browser that was asked to close; kills it when it does not.
    pub(crate) fn wait(&mut self) -> bool {
        self.0.wait()
    }

    /// SIGKILL to the browser and all its children, and returns when none of them is left.
    pub(crate) fn kill(&mut self) {
        self.0.kill();
    }
}

impl Group {
    /// Starts a command as the first of a group of its own.
    #[track_caller]
    pub(crate) fn start(command: &mut Command) -> Group {
        use std::os::unix::process::CommandExt;
        let child = command.process_group(0).spawn();
        let child = child.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Group {
            id: Pid::from_child(&child),
            child,
        }
    }

    /// What the first process says on its standard output, if that is piped; once only.
    pub(crate) fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Closes the standard input of the first process, which takes that as the word to end.
    pub(crate) fn end(&mut self) {
        drop(self.child.stdin.take());
        self.wait();
    }

    /// Waits until the first process has ended by itself, then kills who is left; false if it
    /// had to be killed too, or has failed.
    fn wait(&mut self) -> bool {
        let ended = poll(CLOSE_DEADLINE, || self.child.try_wait().ok().flatten());
        self.kill();
        ended.is_some_and(|status| status.success())
    }

    /// SIGKILL to all, and returns when none of them is left.
    pub(crate) fn kill(&mut self) {
        let _ = kill_process_group(self.id, Signal::KILL);
        let _ = self.child.wait();
        poll(KILL_DEADLINE, || (!lives(self.id)).then_some(()));
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether a process of the group still runs.
///
/// Read from `/proc` (where there is none, the group counts as ended): the kernel's own answer counts
/// those too that have ended and that init has not collected yet, which may take it seconds.
fn lives(group: Pid) -> bool {
    let group = group.as_raw_nonzero().to_string();
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return false;
    };
    processes.flatten().any(|process| {
        let stat = std::fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        // `PID (NAME) STATE PARENT GROUP …`, where the name may hold anything.
        let mut fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        let state = fields.next().unwrap_or("X");
        !matches!(state, "Z" | "X" | "") && fields.nth(1) == Some(&group)
    })
}

/// Leave to run a browser: more than the cores can feed would only make each other late.
///
/// A thread that has one browser may always have a second, so that two tests with two browsers each
/// cannot wait for each other.
pub(crate) struct Permit(ThreadId);

static RUNNING: Mutex<Vec<ThreadId>> = Mutex::new(Vec::new());
static RETURNED: Condvar = Condvar::new();

impl Permit {
    pub(crate) fn take() -> Permit {
        let me = std::thread::current().id();
        let mut running = RUNNING.lock().unwrap_or_else(|held| held.into_inner());
        while running.len() >= browsers_max() && !running.contains(&me) {
            running = RETURNED
                .wait(running)
                .unwrap_or_else(|held| held.into_inner());
        }
        running.push(me);
        Permit(me)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut running = RUNNING.lock().unwrap_or_else(|held| held.into_inner());
        if let Some(at) = running.iter().position(|thread| *thread == self.0) {
            running.swap_remove(at);
        }
        RETURNED.notify_all();
    }
}

/// Two for each core: a browser of ours waits for two thirds of its time.
fn browsers_max() -> usize {
    2 * std::thread::available_parallelism().map_or(1, usize::from)
}

const CLOSE_DEADLINE: Duration = Duration::from_secs(20);
const KILL_DEADLINE: Duration = Duration::from_secs(5);
