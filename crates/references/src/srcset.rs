//! Srcset: which URLs does a `srcset` or `imagesrcset` attribute offer?
//!
//! All of them count: which one a browser takes depends on its screen. Descriptors are stepped over, not judged.
//! HTML, "parse a srcset attribute".

/// The URLs of `srcset` in their order, as written.
pub(super) fn srcset(srcset: &str) -> impl Iterator<Item = &str> {
    let mut rest = srcset;
    std::iter::from_fn(move || {
        // "Collect a sequence of code points that are ASCII whitespace or U+002C COMMA characters" (4)
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ',');
        if rest.is_empty() {
            return None;
        }
        // "Collect a sequence of code points that are not ASCII whitespace" (6): a comma may be part of a URL …
        let end = rest
            .find(|c: char| c.is_ascii_whitespace())
            .unwrap_or(rest.len());
        let (url, after) = rest.split_at(end);
        // … "If url ends with U+002C (,)" (8) it ends there instead, and has no descriptors.
        let bare = url.trim_end_matches(',');
        rest = if bare.len() < url.len() {
            after
        } else {
            behind_descriptors(after)
        };
        Some(bare)
    })
}

/// What follows the first comma that does not stand within parentheses.
fn behind_descriptors(text: &str) -> &str {
    let mut in_parentheses = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => in_parentheses = true,
            b')' => in_parentheses = false,
            b',' if !in_parentheses => return &text[at + 1..],
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(
            super::srcset(text).collect::<Vec<_>>(),
            expected,
            "{text:?}"
        );
    }

    #[test]
    fn candidates_are_parted_by_commas_after_descriptors() {
        check("a.png 1x, b.png 2x", &["a.png", "b.png"]);
        check("a.png 100w 50h,b.png", &["a.png", "b.png"]);
        check("\n a.png\n,\tb.png 2x\n", &["a.png", "b.png"]);
    }

    #[test]
    fn a_comma_inside_a_url_belongs_to_it_and_one_at_its_end_does_not() {
        check("a,b.png 1x", &["a,b.png"]);
        check("a.png,b.png", &["a.png,b.png"]);
        check("a.png, b.png", &["a.png", "b.png"]);
        check("a.png,,, b.png", &["a.png", "b.png"]);
        check("data:,x 1x, b.png 2x", &["data:,x", "b.png"]);
    }

    #[test]
    fn a_comma_in_parentheses_parts_nothing() {
        check("a.png f(1,2) , b.png", &["a.png", "b.png"]);
        check("a.png f(1,2 , b.png", &["a.png"]);
    }

    #[test]
    fn nothing_offers_nothing() {
        check("", &[]);
        check(" , ,", &[]);
    }
}
