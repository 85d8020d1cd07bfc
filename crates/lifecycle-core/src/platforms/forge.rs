//! Atlassian Forge: an app's lifecycle, sent to a remote with an invocation token beside a body that nothing proves.
#![cfg_attr(all(doc, not(doctest)), doc = include_str!("../../docs/platforms/forge.md"))]

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient::{self, Identified, present};
use crate::ack::{Ack, AckFailure};
use crate::event::{EventFields, EventKind};
use crate::idempotency::IdempotencySource;
use crate::platform::{AttemptTime, Platform, Proof};
use crate::rejection::Undecodable;
use crate::token_scheme::{Algorithm, Audience, TokenPlace, TokenScheme};
use crate::trust::Field;
use crate::verified_request::VerifiedRequest;

/// Where Atlassian publishes the keys.
pub const KEYS: &str = "https://forge.cdn.prod.atlassian-dev.net/.well-known/jwks.json";

/// A Forge Invocation Token, as a bearer in `authorization`, by RS256 under a published key.
pub const SCHEME: TokenScheme =
    TokenScheme::new(Algorithm::Rs256, TokenPlace::Header { name: "authorization", words: &["Bearer"] })
        .with_issuer("forge/invocation-token")
        .with_audience(Audience::OneApp);

/// 200 within 5 s. The last of 4 retries comes after 4 minutes, and may take its own time.
pub const ACK: Ack = Ack::new(200)
    .with_deadline(Duration::from_secs(5))
    .with_failure(AckFailure::Retried { at_most: Duration::from_secs(5 * 60) });

/// Atlassian Forge, for [`Verifier::with_source`](crate::Verifier::with_source) with the keys at [`KEYS`]. The app is its ARI: the keys
/// sign for all apps, so it has to be named. A kind is known, and [proven](crate::Delivery::proves), where the manifest's module has one
/// of the names that are read here.
pub static PLATFORM: Platform =
    Platform::new("forge", Proof::Token(SCHEME), ACK, decode).with_attempt_time(AttemptTime::IssuedAt);

/// The claims of an invocation token. `Debug` shows the module only.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Invocation {
    /// The app and its installation.
    pub app: App,
    /// Where it is installed: `cloudId` of the site among it, which a re-install does not change.
    #[serde(default)]
    pub context: Value,
    /// Claims that are not known yet.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocation").field("app", &self.app).finish_non_exhaustive()
    }
}

/// The app in a token. `Debug` shows the module only.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// Its ARI.
    pub id: String,
    /// The ARI of the installation.
    pub installation_id: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
    /// Where its requests go to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_base_url: Option<String>,
    /// The module of the manifest that was invoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<Module>,
    /// Members that are not known yet.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("module", &self.module).finish_non_exhaustive()
    }
}

/// A module of an app's manifest.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Module {
    /// Its key in the manifest.
    #[serde(default)]
    pub key: String,
    /// Its type, such as `core:trigger`.
    #[serde(default, rename = "type")]
    pub kind: String,
}

fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    let claims: Claims<'a> = lenient::document(request.claims().unwrap_or_default())?;
    let body: Body<'a> = lenient::document(request.unauthenticated_body().unwrap_or_default())?;
    let app = claims.app.ok_or(Undecodable::Missing("app"))?;
    let proven = app.module.and_then(|module| module.key).and_then(|key| kind_of_module(&key));
    let is_proven = proven.is_some();
    let mut fields = EventFields::new(match (proven, present(body.event_type)) {
        (Some(proven), Some(told)) if proven != kind_of_event(&told) => {
            return Err(Undecodable::Contradiction("eventType"));
        }
        (Some(proven), _) => proven,
        // A user of the site can have a token of any other module sent with a body of their own.
        (None, Some(told)) => EventKind::Other(told.into()),
        (None, None) => return Err(Undecodable::Missing("eventType")),
    });
    fields.app = present(app.id).ok_or(Undecodable::Missing("app.id"))?;
    fields.tenant = present(app.installation_id).ok_or(Undecodable::Missing("app.installationId"))?;
    fields.version = app.app_version;
    if fields.kind.is_known() {
        agree("app.id", body.app.and_then(|app| app.id), &fields.app)?;
        agree("id", body.id, &fields.tenant)?;
        // A repeat has another token, so neither its id nor its time is that of the event.
        fields.identity = IdempotencySource::event([fields.version.clone()]);
    }
    if !is_proven {
        fields.unproven(Field::Kind);
    }
    fields.actor = body.installer_account_id.or(body.upgrader_account_id);
    fields.unproven(Field::Actor);
    Ok(fields)
}

