//! `cargo xtask crash`: does a store keep its word when it is killed, and when the disk refuses?
//!
//! The workload of `crates/store/examples/crash_workload.rs` runs under `strace`, which kills it at
//! the Nth call that writes, or lets that call go wrong, for each N; then it looks at what is there.
//! So does that of `crates/engine/examples/appcache_crash.rs`, which updates application caches.
//! Three more: do the calls that make a body last come in their order, 64 writers killed at random, and
//! what is there when the power goes and any part of what was not synced is lost ([`power`]).

mod disk;
mod power;
mod trace;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::Stop;
use crate::shell::{cargo, command, output, run as sh, target_dir};
use crate::test::needs;

/// Calls that change something on the disk.
const CALLS: [&str; 8] = [
    "pwrite64",
    "write",
    "fdatasync",
    "fsync",
    "rename",
    "unlink",
    "ftruncate",
    "mkdir",
];
const PARTS: [&str; 3] = ["sweep", "cuts", "storms"];
const HARMS: [&str; 3] = ["signal=KILL", "error=EIO", "error=ENOSPC"];
/// A call of which there are more is no longer the workload's.
const CALLS_MAX: usize = 3000;

/// What is run, killed and looked at.
struct Workload {
    example: &'static str,
    /// How it is built.
    package: &'static [&'static str],
    /// As what it runs.
    kinds: &'static [&'static str],
}

const STORE: Workload = Workload {
    example: "crash_workload",
    package: &["--package", "revisit-store"],
    kinds: &["durable", "relaxed"],
};
const APPLICATION_CACHES: Workload = Workload {
    example: "appcache_crash",
    package: &["--package", "revisit-engine", "--features", "appcache"],
    kinds: &["updates"],
};

/// `cargo xtask crash [--sample N] [--storms N] [--only PART]`.
pub(crate) fn run(words: &[&str]) -> Result<(), Stop> {
    let (mut sample, mut storms, mut only) = (1, 200, None);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let value = words.next().copied().unwrap_or_default();
        let number = || {
            let number = value.parse().ok().filter(|number| *number > 0);
            number.ok_or_else(|| Stop::Words(format!("`{word}` wants a number, from 1")))
        };
        match *word {
            "--sample" => sample = number()?,
            "--storms" => storms = number()?,
            "--only" => {
                let part = PARTS.into_iter().find(|part| *part == value);
                let unknown = || Stop::Words(crate::shell::unknown("part", value, &PARTS));
                only = Some(part.ok_or_else(unknown)?);
            }
            other => {
                let known = ["--sample", "--storms", "--only"];
                return Err(Stop::Words(crate::shell::unknown("option", other, &known)));
            }
        }
    }
    let parts: Vec<&str> = only.map_or(PARTS.to_vec(), |part| vec![part]);
    Ok(all(&parts, sample, storms)?)
}

/// A part of everything, for each run of the tests.
pub(crate) fn sampled() -> Result<()> {
    all(&PARTS, 41, 5)
}

/// Every `sample`th point of the sweep and of the power cuts, and so many storms.
fn all(parts: &[&str], sample: usize, storms: usize) -> Result<()> {
    needs::strace()?;
    let place = Place::of(&STORE)?;
    if parts.contains(&"sweep") {
        place.order()?;
        place.read_only()?;
        sweep(&place, &STORE, sample)?;
        sweep(
            &Place::of(&APPLICATION_CACHES)?,
            &APPLICATION_CACHES,
            sample,
        )?;
    }
    if parts.contains(&"cuts") {
        for contract in STORE.kinds {
            let cuts = power::cuts(&place, contract, sample)?;
            println!("{cuts} power cuts of a {contract} store: what was synced will do");
        }
    }
    if parts.contains(&"storms") {
        let mut told = 0;
        for number in 0..storms {
            // A store goes through ten of them, and its log grows.
            told = told.max(place.storm(number)?);
        }
        ensure!(
            told > 0,
            "nobody was told anything: the storms are too short"
        );
        println!(
            "{storms} storms of 64 writers: everybody found what they were told, or what they were putting"
        );
    }
    Ok(())
}

