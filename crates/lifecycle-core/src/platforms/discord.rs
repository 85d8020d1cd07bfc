//! Discord: an application's webhook events, signed with Ed25519, and a PING when the URL is saved.
#![cfg_attr(all(doc, not(doctest)), doc = include_str!("../../docs/platforms/discord.md"))]

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient::{self, Identified, present};
use crate::ack::{Ack, AckFailure};
use crate::event::{EventFields, EventKind};
use crate::freshness;
use crate::handshake::Handshake;
use crate::idempotency::IdempotencySource;
use crate::platform::{AttemptTime, Platform, Proof};
use crate::public_scheme::PublicScheme;
use crate::rejection::Undecodable;
use crate::scheme::{Part, Scheme};
use crate::verified_request::VerifiedRequest;

/// The header that carries the signature.
pub const SIGNATURE: &str = "x-signature-ed25519";

/// The header with the time of the attempt. It is signed.
pub const TIMESTAMP: &str = "x-signature-timestamp";

/// Hex of the Ed25519 signature over the time and the raw body, by the public key that the developer portal shows.
pub const SCHEME: PublicScheme =
    PublicScheme::ed25519(Scheme::new(&[SIGNATURE]).with_signed(&[Part::Header(TIMESTAMP), Part::Body]));

/// 204 with a content type within 3 s.
pub const ACK: Ack = Ack::new(204)
    .with_content_type("application/json")
    .with_deadline(Duration::from_secs(3))
    .with_failure(AckFailure::Retried { at_most: Duration::from_secs(10 * 60) });

/// Discord, for [`Verifier::new`](crate::Verifier::new) with a [`PublicKey`](crate::PublicKey).
pub static PLATFORM: Platform = Platform::new("discord", Proof::PublicKey(SCHEME), ACK, decode)
    .with_attempt_time(AttemptTime::Header(TIMESTAMP))
    .with_handshake(handshake);

/// The body of a webhook event. `Debug` shows the type of the event only.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WebhookEvent {
    /// The application's id.
    pub application_id: String,
    /// 0 for a PING, 1 for an event.
    #[serde(rename = "type")]
    pub kind: u8,
    /// The event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventBody>,
    /// Members that are not known yet.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for WebhookEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookEvent").field("event", &self.event).finish_non_exhaustive()
    }
}

/// What happened. `Debug` shows the type only.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EventBody {
    /// The type, such as `APPLICATION_AUTHORIZED`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened: ISO 8601 in UTC, without an offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// What it is about.
    #[serde(default)]
    pub data: Value,
    /// Members that are not known yet.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for EventBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventBody").field("kind", &self.kind).finish_non_exhaustive()
    }
}

fn handshake<'a>(request: &VerifiedRequest<'a>) -> Result<Option<Handshake<'a>>, Undecodable> {
    let body: Body<'a> = lenient::document(request.body())?;
    Ok((body.kind == Some(0) && body.event.is_none()).then_some(Handshake::Acknowledge))
}

fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    let body: Body<'a> = lenient::document(request.body())?;
    let event = body.event.ok_or(Undecodable::Missing("event"))?;
    let name = present(event.kind).ok_or(Undecodable::Missing("event.type"))?;
    let mut fields = EventFields::new(match &*name {
        "APPLICATION_AUTHORIZED" => EventKind::Install,
        "APPLICATION_DEAUTHORIZED" => EventKind::Uninstall,
        other => EventKind::Other(other.into()),
    });
    let data = event.data.unwrap_or_default();
    let user = data.user.and_then(|user| present(user.id));
    let guild = data.guild.and_then(|guild| present(guild.id)).filter(|_| data.integration_type != Some(1));
    let tenant = match (guild, &user) {
        (Some(guild), _) => Some(format!("guild:{guild}")),
        (None, Some(user)) => Some(format!("user:{user}")),
        (None, None) => None,
    };
    fields.app = body.application_id.unwrap_or_default();
    if fields.kind.is_known() {
        if fields.app.is_empty() {
            return Err(Undecodable::Missing("application_id"));
        }
        fields.tenant = tenant.ok_or(Undecodable::Missing("event.data.user.id"))?.into();
    } else {
        fields.tenant = tenant.unwrap_or_default().into();
    }
    // There is no id. The time has microseconds, and an event is one user's.
    let identity = event
        .timestamp
        .as_deref()
        .map(|time| Cow::Owned(format!("{time} {}", user.as_deref().unwrap_or_default())));
    fields.identity = IdempotencySource::event([identity]);
    fields.occurred = event.timestamp.as_deref().and_then(freshness::parse_time);
    fields.actor = user;
    Ok(fields)
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::id")]
    application_id: Option<Cow<'a, str>>,
    #[serde(default, rename = "type", deserialize_with = "lenient::integer")]
    kind: Option<i64>,
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    event: Option<BodyEvent<'a>>,
}

#[derive(Deserialize)]
struct BodyEvent<'a> {
    #[serde(default, borrow, rename = "type", deserialize_with = "lenient::text")]
    kind: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    timestamp: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    data: Option<Data<'a>>,
}

