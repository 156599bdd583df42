//! Preconditions: is a request to be carried out on the state that the resource has now?
//!
//! The caller has selected a representation and would answer 2xx; for any other answer
//! preconditions are not looked at (RFC 9110 §13.2.1). Nothing here reads a clock.
//!
//! RFC 9110 §13.1 (the fields), §13.2.2 (their order), §8.8.2.2 (when a date is a validator).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{EntityTag, date};

/// The conditions of a request. A field that says nothing valid counts as absent where it would
/// save a transfer, and as not met where it would protect from an overwrite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
    if_modified_since: Option<SystemTime>,
    if_unmodified_since: Option<SystemTime>,
}

/// The state that the resource has now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// Its entity tag.
    pub etag: Option<EntityTag>,
    /// When it last changed. Field values hold whole seconds; finer parts are not looked at.
    pub last_modified: Option<SystemTime>,
}

/// What the method does with the representation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// GET and HEAD.
    Read,
    /// Any other method.
    Write,
}

/// What is to be done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Carry it out.
    Proceed(Met),
    /// 304: the client has this state.
    NotModified(Same),
    /// 412: the resource is not in the state that the client supposes.
    PreconditionFailed(Differs),
}

/// Why a request is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// It sets no condition that counts here.
    Unconditional,
    /// Its `If-Match` or `If-Unmodified-Since` holds.
    AsSupposed,
    /// None of the states that the client has is the current one.
    Modified,
    /// The dates agree, but the resource changed less than a second ago: the second in which it
    /// was written is not over, and it may have been written twice in it.
    TooRecent,
}

/// By which field the client has the current state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Same {
    /// `If-None-Match` names its tag.
    EntityTag,
    /// `If-None-Match: *`, and there is a representation.
    Any,
    /// `If-Modified-Since` is no earlier than its last change.
    Date,
}

/// Which condition does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Differs {
    /// `If-Match` does not name the current tag.
    IfMatch,
    /// It changed after `If-Unmodified-Since`.
    IfUnmodifiedSince,
    /// `If-None-Match` names the current tag, and the request would change it.
    IfNoneMatch,
}

/// Does `If-Range` allow to answer with a part?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfRange {
    /// There is none, or the client's part is of the current state.
    Part,
    /// The client's part is of another state, or may be: the whole is to be sent.
    Whole,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    Any,
    These(Vec<EntityTag>),
}

impl Conditions {
    /// Reads the conditions from header fields: `values` gives the lines of a field by its name
    /// in lower case. `now` says which century a date with two digits for its year is of.
    pub fn read<'a, I>(now: SystemTime, values: impl Fn(&'static str) -> I) -> Self
    where
        I: Iterator<Item = &'a [u8]>,
    {
        Self {
            if_match: tags(values("if-match")),
            if_none_match: tags(values("if-none-match")),
            if_modified_since: date::single(values("if-modified-since"), now),
            if_unmodified_since: date::single(values("if-unmodified-since"), now),
        }
    }

    /// True if no condition is set, so that the representation will surely be asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Decides, in the order of RFC 9110 §13.2.2.
    pub fn evaluate(&self, current: &Validators, access: Access, now: SystemTime) -> Verdict {
        // 1. "When recipient is the origin server and If-Match is present …: if true, continue to
        //    step 3; if false, respond 412"
        let mut met = Met::Unconditional;
        if let Some(tags) = &self.if_match {
            if !tags.hold(current, EntityTag::is_strongly) {
                return Verdict::PreconditionFailed(Differs::IfMatch);
            }
            met = Met::AsSupposed;
        // 2. "… If-Match is not present, and If-Unmodified-Since is present": a date "earlier
        //    than or equal to the date provided" holds (§13.1.4); without a date to compare "A
        //    recipient MUST ignore the If-Unmodified-Since header field".
        } else if let (Some(since), Some(modified)) =
            (self.if_unmodified_since, current.last_modified)
        {
            if seconds(modified) > seconds(since) {
                return Verdict::PreconditionFailed(Differs::IfUnmodifiedSince);
            }
            met = Met::AsSupposed;
        }
        // 3. "When If-None-Match is present …: if true, continue to step 5; if false for GET/HEAD,
        //    respond 304; if false for other methods, respond 412"
        if let Some(tags) = &self.if_none_match {
            return match (tags.hold(current, EntityTag::is_weakly), access, tags) {
                (false, _, _) => Verdict::Proceed(Met::Modified),
                (true, Access::Read, Tags::Any) => Verdict::NotModified(Same::Any),
                (true, Access::Read, Tags::These(_)) => Verdict::NotModified(Same::EntityTag),
                (true, Access::Write, _) => Verdict::PreconditionFailed(Differs::IfNoneMatch),
            };
        }
        // 4. "When the method is GET or HEAD, If-None-Match is not present, and If-Modified-Since
        //    is present …: if true, continue to step 5; if false, respond 304"
        if let (Access::Read, Some(since), Some(modified)) =
            (access, self.if_modified_since, current.last_modified)
        {
            if seconds(modified) > seconds(since) {
                return Verdict::Proceed(Met::Modified);
            }
            if !is_strong(modified, now) {
                return Verdict::Proceed(Met::TooRecent);
            }
            return Verdict::NotModified(Same::Date);
        }
        // 5. Range and If-Range: see `if_range`.
        Verdict::Proceed(met)
    }
}

