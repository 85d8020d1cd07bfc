//! SecurityScorecard: the installation hook, of which nothing proves the sender.
#![cfg_attr(all(doc, not(doctest)), doc = include_str!("../../docs/platforms/securityscorecard.md"))]

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ack::{Ack, AckFailure};
use crate::event::{EventFields, EventKind};
use crate::freshness;
use crate::idempotency::{IdempotencySource, is_placeholder_of_a_time};
use crate::platform::{Platform, Proof};
use crate::platforms::lenient::{self, present};
use crate::rejection::Undecodable;
use crate::verified_request::VerifiedRequest;

/// The one event type that is documented; compared exactly.
pub const APP_INSTALLED: &str = "app.installed";

/// 200. 36 h is the longest that the platform documents for a retry of any of its webhooks.
pub const ACK: Ack =
    Ack::new(200).with_failure(AckFailure::Retried { at_most: Duration::from_secs(36 * 60 * 60) });

/// SecurityScorecard's hook, for [`Verifier::new`](crate::Verifier::new) with a [`HookToken`](crate::HookToken).
pub static PLATFORM: Platform = Platform::new("securityscorecard", Proof::UnguessableUrl, ACK, decode);

/// The body of a hook call. `Debug` shows no person.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Hook {
    /// The event.
    pub event: HookEvent,
    /// Members that are not known yet.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").field("event", &self.event).finish_non_exhaustive()
    }
}

/// The event of a hook call.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HookEvent {
    /// The type, such as [`APP_INSTALLED`].
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is about; of the shape of [`Installed`] for `app.installed`.
    #[serde(default)]
    pub payload: Value,
    /// Members that are not known yet.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for HookEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookEvent").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The payload of `app.installed`.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Installed {
    /// The app.
    pub app: InstalledApp,
    /// The user who installed it.
    pub user: InstallingUser,
    /// When, in ISO 8601.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed_at: Option<String>,
    /// Members that are not known yet.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for Installed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Installed").field("app", &self.app.id).finish_non_exhaustive()
    }
}

/// The app that was installed.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct InstalledApp {
    /// The app's id, which is its OAuth client id too.
    pub id: String,
    /// Members that are not known yet.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for InstalledApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstalledApp").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The user who installed the app.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct InstallingUser {
    /// The user's name, which looks like an e-mail address.
    pub username: String,
    /// The user's e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The domain of the user's organization. Spelled in camel case, unlike its neighbours.
    #[serde(
        default,
        rename = "organizationDomain",
        alias = "organization_domain",
        skip_serializing_if = "Option::is_none"
    )]
    pub organization_domain: Option<String>,
    /// Members that are not known yet.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for InstallingUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstallingUser").finish_non_exhaustive()
    }
}

fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    let body: Body<'a> = lenient::document(request.body())?;
    let event = body.event.ok_or(Undecodable::Missing("event"))?;
    let name = present(event.kind).ok_or(Undecodable::Missing("event.type"))?;
    if name != APP_INSTALLED {
        return Ok(EventFields::new(EventKind::Other(name.into())));
    }
    // Only now does the payload have to have a shape: that of another type may be anything.
    let payload = event.payload.ok_or(Undecodable::Missing("event.payload"))?;
    let payload: Payload<'a> = lenient::document(payload.get())?;
    let mut fields = EventFields::new(EventKind::Install);
    fields.app = present(payload.app.id).ok_or(Undecodable::Missing("event.payload.app.id"))?;
    fields.tenant =
        present(payload.user.username).ok_or(Undecodable::Missing("event.payload.user.username"))?;
    fields.actor = Some(fields.tenant.clone());
    fields.occurred = payload.installed_at.as_deref().and_then(freshness::parse_instant);
    let time = payload.installed_at.filter(|time| !is_placeholder_of_a_time(time));
    fields.identity = IdempotencySource::told([time]);
    Ok(fields)
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    event: Option<BodyEvent<'a>>,
}

#[derive(Deserialize)]
struct BodyEvent<'a> {
    #[serde(default, borrow, rename = "type", deserialize_with = "lenient::text")]
    kind: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    payload: Option<&'a serde_json::value::RawValue>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(default, borrow)]
    app: PayloadApp<'a>,
    #[serde(default, borrow)]
    user: PayloadUser<'a>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    installed_at: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
struct PayloadApp<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    id: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
struct PayloadUser<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    username: Option<Cow<'a, str>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Delivery, testing};

    const SAMPLE: &str = r#"{"event":{"type":"app.installed","payload":{"app":{"id":"6f1c"},"user":{"username":"jordan.lee@example.com","email":"jordan.lee@example.com","organizationDomain":"example.com"},"installed_at":"2021-05-12T12:50:43.743Z"}}}"#;

    fn delivery(body: &str) -> Result<Delivery, Undecodable> {
        testing::delivery(&PLATFORM, body)
    }

    #[test]
    fn an_installation_is_per_user() {
        let delivery = delivery(SAMPLE).unwrap();
        let event = delivery.event();
        assert_eq!((event.kind(), event.app()), (&EventKind::Install, "6f1c"));
        assert_eq!(event.tenant(), "jordan.lee@example.com");
        assert_eq!(event.occurred(), freshness::parse_instant("2021-05-12T12:50:43.743Z"));
    }

    #[test]
    fn the_type_is_compared_exactly_and_others_may_have_any_payload() {
        for kind in ["app.uninstalled", "APP.INSTALLED", "app.installed ", "app"] {
            let body = format!(r#"{{"event":{{"type":"{kind}","payload":[1]}}}}"#);
            assert_eq!(delivery(&body).unwrap().event().kind(), &EventKind::Other(kind.into()));
        }
    }

    #[test]
    fn an_installation_names_its_app_and_its_user() {
        for (cut, missing) in [
            (r#""id":"6f1c""#, "event.payload.app.id"),
            (r#""username":"jordan.lee@example.com","#, "event.payload.user.username"),
            (r#""type":"app.installed","#, "event.type"),
        ] {
            let error = delivery(&SAMPLE.replace(cut, "")).unwrap_err();
            assert_eq!(error, Undecodable::Missing(missing));
        }
    }

    #[test]
    fn the_payload_keeps_what_is_not_known_and_takes_both_spellings() {
        let body = SAMPLE
            .replace("organizationDomain", "organization_domain")
            .replace(r#""app":{"#, r#""app":{"new":1,"#);
        let delivery = delivery(&body).unwrap();
        let hook: Hook = delivery.payload().unwrap();
        let shown = format!("{hook:?} {:?}", hook.event);
        assert!(!shown.contains("jordan"), "{shown}");
        let installed: Installed = serde_json::from_value(hook.event.payload).unwrap();
        assert_eq!(installed.user.organization_domain.as_deref(), Some("example.com"));
        assert_eq!(installed.app.unknown["new"], 1);
        let shown = format!("{installed:?} {:?}", installed.user);
        assert!(!shown.contains("jordan"), "{shown}");
    }
}
