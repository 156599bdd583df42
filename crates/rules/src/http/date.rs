//! Which moment does an HTTP date name?
//!
//! The three forms of RFC 9110 §5.6.7, and nothing like them: what is no date is stale. Names and
//! `GMT` are read in any case, since that can mean nothing else.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::DATE;
use http::{HeaderMap, HeaderValue};

use super::precondition::http_date;

/// Reads one date. `now` says which century a year of two digits is of: "a timestamp that appears
/// to be more than 50 years in the future" is "the most recent year in the past that had the same
/// last two digits".
///
/// The day of the week is looked at as a word, not compared: dates with the wrong one are common,
/// and mean the day of the month.
pub fn parse_http_date(value: &[u8], now: SystemTime) -> Option<SystemTime> {
    let text = std::str::from_utf8(value.trim_ascii()).ok()?;
    imf(text)
        .or_else(|| rfc_850(text, now))
        .or_else(|| asctime(text))
}

/// The date of a field that stands once in a message; `None` if it is absent, there twice, or no
/// date.
pub(super) fn single<'a>(
    mut values: impl Iterator<Item = &'a [u8]>,
    now: SystemTime,
) -> Option<SystemTime> {
    let value = values.next()?;
    match values.next() {
        None => parse_http_date(value, now),
        Some(_) => None,
    }
}

/// "A recipient with a clock that receives a response message without a Date header field MUST
/// record the time it was received and append a corresponding Date header field to the message's
/// header section if it is cached or forwarded downstream" (RFC 9110 §6.6.1)
pub fn append(headers: &mut HeaderMap, received: SystemTime) {
    if !headers.contains_key(DATE)
        && let Some(date) = http_date(received)
        && let Ok(value) = HeaderValue::from_str(&date)
    {
        headers.insert(DATE, value);
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn imf(text: &str) -> Option<SystemTime> {
    let (day_name, rest) = text.split_once(", ")?;
    named(day_name, &DAYS, 3)?;
    let [day, month, year, time, zone] = words(rest)?;
    is_gmt(zone)?;
    moment(digits(year, 4)?, month, digits(day, 2)?, time)
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`
fn rfc_850(text: &str, now: SystemTime) -> Option<SystemTime> {
    let (day_name, rest) = text.split_once(", ")?;
    named(day_name, &DAYS, usize::MAX)?;
    let [date, time, zone] = words(rest)?;
    is_gmt(zone)?;
    let mut parts = date.split('-');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (short, day) = (digits(year, 2)?, digits(day, 2)?);
    let at = |year| moment(year, month, day, time);
    // The year of `now` is not asked for: the latest century whose moment is at most 50 years
    // ahead is the one.
    let latest = now.checked_add(FIFTY_YEARS)?;
    (19..=99)
        .rev()
        .filter_map(|century| at(century * 100 + short))
        .find(|moment| *moment <= latest)
}

/// `Sun Nov  6 08:49:37 1994`
fn asctime(text: &str) -> Option<SystemTime> {
    let text = text.is_ascii().then_some(text)?;
    let (day_name, rest) = text.split_once(' ')?;
    named(day_name, &DAYS, 3)?;
    let (month, rest) = rest.split_once(' ')?;
    let (day, rest) = rest.split_at_checked(2)?;
    let day = day
        .strip_prefix(' ')
        .map_or_else(|| digits(day, 2), |day| digits(day, 1))?;
    let (time, year) = rest.strip_prefix(' ')?.split_once(' ')?;
    moment(digits(year, 4)?, month, day, time)
}

/// Exactly so many words with one space between each.
fn words<const N: usize>(text: &str) -> Option<[&str; N]> {
    let mut all = text.split(' ');
    let mut words = [""; N];
    for word in &mut words {
        *word = all.next()?;
    }
    all.next().is_none().then_some(words)
}

fn is_gmt(zone: &str) -> Option<()> {
    zone.eq_ignore_ascii_case("GMT").then_some(())
}

/// The place of `name` among `names`, which are cut to `length` letters.
fn named(name: &str, names: &[&str], length: usize) -> Option<u32> {
    let place = names
        .iter()
        .position(|known| known[..length.min(known.len())].eq_ignore_ascii_case(name))?;
    u32::try_from(place).ok()
}

fn digits(text: &str, length: usize) -> Option<u32> {
    let all_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    (text.len() == length && all_digits).then(|| text.parse().ok())?
}

fn moment(year: u32, month: &str, day: u32, time: &str) -> Option<SystemTime> {
    let month = named(month, &MONTHS, 3)? + 1;
    let mut clock = time.split(':').map(|part| digits(part, 2));
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    // "second = 2DIGIT", and 60 is a leap second.
    if clock.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    if day == 0 || day > days_of(year, month) {
        return None;
    }
    let days = days_since_1970(i64::from(year), i64::from(month), i64::from(day));
    let seconds = days * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    }
}

fn days_of(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the Gregorian calendar; a year that begins in March ends with its leap day.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

const FIFTY_YEARS: Duration = Duration::from_secs(50 * 31_556_952);
const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

#[cfg(test)]
mod tests;
