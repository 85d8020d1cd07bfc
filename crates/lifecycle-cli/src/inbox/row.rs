//! Row: a delivery's summary, for people and for programs.

use std::time::{Duration, SystemTime};

use lifecycle_inbox::{DeliveryState, DeliverySummary, Platforms, Timestamp};
use serde_json::{Value, json};

use crate::shown::one_line;

/// For programs. Whose it is stands in it only where that is asked for.
pub(crate) fn json(row: &DeliverySummary, with_tenant: bool) -> Value {
    let mut document = json!({
        "id": row.id.0,
        "platform": row.tenant.platform,
        "platform_known": is_known(row),
        "app": row.tenant.app,
        "kind": row.kind,
        "state": row.state.name(),
        "attempts": row.attempts,
        "due_at": later(row).map(time),
        "received_at": time(row.received_at),
        "accepted_at": time(row.accepted_at),
        "finished_at": row.finished_at.map(time),
        "overtaken_by": row.overtaken_by.map(|later| later.0),
        "worker": row.worker,
        "last_error": row.last_error,
    });
    if with_tenant {
        document["tenant"] = Value::from(row.tenant.tenant.as_str());
    }
    document
}

/// Which ones, in words: `2 enable, 5 uninstall`.
pub(crate) fn named(rows: &[DeliverySummary]) -> String {
    let names: Vec<String> = rows.iter().map(|row| format!("{} {}", row.id, one_line(&row.kind))).collect();
    names.join(", ")
}

/// What comes next: when it may be tried, or its worker has to be done; of a dead letter, what has overtaken it.
pub(crate) fn due(row: &DeliverySummary, now: Timestamp) -> String {
    if row.state == DeliveryState::Pending && !is_known(row) {
        return "when a worker knows the platform".to_owned();
    }
    if let (DeliveryState::Dead, Some(later)) = (row.state, row.overtaken_by) {
        return format!("overtaken by {later}");
    }
    match later(row) {
        Some(at) if at > now && row.state == DeliveryState::Leased => {
            format!("lease ends in {}", span(at.since(now)))
        }
        Some(at) if at > now => format!("in {}", span(at.since(now))),
        _ if row.state == DeliveryState::Leased => "lease is over".to_owned(),
        _ if row.state == DeliveryState::Pending => "now".to_owned(),
        _ => String::new(),
    }
}

/// A length of time in its largest unit, rounded down.
pub(crate) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// As RFC 3339.
pub(crate) fn time(time: Timestamp) -> String {
    jiff::Timestamp::try_from(SystemTime::from(time)).unwrap_or_default().to_string()
}

/// Whether this program knows the platform. The app may know more.
fn is_known(row: &DeliverySummary) -> bool {
    Platforms::default().find(&row.tenant.platform).is_some()
}

/// The time that an open row waits for; none where that is no later than ever.
fn later(row: &DeliverySummary) -> Option<Timestamp> {
    let is_open = matches!(row.state, DeliveryState::Leased | DeliveryState::Pending);
    (is_open && row.due_at != Timestamp::MIN).then_some(row.due_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_its_largest_unit() {
        for (seconds, told) in [(0, "0 s"), (59, "59 s"), (60, "1 min"), (7_199, "1 h"), (172_800, "2 d")] {
            assert_eq!(span(Duration::from_secs(seconds)), told);
        }
    }
}
