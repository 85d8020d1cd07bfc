//! BigCommerce: the callbacks of a single-click app, with the claims and their order of its page "Signed payload".

use lifecycle_core::bigcommerce;

use crate::draft::Draft;
use crate::keys::unix_seconds;
use crate::sender::{Facts, Sender, Template};

pub(crate) static SENDER: Sender =
    Sender::new(&bigcommerce::PLATFORM, EVENTS, fill).with_title("BigCommerce");

const ACCEPT: &[(&str, &str)] = &[("accept", "application/json")];

const EVENTS: &[Template] = &[
    Template::new("uninstall", "uninstall", "")
        .with_path("/uninstall")
        .with_headers(ACCEPT)
        .with_claims(CLAIMS),
    Template::new("remove_user", "remove_user", "")
        .with_path("/remove_user")
        .with_headers(ACCEPT)
        .with_claims(CLAIMS),
    Template::new("load", "load", "").with_path("/load").with_claims(CLAIMS),
];

const CLAIMS: &str = r#"{"aud":"U8RphZeDjQc4kLVSzNjePo0CMjq7yOg","iss":"bc","iat":1767225605,"nbf":1767225600,"exp":1767312000,"jti":"c5f0bcf5-a504-4ae6-8dcc-0e40eaa5a070","sub":"stores/z4zn3wo","user":{"id":9876543,"email":"user@example.com","locale":"en-US"},"owner":{"id":7654321,"email":"owner@example.com"},"url":"/","channel_id":null}"#;

fn fill(facts: &Facts, draft: &mut Draft) {
    draft.text("claims.aud", facts.app.as_deref());
    let store = facts.tenant.as_ref().map(|store| format!("stores/{store}"));
    draft.text("claims.sub", store.as_deref());
    draft.number("claims.user.id", facts.actor.as_deref());
    draft.text("claims.user.email", facts.actor_email.as_deref());
    let fresh = facts.fresh.to_string();
    draft.text("claims.jti", Some(facts.request_id.as_deref().unwrap_or(&fresh)));
    let issued = unix_seconds(facts.at);
    draft.json("claims.iat", issued.to_string());
    draft.json("claims.nbf", issued.saturating_sub(5).to_string());
    draft.json("claims.exp", (issued.saturating_sub(5) + 24 * 60 * 60).to_string());
}