/// Step 5 of §13.2.2: may `Range` be honoured? `values` are the lines of `If-Range`.
///
/// "If the validator given is an HTTP-date … not a strong validator in the sense defined by
/// §8.8.2.2, the condition is false. … exactly matches the Last-Modified … the condition is true.
/// … an entity tag …: exactly matches the ETag … using the strong comparison function, the
/// condition is true." (§13.1.5)
pub fn if_range<'a>(
    mut values: impl Iterator<Item = &'a [u8]>,
    current: &Validators,
    now: SystemTime,
) -> IfRange {
    let Some(value) = values.next() else {
        return IfRange::Part;
    };
    let value = value.trim_ascii();
    let holds = match EntityTag::parse(value) {
        _ if values.next().is_some() => false,
        Some((tag, b"")) => current
            .etag
            .as_ref()
            .is_some_and(|etag| etag.is_strongly(&tag)),
        Some(_) => false,
        None => match (date::parse_http_date(value, now), current.last_modified) {
            (Some(date), Some(modified)) => {
                seconds(date) == seconds(modified) && is_strong(modified, now)
            }
            _ => false,
        },
    };
    if holds { IfRange::Part } else { IfRange::Whole }
}

/// Is `modified`, in whole seconds, a name for one state only?
///
/// It is "if … the last modification … occurred at least one second before the Date" of the answer
/// (after §8.8.2.2): then the second that it names is over, and whatever was written in it was
/// written before. A server that sends no younger date than that never takes one state for
/// another, as long as its clock does not go back.
pub fn is_strong(modified: SystemTime, now: SystemTime) -> bool {
    seconds(now) > seconds(modified)
}

impl Tags {
    fn hold(&self, current: &Validators, same: fn(&EntityTag, &EntityTag) -> bool) -> bool {
        match self {
            // "*" asks for any current representation (§13.1.1, §13.1.2), and there is one.
            Self::Any => true,
            Self::These(tags) => match &current.etag {
                Some(etag) => tags.iter().any(|tag| same(tag, etag)),
                None => false,
            },
        }
    }
}

/// The tags of a list field; `None` if the field is absent. What is no tag is passed over.
fn tags<'a>(values: impl Iterator<Item = &'a [u8]>) -> Option<Tags> {
    let mut all: Option<Vec<EntityTag>> = None;
    for value in values {
        if value.trim_ascii() == b"*" {
            return Some(Tags::Any);
        }
        let all = all.get_or_insert_default();
        let mut rest = value;
        while !rest.is_empty() {
            match EntityTag::parse(rest) {
                Some((tag, after)) => {
                    all.push(tag);
                    rest = after;
                }
                None => rest = &rest[1..],
            }
        }
    }
    all.map(Tags::These)
}

/// Whole seconds, towards the past: what an HTTP date can say.
fn seconds(time: SystemTime) -> i128 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i128::from(after.as_secs()),
        Err(before) => {
            let before = before.duration();
            let part = before.subsec_nanos() > 0;
            -i128::from(before.as_secs()) - i128::from(part)
        }
    }
}

/// `time` as a header field writes it; `None` before 1970 and after the year 9999.
pub fn http_date(time: SystemTime) -> Option<String> {
    let after = time.duration_since(UNIX_EPOCH).ok()?;
    (after < DATE_END).then(|| httpdate::fmt_http_date(time))
}

/// The first second of the year 10000.
const DATE_END: Duration = Duration::from_secs(253_402_300_800);

#[cfg(test)]
mod tests;
