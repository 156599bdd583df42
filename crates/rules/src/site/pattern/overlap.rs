//! What two patterns have in common: a path that both match, and whether one takes all of the other.
//!
//! A pattern without braces is a small automaton whose states are places in it. A path that both
//! match is found by walking both at once, each pair of states once: the product of the lengths.

use std::collections::{HashSet, VecDeque};

use super::Pattern;

impl Pattern {
    /// A path that both match; the shortest of the first alternatives that have one.
    pub fn common(&self, other: &Self) -> Option<String> {
        self.alternatives.iter().find_map(|one| {
            let mut others = other.alternatives.iter();
            others.find_map(|two| common(&steps(one), &steps(two)))
        })
    }

    /// Does this pattern match all that `other` matches? `true` is only said if one alternative of it
    /// takes each of the other's, with what its wildcards mean both at their least and at their most.
    pub fn covers(&self, other: &Self) -> bool {
        other.alternatives.iter().all(|it| self.takes(it))
    }

    fn takes(&self, other: &str) -> bool {
        let filled = |fill: &dyn Fn(&Step) -> &'static str| -> String {
            let steps = steps(other);
            let texts = steps.iter().map(|step| match step {
                Step::Just(char) => char.to_string(),
                other => fill(other).to_owned(),
            });
            texts.collect()
        };
        // a character that no pattern names
        let least = filled(&|step| if *step == Step::One { "\u{1}" } else { "" });
        let most = filled(&|step| match step {
            Step::One => "\u{1}",
            Step::Star => "\u{1}\u{1}\u{1}",
            Step::Deep => "\u{1}\u{1}/\u{1}/\u{1}",
            _ => "\u{1}\u{1}/\u{1}/\u{1}\u{1}/",
        });
        self.alternatives.iter().any(|pattern| {
            let matches = |path: &str| super::matches(pattern.as_bytes(), path.as_bytes());
            matches(&least) && matches(&most)
        })
    }
}

/// What stands at a place of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// This character.
    Just(char),
    /// `?`
    One,
    /// `*`
    Star,
    /// `**`
    Deep,
    /// `**/`, before a folder or after one.
    Folders,
    /// The same once a character of a folder was taken: there must be a slash.
    Within,
}

fn steps(pattern: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = pattern;
    while let Some(char) = rest.chars().next() {
        let begins = matches!(steps.last(), None | Some(Step::Just('/') | Step::Within));
        let (length, step) = match char {
            '*' if begins && rest.starts_with("**/") => (3, Step::Folders),
            '*' if rest.starts_with("**") => (2, Step::Deep),
            '*' => (1, Step::Star),
            '?' => (1, Step::One),
            _ => (char.len_utf8(), Step::Just(char)),
        };
        steps.push(step);
        if step == Step::Folders {
            steps.push(Step::Within);
        }
        rest = &rest[length..];
    }
    steps
}

/// The places to which a pattern may move on without a character.
fn freely(steps: &[Step], at: usize) -> Option<usize> {
    match steps.get(at) {
        Some(Step::Star | Step::Deep) => Some(at + 1),
        Some(Step::Folders) => Some(at + 2),
        _ => None,
    }
}

/// The places to which it may move by one of this character.
fn by(steps: &[Step], at: usize, char: char) -> Vec<usize> {
    match steps.get(at) {
        Some(Step::Just(just)) if *just == char => vec![at + 1],
        Some(Step::One) if char != '/' => vec![at + 1],
        Some(Step::Star) if char != '/' => vec![at],
        Some(Step::Deep) => vec![at],
        Some(Step::Folders) if char == '/' => vec![at, at + 2],
        Some(Step::Folders) => vec![at + 1],
        Some(Step::Within) if char == '/' => vec![at - 1, at + 1],
        Some(Step::Within) => vec![at],
        _ => Vec::new(),
    }
}

fn common(one: &[Step], two: &[Step]) -> Option<String> {
    // the characters that either names, and one that stands for all others
    let mut alphabet: Vec<char> = vec!['/', 'x'];
    for step in one.iter().chain(two) {
        if let Step::Just(char) = step {
            alphabet.push(*char);
        }
    }
    alphabet.sort_unstable();
    alphabet.dedup();
    let mut seen = HashSet::new();
    let mut next = VecDeque::from([((0, 0), String::new())]);
    // what costs no character goes to the front, so that the first path found is a shortest one
    while let Some(((a, b), path)) = next.pop_front() {
        if !seen.insert((a, b)) {
            continue;
        }
        if (a, b) == (one.len(), two.len()) {
            return Some(path);
        }
        if let Some(a) = freely(one, a) {
            next.push_front(((a, b), path.clone()));
        }
        if let Some(b) = freely(two, b) {
            next.push_front(((a, b), path.clone()));
        }
        for &char in &alphabet {
            for a in by(one, a, char) {
                for b in by(two, b, char) {
                    next.push_back(((a, b), format!("{path}{char}")));
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(one: &str, two: &str, expected: Option<&str>) {
        let (one, two) = (Pattern::new(one).unwrap(), Pattern::new(two).unwrap());
        for (one, two) in [(&one, &two), (&two, &one)] {
            let found = one.common(two);
            assert_eq!(found.as_deref(), expected, "{one:?} {two:?}");
            if let Some(path) = found {
                assert!(one.matches(&path) && two.matches(&path), "{path}");
            }
        }
    }

    #[test]
    fn two_patterns_have_a_path_in_common_or_none() {
        check("a/b", "a/b", Some("a/b"));
        check("a/b", "a/c", None);
        check("a/*", "*/b", Some("a/b"));
        check("a/*.png", "a/x*", Some("a/x.png"));
        check("a/*", "a/*/c", None);
        check("a/**", "**/c.js", Some("a/c.js"));
        check("**/a", "b/**/a", Some("b/a"));
        check("**/ab/**", "x?/**", Some("xa/ab/"));
        check("?", "*", Some("x"));
        check("??", "?", None);
        check("{a,b}/*", "{b,c}/*", Some("b/"));
    }

    #[test]
    fn a_pattern_covers_what_it_matches_all_of() {
        for (one, two, expected) in [
            ("**", "a/**", true),
            ("a/**", "a/*", true),
            ("a/*", "a/**", false),
            ("a/?*", "a/*", false),
            ("a/*", "a/?*", true),
            ("**/*.js", "a/**/b*.js", true),
            ("a*", "a?", true),
            ("a?", "a*", false),
            ("{a,b}/**", "b/x", true),
            ("a/**", "{a,b}/x", false),
            ("a/b", "a/b", true),
        ] {
            let (first, second) = (Pattern::new(one).unwrap(), Pattern::new(two).unwrap());
            assert_eq!(first.covers(&second), expected, "{one} {two}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_said_to_be_common_is_matched_by_both(one in "[ab/*?]{0,8}", two in "[ab/*?]{0,8}", path in "[ab/]{0,6}") {
            if let (Ok(one), Ok(two)) = (Pattern::new(&one), Pattern::new(&two)) {
                match one.common(&two) {
                    Some(common) => proptest::prop_assert!(one.matches(&common) && two.matches(&common), "{}", common),
                    None => proptest::prop_assert!(!(one.matches(&path) && two.matches(&path))),
                }
            }
        }
    }
}
