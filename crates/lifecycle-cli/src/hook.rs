//! Hook: the bodies that SecurityScorecard sends, as its documentation shows them.

use jiff::{Timestamp, Unit};
use serde_json::{Value, json};
use uuid::Uuid;

/// The body of `app.installed`.
pub(crate) fn app_installed(app: &str, user: &str, domain: &str) -> Value {
    json!({"event": {"type": "app.installed", "payload": {
        "app": {"id": app},
        "user": {"username": user, "email": user, "organizationDomain": domain},
        "installed_at": now(),
    }}})
}

/// The body of an action: what a rule tells that fired.
pub(crate) fn rule_fired(domain: &str) -> Value {
    json!({
        "trigger": {
            "type": "new_issues",
            "issues": {"csp_no_policy_v2": {"active": {"count": 26}, "departed": {"count": 3}}},
            "selected": "by_severity",
            "severity": "low",
        },
        "created_at": now(),
        "execution_id": Uuid::new_v4().to_string(),
        "scorecard_id": Uuid::new_v4().to_string(),
        "domain": domain,
    })
}

/// Now, in whole milliseconds.
fn now() -> String {
    let now = Timestamp::now();
    now.round(Unit::Millisecond).unwrap_or(now).to_string()
}
