//! A name of a cache: any string of JavaScript.
//!
//! A DOMString is a sequence of 16-bit code units, lone surrogates among them; a Rust string cannot
//! hold those. Kept as WTF-8: UTF-8 wherever it is one, so that names are readable in a store.

use std::fmt;

/// Any DOMString (Web IDL §2.13.18).
///
/// ```
/// use revisit_engine::cache_api::DomString;
/// let lone = DomString::from_utf16(&[0x61, 0xd800]);
/// assert_eq!(lone.as_str(), None);
/// assert_ne!(lone, DomString::from("a\u{fffd}"));
/// assert_eq!(lone.to_utf16(), [0x61, 0xd800]);
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct DomString(Box<[u8]>);

impl DomString {
    /// From code units.
    pub fn from_utf16(units: &[u16]) -> Self {
        let mut bytes = Vec::with_capacity(units.len());
        for unit in char::decode_utf16(units.iter().copied()) {
            match unit {
                Ok(char) => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
                // The three bytes that UTF-8 would have for it.
                Err(lone) => {
                    let lone = lone.unpaired_surrogate();
                    let low = |shift: u16| 0x80 | (lone >> shift & 0x3f) as u8;
                    bytes.extend_from_slice(&[0xed, low(6), low(0)]);
                }
            }
        }
        Self(bytes.into())
    }

    /// As code units.
    pub fn to_utf16(&self) -> Vec<u16> {
        let mut units = Vec::with_capacity(self.0.len());
        let mut rest = &*self.0;
        while !rest.is_empty() {
            let (good, bad) = match std::str::from_utf8(rest) {
                Ok(text) => (text, &[][..]),
                Err(error) => {
                    let (good, bad) = rest.split_at(error.valid_up_to());
                    (std::str::from_utf8(good).unwrap_or_default(), bad)
                }
            };
            units.extend(good.encode_utf16());
            let Some((lone, behind)) = bad.split_at_checked(3) else {
                break;
            };
            units.push(0xd000 | u16::from(lone[1] & 0x3f) << 6 | u16::from(lone[2] & 0x3f));
            rest = behind;
        }
        units
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// As WTF-8, by which a store names it.
    pub fn as_wtf8(&self) -> &[u8] {
        &self.0
    }

    /// Reads WTF-8; `None` if it is none.
    pub fn from_wtf8(bytes: &[u8]) -> Option<Self> {
        let name = Self(bytes.into());
        // There is one way to write each string.
        (Self::from_utf16(&name.to_utf16()) == name).then_some(name)
    }
}

impl From<&str> for DomString {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().into())
    }
}

impl From<String> for DomString {
    fn from(text: String) -> Self {
        Self(text.into_bytes().into())
    }
}

impl From<&DomString> for DomString {
    fn from(name: &DomString) -> Self {
        name.clone()
    }
}

impl fmt::Display for DomString {
    /// With U+FFFD for each lone surrogate.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_str() {
            Some(text) => f.write_str(text),
            None => f.write_str(&String::from_utf16_lossy(&self.to_utf16())),
        }
    }
}

impl fmt::Debug for DomString {
    /// As JavaScript would write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for unit in char::decode_utf16(self.to_utf16()) {
            match unit {
                Ok(char) => write!(f, "{}", char.escape_debug())?,
                Err(lone) => write!(f, "\\u{:x}", lone.unpaired_surrogate())?,
            }
        }
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lone_surrogates_are_kept_and_pairs_are_characters() {
        let check = |units: &[u16], wtf8: &[u8], shown: &str| {
            let name = DomString::from_utf16(units);
            assert_eq!((name.as_wtf8(), &*name.to_string()), (wtf8, shown));
            assert_eq!(name.to_utf16(), units);
        };
        check(&[], b"", "");
        check(&[0x61, 0], b"a\0", "a\0");
        check(&[0xd800], b"\xed\xa0\x80", "\u{fffd}");
        check(&[0xdfff, 0x61], b"\xed\xbf\xbfa", "\u{fffd}a");
        check(&[0xd83d, 0xde00], "😀".as_bytes(), "😀");
        // the wrong way round
        check(
            &[0xde00, 0xd83d],
            b"\xed\xb8\x80\xed\xa0\xbd",
            "\u{fffd}\u{fffd}",
        );
        assert_eq!(
            format!("{:?}", DomString::from_utf16(&[0x61, 0xd800])),
            "\"a\\ud800\""
        );
    }

    #[test]
    fn bytes_that_are_no_wtf8_are_no_name() {
        for bytes in [
            &b"\xff"[..],
            b"\xed\xa0",
            b"a\xc3",
            // a pair, written as two
            b"\xed\xa0\xbd\xed\xb8\x80",
        ] {
            assert_eq!(DomString::from_wtf8(bytes), None, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_code_units_come_back(units in proptest::collection::vec(any::<u16>(), 0..20)) {
            let name = DomString::from_utf16(&units);
            prop_assert_eq!(name.to_utf16(), units);
            prop_assert_eq!(DomString::from_wtf8(name.as_wtf8()), Some(name));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            if let Some(name) = DomString::from_wtf8(&bytes) {
                prop_assert_eq!(name.as_wtf8(), bytes);
            }
        }
    }
}
