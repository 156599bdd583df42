//! The same visits in a real Chromium, beside what the replay says of them.
//!
//! Both visit the same site at the same address, a port of this machine. A browser cannot skip time, so waits longer
//! than [`WAIT_MAX`] are left out **on both sides**: what is compared is what the layers do, and not how entries age.
//! Compared is what reached the server in each step; who answered the rest follows from that.

mod drive;
mod twin;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::anyhow;
use revisit_engine::{Clock, SystemClock};
use revisit_replay::Replay;
use revisit_replay::play::{Played, in_words, play};
use revisit_replay::scenario::{Planned, Step};
use serde::Serialize;

use self::drive::Driven;
use self::twin::Twin;
use super::input::{self, Subject};
use crate::args::ReplayArgs;
use crate::failure::Failure;
use crate::terminal::{counted, plain};

/// What both did, step by step.
#[derive(Debug, Serialize)]
pub(super) struct Compared {
    /// The browser, in its own words.
    browser: String,
    visits: Vec<ComparedVisit>,
    /// Steps that a browser cannot do, and that both left out.
    left_out: Vec<String>,
}

/// What reached the server in one step.
#[derive(Debug, Serialize)]
struct ComparedVisit {
    title: String,
    requests: usize,
    /// What both asked for.
    both: usize,
    /// Requests of the browser for icons of its tabs: they are no part of the page, and are not compared.
    icons: usize,
    /// Requests that only the replay made.
    only_replay: Vec<String>,
    /// Requests that only the browser made.
    only_browser: Vec<String>,
}

impl Compared {
    /// How many requests only one of them made.
    pub(super) fn differences(&self) -> usize {
        let visits = self.visits.iter();
        visits
            .map(|visit| visit.only_replay.len() + visit.only_browser.len())
            .sum()
    }
}

/// Does all that the words name in the browser `chromium` too.
pub(super) fn compare(args: &ReplayArgs, chromium: &Path) -> Result<Compared, Failure> {
    let clock = SystemClock::start();
    let twin = Twin::start()?;
    let read = || input::read_at(args, Some(twin.origin()));
    let served = read()?;
    if served.of_recording {
        return Err(
            Failure::words(anyhow!("a browser cannot visit a recording"))
                .help("leave out `--browser`, or name the folder that is deployed".to_owned()),
        );
    }
    let mut left_out = Vec::new();
    let mut steps = Vec::new();
    for step in &served.steps {
        match step.planned() {
            Ok(planned) if !can_be_done(&planned) => left_out.push(in_words(&planned)),
            _ => steps.push(step.clone()),
        }
    }
    let screen = served.screen;
    twin.serve(served.server);

    let mut subject = read()?;
    // Dates of the replay are those of the server.
    subject.options.start = clock.now();
    let replayed = replayed(subject, &steps)?;
    let mut driven = Driven::start(chromium, twin, screen)?;
    let mut visits = Vec::new();
    let mut told = replayed.into_iter().peekable();
    for (place, step) in steps.iter().enumerate() {
        let asked = driven.step(step)?;
        let Some((title, expected)) = told
            .next_if(|(at, _, _)| *at == place)
            .map(|(_, title, asked)| (title, asked))
        else {
            continue;
        };
        let mut visit = compared(title, &expected, &asked);
        let all = visit.only_browser.len();
        visit.only_browser.retain(|line| {
            !line
                .split(' ')
                .nth(1)
                .is_some_and(|path| driven.is_icon(path))
        });
        visit.icons = all - visit.only_browser.len();
        visits.push(visit);
    }
    Ok(Compared {
        browser: driven.version(),
        visits,
        left_out,
    })
}

/// What the replay asks for in each step that loads something: its place, its title, and a line for each request.
fn replayed(
    subject: Subject,
    steps: &[Step],
) -> Result<Vec<(usize, String, Vec<String>)>, Failure> {
    let mut replay = Replay::new(subject.options, subject.server, subject.pages);
    let mut visits = Vec::new();
    play(&mut replay, &subject.base, steps, |played| {
        visits.push((played.place, played.title.clone(), lines(&played)));
    })
    .map_err(Failure::words)?;
    Ok(visits)
}

fn lines(played: &Played) -> Vec<String> {
    let mut lines = Vec::new();
    for one in &played.visit.exchanges {
        for asked in &one.asked {
            lines.push(line(
                one.method.as_str(),
                &one.url[url::Position::BeforePath..url::Position::AfterQuery],
                asked.status,
            ));
        }
    }
    lines
}

/// A request as both sides tell it.
fn line(method: &str, path: &str, status: u16) -> String {
    format!("{method} {path} {status}")
}

fn can_be_done(planned: &Planned) -> bool {
    match planned {
        Planned::Wait(span) => span.0 <= WAIT_MAX,
        Planned::Clock(_) => false,
        _ => true,
    }
}

fn compared(title: String, replayed: &[String], asked: &[String]) -> ComparedVisit {
    let mut counts: BTreeMap<&String, (usize, usize)> = BTreeMap::new();
    for line in replayed {
        counts.entry(line).or_default().0 += 1;
    }
    for line in asked {
        counts.entry(line).or_default().1 += 1;
    }
    let (mut only_replay, mut only_browser, mut both) = (Vec::new(), Vec::new(), 0);
    for (line, (here, there)) in counts {
        both += here.min(there);
        only_replay.extend((there..here).map(|_| line.clone()));
        only_browser.extend((here..there).map(|_| line.clone()));
    }
    ComparedVisit {
        title,
        requests: asked.len(),
        both,
        icons: 0,
        only_replay,
        only_browser,
    }
}

/// The comparison on a terminal.
pub(super) fn told(compared: &Compared) -> String {
    let mut text = format!("beside {}\n", plain(&compared.browser));
    let width = compared
        .visits
        .iter()
        .map(|visit| visit.title.chars().count())
        .max()
        .unwrap_or(0);
    for visit in &compared.visits {
        let verdict = match visit.only_replay.len() + visit.only_browser.len() {
            0 => format!("the same {}", counted(visit.both, "request")),
            count => format!("{} differ, {} the same", count, visit.both),
        };
        text.push_str(&format!("  {:<width$}  {verdict}\n", plain(&visit.title)));
        for line in &visit.only_browser {
            text.push_str(&format!(
                "  {:<width$}  + {} by the browser alone\n",
                "",
                plain(line)
            ));
        }
        for line in &visit.only_replay {
            text.push_str(&format!(
                "  {:<width$}  - {} by the replay alone\n",
                "",
                plain(line)
            ));
        }
    }
    let icons: usize = compared.visits.iter().map(|visit| visit.icons).sum();
    if icons > 0 {
        text.push_str(&format!(
            "note: {} for icons of its tabs are not compared\n",
            counted(icons, "request")
        ));
    }
    if !compared.left_out.is_empty() {
        text.push_str(&format!(
            "note: left out on both sides, since a browser cannot do it: {}\n",
            compared.left_out.join(", ")
        ));
    }
    text
}

/// The longest wait that a browser really waits.
const WAIT_MAX: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_of_one_side_alone_is_marked_also_the_second_of_two() {
        let lines = |lines: &[&str]| {
            lines
                .iter()
                .map(|line| (*line).to_owned())
                .collect::<Vec<_>>()
        };
        let found = compared(
            "x".into(),
            &lines(&["a", "b", "b"]),
            &lines(&["b", "a", "c"]),
        );
        assert_eq!(
            (found.both, found.only_replay, found.only_browser),
            (2, lines(&["b"]), lines(&["c"]))
        );
    }
}