/// Lets every `sample`th call of a workload go wrong in each way.
fn sweep(place: &Place, workload: &Workload, sample: usize) -> Result<()> {
    let (mut points, mut hit) = (0, 0);
    for kind in workload.kinds {
        let counts = place.counts(kind)?;
        for harm in HARMS {
            eprintln!("{kind}, {harm}: from point {points}");
            let before = (points, hit);
            for call in CALLS {
                let count = counts.get(call).copied().unwrap_or(0).min(CALLS_MAX);
                // Another of the points each time, so that samples do not all look at the same.
                for nth in (1..=count).skip(points % sample).step_by(sample) {
                    points += 1;
                    hit += usize::from(place.point(kind, harm, call, nth)?);
                }
            }
            // Each harm by itself: one that never came about would show nothing.
            let (points, hit) = (points - before.0, hit - before.1);
            ensure!(
                hit * 4 > points,
                "only {hit} of {points} points were hit by {harm}: is `strace` at work?"
            );
        }
    }
    println!(
        "{}: {points} points, {hit} of them hit: what was acknowledged was there, the rest whole or absent",
        workload.example
    );
    Ok(())
}

/// Where the workload is, and where it works.
struct Place {
    workload: PathBuf,
    folder: PathBuf,
}

impl Place {
    /// Builds a workload.
    fn of(workload: &Workload) -> Result<Self> {
        let build = ["build", "--quiet", "--example", workload.example];
        sh(cargo(&[&build, workload.package].concat()))?;
        let built = target_dir().join("debug/examples").join(workload.example);
        // A copy, so that it can be built anew meanwhile.
        let copy = target_dir().join(format!("crash-{}", workload.example));
        fs::copy(&built, &copy).with_context(|| format!("cannot copy `{}`", built.display()))?;
        Ok(Self {
            workload: copy,
            folder: target_dir().join("crash"),
        })
    }

    fn store(&self) -> PathBuf {
        self.folder.join("store")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn empty(&self) -> Result<()> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        fs::create_dir_all(&self.folder)
            .with_context(|| format!("cannot make `{}`", self.folder.display()))
    }

    /// The workload under `strace` with these switches.
    fn traced(&self, contract: &str, switches: &[String]) -> Command {
        let mut command = Command::new("strace");
        // Not with `--seccomp-bpf`, which strace 6.1 sends no injected signal under but at the first call of a thread.
        command
            .args(["-f", "-qq"])
            .args(switches)
            .arg(&self.workload);
        command
            .args(["run", contract])
            .arg(self.store())
            .arg(self.log());
        command
    }

    /// How often the busiest thread makes each call.
    fn counts(&self, contract: &str) -> Result<BTreeMap<String, usize>> {
        self.empty()?;
        let trace = self.folder.join("trace");
        let switches = [
            "-o".to_owned(),
            trace.display().to_string(),
            format!("-etrace={}", CALLS.join(",")),
        ];
        output(self.traced(contract, &switches))?;
        let mut by_thread: BTreeMap<(String, String), usize> = BTreeMap::new();
        for line in fs::read_to_string(trace)?.lines() {
            let Some((thread, rest)) = line.split_once(' ') else {
                continue;
            };
            if let Some((call, _)) = rest.trim_start().split_once('(') {
                *by_thread
                    .entry((call.to_owned(), thread.to_owned()))
                    .or_default() += 1;
            }
        }
        let mut counts = BTreeMap::new();
        for ((call, _), count) in by_thread {
            let most = counts.entry(call).or_insert(0);
            *most = count.max(*most);
        }
        Ok(counts)
    }