fn kind_of_module(key: &str) -> Option<EventKind> {
    match key {
        "lifecycle-installed" => Some(EventKind::Install),
        "lifecycle-upgraded" => Some(EventKind::Upgrade),
        "lifecycle-uninstalled" | "lifecycle-pre-uninstall" => Some(EventKind::Uninstall),
        _ => None,
    }
}

fn kind_of_event(name: &str) -> EventKind {
    match name {
        "avi:forge:installed:app" => EventKind::Install,
        "avi:forge:upgraded:app" => EventKind::Upgrade,
        "avi:forge:uninstalled:app" => EventKind::Uninstall,
        other => EventKind::Other(other.into()),
    }
}

/// What the body tells is the last part of an ARI that the token proves, or nothing.
fn agree(place: &'static str, told: Option<Cow<'_, str>>, ari: &str) -> Result<(), Undecodable> {
    let tail = ari.rsplit('/').next().unwrap_or_default();
    match present(told) {
        Some(told) if told != tail && told != ari => Err(Undecodable::Contradiction(place)),
        _ => Ok(()),
    }
}

#[derive(Deserialize)]
struct Claims<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    app: Option<ClaimedApp<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClaimedApp<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    installation_id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    app_version: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    module: Option<ClaimedModule<'a>>,
}

