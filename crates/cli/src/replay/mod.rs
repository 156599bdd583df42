//! `revisit replay`: what does each visit cost, and what would change that?
//!
//! [`input`] makes one subject of what the words name, the crate `replay` plays it, [`table`] tells it on a terminal,
//! [`page`] as a page of its own, [`browser`] does the same in a Chromium.

mod browser;
mod input;
mod page;
mod table;

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use anyhow::Context;
use revisit_replay::findings::{Findings, Kind};
use revisit_replay::play::{PlayError, StepError, play};
use revisit_replay::report::{Report, VisitReport};
use revisit_replay::{ActionError, Order, Replay, Trouble};

use self::input::Subject;
use crate::args::ReplayArgs;
use crate::failure::Failure;
use crate::terminal::{counted, say};

pub(crate) fn run(args: &ReplayArgs) -> Result<(), Failure> {
    let subject = input::read(args)?;
    if args.browser.is_some() && subject.options.application_caches.is_some() {
        let error = anyhow::anyhow!("no Chromium of today has application caches to compare with");
        return Err(Failure::words(error).help(
            "leave out `--browser`, or application caches: `--application-cache`, and `application_cache` in the scenario".to_owned(),
        ));
    }
    // Every answer of a thousand visits is told only to who asks.
    let whole = args.verbose || args.json || args.report.is_some();
    let report = replayed(subject, whole)?;
    let chromium = args.browser.as_ref();
    let compared = chromium
        .map(|chromium| browser::compare(args, chromium))
        .transpose()?;
    if let Some(path) = &args.report {
        std::fs::write(path, page::page(&report))
            .with_context(|| format!("cannot write the report `{}`", path.display()))
            .map_err(Failure::work)?;
    }
    if args.json {
        let mut document = serde_json::to_value(&report).map_err(Failure::work)?;
        if let Some(compared) = &compared {
            document["browser"] = serde_json::to_value(compared).map_err(Failure::work)?;
        }
        say!("{document:#}");
    } else {
        say!("{}", table::table(&report, args.verbose).trim_end());
        if let Some(compared) = &compared {
            say!("\n{}", browser::told(compared).trim_end());
        }
    }
    let differences = compared.map_or(0, |compared| compared.differences());
    if report.failed_checks == 0 && differences > 0 {
        let error = anyhow::anyhow!(
            "the browser and the replay differ in {}",
            counted(differences, "request")
        );
        return Err(Failure::work(error).help(
            "what scripts of pages fetch is named by `[[page]]` of a scenario; any other difference is worth a report".to_owned(),
        ));
    }
    match report.failed_checks {
        0 => Ok(()),
        1 => Err(Failure::work(anyhow::anyhow!(
            "1 promise of the scenario does not hold"
        ))),
        count => Err(Failure::work(anyhow::anyhow!(
            "{count} promises of the scenario do not hold"
        ))),
    }
}

/// Plays the subject in virtual time.
fn replayed(subject: Subject, whole: bool) -> Result<Report, Failure> {
    let Subject {
        of,
        options,
        server,
        pages,
        base,
        steps,
        mut notes,
        has_worker,
        by_default,
        ..
    } = subject;
    let elsewhere = pages.elsewhere();
    let registered = pages.worker();
    let (network, order) = (options.network.name, options.order);
    let application_cache = options.application_caches.is_some();
    let mut replay = Replay::new(options, server, pages);
    let mut visits = Vec::new();
    let mut findings = Findings::default();
    let mut failed_checks = 0;
    let mut unrecorded = BTreeSet::new();
    let played = play(&mut replay, &base, &steps, |played| {
        let broken = played.visit.broken.iter();
        let missing = broken.filter(|broken| broken.trouble == Trouble::NotRecorded);
        unrecorded.extend(missing.map(|broken| broken.url.clone()));
        findings.look(&played);
        failed_checks += played.failed.len();
        visits.push(VisitReport::of(&played, whole));
    });
    match played {
        Ok(()) => {}
        // A site whose first page does not load has no second visit: that is a finding.
        Err(PlayError {
            source: StepError::Action(why),
            action,
            ..
        }) if by_default => notes.push(format!("the tour ends before \"{action}\": {why}")),
        Err(error) => {
            let help = help(&error);
            return Err(Failure::words(error).help(help));
        }
    }
    let elsewhere = elsewhere.urls();
    if let [first, ..] = &elsewhere[..] {
        notes.push(format!(
            "{} of other origins, such as {first}, {} not played: a HAR file has them",
            counted(elsewhere.len(), "file"),
            if elsewhere.len() == 1 { "is" } else { "are" }
        ));
    }
    if let Some(first) = unrecorded.first() {
        notes.push(format!(
            "{}, such as {first}, {} not in the recording: what the server answers there is not known",
            counted(unrecorded.len(), "request"),
            if unrecorded.len() == 1 { "is" } else { "are" }
        ));
    }
    let mut findings = findings.finish();
    if has_worker || registered.load(Ordering::Relaxed) {
        findings
            .retain(|finding| !matches!(finding.kind, Kind::OfflineFails | Kind::ManifestIgnored));
        notes.push(
            "the site's service worker is not run: what it answers, offline above all, is not in these rows".to_owned(),
        );
    }
    let report = Report {
        of,
        network,
        order: match order {
            Order::Chromium => "chromium",
            Order::Textbook => "textbook",
        },
        application_cache,
        visits,
        findings,
        notes,
        failed_checks,
    };
    Ok(report)
}

fn help(error: &PlayError) -> Option<String> {
    match &error.source {
        StepError::Scenario(error) => error.help.clone(),
        StepError::Action(ActionError::NoDocument | ActionError::NoHistory) => {
            Some("put a step before it that visits a page".to_owned())
        }
        StepError::Action(ActionError::NoApplicationCaches) => Some(
            "play a browser that has them: `application_cache = true`, or `--application-cache`"
                .to_owned(),
        ),
        StepError::Action(ActionError::NoApplicationCache) => Some(
            "put a step before it after which the page has one, and for `swap-cache` a newer one"
                .to_owned(),
        ),
        StepError::Action(_) => None,
        StepError::Address(_) => {
            Some("write a path such as `/about` or a whole address".to_owned())
        }
    }
}

#[cfg(test)]
mod tests;
