//! RFC 3339: a time as platforms write it, read into a `SystemTime`.

use std::time::{Duration, SystemTime};

/// RFC 3339 with any number of fraction digits, of which nine count; a missing offset is read as UTC, as some Seismic
/// payloads have none. `None` for anything else, such as a day that its month does not have.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let (moment, rest) = text.as_bytes().split_first_chunk()?;
    #[rustfmt::skip]
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b't' | b' ', h1, h2, b':', n1, n2, b':', s1, s2] = *moment
    else {
        return None;
    };
    let (year, month, day) = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?);
    if !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (nanoseconds, offset) = fraction(rest)?;
    let minutes = (days_since_1970(year, month, day) * 24 + hour) * 60 + minute - minutes_ahead(offset)?;
    let seconds = minutes * 60 + second.min(59); // a leap second has no number of its own
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let time = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(whole)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(whole)
    };
    time?.checked_add(nanoseconds)
}

/// The fraction of a second, if there is one, and what follows.
fn fraction(rest: &[u8]) -> Option<(Duration, &[u8])> {
    let Some(rest) = rest.strip_prefix(b".") else { return Some((Duration::ZERO, rest)) };
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, offset) = rest.split_at(length);
    let digit = |at| digits.get(at).map_or(0, |digit| u64::from(digit - b'0'));
    let nanoseconds = (0..9).fold(0, |value, at| value * 10 + digit(at));
    (length > 0).then_some((Duration::from_nanos(nanoseconds), offset))
}

/// How far the clock that was written down is ahead of UTC.
fn minutes_ahead(offset: &[u8]) -> Option<i64> {
    let (sign, h1, h2, m1, m2) = match *offset {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', h1, h2, b':', m1, m2] => (1, h1, h2, m1, m2),
        [b'-', h1, h2, b':', m1, m2] => (-1, h1, h2, m1, m2),
        _ => return None,
    };
    let (hours, minutes) = (number(&[h1, h2])?, number(&[m1, m2])?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// The value of these decimal digits, which are not many.
fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0')))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Of the proleptic Gregorian calendar. Counts from a March, so that a leap day is a year's last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let before_month = (153 * month + 2) / 5; // 31, 30, 31, 30, 31 days, again and again
    year * 365 + leap_days + before_month + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use jiff::civil::DateTime;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    fn by_jiff(text: &str) -> Option<SystemTime> {
        if let Ok(time) = text.parse::<Timestamp>() {
            return Some(time.into());
        }
        let local: DateTime = text.parse().ok()?;
        Some(local.to_zoned(TimeZone::UTC).ok()?.timestamp().into())
    }

    #[test]
    fn reads_the_forms_that_platforms_send() {
        let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(1_598_949_942);
        for text in [
            "2020-09-01T08:45:42Z",
            "2020-09-01T08:45:42.000Z",
            "2020-09-01T08:45:42.0000000000009Z",
            "2020-09-01T10:45:42+02:00",
            "2020-08-31T22:15:42-10:30",
            "2020-09-01T08:45:42",
            "2020-09-01t08:45:42z",
            "2020-09-01 08:45:42Z",
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        let fraction = expected + Duration::from_nanos(29_898_593);
        assert_eq!(parse("2020-09-01T08:45:42.029898593Z"), Some(fraction));
        assert_eq!(parse("2020-09-01T08:45:42.029898593"), Some(fraction));
    }

    #[test]
    fn what_is_no_such_time_is_not_guessed() {
        for text in [
            "",
            "yesterday",
            "1598949942",
            "2020-09-01",
            "2020-09-01T08:45Z",
            "2020-09-01T08:45:42.Z",
            "2020-09-01T08:45:42,5Z",
            "2020-09-01T08:45:42ZZ",
            "2020-09-01T08:45:42Z+02:00",
            "2020-09-01T08:45:42+0200",
            "2020-09-01T08:45:42+24:00",
            "2020-09-01T08:45:42+02:60",
            "2020-09-01T08:45:42\u{b1}02:00",
            "2020-09-01T08:45:+1Z",
            "2020-09-01T24:00:00Z",
            "2020-09-01T08:60:00Z",
            "2020-09-01T08:45:61Z",
            "2020-13-01T00:00:00Z",
            "2020-00-01T00:00:00Z",
            "2020-09-31T00:00:00Z",
            "2021-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "+002020-09-01T08:45:42Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_well_kept_calendar_agrees(
            (year, month, day) in (1..=9998, 0..=13, 0..=32),
            (hour, minute, second) in (0..=24, 0..=60, 0..=61),
            fraction in r"(\.[0-9]{1,9})?",
            offset in "(Z|[+-](0[0-9]|1[0-9]|2[0-3]):[0-5][0-9])?",
        ) {
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{offset}");
            prop_assert_eq!(parse(&text), by_jiff(&text), "{}", text);
        }

        #[test]
        fn no_text_brings_it_down(text in r"\PC{0,40}|[0-9TZ:. +-]{0,40}") {
            parse(&text);
        }
    }
}
