//! Rules on Rust source: clocks, printing, directives, unfinished work.
//!
//! They look at code alone: what stands in comments and strings is nobody's call.

use super::rust_text::{RustText, before_tests, lines_with, scan};
use super::{File, Violation};

/// A clock is read in one place, so that time can be a test's.
pub(super) fn clocks(files: &[File]) -> Vec<Violation> {
    in_code(
        files,
        |path| in_a_crate(path) && path != CLOCK,
        Part::Whole,
        &["SystemTime::now", "Instant::now"],
        |call| {
            (
                format!("`{call}` reads a clock"),
                format!("take `now` as an argument, or ask the clock of `{CLOCK}`"),
            )
        },
    )
}

/// Nothing prints but the command line, so that output is one crate's to shape.
pub(super) fn printing(files: &[File]) -> Vec<Violation> {
    in_code(
        files,
        |path| in_a_crate(path) && !path.starts_with("crates/cli/"),
        Part::BeforeTests,
        &[
            "println!",
            "print!",
            "eprintln!",
            "eprint!",
            "stdout()",
            "stderr()",
        ],
        |call| {
            (
                format!("`{call}` prints outside `crates/cli`"),
                "give the words back to the caller, or use `tracing`".to_owned(),
            )
        },
    )
}

/// What is committed is finished.
pub(super) fn unfinished(files: &[File]) -> Vec<Violation> {
    in_code(
        files,
        |path| path.ends_with(".rs"),
        Part::Whole,
        &["todo!(", "unimplemented!(", "dbg!(", "#[ignore"],
        |word| {
            let remedy = match word {
                "#[ignore" => "mend the test or take it out",
                "dbg!(" => "take it out",
                _ => "write it, or refuse the case with an error",
            };
            (format!("`{word}` is unfinished work"), remedy.to_owned())
        },
    )
}

/// A `Cache-Control` value is taken apart in one place only.
///
/// Seen by its tool: a string that is just the name of a directive (`"max-age"`, `"max-age="`), or a search
/// for one (`.contains("no-store")`). A whole value to be sent (`"max-age=60, immutable"`, `"no-cache"`) is
/// no such thing. Unit tests may say what they like.
pub(super) fn directives(files: &[File]) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in files {
        if !in_a_crate(&file.path) || reads_directives(&file.path) || is_tests(&file.path) {
            continue;
        }
        let scanned = scan(&file.text);
        let lines_before_tests = before_tests(&scanned.code).lines().count();
        for (line, literal) in &scanned.literals {
            if *line <= lines_before_tests && takes_apart(&scanned, *line, literal) {
                found.push(Violation::new(
                    &file.path,
                    *line,
                    format!("`\"{literal}\"` takes a `Cache-Control` value apart"),
                    format!("let `{DIRECTIVES}` parse it, and ask the parsed value"),
                ));
            }
        }
    }
    found
}

/// The parser: a file, and the folder beside it. (The `Max-Age` of `Set-Cookie` is another one.)
fn reads_directives(path: &str) -> bool {
    let folder = DIRECTIVES.strip_suffix(".rs").unwrap_or(DIRECTIVES);
    path == DIRECTIVES
        || path == COOKIES
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// A file of unit tests of its own.
fn is_tests(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

fn takes_apart(scanned: &RustText, line: usize, literal: &str) -> bool {
    let name = literal.to_ascii_lowercase();
    let name = name.trim_end_matches(['=', ' ']);
    if DIRECTIVE_NAMES.contains(&name) {
        return true;
    }
    let searched = scanned
        .code
        .lines()
        .nth(line - 1)
        .is_some_and(|code| SEARCHES.iter().any(|search| code.contains(search)));
    matches!(name, "no-cache" | "no-store") && searched
}

/// Which part of a file a rule looks at.
enum Part {
    Whole,
    BeforeTests,
}

fn in_code(
    files: &[File],
    applies: impl Fn(&str) -> bool,
    part: Part,
    words: &[&str],
    say: impl Fn(&str) -> (String, String),
) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| applies(&file.path)) {
        let scanned = scan(&file.text);
        let code = match part {
            Part::Whole => &scanned.code,
            Part::BeforeTests => before_tests(&scanned.code),
        };
        for word in words {
            for line in lines_with(code, word) {
                let (fact, remedy) = say(word);
                found.push(Violation::new(&file.path, line, fact, remedy));
            }
        }
    }
    found
}