#[derive(Deserialize)]
struct ClaimedModule<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    key: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    event_type: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    app: Option<Identified<'a>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    installer_account_id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    upgrader_account_id: Option<Cow<'a, str>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ConfigError, Delivery, ExpectedApp, Field, Head, Inbound, PublicKey, Rejection, Verifier, testing,
    };

    /// Of an install, at 2026-01-01T00:00:00Z. It was computed by Python's `cryptography` and checked by openssl.
    const TOKEN: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImZvcmdlL2ludm9jYXRpb24tdG9rZW4vbGlmZWN5Y2xlLXRlc3Qta2V5LTEifQ.eyJhcHAiOnsiaWQiOiJhcmk6Y2xvdWQ6ZWNvc3lzdGVtOjphcHAvNDA2ZDMwM2QtMDM5My00ZWM0LWFkN2MtMTQzNWJlOTQ1ODNhIiwiYXBwVmVyc2lvbiI6IjkuMC4wIiwiaW5zdGFsbGF0aW9uSWQiOiJhcmk6Y2xvdWQ6ZWNvc3lzdGVtOjppbnN0YWxsYXRpb24vZmZmOGU0NjYtMzFmNC00YzczLWEzMzctYzMzMDlkZDkzMGRjIiwiYXBpQmFzZVVybCI6Imh0dHBzOi8vYXBpLmF0bGFzc2lhbi5jb20vZXgvamlyYS9jODIxYzMwYy1hMmFkLTQ3ZDctYjc0Mi05ZmVkNDhjZmQ2YjkiLCJlbnZpcm9ubWVudCI6eyJ0eXBlIjoiUFJPRFVDVElPTiIsImlkIjoiYXJpOmNsb3VkOmVjb3N5c3RlbTo6ZW52aXJvbm1lbnQvNDA2ZDMwM2QtMDM5My00ZWM0LWFkN2MtMTQzNWJlOTQ1ODNhLzIzODYzMDMzLTFkZTQtNGViZi1iMzBkLWM5MDYyNjRhMWU5MiJ9LCJtb2R1bGUiOnsidHlwZSI6ImNvcmU6dHJpZ2dlciIsImtleSI6ImxpZmVjeWNsZS1pbnN0YWxsZWQifX0sImNvbnRleHQiOnsiY2xvdWRJZCI6ImM4MjFjMzBjLWEyYWQtNDdkNy1iNzQyLTlmZWQ0OGNmZDZiOSIsIm1vZHVsZUtleSI6ImxpZmVjeWNsZS1pbnN0YWxsZWQifSwiYXVkIjoiYXJpOmNsb3VkOmVjb3N5c3RlbTo6YXBwLzQwNmQzMDNkLTAzOTMtNGVjNC1hZDdjLTE0MzViZTk0NTgzYSIsImlzcyI6ImZvcmdlL2ludm9jYXRpb24tdG9rZW4iLCJpYXQiOjE3NjcyMjU2MDAsIm5iZiI6MTc2NzIyNTYwMCwiZXhwIjoxNzY3MjI1NjI1LCJqdGkiOiI0NmQxNmMwODc4ZjNkYjU0OTYzYzg0YTlhZjQ4YTkwMmVmY2FiMjljIn0.NuN-91PEz_igBrsvvWaPhaHCSVbTe5iS7IDtGGkbV2LGIRWkirhDOLzg4OvQGhN2fTwUSJLh5Z5a4qmDSutr3hN3MaeqI_So0dpcBveu5OYnQa1IssPjHahn4olQNzohmFu8YGKprZxo0W3KoDyxIigxr0Tlh3SXeIuRlcICSUAgxXHzlj5--aQa0_NtSEEEZOXOmZgvUZWAkI2cFLeuKHz6hrJzwweTUKT-QMg0DqY6SsHNtfIyyc7IWR9hmEkUNw_NhVvB7Qxyn-PXtmHGdgy9x49ErzpJ3j2ekr8WtFeREnHHa0zOUq0I0NoxoTMiBuDrl6hlbH6D_maIH2uX3w";
    const APP: &str = "ari:cloud:ecosystem::app/406d303d-0393-4ec4-ad7c-1435be94583a";
    const BODY: &str = r#"{"id":"fff8e466-31f4-4c73-a337-c3309dd930dc","installerAccountId":"4ad9aa0c52dc1b420a791d12","app":{"id":"406d303d-0393-4ec4-ad7c-1435be94583a","version":"9.0.0","name":"My App"},"environment":{"id":"23863033-1de4-4ebf-b30d-c906264a1e92"},"context":"ari:cloud:jira::site/c821c30c-a2ad-47d7-b742-9fed48cfd6b9","eventType":"avi:forge:installed:app"}"#;

    fn key() -> PublicKey {
        let pem = include_str!("../../tests/rsa-test-key.pub.pem");
        PublicKey::rsa_pem("1", pem).unwrap().with_id("forge/invocation-token/lifecycle-test-key-1")
    }

    fn receive(body: &str, app: &str, after: u64) -> Result<Delivery, Rejection> {
        let verifier = Verifier::new(&PLATFORM, key(), app).unwrap();
        let bearer = format!("Bearer {TOKEN}");
        let mut verification =
            verifier.begin(Head::new("POST", "/", [("authorization", bearer.as_bytes())]))?;
        verification.push(body.to_owned().into())?;
        match verification.finish(testing::now() + Duration::from_secs(after))? {
            Inbound::Delivery(delivery) => Ok(delivery),
            Inbound::Handshake(_) => panic!("a handshake"),
        }
    }

    #[test]
    fn an_install_is_proven_but_for_who_did_it() {
        let delivery = receive(BODY, APP, 0).unwrap();
        let event = delivery.event();
        let installation = "ari:cloud:ecosystem::installation/fff8e466-31f4-4c73-a337-c3309dd930dc";
        assert_eq!((event.kind(), event.app(), event.tenant()), (&EventKind::Install, APP, installation));
        assert_eq!((event.version(), event.actor()), (Some("9.0.0"), Some("4ad9aa0c52dc1b420a791d12")));
        assert_eq!(event.occurred(), None, "a repeat has another time");
        let unproven: Vec<Field> = Field::ALL.into_iter().filter(|field| !delivery.proves(*field)).collect();
        assert_eq!(unproven, [Field::Actor]);
        let invocation: Invocation = delivery.payload().unwrap();
        assert_eq!(invocation.context["cloudId"], "c821c30c-a2ad-47d7-b742-9fed48cfd6b9");
        assert_eq!(invocation.app.installation_id, installation);
    }

    #[test]
    fn a_token_lives_for_25_seconds_and_the_leeway() {
        assert!(receive(BODY, APP, 34).is_ok());
        assert_eq!(receive(BODY, APP, 35).map(drop), Err(Rejection::Stale));
    }

    #[test]
    fn a_body_that_contradicts_the_token_is_refused() {
        for (from, to, place) in [
            ("installed:app", "uninstalled:app", "eventType"),
            ("installed:app", "other:app", "eventType"),
            ("fff8e466", "00000000", "id"),
            (r#""app":{"id":"406d303d"#, r#""app":{"id":"00000000"#, "app.id"),
        ] {
            let body = BODY.replace(from, to);
            assert_ne!(body, BODY);
            assert_eq!(receive(&body, APP, 0).map(drop), Err(Rejection::Contradiction(place)), "{to}");
        }
        for body in ["{}", r#"{"eventType":null,"id":7,"app":[]}"#, &BODY.replace("9.0.0", "8.0.0")] {
            let delivery = receive(body, APP, 0).unwrap();
            assert_eq!(delivery.event().version(), Some("9.0.0"), "{body}");
            assert_eq!(delivery.event().kind(), &EventKind::Install, "the module tells it");
        }
        assert!(matches!(receive("[]", APP, 0), Err(Rejection::Undecodable(_))));
    }

    #[test]
    fn keys_of_all_apps_prove_the_tokens_of_one_named_app() {
        assert_eq!(receive(BODY, "another", 0).map(drop), Err(Rejection::InvalidToken));
        let any = Verifier::new(&PLATFORM, key(), ExpectedApp::Any).map(drop);
        assert_eq!(any.unwrap_err(), ConfigError::AnyApp { platform: "forge" });
    }
}
