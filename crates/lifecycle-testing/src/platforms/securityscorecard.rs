//! SecurityScorecard: the installation hook, with the members and their order of its page "App installation process".

use lifecycle_core::securityscorecard;

use crate::draft::Draft;
use crate::sender::{Facts, Sender, Template};

/// It documents no status, and so takes any success.
pub(crate) static SENDER: Sender = Sender::new(&securityscorecard::PLATFORM, EVENTS, fill)
    .with_title("SecurityScorecard")
    .with_name_at("event.type");

const EVENTS: &[Template] = &[Template::new("install", securityscorecard::APP_INSTALLED, INSTALLED)];

const INSTALLED: &str = r#"{"event":{"type":"app.installed","payload":{"app":{"id":"6f1c2a0e-5d0b-4c39-9a53-0b8f3f0f2f11"},"user":{"username":"jordan.lee@example.com","email":"jordan.lee@example.com","organizationDomain":"example.com"},"installed_at":"2021-05-12T12:50:43.743Z"}}}"#;

fn fill(facts: &Facts, draft: &mut Draft) {
    draft.text("event.payload.app.id", facts.app.as_deref());
    // The user is the tenant, and acts.
    for name in ["event.payload.user.username", "event.payload.user.email"] {
        draft.text(name, facts.tenant.as_deref());
    }
    draft.time("event.payload.installed_at", facts.at, 3);
}
