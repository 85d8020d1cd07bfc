//! Linear: the end of an OAuth application's authorization in a workspace.
#![cfg_attr(all(doc, not(doctest)), doc = include_str!("../../docs/platforms/linear.md"))]

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient::{self, Identified, present};
use crate::ack::{Ack, AckFailure};
use crate::event::{EventFields, EventKind};
use crate::freshness;
use crate::idempotency::IdempotencySource;
use crate::platform::{AttemptTime, Platform, Proof};
use crate::rejection::Undecodable;
use crate::scheme::Scheme;
use crate::trust::Field;
use crate::verified_request::VerifiedRequest;

/// The header that carries the signature.
pub const SIGNATURE: &str = "linear-signature";

/// The header with the id of the delivery, the same when it is sent again. It is not signed.
pub const DELIVERY: &str = "linear-delivery";

/// The hex of the HMAC-SHA256 over the raw body.
pub const SCHEME: Scheme = Scheme::new(&[SIGNATURE]);

/// Exactly 200 within 5 s. The last retry comes after a minute, an hour and 6 hours.
pub const ACK: Ack = Ack::new(200)
    .with_deadline(Duration::from_secs(5))
    .with_failure(AckFailure::Retried { at_most: Duration::from_secs(7 * 60 * 60 + 60) });

/// Linear, for [`Verifier::new`](crate::Verifier::new). The request id is [not proven](crate::Delivery::proves).
pub static PLATFORM: Platform = Platform::new("linear", Proof::Hmac(SCHEME), ACK, decode)
    .with_headers(&[DELIVERY])
    .with_attempt_time(AttemptTime::Decoded)
    .with_max_age(Duration::from_secs(60));

/// A webhook's body. `Debug` shows type and action only.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// What it is about, such as `OAuthApp`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened to it, such as `revoked`.
    pub action: String,
    /// The organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// The OAuth application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth_client_id: Option<String>,
    /// Members that are not known yet.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("kind", &self.kind)
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}

fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    let body: Body<'a> = lenient::document(request.body())?;
    let about = present(body.kind).ok_or(Undecodable::Missing("type"))?;
    let action = present(body.action).ok_or(Undecodable::Missing("action"))?;
    let mut fields = EventFields::new(match (&*about, &*action) {
        ("OAuthApp", "revoked") => EventKind::Uninstall,
        _ => EventKind::Other(format!("{about}.{action}").into()),
    });
    if fields.kind.is_known() {
        fields.app = present(body.oauth_client_id).ok_or(Undecodable::Missing("oauthClientId"))?;
        fields.tenant = present(body.organization_id).ok_or(Undecodable::Missing("organizationId"))?;
    } else {
        fields.app = body.oauth_client_id.unwrap_or_default();
        fields.tenant = body.organization_id.unwrap_or_default();
    }
    // One for each authorization of an organization.
    fields.installation = present(body.webhook_id);
    fields.request_id = request.unauthenticated_header(DELIVERY).map(Cow::Borrowed);
    fields.unproven(Field::RequestId);
    fields.occurred = body.created_at.as_deref().and_then(freshness::parse_instant);
    fields.attempted = body.webhook_timestamp;
    let about = present(body.user_id).or(body.data.and_then(|data| data.id));
    fields.identity = IdempotencySource::event([match (body.created_at, about) {
        (Some(created), Some(about)) => Some([&*created, " ", &about].concat().into()),
        (created, _) => created,
    }]);
    Ok(fields)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(default, borrow, rename = "type", deserialize_with = "lenient::text")]
    kind: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    action: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    created_at: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    oauth_client_id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    organization_id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    data: Option<Identified<'a>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    user_id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    webhook_id: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "lenient::unix_millis")]
    webhook_timestamp: Option<SystemTime>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Delivery, testing};

    const REVOKED: &str = r#"{"type":"OAuthApp","action":"revoked","createdAt":"2025-12-31T23:00:00.000Z","oauthClientId":"c8e2","organizationId":"dc84","webhookTimestamp":1767225600123,"webhookId":"0000"}"#;

    fn delivery(body: &str) -> Result<Delivery, Undecodable> {
        testing::with_headers(&PLATFORM, &[(DELIVERY, "234d1a4e")], body)
    }

    #[test]
    fn the_end_of_the_authorization_is_an_uninstall() {
        let delivery = delivery(REVOKED).unwrap();
        let event = delivery.event();
        assert_eq!((event.kind(), event.app(), event.tenant()), (&EventKind::Uninstall, "c8e2", "dc84"));
        assert_eq!((event.installation(), event.request_id()), (Some("0000"), Some("234d1a4e")));
        assert_eq!(event.occurred(), freshness::parse_instant("2025-12-31T23:00:00Z"));
        assert!(delivery.proves(Field::Kind) && !delivery.proves(Field::RequestId));
    }

    #[test]
    fn what_leaves_the_app_installed_is_another_event() {
        for (from, to, name) in [
            ("OAuthApp", "OAuthAuthorization", "OAuthAuthorization.revoked"),
            ("OAuthApp", "PermissionChange", "PermissionChange.revoked"),
            ("revoked", "created", "OAuthApp.created"),
        ] {
            let delivery = delivery(&REVOKED.replace(from, to)).unwrap();
            assert_eq!(delivery.event().kind(), &EventKind::Other(name.into()));
        }
    }

    #[test]
    fn a_retry_has_another_body_and_the_same_key() {
        let key = |body: &str| delivery(body).unwrap().idempotency_key();
        assert_eq!(key(REVOKED), key(&REVOKED.replace("600123", "610456")));
        assert_ne!(key(REVOKED), key(&REVOKED.replace("23:00:00", "23:00:01")));
        let user = |id: &str| REVOKED.replace(r#""webhookId""#, &format!(r#""userId":"{id}","webhookId""#));
        assert_ne!(key(&user("a")), key(&user("b")), "two users who leave at one moment");
        let issue = |id: u8| {
            let issue = REVOKED.replace("OAuthApp", "Issue").replace("revoked", "update");
            issue.replace(r#""webhookId""#, &format!(r#""data":{{"id":"{id}"}},"webhookId""#))
        };
        assert_ne!(key(&issue(1)), key(&issue(2)), "two issues that change at one moment");
    }

    #[test]
    fn an_uninstall_names_its_app_and_its_organization() {
        for (cut, missing) in [("c8e2", "oauthClientId"), ("dc84", "organizationId"), ("revoked", "action")] {
            assert_eq!(delivery(&REVOKED.replace(cut, "")).unwrap_err(), Undecodable::Missing(missing));
        }
    }

    #[test]
    fn the_payload_keeps_what_is_not_known() {
        let webhook: Webhook = delivery(REVOKED).unwrap().payload().unwrap();
        assert_eq!(format!("{webhook:?}"), r#"Webhook { kind: "OAuthApp", action: "revoked", .. }"#);
        assert_eq!(webhook.unknown["webhookId"], "0000");
    }
}