fn in_a_crate(path: &str) -> bool {
    let mut parts = path.split('/');
    parts.next() == Some("crates") && parts.nth(1) == Some("src") && path.ends_with(".rs")
}

const CLOCK: &str = "crates/engine/src/clock.rs";
const COOKIES: &str = "crates/replay/src/cookies.rs";
const DIRECTIVES: &str = "crates/rules/src/http/directives.rs";
const DIRECTIVE_NAMES: [&str; 8] = [
    "max-age",
    "s-maxage",
    "must-revalidate",
    "proxy-revalidate",
    "must-understand",
    "no-transform",
    "stale-while-revalidate",
    "stale-if-error",
];
const SEARCHES: [&str; 5] = [
    ".contains(",
    ".find(",
    ".starts_with(",
    ".strip_prefix(",
    "eq_ignore_ascii_case(",
];

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::*;

    #[test]
    fn a_clock_is_read_in_the_engines_clock_only() {
        let text = "// Instant::now\nfn f() { std::time::Instant::now(); SystemTime::now(); }\n";
        assert_eq!(lines(clocks, "crates/store/src/disk.rs", text), [2, 2]);
        assert!(lines(clocks, CLOCK, text).is_empty());
        assert!(lines(clocks, "tests/main.rs", text).is_empty());
        assert!(
            lines(
                clocks,
                "crates/store/src/disk.rs",
                "fn f(now: SystemTime) {}"
            )
            .is_empty()
        );
    }

    #[test]
    fn only_the_command_line_prints() {
        let text = "fn f() {\n    println!(\"x\");\n}\n#[cfg(test)]\nmod tests { fn g() { eprintln!(); } }\n";
        assert_eq!(lines(printing, "crates/gateway/src/lib.rs", text), [2]);
        assert!(lines(printing, "crates/cli/src/main.rs", text).is_empty());
        assert!(lines(printing, "xtask/src/main.rs", text).is_empty());
        assert!(
            lines(
                printing,
                "crates/gateway/src/lib.rs",
                "tracing::info!(\"println!\");"
            )
            .is_empty()
        );
        assert_eq!(
            lines(
                printing,
                "crates/gateway/src/lib.rs",
                "std::io::stderr().lock();"
            ),
            [1]
        );
    }

    #[test]
    fn unfinished_work_is_refused_in_every_rust_file() {
        let text = "#[ignore]\nfn f() {\n    todo!()\n}\nfn g() { unimplemented!(\"x\") }\nfn h() { dbg!(1); }\n";
        let mut found = lines(unfinished, "xtask/src/main.rs", text);
        found.sort_unstable();
        assert_eq!(found, [1, 3, 5, 6]);
        assert!(
            lines(
                unfinished,
                "tests/main.rs",
                "// todo!()\n#[test]\nfn f() {}"
            )
            .is_empty()
        );
    }

    #[test]
    fn a_cache_control_value_is_taken_apart_in_one_file_only() {
        let apart =
            "let a = value.strip_prefix(\"max-age=\");\nif value.contains(\"no-store\") {}\n";
        assert_eq!(
            lines(directives, "crates/gateway/src/serve.rs", apart),
            [1, 2]
        );
        assert!(lines(directives, DIRECTIVES, apart).is_empty());
        let beside = "crates/rules/src/http/directives/words.rs";
        assert!(lines(directives, beside, apart).is_empty());
        let tests = "crates/rules/src/http/reuse/tests.rs";
        assert!(lines(directives, tests, apart).is_empty());
        let other = "crates/rules/src/http/directives_too.rs";
        assert_eq!(lines(directives, other, apart), [1, 2]);
        let whole = "const KEEP: &str = \"max-age=31536000, immutable\";\nset(\"no-cache\");\n";
        assert!(lines(directives, "crates/gateway/src/serve.rs", whole).is_empty());
        let test = "fn f() {}\n#[cfg(test)]\nmod tests { const A: &str = \"max-age\"; }\n";
        assert!(lines(directives, "crates/gateway/src/serve.rs", test).is_empty());
    }
}
