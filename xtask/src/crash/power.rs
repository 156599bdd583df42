//! The power goes: is what was acknowledged there, when all that was not synced may be lost?
//!
//! The calls of one run of the workload are recorded; then, for each of them, what a disk may have
//! after it ([`super::disk`]) is written out and looked at.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::disk::{self, Event, Luck};
use super::{Place, trace};
use crate::shell::output;

/// Cuts the power after every `sample`th call, each time with another luck. Says how often.
pub(super) fn cuts(place: &Place, contract: &str, sample: usize) -> Result<usize> {
    let events = record(place, contract)?;
    if contract == "durable" {
        every_sync_counts(place, &events)?;
    }
    let kinds: [fn(u64) -> Luck; 4] = [
        |_| Luck::Nothing,
        |_| Luck::Everything,
        Luck::Some,
        Luck::Torn,
    ];
    // Points of their own for each, so that samples differ.
    let points = (0..=events.len()).flat_map(|end| kinds.map(|kind| (end, kind)));
    let mut cuts = 0;
    for (number, (end, kind)) in points.enumerate().step_by(sample) {
        let luck = kind(number as u64);
        cut(place, contract, &events, end, luck).with_context(|| {
            format!("{contract}, the power cut after call {end}, with {luck:?}")
        })?;
        cuts += 1;
    }
    Ok(cuts)
}

fn record(place: &Place, contract: &str) -> Result<Vec<Event>> {
    place.empty()?;
    let file = place.folder.join("trace");
    let switches = [
        "-y".to_owned(),
        "-x".to_owned(),
        // No write is cut short.
        "-s4194304".to_owned(),
        "-o".to_owned(),
        file.display().to_string(),
        format!("-etrace={}", trace::CALLS),
    ];
    output(place.traced(contract, &switches))?;
    let text = fs::read_to_string(&file)?;
    let events = trace::read(&text, &place.store(), &place.log())?;
    let told = |event: &&Event| matches!(event, Event::Told(line) if line.starts_with("ACK"));
    let syncs = |event: &&Event| matches!(event, Event::Sync(..));
    let (told, syncs) = (
        events.iter().filter(told).count(),
        events.iter().filter(syncs).count(),
    );
    ensure!(
        told > 10 && syncs > 5,
        "the trace has {told} acknowledgements and {syncs} syncs"
    );
    Ok(events)
}

/// Were a kind of sync left out, would the cuts show it?
fn every_sync_counts(place: &Place, events: &[Event]) -> Result<()> {
    let kinds = [
        ("bodies", "tmp/*"),
        ("folders of bodies", "bodies/*"),
        ("the catalog's log", "catalog.db-wal"),
    ];
    for (what, pattern) in kinds {
        let is_left_out = |path: &Path| match pattern.strip_suffix("/*") {
            Some(folder) => path.parent().is_some_and(|above| above.ends_with(folder)),
            None => path.ends_with(pattern),
        };
        // They stay in their places, so that the others keep their numbers.
        let left_out = |event: &Event| match event {
            Event::Sync(path, begun) if is_left_out(path) => Event::Sync("/".into(), *begun),
            other => other.clone(),
        };
        let without: Vec<Event> = events.iter().map(left_out).collect();
        let told =
            |end: &usize| matches!(&events[*end - 1], Event::Told(line) if line.starts_with("ACK"));
        let seen = (1..=events.len())
            .rev()
            .filter(told)
            .any(|end| cut(place, "durable", &without, end, Luck::Nothing).is_err());
        ensure!(
            seen,
            "without the syncs of {what} nothing is missed: the cuts prove nothing"
        );
    }
    Ok(())
}

fn cut(place: &Place, contract: &str, events: &[Event], end: usize, luck: Luck) -> Result<()> {
    let (files, told) = disk::after_cut(events, end, luck);
    place.empty()?;
    disk::write(&files, &place.store(), &place.store())?;
    fs::write(place.log(), &told)?;
    let word = if contract == "durable" {
        "check"
    } else {
        "spared"
    };
    place.check(&[word, contract])
}
