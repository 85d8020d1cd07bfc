//! Stripe: installs of Stripe Apps and authorizations of Connect applications, signed together with the time of the attempt.
#![cfg_attr(all(doc, not(doctest)), doc = include_str!("../../docs/platforms/stripe.md"))]

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient::{self, present};
use crate::ack::{Ack, AckFailure};
use crate::event::{EventFields, EventKind};
use crate::idempotency::IdempotencySource;
use crate::platform::{AttemptTime, Platform, Proof};
use crate::rejection::Undecodable;
use crate::scheme::{Part, Scheme};
use crate::verified_request::VerifiedRequest;

/// The header that carries the time of the attempt and a signature for each active secret.
pub const SIGNATURE: &str = "stripe-signature";

/// `t=` and the time, then `v1=` and the hex of the HMAC-SHA256 over the time, `.` and the raw body, once for each active
/// secret. The key is the whole text of the secret, `whsec_` included. Other versions, such as `v0` on test events, prove
/// nothing.
pub const SCHEME: Scheme = Scheme::new(&[SIGNATURE]).with_prefix("v1=").with_separator(b',').with_signed(&[
    Part::Field("t"),
    Part::Text("."),
    Part::Body,
]);

/// 200. Stripe names no deadline.
pub const ACK: Ack =
    Ack::new(200).with_failure(AckFailure::Retried { at_most: Duration::from_secs(3 * 24 * 60 * 60) });

/// Stripe, for [`Verifier::new`](crate::Verifier::new).
pub static PLATFORM: Platform = Platform::new("stripe", Proof::Hmac(SCHEME), ACK, decode)
    .with_attempt_time(AttemptTime::Field("t"))
    .with_max_age(Duration::from_secs(300));

/// An event. `Debug` shows the type only.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Event {
    /// The id of the event; the same when it is sent again.
    pub id: String,
    /// The type, such as `apps.install.created`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The connected account that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Whether it is of live mode.
    #[serde(default)]
    pub livemode: bool,
    /// The object that it is about, in `object`.
    #[serde(default)]
    pub data: Value,
    /// Members that are not known yet.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("kind", &self.kind).finish_non_exhaustive()
    }
}

fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    let body: Body<'a> = lenient::document(request.body())?;
    let name = present(body.kind).ok_or(Undecodable::Missing("type"))?;
    let object = body.data.and_then(|data| data.object).unwrap_or_default();
    let is_install = name.starts_with("apps.install.");
    let mut fields = EventFields::new(kind(&name));
    let app = if is_install { object.app } else { object.id.clone() };
    if fields.kind.is_known() {
        let place = if is_install { "data.object.app" } else { "data.object.id" };
        fields.app = present(app).ok_or(Undecodable::Missing(place))?;
        fields.tenant = present(body.account).ok_or(Undecodable::Missing("account"))?;
    } else {
        // The object of another type is not an app.
        fields.tenant = body.account.unwrap_or_default();
    }
    fields.installation = object.id.filter(|_| is_install);
    fields.request_id = body.id;
    fields.identity = IdempotencySource::event([fields.request_id.clone()]);
    fields.occurred = body.created;
    Ok(fields)
}

fn kind(name: &str) -> EventKind {
    match name {
        "account.application.authorized" | "apps.install.created" => EventKind::Install,
        "account.application.deauthorized" | "apps.install.deleted" => EventKind::Uninstall,
        "apps.install.updated" => EventKind::Upgrade,
        other => EventKind::Other(other.into()),
    }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    id: Option<Cow<'a, str>>,
    #[serde(default, borrow, rename = "type", deserialize_with = "lenient::text")]
    kind: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    account: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "lenient::unix_time")]
    created: Option<SystemTime>,
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    data: Option<Data<'a>>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    object: Option<Object<'a>>,
}

#[derive(Default, Deserialize)]
struct Object<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    app: Option<Cow<'a, str>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Delivery, Field, freshness, testing};

    const AUTHORIZED: &str = r#"{"id":"evt_1","object":"event","account":"acct_1","context":"acct_2","created":1762776000,"data":{"object":{"id":"ca_1","object":"application"}},"livemode":true,"type":"account.application.authorized"}"#;
    const CREATED: &str = r#"{"id":"evt_2","object":"event","account":"acct_1","created":1790812800,"data":{"object":{"id":"appinst_1","object":"apps.install","account":"acct_1","app":"app_1","status":"installed"}},"livemode":false,"type":"apps.install.created"}"#;

    fn delivery(body: &str) -> Result<Delivery, Undecodable> {
        testing::delivery(&PLATFORM, body)
    }

    #[test]
    fn the_app_is_the_object_or_the_install_s_app_and_the_tenant_the_account() {
        let authorized = delivery(AUTHORIZED).unwrap();
        let event = authorized.event();
        assert_eq!((event.kind(), event.app(), event.tenant()), (&EventKind::Install, "ca_1", "acct_1"));
        assert_eq!((event.installation(), event.request_id()), (None, Some("evt_1")));
        assert_eq!(event.occurred(), freshness::parse_unix_seconds("1762776000"));
        let created = delivery(CREATED).unwrap();
        let event = created.event();
        assert_eq!((event.app(), event.installation()), ("app_1", Some("appinst_1")));
        assert!(Field::ALL.into_iter().all(|field| created.proves(field)));
    }

    #[test]
    fn a_type_is_a_kind_or_stays_what_it_is() {
        for (name, expected) in [
            ("apps.install.updated", EventKind::Upgrade),
            ("apps.install.deleted", EventKind::Uninstall),
            ("apps.install.paused", EventKind::Other("apps.install.paused".into())),
        ] {
            let delivery = delivery(&CREATED.replace("apps.install.created", name)).unwrap();
            assert_eq!(delivery.event().kind(), &expected);
        }
        let own = r#"{"id":"evt_3","type":"charge.succeeded","created":"2026-01-01T00:00:00Z"}"#;
        let delivery = delivery(own).unwrap();
        assert_eq!((delivery.event().tenant(), delivery.event().occurred()), ("", None));
    }

    #[test]
    fn a_known_kind_names_its_app_and_its_account() {
        for (cut, missing) in
            [(r#""account":"acct_1","context""#, "account"), (r#""id":"ca_1","#, "data.object.id")]
        {
            let body = AUTHORIZED.replace(cut, if cut.ends_with("context\"") { r#""context""# } else { "" });
            assert_eq!(delivery(&body).unwrap_err(), Undecodable::Missing(missing));
        }
    }

    #[test]
    fn the_payload_keeps_what_is_not_known() {
        let event: Event = delivery(CREATED).unwrap().payload().unwrap();
        assert!(!event.livemode && event.data["object"]["status"] == "installed");
        assert_eq!(event.unknown["created"], 1_790_812_800);
        assert_eq!(format!("{event:?}"), r#"Event { kind: "apps.install.created", .. }"#);
    }
}
