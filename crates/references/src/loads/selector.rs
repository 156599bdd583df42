//! Selectors: may this rule's selector match anything in a page, going by the names that occur in it?
//!
//! A selector is not matched against the tree: it may match when each tag, class and id that it names occurs somewhere
//! in the page. That finds the pictures of rules which no element of this page asks for. What a visitor must do first
//! (`:hover`, `:focus`, …) does not match when a page is loaded. Selectors 4.

use std::collections::HashSet;

/// The names that occur in a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    tags: HashSet<String>,
    classes: HashSet<String>,
    ids: HashSet<String>,
    letters: HashSet<char>,
}

impl Words {
    pub(super) fn tag(&mut self, name: &str) {
        if !self.tags.contains(name) {
            self.tags.insert(name.to_ascii_lowercase());
        }
    }

    pub(super) fn classes(&mut self, value: &str) {
        for class in value.split_ascii_whitespace() {
            if !self.classes.contains(class) {
                self.classes.insert(class.to_owned());
            }
        }
    }

    pub(super) fn id(&mut self, value: String) {
        self.ids.insert(value);
    }

    pub(super) fn letters(&mut self, text: &str) {
        self.letters.extend(text.chars());
    }

    /// Whether a letter of these ranges occurs; the page's tags are looked at too.
    pub(super) fn has_letter_in(&self, ranges: &[(u32, u32)]) -> bool {
        self.letters.iter().any(|letter| {
            let code = u32::from(*letter);
            ranges
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&code))
        })
    }

    fn has(&self, need: &Need) -> bool {
        match need {
            Need::Tag(name) => self.tags.contains(name),
            Need::Class(name) => self.classes.contains(name),
            Need::Id(name) => self.ids.contains(name),
        }
    }
}

/// The selectors of one rule, parted by commas: it may match when one of them may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selectors(Vec<Vec<Need>>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Need {
    Tag(String),
    Class(String),
    Id(String),
}

impl Selectors {
    pub(super) fn parse(prelude: &str) -> Self {
        let parts = super::media::split(prelude, ',');
        Self(parts.filter_map(needs).collect())
    }

    pub(super) fn may_match(&self, words: &Words) -> bool {
        let mut selectors = self.0.iter();
        selectors.any(|needs| needs.iter().all(|need| words.has(need)))
    }
}

/// What one selector needs; `None` when it matches nothing in a page that was just loaded.
fn needs(selector: &str) -> Option<Vec<Need>> {
    let mut needs = Vec::new();
    let mut chars = selector.trim().chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '.' => needs.push(Need::Class(name(None, &mut chars))),
            '#' => needs.push(Need::Id(name(None, &mut chars))),
            ':' => {
                while chars.next_if_eq(&':').is_some() {}
                let pseudo = name(None, &mut chars).to_ascii_lowercase();
                if LATER.contains(&&*pseudo) {
                    return None;
                }
                if chars.next_if_eq(&'(').is_some() {
                    skip(&mut chars, '(', ')');
                }
            }
            '[' => skip(&mut chars, '[', ']'),
            '(' => skip(&mut chars, '(', ')'),
            '/' if chars.next_if_eq(&'*').is_some() => {
                let mut last = ' ';
                while let Some(c) = chars.next().filter(|c| (last, *c) != ('*', '/')) {
                    last = c;
                }
            }
            c if c.is_alphanumeric() || matches!(c, '_' | '\\' | '-') => {
                let tag = name(Some(c), &mut chars).to_ascii_lowercase();
                // `html` and `body` are there also where no tag says so.
                if !matches!(&*tag, "html" | "body" | "head") {
                    needs.push(Need::Tag(tag));
                }
            }
            _ => {}
        }
    }
    Some(needs)
}

/// An identifier, with its escapes resolved as far as they are of one letter or a number.
fn name(first: Option<char>, chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut name = String::new();
    let mut next = first;
    loop {
        let c = match next.take() {
            Some(c) => c,
            None => match chars
                .next_if(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '\\') || !c.is_ascii())
            {
                Some(c) => c,
                None => return name,
            },
        };
        if c != '\\' {
            name.push(c);
            continue;
        }
        let mut code = String::new();
        while code.len() < 6
            && let Some(digit) = chars.next_if(char::is_ascii_hexdigit)
        {
            code.push(digit);
        }
        if code.is_empty() {
            name.extend(chars.next());
        } else {
            let letter = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
            name.push(letter.unwrap_or(char::REPLACEMENT_CHARACTER));
            chars.next_if(char::is_ascii_whitespace);
        }
    }
}

fn skip(chars: &mut impl Iterator<Item = char>, open: char, close: char) {
    let mut depth = 1;
    for c in chars {
        if c == open {
            depth += 1;
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                return;
            }
        }
    }
}

/// Pseudo-classes that hold of nothing until a visitor does something.
const LATER: [&str; 12] = [
    "hover",
    "active",
    "focus",
    "focus-within",
    "focus-visible",
    "target",
    "visited",
    "fullscreen",
    "backdrop",
    "selection",
    "popover-open",
    "modal",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(selector: &str, expected: bool) {
        let mut words = Words::default();
        words.tag("P");
        words.tag("h1");
        words.classes("brand  md:wide");
        words.id("main".into());
        assert_eq!(
            Selectors::parse(selector).may_match(&words),
            expected,
            "{selector}"
        );
    }

    #[test]
    fn a_rule_may_match_when_all_that_one_selector_names_is_there() {
        check("p", true);
        check(".brand::before", true);
        check("p.brand > #main", true);
        check("div", false);
        check(".prose h1", false);
        check(".prose h1, h1", true);
        check("*", true);
        check("body", true);
        check(":root", true);
        check(".md\\:wide", true);
        check(".\\62 rand", true);
        check("p:not(.x):nth-child(2n+1)[lang='.x']", true);
        check("/* .x */ p", true);
    }

    #[test]
    fn what_needs_a_visitors_hand_does_not_match_at_first() {
        check("p:hover", false);
        check("p:focus-within .brand", false);
        check("p:hover, p", true);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            Selectors::parse(&text).may_match(&Words::default());
        }
    }
}
