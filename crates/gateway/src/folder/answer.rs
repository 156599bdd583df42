//! Which status, header fields and bytes answer a request for a file that is there?
//!
//! Decides and does not read: [`plan`] takes what is known of the file and gives what is to be
//! sent. Conditions and ranges are decided in `revisit_rules::http`.

use std::fmt::Write as _;
use std::ops::Range;
use std::time::SystemTime;

use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, EXPIRES, HeaderName, IF_RANGE, LAST_MODIFIED, RANGE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use revisit_engine::boundary;
use revisit_rules::http::multipart::Multipart;
use revisit_rules::http::precondition::{
    Access, Conditions, IfRange, Validators, Verdict, http_date, if_range, is_strong,
};
use revisit_rules::http::range::{self, Answer};
use revisit_rules::http::{EntityTag, Strength};
use revisit_rules::site::FileStamp;

use super::Edit;

/// What a request wants of the file that answers it.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) head_only: bool,
    pub(super) headers: HeaderMap,
    pub(super) conditions: Conditions,
}

/// What is known of the bytes that would be sent.
#[derive(Debug)]
pub(super) struct Representation {
    pub(super) length: u64,
    pub(super) validators: Validators,
    /// `Content-Type`, `Cache-Control` and what else belongs to it.
    pub(super) headers: HeaderMap,
}

/// What is to be sent.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// These bytes of the representation; `None`: no body.
    pub(super) wanted: Option<Wanted>,
}

/// Bytes of a representation.
#[derive(Debug)]
pub(super) enum Wanted {
    One(Range<u64>),
    Several(Multipart),
}

impl Asking {
    pub(super) fn new(method: &Method, headers: HeaderMap, now: SystemTime) -> Self {
        let lines = |name| lines(&headers, &HeaderName::from_static(name));
        let conditions = Conditions::read(now, lines);
        Self {
            head_only: method == Method::HEAD,
            headers,
            conditions,
        }
    }

    /// The same client, asking for the page that says that nothing was found: it has set no
    /// condition on that one.
    pub(super) fn without_conditions(&self) -> Self {
        Self {
            head_only: self.head_only,
            headers: HeaderMap::new(),
            conditions: Conditions::default(),
        }
    }
}

/// Plans the answer to `asking` at `now`.
pub(super) fn plan(asking: &Asking, representation: Representation, now: SystemTime) -> Plan {
    let Representation {
        length,
        validators,
        mut headers,
    } = representation;
    if let Some(etag) = validators
        .etag
        .as_ref()
        .and_then(|tag| value(&tag.to_string()))
    {
        headers.insert(ETAG, etag);
    }
    if let Some(date) = validators
        .last_modified
        .and_then(http_date)
        .and_then(|date| value(&date))
    {
        headers.insert(LAST_MODIFIED, date);
    }
    match asking.conditions.evaluate(&validators, Access::Read, now) {
        Verdict::Proceed(_) => {}
        Verdict::NotModified(_) => {
            return Plan {
                status: StatusCode::NOT_MODIFIED,
                headers: for_304(headers),
                wanted: None,
            };
        }
        Verdict::PreconditionFailed(_) => {
            let mut headers = for_304(headers);
            headers.insert(CONTENT_LENGTH, 0.into());
            return Plan {
                status: StatusCode::PRECONDITION_FAILED,
                headers,
                wanted: None,
            };
        }
    }
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let (status, length, wanted) = match part(asking, &validators, length, now) {
        Answer::Whole(_) => (StatusCode::OK, length, Wanted::One(0..length)),
        Answer::Part(part) => {
            let (first, last) = part.into_inner();
            headers.extend(
                value(&format!("bytes {first}-{last}/{length}")).map(|v| (CONTENT_RANGE, v)),
            );
            let part = first..last + 1;
            let length = part.end - part.start;
            (StatusCode::PARTIAL_CONTENT, length, Wanted::One(part))
        }
        Answer::Parts(parts) => {
            let content_type = headers.get(CONTENT_TYPE);
            let multipart = Multipart::new(parts, length, content_type, boundary());
            headers.insert(CONTENT_TYPE, multipart.content_type.clone());
            let length = multipart.length();
            let wanted = Wanted::Several(multipart);
            (StatusCode::PARTIAL_CONTENT, length, wanted)
        }
        Answer::Unsatisfiable => {
            headers.extend(value(&format!("bytes */{length}")).map(|v| (CONTENT_RANGE, v)));
            headers.remove(CONTENT_TYPE);
            headers.insert(CONTENT_LENGTH, 0.into());
            return Plan {
                status: StatusCode::RANGE_NOT_SATISFIABLE,
                headers,
                wanted: None,
            };
        }
    };
    headers.insert(CONTENT_LENGTH, length.into());
    Plan {
        status,
        headers,
        wanted: (!asking.head_only).then_some(wanted),
    }
}

