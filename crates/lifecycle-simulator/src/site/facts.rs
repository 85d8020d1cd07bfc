//! Facts: what a page tells of a platform, all of it from the platform's data.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use lifecycle_core::{AckFailure, Part, Proof};
use lifecycle_testing::{KeysFrom, RSA_TEST_KEY, SigningKeys, variable};
use serde::Serialize;

use crate::app::App;
use crate::headline::{duration, event, long};
use crate::platform::{Credential, Platform};

/// What a page tells of a platform.
#[expect(clippy::struct_excessive_bools, reason = "templates ask one question each")]
#[derive(Debug, Serialize)]
pub(super) struct PlatformFacts {
    name: &'static str,
    title: &'static str,
    credential: Credential,
    by_manifest: bool,
    has_versions: bool,
    signs_twice: bool,
    proof_headers: &'static [&'static str],
    /// How it takes answers, as a sentence.
    answers: String,
    /// What its signature covers, as the rest of a sentence.
    signed: String,
    /// Its events by name and title.
    events: Vec<(&'static str, String)>,
    handshake: Option<&'static str>,
    /// The id of an app in its samples.
    app_id: &'static str,
    secret_variable: String,
    previous_variable: String,
    /// Its URL in the example apps.
    url: String,
    is_user: bool,
}

impl From<Platform> for PlatformFacts {
    fn from(platform: Platform) -> Self {
        let core = platform.core();
        let private = platform.credential() == Credential::Private;
        let titled = |name: &'static str| (name, event(name));
        Self {
            name: platform.name(),
            title: platform.title(),
            credential: platform.credential(),
            by_manifest: platform.registers_by_manifest(),
            has_versions: platform.vendor().has_versions,
            signs_twice: platform.signs_twice(),
            proof_headers: core.proof_headers(),
            answers: answers(platform),
            signed: signed(platform),
            events: platform.events().into_iter().map(titled).collect(),
            handshake: platform.sender().handshake().map(|handshake| handshake.event()),
            app_id: &platform.vendor().app,
            secret_variable: variable(core, if private { "PRIVATE_KEY" } else { "SIGNING_SECRET" }),
            previous_variable: variable(core, "PREVIOUS_SIGNING_SECRET"),
            url: format!("http://127.0.0.1:3000/{}", platform.name()),
            is_user: platform.vendor().is_user,
        }
    }
}

/// What an app has to be told to verify what is sent: settings of the example apps, which are told without the secret.
pub(super) fn settings(
    app: &App,
    keys: &SigningKeys,
    address: &str,
    tenant: Option<&str>,
) -> Vec<(String, String)> {
    let platform = app.platform();
    let core = platform.core();
    let mut settings = Vec::new();
    let mut add = |setting: &str, value: String| settings.push((variable(core, setting), value));
    match (platform.credential(), platform.sender().keys_from()) {
        (Credential::Published, KeysFrom::Url) => {
            add("JWKS_URL", format!("http://{address}/.well-known/jwks.json"));
        }
        (Credential::Published, KeysFrom::Tenant { .. }) => {
            add("API_URL", tenant.unwrap_or_default().to_owned());
        }
        (Credential::Published | Credential::Private, _) => {
            add("PUBLIC_KEY", keys.public_key().unwrap_or_default());
        }
        (Credential::None | Credential::Secret, _) => {}
    }
    if let Some((_, owner)) = platform.sender().key_owner() {
        add("TENANT", owner.to_owned());
    }
    add("APP_ID", app.app_id.clone());
    settings
}

/// `GET /.well-known/jwks.json`: the public half of the key that signs for all platforms that publish theirs.
pub(super) async fn key_set() -> Response {
    let publishes = |platform: &Platform| platform.core().proof().uses_rsa();
    let keys = Platform::all()
        .find(publishes)
        .and_then(|platform| SigningKeys::parse(platform.core(), RSA_TEST_KEY).ok()?.key_set());
    ([(CONTENT_TYPE, "application/json")], keys.unwrap_or_default()).into_response()
}

fn answers(platform: Platform) -> String {
    let ack = platform.core().ack();
    let status = ack.status();
    let limit = match ack.deadline() {
        Some(deadline) => format!("within {}", duration(deadline).replace(".0", "")),
        None => "in time (the platform names no limit)".to_owned(),
    };
    match ack.failure() {
        AckFailure::Blocks => format!("The app answers {status} {limit}, or the administrator is blocked."),
        AckFailure::Retried { at_most } => {
            format!(
                "The app answers {status} {limit}, or the event is sent again for up to {}.",
                long(at_most)
            )
        }
        _ => format!("The app answers {status} {limit}, or the event is lost."),
    }
}

fn signed(platform: Platform) -> String {
    match platform.core().proof() {
        Proof::Token(_) => {
            return "the token's own header and claims; of the body nothing is proven".to_owned();
        }
        Proof::UnguessableUrl => return "nothing: whoever knows the URL can send anything".to_owned(),
        _ => {}
    }
    let words = platform.signed().iter().map(|part| match part {
        Part::Body => "the raw body".to_owned(),
        Part::Field(name) => format!("the element {name} of the signature header"),
        Part::Header(name) => format!("the header {name}"),
        Part::Text(text) => format!("“{text}”"),
        _ => String::new(),
    });
    words.collect::<Vec<_>>().join(", then ")
}
