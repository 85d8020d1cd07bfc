//! monday.com: an app's lifecycle webhooks, with a token in the header `authorization` that proves who, and not what.
#![cfg_attr(all(doc, not(doctest)), doc = include_str!("../../docs/platforms/monday.md"))]

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient::{self, present};
use crate::ack::Ack;
use crate::event::{EventFields, EventKind};
use crate::freshness;
use crate::idempotency::IdempotencySource;
use crate::platform::{AttemptTime, Platform, Proof};
use crate::rejection::Undecodable;
use crate::token_scheme::{Algorithm, TokenPlace, TokenScheme};
use crate::trust::Field;
use crate::verified_request::VerifiedRequest;

/// The header with the token.
pub const AUTHORIZATION: &str = "authorization";

/// A token by HS256, with or without the word `Bearer` in front. The key is the app's *client secret*; its *signing secret* is for
/// calls of integrations. A token that opens monday's API may be among the claims: it is withheld.
pub const SCHEME: TokenScheme =
    TokenScheme::new(Algorithm::Hs256, TokenPlace::Header { name: AUTHORIZATION, words: &["", "Bearer"] })
        .with_withheld(&["shortLivedToken", "short_lived_token"]);

/// 200. monday names no deadline.
pub const ACK: Ack = Ack::new(200);

/// monday.com, for [`Verifier::new`](crate::Verifier::new). Account and app are proven; kind, time, version and actor are
/// [not](crate::Delivery::proves).
pub static PLATFORM: Platform =
    Platform::new("monday", Proof::Token(SCHEME), ACK, decode).with_attempt_time(AttemptTime::IssuedAt);

/// The body of a webhook, which nothing proves: read it by
/// [`Delivery::unauthenticated_payload`](crate::Delivery::unauthenticated_payload). `Debug` shows the type only.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Webhook {
    /// The type of the event, such as `install`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is about: account, user, subscription.
    #[serde(default)]
    pub data: Value,
    /// Members that are not known yet.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("kind", &self.kind).finish_non_exhaustive()
    }
}

fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    let claims: Claims<'a> = lenient::document(request.claims().unwrap_or_default())?;
    let body: Body<'a> = lenient::document(request.unauthenticated_body().unwrap_or_default())?;
    let name = present(body.kind).ok_or(Undecodable::Missing("type"))?;
    let data = body.data.unwrap_or_default();
    let mut fields = EventFields::new(match &*name {
        "install" => EventKind::Install,
        "uninstall" => EventKind::Uninstall,
        other => EventKind::Other(other.into()),
    });
    fields.unproven(Field::Kind);

    // Lifecycle tokens have been seen with all in `dat`; those of integrations are flat, and name no app.
    let dat = claims.dat.unwrap_or_default();
    // A browser gets a token under the same secret. Whoever may only look at an account installs nothing there.
    if fields.kind.is_known() && (dat.is_guest || dat.is_view_only) {
        return Err(Undecodable::Contradiction("type"));
    }
    let tenant = present(dat.account).or(present(claims.account));
    let tenant = tenant.ok_or(Undecodable::Missing("dat.account_id"))?;
    agree("data.account_id", Some(&tenant), data.account.as_ref())?;
    let app = present(dat.app);
    agree("data.app_id", app.as_ref(), data.app.as_ref())?;
    if app.is_none() {
        fields.unproven(Field::App);
    }
    fields.app = app.or(data.app).unwrap_or_default();
    if fields.kind.is_known() && fields.app.is_empty() {
        return Err(Undecodable::Missing("dat.app_id"));
    }
    fields.tenant = tenant;
    // Of a subscription it is the account's first administrator, who has done nothing.
    fields.actor = dat.user.or(claims.user).filter(|_| fields.kind.is_known());
    fields.unproven(Field::Actor); // as the kind decides

    fields.version = data.version.and_then(|version| version.text());
    fields.unproven(Field::Version);
    fields.occurred = data.timestamp.as_deref().and_then(freshness::parse_instant);
    fields.unproven(Field::Occurred);
    fields.identity = IdempotencySource::told([data.timestamp]);
    Ok(fields)
}

/// What the body names is what the token proves.
fn agree(
    place: &'static str,
    proven: Option<&Cow<'_, str>>,
    told: Option<&Cow<'_, str>>,
) -> Result<(), Undecodable> {
    match (proven, told) {
        (Some(proven), Some(told)) if proven != told => Err(Undecodable::Contradiction(place)),
        _ => Ok(()),
    }
}

#[derive(Deserialize)]
struct Claims<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    dat: Option<Dat<'a>>,
    #[serde(default, borrow, rename = "accountId", deserialize_with = "lenient::id")]
    account: Option<Cow<'a, str>>,
    #[serde(default, borrow, rename = "userId", deserialize_with = "lenient::id")]
    user: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
struct Dat<'a> {
    #[serde(default, borrow, rename = "account_id", deserialize_with = "lenient::id")]
    account: Option<Cow<'a, str>>,
    #[serde(default, borrow, rename = "app_id", deserialize_with = "lenient::id")]
    app: Option<Cow<'a, str>>,
    #[serde(default, borrow, rename = "user_id", deserialize_with = "lenient::id")]
    user: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "lenient::is_true")]
    is_guest: bool,
    #[serde(default, deserialize_with = "lenient::is_true")]
    is_view_only: bool,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(default, borrow, rename = "type", deserialize_with = "lenient::text")]
    kind: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    data: Option<Data<'a>>,
}

