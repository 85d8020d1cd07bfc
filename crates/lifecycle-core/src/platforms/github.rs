//! GitHub Apps: the app's installations, by signed webhooks whose kind and id are in unsigned headers.
#![cfg_attr(all(doc, not(doctest)), doc = include_str!("../../docs/platforms/github.md"))]

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient::{self, Identified};
use crate::ack::{Ack, AckFailure};
use crate::event::{EventFields, EventKind};
use crate::freshness;
use crate::idempotency::IdempotencySource;
use crate::platform::{Platform, Proof};
use crate::rejection::Undecodable;
use crate::scheme::Scheme;
use crate::trust::Field;
use crate::verified_request::VerifiedRequest;

/// The header that carries the signature. `x-hub-signature`, by SHA-1, is never read.
pub const SIGNATURE: &str = "x-hub-signature-256";

/// The header that names the event. It is not signed.
pub const EVENT: &str = "x-github-event";

/// The header with the id of the delivery, the same when it is sent again by hand. It is not signed.
pub const DELIVERY: &str = "x-github-delivery";

/// `sha256=` and the hex of the HMAC-SHA256 over the raw body.
pub const SCHEME: Scheme = Scheme::new(&[SIGNATURE]).with_prefix("sha256=");

/// 200 within 10 s.
pub const ACK: Ack = Ack::new(200).with_deadline(Duration::from_secs(10)).with_failure(AckFailure::Lost);

/// GitHub Apps, for [`Verifier::new`](crate::Verifier::new). Kind and request id are [not proven](crate::Delivery::proves).
pub static PLATFORM: Platform = Platform::new("github", Proof::Hmac(SCHEME), ACK, decode)
    .with_headers(&[EVENT, DELIVERY])
    .with_max_body(4 * 1024 * 1024);

/// The body of an `installation` event. `Debug` shows the action only.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct InstallationEvent {
    /// What happened to it, such as `created`.
    pub action: String,
    /// The installation.
    pub installation: Installation,
    /// Members that are not known yet.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for InstallationEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstallationEvent").field("action", &self.action).finish_non_exhaustive()
    }
}

/// An installation of a GitHub App. `Debug` shows its id only.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Installation {
    /// Its id; another one after a re-install.
    pub id: u64,
    /// The app's id.
    pub app_id: u64,
    /// The id of the account that it is installed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<u64>,
    /// The account: a user, an organization, an enterprise, or nothing.
    #[serde(default)]
    pub account: Value,
    /// Members that are not known yet.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for Installation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Installation").field("id", &self.id).finish_non_exhaustive()
    }
}

fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    let event = request.unauthenticated_header(EVENT).filter(|event| !event.is_empty());
    let event = event.ok_or(Undecodable::Missing(EVENT))?;
    let body: Body<'a> = lenient::document(request.body())?;
    let mut fields = EventFields::new(kind(event, body.action.as_deref()));
    fields.unproven(Field::Kind);
    fields.request_id = request.unauthenticated_header(DELIVERY).map(Cow::Borrowed);
    fields.unproven(Field::RequestId);
    fields.identity = IdempotencySource::Document(fields.request_id.clone());

    let is_known = fields.kind.is_known();
    fields.actor = body.sender.and_then(|sender| sender.id);
    let Some(installation) = body.installation else {
        return if is_known { Err(Undecodable::Missing("installation")) } else { Ok(fields) };
    };
    let account = installation.account.and_then(|account| account.id);
    let tenant = account.or(installation.target_id);
    if is_known {
        // Many events have an installation in them, with an id and nothing else; see `PLATFORM`.
        fields.app = installation.app_id.ok_or(Undecodable::Missing("installation.app_id"))?;
        fields.tenant = tenant.ok_or(Undecodable::Missing("installation.account"))?;
    } else {
        fields.app = installation.app_id.unwrap_or_default();
        fields.tenant = tenant.unwrap_or_default();
    }
    fields.installation = installation.id;
    fields.occurred = installation.updated_at.and_then(|time| instant(&time));
    Ok(fields)
}

fn kind(event: &str, action: Option<&str>) -> EventKind {
    match (event, action) {
        ("installation", Some("created")) => EventKind::Install,
        ("installation", Some("deleted")) => EventKind::Uninstall,
        ("installation", Some("new_permissions_accepted")) => EventKind::Upgrade,
        ("installation", Some("suspend")) => EventKind::Disable,
        ("installation", Some("unsuspend")) => EventKind::Enable,
        (event, Some(action)) => EventKind::Other(format!("{event}.{action}").into()),
        (event, None) => EventKind::Other(event.into()),
    }
}

