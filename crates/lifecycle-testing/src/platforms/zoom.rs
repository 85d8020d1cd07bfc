//! Zoom: the end of an authorization, with the members and their order of its page "Deauthorization". It tells of no install.

use lifecycle_core::zoom;

use crate::draft::Draft;
use crate::sender::{Expected, Facts, Sender, Template};

pub(crate) static SENDER: Sender =
    Sender::new(&zoom::PLATFORM, EVENTS, fill).with_title("Zoom").with_name_at("event").with_handshake(
        Template::new("endpoint.url_validation", "endpoint.url_validation", URL_VALIDATION),
        Expected::Mac { text: "payload.plainToken", plain: "plainToken", mac: "encryptedToken" },
    );

const EVENTS: &[Template] = &[
    Template::new("uninstall", "app_deauthorized", DEAUTHORIZED),
    Template::new("app.authorization_request_created", "app.authorization_request_created", REQUESTED),
];

const DEAUTHORIZED: &str = r#"{"event":"app_deauthorized","event_ts":1762776000209,"payload":{"account_id":"EabCDEFghiLHMA","client_id":"ADZ9k9bTWmGUoUbECUKU_a","deauthorization_time":"2025-11-10T12:00:00.209Z","signature":"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff","user_data_retention":null,"user_id":"z9jkdsfsdfjhdkfjQ"}}"#;
const REQUESTED: &str = r#"{"event":"app.authorization_request_created","event_ts":1762776000209,"payload":{"app_name":"Acme Notifier","app_type":"OAuth","app_status":"published","app_description":"Tells of things"}}"#;
const URL_VALIDATION: &str = r#"{"payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event_ts":1654503849680,"event":"endpoint.url_validation"}"#;

fn fill(facts: &Facts, draft: &mut Draft) {
    draft.time("event_ts", facts.at, 0);
    draft.time("payload.deauthorization_time", facts.at, 3);
    draft.text("payload.client_id", facts.app.as_deref());
    draft.text("payload.account_id", facts.tenant.as_deref());
    draft.text("payload.user_id", facts.actor.as_deref());
}
