//! Freshness: whether a callback was sent close enough to now.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// RFC 3339 with any number of fraction digits; a missing offset is read as UTC, as some Seismic payloads have none.
pub(crate) fn parse_time(text: &str) -> Option<SystemTime> {
    parse_instant(text).or_else(|| parse_local(text))
}

/// The same without an offset, read as UTC.
pub(crate) fn parse_local(text: &str) -> Option<SystemTime> {
    let local: DateTime = text.parse().ok()?;
    Some(local.to_zoned(TimeZone::UTC).ok()?.timestamp().into())
}

/// RFC 3339 with any number of fraction digits, and with an offset.
pub(crate) fn parse_instant(text: &str) -> Option<SystemTime> {
    text.parse::<Timestamp>().ok().map(SystemTime::from)
}

/// Whether it is before the year 2000. No platform is that old, so such a time is a placeholder, such as the zero of a clock: the
/// years 1, 1601, 1900 and 1970 are in use.
pub(crate) fn is_before_all_platforms(time: SystemTime) -> bool {
    time < SystemTime::UNIX_EPOCH + Duration::from_secs(946_684_800)
}

/// Seconds since the epoch in decimal, as Slack and Stripe write them in a header.
pub(crate) fn parse_unix_seconds(text: &str) -> Option<SystemTime> {
    from_unix_seconds(text.parse().ok()?)
}

/// The time so many whole seconds after the epoch, or before it.
pub(crate) fn from_unix_seconds(seconds: i64) -> Option<SystemTime> {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds.is_negative() {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    }
}

/// Not older than `max_age` and not further ahead: clocks differ both ways, and a time far ahead would never grow stale.
pub(crate) fn is_fresh(sent: SystemTime, now: SystemTime, max_age: Duration) -> bool {
    let distance = match now.duration_since(sent) {
        Ok(age) => age,
        Err(ahead) => ahead.duration(),
    };
    distance <= max_age
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn reads_the_forms_that_platforms_send() {
        let expected = at(1_598_949_942);
        for text in [
            "2020-09-01T08:45:42Z",
            "2020-09-01T08:45:42.000Z",
            "2020-09-01T10:45:42+02:00",
            "2020-09-01T08:45:42",
        ] {
            assert_eq!(parse_time(text), Some(expected), "{text}");
        }
        let fraction = expected + Duration::from_nanos(29_898_593);
        assert_eq!(parse_time("2020-09-01T08:45:42.029898593Z"), Some(fraction));
        for text in ["", "yesterday", "2020-13-01T00:00:00Z", "1598949942", "0001-01-01T00:00:00"] {
            assert_ne!(parse_time(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn no_platform_is_older_than_the_year_2000() {
        let first = parse_time("2000-01-01T00:00:00Z").unwrap();
        assert!(!is_before_all_platforms(first));
        assert!(is_before_all_platforms(first - Duration::from_nanos(1)));
    }

    #[test]
    fn too_old_and_too_far_ahead_are_both_stale() {
        let five = Duration::from_secs(300);
        for (sent, fresh) in [(699, false), (700, true), (1000, true), (1300, true), (1301, false)] {
            assert_eq!(is_fresh(at(sent), at(1000), five), fresh, "{sent}");
        }
    }

    #[test]
    fn a_hostile_time_does_not_overflow() {
        for text in [i64::MIN.to_string(), i64::MAX.to_string(), "9".repeat(40), "-".into(), String::new()] {
            let fresh =
                parse_unix_seconds(&text).is_some_and(|sent| is_fresh(sent, at(0), Duration::MAX / 4));
            assert!(!fresh, "{text}");
        }
    }
}