    /// Lets the Nth call of a thread go wrong, and looks at what is there. Says whether it was hit.
    fn point(&self, contract: &str, harm: &str, call: &str, nth: usize) -> Result<bool> {
        self.empty()?;
        let trace = self.folder.join("trace");
        let inject = format!("-einject={call}:{harm}:when={nth}");
        let switches = [
            "-o".to_owned(),
            trace.display().to_string(),
            format!("-etrace={call}"),
            inject,
        ];
        // It may end by a signal, or with an error of its own: what counts is what is there.
        let ended = self
            .traced(contract, &switches)
            .output()
            .context("cannot start `strace`")?;
        let words = String::from_utf8_lossy(&ended.stderr).into_owned();
        ensure!(
            !words.contains("panicked"),
            "{contract}, {harm} at {call} {nth}: {words}"
        );
        let hit = match harm {
            "signal=KILL" => !ended.status.success(),
            _ => fs::read_to_string(&trace)?.contains("(INJECTED)"),
        };
        self.check(&["check", contract])
            .with_context(|| format!("{contract}, {harm} at {call} {nth}"))?;
        Ok(hit)
    }

    fn check(&self, words: &[&str]) -> Result<()> {
        let mut command = Command::new(&self.workload);
        command.args(words).arg(self.store()).arg(self.log());
        let ended = command.output().context("cannot start the workload")?;
        let said = String::from_utf8_lossy(&ended.stderr);
        if !ended.status.success() || said.contains("panicked") {
            bail!("{}", said.trim_end());
        }
        Ok(())
    }

    /// Lets 64 writers work for a while, kills them, and looks, several times over the same store.
    fn storm(&self, number: usize) -> Result<usize> {
        if number.is_multiple_of(10) {
            self.empty()?;
        }
        let mut command = Command::new(&self.workload);
        command.arg("storm").arg(self.store()).arg(self.log());
        let told_bytes = || fs::metadata(self.log()).map_or(0, |log| log.len());
        let before = told_bytes();
        let mut child = command.spawn().context("cannot start the workload")?;
        // Any time will do: each meets another moment. Every other one begins when somebody was told
        // something, which takes long on a busy machine; the rest may meet the opening.
        let tries = if number.is_multiple_of(2) { 6000 } else { 0 };
        for _ in 0..tries {
            if told_bytes() > before || child.try_wait()?.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_millis(100 + (number as u64 * 37) % 200));
        child.kill()?;
        let ended = child.wait()?;
        ensure!(
            ended.code().is_none(),
            "the writers ended by themselves, with {ended}"
        );
        let told = fs::read_to_string(self.log())
            .unwrap_or_default()
            .lines()
            .count();
        if told == 0 {
            return Ok(0);
        }
        self.check(&["calm"])
            .with_context(|| format!("storm {number}"))?;
        Ok(told)
    }

    /// A store that may only be read can be looked at, and says why it cannot be changed.
    fn read_only(&self) -> Result<()> {
        // Not below `target/`: another user may not come there.
        let folder = std::env::temp_dir().join(format!("revisit-crash-{}", std::process::id()));
        let place = Self {
            workload: folder.join("crash_workload"),
            folder,
        };
        place.empty()?;
        fs::copy(&self.workload, &place.workload)?;
        let seen = place.try_read_only();
        output(place.chmod("u+w"))?;
        fs::remove_dir_all(&place.folder)?;
        seen
    }

    fn try_read_only(&self) -> Result<()> {
        let mut made = Command::new(&self.workload);
        made.args(["run", "durable"])
            .arg(self.store())
            .arg(self.log());
        output(made)?;
        output(self.chmod("a-w"))?;
        let mut look = self.as_nobody();
        look.arg("look").arg(self.store());
        output(look).context("a store that may only be read cannot be looked at")?;
        let log = self.folder.join("of nobody");
        fs::write(&log, "")?;
        let mut open_up = Command::new("chmod");
        open_up.arg("a+w").arg(&log);
        output(open_up)?;
        let mut change = self.as_nobody();
        change.args(["run", "durable"]).arg(self.store()).arg(&log);
        output(change)?;
        let said = fs::read_to_string(&log)?;
        ensure!(
            said.starts_with("CLOSED cannot open the store in "),
            "a store that may only be read is opened for changes: {said}"
        );
        println!("a store that may only be read is read, and not opened for changes");
        Ok(())
    }

    fn chmod(&self, mode: &str) -> Command {
        let mut chmod = Command::new("chmod");
        chmod.args(["-R", mode]).arg(self.store());
        chmod
    }

