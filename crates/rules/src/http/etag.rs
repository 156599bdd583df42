//! Are two entity tags the same?
//!
//! RFC 9110 §8.8.3 (ETag) and §8.8.3.2 (comparison).

use std::fmt;

/// An opaque name for one state of a representation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EntityTag {
    strength: Strength,
    /// What stands between the quotes.
    opaque: Vec<u8>,
}

/// What an equal tag promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Strength {
    /// The same bytes.
    Strong,
    /// The same meaning: bytes may differ.
    Weak,
}

impl EntityTag {
    /// A tag of `opaque`; `None` if it holds what may not stand between the quotes.
    pub fn new(strength: Strength, opaque: &str) -> Option<Self> {
        let opaque = opaque.as_bytes().to_vec();
        opaque
            .iter()
            .all(|&byte| is_etagc(byte))
            .then_some(Self { strength, opaque })
    }

    /// Reads one tag at the start of `text`, and gives what follows it.
    pub fn parse(text: &[u8]) -> Option<(Self, &[u8])> {
        // "entity-tag = [ weak ] opaque-tag; weak = %s"W/"" (§8.8.3): the W is a capital.
        let (strength, quoted) = match text.strip_prefix(b"W/") {
            Some(rest) => (Strength::Weak, rest),
            None => (Strength::Strong, text),
        };
        let rest = quoted.strip_prefix(b"\"")?;
        let length = rest.iter().position(|&byte| !is_etagc(byte))?;
        let (opaque, rest) = rest.split_at(length);
        let rest = rest.strip_prefix(b"\"")?;
        Some((
            Self {
                strength,
                opaque: opaque.to_vec(),
            },
            rest,
        ))
    }

    /// "two entity tags are equivalent if both are not weak and their opaque-tags match
    /// character-by-character" (§8.8.3.2)
    pub fn is_strongly(&self, other: &Self) -> bool {
        self.strength == Strength::Strong
            && other.strength == Strength::Strong
            && self.opaque == other.opaque
    }

    /// "… if their opaque-tags match character-by-character, regardless of either or both being
    /// tagged as 'weak'" (§8.8.3.2)
    pub fn is_weakly(&self, other: &Self) -> bool {
        self.opaque == other.opaque
    }
}

impl fmt::Display for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.strength == Strength::Weak {
            f.write_str("W/")?;
        }
        write!(f, "\"{}\"", String::from_utf8_lossy(&self.opaque))
    }
}

/// "etagc = %x21 / %x23-7E / obs-text ; VCHAR except double quotes, plus obs-text" (§8.8.3)
fn is_etagc(byte: u8) -> bool {
    byte == 0x21 || (0x23..=0x7e).contains(&byte) || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_compare_as_the_table_of_the_rfc_says() {
        // RFC 9110 §8.8.3.2, table 3
        check(r#"W/"1""#, r#"W/"1""#, false, true);
        check(r#"W/"1""#, r#"W/"2""#, false, false);
        check(r#"W/"1""#, r#""1""#, false, true);
        check(r#""1""#, r#""1""#, true, true);
    }

    #[test]
    fn what_is_not_quoted_is_no_tag() {
        for text in [
            "",
            "a",
            "\"",
            "\"a",
            "w/\"a\"",
            "W/a",
            "W/",
            "\"a b\"",
            "\"a\u{7f}\"",
            "\"\n\"",
        ] {
            assert_eq!(EntityTag::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_tag_reads_as_it_was_written() {
        for opaque in ["", "a", "!#~", "a,b", "ä"] {
            for strength in [Strength::Strong, Strength::Weak] {
                let tag = EntityTag::new(strength, opaque).unwrap();
                let (read, rest) = EntityTag::parse(tag.to_string().as_bytes())
                    .map(|(t, r)| (t, r.len()))
                    .unwrap();
                assert_eq!((read, rest), (tag, 0));
            }
        }
        assert_eq!(EntityTag::new(Strength::Strong, "a\"b"), None);
        assert_eq!(EntityTag::new(Strength::Strong, "a b"), None);
    }

    fn check(a: &str, b: &str, strongly: bool, weakly: bool) {
        let [a, b] = [a, b].map(|text| EntityTag::parse(text.as_bytes()).unwrap().0);
        assert_eq!(a.is_strongly(&b), strongly, "{a} {b}");
        assert_eq!(a.is_weakly(&b), weakly, "{a} {b}");
        assert_eq!(
            (b.is_strongly(&a), b.is_weakly(&a)),
            (strongly, weakly),
            "{b} {a}"
        );
    }
}
