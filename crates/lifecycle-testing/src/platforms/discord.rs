//! Discord: an application's webhook events, with the members and their order of its page "Webhook Events".

use lifecycle_core::discord;

use crate::draft::Draft;
use crate::sender::{Expected, Facts, Sender, Template};

/// It takes nothing but 204.
pub(crate) static SENDER: Sender = Sender::new(&discord::PLATFORM, EVENTS, fill)
    .with_title("Discord")
    .with_handshake(Template::new("PING", "PING", PING), Expected::Acknowledgement)
    .with_name_at("event.type")
    .with_success(204..=204);

const EVENTS: &[Template] = &[
    Template::new("install", "APPLICATION_AUTHORIZED", AUTHORIZED),
    Template::new("uninstall", "APPLICATION_DEAUTHORIZED", DEAUTHORIZED),
    Template::new("ENTITLEMENT_CREATE", "ENTITLEMENT_CREATE", ENTITLEMENT_CREATE),
];

const AUTHORIZED: &str = r#"{"version":1,"application_id":"1234560123453231555","type":1,"event":{"type":"APPLICATION_AUTHORIZED","timestamp":"2026-01-01T00:00:00.064834","data":{"integration_type":0,"user":{"id":"111178765189277770","username":"avery"},"scopes":["applications.commands","bot"],"guild":{"id":"290926798626357999","name":"Example"}}}}"#;
const DEAUTHORIZED: &str = r#"{"version":1,"application_id":"1234560123453231555","type":1,"event":{"type":"APPLICATION_DEAUTHORIZED","timestamp":"2026-01-01T00:00:00.064834","data":{"user":{"id":"111178765189277770","username":"avery"}}}}"#;
const ENTITLEMENT_CREATE: &str = r#"{"version":1,"application_id":"1234560123453231555","type":1,"event":{"type":"ENTITLEMENT_CREATE","timestamp":"2026-01-01T00:00:00.064834","data":{"user_id":"111178765189277770","sku_id":"1234505980407808808","application_id":"1234560123453231555","id":"1234505980407808809","type":4,"deleted":false,"consumed":false}}}"#;
const PING: &str = r#"{"version":1,"application_id":"1234560123453231555","type":0}"#;

fn fill(facts: &Facts, draft: &mut Draft) {
    draft.text("application_id", facts.app.as_deref());
    draft.text("event.data.application_id", facts.app.as_deref());
    draft.time("event.timestamp", facts.at, 6);
    // Its times are in UTC, without an offset.
    if let Some(time) = draft.read("event.timestamp") {
        draft.text("event.timestamp", Some(time.trim_end_matches('Z')));
    }
    draft.text("event.data.user.id", facts.actor.as_deref());
    let Some(tenant) = &facts.tenant else { return };
    match (tenant.strip_prefix("guild:"), tenant.strip_prefix("user:")) {
        (Some(guild), _) => draft.text("event.data.guild.id", Some(guild)),
        (None, user) => {
            // Installed to a user, there is no server.
            draft.text("event.data.user.id", Some(user.unwrap_or(tenant)));
            draft.json("event.data.integration_type", "1".into());
            draft.remove("event.data.guild");
        }
    }
}
