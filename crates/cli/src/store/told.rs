//! How entries are written for people.

use std::fmt::Write as _;
use std::time::SystemTime;

use revisit_engine::record::{Described, Kind};

use super::shelf::{Listed, Shelf, latin1};
use crate::terminal::{bytes, plain, span};

/// The line above a site.
pub(super) fn site(shelf: &Shelf) -> String {
    let owner = shelf.owner();
    match shelf.part() {
        Some(Kind::Caches) => format!("caches of {owner}, kept until they are deleted"),
        Some(Kind::Http) => format!("HTTP cache of {owner}"),
        Some(Kind::AppCache) => format!("application caches of {owner}"),
        None => format!("something else: {owner}"),
    }
}

/// A row of the list.
pub(super) fn row(listed: &Listed, now: SystemTime) -> String {
    let size = bytes(listed.head.body_bytes);
    let url = listed.url();
    let url = plain(&url);
    let Ok(described) = &listed.described else {
        return format!(
            "    {:>5}  {:<24}  {size:>10}  {:<20}  {url}",
            "", "DAMAGED", ""
        );
    };
    let media_type = described.media_type();
    let what = match (&media_type, described.kind) {
        (_, Some(hidden @ ("opaque" | "opaqueredirect" | "error"))) => hidden,
        (Some(media_type), _) => media_type.as_str(),
        (None, _) => "no type",
    };
    let status = described
        .status
        .map_or("-".to_owned(), |status| status.to_string());
    let mut row = format!(
        "    {status:>5}  {:<24}  {size:>10}  {:<20}  {url}",
        plain(what),
        age(described, now)
    );
    if !described.kept_as.is_empty() {
        let _ = write!(row, "  {}", described.kept_as.join(", "));
    }
    if described.created.is_some() {
        let _ = write!(row, "  first kept {}", ago(described.created, now));
    }
    if described.used.is_some() {
        let _ = write!(row, ", last used {}", ago(described.used, now));
    }
    let stale = listed.head.stale.then_some("purged, used as stale only");
    for word in described.freshness(now).as_deref().into_iter().chain(stale) {
        let _ = write!(row, "  {word}");
    }
    row
}

/// `3 days ago`; nothing where it is not known.
fn age(described: &Described, now: SystemTime) -> String {
    ago(described.put_at, now)
}

fn ago(at: Option<SystemTime>, now: SystemTime) -> String {
    let Some(at) = at else {
        return String::new();
    };
    match now.duration_since(at) {
        Ok(age) if age.as_secs() == 0 => "just now".to_owned(),
        Ok(age) => {
            let words = span(age.as_secs());
            // The larger unit will do in a list.
            let words: Vec<_> = words.splitn(3, ' ').take(2).collect();
            format!("{} ago", words.join(" "))
        }
        Err(_) => "in the future".to_owned(),
    }
}

/// All of an entry.
pub(super) fn whole(shelf: &Shelf, listed: &Listed, now: SystemTime) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<9} {}", plain(value));
    };
    line("in", &shelf.called());
    match &listed.described {
        Err(damaged) => line("damaged", &damaged.to_string()),
        Ok(described) => {
            if let Some(status) = described.status {
                let kind = described.kind.map(|kind| format!(", {kind}"));
                line("status", &format!("{status}{}", kind.unwrap_or_default()));
            }
            if described.put_at.is_some() {
                line("put", &age(described, now));
            }
            if let Some(freshness) = described.freshness(now) {
                line("freshness", &freshness);
            }
            if !described.kept_as.is_empty() {
                line("kept as", &described.kept_as.join(", "));
            }
            if described.created.is_some() {
                line("created", &ago(described.created, now));
            }
            if described.used.is_some() {
                line("used", &ago(described.used, now));
            }
            for url in &described.urls {
                line("from", url);
            }
        }
    }
    line("body", &bytes(listed.head.body_bytes));
    for label in &listed.head.labels {
        line("label", &String::from_utf8_lossy(label));
    }
    if let Ok(described) = &listed.described {
        for (title, fields) in [
            ("request", &described.request),
            ("response", &described.response),
        ] {
            for (name, value) in fields {
                let value = latin1(value.as_bytes());
                line(title, &format!("{name}: {value}"));
            }
        }
    }
    format!("{}\n{text}", plain(&listed.url()))
}
