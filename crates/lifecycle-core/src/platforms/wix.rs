//! Wix: an app instance's webhooks, whose body is a token that holds the event.
#![cfg_attr(all(doc, not(doctest)), doc = include_str!("../../docs/platforms/wix.md"))]

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient::{self, present};
use crate::ack::{Ack, AckFailure};
use crate::event::{EventFields, EventKind};
use crate::freshness;
use crate::idempotency::IdempotencySource;
use crate::platform::{AttemptTime, Platform, Proof};
use crate::rejection::Undecodable;
use crate::token_scheme::{Algorithm, Audience, TokenPlace, TokenScheme};
use crate::verified_request::VerifiedRequest;

/// A token by RS256, which is the body. The key is the app's own public key, which its dashboard shows as PEM.
pub const SCHEME: TokenScheme =
    TokenScheme::new(Algorithm::Rs256, TokenPlace::Body).with_audience(Audience::AppIfNamed);

/// 200 within 1.25 s.
pub const ACK: Ack = Ack::new(200)
    .with_deadline(Duration::from_millis(1250))
    .with_failure(AckFailure::Retried { at_most: Duration::from_secs(48 * 60 * 60) });

/// Wix, for [`Verifier::new`](crate::Verifier::new) with a [`PublicKey`](crate::PublicKey) of the app.
pub static PLATFORM: Platform = Platform::new("wix", Proof::Token(SCHEME), ACK, decode)
    .with_attempt_time(AttemptTime::IssuedAt)
    .with_max_body(16 * 1024);

/// The claims of a webhook. Its members are JSON within JSON: [`event`](Self::event) reads the inner one. `Debug` shows nothing of it.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Webhook {
    /// The event, as JSON.
    pub data: String,
    /// Claims that are not known here.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl Webhook {
    /// The event.
    ///
    /// # Errors
    /// When it does not have that shape. The message names a place, and may quote the event: do not log it.
    pub fn event(&self) -> Result<InstanceEvent, serde_json::Error> {
        serde_json::from_str(&self.data)
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhook(redacted)")
    }
}

/// An event of an app instance. `Debug` shows its type only.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct InstanceEvent {
    /// The type, such as `AppInstalled`.
    #[serde(rename = "eventType")]
    pub kind: String,
    /// The app instance.
    #[serde(rename = "instanceId")]
    pub instance: String,
    /// What it says, as JSON: `appId` among it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Who did it, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Members that are not known yet.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for InstanceEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstanceEvent").field("kind", &self.kind).finish_non_exhaustive()
    }
}

fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    let claims: Claims<'a> = lenient::document(request.claims().unwrap_or_default())?;
    let json = present(claims.data).ok_or(Undecodable::Missing("data"))?;
    let event: Event<'_> = lenient::document(&json)?;
    let name = present(event.kind).ok_or(Undecodable::Missing("data.eventType"))?;
    let mut fields = EventFields::new(match &*name {
        "AppInstalled" | "wix.app_management.apps.app_instance.v1.app_instance_installed" => {
            EventKind::Install
        }
        "AppRemoved" | "wix.app_management.apps.app_instance.v1.app_instance_removed" => EventKind::Uninstall,
        other => EventKind::Other(other.into()),
    });
    fields.tenant = owned(event.instance).unwrap_or_default();
    if fields.kind.is_known() && fields.tenant.is_empty() {
        return Err(Undecodable::Missing("data.instanceId"));
    }
    if let Some(data) = present(event.data) {
        let data: Option<Data<'_>> = lenient::document(&data).ok();
        fields.app = owned(data.and_then(|data| data.app)).unwrap_or_default();
    }
    if let Some(identity) = present(event.identity) {
        let identity: Option<Identity<'_>> = lenient::document(&identity).ok();
        let user = identity.filter(|identity| identity.kind.as_deref() == Some("WIX_USER"));
        fields.actor = owned(user.and_then(|identity| identity.user));
    }
    fields.occurred = claims.iat.as_deref().and_then(freshness::parse_unix_seconds);
    fields.identity = IdempotencySource::event([claims.iat]);
    Ok(fields)
}

