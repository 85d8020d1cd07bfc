//! Seismic: five signed callbacks, each of which an administrator waits for.
#![cfg_attr(all(doc, not(doctest)), doc = include_str!("../../docs/platforms/seismic.md"))]

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ack::{Ack, AckFailure};
use crate::event::{EventFields, EventKind};
use crate::freshness;
use crate::idempotency::{IdempotencySource, is_placeholder_of_a_time};
use crate::platform::{Activation, AttemptTime, Platform, Proof};
use crate::rejection::Undecodable;
use crate::scheme::Scheme;
use crate::verified_request::VerifiedRequest;

use super::lenient::{self, present};

/// The header that carries the signature.
pub const SIGNATURE: &str = "x-seismic-signature";

/// The header that carries the previous secret's signature while a secret is being replaced.
pub const SIGNATURE_OLD: &str = "x-seismic-signature-old";

/// Hex, in either case, of the HMAC-SHA256 over the raw body. One secret serves all versions of an app and all its
/// tenants, so a signature proves Seismic, not a tenant.
///
/// Any configured secret may have made either signature: a verifier that holds only the old secret, only the new one
/// or both is right on rotation day.
pub const SCHEME: Scheme = Scheme::new(&[SIGNATURE, SIGNATURE_OLD]);

/// 202 within 3 s.
pub const ACK: Ack = Ack::new(202).with_deadline(Duration::from_secs(3)).with_failure(AckFailure::Blocks);

/// Seismic, for [`Verifier::new`](crate::Verifier::new). Its time is read as UTC where it has no offset, for a maximum age; to order
/// events such a time is taken as unknown.
pub static PLATFORM: Platform = Platform::new("seismic", Proof::Hmac(SCHEME), ACK, decode)
    .with_attempt_time(AttemptTime::Decoded)
    .with_activation(Activation::OnEnable);

/// The body of a callback. Every member but `type` may be absent one day; those that are new are kept.
///
/// `Debug` shows the kind only, as the rest may be personal.
///
/// ```
/// use lifecycle_core::seismic::Callback;
///
/// let callback: Callback = serde_json::from_str(r#"{"type":"upgrade","priorVersion":"0.1.2","region":"eu-1"}"#)?;
/// assert_eq!(callback.prior_version.as_deref(), Some("0.1.2"));
/// assert_eq!(callback.unknown["region"], "eu-1");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Callback {
    /// The kind of event, such as `install`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The app's id; constant for its life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The app's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_name: Option<String>,
    /// The tenant's id: opaque text, not always a UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// The tenant's short name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The id of the administrator who acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The e-mail address of the administrator who acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_email: Option<String>,
    /// The id of this event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The app's version, `a.b.c`; on an upgrade the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The version before an upgrade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior_version: Option<String>,
    /// When it was sent, in ISO 8601.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// Members that are not known yet.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").field("kind", &self.kind).finish_non_exhaustive()
    }
}

fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    let body: Body<'a> = lenient::document(request.body())?;
    let kind = present(body.kind).ok_or(Undecodable::Missing("type"))?;
    let mut fields = EventFields::new(EventKind::from_name(&kind));
    if fields.kind.is_known() {
        fields.app = present(body.app_id).ok_or(Undecodable::Missing("appId"))?;
        fields.tenant = present(body.tenant_id).ok_or(Undecodable::Missing("tenantId"))?;
    } else {
        fields.app = body.app_id.unwrap_or_default();
        fields.tenant = body.tenant_id.unwrap_or_default();
    }
    fields.actor = body.user_id;
    fields.version = body.version;
    fields.prior_version = body.prior_version;
    fields.request_id = body.request_id;
    fields.occurred = body.timestamp.as_deref().and_then(freshness::parse_instant);
    fields.attempted = fields.occurred.or_else(|| body.timestamp.as_deref().and_then(freshness::parse_local));
    // Seismic's `requestId` is its event's id. It sends each callback once, so its time is as good where there is none.
    fields.identity = IdempotencySource::event([fields.request_id.clone()]);
    if fields.identity == IdempotencySource::Document(None)
        && let Some(time) = body.timestamp.filter(|time| !is_placeholder_of_a_time(time))
    {
        // With a word in front, or an id could read as a time does.
        fields.identity = IdempotencySource::Event(format!("timestamp {time}").into());
    }
    Ok(fields)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(default, borrow, rename = "type", deserialize_with = "lenient::text")]
    kind: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    app_id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    tenant_id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    user_id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    request_id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    version: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    prior_version: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    timestamp: Option<Cow<'a, str>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Delivery, testing};

    fn delivery(body: &str) -> Result<Delivery, Undecodable> {
        testing::delivery(&PLATFORM, body)
    }

    #[test]
    fn an_upgrade_tells_both_versions() {
        let delivery = delivery(
            r#"{"type":"upgrade","appId":"a","tenantId":"t","userId":"u","version":"0.2.0","priorVersion":"0.1.2"}"#,
        )
        .unwrap();
        let event = delivery.event();
        assert_eq!(event.kind(), &EventKind::Upgrade);
        assert_eq!((event.version(), event.prior_version()), (Some("0.2.0"), Some("0.1.2")));
        assert_eq!((event.app(), event.tenant(), event.actor()), ("a", "t", Some("u")));
    }

    #[test]
    fn a_known_kind_needs_its_app_and_its_tenant_and_an_unknown_one_only_its_name() {
        for (body, expected) in [
            (r#"{"type":"install","appId":"a","tenantId":"t"}"#, None),
            (r#"{"type":"install","tenantId":"t"}"#, Some("appId")),
            (r#"{"type":"install","appId":"a"}"#, Some("tenantId")),
            (r#"{"type":"install","appId":"a","tenantId":""}"#, Some("tenantId")),
            (r#"{"type":"install","appId":"a","tenantId":7}"#, Some("tenantId")),
            (r#"{"type":"suspend"}"#, None),
            (r#"{"type":null,"appId":"a","tenantId":"t"}"#, Some("type")),
            ("{}", Some("type")),
        ] {
            let missing = match delivery(body) {
                Ok(_) => None,
                Err(Undecodable::Missing(name)) => Some(name),
                Err(other) => panic!("{body}: {other}"),
            };
            assert_eq!(missing, expected, "{body}");
        }
    }

    #[test]
    fn an_optional_member_of_another_type_does_not_block_the_administrator() {
        let others = [r#"{"a":[1,{}]}"#, "[[],1]", "1", "-1", "1.5", "true", "null"];
        for other in others {
            let body = format!(
                r#"{{"type":"enable","appId":"a","tenantId":"t","version":{other},"userId":{other}}}"#
            );
            let delivery = delivery(&body).unwrap();
            assert_eq!((delivery.event().version(), delivery.event().actor()), (None, None), "{other}");
        }
    }

    #[test]
    fn a_member_that_stands_twice_is_not_guessed() {
        let twice = r#"{"type":"install","type":"uninstall","appId":"a","tenantId":"t"}"#;
        assert!(matches!(delivery(twice), Err(Undecodable::Json { .. })));
    }

    #[test]
    fn the_payload_keeps_what_is_not_known() {
        let text = r#"{"type":"install","appId":"a","tenantId":"t","region":{"id":[1]}}"#;
        let delivery = delivery(text).unwrap();
        let callback: Callback = delivery.payload().unwrap();
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_value(&callback).unwrap(), value);
    }

    #[test]
    fn a_placeholder_as_request_id_or_time_tells_nothing() {
        let key = |id: &str, time: &str, version: u8| {
            let body = format!(
                r#"{{"type":"enable","appId":"a","tenantId":"t","requestId":"{id}","timestamp":"{time}","version":"{version}"}}"#
            );
            delivery(&body).unwrap().idempotency_key()
        };
        for id in ["", " ", "00000000-0000-0000-0000-000000000000"] {
            let first = key(id, "2026-01-01T00:00:00Z", 1);
            assert_ne!(first, key(id, "2026-01-01T00:00:01Z", 1), "{id:?}: another time");
            assert_eq!(first, key(id, "2026-01-01T00:00:00Z", 2), "{id:?}: the same time");
            for time in ["", " ", "0001-01-01T00:00:00", "1970-01-01T00:00:00Z"] {
                let first = key(id, time, 1);
                assert_eq!(first, key(id, time, 1), "{id:?} {time:?}: the same bytes");
                assert_ne!(first, key(id, time, 2), "{id:?} {time:?}: other bytes");
            }
            assert_ne!(
                key(id, "soon", 1),
                key(id, "later", 1),
                "{id:?}: text that is no time may still tell"
            );
        }
        assert_eq!(
            key("r", "2026-01-01T00:00:00Z", 1),
            key("r", "2026-01-01T00:00:09Z", 2),
            "no time joins an id"
        );
    }

    #[test]
    fn the_idempotency_key_follows_the_request_not_the_bytes() {
        let key = |body: &str| delivery(body).unwrap().idempotency_key();
        let first = key(r#"{"type":"install","appId":"a","tenantId":"t","requestId":"r","timestamp":"x"}"#);
        assert_eq!(first, key(r#"{ "requestId":"r","tenantId":"t","appId":"a","type":"install"}"#));
        for other in [
            r#"{"type":"install","appId":"a","tenantId":"t","requestId":"r2"}"#,
            r#"{"type":"enable","appId":"a","tenantId":"t","requestId":"r"}"#,
            r#"{"type":"install","appId":"a","tenantId":"t2","requestId":"r"}"#,
            r#"{"type":"install","appId":"at","tenantId":"t","requestId":"r"}"#,
            r#"{"type":"install","appId":"a","tenantId":"t","timestamp":"r"}"#,
            r#"{"type":"install","appId":"a","tenantId":"t"}"#,
        ] {
            assert_ne!(first, key(other), "{other}");
        }
    }
}
