//! Patterns of paths: which files does `assets/**/*.{js,css}` mean?
//!
//! One language for files and for URL paths, matched in linear space and without regular
//! expressions: a pattern written by a site's owner meets URLs written by strangers. The
//! worker's twin is `generator/runtime/worker/pattern.js`; both run `tests/vectors/pattern.json`.

mod overlap;

/// A pattern as written, its braces expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    written: String,
    alternatives: Vec<String>,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternError {
    /// A `{` without its `}`, or a `}` without its `{`.
    UnbalancedBrace,
    /// Braces within braces.
    NestedBraces,
    /// `[`, `]`, `\` or a leading `!`, which mean something elsewhere and nothing here.
    Unsupported(char),
    /// More alternatives than [`ALTERNATIVES_MAX`].
    TooMany,
    /// `***`, or `..` as a segment, which no path has.
    NeverMatches,
    /// In the path of a route: what stands behind a `:name` and would mean its repeats elsewhere.
    Modifier(char),
    /// In the path of a route: a query.
    Query,
    /// In the path of a route: a scheme and a host.
    WholeUrl,
}

impl std::fmt::Display for PatternError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnbalancedBrace => f.write_str("a brace has no partner"),
            Self::NestedBraces => f.write_str("braces stand within braces"),
            Self::Unsupported(char) => write!(
                f,
                "`{char}` has no meaning here (use `*`, `**`, `?` and `{{a,b}}`)"
            ),
            Self::TooMany => write!(f, "it means more than {ALTERNATIVES_MAX} patterns"),
            Self::NeverMatches => f.write_str("no path can match it"),
            Self::Modifier(char) => write!(
                f,
                "`{char}` has no meaning behind a `:name` here (use `*` for a segment that may be empty, `**` for several)"
            ),
            Self::Query => f.write_str(
                "a query is no part of a path (`ignore_search` says that it does not count)",
            ),
            Self::WholeUrl => f.write_str("the origin of a URL has a key of its own, `origin`"),
        }
    }
}

impl std::error::Error for PatternError {}

impl Pattern {
    /// Reads a pattern; a leading slash is the site's root either way and is dropped.
    ///
    /// `?` is one character but a slash, `*` any number of them, `**` any characters at all,
    /// `**/` any number of whole folders, `{a,b}` either.
    pub fn new(written: &str) -> Result<Self, PatternError> {
        if written.starts_with('!') {
            return Err(PatternError::Unsupported('!'));
        }
        if let Some(char) = written.chars().find(|c| matches!(c, '[' | ']' | '\\')) {
            return Err(PatternError::Unsupported(char));
        }
        let alternatives = expand(written.strip_prefix('/').unwrap_or(written))?;
        let never = |pattern: &String| {
            pattern.contains("***") || pattern.split('/').any(|segment| segment == "..")
        };
        if alternatives.iter().any(never) {
            return Err(PatternError::NeverMatches);
        }
        Ok(Self {
            written: written.to_owned(),
            alternatives,
        })
    }

    /// Does `path` (below the site's root, without a leading slash) match?
    pub fn matches(&self, path: &str) -> bool {
        self.alternatives
            .iter()
            .any(|pattern| matches(pattern.as_bytes(), path.as_bytes()))
    }

    /// The pattern as its author wrote it.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// The same pattern, which its author wrote in another way.
    pub(super) fn written_as(mut self, written: &str) -> Self {
        self.written = written.to_owned();
        self
    }

    /// The patterns without braces that this one means, for the worker.
    pub fn alternatives(&self) -> &[String] {
        &self.alternatives
    }
}

/// Several patterns, of which any may match.
pub fn any_matches(patterns: &[Pattern], path: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(path))
}

fn expand(pattern: &str) -> Result<Vec<String>, PatternError> {
    let mut done = vec![String::new()];
    let mut rest = pattern;
    while let Some(open) = rest.find(['{', '}']) {
        if rest.as_bytes()[open] == b'}' {
            return Err(PatternError::UnbalancedBrace);
        }
        let (before, after) = (&rest[..open], &rest[open + 1..]);
        let close = after.find('}').ok_or(PatternError::UnbalancedBrace)?;
        let inside = &after[..close];
        if inside.contains('{') {
            return Err(PatternError::NestedBraces);
        }
        done = done
            .iter()
            .flat_map(|start| {
                inside
                    .split(',')
                    .map(move |word| format!("{start}{before}{word}"))
            })
            .take(ALTERNATIVES_MAX + 1)
            .collect();
        if done.len() > ALTERNATIVES_MAX {
            return Err(PatternError::TooMany);
        }
        rest = &after[close + 1..];
    }
    for start in &mut done {
        start.push_str(rest);
    }
    Ok(done)
}