#[derive(Default, Deserialize)]
struct Data<'a> {
    #[serde(default, deserialize_with = "lenient::integer")]
    integration_type: Option<i64>,
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    user: Option<Identified<'a>>,
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    guild: Option<Identified<'a>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Head, Inbound, PublicKey, Rejection, Verifier};
    use std::time::SystemTime;

    // The key of RFC 8032, section 7.1, test 1; the signatures were computed by four other programs.
    const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    const PING: &str = r#"{"version":1,"application_id":"1234560123453231555","type":0}"#;
    const PING_SIGNATURE: &str = "bdb5f37ba0cc260833b85486aea5b498d8e413f822bf9f15359023761eb151aa84bf9c677a3929397726b3c9395cd5c78cbfb6462bbcdb8274b18c30e9e7c702";
    const AUTHORIZED: &str = r#"{"version":1,"application_id":"1234560123453231555","type":1,"event":{"type":"APPLICATION_AUTHORIZED","timestamp":"2026-01-01T00:00:00.064834","data":{"integration_type":0,"user":{"id":"111178765189277770","username":"avery"},"scopes":["applications.commands","bot"],"guild":{"id":"290926798626357999","name":"Example"}}}}"#;
    const AUTHORIZED_SIGNATURE: &str = "396a29a89e77afefc12379fe9ece0f7ae91f238b7afeb76de95c310126679475c0e965096d19482be98ec5a2ebead3504b6cee89cd7e36ee997c8721d1594608";
    const DEAUTHORIZED: &str = r#"{"version":1,"application_id":"1234560123453231555","type":1,"event":{"type":"APPLICATION_DEAUTHORIZED","timestamp":"2026-01-01T00:00:00.064834","data":{"user":{"id":"111178765189277770","username":"avery"}}}}"#;
    const DEAUTHORIZED_SIGNATURE: &str = "53255ce4b87d4121d10cb36b492e898a6d859479fbb66d51a82b4945fad2534795e0ef217738faea14835abbb46ea4b96ce861610378b79085a30541edfa5209";

    fn receive(body: &str, signature: &str, time: &str) -> Result<Inbound, Rejection> {
        let key = PublicKey::ed25519("portal", KEY).unwrap();
        let verifier = Verifier::new(&PLATFORM, key, "1234560123453231555").unwrap();
        let headers = [(SIGNATURE, signature.as_bytes()), (TIMESTAMP, time.as_bytes())];
        let mut verification = verifier.begin(Head::new("POST", "/discord", headers))?;
        verification.push(body.to_owned().into())?;
        Ok(verification.finish(SystemTime::UNIX_EPOCH)?)
    }

    #[test]
    fn a_ping_is_answered_as_an_event_is() {
        let Inbound::Handshake(reply) = receive(PING, PING_SIGNATURE, "1767225600").unwrap() else {
            panic!("an event")
        };
        assert_eq!(reply.status(), 204);
        assert!(reply.headers().any(|header| header == ("content-type", "application/json")));
    }

    #[test]
    fn a_server_or_a_user_is_the_tenant() {
        for (body, signature, kind, tenant) in [
            (AUTHORIZED, AUTHORIZED_SIGNATURE, EventKind::Install, "guild:290926798626357999"),
            (DEAUTHORIZED, DEAUTHORIZED_SIGNATURE, EventKind::Uninstall, "user:111178765189277770"),
        ] {
            let delivery = receive(body, signature, "1767225600").unwrap().delivery().unwrap();
            let event = delivery.event();
            assert_eq!((event.kind(), event.tenant()), (&kind, tenant));
            assert_eq!((event.app(), event.actor()), ("1234560123453231555", Some("111178765189277770")));
            assert!(event.occurred().is_some(), "Discord defines that its times are in UTC");
            let _: WebhookEvent = delivery.payload().unwrap();
        }
    }

    #[test]
    fn a_key_with_an_id_verifies_although_no_signature_names_it() {
        let key = PublicKey::ed25519("portal", KEY).unwrap().with_id("k1");
        let verifier = Verifier::new(&PLATFORM, key, "1234560123453231555").unwrap();
        let headers = [(SIGNATURE, PING_SIGNATURE.as_bytes()), (TIMESTAMP, b"1767225600")];
        let mut verification = verifier.begin(Head::new("POST", "/discord", headers)).unwrap();
        verification.push(PING.to_owned().into()).unwrap();
        assert!(verification.finish(SystemTime::UNIX_EPOCH).is_ok());
    }

    #[test]
    fn nothing_but_the_signed_bytes_is_taken() {
        let other = PING_SIGNATURE.replace("bd", "be");
        for (body, signature, time) in [
            (PING, PING_SIGNATURE, "1767225601"),
            (PING, AUTHORIZED_SIGNATURE, "1767225600"),
            (PING, other.as_str(), "1767225600"),
            (AUTHORIZED, &AUTHORIZED_SIGNATURE[2..], "1767225600"),
        ] {
            assert_eq!(receive(body, signature, time).map(drop), Err(Rejection::SignatureMismatch));
        }
        assert_eq!(
            receive(&PING.replace('1', "2"), PING_SIGNATURE, "1767225600").map(drop),
            Err(Rejection::SignatureMismatch)
        );
    }
}
