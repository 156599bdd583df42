//! What the one who runs a gateway has changed in messages: fields, and a lifetime where the origin
//! says none.
//!
//! Requests are changed before the cache looks at them and responses before it judges them, so that
//! what it decides by is what was sent and what is kept. Fields that say how a message is framed,
//! for whom a connection is, or on which the cache's own rules rest, cannot be changed.

use std::time::Duration;

use http::header::{
    AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, EXPECT,
    EXPIRES, FORWARDED, HOST, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, LAST_MODIFIED, MAX_FORWARDS, PRAGMA, RANGE, SET_COOKIE, VARY, VIA,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::hop;

/// Which messages are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Those to the origin.
    Request,
    /// Those from it.
    Response,
}

/// What is done with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// Its lines go.
    Remove,
    /// It has this value and no other.
    Set,
    /// One more line.
    Add,
}

/// Changes of fields: some go, then some are set, then some are added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    remove: Vec<HeaderName>,
    set: Vec<(HeaderName, HeaderValue)>,
    add: Vec<(HeaderName, HeaderValue)>,
}

/// Why a field cannot be changed so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It is no name of a field.
    #[error("`{0}` is no name of a header field")]
    Name(String),
    /// It is no value of a field: it has control characters.
    #[error("the value of `{0}` has characters that no header field may have")]
    Value(String),
    /// It is not ours to change.
    #[error("`{name}` cannot be changed: {why}")]
    Forbidden {
        /// Which field.
        name: HeaderName,
        /// What it is for.
        why: Forbids,
    },
}

/// What a field is for that cannot be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Forbids {
    /// It is of one connection, or says where a message ends.
    #[error("it says how the message is sent over its connection, which is told anew on each")]
    Framing,
    /// It says how the bytes of the body are to be read.
    #[error("it says how the body is to be read, which stays as it is")]
    Content,
    /// It is part of the question that an answer is kept under.
    #[error("answers are kept under it")]
    Key,
    /// The cache makes and answers conditions and ranges.
    #[error("the cache asks for parts and on conditions by itself")]
    Condition,
    /// It tells on which way a message came.
    #[error("it tells on which way the message came")]
    Way,
    /// It says which state of a resource this is: a constant would be taken for it after a change.
    #[error(
        "it names the state of the resource, and a fixed one would outlive it; it can be removed"
    )]
    Validator,
    /// The cache counts by it.
    #[error("the cache counts the age by it")]
    Time,
    /// It says which requests a response answers; another one would give it to others.
    #[error("it says whom the answer is for; more can be added to it")]
    Selection,
}

impl Edits {
    /// Reads changes for messages of one side; refuses what may not be changed.
    pub fn new<'a>(
        side: Side,
        changes: impl IntoIterator<Item = (Change, &'a str, &'a str)>,
    ) -> Result<Self, EditError> {
        let mut edits = Self::default();
        for (change, name, value) in changes {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| EditError::Name(name.to_owned()))?;
            if let Some(why) = forbidden(side, change, &name) {
                return Err(EditError::Forbidden { name, why });
            }
            let value = || {
                HeaderValue::from_str(value.trim()).map_err(|_| EditError::Value(name.to_string()))
            };
            match change {
                Change::Remove => edits.remove.push(name),
                Change::Set => edits.set.push((name.clone(), value()?)),
                Change::Add => edits.add.push((name.clone(), value()?)),
            }
        }
        Ok(edits)
    }

    /// Is there nothing to do?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Changes the fields of a message.
    pub fn apply(&self, headers: &mut HeaderMap) {
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            headers.insert(name, value.clone());
        }
        for (name, value) in &self.add {
            headers.append(name, value.clone());
        }
    }
}

/// Why this may not be done with this field, if it may not.
fn forbidden(side: Side, change: Change, name: &HeaderName) -> Option<Forbids> {
    if hop::is_of_one_hop(name) || *name == CONTENT_LENGTH || *name == EXPECT {
        return Some(Forbids::Framing);
    }
    if *name == CONTENT_ENCODING || *name == CONTENT_RANGE {
        return Some(Forbids::Content);
    }
    let way = [VIA, FORWARDED, MAX_FORWARDS, CDN_LOOP, CACHE_STATUS];
    if way.contains(name) {
        return Some(Forbids::Way);
    }
    let conditions = [
        RANGE,
        IF_RANGE,
        IF_MATCH,
        IF_NONE_MATCH,
        IF_MODIFIED_SINCE,
        IF_UNMODIFIED_SINCE,
    ];
    match (side, change) {
        (Side::Request, _) if *name == HOST => Some(Forbids::Key),
        (Side::Request, _) if conditions.contains(name) => Some(Forbids::Condition),
        (Side::Request, _) => None,
        (Side::Response, _) if *name == AGE || *name == DATE => Some(Forbids::Time),
        (Side::Response, Change::Remove | Change::Set) if *name == VARY => Some(Forbids::Selection),
        (Side::Response, Change::Add | Change::Set) if [ETAG, LAST_MODIFIED].contains(name) => {
            Some(Forbids::Validator)
        }
        (Side::Response, _) => None,
    }
}

