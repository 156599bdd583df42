//! The report as a page of its own: no script, no file beside it, nothing fetched.

use std::fmt::Write;

use revisit_replay::report::{Report, VisitReport};

use super::table::heard;
use crate::terminal::bytes;

pub(super) fn page(report: &Report) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta http-equiv=\"content-security-policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>Replay of {of}</title><style>{STYLE}</style></head><body>\n\
         <h1>Replay of {of}</h1><p>{network} network; times are estimates.</p>\n",
        of = escape(&report.of),
        network = escape(report.network),
    );
    out.push_str("<table><tr><th>visit<th>requests<th>on the wire<th>time<th>answered by<th>off\n");
    for visit in &report.visits {
        let layers: Vec<String> = visit
            .layers
            .iter()
            .map(|(name, layer)| format!("{} {name}", layer.answers))
            .collect();
        let _ = writeln!(
            out,
            "<tr><td>{}<td class=n>{}<td class=n>{}<td class=n>{} ms<td>{}<td class=off>{}",
            escape(&visit.title),
            visit.requests,
            bytes(visit.network_bytes),
            visit.load_ms,
            escape(&if visit.restored {
                "back-forward cache".to_owned()
            } else {
                layers.join(", ")
            }),
            escape(&off(visit)),
        );
    }
    out.push_str("</table>\n");
    if !report.findings.is_empty() {
        out.push_str("<h2>To change, the most harmful first</h2><ol>\n");
        for finding in &report.findings {
            let _ = writeln!(
                out,
                "<li><b>{}</b><br>{}",
                escape(&finding.what),
                escape(&finding.remedy)
            );
            if finding.urls.len() > 1 {
                let _ = write!(
                    out,
                    "<details><summary>{} URLs</summary><ul>",
                    finding.urls.len()
                );
                for url in &finding.urls {
                    let _ = write!(out, "<li>{}", escape(url));
                }
                out.push_str("</ul></details>");
            }
        }
        out.push_str("</ol>\n");
    }
    for visit in &report.visits {
        details(&mut out, visit);
    }
    for note in &report.notes {
        let _ = writeln!(out, "<p class=note>{}</p>", escape(note));
    }
    out.push_str("</body></html>\n");
    out
}

fn off(visit: &VisitReport) -> String {
    let mut parts: Vec<String> = visit
        .failed
        .iter()
        .map(|failed| format!("check fails: {failed}"))
        .collect();
    parts.extend(
        visit
            .broken
            .iter()
            .map(|broken| format!("{}: {}", broken.url, broken.why)),
    );
    parts.extend(
        visit
            .outdated
            .iter()
            .map(|url| format!("{url} is of an earlier deploy")),
    );
    parts.extend(visit.stale.iter().map(|url| format!("{url} is stale")));
    parts.extend(
        heard(visit)
            .into_iter()
            .map(|(page, events)| format!("{page} hears {events}")),
    );
    parts.join("; ")
}

/// A waterfall of one visit: bars by the estimated times.
fn details(out: &mut String, visit: &VisitReport) {
    let whole = visit
        .exchanges
        .iter()
        .map(|one| one.end_ms)
        .max()
        .unwrap_or(0)
        .max(1) as f64;
    let _ = write!(
        out,
        "<details><summary>{}</summary><table>",
        escape(&visit.title)
    );
    out.push_str("<tr><th>address<th>answered by<th>bytes<th>why<th class=bar>when\n");
    for one in &visit.exchanges {
        let (left, width) = (
            one.start_ms as f64 / whole * 100.0,
            (one.end_ms.saturating_sub(one.start_ms)) as f64 / whole * 100.0,
        );
        let _ = writeln!(
            out,
            "<tr><td class=url>{}<td>{}<td class=n>{}<td>{}<td class=bar><i style=\"margin-left:{left:.1}%;width:{width:.1}%\"></i>",
            escape(&one.url),
            escape(one.from),
            one.network_bytes,
            escape(&one.why()),
        );
    }
    out.push_str("</table></details>\n");
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

const STYLE: &str = "\
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8884;vertical-align:top}\
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.off{color:#b3261e}.url{word-break:break-all}\
.bar{width:30%}.bar i{display:block;height:.8em;min-width:2px;background:#3a7d5c}.note{color:#777}summary{cursor:pointer;margin:.5rem 0}";

#[cfg(test)]
mod tests {
    #[test]
    fn what_a_page_is_called_cannot_become_markup() {
        assert_eq!(
            super::escape("<script>'\"&"),
            "&lt;script&gt;&#39;&quot;&amp;"
        );
    }
}
