//! File sizes: a file is read whole by whoever changes it, so it stays short.

use super::{File, Violation};

/// Warns of long files, refuses those past the limit.
pub(super) fn check(files: &[File]) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| counts(&file.path)) {
        let lines = file.text.lines().count();
        let violation = |limit: usize| {
            Violation::new(
                &file.path,
                limit + 1,
                format!("{lines} lines, past {limit}"),
                "split it by what changes together",
            )
        };
        if lines > LINES_MAX {
            found.push(violation(LINES_MAX));
        } else if lines > LINES_WARN {
            found.push(violation(LINES_WARN).warning());
        }
    }
    found
}

fn counts(path: &str) -> bool {
    let ours = ["crates/", "xtask/", "tests/", "benches/"];
    ours.iter().any(|folder| path.starts_with(folder))
        && (path.ends_with(".rs") || path.ends_with(".js"))
}

const LINES_WARN: usize = 300;
const LINES_MAX: usize = 600;

#[cfg(test)]
mod tests {
    use super::*;

    fn sized(path: &str, lines: usize) -> Option<bool> {
        let file = File {
            path: path.to_owned(),
            text: "x\n".repeat(lines),
        };
        check(&[file]).first().map(|v| v.only_warns)
    }

    #[test]
    fn past_300_lines_is_a_warning_and_past_600_is_refused() {
        assert_eq!(sized("crates/a/src/b.rs", 300), None);
        assert_eq!(sized("crates/a/src/b.rs", 301), Some(true));
        assert_eq!(sized("crates/a/src/b.rs", 600), Some(true));
        assert_eq!(sized("crates/a/src/b.rs", 601), Some(false));
        assert_eq!(
            sized("crates/generator/runtime/worker/a.js", 601),
            Some(false)
        );
    }

    #[test]
    fn other_files_may_be_as_long_as_they_like() {
        assert_eq!(sized("tests/vectors/route.json", 10_000), None);
        assert_eq!(sized("examples/flowers/vendor/lib.js", 10_000), None);
    }
}