/// Says a lifetime in a 200 that says nothing of one, and sets no cookie.
pub fn add_lifetime(status: StatusCode, headers: &mut HeaderMap, lifetime: Duration) {
    let says = [
        CACHE_CONTROL,
        EXPIRES,
        PRAGMA,
        SET_COOKIE,
        CDN_CACHE_CONTROL,
    ];
    if status != StatusCode::OK || says.iter().any(|name| headers.contains_key(name)) {
        return;
    }
    if let Ok(value) = HeaderValue::try_from(format!("max-age={}", lifetime.as_secs())) {
        headers.insert(CACHE_CONTROL, value);
    }
}

const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::testing::fields;

    #[test]
    fn fields_go_first_then_are_set_then_added() {
        let changes = [
            (Change::Add, "X-Add", "2"),
            (Change::Set, "x-set", " new "),
            (Change::Remove, "X-Gone", ""),
            (Change::Remove, "x-back", ""),
            (Change::Add, "x-back", "1"),
        ];
        let edits = Edits::new(Side::Request, changes).unwrap();
        let mut headers = fields("x-add: 1\nx-set: a\nx-set: b\nx-gone: 1\nx-gone: 2\nx-back: 0");
        edits.apply(&mut headers);
        let expected = fields("x-add: 1\nx-add: 2\nx-set: new\nx-back: 1");
        assert_eq!(headers, expected);
        assert!(Edits::default().is_empty() && !edits.is_empty());
    }

    #[test]
    fn what_the_cache_and_the_connection_rest_on_cannot_be_changed() {
        use Change::{Add, Remove, Set};
        use Side::{Request, Response};
        for side in [Request, Response] {
            for change in [Add, Remove, Set] {
                for name in [
                    "Connection",
                    "transfer-encoding",
                    "Content-Length",
                    "TE",
                    "Keep-Alive",
                    "Upgrade",
                ] {
                    check(side, change, name, Some(Forbids::Framing));
                }
                check(side, change, "Content-Encoding", Some(Forbids::Content));
                check(side, change, "Via", Some(Forbids::Way));
                check(side, change, "Cache-Status", Some(Forbids::Way));
                check(side, change, "X-Any", None);
                check(side, change, "Cache-Control", None);
            }
        }
        check(Request, Set, "Host", Some(Forbids::Key));
        check(Request, Remove, "Range", Some(Forbids::Condition));
        check(Request, Set, "If-None-Match", Some(Forbids::Condition));
        check(Request, Remove, "Cookie", None);
        check(Request, Set, "Authorization", None);
        check(Request, Set, "X-Forwarded-Proto", None);
        check(Response, Set, "Age", Some(Forbids::Time));
        check(Response, Remove, "Date", Some(Forbids::Time));
        check(Response, Set, "Vary", Some(Forbids::Selection));
        check(Response, Remove, "Vary", Some(Forbids::Selection));
        check(Response, Add, "Vary", None);
        check(Response, Set, "ETag", Some(Forbids::Validator));
        check(Response, Remove, "ETag", None);
        check(Response, Remove, "Set-Cookie", None);
    }

    fn check(side: Side, change: Change, name: &str, expected: Option<Forbids>) {
        let why = match Edits::new(side, [(change, name, "1")]) {
            Ok(_) => None,
            Err(EditError::Forbidden { why, .. }) => Some(why),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(why, expected, "{side:?} {change:?} {name}");
    }

    #[test]
    fn what_is_no_field_is_refused() {
        for (name, value) in [("a b", "1"), ("", "1"), ("x", "a\nb"), ("x", "a\0")] {
            assert!(Edits::new(Side::Response, [(Change::Set, name, value)]).is_err());
        }
    }

    #[test]
    fn a_lifetime_is_said_where_nothing_is_said() {
        for (status, before, added) in [
            (200, "", true),
            (200, "etag: \"1\"", true),
            (404, "", false),
            (200, "cache-control: no-cache", false),
            (200, "cdn-cache-control: max-age=1", false),
            (200, "expires: 0", false),
            (200, "pragma: no-cache", false),
            (200, "set-cookie: a=b", false),
        ] {
            let mut headers = fields(before);
            let status = StatusCode::from_u16(status).unwrap();
            add_lifetime(status, &mut headers, Duration::from_secs(60));
            let said = headers
                .get(CACHE_CONTROL)
                .is_some_and(|it| it == "max-age=60");
            assert_eq!(said, added, "{status} {before}");
        }
    }
}
