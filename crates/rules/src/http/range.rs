//! Which bytes of a representation does a `Range` field ask for?
//!
//! "A server MAY ignore the Range header field" (RFC 9110 §14.2), and this one does where many ranges
//! overlap or stand in no order, or where they would be more than the whole: their answer
//! ([`super::multipart`]) would cost a server dearly.
//!
//! RFC 9110 §14.1.2 (byte ranges), §14.2 (Range), §15.5.17 (416).

use std::ops::RangeInclusive;

/// How to answer a request with a `Range` field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 200: the whole.
    Whole(Why),
    /// 206: these bytes, by their first and last position; never empty, always within.
    Part(RangeInclusive<u64>),
    /// 206 as `multipart/byteranges`: these, two at least, in the order in which they are asked for.
    Parts(Vec<RangeInclusive<u64>>),
    /// 416: there is no such byte.
    Unsatisfiable,
}

/// Why the whole is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// There is no `Range` field.
    NotAsked,
    /// The unit is not `bytes`: "An origin server MUST ignore a Range header field that contains
    /// a range unit it does not understand" (§14.2).
    UnknownUnit,
    /// "A server that supports range requests MAY ignore or reject a Range header field that
    /// contains an invalid ranges-specifier" (§14.2).
    Malformed,
    /// More than [`RANGES_MAX`] ranges are asked for; or more than two, and they overlap or are not in
    /// ascending order: "indications of either a broken client or a deliberate denial-of-service
    /// attack" (§14.2). Or several that have more bytes than the whole.
    TooMuch,
    /// The representation has no bytes, and a part of it cannot be named: `Content-Range` has no
    /// words for nothing. Only a suffix gets here; "bytes=0-" is unsatisfiable.
    Empty,
}

/// Decides which bytes of `length` answer a request with these lines of a `Range` field.
pub fn answer<'a>(mut values: impl Iterator<Item = &'a [u8]>, length: u64) -> Answer {
    let Some(value) = values.next() else {
        return Answer::Whole(Why::NotAsked);
    };
    // Range is no list field: with two lines it has no meaning.
    if values.next().is_some() {
        return Answer::Whole(Why::Malformed);
    }
    // "ranges-specifier = range-unit "=" range-set" (§14.1.1)
    let value = value.trim_ascii();
    let Some(equals) = value.iter().position(|&byte| byte == b'=') else {
        return Answer::Whole(Why::Malformed);
    };
    let (unit, set) = (&value[..equals], &value[equals + 1..]);
    if !unit.eq_ignore_ascii_case(b"bytes") {
        return Answer::Whole(Why::UnknownUnit);
    }
    // "range-set = 1#range-spec": empty elements are passed over (§5.6.1.2).
    let mut specs = set
        .split(|&byte| byte == b',')
        .map(trim_ows)
        .filter(|spec| !spec.is_empty());
    let Some(first) = specs.next() else {
        return Answer::Whole(Why::Malformed);
    };
    let Some(second) = specs.next() else {
        return one(first, length);
    };
    several([first, second].into_iter().chain(specs), length)
}

fn several<'a>(specs: impl Iterator<Item = &'a [u8]>, length: u64) -> Answer {
    let mut parts = Vec::new();
    for (place, spec) in specs.enumerate() {
        if place >= RANGES_MAX {
            return Answer::Whole(Why::TooMuch);
        }
        match one(spec, length) {
            Answer::Part(part) => parts.push(part),
            // "… it contains at least one … that is satisfiable" (§14.1.2): the others are left out.
            Answer::Unsatisfiable => {}
            whole => return whole,
        }
    }
    // "A server MUST NOT generate a multipart response to a request for a single range", and need not
    // where one is left of several (§15.3.7.2).
    match parts.pop() {
        None => return Answer::Unsatisfiable,
        Some(only) if parts.is_empty() => return Answer::Part(only),
        Some(last) => parts.push(last),
    }
    let bytes = parts.iter().try_fold(0_u64, |sum, part| {
        sum.checked_add(part.end() - part.start() + 1)
    });
    let ascending = parts.is_sorted_by(|before, after| before.end() < after.start());
    match bytes {
        Some(bytes) if bytes <= length && (ascending || parts.len() == 2) => Answer::Parts(parts),
        _ => Answer::Whole(Why::TooMuch),
    }
}