/// Time grows with the product of the lengths at most: of each kind of star only the last is
/// ever tried again, which is enough, since whatever an earlier one could take a later can too.
fn matches(pattern: &[u8], path: &[u8]) -> bool {
    let (mut p, mut s) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    let mut deep: Option<(usize, usize, bool)> = None;
    loop {
        if pattern[p..].starts_with(b"**") {
            let at_start = p == 0 || pattern[p - 1] == b'/';
            let whole = at_start && pattern.get(p + 2) == Some(&b'/');
            p += if whole { 3 } else { 2 };
            deep = Some((p, s, whole));
            star = None;
            continue;
        }
        match (pattern.get(p), path.get(s)) {
            (Some(b'*'), _) => {
                p += 1;
                star = Some((p, s));
                continue;
            }
            (None, None) => return true,
            (Some(b'?'), Some(&byte)) if byte != b'/' => {
                p += 1;
                // one character, however many bytes it has
                s += 1 + path[s + 1..]
                    .iter()
                    .take_while(|b| *b & 0xC0 == 0x80)
                    .count();
                continue;
            }
            (Some(wanted), Some(byte)) if wanted == byte => {
                p += 1;
                s += 1;
                continue;
            }
            _ => {}
        }
        match (star, deep) {
            (Some((after, at)), _) if at < path.len() && path[at] != b'/' => {
                star = Some((after, at + 1));
                (p, s) = (after, at + 1);
            }
            (_, Some((after, at, whole))) if at < path.len() => {
                let next = if whole {
                    match path[at..].iter().position(|byte| *byte == b'/') {
                        Some(slash) => at + slash + 1,
                        None => return false,
                    }
                } else {
                    at + 1
                };
                deep = Some((after, next, whole));
                (p, s) = (after, next);
                star = None;
            }
            _ => return false,
        }
    }
}

/// How many patterns one with braces may mean.
pub const ALTERNATIVES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_what_the_worker_matches() {
        let cases: serde_json::Value =
            serde_json::from_str(include_str!("../../../../tests/vectors/pattern.json")).unwrap();
        for case in cases.as_array().unwrap() {
            let pattern = Pattern::new(case["pattern"].as_str().unwrap()).unwrap();
            for (list, expected) in [("yes", true), ("no", false)] {
                for path in case[list].as_array().unwrap() {
                    assert_eq!(
                        pattern.matches(path.as_str().unwrap()),
                        expected,
                        "{case} {path}"
                    );
                }
            }
        }
    }

    #[test]
    fn braces_mean_each_of_their_words() {
        let pattern = Pattern::new("/a/*.{js,css}").unwrap();
        assert_eq!(pattern.alternatives(), ["a/*.js", "a/*.css"]);
        assert!(pattern.matches("a/x.css") && !pattern.matches("a/x.html"));
        assert_eq!(
            Pattern::new("{a,}{b,c}").unwrap().alternatives(),
            ["ab", "ac", "b", "c"]
        );
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_the_reason() {
        for (text, why) in [
            ("a{b", PatternError::UnbalancedBrace),
            ("a}b", PatternError::UnbalancedBrace),
            ("{a,{b}}", PatternError::NestedBraces),
            ("[ab].js", PatternError::Unsupported('[')),
            ("a\\b", PatternError::Unsupported('\\')),
            ("!a", PatternError::Unsupported('!')),
            ("a/***", PatternError::NeverMatches),
            ("../a", PatternError::NeverMatches),
            (&"{a,b}".repeat(9), PatternError::TooMany),
        ] {
            assert_eq!(Pattern::new(text), Err(why), "{text}");
        }
        assert!(Pattern::new(&"{a,b}".repeat(8)).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn a_literal_matches_itself_alone(path in "[a-z/.ä]{0,12}", other in "[a-z/.ä]{0,12}") {
            let pattern = Pattern::new(&format!("/{path}"));
            if let Ok(pattern) = pattern {
                proptest::prop_assert!(pattern.matches(&path));
                proptest::prop_assert_eq!(pattern.matches(&other), path == other);
            }
        }

        #[test]
        fn no_text_makes_it_panic(pattern in ".{0,30}", path in ".{0,30}") {
            if let Ok(pattern) = Pattern::new(&pattern) {
                pattern.matches(&path);
            }
        }
    }
}
