use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::parse_http_date;
use crate::http::testing::after;

#[test]
fn the_three_forms_are_read() {
    // RFC 9110 §5.6.7
    check("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777));
    check("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777));
    check("Sun Nov  6 08:49:37 1994", Some(784_111_777));
    check("Sun Nov 16 08:49:37 1994", Some(784_975_777));
    check("Thu, 01 Jan 1970 00:00:00 GMT", Some(0));
    check("Wed, 31 Dec 1969 23:59:59 GMT", Some(-1));
    check("Mon, 01 Jan 1900 00:00:00 GMT", Some(-2_208_988_800));
    check("Fri, 31 Dec 9999 23:59:59 GMT", Some(253_402_300_799));
}

#[test]
fn words_are_read_in_any_case() {
    for text in [
        "SUN, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 NOV 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 gMT",
        " Sun, 06 Nov 1994 08:49:37 GMT ",
        "SUNDAY, 06-nov-94 08:49:37 gmt",
        "Mon, 06 Nov 1994 08:49:37 GMT",
    ] {
        check(text, Some(784_111_777));
    }
}

#[test]
fn what_is_like_a_date_is_none() {
    for text in [
        "",
        "0",
        "-1",
        "Thu, 18 Aug 2050 02:01:18 UTC",
        "Thu, 18 Aug 2050 02:01:18 AEST",
        "Thu, 18 Aug 2050 02:01:18",
        "Thu, 18 Aug 2050 02:01:18 +0000",
        "Thu, 18 Aug 50 02:01:18 GMT",
        "Thu 18 Aug 2050 02:01:18 GMT",
        "Thu, 18  Aug  2050 02:01:18 GMT",
        "Thu, 18-Aug-2050 02:01:18 GMT",
        "Thu, 18 Aug 2050 02.01.18 GMT",
        "Thu, 18 Aug 2050 2:01:18 GMT",
        "Thu, 8 Aug 2050 02:01:18 GMT",
        "Thu, 18 Aug 2050 02:01 GMT",
        "Thursday, 18 Aug 2050 02:01:18 GMT",
        "Thu, 18-Aug-50 02:01:18 GMT",
        "Thu, 18 August 2050 02:01:18 GMT",
        "Tho, 18 Aug 2050 02:01:18 GMT",
        "18 Aug 2050 02:01:18 GMT",
        "Thu, 18 Aug +050 02:01:18 GMT",
        "Thu Aug 8 02:01:18 2050",
        "Thu Aug  8 02:01:18 50",
        "Thu Aug é 02:01:18 2050",
        "2050-08-18T02:01:18Z",
    ] {
        check(text, None);
    }
}

#[test]
fn a_day_that_no_month_has_is_no_date() {
    check("Mon, 29 Feb 2027 00:00:00 GMT", None);
    check("Tue, 29 Feb 2028 00:00:00 GMT", Some(1_835_395_200));
    check("Tue, 29 Feb 2000 00:00:00 GMT", Some(951_782_400));
    check("Mon, 29 Feb 2100 00:00:00 GMT", None);
    check("Mon, 31 Apr 2027 00:00:00 GMT", None);
    check("Mon, 00 Apr 2027 00:00:00 GMT", None);
    check("Mon, 01 Apr 2027 24:00:00 GMT", None);
    check("Mon, 01 Apr 2027 23:60:00 GMT", None);
    check("Mon, 01 Apr 2027 23:59:61 GMT", None);
    check("Sat, 31 Dec 2016 23:59:60 GMT", Some(1_483_228_800));
}

#[test]
fn two_digits_are_a_year_at_most_fifty_years_ahead() {
    // It is 2027.
    check("Thursday, 18-Aug-50 02:01:18 GMT", Some(2_544_400_878));
    check("Friday, 01-Jan-77 00:00:00 GMT", Some(3_376_684_800));
    check("Sunday, 01-Jan-78 00:00:00 GMT", Some(252_460_800));
    check("Friday, 01-Jan-99 00:00:00 GMT", Some(915_148_800));
}

proptest::proptest! {
    #[test]
    fn every_second_reads_as_it_is_written(second in 0_u64..253_402_300_800) {
        let time = UNIX_EPOCH + Duration::from_secs(second);
        let text = httpdate::fmt_http_date(time);
        proptest::prop_assert_eq!(parse_http_date(text.as_bytes(), after(0)), Some(time));
    }

    #[test]
    fn no_bytes_make_it_panic(value in proptest::collection::vec(proptest::num::u8::ANY, 0..40)) {
        let _ = parse_http_date(&value, after(0));
    }

    #[test]
    fn nothing_like_a_date_makes_it_panic(
        value in "[A-Z][a-z]{2,7},? [ 0-9]{2}[ -][A-Za-z]{3}[ -][0-9]{2,4} [0-9:]{5,9} [A-Z0-9]{2,4}",
    ) {
        let _ = parse_http_date(value.as_bytes(), SystemTime::UNIX_EPOCH);
    }
}

fn check(text: &str, expected: Option<i64>) {
    let expected = expected.map(|second| {
        let distance = Duration::from_secs(second.unsigned_abs());
        if second < 0 {
            UNIX_EPOCH - distance
        } else {
            UNIX_EPOCH + distance
        }
    });
    assert_eq!(
        parse_http_date(text.as_bytes(), after(0)),
        expected,
        "{text}"
    );
}
