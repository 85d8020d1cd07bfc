//! Wix: an app instance's webhooks, with the members and their order of its page "App instance webhooks".

use lifecycle_core::wix;

use crate::draft::Draft;
use crate::keys::unix_seconds;
use crate::sender::{Facts, Sender, Template};

/// It takes nothing but 200.
pub(crate) static SENDER: Sender = Sender::new(&wix::PLATFORM, EVENTS, fill)
    .with_title("Wix")
    .with_name_at("claims.data.eventType")
    .with_texts(&["claims.data.data", "claims.data.identity", "claims.data"])
    .with_success(200..=200);

const EVENTS: &[Template] = &[
    Template::new("install", "AppInstalled", "").with_claims(INSTALLED),
    Template::new("uninstall", "AppRemoved", "").with_claims(REMOVED),
    Template::new("PaidPlanPurchased", "PaidPlanPurchased", "").with_claims(PURCHASED),
];

const INSTALLED: &str = r#"{"data":{"data":{"appId":"7d9a5a3e-1111-4222-8333-444455556666"},"instanceId":"5a1f0c2e-9b77-4d2e-8c11-2f3e4d5c6b7a","eventType":"AppInstalled","identity":{"identityType":"WIX_USER","wixUserId":"0f0f0f0f-aaaa-4bbb-8ccc-ddddeeeeffff"}},"iat":1767225600,"exp":1767229200}"#;
const REMOVED: &str = r#"{"data":{"data":{"appId":"7d9a5a3e-1111-4222-8333-444455556666"},"instanceId":"5a1f0c2e-9b77-4d2e-8c11-2f3e4d5c6b7a","eventType":"AppRemoved","identity":{"identityType":"WIX_USER","wixUserId":"0f0f0f0f-aaaa-4bbb-8ccc-ddddeeeeffff"}},"iat":1767225600,"exp":1767229200}"#;
const PURCHASED: &str = r#"{"data":{"data":{"operationTimeStamp":"2026-01-01T00:00:00.000Z","vendorProductId":"plan-1","cycle":"MONTHLY","expiresOn":"2026-02-01T00:00:00.000Z"},"instanceId":"5a1f0c2e-9b77-4d2e-8c11-2f3e4d5c6b7a","eventType":"PaidPlanPurchased","identity":{"identityType":"WIX_USER","wixUserId":"0f0f0f0f-aaaa-4bbb-8ccc-ddddeeeeffff"}},"iat":1767225600,"exp":1767229200}"#;

fn fill(facts: &Facts, draft: &mut Draft) {
    draft.text("claims.data.data.appId", facts.app.as_deref());
    draft.text("claims.data.instanceId", facts.tenant.as_deref());
    draft.text("claims.data.identity.wixUserId", facts.actor.as_deref());
    let issued = unix_seconds(facts.at);
    draft.json("claims.iat", issued.to_string());
    draft.json("claims.exp", (issued + 60 * 60).to_string());
}
