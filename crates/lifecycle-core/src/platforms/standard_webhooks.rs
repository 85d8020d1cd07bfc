//! Standard Webhooks: any sender that signs by this specification. A [`Mapping`] says how it calls its events.
#![cfg_attr(all(doc, not(doctest)), doc = include_str!("../../docs/platforms/standard-webhooks.md"))]

use std::borrow::Cow;
use std::time::Duration;

use super::lenient::present;
use super::members;
use crate::ack::{Ack, AckFailure};
use crate::event::{EventFields, EventKind};
use crate::freshness;
use crate::idempotency::IdempotencySource;
use crate::platform::{AttemptTime, Platform, Proof};
use crate::rejection::Undecodable;
use crate::scheme::{Encoding, KeyForm, Part, Scheme};
use crate::verified_request::VerifiedRequest;

/// The header that carries a signature for each key.
pub const SIGNATURE: &str = "webhook-signature";

/// The header with the id of the event, the same when it is sent again. It is signed.
pub const ID: &str = "webhook-id";

/// The header with the time of the attempt, in seconds since the epoch. It is signed.
pub const TIMESTAMP: &str = "webhook-timestamp";

/// `v1,` and the base64 of the HMAC-SHA256 over the id, `.`, the time, `.` and the raw body, once for each key, with blanks
/// between. The key is what the base64 after `whsec_` says, 24 bytes or more: [`Scheme::secret`] reads it.
pub const SCHEME: Scheme = Scheme::new(&[SIGNATURE])
    .with_prefix("v1,")
    .with_separator(b' ')
    .with_encoding(Encoding::Base64)
    .with_key(KeyForm::Base64 { prefix: "whsec_", at_least: 24 })
    .with_signed(&[Part::Header(ID), Part::Text("."), Part::Header(TIMESTAMP), Part::Text("."), Part::Body]);

/// 200 within 15 s, and retries for 5 days: what the specification advises. A sender may differ.
pub const ACK: Ack = Ack::new(200)
    .with_deadline(Duration::from_secs(15))
    .with_failure(AckFailure::Retried { at_most: Duration::from_secs(5 * 24 * 60 * 60) });

/// How a sender calls its events, and where it names app and tenant.
#[derive(Clone, Copy, Debug)]
pub struct Mapping {
    kinds: &'static [(&'static str, EventKind)],
    app: &'static str,
    tenant: &'static str,
    installation: &'static str,
}

impl Mapping {
    /// The value of the member `type` for each kind of event; another one is an [`EventKind::Other`]. `app` and `tenant` are the
    /// paths of these members, such as `data.tenant_id`; an empty `app` stands for a sender that names none.
    pub const fn new(
        kinds: &'static [(&'static str, EventKind)],
        app: &'static str,
        tenant: &'static str,
    ) -> Self {
        Self { kinds, app, tenant, installation: "" }
    }

    /// The path of the member with the id of the installation.
    #[must_use]
    pub const fn with_installation(mut self, path: &'static str) -> Self {
        self.installation = path;
        self
    }

    pub(crate) fn decode<'a>(&self, request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
        let id = request.signed_header(ID).filter(|id| !id.is_empty()).ok_or(Undecodable::Missing(ID))?;
        if id.contains('.') {
            return Err(Undecodable::Dot(ID));
        }
        let paths = ["type", "timestamp", self.app, self.tenant, self.installation];
        let [kind, timestamp, app, tenant, installation] = members::at(paths, request.body())?;
        let name = present(kind).ok_or(Undecodable::Missing("type"))?;
        let mut fields = EventFields::new(self.kind(&name));
        if fields.kind.is_known() {
            fields.tenant = present(tenant).ok_or(Undecodable::Missing(self.tenant))?;
            if !self.app.is_empty() {
                fields.app = present(app).ok_or(Undecodable::Missing(self.app))?;
            }
        } else {
            fields.app = app.unwrap_or_default();
            fields.tenant = tenant.unwrap_or_default();
        }
        fields.installation = present(installation);
        fields.request_id = Some(Cow::Borrowed(id));
        fields.identity = IdempotencySource::event([fields.request_id.clone()]);
        fields.occurred = timestamp.as_deref().and_then(freshness::parse_instant);
        Ok(fields)
    }

    fn kind(&self, name: &str) -> EventKind {
        let known = self.kinds.iter().find(|(own, _)| *own == name);
        known.map_or_else(|| EventKind::Other(name.into()), |(_, kind)| kind.clone())
    }
}

/// A sender by this specification, for [`Verifier::new`](crate::Verifier::new). An attempt may be 5 minutes old.
///
/// ```
/// use lifecycle_core::standard_webhooks::{self, Mapping};
/// use lifecycle_core::{EventKind, Platform, Verifier};
///
/// static MAPPING: Mapping = Mapping::new(
///     &[("subscription.created", EventKind::Install), ("subscription.revoked", EventKind::Uninstall)],
///     "data.product_id",
///     "data.customer_id",
/// );
/// static ACME: Platform = standard_webhooks::platform("acme", standard_webhooks::ACK, &MAPPING);
///
/// let secret = standard_webhooks::SCHEME.secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
/// let verifier = Verifier::new(&ACME, secret, "prod_1")?;
/// assert_eq!(verifier.platform().name(), "acme");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub const fn platform(name: &'static str, ack: Ack, mapping: &'static Mapping) -> Platform {
    Platform::mapped(name, Proof::Hmac(SCHEME), ack, mapping)
        .with_attempt_time(AttemptTime::Header(TIMESTAMP))
        .with_max_age(Duration::from_secs(300))
}

