//! Saleor: an app's own events, with the members and their order that the subscription of the reading half gives them.

use lifecycle_core::saleor;

use crate::draft::Draft;
use crate::sender::{Facts, KeysFrom, Sender, Template};

pub(crate) static SENDER: Sender = Sender::new(&saleor::PLATFORM, EVENTS, fill)
    .with_title("Saleor")
    .with_name_at("__typename")
    .with_keys_from(KeysFrom::Tenant { header: saleor::API_URL });

/// The tenant of the samples.
const API: &str = "https://shop.example/graphql/";

const EVENTS: &[Template] = &[
    Template::new("install", "AppInstalled", INSTALLED)
        .with_headers(&[(saleor::API_URL, API), (saleor::EVENT, "app_installed")]),
    Template::new("enable", "AppStatusChanged", ENABLED)
        .with_headers(&[(saleor::API_URL, API), (saleor::EVENT, "app_status_changed")]),
    Template::new("disable", "AppStatusChanged", DISABLED)
        .with_headers(&[(saleor::API_URL, API), (saleor::EVENT, "app_status_changed")]),
    Template::new("uninstall", "AppDeleted", DELETED)
        .with_headers(&[(saleor::API_URL, API), (saleor::EVENT, "app_deleted")]),
    Template::new("AppUpdated", "AppUpdated", UPDATED)
        .with_headers(&[(saleor::API_URL, API), (saleor::EVENT, "app_updated")]),
];

const INSTALLED: &str = r#"{"__typename":"AppInstalled","issuedAt":"2026-01-01T00:00:00+00:00","version":"3.23.1","issuingPrincipal":{"__typename":"User","id":"VXNlcjox"},"recipient":{"id":"QXBwOjU="},"app":{"id":"QXBwOjU=","identifier":"example.app","version":"1.2.3","isActive":true}}"#;
const ENABLED: &str = r#"{"__typename":"AppStatusChanged","issuedAt":"2026-01-01T00:00:00+00:00","version":"3.23.1","issuingPrincipal":{"__typename":"User","id":"VXNlcjox"},"recipient":{"id":"QXBwOjU="},"app":{"id":"QXBwOjU=","identifier":"example.app","version":"1.2.3","isActive":true}}"#;
const DISABLED: &str = r#"{"__typename":"AppStatusChanged","issuedAt":"2026-01-01T00:00:00+00:00","version":"3.23.1","issuingPrincipal":{"__typename":"User","id":"VXNlcjox"},"recipient":{"id":"QXBwOjU="},"app":{"id":"QXBwOjU=","identifier":"example.app","version":"1.2.3","isActive":false}}"#;
const DELETED: &str = r#"{"__typename":"AppDeleted","issuedAt":"2026-01-01T00:00:00+00:00","version":"3.23.1","issuingPrincipal":{"__typename":"User","id":"VXNlcjox"},"recipient":{"id":"QXBwOjU="},"app":{"id":"QXBwOjU=","identifier":"example.app","version":"1.2.3","isActive":false}}"#;
const UPDATED: &str = r#"{"__typename":"AppUpdated","issuedAt":"2026-01-01T00:00:00+00:00","version":"3.23.1","issuingPrincipal":{"__typename":"User","id":"VXNlcjox"},"recipient":{"id":"QXBwOjU="},"app":{"id":"QXBwOjU=","identifier":"example.app","version":"1.2.3","isActive":true}}"#;

fn fill(facts: &Facts, draft: &mut Draft) {
    if let Some(tenant) = &facts.tenant {
        draft.header(saleor::API_URL, tenant);
    }
    draft.text("app.identifier", facts.app.as_deref());
    draft.text("app.id", facts.installation.as_deref());
    draft.text("recipient.id", facts.installation.as_deref());
    draft.text("app.version", facts.version.as_deref());
    draft.text("issuingPrincipal.id", facts.actor.as_deref());
    // It writes UTC with an offset.
    draft.time("issuedAt", facts.at, 6);
    if let Some(time) = draft.read("issuedAt") {
        draft.text("issuedAt", Some(&time.replace('Z', "+00:00")));
    }
}
