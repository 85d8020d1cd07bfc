//! Zoom: the end of an app's authorization, and a handshake in which Zoom has a text signed.
#![cfg_attr(all(doc, not(doctest)), doc = include_str!("../../docs/platforms/zoom.md"))]

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient::{self, present};
use crate::ack::{Ack, AckFailure};
use crate::event::{EventFields, EventKind};
use crate::handshake::Handshake;
use crate::idempotency::IdempotencySource;
use crate::platform::{AttemptTime, Platform, Proof};
use crate::rejection::Undecodable;
use crate::scheme::{Part, Scheme};
use crate::verified_request::VerifiedRequest;

/// The header that carries the signature.
pub const SIGNATURE: &str = "x-zm-signature";

/// The header with the time of the attempt, in seconds since the epoch. It is signed.
pub const TIMESTAMP: &str = "x-zm-request-timestamp";

/// `v0=` and the hex of the HMAC-SHA256 over `v0:`, the time, `:` and the raw body. The key is the app's *secret token*; the
/// older *verification token* in the header `authorization` proves nothing.
pub const SCHEME: Scheme = Scheme::new(&[SIGNATURE]).with_prefix("v0=").with_signed(&[
    Part::Text("v0:"),
    Part::Header(TIMESTAMP),
    Part::Text(":"),
    Part::Body,
]);

/// 200 within 3 s. The last retry comes after 5, 20 and 60 minutes.
pub const ACK: Ack = Ack::new(200)
    .with_deadline(Duration::from_secs(3))
    .with_failure(AckFailure::Retried { at_most: Duration::from_secs(85 * 60) });

/// Zoom, for [`Verifier::new`](crate::Verifier::new).
pub static PLATFORM: Platform = Platform::new("zoom", Proof::Hmac(SCHEME), ACK, decode)
    .with_attempt_time(AttemptTime::Header(TIMESTAMP))
    .with_max_age(Duration::from_secs(300))
    .with_handshake(handshake);

/// An event. `Debug` shows its name only.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Event {
    /// The name, such as `app_deauthorized`.
    pub event: String,
    /// When it happened, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_ts: Option<i64>,
    /// What it says: `account_id`, `client_id` and `user_id` of a deauthorization among it.
    #[serde(default)]
    pub payload: Value,
    /// Members that are not known yet.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("event", &self.event).finish_non_exhaustive()
    }
}

fn handshake<'a>(request: &VerifiedRequest<'a>) -> Result<Option<Handshake<'a>>, Undecodable> {
    if !request.body().contains("endpoint.url_validation") {
        return Ok(None); // most requests are not read twice
    }
    let body: Body<'a> = lenient::document(request.body())?;
    if body.event.as_deref() != Some("endpoint.url_validation") {
        return Ok(None);
    }
    let challenge = body.payload.and_then(|payload| present(payload.plain_token));
    let challenge = challenge.ok_or(Undecodable::Missing("payload.plainToken"))?;
    Ok(Some(Handshake::Mac { challenge, plain: "plainToken", mac: "encryptedToken" }))
}

fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    let body: Body<'a> = lenient::document(request.body())?;
    let name = present(body.event).ok_or(Undecodable::Missing("event"))?;
    let payload = body.payload.unwrap_or_default();
    let mut fields = EventFields::new(match &*name {
        "app_deauthorized" => EventKind::Uninstall,
        other => EventKind::Other(other.into()),
    });
    if fields.kind.is_known() {
        fields.app = present(payload.client_id).ok_or(Undecodable::Missing("payload.client_id"))?;
        fields.tenant = present(payload.account_id).ok_or(Undecodable::Missing("payload.account_id"))?;
    } else {
        fields.app = payload.client_id.unwrap_or_default();
        fields.tenant = payload.account_id.unwrap_or_default();
    }
    fields.occurred = body.event_ts.as_deref().and_then(lenient::millis);
    // Of other events there may be several at one time. A retry has the same body.
    fields.identity = match fields.kind {
        EventKind::Other(_) => IdempotencySource::Document(None),
        _ => IdempotencySource::event([body.event_ts.map(|time| match &payload.user_id {
            Some(user) => [&*time, " ", user].concat().into(),
            None => time,
        })]),
    };
    fields.actor = payload.user_id;
    Ok(fields)
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    event: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::id")]
    event_ts: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    payload: Option<Payload<'a>>,
}

#[derive(Default, Deserialize)]
struct Payload<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    account_id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    client_id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    user_id: Option<Cow<'a, str>>,
    #[serde(default, borrow, rename = "plainToken", deserialize_with = "lenient::text")]
    plain_token: Option<Cow<'a, str>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Delivery, Field, testing};

    const DEAUTHORIZED: &str = r#"{"event":"app_deauthorized","event_ts":1767225600209,"payload":{"account_id":"EabC","client_id":"ADZ9","deauthorization_time":"2026-01-01T00:00:00.209Z","signature":"0011","user_data_retention":null,"user_id":"z9jk"}}"#;

    fn delivery(body: &str) -> Result<Delivery, Undecodable> {
        testing::with_headers(&PLATFORM, &[(TIMESTAMP, "1767225600")], body)
    }

    #[test]
    fn a_deauthorization_is_an_uninstall_of_the_account() {
        let delivery = delivery(DEAUTHORIZED).unwrap();
        let event = delivery.event();
        assert_eq!((event.kind(), event.app(), event.tenant()), (&EventKind::Uninstall, "ADZ9", "EabC"));
        assert_eq!((event.actor(), event.request_id()), (Some("z9jk"), None));
        assert_eq!(event.occurred(), Some(testing::now() + Duration::from_millis(209)));
        assert!(Field::ALL.into_iter().all(|field| delivery.proves(field)));
    }

    #[test]
    fn an_event_is_told_from_another_by_its_time_and_its_user() {
        let key = |body: &str| delivery(body).unwrap().idempotency_key();
        assert_eq!(key(DEAUTHORIZED), key(&DEAUTHORIZED.replace("null", "\"true\"")));
        let joined = DEAUTHORIZED.replace("app_deauthorized", "meeting.participant_joined");
        assert_ne!(key(&joined), key(&joined.replace("null", "\"another participant\"")));
        for (from, to) in [("600209", "600210"), ("z9jk", "z9jl"), ("EabC", "EabD"), ("ADZ9", "ADZ8")] {
            assert_ne!(key(DEAUTHORIZED), key(&DEAUTHORIZED.replace(from, to)), "{to}");
        }
    }

    #[test]
    fn a_deauthorization_names_its_app_and_its_account() {
        for (cut, missing) in [("ADZ9", "payload.client_id"), ("EabC", "payload.account_id")] {
            assert_eq!(delivery(&DEAUTHORIZED.replace(cut, "")).unwrap_err(), Undecodable::Missing(missing));
        }
        let other = DEAUTHORIZED.replace("app_deauthorized", "meeting.started").replace("ADZ9", "");
        assert_eq!(delivery(&other).unwrap().event().kind(), &EventKind::Other("meeting.started".into()));
    }

    #[test]
    fn the_payload_keeps_what_is_not_known() {
        let event: Event = delivery(DEAUTHORIZED).unwrap().payload().unwrap();
        assert_eq!(format!("{event:?}"), r#"Event { event: "app_deauthorized", .. }"#);
        assert_eq!(event.payload["signature"], "0011");
    }
}
