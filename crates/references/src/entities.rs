//! Character references: what does an attribute value say once `&amp;` and its like are decoded?
//!
//! Numbers, the names that stand for ASCII, and the letters of Latin-1: what is found in the URLs of pages. The other
//! two thousand names stay as written, so a URL with one of them names no file, which is what a table of them would
//! hardly change. HTML, "character reference state" within attributes.

use std::borrow::Cow;

/// `value` with its character references decoded.
pub(super) fn decode(value: &str) -> Cow<'_, str> {
    let Some(first) = value.find('&') else {
        return Cow::Borrowed(value);
    };
    let mut decoded = String::with_capacity(value.len());
    decoded.push_str(&value[..first]);
    let mut rest = &value[first..];
    while let Some(body) = rest.strip_prefix('&') {
        let after = match reference(body) {
            Some((character, after)) => {
                decoded.push(character);
                after
            }
            None => {
                decoded.push('&');
                body
            }
        };
        let next = after.find('&').unwrap_or(after.len());
        decoded.push_str(&after[..next]);
        rest = &after[next..];
    }
    Cow::Owned(decoded)
}

/// The character that `body`, which follows a `&`, opens with, and what comes after it.
fn reference(body: &str) -> Option<(char, &str)> {
    if let Some(number) = body.strip_prefix('#') {
        return numeric(number);
    }
    let end = body
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(body.len());
    let (name, after) = body.split_at(end);
    if let Some(after) = after.strip_prefix(';') {
        return Some((named(name)?, after));
    }
    // "If the character reference was consumed as part of an attribute, and the last character matched is not a
    // U+003B SEMICOLON character (;), and the next input character is either a U+003D EQUALS SIGN character (=) or
    // an ASCII alphanumeric, then, for historical reasons": `?a=1&copy=2` is no ©.
    if after.starts_with('=') || !LEGACY.contains(&name) {
        return None;
    }
    Some((named(name)?, after))
}

/// `38;…` or `x26;…`, the semicolon being optional.
fn numeric(number: &str) -> Option<(char, &str)> {
    let (digits, radix) = match number.strip_prefix(['x', 'X']) {
        Some(hex) => (hex, 16),
        None => (number, 10),
    };
    let end = digits
        .find(|c: char| !c.is_digit(radix))
        .unwrap_or(digits.len());
    let (digits, after) = digits.split_at(end);
    if digits.is_empty() {
        return None;
    }
    // "… then this is a null-character-reference / character-reference-outside-unicode-range / surrogate parse
    // error. Set the character reference code to 0xFFFD."
    let character = u32::from_str_radix(digits, radix)
        .ok()
        .filter(|&code| code != 0);
    let character = character
        .and_then(char::from_u32)
        .unwrap_or(char::REPLACEMENT_CHARACTER);
    Some((character, after.strip_prefix(';').unwrap_or(after)))
}

fn named(name: &str) -> Option<char> {
    if let Ok(at) = ASCII.binary_search_by_key(&name, |(name, _)| name) {
        return Some(ASCII[at].1);
    }
    let at = LATIN_1.iter().position(|latin| *latin == name)?;
    char::from_u32(0xA0 + u32::try_from(at).ok()?)
}

/// The names that are understood without their semicolon, as far as URLs have a use for them.
const LEGACY: [&str; 9] = ["amp", "AMP", "lt", "LT", "gt", "GT", "quot", "QUOT", "nbsp"];

