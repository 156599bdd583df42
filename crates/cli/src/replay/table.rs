//! The report on a terminal: a line for each visit, then what is off, then what would change it.

use revisit_replay::findings::short;
use revisit_replay::report::{ExchangeReport, Report, VisitReport};
use url::Url;

use crate::terminal::{bytes, counted, plain};

/// The whole report; `verbose`: each answer with its reason.
pub(super) fn table(report: &Report, verbose: bool) -> String {
    let mut text = format!(
        "{}, {} network, times are estimates\n\n",
        plain(&report.of),
        report.network
    );
    let home = report.visits.iter().find_map(|visit| visit.page.as_deref());
    let home = home.and_then(|page| Url::parse(page).ok());
    let home = home.as_ref();
    let rows: Vec<[String; 6]> = report.visits.iter().map(|visit| row(visit, home)).collect();
    let head = ["", "requests", "on the wire", "from caches", "time", ""].map(str::to_owned);
    let mut widths = head.each_ref().map(String::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut line = |row: &[String; 6]| {
        let [title, requests, on_wire, caches, time, rest] = row;
        let [
            title_width,
            requests_width,
            on_wire_width,
            caches_width,
            time_width,
            _,
        ] = widths;
        let row = format!(
            "  {title:<title_width$}  {requests:>requests_width$}  {on_wire:>on_wire_width$}  \
             {caches:<caches_width$}  {time:>time_width$}  {rest}"
        );
        text.push_str(row.trim_end());
        text.push('\n');
    };
    line(&head);
    for row in &rows {
        line(row);
    }
    if verbose {
        for visit in &report.visits {
            text.push_str(&answers(visit, home));
        }
    }
    for visit in &report.visits {
        for failed in &visit.failed {
            text.push_str(&format!(
                "\ncheck fails, {}: {}\n",
                plain(&visit.title),
                plain(failed)
            ));
        }
    }
    if !report.findings.is_empty() {
        text.push_str("\nto change, the most harmful first\n");
        for (place, finding) in report.findings.iter().enumerate() {
            let cost = match (finding.requests, finding.network_bytes) {
                (0, _) => String::new(),
                (requests, total) => format!(
                    " ({}, {} in these visits)",
                    counted(requests, "request"),
                    bytes(total)
                ),
            };
            text.push_str(&format!(
                "  {}. {}{cost}\n     {}\n",
                place + 1,
                plain(&finding.what),
                plain(&finding.remedy)
            ));
        }
    }
    for note in &report.notes {
        text.push_str(&format!("note: {}\n", plain(note)));
    }
    text
}

fn row(visit: &VisitReport, home: Option<&Url>) -> [String; 6] {
    let time = match visit.load_ms {
        0..10_000 => format!("{} ms", visit.load_ms),
        ms => format!("{:.1} s", ms as f64 / 1000.0),
    };
    let on_wire = match (visit.requests, visit.network_bytes) {
        (0, 0) => String::new(),
        (_, count) => bytes(count),
    };
    [
        plain(&visit.title).into_owned(),
        visit.requests.to_string(),
        on_wire,
        from_caches(visit),
        time,
        off(visit, home),
    ]
}

/// `4 × 304, 6 memory, 12 disk`: who answered beside the network, the nearest layer last.
fn from_caches(visit: &VisitReport) -> String {
    if visit.restored {
        return "shown as it was left".to_owned();
    }
    let short = |label: &'static str| label.strip_suffix(" cache").unwrap_or(label);
    let order = [
        "304",
        "disk cache",
        "prefetch cache",
        "push cache",
        "ServiceWorker",
        "application cache",
        "memory cache",
        "same document",
    ];
    let parts: Vec<String> = order
        .into_iter()
        .filter_map(|label| {
            let layer = visit.layers.get(label)?;
            Some(match label {
                "304" => format!("{} × 304", layer.answers),
                label => format!("{} {}", layer.answers, short(label)),
            })
        })
        .collect();
    parts.join(", ")
}

/// What is stale, and what does not come.
fn off(visit: &VisitReport, home: Option<&Url>) -> String {
    let mut parts = Vec::new();
    if let [first, rest @ ..] = &visit.broken[..] {
        let more = match rest.len() {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        parts.push(format!(
            "broken: {}{more} ({})",
            short(&first.url, home),
            first.why
        ));
    }
    if !visit.outdated.is_empty() {
        parts.push(format!("{} of an earlier deploy", visit.outdated.len()));
    }
    if !visit.stale.is_empty() {
        parts.push(format!("{} stale", visit.stale.len()));
    }
    if !visit.failed.is_empty() {
        parts.push("check fails".to_owned());
    }
    let ends = ends(visit);
    if !ends.is_empty() {
        parts.push(format!("application cache: {}", ends.join(", ")));
    }
    plain(&parts.join(", ")).into_owned()
}

/// What updates of application caches came to, each once, and of errors why.
fn ends(visit: &VisitReport) -> Vec<String> {
    let mut ends = Vec::new();
    for one in &visit.events {
        let end = match one.why {
            Some(why) => format!("{} ({why})", one.event),
            None => one.event.to_owned(),
        };
        let is_end = !matches!(one.event, "checking" | "downloading" | "progress");
        if is_end && !ends.contains(&end) {
            ends.push(end);
        }
    }
    ends
}

/// What each page heard of its application cache, a line for each.
pub(super) fn heard(visit: &VisitReport) -> Vec<(&str, String)> {
    let mut pages: Vec<((usize, &str), Vec<String>)> = Vec::new();
    for one in &visit.events {
        let place = pages
            .iter()
            .position(|(page, _)| *page == (one.tab, &*one.page));
        let place = place.unwrap_or_else(|| {
            pages.push(((one.tab, &one.page), Vec::new()));
            pages.len() - 1
        });
        let events = &mut pages[place].1;
        let told = match (&one.message, one.loaded.zip(one.total)) {
            (Some(message), _) => format!("{} ({message})", one.event),
            (_, Some((loaded, total))) => format!("progress to {loaded} of {total}"),
            _ => one.event.to_owned(),
        };
        // Of several steps of progress the last says it all.
        match events.last_mut() {
            Some(last) if last.starts_with("progress") && one.event == "progress" => *last = told,
            _ => events.push(told),
        }
    }
    let lines = pages.into_iter();
    lines
        .map(|((_, page), events)| (page, events.join(", ")))
        .collect()
}

/// Each answer of a visit with its reason.
fn answers(visit: &VisitReport, home: Option<&Url>) -> String {
    let waited = match visit.waited_seconds {
        0 => String::new(),
        seconds => format!(", {} later", crate::terminal::span(seconds)),
    };
    let mut text = format!("\n{}{waited}\n", plain(&visit.title));
    let label = |one: &ExchangeReport| match one.status {
        Some(status) if one.from == "network" => status.to_string(),
        _ => one.from.to_owned(),
    };
    let width = visit
        .exchanges
        .iter()
        .map(|one| short(&one.url, home).chars().count())
        .max()
        .unwrap_or(0)
        .min(PATH_WIDTH);
    let labels = visit.exchanges.iter().map(|one| label(one).chars().count());
    let label_width = labels.max().unwrap_or(0).max(LABEL_WIDTH);
    for one in &visit.exchanges {
        let size = match one.network_bytes {
            0 => String::new(),
            count => bytes(count),
        };
        let not_kept = one
            .not_kept
            .as_ref()
            .map_or(String::new(), |why| format!("; not kept: {why}"));
        text.push_str(&format!(
            "  {:<width$}  {:<label_width$}  {size:>9}  {}{not_kept}\n",
            plain(&short(&one.url, home)),
            label(one),
            plain(&one.why()),
        ));
    }
    for (page, events) in heard(visit) {
        text.push_str(&format!(
            "  events at {}: {}\n",
            plain(&short(page, home)),
            plain(&events)
        ));
    }
    text
}

const PATH_WIDTH: usize = 60;
const LABEL_WIDTH: usize = 14;
