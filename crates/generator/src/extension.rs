//! Code of the site's own in the worker: which text, and does it parse?
//!
//! It comes before ours, in a function scope of its own, so that neither sees the other's names. Of
//! two `fetch` listeners the first one is asked first, and `respondWith` keeps the event from the
//! next (Service Workers, `FetchEvent.respondWith`: it sets the stop immediate propagation flag).
//!
//! The text is left as it is: a minifier of ours would have to know what it counts on (the names of
//! its functions, notes of licences, which properties a page reads), and DevTools show its author
//! what he wrote.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use oxc_allocator::Allocator;
use oxc_parser::Parser;
use oxc_semantic::SemanticBuilder;
use oxc_span::SourceType;
use revisit_references::is_shallow;

use crate::BuildError;

/// Reads the script in `path` and sees that a worker can run it.
///
/// # Errors
/// [`BuildError::NoExtension`] for what is no text of at most 1 MiB,
/// [`BuildError::ExtensionSyntax`] for a text that is no classic script.
pub(crate) fn read(path: &Path) -> Result<String, BuildError> {
    let unreadable = |source| BuildError::NoExtension {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() as u64 > BYTES_MAX {
        let why = format!("it has more than {BYTES_MAX} bytes");
        return Err(unreadable(io::Error::new(io::ErrorKind::FileTooLarge, why)));
    }
    let text = String::from_utf8(bytes).map_err(|_| {
        unreadable(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is not UTF-8",
        ))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    match fault(text) {
        None => Ok(text.to_owned()),
        Some(Fault { at, why }) => {
            let before = &text[..text.floor_char_boundary(at)];
            let line_start = before.rfind('\n').map_or(0, |end| end + 1);
            Err(BuildError::ExtensionSyntax {
                path: path.to_owned(),
                line: before.matches('\n').count() + 1,
                column: before[line_start..].chars().count() + 1,
                why,
            })
        }
    }
}

/// The text in a function scope of its own. An arrow function: `this` stays the worker's.
pub(crate) fn scoped(text: &str) -> String {
    // The line break ends a comment on the last line.
    format!("(() => {{\n{text}\n}})();\n")
}

struct Fault {
    /// Offset in bytes.
    at: usize,
    why: String,
}

/// What keeps a worker from running the text; it is parsed alone, so that no brace of it closes ours.
fn fault(text: &str) -> Option<Fault> {
    if !is_shallow(text) {
        return Some(Fault {
            at: 0,
            why: "it nests deeper than any script that people write".into(),
        });
    }
    if text.starts_with("#!") {
        return Some(Fault {
            at: 0,
            why: "a line for a shell means nothing in a worker".into(),
        });
    }
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, SourceType::script()).parse();
    let error = parsed.diagnostics.first().cloned().or_else(|| {
        // what the grammar alone does not tell: a name that is declared twice, a stray `break`
        let checked = SemanticBuilder::new()
            .with_check_syntax_error(true)
            .build(&parsed.program);
        checked.diagnostics.first().cloned()
    })?;
    Some(Fault {
        at: error
            .labels
            .first()
            .map_or(0, |label| label.offset() as usize),
        why: error.message.to_string(),
    })
}

/// A browser parses the worker at each of its starts.
const BYTES_MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    /// `place`: line and column of the fault.
    fn check(bytes: &[u8], place: Option<(usize, usize)>) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("own.js");
        std::fs::write(&path, bytes).unwrap();
        match read(&path) {
            Ok(text) => {
                assert_eq!(place, None, "{text} parses");
                let scoped = scoped(&text);
                assert!(fault(&scoped).is_none(), "{scoped} does not parse");
                text
            }
            Err(BuildError::ExtensionSyntax {
                line, column, why, ..
            }) => {
                assert_eq!(Some((line, column)), place, "{why}");
                why
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_classic_script_is_taken_as_it_is_and_still_parses_in_its_own_scope() {
        for text in [
            "",
            "'use strict'\nlet a = 1",
            "importScripts('push.js') // at the end",
            "addEventListener('push', async (event) => { await event })",
            "const start = 1, config = 2, worker = self",
        ] {
            assert_eq!(check(text.as_bytes(), None), text);
        }
        assert_eq!(check("\u{feff}let a".as_bytes(), None), "let a");
    }

    #[test]
    fn what_no_worker_runs_is_told_with_line_and_column() {
        check(b"let a = 1\nlet b = )", Some((2, 9)));
        check("let \u{e4} = 1; let b = )".as_bytes(), Some((1, 20)));
        check(b"import x from './x.js'", Some((1, 1)));
        check(b"#!/usr/bin/env node", Some((1, 1)));
        check(b"let a\n let a", Some((1, 5)));
        // its braces are its own: it cannot leave its scope
        check(b"}; let open = 1; {", Some((1, 1)));
        check(&[b'('; 20_000], Some((1, 1)));
    }

    #[test]
    fn what_is_no_readable_text_of_a_megabyte_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("own.js");
        let refused = || matches!(read(&path), Err(BuildError::NoExtension { .. }));
        assert!(refused(), "not there");
        std::fs::write(&path, b"'\xff'").unwrap();
        assert!(refused(), "not UTF-8");
        std::fs::write(&path, " ".repeat(BYTES_MAX as usize + 1)).unwrap();
        assert!(refused(), "too large");
        std::fs::write(&path, " ".repeat(BYTES_MAX as usize)).unwrap();
        assert!(!refused());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}") {
            let _ = fault(&text);
        }
    }
}
