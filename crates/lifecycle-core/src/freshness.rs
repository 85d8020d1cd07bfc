//! Freshness: whether a callback was sent close enough to now.

use std::time::{Duration, SystemTime};

/// Seconds since the epoch in decimal, as Slack and Stripe write them in a header.
pub(crate) fn parse_unix_seconds(text: &str) -> Option<SystemTime> {
    let seconds: i64 = text.parse().ok()?;
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
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
