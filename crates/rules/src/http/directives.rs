//! What does a `Cache-Control` value of an answer say? (RFC 9111 §5.2.2)
//!
//! Only what a decision of ours asks for is read; what is not understood is passed over, as §5.2.3
//! wants it.

/// The directives of a response, read once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Directives {
    /// No cache may keep it (§5.2.2.5).
    pub no_store: bool,
    /// A cache asks again before each use (§5.2.2.4); with field names behind it, too, which is the
    /// careful reading.
    pub no_cache: bool,
    /// The lifetime is zero seconds (§5.2.2.1).
    pub stale_at_once: bool,
    /// Something else was said.
    pub other: bool,
}

impl Directives {
    /// Reads the value of a field, or of several that were joined by commas.
    pub fn parse(value: &str) -> Self {
        let mut directives = Self::default();
        let words = value.split(',').map(str::trim).filter(|w| !w.is_empty());
        for word in words {
            let (name, argument) = word.split_once('=').unwrap_or((word, ""));
            match &*name.trim().to_ascii_lowercase() {
                "no-store" => directives.no_store = true,
                "no-cache" => directives.no_cache = true,
                "max-age" if argument.trim_matches([' ', '"']) == "0" => {
                    directives.stale_at_once = true;
                }
                _ => directives.other = true,
            }
        }
        directives
    }

    /// May a cache answer without asking again, for however short a time? So it may, too, where
    /// nothing forbids it and no time is named (a heuristic lifetime, §4.2.2).
    pub fn gives_lifetime(self) -> bool {
        self.other && !(self.no_store || self.no_cache || self.stale_at_once)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_what_a_cache_may_use_without_asking() {
        for (value, expected) in [
            ("max-age=1", true),
            ("public", true),
            ("public, max-age=31536000, immutable", true),
            ("max-age=0", false),
            ("max-age=\"0\"", false),
            ("public, max-age=0, must-revalidate", false),
            ("No-Cache", false),
            ("no-store", false),
            ("no-cache=\"x\"", false),
            ("", false),
        ] {
            assert_eq!(
                Directives::parse(value).gives_lifetime(),
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn no_store_is_a_word_of_its_own() {
        assert!(Directives::parse("private,No-Store").no_store);
        assert!(!Directives::parse("x-no-store, no-stores").no_store);
    }

    proptest::proptest! {
        #[test]
        fn no_value_makes_it_panic(value in ".{0,40}") {
            Directives::parse(&value).gives_lifetime();
        }
    }
}
