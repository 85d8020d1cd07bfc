//! Standard Webhooks: events of a sender that has core's own words, in the form that the specification advises.

use lifecycle_core::standard_webhooks::{self, ID};

use crate::draft::Draft;
use crate::sender::{Facts, Sender, Template};

pub(crate) static SENDER: Sender = Sender::new(&standard_webhooks::PLATFORM, EVENTS, fill)
    .with_title("Standard Webhooks")
    .with_name_at("type");

const EVENTS: &[Template] = &[
    Template::new("install", "app.installed", EVENT),
    Template::new("enable", "app.enabled", EVENT),
    Template::new("upgrade", "app.upgraded", EVENT),
    Template::new("disable", "app.disabled", EVENT),
    Template::new("uninstall", "app.uninstalled", EVENT),
];

const EVENT: &str = r#"{"type":"app.installed","timestamp":"2026-10-01T00:00:00.344522Z","data":{"app_id":"app_1","tenant_id":"ten_1"}}"#;

fn fill(facts: &Facts, draft: &mut Draft) {
    // A dot would let what is signed be cut in two ways.
    let id = facts.request_id.clone().unwrap_or_else(|| format!("msg_{}", facts.fresh.simple()));
    draft.header(ID, id);
    draft.text("type", Some(draft.event()));
    draft.time("timestamp", facts.at, 6);
    draft.text("data.app_id", facts.app.as_deref());
    draft.text("data.tenant_id", facts.tenant.as_deref());
}