/// The names of ASCII characters, ascending.
const ASCII: [(&str, char); 44] = [
    ("AMP", '&'),
    ("GT", '>'),
    ("Hat", '^'),
    ("LT", '<'),
    ("NewLine", '\n'),
    ("QUOT", '"'),
    ("Tab", '\t'),
    ("UnderBar", '_'),
    ("VerticalLine", '|'),
    ("amp", '&'),
    ("apos", '\''),
    ("ast", '*'),
    ("bsol", '\\'),
    ("colon", ':'),
    ("comma", ','),
    ("commat", '@'),
    ("dollar", '$'),
    ("equals", '='),
    ("excl", '!'),
    ("grave", '`'),
    ("gt", '>'),
    ("lbrace", '{'),
    ("lbrack", '['),
    ("lcub", '{'),
    ("lowbar", '_'),
    ("lpar", '('),
    ("lsqb", '['),
    ("lt", '<'),
    ("midast", '*'),
    ("num", '#'),
    ("percnt", '%'),
    ("period", '.'),
    ("plus", '+'),
    ("quest", '?'),
    ("quot", '"'),
    ("rbrace", '}'),
    ("rbrack", ']'),
    ("rcub", '}'),
    ("rpar", ')'),
    ("rsqb", ']'),
    ("semi", ';'),
    ("sol", '/'),
    ("verbar", '|'),
    ("vert", '|'),
];

/// The names of U+00A0 to U+00FF, in that order.
#[rustfmt::skip]
const LATIN_1: [&str; 96] = [
    "nbsp", "iexcl", "cent", "pound", "curren", "yen", "brvbar", "sect",
    "uml", "copy", "ordf", "laquo", "not", "shy", "reg", "macr",
    "deg", "plusmn", "sup2", "sup3", "acute", "micro", "para", "middot",
    "cedil", "sup1", "ordm", "raquo", "frac14", "frac12", "frac34", "iquest",
    "Agrave", "Aacute", "Acirc", "Atilde", "Auml", "Aring", "AElig", "Ccedil",
    "Egrave", "Eacute", "Ecirc", "Euml", "Igrave", "Iacute", "Icirc", "Iuml",
    "ETH", "Ntilde", "Ograve", "Oacute", "Ocirc", "Otilde", "Ouml", "times",
    "Oslash", "Ugrave", "Uacute", "Ucirc", "Uuml", "Yacute", "THORN", "szlig",
    "agrave", "aacute", "acirc", "atilde", "auml", "aring", "aelig", "ccedil",
    "egrave", "eacute", "ecirc", "euml", "igrave", "iacute", "icirc", "iuml",
    "eth", "ntilde", "ograve", "oacute", "ocirc", "otilde", "ouml", "divide",
    "oslash", "ugrave", "uacute", "ucirc", "uuml", "yacute", "thorn", "yuml",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: &str) {
        assert_eq!(decode(value), expected, "{value:?}");
    }

    #[test]
    fn the_ascii_names_are_ascending_so_that_they_are_found() {
        assert!(ASCII.is_sorted_by(|(a, _), (b, _)| a < b));
    }

    #[test]
    fn names_and_numbers_stand_for_characters() {
        check("/a?b=1&amp;c=2", "/a?b=1&c=2");
        check("&sol;a&period;js", "/a.js");
        check("&#47;a&#x2F;b&#X2f;c", "/a/b/c");
        check("m&uuml;nchen&yuml;&nbsp;", "m\u{FC}nchen\u{FF}\u{A0}");
    }

    #[test]
    fn an_ampersand_of_a_query_stays_one() {
        for value in [
            "?a&b",
            "?a&copy=2",
            "?a&amp=2",
            "?a&ampx",
            "&",
            "a&",
            "&;",
            "&#;",
            "&#x;",
            "&nosuch;",
            "&é;",
        ] {
            check(value, value);
        }
    }

    #[test]
    fn the_oldest_names_need_no_semicolon() {
        check("a&amp", "a&");
        check("a&amp/b", "a&/b");
        check("a&#38b", "a&b");
    }

    #[test]
    fn a_number_that_is_no_character_becomes_the_replacement_character() {
        for value in ["&#0;", "&#xD800;", "&#x110000;", "&#99999999999999999999;"] {
            check(value, "\u{FFFD}");
        }
        check("&#x10FFFF;", "\u{10FFFF}");
    }

    #[test]
    fn decoding_happens_once() {
        check("&amp;amp;", "&amp;");
    }
}
