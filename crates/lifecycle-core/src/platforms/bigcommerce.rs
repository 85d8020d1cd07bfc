//! BigCommerce: the callbacks of a single-click app, which are GET requests with a token in their query.
#![cfg_attr(all(doc, not(doctest)), doc = include_str!("../../docs/platforms/bigcommerce.md"))]

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient::{self, Identified, present};
use crate::ack::{Ack, AckFailure};
use crate::event::{EventFields, EventKind};
use crate::idempotency::IdempotencySource;
use crate::platform::{AttemptTime, Method, Platform, Proof};
use crate::rejection::Undecodable;
use crate::token_scheme::{Algorithm, Audience, TokenPlace, TokenScheme};
use crate::trust::Field;
use crate::verified_request::VerifiedRequest;

/// The parameter of the query with the token.
pub const PARAMETER: &str = "signed_payload_jwt";

/// A token by HS256 under the app's client secret, issued by `bc` for the app's client id.
pub const SCHEME: TokenScheme = TokenScheme::new(Algorithm::Hs256, TokenPlace::Query(PARAMETER))
    .with_issuer("bc")
    .with_audience(Audience::App);

/// 200, which BigCommerce does not wait for.
pub const ACK: Ack = Ack::new(200).with_failure(AckFailure::Lost);

/// BigCommerce, for [`Verifier::new`](crate::Verifier::new) with the client id as the app. The kind, which is the last segment of the
/// path, is [not proven](crate::Delivery::proves).
pub static PLATFORM: Platform = Platform::new("bigcommerce", Proof::Token(SCHEME), ACK, decode)
    .with_method(Method::Get)
    .with_attempt_time(AttemptTime::IssuedAt)
    .with_max_body(0);

/// The claims of a callback. `Debug` shows nothing of them.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Payload {
    /// `stores/` and the store's hash.
    pub sub: String,
    /// Who did it: `id`, `email` and `locale`.
    #[serde(default)]
    pub user: Value,
    /// The store's owner: `id` and `email`.
    #[serde(default)]
    pub owner: Value,
    /// Where in the app a `load` leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Claims that are not known here.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Payload(redacted)")
    }
}

fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    let claims: Claims<'a> = lenient::document(request.claims().unwrap_or_default())?;
    let callback = request.unauthenticated_path().rsplit('/').next().filter(|name| !name.is_empty());
    let mut fields =
        EventFields::new(match callback.ok_or(Undecodable::Missing("the path's last segment"))? {
            "uninstall" => EventKind::Uninstall,
            other => EventKind::Other(other.into()),
        });
    fields.unproven(Field::Kind);
    let store = present(claims.sub).and_then(store);
    fields.tenant = store.ok_or(Undecodable::Missing("sub"))?;
    fields.app = match claims.aud {
        Some(Audiences::One(app)) if !app.is_empty() => app,
        // Of several, it is the one that the verifier expects: one that expects any takes no such token.
        Some(Audiences::Many(apps)) => <[_; 1]>::try_from(apps).map_or(Cow::Borrowed(""), |[app]| app),
        _ => return Err(Undecodable::Missing("aud")),
    };
    fields.actor = claims.user.and_then(|user| user.id);
    fields.occurred = claims.iat;
    fields.request_id.clone_from(&claims.jti);
    fields.identity = IdempotencySource::event([claims.jti]);
    Ok(fields)
}

/// The store's hash out of `stores/HASH`.
fn store(subject: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let store = match subject {
        Cow::Borrowed(text) => Cow::Borrowed(text.strip_prefix("stores/")?),
        Cow::Owned(text) => Cow::Owned(text.strip_prefix("stores/")?.to_owned()),
    };
    present(Some(store))
}

