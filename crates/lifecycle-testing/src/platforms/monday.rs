//! monday.com: an app's lifecycle webhooks, with the members and their order of its page "Webhooks", and a token as developers have
//! shown it.

use lifecycle_core::monday;

use crate::draft::Draft;
use crate::keys::unix_seconds;
use crate::sender::{Facts, Sender, Template};

pub(crate) static SENDER: Sender =
    Sender::new(&monday::PLATFORM, EVENTS, fill).with_title("monday.com").with_name_at("type");

const EVENTS: &[Template] = &[
    Template::new("install", "install", INSTALL).with_claims(CLAIMS),
    Template::new("uninstall", "uninstall", UNINSTALL).with_claims(CLAIMS),
    Template::new("app_subscription_created", "app_subscription_created", CREATED).with_claims(CLAIMS),
];

const CLAIMS: &str = r#"{"dat":{"client_id":"b11aaaaaaaaaaaaaaaaaaaaaaaaaaaaa","app_version_id":10400001,"install_id":11200001,"app_id":1000000000,"account_id":777777,"user_id":2,"is_admin":true,"is_guest":false,"user_kind":"admin"},"iat":1767225600,"exp":1767225900}"#;
const INSTALL: &str = r#"{"type":"install","data":{"app_id":1000000000,"app_name":"Test App","user_id":2,"user_email":"user1@example.com","user_name":"User 1","account_tier":"free","account_id":777777,"account_name":"Demo Account","account_slug":"test","version_data":{"major":4,"minor":5,"patch":0,"type":"minor","number":16},"timestamp":"2026-01-01T00:00:00.000+00:00","subscription":{"plan_id":"5","renewal_date":"2026-01-15T00:00:00+00:00","is_trial":false,"billing_period":"monthly","days_left":14},"user_country":"IL"}}"#;
const UNINSTALL: &str = r#"{"type":"uninstall","data":{"app_id":1000000000,"app_name":"Test App","user_id":2,"user_email":"user1@example.com","user_name":"User 1","account_tier":"free","account_id":777777,"account_name":"Demo Account","account_slug":"test","version_data":{"major":4,"minor":5,"patch":0,"type":"minor","number":16},"timestamp":"2026-01-01T00:00:00.000+00:00","subscription":{"plan_id":"5","renewal_date":"2026-01-15T00:00:00+00:00","is_trial":false,"billing_period":"monthly","days_left":14},"user_country":"IL"}}"#;
const CREATED: &str = r#"{"type":"app_subscription_created","data":{"app_id":1000000000,"app_name":"Test App","user_id":2,"user_email":"user1@example.com","user_name":"User 1","account_tier":null,"account_id":777777,"account_name":"Demo Account","account_slug":"test","version_data":{"major":4,"minor":5,"patch":0,"type":"minor","number":16},"timestamp":"2026-01-01T00:00:00.000+00:00","subscription":{"plan_id":"5","renewal_date":"2026-01-15T00:00:00+00:00","is_trial":false,"billing_period":"monthly","days_left":14},"user_country":"IL"}}"#;

fn fill(facts: &Facts, draft: &mut Draft) {
    for (claim, member, told) in [
        ("claims.dat.app_id", "data.app_id", &facts.app),
        ("claims.dat.account_id", "data.account_id", &facts.tenant),
        ("claims.dat.user_id", "data.user_id", &facts.actor),
    ] {
        draft.number(claim, told.as_deref());
        draft.number(member, told.as_deref());
    }
    draft.text("data.app_name", facts.app_name.as_deref());
    draft.text("data.account_name", facts.tenant_name.as_deref());
    draft.text("data.user_email", facts.actor_email.as_deref());
    if let Some(version) = &facts.version {
        let mut parts = version.split('.');
        for part in ["data.version_data.major", "data.version_data.minor", "data.version_data.patch"] {
            draft.number(part, Some(parts.next().unwrap_or("0")));
        }
    }
    // It writes UTC with an offset.
    draft.time("data.timestamp", facts.at, 3);
    if let Some(time) = draft.read("data.timestamp") {
        draft.text("data.timestamp", Some(&time.replace('Z', "+00:00")));
    }
    draft.time("claims.iat", facts.sent, 0);
    draft.json("claims.exp", (unix_seconds(facts.sent) + 300).to_string());
}
