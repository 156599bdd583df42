//! What may be seen of a response: its type, and what the filter of that type leaves.
//!
//! Fetch, "Responses": "An opaque filtered response is a filtered response whose type is "opaque",
//! URL list is empty, status is 0, status message is empty, header list is empty, and body is
//! null." What is kept is the response within; what decides is what may be seen.

use http::HeaderMap;

/// A response's type (Fetch, "concept-response-type").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ResponseType {
    /// Made by a program.
    #[default]
    Default,
    /// Of the same origin.
    Basic,
    /// Of another origin that allows this one to read it.
    Cors,
    /// A network error.
    Error,
    /// Of another origin that was not asked whether it may be read.
    Opaque,
    /// A redirect that was not followed.
    OpaqueRedirect,
}

impl ResponseType {
    /// All types.
    pub const ALL: [Self; 6] = [
        Self::Default,
        Self::Basic,
        Self::Cors,
        Self::Error,
        Self::Opaque,
        Self::OpaqueRedirect,
    ];

    /// The word of the standard.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Basic => "basic",
            Self::Cors => "cors",
            Self::Error => "error",
            Self::Opaque => "opaque",
            Self::OpaqueRedirect => "opaqueredirect",
        }
    }

    /// Is status, header list and body hidden from who holds it?
    pub fn is_hidden(self) -> bool {
        matches!(self, Self::Error | Self::Opaque | Self::OpaqueRedirect)
    }
}

/// The head of a response that is put, or was.
#[derive(Debug, Clone, Copy)]
pub struct ResponseHead<'a> {
    /// Its type.
    pub kind: ResponseType,
    /// The status within; 0 for a network error.
    pub status: u16,
    /// The fields within.
    pub headers: &'a HeaderMap,
}

impl<'a> ResponseHead<'a> {
    /// The status that may be seen.
    pub fn visible_status(self) -> u16 {
        match self.kind.is_hidden() {
            true => 0,
            false => self.status,
        }
    }

    /// The fields that may be seen; `None`: an empty list.
    pub fn visible_headers(self) -> Option<&'a HeaderMap> {
        (!self.kind.is_hidden()).then_some(self.headers)
    }

    /// "An ok status is a status in the range 200 to 299, inclusive." (Fetch)
    pub fn is_ok(self) -> bool {
        (200..300).contains(&self.visible_status())
    }
}