#[derive(Deserialize)]
struct Claims<'a> {
    #[serde(default, borrow)]
    aud: Option<Audiences<'a>>,
    #[serde(default, deserialize_with = "lenient::unix_time")]
    iat: Option<SystemTime>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    jti: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    sub: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    user: Option<Identified<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audiences<'a> {
    One(#[serde(borrow)] Cow<'a, str>),
    Many(#[serde(borrow)] Vec<Cow<'a, str>>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Delivery, ExpectedApp, Head, Rejection, Secret, Verifier, testing};
    use std::time::Duration;

    const CLAIMS: &str = r#"{"aud":"U8Rp","iss":"bc","iat":1767225605,"nbf":1767225600,"exp":1767312000,"jti":"c5f0bcf5-a504-4ae6-8dcc-0e40eaa5a070","sub":"stores/z4zn3wo","user":{"id":9876543,"email":"user@example.com"},"owner":{"id":7654321},"url":"/","channel_id":null}"#;

    fn delivery(path: &str, claims: &str) -> Result<Delivery, Undecodable> {
        testing::with_token(&PLATFORM, path, claims, "")
    }

    #[test]
    fn the_path_says_what_happened_and_the_token_to_whom() {
        for (path, kind) in [
            ("/bigcommerce/uninstall", EventKind::Uninstall),
            ("/uninstall", EventKind::Uninstall),
            ("/bigcommerce/remove_user", EventKind::Other("remove_user".into())),
            ("/bigcommerce/load", EventKind::Other("load".into())),
            ("/bigcommerce/install", EventKind::Other("other.install".into())),
        ] {
            let delivery = delivery(path, CLAIMS).unwrap();
            let event = delivery.event();
            assert_eq!((event.kind(), event.app(), event.tenant()), (&kind, "U8Rp", "z4zn3wo"));
            assert_eq!(event.actor(), Some("9876543"));
            assert_eq!(event.request_id(), Some("c5f0bcf5-a504-4ae6-8dcc-0e40eaa5a070"));
            assert_eq!(event.occurred(), Some(testing::now() + Duration::from_secs(5)));
            let unproven = Field::ALL.into_iter().filter(|field| !delivery.proves(*field));
            assert_eq!(unproven.collect::<Vec<_>>(), [Field::Kind]);
            let payload: Payload = delivery.payload().unwrap();
            assert_eq!(
                (payload.sub.as_str(), format!("{payload:?}").as_str()),
                ("stores/z4zn3wo", "Payload(redacted)")
            );
        }
        assert!(delivery("/bigcommerce/", CLAIMS).is_err());
    }

    #[test]
    fn a_callback_names_its_store() {
        for sub in ["", "stores/", "users/z4zn3wo"] {
            let wrong = delivery("/uninstall", &CLAIMS.replace("stores/z4zn3wo", sub)).unwrap_err();
            assert_eq!(wrong, Undecodable::Missing("sub"), "{sub}");
        }
    }

    #[test]
    fn one_audience_is_the_app_and_of_several_it_is_the_expected_one() {
        let aud = |json: &str| delivery("/uninstall", &CLAIMS.replace(r#""U8Rp""#, json));
        assert_eq!(aud(r#"["U8Rp"]"#).unwrap().event().app(), "U8Rp");
        assert_eq!(aud(r#""""#).unwrap_err(), Undecodable::Missing("aud"));
        assert_eq!(aud("null").unwrap_err(), Undecodable::Missing("aud"));
    }

    #[test]
    fn a_token_for_several_apps_is_no_callback_where_any_app_is_expected() {
        let secret = Secret::new("s3cr3t").unwrap();
        let token = SCHEME.sign(&secret, &CLAIMS.replace(r#""U8Rp""#, r#"["another","U8Rp"]"#));
        let target = format!("/uninstall?{PARAMETER}={token}");
        let app = |expected: ExpectedApp| {
            let verifier = Verifier::new(&PLATFORM, secret.clone(), expected).unwrap();
            let verification = verifier.begin(Head::new("GET", &target, [])).map_err(|it| it.rejection)?;
            let delivery = verification.finish(testing::now()).unwrap().delivery().unwrap();
            Ok(delivery.event().app().to_owned())
        };
        assert_eq!(app(ExpectedApp::from("U8Rp")), Ok("U8Rp".to_owned()));
        assert_eq!(app(ExpectedApp::Any), Err(Rejection::InvalidToken));
    }

    #[test]
    fn a_token_is_taken_once_whatever_the_path_says() {
        let key = |path: &str, claims: &str| delivery(path, claims).unwrap().idempotency_key();
        assert_eq!(key("/remove_user", CLAIMS), key("/uninstall", CLAIMS));
        assert_ne!(key("/uninstall", CLAIMS), key("/uninstall", &CLAIMS.replace("c5f0", "c5f1")));
    }
}