    /// The workload, as somebody whom permissions hold; root they do not.
    fn as_nobody(&self) -> Command {
        let user = output(command("id", &["-u"]));
        if user.is_ok_and(|id| id.trim_ascii() != b"0") {
            return Command::new(&self.workload);
        }
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&self.workload);
        command
    }

    /// A body is synced, then renamed, then its folder is synced, then the catalog's log, and only
    /// then is anything acknowledged.
    fn order(&self) -> Result<()> {
        self.empty()?;
        let trace = self.folder.join("trace");
        let calls = "-etrace=fdatasync,fsync,rename,writev";
        let switches = [
            "-y".to_owned(),
            "-o".to_owned(),
            trace.display().to_string(),
            calls.to_owned(),
        ];
        output(self.traced("durable", &switches))?;
        let text = fs::read_to_string(&trace)?;
        let bodies = order_of(&text)?;
        ensure!(bodies >= 8, "the trace has {bodies} bodies\n{text}");
        println!(
            "{bodies} bodies: synced, renamed, their folder synced, the catalog's log synced, acknowledged"
        );
        Ok(())
    }
}

/// Proves the order of calls for each body that is renamed; gives how many there are.
fn order_of(trace: &str) -> Result<usize> {
    // A call that another thread interrupts stands on two lines, of which the first has the names.
    let lines: Vec<&str> = trace.lines().collect();
    let mut bodies = 0;
    for (at, line) in lines.iter().enumerate() {
        let Some((tmp, body)) = renamed(line) else {
            continue;
        };
        bodies += 1;
        let name = Path::new(tmp)
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut before = lines[..at].iter();
        let synced =
            before.any(|line| line.contains("sync(") && line.contains(&format!("/tmp/{name}>")));
        ensure!(synced, "`{tmp}` is renamed and was never synced");
        let folder = Path::new(body)
            .parent()
            .unwrap_or(Path::new(""))
            .display()
            .to_string();
        let after = &lines[at..];
        let position = |wanted: &str, from: usize| {
            let found = after
                .iter()
                .skip(from)
                .position(|line| line.contains(wanted));
            found.map(|found| found + from)
        };
        let folder_synced = position(&format!("{folder}>"), 1)
            .with_context(|| format!("`{folder}` is not synced"))?;
        let committed = position("catalog.db-wal>", folder_synced)
            .context("the catalog's log is not synced")?;
        let acknowledged = position("ACK", 0).unwrap_or(after.len());
        ensure!(
            folder_synced < committed && committed < acknowledged,
            "`{body}` is acknowledged before it lasts"
        );
    }
    Ok(bodies)
}

/// The names of a rename of a body: from, to.
fn renamed(line: &str) -> Option<(&str, &str)> {
    let (_, names) = line.split_once("rename(\"")?;
    let (from, rest) = names.split_once("\", \"")?;
    let (to, _) = rest.split_once('"')?;
    (to.contains("/bodies/") && !line.contains(" = -1 ")).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [&str; 5] = [
        "7 fdatasync(9</s/tmp/1a>) = 0",
        "7 rename(\"/s/tmp/1a\", \"/s/bodies/0/1a\") = 0",
        "8 fsync(9</s/bodies/0>) = 0",
        "8 fdatasync(5</s/catalog.db-wal>) = 0",
        "6 writev(3</log>, [{iov_base=\"ACK 1\"}], 2) = 6",
    ];

    #[test]
    fn calls_in_their_order_are_accepted_and_each_that_is_missing_is_seen() {
        assert_eq!(order_of(&GOOD.join("\n")).unwrap(), 1);
        let mut early = GOOD.to_vec();
        early.swap(0, 1);
        assert!(order_of(&early.join("\n")).is_err());
        for missing in [0, 2, 3] {
            let mut lines = GOOD.to_vec();
            lines.remove(missing);
            assert!(
                order_of(&lines.join("\n")).is_err(),
                "without call {missing}"
            );
        }
        let mut late = GOOD.to_vec();
        late.swap(3, 4);
        assert!(order_of(&late.join("\n")).is_err());
    }
}
