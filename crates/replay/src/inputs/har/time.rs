//! Times in HAR files: ISO 8601 as `2026-11-22T09:30:00.125+01:00` or with a `Z`.

use std::time::{Duration, SystemTime};

/// The time that `text` says, to the millisecond; `None` for what is none, or before 1970.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    let (date, clock) = text.split_once(['T', ' '])?;
    let mut date = date.split('-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    if date.next().is_some()
        || !(1970..=9999).contains(&year)
        || !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
    {
        return None;
    }
    let zone = clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at(zone);
    let mut parts = clock.split(':');
    let (hour, minute): (i64, i64) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let second: f64 = parts.next().unwrap_or("0").parse().ok()?;
    if parts.next().is_some()
        || !(0..=24).contains(&hour)
        || !(0..60).contains(&minute)
        || !(0.0..61.0).contains(&second)
    {
        return None;
    }
    let offset = match zone
        .strip_prefix('+')
        .map(|zone| (1, zone))
        .or_else(|| zone.strip_prefix('-').map(|zone| (-1, zone)))
    {
        None => 0,
        Some((sign, zone)) => {
            let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
            let (hours, minutes) = digits.split_at_checked(2)?;
            let minutes: i64 = if minutes.is_empty() {
                0
            } else {
                minutes.parse().ok()?
            };
            sign * (hours.parse::<i64>().ok()? * 60 + minutes)
        }
    };
    let minutes = days(year, month, day) * 1440 + hour * 60 + minute - offset;
    let milliseconds = u64::try_from(minutes).ok()?.checked_mul(60_000)? + (second * 1000.0) as u64;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds))
}

/// Days since 1970-01-01 in the Gregorian calendar (Howard Hinnant's `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year / 400;
    let of_era = year % 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, milliseconds: Option<u64>) {
        let expected = milliseconds.map(|it| SystemTime::UNIX_EPOCH + Duration::from_millis(it));
        assert_eq!(parse(text), expected, "{text}");
    }

    #[test]
    fn a_time_is_read_with_its_zone() {
        check("1970-01-01T00:00:00Z", Some(0));
        check("2026-11-22T09:30:00.125Z", Some(1_795_339_800_125));
        check("2026-11-22T10:30:00.125+01:00", Some(1_795_339_800_125));
        check("2026-11-22T04:00:00.125-0530", Some(1_795_339_800_125));
        check("2024-02-29T00:00:00Z", Some(1_709_164_800_000));
        check("2026-11-22T09:30Z", Some(1_795_339_800_000));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "yesterday",
            "2026-11-22",
            "1969-12-31T23:59:59Z",
            "2026-13-01T00:00:00Z",
            "2026-11-22T25:00:00Z",
        ] {
            check(text, None);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), near in "[0-9]{1,4}-[0-9]{1,2}-[0-9]{1,2}T[0-9:.+Z-]{0,20}") {
            parse(&text);
            parse(&near);
        }
    }
}
