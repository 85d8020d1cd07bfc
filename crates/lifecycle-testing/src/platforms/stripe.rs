//! Stripe: installs of Stripe Apps, and authorizations of Connect applications, with the members and their order of its API
//! reference.

use lifecycle_core::stripe;

use crate::draft::Draft;
use crate::sender::{Facts, Sender, Template};

pub(crate) static SENDER: Sender =
    Sender::new(&stripe::PLATFORM, EVENTS, fill).with_title("Stripe").with_name_at("type");

const EVENTS: &[Template] = &[
    Template::new("install", "apps.install.created", APP),
    Template::new("upgrade", "apps.install.updated", APP),
    Template::new("uninstall", "apps.install.deleted", APP),
    Template::new("install", "account.application.authorized", APPLICATION),
    Template::new("uninstall", "account.application.deauthorized", APPLICATION),
];

const APP: &str = r#"{"id":"evt_1DemoInstallC0000000003","object":"event","account":"acct_1DemoMerchant00001","api_version":"2026-09-30.endive","created":1790812800,"data":{"object":{"id":"appinst_test_Demo0001","object":"apps.install","account":"acct_1DemoMerchant00001","app":"app_Demo0001","approval_required":false,"auth_code":null,"channel":"public","content_security_policy_granted":{"connect_src":[],"image_src":["https://cdn.example.com/ü☃.png"]},"created":1725000000,"created_by":null,"endpoints_granted":["https://example.com/stripe/webhook"],"endpoints_pending":[],"livemode":false,"permissions_granted":["customer_read","event_read"],"permissions_pending":[],"status":"installed"}},"livemode":false,"pending_webhooks":1,"request":{"id":null,"idempotency_key":null},"type":""}"#;
const APPLICATION: &str = r#"{"id":"evt_1DemoInstallA0000000001","object":"event","account":"acct_1DemoMerchant00001","api_version":"2026-07-29.dahlia","context":"acct_1DemoPlatform00001","created":1762776000,"data":{"object":{"id":"ca_DemoApplication000000001","object":"application","name":"Acme Notifier"}},"livemode":true,"pending_webhooks":0,"request":{"id":null,"idempotency_key":null},"type":""}"#;

fn fill(facts: &Facts, draft: &mut Draft) {
    let id = facts.request_id.clone().unwrap_or_else(|| format!("evt_{}", facts.fresh.simple()));
    draft.text("id", Some(&id));
    draft.text("type", Some(draft.event()));
    draft.text("account", facts.tenant.as_deref());
    draft.time("created", facts.at, 0);
    if draft.has("data.object.app") {
        draft.text("data.object.id", facts.installation.as_deref());
        draft.text("data.object.account", facts.tenant.as_deref());
        draft.text("data.object.app", facts.app.as_deref());
    } else {
        draft.text("data.object.id", facts.app.as_deref());
    }
}