#[derive(Default, Deserialize)]
struct Data<'a> {
    #[serde(default, borrow, rename = "account_id", deserialize_with = "lenient::id")]
    account: Option<Cow<'a, str>>,
    #[serde(default, borrow, rename = "app_id", deserialize_with = "lenient::id")]
    app: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    timestamp: Option<Cow<'a, str>>,
    #[serde(default, borrow, rename = "version_data", deserialize_with = "lenient::object")]
    version: Option<Version<'a>>,
}

#[derive(Deserialize)]
struct Version<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::id")]
    major: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::id")]
    minor: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::id")]
    patch: Option<Cow<'a, str>>,
}

impl Version<'_> {
    fn text(&self) -> Option<Cow<'static, str>> {
        let (major, minor) = (self.major.as_deref()?, self.minor.as_deref().unwrap_or("0"));
        Some(format!("{major}.{minor}.{}", self.patch.as_deref().unwrap_or("0")).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Delivery, testing};

    const CLAIMS: &str = r#"{"dat":{"client_id":"b11a","app_version_id":10400001,"install_id":11200001,"app_id":1000000000,"account_id":777777,"user_id":2,"is_admin":true},"iat":1767225600,"exp":1767225900}"#;
    const INSTALL: &str = r#"{"type":"install","data":{"app_id":1000000000,"user_id":2,"account_id":777777,"version_data":{"major":4,"minor":5,"patch":0,"type":"minor","number":16},"timestamp":"2026-01-01T00:00:00.000+00:00"}}"#;

    fn delivery(claims: &str, body: &str) -> Result<Delivery, Undecodable> {
        testing::with_token(&PLATFORM, "/monday", claims, body)
    }

    #[test]
    fn an_install_is_of_the_account_that_the_token_proves() {
        let delivery = delivery(CLAIMS, INSTALL).unwrap();
        let event = delivery.event();
        assert_eq!(
            (event.kind(), event.app(), event.tenant()),
            (&EventKind::Install, "1000000000", "777777")
        );
        assert_eq!((event.actor(), event.version()), (Some("2"), Some("4.5.0")));
        assert_eq!(event.occurred(), Some(testing::now()));
        let unproven = Field::ALL.into_iter().filter(|field| !delivery.proves(*field));
        assert_eq!(
            unproven.collect::<Vec<_>>(),
            [Field::Actor, Field::Kind, Field::Occurred, Field::Version]
        );
        let webhook: Webhook = delivery.unauthenticated_payload().unwrap();
        assert_eq!(format!("{webhook:?}"), r#"Webhook { kind: "install", .. }"#);
    }

    #[test]
    fn a_body_that_names_another_account_or_app_contradicts_the_token() {
        for (from, to, place) in [("777777", "777778", "data.account_id"), ("1000000000", "1", "data.app_id")]
        {
            let told = delivery(CLAIMS, &INSTALL.replace(from, to)).unwrap_err();
            assert_eq!(told, Undecodable::Contradiction(place));
        }
        let bare = delivery(CLAIMS, r#"{"type":"uninstall"}"#).unwrap();
        assert_eq!((bare.event().tenant(), bare.event().app()), ("777777", "1000000000"));
    }

    #[test]
    fn a_flat_token_proves_the_account_and_no_app() {
        let flat =
            r#"{"accountId":777777,"userId":2,"aud":"https://a.example","iat":1767225600,"exp":1767225900}"#;
        let taken = delivery(flat, INSTALL).unwrap();
        assert_eq!((taken.event().tenant(), taken.event().app()), ("777777", "1000000000"));
        assert!(taken.proves(Field::Tenant) && !taken.proves(Field::App));
        let nobody = r#"{"iat":1767225600,"exp":1767225900}"#;
        assert_eq!(delivery(nobody, INSTALL).unwrap_err(), Undecodable::Missing("dat.account_id"));
    }

    #[test]
    fn a_token_for_the_api_is_in_nothing_that_is_kept() {
        for claims in [
            CLAIMS.replace("\"is_admin\":true", "\"short_lived_token\":\"live-token\""),
            CLAIMS.replace("\"iat\"", "\"shortLivedToken\":\"live-token\",\"iat\""),
        ] {
            let delivery = delivery(&claims, INSTALL).unwrap();
            assert!(delivery.claims().unwrap().contains(r#"oken":null"#));
            let stored = delivery.envelope().to_json();
            assert!(!stored.contains("live-token") && !stored.contains("authorization"), "{stored}");
        }
    }

    #[test]
    fn an_event_is_told_from_another_by_its_time_and_its_kind() {
        let key = |claims: &str, body: &str| delivery(claims, body).unwrap().idempotency_key();
        let again = CLAIMS.replace("1767225600", "1767225660").replace("1767225900", "1767225960");
        assert_eq!(key(CLAIMS, INSTALL), key(&again, INSTALL), "a repeat may be signed again");
        assert_ne!(key(CLAIMS, INSTALL), key(CLAIMS, &INSTALL.replace("\"install", "\"uninstall")));
        assert_ne!(key(CLAIMS, INSTALL), key(CLAIMS, &INSTALL.replace("00:00:00.000", "00:00:01.000")));
    }
}
