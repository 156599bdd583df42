//! Splits `Cache-Control` into directives: "1#cache-directive; cache-directive = token [ "=" (
//! token / quoted-string ) ]" (RFC 9111 §5.2).

use super::{DeltaSeconds, Scope, Seconds};

/// What stands behind the name of a directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Argument<'a> {
    /// Nothing.
    None,
    /// A bare word; it may be none by the grammar.
    Token(&'a [u8]),
    /// What stands between the quotes.
    Quoted(&'a [u8]),
}

impl Argument<'_> {
    /// "recipients ought to accept both forms, even if a specific form is required for generation"
    /// (§5.2)
    pub(super) fn seconds(self) -> Seconds {
        match self {
            Self::Token(digits) | Self::Quoted(digits) => {
                DeltaSeconds::parse(digits).map_or(Seconds::Malformed, Seconds::Given)
            }
            Self::None => Seconds::Malformed,
        }
    }

    /// The same, up to the first byte that is no digit.
    pub(super) fn leading_seconds(self) -> Seconds {
        match self {
            Self::Token(text) | Self::Quoted(text) => {
                let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
                DeltaSeconds::parse(&text[..digits]).map_or(Seconds::Malformed, Seconds::Given)
            }
            Self::None => Seconds::Malformed,
        }
    }

    /// Without a name between the quotes the directive counts as a whole.
    pub(super) fn scope(self) -> Scope {
        match self {
            Self::Token(list) | Self::Quoted(list)
                if list.iter().any(u8::is_ascii_alphanumeric) =>
            {
                Scope::Fields
            }
            _ => Scope::Whole,
        }
    }
}

/// Gives each directive of `lines` to `take`, its name in lower case.
///
/// White space around `=` makes the argument no argument of the grammar: it stays in it, so that a
/// span there is malformed, while a word that forbids something still does.
pub(super) fn each<'a>(
    lines: impl Iterator<Item = &'a [u8]>,
    mut take: impl FnMut(&[u8], Argument<'a>),
) {
    for line in lines {
        let mut rest = line;
        while !rest.is_empty() {
            let (word, after) = next(rest);
            rest = after;
            let word = word.trim_ascii();
            if word.is_empty() {
                continue;
            }
            let equals = word.iter().position(|&byte| byte == b'=');
            let (name, argument) = match equals {
                None => (word, Argument::None),
                Some(at) => (&word[..at], argument(&word[at + 1..])),
            };
            let trimmed = name.trim_ascii_end();
            let argument = match argument {
                Argument::Token(_) | Argument::Quoted(_) if trimmed.len() < name.len() => {
                    Argument::Token(b" ")
                }
                argument => argument,
            };
            // No directive that is known has a longer name; what is cut off is not known.
            let mut lower = [0; NAME_MAX];
            let length = trimmed.len().min(NAME_MAX);
            lower[..length].copy_from_slice(&trimmed[..length]);
            lower[..length].make_ascii_lowercase();
            take(&lower[..length], argument);
        }
    }
}

fn argument(text: &[u8]) -> Argument<'_> {
    match text {
        [b'"', quoted @ .., b'"'] => Argument::Quoted(quoted),
        text => Argument::Token(text),
    }
}

/// The next element, and what follows its comma. A quote that is never closed is no quote: a word
/// behind it that forbids something is not to be swallowed.
fn next(text: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b',' => return (&text[..at], &text[at + 1..]),
            b'"' => at = closing(text, at + 1).unwrap_or(at) + 1,
            _ => at += 1,
        }
    }
    (text, &[])
}

fn closing(text: &[u8], mut at: usize) -> Option<usize> {
    while at < text.len() {
        match text[at] {
            b'"' => return Some(at),
            // "quoted-pair = "\" ( HTAB / SP / VCHAR / obs-text )" (RFC 9110 §5.6.4)
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

/// One more than `stale-while-revalidate` has.
const NAME_MAX: usize = 23;