/// Seconds since the epoch, or RFC 3339: GitHub writes either, by event.
fn instant(text: &str) -> Option<SystemTime> {
    freshness::parse_unix_seconds(text).or_else(|| freshness::parse_instant(text))
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    action: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    installation: Option<BodyInstallation<'a>>,
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    sender: Option<Identified<'a>>,
}

#[derive(Deserialize)]
struct BodyInstallation<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::id")]
    id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    account: Option<Identified<'a>>,
    #[serde(default, borrow, deserialize_with = "lenient::id")]
    app_id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::id")]
    target_id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::id")]
    updated_at: Option<Cow<'a, str>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Delivery, testing};

    const CREATED: &str = r#"{"action":"created","installation":{"id":957387,"account":{"login":"example-org","id":21031067},"app_id":29310,"target_id":3880403,"updated_at":1557933591},"sender":{"login":"avery-admin","id":3877742}}"#;

    fn delivery(event: &str, body: &str) -> Result<Delivery, Undecodable> {
        testing::with_headers(&PLATFORM, &[(EVENT, event), (DELIVERY, "72d3162e")], body)
    }

    #[test]
    fn an_installation_event_is_one_of_the_five_kinds() {
        for (action, expected) in [
            ("created", EventKind::Install),
            ("deleted", EventKind::Uninstall),
            ("new_permissions_accepted", EventKind::Upgrade),
            ("suspend", EventKind::Disable),
            ("unsuspend", EventKind::Enable),
            ("renamed", EventKind::Other("installation.renamed".into())),
        ] {
            let delivery = delivery("installation", &CREATED.replace("created", action)).unwrap();
            let event = delivery.event();
            assert_eq!(event.kind(), &expected);
            assert_eq!(
                (event.app(), event.tenant(), event.installation()),
                ("29310", "21031067", Some("957387"))
            );
            assert_eq!((event.actor(), event.request_id()), (Some("3877742"), Some("72d3162e")));
            assert_eq!(event.occurred(), freshness::parse_unix_seconds("1557933591"));
        }
    }

    #[test]
    fn the_tenant_is_the_target_where_there_is_no_account() {
        for account in ["null", r#"{"slug":"an-enterprise"}"#] {
            let body = CREATED.replace(r#"{"login":"example-org","id":21031067}"#, account);
            assert_eq!(delivery("installation", &body).unwrap().event().tenant(), "3880403");
        }
    }

    #[test]
    fn a_time_is_read_in_both_of_its_forms() {
        let body = CREATED.replace("1557933591", r#""2019-05-15T17:19:51+02:00""#);
        let delivery = delivery("installation", &body).unwrap();
        assert_eq!(delivery.event().occurred(), freshness::parse_unix_seconds("1557933591"));
    }

    #[test]
    fn another_event_that_is_sent_again_as_an_installation_has_not_its_shape() {
        let label = r#"{"action":"deleted","label":{"id":1},"installation":{"id":957387,"node_id":"x"}}"#;
        assert_eq!(delivery("installation", label).unwrap_err(), Undecodable::Missing("installation.app_id"));
        let genuine = delivery("label", label).unwrap();
        assert_eq!(genuine.event().kind(), &EventKind::Other("label.deleted".into()));
        assert!(!genuine.proves(Field::Kind) && !genuine.proves(Field::RequestId));
        assert!(
            genuine.proves(Field::Tenant) && genuine.proves(Field::App) && genuine.proves(Field::Occurred)
        );
    }

    #[test]
    fn a_redelivery_and_a_swapped_event_are_duplicates_and_nobody_can_spend_a_genuine_id() {
        let first = delivery("installation", CREATED).unwrap();
        assert_eq!(first.idempotency_key(), delivery("installation", CREATED).unwrap().idempotency_key());
        assert_eq!(first.idempotency_key(), delivery("ping", CREATED).unwrap().idempotency_key());
        let other = CREATED.replace("created", "deleted");
        assert_ne!(first.idempotency_key(), delivery("installation", &other).unwrap().idempotency_key());
    }

    #[test]
    fn the_payload_keeps_what_is_not_known() {
        let delivery = delivery("installation", CREATED).unwrap();
        let event: InstallationEvent = delivery.payload().unwrap();
        assert_eq!(format!("{event:?}"), r#"InstallationEvent { action: "created", .. }"#);
        assert_eq!(event.installation.app_id, 29310);
        assert_eq!(event.unknown["sender"]["id"], 3_877_742);
    }
}