fn one(spec: &[u8], length: u64) -> Answer {
    let Some(dash) = spec.iter().position(|&byte| byte == b'-') else {
        return Answer::Whole(Why::Malformed);
    };
    let (first, last) = (&spec[..dash], &spec[dash + 1..]);
    // "suffix-range = "-" suffix-length"
    if first.is_empty() {
        return match number(last) {
            None => Answer::Whole(Why::Malformed),
            // "… or a suffix-range with a non-zero suffix-length" is satisfiable.
            Some(0) => Answer::Unsatisfiable,
            Some(_) if length == 0 => Answer::Whole(Why::Empty),
            // "If the selected representation is shorter than the specified suffix-length, the
            // entire representation is used."
            Some(suffix) => Answer::Part(length.saturating_sub(suffix)..=length - 1),
        };
    }
    // "int-range = first-pos "-" [ last-pos ]"
    let Some(first) = number(first) else {
        return Answer::Whole(Why::Malformed);
    };
    let last = match last {
        b"" => u64::MAX,
        digits => match number(digits) {
            // "An int-range is invalid if the last-pos value is present and less than first-pos."
            Some(last) if last >= first => last,
            _ => return Answer::Whole(Why::Malformed),
        },
    };
    // "… satisfiable if it contains an int-range whose first-pos is less than the current length"
    if first >= length {
        return Answer::Unsatisfiable;
    }
    // "… or if the value is greater than or equal to the current length … the byte range is
    // interpreted as the remainder of the representation"
    Answer::Part(first..=last.min(length - 1))
}

/// A number of digits only; one too large to hold is as good as the largest: both lie behind the
/// end of whatever there is.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        Some(number.saturating_mul(10).saturating_add(digit))
    })
}

