//! What goes to the terminal beside results: the log, and a progress bar on long work; and how
//! numbers and names are written there.

use std::borrow::Cow;
use std::fmt::Arguments;
use std::io::{IsTerminal, Write};
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};
use revisit_generator::Progress;

/// The log goes to standard error; `RUST_LOG` says how much of it, by default warnings.
///
/// `access` adds a line for each request.
pub(crate) fn log(access: bool) {
    let mut filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    if access && let Ok(directive) = "revisit::access=info".parse() {
        filter = filter.add_directive(directive);
    }
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

/// Writes a line of results. Whoever reads them may stop listening (`revisit build | head`):
/// that is no failure of the work.
pub(crate) fn write_line(line: Arguments<'_>) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// [`write_line`] with the words of `format!`.
macro_rules! say {
    ($($words:tt)*) => { $crate::terminal::write_line(format_args!($($words)*)) };
}
pub(crate) use say;

/// A bar for work on many files, shown on a terminal only.
pub(crate) struct Bar(Mutex<Option<(String, ProgressBar)>>);

impl Bar {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(None))
    }
}

impl Progress for Bar {
    fn step(&self, what: &str, done: usize, total: usize) {
        if total < FILES_WORTH_A_BAR || !done.is_multiple_of(16) && done != total {
            return;
        }
        let Ok(mut current) = self.0.lock() else {
            return;
        };
        if current.as_ref().is_none_or(|(shown, _)| shown != what) {
            // draws itself on standard error, and nowhere if that is no terminal
            let bar = ProgressBar::new(total as u64).with_prefix(what.to_owned());
            if let Ok(style) = ProgressStyle::with_template("{prefix:>8} {bar:30} {pos}/{len}") {
                bar.set_style(style);
            }
            *current = Some((what.to_owned(), bar));
        }
        if let Some((_, bar)) = current.as_ref() {
            bar.set_position(done as u64);
            if done == total {
                bar.finish_and_clear();
            }
        }
    }
}

const FILES_WORTH_A_BAR: usize = 500;

/// `1234567` as `1.2 MB`.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1000 => format!("{count} bytes"),
        1000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.1} GB", count as f64 / 1e9),
    }
}

/// A text that may hold the name of a file, without what a terminal would take for a command: a
/// line break becomes `\\n`.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    let written = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(written).collect()
}

/// `1 file`, `2 files`.
pub(crate) fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// `93784` as `1 day 2 hours`: the two largest units.
pub(crate) fn span(seconds: u64) -> String {
    const UNITS: [(u64, &str); 5] = [
        (31_536_000, "year"),
        (86_400, "day"),
        (3600, "hour"),
        (60, "minute"),
        (1, "second"),
    ];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (length, name) in UNITS {
        let count = rest / length;
        rest %= length;
        if count > 0 {
            parts.push(format!(
                "{count} {name}{}",
                if count == 1 { "" } else { "s" }
            ));
        } else if !parts.is_empty() {
            break;
        }
        if parts.len() == 2 {
            break;
        }
    }
    match parts.is_empty() {
        true => "0 seconds".to_owned(),
        false => parts.join(" "),
    }
}
