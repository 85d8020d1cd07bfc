//! Slack: events of the Events API, signed together with the time of the attempt, and a handshake when the URL is saved.
#![cfg_attr(all(doc, not(doctest)), doc = include_str!("../../docs/platforms/slack.md"))]

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

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
pub const SIGNATURE: &str = "x-slack-signature";

/// The header with the time of the attempt, in seconds since the epoch. It is signed.
pub const TIMESTAMP: &str = "x-slack-request-timestamp";

/// `v0=` and the hex of the HMAC-SHA256 over `v0:`, the time, `:` and the raw body.
pub const SCHEME: Scheme = Scheme::new(&[SIGNATURE]).with_prefix("v0=").with_signed(&[
    Part::Text("v0:"),
    Part::Header(TIMESTAMP),
    Part::Text(":"),
    Part::Body,
]);

/// 200 within 3 s. 24 h are those of the *Delayed Events* that an app can turn on.
pub const ACK: Ack = Ack::new(200)
    .with_deadline(Duration::from_secs(3))
    .with_failure(AckFailure::Retried { at_most: Duration::from_secs(24 * 60 * 60) });

/// Slack, for [`Verifier::new`](crate::Verifier::new).
pub static PLATFORM: Platform = Platform::new("slack", Proof::Hmac(SCHEME), ACK, decode)
    .with_attempt_time(AttemptTime::Header(TIMESTAMP))
    .with_max_age(Duration::from_secs(300))
    .with_handshake(handshake);

/// The envelope of an event. `Debug` shows the type only.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EventCallback {
    /// `event_callback` for all that has an inner event.
    #[serde(rename = "type")]
    pub kind: String,
    /// The app's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_app_id: Option<String>,
    /// The workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<String>,
    /// The organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enterprise_id: Option<String>,
    /// The id of the event; the same when it is sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The inner event.
    #[serde(default)]
    pub event: Value,
    /// Members that are not known yet.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for EventCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventCallback").field("kind", &self.kind).finish_non_exhaustive()
    }
}

fn handshake<'a>(request: &VerifiedRequest<'a>) -> Result<Option<Handshake<'a>>, Undecodable> {
    if !request.body().contains("url_verification") {
        return Ok(None); // most requests are not read twice
    }
    let body: Body<'a> = lenient::document(request.body())?;
    if body.kind.as_deref() != Some("url_verification") {
        return Ok(None);
    }
    let challenge = present(body.challenge).ok_or(Undecodable::Missing("challenge"))?;
    Ok(Some(Handshake::Echo { challenge }))
}

fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    let body: Body<'a> = lenient::document(request.body())?;
    let outer = present(body.kind).ok_or(Undecodable::Missing("type"))?;
    let kind = if outer == "event_callback" {
        let inner =
            body.event.and_then(|event| present(event.kind)).ok_or(Undecodable::Missing("event.type"))?;
        if inner == "app_uninstalled" { EventKind::Uninstall } else { EventKind::Other(inner.into()) }
    } else {
        EventKind::Other(outer.into())
    };
    let mut fields = EventFields::new(kind);
    let tenant = present(body.team_id).or_else(|| present(body.enterprise_id));
    if fields.kind.is_known() {
        fields.app = present(body.api_app_id).ok_or(Undecodable::Missing("api_app_id"))?;
        fields.tenant = tenant.ok_or(Undecodable::Missing("team_id"))?;
    } else {
        fields.app = body.api_app_id.unwrap_or_default();
        fields.tenant = tenant.unwrap_or_default();
    }
    fields.request_id = body.event_id;
    fields.identity = IdempotencySource::event([fields.request_id.clone()]);
    fields.occurred = body.event_time;
    Ok(fields)
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(default, borrow, rename = "type", deserialize_with = "lenient::text")]
    kind: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    challenge: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    api_app_id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    team_id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    enterprise_id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    event_id: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "lenient::unix_time")]
    event_time: Option<SystemTime>,
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    event: Option<Inner<'a>>,
}

#[derive(Deserialize)]
struct Inner<'a> {
    #[serde(default, borrow, rename = "type", deserialize_with = "lenient::text")]
    kind: Option<Cow<'a, str>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Delivery, Field, freshness, testing};

    const UNINSTALLED: &str = r#"{"token":"XXYYZZ","team_id":"T123ABC456","api_app_id":"A123ABC456","event":{"type":"app_uninstalled","event_ts":"1762776000.000100"},"type":"event_callback","event_id":"Ev123ABC456","event_time":1762776000}"#;

    fn delivery(body: &str) -> Result<Delivery, Undecodable> {
        testing::with_headers(&PLATFORM, &[(TIMESTAMP, "1767225600")], body)
    }

    #[test]
    fn an_uninstall_is_of_the_workspace_or_of_the_enterprise() {
        let workspace = delivery(UNINSTALLED).unwrap();
        let event = workspace.event();
        assert_eq!(
            (event.kind(), event.app(), event.tenant()),
            (&EventKind::Uninstall, "A123ABC456", "T123ABC456")
        );
        assert_eq!(event.occurred(), freshness::parse_unix_seconds("1762776000"));
        assert!(Field::ALL.into_iter().all(|field| workspace.proves(field)));
        let body = UNINSTALLED.replace(r#""team_id":"T123ABC456""#, r#""team_id":null,"enterprise_id":"E1""#);
        assert_eq!(delivery(&body).unwrap().event().tenant(), "E1");
        let nobody = UNINSTALLED.replace(r#""team_id":"T123ABC456""#, r#""team_id":null"#);
        assert_eq!(delivery(&nobody).unwrap_err(), Undecodable::Missing("team_id"));
    }

    #[test]
    fn an_event_about_other_apps_is_no_uninstall() {
        for inner in ["tokens_revoked", "app_uninstalled_team", "app_deleted", "app_installed"] {
            let body = UNINSTALLED.replace("app_uninstalled", inner);
            assert_eq!(delivery(&body).unwrap().event().kind(), &EventKind::Other(inner.into()));
        }
        let rate_limited = r#"{"type":"app_rate_limited","team_id":"T1","api_app_id":"A1"}"#;
        assert_eq!(delivery(rate_limited).unwrap().event().kind().name(), "app_rate_limited");
    }

    #[test]
    fn a_retry_has_the_key_of_its_event() {
        let first = delivery(UNINSTALLED).unwrap();
        let retried = testing::with_headers(&PLATFORM, &[(TIMESTAMP, "1767225660")], UNINSTALLED).unwrap();
        assert_eq!(first.idempotency_key(), retried.idempotency_key());
    }

    #[test]
    fn the_payload_keeps_what_is_not_known() {
        let callback: EventCallback = delivery(UNINSTALLED).unwrap().payload().unwrap();
        assert_eq!(callback.event["type"], "app_uninstalled");
        assert_eq!(callback.unknown["event_time"], 1_762_776_000);
        assert_eq!(format!("{callback:?}"), r#"EventCallback { kind: "event_callback", .. }"#);
    }
}
