//! Parts: which bytes of a stored response answer a range, and which parts make a larger one?
//!
//! RFC 9111 §3.3 (incomplete responses), §3.4 (combining parts); RFC 9110 §14.4 (`Content-Range`),
//! §13.1.5 (`If-Range`). What a request asks for is read by [`super::range`].

use std::ops::RangeInclusive;
use std::time::SystemTime;

use http::header::{CONTENT_RANGE, IF_RANGE, RANGE};
use http::{HeaderMap, StatusCode};

use super::head::lines;
use super::precondition::{IfRange, Validators, if_range};
use super::range::{self, Answer};
use super::{EntityTag, ResponseHead, Stored, stored};

/// `Content-Range: bytes 0-4/10`, which is satisfied and well formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentRange {
    /// Position of the first byte.
    pub first: u64,
    /// Position of the last; never before the first, always within `complete`.
    pub last: u64,
    /// The length of the whole, if it is known.
    pub complete: Option<u64>,
}

/// How a request is answered from a stored response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Portion {
    /// 200: the whole, or no range is asked for that we know.
    Whole,
    /// 206: these bytes of the whole, by position, of which there are so many in all.
    Part(RangeInclusive<u64>, u64),
    /// 206 as `multipart/byteranges`: the same of several.
    Parts(Vec<RangeInclusive<u64>>, u64),
    /// 416: there is no such byte of so many.
    Unsatisfiable(u64),
    /// What is stored has not all of what is asked for: ask the origin.
    Lacks,
}

/// What became of two parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Combined {
    /// They make this one; the second wins where they overlap.
    Joined(ContentRange),
    /// They stay apart.
    Apart(Apart),
}

/// Why two parts are not combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Apart {
    /// "a cache MAY combine … if … they all share the same strong validator" (§3.4), and they do not.
    NotTheSame,
    /// There are bytes between them.
    Gap,
    /// They differ in how long the whole is.
    Length,
}

impl ContentRange {
    /// Reads the field: `None` if it is not there once, in bytes, with a range that can be.
    pub fn read<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        let text = std::str::from_utf8(value).ok()?.trim_ascii();
        let (unit, rest) = text.split_once(' ')?;
        let (range, complete) = rest.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        let complete = match complete {
            "*" => None,
            length => Some(number(length)?),
        };
        // "A Content-Range field value is invalid if it contains a range-resp that has a last-pos
        // value less than its first-pos value, or a complete-length value less than or equal to its
        // last-pos value. The recipient of an invalid Content-Range MUST NOT attempt to recombine"
        let valid = unit.eq_ignore_ascii_case("bytes")
            && first <= last
            && complete.is_none_or(|length| last < length);
        valid.then_some(Self {
            first,
            last,
            complete,
        })
    }

    /// How many bytes it has; a body of another length is not to be stored (§3.3).
    pub fn length(&self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }

    /// Is it all there is?
    pub fn is_whole(&self) -> bool {
        self.first == 0 && self.complete == Some(self.length())
    }
}

/// Decides which bytes of `stored` answer a GET with these fields. `length`: of the whole, where all
/// of it is stored (of a part, the stored `Content-Range` says it).
pub fn portion(request: &HeaderMap, stored: &Stored, length: u64, now: SystemTime) -> Portion {
    let honoured = match if_range(lines(request, &IF_RANGE), &stored.validators, now) {
        IfRange::Part => request.contains_key(RANGE),
        IfRange::Whole => false,
    };
    let complete = match stored.part {
        None if !stored.status.is_success() || !honoured => return Portion::Whole,
        None => length,
        // What is a part answers parts alone, and by positions that it has itself.
        Some(_) if !honoured => return Portion::Lacks,
        Some(ContentRange {
            complete: Some(length),
            ..
        }) => length,
        Some(_) => return Portion::Lacks,
    };
    match (range::answer(lines(request, &RANGE), complete), stored.part) {
        (Answer::Part(range), Some(have)) => {
            if *range.start() >= have.first && *range.end() <= have.last {
                Portion::Part(range, complete)
            } else {
                Portion::Lacks
            }
        }
        (Answer::Part(range), None) => Portion::Part(range, complete),
        (Answer::Parts(ranges), None) => Portion::Parts(ranges, complete),
        (Answer::Unsatisfiable, _) => Portion::Unsatisfiable(complete),
        (Answer::Whole(_) | Answer::Parts(_), Some(_)) => Portion::Lacks,
        (Answer::Whole(_), None) => Portion::Whole,
    }
}

/// May the parts be combined, and to what? RFC 9111 §3.4.
pub fn combine(
    (old, old_validators): (ContentRange, &Validators),
    (new, new_validators): (ContentRange, &Validators),
) -> Combined {
    let same = match (&old_validators.etag, &new_validators.etag) {
        (Some(old), Some(new)) => EntityTag::is_strongly(old, new),
        _ => false,
    };
    if !same {
        return Combined::Apart(Apart::NotTheSame);
    }
    let complete = match (old.complete, new.complete) {
        (Some(old), Some(new)) if old != new => return Combined::Apart(Apart::Length),
        (old, new) => new.or(old),
    };
    let last = old.last.max(new.last);
    if complete.is_some_and(|length| last >= length) {
        return Combined::Apart(Apart::Length);
    }
    let (left, right) = if old.first <= new.first {
        (old, new)
    } else {
        (new, old)
    };
    if right.first > left.last.saturating_add(1) {
        return Combined::Apart(Apart::Gap);
    }
    Combined::Joined(ContentRange {
        first: left.first,
        last,
        complete,
    })
}

/// May the rest of this response be asked for later, by `If-Range`? Only of the whole, and only "a
/// strong validator" says that it is of the same state (RFC 9110 §13.1.5).
pub fn can_go_on(stored: &Stored) -> bool {
    let strong = |tag: &EntityTag| EntityTag::is_strongly(tag, tag);
    let tag = stored.validators.etag.as_ref();
    stored.status == StatusCode::OK && stored.part.is_none() && tag.is_some_and(strong)
}

/// Does `response`, to a request for all from byte `from` on, go on with the state of `validators`? How
/// many of its first bytes are then to be passed over: none of a part that begins there, and `from` of
/// the whole.
pub fn goes_on(
    response: &ResponseHead<'_>,
    validators: &Validators,
    from: u64,
    now: SystemTime,
) -> Option<u64> {
    let new = stored::validators(response.headers, now);
    let same = EntityTag::is_strongly(new.etag.as_ref()?, validators.etag.as_ref()?);
    let skip = match response.status {
        StatusCode::OK => Some(from),
        StatusCode::PARTIAL_CONTENT => {
            let part = ContentRange::read(lines(response.headers, &CONTENT_RANGE))?;
            let to_end = part.complete.is_some_and(|length| part.last == length - 1);
            (part.first == from && to_end).then_some(0)
        }
        _ => None,
    };
    skip.filter(|_| same)
}

fn number(digits: &str) -> Option<u64> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests;