/// "OWS = *( SP / HTAB )" (§5.6.3)
fn trim_ows(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Most ranges of one request.
pub const RANGES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_at_the_end_of_what_there_is() {
        check("bytes=0-0", 10, Answer::Part(0..=0));
        check("bytes=0-8", 10, Answer::Part(0..=8));
        check("bytes=0-9", 10, Answer::Part(0..=9));
        check("bytes=0-10", 10, Answer::Part(0..=9));
        check("bytes=9-9", 10, Answer::Part(9..=9));
        check("bytes=10-10", 10, Answer::Unsatisfiable);
        check("bytes=5-", 10, Answer::Part(5..=9));
        check("bytes=9-", 10, Answer::Part(9..=9));
        check("bytes=10-", 10, Answer::Unsatisfiable);
    }

    #[test]
    fn a_suffix_counts_from_the_end() {
        check("bytes=-1", 10, Answer::Part(9..=9));
        check("bytes=-10", 10, Answer::Part(0..=9));
        check("bytes=-11", 10, Answer::Part(0..=9));
        check("bytes=-0", 10, Answer::Unsatisfiable);
    }

    #[test]
    fn of_an_empty_file_there_is_no_part() {
        check("bytes=0-", 0, Answer::Unsatisfiable);
        check("bytes=0-0", 0, Answer::Unsatisfiable);
        check("bytes=-0", 0, Answer::Unsatisfiable);
        check("bytes=-1", 0, Answer::Whole(Why::Empty));
    }

    #[test]
    fn a_number_too_large_to_hold_lies_behind_the_end() {
        check("bytes=18446744073709551615-", 10, Answer::Unsatisfiable);
        check("bytes=18446744073709551616-", 10, Answer::Unsatisfiable);
        check(
            "bytes=1-99999999999999999999999999",
            10,
            Answer::Part(1..=9),
        );
        check("bytes=-99999999999999999999999999", 10, Answer::Part(0..=9));
        check(
            "bytes=0-18446744073709551615",
            u64::MAX,
            Answer::Part(0..=u64::MAX - 1),
        );
    }

    #[test]
    fn what_is_no_range_is_passed_over() {
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=,",
            "bytes=a-b",
            "bytes=1-a",
            "bytes=2-1",
            "bytes=+1-2",
            "bytes=1--2",
            "bytes=1 -2",
            "bytes=1- 2",
            "bytes=0x1-2",
            "bytes=--1",
        ] {
            check(value, 10, Answer::Whole(Why::Malformed));
        }
        check("lines=0-1", 10, Answer::Whole(Why::UnknownUnit));
        check("bytes =0-1", 10, Answer::Whole(Why::UnknownUnit));
        assert_eq!(answer(std::iter::empty(), 10), Answer::Whole(Why::NotAsked));
        let twice = [b"bytes=0-1".as_slice(), b"bytes=0-1"];
        assert_eq!(answer(twice.into_iter(), 10), Answer::Whole(Why::Malformed));
    }

    #[test]
    fn white_space_and_empty_elements_stand_around_a_range_but_not_in_it() {
        check(" bytes=0-1 ", 10, Answer::Part(0..=1));
        check("bytes= 0-1", 10, Answer::Part(0..=1));
        check("Bytes=,\t0-1 ,", 10, Answer::Part(0..=1));
    }

    #[test]
    fn several_ranges_are_answered_as_they_are_asked_for() {
        check("bytes=0-1,3-4", 10, Answer::Parts(vec![0..=1, 3..=4]));
        check("bytes=0-1, -1", 10, Answer::Parts(vec![0..=1, 9..=9]));
        check("bytes=0-4,5-", 10, Answer::Parts(vec![0..=4, 5..=9]));
        check(
            "bytes=0-0,2-2,4-4",
            10,
            Answer::Parts(vec![0..=0, 2..=2, 4..=4]),
        );
        check("bytes=0-1,a", 10, Answer::Whole(Why::Malformed));
    }

    #[test]
    fn of_several_ranges_those_that_are_not_there_are_left_out() {
        check("bytes=0-1,10-", 10, Answer::Part(0..=1));
        check("bytes=10-,-0,9-", 10, Answer::Part(9..=9));
        check("bytes=10-,11-", 10, Answer::Unsatisfiable);
        check("bytes=0-,1-", 0, Answer::Unsatisfiable);
        check("bytes=0-,-1", 0, Answer::Whole(Why::Empty));
    }

    #[test]
    fn ranges_that_look_like_an_attack_are_passed_over() {
        let too_much = || Answer::Whole(Why::TooMuch);
        // Two may stand as they like, as long as the whole is not less.
        check("bytes=5-6,0-1", 10, Answer::Parts(vec![5..=6, 0..=1]));
        check("bytes=0-4,4-8", 10, Answer::Parts(vec![0..=4, 4..=8]));
        check("bytes=0-5,5-8", 10, Answer::Parts(vec![0..=5, 5..=8]));
        check("bytes=0-5,5-9", 10, too_much());
        check("bytes=0-,0-", 10, too_much());
        // More may not.
        check("bytes=0-0,4-4,2-2", 10, too_much());
        check("bytes=0-1,1-2,4-4", 10, too_much());
        let ranges = |count: usize| {
            let all: Vec<_> = (0..count).map(|n| format!("{0}-{0}", 2 * n)).collect();
            format!("bytes={}", all.join(","))
        };
        let most = (0..RANGES_MAX as u64).map(|n| 2 * n..=2 * n).collect();
        check(&ranges(RANGES_MAX), 1000, Answer::Parts(most));
        check(&ranges(RANGES_MAX + 1), 1000, too_much());
        let end = u64::MAX - 1;
        check("bytes=0-,0-0", u64::MAX, Answer::Whole(Why::TooMuch));
        check(
            "bytes=0-0,1-",
            u64::MAX,
            Answer::Parts(vec![0..=0, 1..=end]),
        );
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_asked_a_part_lies_within(
            value in proptest::collection::vec(proptest::num::u8::ANY, 0..40),
            length in 0_u64..20,
        ) {
            within(&value, length);
        }

        #[test]
        fn a_well_formed_part_lies_within(
            value in "bytes=[0-9]{0,20}-[0-9]{0,20}(,[0-9]{0,2}-[0-9]{0,2}){0,3}",
            length in proptest::num::u64::ANY,
        ) {
            within(value.as_bytes(), length);
        }
    }

    fn within(value: &[u8], length: u64) {
        let parts = match answer([value].into_iter(), length) {
            Answer::Part(part) => vec![part],
            Answer::Parts(parts) => parts,
            Answer::Whole(_) | Answer::Unsatisfiable => return,
        };
        for part in parts {
            assert!(
                part.start() <= part.end() && *part.end() < length,
                "{part:?} of {length}"
            );
        }
    }

    fn check(value: &str, length: u64, expected: Answer) {
        assert_eq!(
            answer([value.as_bytes()].into_iter(), length),
            expected,
            "{value} of {length}"
        );
    }
}
