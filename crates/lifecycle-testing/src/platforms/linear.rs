//! Linear: the end of an authorization, with the members and their order of its page "Webhooks". It tells of no install.

use lifecycle_core::linear::{self, DELIVERY};

use crate::draft::Draft;
use crate::sender::{Facts, Sender, Template};

/// It takes nothing but 200.
pub(crate) static SENDER: Sender =
    Sender::new(&linear::PLATFORM, EVENTS, fill).with_title("Linear").with_success(200..=200);

const EVENTS: &[Template] = &[
    Template::new("uninstall", "OAuthApp.revoked", APP_REVOKED),
    Template::new("OAuthAuthorization.revoked", "OAuthAuthorization.revoked", AUTHORIZATION_REVOKED),
];

const APP_REVOKED: &str = r#"{"type":"OAuthApp","action":"revoked","createdAt":"2026-10-01T00:00:00.000Z","oauthClientId":"c8e2a1f4-6f0d-4b7a-9d53-2f9f1d7f2b11","organizationId":"dc844923-f9a4-40a3-825c-dea7747e57d6","webhookTimestamp":1790812800123,"webhookId":"000042e3-d123-4980-b49f-8e140eef9329"}"#;
const AUTHORIZATION_REVOKED: &str = r#"{"type":"OAuthAuthorization","action":"revoked","createdAt":"2026-10-01T00:00:00.000Z","oauthClientId":"c8e2a1f4-6f0d-4b7a-9d53-2f9f1d7f2b11","organizationId":"dc844923-f9a4-40a3-825c-dea7747e57d6","userId":"aacdca22-6266-4c0a-ab3c-8fa70a26765c","activeTokensForUser":0,"oauthClient":{"id":"c8e2a1f4-6f0d-4b7a-9d53-2f9f1d7f2b11","name":"Acme Notifier"},"user":{"id":"aacdca22-6266-4c0a-ab3c-8fa70a26765c","name":"Avery Admin","email":"avery.admin@example.com"},"webhookTimestamp":1790812800456,"webhookId":"000042e3-d123-4980-b49f-8e140eef9329"}"#;

fn fill(facts: &Facts, draft: &mut Draft) {
    let id = facts.request_id.clone().unwrap_or_else(|| facts.fresh.to_string());
    draft.header(DELIVERY, id);
    draft.time("createdAt", facts.at, 3);
    draft.time("webhookTimestamp", facts.sent, 0);
    draft.text("oauthClientId", facts.app.as_deref());
    draft.text("oauthClient.id", facts.app.as_deref());
    draft.text("organizationId", facts.tenant.as_deref());
    draft.text("webhookId", facts.installation.as_deref());
    draft.text("userId", facts.actor.as_deref());
    draft.text("user.id", facts.actor.as_deref());
}
