//! The labels by which entries are purged, each with a word before it so that none passes for another.

use bytes::Bytes;

/// A label of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Label<'a> {
    /// The URL of the entry, without fragment.
    Url(&'a str),
    /// Its host, in small letters, with its port if that is not the scheme's own.
    Host(&'a str),
    /// The URL of a folder that it lies below, with the slash at its end.
    Prefix(&'a str),
    /// A tag of `Cache-Tag`, `Surrogate-Key` or `Cache-Groups`.
    Tag(&'a str),
}

impl Label<'_> {
    /// As the store has it: `host:shop.example`.
    pub fn to_bytes(&self) -> Bytes {
        let (word, text) = match self {
            Self::Url(text) => ("url", text),
            Self::Host(text) => ("host", text),
            Self::Prefix(text) => ("prefix", text),
            Self::Tag(text) => ("tag", text),
        };
        format!("{word}:{text}").into()
    }
}