/// Text of JSON within JSON is nowhere as it is.
fn owned(text: Option<Cow<'_, str>>) -> Option<Cow<'static, str>> {
    text.map(|text| Cow::Owned(text.into_owned()))
}

#[derive(Deserialize)]
struct Claims<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    data: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::id")]
    iat: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(default, borrow, rename = "eventType", deserialize_with = "lenient::text")]
    kind: Option<Cow<'a, str>>,
    #[serde(default, borrow, rename = "instanceId", deserialize_with = "lenient::text")]
    instance: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    data: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    identity: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(default, borrow, rename = "appId", deserialize_with = "lenient::text")]
    app: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Identity<'a> {
    #[serde(default, borrow, rename = "identityType", deserialize_with = "lenient::text")]
    kind: Option<Cow<'a, str>>,
    #[serde(default, borrow, rename = "wixUserId", deserialize_with = "lenient::text")]
    user: Option<Cow<'a, str>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Field, Head, Inbound, PublicKey, Rejection, Trust, Verifier, testing};
    use std::time::SystemTime;

    const TOKEN: &str = include_str!("../../tests/rs256.jwt");
    const APP: &str = "7d9a5a3e-1111-4222-8333-444455556666";

    fn receive(body: &str, app: &str, now: SystemTime) -> Result<crate::Delivery, Rejection> {
        let key = PublicKey::rsa_pem("dashboard", include_str!("../../tests/rsa-test-key.pub.pem")).unwrap();
        let mut verification =
            Verifier::new(&PLATFORM, key, app).unwrap().begin(Head::new("POST", "/wix", []))?;
        verification.push(body.to_owned().into())?;
        let Inbound::Delivery(delivery) = verification.finish(now)? else { panic!("no handshake") };
        Ok(delivery)
    }

    #[test]
    fn an_install_is_read_out_of_three_layers_and_all_of_it_is_proven() {
        let delivery = receive(TOKEN, APP, testing::now()).unwrap();
        let event = delivery.event();
        let tenant = "5a1f0c2e-9b77-4d2e-8c11-2f3e4d5c6b7a";
        assert_eq!((event.kind(), event.app(), event.tenant()), (&EventKind::Install, APP, tenant));
        assert_eq!(event.actor(), Some("0f0f0f0f-aaaa-4bbb-8ccc-ddddeeeeffff"));
        assert_eq!(event.occurred(), Some(testing::now()));
        assert!(Field::ALL.into_iter().all(|field| delivery.proves(field)));
        assert!(matches!(delivery.trust(), Trust::Bearer { key } if key.as_str() == "dashboard"));
        let webhook: Webhook = delivery.payload().unwrap();
        assert_eq!(
            format!("{:?}", webhook.event().unwrap()),
            r#"InstanceEvent { kind: "AppInstalled", .. }"#
        );
    }

    #[test]
    fn a_token_is_taken_until_it_expires_and_white_space_around_it_does_not_matter() {
        let at =
            |seconds| receive(&format!(" \r\n{TOKEN}\n"), APP, testing::now() + Duration::from_secs(seconds));
        assert!(at(3609).is_ok());
        assert_eq!(at(3610).map(drop), Err(Rejection::Stale));
        assert_eq!(receive(TOKEN, "another-app", testing::now()).map(drop), Err(Rejection::UnexpectedApp));
    }

    #[test]
    fn what_is_no_token_of_this_key_is_refused() {
        let token = TOKEN.trim_end();
        let flipped = token.replacen("PLkh", "PLki", 1);
        for wrong in ["{}", &token[1..], &flipped, &format!("{token} {token}"), &format!("\"{token}\"")] {
            assert_eq!(
                receive(wrong, APP, testing::now()).map(drop),
                Err(Rejection::InvalidToken),
                "{wrong}"
            );
        }
        assert_eq!(receive(" \n", APP, testing::now()).map(drop), Err(Rejection::MissingToken));
    }
}