/// A sender whose events are called `app.installed`, `app.enabled`, `app.upgraded`, `app.disabled` and `app.uninstalled`, with
/// `data.app_id` and `data.tenant_id`: for an app that may choose, and for tests.
pub static PLATFORM: Platform = platform("standard-webhooks", ACK, &MAPPING);

static MAPPING: Mapping = Mapping::new(
    &[
        ("app.installed", EventKind::Install),
        ("app.enabled", EventKind::Enable),
        ("app.upgraded", EventKind::Upgrade),
        ("app.disabled", EventKind::Disable),
        ("app.uninstalled", EventKind::Uninstall),
    ],
    "data.app_id",
    "data.tenant_id",
)
.with_installation("data.installation_id");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Delivery, Field, Secret, Secrets, SigningSecret, Trust, testing};

    const INSTALLED: &str = r#"{"type":"app.installed","timestamp":"2025-12-31T23:59:59.344522Z","data":{"app_id":"app_1","tenant_id":"ten_1","installation_id":3}}"#;

    fn delivery(id: &str, body: &str) -> Result<Delivery, Undecodable> {
        testing::with_headers(&PLATFORM, &[(ID, id), (TIMESTAMP, "1767225600")], body)
    }

    #[test]
    fn an_event_has_the_kind_and_the_places_of_its_mapping() {
        for (name, kind) in [
            ("app.installed", EventKind::Install),
            ("app.enabled", EventKind::Enable),
            ("app.upgraded", EventKind::Upgrade),
            ("app.disabled", EventKind::Disable),
            ("app.uninstalled", EventKind::Uninstall),
            ("app.renamed", EventKind::Other("app.renamed".into())),
        ] {
            let delivery = delivery("msg_1", &INSTALLED.replace("app.installed", name)).unwrap();
            let event = delivery.event();
            assert_eq!((event.kind(), event.app(), event.tenant()), (&kind, "app_1", "ten_1"));
            assert_eq!((event.installation(), event.request_id()), (Some("3"), Some("msg_1")));
            assert_eq!(event.occurred(), freshness::parse_instant("2025-12-31T23:59:59.344522Z"));
            assert!(Field::ALL.into_iter().all(|field| delivery.proves(field)));
        }
    }

    #[test]
    fn the_id_is_one_that_cannot_be_cut_in_two_ways() {
        for id in ["msg.1", ".", ".1", "1."] {
            let refused = delivery(id, INSTALLED).unwrap_err();
            assert_eq!(refused, Undecodable::Dot(ID), "{id}");
            assert!(refused.to_string().contains("has a dot in it"), "it is there, and not empty: {refused}");
        }
        assert_eq!(delivery("", INSTALLED).unwrap_err(), Undecodable::Missing(ID));
    }

    #[test]
    fn an_event_is_told_from_another_by_its_id() {
        let key = |id: &str, body: &str| delivery(id, body).unwrap().idempotency_key();
        assert_eq!(key("msg_1", INSTALLED), key("msg_1", &INSTALLED.replace("3}", "4}")));
        assert_ne!(key("msg_1", INSTALLED), key("msg_2", INSTALLED));
    }

    #[test]
    fn a_known_kind_names_its_app_and_its_tenant() {
        for (cut, missing) in
            [("app_1", "data.app_id"), ("ten_1", "data.tenant_id"), ("app.installed", "type")]
        {
            assert_eq!(
                delivery("m", &INSTALLED.replace(cut, "")).unwrap_err(),
                Undecodable::Missing(missing)
            );
        }
    }

    #[test]
    fn one_verifier_may_hold_a_key_and_the_text_that_some_senders_take_for_it() {
        const SHOWN: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let (decoded, text) = (SCHEME.secret(SHOWN).unwrap(), Secret::new(SHOWN).unwrap());
        let both = Secrets::from(decoded.clone()).or(SigningSecret::new("text", &text));
        let headers: [(&str, &[u8]); 2] = [(ID, b"msg_1"), (TIMESTAMP, b"1767225600")];
        for (signing, name) in [(&decoded, "current"), (&text, "text")] {
            let signature = SCHEME.sign(signing, &headers, INSTALLED.as_bytes());
            let signed = [&headers[..], &[(SIGNATURE, signature.as_bytes())]].concat();
            let verify =
                |secrets: &Secrets| SCHEME.verify(secrets, &signed, INSTALLED.as_bytes(), testing::now());
            let Trust::Signed { secret, .. } = verify(&both).unwrap() else { panic!("not an HMAC") };
            assert_eq!(secret.as_str(), name);
            assert_eq!(verify(&decoded.clone().into()).is_ok(), name == "current");
        }
    }
}