fn part(asking: &Asking, current: &Validators, length: u64, now: SystemTime) -> Answer {
    // "A server MUST ignore a Range header field received with a request method … for which range
    // handling is not defined. For this specification, GET is the only method" (§14.2)
    if asking.head_only {
        return Answer::Whole(range::Why::NotAsked);
    }
    match if_range(lines(&asking.headers, &IF_RANGE), current, now) {
        IfRange::Part => range::answer(lines(&asking.headers, &RANGE), length),
        IfRange::Whole => Answer::Whole(range::Why::NotAsked),
    }
}

/// "The server generating a 304 response MUST generate any of the following header fields that
/// would have been sent in a 200 …: Content-Location, Date, ETag, and Vary; Cache-Control and
/// Expires" (RFC 9110 §15.4.5). Others are left out, but for `Last-Modified` where it is the only
/// validator.
fn for_304(mut headers: HeaderMap) -> HeaderMap {
    let has_etag = headers.contains_key(ETAG);
    let mut kept = HeaderMap::new();
    for name in [
        CONTENT_LOCATION,
        ETAG,
        VARY,
        CACHE_CONTROL,
        EXPIRES,
        LAST_MODIFIED,
    ] {
        if name == LAST_MODIFIED && has_etag {
            continue;
        }
        if let http::header::Entry::Occupied(entry) = headers.entry(&name) {
            let (_, values) = entry.remove_entry_mult();
            for value in values {
                kept.append(&name, value);
            }
        }
    }
    kept
}

/// Header fields that every file has; the caller adds or replaces its own.
pub(super) fn file_headers(
    media_type: HeaderValue,
    cache_control: Option<&HeaderValue>,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, media_type);
    // "no-cache": keep it, and ask each time whether it is current, which costs a 304.
    let cache_control = cache_control.cloned().unwrap_or(NO_CACHE);
    headers.insert(CACHE_CONTROL, cache_control);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
}

/// The tag of bytes by their hash: 128 bits of it name them well enough.
pub(super) fn tag_of_hash(sha256: &[u8; 32]) -> Option<EntityTag> {
    let mut text = String::with_capacity(32);
    for byte in &sha256[..16] {
        let _ = write!(text, "{byte:02x}");
    }
    EntityTag::new(Strength::Strong, &text)
}

/// The tag of a file by its stamp and what is changed on its way out. A file that is still being
/// written gets a weak one: the next change may fall into the same tick of the clock.
pub(super) fn tag_of_stamp(stamp: &FileStamp, edits: &[Edit], settled: bool) -> Option<EntityTag> {
    let FileStamp {
        size,
        inode,
        modified_ns,
        changed_ns,
    } = stamp;
    let mut text = format!("{size:x}-{inode:x}-{modified_ns:x}-{changed_ns:x}");
    for Edit { range, insert } in edits {
        let _ = write!(
            text,
            "-{:x}.{:x}.{:016x}",
            range.start,
            range.end,
            fnv_1a(insert)
        );
    }
    let strength = if settled {
        Strength::Strong
    } else {
        Strength::Weak
    };
    EntityTag::new(strength, &text)
}

/// When the file changed, if that date may be sent.
///
/// Not where the second it names is not over at `now`: the file may change again in it, and a
/// client that has the date would be told 304 for ever (§8.8.2.2). That rule also leaves out dates
/// in the future, which must not be sent (§8.8.2.1). Not where the overlay has a part in the bytes:
/// the file's date is not theirs.
pub(super) fn last_modified(
    stamp: &FileStamp,
    edits: &[Edit],
    now: SystemTime,
) -> Option<SystemTime> {
    let after = u64::try_from(stamp.modified_ns).ok()?;
    let modified = SystemTime::UNIX_EPOCH.checked_add(std::time::Duration::from_nanos(after))?;
    (edits.is_empty() && is_strong(modified, now)).then_some(modified)
}

/// FNV-1a, 64 bits: tells texts apart that no one made in order to collide.
fn fnv_1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn lines<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    headers.get_all(name).into_iter().map(HeaderValue::as_bytes)
}

fn value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(text).ok()
}

pub(super) const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
